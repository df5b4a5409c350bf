//! Which items tell of what.

use std::collections::{BTreeMap, BTreeSet};

use super::life::World;
use crate::cell::Cell;
use crate::clock::BACKUP_AT;
use crate::ledger::{Item, Ledger};
use crate::truth::{self, Seen};

pub(super) struct Witness<'a> {
    world: &'a World,
    /// The items about each booking.
    items: Vec<Vec<&'a Item>>,
    /// The payment provider's names of each guest.
    payers: BTreeMap<usize, Vec<&'a str>>,
    /// The bookings of each guest and of each room.
    guests: Vec<Vec<usize>>,
    rooms: Vec<Vec<usize>>,
    /// The keys of lost bookings and guests in the restored database.
    retyped: BTreeMap<usize, i64>,
    retyped_guests: BTreeMap<usize, i64>,
    typed_again: BTreeSet<usize>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(world: &'a World, ledger: &'a Ledger) -> Self {
        let mut items: Vec<Vec<&Item>> = vec![Vec::new(); world.bookings.len()];
        for item in &ledger.items {
            items[item.booking].push(item);
        }
        let mut payers: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (guest, native) in &ledger.payers {
            payers.entry(*guest).or_default().push(native);
        }
        let mut guests = vec![Vec::new(); world.guests.len()];
        let mut rooms = vec![Vec::new(); world.rooms.len()];
        let (mut retyped, mut retyped_guests) = (BTreeMap::new(), BTreeMap::new());
        let mut typed_again = BTreeSet::new();
        for (i, booking) in world.bookings.iter().enumerate() {
            guests[booking.guest].push(i);
            rooms[booking.last().room].push(i);
            let Some(lost) = booking.retyped else { continue };
            retyped.insert(lost, booking.id);
            let original = world.bookings[lost].guest;
            if original != booking.guest {
                retyped_guests.insert(original, world.guests[booking.guest].id);
                typed_again.insert(booking.guest);
            }
        }
        Self { world, items, payers, guests, rooms, retyped, retyped_guests, typed_again }
    }

    /// The items about a booking that show an addon of it: the letters with a price list.
    fn of_line(&self, line: usize) -> impl Iterator<Item = &'a Item> {
        let line = &self.world.lines[line];
        let booking = &self.world.bookings[line.booking];
        let lists = !booking.house().letters.item.is_empty();
        let until = booking.cancelled.unwrap_or(i64::MAX);
        let items = self.items[line.booking].iter().copied();
        items.filter(move |item| {
            let letter = item.kind == "mail" && item.tells;
            lists && letter && (line.added..until).contains(&item.at)
        })
    }
}

impl truth::Witness for Witness<'_> {
    fn lost(&self, table: &str, thing: usize) -> Seen {
        let world = self.world;
        let mut seen = Seen::default();
        match table {
            "bookings" => {
                let items = &self.items[thing];
                items.iter().for_each(|item| seen.by(item));
                seen.by_hand_only = !items.is_empty() && items.iter().all(|item| item.by_hand);
                seen.retyped_as = self.retyped.get(&thing).map(|key| Cell::Integer(*key));
            }
            "booking_addons" => self.of_line(thing).for_each(|item| seen.by(item)),
            "folio" => {
                let items = self.items[world.entries[thing].booking].iter();
                items.filter(|item| item.payments.contains(&thing)).for_each(|item| seen.by(item));
            }
            "guests" => {
                let bookings = &self.guests[thing];
                let items = bookings.iter().flat_map(|booking| &self.items[*booking]);
                seen.kinds.extend(items.map(|item| item.kind));
                for payer in self.payers.get(&thing).into_iter().flatten() {
                    seen.kinds.insert("stripe.customer");
                    seen.evidence.push((*payer).to_owned());
                }
                let keys = bookings.iter().map(|i| Cell::Integer(world.bookings[*i].id));
                seen.bookings = Some(("bookings", keys.collect()));
                seen.retyped_as = self.retyped_guests.get(&thing).map(|key| Cell::Integer(*key));
            }
            _ => {
                let items = self.rooms[thing].iter().flat_map(|booking| &self.items[*booking]);
                seen.kinds.extend(items.map(|item| item.kind));
            }
        }
        seen
    }

    fn changed(&self, table: &str, thing: usize) -> BTreeSet<&'static str> {
        let later = |item: &&&Item| item.tells && item.at > BACKUP_AT;
        let kinds = |booking: usize| {
            self.items[booking].iter().filter(later).map(|item| item.kind).collect()
        };
        match table {
            "bookings" => kinds(thing),
            "folio" => kinds(self.world.entries[thing].booking),
            "booking_addons" => {
                let items = self.of_line(thing).filter(|item| item.at > BACKUP_AT);
                items.map(|item| item.kind).collect()
            }
            // Nobody writes of the meters.
            _ => BTreeSet::new(),
        }
    }

    fn is_new(&self, table: &str, thing: usize) -> bool {
        match table {
            "bookings" => self.world.bookings[thing].retyped.is_none(),
            "booking_addons" => {
                let booking = self.world.lines[thing].booking;
                self.world.bookings[booking].retyped.is_none()
            }
            "guests" => !self.typed_again.contains(&thing),
            _ => true,
        }
    }
}
