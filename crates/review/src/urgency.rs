//! What a reviewer should see first: the nearest planned time, then the larger amount.

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use restitch_model::{Candidate, Cell, Instant, Value};

use crate::moment::Stamp;

/// How urgent a record is; the least is the most urgent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    is_past: bool,
    days: i64,
    amount: std::cmp::Reverse<u64>,
    at: Option<Instant>,
}

impl Urgency {
    /// From the day of `as_of`, first what is still to come, the soonest first, then what is
    /// past, the latest first; of one day, the larger amount first. Without `as_of`, by day.
    pub fn of(candidate: &Candidate, as_of: Option<Instant>) -> Self {
        let at = planned(candidate);
        let amount = std::cmp::Reverse(amount(candidate));
        let day = |at: Instant| TimeZone::UTC.to_datetime(at).date();
        let days = |from: Date, to: Date| to.duration_since(from).as_hours() / 24;
        let (is_past, days) = match (at, as_of) {
            (Some(at), Some(now)) => (at < now, days(day(now), day(at)).abs()),
            (Some(at), None) => (false, days(Date::ZERO, day(at))),
            (None, _) => (true, i64::MAX),
        };
        Self { is_past, days, amount, at }
    }
}

/// When what was booked is to be: the earliest of the record's times that lies more than an hour
/// after the first evidence of it, which is about when it was made; else its latest time.
fn planned(candidate: &Candidate) -> Option<Instant> {
    let times = || {
        let text = |cell: &Cell| match cell {
            Cell::Is(Value::Text(text)) => Stamp::parse(text),
            _ => None,
        };
        candidate.fields.iter().filter_map(move |field| Some(text(&field.cell)?.rough()))
    };
    let made = candidate.first_seen.unwrap_or(Instant::MIN);
    let is_later = |at: &Instant| at.duration_since(made) > SignedDuration::from_hours(1);
    times().filter(is_later).min().or_else(|| times().max())
}

/// Parts of the names of columns that hold money.
const MONEY: &str = "total amount price sum fee deposit paid cents cost betrag summe preis \
                     montant prix importe precio";

/// The largest number in a column whose name speaks of money. Only for sorting.
fn amount(candidate: &Candidate) -> u64 {
    let speaks = |column: &str| {
        let lower = column.to_ascii_lowercase();
        MONEY.split(' ').any(|word| lower.contains(word))
    };
    let number = |cell: &Cell| match cell {
        Cell::Is(Value::Integer(n)) => n.unsigned_abs(),
        Cell::Is(Value::Real(x)) => x.abs() as u64,
        Cell::Is(Value::Text(text)) => text.parse::<f64>().map_or(0, |x| x.abs() as u64),
        _ => 0,
    };
    let of_money = candidate.fields.iter().filter(|field| speaks(&field.column));
    of_money.map(|field| number(&field.cell)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::candidate;

    #[test]
    fn what_is_soon_comes_before_what_is_far_and_what_is_past() {
        let booking = |id: &str, day: &str, cents: i64| {
            let mut booking = candidate(id);
            booking.first_seen = Some("2026-01-01T00:00:00Z".parse().unwrap());
            let fields = [("pickup_at", Value::from(day)), ("total_cents", cents.into())];
            booking.fields =
                fields.map(|(column, value)| crate::testing::field(column, value)).into();
            booking
        };
        let mut all = [
            booking("past", "2026-04-01T10:00:00Z", 1),
            booking("far", "2026-09-01T10:00:00Z", 9),
            booking("soon", "2026-05-02T10:00:00Z", 1),
            booking("soon, dear", "2026-05-02T18:00:00Z", 5),
            candidate("without time"),
            booking("just past", "2026-04-30T10:00:00Z", 1),
        ];
        let now = Some("2026-05-01T00:00:00Z".parse().unwrap());
        all.sort_by_key(|one| Urgency::of(one, now));
        let order: Vec<&str> = all.iter().map(|one| one.id.0.as_str()).collect();
        assert_eq!(order, ["soon, dear", "soon", "far", "just past", "past", "without time"]);
    }
}
