use serde::{Deserialize, Serialize};

/// Turns a score into a probability that means what it says, learned from pairs of a score
/// and whether it was right. Never certain, and never falling as the score rises.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Scores, ascending, and the probability at each; between two it is interpolated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    knots: Vec<(f64, f64)>,
    /// The scale and the offset of a sigmoid, where that is the better curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sigmoid: Option<(f64, f64)>,
}

/// A curve of steps needs so many examples of either kind: with fewer, its steps are those of
/// chance, down to all or nothing (Niculescu-Mizil and Caruana 2005).
const STEPS_FROM: usize = 100;

/// Curves are compared on this many parts, each left out once.
const FOLDS: usize = 5;

type Learn = fn(&[(f64, bool)]) -> Calibration;

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
    /// Learns the curve that fits the examples best: isotonic steps where there are a hundred
    /// right and a hundred wrong examples and steps foretell left-out examples better, else a
    /// sigmoid, which is smooth.
    pub fn fitted(examples: &[(f64, bool)]) -> Calibration {
        let known: Vec<(f64, bool)> =
            examples.iter().filter(|(score, _)| score.is_finite()).copied().collect();
        let right = known.iter().filter(|(_, right)| *right).count();
        let smooth = Calibration::sigmoid(&known);
        if right.min(known.len() - right) < STEPS_FROM {
            return smooth;
        }
        let loss = |learn: Learn| -> f64 {
            let fold = |fold: usize| {
                let part = |own: bool| {
                    let all = known.iter().enumerate();
                    all.filter(move |(at, _)| (at % FOLDS == fold) == own).map(|(_, one)| *one)
                };
                let curve = learn(&part(false).collect::<Vec<_>>());
                let said = |(score, right): (f64, bool)| {
                    let p = curve.probability(score);
                    if right { -p.ln() } else { -(1.0 - p).ln() }
                };
                part(true).map(said).sum::<f64>()
            };
            (0..FOLDS).map(fold).sum()
        };
        let steps = loss(Calibration::learn) < loss(Calibration::sigmoid);
        if steps { Calibration::learn(&known) } else { smooth }
    }

    /// Learns a sigmoid (Platt 2000, with his targets, which keep it from certainty, and the
    /// steps of Lin, Lin and Weng 2007). Scores that are no numbers are left out.
    pub fn sigmoid(examples: &[(f64, bool)]) -> Calibration {
        let known: Vec<(f64, bool)> =
            examples.iter().filter(|(score, _)| score.is_finite()).copied().collect();
        let right = known.iter().filter(|(_, right)| *right).count() as f64;
        let wrong = known.len() as f64 - right;
        let (high, low) = ((right + 1.0) / (right + 2.0), 1.0 / (wrong + 2.0));
        // On a scale of their own, so that steps are of a like size whatever scores are.
        let count = known.len().max(1) as f64;
        let mean = known.iter().map(|(score, _)| score / count).sum::<f64>();
        let variance = known.iter().map(|(score, _)| (score - mean).powi(2) / count).sum::<f64>();
        let unit = if variance.sqrt() > 1e-9 { variance.sqrt() } else { 1.0 };
        let scaled: Vec<(f64, f64)> = known
            .iter()
            .map(|(score, right)| ((score - mean) / unit, if *right { high } else { low }))
            .collect();
        let loss = |scale: f64, offset: f64| -> f64 {
            let each = |(x, target): &(f64, f64)| {
                let z = scale * x + offset;
                // ln(1 + e^z) - target * z, without overflow.
                z.max(0.0) + (-z.abs()).exp().ln_1p() - target * z
            };
            scaled.iter().map(each).sum()
        };
        let (mut scale, mut offset) = (0.0, ((right + 1.0) / (wrong + 1.0)).ln());
        for _ in 0..100 {
            let (mut g0, mut g1) = (0.0, 0.0);
            let (mut h00, mut h01, mut h11) = (1e-9, 0.0, 1e-9);
            for (x, target) in &scaled {
                let p = 1.0 / (1.0 + (-(scale * x + offset)).exp());
                let (gap, spread) = (p - target, p * (1.0 - p));
                (g0, g1) = (g0 + gap * x, g1 + gap);
                (h00, h01, h11) = (h00 + spread * x * x, h01 + spread * x, h11 + spread);
            }
            let determinant = h00 * h11 - h01 * h01;
            if g0.abs().max(g1.abs()) < 1e-7 || determinant <= 0.0 {
                break;
            }
            let (d0, d1) =
                ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
            let before = loss(scale, offset);
            let mut step = 1.0;
            while step > 1e-8 && loss(scale - step * d0, offset - step * d1) > before {
                step /= 2.0;
            }
            if step <= 1e-8 {
                break;
            }
            (scale, offset) = (scale - step * d0, offset - step * d1);
        }
        // A score that speaks against what it should speak for says nothing.
        let own = (scale / unit, offset - scale * mean / unit);
        let own = match scale > 0.0 && own.0.is_finite() && own.1.is_finite() {
            true => own,
            false => (0.0, ((right + 0.5) / (wrong + 0.5)).ln()),
        };
        Calibration { knots: Vec::new(), sigmoid: Some(own) }
    }

    /// Learns isotonic steps (pool adjacent violators; Zadrozny and Elkan 2002), each pool
    /// smoothed by half a right and half a wrong example (Jeffreys). Scores that are no numbers
    /// are left out. Without examples every score means one half.
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
        Calibration { knots, sigmoid: None }
    }

    /// The probability that something of this score is right: above 0, below 1, and never
    /// falling as the score rises.
    pub fn probability(&self, score: f64) -> f64 {
        if let Some((scale, offset)) = self.sigmoid {
            let z = (scale * score + offset).clamp(-34.0, 34.0);
            return 1.0 / (1.0 + (-z).exp());
        }
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

    /// Examples whose probability of being right is a sigmoid of their score.
    fn drawn(count: usize) -> Vec<(f64, bool)> {
        let mut draw = crate::draw::Draw::new(3);
        let mut one = |_| {
            let score = 12.0 * draw.uniform() - 6.0;
            (score, draw.uniform() < 1.0 / (1.0 + f64::exp(1.0 - 0.8 * score)))
        };
        (0..count).map(&mut one).collect()
    }

    #[test]
    fn few_examples_make_a_smooth_curve_and_not_steps() {
        // Perfectly parted: isotonic would say all or nothing on either side of 0.
        let examples: Vec<(f64, bool)> = (-10..10).map(|n| (f64::from(n) + 0.5, n >= 0)).collect();
        let curve = Calibration::fitted(&examples);
        let (near, far) = (curve.probability(0.5), curve.probability(9.5));
        assert!(near < 0.9 && far > 0.93 && far < 0.999, "{near} {far}");
        let against: Vec<(f64, bool)> = examples.iter().map(|(s, r)| (*s, !r)).collect();
        assert_eq!(Calibration::fitted(&against).probability(3.0), 0.5);
        assert_eq!(Calibration::fitted(&[]).probability(3.0), 0.5);
        let huge = [(f64::MAX, true), (f64::MIN, false), (f64::MAX, true)];
        assert!(Calibration::fitted(&huge).probability(f64::MAX) > 0.5);
    }

    #[test]
    fn held_back_examples_come_as_often_as_was_said() {
        for count in [400, 4_000] {
            let all = drawn(2 * count);
            let curve = Calibration::fitted(&all[..count]);
            let said: Vec<(f64, bool)> = all[count..]
                .iter()
                .map(|(score, right)| (curve.probability(*score), *right))
                .collect();
            let error = expected_calibration_error(&said, 10);
            assert!(error < if count == 400 { 0.05 } else { 0.02 }, "{count}: {error}");
        }
    }

    #[test]
    fn steps_are_taken_where_they_are_there() {
        // Two in seven of the low scores are right and all high ones: no sigmoid bends so.
        let step = |n: u32| (f64::from(n % 100), n % 100 >= 50 || n % 7 < 2);
        let examples: Vec<(f64, bool)> = (0..3_000).map(step).collect();
        let curve = Calibration::fitted(&examples);
        assert!((curve.probability(10.0) - 2.0 / 7.0).abs() < 0.05);
        assert!(
            (curve.probability(45.0) - 2.0 / 7.0).abs() < 0.05 && curve.probability(60.0) > 0.99
        );
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
            let mut scores = scores;
            scores.sort_by(f64::total_cmp);
            for calibration in [Calibration::learn(&examples), Calibration::sigmoid(&examples)] {
                let said: Vec<f64> = scores.iter().map(|s| calibration.probability(*s)).collect();
                prop_assert!(said.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", said);
                prop_assert!(said.iter().all(|p| *p > 0.0 && *p < 1.0), "{:?}", said);
            }
        }
    }
}
