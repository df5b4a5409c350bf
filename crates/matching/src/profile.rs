//! What a column holds, told by its values.

use std::collections::BTreeMap;

use crate::fold::words;
use crate::nicknames;
use crate::scan::{amount, moment};
use crate::values::each_text;
use crate::{Measure, Values};

/// So many values of a column are looked at, evenly spread.
const SAMPLE: usize = 5_000;

/// Dates over a longer time are of births and the like, which are the same or mistyped;
/// within it, of events, which follow each other.
const EVENTS: i64 = 5 * 365 * 86_400;

/// What a column holds.
pub(crate) struct Profile {
    values: BTreeMap<String, u32>,
    pub filled: f64,
    known: f64,
    is_words: bool,
    is_number: bool,
}

impl Profile {
    pub(crate) fn of(columns: &[&Values]) -> Profile {
        let mut values = BTreeMap::new();
        let (mut known, mut seen) = (0.0, 0.0);
        for column in columns {
            let step = column.len() / SAMPLE + 1;
            let mut at = 0;
            each_text(column, &mut |text| {
                at += 1;
                if at % step == 0 || step == 1 {
                    seen += 1.0;
                    if let Some(text) = text {
                        known += 1.0;
                        *values.entry(text.to_owned()).or_insert(0) += 1;
                    }
                }
            });
        }
        Profile {
            values,
            filled: known / f64::max(seen, 1.0),
            known,
            is_words: columns.iter().any(|values| matches!(values, Values::Words(_))),
            is_number: columns.iter().any(|values| matches!(values, Values::Number(_))),
        }
    }

    /// How many different values there are in the sample.
    pub(crate) fn distinct(&self) -> usize {
        self.values.len()
    }

    /// The share of the different values that the other column has too.
    pub(crate) fn shares(&self, other: &Profile) -> f64 {
        let both = self.values.keys().filter(|value| other.values.contains_key(*value)).count();
        both as f64 / self.values.len().max(1) as f64
    }

    /// How its values are best compared.
    pub(crate) fn measure(&self) -> Measure {
        if self.is_words {
            return Measure::Overlap;
        }
        if self.share(|text| text.contains('@')) > 0.8 {
            return Measure::Email;
        }
        if let Some((first, last)) = self.moments() {
            return if last - first <= EVENTS { Measure::Delay } else { Measure::Code };
        }
        if self.share(|text| text.bytes().any(|b| b == b'.' || b == b',') && is_number(text)) > 0.3
            && self.share(is_number) > 0.9
        {
            return Measure::Ratio;
        }
        let is_phone = |text: &str| {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let marks = text.bytes().filter(|b| b"+-/() .".contains(b)).count();
            digits >= 7 && marks > 0 && digits + marks == text.len()
        };
        if self.share(is_phone) > 0.5 {
            return Measure::Phone;
        }
        if self.share(|text| text.bytes().any(|b| b.is_ascii_digit())) > 0.9
            && self.mean_words() < 2.5
        {
            return Measure::Code;
        }
        if self.mean_words() >= 2.5 {
            return Measure::Overlap;
        }
        let is_first_name =
            |text: &str| words(text).any(|word| !nicknames::groups(word).is_empty());
        if self.share(is_first_name) > 0.15 { Measure::Name } else { Measure::Text }
    }

    /// The first and the last moment, where the column holds moments: numbers are seconds of
    /// this and the last decades, texts are dates.
    fn moments(&self) -> Option<(i64, i64)> {
        let read = |text: &str| match self.is_number {
            true => text.parse().ok().filter(|n| (500_000_000..4_000_000_000).contains(n)),
            false => moment(text).filter(|n| (-40_000_000_000..8_000_000_000).contains(n)),
        };
        if self.share(|text| read(text).is_some()) < 0.85 {
            return None;
        }
        let all = || self.values.keys().filter_map(|text| read(text));
        Some((all().min()?, all().max()?))
    }

    fn mean_words(&self) -> f64 {
        let count = self.values.iter().map(|(text, n)| words(text).count() as f64 * f64::from(*n));
        count.sum::<f64>() / self.known.max(1.0)
    }

    fn share(&self, holds: impl Fn(&str) -> bool) -> f64 {
        let having = self.values.iter().filter(|(text, _)| holds(text));
        having.map(|(_, n)| f64::from(*n)).sum::<f64>() / self.known.max(1.0)
    }
}

fn is_number(text: &str) -> bool {
    amount(text).is_some() && text.bytes().all(|b| b.is_ascii_digit() || b"-.,".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expect: Measure) {
        let values = values.iter().map(|value| Some((*value).to_owned())).collect();
        assert_eq!(Profile::of(&[&Values::Text(values)]).measure(), expect);
    }

    #[test]
    fn columns_are_known_by_their_values() {
        check(&["ann@x.org", "bob@y.org"], Measure::Email);
        check(
            &[
                "1970-01-01",
                "1999-12-31",
                "20x0-01-01",
                "1970-01-01",
                "1980-01-01",
                "1981-01-01",
                "1982-01-01",
                "1983-01-01",
            ],
            Measure::Code,
        );
        check(&["2026-01-01", "2026-02-01"], Measure::Delay);
        check(&["12.50", "130"], Measure::Ratio);
        check(&["+49 151 2345678", "404/262-7379"], Measure::Phone);
        check(&["2621", "2260"], Measure::Code);
        check(&["the new middleware", "updating xml in place"], Measure::Overlap);
        check(&["robert", "ann", "xaver"], Measure::Name);
        check(&["kingaroy", "bray park"], Measure::Text);
        check(&[], Measure::Text);
    }
}
