//! `restitch link --explain ID`: why a record was linked as it was, and what lost.

use anyhow::Result;
use restitch_matching::{Explainer, Explanation, Fate, Step};
use serde::Serialize;

use crate::failure::Asked;
use crate::printer::{Shown, Style};

/// All pairs of a record that were considered.
#[derive(Debug, Serialize)]
pub struct RecordExplained {
    /// The record.
    record: String,
    /// Its pairs: what it was linked to, then the rivals, each by falling weight.
    pairs: Vec<PairExplained>,
}

/// A pair of the record.
#[derive(Debug, Serialize)]
struct PairExplained {
    /// The other record.
    other: String,
    /// The match weight in bits.
    weight: f64,
    /// The probability that both are one, its rivals considered.
    probability: f64,
    /// Whether they were linked.
    linked: bool,
    /// Why not, where they were not.
    why: Option<String>,
    /// How the weight comes about.
    steps: Vec<Step>,
}

impl RecordExplained {
    /// Explains the record of this id. Where both tables have it, the first table's.
    pub fn of(
        id: &str,
        explainer: &Explainer<'_>,
        a: &[String],
        b: Option<&[String]>,
    ) -> Result<Self> {
        let at = |ids: &[String]| ids.iter().position(|own| own == id).map(|at| at as u32);
        let (left, right) = (a, b.unwrap_or(a));
        let (of_left, of_right) = (at(left), at(right));
        if of_left.is_none() && of_right.is_none() {
            return Err(Asked(format!("no record is called {id}")).into());
        }
        let mut found: Vec<(Explanation, bool)> = Vec::new();
        if let Some(record) = of_left {
            found.extend(explainer.of_left(record).into_iter().map(|pair| (pair, true)));
        }
        // In one table a record is the left one of some pairs and the right one of others.
        if let Some(record) = of_right.filter(|_| b.is_none() || of_left.is_none()) {
            found.extend(explainer.of_right(record).into_iter().map(|pair| (pair, false)));
        }
        let lost = |pair: &Explanation| !matches!(pair.fate, Fate::Linked);
        found.sort_by(|(one, _), (other, _)| {
            lost(one).cmp(&lost(other)).then(other.weight.total_cmp(&one.weight))
        });
        let pairs = found.into_iter().map(|(pair, is_left)| {
            let own = |left: u32, right: u32| match is_left {
                true => b.unwrap_or(a)[right as usize].clone(),
                false => a[left as usize].clone(),
            };
            PairExplained {
                other: own(pair.left, pair.right),
                weight: pair.weight,
                probability: pair.probability,
                linked: !lost(&pair),
                why: why(&pair, left, right),
                steps: pair.steps,
            }
        });
        Ok(Self { record: id.to_owned(), pairs: pairs.collect() })
    }
}

/// Why a pair was not linked.
fn why(pair: &Explanation, left: &[String], right: &[String]) -> Option<String> {
    match pair.fate {
        Fate::Linked => None,
        Fate::TooUnlikely { at_least } => Some(format!(
            "its probability is {:.4}, the model asks for {at_least}",
            pair.probability
        )),
        Fate::LostTo { left_has, right_has } => {
            let went =
                |of: &str, to: &str, bits: f64| format!("{of} went to {to} with {bits:+.2} bits");
            let (l, r) = (&left[pair.left as usize], &right[pair.right as usize]);
            let own = left_has.map(|(to, bits)| went(l, &right[to as usize], bits));
            let other = right_has.map(|(to, bits)| went(r, &left[to as usize], bits));
            Some(own.into_iter().chain(other).collect::<Vec<_>>().join(", "))
        }
    }
}

impl Shown for RecordExplained {
    fn text(&self, style: Style) -> String {
        let mut text = format!("{}\n", style.bold(&self.record));
        if self.pairs.is_empty() {
            text += "  it shares so little with any other record that none was compared with it\n";
        }
        for pair in &self.pairs {
            let sure = format!("{:+.2} bits, probability {:.4}", pair.weight, pair.probability);
            text += &match &pair.why {
                None => format!("  linked to {}: {sure}\n", pair.other),
                Some(why) => format!("  not linked to {}: {sure}; {why}\n", pair.other),
            };
            for step in &pair.steps {
                let level = if step.level.is_empty() { "" } else { ": " };
                text += &format!("    {:+7.2}  {}{level}{}\n", step.bits, step.field, step.level);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use restitch_matching::{Model, Records, Values, dedupe, link};

    use super::*;

    fn names(values: &[&str]) -> Records {
        let values = values.iter().map(|value| Some((*value).to_owned())).collect();
        Records::new(vec![("name".to_owned(), Values::Text(values))]).unwrap()
    }

    const A: [&str; 5] = ["Ann Lee", "Otto Graf", "Zoe Brandt", "Max Muster", "Eva Stein"];

    fn ids(prefix: char, n: usize) -> Vec<String> {
        (0..n).map(|i| format!("{prefix}{i}")).collect()
    }

    /// Each pair of a record, as the other one and why it lost.
    fn check(id: &str, b: Option<&[&str]>, expect: &[(&str, &str)]) {
        let (a, b) = (names(&A), b.map(names));
        let model = Model::discover(&a, b.as_ref()).unwrap();
        let linkage = match &b {
            Some(b) => link(&a, Some(b), &model).unwrap(),
            None => dedupe(&a, &model).unwrap().linkage,
        };
        let explainer = Explainer::new(&a, b.as_ref(), &model, &linkage).unwrap();
        let right = b.map(|_| ids('b', 4));
        let found = RecordExplained::of(id, &explainer, &ids('a', 5), right.as_deref()).unwrap();
        let why = |pair: &PairExplained| {
            let why = pair.why.as_deref().unwrap_or("linked");
            (pair.other.clone(), why.split(" with ").next().unwrap_or_default().to_owned())
        };
        let found: Vec<(String, String)> = found.pairs.iter().map(why).collect();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(other, why)| (other.as_str(), why.as_str())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_record_of_either_table_tells_its_link_and_who_lost_to_whom() {
        let b = ["Ann Lee", "Otto Graf", "Ann Leer", "Zoe Brandt"];
        check("a0", Some(&b), &[("b0", "linked"), ("b2", "a0 went to b0")]);
        check("b2", Some(&b), &[("a0", "a0 went to b0")]);
        check("a3", Some(&b), &[]);
    }
}
