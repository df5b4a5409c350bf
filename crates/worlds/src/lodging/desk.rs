//! What the software counts: ids and booking codes.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::life::World;
use super::profile::{Code, HOUSES};
use crate::clock::{BACKUP_AT, Seconds, local};
use crate::dice::{DIGITS, Dice, SPOKEN};
use crate::tables::Writer;

/// What the software counts.
pub(super) struct Desk {
    next_booking: i64,
    next_guest: i64,
    counts: Vec<i64>,
    given: BTreeSet<(usize, String)>,
    pub(super) writer: Writer,
    /// Each house's guests so far, to find those who come again.
    pub(super) regulars: Vec<Vec<usize>>,
}

impl Desk {
    pub(super) fn new(world: &World, dice: &mut Dice) -> Self {
        Self {
            next_booking: 20_000 + dice.within(1, 9_000),
            next_guest: 11_000 + dice.within(1, 4_000),
            counts: counts(0),
            given: BTreeSet::new(),
            writer: Writer::Business,
            regulars: vec![Vec::new(); world.zones.len()],
        }
    }

    /// A desk that goes on with the ids after the backup's, and with codes far from any given
    /// out: that much the staff were told.
    pub(super) fn after_restore(world: &World) -> Self {
        let old = |at: Seconds| at <= BACKUP_AT;
        let bookings = world.bookings.iter().filter(|b| old(b.created)).map(|b| b.id);
        let guests = world.guests.iter().filter(|g| old(g.created)).map(|g| g.id);
        let mut regulars = vec![Vec::new(); HOUSES.len()];
        for (i, guest) in world.guests.iter().enumerate().filter(|(_, g)| old(g.created)) {
            regulars[guest.tenant].push(i);
        }
        Self {
            next_booking: bookings.max().unwrap_or(0) + 1,
            next_guest: guests.max().unwrap_or(0) + 1,
            counts: counts(1_000 + world.bookings.len() as i64),
            given: world.bookings.iter().map(|b| (b.tenant, b.code.clone())).collect(),
            writer: Writer::Staff,
            regulars,
        }
    }

    pub(super) fn booking_id(&mut self, dice: &mut Dice) -> i64 {
        // A form that was given up leaves a gap now and then.
        self.next_booking += 1 + i64::from(self.writer == Writer::Business && dice.chance(0.02));
        self.next_booking - 1
    }

    pub(super) fn guest_id(&mut self) -> i64 {
        self.next_guest += 1;
        self.next_guest - 1
    }

    pub(super) fn code(&mut self, tenant: usize, created: Seconds, dice: &mut Dice) -> String {
        let year = local(created, &TimeZone::UTC).year() % 100;
        loop {
            self.counts[tenant] += 1;
            let n = self.counts[tenant];
            let code = match HOUSES[tenant].code {
                Code::YearAndCount(prefix, _) => format!("{prefix}{year:02}-{n:04}"),
                Code::CountAndYear(prefix, _) => format!("{prefix}-{n}/{year:02}"),
                Code::Random => dice.code(5, SPOKEN),
                Code::Digits => format!("{}{}", dice.within(2, 9), dice.code(7, DIGITS)),
            };
            if self.given.insert((tenant, code.clone())) {
                return code;
            }
        }
    }
}

fn counts(further: i64) -> Vec<i64> {
    let first = |code| match code {
        Code::YearAndCount(_, from) | Code::CountAndYear(_, from) => from,
        Code::Random | Code::Digits => 0,
    };
    HOUSES.iter().map(|house| first(house.code) + further).collect()
}
