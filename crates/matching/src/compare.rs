use serde::{Deserialize, Serialize};

use crate::{Bound, MatchingError, Records};

/// How the values of two columns are compared, and into which levels. Level 0 is the best
/// agreement (or, where differences have a direction, the smallest), the last one stands for
/// everything else. Texts are compared folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Same or not.
    Exact,
    /// Texts: same, Jaro-Winkler at least 0.95, at least 0.88, else.
    Text,
    /// Names of people: same, same words in another order, a nickname, an initial or a part
    /// of the other, Jaro-Winkler at least 0.9, else.
    Name,
    /// Mail addresses: same, same local part or one edit, else.
    Email,
    /// Phone numbers: the last digits (all of the shorter number's, at least seven) equal.
    Phone,
    /// Codes, postcodes, dates in writing: same, one edit, two edits, else.
    Code,
    /// Amounts in minor units: same, one unit apart, one a usual deposit of the other
    /// (10, 15, 20, 25, 30 or 50 %), within 5 %, else. Texts are read as decimal numbers.
    Amount,
    /// Moments in seconds: within 5 minutes, 1 hour, 12 hours, 1 day, 3 days, else. Texts are
    /// read as ISO 8601 dates.
    Time,
    /// A text on one side, free words on the other: all of the text's words stand there, some
    /// do, none does.
    Mentions,
    /// Sets of words (of long texts or free words), by how much of the smaller set both have
    /// (nearly all, half, some; a word counts by its rarity, and words that nearly agree
    /// count) and by how rare it is what they share.
    Overlap,
    /// Moments that follow each other by a delay that is to be learned: whole days from left
    /// to right in steps of days, then weeks, with their direction.
    Delay,
    /// Amounts that differ by a share that is to be learned (fees, tips, rates): from left to
    /// right in doubling steps of a percent, with their direction.
    Ratio,
}

const NAMES: [(Measure, &[&str]); 12] = [
    (Measure::Exact, &["same", "different"]),
    (Measure::Text, &["same", "nearly the same", "similar", "different"]),
    (Measure::Name, &["same", "same words", "nickname or part", "similar", "different"]),
    (Measure::Email, &["same", "nearly the same", "different"]),
    (Measure::Phone, &["same", "different"]),
    (Measure::Code, &["same", "one edit", "two edits", "different"]),
    (Measure::Amount, &["same", "rounded", "a deposit", "within 5 %", "different"]),
    (
        Measure::Time,
        &[
            "within 5 minutes",
            "within 1 hour",
            "within 12 hours",
            "within 1 day",
            "within 3 days",
            "different",
        ],
    ),
    (Measure::Mentions, &["mentioned", "partly mentioned", "not mentioned"]),
    (
        Measure::Overlap,
        &[
            "the same, very rare words",
            "the same, rare words",
            "the same words",
            "the same, common words",
            "half, very rare words",
            "half, rare words",
            "half",
            "half, common words",
            "some very rare words",
            "some rare words",
            "some words",
            "some common words",
            "no word in common",
        ],
    ),
    (
        Measure::Delay,
        &[
            "same day",
            "1 day later",
            "2 days later",
            "3 days later",
            "4-6 days later",
            "7-13 days later",
            "14-20 days later",
            "21-31 days later",
            "32-63 days later",
            "1 day earlier",
            "2 days earlier",
            "3 days earlier",
            "4-6 days earlier",
            "7-13 days earlier",
            "14-20 days earlier",
            "21-31 days earlier",
            "32-63 days earlier",
            "months apart",
        ],
    ),
    (
        Measure::Ratio,
        &[
            "same",
            "up to 1 % more",
            "1-2 % more",
            "2-4 % more",
            "4-8 % more",
            "8-16 % more",
            "16-32 % more",
            "up to 1 % less",
            "1-2 % less",
            "2-4 % less",
            "4-8 % less",
            "8-16 % less",
            "16-32 % less",
            "different",
        ],
    ),
];

impl Measure {
    /// The names of its levels, the best first.
    pub fn level_names(self) -> &'static [&'static str] {
        NAMES.iter().find(|(measure, _)| *measure == self).map_or(&[], |(_, names)| names)
    }

    /// Whether its levels have a direction, so that a better one need not have a lower number.
    pub fn is_directed(self) -> bool {
        matches!(self, Measure::Delay | Measure::Ratio)
    }
}

/// A column of one table compared with a column of the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// What it is called in explanations.
    pub name: String,
    /// The column of the left table.
    pub left: String,
    /// The column of the right table, or of the other record of the same table.
    pub right: String,
    /// How they are compared.
    pub measure: Measure,
}

impl Comparison {
    /// A comparison of columns of the same name, called like them.
    pub fn of(column: &str, measure: Measure) -> Comparison {
        let name = column.to_owned();
        Comparison { left: name.clone(), right: name.clone(), name, measure }
    }

    /// How well record `i` of one table agrees with record `j` of the other; `None` where a
    /// value is missing, which is no evidence either way. For more than a few pairs use
    /// [`Bound`], which prepares the values once.
    pub fn level(
        &self,
        left: &Records,
        i: u32,
        right: &Records,
        j: u32,
    ) -> Result<Option<u8>, MatchingError> {
        let bound = Bound::new(left, Some(right), std::slice::from_ref(self))?;
        Ok(bound.levels(i, j).get(0))
    }

    /// What a level of it is called.
    pub fn level_name(&self, level: u8) -> &'static str {
        self.measure.level_names().get(usize::from(level)).copied().unwrap_or("unknown")
    }
}

/// The levels of one pair in all comparisons of a model, packed: five bits each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Levels(u128);

impl Levels {
    /// How many comparisons a pattern has a place for.
    pub const MOST: usize = 25;

    /// The level of a comparison; `None` where a value was missing.
    pub fn get(self, comparison: usize) -> Option<u8> {
        let bits = if comparison < Self::MOST { (self.0 >> (5 * comparison)) & 31 } else { 0 };
        (bits as u8).checked_sub(1)
    }

    /// This pattern with the level of one more comparison.
    #[must_use]
    pub fn with(self, comparison: usize, level: Option<u8>) -> Levels {
        debug_assert!(comparison < Self::MOST && level.is_none_or(|level| level < 31));
        let bits = level.map_or(0, |level| u128::from(level) + 1);
        Levels(self.0 & !(31 << (5 * comparison)) | (bits << (5 * comparison)))
    }
}

impl FromIterator<Option<u8>> for Levels {
    fn from_iter<I: IntoIterator<Item = Option<u8>>>(levels: I) -> Levels {
        let numbered = levels.into_iter().take(Self::MOST).enumerate();
        numbered.fold(Levels::default(), |all, (i, level)| all.with(i, level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_packed_and_unpacked() {
        let levels: Levels = [Some(0), None, Some(13), Some(30)].into_iter().collect();
        assert_eq!(
            [0, 1, 2, 3, 4, 99].map(|i| levels.get(i)),
            [Some(0), None, Some(13), Some(30), None, None]
        );
        assert_eq!(levels.with(2, None).get(2), None);
    }

    #[test]
    fn every_level_has_a_name() {
        assert_eq!(Comparison::of("x", Measure::Time).level_name(2), "within 12 hours");
        assert_eq!(Comparison::of("x", Measure::Exact).level_name(7), "unknown");
        assert!(NAMES.iter().all(|(measure, names)| measure.level_names() == *names));
    }
}
