//! Sets of words made ready for comparison.

use std::collections::HashMap;

use crate::fold::words;
use crate::look::Glance;
use crate::similar::{jaro_winkler, units};
use crate::values::each_text;
use crate::{Measure, Values};

/// The word sets of two columns: ids of words, ascending, all in one place.
pub(crate) struct WordSets {
    left: Lists,
    right: Lists,
    /// log2 of how many sets there are for each that has the word.
    bits: Vec<f32>,
    spelling: Vec<Box<[u16]>>,
    /// Which side is a text that the other side's free words may mention.
    text_is_left: bool,
}

#[derive(Default)]
struct Lists {
    ids: Vec<u32>,
    ends: Vec<u32>,
    /// By record, a bit for each first letter of its words.
    letters: Vec<u64>,
}

impl Lists {
    /// Whether a record has no words at all.
    fn is_empty(&self, record: u32) -> bool {
        self.letters[record as usize] == 0
    }

    /// The known words of a record.
    fn get(&self, record: u32) -> &[u32] {
        let from = record.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        &self.ids[from as usize..self.ends[record as usize] as usize]
    }
}

/// The words of both columns while their sets are made.
#[derive(Default)]
struct Vocabulary {
    ids: HashMap<String, u32>,
    spelling: Vec<Box<[u16]>>,
    /// By word, how many sets have it.
    having: Vec<u32>,
}

impl Vocabulary {
    /// The sets of a column; words that are not known yet become known, or are left out.
    fn lists(&mut self, values: &Values, learns: bool) -> Lists {
        let mut lists = Lists::default();
        let mut set: Vec<u32> = Vec::new();
        each_text(values, &mut |text| {
            set.clear();
            let mut letters = 0;
            for word in text.into_iter().flat_map(words) {
                letters |= units(word).next().map_or(0, |first| 1 << (first % 64));
                set.extend(self.id(word, learns));
            }
            set.sort_unstable();
            set.dedup();
            lists.ids.extend(&set);
            lists.ends.push(lists.ids.len() as u32);
            lists.letters.push(letters);
        });
        for id in &lists.ids {
            self.having[*id as usize] += 1;
        }
        lists
    }

    fn id(&mut self, word: &str, learns: bool) -> Option<u32> {
        let known = self.ids.get(word).copied();
        if known.is_some() || !learns {
            return known;
        }
        let next = self.spelling.len() as u32;
        self.ids.insert(word.to_owned(), next);
        self.spelling.push(units(word).collect());
        self.having.push(0);
        Some(next)
    }
}

impl WordSets {
    pub(crate) fn new(left: &Values, right: Option<&Values>, measure: Measure) -> WordSets {
        let text_is_left = matches!(right, Some(Values::Words(_)));
        let right = right.unwrap_or(left);
        let mut words = Vocabulary::default();
        let (left, right) = match (measure, text_is_left) {
            // Of free words only those matter that some text has.
            (Measure::Mentions, true) => {
                let left = words.lists(left, true);
                (left, words.lists(right, false))
            }
            (Measure::Mentions, false) => {
                let right = words.lists(right, true);
                (words.lists(left, false), right)
            }
            _ => {
                let left = words.lists(left, true);
                (left, words.lists(right, true))
            }
        };
        let sets = (left.ends.len() + right.ends.len()) as f32;
        let bit = |count: &u32| (sets / (*count).max(1) as f32).log2();
        let bits = words.having.iter().map(bit).collect();
        WordSets { left, right, bits, spelling: words.spelling, text_is_left }
    }

    /// By record, a bit for each first letter of its words: of the left column, and the right.
    pub(crate) fn looks(&self) -> (Vec<u64>, Vec<u64>) {
        (self.left.letters.clone(), self.right.letters.clone())
    }

    /// What the first letters of two sets tell: words that agree, or nearly do, begin alike.
    pub(crate) fn at_letters(a: u64, b: u64) -> Glance {
        match (a, b) {
            (0, _) | (_, 0) => Glance::Is(None),
            (a, b) if a & b == 0 => Glance::Is(Some(12)),
            _ => Glance::Open,
        }
    }

    pub(crate) fn level(&self, i: u32, j: u32, measure: Measure) -> Option<u8> {
        if self.left.is_empty(i) || self.right.is_empty(j) {
            return None;
        }
        let (a, b) = (self.left.get(i), self.right.get(j));
        if measure == Measure::Mentions {
            let (text, free) = if self.text_is_left { (a, b) } else { (b, a) };
            let hits = text.iter().filter(|word| free.binary_search(word).is_ok()).count();
            return Some(if hits == text.len() { 0 } else { 2 - u8::from(hits > 0) });
        }
        let (shared, whole) = self.overlap(a, b);
        if shared <= 0.0 {
            return Some(12);
        }
        let part = match shared / whole {
            part if part >= 0.9 => 0,
            part if part >= 0.5 => 4,
            _ => 8,
        };
        let rarity = match shared {
            bits if bits >= 24.0 => 0,
            bits if bits >= 14.0 => 1,
            bits if bits >= 7.0 => 2,
            _ => 3,
        };
        Some(part + rarity)
    }

    /// The share of the free texts that mention all words of the text, as far as its rarest
    /// word tells.
    pub(crate) fn mention_share(&self, i: u32, j: u32) -> f64 {
        let text = if self.text_is_left { self.left.get(i) } else { self.right.get(j) };
        let rarest = text.iter().map(|word| self.bits[*word as usize]).fold(0.0, f32::max);
        f64::from(-rarest).exp2()
    }

    /// The bits of the words that both sets have, and those of the smaller set.
    fn overlap(&self, a: &[u32], b: &[u32]) -> (f32, f32) {
        let bits = |id: u32| self.bits[id as usize];
        let sum = |ids: &[u32]| ids.iter().map(|id| bits(*id)).sum::<f32>();
        let mut shared = 0.0;
        let (mut rest_a, mut rest_b) = (Spare::default(), Spare::default());
        let (mut x, mut y) = (0, 0);
        while x < a.len() || y < b.len() {
            match (a.get(x), b.get(y)) {
                (Some(p), Some(q)) if p == q => {
                    shared += bits(*p);
                    x += 1;
                    y += 1;
                }
                (Some(p), q) if q.is_none_or(|q| p < q) => {
                    rest_a.push(*p);
                    x += 1;
                }
                (_, Some(q)) => {
                    rest_b.push(*q);
                    y += 1;
                }
                _ => break,
            }
        }
        for p in rest_a.ids() {
            let near = |q: &u32| *q != u32::MAX && self.nearly_agree(*p, *q);
            if let Some(q) = rest_b.ids_mut().iter_mut().find(|q| near(q)) {
                shared += 0.7 * bits(*p).min(bits(*q));
                *q = u32::MAX;
            }
        }
        (shared, sum(a).min(sum(b)).max(f32::MIN_POSITIVE))
    }

    /// One is the beginning of the other, or they are spelled alike.
    fn nearly_agree(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.spelling[a as usize][..], &self.spelling[b as usize][..]);
        a.first() == b.first()
            && (a.starts_with(b)
                || b.starts_with(a)
                || (a.len() > 3 && b.len() > 3 && jaro_winkler(a, b) >= 0.9))
    }
}

/// A few words without an equal, on the stack. Very long texts are cut.
#[derive(Default)]
struct Spare {
    ids: [u32; 24],
    len: usize,
}

impl Spare {
    fn push(&mut self, id: u32) {
        if let Some(place) = self.ids.get_mut(self.len) {
            *place = id;
            self.len += 1;
        }
    }

    fn ids(&self) -> &[u32] {
        &self.ids[..self.len]
    }

    fn ids_mut(&mut self) -> &mut [u32] {
        &mut self.ids[..self.len]
    }
}
