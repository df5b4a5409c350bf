//! The records of a file of delimited values, one by one.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use crate::utf8::text;

/// A quoted cell is no longer. What has no end by then was not opened by its quote.
const LONGEST: usize = 16 << 20;

/// A record, with the number of its fields as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) fields: Vec<String>,
    /// Whether a quote in it is never closed: it was split as though it had none.
    pub(crate) is_torn: bool,
}

impl Record {
    /// Whether nothing stands in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.fields.iter().all(|field| field.trim().is_empty())
    }
}

/// How records are written (RFC 4180, and what exports make of it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// What stands between fields; `None` where a line is one field.
    pub(crate) delimiter: Option<u8>,
    /// What ends a line.
    pub(crate) line_end: u8,
}

/// Reads records with the memory of one. A quote inside of a quoted field that no delimiter
/// follows is text; one that is never closed costs the line that it stands in its quotes, and no
/// other line anything.
pub(crate) struct Records<R> {
    reader: R,
    dialect: Dialect,
    /// Lines that were read on the search for a closing quote.
    ahead: VecDeque<Vec<u8>>,
    /// In so many of these no quote closes a field that was opened before.
    unclosed: usize,
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(reader: R, dialect: Dialect) -> Self {
        Self { reader, dialect, ahead: VecDeque::new(), unclosed: 0 }
    }

    /// The next record.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        let Some(first) = self.line()? else { return Ok(None) };
        let mut split = Split::new(self.dialect);
        split.line(&first);
        if !split.is_quoted {
            return Ok(Some(split.record()));
        }
        let mut lines = Vec::new();
        let mut length = first.len();
        // The lines that were read ahead are known to hold no end.
        while self.unclosed == 0 && length < LONGEST {
            let Some(line) = self.line()? else { break };
            split.line(&line);
            length += line.len();
            lines.push(line);
            if !split.is_quoted {
                return Ok(Some(split.record()));
            }
        }
        self.unclosed = self.unclosed.max(lines.len());
        lines.into_iter().rev().for_each(|line| self.ahead.push_front(line));
        let mut split = Split::new(self.dialect);
        split.has_quotes = false;
        split.line(&first);
        Ok(Some(Record { is_torn: true, ..split.record() }))
    }

    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.pop_front() {
            self.unclosed = self.unclosed.saturating_sub(1);
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let read = self.reader.read_until(self.dialect.line_end, &mut line)?;
        Ok((read > 0).then_some(line))
    }
}

/// A record that is being split.
struct Split {
    dialect: Dialect,
    fields: Vec<Vec<u8>>,
    field: Vec<u8>,
    has_quotes: bool,
    is_quoted: bool,
}

impl Split {
    fn new(dialect: Dialect) -> Self {
        let (fields, field) = (Vec::new(), Vec::new());
        Self { dialect, fields, field, has_quotes: true, is_quoted: false }
    }

    /// Takes a line with its end, which belongs to it where a quoted field goes on.
    fn line(&mut self, line: &[u8]) {
        let content = line.strip_suffix(&[self.dialect.line_end]).unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let is_delimiter = |byte: u8| self.dialect.delimiter == Some(byte);
        let (mut at, mut is_start) = (0, !self.is_quoted);
        while let Some(&byte) = content.get(at) {
            at += 1;
            if self.is_quoted {
                let rest = &content[at..];
                match byte {
                    b'"' if rest.first() == Some(&b'"') => {
                        self.field.push(b'"');
                        at += 1;
                    }
                    b'"' => {
                        let blanks = rest.iter().take_while(|b| **b == b' ').count();
                        if rest.get(blanks).is_none_or(|next| is_delimiter(*next)) {
                            self.is_quoted = false;
                            at += blanks;
                        } else {
                            self.field.push(b'"');
                        }
                    }
                    _ => self.field.push(byte),
                }
            } else if is_delimiter(byte) {
                self.fields.push(std::mem::take(&mut self.field));
                is_start = true;
                continue;
            } else if byte == b'"' && is_start && self.has_quotes {
                self.is_quoted = true;
            } else {
                self.field.push(byte);
            }
            is_start = false;
        }
        if self.is_quoted {
            self.field.extend_from_slice(&line[content.len()..]);
        }
    }

    fn record(mut self) -> Record {
        self.fields.push(self.field);
        // A record is in one charset.
        let is_utf8 = self.fields.iter().all(|field| std::str::from_utf8(field).is_ok());
        let decoded = |field: Vec<u8>| match is_utf8 {
            true => text(field),
            false => encoding_rs::WINDOWS_1252.decode_without_bom_handling(&field).0.into_owned(),
        };
        Record { fields: self.fields.into_iter().map(decoded).collect(), is_torn: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each record with `|` between its fields, and `!` where a quote is torn.
    fn shown(text: &str) -> Vec<String> {
        let dialect = Dialect { delimiter: Some(b','), line_end: b'\n' };
        let mut records = Records::new(text.as_bytes(), dialect);
        let mut shown = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let mark = if record.is_torn { "!" } else { "" };
            shown.push(format!("{mark}{}", record.fields.join("|")));
        }
        shown
    }

    #[test]
    fn quotes_hold_delimiters_and_line_breaks() {
        assert_eq!(shown("a,b\r\n\"x, \"\"y\"\"\",\"1\r\n2\"\r\n"), ["a|b", "x, \"y\"|1\r\n2"]);
        assert_eq!(shown("\"a\" ,\"\",x\"y\n"), ["a||x\"y"]);
    }

    #[test]
    fn a_quote_within_a_quoted_field_is_text() {
        assert_eq!(
            shown("\"5\" screen\",1\n\"say \\\"hi\\\" now\",2\n"),
            ["5\" screen|1", "say \\\"hi\\\" now|2"]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_no_other_line() {
        let text = "1,\"open\n2,b\n3,\"c\"\n4,\"d\n5,e\n";
        // The third line ends a field for the first one: what lies between stays together.
        assert_eq!(shown(text), ["1|open\n2,b\n3,\"c", "!4|\"d", "5|e"]);
        assert_eq!(shown("\"a\n\"b\n\"c\n"), ["!\"a", "!\"b", "!\"c"]);
    }

    #[test]
    fn many_torn_lines_take_linear_time() {
        let text = "\"a,b\n".repeat(300_000);
        assert_eq!(shown(&text).len(), 300_000);
    }

    #[test]
    fn each_record_is_in_one_charset() {
        let dialect = Dialect { delimiter: Some(b';'), line_end: b'\n' };
        let mut records = Records::new(&b"M\xfcller;\xc3\xa9\nM\xc3\xbcller;1\n"[..], dialect);
        assert_eq!(records.next().unwrap().unwrap().fields, ["Müller", "Ã©"]);
        assert_eq!(records.next().unwrap().unwrap().fields, ["Müller", "1"]);
    }
}
