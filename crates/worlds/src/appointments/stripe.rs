//! The payment accounts: payment pages, invoices, charges and refunds, as the provider's API
//! gives them.

use std::cmp::Reverse;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::life::{Charge, Invoice, World};
use super::profile::{Plan, STUDIOS};
use crate::clock::{DAY, LOST_AT, Seconds, TAKEN_AT};
use crate::error::WorldError;
use crate::ledger::{Item, Ledger};
use crate::stripe::{ChargeObject, customer_object, list, refund_object};
use crate::tables::Writer;

const CHARGE: &str = "stripe.charge";
const SESSION: &str = "stripe.checkout.session";
const INVOICE: &str = "stripe.invoice";
const REFUND: &str = "stripe.refund";

/// Writes all accounts into `dir/stripe`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let dir = dir.join("stripe");
    // The newest first, as the API lists them.
    let mut charges: Vec<usize> = (0..world.charges.len())
        .filter(|i| {
            let charge = &world.charges[*i];
            charge.created <= world.until(charge.visit)
        })
        .collect();
    charges.sort_by_key(|i| (Reverse(world.charges[*i].created), *i));
    for (studio, profile) in STUDIOS.iter().enumerate() {
        let Some(name) = profile.account else { continue };
        let folder = dir.join(name);
        fs::create_dir_all(&folder).map_err(WorldError::write(&folder))?;
        let mine = charges.iter().copied().filter(|i| world.charges[*i].studio == studio);
        let mut account = Account { world, studio, charges: mine.collect(), ledger, dir: &folder };
        account.charges()?;
        account.refunds()?;
        match profile.paid {
            Plan::DepositPercent(_) => account.sessions()?,
            Plan::Invoice => {
                account.invoices()?;
                account.customers()?;
            }
            Plan::FullOnline | Plan::Till => {}
        }
    }
    Ok(())
}

impl World {
    /// Until when the outside heard of a visit: nothing happened between loss and restore.
    pub(super) fn until(&self, visit: Option<usize>) -> Seconds {
        let staff = visit.is_some_and(|i| self.visits[i].writer == Writer::Staff);
        if staff { TAKEN_AT } else { LOST_AT }
    }
}

/// One account's lists.
struct Account<'a> {
    world: &'a World,
    studio: usize,
    charges: Vec<usize>,
    ledger: &'a mut Ledger,
    dir: &'a Path,
}

fn enter(ledger: &mut Ledger, kind: &'static str, native: &str, charge: &Charge, at: Seconds) {
    let Some(booking) = charge.visit else { return ledger.unrelated(kind) };
    ledger.about(Item {
        kind,
        native: native.to_owned(),
        booking,
        payments: charge.payment.into_iter().collect(),
        at,
        tells: !charge.failed,
        by_hand: false,
    });
}

impl Account<'_> {
    fn currency(&self) -> String {
        STUDIOS[self.studio].currency.to_lowercase()
    }

    fn charges(&mut self) -> Result<(), WorldError> {
        let (world, currency) = (self.world, self.currency());
        list(self.dir, "charges", |out| {
            for i in &self.charges {
                let charge = &world.charges[*i];
                enter(self.ledger, CHARGE, &charge.id, charge, charge.created);
                let object = ChargeObject {
                    id: &charge.id,
                    amount: charge.amount,
                    refunded: charge.refunded(),
                    created: charge.created,
                    currency: currency.clone(),
                    country: STUDIOS[self.studio].country,
                    name: Some(&charge.name),
                    email: charge.email.as_deref(),
                    customer: charge.payer.as_deref(),
                    intent: Some(&charge.intent),
                    invoice: charge.invoice.map(|n| world.invoices[n].id.as_str()),
                    description: world.description(charge),
                    metadata: Map::new(),
                    card: &charge.card,
                    terminal: false,
                    failed: charge.failed,
                };
                out.push(&object.json())?;
            }
            Ok(())
        })
    }

    fn refunds(&mut self) -> Result<(), WorldError> {
        let (world, currency) = (self.world, self.currency());
        let refunded = |i: &usize| world.charges[*i].refund.as_ref().map(|(at, ..)| (-at, *i));
        let mut refunds: Vec<(i64, usize)> = self.charges.iter().filter_map(refunded).collect();
        refunds.sort_unstable();
        list(self.dir, "refunds", |out| {
            for (_, i) in refunds {
                let charge = &world.charges[i];
                let Some((at, amount, id)) = &charge.refund else { continue };
                let Some(booking) = charge.visit else { continue };
                // The payment given back, and the row that says so.
                let back =
                    world.payments_of(booking).filter(|p| world.payments[*p].charge == Some(i));
                let (native, payments) = (id.clone(), back.collect());
                let (kind, at, tells, by_hand) = (REFUND, *at, true, false);
                self.ledger.about(Item { kind, native, booking, payments, at, tells, by_hand });
                let intent = Some(charge.intent.as_str());
                out.push(&refund_object(id, *amount, at, &currency, &charge.id, intent))?;
            }
            Ok(())
        })
    }

    /// Payment pages: they alone know what was paid for.
    fn sessions(&mut self) -> Result<(), WorldError> {
        let (world, currency) = (self.world, self.currency());
        list(self.dir, "checkout/sessions", |out| {
            for i in &self.charges {
                let charge = &world.charges[*i];
                // A page stays open until a card is taken.
                let (Some(id), false) = (&charge.session, charge.failed) else { continue };
                let Some(booking) = charge.visit else { continue };
                enter(self.ledger, SESSION, id, charge, charge.created);
                let visit = &world.visits[booking];
                out.push(&json!({
                    "id": id, "object": "checkout.session", "amount_subtotal": charge.amount,
                    "amount_total": charge.amount, "client_reference_id": visit.code,
                    "created": visit.created + 4, "currency": currency, "customer": null,
                    "customer_details": {
                        "email": charge.email, "name": charge.name,
                        "phone": world.clients[visit.client].mobile,
                    },
                    "livemode": true, "metadata": { "rdv": visit.id },
                    "mode": "payment", "payment_intent": charge.intent,
                    "payment_status": "paid", "status": "complete",
                }))?;
            }
            Ok(())
        })
    }

    fn invoices(&mut self) -> Result<(), WorldError> {
        let (world, currency) = (self.world, self.currency());
        let mut order: Vec<&Invoice> = world.invoices.iter().collect();
        order.retain(|invoice| invoice.created <= world.until(Some(invoice.visit)));
        order.sort_by_key(|invoice| (Reverse(invoice.created), &invoice.id));
        list(self.dir, "invoices", |out| {
            for invoice in order {
                let until = world.until(Some(invoice.visit));
                let paid = invoice.paid.filter(|(at, _)| *at <= until);
                self.ledger.about(Item {
                    kind: INVOICE,
                    native: invoice.id.clone(),
                    booking: invoice.visit,
                    payments: paid.map(|(_, payment)| payment).into_iter().collect(),
                    at: paid.map_or(invoice.created, |(at, _)| at),
                    tells: true,
                    by_hand: false,
                });
                out.push(&invoice_object(world, invoice, paid, &currency))?;
            }
            Ok(())
        })
    }

    fn customers(&mut self) -> Result<(), WorldError> {
        let world = self.world;
        let mut payers: Vec<(i64, usize, &str)> = Vec::new();
        for (i, client) in world.clients.iter().enumerate() {
            let until = if client.writer == Writer::Staff { TAKEN_AT } else { LOST_AT };
            let payer = client.payer.as_ref().filter(|(at, _)| *at <= until);
            let mine = payer.filter(|_| client.studio == self.studio);
            payers.extend(mine.map(|(at, id)| (-at, i, id.as_str())));
        }
        payers.sort_unstable();
        list(self.dir, "customers", |out| {
            for (at, i, id) in payers {
                let client = &world.clients[i];
                self.ledger.payer(i, id.to_owned());
                let (email, mobile) = (client.email.as_deref(), Some(client.mobile.as_str()));
                out.push(&customer_object(id, -at, &client.name(), email, mobile))?;
            }
            Ok(())
        })
    }
}

impl World {
    /// What a charge says of itself: a payment page says nothing.
    fn description(&self, charge: &Charge) -> Option<String> {
        let Some(i) = charge.visit else { return charge.about.map(str::to_owned) };
        if let Some(n) = charge.invoice {
            return Some(format!("Payment for Invoice {}", self.invoices[n].number));
        }
        let visit = &self.visits[i];
        let code = visit.code.as_deref().unwrap_or_default();
        let name = self.clients[visit.client].name();
        charge.session.is_none().then(|| format!("Wizyta {code}, {name}"))
    }
}

fn invoice_object(
    world: &World,
    invoice: &Invoice,
    paid: Option<(Seconds, usize)>,
    currency: &str,
) -> Value {
    let visit = &world.visits[invoice.visit];
    let client = &world.clients[visit.client];
    let version = visit.version(invoice.created);
    let staff = &world.staff[visit.versions[version].terms.staff].shown;
    let day = crate::clock::local(visit.versions[version].terms.start, &world.zones[visit.studio]);
    let lines: Vec<Value> = world
        .lines_of(invoice.visit)
        .iter()
        .map(|line| {
            let service = &world.services[line.service];
            json!({
                "id": format!("il{}{}", &invoice.id[2..], line.position), "object": "line_item",
                "amount": line.price, "currency": currency,
                "description": format!(
                    "{} ({} min) with {staff}, {}", service.title, service.minutes,
                    day.strftime("%b %-d"),
                ),
                "quantity": 1,
            })
        })
        .collect();
    let total: i64 = world.lines_of(invoice.visit).iter().map(|line| line.price).sum();
    let charge = paid.and_then(|(_, payment)| world.payments[payment].charge);
    let charge = charge.map(|charge| &world.charges[charge]);
    json!({
        "id": invoice.id, "object": "invoice", "amount_due": total,
        "amount_paid": if paid.is_some() { total } else { 0 },
        "amount_remaining": if paid.is_some() { 0 } else { total },
        "charge": charge.map(|charge| &charge.id), "collection_method": "send_invoice",
        "created": invoice.created, "currency": currency, "customer": invoice.payer,
        "customer_email": client.email, "customer_name": client.name(),
        "customer_phone": client.mobile, "due_date": invoice.created + 14 * DAY,
        "lines": { "object": "list", "data": lines, "has_more": false },
        "livemode": true, "metadata": { "appointment": visit.code },
        "number": invoice.number, "paid": paid.is_some(),
        "paid_out_of_band": paid.is_some() && charge.is_none(),
        "payment_intent": charge.map(|charge| &charge.intent),
        "status": if paid.is_some() { "paid" } else { "open" },
        "status_transitions": {
            "finalized_at": invoice.created, "paid_at": paid.map(|(at, _)| at),
        },
        "subtotal": total, "total": total,
    })
}
