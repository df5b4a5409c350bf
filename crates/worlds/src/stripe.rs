//! What a payment provider's objects and lists look like.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::clock::Seconds;
use crate::dice::{BASE62, DIGITS, Dice};
use crate::error::WorldError;

/// A payer's card, as a payment shows it.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) brand: &'static str,
    pub(crate) last4: String,
    pub(crate) fingerprint: String,
}

impl Card {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let brand = ["visa", "mastercard", "amex"][dice.weighted(&[55, 37, 8])];
        Self { brand, last4: dice.code(4, DIGITS), fingerprint: dice.code(16, BASE62) }
    }
}

/// A charge as the API shows it. Amounts are in cents.
pub(crate) struct ChargeObject<'a> {
    pub(crate) id: &'a str,
    pub(crate) amount: i64,
    pub(crate) refunded: i64,
    pub(crate) created: Seconds,
    /// ISO 4217, in lower case.
    pub(crate) currency: String,
    pub(crate) country: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
    pub(crate) customer: Option<&'a str>,
    pub(crate) intent: Option<&'a str>,
    /// The invoice that it pays; charges of accounts without invoices do not mention any.
    pub(crate) invoice: Option<&'a str>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) card: &'a Card,
    /// At the desk, through a terminal.
    pub(crate) terminal: bool,
    pub(crate) failed: bool,
}

impl ChargeObject<'_> {
    pub(crate) fn json(self) -> Value {
        let code = self.failed.then_some("card_declined");
        let mut object = json!({
            "id": self.id, "object": "charge", "amount": self.amount,
            "amount_refunded": self.refunded,
            "balance_transaction": (!self.failed).then(|| format!("txn{}", &self.id[2..])),
            "billing_details": {
                "address": { "country": self.country, "postal_code": null },
                "email": self.email, "name": self.name, "phone": null,
            },
            "captured": !self.failed, "created": self.created, "currency": self.currency,
            "customer": self.customer, "description": self.description, "failure_code": code,
            "livemode": true, "metadata": self.metadata, "paid": !self.failed,
            "payment_intent": self.intent,
            "payment_method_details": {
                "card": {
                    "brand": self.card.brand, "fingerprint": self.card.fingerprint,
                    "last4": self.card.last4,
                },
                "type": if self.terminal { "card_present" } else { "card" },
            },
            "receipt_email": self.email, "refunded": self.refunded == self.amount,
            "status": if self.failed { "failed" } else { "succeeded" },
        });
        if let Some(invoice) = self.invoice {
            object["invoice"] = invoice.into();
        }
        object
    }
}

/// A refund as the API shows it.
pub(crate) fn refund_object(
    id: &str,
    amount: i64,
    at: Seconds,
    currency: &str,
    charge: &str,
    intent: Option<&str>,
) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "charge": charge, "created": at,
        "currency": currency, "metadata": {}, "payment_intent": intent,
        "reason": "requested_by_customer", "status": "succeeded",
    })
}

/// A customer as the API shows it.
pub(crate) fn customer_object(
    id: &str,
    created: Seconds,
    name: &str,
    email: Option<&str>,
    phone: Option<&str>,
) -> Value {
    json!({
        "id": id, "object": "customer", "created": created, "currency": null,
        "description": null, "email": email, "livemode": true, "metadata": {}, "name": name,
        "phone": phone,
    })
}

/// A list object that is written as it comes.
pub(crate) struct List {
    out: BufWriter<File>,
    first: bool,
}

impl List {
    pub(crate) fn push(&mut self, object: &Value) -> std::io::Result<()> {
        let between = if self.first { "\n" } else { ",\n" };
        self.first = false;
        self.out.write_all(between.as_bytes())?;
        serde_json::to_writer(&mut self.out, object).map_err(std::io::Error::from)
    }
}

/// Writes a list, as the API gives it, into a folder; `checkout/sessions` becomes
/// `checkout_sessions.json`.
pub(crate) fn list(
    dir: &Path,
    name: &str,
    body: impl FnOnce(&mut List) -> std::io::Result<()>,
) -> Result<(), WorldError> {
    let path = dir.join(format!("{}.json", name.replace('/', "_")));
    let write = || {
        let mut list = List { out: BufWriter::new(File::create(&path)?), first: true };
        let url = format!("/v1/{name}");
        write!(list.out, r#"{{"object":"list","url":"{url}","has_more":false,"data":["#)?;
        body(&mut list)?;
        list.out.write_all(b"\n]}\n")?;
        list.out.flush()
    };
    write().map_err(WorldError::write(&path))
}
