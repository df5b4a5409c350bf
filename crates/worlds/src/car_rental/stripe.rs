//! The payment accounts: lists of objects as the provider's API gives them, and for one
//! account the Dashboard's export alone.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::life::{Charge, World};
use super::profile::PROFILES;
use crate::clock::{LOST_AT, TAKEN_AT, utc};
use crate::csv;
use crate::error::WorldError;
use crate::form::{Words, fill};
use crate::ledger::{Item, Ledger};
use crate::stripe::{ChargeObject, customer_object, list, refund_object};
use crate::tables::Writer;

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
            let Some(booking) = charge.rental else { return ledger.unrelated(kind) };
            let payments = charge.payment.into_iter().collect();
            let native = native.to_owned();
            let tells = !charge.failed;
            ledger.about(Item { kind, native, booking, payments, at, tells, by_hand: false });
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
                let Some(booking) = charge.rental else { continue };
                let payments: Vec<usize> = charge.payment.into_iter().collect();
                let (kind, native) = (REFUND, id.clone());
                let (at, tells, by_hand) = (-at, true, false);
                ledger.about(Item { kind, native, booking, payments, at, tells, by_hand });
                let (currency, intent) = (currency(self.tenant), charge.intent.as_deref());
                out.push(&refund_object(id, *amount, at, &currency, &charge.id, intent))?;
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
                let name = format!("{} {}", customer.first, customer.last);
                let (email, phone) = (customer.email.as_deref(), Some(customer.phone.as_str()));
                out.push(&customer_object(id, -at, &name, email, phone))?;
            }
            Ok(())
        })
    }
}

fn currency(tenant: usize) -> String {
    PROFILES[tenant].currency.to_lowercase()
}

fn metadata(world: &World, charge: &Charge) -> Map<String, Value> {
    let mut map = Map::new();
    if let Some(words) = words(world, charge) {
        for (key, template) in world.profile(charge.tenant).stripe.metadata {
            map.insert((*key).to_owned(), fill(template, &words).into());
        }
    }
    map
}

fn charge_object(world: &World, charge: &Charge) -> Value {
    let object = ChargeObject {
        id: &charge.id,
        amount: charge.amount,
        refunded: charge.refunded(TAKEN_AT),
        created: charge.created,
        currency: currency(charge.tenant),
        country: world.profile(charge.tenant).stripe.country,
        name: (!charge.terminal).then_some(&charge.name),
        email: charge.email.as_deref().filter(|_| !charge.terminal),
        customer: charge.payer.as_deref(),
        intent: charge.intent.as_deref(),
        invoice: None,
        description: description(world, charge),
        metadata: metadata(world, charge),
        card: &charge.card,
        terminal: charge.terminal,
        failed: charge.failed,
    };
    object.json()
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
        writeln!(out, "{}", csv::line(&cells, ','))?;
        match charge.rental {
            None => ledger.unrelated(ROW),
            Some(booking) => ledger.about(Item {
                kind: ROW,
                native: charge.id.clone(),
                booking,
                payments: charge.payment.into_iter().collect(),
                at: charge.refund.as_ref().map_or(charge.created, |(at, ..)| *at),
                tells: !charge.failed,
                by_hand: false,
            }),
        }
    }
    out.flush()
}
