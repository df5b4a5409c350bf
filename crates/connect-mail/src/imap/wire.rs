//! Cutting a server's answers out of the stream (RFC 9051, 2.2 and 4.3).
//!
//! An answer is a line, with the literals that it announces. Nothing else is looked at here, so
//! that an answer which nobody understands costs that answer alone, and not the connection.

use std::io::{self, BufRead, BufReader, Read, Write};

/// How long an answer may be, apart from its literals. The numbers of a million messages fit.
const MAX_LINE: usize = 16 << 20;

/// A connection to a server.
pub struct Wire<S> {
    stream: BufReader<S>,
    /// How many bytes of an answer's literals are kept.
    keep: u64,
}

/// One answer of a server.
#[derive(Default)]
pub struct Answer {
    /// Its line without the line end. A literal is left standing as its announcement and a line
    /// end, as in `BODY[] {5}\r\n)`.
    pub line: Vec<u8>,
    /// Its literals, in the order in which they stand.
    pub literals: Vec<Literal>,
}

/// Bytes that a server announced with their number.
#[derive(Default)]
pub struct Literal {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether there were more than are kept.
    pub cut: bool,
}

impl<S: Read + Write> Wire<S> {
    /// Speaks over a stream, and keeps so many bytes of an answer's literals.
    pub fn new(stream: S, keep: usize) -> Self {
        Self { stream: BufReader::with_capacity(1 << 16, stream), keep: keep as u64 }
    }

    /// Sends what is to stand on a line, or a literal's bytes.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// The next answer. Memory stays bounded whatever the server sends.
    pub fn read(&mut self) -> io::Result<Answer> {
        let mut answer = Answer::default();
        let mut keep = self.keep;
        loop {
            let begun = answer.line.len();
            self.line(&mut answer.line)?;
            let Some(size) = announced(&answer.line[begun..]) else { return Ok(answer) };
            answer.line.extend_from_slice(b"\r\n");
            let literal = self.literal(size, keep)?;
            keep -= literal.bytes.len() as u64;
            answer.literals.push(literal);
        }
    }

    /// The stream itself, where the server has said no more than was read: what it said before
    /// encryption began must not be taken for what it says after.
    pub fn into_stream(self) -> Option<S> {
        self.stream.buffer().is_empty().then(|| self.stream.into_inner())
    }

    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        let left = MAX_LINE.saturating_sub(line.len()) as u64;
        (&mut self.stream).take(left).read_until(b'\n', line)?;
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            return Err(match left > 0 && line.len() < MAX_LINE {
                true => io::ErrorKind::UnexpectedEof.into(),
                false => io::Error::new(io::ErrorKind::InvalidData, "a line without end"),
            });
        }
        line.pop_if(|byte| *byte == b'\r');
        Ok(())
    }

    fn literal(&mut self, size: u64, keep: u64) -> io::Result<Literal> {
        let kept = size.min(keep);
        // Room for all of it at once; what a server only announces is never touched.
        let mut bytes = Vec::with_capacity(kept as usize);
        let mut read = (&mut self.stream).take(kept).read_to_end(&mut bytes)? as u64;
        read += io::copy(&mut (&mut self.stream).take(size - kept), &mut io::sink())?;
        if read < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Literal { bytes, cut: kept < size })
    }
}

/// The length of the literal that a line announces at its end: `{5}`, `{5+}` or `~{5}`.
fn announced(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, digits) = line.split_at(line.len() - digits);
    before.strip_suffix(b"{")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A stream that says this.
    fn wire(said: &[u8], keep: usize) -> Wire<io::Cursor<Vec<u8>>> {
        Wire::new(io::Cursor::new(said.to_vec()), keep)
    }

    /// An answer as a text, its literals after it.
    fn shown(answer: &Answer) -> String {
        let literal = |literal: &Literal| {
            let cut = if literal.cut { "…" } else { "" };
            format!("|{}{cut}", String::from_utf8_lossy(&literal.bytes).escape_debug())
        };
        let line = String::from_utf8_lossy(&answer.line).escape_debug().to_string();
        line + &answer.literals.iter().map(literal).collect::<String>()
    }

    fn answers(said: &[u8], keep: usize) -> Vec<String> {
        let mut wire = wire(said, keep);
        std::iter::from_fn(|| wire.read().ok()).map(|answer| shown(&answer)).collect()
    }

    #[test]
    fn an_answer_is_a_line_with_its_literals() {
        assert_eq!(
            answers(b"* OK hi\r\n* 1 FETCH (A {3}\r\na\r\n B ~{0}\r\n {2+}\r\n{}c)\r\na1 OK\n", 99),
            ["* OK hi", "* 1 FETCH (A {3}\\r\\n B ~{0}\\r\\n {2+}\\r\\nc)|a\\r\\n||{}", "a1 OK"]
        );
    }

    #[test]
    fn of_a_long_literal_only_the_beginning_is_kept() {
        assert_eq!(
            answers(b"A {6}\r\nabcdef B {3}\r\nxyz C\r\nnext\r\n", 4),
            ["A {6}\\r\\n B {3}\\r\\n C|abcd…|…", "next"]
        );
    }

    #[test]
    fn what_a_server_breaks_off_is_an_error() {
        for said in [&b"* OK"[..], b"* 1 FETCH (A {9}\r\nabc", b"A {9}\r\n", b""] {
            let error = wire(said, 4).read().err().map(|error| error.kind());
            assert_eq!(error, Some(io::ErrorKind::UnexpectedEof), "{said:?}");
        }
    }

    #[test]
    fn a_literal_that_is_only_announced_takes_no_memory() {
        let said = format!("A {{{}}}\r\nabc", u64::MAX);
        assert!(wire(said.as_bytes(), 128 << 20).read().is_err());
    }

    #[test]
    fn nothing_said_too_early_goes_into_the_encrypted_stream() {
        let mut early = wire(b"a1 OK begin\r\n* CAPABILITY AUTH=PLAIN\r\n", 9);
        early.read().unwrap();
        assert!(early.into_stream().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_give_answers_or_an_error(said in proptest::collection::vec(any::<u8>(), 0..300)) {
            let kept: usize = answers(&said, 8).iter().map(String::len).sum();
            prop_assert!(kept <= said.len() * 12 + 1);
        }
    }
}
