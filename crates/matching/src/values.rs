//! Values made ready for comparison: each different one prepared once and named by a number.

use std::collections::HashMap;
use std::sync::Arc;

use crate::codes::{codes, text_of};
use crate::fold::words;
use crate::look::{self, ColumnLooks};
use crate::nicknames;
use crate::similar::{compare, jaro_winkler, units, within_edits};
use crate::{Measure, Texts, Values};

/// The texts of two columns as codes; 0 is a missing value. Both columns share the codes, so
/// that equal values are equal numbers.
pub(crate) struct Coded {
    texts: Arc<Texts>,
    /// `None` where it is the same column.
    other: Option<Arc<Texts>>,
    /// How often a code stands on the left, and on the right where that is another column.
    left: Vec<u32>,
    right: Option<Vec<u32>>,
    /// How many values there are in all.
    pub total: u64,
    /// For a measure's middle levels, of names and phone numbers, what is prepared: by code
    /// where it stands.
    numbers: Vec<u32>,
    /// Sorted words of a name, last digits of a number.
    keys: Vec<u64>,
    names: Vec<Vec<Word>>,
}

/// A word of a name.
struct Word {
    id: u32,
    initial: u16,
    is_initial: bool,
    groups: &'static [u16],
}

impl Coded {
    pub(crate) fn new(
        left: &Values,
        right: Option<&Values>,
        measure: Measure,
    ) -> (Coded, ColumnLooks) {
        let (texts, other) = (texts(left), right.map(texts));
        let (left, right) = codes(&texts, other.as_deref());
        let most = texts.len() + other.as_ref().map_or(0, |other| other.len());
        let counts = |codes: &[u32]| {
            let mut counts = vec![0u32; most + 1];
            codes.iter().for_each(|code| counts[*code as usize] += 1);
            counts[0] = 0;
            counts
        };
        let (of_left, of_right) = (counts(&left), right.as_deref().map(counts));
        let each = of_left.iter().chain(of_right.iter().flatten());
        let total = each.map(|count| u64::from(*count)).sum();
        let looks = ColumnLooks {
            left: looks(&texts, &left, measure),
            right: other.as_ref().zip(right.as_ref()).map(|(t, codes)| looks(t, codes, measure)),
        };
        let mut coded = Coded {
            texts,
            other,
            left: of_left,
            right: of_right,
            total,
            numbers: Vec::new(),
            keys: Vec::new(),
            names: Vec::new(),
        };
        coded.prepare(measure);
        (coded, looks)
    }

    fn prepare(&mut self, measure: Measure) {
        if !matches!(measure, Measure::Name | Measure::Phone) {
            return;
        }
        let mut numbers = vec![0; self.left.len()];
        let mut known = Known::default();
        for code in 1..self.left.len() as u32 {
            if self.count(code) == 0 {
                continue;
            }
            numbers[code as usize] = self.keys.len() as u32;
            let text = text_of(code, &self.texts, self.other.as_deref());
            let key = match measure {
                Measure::Phone => last_digits(text),
                _ => {
                    let mut sorted: Vec<&str> = words(text).collect();
                    self.names.push(sorted.iter().map(|word| known.word(word)).collect());
                    sorted.sort_unstable();
                    u64::from(known.id(&sorted.join("\n")))
                }
            };
            self.keys.push(key);
        }
        self.numbers = numbers;
    }

    /// How often a value stands in both tables (once, where they are one table).
    pub(crate) fn count(&self, code: u32) -> u32 {
        let right = self.right.as_ref().map_or(0, |right| right[code as usize]);
        self.left[code as usize] + right
    }

    /// By code but the missing one, how often it stands on the left and on the right.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u32, u32)> {
        let right = self.right.as_deref().unwrap_or(&self.left);
        self.left.iter().copied().zip(right.iter().copied()).skip(1)
    }

    fn text(&self, code: u32) -> &str {
        text_of(code, &self.texts, self.other.as_deref())
    }

    fn key(&self, code: u32) -> u64 {
        self.keys[self.numbers[code as usize] as usize]
    }

    fn name(&self, code: u32) -> &[Word] {
        &self.names[self.numbers[code as usize] as usize]
    }

    /// The level of two codes, neither of them missing.
    pub(crate) fn level(&self, a: u32, b: u32, measure: Measure) -> u8 {
        if a == b {
            return 0;
        }
        let same_key = || self.key(a) == self.key(b);
        let similar = || compare(self.text(a), self.text(b), jaro_winkler, jaro_winkler);
        let within = |edits| {
            let bytes = |a: &[u8], b: &[u8]| within_edits(a, b, edits);
            compare(self.text(a), self.text(b), bytes, |a, b| within_edits(a, b, edits))
        };
        let same_local = || local(self.text(a)) == local(self.text(b));
        match measure {
            Measure::Text => match similar() {
                s if s >= 0.95 => 1,
                s if s >= 0.88 => 2,
                _ => 3,
            },
            Measure::Name if same_key() => 1,
            Measure::Name if is_part(self.name(a), self.name(b)) => 2,
            Measure::Name => 3 + u8::from(similar() < 0.9),
            Measure::Email => u8::from(!(same_local() || within(1))) + 1,
            Measure::Phone => {
                let (x, y) = (self.key(a), self.key(b));
                let digits = (x >> 32).min(y >> 32) as u32;
                let tail = |key: u64| (key & u64::from(u32::MAX)) % 10u64.pow(digits);
                u8::from(digits < 7 || tail(x) != tail(y))
            }
            Measure::Code if within(1) => 1,
            Measure::Code => 3 - u8::from(within(2)),
            _ => 1,
        }
    }
}

/// What stands before the `@` of a mail address.
fn local(address: &str) -> &str {
    address.split('@').next().unwrap_or(address)
}

/// The words of names while they are prepared.
#[derive(Default)]
struct Known {
    ids: HashMap<String, u32>,
}

impl Known {
    fn id(&mut self, text: &str) -> u32 {
        let next = self.ids.len() as u32;
        match self.ids.get(text) {
            Some(id) => *id,
            None => *self.ids.entry(text.to_owned()).or_insert(next),
        }
    }

    fn word(&mut self, word: &str) -> Word {
        Word {
            id: self.id(word),
            initial: units(word).next().unwrap_or(0),
            is_initial: word.chars().nth(1).is_none(),
            groups: nicknames::groups(word),
        }
    }
}

/// The texts of a column.
fn texts(values: &Values) -> Arc<Texts> {
    if let Values::Packed(texts) = values {
        return Arc::clone(texts);
    }
    let mut texts = Texts::default();
    each_text(values, &mut |text| texts.push(text.unwrap_or_default()));
    Arc::new(texts)
}

/// By record, what a look at its text tells.
fn looks(texts: &Texts, codes: &[u32], measure: Measure) -> Vec<u64> {
    let look = |(code, text): (&u32, Option<&str>)| match text {
        Some(_) if measure == Measure::Exact => look::of_text(*code, ""),
        Some(text) => look::of_text(*code, text),
        None => 0,
    };
    codes.iter().zip(texts.iter()).map(look).collect()
}

/// Calls with the text of each record, in order.
pub(crate) fn each_text(values: &Values, call: &mut impl FnMut(Option<&str>)) {
    match values {
        Values::Packed(values) => values.iter().for_each(call),
        Values::Text(values) => values.iter().for_each(|value| call(value.as_deref())),
        Values::Number(values) => {
            for value in values {
                call(value.map(|number| number.to_string()).as_deref());
            }
        }
        Values::Words(values) => {
            for set in values {
                call(Some(set.join(" ")).filter(|text| !text.is_empty()).as_deref());
            }
        }
    }
}

/// Whether each word of the shorter name is a word of the longer one, in full, as an initial
/// or by a nickname.
fn is_part(a: &[Word], b: &[Word]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut taken = 0u64;
    !short.is_empty()
        && long.len() <= 64
        && short.iter().all(|x| {
            let agrees = |y: &Word| {
                x.id == y.id
                    || ((x.is_initial || y.is_initial) && x.initial == y.initial)
                    || x.groups.iter().any(|group| y.groups.contains(group))
            };
            let free = (0..long.len()).find(|&k| taken & (1 << k) == 0 && agrees(&long[k]));
            free.is_some_and(|k| {
                taken |= 1 << k;
                true
            })
        })
}

/// The last nine digits of a number, leading zeros left out, and above 32 bits how many.
pub(crate) fn last_digits(text: &str) -> u64 {
    let digits = text.bytes().filter(u8::is_ascii_digit).skip_while(|b| *b == b'0');
    let digits: Vec<u8> = digits.collect();
    let last = &digits[digits.len().saturating_sub(9)..];
    let number = last.iter().fold(0u64, |all, digit| all * 10 + u64::from(digit - b'0'));
    (last.len() as u64) << 32 | number
}
