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
    /// The items about each rental.
    items: Vec<Vec<&'a Item>>,
    /// The payment provider's names of each customer.
    payers: BTreeMap<usize, Vec<&'a str>>,
    /// The rentals of each customer and of each car.
    customers: Vec<Vec<usize>>,
    cars: Vec<Vec<usize>>,
    /// What staff typed in again, by the lost rental and the lost customer.
    retyped: BTreeMap<usize, i64>,
    retyped_customers: BTreeMap<usize, i64>,
    /// The customers of what was typed in again.
    typed_again: BTreeSet<usize>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(world: &'a World, ledger: &'a Ledger) -> Self {
        let mut items = vec![Vec::new(); world.rentals.len()];
        for item in &ledger.items {
            items[item.booking].push(item);
        }
        let mut payers: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (customer, native) in &ledger.payers {
            payers.entry(*customer).or_default().push(native);
        }
        let mut customers = vec![Vec::new(); world.customers.len()];
        let mut cars = vec![Vec::new(); world.vehicles.len()];
        let (mut retyped, mut retyped_customers) = (BTreeMap::new(), BTreeMap::new());
        let mut typed_again = BTreeSet::new();
        for (i, rental) in world.rentals.iter().enumerate() {
            if rental.writer == Writer::Staff {
                if let Some(lost) = rental.retyped {
                    retyped.insert(lost, rental.id);
                    typed_again.insert(rental.customer);
                    let original = world.rentals[lost].customer;
                    if original != rental.customer {
                        retyped_customers.insert(original, world.customers[rental.customer].id);
                    }
                }
                continue;
            }
            customers[rental.customer].push(i);
            cars[rental.last().vehicle].push(i);
        }
        Self { world, items, payers, customers, cars, retyped, retyped_customers, typed_again }
    }
}

impl truth::Witness for Witness<'_> {
    fn lost(&self, table: &str, thing: usize) -> Seen {
        let mut seen = Seen::default();
        match table {
            "rentals" => {
                let items = &self.items[thing];
                items.iter().for_each(|item| seen.by(item));
                seen.by_hand_only = !items.is_empty() && items.iter().all(|item| item.by_hand);
                seen.retyped_as = self.retyped.get(&thing).copied().map(Cell::Integer);
            }
            "payments" => {
                let items = &self.items[self.world.payments[thing].rental];
                let mine = items.iter().filter(|item| item.payments.contains(&thing));
                mine.for_each(|item| seen.by(item));
            }
            "customers" => {
                let rentals = &self.customers[thing];
                let items = rentals.iter().flat_map(|rental| &self.items[*rental]);
                seen.kinds.extend(items.map(|item| item.kind));
                for payer in self.payers.get(&thing).into_iter().flatten() {
                    seen.kinds.insert("stripe.customer");
                    seen.evidence.push((*payer).to_owned());
                }
                let keys = rentals.iter().map(|r| Cell::Integer(self.world.rentals[*r].id));
                seen.bookings = Some(("rentals", keys.collect()));
                seen.retyped_as = self.retyped_customers.get(&thing).copied().map(Cell::Integer);
            }
            _ => {
                let items = self.cars[thing].iter().flat_map(|rental| &self.items[*rental]);
                seen.kinds.extend(items.map(|item| item.kind));
            }
        }
        seen
    }

    fn changed(&self, table: &str, thing: usize) -> BTreeSet<&'static str> {
        let later = |item: &&&Item| item.tells && item.at > BACKUP_AT;
        match table {
            "rentals" => self.items[thing].iter().filter(later).map(|item| item.kind).collect(),
            "payments" => {
                let rental = self.world.payments[thing].rental;
                self.items[rental].iter().filter(later).map(|item| item.kind).collect()
            }
            // The odometer stands in what is written at the return.
            "vehicles" => self.cars[thing]
                .iter()
                .flat_map(|rental| {
                    let returned = self.world.rentals[*rental].returned;
                    self.items[*rental].iter().filter(later).filter(move |item| {
                        item.kind == "mail" && returned.is_some_and(|at| item.at >= at)
                    })
                })
                .map(|item| item.kind)
                .collect(),
            _ => BTreeSet::new(),
        }
    }

    fn partly(&self, table: &str) -> &'static [&'static str] {
        match table {
            // The first booking's moment, where it was not made on the web.
            "customers" => &["created_at"],
            // The event's, as long as the car is not out.
            "rentals" => &["updated_at"],
            _ => &[],
        }
    }

    fn is_new(&self, table: &str, thing: usize) -> bool {
        match table {
            "rentals" => self.world.rentals[thing].retyped.is_none(),
            "customers" => !self.typed_again.contains(&thing),
            _ => true,
        }
    }
}
