//! The houses' calendars: one event a stay from the software, some typed by hand, and what
//! else stands in a calendar.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use icalendar::{Component, Event};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::life::{Booking, Cause, Origin, Trace, Version, World};
use super::profile::{EventTimes, HOUSES, House};
use super::stay::later;
use super::words::words;
use crate::clock::{BEGAN, DAY, LOST_AT, Seconds, TAKEN_AT, local, moment};
use crate::dice::{Dice, HEX};
use crate::error::WorldError;
use crate::form::fill;
use crate::ics::{add, stamp};
use crate::ledger::{Item, Ledger};
use crate::people::typo;
use crate::tables::Writer;

const KIND: &str = "calendar.event";

/// Writes all calendars into `dir/calendars`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let dir = dir.join("calendars");
    fs::create_dir_all(&dir).map_err(WorldError::write(&dir))?;
    for (tenant, house) in HOUSES.iter().enumerate() {
        let path = dir.join(format!("{}.ics", house.slug));
        let dice = Dice::new(world.seed, 10 + tenant as u64);
        let calendar = Calendar { world, tenant, house, zone: &world.zones[tenant], dice };
        calendar.write(&path, ledger).map_err(WorldError::write(&path))?;
    }
    Ok(())
}

struct Calendar<'a> {
    world: &'a World,
    tenant: usize,
    house: &'static House,
    zone: &'a TimeZone,
    dice: Dice,
}

impl Calendar<'_> {
    fn write(mut self, path: &Path, ledger: &mut Ledger) -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        let diary = &self.house.diary;
        write!(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{}\r\n", diary.product)?;
        write!(out, "CALSCALE:GREGORIAN\r\nX-WR-CALNAME:{}\r\n", diary.name)?;
        if diary.times == EventTimes::Floating {
            write!(out, "X-WR-TIMEZONE:{}\r\n", self.house.zone)?;
        }
        let mut put = |event: &Event| {
            let text = event.try_into_string().map_err(std::io::Error::other)?;
            out.write_all(text.as_bytes())
        };
        let knobs = self.world.knobs;
        for (i, booking) in self.world.bookings.iter().enumerate() {
            if booking.tenant != self.tenant || booking.trace == Trace::Dark {
                continue;
            }
            let by_hand = booking.trace == Trace::Handwritten
                || booking.origin == Origin::Telephone && self.dice.chance(knobs.retyped_event);
            let missing = self.dice.chance(knobs.event_missing);
            if missing && booking.trace == Trace::Usual {
                continue;
            }
            let (event, at) = if by_hand { self.typed(booking) } else { self.of_stay(booking) };
            put(&event)?;
            let native = event.get_uid().unwrap_or_default().to_owned();
            let (payments, tells) = (Vec::new(), true);
            ledger.about(Item { kind: KIND, native, booking: i, payments, at, tells, by_hand });
        }
        let own = self.world.bookings.len() as f64 * knobs.clutter * 0.4;
        for _ in 0..own as usize * self.house.share as usize / 100 {
            put(&self.private())?;
            ledger.unrelated(KIND);
        }
        out.write_all(b"END:VCALENDAR\r\n")?;
        out.flush()
    }

    /// The software's event as it stands in the end, and when it was last changed.
    fn of_stay(&mut self, booking: &Booking) -> (Event, Seconds) {
        let until = if booking.writer == Writer::Staff { TAKEN_AT } else { LOST_AT };
        let told = |v: &&Version| v.at <= until && v.cause != Cause::Silent;
        let version = booking.versions.iter().rposition(|v| told(&v)).unwrap_or(0);
        let cancelled = booking.cancelled.filter(|at| *at <= until);
        let confirmed = booking.confirmed.filter(|at| *at <= until);
        let changed = booking.versions[version].at;
        let at = changed.max(cancelled.unwrap_or(0)).max(confirmed.unwrap_or(0));
        let diary = &self.house.diary;
        let words = words(self.world, booking, version).with("uuid", self.uuid());
        let terms = &booking.versions[version].terms;
        let mut event = Event::new();
        event
            .add_property("UID", fill(diary.uid, &words))
            .add_property("SUMMARY", fill(diary.summary, &words))
            .add_property("DESCRIPTION", fill(diary.description, &words).trim_end())
            .add_property("SEQUENCE", (version + usize::from(cancelled.is_some())).to_string())
            .add_property("DTSTAMP", stamp(at));
        if !diary.location.is_empty() {
            event.add_property("LOCATION", fill(diary.location, &words));
        }
        if diary.times == EventTimes::Days {
            days(&mut event, terms.from, terms.to);
        } else {
            self.times(&mut event, terms.from.at(15, 0, 0, 0), terms.to.at(10, 30, 0, 0));
        }
        if diary.stamps {
            event.add_property("CREATED", stamp(booking.created));
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

    fn uuid(&mut self) -> String {
        let hex = self.dice.code(32, HEX);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    fn times(&self, event: &mut Event, start: DateTime, end: DateTime) {
        for (key, when) in [("DTSTART", start), ("DTEND", end)] {
            let there = when.strftime("%Y%m%dT%H%M%S").to_string();
            match self.house.diary.times {
                EventTimes::Utc => {
                    event.add_property(key, stamp(moment(when, self.zone)));
                }
                EventTimes::Days | EventTimes::Floating => {
                    event.add_property(key, there);
                }
                EventTimes::ZoneByName => add(event, key, there, ("TZID", self.house.zone)),
            }
        }
    }

    /// What somebody typed with the receiver between ear and shoulder.
    fn typed(&mut self, booking: &Booking) -> (Event, Seconds) {
        let terms = &booking.versions[0].terms;
        let guest = &self.world.guests[booking.guest];
        let door = &self.world.rooms[terms.room].door;
        let nights = terms.nights();
        let mut family = guest.family.clone();
        if self.dice.chance(0.25) {
            family = typo(&family, &mut self.dice);
        }
        let summary = match self.dice.below(4) {
            0 => format!("{family} {door}"),
            1 => format!("{door} {} {nights}n", family.to_lowercase()),
            2 => format!("{family} x{} ({door})", terms.adults + terms.children),
            _ => format!("{} {family}, {}", guest.given, guest.mobile),
        };
        let mut event = Event::new();
        event
            .add_property("UID", format!("{}@google.com", self.dice.code(26, HEX)))
            .add_property("SUMMARY", summary)
            .add_property("DTSTAMP", stamp(booking.created))
            .add_property("CREATED", stamp(booking.created));
        if self.dice.chance(0.4) {
            event.add_property("DESCRIPTION", format!("tel {}", guest.mobile));
        }
        days(&mut event, terms.from, terms.to);
        (event, booking.created)
    }

    /// What is no stay at all.
    fn private(&mut self) -> Event {
        let dice = &mut self.dice;
        let mine = |room: &&super::life::Room| room.tenant == self.tenant;
        let rooms: Vec<_> = self.world.rooms.iter().filter(mine).collect();
        let door = &rooms[dice.below(rooms.len())].door;
        let summary = match dice.below(5) {
            0 => format!("{door}: plumber"),
            1 => "Chimney sweep".to_owned(),
            2 => format!("Paint {door}"),
            3 => "Laundry pick-up".to_owned(),
            _ => "Choir".to_owned(),
        };
        let at = dice.within(BEGAN, LOST_AT);
        let day = local(at, self.zone).date();
        let mut event = Event::new();
        event
            .add_property("UID", format!("{}@google.com", dice.code(26, HEX)))
            .add_property("SUMMARY", summary)
            .add_property("DTSTAMP", stamp(at - dice.within(1, 20) * DAY));
        if dice.chance(0.5) {
            days(&mut event, day, later(day, 1));
        } else {
            let hour = dice.within(8, 17) as i8;
            self.times(&mut event, day.at(hour, 0, 0, 0), day.at(hour + 1, 0, 0, 0));
        }
        event
    }
}

/// Whole days; the last is the first that is free again (RFC 5545, 3.6.1).
fn days(event: &mut Event, from: Date, to: Date) {
    for (key, day) in [("DTSTART", from), ("DTEND", to)] {
        add(event, key, day.strftime("%Y%m%d").to_string(), ("VALUE", "DATE"));
    }
}
