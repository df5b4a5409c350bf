//! Columns that follow from two others of the same record.

use restitch_model::{Share, Value};
use serde::{Deserialize, Serialize};

use crate::rule::{Plain, amount};
use crate::shape::{ColumnKind, View};

/// What two values of a record give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The first.
    pub left: String,
    /// What is done with them.
    pub sign: Sign,
    /// The second.
    pub right: String,
}

/// An operation on two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// Their sum.
    Plus,
    /// The first less the second.
    Less,
    /// Their product.
    Times,
    /// The first divided by the second.
    By,
    /// The days from the second to the first, both dates.
    DaysSince,
    /// The first, a time, so many minutes later.
    MinutesLater,
    /// The first, a time, so many days later.
    DaysLater,
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { left, right, .. } = self;
        match self.sign {
            Sign::Plus => write!(f, "{left} + {right}"),
            Sign::Less => write!(f, "{left} - {right}"),
            Sign::Times => write!(f, "{left} × {right}"),
            Sign::By => write!(f, "{left} ÷ {right}"),
            Sign::DaysSince => write!(f, "the days from {right} to {left}"),
            Sign::MinutesLater => write!(f, "{left} and {right} minutes"),
            Sign::DaysLater => write!(f, "{left} and {right} days"),
        }
    }
}

/// In ten-thousandths.
const ONE: i128 = 10_000;
/// The rows on which every pair of columns is tried before the better ones see all.
const SAMPLE: usize = 64;
/// Shares of sampled rows under which a pair is not tried further.
const PROMISING: f64 = 0.5;

impl Sum {
    /// What it gives for a record whose values `value` hands out with their kinds; `None` where
    /// one is missing or the column cannot hold it.
    pub fn of<'v>(
        &self,
        value: impl Fn(&str) -> Option<(Value, &'v ColumnKind)>,
        kind: &ColumnKind,
    ) -> Option<Value> {
        let (left, right) = (value(&self.left)?, value(&self.right)?);
        give(self.sign, (&left.0, left.1), (&right.0, right.1), kind)
    }
}

/// The sums that a column is, with how often over these rows.
pub fn find(view: &View, rows: &[usize], column: usize) -> impl Iterator<Item = (Sum, Share)> {
    let target = &view.paths[column];
    let is_worth = target.distinct > 3;
    let paths: Vec<usize> = (0..view.paths.len())
        .filter(|&p| p != column && view.paths[p].distinct > 1)
        .filter(|&p| view.paths[p].depth() <= 1 || view.is_sum(&view.paths[p].name))
        .collect();
    let step = (rows.len() / SAMPLE).max(1);
    let sample: Vec<usize> = rows.iter().copied().step_by(step).collect();
    let mut found = Vec::new();
    for &sign in signs(&target.kind).iter().filter(|_| is_worth) {
        for &a in paths.iter().filter(|&&a| is_left(sign, &view.paths[a].kind, &target.kind)) {
            for &b in paths.iter().filter(|&&b| is_right(sign, &view.paths[b].kind)) {
                let is_twin = a == b || (matches!(sign, Sign::Plus | Sign::Times) && a > b);
                // Two columns of another row say nothing of this one.
                if is_twin || !(view.paths[a].is_own() || view.paths[b].is_own()) {
                    continue;
                }
                let count = |rows: &[usize]| {
                    let mut share = Share::default();
                    for row in rows.iter().map(|&r| &view.rows[r]) {
                        let (left, right) = (&row[a], &row[b]);
                        let (left, right) =
                            ((left, &view.paths[a].kind), (right, &view.paths[b].kind));
                        let given = give(sign, left, right, &target.kind);
                        // Nothing added to nothing is no sum.
                        let is_telling = given.as_ref().is_some_and(|v| v == &row[column]);
                        share.add(is_telling && !is_nothing(right) && !is_nothing(left));
                    }
                    share
                };
                if count(&sample).rate().is_some_and(|rate| rate >= PROMISING) {
                    let (left, right) = (view.paths[a].name.clone(), view.paths[b].name.clone());
                    found.push((Sum { left, sign, right }, count(rows)));
                }
            }
        }
    }
    found.into_iter()
}

/// The products of three that a column is, with how often over these rows.
pub fn products(
    view: &View,
    rows: &[usize],
    column: usize,
) -> impl Iterator<Item = (Vec<String>, Share)> {
    let target = &view.paths[column];
    let is_operand =
        |&p: &usize| p != column && view.paths[p].kind.is_number() && view.paths[p].distinct > 1;
    let is_worth = target.distinct > 3 && target.kind.is_number() && target.is_own();
    let operands: Vec<usize> =
        (0..view.paths.len()).filter(is_operand).filter(|_| is_worth).collect();
    let sample: Vec<usize> = rows.iter().copied().step_by((rows.len() / SAMPLE).max(1)).collect();
    let count = |rows: &[usize], paths: [usize; 3]| {
        let mut share = Share::default();
        for row in rows.iter().map(|&r| &view.rows[r]) {
            let values = paths.map(|p| amount(&row[p], &view.paths[p].kind));
            let given = product(values.into_iter());
            let is_telling = given.is_some_and(|n| n != 0);
            let own = amount(&row[column], &target.kind).map(i128::from);
            share.add(given == own && (is_telling || values.contains(&Some(0))));
        }
        share
    };
    let mut found = Vec::new();
    for (i, &a) in operands.iter().enumerate() {
        for (j, &b) in operands.iter().enumerate().skip(i + 1) {
            for &c in &operands[j + 1..] {
                let paths = [a, b, c];
                // At least two of them are the record's own.
                let own = paths.iter().filter(|&&p| view.paths[p].is_own()).count();
                if own >= 2 && count(&sample, paths).rate().is_some_and(|r| r >= PROMISING) {
                    let names = paths.map(|p| view.paths[p].name.clone()).to_vec();
                    found.push((names, count(rows, paths)));
                }
            }
        }
    }
    found.into_iter()
}

/// The product of amounts in ten-thousandths.
pub(crate) fn product(amounts: impl Iterator<Item = Option<i64>>) -> Option<i128> {
    let mut all = ONE;
    for amount in amounts {
        all = all.checked_mul(i128::from(amount?))? / ONE;
    }
    Some(all)
}

fn is_nothing((value, kind): (&Value, &ColumnKind)) -> bool {
    amount(value, kind) == Some(0)
}

fn signs(kind: &ColumnKind) -> &'static [Sign] {
    match kind {
        ColumnKind::Time(_) => &[Sign::MinutesLater, Sign::DaysLater],
        kind if kind.is_number() => {
            &[Sign::DaysSince, Sign::Plus, Sign::Less, Sign::Times, Sign::By]
        }
        _ => &[],
    }
}

fn is_left(sign: Sign, kind: &ColumnKind, target: &ColumnKind) -> bool {
    match sign {
        Sign::DaysSince => matches!(kind, ColumnKind::Time(_)),
        Sign::MinutesLater | Sign::DaysLater => kind == target,
        _ => kind.is_number(),
    }
}

fn is_right(sign: Sign, kind: &ColumnKind) -> bool {
    match sign {
        Sign::DaysSince => matches!(kind, ColumnKind::Time(_)),
        Sign::MinutesLater | Sign::DaysLater => *kind == ColumnKind::Integer,
        _ => kind.is_number(),
    }
}

fn give(
    sign: Sign,
    left: (&Value, &ColumnKind),
    right: (&Value, &ColumnKind),
    kind: &ColumnKind,
) -> Option<Value> {
    let time = |(value, kind): (&Value, &ColumnKind)| match kind {
        ColumnKind::Time(format) => format.parse(value),
        _ => None,
    };
    let number = |(value, kind)| amount(value, kind).map(i128::from);
    let units = match sign {
        Sign::DaysSince => {
            let days = time(left)?.date().since(time(right)?.date()).ok()?.get_days();
            i128::from(days) * ONE
        }
        Sign::MinutesLater | Sign::DaysLater => {
            let n = i64::try_from(number(right)? / ONE).ok()?;
            let later = match sign {
                Sign::DaysLater => jiff::Span::new().try_days(n),
                _ => jiff::Span::new().try_minutes(n),
            };
            return Plain::Time(time(left)?.checked_add(later.ok()?).ok()?).value(kind);
        }
        Sign::Plus => number(left)? + number(right)?,
        Sign::Less => number(left)? - number(right)?,
        Sign::Times => number(left)? * number(right)? / ONE,
        Sign::By => (number(left)? * ONE).checked_div(number(right)?)?,
    };
    Plain::Units(i64::try_from(units).ok()?).value(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{snapshot, table};

    /// What a column of forty stays is found to be.
    fn found(column: &str) -> Vec<String> {
        let rows: Vec<String> = (0..40)
            .map(|n| {
                let (nights, rate) = (2 + n % 5, 80 + n);
                let (from, to) = (1 + n % 20, 1 + n % 20 + nights);
                let total = nights * rate;
                format!(
                    "{n} | 2026-03-{from:02} | 2026-03-{to:02} | {nights} | {rate} | {total} | {}",
                    (n * 7919) % 1000
                )
            })
            .collect();
        let stays = table("stays", "id arrival departure nights rate total meter", &rows);
        let view = View::of(&snapshot(vec![stays]), "stays").unwrap();
        let all: Vec<usize> = (0..40).collect();
        let sums = find(&view, &all, view.position(column).unwrap());
        sums.filter(|(_, share)| share.hits == share.n).map(|(sum, _)| sum.to_string()).collect()
    }

    #[test]
    fn nights_are_the_days_of_a_stay() {
        assert_eq!(found("nights"), ["the days from arrival to departure", "total ÷ rate"]);
    }

    #[test]
    fn a_total_is_a_product_and_a_departure_follows_from_an_arrival() {
        assert_eq!(found("total"), ["nights × rate"]);
        assert_eq!(found("departure"), ["arrival and nights days"]);
        assert_eq!(found("rate"), ["total ÷ nights"]);
    }

    #[test]
    fn a_column_of_its_own_is_no_sum() {
        assert_eq!(found("meter"), Vec::<String>::new());
    }
}
