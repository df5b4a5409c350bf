//! A database without its newest rows: a loss whose truth is at hand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use restitch_learn::shape::View;
use restitch_model::{Digest, Instant, RowKey, Snapshot, Table, Value};

use crate::score::identity;

/// A column tells when its rows were made where this share of rows hold a time.
const TOLD: f64 = 0.9;
/// … and this share of neighbours by key follow one another in time.
const IN_ORDER: f64 = 0.9;

/// A snapshot from which rows were taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Forgotten {
    /// What is left.
    pub snapshot: Snapshot,
    /// The keys of the rows taken, by table; whole rows where a table has no key. A table that lost
    /// none is not named.
    pub dropped: BTreeMap<String, BTreeSet<RowKey>>,
    /// The column that tells when a row was made, of each table that has one.
    pub created: BTreeMap<String, String>,
}

/// Takes the rows away that were made from `since` on, up to but without `until`, and every
/// row that refers to one of them.
///
/// When a row was made is found from the data: a column that holds a time in most rows, and
/// whose times follow the order of the table's counting key; where keys do not count, the time
/// that lies before all others of a row. Rows of a table without such a column go only with the
/// rows that they refer to. Times without a zone are taken as UTC.
pub fn forget(snapshot: &Snapshot, since: Instant, until: Option<Instant>) -> Forgotten {
    let mut created = BTreeMap::new();
    let mut gone = Gone::new();
    for table in &snapshot.tables {
        let name = table.schema.name.as_str();
        let rows = gone.entry(name).or_default();
        let Some(column) = created_column(snapshot, table) else { continue };
        created.insert(name.to_owned(), table.schema.columns[column].name.clone());
        for (i, row) in table.rows.iter().enumerate() {
            let at = time(&row[column]);
            if at.is_some_and(|at| at >= since && until.is_none_or(|until| at < until)) {
                rows.insert(i);
            }
        }
    }
    Forgotten { created, ..without(snapshot, gone) }
}

/// For each table, the positions of the rows that are gone.
pub(crate) type Gone<'g> = BTreeMap<&'g str, BTreeSet<usize>>;

/// The snapshot without these rows, and without every row that refers to one of them.
pub(crate) fn without<'s>(snapshot: &'s Snapshot, mut gone: Gone<'s>) -> Forgotten {
    for table in &snapshot.tables {
        gone.entry(&table.schema.name).or_default();
    }
    while take_children(snapshot, &mut gone) {}
    let mut left = snapshot.clone();
    let mut dropped = BTreeMap::new();
    for table in &mut left.tables {
        let Some(rows) = gone.get(table.schema.name.as_str()).filter(|rows| !rows.is_empty())
        else {
            continue;
        };
        let keys = rows.iter().map(|i| identity(table, &table.rows[*i])).collect();
        dropped.insert(table.schema.name.clone(), keys);
        let mut i = 0;
        table.rows.retain(|_| {
            i += 1;
            !rows.contains(&(i - 1))
        });
    }
    left.fingerprint = fingerprint(snapshot, &dropped);
    Forgotten { snapshot: left, dropped, created: BTreeMap::new() }
}

/// Takes rows that refer to a row taken; whether there were any.
fn take_children<'a>(snapshot: &'a Snapshot, gone: &mut Gone<'a>) -> bool {
    let mut more = false;
    for table in &snapshot.tables {
        for key in &table.schema.foreign_keys {
            let Some(parent) = snapshot.table(&key.table) else { continue };
            let positions = (table.schema.position(&key.column), parent.schema.position(&key.to));
            let (Some(here), Some(there)) = positions else { continue };
            let lost: BTreeSet<&Value> = gone[parent.schema.name.as_str()]
                .iter()
                .map(|i| &parent.rows[*i][there])
                .filter(|value| !value.is_null())
                .collect();
            let rows = gone.entry(table.schema.name.as_str()).or_default();
            for (i, row) in table.rows.iter().enumerate() {
                more |= lost.contains(&row[here]) && rows.insert(i);
            }
        }
    }
    more
}

/// The position of the column that tells when a row was made.
pub(crate) fn created_column(snapshot: &Snapshot, table: &Table) -> Option<usize> {
    let [key] = table.schema.primary_key.as_slice() else { return None };
    let key = table.schema.position(key)?;
    let mut order: Vec<usize> = (0..table.rows.len()).collect();
    if order.iter().any(|i| table.rows[*i][key].as_integer().is_none()) {
        // Keys that do not count, such as UUIDs, tell no order. Then it is the time that no other
        // time of a row lies before, as learning finds it.
        let view = View::of(snapshot, &table.schema.name)?;
        let (path, _) = view.creation()?;
        return table.schema.position(&view.paths[path].name);
    }
    order.sort_by(|a, b| table.rows[*a][key].cmp(&table.rows[*b][key]));
    let mut best: Option<(f64, usize)> = None;
    for column in (0..table.schema.columns.len()).filter(|column| *column != key) {
        let times: Vec<Timestamp> =
            order.iter().filter_map(|i| time(&table.rows[*i][column])).collect();
        if times.len() < 3 || (times.len() as f64) < TOLD * order.len() as f64 {
            continue;
        }
        let steps = times.windows(2).filter(|pair| pair[0] <= pair[1]).count();
        let in_order = steps as f64 / (times.len() - 1) as f64;
        let varies = times.iter().any(|at| *at != times[0]);
        if varies && in_order >= IN_ORDER && best.is_none_or(|(share, _)| in_order > share) {
            best = Some((in_order, column));
        }
    }
    best.map(|(_, column)| column)
}

/// A cell as a moment: a date with or without time as text, or seconds or milliseconds since
/// 1970 between the years 2000 and 2100.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    const YEARS: std::ops::Range<i64> = 946_684_800..4_102_444_800;
    match value {
        Value::Text(text) => {
            let utc = |at: DateTime| at.in_tz("UTC").ok().map(|at| at.timestamp());
            let plain = |text: &str| text.parse::<DateTime>().ok().and_then(utc);
            let day =
                |text: &str| text.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0)));
            if !text.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            text.parse().ok().or_else(|| plain(text)).or_else(|| day(text))
        }
        Value::Integer(n) if YEARS.contains(n) => Timestamp::from_second(*n).ok(),
        Value::Integer(n) if YEARS.contains(&(n / 1_000)) => Timestamp::from_millisecond(*n).ok(),
        _ => None,
    }
}

/// A name for the state that is left, made from that of the whole and of what was taken.
fn fingerprint(whole: &Snapshot, dropped: &BTreeMap<String, BTreeSet<RowKey>>) -> Digest {
    let mut parts = vec![whole.fingerprint.to_string().into_bytes()];
    for (table, keys) in dropped {
        parts.push(table.clone().into_bytes());
        for key in keys {
            let key: Vec<String> = key.iter().map(|value| format!("{value:?}")).collect();
            parts.push(key.join("\u{1f}").into_bytes());
        }
    }
    Digest::of_parts(parts.iter().map(Vec::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::snapshot;

    const SINCE: &str = "2026-01-20T00:00:00Z";

    fn forgotten(text: &str) -> (Vec<String>, Forgotten) {
        let forgotten = forget(&snapshot(text), SINCE.parse().unwrap(), None);
        let dropped = forgotten.dropped.iter().map(|(table, keys)| {
            let keys: Vec<String> = keys.iter().map(|key| key[0].to_string()).collect();
            format!("{table}: {}", keys.join(" "))
        });
        (dropped.collect(), forgotten)
    }

    const RENTALS: &str = "rentals id*|ref|pickup_at|created_at
        1|A|2026-03-01T10:00:00Z|2026-01-02T10:00:00Z
        2|B|2026-01-05T10:00:00Z|2026-01-03T10:00:00Z
        3|C|2026-02-01T10:00:00Z|2026-01-21T10:00:00Z
        4|D|2026-01-23T10:00:00Z|2026-01-22T10:00:00Z";

    #[test]
    fn the_column_that_follows_the_key_tells_when_a_row_was_made() {
        let (dropped, forgotten) = forgotten(RENTALS);
        assert_eq!(dropped, ["rentals: 3 4"]);
        assert_eq!(forgotten.created["rentals"], "created_at");
        assert_eq!(forgotten.snapshot.tables[0].rows.len(), 2);
        assert_ne!(forgotten.snapshot.fingerprint, snapshot(RENTALS).fingerprint);
    }

    #[test]
    fn what_refers_to_a_row_taken_goes_with_it() {
        let text =
            format!("{RENTALS}\n        extras id*|rental_id>rentals|name\n1|2|seat\n2|4|gps");
        assert_eq!(forgotten(&text).0, ["extras: 2", "rentals: 3 4"]);
    }

    #[test]
    fn a_table_without_times_keeps_its_rows() {
        let (dropped, forgotten) = forgotten("cars id*|plate\n1|X\n2|Y\n3|Z");
        assert!(dropped.is_empty() && forgotten.created.is_empty());
    }

    #[test]
    fn a_window_in_the_middle_leaves_what_came_later() {
        let until = Some("2026-01-22T00:00:00Z".parse().unwrap());
        let forgotten = forget(&snapshot(RENTALS), SINCE.parse().unwrap(), until);
        assert_eq!(forgotten.snapshot.tables[0].rows.len(), 3);
    }

    #[test]
    fn times_are_read_as_text_and_as_numbers() {
        let at = |value: Value| time(&value).map(|at| at.to_string());
        assert_eq!(at("2026-01-05 10:00:00".into()).unwrap(), "2026-01-05T10:00:00Z");
        assert_eq!(at("2026-01-05".into()).unwrap(), "2026-01-05T00:00:00Z");
        assert_eq!(at(Value::Integer(1_769_310_000)).unwrap(), "2026-01-25T03:00:00Z");
        assert_eq!(at(Value::Integer(1_769_310_000_000)).unwrap(), "2026-01-25T03:00:00Z");
        assert_eq!(at("BRT-10482".into()), None);
        assert_eq!(at(Value::Integer(10_482)), None);
    }
}
