//! Small snapshots written as text, for tests.

use restitch_model::{Column, Digest, ForeignKey, Snapshot, Table, TableSchema, Value};

/// Reads tables, each a line `name column|column|…` and below it a line for each row. A
/// column's mark: `*` primary key, `!` unique, `>table` refers to that table's `id`. A cell of
/// digits is a whole number, an empty one is NULL.
pub(crate) fn snapshot(text: &str) -> Snapshot {
    let mut tables: Vec<Table> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let head = line.split_once(' ').filter(|(_, columns)| columns.starts_with("id*"));
        if let Some((name, columns)) = head {
            tables.push(Table { schema: schema(name, columns), rows: Vec::new() });
            continue;
        }
        let row = line.split('|').map(|cell| match cell.parse::<i64>() {
            Ok(n) => Value::Integer(n),
            Err(_) if cell.is_empty() => Value::Null,
            Err(_) => cell.into(),
        });
        tables.last_mut().expect("a table comes first").rows.push(row.collect());
    }
    Snapshot { database: "literal".to_owned(), tables, fingerprint: Digest::of(text.as_bytes()) }
}

fn schema(name: &str, columns: &str) -> TableSchema {
    let mut schema = TableSchema {
        name: name.to_owned(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
        uniques: Vec::new(),
        triggers: Vec::new(),
        next_id: None,
    };
    for column in columns.split('|') {
        let (column, parent) = column.split_once('>').map_or((column, None), |(c, p)| (c, Some(p)));
        let name = column.trim_end_matches(['*', '!']).to_owned();
        if column.ends_with('*') {
            schema.primary_key.push(name.clone());
        }
        if column.ends_with('!') {
            schema.uniques.push(vec![name.clone()]);
        }
        schema.foreign_keys.extend(parent.map(|table| ForeignKey {
            column: name.clone(),
            table: table.to_owned(),
            to: "id".to_owned(),
        }));
        let declared = if name.ends_with("id") { "INTEGER" } else { "TEXT" }.to_owned();
        schema.columns.push(Column {
            name,
            declared,
            nullable: true,
            default: None,
            generated: false,
        });
    }
    schema
}
