//! What the tables of a snapshot look like: which columns hold times, which refer to which
//! table, and what can be reached from a row through its references.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_model::{Instant, Row, Snapshot, Table, Value};

use crate::time_format::TimeFormat;

/// How many references deep a path may go.
const DEPTH: usize = 1;

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnKind {
    /// The table's own key.
    Key,
    /// The key of a row of another table.
    Reference(String),
    /// Moments or dates, in one format.
    Time(TimeFormat),
    /// Names of time zones.
    Zone,
    /// Whole numbers.
    Integer,
    /// Texts.
    Text,
    /// Nothing that rules are made for.
    Other,
}

/// A column of a table, or one reached from it through references: `vehicle_id.plate`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The columns, joined by points.
    pub name: String,
    /// What the last of them holds.
    pub kind: ColumnKind,
    /// How many different values it has, NULL aside.
    pub distinct: usize,
    /// How many rows have a value.
    pub filled: usize,
    /// Whether all values are e-mail addresses.
    pub is_email: bool,
}

impl Path {
    /// Whether a value could stand in it.
    pub fn admits(&self, value: &Value) -> bool {
        !self.is_email || value.as_text().is_some_and(|text| text.contains('@'))
    }

    /// Whether it is a column of the table itself.
    pub fn is_own(&self) -> bool {
        !self.name.contains('.')
    }
}

/// A table seen from its rows: the value of every path of every row.
#[derive(Debug, Clone)]
pub struct View {
    /// The table's name.
    pub table: String,
    /// Its paths: own columns first.
    pub paths: Vec<Path>,
    /// For each row, in the order of the snapshot, the value of each path.
    pub rows: Vec<Row>,
}

impl View {
    /// Looks at a table with all that can be reached from it.
    pub fn of(snapshot: &Snapshot, table: &str) -> Option<Self> {
        let own = snapshot.table(table)?;
        let mut paths = Vec::new();
        let mut rows = vec![Row::new(); own.rows.len()];
        let starts: Vec<Option<&Row>> = own.rows.iter().map(Some).collect();
        follow(snapshot, own, &starts, "", DEPTH, &mut paths, &mut rows);
        Some(Self { table: table.to_owned(), paths, rows })
    }

    /// The position of a path.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.paths.iter().position(|p| p.name == path)
    }

    /// A path by its name.
    pub fn path(&self, path: &str) -> Option<&Path> {
        self.position(path).map(|i| &self.paths[i])
    }

    /// The first path that names time zones: the zone that a row's local times are meant in.
    pub fn zone_path(&self) -> Option<&str> {
        self.paths.iter().find(|p| p.kind == ColumnKind::Zone).map(|p| p.name.as_str())
    }

    /// Own text columns in which no value stands twice, nearly every row has one, and which
    /// are no times: what names a record to people, such as a reference.
    pub fn natural_keys(&self) -> Vec<&Path> {
        self.paths
            .iter()
            .filter(|p| p.is_own() && p.kind == ColumnKind::Text)
            .filter(|p| p.filled * 10 >= self.rows.len() * 5 && p.filled >= 20)
            .filter(|p| p.distinct == p.filled)
            .collect()
    }
}

fn follow(
    snapshot: &Snapshot,
    table: &Table,
    at: &[Option<&Row>],
    prefix: &str,
    depth: usize,
    paths: &mut Vec<Path>,
    rows: &mut [Row],
) {
    for (c, column) in table.schema.columns.iter().enumerate() {
        let is_key = table.schema.primary_key == [column.name.as_str()];
        if is_key && !prefix.is_empty() {
            continue;
        }
        let values = || at.iter().map(|row| row.map_or(&Value::Null, |row| &row[c]));
        let distinct: BTreeSet<&Value> = values().filter(|v| !v.is_null()).collect();
        paths.push(Path {
            name: format!("{prefix}{}", column.name),
            kind: kind_of(table, c, is_key),
            distinct: distinct.len(),
            filled: values().filter(|v| !v.is_null()).count(),
            is_email: !distinct.is_empty()
                && distinct.iter().all(|v| v.as_text().is_some_and(|t| t.contains('@'))),
        });
        for (row, value) in rows.iter_mut().zip(values()) {
            row.push(value.clone());
        }
    }
    if depth == 0 {
        return;
    }
    for key in &table.schema.foreign_keys {
        let (Some(from), Some(target)) =
            (table.schema.position(&key.column), snapshot.table(&key.table))
        else {
            continue;
        };
        let Some(to) = target.schema.position(&key.to) else { continue };
        if target.schema.name == table.schema.name {
            continue;
        }
        let index: HashMap<&Value, &Row> = target.rows.iter().map(|row| (&row[to], row)).collect();
        let next: Vec<Option<&Row>> =
            at.iter().map(|row| row.and_then(|row| index.get(&row[from]).copied())).collect();
        let prefix = format!("{prefix}{}.", key.column);
        follow(snapshot, target, &next, &prefix, depth - 1, paths, rows);
    }
}

fn kind_of(table: &Table, column: usize, is_key: bool) -> ColumnKind {
    let name = &table.schema.columns[column].name;
    if is_key {
        return ColumnKind::Key;
    }
    if let Some(key) = table.schema.foreign_key(name) {
        return ColumnKind::Reference(key.table.clone());
    }
    let values: Vec<&Value> =
        table.rows.iter().map(|row| &row[column]).filter(|v| !v.is_null()).collect();
    if let Some(format) = TimeFormat::of(&values) {
        return ColumnKind::Time(format);
    }
    if values.is_empty() {
        return ColumnKind::Other;
    }
    if values.iter().all(|v| matches!(v, Value::Integer(_))) {
        return ColumnKind::Integer;
    }
    let texts: Vec<&str> = values.iter().filter_map(|v| v.as_text()).collect();
    if texts.len() < values.len() {
        return ColumnKind::Other;
    }
    if texts.iter().all(|t| t.contains('/') && jiff::tz::TimeZone::get(t).is_ok()) {
        return ColumnKind::Zone;
    }
    ColumnKind::Text
}

/// Which table is which record type, and what the tables have in common.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bindings {
    /// Record type to table.
    pub tables: BTreeMap<String, String>,
    /// The table of those whom all the others belong to, where the database has tenants.
    pub tenant: Option<String>,
    /// Why, a sentence each.
    pub reasons: Vec<String>,
}

impl Bindings {
    /// The table of a record type.
    pub fn table(&self, record_type: &str) -> Option<&str> {
        self.tables.get(record_type).map(String::as_str)
    }

    /// Finds the tables by their shape, keeping what the pipeline names.
    ///
    /// Customers are the rows with the most different e-mail addresses. Reservations refer to
    /// customers and have the most times. Payments refer to reservations and have a time and
    /// a number. Tenants are what most of these refer to, and few.
    pub fn find(snapshot: &Snapshot, named: &BTreeMap<String, String>) -> Self {
        let mut found = Self { tables: named.clone(), tenant: None, reasons: Vec::new() };
        for (record_type, table) in named {
            found.reasons.push(format!("{record_type} is {table}: the pipeline says so"));
        }
        let mut bind = |record_type: &str, score: &dyn Fn(&Table, &Self) -> usize, why: &str| {
            if found.tables.contains_key(record_type) {
                return;
            }
            let taken: BTreeSet<&String> = found.tables.values().collect();
            let best = snapshot
                .tables
                .iter()
                .filter(|t| !taken.contains(&t.schema.name))
                .map(|t| (score(t, &found), t))
                .max_by(|a, b| a.0.cmp(&b.0).then(b.1.schema.name.cmp(&a.1.schema.name)));
            if let Some((1.., table)) = best {
                let name = table.schema.name.clone();
                found.reasons.push(format!("{record_type} is {name}: {why}"));
                found.tables.insert(record_type.to_owned(), name);
            }
        };
        bind("customer", &|t, _| emails(t), "it holds the most e-mail addresses");
        bind(
            "reservation",
            &|t, found| match found.table("customer") {
                Some(customer) if refers(t, customer) => {
                    times(t) * 10 + t.schema.foreign_keys.len()
                }
                _ => 0,
            },
            "it refers to customers and holds the most times",
        );
        bind(
            "payment",
            &|t, found| match found.table("reservation") {
                Some(reservation) if refers(t, reservation) && numbers(t) > 0 => {
                    times(t) + numbers(t)
                }
                _ => 0,
            },
            "it refers to reservations and holds amounts with a time",
        );
        let bound: BTreeSet<String> = found.tables.values().cloned().collect();
        let referring = |table: &Table| {
            snapshot.tables.iter().filter(|t| refers(t, &table.schema.name)).count()
        };
        found.tenant = snapshot
            .tables
            .iter()
            .filter(|t| !bound.contains(&t.schema.name) && t.schema.foreign_keys.is_empty())
            .filter(|t| t.rows.len() > 1)
            .filter(|t| {
                ["customer", "reservation"].iter().all(|r| {
                    found
                        .table(r)
                        .and_then(|name| snapshot.table(name))
                        .is_some_and(|bound| refers(bound, &t.schema.name))
                })
            })
            .max_by_key(|t| (referring(t), std::cmp::Reverse(t.schema.name.clone())))
            .map(|t| t.schema.name.clone());
        if let Some(tenant) = &found.tenant {
            found.reasons.push(format!(
                "rows belong to {tenant}: customers and reservations both refer to it"
            ));
        }
        found
    }
}

fn refers(table: &Table, to: &str) -> bool {
    table.schema.foreign_keys.iter().any(|key| key.table == to)
}

fn emails(table: &Table) -> usize {
    let per_column = |c: usize| {
        let values: BTreeSet<&str> = table
            .rows
            .iter()
            .filter_map(|row| row[c].as_text())
            .filter(|text| text.contains('@') && !text.contains(' '))
            .collect();
        values.len()
    };
    (0..table.schema.columns.len()).map(per_column).max().unwrap_or(0)
}

fn times(table: &Table) -> usize {
    let is_time = |c: &usize| matches!(kind_of(table, *c, false), ColumnKind::Time(_));
    (0..table.schema.columns.len()).filter(is_time).count()
}

fn numbers(table: &Table) -> usize {
    let is_number = |c: &usize| {
        let name = &table.schema.columns[*c].name;
        !table.schema.primary_key.contains(name)
            && matches!(kind_of(table, *c, false), ColumnKind::Integer)
    };
    (0..table.schema.columns.len()).filter(is_number).count()
}

/// The moments between which rows were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Incident {
    /// The last moment that the backup holds.
    pub backup_at: Instant,
    /// The moment of loss.
    pub lost_at: Instant,
}

/// A pause in the creation of rows is the incident's from this many hours on.
const PAUSE_HOURS: i64 = 36;

impl Incident {
    /// Finds the incident in the times at which rows were made: the backup ends where the
    /// longest late pause begins, and what was written since the restore ends it. Without
    /// such a pause the backup ends at its newest row, and evidence tells the moment of loss.
    pub fn find(created: &[Instant], newest_evidence: Option<Instant>) -> Option<Self> {
        let mut times = created.to_vec();
        times.sort();
        let newest = *times.last()?;
        // Only the newest tenth can lie behind the pause: a restored system is young.
        let late = &times[times.len() - times.len() / 10 - 1..];
        let pause = late
            .windows(2)
            .map(|pair| (pair[1].duration_since(pair[0]).as_secs(), pair[0], pair[1]))
            .max_by_key(|&(seconds, ..)| seconds)
            .filter(|&(seconds, ..)| seconds >= PAUSE_HOURS * 3600);
        Some(match pause {
            Some((_, backup_at, lost_at)) => Self { backup_at, lost_at },
            None => {
                Self { backup_at: newest, lost_at: newest_evidence.unwrap_or(newest).max(newest) }
            }
        })
    }
}

impl View {
    /// The own column that says when a row was made: times, never NULL, that grow with the key.
    pub fn creation(&self) -> Option<(usize, &TimeFormat)> {
        self.paths.iter().enumerate().find_map(|(p, path)| {
            let ColumnKind::Time(format) = &path.kind else { return None };
            if !path.is_own() || path.filled < self.rows.len() || self.rows.len() < 2 {
                return None;
            }
            let grows = self.rows.windows(2).filter(|w| w[0][p] <= w[1][p]).count();
            (grows * 100 >= (self.rows.len() - 1) * 95).then_some((p, format))
        })
    }

    /// When a row was made, where its table tells.
    pub fn created(&self, row: usize) -> Option<Instant> {
        let (p, format) = self.creation()?;
        let civil = format.parse(&self.rows[row][p])?;
        jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
    }
}
