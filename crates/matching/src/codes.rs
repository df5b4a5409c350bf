//! Numbers for texts, so that equal texts are equal numbers.

use crate::Texts;
use crate::marks::Marks;

/// So many texts are looked up together.
const TOGETHER: usize = 64;

/// The numbers of the texts of two columns, or of one: of each text the place of the first one
/// that is equal, counted from 1 through both columns. 0 is a missing text. Texts whose hashes of
/// 64 bits are equal are taken to be equal.
///
/// Most texts of a long column mostly stand there once. They are known by a bit that no other
/// text has set, and never looked up.
pub(crate) fn codes(left: &Texts, right: Option<&Texts>) -> (Vec<u32>, Option<Vec<u32>>) {
    let of_left = left.hashes();
    let of_right = right.map(Texts::hashes);
    let count = of_left.len() + of_right.map_or(0, <[u64]>::len);
    let (mut once, mut again) = (Marks::new(count), Marks::new(count));
    for hash in of_left.iter().chain(of_right.unwrap_or_default()).filter(|hash| **hash != MISSING)
    {
        if once.set(*hash) {
            again.set(*hash);
        }
    }
    drop(once);
    let mut firsts = Firsts::new(again);
    let codes = firsts.of_column(of_left, 0);
    (codes, of_right.map(|hashes| firsts.of_column(hashes, of_left.len())))
}

/// The text of a code.
pub(crate) fn text_of<'a>(code: u32, left: &'a Texts, right: Option<&'a Texts>) -> &'a str {
    let Some(at) = (code as usize).checked_sub(1) else { return "" };
    let text = match right {
        Some(right) if at >= left.len() => right.get(at - left.len()),
        _ => left.get(at),
    };
    text.unwrap_or_default()
}

const MISSING: u64 = Texts::MISSING;

/// The first ones of equal texts, found by hash.
struct Firsts {
    /// Whose hashes may be another's too.
    again: Marks,
    /// Hash and code, where that is not [`FREE`]. Two in three at most are taken.
    places: Vec<(u64, u32)>,
    taken: usize,
}

/// No code is as high as this.
const FREE: u32 = u32::MAX;

impl Firsts {
    fn new(again: Marks) -> Firsts {
        // About as many different texts are repeated as there are bits.
        let places = (again.count() * 2).next_power_of_two().max(8);
        Firsts { again, places: vec![(MISSING, FREE); places], taken: 0 }
    }

    /// The codes of a column that stands after so many texts.
    fn of_column(&mut self, hashes: &[u64], before: usize) -> Vec<u32> {
        let mut codes = Vec::with_capacity(hashes.len());
        // The places of many texts are asked for together: each alone is a wait for memory.
        let mut found = [(MISSING, FREE); TOGETHER];
        for hashes in hashes.chunks(TOGETHER) {
            for (hash, found) in hashes.iter().zip(&mut found) {
                *found = self.places[self.place(*hash)];
            }
            for (hash, found) in hashes.iter().zip(&found) {
                let own = (before + codes.len() + 1) as u32;
                codes.push(match *hash {
                    MISSING => 0,
                    hash if !self.again.has(hash) => own,
                    hash if found.0 == hash => found.1,
                    hash => self.find(hash, own),
                });
            }
        }
        codes
    }

    fn find(&mut self, hash: u64, own: u32) -> u32 {
        if (self.taken + 1) * 3 > self.places.len() * 2 {
            self.grow();
        }
        let at = self.free_or(hash);
        if self.places[at].1 == FREE {
            self.places[at] = (hash, own);
            self.taken += 1;
        }
        self.places[at].1
    }

    /// Where a hash is, or would be.
    fn free_or(&self, hash: u64) -> usize {
        let mut at = self.place(hash);
        while self.places[at].1 != FREE && self.places[at].0 != hash {
            at = (at + 1) & (self.places.len() - 1);
        }
        at
    }

    fn grow(&mut self) {
        let larger = vec![(MISSING, FREE); self.places.len() * 2];
        for place in std::mem::replace(&mut self.places, larger) {
            if place.1 != FREE {
                let at = self.free_or(place.0);
                self.places[at] = place;
            }
        }
    }

    fn place(&self, hash: u64) -> usize {
        // Not the bits that told who may be repeated.
        hash as usize & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(values: &[String]) -> Texts {
        let mut texts = Texts::default();
        values.iter().for_each(|value| texts.push(value));
        texts
    }

    proptest! {
        #[test]
        fn equal_texts_have_the_code_of_the_first(
            left in prop::collection::vec("[a-c]{0,3}", 0..300),
            right in prop::collection::vec("[a-c]{0,4}", 0..300),
        ) {
            let (a, b) = (texts(&left), texts(&right));
            let (of_left, of_right) = codes(&a, Some(&b));
            let all: Vec<&String> = left.iter().chain(&right).collect();
            let found: Vec<u32> = of_left.iter().copied().chain(of_right.unwrap()).collect();
            for (text, code) in all.iter().zip(found) {
                let first = all.iter().position(|other| other == text).unwrap() as u32 + 1;
                prop_assert_eq!(code, if text.is_empty() { 0 } else { first });
                prop_assert_eq!(text_of(code, &a, Some(&b)), text.as_str());
            }
        }
    }

    #[test]
    fn one_column_may_be_long() {
        let values: Vec<String> = (0..50_000).map(|n| (n % 30_000).to_string()).collect();
        let (found, right) = codes(&texts(&values), None);
        assert_eq!(right, None);
        assert!((0..50_000).all(|at| found[at as usize] == at % 30_000 + 1));
    }
}
