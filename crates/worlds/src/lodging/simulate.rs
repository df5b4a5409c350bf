//! How a house goes: bookings in the order of time, and what becomes of each.

use jiff::tz::TimeZone;

use super::desk::Desk;
use super::life::{Booking, Cause, Guest, Line, Origin, Room, Terms, Trace, Version, World};
use super::noise::Knobs;
use super::people;
use super::profile::{Ahead, Doors, HOUSES};
use crate::clock::{BACKUP_AT, BEGAN, DAY, HOUR, LOST_AT, Seconds, local};
use crate::dice::Dice;
use crate::people::{email, typo};
use crate::stripe::Card;
use crate::tables::Writer;

/// Reservations where nobody says how many.
pub(super) const DEFAULT_SIZE: usize = 1_350;
/// The share of them that was made after the backup.
const LOST_SHARE: f64 = 0.26;
/// Bookings to each room: keeps about one room of two taken.
const BOOKINGS_A_ROOM: usize = 30;

const NOTES: &[&str] = &[
    "brought own kettle, smoke alarm went off",
    "knows the owner",
    "minibar not charged",
    "left a scarf, posted on",
    "asked for late check-out, refused",
    "card was sticky, took cash deposit for key",
];
const REMARKS: &[&str] =
    &["feather-free bedding", "likes the top floor", "slow payer", "travel writer"];

/// A world's history up to the loss.
pub(super) fn simulate(seed: u64, knobs: Knobs, size: usize) -> World {
    let mut dice = Dice::new(seed, 0);
    let zones = HOUSES.iter().map(|h| TimeZone::get(h.zone).unwrap_or(TimeZone::UTC)).collect();
    let mut world = World {
        seed,
        knobs,
        zones,
        rooms: Vec::new(),
        guests: Vec::new(),
        bookings: Vec::new(),
        lines: Vec::new(),
        entries: Vec::new(),
        charges: Vec::new(),
    };
    world.build(size, &mut dice);
    let mut desk = Desk::new(&world, &mut dice);
    for (created, tenant) in calls(&world, size, &mut dice) {
        world.book(&mut desk, tenant, created, &mut dice);
    }
    world.read_meters(&mut dice);
    world.edit_silently(&mut dice);
    world
}

/// When somebody books, and with whom, the earliest first.
fn calls(world: &World, size: usize, dice: &mut Dice) -> Vec<(Seconds, usize)> {
    let lost = (size as f64 * LOST_SHARE) as usize;
    let shares: Vec<u32> = HOUSES.iter().map(|house| house.share).collect();
    let mut calls = Vec::with_capacity(size);
    for n in 0..size {
        let (from, to) = if n < lost { (BACKUP_AT, LOST_AT) } else { (BEGAN, BACKUP_AT) };
        let tenant = dice.weighted(&shares);
        let at = loop {
            let at = dice.within(from + 1, to - 1);
            let hour = local(at, &world.zones[tenant]).hour();
            // Most of it in the evening, hardly any of it at night.
            let busy = if hour < 7 {
                0.03
            } else if hour < 18 {
                0.6
            } else {
                1.0
            };
            if dice.chance(busy) {
                break at;
            }
        };
        calls.push((at, tenant));
    }
    calls.sort_unstable();
    calls
}

/// What is asked for when somebody books.
#[derive(Clone)]
struct Call {
    tenant: usize,
    created: Seconds,
    trace: Trace,
    origin: Origin,
    guest: usize,
    terms: Terms,
}

impl World {
    fn build(&mut self, size: usize, dice: &mut Dice) {
        for (tenant, house) in HOUSES.iter().enumerate() {
            let rooms = (size * house.share as usize / 100 / BOOKINGS_A_ROOM).max(5);
            for n in 0..rooms {
                // The first of each kind is as old as the house.
                let late = n >= house.kinds.len() && dice.chance(self.knobs.new_rooms);
                let opened = if late { BACKUP_AT + dice.within(5, 30) * DAY } else { 0 };
                let door = match house.doors {
                    Doors::Numbered(first) => (first + n as i64).to_string(),
                    Doors::Named(names) => match n / names.len() {
                        0 => names[n].to_owned(),
                        again => format!("{} {}", names[n % names.len()], again + 1),
                    },
                };
                let kind = n % house.kinds.len();
                self.rooms.push(Room { tenant, kind, door, opened, busy: Vec::new() });
            }
        }
        // A room opened after the backup has an id after all others.
        self.rooms.sort_by_key(|room| room.opened);
    }

    /// One booking, with all that becomes of it; a party now and then takes two rooms.
    pub(super) fn book(
        &mut self,
        desk: &mut Desk,
        tenant: usize,
        created: Seconds,
        dice: &mut Dice,
    ) {
        let trace = match () {
            () if dice.chance(self.knobs.dark) => Trace::Dark,
            () if dice.chance(self.knobs.handwritten) => Trace::Handwritten,
            () => Trace::Usual,
        };
        let origins = [Origin::Website, Origin::Telephone, Origin::FrontDesk, Origin::Portal];
        let origin = match trace {
            Trace::Dark => Origin::FrontDesk,
            Trace::Handwritten => Origin::Telephone,
            // A house where all is paid ahead is on no portal.
            Trace::Usual if HOUSES[tenant].plan.ahead == Ahead::All => {
                origins[dice.weighted(&[74, 19, 7])]
            }
            Trace::Usual => origins[dice.weighted(&[58, 20, 7, 15])],
        };
        let guest = self.caller(desk, tenant, created, origin, dice);
        // What was opened after the backup is not in the restored database.
        let known = if desk.writer == Writer::Staff { BACKUP_AT } else { created };
        let terms = self.terms(tenant, created, known, origin, dice);
        let (from, to) = (terms.from, terms.to);
        let call = Call { tenant, created, trace, origin, guest, terms };
        let second = call.clone();
        self.take(desk, call, dice);
        if trace != Trace::Usual || !dice.chance(self.knobs.party) {
            return;
        }
        let Some(room) = self.free(tenant, known, from, to, usize::MAX, dice) else { return };
        let kind = &HOUSES[tenant].kinds[self.rooms[room].kind];
        let terms = Terms {
            room,
            adults: second.terms.adults.min(kind.sleeps),
            children: 0,
            rate: kind.base + HOUSES[tenant].boards[second.terms.board].price,
            addons: Vec::new(),
            ..second.terms
        };
        let created = created + dice.within(40, 200);
        self.take(desk, Call { created, terms, ..second }, dice);
    }

    fn take(&mut self, desk: &mut Desk, call: Call, dice: &mut Dice) {
        let Call { tenant, created, trace, origin, guest, terms } = call;
        let confirmed = match origin {
            Origin::Website | Origin::Portal => created + dice.within(15, 90),
            Origin::Telephone if dice.chance(0.3) => created + dice.within(HOUR, 40 * HOUR),
            Origin::Telephone | Origin::FrontDesk => created,
        };
        let lapsed = origin == Origin::Telephone && dice.chance(0.04);
        let latest = self.checkin(tenant, &terms) + 6 * HOUR;
        let confirmed = Some(confirmed).filter(|at| !lapsed && *at < latest);
        let i = self.bookings.len();
        self.rooms[terms.room].busy.push((terms.from, terms.to, i));
        for addon in &terms.addons {
            let line = Line { id: 0, booking: i, addon: *addon, added: created };
            self.lines.push(line);
        }
        let said = origin == Origin::Website;
        let wishes = people::wishes(self.guests[guest].tongue);
        self.bookings.push(Booking {
            id: desk.booking_id(dice),
            writer: desk.writer,
            retyped: None,
            tenant,
            guest,
            code: desk.code(tenant, created, dice),
            created,
            confirmed,
            origin,
            deposit: 0,
            versions: vec![Version { at: created, cause: Cause::Booked, terms }],
            eta: (said && dice.chance(0.35)).then(|| dice.within(30, 43) * 30),
            request: (said && dice.chance(0.2)).then(|| dice.pick(wishes)),
            cancelled: None,
            no_show: false,
            arrived: None,
            left: None,
            meter: 0,
            note: None,
            trace,
        });
        if desk.writer == Writer::Business {
            self.live(i, dice);
        }
        self.pay(i, dice);
    }

    /// The guest who books: one who came before, a relative, a namesake, or a new one.
    fn caller(
        &mut self,
        desk: &mut Desk,
        tenant: usize,
        created: Seconds,
        origin: Origin,
        dice: &mut Dice,
    ) -> usize {
        let known = &desk.regulars[tenant];
        if !known.is_empty() && origin != Origin::Portal && dice.chance(0.22) {
            return known[dice.below(known.len())];
        }
        let at_home = HOUSES[tenant].tongue;
        let tongue =
            if dice.chance(0.25) { HOUSES[dice.below(HOUSES.len())].tongue } else { at_home };
        let (given, family) = people::name(tongue, dice);
        let (mut given, mut family) = (given.to_owned(), family.to_owned());
        let mut address = match origin {
            Origin::Portal => Some(people::relay(&given, dice)),
            _ => Some(email(&given, &family, dice)),
        };
        let mut mobile = people::mobile(tongue, dice);
        if !known.is_empty() && dice.chance(self.knobs.family) {
            let relative = &self.guests[known[dice.below(known.len())]];
            family.clone_from(&relative.family);
            address.clone_from(&relative.email);
            if dice.chance(0.5) {
                mobile.clone_from(&relative.mobile);
            }
        } else if !known.is_empty() && dice.chance(self.knobs.namesake) {
            let other = &self.guests[known[dice.below(known.len())]];
            (given, family) = (other.given.clone(), other.family.clone());
            address = Some(email(&given, &family, dice));
        } else if origin == Origin::FrontDesk && dice.chance(0.5) {
            address = None;
        } else if origin == Origin::Telephone && dice.chance(self.knobs.slip) {
            if dice.chance(0.5) {
                family = typo(&family, dice);
            } else {
                address = address.map(|address| typo(&address, dice));
            }
        }
        let i = self.guests.len();
        self.guests.push(Guest {
            id: desk.guest_id(),
            writer: desk.writer,
            tenant,
            given,
            family,
            tongue,
            country: people::country(tongue, dice),
            email: address,
            mobile,
            newsletter: dice.chance(0.3),
            created,
            remark: None,
            card: Card::new(dice),
            payer: None,
        });
        desk.regulars[tenant].push(i);
        i
    }

    /// Electricity meters: each room's stays one after the other.
    fn read_meters(&mut self, dice: &mut Dice) {
        for room in &mut self.rooms {
            room.busy.sort_unstable();
            let mut meter = dice.within(800, 60_000);
            for (_, _, i) in &room.busy {
                let booking = &mut self.bookings[*i];
                if booking.left.is_some() {
                    meter += booking.last().nights() * dice.within(4, 19) + dice.within(0, 6);
                    booking.meter = meter;
                }
            }
        }
    }

    /// What staff change in the database, without a word to anybody.
    fn edit_silently(&mut self, dice: &mut Dice) {
        let knobs = self.knobs;
        for booking in &mut self.bookings {
            let later = booking.created + dice.within(DAY, 12 * DAY);
            if dice.chance(0.06) {
                booking.note = Some((later, dice.pick(NOTES)));
            }
            let open = booking.cancelled.is_none()
                && booking.left.is_some_and(|at| later < at)
                && booking.versions.iter().all(|version| version.at < later);
            if open && dice.chance(knobs.silent_price) {
                let mut terms = booking.last().clone();
                terms.rebate += 1_500;
                booking.versions.push(Version { at: later, cause: Cause::Silent, terms });
            }
        }
        for guest in &mut self.guests {
            if dice.chance(0.03) {
                let later = guest.created + dice.within(2, 120) * DAY;
                guest.remark = Some((later, dice.pick(REMARKS)));
            }
        }
    }
}
