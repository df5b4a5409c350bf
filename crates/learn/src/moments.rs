//! Moments that an item tells in columns of their own: a day, and the time of day that stands
//! in a column behind it. And when the rows of a table were made, which say no time that is
//! known to be that of the row.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use restitch_facts::{Context, Found, Style, scan};
use restitch_model::{Fact, FactValue, Instant};

use crate::item::Item;

/// A longer text is no day and no time of day.
const LONGEST: usize = 40;
/// A time of day belongs to a day that stands so many columns before it at most.
const BEHIND: usize = 2;
/// A column tells when rows were made that holds a day in this share of them.
const TOLD: f64 = 0.9;
/// A column whose days lie over so many times the stretch of another's tells of something else:
/// when people were born.
const STRETCH: i64 = 4;

/// A moment that a column tells as a whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moment<'f> {
    /// The fact whose text the day is.
    pub(crate) day: &'f Fact,
    /// The fact whose text the time of day is, where that stands elsewhere.
    pub(crate) time: Option<&'f Fact>,
    /// How the day was read.
    pub(crate) style: Style,
    /// The day.
    pub(crate) date: Date,
    /// The time of day, where one is told.
    pub(crate) at: Option<Time>,
    /// The zone of both (an IANA name), where it is told.
    zone: Option<String>,
}

impl Moment<'_> {
    /// The last moment that it can be, where nothing tells a zone in this one.
    fn latest(&self, zone: &TimeZone) -> Option<Instant> {
        let told = self.zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let civil = self.date.to_datetime(self.at.unwrap_or(Time::constant(23, 59, 59, 0)));
        told.as_ref().unwrap_or(zone).to_timestamp(civil).ok()
    }
}

/// The moments among facts, in their order, in each way in which their days can be read.
pub(crate) fn moments(facts: &[Fact]) -> Vec<Moment<'_>> {
    let texts: Vec<(&Fact, Vec<Found>)> = facts
        .iter()
        .filter(|fact| !fact.name.contains('#'))
        .map(|fact| (fact, whole(&fact.value)))
        .collect();
    let mut moments = Vec::new();
    for (n, (day, found)) in texts.iter().enumerate() {
        let behind = texts[n + 1..].iter().take(BEHIND);
        let mut times = behind
            .take_while(|(_, found)| !found.iter().any(is_day))
            .filter_map(|(fact, found)| found.iter().find_map(|f| Some((*fact, time_of_day(f)?))));
        let beside = times.next();
        for f in found.iter().filter(|f| is_day(f)) {
            let (date, own, zone) = match &f.value {
                FactValue::Date(date) => (*date, None, None),
                FactValue::Local(local) => {
                    (local.civil.date(), Some(local.civil.time()), local.zone.clone())
                }
                FactValue::Instant(instant) => {
                    let civil = TimeZone::UTC.to_datetime(*instant);
                    (civil.date(), Some(civil.time()), Some("UTC".to_owned()))
                }
                _ => continue,
            };
            let beside = beside.filter(|_| own.is_none());
            moments.push(Moment {
                day,
                time: beside.map(|(fact, _)| fact),
                style: f.style,
                date,
                at: own.or(beside.map(|(_, time)| time)),
                zone,
            });
        }
    }
    moments
}

/// What a text is as a whole, in each way in which it can be read.
fn whole(value: &FactValue) -> Vec<Found> {
    let FactValue::Text(text) = value else { return Vec::new() };
    let text = text.trim();
    if text.len() > LONGEST || !text.bytes().any(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    let mut found = scan(text, Context::default());
    found.retain(|f| f.start == 0 && f.end == text.len());
    found
}

fn is_day(found: &Found) -> bool {
    matches!(found.value, FactValue::Date(_) | FactValue::Local(_) | FactValue::Instant(_))
}

fn time_of_day(found: &Found) -> Option<Time> {
    match found.value {
        FactValue::Time(time) => Some(time),
        _ => None,
    }
}

/// Puts the rows of tables in time, of which no fact is known to say when they were made: by the
/// column that tells the earliest day of most rows, of those whose days lie over a like stretch
/// of time. Where it tells no time of day, the row is as late as the day was: what was made
/// before the backup is known by its row there, and what came after would be missing. Clocks
/// without zone are those of `zone` (an IANA name).
pub fn date_rows(items: &mut [Item], zone: &str) {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let mut tables: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        tables.entry((item.kind.clone(), item.container.clone())).or_default().push(i);
    }
    for rows in tables.into_values() {
        for (i, at) in rows_made(items, &rows, &zone) {
            (items[i].at, items[i].made_at) = (at, at);
        }
    }
}

/// The day that each row of a table tells in one column, and the last moment that it can mean.
type Told = BTreeMap<usize, (Date, Instant)>;

/// When each of these items was made, as far as a column of their table tells.
fn rows_made(items: &[Item], rows: &[usize], zone: &TimeZone) -> BTreeMap<usize, Instant> {
    let mut read: BTreeMap<&str, BTreeMap<Style, Told>> = BTreeMap::new();
    for &i in rows {
        for moment in moments(&items[i].facts) {
            if let Some(latest) = moment.latest(zone) {
                let styles = read.entry(&moment.day.name).or_default();
                let told = styles.entry(moment.style).or_default();
                told.entry(i).or_insert((moment.date, latest));
            }
        }
    }
    // Days that can be read in two ways are read as most of the column can be, or so that they lie
    // closer together.
    let likeliest = |styles: BTreeMap<Style, Told>| {
        let rank = |(style, told): &(Style, Told)| {
            (told.len(), std::cmp::Reverse(stretch(told)), std::cmp::Reverse(*style))
        };
        styles.into_iter().max_by_key(rank).map(|(_, told)| told).unwrap_or_default()
    };
    let mut columns: BTreeMap<&str, Told> =
        read.into_iter().map(|(name, styles)| (name, likeliest(styles))).collect();
    columns.retain(|_, told| told.len() as f64 >= TOLD * rows.len() as f64);
    // The day of the export stands in all rows alike, and tells nothing of them.
    if columns.values().any(|told| stretch(told) > 0) {
        columns.retain(|_, told| stretch(told) > 0);
    }
    let Some(least) = columns.values().map(stretch).min() else { return BTreeMap::new() };
    columns.retain(|_, told| stretch(told) <= STRETCH * least.max(1));
    // How many rows each column tells the earliest day of.
    let mut earliest: BTreeMap<&str, usize> = BTreeMap::new();
    for i in rows {
        let told = || columns.iter().filter_map(|(name, told)| Some((told.get(i)?.0, *name)));
        let first = told().map(|(day, _)| day).min();
        for (_, name) in told().filter(|(day, _)| Some(*day) == first) {
            *earliest.entry(name).or_default() += 1;
        }
    }
    let most = earliest.into_iter().max_by_key(|&(name, n)| (n, std::cmp::Reverse(name)));
    let told = most.and_then(|(name, _)| columns.remove(name)).unwrap_or_default();
    told.into_iter().map(|(i, (_, at))| (i, at)).collect()
}

/// Over how many days the middle nine tenths of a column lie.
fn stretch(told: &Told) -> i64 {
    let mut days: Vec<Date> = told.values().map(|(day, _)| *day).collect();
    days.sort_unstable();
    let last = days.len().saturating_sub(1);
    let (low, high) = (last / 20, last - last / 20);
    days.get(low).zip(days.get(high)).map_or(0, |(low, high)| i64::from((*high - *low).get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{item, text};

    /// When each row of a table was made; rows are columns parted by ` | `.
    fn made(columns: &str, rows: &[&str]) -> Vec<String> {
        let names: Vec<String> = columns.split(' ').map(|name| format!("/{name}")).collect();
        let mut items: Vec<Item> = rows
            .iter()
            .enumerate()
            .map(|(n, row)| {
                let cells = names.iter().map(String::as_str).zip(row.split(" | ").map(text));
                let mut item = item(n, "table.row", &cells.collect::<Vec<_>>());
                (item.at, item.made_at) = (Instant::UNIX_EPOCH, Instant::UNIX_EPOCH);
                item
            })
            .collect();
        date_rows(&mut items, "Europe/Berlin");
        items.iter().map(|item| item.made_at.to_string()).collect()
    }

    #[test]
    fn a_day_and_the_time_in_the_column_behind_it_are_one_moment() {
        assert_eq!(
            made("Day Time Sum", &["05/07/2025 | 10:35 | 3,00", "13/07/2025 | 09:00 | 4,00"]),
            ["2025-07-05T08:35:00Z", "2025-07-13T07:00:00Z"]
        );
    }

    #[test]
    fn a_row_that_tells_no_time_of_day_is_as_late_as_its_day() {
        assert_eq!(made("Day", &["2025-12-24"]), ["2025-12-24T22:59:59Z"]);
    }

    #[test]
    fn a_booking_was_made_before_the_guest_came_and_after_he_was_born() {
        let rows = [
            "7.3.1961 | 2.2.2026 | 3.5.2026 | 9.5.2026",
            "1.9.1990 | 4.2.2026 | 5.2.2026 | 6.2.2026",
            "30.1.1984 | 6.2.2026 | 1.4.2026 | 2.4.2026",
        ];
        assert_eq!(
            made("Born Booked Arrives Leaves", &rows),
            ["2026-02-02T22:59:59Z", "2026-02-04T22:59:59Z", "2026-02-06T22:59:59Z"]
        );
    }

    #[test]
    fn the_day_of_the_export_tells_nothing() {
        let rows = ["1.5.2026 | 3.4.2026 12:00 | Jo", "1.5.2026 | 9.4.2026 13:00 | An"];
        assert_eq!(
            made("Printed Paid Who", &rows),
            ["2026-04-03T10:00:00Z", "2026-04-09T11:00:00Z"]
        );
    }

    #[test]
    fn a_table_that_tells_no_day_stays_without_time() {
        assert_eq!(made("Name Sum", &["Jo | 12,50"]), ["1970-01-01T00:00:00Z"]);
    }
}
