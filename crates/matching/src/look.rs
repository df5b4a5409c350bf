//! What a look at two records tells without comparing texts: all columns of a record in one
//! place, eight bytes each, so that most pairs are done with after one trip to memory.

use crate::similar::jaro_winkler_at_most;
use crate::{Levels, Measure};

/// What a look at two values tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glance {
    /// The level is this one.
    Is(Option<u8>),
    /// The level is this one at best; how near they are is to be found out.
    AtBest(u8),
    /// Nothing.
    Open,
}

/// The looks of the records of two tables, or of one with itself, record by record.
pub(crate) struct Looks {
    width: usize,
    left: Vec<u64>,
    /// `None` where it is the same as `left`.
    right: Option<Vec<u64>>,
}

impl Looks {
    /// Of columns, each given as the looks of its left and right values.
    pub(crate) fn new(columns: &[(Vec<u64>, Option<Vec<u64>>)], left: usize, right: usize) -> Self {
        debug_assert!(columns.len() <= Levels::MOST);
        let width = columns.len();
        let mut rows = Looks { width, left: vec![0; width * left], right: None };
        for (c, (own, _)) in columns.iter().enumerate() {
            own.iter().enumerate().for_each(|(i, look)| rows.left[i * width + c] = *look);
        }
        if columns.iter().any(|(_, other)| other.is_some()) {
            let mut looks = vec![0; width * right];
            for (c, (own, other)) in columns.iter().enumerate() {
                let other = other.as_ref().unwrap_or(own);
                other.iter().enumerate().for_each(|(j, look)| looks[j * width + c] = *look);
            }
            rows.right = Some(looks);
        }
        rows
    }

    /// The looks of left record `i` and right record `j`.
    pub(crate) fn pair(&self, i: u32, j: u32) -> (&[u64], &[u64]) {
        let row = |at: u32| at as usize * self.width..(at as usize + 1) * self.width;
        (&self.left[row(i)], &self.right.as_deref().unwrap_or(&self.left)[row(j)])
    }
}

/// The look of a text: its code, its length up to 63, and a bit for each class of characters.
pub(crate) fn of_text(code: u32, units: &[u16]) -> u64 {
    let letters = units.iter().fold(0u64, |all, unit| all | 1 << (unit % 26));
    u64::from(code) << 32 | (units.len().min(63) as u64) << 26 | letters
}

/// What the looks of two texts tell. Code 0 is a missing text.
pub(crate) fn at_texts(a: u64, b: u64, measure: Measure) -> Glance {
    if a >> 32 == 0 || b >> 32 == 0 {
        return Glance::Is(None);
    }
    if a == b {
        return Glance::Is(Some(0));
    }
    let letters = |look: u64| look & ((1 << 26) - 1);
    let length = |look: u64| (look >> 26) as usize & 63;
    // So many characters of each have no equal in the other, or more.
    let only_a = (letters(a) & !letters(b)).count_ones();
    let only_b = (letters(b) & !letters(a)).count_ones();
    match measure {
        Measure::Exact => Glance::Is(Some(1)),
        // Different ways of writing one number are the same.
        Measure::Phone => Glance::Open,
        Measure::Code => match only_a.max(only_b) {
            0 | 1 => Glance::AtBest(1),
            2 => Glance::AtBest(2),
            _ => Glance::Is(Some(3)),
        },
        Measure::Text if length(a).max(length(b)) < 63 => {
            match jaro_winkler_at_most(length(a), length(b), only_a, only_b) {
                most if most < 0.88 => Glance::Is(Some(3)),
                most if most < 0.95 => Glance::AtBest(2),
                _ => Glance::AtBest(1),
            }
        }
        _ => Glance::AtBest(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Bound, Comparison, Records, Values};

    proptest! {
        #[test]
        fn a_look_never_contradicts_the_comparison(
            a in "[a-f0-9 é]{0,14}", b in "[a-f0-9 é]{0,14}",
        ) {
            let text = |value: &str| Values::Text(vec![Some(value.to_owned())]);
            let table = |value| Records::new(vec![("x".to_owned(), text(value))]).unwrap();
            let (left, right) = (table(&a), table(&b));
            for measure in [
                Measure::Exact, Measure::Text, Measure::Name, Measure::Email, Measure::Phone,
                Measure::Code, Measure::Overlap, Measure::Delay, Measure::Amount,
            ] {
                let comparison = [Comparison::of("x", measure)];
                let bound = Bound::new(&left, Some(&right), &comparison).unwrap();
                let level = bound.level(0, 0, 0);
                match bound.glance(0, 0, 0) {
                    Glance::Is(told) => prop_assert_eq!(told, level),
                    Glance::AtBest(best) => prop_assert!(level.is_some_and(|level| level >= best)),
                    Glance::Open => {}
                }
            }
        }
    }
}
