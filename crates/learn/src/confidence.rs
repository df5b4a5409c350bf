//! How sure a record is: by what became of records like it in the rehearsals.

use std::collections::BTreeMap;

use restitch_model::Share;

use crate::knowledge::Confidence;
use crate::rebuild::{Marks, sort_of};

/// What became of one rehearsed record of which nothing but its confidence decides.
pub(crate) struct Rehearsed<'o> {
    /// How many kinds of evidence spoke of it.
    pub(crate) kinds: usize,
    /// What else makes its sort.
    pub(crate) marks: Marks,
    /// The form of its first evidence.
    pub(crate) form: &'o str,
    /// It was the record that it stood for.
    pub(crate) is_right: bool,
}

/// For what rehearsals do not show, a sort counts as wrong so many times more.
const UNSEEN: f64 = 0.5;
/// Sorts that are nearly always right are alike: what is known of all of them counts as so many
/// examples for each …
const ALIKE: f64 = 100.0;
/// … and makes none of them surer than this.
const SUREST: f64 = 0.998;
/// Rounds in which it is found out which sorts those are; they settle in fewer.
const ROUNDS: usize = 50;
/// So many examples of its sort may a form carry with it.
const STRENGTHS: [f64; 5] = [2.0, 4.0, 8.0, 16.0, 30.0];
/// The strongest holds that the data do not speak against: which another does not make more
/// likely by so much (in nats).
const SPEAKS: f64 = 2.0;

/// The probability that a record is right, for each sort and each form of a sort.
///
/// Few examples tell little, so each figure is drawn to what is known of its like (empirical
/// Bayes; Efron and Morris 1975). Of sorts there are two kinds: those that are nearly always right,
/// which are alike, and others, of which each is as it is; which a sort is, its examples and the
/// share of such sorts tell (a mixture of two beta-binomials). The forms of a sort are drawn to
/// it, strongly where they are alike.
pub(crate) fn confidences(records: &[Rehearsed<'_>]) -> Vec<Confidence> {
    let mut by_sort: BTreeMap<(Marks, usize), BTreeMap<&str, Share>> = BTreeMap::new();
    for record in records {
        let forms = by_sort.entry((record.marks, record.kinds)).or_default();
        forms.entry(record.form).or_default().add(record.is_right);
    }
    let sorts: Vec<Share> = by_sort.values().map(|forms| sum(forms.values())).collect();
    let sure = sort_probabilities(&sorts);
    let mut found = Vec::new();
    for (((marks, kinds), forms), (seen, probability)) in
        by_sort.into_iter().zip(sorts.into_iter().zip(sure))
    {
        let sort = sort_of(kinds, marks);
        found.push(Confidence { sort: sort.clone(), form: None, seen, probability });
        let shares: Vec<Share> = forms.values().copied().collect();
        let among_forms = Draw::of(&shares, probability);
        found.extend(forms.into_iter().map(|(form, seen)| Confidence {
            sort: sort.clone(),
            form: Some(form.to_owned()),
            seen,
            probability: among_forms.probability(seen),
        }));
    }
    found.sort_by(|a, b| (&a.sort, &a.form).cmp(&(&b.sort, &b.form)));
    found
}

/// The probability that a record of each sort is right.
fn sort_probabilities(sorts: &[Share]) -> Vec<f64> {
    // How likely it is of each sort that it is one of those that are nearly always right.
    let mut is_sure = vec![0.5; sorts.len()];
    let mut mean = SUREST;
    for _ in 0..ROUNDS {
        let sure = is_sure.iter().zip(sorts);
        let (hits, n) = sure.fold((0.0, 0.0), |(hits, n), (sure, sort)| {
            (hits + sure * sort.hits as f64, n + sure * sort.n as f64)
        });
        mean = ((hits + 1.0) / (n + 1.0 + UNSEEN)).min(SUREST);
        let share = (is_sure.iter().sum::<f64>() + 1.0) / (sorts.len() as f64 + 2.0);
        for (is_sure, sort) in is_sure.iter_mut().zip(sorts) {
            let sure = share.ln() + log_likelihood(*sort, mean, ALIKE);
            let other = (1.0 - share).ln() + log_likelihood(*sort, 0.5, 2.0);
            *is_sure = 1.0 / (1.0 + (other - sure).exp());
        }
    }
    let drawn = |seen: &Share, to: f64, strength: f64| {
        (seen.hits as f64 + strength * to) / (seen.n as f64 + strength + UNSEEN)
    };
    let probability = |(sure, seen): (&f64, &Share)| {
        sure * drawn(seen, mean, ALIKE) + (1.0 - sure) * drawn(seen, 0.5, 2.0)
    };
    is_sure.iter().zip(sorts).map(probability).collect()
}

/// Where figures beside each other are drawn to, and how strongly.
struct Draw {
    to: f64,
    strength: f64,
}

impl Draw {
    fn of(shares: &[Share], to: f64) -> Self {
        let likely = STRENGTHS.map(|strength| {
            shares.iter().map(|share| log_likelihood(*share, to, strength)).sum::<f64>()
        });
        let best = likely.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let stands = |(_, likely): &(f64, f64)| *likely >= best - SPEAKS;
        let standing = STRENGTHS.into_iter().zip(likely).filter(stands);
        Self { to, strength: standing.map(|(strength, _)| strength).fold(STRENGTHS[0], f64::max) }
    }

    fn probability(&self, seen: Share) -> f64 {
        (seen.hits as f64 + self.strength * self.to) / (seen.n as f64 + self.strength)
    }
}

/// How likely a share is where the true one varies about a mean as much as a beta distribution
/// of this strength does (the logarithm, without what is the same for all strengths).
fn log_likelihood(seen: Share, mean: f64, strength: f64) -> f64 {
    let rising = |from: f64, n: u64| (0..n).map(|i| (from + i as f64).ln()).sum::<f64>();
    rising(strength * mean, seen.hits) + rising(strength * (1.0 - mean), seen.n - seen.hits)
        - rising(strength, seen.n)
}

fn sum<'s>(shares: impl IntoIterator<Item = &'s Share>) -> Share {
    shares.into_iter().fold(Share::default(), |sum, share| Share {
        hits: sum.hits + share.hits,
        n: sum.n + share.n,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability of each sort, from how many of how many were right: by whether something
    /// names them and how many kinds of evidence speak of them.
    fn sorts(seen: &[(bool, usize, u64, u64)]) -> Vec<String> {
        let mut records = Vec::new();
        for &(has_key, kinds, hits, n) in seen {
            let marks = Marks { has_key, ..Marks::default() };
            records.extend((0..n).map(|i| Rehearsed {
                kinds,
                marks,
                form: "mail/x",
                is_right: i < hits,
            }));
        }
        let found = confidences(&records);
        let shown = |c: &Confidence| {
            let short = c.sort.replace(", seen by", "").replace(" kinds of evidence", "");
            format!("{short}: {:.3}", c.probability)
        };
        found.iter().filter(|c| c.form.is_none()).map(shown).collect()
    }

    #[test]
    fn few_examples_among_many_that_are_alike_are_as_sure_as_those() {
        assert_eq!(
            sorts(&[
                (true, 1, 31, 31),
                (true, 2, 223, 223),
                (true, 3, 393, 393),
                (false, 1, 15, 49)
            ]),
            ["named 1: 0.994", "named 2: 0.998", "named 3: 0.999", "not named 1: 0.311"]
        );
    }

    #[test]
    fn three_examples_are_never_sure() {
        let found = sorts(&[(true, 1, 3, 3), (true, 2, 400, 400)]);
        assert_eq!(found[0], "named 1: 0.970");
    }

    #[test]
    fn a_sort_that_is_often_wrong_does_not_make_its_neighbour_doubtful() {
        assert_eq!(
            sorts(&[(false, 1, 29, 39), (false, 2, 156, 156)]),
            ["not named 1: 0.723", "not named 2: 0.997"]
        );
    }

    #[test]
    fn nothing_rehearsed_is_no_confidence() {
        assert_eq!(confidences(&[]), []);
    }
}
