//! A recovery's result held against the truth.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{RecordType, RowKey, Share, Snapshot, Table};
use serde::Serialize;

use crate::align::{Compared, Pairs, parents_first};

/// A row of the truth: its table and its key there.
pub type RowName = (String, RowKey);

/// How well a recovery did, by record type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// The figures of each record type that was asked for.
    pub types: BTreeMap<RecordType, TypeScore>,
    /// Lost rows of the other tables, of which none is rebuilt.
    pub others: BTreeMap<String, u64>,
    /// Rows of any table that were there before and are not any more.
    pub deleted: u64,
}

/// How well a recovery did with one record type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypeScore {
    /// The table.
    pub table: String,
    /// Rows of the truth that were not there before.
    pub lost: u64,
    /// Of these, those that some evidence saw; all, where that is not known.
    pub recoverable: u64,
    /// Lost rows that are back.
    pub recovered: u64,
    /// Recoverable rows that are back.
    pub recovered_of_recoverable: u64,
    /// Rows inserted.
    pub inserted: u64,
    /// Inserted rows that no row of the truth is.
    pub spurious: u64,
    /// Inserted rows for a row of the truth that was there already, or inserted twice.
    pub duplicates: u64,
    /// Cells of surviving rows that were changed to something that is not the truth.
    pub wrong_overwrites: u64,
    /// Cells of surviving rows that were changed to the truth.
    pub right_overwrites: u64,
    /// Surviving rows that are not any more.
    pub deleted: u64,
    /// Recoverable rows that are not back, by their keys in the truth.
    #[serde(skip)]
    pub not_back: Vec<RowKey>,
    /// What became of each row that was lost, inserted or changed.
    #[serde(skip)]
    pub rows: Vec<RowFate>,
    /// By column, how many cells of the recovered rows are as the truth has them. A reference
    /// is right where it points to the same thing, whatever that thing's key.
    pub columns: BTreeMap<String, Share>,
    /// The same, of those cells alone that are not empty in the truth.
    pub filled: BTreeMap<String, Share>,
    /// By column, how many cells of surviving rows that were not true are so now. A column whose
    /// cells were all true is not named.
    pub mended: BTreeMap<String, Share>,
}

/// What became of one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFate {
    /// Its position in the truth; none where no row of the truth is it.
    pub truth: Option<usize>,
    /// Its position after the recovery; none where it is not back.
    pub after: Option<usize>,
    /// It was lost.
    pub is_lost: bool,
    /// It was lost, and some evidence saw it.
    pub is_recoverable: bool,
    /// It was inserted.
    pub is_inserted: bool,
    /// It was inserted for a row of the truth that has one already.
    pub is_twice: bool,
    /// Of a row that is back, the cells that are true.
    pub cells: Share,
    /// Of a surviving row, the cells that were changed to what is not true.
    pub wrong_overwrites: u64,
}

impl RowFate {
    /// Whether a lost row is back.
    pub fn is_back(&self) -> bool {
        self.is_lost && self.is_inserted && !self.is_twice
    }
}

impl TypeScore {
    /// Recovered rows by recoverable ones.
    pub fn recall(&self) -> Share {
        Share { hits: self.recovered_of_recoverable, n: self.recoverable }
    }

    /// True rows by inserted ones.
    pub fn precision(&self) -> Share {
        Share { hits: self.inserted - self.spurious - self.duplicates, n: self.inserted }
    }
}

/// What is known of rows beside what they say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'k> {
    /// The lost rows that evidence saw, by their keys in the truth; nothing where that is not
    /// known.
    pub seen: Option<&'k BTreeSet<RowName>>,
    /// The rows of before that the truth does not hold, such as those that staff wrote since the
    /// restore: they are no lost row, however like one they are.
    pub new: Option<&'k BTreeSet<RowName>>,
}

/// Holds a database after a recovery against what it was before it and what it truly was.
///
/// Rows are told by what they say, not by their keys: a restored database gives the keys of
/// lost rows to new ones, and a rebuilt row may have another key than it had. An inserted row
/// is the lost row with the same unique value (a reference), or else the one that it is most
/// like, where rare values count more than common ones; references are followed. Times are
/// compared as text.
pub fn score(
    truth: &Snapshot,
    before: &Snapshot,
    after: &Snapshot,
    tables: &[(RecordType, String)],
    known: Known<'_>,
) -> Score {
    let states = States::align(truth, before, after, known.new);
    let mut score = Score::default();
    for table in &before.tables {
        let name = &table.schema.name;
        score.deleted += states.deleted(name);
        let lost = states.lost(name);
        if lost > 0 && !tables.iter().any(|(_, table)| table == name) {
            score.others.insert(name.clone(), lost);
        }
    }
    for (record_type, table) in tables {
        score.types.insert(record_type.clone(), states.score(table, known.seen));
    }
    score
}

struct States<'a> {
    truth: &'a Snapshot,
    before: &'a Snapshot,
    after: &'a Snapshot,
    /// What each row was in truth, before and after.
    was: Pairs,
    is: Pairs,
    /// Rows of `after` that were inserted for a row of the truth that has one already.
    twice: BTreeMap<String, BTreeSet<usize>>,
}

impl<'a> States<'a> {
    fn align(
        truth: &'a Snapshot,
        before: &'a Snapshot,
        after: &'a Snapshot,
        new: Option<&BTreeSet<RowName>>,
    ) -> Self {
        let (mut was, mut is) = (Pairs::new(), Pairs::new());
        let mut twice = BTreeMap::new();
        for right in parents_first(truth) {
            let name = &right.schema.name;
            let all: Vec<usize> = (0..right.rows.len()).collect();
            if let Some(left) = before.table(name) {
                let compared = Compared::new((before, left), (truth, right), &was);
                let is_old = |r: &usize| {
                    let key = || (name.clone(), left.key(&left.rows[*r]));
                    new.is_none_or(|new| !new.contains(&key()))
                };
                let rows: Vec<usize> = (0..left.rows.len()).filter(is_old).collect();
                was.insert(
                    name.clone(),
                    listed(compared.pair(&rows, &all, true, true), left.rows.len()),
                );
            }
            let Some(left) = after.table(name) else { continue };
            let empty = Vec::new();
            let survived = before.table(name);
            let old = survived.map(|table| keys(table, 0..table.rows.len())).unwrap_or_default();
            let was_here = was.get(name).unwrap_or(&empty);
            let mut pairs: Vec<Option<usize>> = vec![None; left.rows.len()];
            let mut inserted = Vec::new();
            for (i, row) in left.rows.iter().enumerate() {
                match old.get(&identity(left, row)) {
                    Some(before) => pairs[i] = was_here[*before],
                    None => inserted.push(i),
                }
            }
            let claimed: BTreeSet<usize> = was_here.iter().flatten().copied().collect();
            let lost: Vec<usize> = all.iter().copied().filter(|i| !claimed.contains(i)).collect();
            let compared = Compared::new((after, left), (truth, right), &is);
            let found = compared.pair(&inserted, &lost, false, true);
            let rest: Vec<usize> =
                inserted.into_iter().filter(|i| !found.contains_key(i)).collect();
            let again = compared.pair(&rest, &all, false, false);
            for (row, other) in found.iter().chain(&again) {
                pairs[*row] = Some(*other);
            }
            twice.insert(name.clone(), again.into_keys().collect());
            is.insert(name.clone(), pairs);
        }
        Self { truth, before, after, was, is, twice }
    }

    fn deleted(&self, table: &str) -> u64 {
        let Some(before) = self.before.table(table) else { return 0 };
        let Some(after) = self.after.table(table) else { return before.rows.len() as u64 };
        let left = keys(after, 0..after.rows.len());
        let gone = before.rows.iter().filter(|row| !left.contains_key(&identity(before, row)));
        gone.count() as u64
    }

    /// How many rows of the truth were not there before.
    fn lost(&self, table: &str) -> u64 {
        let survived = self.was.get(table).map_or(0, |was| was.iter().flatten().count());
        self.truth.table(table).map_or(0, |truth| truth.rows.len() - survived) as u64
    }

    fn score(&self, name: &str, seen: Option<&BTreeSet<RowName>>) -> TypeScore {
        let mut score = TypeScore { table: name.to_owned(), ..TypeScore::default() };
        score.deleted = self.deleted(name);
        let Some(truth) = self.truth.table(name) else { return score };
        let empty = Vec::new();
        let was = self.was.get(name).unwrap_or(&empty);
        let survived: BTreeSet<usize> = was.iter().flatten().copied().collect();
        let recoverable = |i: usize| {
            let key = || (name.to_owned(), truth.key(&truth.rows[i]));
            seen.is_none_or(|seen| seen.contains(&key()))
        };
        let mut waiting: BTreeMap<usize, RowFate> = BTreeMap::new();
        for i in (0..truth.rows.len()).filter(|i| !survived.contains(i)) {
            let is_recoverable = recoverable(i);
            score.lost += 1;
            score.recoverable += u64::from(is_recoverable);
            let fate =
                RowFate { truth: Some(i), is_lost: true, is_recoverable, ..RowFate::default() };
            waiting.insert(i, fate);
        }
        let Some(after) = self.after.table(name) else { return score };
        let compared = Compared::new((self.after, after), (self.truth, truth), &self.is);
        score.columns = compared.names().map(|name| (name.to_owned(), Share::default())).collect();
        score.filled.clone_from(&score.columns);
        let before = self.before.table(name);
        let old = before.map(|table| keys(table, 0..table.rows.len())).unwrap_or_default();
        for (i, row) in after.rows.iter().enumerate() {
            let pair = self.is[name][i];
            if let (Some(position), Some(before)) = (old.get(&identity(after, row)), before) {
                let survivor = Survivor { before, was: *position, after, is: i, pair };
                self.score_survivor(&compared, &survivor, &mut score);
                continue;
            }
            score.inserted += 1;
            let is_twice = self.twice[name].contains(&i);
            let mut fate = match pair.filter(|_| !is_twice).and_then(|pair| waiting.remove(&pair)) {
                Some(fate) => fate,
                None => RowFate { truth: pair, is_twice: pair.is_some(), ..RowFate::default() },
            };
            (fate.after, fate.is_inserted) = (Some(i), true);
            if let Some(pair) = pair.filter(|_| !is_twice) {
                score.recovered += 1;
                score.recovered_of_recoverable += u64::from(fate.is_recoverable);
                for (column, share) in &mut score.columns {
                    let is_same = compared.same(i, pair, column) == Some(true);
                    share.add(is_same);
                    fate.cells.add(is_same);
                    let at = truth.schema.position(column);
                    if at.is_some_and(|at| !truth.rows[pair][at].is_null()) {
                        score.filled.entry(column.clone()).or_default().add(is_same);
                    }
                }
            } else if pair.is_some() {
                score.duplicates += 1;
            } else {
                score.spurious += 1;
            }
            score.rows.push(fate);
        }
        let not_back = waiting.values().filter(|fate| fate.is_recoverable);
        score.not_back =
            not_back.filter_map(|fate| Some(truth.key(&truth.rows[fate.truth?]))).collect();
        score.rows.extend(waiting.into_values());
        score
    }

    /// What became of a row that survived: which cells were changed, and which of those that were
    /// not true are so now.
    fn score_survivor(
        &self,
        compared: &Compared<'_>,
        survivor: &Survivor<'_>,
        score: &mut TypeScore,
    ) {
        let Survivor { before, was, after, is, pair } = *survivor;
        let truth = pair.zip(self.truth.table(&after.schema.name));
        let mut wrong = 0;
        for column in after.schema.columns.iter().filter(|column| !column.generated) {
            let there = before.schema.position(&column.name);
            let here = after.schema.position(&column.name);
            let (Some(there), Some(here)) = (there, here) else { continue };
            let is_changed = before.rows[was][there] != after.rows[is][here];
            let right = pair.and_then(|pair| compared.same(is, pair, &column.name));
            if is_changed && right == Some(true) {
                score.right_overwrites += 1;
            } else if is_changed {
                wrong += 1;
            }
            // A reference is compared by what it points to, which a changed key does not change.
            let is_plain = after.schema.foreign_key(&column.name).is_none();
            let stood = truth.filter(|_| is_plain).and_then(|(pair, truth)| {
                let at = truth.schema.position(&column.name)?;
                Some(truth.rows[pair][at] == before.rows[was][there])
            });
            if stood == Some(false)
                && let Some(right) = right
            {
                score.mended.entry(column.name.clone()).or_default().add(right);
            }
        }
        score.wrong_overwrites += wrong;
        if wrong > 0 {
            let (truth, after) = (pair, Some(is));
            let fate = RowFate { truth, after, wrong_overwrites: wrong, ..RowFate::default() };
            score.rows.push(fate);
        }
    }
}

/// A row that was there before and is there after.
struct Survivor<'s> {
    before: &'s Table,
    was: usize,
    after: &'s Table,
    is: usize,
    /// What it is in truth.
    pair: Option<usize>,
}

/// What a row is known by within one database: its key, or all of it where there is none.
pub(crate) fn identity(table: &Table, row: &restitch_model::Row) -> RowKey {
    if table.schema.primary_key.is_empty() { row.clone() } else { table.key(row) }
}

fn keys(table: &Table, rows: std::ops::Range<usize>) -> BTreeMap<RowKey, usize> {
    rows.map(|i| (identity(table, &table.rows[i]), i)).collect()
}

fn listed(pairs: BTreeMap<usize, usize>, len: usize) -> Vec<Option<usize>> {
    let mut list = vec![None; len];
    for (row, other) in pairs {
        list[row] = Some(other);
    }
    list
}

#[cfg(test)]
mod tests;
