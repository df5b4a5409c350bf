//! The rows of one file as evidence items, and the facts of a row.

use std::collections::HashMap;
use std::io::{self, BufRead, Cursor, Read};

use restitch_connect::{Item, JsonPiece, Lists, PullError, Reading, Sink, json_values};
use restitch_facts::{Context, scan_texts};
use restitch_model::{Digest, FactValue, Remark};
use serde_json::{Map, Value};

use crate::layout::{Layout, numbered};
use crate::records::{Record, Records};
use crate::utf8::utf8;
use crate::{KIND, json_facts};

/// So much of a file is looked at to find its layout.
const START: u64 = 256 << 10;

/// Puts each row of one file into the sink, and a remark about whatever was odd, row by row. A file that begins as JSON does is JSON, any other is CSV.
///
/// Of JSON, each line is a row, each element of an array, and each element of the lists in an
/// object without an `id`; what stands beside these lists is a row too. Of CSV, what stands
/// before the header is rows of numbered columns.
///
/// A row's name is the value of its column `id` (in any case of letters), else the hash of the
/// row, with `#2` and so on for those that the file holds several times: a longer export names
/// the same row the same, wherever it stands there.
pub fn list_rows(container: &str, reader: impl Read, sink: &mut dyn Sink) -> Result<(), PullError> {
    let failed = |source| PullError::File { path: container.to_owned(), source };
    let mut reader = utf8(reader).map_err(failed)?;
    let mut start = Vec::new();
    reader.by_ref().take(START).read_to_end(&mut start).map_err(failed)?;
    let is_json = begins_json(&start);
    let is_all = (start.len() as u64) < START;
    let mut rows = Rows { container, sink, put: 0, named: HashMap::new() };
    if is_json {
        json_rows(Cursor::new(start).chain(reader), &mut rows)?;
    } else {
        let layout = Layout::of(&start, is_all);
        let mut whole = Cursor::new(start).chain(reader);
        csv_rows(&mut whole, &layout, &mut rows)?;
    }
    if rows.put == 0 {
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
    let scanned = scan_texts(&reading.facts, Context::default());
    reading.facts.extend(scanned);
    reading
}

/// Whether a file begins as JSON does, and not as a header like `[Date];[Sum]`.
fn begins_json(start: &[u8]) -> bool {
    let mut bytes = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (bytes.next(), bytes.next()) {
        (Some(b'{'), next) => matches!(next, None | Some(b'"' | b'}')),
        (Some(b'['), next) => {
            matches!(next, None | Some(b'{' | b'[' | b']' | b'"' | b'-' | b'0'..=b'9'))
        }
        _ => false,
    }
}

fn csv_rows(
    reader: &mut impl BufRead,
    layout: &Layout,
    rows: &mut Rows<'_>,
) -> Result<(), PullError> {
    let failed = |source| PullError::File { path: rows.container.to_owned(), source };
    io::copy(&mut reader.by_ref().take(layout.declaration as u64), &mut io::sink())
        .map_err(failed)?;
    let mut records = Records::new(reader, layout.dialect);
    let (mut seen, mut number) = (0, 0);
    let (mut ragged, mut torn) = (Odd::default(), Odd::default());
    while let Some(record) = records.next().map_err(failed)? {
        if record.is_blank() {
            continue;
        }
        seen += 1;
        if seen <= layout.before {
            rows.put_cells(&record, numbered)?;
            continue;
        }
        if seen == layout.before + 1 && !layout.columns.is_empty() {
            continue;
        }
        number += 1;
        let (width, columns) = (record.fields.len(), layout.columns.len());
        let beyond = record.fields.get(columns..).unwrap_or_default();
        if width < columns || columns > 0 && beyond.iter().any(|field| !field.trim().is_empty()) {
            ragged.add(number);
        }
        if record.is_torn {
            torn.add(number);
        }
        rows.put_cells(&record, |at| layout.column(at).into_owned())?;
    }
    if layout.before > 0 {
        let text = format!(
            "{} of its lines stand before the {}; kept as rows of numbered columns",
            layout.before,
            if layout.columns.is_empty() { "table" } else { "header" }
        );
        rows.remark(text);
    }
    if layout.columns.is_empty() && rows.put > 0 {
        rows.remark("it has no header that could be told from its rows; columns are numbered");
    }
    ragged.remark(rows, "more or fewer fields than the header; kept as it is", |n| {
        format!("{n} rows have more or fewer fields than the header; kept as they are")
    });
    torn.remark(rows, "a quote that is never closed; split as though it had none", |n| {
        format!("{n} rows have a quote that is never closed; split as though they had none")
    });
    Ok(())
}

fn json_rows(reader: impl BufRead, rows: &mut Rows<'_>) -> Result<(), PullError> {
    let mut broken = Odd::default();
    let mut number = 0;
    let container = rows.container;
    let failed = |source| PullError::File { path: container.to_owned(), source };
    json_values(reader, Lists::Any, failed, |piece| {
        let (JsonPiece::Value(bytes) | JsonPiece::Frame(bytes) | JsonPiece::Broken(bytes)) = piece;
        number += 1;
        let id = match serde_json::from_slice::<Value>(bytes) {
            Ok(Value::Object(object)) => id_of(&object),
            _ => {
                broken.add(number);
                None
            }
        };
        rows.put(id, bytes.to_vec())
    })?;
    broken.remark(rows, "it is no JSON object; kept as it is", |n| {
        format!("{n} rows are no JSON objects; kept as they are")
    });
    Ok(())
}

/// What was odd of rows in the same way: counted, because a file may have millions of them.
#[derive(Default)]
struct Odd {
    count: usize,
    first: usize,
}

impl Odd {
    fn add(&mut self, number: usize) {
        if self.count == 0 {
            self.first = number;
        }
        self.count += 1;
    }

    fn remark(&self, rows: &mut Rows<'_>, one: &str, several: impl Fn(usize) -> String) {
        match self.count {
            0 => {}
            1 => rows.remark(format!("row {}: {one}", self.first)),
            n => rows.remark(format!("{} (the first is row {})", several(n), self.first)),
        }
    }
}

/// Where the rows of one file go.
struct Rows<'r> {
    container: &'r str,
    sink: &'r mut dyn Sink,
    put: usize,
    /// How often a row without an id was there, by the first bytes of its hash.
    named: HashMap<u64, u32>,
}

impl Rows<'_> {
    fn put_cells(
        &mut self,
        record: &Record,
        column: impl Fn(usize) -> String,
    ) -> Result<(), PullError> {
        let cells = record.fields.iter().enumerate();
        let object: Map<String, Value> =
            cells.map(|(at, field)| (column(at), Value::String(field.clone()))).collect();
        let id = id_of(&object);
        self.put(id, Value::Object(object).to_string().into_bytes())
    }

    fn put(&mut self, id: Option<String>, bytes: Vec<u8>) -> Result<(), PullError> {
        let native_id = id.unwrap_or_else(|| self.name(&bytes));
        self.put += 1;
        self.sink.put(Item {
            kind: KIND.to_owned(),
            native_id,
            container: self.container.to_owned(),
            at: None,
            bytes,
        })?;
        Ok(())
    }

    fn name(&mut self, bytes: &[u8]) -> String {
        let digest = Digest::of(bytes).to_string();
        let name = format!("row-{}", &digest[..16]);
        let nth = self.named.entry(u64::from_str_radix(&digest[..16], 16).unwrap_or(0));
        let nth = nth.and_modify(|nth| *nth += 1).or_insert(1);
        if *nth == 1 { name } else { format!("{name}#{nth}") }
    }

    fn remark(&mut self, text: impl Into<String>) {
        self.sink.remark(Remark::new(self.container, text));
    }
}

fn id_of(object: &Map<String, Value>) -> Option<String> {
    let (_, value) = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("id"))?;
    let id = match value {
        Value::String(id) => id.trim().to_owned(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use restitch_connect::Basket;

    use super::*;

    /// Each item with its bytes, then each remark. Names that are hashes show as `row`.
    fn shown(bytes: impl AsRef<[u8]>) -> Vec<String> {
        let mut basket = Basket::default();
        list_rows("t", bytes.as_ref(), &mut basket).unwrap();
        let items = basket.items.iter().map(|item| {
            let name = match item.native_id.strip_prefix("row-") {
                Some(rest) => format!("row{}", &rest[16..]),
                None => item.native_id.clone(),
            };
            format!("{name} {}", String::from_utf8_lossy(&item.bytes))
        });
        items.chain(basket.remarks.iter().map(|remark| format!("! {}", remark.text))).collect()
    }

    fn names(text: &str) -> Vec<String> {
        let mut basket = Basket::default();
        list_rows("t", text.as_bytes(), &mut basket).unwrap();
        basket.items.into_iter().map(|item| item.native_id).collect()
    }

    #[test]
    fn a_row_is_an_object_in_the_order_of_the_columns() {
        assert_eq!(
            shown("name;date\n\"O\"\"Neil\";1.2.2026\n"),
            [r#"row {"name":"O\"Neil","date":"1.2.2026"}"#]
        );
    }

    #[test]
    fn an_id_names_its_row() {
        assert_eq!(
            shown("ID,x\nA7,1\n,2\n"),
            [r#"A7 {"ID":"A7","x":"1"}"#, r#"row {"ID":"","x":"2"}"#]
        );
        assert_eq!(
            shown("{\"id\":7, \"x\":1}\r\n\n{\"x\":2}"),
            [r#"7 {"id":7, "x":1}"#, r#"row {"x":2}"#]
        );
    }

    #[test]
    fn a_longer_export_names_the_same_rows_the_same() {
        let short = names("day,fee\n2,b\n1,a\n1,a\n");
        assert!(short[2].ends_with("#2"), "{short:?}");
        let longer = names("day,fee\n3,c\n2,b\n1,a\n1,a\n0,z\n");
        assert_eq!(longer[1..4], short[..]);
        // The same export from another machine.
        assert_eq!(names("day;fee\r\n2;b\r\n1;\"a\"\r\n1;a\r\n"), short);
    }

    #[test]
    fn ragged_rows_are_kept_and_counted() {
        assert_eq!(
            shown("a,b\n1\n1,2\n1,2,3\n1,3\n1,2,\n"),
            [
                r#"row {"a":"1"}"#,
                r#"row {"a":"1","b":"2"}"#,
                r#"row {"a":"1","b":"2","column 3":"3"}"#,
                r#"row {"a":"1","b":"3"}"#,
                r#"row {"a":"1","b":"2","column 3":""}"#,
                "! 2 rows have more or fewer fields than the header; kept as they are (the first \
                 is row 1)",
            ]
        );
    }

    #[test]
    fn what_stands_before_the_header_and_after_the_rows_is_kept() {
        let text = "Account;DE12\n\nDay;Payee;Sum\n1.1.2026;Jo;12,50\n2.1.2026;An;3,00\n;;15,50\n";
        assert_eq!(
            shown(text),
            [
                r#"row {"column 1":"Account","column 2":"DE12"}"#,
                r#"row {"Day":"1.1.2026","Payee":"Jo","Sum":"12,50"}"#,
                r#"row {"Day":"2.1.2026","Payee":"An","Sum":"3,00"}"#,
                r#"row {"Day":"","Payee":"","Sum":"15,50"}"#,
                "! 1 of its lines stand before the header; kept as rows of numbered columns",
            ]
        );
    }

    #[test]
    fn a_table_without_a_header_loses_no_row() {
        let shown = shown("2026-01-02,Jo,1.50\n2026-01-03,An,2.50\n");
        assert_eq!(shown[0], r#"row {"column 1":"2026-01-02","column 2":"Jo","column 3":"1.50"}"#);
        assert_eq!(shown.len(), 3);
        assert!(shown[2].contains("no header"), "{shown:?}");
    }

    #[test]
    fn a_line_that_is_no_json_is_kept_and_remarked() {
        assert_eq!(
            shown("{\"a\":1}\nnonsense\n{\"b\":\n{\"c\":2}"),
            [
                r#"row {"a":1}"#,
                "row nonsense",
                r#"row {"b":"#,
                r#"row {"c":2}"#,
                "! 2 rows are no JSON objects; kept as they are (the first is row 2)"
            ]
        );
    }

    #[test]
    fn arrays_and_the_lists_of_a_frame_are_rows() {
        assert_eq!(shown("[{\"a\":1}, {\"id\":2}]"), [r#"row {"a":1}"#, r#"2 {"id":2}"#]);
        assert_eq!(
            shown("{\n \"page\": 1,\n \"rows\": [\n  {\"a\": 1},\n  {\"a\": 2}\n ]\n}\n"),
            [r#"row {"a": 1}"#, r#"row {"a": 2}"#, r#"row {"page":1}"#]
        );
        let order = r#"{"lines":[{"sku":"a"}],"id":"o1"}"#;
        assert_eq!(shown(order), [format!("o1 {order}")]);
    }

    #[test]
    fn brackets_around_the_names_of_columns_are_no_json() {
        assert_eq!(shown("[Day];[Sum]\n1.1.2026;2\n"), [r#"row {"[Day]":"1.1.2026","[Sum]":"2"}"#]);
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
