//! What staff wrote in the restored database: bookings typed in again, and new ones. The
//! database counts on from the backup, so their ids are those of lost rows.

use super::desk::Desk;
use super::life::{Cause, Customer, Rental, Trace, Version, World};
use super::profile::PROFILES;
use super::simulate::DEFAULT_SIZE;
use crate::clock::{BACKUP_AT, HOUR, LOST_AT, MINUTE, RESTORED_AT, Seconds};
use crate::dice::Dice;
use crate::people;
use crate::tables::Writer;

/// Bookings typed in again, and new ones, in a world of the default size.
const RETYPED: usize = 12;
const NEW: usize = 10;

/// Adds what staff write between the restore and the taking of the evidence.
pub(super) fn return_to_work(world: &mut World, dice: &mut Dice) {
    let old = |at: Seconds| at <= BACKUP_AT;
    let rentals = world.rentals.iter().filter(|r| old(r.created)).map(|r| r.id);
    let customers = world.customers.iter().filter(|c| old(c.created)).map(|c| c.id);
    let payments = world.payments.iter().filter(|p| old(p.at)).map(|p| p.id);
    let next_payment = payments.max().unwrap_or(0) + 1;
    let (rental, customer) = (rentals.max().unwrap_or(0) + 1, customers.max().unwrap_or(0) + 1);
    let mut desk = Desk::after_restore(world, rental, customer);

    // Those whose customers stand at the desk, or soon will.
    let mut open: Vec<usize> = (0..world.rentals.len())
        .filter(|i| {
            let rental = &world.rentals[*i];
            let lost = rental.created > BACKUP_AT && rental.created <= LOST_AT;
            let status = rental.state(LOST_AT).status;
            lost && rental.last().end > RESTORED_AT && matches!(status, "confirmed" | "active")
        })
        .collect();
    let share = |n: usize| (n * world.rentals.len()).div_ceil(DEFAULT_SIZE).max(2);
    let (retyped, new) = (share(RETYPED).min(open.len()), share(NEW));
    let shares: Vec<u32> = PROFILES.iter().map(|p| p.share).collect();
    let span = 60 * HOUR;
    let mut tasks: Vec<(Seconds, bool)> = (0..retyped + new)
        .map(|n| (RESTORED_AT + dice.within(10 * MINUTE, span), n < retyped))
        .collect();
    tasks.sort_unstable();
    for (at, again) in tasks {
        if again {
            let i = open.swap_remove(dice.below(open.len()));
            retype(world, &mut desk, i, at, dice);
        } else {
            world.book(&mut desk, dice.weighted(&shares), at, dice);
        }
    }
    world.number_payments(Writer::Staff, next_payment);
}

/// A lost booking, typed in from what the customer shows or says.
fn retype(world: &mut World, desk: &mut Desk, lost: usize, at: Seconds, dice: &mut Dice) {
    let original = &world.rentals[lost];
    let (tenant, was_active) = (original.tenant, original.state(LOST_AT).status == "active");
    let mut terms = original.versions[original.version(LOST_AT)].terms.clone();
    if world.vehicles[terms.vehicle].bought > BACKUP_AT {
        terms.vehicle = world.any_car(tenant, at, dice);
    }
    let survived = world.customers[original.customer].created <= BACKUP_AT;
    let keeps = dice.chance(0.6);
    let kept = keeps.then(|| original.reference.clone());
    let deposit = original.deposit;
    let customer = if survived && dice.chance(0.75) {
        original.customer
    } else {
        let again = typed_again(&world.customers[original.customer], desk, at, dice);
        world.customers.push(again);
        world.customers.len() - 1
    };
    if dice.chance(0.35) {
        terms.total = (terms.total + 50) / 100 * 100;
    }
    if dice.chance(0.25) {
        terms.end -= 30 * MINUTE;
    }
    let rental = Rental {
        id: desk.rental_id(dice),
        writer: Writer::Staff,
        retyped: Some(lost),
        tenant,
        customer,
        reference: kept.unwrap_or_else(|| desk.reference(tenant, at, dice)),
        created: at,
        confirmed: Some(at),
        channel: "phone",
        deposit: if dice.chance(0.5) { deposit } else { 0 },
        versions: vec![Version { at, cause: Cause::Booked, terms }],
        cancelled: None,
        no_show: false,
        picked: was_active.then_some(at),
        returned: None,
        km_out: world.rentals[lost].km_out,
        km_in: 0,
        notes: Some("entered again after the outage"),
        silent_note: None,
        trace: Trace::Usual,
    };
    world.rentals.push(rental);
}

fn typed_again(original: &Customer, desk: &mut Desk, at: Seconds, dice: &mut Dice) -> Customer {
    let mut last = original.last.clone();
    if dice.chance(0.3) {
        last = people::typo(&last, dice);
    }
    let mut phone = original.phone.clone();
    if dice.chance(0.4) {
        phone.retain(|c| c.is_ascii_digit() || c == '+');
    }
    Customer {
        id: desk.customer_id(),
        writer: Writer::Staff,
        tenant: original.tenant,
        first: original.first.clone(),
        last,
        email: original.email.clone().filter(|_| dice.chance(0.8)),
        phone,
        created: at,
        note: None,
        new_phone: None,
        card: original.card.clone(),
        payer: None,
    }
}
