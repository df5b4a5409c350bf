use serde::{Deserialize, Serialize};

use crate::em::{self, Training};
use crate::{Bound, Comparison, Levels, MatchingError, Shape};

/// What each level of each comparison is worth (Fellegi and Sunter 1969): how often it comes
/// in pairs of one entity (m), how often in pairs of two (u), and how likely any pair is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The probability that a pair taken from all pairs of the two tables is a match.
    pub prior: f64,
    /// By comparison, in the order of the model.
    pub levels: Vec<LevelWeights>,
}

/// The frequencies of the levels of one comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelWeights {
    /// The comparison's name.
    pub comparison: String,
    /// By level: its share among matches whose values are both there.
    pub m: Vec<f64>,
    /// By level: its share among all other pairs.
    pub u: Vec<f64>,
}

impl Weights {
    /// Weights from pairs that are known: matches, and pairs that are none. Counts are
    /// smoothed (half an example a level), so that no level is impossible. Without
    /// `non_pairs` u comes from random pairs.
    pub fn from_labelled(
        bound: &Bound,
        pairs: &[(u32, u32)],
        non_pairs: &[(u32, u32)],
        prior: f64,
    ) -> Weights {
        let chances = em::chances_beside_labels(bound);
        let counted = |pairs: &[(u32, u32)]| em::shares(bound, pairs, &chances, 0.5);
        let u = if non_pairs.is_empty() { chances.clone() } else { counted(non_pairs) };
        Weights::of(bound.comparisons(), counted(pairs), u, prior)
    }

    /// Weights by expectation maximisation over candidate pairs (Winkler 1990), with u from
    /// random pairs: the same input gives the same weights. The pairs are those that blocking
    /// left of all pairs of the tables; those that it left out are taken to be no matches. Where the shape
    /// lets a record have one match only, its candidates share one probability.
    pub fn by_em(bound: &Bound, pairs: &[(u32, u32)], shape: Shape) -> Weights {
        let levels = pairs.iter().map(|(i, j)| (*i, *j, bound.levels(*i, *j)));
        em::learn(bound, &Training::new(&levels.collect::<Vec<_>>(), 1, shape))
    }

    pub(crate) fn of(
        comparisons: &[Comparison],
        m: Vec<Vec<f64>>,
        u: Vec<Vec<f64>>,
        prior: f64,
    ) -> Weights {
        let named = comparisons.iter().zip(m.into_iter().zip(u));
        let levels = named.map(|(comparison, (m, u))| LevelWeights {
            comparison: comparison.name.clone(),
            m,
            u,
        });
        Weights { prior: prior.clamp(1e-15, 0.999), levels: levels.collect() }
    }

    /// The match weight of a pattern in bits, the prior included: the log2 of the odds.
    pub fn weight(&self, levels: Levels) -> f64 {
        let each = (0..self.levels.len()).map(|c| self.level_weight(c, levels));
        self.prior_weight() + each.sum::<f64>()
    }

    /// The probability that a pair with this pattern is a match, above 0 and below 1.
    pub fn probability(&self, levels: Levels) -> f64 {
        probability(self.weight(levels))
    }

    /// The weight part by part, in bits: the prior, then each comparison that had both
    /// values, with its level in words.
    pub fn waterfall(&self, comparisons: &[Comparison], levels: Levels) -> Vec<(String, f64)> {
        let mut parts = vec![("prior".to_owned(), self.prior_weight())];
        for (c, comparison) in comparisons.iter().enumerate() {
            if let Some(level) = levels.get(c) {
                let name = format!("{}: {}", comparison.name, comparison.level_name(level));
                parts.push((name, self.level_weight(c, levels)));
            }
        }
        parts
    }

    /// The waterfall of one pair of records, with what the rarity of shared values adds.
    pub fn explain(&self, bound: &Bound, i: u32, j: u32) -> Vec<(String, f64)> {
        let levels = bound.levels(i, j);
        let mut parts = self.waterfall(bound.comparisons(), levels);
        for (c, comparison) in bound.comparisons().iter().enumerate() {
            let rarity = self.rarity(bound, c, i, j, levels);
            if rarity != 0.0 {
                parts.push((format!("{}: how rare it is", comparison.name), rarity));
            }
        }
        parts
    }

    /// The match weight of one pair of records in bits: that of its levels, and more where
    /// the value that they share is rarer than is usual in the column, less where it is more
    /// common (term frequency; Winkler 2000).
    pub fn pair_weight(&self, bound: &Bound, i: u32, j: u32, levels: Levels) -> f64 {
        let rarity = (0..self.levels.len()).map(|c| self.rarity(bound, c, i, j, levels));
        self.weight(levels) + rarity.sum::<f64>()
    }

    pub(crate) fn check(&self, comparisons: &[Comparison]) -> Result<(), MatchingError> {
        if self.levels.len() != comparisons.len() {
            let counts = format!("{} for {}", self.levels.len(), comparisons.len());
            return Err(MatchingError::Weights(counts));
        }
        let sound = |share: &f64| share.is_finite() && *share > 0.0 && *share <= 1.0;
        for (weights, comparison) in self.levels.iter().zip(comparisons) {
            let count = comparison.measure.level_names().len();
            let fits = weights.comparison == comparison.name
                && weights.m.len() == count
                && weights.u.len() == count
                && weights.m.iter().chain(&weights.u).all(sound);
            if !fits {
                return Err(MatchingError::Weights(comparison.name.clone()));
            }
        }
        let known = self.prior > 0.0 && self.prior < 1.0;
        known.then_some(()).ok_or_else(|| MatchingError::Weights("prior".to_owned()))
    }

    /// The bits of each level of a comparison.
    pub(crate) fn level_bits(&self, comparison: usize) -> Vec<f64> {
        let weights = &self.levels[comparison];
        weights.m.iter().zip(&weights.u).map(|(m, u)| (m / u).log2()).collect()
    }

    pub(crate) fn prior_weight(&self) -> f64 {
        (self.prior / (1.0 - self.prior)).log2()
    }

    fn level_weight(&self, comparison: usize, levels: Levels) -> f64 {
        let Some(level) = levels.get(comparison) else { return 0.0 };
        let weights = &self.levels[comparison];
        (weights.m[usize::from(level)] / weights.u[usize::from(level)]).log2()
    }

    pub(crate) fn rarity(
        &self,
        bound: &Bound,
        comparison: usize,
        i: u32,
        j: u32,
        levels: Levels,
    ) -> f64 {
        if levels.get(comparison) != Some(0) {
            return 0.0;
        }
        bound.shared(comparison, i, j).map_or(0.0, |share| self.rarity_of(comparison, share))
    }

    /// What a value of this share is worth more than usual, which nobody else may have.
    pub(crate) fn rarity_of(&self, comparison: usize, share: (f64, bool)) -> f64 {
        let usual = self.levels[comparison].u[0];
        match share {
            // A value that nobody else has is as rare as it gets: the column's mean may know
            // better how rare that is than a count of two.
            (share, true) => (usual / share.min(usual)).log2(),
            (share, false) => (usual / share.max(1e-12)).log2(),
        }
    }
}

/// The probability of a weight in bits.
pub fn probability(weight: f64) -> f64 {
    1.0 / (1.0 + (-weight.clamp(-50.0, 50.0)).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measure, Records, Values};

    fn table(names: &[&str]) -> Records {
        let values = names.iter().map(|name| Some((*name).to_owned())).collect();
        Records::new(vec![("name".to_owned(), Values::Text(values))]).unwrap()
    }

    fn weights(comparisons: &[Comparison], m: &[f64], u: &[f64]) -> Weights {
        Weights::of(comparisons, vec![m.to_vec()], vec![u.to_vec()], 0.5)
    }

    #[test]
    fn agreement_is_worth_the_log_of_m_by_u() {
        let comparisons = [Comparison::of("name", Measure::Exact)];
        let weights = weights(&comparisons, &[0.8, 0.2], &[0.1, 0.9]);
        let same = Levels::default().with(0, Some(0));
        assert!((weights.weight(same) - 3.0).abs() < 1e-9);
        assert!((weights.probability(same) - 8.0 / 9.0).abs() < 1e-9);
        assert_eq!(weights.weight(Levels::default()), 0.0, "nothing known, nothing changed");
        let parts = weights.waterfall(&comparisons, same);
        assert_eq!(parts[1].0, "name: same");
        assert!((parts.iter().map(|part| part.1).sum::<f64>() - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_rare_value_is_worth_more_than_a_common_one() {
        let names = ["smith", "smith", "smith", "smith", "smith", "smith", "xue", "xue", "ode"];
        let records = table(&names);
        let comparisons = [Comparison::of("name", Measure::Exact)];
        let bound = Bound::new(&records, None, &comparisons).unwrap();
        let weights = weights(&comparisons, &[0.9, 0.1], &[0.4, 0.6]);
        let pair = |i, j| weights.pair_weight(&bound, i, j, bound.levels(i, j));
        assert!(pair(6, 7) > pair(0, 1));
        let explained: f64 = weights.explain(&bound, 6, 7).iter().map(|part| part.1).sum();
        assert!((explained - pair(6, 7)).abs() < 1e-9);
    }

    #[test]
    fn labelled_pairs_teach_and_no_level_is_impossible() {
        let records = table(&["ann", "ann", "bob", "bob", "eve"]);
        let bound = Bound::new(&records, None, &[Comparison::of("name", Measure::Exact)]).unwrap();
        let weights = Weights::from_labelled(&bound, &[(0, 1), (2, 3)], &[(0, 2), (1, 4)], 0.2);
        let LevelWeights { m, u, .. } = &weights.levels[0];
        assert!(m[0] > 0.7 && m[1] > 0.0 && u[0] > 0.0 && u[1] > 0.7, "{m:?} {u:?}");
        assert!(weights.check(bound.comparisons()).is_ok());
        assert!(weights.check(&[]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn probabilities_are_between_0_and_1(weight in proptest::num::f64::NORMAL) {
            let p = probability(weight);
            proptest::prop_assert!(p > 0.0 && p < 1.0);
        }
    }
}
