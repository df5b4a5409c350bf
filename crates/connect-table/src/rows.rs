//! The rows of one file as evidence items, and the facts of a row.

use restitch_connect::{Item, PullError, Reading, Sink};
use restitch_facts::{Context, scan_field};
use restitch_model::{FactValue, Remark};
use serde_json::{Map, Value};

use crate::csv_rows::CsvRows;
use crate::{KIND, json_facts};

/// Puts each row of one file into the sink, and a remark about whatever was odd. A file whose
/// first character is `{` is JSON Lines, any other is CSV.
///
/// A row's name is the value of its column `id` (in any case of letters), else the
/// container, `:` and the number of the row, counted from 1 without the header.
pub fn list_rows(container: &str, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), PullError> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let count = if start.starts_with(b"{") {
        list_json(container, start, sink)?
    } else {
        list_csv(container, bytes, sink)?
    };
    if count == 0 {
        sink.remark(Remark::new(container, "it holds no row"));
    }
    Ok(())
}

/// The facts of a row: each column under its JSON pointer (`/Pickup date`), then what scanners
/// find in its texts (`/Pickup date#date`). An empty cell gives none.
pub fn read_row(bytes: &[u8]) -> Reading {
    let mut reading = json_facts(bytes);
    reading
        .facts
        .retain(|fact| !matches!(&fact.value, FactValue::Text(text) if text.trim().is_empty()));
    let scanned: Vec<_> = reading
        .facts
        .iter()
        .filter_map(|fact| match &fact.value {
            FactValue::Text(text) => Some(scan_field(&fact.name, text, Context::default())),
            _ => None,
        })
        .flatten()
        .collect();
    reading.facts.extend(scanned);
    reading
}

fn list_csv(container: &str, bytes: &[u8], sink: &mut dyn Sink) -> Result<usize, PullError> {
    let table = CsvRows::of(bytes);
    for (at, row) in table.rows.iter().enumerate() {
        let number = at + 1;
        if row.len() != table.columns.len() {
            let text = format!(
                "row {number} has {} fields where the header has {}; kept as it is",
                row.len(),
                table.columns.len()
            );
            sink.remark(Remark::new(container, text));
        }
        let mut object = Map::new();
        for (at, field) in row.iter().enumerate() {
            object.insert(table.column(at).into_owned(), Value::String(field.clone()));
        }
        let id = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("id"));
        let id = id.and_then(|(_, value)| id_text(value));
        let bytes = Value::Object(object).to_string().into_bytes();
        sink.put(item(container, number, id, bytes))?;
    }
    Ok(table.rows.len())
}

fn list_json(container: &str, bytes: &[u8], sink: &mut dyn Sink) -> Result<usize, PullError> {
    let mut number = 0;
    for line in bytes.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        number += 1;
        let id = match serde_json::from_slice::<Value>(line) {
            Ok(Value::Object(object)) => {
                let id = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("id"));
                id.and_then(|(_, value)| id_text(value))
            }
            _ => {
                let text = format!("row {number} is no JSON object; kept as it is");
                sink.remark(Remark::new(container, text));
                None
            }
        };
        sink.put(item(container, number, id, line.to_vec()))?;
    }
    Ok(number)
}

fn id_text(value: &Value) -> Option<String> {
    let id = match value {
        Value::String(id) => id.trim().to_owned(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    (!id.is_empty()).then_some(id)
}

fn item(container: &str, number: usize, id: Option<String>, bytes: Vec<u8>) -> Item {
    Item {
        kind: KIND.to_owned(),
        native_id: id.unwrap_or_else(|| format!("{container}:{number}")),
        container: container.to_owned(),
        at: None,
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use restitch_connect::Basket;

    use super::*;

    /// Each item with its bytes, then each remark.
    fn shown(bytes: &str) -> Vec<String> {
        let mut basket = Basket::default();
        list_rows("t", bytes.as_bytes(), &mut basket).unwrap();
        let items = basket.items.iter();
        let items = items.map(|i| format!("{} {}", i.native_id, String::from_utf8_lossy(&i.bytes)));
        items.chain(basket.remarks.iter().map(|remark| format!("! {}", remark.text))).collect()
    }

    #[test]
    fn a_row_is_an_object_in_the_order_of_the_columns() {
        assert_eq!(
            shown("name;date\n\"O\"\"Neil\";1.2.2026\n"),
            [r#"t:1 {"name":"O\"Neil","date":"1.2.2026"}"#]
        );
    }

    #[test]
    fn an_id_names_its_row() {
        assert_eq!(
            shown("ID,x\nA7,1\n,2\n"),
            [r#"A7 {"ID":"A7","x":"1"}"#, r#"t:2 {"ID":"","x":"2"}"#]
        );
        assert_eq!(
            shown("{\"id\":7, \"x\":1}\r\n\n{\"x\":2}"),
            [r#"7 {"id":7, "x":1}"#, r#"t:2 {"x":2}"#]
        );
    }

    #[test]
    fn a_ragged_row_is_kept_and_remarked() {
        assert_eq!(
            shown("a,b\n1\n1,2\n1,2,3\n"),
            [
                r#"t:1 {"a":"1"}"#,
                r#"t:2 {"a":"1","b":"2"}"#,
                r#"t:3 {"a":"1","b":"2","column 3":"3"}"#,
                "! row 1 has 1 fields where the header has 2; kept as it is",
                "! row 3 has 3 fields where the header has 2; kept as it is",
            ]
        );
    }

    #[test]
    fn a_line_that_is_no_json_is_kept_and_remarked() {
        assert_eq!(
            shown("{\"a\":1}\nnonsense\n"),
            [r#"t:1 {"a":1}"#, "t:2 nonsense", "! row 2 is no JSON object; kept as it is"]
        );
    }

    #[test]
    fn a_file_without_rows_is_remarked() {
        assert_eq!(shown("a,b\n"), ["! it holds no row"]);
        assert_eq!(shown(""), ["! it holds no row"]);
    }

    #[test]
    fn cells_become_facts_and_empty_ones_none() {
        let facts = read_row(br#"{"Pick/up":"12.5.2026","none":""}"#).facts;
        let plain: Vec<_> = facts.iter().filter(|fact| !fact.name.contains('#')).collect();
        assert_eq!(plain.len(), 1);
        assert_eq!(plain[0].name, "/Pick~1up");
        assert_eq!(plain[0].value, FactValue::Text("12.5.2026".to_owned()));
    }
}
