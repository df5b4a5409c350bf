//! Blocking keys: the hashes of what of a value must agree.

use std::sync::Arc;

use crate::fold::words;
use crate::quick::{QuickMap, mix, of_bytes};
use crate::scan::{amount, moment};
use crate::values::{each_text, last_digits};
use crate::{By, Key, MatchingError, Records, Texts, Values};

/// The hashes of one key of one table, by record; none where the value is missing.
pub(crate) struct KeyColumn {
    hashes: Hashes,
    /// By record, where its hashes end. Empty where each record has one, or [`Self::NONE`].
    ends: Vec<u32>,
}

enum Hashes {
    Made(Vec<u64>),
    /// Those of whole texts, which the column has already.
    Of(Arc<Texts>),
}

impl KeyColumn {
    /// Stands where a record has no hash.
    pub(crate) const NONE: u64 = Texts::MISSING;

    /// The hashes by record, where none has more than one.
    pub(crate) fn one_each(&self) -> Option<&[u64]> {
        self.ends.is_empty().then_some(self.hashes())
    }

    /// Of the left table: one hash where values may be near each other.
    fn left(left: &Records, key: &Key, right: &Records) -> Result<Self, MatchingError> {
        Self::new(left, &key.left, key, left, right, &[0])
    }

    /// Of the right table: where values may be near each other, also the neighbours' hashes.
    fn right(left: &Records, key: &Key, right: &Records) -> Result<Self, MatchingError> {
        Self::new(right, &key.right, key, left, right, &[-1, 0, 1])
    }

    fn hashes(&self) -> &[u64] {
        match &self.hashes {
            Hashes::Made(hashes) => hashes,
            Hashes::Of(texts) => texts.hashes(),
        }
    }

    /// The hashes of a record.
    pub(crate) fn get(&self, record: u32) -> &[u64] {
        if self.ends.is_empty() {
            let own = &self.hashes()[record as usize..=record as usize];
            return if own == [Self::NONE] { &[] } else { own };
        }
        let from = record.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        &self.hashes()[from as usize..self.ends[record as usize] as usize]
    }

    /// Both sides of a key; of one table compared with itself, where both are the same, once.
    pub(crate) fn both(
        left: &Records,
        right: Option<&Records>,
        key: &Key,
    ) -> Result<(Arc<Self>, Arc<Self>), MatchingError> {
        let other = right.unwrap_or(left);
        let own = Arc::new(Self::left(left, key, other)?);
        let is_near = matches!(key.by, By::Days(_) | By::Percent(_));
        if right.is_none() && key.left == key.right && !is_near {
            return Ok((Arc::clone(&own), own));
        }
        Ok((own, Arc::new(Self::right(left, key, other)?)))
    }

    /// All hashes, record after record.
    pub(crate) fn all(&self) -> impl Iterator<Item = u64> {
        let one_each = self.ends.is_empty();
        self.hashes().iter().copied().filter(move |hash| !one_each || *hash != Self::NONE)
    }

    fn new(
        own: &Records,
        column: &str,
        key: &Key,
        left: &Records,
        right: &Records,
        near: &[i64],
    ) -> Result<Self, MatchingError> {
        let values = own.require(column, "blocking")?;
        if let (By::Whole, Values::Packed(texts)) = (key.by, values) {
            return Ok(KeyColumn { hashes: Hashes::Of(Arc::clone(texts)), ends: Vec::new() });
        }
        let mut made = Making { hashes: Vec::with_capacity(own.len()), ends: Vec::new() };
        match key.by {
            By::Days(days) => {
                let width = i64::from(days.max(1)) * 86_400;
                made.numbers(values, near, moment, |seconds| seconds.div_euclid(width));
            }
            By::Percent(percent) => {
                let step = (1.0 + f64::from(percent.max(1)) / 100.0).ln();
                made.numbers(values, near, amount, |minor| {
                    let bucket = (minor.unsigned_abs().max(1) as f64).ln() / step;
                    bucket as i64 + if minor < 0 { 1 << 40 } else { 0 }
                });
            }
            By::Word(most) => {
                let mut common: QuickMap<u64, u32> = QuickMap::default();
                let mut sides = vec![left.require(&key.left, "blocking")?];
                if !std::ptr::eq(left, right) || key.left != key.right {
                    sides.push(right.require(&key.right, "blocking")?);
                }
                // The larger of the two counts, so that a word is rare on both sides or on none.
                for side in sides {
                    let mut counts: QuickMap<u64, u32> = QuickMap::default();
                    each_text(side, &mut |text| {
                        word_hashes(text).for_each(|hash| *counts.entry(hash).or_default() += 1);
                    });
                    for (hash, count) in counts {
                        let larger = common.entry(hash).or_default();
                        *larger = count.max(*larger);
                    }
                }
                each_text(values, &mut |text| {
                    let rare = word_hashes(text).filter(|hash| common.get(hash) <= Some(&most));
                    made.hashes.extend(rare);
                    made.close();
                });
            }
            by => each_text(values, &mut |text| {
                let hash = text.and_then(|text| text_hash(text, by));
                // One in 2^64 becomes its neighbour.
                made.hashes.push(hash.map_or(Self::NONE, |hash| hash.max(Self::NONE + 1)));
            }),
        }
        Ok(KeyColumn { hashes: Hashes::Made(made.hashes), ends: made.ends })
    }
}

struct Making {
    hashes: Vec<u64>,
    ends: Vec<u32>,
}

impl Making {
    fn numbers(
        &mut self,
        values: &Values,
        near: &[i64],
        read: fn(&str) -> Option<i64>,
        bucket: impl Fn(i64) -> i64,
    ) {
        let mut add = |number: Option<i64>| {
            if let Some(number) = number {
                let own = bucket(number);
                self.hashes.extend(near.iter().map(|by| mix(1, own.wrapping_add(*by) as u64)));
            }
            self.close();
        };
        match values {
            Values::Number(numbers) => numbers.iter().for_each(|number| add(*number)),
            texts => each_text(texts, &mut |text| add(text.and_then(read))),
        }
    }

    fn close(&mut self) {
        self.ends.push(self.hashes.len() as u32);
    }
}

fn text_hash(text: &str, by: By) -> Option<u64> {
    match by {
        By::Letters(count) => {
            let letters = text.chars().filter(|c| c.is_alphanumeric()).take(count.into());
            let mixed = letters.fold(5, |hash, letter| mix(hash, u64::from(u32::from(letter))));
            (mixed != 5).then_some(mixed)
        }
        By::Sound => words(text).next().map(sound),
        By::Digits => {
            let last = last_digits(text);
            (last >> 32 >= 7).then(|| mix(2, (last & u64::from(u32::MAX)) % 10_000_000))
        }
        _ => Some(hash(text)),
    }
}

fn word_hashes(text: Option<&str>) -> impl Iterator<Item = u64> {
    let long = |word: &&str| word.chars().nth(1).is_some();
    let mut hashes: Vec<u64> = text.into_iter().flat_map(words).filter(long).map(hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.into_iter()
}

fn hash(text: &str) -> u64 {
    of_bytes(text.as_bytes()).max(KeyColumn::NONE + 1)
}

/// The first letter (those that sound alike as one) and the classes of the consonants after
/// it, without doubles and vowels.
fn sound(word: &str) -> u64 {
    let class = |c: char| match c {
        'b' | 'p' | 'f' | 'v' | 'w' => 1,
        'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => 2,
        'd' | 't' => 3,
        'l' => 4,
        'm' | 'n' => 5,
        'r' => 6,
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' => 0,
        other => u64::from(u32::from(other)),
    };
    let mut chars = word.chars().filter(|c| c.is_alphanumeric());
    let first = chars.next().map_or('-', |c| match c {
        'k' | 'q' => 'c',
        'v' | 'w' => 'f',
        'y' | 'j' => 'i',
        'z' => 's',
        c => c,
    });
    let mut last = 0;
    let mut sound = mix(4, u64::from(u32::from(first)));
    let mut taken = 0;
    for class in chars.map(class) {
        if class != 0 && class != last && taken < 3 {
            sound = mix(sound, class);
            taken += 1;
        }
        last = class;
    }
    sound
}
