use std::collections::BTreeMap;

use restitch_model::Interval;
use serde::Serialize;

use crate::loglinear::{Pairs, fit, models};

/// How many records no list saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Completeness {
    /// The estimate. Where lists see the same kind of record (who pays by card has an e-mail)
    /// and that cannot be told from the data, the truth is rather above it.
    pub missing: f64,
    /// Its 90 % interval.
    pub interval: Interval,
    /// How it was estimated, in words.
    pub method: String,
    /// How many records at least one list saw.
    pub observed: u64,
}

/// The normal quantile of a 90 % interval.
const Z90: f64 = 1.644_854;

/// More lists than this are joined into this many: cells double with each list.
const MOST_LISTS: usize = 6;

/// Models less likely than this against the best say nothing (Occam's window; Madigan and
/// Raftery 1994).
const WINDOW: f64 = 0.01;

/// Estimates how many records no list saw, from how many each combination of lists saw:
/// `histories` counts records by the bit mask of the lists that saw them. `None` for fewer
/// than two lists or none that saw anything.
///
/// - Two lists: Chapman's (1951) nearly unbiased form of Lincoln and Petersen, to which
///   Chao's lower bound comes down for two lists of different reach; log-normal interval
///   (Chao 1987). Dependence of two lists cannot be seen in their counts.
/// - Three lists and more: all log-linear models with dependences between pairs (Fienberg
///   1972; Bishop, Fienberg and Holland 1975), weighted by BIC; the interval is that of the
///   weighted profile likelihoods (Cormack 1992), so that it holds the doubt about the model
///   too. Where no model can be fitted, Chao's bias-corrected lower bound.
///
/// None of it can know of records that leave no trace anywhere; where rows of a like time
/// survive, [`estimate_unseen`](crate::estimate_unseen) can.
pub fn estimate(histories: &BTreeMap<u32, u64>, lists: usize) -> Option<Completeness> {
    let wide = histories.iter().map(|(mask, count)| (u128::from(*mask), *count)).collect();
    estimate_lists(&wide, lists.min(32))
}

/// As [`estimate`], for up to 128 lists. Of more than six, those that see most nearly the same
/// records are taken together as one, pair by pair, until six are left.
pub fn estimate_lists(histories: &BTreeMap<u128, u64>, lists: usize) -> Option<Completeness> {
    let (counts, lists) = table(histories, lists)?;
    let observed: u64 = counts.iter().sum();
    if lists < 2 || observed == 0 {
        return None;
    }
    if lists == 2 {
        return Some(two_lists(&counts, observed));
    }
    Some(averaged(&counts, lists, observed).unwrap_or_else(|| chao(&counts, lists, observed)))
}

/// The counts by mask, of the lists that saw anything, at most so many.
fn table(histories: &BTreeMap<u128, u64>, lists: usize) -> Option<(Vec<u64>, usize)> {
    let within = if lists >= 128 { u128::MAX } else { (1 << lists) - 1 };
    let seen: Vec<(u128, u64)> = histories
        .iter()
        .map(|(mask, count)| (mask & within, *count))
        .filter(|(mask, count)| *mask != 0 && *count > 0)
        .collect();
    let all = seen.iter().fold(0, |all, (mask, _)| all | mask);
    let mut groups: Vec<u128> =
        (0..128).map(|list| 1 << list).filter(|list| all & list != 0).collect();
    while groups.len() > MOST_LISTS {
        let (a, b) = most_alike(&seen, &groups);
        let taken = groups.remove(b);
        groups[a] |= taken;
    }
    let mut counts = vec![0u64; 1 << groups.len()];
    for (mask, count) in &seen {
        let own = groups.iter().enumerate().filter(|(_, group)| mask & **group != 0);
        counts[own.fold(0usize, |all, (at, _)| all | 1 << at)] += count;
    }
    (!groups.is_empty()).then_some((counts, groups.len()))
}

/// The two groups of lists of which each sees the most of what the other sees, by the share of
/// what either sees that both do. Lists that depend on each other so become one.
fn most_alike(seen: &[(u128, u64)], groups: &[u128]) -> (usize, usize) {
    let mut best = (0, 1);
    let mut most = -1.0;
    for b in 1..groups.len() {
        for a in 0..b {
            let (mut both, mut either) = (0.0, 0.0);
            for (mask, count) in seen {
                let (x, y) = (mask & groups[a] != 0, mask & groups[b] != 0);
                both += f64::from(u8::from(x && y)) * *count as f64;
                either += f64::from(u8::from(x || y)) * *count as f64;
            }
            if both / f64::max(either, 1.0) > most {
                (best, most) = ((a, b), both / f64::max(either, 1.0));
            }
        }
    }
    best
}

fn two_lists(counts: &[u64], observed: u64) -> Completeness {
    let [a, b, both] = [counts[1], counts[2], counts[3]].map(|count| count as f64);
    let missing = a * b / (both + 1.0);
    // Seber 1970, with the counts of each list as a + both and b + both.
    let variance =
        (a + both + 1.0) * (b + both + 1.0) * a * b / ((both + 1.0).powi(2) * (both + 2.0));
    let interval = log_normal(missing, variance);
    let method = "two lists taken as independent (Chapman)".to_owned();
    Completeness { missing, interval, method, observed }
}

/// Chao's lower bound for several lists (Chao 1987), bias-corrected.
fn chao(counts: &[u64], lists: usize, observed: u64) -> Completeness {
    let seen_by = |times: u32| {
        let of = (0u32..).zip(counts).filter(|(mask, _)| mask.count_ones() == times);
        of.map(|(_, count)| *count as f64).sum::<f64>()
    };
    let (once, twice) = (seen_by(1), seen_by(2));
    let share = (lists as f64 - 1.0) / lists as f64;
    let missing = share * once * (once - 1.0).max(0.0) / (2.0 * (twice + 1.0));
    let variance = share * once * (once - 1.0).max(0.0) / (2.0 * (twice + 1.0))
        + share.powi(2) * once * (2.0 * once - 1.0).max(0.0).powi(2)
            / (4.0 * (twice + 1.0).powi(2))
        + share.powi(2) * once.powi(2) * twice * (once - 1.0).max(0.0).powi(2)
            / (4.0 * (twice + 1.0).powi(4));
    let interval = log_normal(missing, variance);
    let method = "lower bound from those that one or two lists saw (Chao)".to_owned();
    Completeness { missing, interval, method, observed }
}

/// The interval of a number that cannot be negative (Chao 1987). Where none is expected to
/// be missing, a few may be nevertheless.
fn log_normal(missing: f64, variance: f64) -> Interval {
    if missing <= 0.0 {
        // The rule of three for 90 %: -ln(0.1).
        return Interval { low: 0.0, high: std::f64::consts::LN_10 };
    }
    let factor = (Z90 * (1.0 + variance / (missing * missing)).ln().sqrt()).exp();
    Interval { low: missing / factor, high: missing * factor }
}

/// The mean of all models by their weight, and the interval of their profile likelihoods.
fn averaged(counts: &[u64], lists: usize, observed: u64) -> Option<Completeness> {
    let counts: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    let penalty = (observed as f64).ln();
    let bic = |pairs: &Pairs| match fit(&counts, lists, pairs, None) {
        Some(fit) => penalty * (lists + 1 + pairs.len()) as f64 - 2.0 * fit.likelihood,
        None => f64::INFINITY,
    };
    let mut fitted: Vec<(Pairs, f64, f64)> = Vec::new();
    for pairs in models(&counts, lists, &bic) {
        // A dependence between lists that never met, or always did, has no finite strength,
        // and what it says of the unseen has no bound.
        let estimable = pairs.iter().all(|pair| has_all_four(&counts, *pair));
        let score = bic(&pairs);
        if let Some(fit) =
            fit(&counts, lists, &pairs, None).filter(|_| estimable && score.is_finite())
        {
            fitted.push((pairs, score, fit.unseen));
        }
    }
    let best = fitted.iter().map(|model| model.1).fold(f64::INFINITY, f64::min);
    fitted.retain(|model| (-(model.1 - best) / 2.0).exp() >= WINDOW);
    let weights: Vec<f64> = fitted.iter().map(|model| (-(model.1 - best) / 2.0).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut curve: Vec<(f64, f64)> = Vec::new();
    for ((pairs, _, unseen), weight) in fitted.iter().zip(&weights) {
        if let Some(own) = profile(&counts, lists, pairs, *unseen, observed) {
            curve.extend(own.into_iter().map(|(n, mass)| (n, mass * weight / sum)));
        }
    }
    let all: f64 = curve.iter().map(|(_, mass)| mass).sum();
    if curve.is_empty() {
        return None;
    }
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    let at = |share: f64| {
        let mut so_far = 0.0;
        let reached = curve.iter().find(|(_, mass)| {
            so_far += mass;
            so_far >= share * all
        });
        reached.or(curve.last()).map_or(0.0, |(n, _)| *n)
    };
    let interval = Interval { low: at(0.05), high: at(0.95) };
    let missing = at(0.5);
    let likeliest =
        weights.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at)?;
    let method = format!(
        "log-linear models of {lists} lists weighted by BIC; the likeliest has {}",
        in_words(&fitted[likeliest].0)
    );
    Some(Completeness { missing, interval, method, observed })
}

/// Whether records were seen by both lists of a pair, by each without the other, and by
/// neither: else their dependence cannot be told.
fn has_all_four(counts: &[f64], pair: u32) -> bool {
    let mut seen = [0.0; 4];
    for (mask, count) in (0u32..).zip(counts).skip(1) {
        let kind = (mask & pair).count_ones();
        let at = if kind == 1 && mask & pair == pair & pair.wrapping_neg() { 3 } else { kind };
        seen[at as usize] += count;
    }
    seen.iter().all(|count| *count > 0.0)
}

/// The profile likelihood of the number unseen under a model, as masses on a grid that holds
/// nearly all of it.
fn profile(
    counts: &[f64],
    lists: usize,
    pairs: &[u32],
    unseen: f64,
    observed: u64,
) -> Option<Vec<(f64, f64)>> {
    let observed = observed as f64;
    let value = |missing: f64| {
        let fit = fit(counts, lists, pairs, Some(missing))?;
        // The multinomial likelihood of all cells, the unseen among them, given their sum.
        let all = observed + missing;
        Some(
            fit.likelihood - (all * all.ln() - all) + ln_gamma(all + 1.0) - ln_gamma(missing + 1.0),
        )
    };
    let peak = value(unseen)?;
    let mut low = unseen;
    let mut step = (unseen + 1.0).sqrt();
    while low > 0.0 && value(low).is_some_and(|v| peak - v < 8.0) {
        low = (low - step).max(0.0);
        step *= 1.5;
    }
    let mut high = unseen;
    let mut step = (unseen + 1.0).sqrt();
    while high < observed * 1_000.0 && value(high).is_some_and(|v| peak - v < 8.0) {
        high += step;
        step *= 1.5;
    }
    const GRID: usize = 120;
    // Even on the scale of the root, where such a likelihood is nearly symmetric.
    let (from, to) = (low.sqrt(), high.sqrt());
    let place = |at: usize| from + (to - from) * (at as f64 + 0.5) / GRID as f64;
    let points: Vec<(f64, f64)> = (0..GRID)
        .filter_map(|at| {
            let root = place(at);
            let n = root * root;
            // The width of the grid at n, so that masses are of equal steps of n.
            Some((n, (value(n)? - peak).exp() * root.max(1e-9)))
        })
        .collect();
    let sum: f64 = points.iter().map(|(_, mass)| mass).sum();
    (sum > 0.0 && sum.is_finite())
        .then(|| points.into_iter().map(|(n, mass)| (n, mass / sum)).collect())
}

fn in_words(pairs: &[u32]) -> String {
    if pairs.is_empty() {
        return "no dependence".to_owned();
    }
    let name = |pair: &u32| {
        let first = pair.trailing_zeros() + 1;
        let second = 32 - pair.leading_zeros();
        format!("{first} with {second}")
    };
    format!("dependence of {}", pairs.iter().map(name).collect::<Vec<_>>().join(", "))
}

/// The logarithm of the gamma function for positive numbers (Lanczos 1964, by Numerical
/// Recipes' six terms).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 6] = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.001_208_650_973_866_179,
        -0.000_005_395_239_384_953,
    ];
    let base = x + 5.5 - (x + 0.5) * (x + 5.5).ln();
    let series = TERMS.iter().zip(1u8..).map(|(term, at)| term / (x + f64::from(at))).sum::<f64>();
    (2.506_628_274_631_000_5 * (1.000_000_000_190_015 + series) / x).ln() - base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lists: usize, histories: &[(u32, u64)]) -> Option<Completeness> {
        estimate(&histories.iter().copied().collect(), lists)
    }

    /// The counts that lists with these reaches would see of a thousand records, less those
    /// that none sees; the second list also sees most of what the first sees where `bound`.
    fn world(reaches: &[f64], bound: bool) -> (BTreeMap<u32, u64>, f64) {
        let mut histories = BTreeMap::new();
        for mask in 0u32..1 << reaches.len() {
            let mut share = 1.0;
            for (list, reach) in reaches.iter().enumerate() {
                let reach = match (bound && list == 1, mask & 1 == 1) {
                    (true, true) => 0.9,
                    (true, false) => 0.3,
                    _ => *reach,
                };
                share *= if mask & (1 << list) != 0 { reach } else { 1.0 - reach };
            }
            histories.insert(mask, (share * 1000.0).round() as u64);
        }
        let unseen = histories.remove(&0).unwrap_or(0) as f64;
        (histories, unseen)
    }

    fn check(reaches: &[f64], bound: bool) {
        let (histories, truth) = world(reaches, bound);
        let found = estimate(&histories, reaches.len()).unwrap();
        let Interval { low, high } = found.interval;
        assert!(low <= truth && truth <= high, "{truth} {found:?}");
        assert!(low <= found.missing && found.missing <= high, "{found:?}");
        assert!((found.missing - truth).abs() < 0.35 * truth + 5.0, "{truth} {found:?}");
    }

    #[test]
    fn independent_lists() {
        check(&[0.6, 0.5], false);
        check(&[0.6, 0.5, 0.4], false);
        check(&[0.6, 0.5, 0.4, 0.3], false);
        check(&[0.4, 0.3, 0.4, 0.3, 0.2], false);
    }

    #[test]
    fn dependent_lists() {
        check(&[0.5, 0.0, 0.5], true);
        check(&[0.5, 0.0, 0.5, 0.4], true);
        let (histories, _) = world(&[0.5, 0.0, 0.5], true);
        let method = estimate(&histories, 3).unwrap().method;
        assert!(method.ends_with("dependence of 1 with 2"), "{method}");
    }

    /// Lists of a world where who is seen by the first is likelier seen by the second, and
    /// what none of them saw; as chance has it, other for each seed.
    fn dependent(seed: u64, records: u32) -> (BTreeMap<u128, u64>, f64) {
        let mut draw = crate::draw::Draw::new(seed.wrapping_mul(0x9e37_79b9) + 1);
        let mut histories = BTreeMap::new();
        for _ in 0..records {
            let first = draw.uniform() < 0.6;
            let second = draw.uniform() < if first { 0.8 } else { 0.35 };
            let third = draw.uniform() < 0.5;
            let mask = u128::from(first) | u128::from(second) << 1 | u128::from(third) << 2;
            *histories.entry(mask).or_default() += 1;
        }
        let unseen = histories.remove(&0).unwrap_or(0);
        (histories, unseen as f64)
    }

    #[test]
    fn the_interval_holds_the_truth_though_lists_depend() {
        for records in [150, 600] {
            let held = (0..40).filter(|seed| {
                let (histories, truth) = dependent(*seed, records);
                let Interval { low, high } = estimate_lists(&histories, 3).unwrap().interval;
                low <= truth && truth <= high
            });
            let held = held.count();
            assert!(held >= 34, "{held} of 40 with {records} records");
        }
    }

    #[test]
    fn forty_lists_are_joined_where_they_see_the_same() {
        // Twenty calendars that repeat each other, and twenty mailboxes that do.
        let (calendars, mailboxes) = ((1u128 << 20) - 1, ((1u128 << 20) - 1) << 20);
        let histories = [(calendars, 30), (mailboxes, 20), (calendars | mailboxes, 60)].into();
        let found = estimate_lists(&histories, 40).unwrap();
        assert_eq!(found.observed, 110);
        assert!(found.missing < 60.0 && found.interval.high.is_finite(), "{found:?}");
        assert_eq!(estimate_lists(&histories, 40), Some(found), "the same every time");
    }

    #[test]
    fn one_list_tells_nothing_of_what_it_missed() {
        assert_eq!(found(1, &[(1, 50)]), None);
        assert_eq!(found(3, &[(2, 50)]), None, "two of the lists are empty");
        assert_eq!(found(3, &[]), None);
    }

    #[test]
    fn cells_may_be_empty() {
        for histories in [
            &[(1, 10), (2, 10)][..],
            &[(3, 10)],
            &[(7, 10)],
            &[(1, 5), (2, 5), (4, 5)],
            &[(1, 3), (3, 8), (7, 40), (5, 2)],
            &[(1, 1), (6, 1)],
            &[(63, 1), (1, 900), (32, 4)],
        ] {
            let lists = if histories.iter().all(|(mask, _)| *mask < 4) { 2 } else { 6 };
            let found = found(lists, histories).unwrap();
            let Interval { low, high } = found.interval;
            assert!(low >= 0.0 && low <= found.missing && found.missing <= high, "{found:?}");
            assert!(high.is_finite(), "{found:?}");
        }
    }

    #[test]
    fn the_bound_of_chao_agrees_with_its_formula() {
        // f1 = 30, f2 = 10, three lists: 2/3 * 30 * 29 / 22.
        let found = chao(&[0, 10, 10, 4, 10, 3, 3, 7], 3, 47);
        assert!((found.missing - 2.0 / 3.0 * 870.0 / 22.0).abs() < 1e-9);
        assert!(found.interval.low < found.missing && found.missing < found.interval.high);
    }
}
