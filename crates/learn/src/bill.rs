//! Bills: a total that is so many times a rate and a few more amounts. What of it no evidence
//! tells follows from the rest.

use std::fmt;

use restitch_model::{Share, Value};
use serde::{Deserialize, Serialize};

use crate::rule::{Plain, amount};
use crate::shape::{ColumnKind, View};

/// `total = count × rate + more`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The column of the total.
    pub total: String,
    /// How many times the rate: nights, days, hours.
    pub count: String,
    /// The rate.
    pub rate: String,
    /// What is added: extras, taxes.
    pub more: Vec<String>,
}

/// Amounts are in ten-thousandths.
const ONE: i128 = 10_000;
/// The rows on which everything is tried before what is promising sees all.
const SAMPLE: usize = 64;
/// A bill adds up in this share of rows.
const ADDS_UP: f64 = 0.8;
/// No more amounts than these are added.
const MOST: usize = 3;
/// A bill of more columns than this is not searched for.
const COLUMNS: usize = 14;

impl Bill {
    /// Whether a column is part of it.
    pub fn holds(&self, column: &str) -> bool {
        self.columns().any(|c| c == column)
    }

    /// Its parts.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        [&self.total, &self.count, &self.rate].into_iter().chain(&self.more).map(String::as_str)
    }

    /// The value of one part when all others are known.
    pub fn solve<'v>(
        &self,
        column: &str,
        value: impl Fn(&str) -> Option<(Value, &'v ColumnKind)>,
        kind: &ColumnKind,
    ) -> Option<Value> {
        let number = |column: &str| {
            let (value, kind) = value(column)?;
            amount(&value, kind).map(i128::from)
        };
        let mut rest = 0;
        for more in self.more.iter().filter(|c| *c != column) {
            rest += number(more)?;
        }
        let product = || Some(number(&self.count)? * number(&self.rate)? / ONE);
        let shared = || Some((number(&self.total)? - rest) * ONE);
        let units = match column {
            column if column == self.total => product()? + rest,
            column if column == self.count => exact(shared()?, number(&self.rate)?)?,
            column if column == self.rate => exact(shared()?, number(&self.count)?)?,
            _ => number(&self.total)? - product()? - rest,
        };
        Plain::Units(i64::try_from(units).ok()?).value(kind)
    }
}

/// A quotient without a rest.
fn exact(a: i128, b: i128) -> Option<i128> {
    (a.checked_rem(b)? == 0).then(|| a / b)
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} × {}", self.total, self.count, self.rate)?;
        self.more.iter().try_for_each(|more| write!(f, " + {more}"))
    }
}

/// The bills of a table with at least one amount added, and how often they add up. Without
/// one, it is a product, which is found with the other sums.
pub fn find(view: &View, rows: &[usize]) -> Vec<(Bill, Share)> {
    let numbers: Vec<usize> = (0..view.paths.len())
        .filter(|&p| view.paths[p].is_own() && view.paths[p].kind.is_number())
        .filter(|&p| view.paths[p].distinct > 1)
        .collect();
    if !(4..=COLUMNS).contains(&numbers.len()) {
        return Vec::new();
    }
    let step = (rows.len() / SAMPLE).max(1);
    let sample: Vec<usize> = rows.iter().copied().step_by(step).collect();
    let at = |row: usize, p: usize| amount(&view.rows[row][p], &view.paths[p].kind);
    let adds_up = |rows: &[usize], total: usize, (count, rate): (usize, usize), more: &[usize]| {
        let is_right = |row: usize| -> Option<bool> {
            let product = i128::from(at(row, count)?) * i128::from(at(row, rate)?) / ONE;
            let more = more.iter().map(|&p| at(row, p)).sum::<Option<i64>>()?;
            Some(i128::from(at(row, total)?) == product + i128::from(more))
        };
        let mut share = Share::default();
        rows.iter().for_each(|&row| share.add(is_right(row) == Some(true)));
        share
    };
    let mut found = Vec::new();
    for &total in &numbers {
        for (i, &a) in numbers.iter().enumerate() {
            for &b in &numbers[i + 1..] {
                if a == total || b == total {
                    continue;
                }
                let others: Vec<usize> =
                    numbers.iter().copied().filter(|p| ![total, a, b].contains(p)).collect();
                let best = subsets(&others)
                    .map(|more| (adds_up(&sample, total, (a, b), &more), more))
                    .filter(|(share, _)| share.rate().is_some_and(|rate| rate >= ADDS_UP))
                    .max_by(|x, y| x.0.hits.cmp(&y.0.hits).then(y.1.len().cmp(&x.1.len())));
                let Some((_, more)) = best.filter(|(_, more)| !more.is_empty()) else { continue };
                let name = |p: usize| view.paths[p].name.clone();
                // The smaller of the two factors is the count.
                let is_count = |p: usize| view.paths[p].kind == ColumnKind::Integer;
                let (count, rate) = if is_count(a) || !is_count(b) { (a, b) } else { (b, a) };
                let share = adds_up(rows, total, (a, b), &more);
                let more = more.into_iter().map(name).collect();
                let bill = Bill { total: name(total), count: name(count), rate: name(rate), more };
                found.push((bill, share));
            }
        }
    }
    found
}

/// All sets of up to [`MOST`] of these, the smaller first.
fn subsets(of: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..MOST {
        let to = all.len();
        for i in from..to {
            let after = all[i]
                .last()
                .map_or(0, |last| of.iter().position(|p| p == last).map_or(of.len(), |at| at + 1));
            for &p in &of[after..] {
                let mut next = all[i].clone();
                next.push(p);
                all.push(next);
            }
        }
        from = to;
    }
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{snapshot, table};

    fn stays() -> View {
        let rows: Vec<String> = (0..40)
            .map(|n| {
                let (nights, rate, extras, tax) =
                    (1 + n % 6, 80 + n * 3 % 50, n % 4 * 15, 2 + n % 7);
                let total = nights * rate + extras + tax;
                format!("{n} | {nights} | {rate} | {extras} | {tax} | {total} | {}", n * 7919 % 997)
            })
            .collect();
        let stays = table("stays", "id nights rate extras tax total meter", &rows);
        View::of(&snapshot(vec![stays]), "stays").unwrap()
    }

    fn bill() -> Bill {
        let view = stays();
        let found = find(&view, &(0..40).collect::<Vec<_>>());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].1.hits, 40);
        found[0].0.clone()
    }

    #[test]
    fn a_bill_is_found_with_all_its_parts() {
        assert_eq!(bill().to_string(), "total = nights × rate + extras + tax");
    }

    #[test]
    fn each_part_follows_from_the_others() {
        let kind = ColumnKind::Integer;
        let solved = |column: &str| {
            let value = |name: &str| {
                let told =
                    [("nights", 3), ("rate", 90), ("extras", 15), ("tax", 4), ("total", 289)];
                let (_, n) = told.iter().find(|(told, _)| *told == name && name != column)?;
                Some((Value::Integer(*n), &kind))
            };
            bill().solve(column, value, &kind)
        };
        for (column, n) in [("nights", 3), ("rate", 90), ("extras", 15), ("tax", 4), ("total", 289)]
        {
            assert_eq!(solved(column), Some(Value::Integer(n)), "{column}");
        }
    }

    #[test]
    fn every_subset_comes_once() {
        assert_eq!(subsets(&[7, 8, 9, 10]).count(), 1 + 4 + 6 + 4);
    }
}
