//! The studios' calendars: one event a visit from the software, some typed by hand, and what
//! else stands in a calendar.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use icalendar::{Component, Event};
use jiff::tz::TimeZone;

use super::life::{Trace, World};
use super::profile::{EventTimes, Profile, STUDIOS};
use crate::clock::{BEGAN, DAY, HOUR, LOST_AT, MINUTE, Seconds, local};
use crate::dice::{Dice, HEX};
use crate::error::WorldError;
use crate::form::fill;
use crate::ics::{add, stamp};
use crate::ledger::{Item, Ledger};
use crate::people::{ascii, typo};

const KIND: &str = "calendar.event";

/// Writes all calendars into `dir/calendars`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let dir = dir.join("calendars");
    fs::create_dir_all(&dir).map_err(WorldError::write(&dir))?;
    // The visits of each file, which is a studio's or a practitioner's.
    let mut files: BTreeMap<(usize, Option<usize>), Vec<usize>> = BTreeMap::new();
    for (one, practitioner) in world.staff.iter().enumerate() {
        let by_staff = STUDIOS[practitioner.studio].calendar.by_staff;
        files.entry((practitioner.studio, by_staff.then_some(one))).or_default();
    }
    for (i, visit) in world.visits.iter().enumerate() {
        let version = world.told_version(i, world.until(Some(i)));
        let by_staff = STUDIOS[visit.studio].calendar.by_staff;
        let one = by_staff.then_some(visit.versions[version].terms.staff);
        files.entry((visit.studio, one)).or_default().push(i);
    }
    for (n, ((studio, one), visits)) in files.into_iter().enumerate() {
        let profile = STUDIOS[studio];
        let (mut name, mut place) = (profile.calendar.name.to_owned(), dir.clone());
        match one {
            None => place.push(format!("{}.ics", profile.slug)),
            Some(one) => {
                let shown = &world.staff[one].shown;
                name = format!("{shown} - {name}");
                place.push(profile.slug);
                fs::create_dir_all(&place).map_err(WorldError::write(&place))?;
                let words: Vec<String> = shown.split(' ').map(ascii).collect();
                place.push(format!("{}.ics", words.join("-")));
            }
        }
        let dice = Dice::new(world.seed, 100 + n as u64);
        let calendar = Calendar { world, profile, zone: &world.zones[studio], dice };
        calendar.write(&name, &visits, &place, ledger).map_err(WorldError::write(&place))?;
    }
    Ok(())
}

struct Calendar<'a> {
    world: &'a World,
    profile: &'static Profile,
    zone: &'a TimeZone,
    dice: Dice,
}

impl Calendar<'_> {
    fn write(
        mut self,
        name: &str,
        visits: &[usize],
        path: &Path,
        ledger: &mut Ledger,
    ) -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let style = &self.profile.calendar;
        write!(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{}\r\n", style.product)?;
        write!(out, "METHOD:PUBLISH\r\nX-WR-CALNAME:{name}\r\n")?;
        match style.times {
            EventTimes::Floating => write!(out, "X-WR-TIMEZONE:{}\r\n", self.profile.zone)?,
            EventTimes::Named(_, rules) => write!(out, "{rules}")?,
            EventTimes::Utc | EventTimes::Zone => {}
        }
        let mut put = |event: &Event| {
            let text = event.try_into_string().map_err(std::io::Error::other)?;
            out.write_all(text.as_bytes())
        };
        let knobs = self.world.knobs;
        for i in visits.iter().copied() {
            let visit = &self.world.visits[i];
            if visit.trace == Trace::Dark {
                continue;
            }
            let by_hand = visit.trace == Trace::Handwritten
                || visit.origin == "phone" && self.dice.chance(knobs.retyped_event);
            let missing = self.dice.chance(knobs.event_missing);
            if missing && visit.trace == Trace::Usual {
                continue;
            }
            let (event, at) = if by_hand { self.typed(i) } else { self.of_visit(i) };
            put(&event)?;
            let native = event.get_uid().unwrap_or_default().to_owned();
            let (kind, booking, payments, tells) = (KIND, i, Vec::new(), true);
            ledger.about(Item { kind, native, booking, payments, at, tells, by_hand });
        }
        let own = (visits.len() as f64 * knobs.clutter * 0.6) as usize;
        for _ in 0..own {
            put(&self.private())?;
            ledger.unrelated(KIND);
        }
        out.write_all(b"END:VCALENDAR\r\n")?;
        out.flush()
    }

    /// The software's event as it stands in the end, and when it was last changed.
    fn of_visit(&mut self, i: usize) -> (Event, Seconds) {
        let world = self.world;
        let visit = &world.visits[i];
        let until = world.until(Some(i));
        let version = world.told_version(i, until);
        let terms = visit.versions[version].terms;
        let cancelled = visit.cancelled_by(until);
        let confirmed = visit.confirmed.filter(|at| *at <= until);
        let added = world.lines_of(i).iter().map(|line| line.since).filter(|at| *at <= until);
        let at = added
            .chain([visit.versions[version].at])
            .chain(cancelled)
            .chain(confirmed)
            .max()
            .unwrap_or(visit.created);
        let words = world.words(i, version, until);
        let style = &self.profile.calendar;
        let (minutes, _) = world.sums(i, until);
        let mut event = Event::new();
        event
            .add_property("UID", fill(style.uid, &words))
            .add_property("SUMMARY", fill(style.summary, &words))
            .add_property("DESCRIPTION", fill(style.description, &words).trim_end())
            .add_property("DTSTAMP", stamp(at));
        let place = fill(style.location, &words);
        if !place.is_empty() {
            event.add_property("LOCATION", place);
        }
        self.times(&mut event, terms.start, terms.start + minutes * MINUTE);
        if style.stamps {
            let changes = version + usize::from(cancelled.is_some());
            event.add_property("SEQUENCE", changes.to_string());
            event.add_property("CREATED", stamp(visit.created));
            event.add_property("LAST-MODIFIED", stamp(at));
        }
        match (cancelled, confirmed) {
            (Some(_), _) => event.add_property("STATUS", "CANCELLED"),
            (None, None) => event.add_property("STATUS", "TENTATIVE"),
            (None, Some(_)) if style.stamps => event.add_property("STATUS", "CONFIRMED"),
            (None, Some(_)) => &mut event,
        };
        (event, at)
    }

    fn times(&self, event: &mut Event, start: Seconds, end: Seconds) {
        for (key, at) in [("DTSTART", start), ("DTEND", end)] {
            let there = local(at, self.zone).strftime("%Y%m%dT%H%M%S").to_string();
            let zone = match self.profile.calendar.times {
                EventTimes::Utc => {
                    event.add_property(key, stamp(at));
                    continue;
                }
                EventTimes::Floating => {
                    event.add_property(key, there);
                    continue;
                }
                EventTimes::Zone => self.profile.zone,
                EventTimes::Named(name, _) => name,
            };
            add(event, key, there, ("TZID", zone));
        }
    }

    fn whole_day(&self, event: &mut Event, start: Seconds, end: Seconds) {
        for (key, at) in [("DTSTART", start), ("DTEND", end)] {
            let day = local(at, self.zone).strftime("%Y%m%d").to_string();
            add(event, key, day, ("VALUE", "DATE"));
        }
    }

    /// What somebody typed with a brush in the other hand.
    fn typed(&mut self, i: usize) -> (Event, Seconds) {
        let world = self.world;
        let visit = &world.visits[i];
        let terms = visit.versions[0].terms;
        let client = &world.clients[visit.client];
        let when = local(terms.start, self.zone);
        let mut family = client.family.clone();
        if self.dice.chance(0.25) {
            family = typo(&family, &mut self.dice);
        }
        let hour = when.strftime(if when.minute() == 0 { "%-H" } else { "%-H.%M" }).to_string();
        let first = world.lines_of(i).first().map_or("", |line| world.services[line.service].title);
        let what = first.split(' ').next().unwrap_or(first).to_lowercase();
        let staff = &world.staff[terms.staff].shown;
        let summary = match self.dice.below(4) {
            0 => format!("{family} {what} {hour}h"),
            1 => format!("{} {family}", client.given),
            2 => format!("{} {what}", family.to_lowercase()),
            _ => format!("{hour} {family} ({staff})"),
        };
        let mut event = Event::new();
        event
            .add_property("UID", format!("{}@google.com", self.dice.code(26, HEX)))
            .add_property("SUMMARY", summary)
            .add_property("DTSTAMP", stamp(visit.created));
        if self.dice.chance(0.5) {
            event.add_property("DESCRIPTION", client.mobile.clone());
        }
        if self.dice.chance(0.3) {
            self.whole_day(&mut event, terms.start, terms.start + DAY);
        } else {
            self.times(&mut event, terms.start, terms.start + HOUR);
        }
        (event, visit.created)
    }

    /// What is no visit at all: days off, and appointments of one's own.
    fn private(&mut self) -> Event {
        let at = self.dice.within(BEGAN, LOST_AT) / (15 * MINUTE) * (15 * MINUTE);
        let uid = format!("{}@google.com", self.dice.code(26, HEX));
        let mut event = Event::new();
        event.add_property("UID", uid).add_property("DTSTAMP", stamp(at - 9 * DAY));
        if self.dice.chance(0.6) {
            event.add_property("SUMMARY", self.dice.pick(self.profile.calendar.days_off));
            let days = self.dice.within(1, 6);
            self.whole_day(&mut event, at, at + days * DAY);
        } else {
            let own =
                ["Call the landlord", "Delivery 8-12", "Team", "Window cleaner", "Tax office"];
            event.add_property("SUMMARY", self.dice.pick(&own));
            self.times(&mut event, at, at + HOUR);
        }
        event
    }
}
