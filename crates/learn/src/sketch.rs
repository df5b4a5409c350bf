//! Tables and evidence in few words, for the tests beside the code.

use restitch_model::{
    Column, Digest, EvidenceId, FactValue, ForeignKey, Instant, Observation, Place, Reading,
    RecordType, Row, Snapshot, Table, TableSchema, Value,
};

use crate::item::Item;
use crate::source::{Parts, Source};

/// A table. The columns are parted by spaces, the first is the key, and `guest>guests` refers
/// to the first column of another table. The cells of a row are parted by ` | `.
pub(crate) fn table(name: &str, columns: &str, rows: &[impl AsRef<str>]) -> Table {
    let columns: Vec<(&str, Option<&str>)> = columns
        .split(' ')
        .map(|c| c.split_once('>').map_or((c, None), |(name, to)| (name, Some(to))))
        .collect();
    let column = |&(name, _): &(&str, Option<&str>)| Column {
        name: name.to_owned(),
        declared: String::new(),
        nullable: true,
        default: None,
        generated: false,
    };
    let reference = |&(column, to): &(&str, Option<&str>)| {
        Some(ForeignKey { column: column.into(), table: to?.into(), to: "id".into() })
    };
    let schema = TableSchema {
        name: name.to_owned(),
        columns: columns.iter().map(column).collect(),
        primary_key: vec![columns[0].0.to_owned()],
        foreign_keys: columns.iter().filter_map(reference).collect(),
        uniques: Vec::new(),
        triggers: Vec::new(),
        next_id: None,
    };
    let row = |row: &str| -> Row { row.split(" | ").map(cell).collect() };
    Table { schema, rows: rows.iter().map(|r| row(r.as_ref())).collect() }
}

/// A cell: `-` is NULL, digits are a number, all else is a text.
pub(crate) fn cell(text: &str) -> Value {
    match text.parse() {
        _ if text == "-" => Value::Null,
        Ok(n) => Value::Integer(n),
        Err(_) => Value::from(text),
    }
}

pub(crate) fn snapshot(tables: Vec<Table>) -> Snapshot {
    Snapshot { database: "sketch".to_owned(), tables, fingerprint: Digest::of(b"") }
}

pub(crate) fn at(text: &str) -> Instant {
    text.parse().expect("a test writes times well")
}

pub(crate) fn text(text: &str) -> FactValue {
    FactValue::Text(text.to_owned())
}

/// An item that is named by its number, with facts of its kind.
pub(crate) fn item(n: usize, kind: &str, facts: &[(&str, FactValue)]) -> Item {
    let fact = |(name, value): &(&str, FactValue)| restitch_model::Fact {
        name: (*name).into(),
        value: value.clone(),
        place: Place::whole(*name),
    };
    let facts: Vec<_> = facts.iter().map(fact).collect();
    Item {
        evidence: EvidenceId::of(&n.to_le_bytes()),
        kind: kind.to_owned(),
        native_id: format!("item-number-{n}"),
        container: "box".to_owned(),
        at: at("2026-01-01T00:00:00Z"),
        made_at: at("2026-01-01T00:00:00Z"),
        voice: crate::item::voice("box", &facts),
        facts,
    }
}

/// An item taken apart into these values.
pub(crate) fn parts(form: &str, sources: &[(&str, FactValue)]) -> Parts {
    let source = |(name, value): &(&str, FactValue)| Source {
        name: (*name).into(),
        value: value.clone(),
        field: (*name).into(),
        range: None,
    };
    Parts::new(form.to_owned(), sources.iter().map(source).collect(), Vec::new())
}

/// What an item says of columns, each reading with its accuracy.
pub(crate) fn observation(n: usize, said: &[(&str, &str, f64)]) -> Observation {
    let reading = |&(column, value, accuracy): &(&str, &str, f64)| Reading {
        column: column.into(),
        value: cell(value),
        rule: format!("{column} ← test").into(),
        is_near: false,
        accuracy,
        place: Place::whole(column),
        words: value.to_owned(),
    };
    Observation {
        evidence: EvidenceId::of(&n.to_le_bytes()),
        record_type: RecordType::new(RecordType::RESERVATION),
        at: at(&format!("2026-01-01T00:{n:02}:00Z")),
        kind: "mail".to_owned(),
        form: "mail/confirmed".to_owned(),
        readings: said.iter().map(reading).collect(),
        words: [].into(),
    }
}
