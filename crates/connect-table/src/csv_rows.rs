//! The rows of a CSV file, whatever its delimiter and charset.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use encoding_rs::{Encoding, WINDOWS_1252};

/// Delimiters in the order in which they win where two fit alike: the rarer in text first, so
/// that `name, first;id` has two columns and not a comma between them.
const DELIMITERS: [u8; 4] = [b'\t', b'|', b';', b','];

/// How many rows are looked at to find the delimiter.
const SAMPLE: usize = 50;

/// A CSV file taken apart.
pub(crate) struct CsvRows {
    /// The names of the columns, each once.
    pub(crate) columns: Vec<String>,
    /// The rows after the header. A row may be longer or shorter than the header.
    pub(crate) rows: Vec<Vec<String>>,
}

impl CsvRows {
    /// Takes any bytes apart. The first row is the header; blank lines are no rows.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = decode(bytes);
        let (delimiter, text) = match declared_delimiter(&text) {
            Some(found) => found,
            None => (find_delimiter(&text), &*text),
        };
        let mut records = records(text, delimiter);
        let columns = columns(records.next().unwrap_or_default());
        Self { columns, rows: records.collect() }
    }

    /// The name of a column, also of one that only a row longer than the header has.
    pub(crate) fn column(&self, at: usize) -> Cow<'_, str> {
        match self.columns.get(at) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("column {}", at + 1)),
        }
    }
}

/// By byte order mark, else as UTF-8, else as Windows-1252, which spreadsheets still write.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match (Encoding::for_bom(bytes), std::str::from_utf8(bytes)) {
        (Some((encoding, mark)), _) => encoding.decode_without_bom_handling(&bytes[mark..]).0,
        (None, Ok(text)) => Cow::Borrowed(text),
        (None, Err(_)) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Spreadsheets may name the delimiter in a line before the header.
fn declared_delimiter(text: &str) -> Option<(u8, &str)> {
    let (first, rest) = text.split_once('\n')?;
    let declared = first.trim_end().trim_matches('"').strip_prefix("sep=")?;
    match declared.as_bytes() {
        [delimiter] if delimiter.is_ascii() => Some((*delimiter, rest)),
        _ => None,
    }
}

/// The delimiter that gives the most columns, counting only rows as long as the header.
fn find_delimiter(text: &str) -> u8 {
    let score = |delimiter: u8| {
        let sample: Vec<usize> = records(text, delimiter).take(SAMPLE).map(|r| r.len()).collect();
        let width = sample.first().copied().unwrap_or(0);
        if width < 2 {
            return 0;
        }
        let regular = sample.iter().filter(|n| **n == width).count();
        // Rows that keep to the header say more than a header with many commas in it.
        regular * 1000 / sample.len() * 1000 + width.min(999)
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter));
    best.unwrap_or(b',')
}

fn records(text: &str, delimiter: u8) -> impl Iterator<Item = Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
        .into_records()
        // The text is UTF-8 and lies in memory: no record can fail.
        .map_while(Result::ok)
        .map(|record| record.iter().map(str::to_owned).collect())
        .filter(|record: &Vec<String>| record.iter().any(|field| !field.trim().is_empty()))
}

/// The header as names, each once: the second `Name` is `Name#2`, one without is `column 3`.
fn columns(header: Vec<String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    // How far the numbers of a name are used up, so that many doubles are no long search.
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = Vec::with_capacity(header.len());
    for (at, field) in header.iter().enumerate() {
        let plain = match field.trim() {
            "" => format!("column {}", at + 1),
            name => name.to_owned(),
        };
        let mut name = plain.clone();
        let n = last.entry(plain.clone()).or_insert(1);
        while !taken.insert(name.clone()) {
            *n += 1;
            name = format!("{plain}#{n}");
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        let table = CsvRows::of(bytes);
        let rows = table.rows.iter().map(|row| row.join("|"));
        [table.columns.join("|")].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_delimiter_is_found() {
        for delimiter in [",", ";", "\t", "|"] {
            let text = "id_name\n1_Jo\n2_An\n".replace('_', delimiter);
            assert_eq!(shown(text.as_bytes()), "id|name\n1|Jo\n2|An", "{delimiter:?}");
        }
        let amounts = b"id;amount\n1;12,50\n2;3,00\n";
        assert_eq!(shown(amounts), "id|amount\n1|12,50\n2|3,00");
        assert_eq!(shown(b"name, first;id\nDoe, Jo;1\nRoe, An;2\n")[..14], *"name, first|id");
        assert_eq!(shown(b"sep=;\na;b,c\n1;2\n"), "a|b,c\n1|2");
        assert_eq!(shown(b"only\n1\n2\n"), "only\n1\n2");
    }

    #[test]
    fn quotes_hold_delimiters_and_line_breaks() {
        assert_eq!(shown(b"a,b\r\n\"x, \"\"y\"\"\",\"1\n2\"\r\n"), "a|b\nx, \"y\"|1\n2");
    }

    #[test]
    fn every_usual_charset_is_read() {
        let want = "name|id\nMüller|1";
        let utf8 = "name;id\nMüller;1\n";
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain(utf8.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let with_mark = [b"\xef\xbb\xbf", utf8.as_bytes()].concat();
        for bytes in [utf8.as_bytes(), b"name;id\nM\xfcller;1\n", &utf16, &with_mark] {
            assert_eq!(shown(bytes), want);
        }
    }

    #[test]
    fn every_column_has_a_name_of_its_own() {
        assert_eq!(shown(b"a,a,,a#2,a\n1,2,3,4,5\n"), "a|a#2|column 3|a#2#2|a#3\n1|2|3|4|5");
    }

    #[test]
    fn blank_lines_are_no_rows() {
        assert_eq!(shown(b"a,b\n\n , \n1,2\n"), "a|b\n1|2");
        assert_eq!(shown(b""), "");
    }
}
