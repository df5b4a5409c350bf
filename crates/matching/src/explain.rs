use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Bound, Link, Linkage, MatchingError, Model, Records, Shape};

/// Why a pair was linked, or was not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The left record.
    pub left: u32,
    /// The right record.
    pub right: u32,
    /// The match weight in bits: the sum of the steps.
    pub weight: f64,
    /// The probability that it is a match, its rivals considered.
    pub probability: f64,
    /// What became of it.
    pub fate: Fate,
    /// How the weight comes about, step by step from the prior on.
    pub steps: Vec<Step>,
}

/// What became of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was linked.
    Linked,
    /// One of its records was linked to another: in these pairs, of these weights.
    LostTo {
        /// The left record's link, as the right record and its weight.
        left_has: Option<(u32, f64)>,
        /// The right record's link, as the left record and its weight.
        right_has: Option<(u32, f64)>,
    },
    /// It is less likely than the model asks for.
    TooUnlikely {
        /// The probability that the model asks for.
        at_least: f64,
    },
}

/// One step of a waterfall.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The comparison; `prior`, or `related records` for what is not of the pair itself.
    pub field: String,
    /// The level that it reached, in words; for rarity `how rare it is`; empty where there is
    /// no level.
    pub level: String,
    /// The bits that it adds, or takes away.
    pub bits: f64,
    /// How often matches reach that level; `None` where the step is no level.
    pub m: Option<f64>,
    /// How often other pairs do.
    pub u: Option<f64>,
}

/// Explains the pairs of a linkage.
///
/// ```
/// use restitch_matching::{Explainer, Fate, Model, Records, Values, link};
///
/// # fn main() -> Result<(), restitch_matching::MatchingError> {
/// let text = |values: &[&str]| Values::Text(values.iter().map(|v| Some(v.to_string())).collect());
/// let names = |values: &[&str]| Records::new(vec![("name".into(), text(values))]);
/// let left = names(&["Ann Lee", "Otto Graf", "Zoe Brandt"])?;
/// let right = names(&["Otto Graf", "Zoe Brand", "Ann Lee"])?;
/// let model = Model::discover(&left, Some(&right))?;
/// let linkage = link(&left, Some(&right), &model)?;
/// let explainer = Explainer::new(&left, Some(&right), &model, &linkage)?;
/// let why = &explainer.of_left(0)[0];
/// assert_eq!((why.right, why.fate), (2, Fate::Linked));
/// for step in &why.steps {
///     println!("{:+7.2}  {} {}", step.bits, step.field, step.level);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Explainer<'a> {
    bound: Bound,
    model: &'a Model,
    linkage: &'a Linkage,
    /// By record, the positions of its pairs: links first, then rivals, numbered on.
    of_left: BTreeMap<u32, Vec<usize>>,
    of_right: BTreeMap<u32, Vec<usize>>,
}

impl<'a> Explainer<'a> {
    /// Makes ready for the tables, the model and what linking them gave.
    pub fn new(
        left: &Records,
        right: Option<&Records>,
        model: &'a Model,
        linkage: &'a Linkage,
    ) -> Result<Explainer<'a>, MatchingError> {
        let bound = Bound::new(left, right, &model.comparisons)?;
        linkage.weights.check(&model.comparisons)?;
        let mut of_left: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut of_right: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, link) in linkage.links.iter().chain(&linkage.rivals).enumerate() {
            of_left.entry(link.left).or_default().push(at);
            of_right.entry(link.right).or_default().push(at);
        }
        Ok(Explainer { bound, model, linkage, of_left, of_right })
    }

    /// All pairs of a left record that were considered: its links, then its rivals, each by
    /// falling weight. In one table a record is the left one of some pairs and the right one
    /// of others.
    pub fn of_left(&self, record: u32) -> Vec<Explanation> {
        self.all(self.of_left.get(&record))
    }

    /// The same for a right record.
    pub fn of_right(&self, record: u32) -> Vec<Explanation> {
        self.all(self.of_right.get(&record))
    }

    /// Why a link, or a rival, came out as it did.
    pub fn of_pair(&self, link: &Link) -> Explanation {
        let same = |other: &Link| (other.left, other.right) == (link.left, link.right);
        let places = self.of_left.get(&link.left).into_iter().flatten();
        let linked = places.filter_map(|at| self.linkage.links.get(*at)).any(same);
        Explanation {
            left: link.left,
            right: link.right,
            weight: link.weight,
            probability: link.probability,
            fate: if linked { Fate::Linked } else { self.lost(link) },
            steps: self.steps(link),
        }
    }

    fn all(&self, places: Option<&Vec<usize>>) -> Vec<Explanation> {
        let (links, rivals) = (&self.linkage.links, &self.linkage.rivals);
        let pair = |at: &usize| match links.get(*at) {
            Some(link) => (false, link),
            None => (true, &rivals[*at - links.len()]),
        };
        let mut pairs: Vec<(bool, &Link)> = places.into_iter().flatten().map(pair).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.weight.total_cmp(&a.1.weight)));
        pairs.into_iter().map(|(_, link)| self.of_pair(link)).collect()
    }

    fn lost(&self, link: &Link) -> Fate {
        let has = |places: Option<&Vec<usize>>| {
            places.into_iter().flatten().find_map(|at| self.linkage.links.get(*at))
        };
        let shape = self.model.shape;
        let left = has(self.of_left.get(&link.left)).filter(|_| shape != Shape::Many);
        let right = has(self.of_right.get(&link.right)).filter(|_| shape == Shape::OneToOne);
        if left.is_none() && right.is_none() {
            return Fate::TooUnlikely { at_least: self.model.at_least };
        }
        Fate::LostTo {
            left_has: left.map(|held| (held.right, held.weight)),
            right_has: right.map(|held| (held.left, held.weight)),
        }
    }

    fn steps(&self, link: &Link) -> Vec<Step> {
        let weights = &self.linkage.weights;
        let step = |field: &str, level: &str, bits| {
            let (field, level) = (field.to_owned(), level.to_owned());
            Step { field, level, bits, m: None, u: None }
        };
        let mut steps = vec![step("prior", "", weights.prior_weight())];
        for (c, comparison) in self.bound.comparisons().iter().enumerate() {
            let Some(level) = link.levels.get(c) else { continue };
            let at = usize::from(level);
            let (m, u) = (weights.levels[c].m[at], weights.levels[c].u[at]);
            let name = &comparison.name;
            let bits = (m / u).log2();
            let own = step(name, comparison.level_name(level), bits);
            steps.push(Step { m: Some(m), u: Some(u), ..own });
            let rarity = weights.rarity(&self.bound, c, link.left, link.right, link.levels);
            if rarity != 0.0 {
                steps.push(step(name, "how rare it is", rarity));
            }
        }
        let rest = link.weight - steps.iter().map(|step| step.bits).sum::<f64>();
        if rest.abs() > 1e-6 {
            steps.push(step("related records", "", rest));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Values, link};

    fn names(values: &[&str]) -> Records {
        let values = values.iter().map(|value| Some((*value).to_owned())).collect();
        Records::new(vec![("name".to_owned(), Values::Text(values))]).unwrap()
    }

    const LEFT: [&str; 5] = ["Ann Lee", "Otto Graf", "Zoe Brandt", "Max Muster", "Eva Stein"];

    #[test]
    fn the_steps_add_up_and_rivals_say_who_won() {
        let (left, right) =
            (names(&LEFT), names(&["Ann Lee", "Otto Graf", "Ann Leer", "Zoe Brandt"]));
        let model = Model::discover(&left, Some(&right)).unwrap();
        let linkage = link(&left, Some(&right), &model).unwrap();
        let explainer = Explainer::new(&left, Some(&right), &model, &linkage).unwrap();
        let found = explainer.of_left(0);
        assert_eq!((found[0].right, found[0].fate), (0, Fate::Linked));
        let rival = found.iter().find(|pair| pair.right == 2).unwrap();
        let held = linkage.links[0].weight;
        assert_eq!(rival.fate, Fate::LostTo { left_has: Some((0, held)), right_has: None });
        for pair in found.iter().chain(&explainer.of_right(2)) {
            let sum: f64 = pair.steps.iter().map(|step| step.bits).sum();
            assert!((sum - pair.weight).abs() < 1e-6, "{pair:?}");
        }
        assert!(explainer.of_left(99).is_empty());
    }

    #[test]
    fn what_is_too_unlikely_says_so() {
        let (left, right) = (names(&LEFT), names(&["Anna Leeds", "Otto Graf", "Zoe Brandt"]));
        let mut model = Model::discover(&left, Some(&right)).unwrap();
        model.at_least = 0.999_999;
        let linkage = link(&left, Some(&right), &model).unwrap();
        let explainer = Explainer::new(&left, Some(&right), &model, &linkage).unwrap();
        let fates: Vec<Fate> = (0..5).flat_map(|i| explainer.of_left(i)).map(|e| e.fate).collect();
        assert!(!fates.is_empty());
        assert!(fates.iter().all(|f| *f == Fate::TooUnlikely { at_least: 0.999_999 }), "{fates:?}");
    }
}
