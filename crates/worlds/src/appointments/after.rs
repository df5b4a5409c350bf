//! What staff wrote in the restored database: appointments typed in again, and new ones.

use super::desk::Desk;
use super::life::{Cause, Client, Terms, Trace, Version, Visit, World};
use super::profile::STUDIOS;
use super::simulate::{DEFAULT_SIZE, uuid};
use crate::clock::{BACKUP_AT, DAY, HOUR, LOST_AT, MINUTE, RESTORED_AT, Seconds};
use crate::dice::Dice;
use crate::people::typo;
use crate::tables::Writer;

/// Appointments typed in again, and new ones, in a world of the default size.
const RETYPED: usize = 14;
const NEW: usize = 11;

/// Adds what staff write between the restore and the taking of the evidence.
pub(super) fn return_to_work(world: &mut World, dice: &mut Dice) {
    let mut desk = Desk::after_restore(world);
    // Those whose clients will come and ask.
    let mut open: Vec<usize> = (0..world.visits.len())
        .filter(|i| {
            let visit = &world.visits[*i];
            let lost = visit.created > BACKUP_AT && visit.created <= LOST_AT;
            lost && visit.last().start > RESTORED_AT - DAY
                && world.state(*i, LOST_AT).state == "booked"
        })
        .collect();
    let share = |n: usize| (n * world.visits.len()).div_ceil(DEFAULT_SIZE).max(2);
    let (retyped, new) = (share(RETYPED).min(open.len()), share(NEW));
    let shares: Vec<u32> = STUDIOS.iter().map(|p| p.share).collect();
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
}

/// A lost appointment, typed in from what the client shows or says.
fn retype(world: &mut World, desk: &mut Desk, lost: usize, at: Seconds, dice: &mut Dice) {
    let state = world.state(lost, LOST_AT);
    let original = &world.visits[lost];
    let (studio, client, wish) = (original.studio, original.client, original.wish);
    let mut terms = state.terms;
    if world.staff[terms.staff].began > BACKUP_AT {
        terms.staff = world.anybody(studio, at, dice);
    }
    let (id, mut code) = desk.identity(studio, at, dice);
    if code.as_deref() != Some(&id[..8].to_uppercase()) && dice.chance(0.6) {
        code.clone_from(&original.code);
    }
    let prepaid = if dice.chance(0.6) { original.prepaid } else { 0 };
    let survived = world.clients[client].joined <= BACKUP_AT;
    let client = if survived && dice.chance(0.8) {
        client
    } else {
        world.clients.push(typed_again(&world.clients[client], at, dice));
        world.clients.len() - 1
    };
    // Nobody remembers to the quarter of an hour.
    let late = Terms { start: terms.start + 15 * MINUTE, ..terms };
    if dice.chance(0.2) && world.free(late, state.end - terms.start, lost) {
        terms = late;
    }
    let i = world.visits.len();
    let lines: Vec<(usize, i64)> =
        world.lines_of(lost).iter().map(|line| (line.service, line.price)).collect();
    for (service, price) in lines {
        let list = world.services[service].price;
        world.line(i, service, if dice.chance(0.5) { price } else { list }, at, dice);
    }
    world.visits.push(Visit {
        id,
        writer: Writer::Staff,
        retyped: Some(lost),
        studio,
        client,
        code,
        created: at,
        confirmed: Some(at),
        origin: "phone",
        prepaid,
        versions: vec![Version { at, cause: Cause::Booked, terms }],
        cancelled: None,
        missed: false,
        done: None,
        wish,
        internal: Some((at, "re-entered, system was down")),
        rebate: None,
        trace: Trace::Usual,
    });
}

fn typed_again(original: &Client, at: Seconds, dice: &mut Dice) -> Client {
    let mut family = original.family.clone();
    if dice.chance(0.3) {
        family = typo(&family, dice);
    }
    let mut mobile = original.mobile.clone();
    if dice.chance(0.4) {
        mobile.retain(|c| c.is_ascii_digit() || c == '+');
    }
    Client {
        id: uuid(dice),
        writer: Writer::Staff,
        studio: original.studio,
        given: original.given.clone(),
        family,
        email: original.email.clone().filter(|_| dice.chance(0.8)),
        mobile,
        joined: at,
        born: None,
        newsletter: false,
        allergy: None,
        card: original.card.clone(),
        payer: None,
    }
}
