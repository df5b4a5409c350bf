//! The values of JSON files one after the other, as the bytes that they are.

use std::io::{self, BufRead};

/// A value that is longer is no item of any export.
const LONGEST_VALUE: usize = 64 << 20;
/// An object at the top that is longer is a frame around a list, and its list is gone through
/// while it is read.
const LONGEST_HELD: usize = 8 << 20;
/// Lists in lists are gone through to this depth: an array of pages is one such.
const NESTED_LISTS: usize = 4;

/// Which members of an object make it a frame around a list, such as `{"items": […]}`, rather
/// than an item. An object that has an `id` is never one, and a list is one only where it begins
/// with an object.
#[derive(Debug, Clone, Copy)]
pub enum Lists {
    /// Members of these names.
    Named(&'static [&'static str]),
    /// Any member, but for objects that stand on lines of their own.
    Any,
}

/// What stands in a JSON file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonPiece<'j> {
    /// An item: an element of a list, a line, or a value by itself.
    Value(&'j [u8]),
    /// What stands beside the lists of a frame, as an object of its own.
    Frame(&'j [u8]),
    /// What is no JSON, or ends before its end.
    Broken(&'j [u8]),
}

/// Goes through JSON Lines, documents one after the other, arrays, and frames around lists, with
/// the memory of one item. Values are told apart by their brackets alone, so that a bad one
/// costs no other: what is inside of them is not looked at.
///
/// # Errors
/// The reader's, as `failed` turns them, and those of `each`.
pub fn json_values<E>(
    reader: impl BufRead,
    lists: Lists,
    failed: impl Fn(io::Error) -> E,
    mut each: impl FnMut(JsonPiece<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut outcome = Ok(());
    let mut scanner = Scanner { reader, back: Vec::new(), at: 0 };
    let mut give = |piece: JsonPiece<'_>| {
        outcome = each(piece);
        outcome.is_ok()
    };
    let read = scanner.file(lists, &mut give);
    outcome?;
    read.map(|_| ()).map_err(failed)
}

/// Takes a piece, and says whether it wants more.
type Give<'g> = &'g mut dyn FnMut(JsonPiece<'_>) -> bool;

struct Scanner<R> {
    reader: R,
    /// What was read and given back, from `at` on.
    back: Vec<u8>,
    at: usize,
}

/// How a value ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    /// The file ends within it.
    Cut,
    /// It is longer than it may be.
    Long,
}

impl<R: BufRead> Scanner<R> {
    fn file(&mut self, lists: Lists, give: Give<'_>) -> io::Result<bool> {
        if self.is_lines()? { self.lines(lists, give) } else { self.documents(lists, give) }
    }

    /// Whether the first line is a value of its own, and another line follows it.
    fn is_lines(&mut self) -> io::Result<bool> {
        self.skip_blank()?;
        let mut line = Vec::new();
        let is_line = self.line(&mut line, LONGEST_HELD)? && is_value(&line);
        self.skip_blank()?;
        let follows = self.peek()?.is_some();
        self.give_back(&line);
        Ok(is_line && follows)
    }

    fn lines(&mut self, lists: Lists, give: Give<'_>) -> io::Result<bool> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if !self.line(&mut line, LONGEST_VALUE)? && line.is_empty() {
                return Ok(true);
            }
            let value = line.trim_ascii();
            let goes_on = match lists {
                _ if value.is_empty() => true,
                _ if !is_value(value) => give(JsonPiece::Broken(value)),
                Lists::Any => give(JsonPiece::Value(value)),
                Lists::Named(_) => unfold(value, lists, 0, give)?,
            };
            if !goes_on {
                return Ok(false);
            }
        }
    }

    fn documents(&mut self, lists: Lists, give: Give<'_>) -> io::Result<bool> {
        loop {
            self.skip_blank()?;
            let mut value = Vec::new();
            let goes_on = match self.peek()? {
                None => return Ok(true),
                Some(b'[') => self.array(lists, 0, give)?,
                Some(_) => match self.value(&mut value, LONGEST_HELD)? {
                    Ended::Whole => unfold(&value, lists, 0, give)?,
                    Ended::Cut | Ended::Long if value.first() == Some(&b'{') => {
                        self.give_back(&value);
                        self.object(lists, give)?
                    }
                    Ended::Cut | Ended::Long => give(JsonPiece::Broken(&value)),
                },
            };
            if !goes_on {
                return Ok(false);
            }
        }
    }

    /// Gives the elements of the array that begins here.
    fn array(&mut self, lists: Lists, depth: usize, give: Give<'_>) -> io::Result<bool> {
        self.next()?;
        let mut value = Vec::new();
        loop {
            self.skip_blank()?;
            value.clear();
            match self.peek()? {
                None => return Ok(true),
                Some(b']') => {
                    self.next()?;
                    return Ok(true);
                }
                Some(b',') => {
                    self.next()?;
                    continue;
                }
                Some(b'}' | b':') => {
                    value.extend(self.next()?);
                    if !give(JsonPiece::Broken(&value)) {
                        return Ok(false);
                    }
                    continue;
                }
                Some(_) => {}
            }
            let goes_on = match self.value(&mut value, LONGEST_VALUE)? {
                Ended::Whole => unfold(&value, lists, depth + 1, give)?,
                Ended::Cut | Ended::Long => give(JsonPiece::Broken(&value)),
            };
            if !goes_on {
                return Ok(false);
            }
        }
    }

    /// Gives the elements of the lists of an object, and then what stands beside them.
    fn object(&mut self, lists: Lists, give: Give<'_>) -> io::Result<bool> {
        let mut beside = self.next()?.into_iter().collect::<Vec<u8>>();
        let (mut key, mut is_list_seen) = (Vec::new(), false);
        let mut is_whole = false;
        loop {
            self.skip_blank()?;
            match self.peek()? {
                Some(b'}') => {
                    self.next()?;
                    is_whole = true;
                    break;
                }
                Some(b',') => {
                    self.next()?;
                    continue;
                }
                Some(b'"') => {}
                _ => break,
            }
            key.clear();
            if self.value(&mut key, LONGEST_VALUE)? != Ended::Whole {
                break;
            }
            self.skip_blank()?;
            if self.peek()? == Some(b':') {
                self.next()?;
            }
            self.skip_blank()?;
            if lists.has(&key) && self.begins_list()? {
                is_list_seen = true;
                if !self.array(lists, 0, give)? {
                    return Ok(false);
                }
                continue;
            }
            if beside.len() > 1 {
                beside.push(b',');
            }
            beside.extend_from_slice(&key);
            beside.push(b':');
            if self.value(&mut beside, LONGEST_VALUE)? != Ended::Whole {
                break;
            }
        }
        if !is_whole || !is_list_seen {
            return Ok(beside.len() <= 1 || give(JsonPiece::Broken(&beside)));
        }
        beside.push(b'}');
        Ok(beside.len() <= 2 || give(JsonPiece::Frame(&beside)))
    }

    /// Whether an array of objects begins here.
    fn begins_list(&mut self) -> io::Result<bool> {
        if self.peek()? != Some(b'[') {
            return Ok(false);
        }
        self.next()?;
        self.skip_blank()?;
        let is_list = self.peek()? == Some(b'{');
        match self.at.checked_sub(1) {
            Some(at) => (self.at, self.back[at]) = (at, b'['),
            None => self.back.push(b'['),
        }
        Ok(is_list)
    }

    /// Reads one value, told by its brackets and quotes.
    fn value(&mut self, value: &mut Vec<u8>, longest: usize) -> io::Result<Ended> {
        let begun = value.len();
        let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
        while let Some(byte) = self.peek()? {
            let is_first = value.len() == begun;
            if depth == 0 && !is_text && !is_first {
                let is_scalar = !matches!(value[begun], b'{' | b'[' | b'"');
                if !is_scalar || matches!(byte, b',' | b']' | b'}' | b':') || is_blank(byte) {
                    return Ok(Ended::Whole);
                }
            }
            if value.len() - begun >= longest {
                return Ok(Ended::Long);
            }
            value.push(byte);
            self.next()?;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_text => is_escaped = true,
                b'"' => is_text = !is_text,
                b'{' | b'[' if !is_text => depth += 1,
                b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let is_whole = depth == 0 && !is_text && value.len() > begun;
        Ok(if is_whole { Ended::Whole } else { Ended::Cut })
    }

    /// Reads to the end of a line, which it keeps. `false` where the line does not end.
    fn line(&mut self, line: &mut Vec<u8>, longest: usize) -> io::Result<bool> {
        while line.len() < longest {
            let Some(byte) = self.next()? else { return Ok(false) };
            line.push(byte);
            if byte == b'\n' {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn skip_blank(&mut self) -> io::Result<()> {
        while self.peek()?.is_some_and(is_blank) {
            self.next()?;
        }
        Ok(())
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        match self.back.get(self.at) {
            Some(byte) => Ok(Some(*byte)),
            None => Ok(self.reader.fill_buf()?.first().copied()),
        }
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        match byte {
            None => {}
            Some(_) if self.at < self.back.len() => self.at += 1,
            Some(_) => self.reader.consume(1),
        }
        Ok(byte)
    }

    fn give_back(&mut self, bytes: &[u8]) {
        self.back = [bytes, &self.back[self.at.min(self.back.len())..]].concat();
        self.at = 0;
    }
}

impl Lists {
    /// Whether a member of this name, with its quotes, may be a list of items.
    fn has(self, key: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => {
                names.iter().any(|name| key.get(1..key.len() - 1) == Some(name.as_bytes()))
            }
        }
    }
}

/// Gives a whole value: the elements of an array or of a frame's lists, else the value itself.
fn unfold(value: &[u8], lists: Lists, depth: usize, give: Give<'_>) -> io::Result<bool> {
    let mut scanner = Scanner { reader: value, back: Vec::new(), at: 0 };
    match value.first() {
        Some(b'[') if depth < NESTED_LISTS => scanner.array(lists, depth, give),
        Some(b'{') if depth < NESTED_LISTS && is_frame(value, lists, depth)? => {
            scanner.object(lists, give)
        }
        _ => Ok(give(JsonPiece::Value(value))),
    }
}

/// Whether an object is a frame around a list of items. An element of an array is one only where
/// its list is called as lists of items are.
fn is_frame(value: &[u8], lists: Lists, depth: usize) -> io::Result<bool> {
    if depth > 0 && matches!(lists, Lists::Any) {
        return Ok(false);
    }
    let mut scanner = Scanner { reader: value, back: Vec::new(), at: 0 };
    scanner.next()?;
    let (mut key, mut member, mut has_list) = (Vec::new(), Vec::new(), false);
    loop {
        scanner.skip_blank()?;
        match scanner.peek()? {
            Some(b',') => {
                scanner.next()?;
                continue;
            }
            Some(b'"') => {}
            _ => return Ok(has_list),
        }
        key.clear();
        scanner.value(&mut key, LONGEST_VALUE)?;
        if key.eq_ignore_ascii_case(b"\"id\"") {
            return Ok(false);
        }
        scanner.skip_blank()?;
        if scanner.peek()? == Some(b':') {
            scanner.next()?;
        }
        scanner.skip_blank()?;
        has_list |= lists.has(&key) && scanner.begins_list()?;
        member.clear();
        if scanner.value(&mut member, LONGEST_VALUE)? != Ended::Whole {
            return Ok(has_list);
        }
    }
}

/// Whether the bytes are one value by their brackets, and nothing else.
fn is_value(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    let mut scanner = Scanner { reader: bytes, back: Vec::new(), at: 0 };
    let mut value = Vec::new();
    let ended = scanner.value(&mut value, LONGEST_VALUE);
    matches!(bytes.first(), Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
        && matches!(ended, Ok(Ended::Whole))
        && value.len() == bytes.len()
}

fn is_blank(byte: u8) -> bool {
    // A byte order mark is passed over where it stands before the first value.
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found, a line each: values as they are, frames behind `~`, what is broken behind
    /// `!`.
    fn found(text: &str, lists: Lists) -> Vec<String> {
        let mut found = Vec::new();
        json_values(
            text.as_bytes(),
            lists,
            |error| panic!("{error}"),
            |piece| -> Result<(), ()> {
                let (mark, bytes) = match piece {
                    JsonPiece::Value(bytes) => ("", bytes),
                    JsonPiece::Frame(bytes) => ("~", bytes),
                    JsonPiece::Broken(bytes) => ("!", bytes),
                };
                found.push(format!("{mark}{}", String::from_utf8_lossy(bytes)));
                Ok(())
            },
        )
        .unwrap();
        found
    }

    #[test]
    fn lines_documents_and_arrays_give_their_values_as_they_are() {
        for text in [
            "{\"a\" : 1}\n{\"b\":[{\"c\":\"}\\\"\"}]}\n",
            "\u{feff}[ {\"a\" : 1} ,\n{\"b\":[{\"c\":\"}\\\"\"}]}]",
            "{\"a\" : 1}{\"b\":[{\"c\":\"}\\\"\"}],\"id\":7}",
        ] {
            let found = found(text, Lists::Any);
            assert_eq!(found[0], "{\"a\" : 1}", "{text}");
            assert!(found[1].starts_with("{\"b\":[{\"c\":\"}\\\"\"}]"), "{text}");
            assert_eq!(found.len(), 2, "{text}");
        }
        assert_eq!(found("[1, \"x\", null]", Lists::Any), ["1", "\"x\"", "null"]);
        assert_eq!(found("", Lists::Any), [""; 0]);
    }

    #[test]
    fn the_lists_of_a_frame_are_gone_through() {
        let text = "{\"page\": 1, \"items\": [{\"a\":1},{\"a\":2}], \"tags\": [\"x\"]}";
        let frame = "~{\"page\":1,\"tags\":[\"x\"]}";
        assert_eq!(found(text, Lists::Any), ["{\"a\":1}", "{\"a\":2}", frame]);
        assert_eq!(found(text, Lists::Named(&["items"])), ["{\"a\":1}", "{\"a\":2}", frame]);
        assert_eq!(found(text, Lists::Named(&["value"])), [text]);
        let pages = format!("[{text},{text}]");
        assert_eq!(found(&pages, Lists::Named(&["items"])).len(), 6);
        // An order with its lines is one item.
        assert_eq!(found(&pages, Lists::Any), [text, text]);
        let order = "{\"lines\":[{\"a\":1}],\"Id\":\"o\"}";
        assert_eq!(found(order, Lists::Any), [order]);
    }

    #[test]
    fn a_frame_of_any_length_is_gone_through_while_it_is_read() {
        let item = format!("{{\"a\":\"{}\"}}", "x".repeat(1000));
        let items = vec![item.as_str(); 10_000].join(",");
        let text = format!("{{\"page\":1,\"items\":[{items}],\"next\":null}}");
        assert!(text.len() > LONGEST_HELD);
        let found = found(&text, Lists::Any);
        assert_eq!(found.len(), 10_001);
        assert!(found[..10_000].iter().all(|value| *value == item));
        assert_eq!(found[10_000], "~{\"page\":1,\"next\":null}");
    }

    #[test]
    fn what_is_broken_costs_no_more_than_itself() {
        let lines = "{\"a\":1}\n{\"b\":\n{\"c\":3}\n";
        assert_eq!(found(lines, Lists::Any), ["{\"a\":1}", "!{\"b\":", "{\"c\":3}"]);
        let cut = "{\"items\":[{\"a\":1},{\"a\":2},{\"a\"";
        assert_eq!(found(cut, Lists::Any)[..2], ["{\"a\":1}", "{\"a\":2}"]);
        assert_eq!(found(cut, Lists::Any)[2], "!{\"a\"");
        assert_eq!(found("[{\"a\":1}}, {\"a\":2}]", Lists::Any), ["{\"a\":1}", "!}", "{\"a\":2}"]);
    }
}
