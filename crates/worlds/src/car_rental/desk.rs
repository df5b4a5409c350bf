//! What the software counts: ids and references.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::life::World;
use super::profile::{PROFILES, Reference};
use crate::clock::{BACKUP_AT, Seconds, local};
use crate::dice::{Dice, SPOKEN};
use crate::tables::Writer;

/// What the software counts.
pub(super) struct Desk {
    next_rental: i64,
    next_customer: i64,
    counts: Vec<i64>,
    month: Vec<i8>,
    given: BTreeSet<String>,
    pub(super) writer: Writer,
    /// Each tenant's customers so far, to find those who come again.
    pub(super) regulars: Vec<Vec<usize>>,
}

impl Desk {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let counts = PROFILES
            .iter()
            .map(|p| match p.reference {
                Reference::Counted(_, from) | Reference::YearAndCount(from) => from,
                Reference::Random(_) | Reference::MonthAndCount(_) => 0,
            })
            .collect();
        Self {
            next_rental: 5_000 + dice.within(1, 2_000),
            next_customer: 3_000 + dice.within(1, 900),
            counts,
            month: vec![0; PROFILES.len()],
            given: BTreeSet::new(),
            writer: Writer::Business,
            regulars: vec![Vec::new(); PROFILES.len()],
        }
    }

    /// A desk that goes on with ids of its own, and with references far from any given out:
    /// that much the staff were told.
    pub(super) fn after_restore(world: &World, next_rental: i64, next_customer: i64) -> Self {
        let mut regulars = vec![Vec::new(); PROFILES.len()];
        for (i, customer) in world.customers.iter().enumerate() {
            if customer.created <= BACKUP_AT {
                regulars[customer.tenant].push(i);
            }
        }
        let given = world.rentals.iter().map(|rental| rental.reference.clone()).collect();
        let far = 1_000 + world.rentals.len() as i64;
        let counts = PROFILES
            .iter()
            .map(|p| match p.reference {
                Reference::Counted(_, from) | Reference::YearAndCount(from) => from + far,
                Reference::Random(_) | Reference::MonthAndCount(_) => 900,
            })
            .collect();
        Self {
            next_rental,
            next_customer,
            counts,
            month: vec![4; PROFILES.len()],
            given,
            writer: Writer::Staff,
            regulars,
        }
    }

    pub(super) fn rental_id(&mut self, dice: &mut Dice) -> i64 {
        // A transaction that was rolled back leaves a gap now and then.
        self.next_rental += 1 + i64::from(self.writer == Writer::Business && dice.chance(0.01));
        self.next_rental - 1
    }

    pub(super) fn customer_id(&mut self) -> i64 {
        self.next_customer += 1;
        self.next_customer - 1
    }

    pub(super) fn reference(&mut self, tenant: usize, created: Seconds, dice: &mut Dice) -> String {
        let when = local(created, &TimeZone::UTC);
        loop {
            self.counts[tenant] += 1 + i64::from(dice.chance(0.015));
            let n = self.counts[tenant];
            let text = match PROFILES[tenant].reference {
                Reference::Counted(prefix, _) => format!("{prefix}-{n}"),
                Reference::YearAndCount(_) => format!("{}/{n:06}", when.year()),
                Reference::Random(prefix) => format!("{prefix}{}", dice.code(5, SPOKEN)),
                Reference::MonthAndCount(prefix) => {
                    if self.month[tenant] != when.month() {
                        self.month[tenant] = when.month();
                        self.counts[tenant] = 1;
                    }
                    let (year, month) = (when.year() % 100, when.month());
                    format!("{prefix}-{year:02}{month:02}-{:04}", self.counts[tenant])
                }
            };
            if self.given.insert(text.clone()) {
                return text;
            }
        }
    }
}
