//! Learning weights from pairs: counts, random pairs, expectation maximisation.

use crate::quick::QuickMap;
use crate::{Bound, Levels, Measure, Shape, Weights};

/// How many random pairs tell how often levels come by chance, where nothing else tells
/// matches from the rest.
const RANDOM_PAIRS: u64 = 200_000;
/// The same beside labelled pairs, which carry most of what is learned: a level that comes once
/// in so many pairs is worth 14 bits already.
const BESIDE_LABELS: u64 = 20_000;

/// So many records are near each other in memory.
const NEIGHBOURS: u32 = 1 << 14;

/// No level is rarer by chance than this: below, a sample cannot know.
const RAREST: f64 = 1e-7;

/// A pair of records and how well it agrees.
pub(crate) type Candidate = (u32, u32, Levels);

/// Candidate pairs to learn from, each with the number of its pattern of levels.
#[derive(Default)]
pub(crate) struct Training {
    /// Left out where records may have many matches: then only patterns count.
    pairs: Vec<(u32, u32, u32)>,
    patterns: Vec<Levels>,
    /// By pattern, how many pairs have it.
    counts: Vec<f64>,
    /// How many candidates each of them stands for.
    each: f64,
    /// Whether a left record has one match at most, and a right one: then its possible
    /// matches share one probability while learning, as they will when links are chosen.
    one_of_left: bool,
    one_of_right: bool,
}

impl Training {
    pub(crate) fn new(pairs: &[Candidate], each: u32, shape: Shape) -> Training {
        let mut numbers: QuickMap<Levels, u32> = QuickMap::default();
        let mut training = Training {
            each: f64::from(each),
            one_of_left: shape != Shape::Many,
            // Of a sample of the left records nobody knows the rivals.
            one_of_right: shape == Shape::OneToOne && each == 1,
            ..Training::default()
        };
        for &(i, j, levels) in pairs {
            let number = *numbers.entry(levels).or_insert_with(|| {
                training.patterns.push(levels);
                training.counts.push(0.0);
                training.patterns.len() as u32 - 1
            });
            training.counts[number as usize] += 1.0;
            if training.one_of_left {
                training.pairs.push((i, j, number));
            }
        }
        training
    }

    pub(crate) fn len(&self) -> u64 {
        self.counts.iter().sum::<f64>() as u64
    }

    /// How many matches each pattern is expected to hold.
    fn expected(&self, weights: &Weights, (left, right): (u32, u32)) -> Vec<f64> {
        let odds: Vec<f64> = self
            .patterns
            .iter()
            .map(|levels| weights.weight(*levels).clamp(-50.0, 50.0).exp2())
            .collect();
        if !self.one_of_left {
            let each = self.counts.iter().zip(&odds);
            return each.map(|(count, odds)| self.each * count * odds / (1.0 + odds)).collect();
        }
        let (mut of_left, mut of_right) = (Vec::new(), Vec::new());
        let add = |sums: &mut Vec<f64>, size: u32, record: u32, odds: f64| {
            sums.resize(size as usize, 0.0);
            sums[record as usize] += odds;
        };
        for (i, j, pattern) in &self.pairs {
            let odds = odds[*pattern as usize];
            add(&mut of_left, left, *i, odds);
            if self.one_of_right {
                add(&mut of_right, right, *j, odds);
            }
        }
        let mut expected = vec![0.0; self.patterns.len()];
        for (i, j, pattern) in &self.pairs {
            let own = odds[*pattern as usize];
            let rivals = |sums: &[f64], record: u32| {
                sums.get(record as usize).map_or(0.0, |sum| (sum - own).max(0.0))
            };
            let all = 1.0 + own + rivals(&of_left, *i) + rivals(&of_right, *j);
            expected[*pattern as usize] += self.each * own / all;
        }
        expected
    }
}

/// The share of each level among pairs, with `extra` examples a level spread as `base` says.
pub(crate) fn shares(
    bound: &Bound,
    pairs: &[(u32, u32)],
    base: &[Vec<f64>],
    extra: f64,
) -> Vec<Vec<f64>> {
    let mut counts: Vec<Vec<f64>> = base.iter().map(|base| vec![0.0; base.len()]).collect();
    bound.levels_of_all(pairs, |_, _, levels| {
        for (c, counts) in counts.iter_mut().enumerate() {
            if let Some(level) = levels.get(c) {
                counts[usize::from(level)] += 1.0;
            }
        }
    });
    counts.iter().map(|counts| smoothed(counts, extra)).collect()
}

/// How often each level comes in any two records: from random pairs (seeded, so that the same
/// tables give the same), and where two values are equal, exactly from their counts.
fn chances(bound: &Bound, most: u64) -> Vec<Vec<f64>> {
    let mut pairs = random_pairs(bound, most);
    // Neighbours on both sides together, for what is asked of memory together is soon there.
    pairs.sort_unstable_by_key(|(i, j)| (i / NEIGHBOURS, j / NEIGHBOURS, *i, *j));
    let none: Vec<Vec<f64>> = bound
        .comparisons()
        .iter()
        .map(|comparison| vec![0.0; comparison.measure.level_names().len()])
        .collect();
    let mut chances = shares(bound, &pairs, &none, 0.02);
    for (c, chances) in chances.iter_mut().enumerate() {
        if let Some(same) = bound.chance_same(c) {
            let same = same.clamp(RAREST, 0.999);
            let rest: f64 = chances[1..].iter().sum();
            chances[1..].iter_mut().for_each(|chance| *chance *= (1.0 - same) / rest);
            chances[0] = same;
        }
    }
    let seen = bound.pairs().min(most as f64);
    for (comparison, chances) in bound.comparisons().iter().zip(&mut chances) {
        if !comparison.measure.is_directed() {
            let usual = usual_chances(chances.len());
            let all = seen + USUAL_PAIRS;
            let both = chances.iter().zip(usual);
            *chances = both.map(|(own, usual)| (own * seen + usual * USUAL_PAIRS) / all).collect();
        }
    }
    chances
}

/// The chances of levels, for weights that are counted from labelled pairs.
pub(crate) fn chances_beside_labels(bound: &Bound) -> Vec<Vec<f64>> {
    chances(bound, BESIDE_LABELS)
}

/// What is usual counts as so many random pairs: in small tables a good part of all pairs are
/// matches, and chance cannot be told from them.
const USUAL_PAIRS: f64 = 100.0;

/// By chance two values of a column mostly differ.
fn usual_chances(levels: usize) -> Vec<f64> {
    let mut usual = vec![0.005; levels];
    usual[levels - 1] = 1.0 - 0.005 * (levels - 1) as f64;
    usual
}

/// Expectation maximisation with u held to what random pairs say, less the matches among
/// them.
pub(crate) fn learn(bound: &Bound, training: &Training) -> Weights {
    let all = chances(bound, RANDOM_PAIRS);
    let pairs = bound.pairs().max(1.0);
    let (left, right) = bound.sizes();
    let most = match (training.one_of_left, training.one_of_right) {
        (true, true) => left.min(right),
        (true, false) => left,
        // A record and nine more of the same one: five pairs a record.
        _ => left.max(right).saturating_mul(5),
    };
    let most = (f64::from(most) / pairs).min(0.5);
    let m = bound.comparisons().iter().map(|comparison| first_guess(comparison.measure)).collect();
    let mut weights = Weights::of(bound.comparisons(), m, all.clone(), most / 4.0);
    for _ in 0..60 {
        let next = maximise(bound, training, &weights, &all, pairs, most);
        let moved = change(&weights, &next);
        weights = next;
        if moved < 1e-3 {
            break;
        }
    }
    weights
}

fn maximise(
    bound: &Bound,
    training: &Training,
    weights: &Weights,
    all: &[Vec<f64>],
    pairs: f64,
    most: f64,
) -> Weights {
    let mut matches = 0.0;
    let mut counts: Vec<Vec<f64>> = all.iter().map(|levels| vec![0.0; levels.len()]).collect();
    let expected = training.expected(weights, bound.sizes());
    for (levels, expected) in training.patterns.iter().zip(expected) {
        matches += expected;
        for (c, counts) in counts.iter_mut().enumerate() {
            if let Some(level) = levels.get(c) {
                counts[usize::from(level)] += expected;
            }
        }
    }
    let prior = (matches.max(0.5) / pairs).min(most);
    // Half an example a level, spread as chance spreads them, so that none is impossible.
    let m: Vec<Vec<f64>> = counts
        .iter()
        .zip(all)
        .map(|(counts, all)| {
            let half = counts.len() as f64 / 2.0;
            let sum: f64 = counts.iter().sum::<f64>() + half;
            counts.iter().zip(all).map(|(count, all)| (count + half * all) / sum).collect()
        })
        .collect();
    let u: Vec<Vec<f64>> =
        m.iter().zip(all).map(|(m, all)| without_matches(m, all, prior)).collect();
    // One comparison alone cannot tell how often matches differ from how many they are.
    let m = match bound.comparisons() {
        [only] if !only.measure.is_directed() => vec![first_guess(only.measure)],
        _ => m,
    };
    let ordered = bound.comparisons().iter().zip(m.into_iter().zip(&u));
    let m = ordered.map(|(comparison, (m, u))| in_order(comparison.measure, m, u)).collect();
    Weights::of(bound.comparisons(), m, u, prior)
}

/// Better levels are not worth less than those below them: where thin counts say so, levels
/// share their counts (pool adjacent violators on m by u).
fn in_order(measure: Measure, mut m: Vec<f64>, u: &[f64]) -> Vec<f64> {
    let run = match measure {
        measure if measure.is_directed() => return m,
        // Rarity is ordered within each part shared.
        Measure::Overlap => 4,
        _ => m.len(),
    };
    for (m, u) in m.chunks_mut(run).zip(u.chunks(run)) {
        let mut pools: Vec<(f64, f64, usize)> = Vec::new();
        for (m, u) in m.iter().zip(u) {
            pools.push((*m, *u, 1));
            while let [.., better, own] = &pools[..]
                && better.0 * own.1 < own.0 * better.1
            {
                let joined = (better.0 + own.0, better.1 + own.1, better.2 + own.2);
                pools.truncate(pools.len() - 2);
                pools.push(joined);
            }
        }
        let worth = pools.iter().flat_map(|(m, u, levels)| std::iter::repeat_n(m / u, *levels));
        m.iter_mut().zip(u).zip(worth).for_each(|((m, u), worth)| *m = u * worth);
    }
    m
}

/// The chances of levels in pairs that are no matches: those of all pairs, less the matches
/// among them.
fn without_matches(m: &[f64], all: &[f64], prior: f64) -> Vec<f64> {
    let rest = |(m, all): (&f64, &f64)| (all - prior * m).max(all * 0.02).max(RAREST);
    let u: Vec<f64> = m.iter().zip(all).map(rest).collect();
    let sum: f64 = u.iter().sum();
    u.into_iter().map(|share| share / sum).collect()
}

/// Where nothing is known: matches mostly agree.
fn first_guess(measure: Measure) -> Vec<f64> {
    let count = measure.level_names().len();
    let mut m = vec![0.95 / (count - 1) as f64; count];
    m[count - 1] = 0.05;
    if !measure.is_directed() {
        let mut left = 0.95;
        for share in &mut m[..count - 1] {
            *share = left * 0.75;
            left *= 0.25;
        }
    }
    smoothed(&m, 0.001)
}

fn smoothed(counts: &[f64], extra: f64) -> Vec<f64> {
    let sum: f64 = counts.iter().sum::<f64>() + extra * counts.len() as f64;
    counts.iter().map(|count| (count + extra) / sum).collect()
}

fn change(a: &Weights, b: &Weights) -> f64 {
    let pairs = a.levels.iter().zip(&b.levels).flat_map(|(a, b)| a.m.iter().zip(&b.m));
    let m = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    m.max((a.prior / b.prior).ln().abs())
}

/// So many pairs at random, or all of them where they are fewer.
fn random_pairs(bound: &Bound, most: u64) -> Vec<(u32, u32)> {
    let (left, right) = bound.sizes();
    if left == 0 || right == 0 {
        return Vec::new();
    }
    let differ = |(i, j): &(u32, u32)| !bound.is_one_table() || i != j;
    let all = u64::from(left) * u64::from(right);
    if all <= most {
        let pairs = (0..left).flat_map(|i| (0..right).map(move |j| (i, j)));
        return pairs.filter(differ).collect();
    }
    let mut state = 0u64;
    let mut next = move || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let below = |random: u64, end: u32| (((random >> 32) * u64::from(end)) >> 32) as u32;
    let pairs = (0..most).map(|_| (below(next(), left), below(next(), right)));
    pairs.filter(differ).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_level_is_not_worth_less() {
        let m = in_order(Measure::Text, vec![0.9, 0.0001, 0.04, 0.0599], &[0.01, 0.01, 0.03, 0.95]);
        let u = [0.01, 0.01, 0.03, 0.95];
        let worth: Vec<f64> = m.iter().zip(u).map(|(m, u)| m / u).collect();
        assert!(worth.windows(2).all(|two| two[0] >= two[1] - 1e-9), "{worth:?}");
        assert!((m.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((m[0] - 0.9).abs() < 1e-9, "what was in order stays");
    }

    #[test]
    fn a_direction_is_left_as_it_is() {
        let m = vec![0.1; 18];
        assert_eq!(in_order(Measure::Delay, m.clone(), &[0.05; 18]), m);
    }
}
