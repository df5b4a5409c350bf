//! What staff wrote in the restored database: bookings typed in again, and new ones. The
//! database counts on from the backup, so their ids are those of lost rows.

use super::desk::Desk;
use super::life::{Booking, Cause, Guest, Line, Origin, Trace, Version, World};
use super::profile::HOUSES;
use super::simulate::DEFAULT_SIZE;
use crate::clock::{BACKUP_AT, HOUR, LOST_AT, MINUTE, RESTORED_AT, Seconds, moment};
use crate::dice::Dice;
use crate::people::typo;
use crate::tables::Writer;

/// Bookings typed in again, and new ones, in a world of the default size.
const RETYPED: usize = 12;
const NEW: usize = 10;

/// Adds what staff write between the restore and the taking of the evidence.
pub(super) fn return_to_work(world: &mut World, dice: &mut Dice) {
    let (next_entry, next_line) = world.next_numbers(BACKUP_AT);
    let mut desk = Desk::after_restore(world);

    // Those whose guests stand at the desk, or soon will.
    let mut open: Vec<usize> = (0..world.bookings.len())
        .filter(|i| {
            let booking = &world.bookings[*i];
            let zone = &world.zones[booking.tenant];
            let lost = booking.created > BACKUP_AT && booking.created <= LOST_AT;
            let leaving = moment(booking.last().to.at(11, 0, 0, 0), zone);
            let state = booking.state(LOST_AT, zone).0;
            lost && leaving > RESTORED_AT && matches!(state, "confirmed" | "in_house")
        })
        .collect();
    let share = |n: usize| (n * world.bookings.len() / DEFAULT_SIZE).max(2);
    let (retyped, new) = (share(RETYPED).min(open.len()), share(NEW));
    let shares: Vec<u32> = HOUSES.iter().map(|house| house.share).collect();
    let mut tasks: Vec<(Seconds, bool)> = (0..retyped + new)
        .map(|n| (RESTORED_AT + dice.within(10 * MINUTE, 60 * HOUR), n < retyped))
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
    world.number(Writer::Staff, next_entry, next_line);
}

/// A lost booking, typed in from what the guest shows or says.
fn retype(world: &mut World, desk: &mut Desk, lost: usize, at: Seconds, dice: &mut Dice) {
    let original = &world.bookings[lost];
    let tenant = original.tenant;
    let state = original.state(LOST_AT, &world.zones[tenant]).0;
    let mut terms = original.versions[original.version(LOST_AT)].terms.clone();
    let kept = dice.chance(0.6).then(|| original.code.clone());
    let deposit = original.deposit;
    let eta = original.eta;
    let survived = world.guests[original.guest].created <= BACKUP_AT;
    let guest = if survived && dice.chance(0.75) {
        original.guest
    } else {
        let again = typed_again(&world.guests[original.guest], desk, at, dice);
        world.guests.push(again);
        world.guests.len() - 1
    };
    if world.rooms[terms.room].opened > BACKUP_AT {
        // The restored system does not know the room.
        let free = world.free(tenant, BACKUP_AT, terms.from, terms.to, lost, dice);
        terms.room = free.unwrap_or_else(|| world.any_room(tenant, BACKUP_AT, dice));
    }
    if dice.chance(0.3) {
        // What was ordered besides is forgotten, as is what was let off.
        (terms.addons, terms.rebate) = (Vec::new(), 0);
    }
    if dice.chance(0.3) {
        terms.rate = (terms.rate + 250) / 500 * 500;
    }
    if dice.chance(0.2) && terms.children > 0 {
        terms.children -= 1;
    }
    let i = world.bookings.len();
    for addon in &terms.addons {
        let line = Line { id: 0, booking: i, addon: *addon, added: at };
        world.lines.push(line);
    }
    world.bookings.push(Booking {
        id: desk.booking_id(dice),
        writer: Writer::Staff,
        retyped: Some(lost),
        tenant,
        guest,
        code: kept.unwrap_or_else(|| desk.code(tenant, at, dice)),
        created: at,
        confirmed: Some(at),
        origin: Origin::Telephone,
        deposit: if dice.chance(0.5) { deposit } else { 0 },
        versions: vec![Version { at, cause: Cause::Booked, terms }],
        eta: eta.filter(|_| dice.chance(0.5)),
        request: None,
        cancelled: None,
        no_show: false,
        arrived: (state == "in_house").then_some(at),
        left: None,
        meter: 0,
        note: Some((at, "typed in again after the crash")),
        trace: Trace::Usual,
    });
}

fn typed_again(original: &Guest, desk: &mut Desk, at: Seconds, dice: &mut Dice) -> Guest {
    let mut family = original.family.clone();
    if dice.chance(0.3) {
        family = typo(&family, dice);
    }
    let mut mobile = original.mobile.clone();
    if dice.chance(0.4) {
        mobile.retain(|letter| letter.is_ascii_digit() || letter == '+');
    }
    Guest {
        id: desk.guest_id(),
        writer: Writer::Staff,
        tenant: original.tenant,
        given: original.given.clone(),
        family,
        tongue: original.tongue,
        country: original.country,
        email: original.email.clone().filter(|_| dice.chance(0.8)),
        mobile,
        newsletter: false,
        created: at,
        remark: None,
        card: original.card.clone(),
        payer: None,
    }
}
