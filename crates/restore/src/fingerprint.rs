use restitch_model::{Digest, Snapshot, Table, TableSchema, Value};

/// The digest of a table: its named columns, its constraints and triggers, and every value of
/// every row. What the database would number the next row is left out, because it is no row.
pub(crate) fn of_table(table: &Table) -> Digest {
    let mut bytes = Vec::new();
    schema(&table.schema, &mut bytes);
    count(table.rows.len(), &mut bytes);
    for row in &table.rows {
        for value in row {
            encode(value, &mut bytes);
        }
    }
    Digest::of(&bytes)
}

/// The digest of several tables, by name.
pub(crate) fn of_tables<'a>(tables: impl IntoIterator<Item = (&'a str, Digest)>) -> Digest {
    let parts: Vec<String> = tables
        .into_iter()
        .flat_map(|(name, digest)| [name.to_owned(), digest.to_string()])
        .collect();
    Digest::of_parts(parts.iter().map(String::as_bytes))
}

/// A snapshot of these tables, with its fingerprint.
pub(crate) fn seal(database: String, mut tables: Vec<Table>) -> Snapshot {
    tables.sort_by(|a, b| a.schema.name.cmp(&b.schema.name));
    let fingerprint = of_tables(tables.iter().map(|t| (t.schema.name.as_str(), of_table(t))));
    Snapshot { database, tables, fingerprint }
}

fn schema(schema: &TableSchema, bytes: &mut Vec<u8>) {
    text(&schema.name, bytes);
    count(schema.columns.len(), bytes);
    for column in &schema.columns {
        text(&column.name, bytes);
        text(&column.declared, bytes);
        text(column.default.as_deref().unwrap_or(""), bytes);
        bytes.extend([
            u8::from(column.nullable),
            u8::from(column.generated),
            u8::from(column.default.is_some()),
        ]);
    }
    names(&schema.primary_key, bytes);
    count(schema.foreign_keys.len(), bytes);
    for key in &schema.foreign_keys {
        text(&key.column, bytes);
        text(&key.table, bytes);
        text(&key.to, bytes);
    }
    count(schema.uniques.len(), bytes);
    for unique in &schema.uniques {
        names(unique, bytes);
    }
    names(&schema.triggers, bytes);
}

fn names(names: &[String], bytes: &mut Vec<u8>) {
    count(names.len(), bytes);
    for name in names {
        text(name, bytes);
    }
}

/// Each value is told apart by a letter for its type, and by its length where that varies.
fn encode(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(b'n'),
        Value::Integer(n) => {
            bytes.push(b'i');
            bytes.extend(n.to_le_bytes());
        }
        Value::Real(x) => {
            bytes.push(b'r');
            bytes.extend(x.to_bits().to_le_bytes());
        }
        Value::Text(words) => {
            bytes.push(b't');
            text(words, bytes);
        }
        Value::Bytes(raw) => {
            bytes.push(b'b');
            count(raw.len(), bytes);
            bytes.extend(raw);
        }
    }
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    count(text.len(), bytes);
    bytes.extend(text.as_bytes());
}

fn count(n: usize, bytes: &mut Vec<u8>) {
    bytes.extend((n as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Db;

    fn of(sql: &str) -> Digest {
        Db::new(sql).snapshot().fingerprint
    }

    #[test]
    fn the_order_in_which_rows_were_written_does_not_count() {
        let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);";
        let a = of(&format!("{table} INSERT INTO t VALUES (1,'x'),(2,'y');"));
        let b = of(&format!("{table} INSERT INTO t VALUES (2,'y'),(1,'x');"));
        assert_eq!(a, b);
    }

    #[test]
    fn a_value_its_type_and_a_column_count() {
        let base = of("CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 5);");
        for other in [
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 6);",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, '5');",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 5);",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a);",
        ] {
            assert_ne!(base, of(other), "{other}");
        }
    }
}
