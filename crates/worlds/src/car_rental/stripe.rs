//! The payment accounts: lists of objects as the provider's API gives them, and for one
//! account the Dashboard's export alone.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::clock::{LOST_AT, TAKEN_AT, utc};
use crate::ledger::{Item, Ledger};
use super::life::{Charge, World, Writer};
use super::profile::PROFILES;
use super::words::{Words, fill};
use crate::error::WorldError;

const CHARGE: &str = "stripe.charge";
const INTENT: &str = "stripe.payment_intent";
const REFUND: &str = "stripe.refund";
const ROW: &str = "stripe.dashboard_row";

/// Writes all accounts into `dir/stripe`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let dir = dir.join("stripe");
    fs::create_dir_all(&dir).map_err(WorldError::write(&dir))?;
    // The newest first, as the API lists them.
    let mut order: Vec<usize> =
        (0..world.charges.len()).filter(|i| known(world, &world.charges[*i])).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(world.charges[*i].created), *i));
    for (tenant, profile) in PROFILES.iter().enumerate() {
        let mine = order.iter().filter(|i| world.charges[**i].tenant == tenant).copied();
        if profile.stripe.csv_only {
            let path = dir.join(format!("unified_payments_{}.csv", profile.stripe.account));
            export(world, mine, &path, ledger).map_err(WorldError::write(&path))?;
            continue;
        }
        let folder = dir.join(profile.stripe.account);
        fs::create_dir_all(&folder).map_err(WorldError::write(&folder))?;
        let account = Account { world, tenant, ledger };
        account.write(mine.collect(), &folder)?;
    }
    Ok(())
}

/// Whether the account holds the charge: nothing was charged between loss and restore.
fn known(world: &World, charge: &Charge) -> bool {
    let staff = charge.rental.is_some_and(|i| world.rentals[i].writer == Writer::Staff);
    charge.created <= if staff { TAKEN_AT } else { LOST_AT }
}

/// The words of a charge: its booking as it was then, and what was paid.
fn words(world: &World, charge: &Charge) -> Option<Words> {
    let rental = &world.rentals[charge.rental?];
    let words = Words::of(world, rental, rental.version(charge.created));
    Some(words.with("kind", charge.kind.to_owned()))
}

fn description(world: &World, charge: &Charge) -> Option<String> {
    let style = &world.profile(charge.tenant).stripe;
    match words(world, charge) {
        None => charge.about.clone(),
        // A terminal that no software drives knows of no booking.
        Some(_) if charge.terminal && style.metadata.is_empty() => None,
        Some(words) => Some(fill(style.description, &words)),
    }
}

/// One account's lists.
struct Account<'a> {
    world: &'a World,
    tenant: usize,
    ledger: &'a mut Ledger,
}

impl Account<'_> {
    fn write(self, charges: Vec<usize>, dir: &Path) -> Result<(), WorldError> {
        let world = self.world;
        let enter = |ledger: &mut Ledger, kind, native: &str, charge: &Charge, at| {
            let Some(rental) = charge.rental else { return ledger.unrelated(kind) };
            let payments = charge.payment.into_iter().collect();
            let native = native.to_owned();
            let tells = !charge.failed;
            ledger.about(Item { kind, native, rental, payments, at, tells, by_hand: false });
        };
        let ledger = self.ledger;
        list(dir, "charges", |out| {
            for i in &charges {
                let charge = &world.charges[*i];
                enter(ledger, CHARGE, &charge.id, charge, charge.created);
                out.push(&charge_object(world, charge))?;
            }
            Ok(())
        })?;
        list(dir, "payment_intents", |out| {
            let mut before = None;
            for i in &charges {
                let charge = &world.charges[*i];
                // A failed charge shares its intent with the one that succeeded.
                if let Some(intent) = charge.intent.as_ref().filter(|id| before != Some(*id)) {
                    enter(ledger, INTENT, intent, charge, charge.created);
                    out.push(&intent_object(world, charge, intent))?;
                }
                before = charge.intent.as_ref();
            }
            Ok(())
        })?;
        let mut refunds: Vec<(i64, usize)> = Vec::new();
        for i in &charges {
            refunds.extend(world.charges[*i].refund.as_ref().map(|(at, ..)| (-at, *i)));
        }
        refunds.sort_unstable();
        list(dir, "refunds", |out| {
            for (at, i) in refunds {
                let charge = &world.charges[i];
                let Some((_, amount, id)) = &charge.refund else { continue };
                let Some(rental) = charge.rental else { continue };
                let payments: Vec<usize> = charge.payment.into_iter().collect();
                let (kind, native) = (REFUND, id.clone());
                let (at, tells, by_hand) = (-at, true, false);
                ledger.about(Item { kind, native, rental, payments, at, tells, by_hand });
                out.push(&json!({
                    "id": id, "object": "refund", "amount": amount, "charge": charge.id,
                    "created": at, "currency": currency(self.tenant), "metadata": {},
                    "payment_intent": charge.intent, "reason": "requested_by_customer",
                    "status": "succeeded",
                }))?;
            }
            Ok(())
        })?;
        let mut payers: Vec<(i64, usize, &str)> = Vec::new();
        for (i, customer) in world.customers.iter().enumerate() {
            let staff = customer.writer == Writer::Staff;
            let until = if staff { TAKEN_AT } else { LOST_AT };
            let payer = customer.payer.as_ref().filter(|(at, _)| *at <= until);
            let mine = payer.filter(|_| customer.tenant == self.tenant);
            payers.extend(mine.map(|(at, id)| (-at, i, id.as_str())));
        }
        payers.sort_unstable();
        list(dir, "customers", |out| {
            for (at, i, id) in payers {
                let customer = &world.customers[i];
                ledger.payer(i, id.to_owned());
                out.push(&json!({
                    "id": id, "object": "customer", "created": -at, "currency": null,
                    "description": null, "email": customer.email, "livemode": true,
                    "metadata": {}, "name": format!("{} {}", customer.first, customer.last),
                    "phone": customer.phone,
                }))?;
            }
            Ok(())
        })
    }
}

fn currency(tenant: usize) -> String {
    PROFILES[tenant].currency.to_lowercase()
}

fn metadata(world: &World, charge: &Charge) -> Value {
    let mut map = Map::new();
    if let Some(words) = words(world, charge) {
        for (key, template) in world.profile(charge.tenant).stripe.metadata {
            map.insert((*key).to_owned(), fill(template, &words).into());
        }
    }
    Value::Object(map)
}

fn charge_object(world: &World, charge: &Charge) -> Value {
    let style = &world.profile(charge.tenant).stripe;
    let refunded = charge.refunded(TAKEN_AT);
    let name = (!charge.terminal).then_some(&charge.name);
    let email = charge.email.as_ref().filter(|_| !charge.terminal);
    let code = charge.failed.then_some("card_declined");
    json!({
        "id": charge.id, "object": "charge", "amount": charge.amount,
        "amount_refunded": refunded,
        "balance_transaction": (!charge.failed).then(|| format!("txn{}", &charge.id[2..])),
        "billing_details": {
            "address": { "country": style.country, "postal_code": null },
            "email": email, "name": name, "phone": null,
        },
        "captured": !charge.failed, "created": charge.created,
        "currency": currency(charge.tenant), "customer": charge.payer,
        "description": description(world, charge), "failure_code": code, "livemode": true, "metadata": metadata(world, charge), "paid": !charge.failed,
        "payment_intent": charge.intent,
        "payment_method_details": {
            "card": {
                "brand": charge.card.brand, "fingerprint": charge.card.fingerprint,
                "last4": charge.card.last4,
            },
            "type": if charge.terminal { "card_present" } else { "card" },
        },
        "receipt_email": email, "refunded": refunded == charge.amount,
        "status": if charge.failed { "failed" } else { "succeeded" },
    })
}

fn intent_object(world: &World, charge: &Charge, id: &str) -> Value {
    json!({
        "id": id, "object": "payment_intent", "amount": charge.amount,
        "amount_received": if charge.failed { 0 } else { charge.amount },
        "created": charge.created, "currency": currency(charge.tenant),
        "customer": charge.payer, "description": description(world, charge),
        "latest_charge": charge.id, "livemode": true, "metadata": metadata(world, charge),
        "status": if charge.failed { "requires_payment_method" } else { "succeeded" },
    })
}

/// A list object that is written as it comes.
struct List {
    out: BufWriter<File>,
    first: bool,
}

impl List {
    fn push(&mut self, object: &Value) -> std::io::Result<()> {
        let between = if self.first { "\n" } else { ",\n" };
        self.first = false;
        self.out.write_all(between.as_bytes())?;
        serde_json::to_writer(&mut self.out, object).map_err(std::io::Error::from)
    }
}

fn list(
    dir: &Path,
    name: &str,
    body: impl FnOnce(&mut List) -> std::io::Result<()>,
) -> Result<(), WorldError> {
    let path = dir.join(format!("{name}.json"));
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

/// The Dashboard's export of payments: major units, times in UTC to the minute's second, the
/// metadata as columns at the end.
fn export(
    world: &World,
    charges: impl Iterator<Item = usize>,
    path: &Path,
    ledger: &mut Ledger,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,\
        Decline Reason,Description,Fee,Mode,PaymentIntent ID,Payment Source Type,\
        Refunded date (UTC),Statement Descriptor,Status,Seller Message,Card Last4,Card Brand,\
        Card Name,Customer ID,Customer Email"
        .to_owned();
    let mut style = None;
    for i in charges {
        let charge = &world.charges[i];
        if style.is_none() {
            let keys = world.profile(charge.tenant).stripe.metadata;
            header.extend(keys.iter().map(|(key, _)| format!(",{key} (metadata)")));
            writeln!(out, "{header}")?;
        }
        let profile = *style.get_or_insert(world.profile(charge.tenant));
        let stamp = |at: i64| utc(at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let major = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
        let refunded = charge.refunded(TAKEN_AT);
        let status = match () {
            () if charge.failed => "Failed",
            () if refunded == charge.amount => "Refunded",
            () => "Paid",
        };
        let shown = |text: &Option<String>| text.clone().unwrap_or_default();
        let payer = if charge.terminal {
            (String::new(), String::new())
        } else {
            (charge.name.clone(), shown(&charge.email))
        };
        let mut cells = vec![
            charge.id.clone(),
            stamp(charge.created),
            major(charge.amount),
            major(refunded),
            profile.currency.to_lowercase(),
            (!charge.failed).to_string(),
            if charge.failed { "card_declined".to_owned() } else { String::new() },
            shown(&description(world, charge)),
            if charge.failed { "0.00".to_owned() } else { major(charge.amount * 15 / 1_000 + 20) },
            "Live".to_owned(),
            shown(&charge.intent),
            "card".to_owned(),
            charge.refund.as_ref().map(|(at, ..)| stamp(*at)).unwrap_or_default(),
            profile.stripe.statement.to_owned(),
            status.to_owned(),
            if charge.failed { "The bank declined." } else { "Payment complete." }.to_owned(),
            charge.card.last4.clone(),
            charge.card.brand.to_owned(),
            payer.0,
            shown(&charge.payer),
            payer.1,
        ];
        let words = words(world, charge);
        for (_, template) in profile.stripe.metadata {
            cells.push(words.as_ref().map(|words| fill(template, words)).unwrap_or_default());
        }
        let row: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        writeln!(out, "{}", row.join(","))?;
        match charge.rental {
            None => ledger.unrelated(ROW),
            Some(rental) => ledger.about(Item {
                kind: ROW,
                native: charge.id.clone(),
                rental,
                payments: charge.payment.into_iter().collect(),
                at: charge.refund.as_ref().map_or(charge.created, |(at, ..)| *at),
                tells: !charge.failed,
                by_hand: false,
            }),
        }
    }
    out.flush()
}

/// A cell of a CSV file (RFC 4180).
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
