//! What the tables of a snapshot look like: which columns hold times, which refer to which
//! table, and what can be reached from a row through its references.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use restitch_model::{Instant, Row, Snapshot, Table, Value};

use crate::decimal_format::DecimalFormat;
use crate::item::Item;
use crate::lists::List;
use crate::lists::bind::bind_lists;
use crate::overlap::TEACH;
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
    /// Exact numbers with a point.
    Decimal(DecimalFormat),
    /// Texts.
    Text,
    /// Nothing that rules are made for.
    Other,
}

impl ColumnKind {
    /// Whether it holds numbers that can be added up.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Decimal(_))
    }
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
    /// Whether a row must have a value there that nothing but the row itself gives.
    pub is_required: bool,
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

    /// How many references lie between it and the table.
    pub fn depth(&self) -> usize {
        self.name.matches('.').count()
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
    /// The lists that hang on its rows, where they were looked for.
    pub lists: Vec<List>,
    /// See [`View::creation`]; found once, since every row is asked for its time.
    creation: Option<usize>,
}

impl View {
    /// Looks at a table with all that can be reached from it.
    pub fn of(snapshot: &Snapshot, table: &str) -> Option<Self> {
        Self::as_deep_as(snapshot, table, DEPTH)
    }

    /// Looks at a table's own columns alone.
    pub fn own(snapshot: &Snapshot, table: &str) -> Option<Self> {
        Self::as_deep_as(snapshot, table, 0)
    }

    fn as_deep_as(snapshot: &Snapshot, table: &str, depth: usize) -> Option<Self> {
        let own = snapshot.table(table)?;
        let mut paths = Vec::new();
        let mut rows = vec![Row::new(); own.rows.len()];
        let starts: Vec<Option<&Row>> = own.rows.iter().map(Some).collect();
        follow(snapshot, own, &starts, "", depth, &mut paths, &mut rows);
        let creation = creation(&paths, &rows);
        Some(Self { table: table.to_owned(), paths, rows, lists: Vec::new(), creation })
    }

    /// The position of a path.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.paths.iter().position(|p| p.name == path)
    }

    /// A path by its name.
    pub fn path(&self, path: &str) -> Option<&Path> {
        self.position(path).map(|i| &self.paths[i])
    }

    /// The position of the first own column that refers to a table.
    pub fn reference_to(&self, table: &str) -> Option<usize> {
        let refers = |kind: &ColumnKind| matches!(kind, ColumnKind::Reference(to) if to == table);
        self.paths.iter().position(|p| p.is_own() && refers(&p.kind))
    }

    /// The list at a path.
    pub(crate) fn list(&self, path: &str) -> Option<&List> {
        self.lists.iter().find(|list| list.path == path)
    }

    /// The list whose lines are records of a type.
    pub(crate) fn list_of(&self, record_type: &str) -> Option<&List> {
        self.lists.iter().find(|list| list.record_type == record_type)
    }

    /// Whether a path is a sum over a list.
    pub(crate) fn is_sum(&self, path: &str) -> bool {
        self.lists
            .iter()
            .any(|list| path.strip_prefix(&list.path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The first path that names time zones: the zone that a row's local times are meant in.
    pub fn zone_path(&self) -> Option<&str> {
        self.paths.iter().find(|p| p.kind == ColumnKind::Zone).map(|p| p.name.as_str())
    }

    /// Own text columns in which no value stands twice and at least half of the rows, and 20,
    /// have one: what names a record to people, such as a reference.
    pub fn natural_keys(&self) -> Vec<&Path> {
        self.paths
            .iter()
            .filter(|p| p.is_own() && p.kind == ColumnKind::Text)
            .filter(|p| p.filled * 2 >= self.rows.len() && p.filled >= 20)
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
            is_required: !column.nullable && column.default.is_none() && !column.generated,
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
    if let Some(format) = DecimalFormat::of(table, column) {
        return ColumnKind::Decimal(format);
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
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bindings {
    /// Record type to table.
    pub tables: BTreeMap<String, String>,
    /// The record types whose tables hang on reservations as lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
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

    /// Finds the tables by their shape, keeping what the pipeline names, and the lists that it
    /// chose where it chose any.
    ///
    /// Customers are the rows with the most different e-mail addresses. Reservations refer to
    /// customers and have the most times. Payments refer to reservations and have a time and
    /// an amount, and of two such tables the one of whose rows evidence knows more. Tenants are
    /// what most of these refer to, and few.
    pub fn find(
        snapshot: &Snapshot,
        named: &BTreeMap<String, String>,
        lists: Option<&[String]>,
        heard: &Heard,
    ) -> Self {
        let mut found = Self { tables: named.clone(), ..Self::default() };
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
                    let known = heard.known_rows(t);
                    // A quarter more of its rows known outweighs any shape; of very many only the
                    // newest can be.
                    (times(t).min(4) + numbers(t).min(4))
                        + 40 * known / t.rows.len().clamp(1, TEACH)
                }
                _ => 0,
            },
            "it refers to reservations, holds amounts, and evidence names its rows",
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
        bind_lists(&mut found, snapshot, lists);
        found
    }
}

/// What evidence says in so many words, to find out which tables it speaks of.
#[derive(Debug, Default)]
pub struct Heard(HashSet<u64>);

impl Heard {
    /// All short texts and codes of these items.
    pub fn of(items: &[Item]) -> Self {
        Self(
            items
                .iter()
                .flat_map(|item| &item.facts)
                .flat_map(|f| crate::anchor::names(&f.value))
                .collect(),
        )
    }

    /// How many rows hold a text of their own, one that no other row has, that evidence names.
    fn known_rows(&self, table: &Table) -> usize {
        let columns = 0..table.schema.columns.len();
        let texts: Vec<HashMap<&str, usize>> = columns
            .map(|c| {
                let mut counts = HashMap::new();
                for text in table.rows.iter().filter_map(|row| row[c].as_text()) {
                    *counts.entry(text).or_default() += 1;
                }
                counts
            })
            .collect();
        let is_known = |row: &&Row| {
            row.iter().zip(&texts).any(|(value, counts)| {
                value.as_text().is_some_and(|text| {
                    counts[text] == 1
                        && crate::anchor::text_names(text).any(|t| self.0.contains(&t))
                })
            })
        };
        table.rows.iter().filter(is_known).count()
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
        !table.schema.primary_key.contains(name) && kind_of(table, *c, false).is_number()
    };
    (0..table.schema.columns.len()).filter(is_number).count()
}

impl View {
    /// The own column that says when a row was made.
    pub fn creation(&self) -> Option<(usize, &TimeFormat)> {
        let p = self.creation?;
        let ColumnKind::Time(format) = &self.paths[p].kind else { return None };
        Some((p, format))
    }

    /// When a row was made, where its table tells.
    pub fn created(&self, row: usize) -> Option<Instant> {
        let (p, format) = self.creation()?;
        let civil = format.parse(&self.rows[row][p])?;
        jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
    }

    /// When the rows were made of which that is known.
    pub fn all_created(&self) -> Vec<Instant> {
        (0..self.rows.len()).filter_map(|row| self.created(row)).collect()
    }
}

/// Of the own columns of times that every row has, the one that in nearly all rows lies before
/// all the others: nothing happens to a row before it is made. Where two lie together, the one
/// that grows with the key.
fn creation(paths: &[Path], rows: &[Row]) -> Option<usize> {
    let full: Vec<(usize, &TimeFormat)> = (0..paths.len())
        .filter(|&p| paths[p].is_own() && paths[p].filled == rows.len() && rows.len() >= 2)
        .filter_map(|p| match &paths[p].kind {
            ColumnKind::Time(format) => Some((p, format)),
            _ => None,
        })
        .collect();
    let nearly_all = |n: usize| n * 100 >= rows.len() * 95;
    let is_first = |p: usize, format: &TimeFormat| {
        let is_least = |row: &&Row| {
            let own = format.parse(&row[p]);
            full.iter().all(|&(other, f)| other == p || own <= f.parse(&row[other]))
        };
        nearly_all(rows.iter().filter(is_least).count())
    };
    let grows = |p: usize| rows.windows(2).filter(|w| w[0][p] <= w[1][p]).count();
    full.iter()
        .filter(|&&(p, format)| is_first(p, format))
        .map(|&(p, _)| p)
        .max_by_key(|&p| (grows(p), std::cmp::Reverse(p)))
        .or_else(|| full.iter().map(|&(p, _)| p).find(|&p| nearly_all(grows(p) + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{at, snapshot, table};

    /// A clinic: nothing in it is called as the record types are.
    fn clinic() -> Snapshot {
        snapshot(vec![
            table("rooms", "id label zone", &["1 | Blue | Europe/Berlin", "2 | Red | Asia/Tokyo"]),
            table(
                "pets",
                "id owner_mail owner",
                &["1 | a@b.example | Ann", "2 | c@d.example | Cy"],
            ),
            table(
                "visits",
                "id pet>pets room>rooms begins made",
                &[
                    "1 | 1 | 1 | 2026-03-05T10:00:00Z | 2026-01-01T08:00:00Z",
                    "2 | 2 | 2 | 2026-03-01T10:00:00Z | 2026-01-02T08:00:00Z",
                    "3 | 2 | 1 | 2026-03-04T10:00:00Z | 2026-01-03T08:00:00Z",
                ],
            ),
            table("bills", "id visit>visits cents", &["1 | 1 | 9900", "2 | 2 | 4550"]),
        ])
    }

    fn bound(named: &[(&str, &str)]) -> String {
        let own = |(r, t): &(&str, &str)| ((*r).to_owned(), (*t).to_owned());
        let found =
            Bindings::find(&clinic(), &named.iter().map(own).collect(), None, &Heard::default());
        let shown = found.tables.iter().map(|(r, t)| format!("{r}={t}"));
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tables_are_told_by_their_shape() {
        assert_eq!(bound(&[]), "customer=pets payment=bills reservation=visits");
    }

    #[test]
    fn what_the_pipeline_names_stands() {
        assert_eq!(
            bound(&[("payment", "rooms")]),
            "customer=pets payment=rooms reservation=visits"
        );
    }

    #[test]
    fn a_database_without_payments_binds_what_it_has() {
        let mut clinic = clinic();
        clinic.tables.retain(|t| t.schema.name != "bills");
        let found = Bindings::find(&clinic, &BTreeMap::new(), None, &Heard::default());
        assert_eq!((found.table("reservation"), found.table("payment")), (Some("visits"), None));
    }

    #[test]
    fn those_whom_customers_and_reservations_refer_to_are_the_tenants() {
        let mut clinic = clinic();
        assert_eq!(Bindings::find(&clinic, &BTreeMap::new(), None, &Heard::default()).tenant, None);
        let pets = ["1 | a@b.example | 1", "2 | c@d.example | 2"];
        clinic.tables[1] = table("pets", "id owner_mail room>rooms", &pets);
        let tenant = Bindings::find(&clinic, &BTreeMap::new(), None, &Heard::default()).tenant;
        assert_eq!(tenant.as_deref(), Some("rooms"));
    }

    #[test]
    fn paths_follow_references() {
        let view = View::of(&clinic(), "visits").unwrap();
        let p = view.position("pet.owner_mail").unwrap();
        assert_eq!(view.rows[2][p], Value::from("c@d.example"));
        assert!(view.paths[p].is_email && !view.paths[p].is_own());
        assert_eq!(view.zone_path(), Some("room.zone"));
        assert_eq!(view.position("pet.id"), None, "the reference itself holds the key");
    }

    #[test]
    fn the_creation_column_is_the_one_that_grows_with_the_key() {
        let view = View::of(&clinic(), "visits").unwrap();
        assert_eq!(view.paths[view.creation().unwrap().0].name, "made");
        assert_eq!(view.created(1), Some(at("2026-01-02T08:00:00Z")));
        assert_eq!(View::of(&clinic(), "pets").unwrap().created(0), None);
    }
}
