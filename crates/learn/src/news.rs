//! How sure it is that a surviving row changed. Most of what evidence says of a row only says
//! again what the row holds; what differs from it is news, or a misreading. How often a thing
//! said was wrong shows in the rehearsals, on rows held back; how many misreadings that makes
//! among all that is said of surviving rows, and how many of these differ, gives the share of
//! differences that are true (the false discovery rate of Benjamini and Hochberg 1995, in the
//! empirical manner of Efron 2010).

use std::collections::BTreeMap;

use restitch_model::{Field, Share};
use serde::{Deserialize, Serialize};

use crate::fold::LIFE;

/// Who said what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Teller {
    pub(crate) column: String,
    /// The form that told it, or the state that was heard.
    pub(crate) told_by: String,
}

/// How often what a teller said of a column was so, in the rehearsals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct News {
    /// The column.
    pub column: String,
    /// The form of evidence that told it, or the state from which a status followed.
    pub told_by: String,
    /// Right, of how many.
    pub seen: Share,
}

/// Who told a field: the form of its evidence; for a status the state that was heard. `None` for
/// what follows from the record itself.
pub(crate) fn teller(field: &Field, form: &str) -> Option<Teller> {
    let by = match () {
        () if field.place.is_some() => form,
        () if field.rule.ends_with(LIFE) => &field.words,
        () => return None,
    };
    Some(Teller { column: field.column.to_string(), told_by: by.to_owned() })
}

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
        let is_own = |n: &&News| n.column == teller.column && n.told_by == teller.told_by;
        let seen = known.iter().find(is_own).map_or(Share::default(), |news| news.seen);
        let Some(&(said, differs)) = self.said.get(teller) else { return 0.0 };
        if seen.n == 0 || differs == 0 {
            return 0.0;
        }
        // Half an error more than was seen (Jeffreys): no teller is without any.
        let wrong = ((seen.n - seen.hits) as f64 + 0.5) / (seen.n as f64 + 1.0);
        (1.0 - wrong * said as f64 / differs as f64).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn teller() -> Teller {
        Teller { column: "status".to_owned(), told_by: "mail/cancelled".to_owned() }
    }

    /// How sure a difference is where so many of so many rehearsed statements were right, and so
    /// many of so many that were made differ from the row.
    fn check((hits, n): (u64, u64), (differ, said): (u64, u64)) -> f64 {
        let mut heard = Heard::default();
        (0..said).for_each(|i| heard.add(teller(), i < differ));
        let Teller { column, told_by } = teller();
        let sure = heard.sure(&teller(), &[News { column, told_by, seen: Share { hits, n } }]);
        (sure * 1000.0).round() / 1000.0
    }

    #[test]
    fn where_nearly_all_that_is_said_is_new_the_teller_is_as_good_as_ever() {
        assert_eq!(check((100, 100), (20, 20)), 0.995);
    }

    #[test]
    fn where_little_of_what_is_said_differs_a_rare_misreading_weighs() {
        assert_eq!(check((99, 100), (2, 100)), 0.257);
    }

    #[test]
    fn four_examples_make_no_news_sure() {
        assert_eq!(check((4, 4), (1, 1)), 0.9);
    }

    #[test]
    fn a_teller_whom_no_rehearsal_heard_changes_nothing() {
        assert_eq!(check((0, 0), (1, 1)), 0.0);
    }
}
