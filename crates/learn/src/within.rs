//! What a row tells of itself: columns that repeat another, or always hold the same.

use std::collections::BTreeMap;

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
    /// On how many rows of the backup that was tried.
    pub support: u64,
    /// In which share of them it held.
    pub accuracy: f64,
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
    /// What is left of a bill when all its other parts are known.
    Bill(Bill),
}

const CONSTANT: f64 = 0.98;
/// A mere habit of rows, good enough to propose where a column may not stay empty.
const HABIT: f64 = 0.6;
/// A column of so many values is a list of choices.
const FEW: usize = 20;

impl Within {
    /// The best such way for each own column, over the rows given. `heard` tells when the
    /// evidence last spoke of a row, `sums` what the columns of its payments add up to.
    pub fn find(
        view: &View,
        rows: &[usize],
        heard: &BTreeMap<usize, Instant>,
        sums: &BTreeMap<String, BTreeMap<usize, i64>>,
    ) -> Vec<Self> {
        let own: Vec<usize> = (0..view.paths.len()).filter(|&p| view.paths[p].is_own()).collect();
        let bills = bill::find(view, rows);
        own.iter()
            .filter(|&&p| !matches!(view.paths[p].kind, ColumnKind::Key))
            .filter_map(|&p| {
                best(view, rows, p, sums, &bills).or_else(|| last_heard(view, heard, p))
            })
            .collect()
    }
}

fn best(
    view: &View,
    rows: &[usize],
    column: usize,
    sums: &BTreeMap<String, BTreeMap<usize, i64>>,
    bills: &[(Bill, Share)],
) -> Option<Within> {
    let share = |is_hit: &dyn Fn(usize) -> bool| {
        let mut share = Share::default();
        rows.iter().for_each(|&r| share.add(is_hit(r)));
        share
    };
    let mut ways: Vec<(How, Share)> = Vec::new();
    let mut counts: BTreeMap<&Value, u64> = BTreeMap::new();
    for &r in rows {
        *counts.entry(&view.rows[r][column]).or_default() += 1;
    }
    let (commonest, _) = counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
    let held = share(&|r| view.rows[r][column] == **commonest);
    let how = if commonest.is_null() { How::Empty } else { How::Constant((*commonest).clone()) };
    if held.rate()? >= CONSTANT {
        return Some(within(view, column, how, held));
    }
    ways.push((how, held));
    for (p, path) in view.paths.iter().enumerate() {
        let comparable = p != column && path.distinct > 1 && path.kind == view.paths[column].kind;
        if comparable {
            let same =
                share(&|r| view.rows[r][p] == view.rows[r][column] && !view.rows[r][p].is_null());
            ways.push((How::SameAs(path.name.clone()), same));
        }
    }
    let kind = &view.paths[column].kind;
    for (name, sums) in sums.iter().filter(|_| kind.is_number()) {
        let paid = |r: usize| sums.get(&r).copied();
        let same = share(&|r| paid(r).is_some() && paid(r) == amount(&view.rows[r][column], kind));
        ways.push((How::SumOf(name.clone()), same));
    }
    ways.extend(arithmetic::find(view, rows, column).map(|(sum, share)| (How::Of(sum), share)));
    let path = &view.paths[column];
    let of_column = bills.iter().filter(|(bill, _)| bill.holds(&path.name));
    ways.extend(of_column.map(|(bill, share)| (How::Bill(bill.clone()), *share)));
    let (how, share) = ways.into_iter().reduce(|a, b| if b.1.hits > a.1.hits { b } else { a })?;
    // What may not be empty is proposed as it mostly is: a guess, and its accuracy says so.
    let is_guess = path.is_required && path.distinct <= FEW && matches!(how, How::Constant(_));
    (share.rate()? >= HABIT || is_guess).then(|| within(view, column, how, share))
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
}
