//! How a table is laid out: its delimiter, and where its header stands.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::records::{Dialect, Record, Records};

/// Delimiters in the order in which they win where two fit alike: the rarer in text first, so
/// that `name, first;id` has two columns and not a comma between them.
const DELIMITERS: [u8; 4] = [b'\t', b'|', b';', b','];
/// How many records are looked at.
const SAMPLE: usize = 200;
/// A header stands among so many first records: banks write up to some twenty lines of their own
/// before it.
const PREAMBLE: usize = 60;

/// The layout of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) dialect: Dialect,
    /// How many bytes of a line that only names the delimiter stand before everything.
    pub(crate) declaration: usize,
    /// How many records that are not blank stand before the table.
    pub(crate) before: usize,
    /// The names of the columns, each once; empty where the table has no header.
    pub(crate) columns: Vec<String>,
}

impl Layout {
    /// Finds the layout from the first bytes of a file; `is_all` tells whether these are all.
    pub(crate) fn of(start: &[u8], is_all: bool) -> Self {
        let line_end = if start.contains(&b'\n') { b'\n' } else { b'\r' };
        let declared = declared_delimiter(start, line_end);
        let declaration = declared.map_or(0, |(_, length)| length);
        let sample = |delimiter| sample(&start[declaration..], delimiter, line_end, is_all);
        let (delimiter, records) = match declared {
            Some((delimiter, _)) => (Some(delimiter), sample(Some(delimiter))),
            None => {
                let fits = DELIMITERS.into_iter().rev().map(|delimiter| {
                    let records = sample(Some(delimiter));
                    (fit(&records), delimiter, records)
                });
                match fits.max_by_key(|(fit, ..)| *fit).filter(|(fit, ..)| *fit > 0) {
                    Some((_, delimiter, records)) => (Some(delimiter), records),
                    None => (None, sample(None)),
                }
            }
        };
        let dialect = Dialect { delimiter, line_end };
        let width = width(&records);
        // Some exports end each row with a delimiter, and the header not.
        let full = || records.iter().filter(|record| record.fields.len() == width);
        let is_ended = width > 2
            && full().all(|record| record.fields.last().is_some_and(|last| last.trim().is_empty()));
        let is_wide = |record: &Record| record.fields.len() + usize::from(is_ended) >= width;
        let header = records.iter().take(PREAMBLE).position(|r| is_wide(r) && is_header(r));
        match header {
            Some(at) => {
                let columns = columns(&records[at].fields);
                Self { dialect, declaration, before: at, columns }
            }
            None => {
                let before = records.iter().take(PREAMBLE).position(is_wide).unwrap_or(0);
                Self { dialect, declaration, before, columns: Vec::new() }
            }
        }
    }

    /// The name of a column, also of one that the header does not have.
    pub(crate) fn column(&self, at: usize) -> Cow<'_, str> {
        match self.columns.get(at) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(numbered(at)),
        }
    }
}

/// The name of a column without one.
pub(crate) fn numbered(at: usize) -> String {
    format!("column {}", at + 1)
}

/// The first records that are not blank. The last one of a start may be half of one.
fn sample(start: &[u8], delimiter: Option<u8>, line_end: u8, is_all: bool) -> Vec<Record> {
    let mut records = Records::new(start, Dialect { delimiter, line_end });
    let mut sample = Vec::new();
    while sample.len() < SAMPLE {
        match records.next() {
            Ok(Some(record)) if record.is_blank() => {}
            Ok(Some(record)) => sample.push(record),
            _ => {
                if !is_all && sample.len() > 1 {
                    sample.pop();
                }
                break;
            }
        }
    }
    sample
}

/// Spreadsheets may name the delimiter in a line before the header. Gives it and the length of
/// the line.
fn declared_delimiter(start: &[u8], line_end: u8) -> Option<(u8, usize)> {
    let length = start.iter().position(|byte| *byte == line_end)? + 1;
    let line = start[..length].trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|l| l.strip_suffix(b"\"")).unwrap_or(line);
    // The tab is cut off with the blanks.
    let delimiter = match line.strip_prefix(b"sep=")? {
        [] if start[..length].contains(&b'\t') => b'\t',
        [delimiter] if delimiter.is_ascii() => *delimiter,
        _ => return None,
    };
    Some((delimiter, length))
}

/// The number of fields that the table's records have.
fn width(records: &[Record]) -> usize {
    widths(records).max().map_or(1, |(_, width)| width)
}

/// How well the records are split.
fn fit(records: &[Record]) -> usize {
    widths(records).max().map_or(0, |(fit, _)| fit)
}

/// Each number of fields that could be the table's, with how well it fits: what many records
/// have says more than what few have, and many fields say more than few. What a record has alone,
/// among lines that are one field, is a text.
fn widths(records: &[Record]) -> impl Iterator<Item = (usize, usize)> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for record in records {
        *counts.entry(record.fields.len()).or_default() += 1;
    }
    let all = records.len();
    let plain = counts.remove(&1).unwrap_or(0);
    let is_text = plain * 5 > all * 4;
    let counts = counts.into_iter().filter(move |(_, n)| !is_text && (*n > 1 || n * 2 >= all));
    counts.map(|(width, n)| (n * n * (width.min(1000) - 1), width))
}

/// Whether a record names columns: most of its fields are filled, and none as a value is.
fn is_header(record: &Record) -> bool {
    let filled = record.fields.iter().filter(|field| !field.trim().is_empty()).count();
    filled * 5 >= record.fields.len() * 3 && !record.fields.iter().any(|field| is_value(field))
}

/// Whether a field is a number, an amount, a date, a time or an address rather than a name.
fn is_value(field: &str) -> bool {
    let field = field.trim();
    let digits = field.bytes().filter(u8::is_ascii_digit).count();
    let letters = field.chars().filter(|c| c.is_alphabetic()).count();
    let is_dated = field.len() >= 10
        && field.bytes().take(10).enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let is_address = field.split_once('@').is_some_and(|(_, host)| host.contains('.'));
    digits > 0 && letters == 0 || is_dated || is_address
}

/// The header as names, each once: the second `Name` is `Name#2`, one without is `column 3`.
fn columns(header: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    // How far the numbers of a name are used up, so that many doubles are no long search.
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = Vec::with_capacity(header.len());
    for (at, field) in header.iter().enumerate() {
        let plain = match field.trim() {
            "" => numbered(at),
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

    /// Delimiter, how many records stand before the table, and the columns.
    fn shown(text: &str) -> String {
        let layout = Layout::of(text.as_bytes(), true);
        let delimiter =
            layout.dialect.delimiter.map_or("none".into(), |d| format!("{:?}", d as char));
        format!("{delimiter} {} {}", layout.before, layout.columns.join("|"))
    }

    #[test]
    fn the_delimiter_is_found() {
        for delimiter in [",", ";", "\t", "|"] {
            let text = "id_name\n1_Jo\n2_An\n".replace('_', delimiter);
            let want = delimiter.chars().next().unwrap();
            assert_eq!(shown(&text), format!("{want:?} 0 id|name"), "{delimiter:?}");
        }
        assert_eq!(shown("id;amount\n1;12,50\n2;3,00\n"), "';' 0 id|amount");
        assert_eq!(shown("name, first;id\nDoe, Jo;1\nRoe, An;2\n"), "';' 0 name, first|id");
        assert_eq!(shown("sep=;\na;b,c\n1;2\n"), "';' 0 a|b,c");
        assert_eq!(shown("sep=\t\r\na\tb\r\n1\t2\r\n"), "'\\t' 0 a|b");
        assert_eq!(shown("only\n1\n2\n"), "none 0 only");
        assert_eq!(shown("a,b\r1,2\r"), "',' 0 a|b");
    }

    #[test]
    fn what_a_bank_writes_before_the_header_is_no_header() {
        let giro = "\"Kontonummer:\";\"DE12 / Girokonto\";\n\n\"Von:\";\"01.01.2026\";\n\
            \"Kontostand vom 31.01.2026:\";\"1.234,56 EUR\";\n\n\
            \"Buchungstag\";\"Wertstellung\";\"Auftraggeber\";\"Verwendungszweck\";\"Betrag (EUR)\";\n\
            \"02.01.2026\";\"02.01.2026\";\"Jo Doe\";\"AB-12\";\"-12,50\";\n";
        assert_eq!(
            shown(giro),
            "';' 3 Buchungstag|Wertstellung|Auftraggeber|Verwendungszweck|Betrag (EUR)|column 6"
        );
        let padded = "Account,DE12,,,\nOwner,Jo Doe,,,\nDate,Payee,Memo,Amount,Balance\n\
            2026-01-02,Jo,AB-12,1.00,2.00\n2026-01-03,An,AB-13,1.00,3.00\n";
        assert_eq!(shown(padded), "',' 2 Date|Payee|Memo|Amount|Balance");
    }

    #[test]
    fn a_table_may_have_no_header() {
        assert_eq!(shown("2026-01-02,Jo,1.50\n2026-01-03,An,2.50\n"), "',' 0 ");
        assert_eq!(shown("Report\n2026-01-02,Jo,1.50\n2026-01-03,An,2.50\n"), "',' 1 ");
        assert_eq!(shown("jo@example.org\nan@example.org\n"), "none 0 ");
    }

    #[test]
    fn every_column_has_a_name_of_its_own() {
        assert_eq!(shown("a,a,,a#2,a\n1,2,3,4,5\n"), "',' 0 a|a#2|column 3|a#2#2|a#3");
    }

    #[test]
    fn a_text_without_delimiters_is_one_column() {
        assert_eq!(shown("message\nHello, world\nBye\nAgain\n"), "none 0 message");
        assert_eq!(shown(""), "none 0 ");
    }
}
