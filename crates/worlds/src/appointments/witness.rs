//! Which evidence tells of what.

use std::collections::{BTreeMap, BTreeSet};

use super::life::World;
use crate::cell::Cell;
use crate::clock::BACKUP_AT;
use crate::ledger::{Item, Ledger};
use crate::tables::Writer;
use crate::truth::{self, Seen};

/// Which items tell of what.
pub(super) struct Witness<'a> {
    world: &'a World,
    /// The items about each visit.
    items: Vec<Vec<&'a Item>>,
    /// The payment provider's names of each client.
    payers: BTreeMap<usize, Vec<&'a str>>,
    /// The visits of each client and of each practitioner.
    clients: Vec<Vec<usize>>,
    staff: Vec<Vec<usize>>,
    /// What staff typed in again, by the lost visit and the lost client.
    retyped: BTreeMap<usize, usize>,
    retyped_clients: BTreeMap<usize, usize>,
    /// The clients of what was typed in again.
    typed_again: BTreeSet<usize>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(world: &'a World, ledger: &'a Ledger) -> Self {
        let mut this = Self {
            world,
            items: vec![Vec::new(); world.visits.len()],
            payers: BTreeMap::new(),
            clients: vec![Vec::new(); world.clients.len()],
            staff: vec![Vec::new(); world.staff.len()],
            retyped: BTreeMap::new(),
            retyped_clients: BTreeMap::new(),
            typed_again: BTreeSet::new(),
        };
        for item in &ledger.items {
            this.items[item.booking].push(item);
        }
        for (client, native) in &ledger.payers {
            this.payers.entry(*client).or_default().push(native);
        }
        for (i, visit) in world.visits.iter().enumerate() {
            if visit.writer == Writer::Business {
                this.clients[visit.client].push(i);
                this.staff[visit.last().staff].push(i);
            } else if let Some(lost) = visit.retyped {
                this.retyped.insert(lost, i);
                this.typed_again.insert(visit.client);
                let original = world.visits[lost].client;
                if original != visit.client {
                    this.retyped_clients.insert(original, visit.client);
                }
            }
        }
        this
    }

    /// Whether an item says what is done at a visit: charges do not, and people rarely do.
    fn names_services(item: &Item) -> bool {
        !item.by_hand
            && matches!(item.kind, "mail" | "calendar.event" | "stripe.invoice" | "table.row")
    }
}

impl truth::Witness for Witness<'_> {
    fn lost(&self, table: &str, thing: usize) -> Seen {
        let world = self.world;
        let mut seen = Seen::default();
        match table {
            "appointment" => {
                let items = &self.items[thing];
                items.iter().for_each(|item| seen.by(item));
                seen.by_hand_only = !items.is_empty() && items.iter().all(|item| item.by_hand);
                let again = self.retyped.get(&thing).map(|i| &world.visits[*i].id);
                seen.retyped_as = again.map(|id| id.clone().into());
            }
            "appointment_item" => {
                let items = &self.items[world.lines[thing].visit];
                let naming = items.iter().filter(|item| {
                    Self::names_services(item) && item.at >= world.lines[thing].since
                });
                naming.for_each(|item| seen.by(item));
            }
            "receipt" => {
                let items = &self.items[world.payments[thing].visit];
                let mine = items.iter().filter(|item| item.payments.contains(&thing));
                mine.for_each(|item| seen.by(item));
            }
            "client" => {
                let visits = &self.clients[thing];
                let items = visits.iter().flat_map(|visit| &self.items[*visit]);
                seen.kinds.extend(items.map(|item| item.kind));
                for payer in self.payers.get(&thing).into_iter().flatten() {
                    seen.kinds.insert("stripe.customer");
                    seen.evidence.push((*payer).to_owned());
                }
                let keys = visits.iter().map(|visit| world.visits[*visit].id.clone().into());
                seen.bookings = Some(("appointment", keys.collect()));
                let again = self.retyped_clients.get(&thing).map(|i| &world.clients[*i].id);
                seen.retyped_as = again.map(|id: &String| Cell::from(id.as_str()));
            }
            _ => {
                let items = self.staff[thing].iter().flat_map(|visit| &self.items[*visit]);
                seen.kinds.extend(items.map(|item| item.kind));
            }
        }
        seen
    }

    fn changed(&self, table: &str, thing: usize) -> BTreeSet<&'static str> {
        let visit = match table {
            "appointment" => thing,
            "receipt" => self.world.payments[thing].visit,
            _ => return BTreeSet::new(),
        };
        let later = self.items[visit].iter().filter(|item| item.tells && item.at > BACKUP_AT);
        later.map(|item| item.kind).collect()
    }

    fn partly(&self, table: &str) -> &'static [&'static str] {
        match table {
            // The first booking's moment, where it was made by telephone.
            "client" => &["joined"],
            // The event's, as long as the visit is not over.
            "appointment" => &["updated"],
            _ => &[],
        }
    }

    fn is_new(&self, table: &str, thing: usize) -> bool {
        let world = self.world;
        match table {
            "appointment" => world.visits[thing].retyped.is_none(),
            "appointment_item" => world.visits[world.lines[thing].visit].retyped.is_none(),
            "client" => !self.typed_again.contains(&thing),
            _ => true,
        }
    }
}
