//! How a business goes: bookings in the order of time, and what becomes of each.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::desk::Desk;
use super::life::{
    Cause, Charge, Customer, Location, Rental, Terms, Trace, Vehicle, Version, World,
};
use super::noise::Knobs;
use super::profile::PROFILES;
use super::{fleet, people};
use crate::clock::{
    BACKUP_AT, BEGAN, DAY, HOUR, LOST_AT, MINUTE, RESTORED_AT, Seconds, local, moment,
};
use crate::dice::Dice;
use crate::stripe::Card;
use crate::tables::Writer;

/// Reservations where nobody says how many.
pub(super) const DEFAULT_SIZE: usize = 1_670;
/// The share of them that was made after the backup: a slower season.
const LOST_SHARE: f64 = 0.25;
/// Rentals to each car: keeps about two cars of five on the road.
const RENTALS_A_CAR: usize = 28;

const NOTES: &[&str] = &[
    "child seat",
    "late arrival, flight UX1042",
    "second driver",
    "GPS please",
    "ski rack",
    "automatic if possible",
    "two child seats",
    "company invoice",
    "arrives by train",
];
const LATER_NOTES: &[&str] = &[
    "scratch on rear bumper, photo on file",
    "called, will be late",
    "fuel not full, waived",
    "upgrade promised",
    "deposit waived by manager",
    "complained about tyre noise",
];

/// A world's history up to the loss.
pub(super) fn simulate(seed: u64, knobs: Knobs, size: usize) -> World {
    let mut dice = Dice::new(seed, 0);
    let zones = PROFILES.iter().map(|p| TimeZone::get(p.zone).unwrap_or(TimeZone::UTC)).collect();
    let mut world = World {
        seed,
        knobs,
        zones,
        locations: Vec::new(),
        vehicles: Vec::new(),
        customers: Vec::new(),
        rentals: Vec::new(),
        payments: Vec::new(),
        charges: Vec::new(),
    };
    world.found(size, &mut dice);
    let mut desk = Desk::new(&mut dice);
    for (created, tenant) in calls(&world, size, &mut dice) {
        world.book(&mut desk, tenant, created, &mut dice);
    }
    world.drive(&mut dice);
    world.edit_silently(&mut dice);
    world
}

/// When somebody books, and with whom, the earliest first.
fn calls(world: &World, size: usize, dice: &mut Dice) -> Vec<(Seconds, usize)> {
    let lost = (size as f64 * LOST_SHARE) as usize;
    let shares: Vec<u32> = PROFILES.iter().map(|p| p.share).collect();
    let mut calls = Vec::with_capacity(size);
    for n in 0..size {
        let (from, to) = if n < lost { (BACKUP_AT, LOST_AT) } else { (BEGAN, BACKUP_AT) };
        let tenant = dice.weighted(&shares);
        let at = loop {
            let day = local(dice.within(from, to), &world.zones[tenant]).date();
            let busy = if day.weekday().to_monday_zero_offset() < 5 { 1.0 } else { 0.6 };
            if !dice.chance(busy) {
                continue;
            }
            // Most of it between breakfast and bedtime.
            let time = Time::constant(dice.within(7, 22) as i8, 0, 0, 0);
            let at = moment(day.to_datetime(time), &world.zones[tenant]) + dice.within(0, HOUR - 1);
            if (from + 1..to).contains(&at) {
                break at;
            }
        };
        calls.push((at, tenant));
    }
    calls.sort_unstable();
    calls
}

impl World {
    /// Locations, cars, and customers of earlier years.
    fn found(&mut self, size: usize, dice: &mut Dice) {
        for (tenant, profile) in PROFILES.iter().enumerate() {
            for (code, name, address) in profile.locations {
                let id = self.locations.len() as i64 + 1;
                self.locations.push(Location { id, tenant, code, name, address });
            }
        }
        for (tenant, profile) in PROFILES.iter().enumerate() {
            let cars = (size * profile.share as usize / 100 / RENTALS_A_CAR).max(4);
            for n in 0..cars {
                let late = dice.chance(self.knobs.new_cars);
                let bought = if late { BACKUP_AT + dice.within(5, 30) * DAY } else { 0 };
                self.buy(tenant, n, bought, dice);
            }
        }
        // A car bought after the backup has an id after all others.
        self.vehicles.sort_by_key(|car| car.bought);
        for (i, car) in self.vehicles.iter_mut().enumerate() {
            car.id = i as i64 + 1;
        }
    }

    fn buy(&mut self, tenant: usize, n: usize, bought: Seconds, dice: &mut Dice) {
        let language = PROFILES[tenant].language;
        let models = fleet::models(language);
        let (make, model, class, rate) = models[n % models.len()];
        self.vehicles.push(Vehicle {
            id: 0,
            tenant,
            location: self.place(tenant, dice),
            bought,
            plate: fleet::plate(language, n, dice),
            make,
            model,
            class,
            rate: rate + dice.within(-2, 4) * 100,
            vin: fleet::vin(dice),
            odometer: vec![(0, dice.within(2_000, 70_000))],
            busy: Vec::new(),
        });
    }

    fn place(&self, tenant: usize, dice: &mut Dice) -> usize {
        let first = self.locations.iter().position(|l| l.tenant == tenant).unwrap_or(0);
        let n = PROFILES[tenant].locations.len();
        // The first location is the busiest.
        if dice.chance(0.4) { first } else { first + dice.below(n) }
    }

    /// One booking, with all that becomes of it. Gives its position.
    pub(super) fn book(
        &mut self,
        desk: &mut Desk,
        tenant: usize,
        created: Seconds,
        dice: &mut Dice,
    ) -> usize {
        let trace = if dice.chance(self.knobs.dark) {
            Trace::Dark
        } else if dice.chance(self.knobs.handwritten) {
            Trace::Handwritten
        } else {
            Trace::Usual
        };
        let channel = match trace {
            Trace::Dark => "counter",
            Trace::Handwritten => "phone",
            Trace::Usual => ["web", "phone", "counter", "partner"][dice.weighted(&[66, 18, 8, 8])],
        };
        let customer = self.caller(desk, tenant, created, channel, dice);
        let terms = self.terms(tenant, created, channel, dice);
        let confirmed = match channel {
            "web" | "partner" => Some(created + dice.within(24, 95)),
            "phone" if dice.chance(0.3) => Some(created + dice.within(HOUR, 30 * HOUR)),
            _ => Some(created),
        };
        let confirmed = confirmed.filter(|at| *at < terms.pickup && !dice.chance(0.012));
        let i = self.rentals.len();
        let (pickup, end) = (terms.pickup, terms.end);
        self.vehicles[terms.vehicle].busy.push((pickup, end, i));
        let rental = Rental {
            id: desk.rental_id(dice),
            writer: desk.writer,
            retyped: None,
            tenant,
            customer,
            reference: desk.reference(tenant, created, dice),
            created,
            confirmed,
            channel,
            deposit: 0,
            versions: vec![Version { at: created, cause: Cause::Booked, terms }],
            cancelled: None,
            no_show: false,
            picked: None,
            returned: None,
            km_out: 0,
            km_in: 0,
            notes: dice.chance(0.14).then(|| dice.pick(NOTES)),
            silent_note: None,
            trace,
        };
        self.rentals.push(rental);
        if desk.writer == Writer::Business {
            self.live(i, dice);
        }
        self.pay(i, dice);
        i
    }

    /// Changes, cancellation, pick-up and return.
    fn live(&mut self, i: usize, dice: &mut Dice) {
        let Some(confirmed) = self.rentals[i].confirmed else {
            // Nobody paid: the software lets go of it after two days.
            self.rentals[i].cancelled = Some(self.rentals[i].created + 2 * DAY);
            return;
        };
        let pickup = self.rentals[i].last().pickup;
        let room = pickup - confirmed > 6 * HOUR;
        let usual = self.rentals[i].trace == Trace::Usual;
        if room && usual && dice.chance(0.085) {
            self.rentals[i].cancelled = Some(dice.within(confirmed + HOUR, pickup - HOUR));
            return;
        }
        if room && usual && dice.chance(0.12) {
            let at = dice.within(confirmed + HOUR, pickup - 3 * HOUR);
            self.change(i, at, dice);
        }
        if usual && dice.chance(0.015) {
            self.rentals[i].no_show = true;
            return;
        }
        let Terms { pickup, end, .. } = *self.rentals[i].last();
        let picked = (pickup + dice.within(-15, 50) * MINUTE).max(confirmed + 3 * MINUTE);
        self.rentals[i].picked = Some(picked);
        if usual && end - picked > 12 * HOUR && dice.chance(0.04) {
            let at = dice.within(picked + HOUR, end - HOUR);
            self.extend(i, at, dice);
        }
        let end = self.rentals[i].last().end;
        self.rentals[i].returned =
            Some((end + dice.within(-150, 45) * MINUTE).max(picked + 2 * HOUR));
    }

    /// Other dates or another car before pick-up.
    fn change(&mut self, i: usize, at: Seconds, dice: &mut Dice) {
        let mut terms = self.rentals[i].last().clone();
        if dice.chance(0.3) {
            let tenant = self.rentals[i].tenant;
            let Some(other) = self.free(tenant, at, terms.pickup, terms.end, i, dice) else {
                return;
            };
            terms.vehicle = other;
        } else {
            let shift = dice.within(-2, 4) * DAY;
            if shift == 0 || terms.pickup + shift < at + 2 * HOUR {
                terms.end += DAY;
            } else {
                terms.pickup += shift;
                terms.end += shift + if dice.chance(0.4) { DAY } else { 0 };
            }
        }
        self.amend(i, at, terms, Cause::Changed);
    }

    /// A later return, asked for on the road.
    fn extend(&mut self, i: usize, at: Seconds, dice: &mut Dice) {
        let mut terms = self.rentals[i].last().clone();
        terms.end += dice.within(1, 3) * DAY;
        self.amend(i, at, terms, Cause::Changed);
    }

    fn amend(&mut self, i: usize, at: Seconds, mut terms: Terms, cause: Cause) {
        let old = self.rentals[i].last().clone();
        let promised = |busy: &[(Seconds, Seconds, usize)]| {
            busy.iter()
                .any(|(from, to, whose)| *whose != i && *from < terms.end && terms.pickup < *to)
        };
        if promised(&self.vehicles[terms.vehicle].busy) {
            return;
        }
        let extras = old.total - self.price(&old);
        terms.total = self.price(&terms) + extras;
        self.vehicles[old.vehicle].busy.retain(|(_, _, whose)| *whose != i);
        self.vehicles[terms.vehicle].busy.push((terms.pickup, terms.end, i));
        self.rentals[i].versions.push(Version { at, cause, terms });
    }

    fn terms(&mut self, tenant: usize, created: Seconds, channel: &str, dice: &mut Dice) -> Terms {
        let zone = self.zones[tenant].clone();
        let lead = if channel == "counter" { 0.0 } else { 0.3 + dice.waiting(9.0).min(60.0) };
        let start = local(created + (lead * DAY as f64) as Seconds, &zone);
        let mut hour = dice.within(8, 18) as i8;
        let minute = [0, 0, 30, 30, 15, 45][dice.below(6)];
        if channel == "counter" {
            hour = (start.hour() + 1).clamp(8, 20);
        }
        let clock =
            |hour: i8, minute: i8| Time::new(hour, minute, 0, 0).unwrap_or(Time::midnight());
        let mut pickup = moment(start.date().to_datetime(clock(hour, minute)), &zone);
        if pickup < created + 20 * MINUTE {
            pickup += DAY;
        }
        let days = 1 + (dice.waiting(3.1) as i64).min(20);
        let day = local(pickup + days * DAY, &zone).date();
        let back = if dice.chance(0.5) { hour } else { dice.within(8, 18) as i8 };
        let mut end = moment(day.to_datetime(clock(back, minute)), &zone);
        if end < pickup + 4 * HOUR {
            end += DAY;
        }
        let from = self.place(tenant, dice);
        let to = if dice.chance(0.14) { self.place(tenant, dice) } else { from };
        let vehicle = self.free(tenant, created, pickup, end, usize::MAX, dice);
        let vehicle = vehicle.unwrap_or_else(|| self.any_car(tenant, created, dice));
        let mut terms = Terms { vehicle, from, to, pickup, end, total: 0 };
        let extras = [0, 0, 0, 800, 1_500, 2_450][dice.below(6)] * days.min(10);
        terms.total = self.price(&terms) + extras;
        terms
    }

    /// The price by days, with a discount for a week, and a fee for one way.
    pub(super) fn price(&self, terms: &Terms) -> i64 {
        let days = (terms.end - terms.pickup + DAY - 1 - 2 * HOUR).max(1) / DAY;
        let percent = if days >= 7 { 88 } else { 100 };
        let one_way = if terms.from == terms.to { 0 } else { 3_500 };
        self.vehicles[terms.vehicle].rate * days.max(1) * percent / 100 + one_way
    }

    /// A car of the tenant that nobody else was promised.
    fn free(
        &self,
        tenant: usize,
        now: Seconds,
        from: Seconds,
        to: Seconds,
        whose: usize,
        dice: &mut Dice,
    ) -> Option<usize> {
        (0..24).map(|_| self.any_car(tenant, now, dice)).find(|car| {
            let mut busy = self.vehicles[*car].busy.iter();
            !busy.any(|(start, end, other)| *other != whose && *start < to && from < *end)
        })
    }

    /// A car that the tenant's database knows at a moment: after the restore, none that was
    /// bought after the backup.
    pub(super) fn any_car(&self, tenant: usize, now: Seconds, dice: &mut Dice) -> usize {
        let now = if now >= RESTORED_AT { BACKUP_AT } else { now };
        // Cars stand in the order of buying, those of one tenant together among the old ones.
        let old = self.vehicles.partition_point(|car| car.bought == 0);
        let first = self.vehicles[..old].partition_point(|car| car.tenant < tenant);
        let end = self.vehicles[..old].partition_point(|car| car.tenant <= tenant);
        let new: Vec<usize> = (old..self.vehicles.len())
            .filter(|i| self.vehicles[*i].tenant == tenant && self.vehicles[*i].bought < now)
            .collect();
        let n = dice.below(end - first + new.len());
        if n < end - first { first + n } else { new[n - (end - first)] }
    }

    /// The customer who books: one who came before, a relative, a namesake, or a new one.
    fn caller(
        &mut self,
        desk: &mut Desk,
        tenant: usize,
        created: Seconds,
        channel: &str,
        dice: &mut Dice,
    ) -> usize {
        let known = &desk.regulars[tenant];
        if !known.is_empty() && dice.chance(0.24) {
            return known[dice.below(known.len())];
        }
        let language = PROFILES[tenant].language;
        // Tourists: one in ten brings a name from elsewhere.
        let home = if dice.chance(0.1) { PROFILES[dice.below(4)].language } else { language };
        let (mut first, mut last) = people::name(home, dice);
        let mut email = Some(crate::people::email(&first, &last, dice));
        let mut phone = people::phone(home, dice);
        if !known.is_empty() && dice.chance(self.knobs.family) {
            let relative = &self.customers[known[dice.below(known.len())]];
            last.clone_from(&relative.last);
            email.clone_from(&relative.email);
            if dice.chance(0.5) {
                phone.clone_from(&relative.phone);
            }
        } else if !known.is_empty() && dice.chance(self.knobs.namesake) {
            let other = &self.customers[known[dice.below(known.len())]];
            first.clone_from(&other.first);
            last.clone_from(&other.last);
            email = Some(crate::people::email(&first, &last, dice));
        } else if channel == "counter" && dice.chance(0.5) {
            email = None;
        } else if channel == "phone" && dice.chance(self.knobs.typo) {
            if dice.chance(0.5) {
                last = crate::people::typo(&last, dice);
            } else {
                email = email.map(|email| crate::people::typo(&email, dice));
            }
        }
        let i = self.customers.len();
        self.customers.push(Customer {
            id: desk.customer_id(),
            writer: desk.writer,
            tenant,
            first,
            last,
            email,
            phone,
            created: created - i64::from(channel == "web"),
            note: None,
            new_phone: None,
            card: Card::new(dice),
            payer: None,
        });
        desk.regulars[tenant].push(i);
        i
    }

    /// Odometers: each car's rentals one after the other.
    fn drive(&mut self, dice: &mut Dice) {
        for car in &mut self.vehicles {
            car.busy.sort_unstable();
            let mut km = car.odometer[0].1;
            for (pickup, end, i) in &car.busy {
                let rental = &mut self.rentals[*i];
                let (Some(_), Some(returned)) = (rental.picked, rental.returned) else { continue };
                rental.km_out = km + dice.within(0, 9);
                let days = (end - pickup) / DAY + 1;
                km = rental.km_out + days * dice.within(40, 260) + dice.within(1, 39);
                rental.km_in = km;
                car.odometer.push((returned, km));
            }
            car.odometer.sort_unstable();
        }
    }

    /// What staff change in the database, without a word to anybody.
    fn edit_silently(&mut self, dice: &mut Dice) {
        let knobs = self.knobs;
        for i in 0..self.rentals.len() {
            let created = self.rentals[i].created;
            let later = created + dice.within(DAY, 12 * DAY);
            if dice.chance(knobs.silent_note) {
                self.rentals[i].silent_note = Some((later, dice.pick(LATER_NOTES)));
            }
            let open = self.rentals[i].cancelled.is_none()
                && self.rentals[i].returned.is_some_and(|at| later < at)
                && self.rentals[i].versions.iter().all(|version| version.at < later);
            if open && dice.chance(knobs.silent_price) {
                let mut terms = self.rentals[i].last().clone();
                terms.total -= (terms.total / 10).min(2_500);
                self.rentals[i].versions.push(Version { at: later, cause: Cause::Silent, terms });
            }
        }
        for customer in &mut self.customers {
            let later = customer.created + dice.within(2, 150) * DAY;
            if dice.chance(0.01) {
                customer.note = Some((later, "prefers automatic"));
            }
            if dice.chance(0.006) {
                let phone = people::phone(PROFILES[customer.tenant].language, dice);
                customer.new_phone = Some((later, phone));
            }
        }
    }
}

impl Charge {
    /// What is left of it after a refund.
    pub(super) fn refunded(&self, until: Seconds) -> i64 {
        self.refund.as_ref().filter(|(at, ..)| *at <= until).map_or(0, |(_, amount, _)| *amount)
    }
}
