//! Which kinds of evidence saw which reservations: of those that survived, where it is known
//! which of them none saw, and of those that were lost. Their comparison tells how many lost
//! ones nobody saw.
//!
//! Both are counted alike, as if the time of a survivor had been lost: what nothing names is not
//! seen, for nobody could tell how many records it is, nor is what was first heard of only after a
//! time as long as the lost one. A business whose evidence names nothing is then known by its past.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use restitch_matching::{Histories, Stratum};
use restitch_model::{Instant, Observation, TimeWindow, Value};

use super::{Bench, source_of};
use crate::records::Group;
use crate::shape::View;
use crate::study::tenant_path;

/// How many reservations each set of kinds of evidence saw, by tenant and week; weeks are counted
/// from the start of the lost time.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    /// The kinds of evidence, in the order of the bits.
    pub lists: Vec<String>,
    /// Of the surviving reservations that were made while there was evidence.
    pub past: Histories,
    /// Of the lost ones: every week of every tenant that the past knows, seen or not.
    pub window: Histories,
}

/// A share of the evidence may be older than the time from which it is kept: what was filed
/// away, or speaks of long ago.
const EARLY: f64 = 0.01;
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

impl Bench<'_> {
    pub(super) fn sightings(
        &self,
        view: &View,
        groups: &[Group],
        observed: &[Option<Observation>],
    ) -> Sightings {
        let mut found = Sightings::default();
        for observation in observed.iter().flatten() {
            let source = source_of(&observation.kind);
            if let Err(at) = found.lists.binary_search_by(|list| list.as_str().cmp(source)) {
                found.lists.insert(at, source.to_owned());
            }
        }
        let mask = |group: &Group| {
            self.observations(group, observed).iter().fold(0u128, |mask, observation| {
                let list = found.lists.iter().position(|l| l == source_of(&observation.kind));
                mask | list.filter(|l| *l < 128).map_or(0, |l| 1 << l)
            })
        };
        let weeks = Weeks::of(self.scope.window);
        let first =
            |group: &Group| group.items.iter().map(|&i| self.material.items[i].made_at).min();
        // Only what is named is counted: of what is not, nobody knows how many records it is.
        let counted = groups.iter().filter(|group| !group.keys.is_empty());
        let mut of_row: BTreeMap<usize, Vec<(Instant, u128)>> = BTreeMap::new();
        for group in counted {
            let Some(first) = first(group) else { continue };
            match group.row {
                Some(row) => of_row.entry(row).or_default().push((first, mask(group))),
                None if self.scope.window.contains(first) => {
                    let tenant =
                        group.tenant.as_ref().map_or_else(String::new, ToString::to_string);
                    count(&mut found.window, tenant, weeks.of_instant(first), mask(group));
                }
                None => {}
            }
        }
        let tenant = tenant_path(view, &self.knowledge.bindings).and_then(|t| view.position(t));
        let (from, to) = (self.kept_from(), self.scope.window.start);
        for row in 0..view.rows.len() {
            let created = view.created(row).filter(|at| from <= Some(*at) && *at < to);
            let Some(created) = created else { continue };
            let tenant: String = tenant
                .map(|p| &view.rows[row][p])
                .filter(|value| **value != Value::Null)
                .map_or_else(String::new, ToString::to_string);
            // Seen is what would have been counted if its own time had been lost.
            let lost = weeks.window_of(created);
            let groups = of_row.get(&row).into_iter().flatten();
            let mask = groups
                .filter(|(first, _)| lost.contains(&first.as_second()))
                .fold(0, |all, (_, mask)| all | mask);
            count(&mut found.past, tenant, weeks.of_instant(created), mask);
        }
        // Where nothing is counted there was something all the same.
        let tenants: BTreeSet<&String> = found.past.keys().map(|at| &at.tenant).collect();
        for tenant in tenants {
            for week in 0..weeks.count {
                let at = Stratum { tenant: tenant.clone(), week };
                found.window.entry(at).or_default();
            }
        }
        found
    }

    /// The time from which evidence was kept.
    fn kept_from(&self) -> Option<Instant> {
        let mut times: Vec<Instant> = self.material.items.iter().map(|i| i.made_at).collect();
        times.sort_unstable();
        times.get((times.len() as f64 * EARLY) as usize).copied()
    }
}

/// The lost time in weeks: parts of equal length, as near to seven days as they can be. They are
/// counted from its start, so that those before it are below 0.
struct Weeks {
    start: i64,
    end: i64,
    count: i64,
}

impl Weeks {
    fn of(window: TimeWindow) -> Weeks {
        let (start, end) = (window.start.as_second(), window.end.as_second());
        let count = ((end - start) as f64 / WEEK_SECONDS as f64).round().max(1.0) as i64;
        Weeks { start, end: end.max(start + count), count }
    }

    fn of_instant(&self, at: Instant) -> i64 {
        let seconds = i128::from(at.as_second() - self.start) * i128::from(self.count);
        seconds.div_euclid(i128::from(self.end - self.start)) as i64
    }

    /// The time as long as the lost one that a moment lies in, where one follows the other.
    fn window_of(&self, at: Instant) -> Range<i64> {
        let length = self.end - self.start;
        let from = self.start + (at.as_second() - self.start).div_euclid(length) * length;
        from..from + length
    }
}

fn count(histories: &mut Histories, tenant: String, week: i64, mask: u128) {
    let at = Stratum { tenant, week };
    *histories.entry(at).or_default().entry(mask).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weeks(days: i64) -> Weeks {
        let at = |day: i64| Instant::from_second(1_700_000_000 + day * 24 * 3600).unwrap();
        Weeks::of(TimeWindow { start: at(0), end: at(days) })
    }

    fn check(days: i64, day: i64, week: i64, lost: Range<i64>) {
        let weeks = weeks(days);
        let at = Instant::from_second(weeks.start + day * 24 * 3600).unwrap();
        assert_eq!(weeks.of_instant(at), week, "day {day} of {days}");
        let own = weeks.window_of(at);
        let in_days = |second: i64| (second - weeks.start) / (24 * 3600);
        assert_eq!(in_days(own.start)..in_days(own.end), lost, "day {day} of {days}");
    }

    #[test]
    fn weeks_are_counted_from_the_loss_and_none_is_cut_off() {
        check(28, 0, 0, 0..28);
        check(28, 27, 3, 0..28);
        check(28, -1, -1, -28..0);
        check(28, -29, -5, -56..-28);
        // Ten days are one long week, and four a short one.
        check(10, 9, 0, 0..10);
        check(10, -1, -1, -10..0);
        check(4, 3, 0, 0..4);
    }

    #[test]
    fn a_lost_time_without_length_is_a_week_all_the_same() {
        let weeks = weeks(0);
        assert_eq!(
            (weeks.count, weeks.of_instant(Instant::from_second(weeks.start).unwrap())),
            (1, 0)
        );
    }
}
