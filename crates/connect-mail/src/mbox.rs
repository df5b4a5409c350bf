//! Messages one after the other in one file (RFC 4155), read as a stream.
//!
//! Programs write such files in four ways (mboxo, mboxrd, mboxcl, mboxcl2), and none says which.
//! A `From ` line begins a message where it has a date or a sender, and a header follows. Where
//! a Content-Length leads to such a line, or to the end, what lies before it is the message,
//! whatever stands in it.
//!
//! Messages are given as they stand in the file: `>From ` in a text stays so. Who wrote the `>`,
//! and whether to take it away, differs between the four ways.

use std::io::{self, Read};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use crate::header::{field_name, is_field};

/// How long a message may be, in bytes.
pub const MAX_MESSAGE: usize = 128 << 20;
/// How much is read at once.
const CHUNK: usize = 1 << 20;
/// How much of a `From ` line and of the line after it is looked at.
const LOOK: usize = 1 << 10;
/// How far a header is searched for its Content-Length.
const MAX_HEADER: usize = 256 << 10;
/// The longest Content-Length that is looked up: the file is read that far ahead.
const MAX_TOLD: usize = 32 << 20;

const FROM: &[u8] = b"\nFrom ";

/// The messages of an mbox.
pub struct Mbox<R> {
    reader: R,
    /// What was read. What lies before `start` was given.
    buffer: Vec<u8>,
    start: usize,
    is_read: bool,
    failure: Option<io::Error>,
    max: usize,
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

impl<R: Read> Mbox<R> {
    /// Reads from the beginning of a file.
    pub fn new(reader: R) -> Self {
        let buffer = Vec::new();
        Self { reader, buffer, start: 0, is_read: false, failure: None, max: MAX_MESSAGE }
    }

    fn entry(&mut self) -> Entry {
        static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(FROM));
        let mut entry = Entry::default();
        self.skip_envelope(&mut entry);
        let mut searched = self.told_end().unwrap_or(0);
        loop {
            match FINDER.find(&self.text()[searched..]) {
                Some(at) => {
                    searched += at + 1;
                    if self.begins_at(searched) {
                        self.take(&mut entry, searched);
                        break;
                    }
                }
                None if self.is_read => {
                    self.take(&mut entry, self.text().len());
                    break;
                }
                None => {
                    let read = self.text().len();
                    searched = searched.max((read + 1).saturating_sub(FROM.len()));
                    if read >= CHUNK {
                        // So much stays that an empty line before a `From ` can be seen.
                        self.take(&mut entry, read - LOOK);
                        searched -= read - LOOK;
                    }
                    self.fill();
                }
            }
        }
        // The empty line before the next `From ` line is the mbox's, not the message's.
        for separator in [&b"\n\r\n"[..], b"\n\n"] {
            if entry.bytes.ends_with(separator) {
                entry.bytes.truncate(entry.bytes.len() - separator.len() + 1);
                break;
            }
        }
        entry
    }

    /// Passes over the `From ` lines and empty lines before a message.
    fn skip_envelope(&mut self, entry: &mut Entry) {
        loop {
            self.look_ahead(2 * LOOK);
            let (line, after) = first_line(self.text());
            let is_blank = line.trim_ascii().is_empty();
            let begins =
                || is_from_line(line) && begins_message(first_line(after).0, is_dated(line));
            if line.is_empty() || !(is_blank || begins()) {
                return;
            }
            entry.consumed += line.len() as u64;
            self.start += line.len();
        }
    }

    /// Whether a message begins at the `From ` there.
    fn begins_at(&mut self, at: usize) -> bool {
        self.look_ahead(at + 2 * LOOK);
        let (before, text) = self.text().split_at(at);
        let (line, after) = first_line(text);
        if !is_from_line(line) {
            return false;
        }
        let before = &before[..at - 1];
        let last_line = &before[memrchr(b'\n', before).map_or(0, |end| end + 1)..];
        let is_sure = last_line.trim_ascii().is_empty() && is_dated(line);
        begins_message(first_line(after).0, is_sure)
    }

    /// Where the message ends by its Content-Length, if that is true.
    fn told_end(&mut self) -> Option<usize> {
        self.look_ahead(MAX_HEADER);
        let (body, length) = content_length(self.text())?;
        let end = body + length;
        self.look_ahead(end + 2 * LOOK);
        let after = self.text().get(end..)?;
        let blank = after.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let at = end + blank;
        if blank == after.len() && self.is_read {
            return Some(at);
        }
        let is_from =
            self.text()[..at].ends_with(b"\n") && self.text()[at..].starts_with(&FROM[1..]);
        (is_from && self.begins_at(at)).then(|| at - 1)
    }

    /// Moves bytes into the message.
    fn take(&mut self, entry: &mut Entry, length: usize) {
        let kept = length.min(self.max - entry.bytes.len());
        entry.bytes.extend_from_slice(&self.text()[..kept]);
        entry.cut |= kept < length;
        entry.consumed += length as u64;
        self.start += length;
    }

    fn text(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Reads until there is so much, or no more.
    fn look_ahead(&mut self, length: usize) {
        while self.text().len() < length && !self.is_read {
            self.fill();
        }
    }

    /// Reads more. What was read before a failure is given all the same.
    fn fill(&mut self) {
        if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        match (&mut self.reader).take(CHUNK as u64).read_to_end(&mut self.buffer) {
            Ok(read) => self.is_read = read < CHUNK,
            Err(failure) => (self.is_read, self.failure) = (true, Some(failure)),
        }
    }
}

impl<R: Read> Iterator for Mbox<R> {
    type Item = io::Result<Entry>;

    /// The next message, and in the end, where the file could not be read to its own, why.
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entry();
        match entry.bytes.is_empty() {
            true => self.failure.take().map(Err),
            false => Some(Ok(entry)),
        }
    }
}

/// The first line with its end, as far as it is looked at, and what follows it.
fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    let look = &text[..text.len().min(LOOK)];
    text.split_at(memchr(b'\n', look).map_or(look.len(), |end| end + 1))
}

/// Where the body begins, and how long the header says that it is.
fn content_length(text: &[u8]) -> Option<(usize, usize)> {
    const NAME: &[u8] = b"content-length:";
    let text = &text[..text.len().min(MAX_HEADER)];
    let (mut at, mut told) = (0, None);
    loop {
        let end = at + memchr(b'\n', &text[at..])? + 1;
        let line = &text[at..end];
        at = end;
        if matches!(line, b"\n" | b"\r\n") {
            return Some((at, told?));
        }
        if line
            .split_at_checked(NAME.len())
            .is_some_and(|(name, _)| name.eq_ignore_ascii_case(NAME))
        {
            let number = std::str::from_utf8(line[NAME.len()..].trim_ascii()).ok()?;
            told = Some(number.parse().ok().filter(|length| *length <= MAX_TOLD)?);
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
    use proptest::prelude::*;

    use super::*;

    const FROM: &str = "From a@x.de Mon Jan  1 10:00:00 2024\n";

    fn messages(mbox: &str) -> Vec<String> {
        let entries: Vec<Entry> = Mbox::new(mbox.as_bytes()).map(Result::unwrap).collect();
        let consumed: u64 = entries.iter().map(|entry| entry.consumed).sum();
        assert_eq!(consumed, mbox.len() as u64, "every byte is accounted for");
        entries.into_iter().map(|e| String::from_utf8(e.bytes).unwrap()).collect()
    }

    /// A reader that gives a file in pieces of this length, again and again, and then fails.
    struct Pieces<'f> {
        file: &'f [u8],
        length: usize,
        times: usize,
        at: usize,
        fails: bool,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.at == self.file.len() && self.times > 1 {
                (self.at, self.times) = (0, self.times - 1);
            }
            let left = &self.file[self.at..];
            if left.is_empty() && self.fails {
                return Err(io::Error::other("torn"));
            }
            let read = left.len().min(self.length).min(buffer.len());
            buffer[..read].copy_from_slice(&left[..read]);
            self.at += read;
            Ok(read)
        }
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

    #[test]
    fn files_of_all_manners_are_parted_alike() {
        let two = |one: &str, from: &str, other: &str| {
            (format!("{FROM}{one}{from}{other}"), vec![one.to_owned(), other.to_owned()])
        };
        let quoted = "A: 1\n\n>From me\n>>From you\n";
        let prose = "A: 1\n\nFrom me to you\nFrom Mon to Fri 10:00 in Jan 2024 we are closed\n";
        let forwarded = format!("Subject: fwd\n\n{FROM}Subject: inner\n\ninner\n");
        let counted = |text: &str, length: usize| {
            let (head, body) = text.split_once("\n\n").unwrap();
            format!("{head}\nContent-Length: {length}\n\n{body}")
        };
        let body = |text: &str| text.split_once("\n\n").unwrap().1.len();
        let b = "Subject: b\n\ntwo\n";
        let sep = format!("\n{FROM}");
        for (name, (file, wanted)) in [
            ("mboxo and mboxrd", two(quoted, &sep, b)),
            ("nothing quoted", two(prose, &sep, b)),
            ("mboxcl", two(&counted(quoted, body(quoted)), &sep, &counted(b, body(b)))),
            ("mboxcl2", two(&counted(&forwarded, body(&forwarded)), &sep, b)),
            ("mboxcl2 without an empty line", two(&counted(&forwarded, body(&forwarded)), FROM, b)),
            ("mboxcl2 at the end", two(b, &sep, &counted(&forwarded, body(&forwarded)))),
            ("a count that is too small", two(&counted(quoted, 3), &sep, b)),
            ("a count that is too large", two(&counted(quoted, 30), &sep, b)),
            ("a count beyond the end", two(&counted(quoted, 9_999), &sep, b)),
            ("a count that is none", two("A: 1\nContent-Length: many\n\none\n", &sep, b)),
            ("no empty line between", two("A: 1\n\none\n", FROM, b)),
            (
                "Thunderbird",
                two(
                    "A: 1\n\none\n",
                    "\nFrom - Mon Jan 01 10:00:00 2024\n",
                    "X-Mozilla-Status: 0001\n\ntwo\n",
                ),
            ),
            (
                "Takeout",
                two(
                    "A: 1\n\none\n",
                    "\nFrom 1790@xxx Mon Jan 01 10:00:00 +0000 2024\n",
                    "X-GM-THRID: 1790\n\ntwo\n",
                ),
            ),
            (
                "a sender of two words",
                two("A: 1\n\none\n", "\nFrom \"a b\"@x Mon Jan  1 10:00:00 2024\n", b),
            ),
            (
                "a sender that is none",
                two("A: 1\n\none\n", "\nFrom MAILER-DAEMON Mon Jan  1 10:00:00 2024\n", b),
            ),
            ("no date", two("A: 1\n\none\n", "\nFrom a@x.de\n", b)),
            ("no end of line at the end", two("A: 1\n\none\n", &sep, "Subject: b\n\ntwo")),
            (
                "a quoted line in the header",
                two("A: 1\n\none\n", &sep, ">From b Mon Jan  1 10:00:00 2024\nB: 2\n\nx\n"),
            ),
        ] {
            for (ends, file, wanted) in [
                ("LF", file.clone(), wanted.clone()),
                ("CRLF", crlf(&file), wanted.iter().map(|text| crlf(text)).collect()),
            ] {
                if ends == "CRLF" && file.contains("Content-Length") {
                    continue;
                }
                assert_eq!(messages(&file), wanted, "{name}, {ends}");
            }
        }
    }

    fn crlf(text: &str) -> String {
        text.replace('\n', "\r\n")
    }

    #[test]
    fn what_was_read_before_a_failure_is_given() {
        let file = format!("{FROM}A: 1\n\none\n\n{FROM}B: 2\n\ntw");
        let torn = Pieces { file: file.as_bytes(), length: 7, times: 1, at: 0, fails: true };
        let shown = |entry: io::Result<Entry>| match entry {
            Ok(entry) => String::from_utf8(entry.bytes).unwrap(),
            Err(error) => format!("! {error}"),
        };
        let all: Vec<_> = Mbox::new(torn).map(shown).collect();
        assert_eq!(all, ["A: 1\n\none\n", "B: 2\n\ntw", "! torn"]);
    }

    #[test]
    fn a_message_that_is_too_long_is_cut_and_the_next_one_is_not() {
        let long = format!("A: 1\n\n{}", "0123456789\n".repeat(400_000));
        let file = format!("{FROM}{long}\n{FROM}B: 2\n\ntwo\n");
        let mut mbox = Mbox::new(file.as_bytes());
        mbox.max = 3 << 20;
        let all: Vec<Entry> = mbox.map(Result::unwrap).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].bytes.len(), all[0].cut), (3 << 20, true));
        assert!(long.as_bytes().starts_with(&all[0].bytes));
        assert_eq!((all[1].bytes.as_slice(), all[1].cut), (&b"B: 2\n\ntwo\n"[..], false));
        assert_eq!(all.iter().map(|entry| entry.consumed).sum::<u64>(), file.len() as u64);
    }

    #[test]
    fn memory_stays_bounded_however_long_the_file_is() {
        let text = "words and more words of a letter\n".repeat(3_000);
        let file = format!("{FROM}A: 1\nContent-Length: 30000000\n\n{text}\n");
        let times = 2_000;
        let pieces = Pieces { file: file.as_bytes(), length: 1 << 16, times, at: 0, fails: false };
        let mut mbox = Mbox::new(pieces);
        let mut count = 0;
        for entry in mbox.by_ref() {
            assert_eq!(entry.unwrap().bytes.len(), file.len() - FROM.len() - 1);
            count += 1;
        }
        assert_eq!(count, times);
        assert!(mbox.buffer.capacity() < 4 * MAX_TOLD, "{}", mbox.buffer.capacity());
    }

    proptest! {
        #[test]
        fn a_file_is_parted_alike_however_it_is_read(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just(FROM), Just("From x@y\n"), Just("Subject: a\n"), Just("\n"), Just("\r\n"),
                    Just("text\n"), Just("Content-Length: 12\n"), Just(">From b\n"), Just(" \n"),
                    Just("x"), Just("From - Mon Jan 01 10:00:00 2024\r\n"),
                ],
                0..24,
            ),
            length in 1usize..9,
        ) {
            let file = lines.concat();
            let at_once: Vec<Entry> = Mbox::new(file.as_bytes()).map(Result::unwrap).collect();
            let pieces = Pieces { file: file.as_bytes(), length, times: 1, at: 0, fails: false };
            let in_pieces: Vec<Entry> = Mbox::new(pieces).map(Result::unwrap).collect();
            prop_assert_eq!(&at_once, &in_pieces);
            let consumed: u64 = at_once.iter().map(|entry| entry.consumed).sum();
            let rest = &file.as_bytes()[consumed as usize..];
            prop_assert!(rest.trim_ascii().is_empty() || at_once.is_empty());
        }
    }
}
