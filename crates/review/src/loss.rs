//! What was lost and what came back, by week and by source.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use restitch_model::{Candidate, EvidenceId, TimeWindow};

/// What becomes of a lost record, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It is in the plan.
    Back,
    /// It waits for a person, or for what it refers to.
    Waits,
    /// It was no lost record, or is another one.
    Out,
}

/// How many records came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// In the plan.
    pub back: usize,
    /// Waiting.
    pub waits: usize,
    /// Left out.
    pub out: usize,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Back => self.back += 1,
            Fate::Waits => self.waits += 1,
            Fate::Out => self.out += 1,
        }
    }

    /// All of them.
    pub fn all(&self) -> usize {
        self.back + self.waits + self.out
    }
}

/// The lost records of one type over the time of the incident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loss {
    /// By the Monday of the week in which the first evidence of a record speaks. Every week of
    /// the incident is there.
    pub weeks: BTreeMap<Date, Tally>,
    /// By the source that saw a record, then by week. A record that several saw counts for each.
    pub sources: BTreeMap<String, BTreeMap<Date, Tally>>,
    /// Records of which nothing tells when they were first heard of.
    pub undated: Tally,
    /// Records first heard of in another time than that of the incident.
    pub outside: Tally,
}

impl Loss {
    /// Counts the lost records of a type. `source` says what an item comes from.
    pub fn of<'c>(
        candidates: impl IntoIterator<Item = &'c Candidate>,
        window: Option<TimeWindow>,
        fate: &dyn Fn(&Candidate) -> Fate,
        source: &dyn Fn(EvidenceId) -> Option<String>,
    ) -> Self {
        let mut loss = Self::default();
        let weeks = window.map(weeks).unwrap_or_default();
        for candidate in candidates.into_iter().filter(|c| c.surviving.is_none()) {
            let fate = fate(candidate);
            let Some(at) = candidate.first_seen else {
                loss.undated.add(fate);
                continue;
            };
            let week = monday(TimeZone::UTC.to_datetime(at).date());
            if window.is_some() && !weeks.contains(&week) {
                loss.outside.add(fate);
                continue;
            }
            loss.weeks.entry(week).or_default().add(fate);
            let saw: BTreeSet<String> =
                candidate.evidence.iter().filter_map(|id| source(*id)).collect();
            for name in saw {
                loss.sources.entry(name).or_default().entry(week).or_default().add(fate);
            }
        }
        for week in weeks {
            loss.weeks.entry(week).or_default();
        }
        loss
    }

    /// All weeks together, and what lies in none.
    pub fn whole(&self) -> Tally {
        let add = |a: Tally, b: &Tally| Tally {
            back: a.back + b.back,
            waits: a.waits + b.waits,
            out: a.out + b.out,
        };
        self.weeks.values().chain([&self.outside]).fold(self.undated, add)
    }
}

/// A window of more weeks than this was not found rightly, and is not drawn as a whole.
const MOST_WEEKS: usize = 260;

fn weeks(window: TimeWindow) -> BTreeSet<Date> {
    let day = |at| TimeZone::UTC.to_datetime(at).date();
    let (mut week, last) = (monday(day(window.start)), day(window.end));
    let mut found = BTreeSet::new();
    while week <= last && found.len() < MOST_WEEKS {
        found.insert(week);
        let Ok(next) = week.checked_add(7.days()) else { break };
        week = next;
    }
    found
}

fn monday(day: Date) -> Date {
    let since = i64::from(day.weekday().since(Weekday::Monday));
    day.checked_sub(since.days()).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::candidate;

    #[test]
    fn records_are_counted_in_the_week_and_for_each_source_that_saw_them() {
        let booking = |id: &str, at: &str| Candidate {
            first_seen: at.parse().ok(),
            evidence: vec![
                EvidenceId::of(b"mail"),
                EvidenceId::of(b"mail too"),
                EvidenceId::of(b"charge"),
            ],
            ..candidate(id)
        };
        let all = [
            booking("a", "2026-03-02T00:00:00Z"),
            booking("b", "2026-03-08T23:00:00Z"),
            booking("c", "2026-03-16T10:00:00Z"),
            booking("d", "none"),
            booking("e", "2025-12-31T10:00:00Z"),
        ];
        let window = TimeWindow {
            start: "2026-03-04T00:00:00Z".parse().unwrap(),
            end: "2026-03-18T00:00:00Z".parse().unwrap(),
        };
        let fate = |c: &Candidate| if c.id.0 == "b" { Fate::Waits } else { Fate::Back };
        let source = |id: EvidenceId| {
            Some(if id == EvidenceId::of(b"charge") { "stripe" } else { "mail" }.to_owned())
        };
        let loss = Loss::of(&all, Some(window), &fate, &source);
        let shown: Vec<String> =
            loss.weeks.iter().map(|(day, t)| format!("{day} {} {}", t.back, t.waits)).collect();
        assert_eq!(shown, ["2026-03-02 1 1", "2026-03-09 0 0", "2026-03-16 1 0"]);
        assert_eq!(loss.sources["mail"], loss.sources["stripe"]);
        assert_eq!((loss.outside.all(), loss.undated.all()), (1, 1));
        assert_eq!(loss.whole(), Tally { back: 4, waits: 1, out: 0 });
    }
}
