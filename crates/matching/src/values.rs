//! Values made ready for comparison: each different one prepared once and named by a number.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::fold::words;
use crate::look;
use crate::nicknames;
use crate::similar::{jaro_winkler, units, within_edits};
use crate::{Measure, Values};

/// The texts of two columns as codes; 0 is a missing value. Both columns share the codes, so
/// that equal values are equal numbers.
pub(crate) struct Coded {
    pub left: Vec<u32>,
    pub right: Vec<u32>,
    /// How often a code stands in both tables (once, where they are one table).
    pub counts: Vec<u32>,
    pub total: u64,
    units: Vec<u16>,
    ends: Vec<u32>,
    /// By code, what a look at its text tells.
    looks: Vec<u64>,
    /// For a measure's middle levels: sorted words of a name, local part of an address, last
    /// digits of a number.
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
    pub(crate) fn new(left: &Values, right: Option<&Values>, measure: Measure) -> Coded {
        let (left, right) = (texts(left), right.map(texts));
        let mut codes: HashMap<&str, u32> = HashMap::new();
        let mut in_order: Vec<&str> = Vec::new();
        let mut counts = vec![0u32];
        let left_codes = encode(&left, &mut codes, &mut in_order, &mut counts);
        let right_codes = match &right {
            Some(right) => encode(right, &mut codes, &mut in_order, &mut counts),
            None => left_codes.clone(),
        };
        let total = counts.iter().map(|count| u64::from(*count)).sum();
        let mut coded = Coded {
            left: left_codes,
            right: right_codes,
            counts,
            total,
            units: Vec::new(),
            ends: vec![0],
            looks: vec![0],
            keys: vec![0],
            names: Vec::new(),
        };
        coded.prepare(&in_order, measure);
        coded
    }

    fn prepare(&mut self, texts: &[&str], measure: Measure) {
        if measure == Measure::Exact {
            self.looks.extend((1..=texts.len() as u32).map(|code| look::of_text(code, &[])));
            return;
        }
        let mut ids: HashMap<String, u32> = HashMap::new();
        let mut id = |key: String| {
            let next = ids.len() as u32;
            *ids.entry(key).or_insert(next)
        };
        if measure == Measure::Name {
            self.names.push(Vec::new());
        }
        for text in texts {
            self.units.extend(units(text));
            self.ends.push(self.units.len() as u32);
            let code = self.looks.len() as u32;
            self.looks.push(look::of_text(code, self.units(code)));
            match measure {
                Measure::Name => {
                    let mut sorted: Vec<&str> = words(text).collect();
                    let word = |word: &&str| Word {
                        id: id((*word).to_owned()),
                        initial: units(word).next().unwrap_or(0),
                        is_initial: word.chars().nth(1).is_none(),
                        groups: nicknames::groups(word),
                    };
                    self.names.push(sorted.iter().map(word).collect());
                    sorted.sort_unstable();
                    self.keys.push(u64::from(id(sorted.join("\n"))));
                }
                Measure::Email => {
                    let local = text.split('@').next().unwrap_or(text);
                    self.keys.push(u64::from(id(local.to_owned())));
                }
                Measure::Phone => self.keys.push(last_digits(text)),
                _ => {}
            }
        }
    }

    /// By record, what a look at its value tells: of the left column, and of the right one.
    pub(crate) fn looks(&self) -> (Vec<u64>, Vec<u64>) {
        let column = |codes: &[u32]| codes.iter().map(|code| self.looks[*code as usize]).collect();
        (column(&self.left), column(&self.right))
    }

    fn units(&self, code: u32) -> &[u16] {
        let code = code as usize;
        &self.units[self.ends[code - 1] as usize..self.ends[code] as usize]
    }

    /// The level of two codes, neither of them missing.
    pub(crate) fn level(&self, a: u32, b: u32, measure: Measure) -> u8 {
        if a == b {
            return 0;
        }
        let same_key = || self.keys[a as usize] == self.keys[b as usize];
        let similar = || jaro_winkler(self.units(a), self.units(b));
        let within = |edits| within_edits(self.units(a), self.units(b), edits);
        match measure {
            Measure::Text => match similar() {
                s if s >= 0.95 => 1,
                s if s >= 0.88 => 2,
                _ => 3,
            },
            Measure::Name if same_key() => 1,
            Measure::Name if is_part(&self.names[a as usize], &self.names[b as usize]) => 2,
            Measure::Name => 3 + u8::from(similar() < 0.9),
            Measure::Email => u8::from(!(same_key() || within(1))) + 1,
            Measure::Phone => {
                let (x, y) = (self.keys[a as usize], self.keys[b as usize]);
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

/// The texts of a column; borrowed where it holds texts.
fn texts(values: &Values) -> Vec<Option<Cow<'_, str>>> {
    if let Values::Text(texts) = values {
        return texts.iter().map(|text| text.as_deref().map(Cow::Borrowed)).collect();
    }
    let mut texts = Vec::with_capacity(values.len());
    each_text(values, &mut |text| texts.push(text.map(|text| Cow::Owned(text.to_owned()))));
    texts
}

/// The codes of texts; those not seen before get the next ones.
fn encode<'a>(
    texts: &'a [Option<Cow<'_, str>>],
    codes: &mut HashMap<&'a str, u32>,
    in_order: &mut Vec<&'a str>,
    counts: &mut Vec<u32>,
) -> Vec<u32> {
    let mut code = |text: &'a Cow<'_, str>| {
        let code = *codes.entry(text.as_ref()).or_insert_with(|| {
            in_order.push(text.as_ref());
            counts.push(0);
            in_order.len() as u32
        });
        counts[code as usize] += 1;
        code
    };
    texts.iter().map(|text| text.as_ref().map_or(0, &mut code)).collect()
}

/// Calls with the text of each record, in order.
pub(crate) fn each_text(values: &Values, call: &mut dyn FnMut(Option<&str>)) {
    match values {
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
