//! How the studios go: appointments in the order of time, and what becomes of each.

use std::collections::BTreeSet;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::desk::Desk;
use super::life::{
    Cause, Client, Line, Practitioner, Service, Terms, Trace, Version, Visit, World,
};
use super::noise::Knobs;
use super::people;
use super::profile::STUDIOS;
use crate::clock::{
    BACKUP_AT, BEGAN, DAY, HOUR, LOST_AT, MINUTE, RESTORED_AT, Seconds, local, moment,
};
use crate::dice::Dice;
use crate::people::{email, typo};
use crate::stripe::Card;
use crate::tables::Writer;

/// Appointments where nobody says how many.
pub(super) const DEFAULT_SIZE: usize = 1_400;
/// The share of them that was made after the backup.
const LOST_SHARE: f64 = 0.27;
const CAPITALS: &str = "ABCDEFGHIJKLMNOPRSTUVWZ";
/// Appointments to each practitioner.
const VISITS_A_HEAD: usize = 120;

const INTERNAL: &[&str] = &[
    "ran 20 min late",
    "patch test done",
    "offer a series next time",
    "left without new date",
    "upset about waiting",
    "owes a key deposit",
];
const ALLERGIES: &[&str] = &["latex", "PPD", "nickel", "lidocaine", "nuts"];

/// A world's history up to the loss.
pub(super) fn simulate(seed: u64, knobs: Knobs, size: usize) -> World {
    let mut dice = Dice::new(seed, 40);
    let zones = STUDIOS.iter().map(|p| TimeZone::get(p.zone).unwrap_or(TimeZone::UTC)).collect();
    let mut world = World {
        seed,
        knobs,
        zones,
        studios: STUDIOS.iter().map(|_| uuid(&mut dice)).collect(),
        staff: Vec::new(),
        services: Vec::new(),
        clients: Vec::new(),
        visits: Vec::new(),
        lines: Vec::new(),
        payments: Vec::new(),
        charges: Vec::new(),
        invoices: Vec::new(),
    };
    world.found(size, &mut dice);
    let mut desk = Desk::new();
    for (created, studio) in calls(&world, size, &mut dice) {
        world.book(&mut desk, studio, created, &mut dice);
    }
    world.edit_silently(&mut dice);
    world
}

/// A random key (RFC 9562, version 4).
pub(super) fn uuid(dice: &mut Dice) -> String {
    let hex = dice.code(30, crate::dice::HEX);
    let variant = dice.code(1, "89ab");
    format!(
        "{}-{}-4{}-{variant}{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..15],
        &hex[15..18],
        &hex[18..]
    )
}

/// When somebody books, and where, the earliest first.
fn calls(world: &World, size: usize, dice: &mut Dice) -> Vec<(Seconds, usize)> {
    let lost = (size as f64 * LOST_SHARE) as usize;
    let shares: Vec<u32> = STUDIOS.iter().map(|p| p.share).collect();
    let mut calls = Vec::with_capacity(size);
    for n in 0..size {
        let (from, to) = if n < lost { (BACKUP_AT, LOST_AT) } else { (BEGAN, BACKUP_AT) };
        let studio = dice.weighted(&shares);
        let at = loop {
            let day = local(dice.within(from, to), &world.zones[studio]).date();
            if day.weekday() == Weekday::Sunday && dice.chance(0.7) {
                continue;
            }
            let time = Time::constant(dice.within(8, 21) as i8, 0, 0, 0);
            let at = moment(day.to_datetime(time), &world.zones[studio]) + dice.within(0, HOUR - 1);
            if (from + 1..to).contains(&at) {
                break at;
            }
        };
        calls.push((at, studio));
    }
    calls.sort_unstable();
    calls
}

impl World {
    /// Practitioners and services.
    fn found(&mut self, size: usize, dice: &mut Dice) {
        for (studio, profile) in STUDIOS.iter().enumerate() {
            for (title, category, minutes, price) in profile.services {
                self.services.push(Service {
                    id: uuid(dice),
                    studio,
                    title,
                    category,
                    minutes: *minutes,
                    price: *price,
                });
            }
            let heads = (size * profile.share as usize / 100 / VISITS_A_HEAD).max(2);
            let mut taken = BTreeSet::new();
            while taken.len() < heads {
                let shown = match profile.staff.get(taken.len()) {
                    Some(name) => (*name).to_owned(),
                    None => {
                        let (given, family) = people::name(profile.language, dice);
                        // Among many, a given and a family name are not enough.
                        let many = taken.len() >= 200;
                        let middle =
                            if many { dice.code(1, CAPITALS) + ". " } else { String::new() };
                        format!("{}{given} {middle}{family}", profile.title)
                    }
                };
                if !taken.insert(shown.clone()) {
                    continue;
                }
                // The first have always been there.
                let late = taken.len() > 1 && dice.chance(self.knobs.new_staff);
                let began = if late { BACKUP_AT + dice.within(3, 25) * DAY } else { 0 };
                let hired = BEGAN - dice.within(20, 4_000) * DAY;
                let hired = local(if late { began } else { hired }, &TimeZone::UTC).date();
                self.staff.push(Practitioner {
                    id: uuid(dice),
                    studio,
                    shown,
                    began,
                    percent: dice.within(6, 12) * 5,
                    hired: hired.to_string(),
                    busy: Vec::new(),
                });
            }
        }
    }

    /// One appointment, with all that becomes of it. Gives its position.
    pub(super) fn book(
        &mut self,
        desk: &mut Desk,
        studio: usize,
        created: Seconds,
        dice: &mut Dice,
    ) -> usize {
        let profile = STUDIOS[studio];
        let trace = if dice.chance(self.knobs.dark) {
            Trace::Dark
        } else if dice.chance(self.knobs.handwritten) {
            Trace::Handwritten
        } else {
            Trace::Usual
        };
        let origin = match trace {
            Trace::Dark => "walk_in",
            Trace::Handwritten => "phone",
            Trace::Usual => ["online", "phone", "walk_in"][dice.weighted(&profile.origins)],
        };
        let client = self.caller(desk, studio, created, origin, dice);
        let i = self.visits.len();
        let (mut minutes, mut cents) = (0, 0);
        for service in self.wanted(studio, dice) {
            let mut price = self.services[service].price;
            if dice.chance(0.07) {
                price += [-500, 500, 1_000, 1_250][dice.below(4)];
            }
            (minutes, cents) = (minutes + self.services[service].minutes, cents + price);
            self.line(i, service, price, created, dice);
        }
        let terms = self.terms(studio, created, minutes * MINUTE, origin, dice);
        self.staff[terms.staff].busy.push((terms.start, terms.start + minutes * MINUTE, i));
        let (id, code) = desk.identity(studio, created, dice);
        let visit = Visit {
            id,
            writer: desk.writer,
            retyped: None,
            studio,
            client,
            code,
            created,
            confirmed: None,
            origin,
            prepaid: 0,
            versions: vec![Version { at: created, cause: Cause::Booked, terms }],
            cancelled: None,
            missed: false,
            done: None,
            wish: dice.chance(0.13).then(|| dice.pick(profile.wishes)),
            internal: None,
            rebate: None,
            trace,
        };
        self.visits.push(visit);
        self.promise(i, cents, dice);
        if desk.writer == Writer::Business {
            self.live(i, dice);
        }
        self.pay(i, dice);
        i
    }

    /// One to three services of a studio, none of them twice.
    fn wanted(&self, studio: usize, dice: &mut Dice) -> Vec<usize> {
        let first = self.services.partition_point(|service| service.studio < studio);
        let end = self.services.partition_point(|service| service.studio <= studio);
        let many = 1 + dice.weighted(&STUDIOS[studio].lines);
        let mut wanted = Vec::with_capacity(many);
        while wanted.len() < many {
            // What stands first is asked for most.
            let one = first + dice.below(end - first).min(dice.below(end - first));
            if !wanted.contains(&one) {
                wanted.push(one);
            }
        }
        wanted
    }

    pub(super) fn line(
        &mut self,
        visit: usize,
        service: usize,
        price: i64,
        since: Seconds,
        dice: &mut Dice,
    ) {
        let before = self.lines.iter().rev().take_while(|line| line.visit == visit).count();
        let (id, position) = (uuid(dice), before as i64 + 1);
        self.lines.push(Line { id, visit, position, service, price, since });
    }

    /// Changes, cancellation, and the visit itself.
    fn live(&mut self, i: usize, dice: &mut Dice) {
        let Some(confirmed) = self.visits[i].confirmed else {
            // Nobody paid: the software lets go of it after a day.
            self.visits[i].cancelled = Some(self.visits[i].created + DAY);
            return;
        };
        let start = self.visits[i].last().start;
        let room = start - confirmed > 5 * HOUR;
        let usual = self.visits[i].trace == Trace::Usual;
        if room && usual && dice.chance(0.095) {
            self.visits[i].cancelled = Some(dice.within(confirmed + HOUR, start - HOUR));
            return;
        }
        if room && usual && dice.chance(0.13) {
            let at = dice.within(confirmed + HOUR, start - 2 * HOUR);
            self.move_visit(i, at, dice);
        }
        if usual && dice.chance(0.03) {
            self.visits[i].missed = true;
            return;
        }
        let (minutes, _) = self.sums(i, Seconds::MAX);
        let end = self.visits[i].last().start + minutes * MINUTE;
        if usual && dice.chance(0.06) {
            let studio = self.visits[i].studio;
            let had: Vec<usize> = self.lines_of(i).iter().map(|line| line.service).collect();
            let more = self.wanted(studio, dice)[0];
            if !had.contains(&more) {
                let price = self.services[more].price;
                self.line(i, more, price, end - 4 * MINUTE, dice);
            }
        }
        let done = end + dice.within(-5, 25) * MINUTE + dice.within(0, 59);
        self.visits[i].done = Some(done.max(confirmed + 3 * MINUTE));
    }

    /// Another time, or another practitioner.
    fn move_visit(&mut self, i: usize, at: Seconds, dice: &mut Dice) {
        let visit = &self.visits[i];
        let (studio, old) = (visit.studio, visit.last());
        let (minutes, _) = self.sums(i, at);
        let length = minutes * MINUTE;
        let zone = self.zones[studio].clone();
        let mut terms = old;
        for _ in 0..12 {
            let day = local(old.start + dice.within(-2, 9) * DAY, &zone).date();
            let day = if day.weekday() == Weekday::Sunday {
                day.saturating_add(jiff::Span::new().days(1))
            } else {
                day
            };
            terms.start = moment(day.to_datetime(slot(dice)), &zone);
            if dice.chance(0.2) {
                terms.staff = self.anybody(studio, at, dice);
            }
            if terms.start > at + 2 * HOUR && terms != old && self.free(terms, length, i) {
                self.staff[old.staff].busy.retain(|(_, _, whose)| *whose != i);
                self.staff[terms.staff].busy.push((terms.start, terms.start + length, i));
                self.visits[i].versions.push(Version { at, cause: Cause::Moved, terms });
                return;
            }
        }
    }

    fn terms(
        &self,
        studio: usize,
        created: Seconds,
        length: Seconds,
        origin: &str,
        dice: &mut Dice,
    ) -> Terms {
        let zone = self.zones[studio].clone();
        let mut terms = Terms { staff: 0, start: 0 };
        for n in 0..30 {
            terms.staff = self.anybody(studio, created, dice);
            if origin == "walk_in" {
                let quarter = 15 * MINUTE;
                terms.start = (created + dice.within(5, 40) * MINUTE) / quarter * quarter + quarter;
            } else {
                let lead = 0.2 + dice.waiting(12.0).min(60.0) + f64::from(n) * 0.2;
                let mut day = local(created + (lead * DAY as f64) as Seconds, &zone).date();
                if day.weekday() == Weekday::Sunday {
                    day = day.saturating_add(jiff::Span::new().days(1));
                }
                terms.start = moment(day.to_datetime(slot(dice)), &zone);
            }
            if terms.start > created + 10 * MINUTE && self.free(terms, length, usize::MAX) {
                break;
            }
        }
        // Where all are busy, somebody is squeezed in; never before having called.
        if terms.start < created + 10 * MINUTE {
            terms.start += DAY;
        }
        terms
    }

    pub(super) fn free(&self, terms: Terms, length: Seconds, whose: usize) -> bool {
        let end = terms.start + length;
        let mut busy = self.staff[terms.staff].busy.iter();
        !busy.any(|(from, to, other)| *other != whose && *from < end && terms.start < *to)
    }

    /// Somebody whom the studio's database knows at a moment: after the restore, nobody who
    /// began after the backup.
    pub(super) fn anybody(&self, studio: usize, now: Seconds, dice: &mut Dice) -> usize {
        let now = if now >= RESTORED_AT { BACKUP_AT } else { now };
        let first = self.staff.partition_point(|one| one.studio < studio);
        let end = self.staff.partition_point(|one| one.studio <= studio);
        loop {
            let one = first + dice.below(end - first);
            if self.staff[one].began <= now {
                return one;
            }
        }
    }

    /// The client who books: one who came before, a relative, a namesake, or a new one.
    fn caller(
        &mut self,
        desk: &mut Desk,
        studio: usize,
        created: Seconds,
        origin: &str,
        dice: &mut Dice,
    ) -> usize {
        let known = &desk.regulars[studio];
        if !known.is_empty() && dice.chance(0.42) {
            return known[dice.below(known.len())];
        }
        let profile = STUDIOS[studio];
        let language =
            if dice.chance(0.06) { STUDIOS[dice.below(4)].language } else { profile.language };
        let (mut given, mut family) = people::name(language, dice);
        let mut address = Some(email(&given, &family, dice));
        let mut mobile = people::mobile(profile.language, dice);
        let relative = |desk: &Desk, dice: &mut Dice| {
            let known = &desk.regulars[studio];
            known[dice.below(known.len())]
        };
        if !known.is_empty() && dice.chance(self.knobs.family) {
            let other = &self.clients[relative(desk, dice)];
            family.clone_from(&other.family);
            address.clone_from(&other.email);
            mobile.clone_from(&other.mobile);
        } else if !known.is_empty() && dice.chance(self.knobs.namesake) {
            let other = &self.clients[relative(desk, dice)];
            given.clone_from(&other.given);
            family.clone_from(&other.family);
            address = Some(email(&given, &family, dice));
        } else if origin == "phone" && dice.chance(self.knobs.typo) {
            if dice.chance(0.5) {
                family = typo(&family, dice);
            } else {
                address = address.map(|address| typo(&address, dice));
            }
        }
        if !dice.chance(profile.reachable) || origin == "walk_in" && dice.chance(0.4) {
            address = None;
        }
        let early = if origin == "online" { dice.within(15, 400) } else { 0 };
        let born = format!(
            "{}-{:02}-{:02}",
            dice.within(1941, 2012),
            dice.within(1, 12),
            dice.within(1, 28)
        );
        let i = self.clients.len();
        self.clients.push(Client {
            id: uuid(dice),
            writer: desk.writer,
            studio,
            given,
            family,
            email: address,
            mobile,
            joined: created - early,
            born: dice.chance(0.45).then_some(born),
            newsletter: dice.chance(0.35),
            allergy: None,
            card: Card::new(dice),
            payer: None,
        });
        desk.regulars[studio].push(i);
        i
    }

    /// What staff change in the database, without a word to anybody.
    fn edit_silently(&mut self, dice: &mut Dice) {
        let knobs = self.knobs;
        for i in 0..self.visits.len() {
            let visit = &self.visits[i];
            let (studio, Terms { start, .. }) = (visit.studio, visit.last());
            let (minutes, cents) = self.sums(i, Seconds::MAX);
            let done = visit.done;
            if let Some(done) = done.filter(|_| dice.chance(0.1)) {
                let note = dice.pick(INTERNAL);
                self.visits[i].internal = Some((done + dice.within(1, 90) * MINUTE, note));
            }
            if let Some(done) = done.filter(|_| dice.chance(knobs.silent_price)) {
                self.visits[i].rebate = Some((done + 5 * HOUR, cents / 10));
            }
            // A colleague steps in on the day.
            let at = start - 40 * MINUTE;
            let quiet = self.visits[i].versions.iter().all(|version| version.at < at);
            if done.is_some() && quiet && dice.chance(knobs.silent_swap) {
                let terms = Terms { staff: self.anybody(studio, at, dice), start };
                if terms != self.visits[i].last() && self.free(terms, minutes * MINUTE, i) {
                    let cause = Cause::Silent;
                    self.visits[i].versions.push(Version { at, cause, terms });
                }
            }
        }
        for client in &mut self.clients {
            if dice.chance(0.05) {
                let later = client.joined + dice.within(0, 60) * DAY + HOUR;
                client.allergy = Some((later, dice.pick(ALLERGIES)));
            }
        }
    }
}

/// A quarter of an hour within opening hours.
fn slot(dice: &mut Dice) -> Time {
    let minute = [0, 30, 15, 45][dice.weighted(&[40, 30, 15, 15])];
    Time::constant(dice.within(9, 18) as i8, minute, 0, 0)
}
