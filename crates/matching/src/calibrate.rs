use serde::{Deserialize, Serialize};

/// Turns a score into a probability that means what it says, learned from pairs of a score
/// and whether it was right: isotonic regression (pool adjacent violators; Zadrozny and Elkan
/// 2002), each pool smoothed by half a right and half a wrong example (Jeffreys), so that
/// certainty is never claimed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Scores, ascending, and the probability at each; between two it is interpolated.
    knots: Vec<(f64, f64)>,
}

struct Pool {
    hits: f64,
    count: f64,
    first: f64,
    last: f64,
}

impl Pool {
    fn rate(&self) -> f64 {
        (self.hits + 0.5) / (self.count + 1.0)
    }
}

impl Calibration {
    /// Learns from examples. Scores that are no numbers are left out. Without examples every
    /// score means one half.
    pub fn learn(examples: &[(f64, bool)]) -> Calibration {
        let mut sorted: Vec<(f64, bool)> =
            examples.iter().filter(|(score, _)| score.is_finite()).copied().collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut pools: Vec<Pool> = Vec::new();
        for same in sorted.chunk_by(|a, b| a.0 == b.0) {
            let hits = same.iter().filter(|(_, right)| *right).count() as f64;
            let (first, last) = (same[0].0, same[0].0);
            pools.push(Pool { hits, count: same.len() as f64, first, last });
            while let [.., before, own] = &pools[..] {
                // By the plain rates, so that one example more is not taken for a trend.
                if before.hits * own.count < own.hits * before.count {
                    break;
                }
                merge(&mut pools);
            }
        }
        // Smoothing can turn small neighbours about: pool again by what will be said.
        let mut smooth: Vec<Pool> = Vec::new();
        for pool in pools {
            smooth.push(pool);
            while let [.., before, own] = &smooth[..] {
                if before.rate() <= own.rate() {
                    break;
                }
                merge(&mut smooth);
            }
        }
        let ends = |pool: &Pool| [(pool.first, pool.rate()), (pool.last, pool.rate())];
        let mut knots: Vec<(f64, f64)> = smooth.iter().flat_map(ends).collect();
        knots.dedup();
        Calibration { knots }
    }

    /// The probability that something of this score is right: above 0, below 1, and never
    /// falling as the score rises.
    pub fn probability(&self, score: f64) -> f64 {
        let after = self.knots.partition_point(|knot| knot.0 < score);
        match (after.checked_sub(1).map(|before| self.knots[before]), self.knots.get(after)) {
            (None, None) => 0.5,
            (None, Some(first)) => first.1,
            (Some(last), None) => last.1,
            (Some(a), Some(b)) => {
                let part = (score - a.0) / (b.0 - a.0);
                (a.1 + (b.1 - a.1) * part).clamp(a.1, b.1)
            }
        }
    }
}

fn merge(pools: &mut Vec<Pool>) {
    if let Some(own) = pools.pop()
        && let Some(before) = pools.last_mut()
    {
        before.hits += own.hits;
        before.count += own.count;
        before.last = own.last;
    }
}

/// One bar of a reliability curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reliability {
    /// The mean of what was said.
    pub said: f64,
    /// The share that was right.
    pub right: f64,
    /// Of how many.
    pub count: u64,
}

/// What was said against what was right, in this many bins of equal width; empty bins are
/// left out.
pub fn reliability(said: &[(f64, bool)], bins: usize) -> Vec<Reliability> {
    let bins = bins.max(1);
    let mut sums = vec![(0.0, 0u64, 0u64); bins];
    for (p, right) in said.iter().filter(|(p, _)| p.is_finite()) {
        let bin = ((p * bins as f64) as usize).min(bins - 1);
        sums[bin].0 += p;
        sums[bin].1 += u64::from(*right);
        sums[bin].2 += 1;
    }
    let known = sums.into_iter().filter(|(.., count)| *count > 0);
    known
        .map(|(sum, right, count)| Reliability {
            said: sum / count as f64,
            right: right as f64 / count as f64,
            count,
        })
        .collect()
}

/// The expected calibration error (Naeini, Cooper, Hauskrecht 2015): how far what was said is
/// from what was right, on average over the examples, in this many bins of equal width. 0
/// without examples.
pub fn expected_calibration_error(said: &[(f64, bool)], bins: usize) -> f64 {
    let curve = reliability(said, bins);
    let count: u64 = curve.iter().map(|bar| bar.count).sum();
    let error = curve.iter().map(|bar| (bar.said - bar.right).abs() * bar.count as f64);
    error.sum::<f64>() / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn certainty_is_never_claimed() {
        let calibration = Calibration::learn(&[(1.0, true); 9]);
        assert_eq!(calibration.probability(5.0), 0.95);
        assert_eq!(Calibration::default().probability(5.0), 0.5);
    }

    #[test]
    fn violators_are_pooled() {
        let examples = [(1.0, false), (2.0, true), (3.0, false), (4.0, true)];
        let calibration = Calibration::learn(&examples);
        let at = |score| calibration.probability(score);
        assert_eq!((at(1.0), at(2.0), at(3.0), at(4.0)), (0.25, 0.5, 0.5, 0.75));
        assert_eq!(at(3.5), 0.625);
    }

    #[test]
    fn the_error_is_the_mean_distance() {
        let said = [(0.9, true), (0.9, false), (0.1, false), (0.1, false)];
        assert!((expected_calibration_error(&said, 10) - (0.4 + 0.1) / 2.0).abs() < 1e-9);
        assert_eq!(reliability(&said, 10).len(), 2);
        assert_eq!(expected_calibration_error(&[], 10), 0.0);
    }

    proptest! {
        #[test]
        fn higher_scores_never_mean_less(
            examples in prop::collection::vec((-9.0..9.0f64, any::<bool>()), 0..60),
            scores in prop::collection::vec(-10.0..10.0f64, 2..20),
        ) {
            let calibration = Calibration::learn(&examples);
            let mut scores = scores;
            scores.sort_by(f64::total_cmp);
            let said: Vec<f64> = scores.iter().map(|s| calibration.probability(*s)).collect();
            prop_assert!(said.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", said);
            prop_assert!(said.iter().all(|p| *p > 0.0 && *p < 1.0));
        }
    }
}
