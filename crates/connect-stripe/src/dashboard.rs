//! The Dashboard's CSV exports: payments, customers, balance. Columns are told by their names,
//! because every export and every account has them in an order of its own.

use restitch_connect::{Item, PullError};
use restitch_model::Remark;
use serde_json::{Map, Value};

use crate::item::{CSV_ROW, CSV_TEST_ROW};
use crate::moment::{moment, order};

/// Puts each row of a CSV file as an item. Its bytes are a JSON object with one member a
/// column, in the order of the columns: the header and the cell's text, unchanged. A header
/// that stands there twice is numbered from its second time on (`Description (2)`), a column
/// without header is called `column 7`. `file` names the file in rows and remarks that need it.
pub(crate) fn rows(
    bytes: &[u8],
    file: &str,
    container: &str,
    put: &mut dyn FnMut(Item) -> Result<(), PullError>,
) -> Result<Vec<Remark>, PullError> {
    let (bytes, delimiter) = dialect(bytes);
    let read = || {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(bytes)
            .into_byte_records()
            // Reading from memory cannot fail, and a flexible reader takes rows of any length.
            .map_while(Result::ok)
    };
    let mut records = read();
    let Some(first) = records.next() else {
        return Ok(vec![Remark::new(file, "the file is empty")]);
    };
    let headers = headers(&first);
    let find = |test: &dyn Fn(&str) -> bool| headers.iter().position(|header| test(header));
    let id = find(&|h| h.eq_ignore_ascii_case("id"));
    let intent = find(&|h| h.eq_ignore_ascii_case("paymentintent id"));
    let created = find(&|h| h.starts_with("Created") && h.ends_with("(UTC)"));
    if id.is_none() && intent.is_none() && created.is_none() {
        let text =
            "no column of a Stripe export is in the first row; the rows are kept as they are";
        return put_all(records, &headers, file, container, [None; 2], &|_| None, put)
            .map(|_| vec![Remark::new(file, text)]);
    }

    let dates: Vec<String> = created.map_or(Vec::new(), |column| {
        read().skip(1).map(|record| cell(&record, column)).filter(|text| !text.is_empty()).collect()
    });
    let order = order(dates.iter().map(String::as_str));
    let at = |record: &csv::ByteRecord| moment(&cell(record, created?), order);
    let ragged = put_all(records, &headers, file, container, [id, intent], &at, put)?;

    let undated = dates.iter().filter(|text| moment(text, order).is_none()).count();
    let mut remarks = Vec::new();
    if undated > 0 {
        let text = format!(
            "{undated} of {} dates of creation could not be read, or can be read with day or \
             month first; export the file from Stripe again and do not save it in a spreadsheet",
            dates.len()
        );
        remarks.push(Remark::new(file, text));
    }
    if ragged > 0 {
        let text = format!("{ragged} rows have more or fewer cells than there are columns");
        remarks.push(Remark::new(file, text));
    }
    Ok(remarks)
}

/// Puts the rows after the first one. Says how many had another length than the header.
fn put_all(
    records: impl Iterator<Item = csv::ByteRecord>,
    headers: &[String],
    file: &str,
    container: &str,
    ids: [Option<usize>; 2],
    at: &dyn Fn(&csv::ByteRecord) -> Option<restitch_model::Instant>,
    put: &mut dyn FnMut(Item) -> Result<(), PullError>,
) -> Result<u64, PullError> {
    let mut ragged = 0;
    // A spreadsheet calls the header row 1.
    for (number, record) in (2..).zip(records) {
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        ragged += u64::from(record.len() != headers.len());
        let is_test = headers
            .iter()
            .position(|header| header == "Mode")
            .is_some_and(|column| cell(&record, column).trim().eq_ignore_ascii_case("test"));
        let own = ids.into_iter().flatten().map(|column| cell(&record, column));
        put(Item {
            kind: if is_test { CSV_TEST_ROW } else { CSV_ROW }.to_owned(),
            native_id: own
                .map(|id| id.trim().to_owned())
                .find(|id| !id.is_empty())
                .unwrap_or_else(|| format!("{file}:{number}")),
            container: container.to_owned(),
            at: at(&record),
            bytes: object(headers, &record),
        })?;
    }
    Ok(ragged)
}

fn object(headers: &[String], record: &csv::ByteRecord) -> Vec<u8> {
    let surplus = (headers.len()..record.len()).map(|i| format!("column {}", i + 1));
    let members: Map<String, Value> = headers
        .iter()
        .cloned()
        .chain(surplus)
        .enumerate()
        .map(|(i, header)| (header, Value::String(cell(record, i))))
        .collect();
    Value::Object(members).to_string().into_bytes()
}

fn headers(record: &csv::ByteRecord) -> Vec<String> {
    let mut headers: Vec<String> = Vec::with_capacity(record.len());
    for i in 0..record.len() {
        let written = match cell(record, i).trim() {
            "" => format!("column {}", i + 1),
            text => text.to_owned(),
        };
        let mut header = written.clone();
        let mut times = 1;
        while headers.contains(&header) {
            times += 1;
            header = format!("{written} ({times})");
        }
        headers.push(header);
    }
    headers
}

/// A cell's text. What is no UTF-8 was saved by a spreadsheet in Latin-1; a row that is shorter
/// than the header ends in empty cells.
fn cell(record: &csv::ByteRecord, column: usize) -> String {
    let bytes = record.get(column).unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The text after what a spreadsheet may put before it (`sep=;`), and what divides its cells:
/// whichever of comma, semicolon and tab the first line has most of.
fn dialect(bytes: &[u8]) -> (&[u8], u8) {
    let end = bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |i| i + 1);
    let (line, rest) = bytes.split_at(end);
    if let Some(&[delimiter @ (b',' | b';' | b'\t'), ..]) = line.strip_prefix(b"sep=") {
        return (rest, delimiter);
    }
    let count = |delimiter: u8| line.iter().filter(|&&b| b == delimiter).count();
    let most = [b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter));
    (bytes, most.unwrap_or(b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row as `native_id at bytes`, then the remarks.
    fn check(bytes: &[u8], expected: &[&str]) {
        let mut lines = Vec::new();
        let remarks = rows(bytes, "p.csv", "platform", &mut |item| {
            let at = item.at.map_or("-".to_owned(), |at| at.to_string());
            lines.push(format!(
                "{}{} {at} {}",
                if item.kind == CSV_TEST_ROW { "test " } else { "" },
                item.native_id,
                String::from_utf8(item.bytes).unwrap()
            ));
            Ok(())
        });
        lines.extend(
            remarks
                .unwrap()
                .iter()
                .map(|r| r.text.split(' ').take(4).collect::<Vec<_>>().join(" ")),
        );
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_payment_is_found_by_the_names_of_its_columns() {
        check(
            b"id,Created date (UTC),Amount,booking_ref (metadata)\nch_1,2024-06-07 02:38:54,\"1,234.50\",BK-7\n",
            &[r#"ch_1 2024-06-07T02:38:54Z {"id":"ch_1","Created date (UTC)":"2024-06-07 02:38:54","Amount":"1,234.50","booking_ref (metadata)":"BK-7"}"#],
        );
        check(
            b"Amount,Created (UTC),PaymentIntent ID,id\n1,2022-04-23 21:56,pi_1,\n",
            &[
                r#"pi_1 2022-04-23T21:56:00Z {"Amount":"1","Created (UTC)":"2022-04-23 21:56","PaymentIntent ID":"pi_1","id":""}"#,
            ],
        );
    }

    #[test]
    fn a_payment_in_test_mode_is_kept_apart() {
        check(
            b"id,Mode\nch_1,Live\nch_2,Test\n",
            &[
                r#"ch_1 - {"id":"ch_1","Mode":"Live"}"#,
                r#"test ch_2 - {"id":"ch_2","Mode":"Test"}"#,
            ],
        );
    }

    #[test]
    fn a_row_without_any_id_is_named_by_its_place() {
        check(b"id,Amount\n,1\n", &[r#"p.csv:2 - {"id":"","Amount":"1"}"#]);
    }

    #[test]
    fn what_spreadsheets_saved_is_read() {
        check(
            b"sep=;\r\nid;Created (UTC);Name\r\nch_1;8/6/2026 12:00;J\xf6rg\r\nch_2;8/26/2026 12:00;\"a;b\"\r\n",
            &[
                r#"ch_1 2026-08-06T12:00:00Z {"id":"ch_1","Created (UTC)":"8/6/2026 12:00","Name":"Jörg"}"#,
                r#"ch_2 2026-08-26T12:00:00Z {"id":"ch_2","Created (UTC)":"8/26/2026 12:00","Name":"a;b"}"#,
            ],
        );
        check(b"id\tAmount\nch_1\t0,25\n", &[r#"ch_1 - {"id":"ch_1","Amount":"0,25"}"#]);
    }

    #[test]
    fn a_date_that_can_be_read_in_two_ways_is_told_and_left_open() {
        check(
            b"id,Created (UTC)\nch_1,8/6/2026 12:00\n",
            &[r#"ch_1 - {"id":"ch_1","Created (UTC)":"8/6/2026 12:00"}"#, "1 of 1 dates"],
        );
    }

    #[test]
    fn odd_rows_and_headers_lose_no_cell() {
        check(
            b"id,Description,Description,\nch_1,a,b,c,d\nch_2\n,,,\n",
            &[
                r#"ch_1 - {"id":"ch_1","Description":"a","Description (2)":"b","column 4":"c","column 5":"d"}"#,
                r#"ch_2 - {"id":"ch_2","Description":"","Description (2)":"","column 4":""}"#,
                "2 rows have more",
            ],
        );
    }

    #[test]
    fn a_file_that_is_no_export_is_kept_and_told() {
        check(b"a,b\n1,2\n", &[r#"p.csv:2 - {"a":"1","b":"2"}"#, "no column of a"]);
        check(b"", &["the file is empty"]);
    }
}
