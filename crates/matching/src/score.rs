//! Scoring many pairs, most of which are soon seen to be nothing: a pair is compared column by
//! column, what is cheap first, and given up as soon as the rest could not save it.

use crate::em::Candidate;
use crate::look::Glance;
use crate::{Bound, Levels, Measure, Weights};

/// What values of fewer records than this are worth is known in advance.
const FEW: u32 = 512;

/// Weights bound to tables, ready to score pair after pair.
pub(crate) struct Scorer<'a> {
    bound: &'a Bound,
    weights: &'a Weights,
    /// By comparison, the bits of each level.
    bits: Vec<Vec<f64>>,
    /// By comparison and level, the most that this level or one after it can bring.
    most: Vec<Vec<f64>>,
    /// By comparison, what sharing a value is worth more than usual that so many records have.
    rarities: Vec<Vec<f64>>,
    /// The comparisons in the order in which they are made: those that can cost a pair the
    /// most for the least work first.
    order: Vec<usize>,
    prior: f64,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(bound: &'a Bound, weights: &'a Weights) -> Self {
        let count = weights.levels.len();
        let bits: Vec<Vec<f64>> = (0..count).map(|c| weights.level_bits(c)).collect();
        let from_each = |bits: &Vec<f64>| {
            let mut most = bits.clone();
            for level in (1..most.len()).rev() {
                most[level - 1] = most[level - 1].max(most[level]);
            }
            most
        };
        let most: Vec<Vec<f64>> = bits.iter().map(from_each).collect();
        // Comparing sets of words takes about four times as long as comparing two texts.
        let cost = |c: usize| match bound.comparisons()[c].measure {
            Measure::Overlap => 4.0,
            _ => 1.0,
        };
        let last = |c: usize| bits[c].last().copied().unwrap_or(0.0);
        let fall = |c: &usize| (most[*c][1] - last(*c)) / cost(*c);
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| fall(b).total_cmp(&fall(a)).then(a.cmp(b)));
        let rarities = (0..count).map(|c| {
            let rarity = |count| bound.share_of(c, count).map(|share| weights.rarity_of(c, share));
            (0..FEW).map_while(rarity).collect()
        });
        let rarities = rarities.collect();
        Scorer { bound, weights, bits, most, rarities, order, prior: weights.prior_weight() }
    }

    /// [`Weights::rarity`], where both values agree fully.
    fn rarity(&self, c: usize, i: u32, j: u32, levels: Levels) -> f64 {
        if levels.get(c) != Some(0) {
            return 0.0;
        }
        let count = self.bound.count(c, i).and_then(|count| self.rarities[c].get(count as usize));
        count.copied().unwrap_or_else(|| self.weights.rarity(self.bound, c, i, j, levels))
    }

    /// The levels and the weight of a pair; `None` where the weight is not above `least`.
    pub(crate) fn above(&self, least: f64, i: u32, j: u32) -> Option<(Levels, f64)> {
        let mut levels = Levels::default();
        let mut rarities = [0.0; Levels::MOST];
        let mut rarity = |c: usize, levels: Levels| {
            rarities[c] = self.rarity(c, i, j, levels);
            rarities[c]
        };
        let mut open = 0u32;
        let mut hoped = [0.0; Levels::MOST];
        let mut could = self.prior;
        let (left, right) = self.bound.looks(i, j);
        for (c, (hoped, (a, b))) in hoped.iter_mut().zip(left.iter().zip(right)).enumerate() {
            match self.bound.glance_at(c, (i, *a), (j, *b)) {
                Glance::Is(None) => {}
                Glance::Is(level @ Some(own)) => {
                    levels = levels.with(c, level);
                    could += self.bits[c][usize::from(own)];
                    could += rarity(c, levels);
                }
                Glance::AtBest(level) => {
                    open |= 1 << c;
                    *hoped = self.most[c][usize::from(level)];
                    could += *hoped;
                }
                // With level 0 may come more for its rarity: found out at once.
                Glance::Open if self.bound.may_be_rare(c) => {
                    levels = levels.with(c, self.bound.level(c, i, j));
                    could += levels.get(c).map_or(0.0, |own| self.bits[c][usize::from(own)]);
                    could += rarity(c, levels);
                }
                Glance::Open => {
                    open |= 1 << c;
                    *hoped = self.most[c][0];
                    could += *hoped;
                }
            }
        }
        // A hair's breadth for sums that are made in another order.
        let least_possible = least - 1e-6;
        for c in self.order.iter().copied().filter(|c| open & (1 << c) != 0) {
            if could <= least_possible {
                return None;
            }
            let level = self.bound.level(c, i, j);
            could -= hoped[c];
            levels = levels.with(c, level);
            could += level.map_or(0.0, |own| self.bits[c][usize::from(own)]);
            could += rarity(c, levels);
        }
        // As [`Weights::pair_weight`] sums them up.
        let bits = |c: usize| levels.get(c).map_or(0.0, |level| self.bits[c][usize::from(level)]);
        let each: f64 = (0..self.bits.len()).map(bits).sum();
        let weight = self.prior + each + rarities[..self.bits.len()].iter().sum::<f64>();
        (weight > least).then_some((levels, weight))
    }

    /// The weights of pairs of which the levels are known: [`Weights::pair_weight`] of each,
    /// column by column, for what a column needs of memory is then asked for together.
    pub(crate) fn weights(&self, pairs: &[Candidate]) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); pairs.len()];
        for (c, bits) in self.bits.iter().enumerate() {
            for (&(i, j, levels), (each, rarity)) in pairs.iter().zip(&mut sums) {
                if let Some(level) = levels.get(c) {
                    *each += bits[usize::from(level)];
                    *rarity += self.rarity(c, i, j, levels);
                }
            }
        }
        sums.into_iter().map(|(each, rarity)| self.prior + each + rarity).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Comparison, Records, Values};

    const MEASURES: [Measure; 8] = [
        Measure::Text,
        Measure::Name,
        Measure::Code,
        Measure::Overlap,
        Measure::Phone,
        Measure::Email,
        Measure::Exact,
        Measure::Ratio,
    ];

    proptest! {
        #[test]
        fn what_is_given_up_is_what_a_whole_comparison_would_leave_out(
            values in prop::collection::vec("[a-c1-3 ]{0,9}", 16),
            shares in prop::collection::vec(0.01..0.99f64, 2 * 14),
            least in -20.0..20.0f64,
        ) {
            // Two records of eight columns, in which anything may agree.
            let column = |c: usize| {
                let values = [&values[2 * c], &values[2 * c + 1]];
                Values::Text(values.map(|value| Some(value.clone())).to_vec())
            };
            let columns = (0..8).map(|c| (c.to_string(), column(c)));
            let records = Records::new(columns.collect()).unwrap();
            let comparisons: Vec<Comparison> =
                (0..8).map(|c| Comparison::of(&c.to_string(), MEASURES[c])).collect();
            let bound = Bound::new(&records, None, &comparisons).unwrap();
            let part = |from: usize| -> Vec<Vec<f64>> {
                let of = |c: &Comparison| shares[from..from + c.measure.level_names().len()].to_vec();
                comparisons.iter().map(of).collect()
            };
            let weights = Weights::of(&comparisons, part(0), part(14), 0.3);
            let levels = bound.levels(0, 1);
            let weight = weights.pair_weight(&bound, 0, 1, levels);
            let whole = (weight > least).then_some((levels, weight));
            prop_assert_eq!(Scorer::new(&bound, &weights).above(least, 0, 1), whole);
        }
    }
}
