//! What was damaged, where that is not "everything since the backup": one tenant's rows, a table,
//! a column, a window of time. What lies outside of it is truth, and learned from.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use restitch_model::{Instant, Snapshot, Table, TimeWindow};
use serde::{Deserialize, Serialize};

use crate::shape::{Bindings, ColumnKind, View};

/// Records may be heard of a little before their row is made …
const EARLY: SignedDuration = SignedDuration::from_mins(10);
/// … and for the first time a good while after it.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// What was damaged: all that one of the parts covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Damage {
    /// The parts.
    pub parts: Vec<Part>,
}

/// One part of the damage: what all of its limits cover. Written with `+` between them, such as
/// `tenant:7+window:2025-03-01..2025-03-09`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Part {
    /// The key of the tenant whose rows alone it is about.
    pub tenant: Option<String>,
    /// The table that alone it is about.
    pub table: Option<String>,
    /// The column that was overwritten, of rows that are still there. Without one, rows are gone.
    pub column: Option<String>,
    /// Rows of the table were copied, and none is gone.
    pub is_copied: bool,
    /// When the rows were made: from the first moment on, before the second.
    pub window: Option<TimeWindow>,
}

/// A row or a record, as far as damage asks for it.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Its table.
    pub table: &'a str,
    /// Whose it is, where that is known.
    pub tenant: Option<&'a str>,
    /// When it was made, or first heard of.
    pub at: Option<Instant>,
}

impl Damage {
    /// Whether nothing is damaged.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The earliest moment from which rows may be damaged.
    pub fn start(&self) -> Instant {
        let starts = self.parts.iter().map(|part| part.window.map_or(Instant::MIN, |w| w.start));
        starts.min().unwrap_or(Instant::MIN)
    }

    /// The columns that were overwritten in a row.
    pub fn overwritten(&self, row: About<'_>) -> Vec<&str> {
        let covering = self.parts.iter().filter(|part| part.covers(row));
        covering.filter_map(|part| part.column.as_deref()).collect()
    }

    /// Whether a row was taken.
    pub fn took(&self, row: About<'_>) -> bool {
        self.parts.iter().any(|part| part.takes_rows() && part.covers(row))
    }

    /// Whether a record may be about a row that was taken: it was heard of at about its time.
    pub fn explains(&self, record: About<'_>) -> bool {
        self.parts.iter().any(|part| part.takes_rows() && part.is_near(record))
    }

    /// Whether a record that no row stands for may be missing because of the damage. Of a record
    /// whose tenant is not known it may be so.
    pub(crate) fn excuses(&self, record: About<'_>) -> bool {
        self.parts.iter().filter(|part| !part.is_copied).any(|part| {
            let tenant = record.tenant.or(part.tenant.as_deref());
            part.is_near(About { tenant, ..record })
        })
    }

    /// What damage needs to be there and is not.
    ///
    /// # Errors
    /// A table, a column or a tenant that the database does not have, as a sentence.
    pub fn check(&self, snapshot: &Snapshot, bindings: &Bindings) -> Result<(), String> {
        for part in &self.parts {
            if let Some(name) = &part.table {
                let Some(table) = snapshot.table(name) else {
                    let known = snapshot.tables.iter().map(|t| t.schema.name.as_str());
                    return Err(format!(
                        "{part}: there is no table {name}; there are {}",
                        list(known)
                    ));
                };
                if let Some(column) = &part.column
                    && table.schema.position(column).is_none()
                {
                    let known = table.schema.columns.iter().map(|c| c.name.as_str());
                    return Err(format!(
                        "{part}: {name} has no column {column}; it has {}",
                        list(known)
                    ));
                }
            }
            if let Some(tenant) = &part.tenant {
                let table = bindings.tenant.as_deref().and_then(|name| snapshot.table(name));
                let Some(table) = table else {
                    return Err(format!("{part}: no table of tenants was found in the database"));
                };
                let known = keys(table);
                if !known.contains(tenant) {
                    let known = list(known.iter().map(String::as_str));
                    return Err(format!(
                        "{part}: {} has no key {tenant}; it has {known}",
                        table.schema.name
                    ));
                }
            }
        }
        Ok(())
    }

    /// The snapshot without the rows in which a column was overwritten: what they say of it is no
    /// example of how evidence becomes rows.
    pub fn outside(&self, snapshot: &Snapshot, bindings: &Bindings) -> Snapshot {
        let mut outside = snapshot.clone();
        for table in &mut outside.tables {
            let name = table.schema.name.as_str();
            let is_named =
                |part: &Part| part.column.is_some() && part.table.as_deref() == Some(name);
            if !self.parts.iter().any(is_named) {
                continue;
            }
            let of_rows = OfRows::of(snapshot, name, bindings);
            let mut row = 0..;
            table.rows.retain(|_| {
                let row = row.next().unwrap_or_default();
                self.overwritten(of_rows.about(row)).is_empty()
            });
        }
        outside
    }
}

impl Part {
    fn takes_rows(&self) -> bool {
        self.column.is_none() && !self.is_copied
    }

    /// Whether a row is of the part. A row of which it is not known whose it is, or when it was
    /// made, is not where the part asks for that.
    pub fn covers(&self, row: About<'_>) -> bool {
        let is_in = |window: TimeWindow| row.at.is_some_and(|at| window.contains(at));
        self.is_of(row) && self.window.is_none_or(is_in)
    }

    fn is_near(&self, record: About<'_>) -> bool {
        let is_in = |window: TimeWindow| {
            let start = window.start.checked_sub(EARLY).unwrap_or(window.start);
            let end = window.end.checked_add(LATE).unwrap_or(window.end);
            record.at.is_some_and(|at| start <= at && at < end)
        };
        self.is_of(record) && self.window.is_none_or(is_in)
    }

    fn is_of(&self, row: About<'_>) -> bool {
        self.table.as_deref().is_none_or(|table| table == row.table)
            && self.tenant.as_deref().is_none_or(|tenant| row.tenant == Some(tenant))
    }
}

/// Whose the rows of a table are, and when they were made.
pub struct OfRows<'r> {
    table: &'r str,
    view: Option<View>,
    /// The text of the tenant's key of each row, where rows belong to tenants.
    tenants: Vec<Option<String>>,
}

impl<'r> OfRows<'r> {
    /// Looks at a table. Whose a row is may be told by a row that it refers to.
    pub fn of(snapshot: &Snapshot, table: &'r str, bindings: &Bindings) -> Self {
        let view = View::of(snapshot, table);
        let is_tenant = |kind: &ColumnKind| matches!(kind, ColumnKind::Reference(to) if Some(to) == bindings.tenant.as_ref());
        let tenants = view.iter().flat_map(|view| {
            let path = view.paths.iter().position(|path| is_tenant(&path.kind));
            view.rows.iter().map(move |row| {
                path.map(|p| &row[p]).filter(|value| !value.is_null()).map(ToString::to_string)
            })
        });
        let tenants = tenants.collect();
        Self { table, view, tenants }
    }

    /// What damage asks of a row.
    pub fn about(&self, row: usize) -> About<'_> {
        About {
            table: self.table,
            tenant: self.tenants.get(row).and_then(Option::as_deref),
            at: self.view.as_ref().and_then(|view| view.created(row)),
        }
    }
}

fn keys(table: &Table) -> Vec<String> {
    table.rows.iter().filter_map(|row| table.key(row).first().map(ToString::to_string)).collect()
}

fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut part = Self::default();
        for limit in text.split('+') {
            part.add(limit.trim()).map_err(|problem| format!("{text:?}: {problem}"))?;
        }
        Ok(part)
    }
}

impl Part {
    fn add(&mut self, limit: &str) -> Result<(), String> {
        let (kind, rest) = limit.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or(
            "damage is tenant:KEY, table:TABLE, column:TABLE.COLUMN, duplicates:TABLE or \
             window:FROM..UNTIL, or several of these with + between them",
        )?;
        match kind {
            "tenant" => set(&mut self.tenant, rest, "tenant")?,
            "table" => set(&mut self.table, rest, "table")?,
            "duplicates" => {
                set(&mut self.table, rest, "table")?;
                self.is_copied = true;
            }
            "column" => {
                let (table, column) = rest.split_once('.').ok_or("a column is TABLE.COLUMN")?;
                set(&mut self.table, table, "table")?;
                set(&mut self.column, column, "column")?;
            }
            "window" => {
                let (from, until) = rest.split_once("..").ok_or("a window is FROM..UNTIL")?;
                let window = TimeWindow { start: moment(from)?, end: moment(until)? };
                if window.start >= window.end {
                    return Err("a window ends after it begins".to_owned());
                }
                if self.window.replace(window).is_some() {
                    return Err("a part has one window; give two parts".to_owned());
                }
            }
            _ => {
                return Err(format!(
                    "there is no damage of the kind {kind:?}; there are tenant, table, column, \
                     duplicates and window"
                ));
            }
        }
        Ok(())
    }
}

fn set(slot: &mut Option<String>, value: &str, what: &str) -> Result<(), String> {
    match slot.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(format!("a part has one {what}; give two parts")),
    }
}

/// A day, which begins at midnight in UTC, or a moment.
fn moment(text: &str) -> Result<Instant, String> {
    let day = |text: &str| {
        let day: Date = text.parse().ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<Timestamp>().ok().or_else(|| day(text)).ok_or_else(|| {
        format!("{text:?} is no day or moment, such as 2025-03-01 or 2025-03-01T04:00:00Z")
    })
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut limits = Vec::new();
        limits.extend(self.tenant.as_ref().map(|tenant| format!("tenant:{tenant}")));
        limits.extend(self.table.as_ref().map(|table| match (&self.column, self.is_copied) {
            (Some(column), _) => format!("column:{table}.{column}"),
            (None, true) => format!("duplicates:{table}"),
            (None, false) => format!("table:{table}"),
        }));
        limits.extend(self.window.map(|w| format!("window:{}..{}", w.start, w.end)));
        f.write_str(&limits.join("+"))
    }
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(part: &str, table: &str, tenant: Option<&str>, at: &str) -> bool {
        let part: Part = part.parse().unwrap();
        part.covers(About { table, tenant, at: at.parse().ok() })
    }

    #[test]
    fn a_part_covers_what_all_of_its_limits_cover() {
        let part = "tenant:7+window:2025-03-01..2025-03-09";
        let (inside, after) = ("2025-03-08T23:59:59Z", "2025-03-09T00:00:00Z");
        assert!(covers(part, "rentals", Some("7"), inside));
        assert!(!covers(part, "rentals", Some("8"), inside));
        assert!(!covers(part, "rentals", Some("7"), after));
        assert!(!covers(part, "rentals", None, inside), "nobody knows whose it is");
        assert!(!covers(part, "vehicles", Some("7"), "no time"), "nobody knows when it was made");
        assert!(covers("column:rentals.price", "rentals", None, after));
        assert!(!covers("table:payments", "rentals", None, after));
    }

    #[test]
    fn a_part_is_written_as_it_is_read() {
        for text in [
            "tenant:7",
            "table:payments",
            "column:rentals.price",
            "duplicates:payments",
            "tenant:7+table:rentals+window:2025-03-01T00:00:00Z..2025-03-09T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_damage_is_refused_with_what_is() {
        for (text, problem) in [
            ("price", "damage is tenant:KEY"),
            ("rows:payments", "there are tenant, table, column, duplicates and window"),
            ("column:price", "a column is TABLE.COLUMN"),
            ("window:2025-03-09..2025-03-01", "ends after it begins"),
            ("window:soon..later", "is no day or moment"),
            ("table:a+table:b", "give two parts"),
        ] {
            let said = text.parse::<Part>().unwrap_err();
            assert!(said.contains(problem), "{said}");
        }
    }

    #[test]
    fn a_record_is_of_the_damage_where_it_was_heard_of_at_about_that_time() {
        let damage = Damage { parts: vec!["window:2025-03-01..2025-03-09".parse().unwrap()] };
        let explains = |at: &str| {
            damage.explains(About { table: "rentals", tenant: None, at: at.parse().ok() })
        };
        assert!(explains("2025-02-28T23:55:00Z") && explains("2025-03-09T12:00:00Z"));
        assert!(!explains("2025-02-28T12:00:00Z") && !explains("2025-03-11T00:00:00Z"));
    }
}
