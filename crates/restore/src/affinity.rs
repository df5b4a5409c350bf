use restitch_model::{Column, Value};

use crate::kind::Kind;

/// The value as a column of this type holds it once it is stored, so that a plan shows what
/// will stand there and finds no difference where there is none: SQLite turns the text `45`
/// into a number in an INTEGER column (sqlite.org/datatype3, sections 3 and 3.1), PostgreSQL
/// 45 into 45.00 in a numeric(10,2). A floating number in a TEXT column becomes the text
/// here, so that its digits are the ones shown.
pub(crate) fn stored(column: &Column, value: &Value) -> Value {
    Kind::of(&column.declared).stored(value)
}

/// The value as a SQLite column of this affinity holds it.
pub(crate) fn turned(affinity: Affinity, value: &Value) -> Value {
    match (affinity, value) {
        (_, Value::Real(x)) if x.is_nan() => Value::Null,
        (Affinity::Text, Value::Integer(n)) => Value::Text(n.to_string()),
        (Affinity::Text, Value::Real(x)) => Value::Text(format!("{x:?}")),
        (Affinity::Integer | Affinity::Numeric, Value::Text(text)) => {
            number(text).map_or_else(|| value.clone(), whole)
        }
        (Affinity::Integer | Affinity::Numeric, Value::Real(_)) => whole(value.clone()),
        (Affinity::Real, Value::Text(text)) => number(text).map_or_else(|| value.clone(), real),
        (Affinity::Real, Value::Integer(_)) => real(value.clone()),
        _ => value.clone(),
    }
}

/// What a column turns values into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// The affinity of a declared type.
pub(crate) fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if declared.is_empty() || has(&["BLOB"]) || declared == "ANY" {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// A text that is wholly a number, white space around it aside.
fn number(text: &str) -> Option<Value> {
    let text = text.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    // Rust also reads "inf" and "nan", which are no numbers to SQL.
    if !text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) {
        return None;
    }
    match text.parse::<i64>() {
        Ok(n) => Some(Value::Integer(n)),
        Err(_) => text.parse().ok().map(Value::Real),
    }
}

/// A floating number without a fraction becomes a whole one where it fits.
fn whole(value: Value) -> Value {
    match value {
        // Both ends are left out, as SQLite does.
        Value::Real(x) if x.fract() == 0.0 && x.abs() < 9.2e18 => Value::Integer(x as i64),
        other => other,
    }
}

fn real(value: Value) -> Value {
    match value {
        Value::Integer(n) => Value::Real(n as f64),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Session;
    use crate::testing::Db;

    #[test]
    fn values_are_foretold_as_sqlite_stores_them() {
        let declared =
            ["INTEGER", "TEXT", "", "REAL", "NUMERIC", "DECIMAL(10,2)", "DATE", "VARCHAR(9)"];
        let texts = [
            "45",
            " 45 ",
            "007",
            "-3",
            "+5",
            "45.00",
            "12.5",
            "1e3",
            ".5",
            "5.",
            "abc",
            "",
            " ",
            "2026-01-01",
            "inf",
            "NaN",
            "0x10",
            "1_000",
            "9223372036854775807",
            "92233720368547758080",
            "1e400",
            "é",
            "-",
            "+-1",
            "e5",
            "-0",
        ];
        let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
        values.extend([Value::Null, Value::Integer(7), Value::Real(3.0), Value::Real(2.5)]);
        values.extend([Value::Real(f64::NAN), Value::Bytes(vec![52]), Value::Integer(i64::MAX)]);
        for declared in declared {
            let db = Db::new(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared});"));
            let mut session = Session::create(&db.path()).unwrap();
            for value in &values {
                session.run("INSERT INTO t (v) VALUES (?)", std::slice::from_ref(value)).unwrap();
            }
            session.close().unwrap();
            let table = db.snapshot().tables.remove(0);
            for (row, value) in table.rows.iter().zip(&values) {
                let found = stored(&table.schema.columns[1], value);
                assert_eq!(found, row[1], "{value:?} in {declared:?}");
            }
        }
    }
}
