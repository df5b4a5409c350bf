//! What a row tells of itself: columns that repeat another, or always hold the same.

use std::collections::BTreeMap;

use rayon::prelude::*;
use restitch_model::{Instant, Share, Value};
use serde::{Deserialize, Serialize};

use crate::arithmetic::{self, Sum};
use crate::bill::{self, Bill};
use crate::rule::amount;
use crate::shape::{ColumnKind, View};

/// How a column is filled where no evidence speaks of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Within {
    /// The column.
    pub column: String,
    /// With what.
    pub how: How,
    /// Of whose rows alone it holds; nothing means of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// On how many rows of the backup that was tried.
    pub support: u64,
    /// In which share of them it held.
    pub accuracy: f64,
}

/// The rows of one owner: houses of one system keep other customs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// The column that says whom a row belongs to, or of a line a path to what tells sorts of what
    /// is on offer apart.
    pub column: String,
    /// Its value.
    pub is: Value,
}

/// Where a value comes from when no evidence speaks of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The same as another column, or one reached through a reference.
    SameAs(String),
    /// Always this.
    Constant(Value),
    /// Nothing: most rows have nothing there either.
    Empty,
    /// The sum of this column of all payments for the record.
    SumOf(String),
    /// When it was last heard of: for times that follow every change.
    LastHeard,
    /// What two others give: nights times rate, a beginning and a duration.
    Of(Sum),
    /// What three others give when multiplied: nights, persons and the tax of a night.
    Product(Vec<String>),
    /// What is left of a bill when all its other parts are known.
    Bill(Bill),
    /// The place among the lines of a record, counted from this number on.
    Nth(i64),
}

impl How {
    /// The own columns that it looks at.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        self.paths().map(|path| path.split('.').next().unwrap_or(path))
    }

    /// The paths that it looks at.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let paths: Vec<&str> = match self {
            Self::SameAs(path) => vec![path],
            Self::Of(sum) => vec![&sum.left, &sum.right],
            Self::Bill(bill) => bill.columns().collect(),
            Self::Product(paths) => paths.iter().map(String::as_str).collect(),
            Self::Constant(_) | Self::Empty | Self::SumOf(_) | Self::LastHeard | Self::Nth(_) => {
                Vec::new()
            }
        };
        paths.into_iter()
    }

    /// What it does for a column, in words.
    pub fn rule(&self, column: &str) -> String {
        match self {
            Self::Constant(_) => format!("{column} is mostly so"),
            Self::Empty => format!("{column} is mostly empty"),
            Self::SameAs(path) => format!("{column} ← {path}"),
            Self::SumOf(of) => format!("{column} ← the sum of {of} of what was paid"),
            Self::Of(sum) => format!("{column} ← {sum}"),
            Self::Bill(bill) => format!("{column} ← {bill}"),
            Self::Product(paths) => format!("{column} ← {}", paths.join(" × ")),
            Self::LastHeard => format!("{column} ← when it was last heard of"),
            Self::Nth(from) => format!("{column} ← its place in the list, from {from} on"),
        }
    }
}

const CONSTANT: f64 = 0.98;
/// A mere habit of rows, good enough to propose where a column may not stay empty.
const HABIT: f64 = 0.6;
/// So many ways are kept for a column: the next serves where what the first needs is not told.
const MOST: usize = 3;
/// A column that may not be empty is guessed when so many rows hold the same.
const GUESS: f64 = 0.4;
/// A column of so many values is a list of choices.
const FEW: usize = 20;

impl Within {
    /// The ways for each own column, over the rows given, the surest first. `heard` tells when
    /// the evidence last spoke of a row, `sums` what the columns of its payments add up to.
    pub fn find(
        view: &View,
        rows: &[usize],
        heard: &BTreeMap<usize, Instant>,
        sums: &BTreeMap<String, BTreeMap<usize, i64>>,
    ) -> Vec<Self> {
        let bills = bill::find(view, rows);
        let is_own =
            |p: &usize| view.paths[*p].is_own() && !matches!(view.paths[*p].kind, ColumnKind::Key);
        (0..view.paths.len())
            .filter(is_own)
            .flat_map(|p| {
                let found = ways(view, rows, p, sums, &bills);
                let last_heard = || last_heard(view, heard, p).into_iter().collect();
                if found.is_empty() { last_heard() } else { found }
            })
            .collect()
    }
}

/// An owner's customs show in so many rows.
const OWNED: usize = 60;
/// The owners of most rows are looked at, no more of them than this.
const OWNERS: usize = 40;
/// An owner's way is kept where it is so much more often right than the surest of all rows.
const BETTER: f64 = 0.02;

/// The ways that hold of the rows of one owner and are surer than those of all rows. `owner` is
/// the own column that says whom a row belongs to.
pub(crate) fn of_owners(
    view: &View,
    rows: &[usize],
    sums: &BTreeMap<String, BTreeMap<usize, i64>>,
    owner: &str,
    of_all: &[Within],
) -> Vec<Within> {
    let p = view.position(owner).filter(|&p| view.paths[p].is_own());
    p.map_or_else(Vec::new, |p| of_groups(view, rows, sums, p, OWNED, of_all))
}

/// The ways that hold of the rows that have one value at the path `p`, where at least so many have
/// it, and that are surer than those of all rows.
pub(crate) fn of_groups(
    view: &View,
    rows: &[usize],
    sums: &BTreeMap<String, BTreeMap<usize, i64>>,
    p: usize,
    least: usize,
    of_all: &[Within],
) -> Vec<Within> {
    let owner = &view.paths[p].name;
    let mut owned: BTreeMap<&Value, Vec<usize>> = BTreeMap::new();
    for &row in rows {
        owned.entry(&view.rows[row][p]).or_default().push(row);
    }
    let mut owned: Vec<(&Value, Vec<usize>)> =
        owned.into_iter().filter(|(_, rows)| rows.len() >= least).collect();
    if owned.len() < 2 {
        return Vec::new();
    }
    owned.sort_by_key(|(owner, rows)| (std::cmp::Reverse(rows.len()), *owner));
    owned.truncate(OWNERS);
    let mut surest: BTreeMap<&str, f64> = BTreeMap::new();
    for way in of_all.iter().filter(|way| way.how != How::LastHeard) {
        let best = surest.entry(&way.column).or_default();
        *best = best.max(way.accuracy);
    }
    let none = BTreeMap::new();
    let of_owner = |(value, rows): &(&Value, Vec<usize>)| {
        let only = Only { column: owner.clone(), is: (*value).clone() };
        Within::find(view, rows, &none, sums)
            .into_iter()
            .filter(|way| way.how != How::LastHeard && way.column != *owner)
            .filter(|way| {
                let known = surest.get(way.column.as_str()).copied().unwrap_or(0.0);
                way.accuracy >= known + BETTER
            })
            .map(|way| Within { only: Some(only.clone()), ..way })
            .collect::<Vec<_>>()
    };
    owned.par_iter().flat_map_iter(of_owner).collect()
}

fn ways(
    view: &View,
    rows: &[usize],
    column: usize,
    sums: &BTreeMap<String, BTreeMap<usize, i64>>,
    bills: &[(Bill, Share)],
) -> Vec<Within> {
    let share = |is_hit: &dyn Fn(usize) -> bool| {
        let mut share = Share::default();
        rows.iter().for_each(|&r| share.add(is_hit(r)));
        share
    };
    let mut counts: BTreeMap<&Value, u64> = BTreeMap::new();
    for &r in rows {
        *counts.entry(&view.rows[r][column]).or_default() += 1;
    }
    let commonest = counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
    let Some((&commonest, &hits)) = commonest else { return Vec::new() };
    let habit = if commonest.is_null() { How::Empty } else { How::Constant(commonest.clone()) };
    let held = Share { hits, n: rows.len() as u64 };
    let rate = |share: &Share| share.rate().unwrap_or(0.0);
    if rate(&held) >= CONSTANT {
        return vec![within(view, column, habit, held)];
    }
    let path = &view.paths[column];
    let mut found: Vec<(How, Share)> = Vec::new();
    for (p, other) in view.paths.iter().enumerate() {
        if p != column && other.distinct > 1 && other.kind == path.kind {
            let same =
                share(&|r| view.rows[r][p] == view.rows[r][column] && !view.rows[r][p].is_null());
            found.push((How::SameAs(other.name.clone()), same));
        }
    }
    for (name, sums) in sums.iter().filter(|_| path.kind.is_number()) {
        let paid = |r: usize| sums.get(&r).copied();
        let own = |r: usize| amount(&view.rows[r][column], &path.kind);
        let same = share(&|r| paid(r).is_some() && paid(r) == own(r));
        found.push((How::SumOf(name.clone()), same));
    }
    found.extend(arithmetic::find(view, rows, column).map(|(sum, share)| (How::Of(sum), share)));
    let products = arithmetic::products(view, rows, column);
    found.extend(products.map(|(paths, share)| (How::Product(paths), share)));
    let of_column = bills.iter().filter(|(bill, _)| bill.holds(&path.name));
    found.extend(of_column.map(|(bill, share)| (How::Bill(bill.clone()), *share)));
    // What follows from the record must be right more often than what rows mostly hold.
    found.retain(|(_, share)| share.hits > held.hits && rate(share) >= HABIT);
    found.sort_by_key(|(_, share)| std::cmp::Reverse(share.hits));
    found.truncate(MOST);
    // What may not be empty is proposed as it mostly is: a guess, and its accuracy says so.
    // Which row of another table it refers to is not guessed.
    let is_choice = path.distinct <= FEW && !matches!(path.kind, ColumnKind::Reference(_));
    // Nothing is what a column of amounts begins with where it may not be empty.
    let is_nothing = path.filled == view.rows.len() && amount(commonest, &path.kind) == Some(0);
    let is_guess = (path.is_required && is_choice || is_nothing)
        && !commonest.is_null()
        && rate(&held) >= GUESS;
    if rate(&held) >= HABIT || is_guess {
        found.push((habit, held));
    }
    found.into_iter().map(|(how, share)| within(view, column, how, share)).collect()
}

/// A time that may not stay empty, that nothing tells, and that never lies before the row was
/// made: it follows the changes of the row, and the last that was heard is the best that is
/// known of it. The accuracy says how often it was right to the hour.
fn last_heard(view: &View, heard: &BTreeMap<usize, Instant>, column: usize) -> Option<Within> {
    let ColumnKind::Time(format) = &view.paths[column].kind else { return None };
    let (created, _) = view.creation()?;
    let follows = |row: &Vec<Value>| row[column].is_null() || row[column] >= row[created];
    if view.paths[column].filled < view.rows.len() || !view.rows.iter().all(follows) {
        return None;
    }
    let mut share = Share::default();
    for (&row, at) in heard {
        let civil = format.parse(&view.rows[row][column])?;
        let time = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
        share.add((time.as_second() - at.as_second()).abs() <= 3600);
    }
    Some(within(view, column, How::LastHeard, share))
}

fn within(view: &View, column: usize, how: How, share: Share) -> Within {
    Within {
        column: view.paths[column].name.clone(),
        how,
        only: None,
        support: share.n,
        accuracy: share.rate().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{at, snapshot, table};

    /// How a column of forty bookings is filled where evidence is silent.
    fn how(column: &str) -> Option<How> {
        let rows: Vec<String> = (0..40)
            .map(|n| {
                let note = if n == 7 { "late" } else { "-" };
                let price = 1000 + n;
                format!("{n} | web | {n} | {note} | {price} | {price} | {} | other{n}", price / 2)
            })
            .collect();
        let cabins: Vec<String> = (0..40).map(|n| format!("{n} | {}", 1000 + n)).collect();
        let snapshot = snapshot(vec![
            table("cabins", "id rate", &cabins),
            table("bookings", "id channel cabin>cabins note price due deposit name", &rows),
        ]);
        let view = View::of(&snapshot, "bookings").unwrap();
        let all: Vec<usize> = (0..40).collect();
        let paid = all.iter().map(|&r| (r, (1000 + r as i64) / 2 * 10_000)).collect();
        let sums = BTreeMap::from([("amount".to_owned(), paid)]);
        let found = Within::find(&view, &all, &BTreeMap::new(), &sums);
        found.into_iter().find(|w| w.column == column).map(|w| w.how)
    }

    #[test]
    fn a_column_that_always_holds_the_same_is_constant() {
        assert_eq!(how("channel"), Some(How::Constant(Value::from("web"))));
    }

    #[test]
    fn a_column_that_is_mostly_empty_stays_empty() {
        assert_eq!(how("note"), Some(How::Empty));
    }

    #[test]
    fn a_column_may_repeat_another() {
        assert_eq!(how("price"), Some(How::SameAs("due".to_owned())));
        assert_eq!(how("due"), Some(How::SameAs("price".to_owned())));
    }

    #[test]
    fn a_column_may_be_the_sum_of_what_was_paid() {
        assert_eq!(how("deposit"), Some(How::SumOf("amount".to_owned())));
    }

    #[test]
    fn what_nothing_tells_is_left_out() {
        assert_eq!(how("name"), None);
    }

    #[test]
    fn a_time_that_follows_every_change_is_when_the_row_was_last_heard_of() {
        let rows: Vec<String> = (10..30)
            .map(|n| format!("{n} | 2026-01-{n}T00:00:00Z | 2026-03-{:02}T00:00:00Z", 40 - n))
            .collect();
        let snapshot = snapshot(vec![table("bookings", "id made changed", &rows)]);
        let view = View::of(&snapshot, "bookings").unwrap();
        let all: Vec<usize> = (0..20).collect();
        let last = |row: usize| at(&format!("2026-03-{:02}T00:30:00Z", 30 - row));
        let heard = (0..10).map(|row| (row, last(row))).collect();
        let found = Within::find(&view, &all, &heard, &BTreeMap::new());
        let changed = found.iter().find(|w| w.column == "changed").unwrap();
        assert_eq!((&changed.how, changed.support), (&How::LastHeard, 10));
        assert_eq!(changed.accuracy, 1.0);
    }

    #[test]
    fn a_way_of_one_owner_alone_is_kept_as_his() {
        // The first house takes no tax, the second three for each night and person.
        let rows: Vec<String> = (0..160)
            .map(|n| {
                let (house, nights, persons) = (1 + n % 2, 1 + n % 7, 1 + n % 5);
                let tax = if house == 1 { 0 } else { nights * persons * 3 };
                format!("{n} | {house} | {nights} | {persons} | {tax}")
            })
            .collect();
        let houses = ["1 | North | 2", "2 | South | 3"];
        let snapshot = snapshot(vec![
            table("houses", "id name tax", &houses),
            table("stays", "id house>houses nights persons tax", &rows),
        ]);
        let view = View::of(&snapshot, "stays").unwrap();
        let all: Vec<usize> = (0..160).collect();
        let found = of_owners(&view, &all, &BTreeMap::new(), "house", &[]);
        let of_tax = found.iter().filter(|way| way.column == "tax");
        let shown: Vec<String> = of_tax
            .map(|way| format!("{} {}", way.only.as_ref().unwrap().is, way.how.rule("tax")))
            .collect();
        assert_eq!(shown, ["1 tax is mostly so", "2 tax ← nights × persons × house.tax"]);
    }
}
