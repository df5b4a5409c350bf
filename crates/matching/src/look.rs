//! What a look at two records tells without comparing texts: all columns of a record in one
//! place, eight bytes each, so that most pairs are done with after one trip to memory.

use crate::similar::{jaro_winkler_at_most, units};
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
    pub(crate) fn new(columns: &[ColumnLooks], left: usize, right: usize) -> Self {
        debug_assert!(columns.len() <= Levels::MOST);
        let own: Vec<&[u64]> = columns.iter().map(|column| &column.left[..]).collect();
        let other = columns.iter().map(|column| column.right.as_ref().unwrap_or(&column.left));
        let other: Vec<&[u64]> = other.map(Vec::as_slice).collect();
        let differ = columns.iter().any(|column| column.right.is_some());
        let right = differ.then(|| rows(&other, right));
        Looks { width: columns.len(), left: rows(&own, left), right }
    }

    /// Asks for what pairs need of memory all at once: each alone would be a wait.
    pub(crate) fn fetch(&self, pairs: impl Iterator<Item = (u32, u32)>) {
        let ends =
            |row: &[u64]| row.first().copied().unwrap_or(0) ^ row.last().copied().unwrap_or(0);
        let both = |(left, right): (&[u64], &[u64])| ends(left) ^ ends(right);
        let all = pairs.fold(0, |all, (i, j)| all ^ both(self.pair(i, j)));
        std::hint::black_box(all);
    }

    /// The looks of left record `i`.
    pub(crate) fn left(&self, i: u32) -> &[u64] {
        &self.left[i as usize * self.width..(i as usize + 1) * self.width]
    }

    /// The looks of left record `i` and right record `j`.
    pub(crate) fn pair(&self, i: u32, j: u32) -> (&[u64], &[u64]) {
        let row = |at: u32| at as usize * self.width..(at as usize + 1) * self.width;
        (&self.left[row(i)], &self.right.as_deref().unwrap_or(&self.left)[row(j)])
    }
}

/// The looks of one column by record, of its left values and of its right ones; `None` where
/// these are the same.
pub(crate) struct ColumnLooks {
    pub left: Vec<u64>,
    pub right: Option<Vec<u64>>,
}

/// Columns as rows, some hundred rows at a time, so that these stay near.
fn rows(columns: &[&[u64]], count: usize) -> Vec<u64> {
    const NEAR: usize = 512;
    let width = columns.len();
    let mut rows = vec![0; width * count];
    for (part, rows) in rows.chunks_mut((width * NEAR).max(1)).enumerate() {
        for (c, column) in columns.iter().enumerate() {
            let places = rows.iter_mut().skip(c).step_by(width);
            places.zip(&column[part * NEAR..]).for_each(|(place, look)| *place = *look);
        }
    }
    rows
}

/// The look of a text: its code, its length up to 63, the low bits of its first character, and
/// a bit for each class of characters.
pub(crate) fn of_text(code: u32, text: &str) -> u64 {
    let (length, letters) = match text.is_ascii() {
        true => {
            let letters = text.bytes().fold(0, |all, byte| all | CLASSES[usize::from(byte)]);
            (text.len() as u64, u64::from(letters))
        }
        false => units(text)
            .fold((0, 0), |(length, letters), unit| (length + 1, letters | 1 << (unit % LETTERS))),
    };
    let first = u64::from(units(text).next().unwrap_or(0)) & FIRST;
    u64::from(code) << 32 | length.min(63) << 26 | first << LETTERS | letters
}

/// So many classes of characters there are.
const LETTERS: u16 = 22;

/// The bits of a first character that are kept.
const FIRST: u64 = 15;

/// The code in the look of a text.
pub(crate) fn code(look: u64) -> u32 {
    (look >> 32) as u32
}

/// By byte, the bit of its class.
const CLASSES: [u32; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = 1 << (byte % LETTERS as usize);
        byte += 1;
    }
    classes
};

/// What the looks of two texts tell. Code 0 is a missing text.
#[inline]
pub(crate) fn at_texts(a: u64, b: u64, measure: Measure) -> Glance {
    if a >> 32 == 0 || b >> 32 == 0 {
        return Glance::Is(None);
    }
    if a == b {
        return Glance::Is(Some(0));
    }
    let letters = |look: u64| look & ((1 << LETTERS) - 1);
    let same_first = (a ^ b) >> LETTERS & FIRST == 0;
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
            match jaro_winkler_at_most(length(a), length(b), only_a, only_b, same_first) {
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
