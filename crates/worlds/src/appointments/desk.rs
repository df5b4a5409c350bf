//! What the software counts and remembers.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::life::World;
use super::profile::{Code, STUDIOS};
use super::simulate::uuid;
use crate::clock::{BACKUP_AT, Seconds, local};
use crate::dice::{Dice, SPOKEN};
use crate::tables::Writer;

/// What the software counts and remembers.
pub(super) struct Desk {
    counts: Vec<i64>,
    month: Vec<i8>,
    given: BTreeSet<String>,
    pub(super) writer: Writer,
    /// Each studio's clients so far, to find those who come again.
    pub(super) regulars: Vec<Vec<usize>>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            counts: vec![0; STUDIOS.len()],
            month: vec![0; STUDIOS.len()],
            given: BTreeSet::new(),
            writer: Writer::Business,
            regulars: vec![Vec::new(); STUDIOS.len()],
        }
    }

    /// A desk that knows whom the backup knows, and counts far from any number given out.
    pub(super) fn after_restore(world: &World) -> Self {
        let mut desk = Self::new();
        for (i, client) in world.clients.iter().enumerate() {
            if client.joined <= BACKUP_AT {
                desk.regulars[client.studio].push(i);
            }
        }
        desk.given = world.visits.iter().filter_map(|visit| visit.code.clone()).collect();
        desk.counts = vec![900 + world.visits.len() as i64; STUDIOS.len()];
        desk.month = vec![4; STUDIOS.len()];
        desk.writer = Writer::Staff;
        desk
    }

    /// The key of a new visit, and what its client is told to quote.
    pub(super) fn identity(
        &mut self,
        studio: usize,
        created: Seconds,
        dice: &mut Dice,
    ) -> (String, Option<String>) {
        let when = local(created, &TimeZone::UTC);
        loop {
            let id = uuid(dice);
            let code = match STUDIOS[studio].code {
                Code::None => return (id, None),
                Code::OfKey => id[..8].to_uppercase(),
                Code::Random(prefix) => format!("{prefix}{}", dice.code(5, SPOKEN)),
                Code::CountInMonth(prefix) => {
                    if self.month[studio] != when.month() {
                        self.month[studio] = when.month();
                        self.counts[studio] = 0;
                    }
                    self.counts[studio] += 1 + i64::from(dice.chance(0.02));
                    let (n, month, year) = (self.counts[studio], when.month(), when.year());
                    format!("{prefix}/{n}/{month:02}/{year}")
                }
            };
            if self.given.insert(code.clone()) {
                return (id, Some(code));
            }
        }
    }
}
