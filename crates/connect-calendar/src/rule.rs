//! Recurrence rules (RFC 5545, 3.3.10): which starts one gives. ical-rs walks them.

use ical::recur::expand::IcalRecurExpand;
use ical::recur::{IcalRecurDateTime, IcalRecurFreq, IcalRecurRule};
use jiff::civil::{Date, DateTime, Time as Day};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use restitch_model::TimeWindow;

use crate::clock::{Clock, Time};
use crate::event::Notes;
use crate::time::{Written, at_offset, parse_time};

/// So many instances of one rule are walked through: one an hour for eleven years.
pub(crate) const STEPS: usize = 100_000;

/// How far the starts of a series are looked for.
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) window: TimeWindow,
    /// So much before and after the window, in hours.
    pub(crate) slack_hours: i64,
    /// So many starts in all.
    pub(crate) most: usize,
}

/// The last moment of a rule. Where it names no zone it is meant on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Until {
    wall: DateTime,
    at: Option<Timestamp>,
}

impl Until {
    /// Whether an instance is not after it.
    pub(crate) fn allows(&self, start: &Time) -> bool {
        match (start, self.at) {
            (Time::Clock(_, clock), Some(until)) if !matches!(clock, Clock::Floating) => {
                start.instant().is_some_and(|at| at <= until)
            }
            (Time::Clock(civil, _), _) => *civil <= self.wall,
            (Time::Date(date), _) => *date <= self.wall.date(),
        }
    }
}

/// The UNTIL of a rule, for a series from `start` on.
pub(crate) fn until_of(rule: &str, start: &Time) -> Option<Until> {
    let written = parts(rule).find(|(name, _)| name == "UNTIL")?.1;
    Some(match parse_time(written)? {
        Written::Date(date) => {
            let wall = date.to_datetime(Day::midnight());
            // A day without a time ends a timed series before the day begins, in the series'
            // zone or in UTC, whichever is earlier.
            let at = match start {
                Time::Clock(_, clock) => {
                    let utc = at_offset(wall, 0);
                    utc.into_iter().chain(clock.instant(wall)).min()
                }
                Time::Date(_) => None,
            };
            Until { wall, at }
        }
        Written::Local(wall) => {
            let at = match start {
                Time::Clock(_, clock) => clock.instant(wall),
                Time::Date(_) => None,
            };
            Until { wall, at }
        }
        Written::Utc(at) => {
            let wall = TimeZone::UTC.to_datetime(at);
            Until { wall, at: Some(at) }
        }
    })
}

/// The names, in upper case, and values of a rule's parts.
fn parts(rule: &str) -> impl Iterator<Item = (String, &str)> {
    rule.split(';').filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.trim()))
    })
}

/// The starts that a rule gives from `start` to the end of the window and some hours more.
pub(crate) fn rule_starts(rule: &str, start: &Time, reach: Reach, notes: &mut Notes) -> Vec<Time> {
    let Reach { window, slack_hours, most } = reach;
    let until = until_of(rule, start);
    // A negative COUNT, which some producers write, bounds nothing.
    let kept = |(name, value): &(String, &str)| {
        name != "UNTIL" && !(name == "COUNT" && value.starts_with('-'))
    };
    let text: Vec<String> = parts(rule).filter(kept).map(|(n, v)| format!("{n}={v}")).collect();
    let has_end = parts(rule).any(|(name, _)| name == "UNTIL");
    let parsed = IcalRecurRule::parse(&text.join(";")).ok();
    let is_whole = |rule: &IcalRecurRule| has_end == until.is_some() && ends(rule);
    let Some(mut parsed) = parsed.filter(is_whole) else {
        notes.add("repeats by a rule that cannot be read: it is passed over");
        return Vec::new();
    };
    let (civil, clock) = match start {
        Time::Date(date) => (date.to_datetime(Day::midnight()), None),
        Time::Clock(civil, clock) => (*civil, Some(clock)),
    };
    // The walk ends with the window: a rule without any instance would go on to the year 9999.
    let slack = SignedDuration::from_hours(slack_hours + 48);
    let stop = window.end.checked_add(slack).unwrap_or(Timestamp::MAX);
    let from = recur_time(civil);
    parsed.until = Some(recur_time(TimeZone::UTC.to_datetime(stop)));
    let early = window.start.checked_sub(slack).unwrap_or(Timestamp::MIN);
    let mut starts = Vec::new();
    for (step, at) in IcalRecurExpand::new(by_months(parsed, from), from).enumerate() {
        if step >= STEPS {
            notes.add(format!(
                "repeats more than {STEPS} times up to the end: the rest is left out"
            ));
            break;
        }
        let Some(civil) = civil_time(at) else { continue };
        let time = match clock {
            None => Time::Date(civil.date()),
            Some(clock) => Time::Clock(civil, clock.clone()),
        };
        if until.is_some_and(|until| !until.allows(&time)) {
            break;
        }
        if time.instant().is_some_and(|at| at >= early) {
            starts.push(time);
        }
        // One more than wanted shows that there are more.
        if starts.len() > most {
            break;
        }
    }
    starts
}

/// Whether the walk comes to an instance, or to its end, before long. Rules by the second that
/// never meet their own lists are met in files that were made to hold up a program.
fn ends(rule: &IcalRecurRule) -> bool {
    let meets = match rule.freq {
        IcalRecurFreq::Secondly => rule.by_second.is_empty() && rule.by_minute.is_empty(),
        IcalRecurFreq::Minutely => rule.by_minute.is_empty(),
        IcalRecurFreq::Hourly => true,
        _ => return true,
    };
    meets && rule.by_set_pos.is_empty()
}

/// A yearly rule for one month as the same rule by twelve months, where that is so: ical-rs looks
/// at each day of the period.
pub(crate) fn by_months(rule: IcalRecurRule, start: IcalRecurDateTime) -> IcalRecurRule {
    let is_one_month = match rule.by_month.as_slice() {
        [] => rule.by_day.is_empty() && rule.by_month_day.is_empty(),
        [month] => *month == start.month,
        _ => false,
    };
    let is_same = rule.freq == IcalRecurFreq::Yearly
        && is_one_month
        && rule.by_week_no.is_empty()
        && rule.by_year_day.is_empty();
    match rule.interval.checked_mul(12).filter(|_| is_same) {
        Some(interval) => IcalRecurRule { freq: IcalRecurFreq::Monthly, interval, ..rule },
        None => rule,
    }
}

/// A time as ical-rs has it.
pub(crate) fn recur_time(civil: DateTime) -> IcalRecurDateTime {
    let small = |n: i8| u8::try_from(n).unwrap_or(0);
    IcalRecurDateTime {
        year: i32::from(civil.year()),
        month: small(civil.month()),
        day: small(civil.day()),
        hour: small(civil.hour()),
        minute: small(civil.minute()),
        second: small(civil.second()),
    }
}

fn civil_time(at: IcalRecurDateTime) -> Option<DateTime> {
    let small = |n: u8| i8::try_from(n).ok();
    let date = Date::new(i16::try_from(at.year).ok()?, small(at.month)?, small(at.day)?).ok()?;
    let time = Day::new(small(at.hour)?, small(at.minute)?, small(at.second.min(59))?, 0).ok()?;
    Some(date.to_datetime(time))
}
