use std::collections::BTreeMap;

use restitch_model::Interval;
use serde::Serialize;

use crate::completeness::{Completeness, estimate_lists};
use crate::draw::Draw;
use crate::overlap::from_overlap;

/// A tenant's week, or whatever else records are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Stratum {
    /// The tenant; empty where there is only one.
    pub tenant: String,
    /// The week, as any number that counts weeks.
    pub week: i64,
}

/// By stratum, how many records each combination of sources saw: bit `n` of the key says that
/// source `n` did. Key 0 is those that no source saw, which only the surviving past knows.
pub type Histories = BTreeMap<Stratum, BTreeMap<u128, u64>>;

/// How many records no source saw, in all and in parts. Each part has its own interval: those
/// of the parts do not add up to that of the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unseen {
    /// In all.
    pub whole: Completeness,
    /// By tenant.
    pub tenants: BTreeMap<String, Completeness>,
    /// By tenant and week, in this order.
    pub strata: Vec<(Stratum, Completeness)>,
}

/// From so many surviving rows on, they tell more than the overlaps of the lists: at fewer, a
/// share of none unseen leaves more than one in seventeen possible (rule of three at 90 %).
const ENOUGH: u64 = 40;

/// A thousand draws, and fewer where there are very many strata.
const DRAWS: usize = 1_000;

/// Estimates how many records of the `window` no source saw, by this rule:
///
/// - With at least 40 rows of the surviving `past`, [`from_overlap`]: a record that leaves no
///   trace anywhere (made in person, paid in cash) is unseen by all sources at once, and no
///   count of overlaps of lists can know of it; the past does.
/// - With fewer, [`estimate`](crate::estimate)'s capture-recapture of the window's lists.
/// - Where both can be had and capture-recapture says that even more are missing (its interval
///   begins above where the other ends), a source has become worse than it was in the past:
///   then its estimate counts, and the interval of the whole spans both.
///
/// `lists` is the number of sources. `None` where neither can tell anything.
pub fn estimate_unseen(past: &Histories, window: &Histories, lists: usize) -> Option<Unseen> {
    let rows: u64 = past.values().map(|counts| seen(counts) + unseen(counts)).sum();
    let told = if rows >= ENOUGH { from_overlap(past, window) } else { None };
    let recaptured = by_capture(window, lists);
    match (told, recaptured) {
        (Some(told), Some(mut more))
            if more.whole.interval.low > told.whole.interval.high.max(1.0) =>
        {
            more.whole.interval.low = told.whole.interval.low;
            more.whole.method +=
                "; the surviving rows alone would say less, so a source may be worse than it was";
            Some(more)
        }
        (told @ Some(_), _) => told,
        (None, recaptured) => recaptured.or_else(|| from_overlap(past, window)),
    }
}

/// Capture-recapture of all strata together; the parts get their share of it.
fn by_capture(window: &Histories, lists: usize) -> Option<Unseen> {
    let mut all: BTreeMap<u128, u64> = BTreeMap::new();
    for (mask, count) in window.values().flatten().filter(|(mask, _)| **mask != 0) {
        *all.entry(*mask).or_default() += count;
    }
    let whole = estimate_lists(&all, lists)?;
    let observed = whole.observed.max(1) as f64;
    let mut draw = Draw::new(whole.observed);
    let z90 = 1.644_854;
    // Between the ends of the interval as if it were log-normal on either side.
    let mut parts = Unseen::simulated(window, &whole.method, |strata| {
        let z = draw.normal();
        let end = if z < 0.0 { whole.interval.low } else { whole.interval.high };
        let sigma = ((end + 0.5) / (whole.missing + 0.5)).ln().abs() / z90;
        let missing = (whole.missing + 0.5) * (sigma * z).exp() - 0.5;
        let odds = missing.max(0.0) / observed;
        strata
            .iter()
            .map(|(_, seen)| {
                let mean = draw.gamma(*seen as f64 + 0.5) * odds;
                draw.poisson(mean)
            })
            .collect()
    });
    parts.whole = whole;
    Some(parts)
}

pub(crate) fn unseen(counts: &BTreeMap<u128, u64>) -> u64 {
    counts.get(&0).copied().unwrap_or(0)
}

pub(crate) fn seen(counts: &BTreeMap<u128, u64>) -> u64 {
    counts.iter().filter(|(mask, _)| **mask != 0).map(|(_, count)| count).sum()
}

impl Unseen {
    /// Sums up draws of what the strata of a window did not show; `draw` gives one for all.
    pub(crate) fn simulated(
        window: &Histories,
        method: &str,
        mut draw: impl FnMut(&[(&Stratum, u64)]) -> Vec<f64>,
    ) -> Unseen {
        let strata: Vec<(&Stratum, u64)> =
            window.iter().map(|(at, counts)| (at, seen(counts))).collect();
        let draws = (20_000_000 / strata.len().max(1)).clamp(200, DRAWS);
        let mut each: Vec<Vec<f32>> = vec![Vec::with_capacity(draws); strata.len()];
        for _ in 0..draws {
            let own = draw(&strata);
            each.iter_mut().zip(own).for_each(|(draws, own)| draws.push(own as f32));
        }
        let sum = |parts: &[Vec<f32>]| -> Vec<f32> {
            (0..draws).map(|at| parts.iter().map(|part| part[at]).sum()).collect()
        };
        let found = |draws: Vec<f32>, observed: u64| summed(draws, observed, method);
        let mut tenants = BTreeMap::new();
        let mut from = 0;
        for own in strata.chunk_by(|a, b| a.0.tenant == b.0.tenant) {
            let to = from + own.len();
            let observed = own.iter().map(|(_, seen)| seen).sum();
            tenants.insert(own[0].0.tenant.clone(), found(sum(&each[from..to]), observed));
            from = to;
        }
        let observed = strata.iter().map(|(_, seen)| seen).sum();
        let whole = found(sum(&each), observed);
        let parts = strata.iter().zip(each);
        let strata = parts.map(|((at, seen), draws)| ((*at).clone(), found(draws, *seen)));
        Unseen { whole, tenants, strata: strata.collect() }
    }
}

/// The mean of draws, and the interval that holds nine in ten of them.
fn summed(mut draws: Vec<f32>, observed: u64, method: &str) -> Completeness {
    draws.sort_unstable_by(f32::total_cmp);
    let at =
        |share: f64| f64::from(draws[((draws.len() as f64 * share) as usize).min(draws.len() - 1)]);
    let missing = draws.iter().map(|draw| f64::from(*draw)).sum::<f64>() / draws.len() as f64;
    let interval = Interval { low: at(0.05).min(missing), high: at(0.95).max(missing) };
    Completeness { missing, interval, method: method.to_owned(), observed }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a str, i64, &'a [(u128, u64)]);

    fn histories(rows: &[Row]) -> Histories {
        let stratum = |tenant: &str, week| Stratum { tenant: tenant.to_owned(), week };
        rows.iter()
            .map(|(tenant, week, counts)| {
                (stratum(tenant, *week), counts.iter().copied().collect())
            })
            .collect()
    }

    const WINDOW: &[(u128, u64)] = &[(1, 30), (2, 20), (3, 60)];

    #[test]
    fn without_a_past_lists_are_recaptured_and_the_parts_get_their_share() {
        let window = histories(&[("a", 1, WINDOW), ("b", 1, &[(1, 3), (2, 2), (3, 6)])]);
        let found = estimate_unseen(&Histories::new(), &window, 2).unwrap();
        assert!((found.whole.missing - 10.9).abs() < 0.1, "{found:?}");
        let part = |tenant: &str| found.tenants[tenant].missing;
        assert!((part("a") / part("b") - 10.0).abs() < 2.0, "{found:?}");
        assert_eq!(found.whole.observed, 121);
        assert_eq!(found.strata.len(), 2);
        assert_eq!(estimate_unseen(&Histories::new(), &Histories::new(), 2), None);
    }

    #[test]
    fn a_source_that_became_worse_is_noticed() {
        let past = histories(&[("a", 0, &[(0, 1), (3, 500)])]);
        let window = histories(&[("a", 1, &[(1, 100), (2, 100), (3, 20)])]);
        let found = estimate_unseen(&past, &window, 2).unwrap();
        assert!(found.whole.missing > 300.0 && found.whole.interval.low < 20.0, "{found:?}");
        assert!(found.whole.method.ends_with("a source may be worse than it was"));
    }

    #[test]
    fn a_short_past_counts_where_lists_tell_nothing() {
        let past = histories(&[("a", 0, &[(0, 2), (1, 8)])]);
        let window = histories(&[("a", 1, &[(1, 8)])]);
        let found = estimate_unseen(&past, &window, 1).unwrap();
        assert!(found.whole.interval.low <= 2.0 && 2.0 <= found.whole.interval.high);
    }
}
