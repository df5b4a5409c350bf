use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cores;
use crate::keys::KeyColumn;
use crate::marks::Marks;
use crate::quick::mix;
use crate::{MatchingError, Records};

/// Which pairs are looked at: those that agree in all keys of at least one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocking {
    /// A block with more pairs than this is split by `split_by`.
    pub most_pairs: u64,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Further keys, each tried in turn on a block that is too large. What is too large
    /// after the last is skipped, and counted.
    #[serde(default)]
    pub split_by: Vec<Key>,
}

/// Keys that all must agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The keys. Without any, all pairs agree.
    pub keys: Vec<Key>,
}

/// A value derived from a column of each table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The column of the left table.
    pub left: String,
    /// The column of the right table.
    pub right: String,
    /// What of it must agree.
    pub by: By,
}

/// What of two values must agree. A missing value agrees with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// All of it.
    Whole,
    /// So many first letters.
    Letters(u8),
    /// How its first word sounds, roughly (after Russell's Soundex, first letter included).
    Sound,
    /// The last seven digits, as of a phone number.
    Digits,
    /// Moments up to so many days apart, and some up to twice as many.
    Days(u16),
    /// Amounts up to so many percent apart, and some up to twice as many.
    Percent(u8),
    /// Any one word that at most so many records of either table have.
    Word(u32),
}

impl Key {
    /// A key on columns of the same name.
    pub fn of(column: &str, by: By) -> Key {
        Key { left: column.to_owned(), right: column.to_owned(), by }
    }
}

/// What blocking did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BlockReport {
    /// By rule, in their order.
    pub rules: Vec<RuleReport>,
    /// How many different pairs were looked at in the end.
    pub candidates: u64,
}

impl BlockReport {
    /// How many blocks were too large and were split, by all rules.
    pub fn split_blocks(&self) -> u64 {
        self.rules.iter().map(|rule| rule.split).sum()
    }

    /// How many pairs stood in blocks that were too large to the end: they were not looked at,
    /// unless another rule brought them together.
    pub fn skipped_pairs(&self) -> u64 {
        self.rules.iter().map(|rule| rule.skipped_pairs).sum()
    }
}

/// What one rule did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleReport {
    /// The rule in words.
    pub rule: String,
    /// How many blocks it made.
    pub blocks: u64,
    /// How many pairs these hold, some of them in several.
    pub pairs: u64,
    /// The pairs of the largest one.
    pub largest: u64,
    /// How many blocks were too large and were split.
    pub split: u64,
    /// How many were too large to the end and were skipped.
    pub skipped_blocks: u64,
    /// The pairs of those.
    pub skipped_pairs: u64,
}

/// The blocks of two tables, ready to give the candidates of one left record after another.
/// Memory grows with records and rules, not with pairs.
pub struct Blocks {
    rules: Vec<RuleBlocks>,
    /// By left record, whether it is in any block.
    some: Vec<bool>,
    one_table: bool,
    /// What was made, split and skipped. `candidates` is not counted here.
    pub report: BlockReport,
}

#[derive(Default)]
struct RuleBlocks {
    /// For left record i, its blocks are `blocks[ends[i - 1]..ends[i]]`.
    blocks: Vec<u32>,
    ends: Vec<u32>,
    /// For block b, its right records are `right[starts[b]..starts[b + 1]]`.
    right: Vec<u32>,
    starts: Vec<u32>,
}

type Entries = Vec<(u64, u32)>;

/// The two sides of a key.
type Both = (Arc<KeyColumn>, Arc<KeyColumn>);

impl Blocks {
    /// Builds the blocks of two tables, or of one whose records are compared with each other.
    pub fn new(
        left: &Records,
        right: Option<&Records>,
        blocking: &Blocking,
    ) -> Result<Blocks, MatchingError> {
        let size = left.len().max(right.map_or(0, Records::len));
        // Rules share keys: each is made once.
        let rules = || blocking.rules.iter().flat_map(|rule| &rule.keys);
        let mut keys: Vec<&Key> = Vec::new();
        for key in rules().chain(&blocking.split_by) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let made = cores::each(keys.len(), size, |at| KeyColumn::both(left, right, keys[at]));
        let made: Vec<Both> = made.into_iter().collect::<Result<_, MatchingError>>()?;
        let columns = |own: &[Key]| -> Vec<Both> {
            let place = |key: &Key| keys.iter().position(|known| *known == key);
            own.iter().filter_map(place).map(|at| made[at].clone()).collect()
        };
        let further = columns(&blocking.split_by);
        let done = cores::each(blocking.rules.len(), size, |at| {
            let rule = &blocking.rules[at];
            let (a, b): (Vec<_>, Vec<_>) = columns(&rule.keys).into_iter().unzip();
            let mut made = Making {
                most: blocking.most_pairs.max(1),
                one_table: right.is_none(),
                report: RuleReport { rule: rule.describe(), ..RuleReport::default() },
                left: Vec::new(),
                made: RuleBlocks { starts: vec![0], ..RuleBlocks::default() },
            };
            let is_same = right.is_none() && a.iter().zip(&b).all(|(a, b)| Arc::ptr_eq(a, b));
            if is_same {
                let own = sorted(entries_met(&a, left.len(), None));
                made.split(&own, &own, &further);
            } else {
                let (b, other) = ((&b[..]), right.unwrap_or(left).len());
                let own = sorted(entries_met(&a, left.len(), Some((b, other))));
                let others = sorted(entries_met(b, other, Some((&a, left.len()))));
                made.split(&own, &others, &further);
            }
            made.finish(left.len())
        });
        let (rules, reports): (Vec<RuleBlocks>, Vec<RuleReport>) = done.into_iter().unzip();
        let report = BlockReport { rules: reports, candidates: 0 };
        let mut some = vec![false; left.len()];
        for rule in &rules {
            let mut before = 0;
            for (some, end) in some.iter_mut().zip(&rule.ends) {
                *some |= before < *end;
                before = *end;
            }
        }
        Ok(Blocks { rules, some, one_table: right.is_none(), report })
    }

    /// Puts the right records that share a block with left record `i` into `found`, ascending
    /// and each once. In one table only those after `i`.
    pub fn candidates(&self, i: u32, found: &mut Vec<u32>) {
        found.clear();
        if !self.some[i as usize] {
            return;
        }
        for rule in &self.rules {
            let from = i.checked_sub(1).map_or(0, |before| rule.ends[before as usize]);
            for block in &rule.blocks[from as usize..rule.ends[i as usize] as usize] {
                let (start, end) = (rule.starts[*block as usize], rule.starts[*block as usize + 1]);
                let right = &rule.right[start as usize..end as usize];
                let first = if self.one_table { right.partition_point(|j| *j <= i) } else { 0 };
                found.extend_from_slice(&right[first..]);
            }
        }
        found.sort_unstable();
        found.dedup();
    }
}

impl Rule {
    /// The rule in words: `surname (sound) and city`.
    pub fn describe(&self) -> String {
        if self.keys.is_empty() {
            return "all pairs".to_owned();
        }
        let key = |key: &Key| match key.by {
            By::Whole => key.left.clone(),
            By::Letters(n) => format!("{} (first {n} letters)", key.left),
            By::Sound => format!("{} (sound)", key.left),
            By::Digits => format!("{} (last digits)", key.left),
            By::Days(n) => format!("{} (within {n} days)", key.left),
            By::Percent(n) => format!("{} (within {n} %)", key.left),
            By::Word(n) => format!("{} (a word of at most {n})", key.left),
        };
        self.keys.iter().map(key).collect::<Vec<_>>().join(" and ")
    }
}

/// The entries of records, without most of those that meet nobody: that have a hash that no
/// record of the `other` side has, or where that is the same, no second record.
fn entries_met(
    keys: &[Arc<KeyColumn>],
    records: usize,
    other: Option<(&[Arc<KeyColumn>], usize)>,
) -> Entries {
    let mut once = Marks::new(records.max(other.map_or(0, |(_, records)| records)));
    let mut met = Marks::new(if other.is_none() { records } else { 0 });
    match other {
        Some((keys, records)) => each_entry(keys, records, |hash, _| {
            once.set(hash);
        }),
        None => each_entry(keys, records, |hash, _| {
            if once.set(hash) {
                met.set(hash);
            }
        }),
    }
    let met = if other.is_none() { met } else { once };
    let mut entries = Entries::new();
    each_entry(keys, records, |hash, record| {
        if met.has(hash) {
            entries.push((hash, record));
        }
    });
    entries
}

/// Calls with the hashes of records: one for each combination of the values of its keys.
fn each_entry(keys: &[Arc<KeyColumn>], records: usize, mut call: impl FnMut(u64, u32)) {
    let single: Option<Vec<&[u64]>> = keys.iter().map(|key| key.one_each()).collect();
    if let Some(single) = single {
        for record in 0..records {
            let add = |hash, key: &&[u64]| match key[record] {
                KeyColumn::NONE => None,
                value => Some(mix(hash, value)),
            };
            if let Some(hash) = single.iter().try_fold(0, add) {
                call(hash, record as u32);
            }
        }
        return;
    }
    let mut hashes = Vec::new();
    for record in 0..records as u32 {
        hashes.clear();
        hashes.push(0);
        for key in keys {
            let values = key.get(record);
            let combined =
                |hash: &u64| values.iter().map(|value| mix(*hash, *value)).collect::<Vec<_>>();
            match values {
                [] => hashes.clear(),
                [value] => hashes.iter_mut().for_each(|hash| *hash = mix(*hash, *value)),
                _ => hashes = hashes.iter().flat_map(combined).collect(),
            }
        }
        hashes.iter().for_each(|hash| call(*hash, record));
    }
}

struct Making {
    most: u64,
    one_table: bool,
    report: RuleReport,
    left: Vec<(u32, u32)>,
    made: RuleBlocks,
}

/// Sorts by hash and record: first into buckets by the highest bits of the hash, each of which
/// is small enough to stay near while it is sorted.
fn sorted(mut entries: Entries) -> Entries {
    const NEAR: usize = 1_024;
    if entries.len() > 4 * NEAR {
        let bits = (entries.len() / NEAR).ilog2().min(12);
        let bucket = |hash: u64| (hash >> (64 - bits)) as usize;
        let mut ends = vec![0usize; 1 << bits];
        entries.iter().for_each(|(hash, _)| ends[bucket(*hash)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum - *end;
        }
        let mut places = vec![(0, 0); entries.len()];
        for entry in entries.drain(..) {
            let place = &mut ends[bucket(entry.0)];
            places[*place] = entry;
            *place += 1;
        }
        entries = places;
        let mut from = 0;
        for end in ends {
            entries[from..end].sort_unstable();
            from = end;
        }
    } else {
        entries.sort_unstable();
    }
    entries.dedup();
    entries
}

impl Making {
    /// Makes the blocks of two sides, both sorted.
    fn split(&mut self, left: &[(u64, u32)], right: &[(u64, u32)], further: &[Both]) {
        let mut rest = right;
        for block in left.chunk_by(|a, b| a.0 == b.0) {
            rest = &rest[rest.partition_point(|entry| entry.0 < block[0].0)..];
            let other = &rest[..rest.partition_point(|entry| entry.0 == block[0].0)];
            // Nobody to compare with, or only oneself.
            if other.is_empty() || (self.one_table && block == other && block.len() == 1) {
                continue;
            }
            let pairs = block.len() as u64 * other.len() as u64;
            if pairs <= self.most {
                self.keep(block, other, pairs);
            } else if let Some(((a, b), further)) = further.split_first() {
                self.report.split += 1;
                let finer = |entries: &[(u64, u32)], key: &KeyColumn| {
                    let each = entries.iter().flat_map(|(hash, record)| {
                        key.get(*record).iter().map(|value| (mix(*hash, *value), *record))
                    });
                    sorted(each.collect())
                };
                self.split(&finer(block, a), &finer(other, b), further);
            } else {
                self.report.skipped_blocks += 1;
                self.report.skipped_pairs += pairs;
            }
        }
    }

    fn keep(&mut self, left: &[(u64, u32)], right: &[(u64, u32)], pairs: u64) {
        let block = self.made.starts.len() as u32 - 1;
        // In one table the last of a block has nobody after it.
        let last = right.last().map_or(0, |(_, record)| *record);
        let has_partner = |record: &u32| !self.one_table || *record < last;
        let records = left.iter().map(|(_, record)| *record).filter(has_partner);
        self.left.extend(records.map(|record| (record, block)));
        self.made.right.extend(right.iter().map(|(_, record)| *record));
        self.made.starts.push(self.made.right.len() as u32);
        self.report.blocks += 1;
        self.report.pairs += pairs;
        self.report.largest = self.report.largest.max(pairs);
    }

    /// Puts the blocks in the order in which left records ask for them, so that most lie where
    /// the one before was.
    fn finish(self, records: usize) -> (RuleBlocks, RuleReport) {
        let mut made = RuleBlocks { ends: vec![0; records], ..RuleBlocks::default() };
        self.left.iter().for_each(|(record, _)| made.ends[*record as usize] += 1);
        let mut sum = 0;
        for end in &mut made.ends {
            sum += *end;
            *end = sum - *end;
        }
        made.blocks = vec![0; self.left.len()];
        for (record, block) in &self.left {
            let end = &mut made.ends[*record as usize];
            made.blocks[*end as usize] = *block;
            *end += 1;
        }
        const UNNAMED: u32 = u32::MAX;
        let mut names = vec![UNNAMED; self.made.starts.len() - 1];
        made.starts.push(0);
        made.right.reserve(self.made.right.len());
        for block in &mut made.blocks {
            let old = *block as usize;
            if names[old] == UNNAMED {
                names[old] = made.starts.len() as u32 - 1;
                let own = self.made.starts[old] as usize..self.made.starts[old + 1] as usize;
                made.right.extend_from_slice(&self.made.right[own]);
                made.starts.push(made.right.len() as u32);
            }
            *block = names[old];
        }
        (made, self.report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Values;

    fn table(column: &[&str], other: &[&str]) -> Records {
        let text = |values: &[&str]| {
            Values::Text(values.iter().map(|value| Some((*value).to_owned())).collect())
        };
        Records::new(vec![("x".into(), text(column)), ("y".into(), text(other))]).unwrap()
    }

    fn pairs(records: &Records, blocking: &Blocking) -> (Vec<(u32, u32)>, RuleReport) {
        let blocks = Blocks::new(records, None, blocking).unwrap();
        let mut found = Vec::new();
        let mut all = Vec::new();
        for i in 0..records.len() as u32 {
            blocks.candidates(i, &mut found);
            all.extend(found.iter().map(|j| (i, *j)));
        }
        (all, blocks.report.rules[0].clone())
    }

    fn check(by: By, column: &[&str], expect: &[(u32, u32)]) {
        let records = table(column, column);
        let rules = vec![Rule { keys: vec![Key::of("x", by)] }];
        let (found, _) = pairs(&records, &Blocking { most_pairs: 100, rules, split_by: vec![] });
        assert_eq!(found, expect, "{by:?}");
    }

    #[test]
    fn keys_bring_together_what_agrees() {
        check(By::Whole, &["a", "b", "A", ""], &[(0, 2)]);
        check(By::Letters(3), &["smith", "smiley", "smart"], &[(0, 1)]);
        check(By::Sound, &["catherine", "catrin", "otto"], &[(0, 1)]);
        check(By::Digits, &["+49 151 2345678", "0151/2345678", "0151/2345679"], &[(0, 1)]);
        check(By::Word(2), &["the red car", "the red van", "the car"], &[(0, 1), (0, 2)]);
    }

    #[test]
    fn near_values_agree_over_the_edges_of_buckets() {
        check(By::Days(2), &["2026-01-01", "2026-01-03", "2026-01-20"], &[(0, 1)]);
        check(By::Percent(10), &["100", "109", "150", "-100"], &[(0, 1)]);
    }

    #[test]
    fn all_keys_of_a_rule_must_agree() {
        let records = table(&["a", "a", "a"], &["1", "2", "1"]);
        let rules = vec![Rule { keys: vec![Key::of("x", By::Whole), Key::of("y", By::Whole)] }];
        let blocking = Blocking { most_pairs: 100, rules, split_by: vec![] };
        assert_eq!(pairs(&records, &blocking).0, [(0, 2)]);
    }

    #[test]
    fn a_large_block_is_split_and_what_cannot_be_is_counted() {
        let records = table(&["a", "a", "a", "a", "a", "a"], &["1", "1", "2", "2", "2", "2"]);
        let rules = vec![Rule { keys: vec![Key::of("x", By::Whole)] }];
        let split_by = vec![Key::of("y", By::Whole)];
        let (found, report) = pairs(&records, &Blocking { most_pairs: 5, rules, split_by });
        assert_eq!(found, [(0, 1)]);
        assert_eq!((report.split, report.skipped_blocks, report.skipped_pairs), (1, 1, 16));
    }

    #[test]
    fn an_unknown_column_is_an_error() {
        let records = table(&["a"], &["b"]);
        let rules = vec![Rule { keys: vec![Key::of("z", By::Sound)] }];
        let blocking = Blocking { most_pairs: 5, rules, split_by: vec![] };
        let error = Blocks::new(&records, None, &blocking).err().unwrap();
        assert_eq!(
            error.to_string(),
            "blocking needs the column z, which is not there; there are: x, y"
        );
    }
}
