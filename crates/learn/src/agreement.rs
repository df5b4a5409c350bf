//! What agreement of two records is worth, where some of it says the same twice.

use restitch_matching::Levels;

use crate::knowledge::KindWeights;

/// However much agrees of a person or thing that a record refers to, it makes the record itself
/// no likelier than this many bits: nine in ten. What else is told then decides which of the
/// records of that person it is.
const ONE_THING: f64 = 3.17;

/// How the planned times of a record are called together.
const PLANNED: &str = "when it was planned";

/// The weights of a kind of evidence, for pairs that share what they refer to.
///
/// Weights are learned a comparison at a time, as though each agreed by itself. But a person's name,
/// address and number agree together, beginning and end of one stay lie together, and a name that
/// is read is mentioned too.
pub(crate) struct Agreement<'m> {
    model: &'m KindWeights,
    /// The bits of each level of each comparison.
    bits: Vec<Vec<f64>>,
    /// Comparisons of what texts mention, with the one that compares the same where it is read.
    mentioned: Vec<(usize, usize)>,
    /// The comparisons of each thing that a record refers to, by the column that refers to it.
    things: Vec<(&'m str, Vec<usize>)>,
    /// The comparisons of planned times.
    planned: Vec<usize>,
}

impl<'m> Agreement<'m> {
    pub(crate) fn new(model: &'m KindWeights, planned: &[String]) -> Self {
        let comparisons = &model.comparisons;
        let bits = |level: &restitch_matching::LevelWeights| {
            level.m.iter().zip(&level.u).map(|(m, u)| (m / u).log2()).collect()
        };
        let mut mentioned = Vec::new();
        let mut things: Vec<(&str, Vec<usize>)> = Vec::new();
        for (c, comparison) in comparisons.iter().enumerate() {
            if comparison.left != comparison.right {
                let read = comparisons
                    .iter()
                    .position(|o| o.left == o.right && o.right == comparison.right);
                mentioned.extend(read.map(|read| (c, read)));
            }
            if let Some((thing, _)) = comparison.right.split_once('.') {
                match things.iter_mut().find(|(known, _)| *known == thing) {
                    Some((_, of_thing)) => of_thing.push(c),
                    None => things.push((thing, vec![c])),
                }
            }
        }
        let bits = model.weights.levels.iter().map(bits).collect();
        let is_planned = |c: &usize| planned.contains(&comparisons[*c].right);
        let planned = (0..comparisons.len()).filter(is_planned).collect();
        Self { model, bits, mentioned, things, planned }
    }

    /// The weight of a pattern in bits, the prior included.
    pub(crate) fn weight(&self, levels: Levels) -> f64 {
        let levels = self.said_once(levels);
        let once: f64 = self.once(levels).map(|(_, bits)| bits).sum();
        self.model.weights.weight(levels) + once
    }

    /// The weight part by part, in bits.
    pub(crate) fn waterfall(&self, levels: Levels) -> Vec<(String, f64)> {
        let levels = self.said_once(levels);
        let mut steps = self.model.weights.waterfall(&self.model.comparisons, levels);
        steps.extend(
            self.once(levels).map(|(thing, bits)| (format!("{thing}: counted once"), bits)),
        );
        steps
    }

    /// The pattern without mentions of what is read as well.
    fn said_once(&self, levels: Levels) -> Levels {
        self.mentioned.iter().fold(levels, |levels, &(mention, read)| match levels.get(read) {
            Some(_) => levels.with(mention, None),
            None => levels,
        })
    }

    /// What must be added, in bits, for things that agree or differ in several ways to count once.
    fn once(&self, levels: Levels) -> impl Iterator<Item = (&'m str, f64)> {
        let prior = self.model.weights.prior;
        let most = ONE_THING - (prior / (1.0 - prior)).log2();
        let bits = move |c: &usize| levels.get(*c).map_or(0.0, |l| self.bits[*c][usize::from(l)]);
        let of_things = self.things.iter().map(move |(thing, of_thing)| {
            (*thing, (most - of_thing.iter().map(bits).sum::<f64>()).min(0.0))
        });
        // Of planned times that which agrees best speaks, and that which differs most.
        let planned = || self.planned.iter().map(bits);
        let told = planned().fold(0.0, f64::max) + planned().fold(0.0, f64::min);
        let of_times = (PLANNED, told - planned().sum::<f64>());
        of_things.chain([of_times]).filter(|(_, bits)| *bits != 0.0)
    }
}

#[cfg(test)]
mod tests {
    use restitch_matching::{Comparison, LevelWeights, Measure, Weights};

    use super::*;

    /// A model in which each agreement is worth ten bits, and each difference takes five.
    fn model() -> KindWeights {
        let mention = Comparison {
            name: "guest.name mentioned".to_owned(),
            left: "@words".to_owned(),
            right: "guest.name".to_owned(),
            measure: Measure::Mentions,
        };
        let comparisons = vec![
            Comparison::of("starts", Measure::Exact),
            Comparison::of("ends", Measure::Exact),
            Comparison::of("guest.name", Measure::Exact),
            Comparison::of("guest.email", Measure::Exact),
            mention,
        ];
        let level = |comparison: &Comparison| {
            let (m, u) = (vec![31.0 / 32.0, 1.0 / 32.0], vec![31.0 / 32768.0, 1.0]);
            LevelWeights { comparison: comparison.name.clone(), m, u }
        };
        let levels = comparisons.iter().map(level).collect();
        KindWeights { weights: Weights { prior: 1.0 / 1025.0, levels }, comparisons }
    }

    const PLAN: [&str; 2] = ["starts", "ends"];

    fn weight(levels: [Option<u8>; 5]) -> f64 {
        Agreement::new(&model(), &PLAN.map(str::to_owned))
            .weight(levels.into_iter().collect())
            .round()
    }

    #[test]
    fn a_person_alone_makes_a_record_likely_and_no_more() {
        assert_eq!(weight([None, None, Some(0), None, None]), 0.0);
        assert_eq!(weight([None, None, Some(0), Some(0), None]), 3.0);
        assert_eq!(weight([Some(0), None, Some(0), Some(0), None]), 13.0);
    }

    #[test]
    fn another_time_of_the_same_person_is_another_record() {
        assert_eq!(weight([Some(1), None, Some(0), Some(0), Some(0)]), -2.0);
    }

    #[test]
    fn beginning_and_end_count_once() {
        assert_eq!(weight([Some(0), Some(0), None, None, None]), 0.0);
        assert_eq!(weight([Some(0), Some(1), None, None, None]), -5.0);
        assert_eq!(weight([Some(1), Some(1), Some(0), Some(0), None]), -2.0);
    }

    #[test]
    fn what_is_read_is_not_mentioned_as_well() {
        assert_eq!(weight([None, None, Some(0), None, Some(0)]), 0.0);
        assert_eq!(weight([None, None, None, None, Some(0)]), 0.0);
    }

    #[test]
    fn the_waterfall_adds_up_to_the_weight() {
        let model = model();
        let agreement = Agreement::new(&model, &[]);
        let levels: Levels = [Some(1), None, Some(0), Some(0), Some(0)].into_iter().collect();
        let steps = agreement.waterfall(levels);
        let sum: f64 = steps.iter().map(|(_, bits)| bits).sum();
        assert!((sum - agreement.weight(levels)).abs() < 1e-9);
        assert_eq!(steps.last().unwrap().0, "guest: counted once");
    }
}
