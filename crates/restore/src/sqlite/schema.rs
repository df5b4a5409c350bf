use std::collections::BTreeMap;

use restitch_model::{Column, ForeignKey, Row, Snapshot, Table, TableSchema, Value};

use super::{Session, quote};
use crate::{RestoreError, fingerprint};

const DOING: &str = "read the tables";

/// Reads schema and rows of all plain tables. Virtual tables are left out: their content is
/// made from others.
pub(super) fn snapshot(session: &mut Session) -> Result<Snapshot, RestoreError> {
    let names = session.query(
        DOING,
        "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
         ORDER BY name",
        &[],
    )?;
    let counters = counters(session)?;
    let mut tables: Vec<Table> = Vec::new();
    for row in names {
        let [Value::Text(name), without_rowid] = &row[..] else { continue };
        if !is_others(name) {
            continue;
        }
        if name.contains('\0') {
            return Err(RestoreError::Name { database: session.database().to_owned() });
        }
        tables.push(table(session, name, *without_rowid == Value::Integer(1), &counters)?);
    }
    let schemas: Vec<TableSchema> = tables.iter().map(|t| t.schema.clone()).collect();
    for table in &mut tables {
        table.schema.foreign_keys = foreign_keys(session, &table.schema.name, &schemas)?;
    }
    let path = std::path::Path::new(session.database());
    let database = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(fingerprint::seal(database, tables))
}

/// Neither restitch's own nor the engine's.
fn is_others(table: &str) -> bool {
    let name = table.to_ascii_lowercase();
    !name.starts_with("sqlite_") && !name.starts_with("restitch_")
}

/// The highest ids that AUTOINCREMENT gave, by table.
fn counters(session: &mut Session) -> Result<BTreeMap<String, i64>, RestoreError> {
    let known = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'";
    if session.query(DOING, known, &[])?.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = session.query(DOING, "SELECT name, seq FROM sqlite_sequence", &[])?;
    Ok(rows
        .iter()
        .filter_map(|row| Some((row[0].as_text()?.to_owned(), row[1].as_integer()?)))
        .collect())
}

fn table(
    session: &mut Session,
    name: &str,
    without_rowid: bool,
    counters: &BTreeMap<String, i64>,
) -> Result<Table, RestoreError> {
    let bind = [Value::from(name)];
    let info = session.query(
        DOING,
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?) \
         WHERE hidden <> 1 ORDER BY cid",
        &bind,
    )?;
    let mut columns = Vec::new();
    let mut keys = Vec::new();
    for row in &info {
        let text = |i: usize| row[i].as_text().unwrap_or_default().to_owned();
        let number = |i: usize| row[i].as_integer().unwrap_or_default();
        if number(4) > 0 {
            keys.push((number(4), text(0)));
        }
        columns.push(Column {
            name: text(0),
            declared: text(1),
            nullable: number(2) == 0 && !(without_rowid && number(4) > 0),
            default: row[3].as_text().map(str::to_owned),
            generated: number(5) > 1,
        });
    }
    keys.sort();
    let primary_key: Vec<String> = keys.into_iter().map(|(_, name)| name).collect();
    let indexes = session.query(
        DOING,
        "SELECT name, origin, partial FROM pragma_index_list(?) WHERE \"unique\" = 1 ORDER BY name",
        &bind,
    )?;
    let counts_itself = match &primary_key[..] {
        [only] if !without_rowid => {
            // A key that is the row id has no index of its own (sqlite.org/lang_createtable,
            // "ROWIDs and the INTEGER PRIMARY KEY").
            let column = columns.iter_mut().find(|c| c.name == *only);
            let indexed = indexes.iter().any(|row| row[1].as_text() == Some("pk"));
            column.filter(|c| c.declared.eq_ignore_ascii_case("INTEGER") && !indexed).is_some_and(
                |column| {
                    column.nullable = false;
                    true
                },
            )
        }
        _ => false,
    };
    let mut schema = TableSchema {
        name: name.to_owned(),
        columns,
        primary_key,
        foreign_keys: Vec::new(),
        uniques: uniques(session, &indexes)?,
        triggers: triggers(session, &bind)?,
        next_id: None,
    };
    let rows = rows(session, &schema)?;
    if counts_itself {
        let position = schema.position(&schema.primary_key[0]);
        let ids = rows.iter().filter_map(|row| row[position?].as_integer());
        let highest = ids.chain(counters.get(name).copied()).max().unwrap_or(0).max(0);
        schema.next_id = highest.checked_add(1);
    }
    Ok(Table { schema, rows })
}

fn rows(session: &mut Session, schema: &TableSchema) -> Result<Vec<Row>, RestoreError> {
    let columns: Vec<String> = schema.columns.iter().map(|c| quote(&c.name)).collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), quote(&schema.name));
    let mut rows = session.query(&format!("read the table {}", schema.name), &sql, &[])?;
    // Sorted here and not by SQL, where the order depends on collations.
    let key: Vec<usize> = schema.primary_key.iter().filter_map(|c| schema.position(c)).collect();
    rows.sort_by(|a, b| {
        key.iter().map(|&i| &a[i]).cmp(key.iter().map(|&i| &b[i])).then_with(|| a.cmp(b))
    });
    Ok(rows)
}

/// The references of a table. SQLite compares their names without regard to case; here the
/// table and the column are given as they are called.
fn foreign_keys(
    session: &mut Session,
    table: &str,
    schemas: &[TableSchema],
) -> Result<Vec<ForeignKey>, RestoreError> {
    let rows = session.query(
        DOING,
        "SELECT \"from\", \"table\", \"to\", seq FROM pragma_foreign_key_list(?) \
         ORDER BY \"from\", \"table\", \"to\"",
        &[Value::from(table)],
    )?;
    let text = |value: &Value| value.as_text().unwrap_or_default().to_owned();
    let key = |row: &Row| {
        let parent = schemas.iter().find(|s| s.name.eq_ignore_ascii_case(&text(&row[1])));
        let to = match row[2].as_text() {
            Some(to) => parent
                .and_then(|p| p.columns.iter().find(|c| c.name.eq_ignore_ascii_case(to)))
                .map_or_else(|| to.to_owned(), |c| c.name.clone()),
            // Where no column is named, the primary key is meant.
            None => {
                let place = row[3].as_integer().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
                let name = parent.and_then(|p| p.primary_key.get(place));
                name.cloned().unwrap_or_else(|| "rowid".to_owned())
            }
        };
        let table = parent.map_or_else(|| text(&row[1]), |p| p.name.clone());
        ForeignKey { column: text(&row[0]), table, to }
    };
    Ok(rows.iter().map(key).collect())
}

/// Unique columns besides the primary key. An index over a part of the rows or over
/// expressions is left out: it cannot be judged by columns, and the database judges it when
/// the plan is applied.
fn uniques(session: &mut Session, indexes: &[Row]) -> Result<Vec<Vec<String>>, RestoreError> {
    let mut uniques = Vec::new();
    for index in indexes {
        if index[1].as_text() == Some("pk") || index[2] != Value::Integer(0) {
            continue;
        }
        let sql = "SELECT name FROM pragma_index_info(?) ORDER BY seqno";
        let columns = session.query(DOING, sql, &index[..1])?;
        let names: Option<Vec<String>> =
            columns.iter().map(|row| row[0].as_text().map(str::to_owned)).collect();
        uniques.extend(names);
    }
    uniques.sort();
    uniques.dedup();
    Ok(uniques)
}

fn triggers(session: &mut Session, bind: &[Value]) -> Result<Vec<String>, RestoreError> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' \
               AND tbl_name = ? COLLATE NOCASE ORDER BY name";
    let rows = session.query(DOING, sql, bind)?;
    Ok(rows.iter().filter_map(|row| row[0].as_text().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use restitch_model::TableSchema;

    use crate::testing::{Db, RENTAL};

    fn schema(sql: &str, table: &str) -> TableSchema {
        Db::new(sql).snapshot().table(table).unwrap().schema.clone()
    }

    #[test]
    fn keys_uniques_references_triggers_and_generated_columns_are_found() {
        let bookings = schema(RENTAL, "bookings");
        assert_eq!(bookings.primary_key, ["id"]);
        assert_eq!(bookings.uniques, [["reference"]]);
        assert_eq!(bookings.triggers, ["mail_on_booking"]);
        let key = bookings.foreign_key("customer_id").unwrap();
        assert_eq!((key.table.as_str(), key.to.as_str()), ("customers", "id"));
        assert!(bookings.columns[6].generated);
        assert_eq!(bookings.columns[4].default.as_deref(), Some("'booked'"));
        assert!(!bookings.columns[0].nullable && bookings.columns[5].nullable);
    }

    #[test]
    fn a_reference_without_a_column_means_the_primary_key_whatever_the_case() {
        let schema = schema(
            "CREATE TABLE Parents (Code TEXT PRIMARY KEY);
             CREATE TABLE kids (id INTEGER PRIMARY KEY, p TEXT REFERENCES parents, q TEXT REFERENCES PARENTS(CODE));",
            "kids",
        );
        for column in ["p", "q"] {
            let key = schema.foreign_key(column).unwrap();
            assert_eq!((key.table.as_str(), key.to.as_str()), ("Parents", "Code"));
        }
    }

    #[test]
    fn the_next_id_follows_the_counter_where_there_is_one() {
        let table = |more: &str| {
            let sql = format!(
                "CREATE TABLE t (id INTEGER PRIMARY KEY {more}); INSERT INTO t VALUES (5), (9);
                 DELETE FROM t WHERE id = 9;"
            );
            schema(&sql, "t").next_id
        };
        assert_eq!(table("AUTOINCREMENT"), Some(10));
        assert_eq!(table(""), Some(6));
        assert_eq!(schema("CREATE TABLE t (id TEXT PRIMARY KEY);", "t").next_id, None);
        assert_eq!(schema("CREATE TABLE t (id INT PRIMARY KEY);", "t").next_id, None);
    }

    #[test]
    fn unique_indexes_over_a_part_or_an_expression_are_no_columns() {
        let schema = schema(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b);
             CREATE UNIQUE INDEX part ON t (a) WHERE b = 1;
             CREATE UNIQUE INDEX lowered ON t (lower(a));
             CREATE UNIQUE INDEX whole ON t (a, b);",
            "t",
        );
        assert_eq!(schema.uniques, [["a", "b"]]);
    }

    #[test]
    fn tables_of_restitch_of_sqlite_and_virtual_ones_are_left_out() {
        let db = Db::new(
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT);
             CREATE TABLE restitch_applied (x); CREATE VIRTUAL TABLE words USING fts5(a);
             CREATE VIEW v AS SELECT * FROM t;",
        );
        let snapshot = db.snapshot();
        assert_eq!(snapshot.tables.len(), 1);
        assert_eq!(snapshot.database, "backup.sqlite");
    }
}
