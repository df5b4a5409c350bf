//! When the events of one UID happen: rules, added and excluded dates, and what was said of
//! single instances (RFC 5545, 3.8.4.4 and 3.8.5).
//!
//! Held against recurring-ical-events for Python on third-party calendars
//! (`tests/against_python.rs`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime, Time as Day};
use jiff::{SignedDuration, Timestamp};
use restitch_model::TimeWindow;

use crate::clock::{Clock, Clocks, Time};
use crate::event::Notes;
use crate::property::Property;
use crate::rule::{Reach, STEPS, Until, rule_starts, until_of};
use crate::time::{Length, parse_length};

/// So many rules of one event are read; a calendar writes one.
const RULES: usize = 8;

/// What one VEVENT says of when it happens.
pub(crate) struct Telling {
    /// Which event of the file it is.
    pub(crate) event: usize,
    /// Its UID.
    pub(crate) uid: Option<String>,
    /// When it starts.
    pub(crate) start: Time,
    end: Time,
    sequence: i64,
    recurrence: Option<Time>,
    this_and_future: bool,
    rules: Vec<String>,
    without_rules: Vec<String>,
    dates: Vec<(Time, Option<SignedDuration>)>,
    without_dates: Vec<Time>,
}

/// One time at which an event happens.
pub(crate) struct Happening {
    /// Which event of the file describes it.
    pub(crate) event: usize,
    pub(crate) start: Time,
    pub(crate) end: Time,
}

/// All that is said of one UID.
#[derive(Default)]
pub(crate) struct Series {
    core: Option<Telling>,
    /// By the moment of the instance that they are about.
    changes: BTreeMap<Moment, Telling>,
}

impl Telling {
    /// Reads an event's properties; `None` without a start.
    pub(crate) fn of(
        event: usize,
        properties: &[Property<'_>],
        clocks: &Clocks<'_>,
        notes: &mut Notes,
    ) -> Option<Self> {
        let find = |name: &str| properties.iter().find(|property| property.name == name);
        let all = |name: &str, notes: &mut Notes| {
            let mut rules = properties.iter().filter(|property| property.name == name);
            let read: Vec<String> = rules.by_ref().take(RULES).map(Property::raw).collect();
            if rules.next().is_some() {
                notes.add(format!("{name} stands more than {RULES} times; the rest is left out"));
            }
            read
        };
        let start = clocks.time(find("DTSTART")?, notes)?;
        let end = match (find("DTEND"), find("DURATION")) {
            (Some(end), _) => clocks.time(end, notes),
            (None, Some(length)) => {
                parse_length(&length.raw()).and_then(|length| later(&start, length))
            }
            (None, None) => None,
        };
        let end = end.or_else(|| match &start {
            Time::Date(date) => Some(Time::Date(date.tomorrow().ok()?)),
            Time::Clock(..) => Some(start.clone()),
        })?;
        let (start, end) = alike(start, end);
        let (start, end) =
            if start.instant()? <= end.instant()? { (start, end) } else { (end, start) };
        let recurrence = find("RECURRENCE-ID");
        let range = recurrence.and_then(|property| property.param("RANGE"));
        let mut telling = Self {
            event,
            uid: find("UID").map(|uid| uid.text().trim().to_owned()).filter(|uid| !uid.is_empty()),
            start,
            end,
            sequence: find("SEQUENCE").and_then(|n| n.raw().trim().parse().ok()).unwrap_or(-1),
            recurrence: recurrence.and_then(|property| clocks.time(property, notes)),
            this_and_future: range.is_some_and(|r| r.eq_ignore_ascii_case("THISANDFUTURE")),
            rules: all("RRULE", notes),
            without_rules: all("EXRULE", notes),
            dates: Vec::new(),
            without_dates: Vec::new(),
        };
        for property in properties {
            if !matches!(property.name.as_ref(), "RDATE" | "EXDATE") {
                continue;
            }
            for value in property.raw().split(',').filter(|value| !value.trim().is_empty()) {
                match period(value, property, clocks, notes) {
                    Some(date) if property.name == "RDATE" => telling.dates.push(date),
                    Some((date, _)) => telling.without_dates.push(date),
                    None => notes.add(format!("{} holds what is no date or time", property.name)),
                }
            }
        }
        Some(telling)
    }

    /// The day or the clock of the series, and its start there. Times that name no zone are
    /// told on the first clock that one of them names.
    fn on_its_clock(&self) -> (Time, Time) {
        let times = [&self.start, &self.end].into_iter().chain(&self.without_dates);
        let times = times.chain(self.dates.iter().map(|(date, _)| date));
        let mut clock = None;
        for time in times {
            match time {
                Time::Clock(_, Clock::Floating) if clock.is_none() => clock = Some(Clock::Floating),
                Time::Clock(_, Clock::Floating) | Time::Date(_) => {}
                Time::Clock(_, named) => {
                    clock = Some(named.clone());
                    break;
                }
            }
        }
        let on = |time: &Time| match &clock {
            Some(clock) => told_on(time, clock),
            None => time.clone(),
        };
        let wall = |time: Time| match time {
            Time::Clock(civil, clock) if !self.rules.is_empty() => {
                let (civil, clock) = clock.on_wall(civil);
                Time::Clock(civil, clock)
            }
            time => time,
        };
        (wall(on(&self.start)), wall(on(&self.end)))
    }
}

impl Series {
    /// Adds what an event of the UID says. Of two that say the same instance, the one with
    /// the higher SEQUENCE counts, of equals the first.
    pub(crate) fn add(&mut self, telling: Telling) {
        let Some(id) = &telling.recurrence else {
            if self.core.as_ref().is_none_or(|core| core.sequence < telling.sequence) {
                self.core = Some(telling);
            }
            return;
        };
        let id = id.instant();
        if self.changes.get(&id).is_none_or(|other| other.sequence < telling.sequence) {
            self.changes.insert(id, telling);
        }
    }

    /// The instances that touch the window, at most so many, in the order of their starts.
    pub(crate) fn expand(
        &self,
        window: TimeWindow,
        most: usize,
        notes: &mut Notes,
    ) -> Vec<Happening> {
        let mut found: BTreeMap<(Timestamp, usize), Happening> = BTreeMap::new();
        let mut used = BTreeSet::new();
        let mut excluded = Excluded::default();
        if let Some(core) = &self.core {
            let future: Vec<_> =
                self.changes.iter().filter(|(_, change)| change.this_and_future).collect();
            let length_of_core = {
                let (start, end) = core.on_its_clock();
                length(&start, &end)
            };
            let reach = Reach {
                window,
                // What was put off may have been due before the window, or after it.
                slack_hours: if future.is_empty() { 0 } else { 366 * 24 },
                most: if core.without_rules.is_empty() {
                    most + core.without_dates.len() + self.changes.len() + 1
                } else {
                    STEPS
                },
            };
            let starts = starts(core, reach, notes);
            let due: BTreeSet<_> = starts.iter().map(|(start, _)| start.instant()).collect();
            excluded = Excluded::of(core, &due, window, notes);
            let (at, on_wall) = self.by_instance(&core.on_its_clock().0, &due);
            for (start, own_length) in starts {
                let Some(moment) = start.instant() else { continue };
                if excluded.holds(&start) {
                    continue;
                }
                let change = at.get(&Some(moment)).or_else(|| on_wall.get(&shown(&start)));
                if let Some((id, change)) = change {
                    used.insert(**id);
                    put(&mut found, change.event, &change.start, &change.end, window);
                    continue;
                }
                let earlier = future.partition_point(|(id, _)| **id < Some(moment));
                let (event, shift, length) = match earlier.checked_sub(1).map(|i| future[i].1) {
                    Some(change) => {
                        let id = change.recurrence.clone().unwrap_or_else(|| change.start.clone());
                        let (to, from) = alike(change.start.clone(), id);
                        (change.event, length(&from, &to), length(&change.start, &change.end))
                    }
                    None => (core.event, SignedDuration::ZERO, length_of_core),
                };
                let Some(start) = shifted(&start, shift) else { continue };
                let Some(end) = shifted(&start, own_length.unwrap_or(length)) else { continue };
                put(&mut found, event, &start, &end, window);
            }
        }
        let unmet = |(id, _): &(&Moment, &Telling)| !used.contains(*id);
        let obsolete = self.obsolete(self.changes.iter().filter(unmet));
        for (id, change) in self.changes.iter().filter(unmet) {
            let is_excluded = change.recurrence.as_ref().is_some_and(|id| excluded.holds_time(id));
            if obsolete.contains(id) {
                notes.add("a change is passed over: a later version has not what it changes");
            } else if !is_excluded {
                put(&mut found, change.event, &change.start, &change.end, window);
            }
        }
        if found.len() > most {
            notes.add(format!("repeats more than {most} times: the first {most} are read"));
        }
        found.into_values().take(most).collect()
    }

    /// Which of these changes are of an instance that the series has no more, and of a lower
    /// SEQUENCE than it. Of one UID the highest SEQUENCE makes all others obsolete (RFC 5546,
    /// 2.1.5); but calendars raise that of a series without that of its changes, so a change
    /// whose instance is still due counts. Where a rule cannot be walked to its end, nobody
    /// knows, and none is obsolete.
    fn obsolete<'s>(&'s self, changes: impl Iterator<Item = (&'s Moment, &'s Telling)>) -> Moments {
        let Some(core) = &self.core else { return Moments::new() };
        let (start, _) = core.on_its_clock();
        let older = changes.filter(|(_, change)| change.sequence.max(0) < core.sequence);
        let older: Vec<_> = older
            .filter_map(|(key, change)| {
                let id = change.recurrence.as_ref()?;
                Some((key, told_as(id, &start).instant()?, shown(id)))
            })
            .collect();
        let moments = older.iter().map(|(_, moment, _)| *moment);
        let (Some(first), Some(last)) = (moments.clone().min(), moments.max()) else {
            return Moments::new();
        };
        let window = TimeWindow { start: first, end: last };
        // A day on either side, for what is known by the clock on the wall alone.
        let reach = Reach { window, slack_hours: 24, most: STEPS };
        let mut unsure = Notes::default();
        let due = starts(core, reach, &mut unsure);
        if !unsure.is_empty() {
            return Moments::new();
        }
        let at: Moments = due.iter().map(|(start, _)| start.instant()).collect();
        let on_wall: BTreeSet<DateTime> = due.iter().map(|(start, _)| shown(start)).collect();
        older
            .into_iter()
            .filter(|(_, moment, wall)| !at.contains(&Some(*moment)) && !on_wall.contains(wall))
            .map(|(key, ..)| *key)
            .collect()
    }

    /// The changes by the moment of their instance; and those of which no instance is due then,
    /// by what the clock on the wall shows.
    fn by_instance(
        &self,
        start: &Time,
        due: &Moments,
    ) -> (Changes<'_, Moment>, Changes<'_, DateTime>) {
        let (mut at, mut on_wall) = (BTreeMap::new(), BTreeMap::new());
        for (key, change) in &self.changes {
            let Some(id) = &change.recurrence else { continue };
            let moment = told_as(id, start).instant();
            if due.contains(&moment) {
                at.insert(moment, (key, change));
            } else {
                on_wall.insert(shown(id), (key, change));
            }
        }
        (at, on_wall)
    }
}

type Moment = Option<Timestamp>;
/// Changes with their keys in the series.
type Changes<'s, K> = BTreeMap<K, (&'s Moment, &'s Telling)>;

/// The moments at which instances of a series are due.
type Moments = BTreeSet<Moment>;

/// What the clock on the wall shows. Calendars that mean the same instance do not always name
/// its zone alike.
fn shown(time: &Time) -> DateTime {
    match time {
        Time::Date(date) => date.to_datetime(Day::midnight()),
        Time::Clock(civil, _) => *civil,
    }
}

/// What a series leaves out.
#[derive(Default)]
struct Excluded {
    moments: Moments,
    on_wall: BTreeSet<DateTime>,
    days: BTreeSet<Date>,
}

impl Excluded {
    fn of(core: &Telling, due: &Moments, window: TimeWindow, notes: &mut Notes) -> Self {
        let mut excluded = Self::default();
        let (start, _) = core.on_its_clock();
        for date in &core.without_dates {
            if let Time::Date(day) = date {
                excluded.days.insert(*day);
            }
            let at = told_as(date, &start).instant();
            if !due.contains(&at) {
                excluded.on_wall.insert(shown(date));
            }
            excluded.moments.insert(at);
        }
        for rule in &core.without_rules {
            let reach = Reach { window, slack_hours: 0, most: STEPS };
            let times = rule_starts(rule, &start, reach, notes);
            excluded.moments.extend(times.iter().map(Time::instant));
        }
        excluded
    }

    fn holds(&self, start: &Time) -> bool {
        self.days.contains(&shown(start).date()) || self.holds_time(start)
    }

    fn holds_time(&self, time: &Time) -> bool {
        self.moments.contains(&time.instant()) || self.on_wall.contains(&shown(time))
    }
}

fn put(
    found: &mut BTreeMap<(Timestamp, usize), Happening>,
    event: usize,
    start: &Time,
    end: &Time,
    window: TimeWindow,
) {
    let (Some(first), Some(last)) = (start.instant(), end.instant()) else { return };
    if first < window.end && (last > window.start || first >= window.start) {
        let happening = || Happening { event, start: start.clone(), end: end.clone() };
        found.entry((first, event)).or_insert_with(happening);
    }
}

/// The starts of a series before any change, and the lengths of those that have one of their
/// own.
fn starts(core: &Telling, reach: Reach, notes: &mut Notes) -> Vec<(Time, Option<SignedDuration>)> {
    let (start, end) = core.on_its_clock();
    let span = length(&start, &end);
    let mut starts: Vec<(Time, Option<SignedDuration>)> = Vec::new();
    let mut last_until: Option<Until> = None;
    let mut is_open = core.rules.is_empty();
    for rule in &core.rules {
        let until = until_of(rule, &start);
        is_open |= until.is_none();
        last_until = last_until.max(until);
        let slack_hours = reach.slack_hours + span.as_hours().min(24 * 366);
        let times = rule_starts(rule, &start, Reach { slack_hours, ..reach }, notes);
        starts.extend(times.into_iter().map(|time| (time, None)));
    }
    starts.extend(core.dates.iter().map(|(date, length)| (told_as(date, &start), *length)));
    let is_over = !is_open && last_until.is_some_and(|until| !until.allows(&start));
    if !is_over {
        starts.push((start, None));
    }
    starts.sort_by_key(|(time, length)| (time.instant(), length.is_none()));
    starts.dedup_by_key(|(time, _)| time.instant());
    starts
}

/// A time of a series that begins with `start`: where it names no zone, on that one's clock.
fn told_as(time: &Time, start: &Time) -> Time {
    match start {
        Time::Clock(_, clock) => told_on(time, clock),
        Time::Date(_) => time.clone(),
    }
}

/// A day as its midnight, and a time without a zone, on a clock.
fn told_on(time: &Time, clock: &Clock) -> Time {
    match time {
        Time::Date(date) => Time::Clock(date.to_datetime(Day::midnight()), clock.clone()),
        Time::Clock(civil, Clock::Floating) => Time::Clock(*civil, clock.clone()),
        time => time.clone(),
    }
}

/// A value of RDATE or EXDATE: a time, or a period that begins there.
fn period(
    value: &str,
    property: &Property<'_>,
    clocks: &Clocks<'_>,
    notes: &mut Notes,
) -> Option<(Time, Option<SignedDuration>)> {
    let (start, rest) = value.split_once('/').map_or((value, None), |(s, r)| (s, Some(r)));
    let start = clocks.time_of(start, property, notes)?;
    let Some(rest) = rest else { return Some((start, None)) };
    let end = match parse_length(rest) {
        Some(length) => later(&start, length),
        None => clocks.time_of(rest, property, notes),
    };
    let length = end.map(|end| length(&start, &end)).filter(|length| !length.is_negative());
    Some((start, length))
}

/// So long after a time.
fn later(start: &Time, length: Length) -> Option<Time> {
    match start {
        Time::Date(date) if length.seconds % 86_400 == 0 => {
            Some(Time::Date(length.after_date(*date)?))
        }
        Time::Date(date) => {
            let civil = length.after_local(date.to_datetime(Day::midnight()), None)?;
            Some(Time::Clock(civil, Clock::Floating))
        }
        Time::Clock(civil, clock) => {
            let zone = clock.iana_name();
            Some(Time::Clock(length.after_local(*civil, zone)?, clock.clone()))
        }
    }
}

/// Two times made comparable: a day beside a clock is its midnight, and a time without a zone
/// is told on the other's clock.
fn alike(a: Time, b: Time) -> (Time, Time) {
    let b = told_as(&b, &a);
    (told_as(&a, &b), b)
}

/// From one time to another: on one clock by what it shows, else by real time.
fn length(from: &Time, to: &Time) -> SignedDuration {
    let by_instant = || match (from.instant(), to.instant()) {
        (Some(from), Some(to)) => from.duration_until(to),
        _ => SignedDuration::ZERO,
    };
    match (from, to) {
        (Time::Clock(a, one), Time::Clock(b, other)) if one.is(other) => a.duration_until(*b),
        _ => by_instant(),
    }
}

/// The time so long after another, by what its clock shows.
fn shifted(time: &Time, by: SignedDuration) -> Option<Time> {
    Some(match time {
        Time::Date(date) => {
            let civil = date.to_datetime(Day::midnight()).checked_add(by).ok()?;
            Time::Date(civil.date())
        }
        Time::Clock(civil, clock) => Time::Clock(civil.checked_add(by).ok()?, clock.clone()),
    })
}
