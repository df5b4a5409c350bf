//! Messages one after the other in one file (RFC 4155), read as a stream.

use std::io::{self, BufRead, Read};

use crate::header::{field_name, is_field};

/// How long a message may be, in bytes.
pub const MAX_MESSAGE: usize = 128 << 20;
/// How much of a line is looked at in one piece.
const MAX_LINE: u64 = 1 << 20;

/// The messages of an mbox.
pub struct Mbox<R> {
    reader: R,
    ahead: Option<Vec<u8>>,
    at_line_start: bool,
    /// The length of the `From ` line that was read and begins the next message.
    envelope: u64,
    done: bool,
}

/// One message of an mbox.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its bytes as they stand in the file, without the `From ` line before it and the empty
    /// line after it.
    pub bytes: Vec<u8>,
    /// How many bytes of the file it took.
    pub consumed: u64,
    /// Whether it was longer than a message may be, and cut.
    pub cut: bool,
}

impl<R: BufRead> Mbox<R> {
    /// Reads from the beginning of a file.
    pub fn new(reader: R) -> Self {
        Self { reader, ahead: None, at_line_start: true, envelope: 0, done: false }
    }

    /// The next line, or the next piece of a very long one; empty at the end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        if let Some(line) = self.ahead.take() {
            return Ok(line);
        }
        let mut line = Vec::new();
        (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut line)?;
        Ok(line)
    }

    fn entry(&mut self) -> io::Result<Entry> {
        let mut entry = Entry { consumed: self.envelope, ..Entry::default() };
        let mut after_blank = self.envelope == 0;
        self.envelope = 0;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                self.done = true;
                break;
            }
            if self.at_line_start && is_from_line(&line) {
                let next = self.line()?;
                let begins = begins_message(&next, after_blank && is_dated(&line));
                self.ahead = Some(next);
                if begins {
                    if !entry.bytes.is_empty() {
                        self.envelope = line.len() as u64;
                        break;
                    }
                    entry.consumed += line.len() as u64;
                    continue;
                }
            }
            self.at_line_start = line.ends_with(b"\n");
            after_blank = line.trim_ascii().is_empty();
            entry.consumed += line.len() as u64;
            if entry.bytes.is_empty() && after_blank {
                continue;
            }
            if entry.cut || entry.bytes.len() + line.len() > MAX_MESSAGE {
                entry.cut = true;
            } else {
                entry.bytes.extend_from_slice(&line);
            }
        }
        // The empty line before the next `From ` line is the mbox's, not the message's.
        for separator in [&b"\n\r\n"[..], b"\n\n"] {
            if entry.bytes.ends_with(separator) {
                entry.bytes.truncate(entry.bytes.len() - separator.len() + 1);
                break;
            }
        }
        Ok(entry)
    }
}

impl<R: BufRead> Iterator for Mbox<R> {
    type Item = io::Result<Entry>;

    /// The next message. After an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.entry() {
            Ok(entry) if entry.bytes.is_empty() => None,
            Ok(entry) => Some(Ok(entry)),
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}

/// Whether a line may begin a message: `From `, a sender, and a date such as
/// `Mon Jan  1 10:00:00 2024`. Some programs leave the date out, and write `From -`.
pub fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let rest = rest.trim_ascii();
    let is_sender = rest == b"-" || (rest.contains(&b'@') && !rest.contains(&b' '));
    is_sender || is_dated(line)
}

fn is_dated(line: &[u8]) -> bool {
    const MONTHS: [&[u8]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    if !line.starts_with(b"From ") || line.len() > 500 {
        return false;
    }
    let words = || line[5..].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let digits = |word: &[u8]| word.iter().all(u8::is_ascii_digit);
    let has_month = words().any(|word| MONTHS.contains(&word.to_ascii_lowercase().as_slice()));
    let has_year = words().any(|word| word.len() == 4 && digits(word));
    let has_time = words().any(|word| {
        let mut pieces = word.split(|&byte| byte == b':');
        let is_two = |piece: &[u8]| (1..=2).contains(&piece.len()) && digits(piece);
        matches!(pieces.clone().count(), 2 | 3) && pieces.all(is_two)
    });
    has_month && has_year && has_time
}

/// Whether the line after a `From ` line begins a header. Where that line has no date, or no
/// empty line stands before it, this one must be a field that mail programs write.
fn begins_message(next: &[u8], is_sure: bool) -> bool {
    if next.starts_with(b">From ") {
        return is_sure;
    }
    if is_sure {
        return is_field(next);
    }
    field_name(next).is_some_and(|name| {
        name.starts_with("x-")
            || matches!(
                name.as_str(),
                "from"
                    | "to"
                    | "subject"
                    | "date"
                    | "received"
                    | "return-path"
                    | "message-id"
                    | "delivered-to"
                    | "mime-version"
                    | "content-type"
                    | "reply-to"
                    | "status"
                    | "envelope-to"
                    | "dkim-signature"
                    | "sender"
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "From a@x.de Mon Jan  1 10:00:00 2024\n";

    fn messages(mbox: &str) -> Vec<String> {
        let entries: Vec<Entry> = Mbox::new(mbox.as_bytes()).map(Result::unwrap).collect();
        let consumed: u64 = entries.iter().map(|entry| entry.consumed).sum();
        assert_eq!(consumed, mbox.len() as u64, "every byte is accounted for");
        entries.into_iter().map(|e| String::from_utf8(e.bytes).unwrap()).collect()
    }

    #[test]
    fn messages_stand_between_from_lines() {
        let mbox = format!("{FROM}A: 1\n\none\n\n{FROM}B: 2\n\ntwo\n\n");
        assert_eq!(messages(&mbox), ["A: 1\n\none\n", "B: 2\n\ntwo\n"]);
    }

    #[test]
    fn a_body_may_speak_of_from() {
        let mbox = format!("{FROM}A: 1\n\nFrom me to you\n\n{FROM}no header here\n>From x\n");
        assert_eq!(messages(&mbox).len(), 1);
        let inline = format!("{FROM}A: 1\n\ntext\n{FROM}Note: this is text\n");
        assert_eq!(messages(&inline).len(), 1);
    }

    #[test]
    fn a_missing_empty_line_does_not_glue_messages() {
        let mbox = format!("{FROM}A: 1\n\none\n{FROM}Subject: b\n\ntwo");
        assert_eq!(messages(&mbox), ["A: 1\n\none\n", "Subject: b\n\ntwo"]);
    }

    #[test]
    fn from_lines_of_several_programs_are_known() {
        for line in [
            "From - Mon Jan 01 10:00:00 2024",
            "From 1234@xxx Mon Jan 01 10:00:00 +0000 2024",
            "From a@x.de Mon, 1 Jan 2024 10:00:00 +0100",
            "From a@x.de Mon Jan  1 10:00 MET 2024",
            "From 1234@xxx",
            "From -",
        ] {
            assert!(is_from_line(line.as_bytes()), "{line}");
        }
        for line in ["From: a@x.de", "From a friend", "From June 2024 on", "from x Jan 10:00 2024"]
        {
            assert!(!is_from_line(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_from_line_without_a_date_needs_a_known_field_after_it() {
        let mbox = "From -\nSubject: a\n\nFrom Russia with love\nYear: 1963\n\nFrom a@x\nYear: 1\n\n\
                    From b@x\nSubject: b\n\nc";
        assert_eq!(messages(mbox).len(), 2);
    }

    #[test]
    fn line_ends_of_dos_stay_as_they_are() {
        let mbox = format!("{FROM}A: 1\r\n\r\none\r\n\r\n{FROM}B: 2\r\n\r\n");
        assert_eq!(messages(&mbox), ["A: 1\r\n\r\none\r\n", "B: 2\r\n"]);
    }
}
