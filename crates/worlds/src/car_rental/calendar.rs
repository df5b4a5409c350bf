//! The companies' calendars: one event a booking from the software, some typed by hand, and
//! what else stands in a calendar.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use icalendar::{Component, Event};
use jiff::tz::TimeZone;

use super::life::{Cause, Rental, Trace, World};
use super::profile::{EventTimes, PROFILES, Profile};
use crate::clock::{BEGAN, DAY, HOUR, LOST_AT, MINUTE, Seconds, TAKEN_AT, local};
use crate::dice::{BASE62, Dice, HEX};
use crate::error::WorldError;
use crate::form::{Words, fill};
use crate::ics::{add, stamp};
use crate::ledger::{Item, Ledger};
use crate::people;
use crate::tables::Writer;

const KIND: &str = "calendar.event";

/// Writes all calendars into `dir/calendars`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let dir = dir.join("calendars");
    fs::create_dir_all(&dir).map_err(WorldError::write(&dir))?;
    for (tenant, profile) in PROFILES.iter().enumerate() {
        let path = dir.join(format!("{}.ics", profile.slug));
        let dice = Dice::new(world.seed, 10 + tenant as u64);
        let calendar = Calendar { world, tenant, profile, zone: &world.zones[tenant], dice };
        calendar.write(&path, ledger).map_err(WorldError::write(&path))?;
    }
    Ok(())
}

struct Calendar<'a> {
    world: &'a World,
    tenant: usize,
    profile: &'static Profile,
    zone: &'a TimeZone,
    dice: Dice,
}

impl Calendar<'_> {
    fn write(mut self, path: &Path, ledger: &mut Ledger) -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let style = &self.profile.calendar;
        write!(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{}\r\n", style.product)?;
        write!(out, "CALSCALE:GREGORIAN\r\nX-WR-CALNAME:{}\r\n", style.name)?;
        match style.times {
            EventTimes::Floating => write!(out, "X-WR-TIMEZONE:{}\r\n", self.profile.zone)?,
            EventTimes::ZoneWithRules(rules) => write!(out, "{rules}")?,
            EventTimes::Utc | EventTimes::ZoneByName => {}
        }
        let mut put = |event: &Event| {
            let text = event.try_into_string().map_err(std::io::Error::other)?;
            out.write_all(text.as_bytes())
        };
        let knobs = self.world.knobs;
        for (i, rental) in self.world.rentals.iter().enumerate() {
            if rental.tenant != self.tenant || rental.trace == Trace::Dark {
                continue;
            }
            let by_hand = rental.trace == Trace::Handwritten
                || rental.channel == "phone" && self.dice.chance(knobs.retyped_event);
            let missing = self.dice.chance(knobs.event_missing);
            if missing && rental.trace == Trace::Usual {
                continue;
            }
            let (event, at) = if by_hand { self.typed(rental) } else { self.of_booking(rental) };
            put(&event)?;
            let native = event.get_uid().unwrap_or_default().to_owned();
            let (kind, payments, tells) = (KIND, Vec::new(), true);
            ledger.about(Item { kind, native, booking: i, payments, at, tells, by_hand });
        }
        let own = self.world.rentals.len() as f64 * knobs.clutter * 0.4;
        let own = own as usize * self.profile.share as usize / 100;
        for _ in 0..own {
            put(&self.private())?;
            ledger.unrelated(KIND);
        }
        out.write_all(b"END:VCALENDAR\r\n")?;
        out.flush()
    }

    /// The software's event as it stands in the end, and when it was last changed.
    fn of_booking(&mut self, rental: &Rental) -> (Event, Seconds) {
        let until = if rental.writer == Writer::Staff { TAKEN_AT } else { LOST_AT };
        let told = |v: &&super::life::Version| v.at <= until && v.cause != Cause::Silent;
        let versions: Vec<_> = rental.versions.iter().filter(told).collect();
        let version = versions.len().saturating_sub(1);
        let cancelled = rental.cancelled.filter(|at| *at <= until);
        let confirmed = rental.confirmed.filter(|at| *at <= until);
        let changed = versions.last().map_or(rental.created, |version| version.at);
        let at = changed.max(cancelled.unwrap_or(0)).max(confirmed.unwrap_or(0));
        let style = &self.profile.calendar;
        let uuid = self.dice.code(32, HEX);
        let uuid = [&uuid[..8], &uuid[8..12], &uuid[12..16], &uuid[16..20], &uuid[20..]].join("-");
        let words = Words::of(self.world, rental, version)
            .with("uuid", uuid)
            .with("uid_code", self.dice.code(20, BASE62));
        let terms = &rental.versions[version].terms;
        let mut event = Event::new();
        event
            .add_property("UID", fill(style.uid, &words))
            .add_property("SUMMARY", fill(style.summary, &words))
            .add_property("DESCRIPTION", fill(style.description, &words).trim_end())
            .add_property("LOCATION", fill(style.location, &words))
            .add_property("SEQUENCE", (version + usize::from(cancelled.is_some())).to_string())
            .add_property("DTSTAMP", stamp(at));
        self.times(&mut event, terms.pickup, terms.end);
        if style.stamps {
            event.add_property("CREATED", stamp(rental.created));
            event.add_property("LAST-MODIFIED", stamp(at));
        }
        let status = match () {
            () if cancelled.is_some() => "CANCELLED",
            () if confirmed.is_none() => "TENTATIVE",
            () => "CONFIRMED",
        };
        event.add_property("STATUS", status);
        (event, at)
    }

    fn times(&self, event: &mut Event, start: Seconds, end: Seconds) {
        for (key, at) in [("DTSTART", start), ("DTEND", end)] {
            let there = local(at, self.zone).strftime("%Y%m%dT%H%M%S").to_string();
            match self.profile.calendar.times {
                EventTimes::Utc => {
                    event.add_property(key, stamp(at));
                }
                EventTimes::Floating => {
                    event.add_property(key, there);
                }
                EventTimes::ZoneByName | EventTimes::ZoneWithRules(_) => {
                    add(event, key, there, ("TZID", self.profile.zone));
                }
            }
        }
    }

    /// What somebody typed with the receiver between ear and shoulder.
    fn typed(&mut self, rental: &Rental) -> (Event, Seconds) {
        let terms = &rental.versions[0].terms;
        let customer = &self.world.customers[rental.customer];
        let car = &self.world.vehicles[terms.vehicle];
        let when = local(terms.pickup, self.zone);
        let short = customer.last.split(' ').next().unwrap_or(&customer.last);
        let mut last = short.to_owned();
        if self.dice.chance(0.25) {
            last = people::typo(&last, &mut self.dice);
        }
        let clock = if when.minute() == 0 { "%-I%P" } else { "%-I:%M%P" };
        let hour = when.strftime(clock).to_string();
        let model = car.model;
        let summary = match self.dice.below(4) {
            0 => format!("{last} pickup {model} {hour}"),
            1 => format!("{model} - {last}"),
            2 => format!("{} {}", last.to_lowercase(), model.to_lowercase()),
            _ => format!("{last} {hour} {}", car.plate),
        };
        let mut event = Event::new();
        event
            .add_property("UID", format!("{}@google.com", self.dice.code(26, HEX)))
            .add_property("SUMMARY", summary)
            .add_property("DTSTAMP", stamp(rental.created))
            .add_property("CREATED", stamp(rental.created));
        if self.dice.chance(0.4) {
            event.add_property("DESCRIPTION", format!("tel {}", customer.phone));
        }
        if self.dice.chance(0.5) {
            let end = local(terms.end, self.zone).date().strftime("%Y%m%d").to_string();
            for (key, day) in [("DTSTART", when.strftime("%Y%m%d").to_string()), ("DTEND", end)] {
                add(&mut event, key, day, ("VALUE", "DATE"));
            }
        } else {
            self.times(&mut event, terms.pickup, terms.pickup + HOUR);
        }
        (event, rental.created)
    }

    /// What is no booking at all.
    fn private(&mut self) -> Event {
        let dice = &mut self.dice;
        let cars: Vec<usize> = (0..self.world.vehicles.len())
            .filter(|i| self.world.vehicles[*i].tenant == self.tenant)
            .collect();
        let car = &self.world.vehicles[cars[dice.below(cars.len())]];
        let summary = match dice.below(5) {
            0 => "Dentist".to_owned(),
            1 => "Staff meeting".to_owned(),
            2 => format!("Oil change {}", car.plate),
            3 => format!("{} {} to the workshop", car.make, car.model),
            _ => "Lunch with the insurance man".to_owned(),
        };
        let at = dice.within(BEGAN, LOST_AT) / (15 * MINUTE) * (15 * MINUTE);
        let uid = format!("{}@google.com", dice.code(26, HEX));
        let written = at - dice.within(1, 20) * DAY;
        let mut event = Event::new();
        event
            .add_property("UID", uid)
            .add_property("SUMMARY", summary)
            .add_property("DTSTAMP", stamp(written));
        self.times(&mut event, at, at + HOUR);
        event
    }
}
