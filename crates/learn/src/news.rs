//! How sure it is that a surviving row changed. Most of what evidence says of a row only says
//! again what the row holds; what differs from it is news, or a misreading. How often a thing
//! said was wrong shows in the rehearsals, on rows held back; how many misreadings that makes
//! among all that is said of surviving rows, and how many of these differ, gives the share of
//! differences that are true (the false discovery rate of Benjamini and Hochberg 1995, in the
//! empirical manner of Efron 2010).

use std::collections::BTreeMap;

use restitch_model::{Cell, Field, Share, Value};
use serde::{Deserialize, Serialize};

use crate::fold::LIFE;

/// Who said what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Teller {
    pub(crate) column: String,
    /// The form that told it, or the state that was heard.
    pub(crate) told_by: String,
    /// What follows from the state; `None` for what a form tells.
    pub(crate) value: Option<Value>,
}

/// How often what a teller said of a column was so, in the rehearsals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct News {
    /// The column.
    pub column: String,
    /// The form of evidence that told it, or the state from which a status followed.
    pub told_by: String,
    /// That status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Right, of how many.
    pub seen: Share,
}

/// Who told a field: the form of its evidence; for a status the state that was heard. `None` for
/// what follows from the record itself.
pub(crate) fn teller(field: &Field, form: &str) -> Option<Teller> {
    let (by, value) = match (&field.cell, &field.place) {
        (_, Some(_)) => (form, None),
        (Cell::Is(value), None) if field.rule.ends_with(LIFE) => {
            (field.words.as_str(), Some(value.clone()))
        }
        _ => return None,
    };
    Some(Teller { column: field.column.clone(), told_by: by.to_owned(), value })
}

/// So many examples of what is said of a column by all does one teller carry with it.
const PRIOR: f64 = 30.0;

/// What was heard of surviving rows since the backup.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// By teller: how many things were said, and how many of them are not what the row holds.
    said: BTreeMap<Teller, (u64, u64)>,
}

impl Heard {
    /// Counts one thing said.
    pub(crate) fn add(&mut self, teller: Teller, differs: bool) {
        let count = self.said.entry(teller).or_default();
        count.0 += 1;
        count.1 += u64::from(differs);
    }

    /// The share of a teller's differences that is true. Nothing is known of a teller whom no
    /// rehearsal heard.
    pub(crate) fn sure(&self, teller: &Teller, known: &[News]) -> f64 {
        let Some(&(said, differs)) = self.said.get(teller) else { return 0.0 };
        let (mut own, mut all) = (Share::default(), Share::default());
        let of_column = |n: &&News| n.column == teller.column && n.value == teller.value;
        for news in known.iter().filter(of_column) {
            for share in [(news.told_by == teller.told_by).then_some(&mut own), Some(&mut all)] {
                if let Some(share) = share {
                    share.hits += news.seen.hits;
                    share.n += news.seen.n;
                }
            }
        }
        if own.n == 0 || differs == 0 {
            return 0.0;
        }
        let misses = |share: &Share| (share.n - share.hits) as f64;
        // Half an error more than was seen (Jeffreys): nobody is without any.
        let pooled = (misses(&all) + 0.5) / (all.n as f64 + 1.0);
        let wrong = (misses(&own) + PRIOR * pooled) / (own.n as f64 + PRIOR);
        (1.0 - wrong * said as f64 / differs as f64).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teller(by: &str) -> Teller {
        Teller { column: "status".to_owned(), told_by: by.to_owned(), value: Some("off".into()) }
    }

    /// How sure a difference is where so many of so many rehearsed statements were right, of the
    /// teller's own and of another's, and so many of so many that were made differ from the row.
    fn check(own: (u64, u64), other: (u64, u64), (differ, said): (u64, u64)) -> f64 {
        let mut heard = Heard::default();
        (0..said).for_each(|i| heard.add(teller("own"), i < differ));
        let news = |by: &str, (hits, n): (u64, u64)| {
            let Teller { column, told_by, value } = teller(by);
            News { column, told_by, value, seen: Share { hits, n } }
        };
        let sure = heard.sure(&teller("own"), &[news("own", own), news("other", other)]);
        (sure * 1000.0).round() / 1000.0
    }

    #[test]
    fn where_nearly_all_that_is_said_is_new_the_teller_is_as_good_as_ever() {
        assert_eq!(check((100, 100), (0, 0), (20, 20)), 0.999);
    }

    #[test]
    fn where_little_of_what_is_said_differs_a_rare_misreading_weighs() {
        assert_eq!(check((99, 100), (0, 0), (2, 100)), 0.444);
    }

    #[test]
    fn few_examples_are_worth_what_others_saying_the_same_are() {
        assert_eq!(check((4, 4), (0, 0), (1, 1)), 0.912);
        assert_eq!(check((4, 4), (200, 200), (1, 1)), 0.998);
        assert_eq!(check((4, 4), (150, 200), (1, 1)), 0.783);
    }

    #[test]
    fn a_teller_whom_no_rehearsal_heard_changes_nothing() {
        assert_eq!(check((0, 0), (200, 200), (1, 1)), 0.0);
    }
}
