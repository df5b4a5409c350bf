//! Which kinds of evidence saw which reservations: of those that survived, where it is known
//! which of them none saw, and of those that were lost. Their comparison tells how many lost
//! ones nobody saw.

use std::collections::BTreeMap;

use restitch_matching::{Histories, Stratum};
use restitch_model::{Instant, Observation, Value};

use super::{Bench, source_of};
use crate::records::Group;
use crate::shape::View;
use crate::study::tenant_path;

/// How many reservations each set of kinds of evidence saw, by tenant and week.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    /// The kinds of evidence, in the order of the bits.
    pub lists: Vec<String>,
    /// Of the surviving reservations that were made while there was evidence.
    pub past: Histories,
    /// Of the lost ones.
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
        let mut of_row: BTreeMap<usize, u128> = BTreeMap::new();
        let mut window = Histories::new();
        for group in groups {
            if let Some(row) = group.row {
                *of_row.entry(row).or_default() |= mask(group);
                continue;
            }
            let first = group.items.iter().map(|&i| self.material.items[i].made_at).min();
            let in_window = first.filter(|at| self.scope.window.contains(*at));
            let Some(first) = in_window.filter(|_| !group.keys.is_empty()) else { continue };
            let tenant = group.tenant.as_ref().map_or_else(String::new, ToString::to_string);
            count(&mut window, tenant, first, mask(group));
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
            let mask = of_row.get(&row).copied().unwrap_or(0);
            count(&mut found.past, tenant, created, mask);
        }
        found.window = window;
        found
    }

    /// The time from which evidence was kept.
    fn kept_from(&self) -> Option<Instant> {
        let mut times: Vec<Instant> = self.material.items.iter().map(|i| i.made_at).collect();
        times.sort_unstable();
        times.get((times.len() as f64 * EARLY) as usize).copied()
    }
}

fn count(histories: &mut Histories, tenant: String, at: Instant, mask: u128) {
    let stratum = Stratum { tenant, week: at.as_second().div_euclid(WEEK_SECONDS) };
    *histories.entry(stratum).or_default().entry(mask).or_default() += 1;
}
