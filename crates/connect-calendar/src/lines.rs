//! The lines of a calendar file as ranges of its bytes (RFC 5545, 3.1).

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2};

/// A file seen as content lines. Nothing is copied until a line is unfolded.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    /// Old exports end lines with a bare CR. Where there is any LF, a bare CR is text.
    break_byte: u8,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let break_byte = if memchr(b'\n', bytes).is_some() { b'\n' } else { b'\r' };
        Self { bytes, break_byte }
    }

    /// The line ending that the file uses, for the lines that are put around a slice.
    pub(crate) fn ending(&self) -> &'static [u8] {
        match self.bytes.iter().position(|b| *b == self.break_byte) {
            Some(at) if self.break_byte == b'\n' && at > 0 && self.bytes[at - 1] != b'\r' => b"\n",
            Some(_) if self.break_byte == b'\r' => b"\r",
            _ => b"\r\n",
        }
    }

    /// All of the file.
    pub(crate) fn all(&self) -> Range<usize> {
        0..self.bytes.len()
    }

    /// Each content line with its folds and its line ending, of a part of the file that begins
    /// and ends with a line. Blank lines belong to the line before them; those before the first
    /// line belong to none.
    pub(crate) fn within(&self, part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut physical = self.physical(part).peekable();
        let blank = |line: &Physical| line.content.is_empty();
        std::iter::from_fn(move || {
            while physical.next_if(blank).is_some() {}
            let first = physical.next()?;
            let mut soft = SoftBreaks::default();
            soft.began(&self.bytes[first.content.clone()]);
            let mut end = first.end;
            while let Some(line) = physical.next_if(|line| {
                let content = &self.bytes[line.content.clone()];
                matches!(content.first(), None | Some(b' ' | b'\t')) || soft.continues_with(content)
            }) {
                soft.went_on(&self.bytes[line.content]);
                end = line.end;
            }
            Some(first.content.start..end)
        })
    }

    /// The name of the property in a content line, in upper case.
    pub(crate) fn name(&self, range: Range<usize>) -> Cow<'a, str> {
        let line = &self.bytes[range.clone()];
        let line = trim_start(&line[..line.len().min(NAME_BYTES)]);
        match line.iter().find(|b| matches!(b, b':' | b';' | b'\r' | b'\n')) {
            Some(b':' | b';') => name_of(line),
            // The name may be folded.
            _ => Cow::Owned(name_of(&self.unfolded(range)).into_owned()),
        }
    }

    /// The bytes of a content line without folds, soft breaks and line ending.
    pub(crate) fn unfolded(&self, range: Range<usize>) -> Cow<'a, [u8]> {
        let mut parts = self.physical(range);
        let Some(first) = parts.next() else { return Cow::Borrowed(b"") };
        let content = &self.bytes[first.content];
        let mut soft = SoftBreaks::default();
        soft.began(content);
        let mut line = Cow::Borrowed(trim_start(content));
        for part in parts {
            let content = &self.bytes[part.content];
            if soft.continues_with(content) {
                line.to_mut().pop();
                line.to_mut().extend_from_slice(content);
            } else if let [b' ' | b'\t', rest @ ..] = content {
                line.to_mut().extend_from_slice(rest);
            }
            soft.went_on(content);
        }
        if soft.dangles() {
            let kept = line.iter().rposition(|b| *b != b'=').map_or(0, |at| at + 1);
            line.to_mut().truncate(kept);
        }
        line
    }

    fn physical(&self, range: Range<usize>) -> impl Iterator<Item = Physical> {
        let Range { start: mut at, end } = range;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let start = at;
            let stop = memchr(self.break_byte, &self.bytes[start..end]);
            let mut stop = stop.map_or(end, |found| start + found);
            at = (stop + 1).min(end);
            while stop > start && self.bytes[stop - 1] == b'\r' {
                stop -= 1;
            }
            Some(Physical { content: start..stop, end: at })
        })
    }
}

struct Physical {
    content: Range<usize>,
    end: usize,
}

/// No name is longer; a megabyte of text without a colon has none.
const NAME_BYTES: usize = 128;

/// Whether a quoted-printable value (vCalendar 1.0) goes on in the next line.
#[derive(Default)]
struct SoftBreaks {
    quoted_printable: bool,
    open: bool,
}

impl SoftBreaks {
    fn began(&mut self, content: &[u8]) {
        self.open = content.ends_with(b"=");
        self.quoted_printable = self.open && is_quoted_printable(content);
    }

    fn went_on(&mut self, content: &[u8]) {
        self.open = content.ends_with(b"=");
    }

    /// A value that ends with `=` by mistake must not swallow the end of its component.
    fn continues_with(&self, content: &[u8]) -> bool {
        self.dangles() && !matches!(name_of(content).as_ref(), "BEGIN" | "END")
    }

    fn dangles(&self) -> bool {
        self.quoted_printable && self.open
    }
}

/// The name of the property in an unfolded line, in upper case.
pub(crate) fn name_of(line: &[u8]) -> Cow<'_, str> {
    let start = &line[..line.len().min(NAME_BYTES)];
    let end = start.iter().position(|b| matches!(b, b':' | b';')).unwrap_or(0);
    let name = &start[..end];
    let is_plain = name.iter().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-'));
    match std::str::from_utf8(name) {
        Ok(name) if is_plain => Cow::Borrowed(name),
        _ => String::from_utf8_lossy(name).trim().to_ascii_uppercase().into(),
    }
}

/// Where the colon before the value stands: the first outside of quotes, or the first.
pub(crate) fn colon(line: &[u8]) -> Option<usize> {
    match memchr2(b':', b'"', line) {
        Some(at) if line[at] == b':' => return Some(at),
        Some(_) => {}
        None => return None,
    }
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b':' if !quoted => return Some(at),
            _ => {}
        }
    }
    memchr(b':', line)
}

fn is_quoted_printable(line: &[u8]) -> bool {
    let head = &line[..colon(line).unwrap_or(0)];
    head.to_ascii_uppercase()
        .split(|b| *b == b';')
        .any(|part| matches!(part, b"QUOTED-PRINTABLE" | b"ENCODING=QUOTED-PRINTABLE"))
}

/// Files and the calendars inside of them may begin with a byte order mark or with spaces.
fn trim_start(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line
        .strip_prefix(b"\xef\xbb\xbf")
        .or_else(|| line.strip_prefix(b" "))
        .or_else(|| line.strip_prefix(b"\t"))
    {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<String> {
        let lines = Lines::new(text);
        let unfold = |range| String::from_utf8_lossy(&lines.unfolded(range)).into_owned();
        lines.within(lines.all()).map(unfold).collect()
    }

    #[test]
    fn every_kind_of_line_ending_ends_a_line() {
        for text in ["A:1\r\nB:2\r\n", "A:1\nB:2", "A:1\rB:2\r", "\r\n\nA:1\r\r\nB:2\n"] {
            assert_eq!(lines(text.as_bytes()), ["A:1", "B:2"], "{text:?}");
        }
    }

    #[test]
    fn folds_are_undone_even_inside_of_a_character() {
        assert_eq!(lines(b"A:gr\xc3\r\n \xbcn\r\n\t!\r\nB:2"), ["A:grün!", "B:2"]);
    }

    #[test]
    fn a_blank_line_does_not_end_a_fold() {
        assert_eq!(lines(b"A:one\n\n two\nB:2\n"), ["A:onetwo", "B:2"]);
    }

    #[test]
    fn a_bare_cr_in_a_file_with_lf_is_text() {
        assert_eq!(lines(b"A:one\rtwo\nB:2\n"), ["A:one\rtwo", "B:2"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_name() {
        assert_eq!(lines(b"\xef\xbb\xbfBEGIN:X\n"), ["BEGIN:X"]);
    }

    #[test]
    fn soft_breaks_of_quoted_printable_are_undone() {
        let text = b"A;ENCODING=QUOTED-PRINTABLE:caf=\r\n=C3=A9=\r\nEND:X\r\n";
        assert_eq!(lines(text), ["A;ENCODING=QUOTED-PRINTABLE:caf=C3=A9", "END:X"]);
        assert_eq!(lines(b"A;ENCODING=BASE64:Zg==\nB:2"), ["A;ENCODING=BASE64:Zg==", "B:2"]);
    }

    #[test]
    fn the_ending_of_a_slice_is_that_of_its_file() {
        for (text, ending) in [("A\r\nB\n", "\r\n"), ("A\nB", "\n"), ("A\rB", "\r"), ("A", "\r\n")]
        {
            assert_eq!(Lines::new(text.as_bytes()).ending(), ending.as_bytes(), "{text:?}");
        }
    }
}
