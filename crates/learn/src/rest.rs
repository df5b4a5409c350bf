//! The last payment of a reservation: what is left of its price, paid when it begins or ends.
//! Money taken at a counter often names nothing, and is known by that alone.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use restitch_model::{Share, Value};
use serde::{Deserialize, Serialize};

use crate::receipts::amounts;
use crate::rule::amount;
use crate::shape::{ColumnKind, View};

/// A price is paid up in this share of reservations that were paid for at all.
const PAID_UP: f64 = 0.4;
/// A payment that comes farther from a planned time than this, in minutes, has nothing to do with
/// it: some businesses want the rest weeks before.
const FARTHEST: i64 = 48 * 60;
/// This share of the last payments must come near a planned time …
const COMES: f64 = 0.2;
/// … and what is near is told by this share of those.
const NEARLY_ALL: f64 = 0.95;

/// What is left of which price is paid when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// The column of payments that holds the amount.
    pub amount: String,
    /// The column of reservations that holds the price.
    pub of: String,
    /// The planned time of reservations near which it is paid.
    pub at: String,
    /// How far from it at most, in minutes.
    pub within_minutes: i64,
    /// How many reservations that were paid for were paid up by their last payment.
    pub seen: Share,
}

/// A price that is paid up: the positions of both amounts, and each last payment with its
/// reservation.
struct PaidUp {
    seen: Share,
    a: usize,
    of: usize,
    last: Vec<(usize, usize)>,
}

impl Rest {
    /// Finds it in the rows that survived. `owner` is the position of the column of payments that
    /// holds the key of what was paid for; `keys` are the keys of the reservations.
    pub fn find(
        payments: &View,
        owner: usize,
        reservations: &View,
        keys: &[Value],
        planned: &[String],
    ) -> Option<Self> {
        let mut of_owner: HashMap<&Value, Vec<usize>> = HashMap::new();
        for (r, row) in payments.rows.iter().enumerate() {
            of_owner.entry(&row[owner]).or_default().push(r);
        }
        of_owner.values_mut().for_each(|rows| rows.sort_by_key(|&r| payments.created(r)));
        let mut best: Option<PaidUp> = None;
        for a in amounts(payments) {
            for of in amounts(reservations) {
                let (mut seen, mut last) = (Share::default(), Vec::new());
                for (reservation, key) in keys.iter().enumerate() {
                    let Some(paid) = of_owner.get(key) else { continue };
                    let price = number(reservations, reservation, of).filter(|price| *price > 0);
                    let found = price.and_then(|price| paying_up(payments, paid, a, price));
                    seen.add(found.is_some());
                    last.extend(found.map(|payment| (payment, reservation)));
                }
                let rate = |seen: &Share| seen.rate().unwrap_or(0.0);
                if best.as_ref().is_none_or(|best| rate(&seen) > rate(&best.seen)) {
                    best = Some(PaidUp { seen, a, of, last });
                }
            }
        }
        let PaidUp { seen, a, of, last } = best?;
        if seen.is_thin() || seen.rate()? < PAID_UP {
            return None;
        }
        let near = planned.iter().filter_map(|column| {
            let near = minutes_apart(payments, reservations, &last, column);
            Some((near.len(), *near.get((near.len() as f64 * NEARLY_ALL) as usize)?, column))
        });
        let (n, within_minutes, at) =
            near.max_by_key(|&(n, minutes, _)| (n, std::cmp::Reverse(minutes)))?;
        (n as f64 >= COMES * last.len() as f64).then(|| Self {
            amount: payments.paths[a].name.clone(),
            of: reservations.paths[of].name.clone(),
            at: at.clone(),
            within_minutes,
            seen,
        })
    }
}

/// A number of a row, in ten-thousandths.
fn number(view: &View, row: usize, path: usize) -> Option<i64> {
    amount(&view.rows[row][path], &view.paths[path].kind)
}

/// The payment after which nothing is left of a price.
fn paying_up(payments: &View, paid: &[usize], a: usize, price: i64) -> Option<usize> {
    let mut left = price;
    for &payment in paid {
        let n = number(payments, payment, a)?;
        if n > 0 && n == left {
            return Some(payment);
        }
        left = left.saturating_sub(n);
    }
    None
}

/// How many minutes lay between each of these payments and a planned time, of those that came near
/// it, the nearest first.
fn minutes_apart(
    payments: &View,
    reservations: &View,
    last: &[(usize, usize)],
    column: &str,
) -> Vec<i64> {
    let apart = |&(payment, reservation): &(usize, usize)| {
        let path = reservations.path(column)?;
        let ColumnKind::Time(format) = &path.kind else { return None };
        let p = reservations.position(column)?;
        let planned = format.parse(&reservations.rows[reservation][p])?;
        let planned = TimeZone::UTC.to_timestamp(planned).ok()?;
        Some(payments.created(payment)?.duration_since(planned).as_mins().abs())
    };
    let mut minutes: Vec<i64> =
        last.iter().filter_map(apart).filter(|minutes| *minutes <= FARTHEST).collect();
    minutes.sort_unstable();
    minutes
}

/// What is left of the price of each reservation that survived, in ten-thousandths.
pub(crate) fn left_of_rows(
    rest: &Rest,
    payments: &View,
    owner: usize,
    reservations: &View,
    keys: &[Value],
) -> Vec<Option<i64>> {
    let Some((a, of)) = payments.position(&rest.amount).zip(reservations.position(&rest.of)) else {
        return vec![None; keys.len()];
    };
    let mut paid: BTreeMap<&Value, i64> = BTreeMap::new();
    for row in 0..payments.rows.len() {
        let sum = paid.entry(&payments.rows[row][owner]).or_default();
        *sum = sum.saturating_add(number(payments, row, a).unwrap_or(0));
    }
    let left = |(row, key)| {
        Some(number(reservations, row, of)?.saturating_sub(paid.get(key).copied().unwrap_or(0)))
    };
    keys.iter().enumerate().map(left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{snapshot, table};

    /// Forty bookings, each with a deposit of 20 when booked and the rest when it starts.
    fn found(late: bool) -> Option<Rest> {
        let (mut bookings, mut payments, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..40 {
            let day = 1 + n % 28;
            let price = 10_000 + 7 * n;
            bookings.push(format!("{n} | {price} | 2026-03-{day:02}T10:00:00Z | {}", n % 3));
            let paid = if late {
                format!("2026-05-{day:02}T23:00:00Z")
            } else {
                format!("2026-03-{day:02}T10:{:02}:00Z", n % 30)
            };
            payments.push(format!("{} | {n} | 2000 | 2026-01-{day:02}T08:00:00Z", 2 * n));
            payments.push(format!("{} | {n} | {} | {paid}", 2 * n + 1, price - 2000));
            keys.push(Value::Integer(n));
        }
        let snapshot = snapshot(vec![
            table("bookings", "id price starts guests", &bookings),
            table("payments", "id booking>bookings cents paid", &payments),
        ]);
        let (bookings, payments) =
            (View::of(&snapshot, "bookings")?, View::of(&snapshot, "payments")?);
        Rest::find(&payments, 1, &bookings, &keys, &["starts".to_owned()])
    }

    #[test]
    fn the_rest_is_paid_when_the_booking_starts() {
        let rest = found(false).unwrap();
        assert_eq!(
            (rest.amount.as_str(), rest.of.as_str(), rest.at.as_str(), rest.within_minutes),
            ("cents", "price", "starts", 28)
        );
    }

    #[test]
    fn a_rest_that_is_paid_at_any_time_is_known_by_nothing() {
        assert_eq!(found(true), None);
    }
}
