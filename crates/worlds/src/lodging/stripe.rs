//! The payment accounts with Stripe, as the API lists their objects.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::life::{Charge, Purpose, World};
use super::profile::{HOUSES, House, StripeStyle};
use super::words::words;
use crate::clock::{LOST_AT, TAKEN_AT};
use crate::error::WorldError;
use crate::form::{Words, fill};
use crate::ledger::{Item, Ledger};
use crate::stripe::{ChargeObject, customer_object, list, refund_object};
use crate::tables::Writer;

/// Writes all accounts into `dir/stripe`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let order = newest_first(world);
    for (tenant, house) in HOUSES.iter().enumerate() {
        let Some(style) = house.till.stripe() else { continue };
        let folder = dir.join("stripe").join(style.account);
        fs::create_dir_all(&folder).map_err(WorldError::write(&folder))?;
        let mine = order.iter().map(|i| &world.charges[*i]).filter(|c| c.tenant == tenant);
        let charges = mine.collect();
        let mut account = Account { world, tenant, house, style, charges, ledger };
        account.charges(&folder)?;
        account.intents(&folder)?;
        account.sessions(&folder)?;
        account.refunds(&folder)?;
        account.customers(&folder)?;
    }
    Ok(())
}

/// All charges that were ever made, the newest first: none between loss and restore.
pub(super) fn newest_first(world: &World) -> Vec<usize> {
    let known = |charge: &Charge| {
        let staff = charge.booking.is_some_and(|i| world.bookings[i].writer == Writer::Staff);
        charge.created <= if staff { TAKEN_AT } else { LOST_AT }
    };
    let mut order: Vec<usize> =
        (0..world.charges.len()).filter(|i| known(&world.charges[*i])).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(world.charges[*i].created), *i));
    order
}

/// The words of a charge: its booking as it was then, and what was paid.
pub(super) fn charge_words(world: &World, charge: &Charge) -> Option<Words> {
    let booking = &world.bookings[charge.booking?];
    let words = words(world, booking, booking.version(charge.created));
    let french = match charge.purpose {
        Purpose::Deposit => "Arrhes",
        Purpose::Prepayment | Purpose::Balance | Purpose::Refund => "Solde",
    };
    Some(words.with("purpose_fr", french.to_owned()))
}

/// An item that shows a charge, for the ledger; `None` where it is about no booking.
pub(super) fn shown(kind: &'static str, native: &str, charge: &Charge) -> Option<Item> {
    Some(Item {
        kind,
        native: native.to_owned(),
        booking: charge.booking?,
        payments: charge.entry.into_iter().collect(),
        at: charge.created,
        tells: !charge.failed,
        by_hand: false,
    })
}

/// One account's lists.
struct Account<'a> {
    world: &'a World,
    tenant: usize,
    house: &'static House,
    style: &'static StripeStyle,
    charges: Vec<&'a Charge>,
    ledger: &'a mut Ledger,
}

impl Account<'_> {
    fn currency(&self) -> String {
        self.house.currency.to_lowercase()
    }

    fn enter(&mut self, kind: &'static str, native: &str, charge: &Charge) {
        match shown(kind, native, charge) {
            Some(item) => self.ledger.about(item),
            None => self.ledger.unrelated(kind),
        }
    }

    fn description(&self, charge: &Charge) -> Option<String> {
        let Some(words) = charge_words(self.world, charge) else {
            return charge.about.map(str::to_owned);
        };
        let form = if charge.terminal { self.style.terminal } else { self.style.description };
        (!form.is_empty()).then(|| fill(form, &words))
    }

    fn metadata(&self, charge: &Charge) -> Map<String, Value> {
        // What software drives a terminal writes there what it writes on the web.
        let silent = charge.terminal && self.style.terminal.is_empty();
        let words = charge_words(self.world, charge).filter(|_| !silent);
        let Some(words) = words else { return Map::new() };
        let entries = self.style.metadata.iter();
        entries.map(|(key, form)| ((*key).to_owned(), fill(form, &words).into())).collect()
    }

    /// The metadata of charges and intents: none where a session has it.
    fn own_metadata(&self, charge: &Charge) -> Map<String, Value> {
        if self.style.sessions { Map::new() } else { self.metadata(charge) }
    }

    fn charges(&mut self, dir: &Path) -> Result<(), WorldError> {
        list(dir, "charges", |out| {
            for charge in self.charges.clone() {
                self.enter("stripe.charge", &charge.id, charge);
                let shows = !charge.terminal;
                let mut object = ChargeObject {
                    id: &charge.id,
                    amount: charge.amount,
                    refunded: charge.refunded(TAKEN_AT),
                    created: charge.created,
                    currency: self.currency(),
                    country: charge.country,
                    name: Some(charge.name.as_str()).filter(|_| shows),
                    email: charge.email.as_deref().filter(|_| shows),
                    customer: charge.payer.as_deref(),
                    intent: charge.intent.as_deref(),
                    invoice: None,
                    description: self.description(charge),
                    metadata: self.own_metadata(charge),
                    card: &charge.card,
                    terminal: charge.terminal,
                    failed: charge.failed,
                }
                .json();
                if charge.terminal {
                    object["billing_details"]["address"]["country"] = Value::Null;
                }
                if charge.means == "ideal" {
                    object["payment_method_details"] = json!({
                        "ideal": {
                            "bank": "rabobank", "bic": "RABONL2U",
                            "iban_last4": charge.card.last4, "verified_name": charge.name,
                        },
                        "type": "ideal",
                    });
                }
                out.push(&object)?;
            }
            Ok(())
        })
    }

    fn intents(&mut self, dir: &Path) -> Result<(), WorldError> {
        if !self.style.intents {
            return Ok(());
        }
        list(dir, "payment_intents", |out| {
            let mut before = None;
            for charge in self.charges.clone() {
                // A failed charge shares its intent with the one that succeeded.
                let Some(id) = charge.intent.as_deref() else { continue };
                if before.replace(id) == Some(id) {
                    continue;
                }
                self.enter("stripe.payment_intent", id, charge);
                let failed = charge.failed;
                out.push(&json!({
                    "id": id, "object": "payment_intent", "amount": charge.amount,
                    "amount_received": if failed { 0 } else { charge.amount },
                    "created": charge.created, "currency": self.currency(),
                    "customer": charge.payer, "description": self.description(charge),
                    "latest_charge": charge.id, "livemode": true,
                    "metadata": self.own_metadata(charge),
                    "payment_method_types":
                        [if charge.terminal { "card_present" } else { charge.means }],
                    "status": if failed { "requires_payment_method" } else { "succeeded" },
                }))?;
            }
            Ok(())
        })
    }

    fn sessions(&mut self, dir: &Path) -> Result<(), WorldError> {
        if !self.style.sessions {
            return Ok(());
        }
        list(dir, "checkout_sessions", |out| {
            for charge in self.charges.clone() {
                let (Some(id), Some(booking)) = (charge.session.as_deref(), charge.booking) else {
                    continue;
                };
                self.enter("stripe.checkout_session", id, charge);
                let booking = &self.world.bookings[booking];
                let guest = &self.world.guests[booking.guest];
                out.push(&json!({
                    "id": id, "object": "checkout.session", "amount_subtotal": charge.amount,
                    "amount_total": charge.amount, "client_reference_id": booking.code,
                    "created": charge.created - 95, "currency": self.currency(),
                    "customer": null,
                    "customer_details": {
                        "address": { "country": charge.country, "postal_code": null },
                        "email": charge.email, "name": charge.name, "phone": guest.mobile,
                    },
                    "livemode": true, "locale": "nl", "metadata": self.metadata(charge),
                    "mode": "payment", "payment_intent": charge.intent,
                    "payment_status": "paid", "status": "complete",
                }))?;
            }
            Ok(())
        })
    }

    fn refunds(&mut self, dir: &Path) -> Result<(), WorldError> {
        let mut refunds = Vec::new();
        for charge in &self.charges {
            if let (Some((at, amount, id)), Some(booking)) = (&charge.refund, charge.booking) {
                refunds.push((std::cmp::Reverse(*at), id.as_str(), *amount, booking, *charge));
            }
        }
        refunds.sort_unstable_by_key(|(at, id, ..)| (*at, *id));
        list(dir, "refunds", |out| {
            for (std::cmp::Reverse(at), id, amount, booking, charge) in refunds {
                let (kind, native, payments) =
                    ("stripe.refund", id.to_owned(), both_entries(self.world, charge));
                let (tells, by_hand) = (true, false);
                self.ledger.about(Item { kind, native, booking, payments, at, tells, by_hand });
                let intent = charge.intent.as_deref();
                out.push(&refund_object(id, amount, at, &self.currency(), &charge.id, intent))?;
            }
            Ok(())
        })
    }

    fn customers(&mut self, dir: &Path) -> Result<(), WorldError> {
        if !self.style.customers {
            return Ok(());
        }
        let mut payers = Vec::new();
        for (i, guest) in self.world.guests.iter().enumerate() {
            let until = if guest.writer == Writer::Staff { TAKEN_AT } else { LOST_AT };
            let payer = guest.payer.as_ref().filter(|(at, _)| *at <= until);
            if let Some((at, id)) = payer.filter(|_| guest.tenant == self.tenant) {
                payers.push((std::cmp::Reverse(*at), i, id.as_str()));
            }
        }
        payers.sort_unstable();
        list(dir, "customers", |out| {
            for (std::cmp::Reverse(at), i, id) in payers {
                let guest = &self.world.guests[i];
                self.ledger.payer(i, id.to_owned());
                let (email, phone) = (guest.email.as_deref(), Some(guest.mobile.as_str()));
                out.push(&customer_object(id, at, &guest.name(), email, phone))?;
            }
            Ok(())
        })
    }
}

/// The entry of a charge and that of its refund.
pub(super) fn both_entries(world: &World, charge: &Charge) -> Vec<usize> {
    let Some(first) = charge.entry else { return Vec::new() };
    let of_charge = world.entries[first].charge;
    let booking = world.entries[first].booking;
    world.entries_of(booking).filter(|i| world.entries[*i].charge == of_charge).collect()
}
