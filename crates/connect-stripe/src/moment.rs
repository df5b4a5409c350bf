//! The dates of the Dashboard's CSV files, as Stripe writes them and as spreadsheets save them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use restitch_model::Instant;

/// How `8/6/2026` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The eighth of June.
    DayFirst,
    /// The sixth of August.
    MonthFirst,
}

/// The moment that a text in UTC names: `2024-06-07 02:38:54`, `2022-04-23 21:56`, and as
/// spreadsheets save it, `8/6/2026 12:00` and `07.06.2024 02:38`. `None` where it is no date,
/// or one with slashes that can be read in two ways while no order is given.
pub(crate) fn moment(text: &str, order: Option<Order>) -> Option<Instant> {
    let written = Written::parse(text)?;
    let (month, day) = match (written.separator, order.or(written.order())) {
        ('-', _) => (written.second, written.third),
        ('/', _) if written.starts_with_year => (written.second, written.third),
        ('.', _) | ('/', Some(Order::DayFirst)) => (written.second, written.first),
        ('/', Some(Order::MonthFirst)) => (written.first, written.second),
        // The same number twice: the eighth of August either way.
        ('/', None) if written.first == written.second => (written.first, written.second),
        _ => return None,
    };
    let year = match if written.starts_with_year { written.first } else { written.third } {
        short @ 0..100 => 2000 + short,
        year => year,
    };
    let (hour, minute, second) = written.time;
    let small = |n: i16| i8::try_from(n).ok();
    DateTime::new(year, small(month)?, small(day)?, hour, minute, second, 0)
        .ok()?
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// The order that the dates of one column show: one in which a number above twelve stands
/// first or second tells it for all. `None` where none does, or two contradict each other.
pub(crate) fn order<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Order> {
    let mut orders =
        texts.into_iter().filter_map(Written::parse).filter_map(|written| written.order());
    let first = orders.next()?;
    orders.all(|order| order == first).then_some(first)
}

/// A date as it stands there.
struct Written {
    first: i16,
    second: i16,
    third: i16,
    separator: char,
    starts_with_year: bool,
    time: (i8, i8, i8),
}

impl Written {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches("UTC").trim_end_matches('Z').trim_end();
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "0:00"));
        let separator = date.chars().find(|c| !c.is_ascii_digit())?;
        let mut parts = date.split(separator);
        let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !['-', '/', '.'].contains(&separator) {
            return None;
        }
        let starts_with_year = first.len() == 4;
        if separator == '-' && !starts_with_year {
            return None;
        }
        Some(Self {
            first: number(first)?,
            second: number(second)?,
            third: number(third)?,
            separator,
            starts_with_year,
            time: clock(time.trim())?,
        })
    }

    /// The order that this date alone shows.
    fn order(&self) -> Option<Order> {
        if self.separator != '/' || self.starts_with_year {
            return None;
        }
        match (self.first > 12, self.second > 12) {
            (true, false) => Some(Order::DayFirst),
            (false, true) => Some(Order::MonthFirst),
            _ => None,
        }
    }
}

/// Digits alone: `parse` would take a sign as well.
fn number(text: &str) -> Option<i16> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn clock(text: &str) -> Option<(i8, i8, i8)> {
    let part = |text: &str| number(text).and_then(|n| i8::try_from(n).ok());
    let mut parts = text.split(':');
    let (hour, minute) = (part(parts.next()?)?, part(parts.next()?)?);
    // Parts of a second do not matter to any comparison.
    let second = parts.next().map_or(Some(0), |s| part(s.split('.').next().unwrap_or(s)))?;
    parts.next().is_none().then_some((hour, minute, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = moment(text, None).map_or("-".to_owned(), |instant| instant.to_string());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_dashboards_own_dates_are_utc() {
        check("2024-06-07 02:38:54", "2024-06-07T02:38:54Z");
        check("2022-04-23 21:56", "2022-04-23T21:56:00Z");
        check("2022-04-23T21:56:01.123Z", "2022-04-23T21:56:01Z");
        check("2022-04-23", "2022-04-23T00:00:00Z");
    }

    #[test]
    fn dates_saved_by_a_spreadsheet_are_read_where_they_are_clear() {
        check("8/26/2026 12:00", "2026-08-26T12:00:00Z");
        check("26/8/2026 12:00", "2026-08-26T12:00:00Z");
        check("8/8/26 9:05", "2026-08-08T09:05:00Z");
        check("07.06.2024 02:38", "2024-06-07T02:38:00Z");
        check("2026/08/26 12:00", "2026-08-26T12:00:00Z");
        check("8/6/2026 12:00", "-");
    }

    #[test]
    fn a_column_tells_the_order_of_its_dates() {
        let column = ["8/6/2026 12:00", "8/26/2026 12:00", ""];
        assert_eq!(order(column), Some(Order::MonthFirst));
        let found = moment(column[0], order(column)).unwrap();
        assert_eq!(found.to_string(), "2026-08-06T12:00:00Z");
        assert_eq!(order(["13/1/2026", "1/13/2026"]), None);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "Paid", "31.02.2026", "+8/-6/2026", "1-2-3-4", "2026-08-26 25:00", "/"] {
            check(text, "-");
        }
    }
}
