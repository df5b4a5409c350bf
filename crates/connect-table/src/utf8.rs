//! Files of any charset as bytes in which a delimiter is a delimiter.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Decoder, Encoding, UTF_16BE, UTF_16LE};

/// A file without its byte order mark, and, where it is UTF-16, in UTF-8. What is neither is left
/// as it is: [`text`] reads it row by row, since exports that were put together hold several
/// charsets.
pub(crate) fn utf8<'r>(reader: impl Read + 'r) -> io::Result<Box<dyn BufRead + 'r>> {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let start = reader.fill_buf()?;
    let (encoding, mark) = match Encoding::for_bom(start) {
        Some((encoding, mark)) => (Some(encoding), mark),
        None => (utf16_by_zeros(start), 0),
    };
    reader.consume(mark);
    Ok(match encoding.filter(|encoding| *encoding == UTF_16LE || *encoding == UTF_16BE) {
        None => Box::new(reader),
        Some(encoding) => Box::new(BufReader::new(Transcoded {
            reader,
            decoder: encoding.new_decoder_without_bom_handling(),
            ready: String::new(),
            given: 0,
            is_done: false,
        })),
    })
}

/// Bytes as UTF-8, else as Windows-1252, which spreadsheets still write.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let bytes = error.into_bytes();
        encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned()
    })
}

/// UTF-16 without a mark: in the text of a table every other byte is mostly zero.
fn utf16_by_zeros(start: &[u8]) -> Option<&'static Encoding> {
    let start = &start[..start.len().min(512) & !1];
    let zeros = |first: usize| start.iter().skip(first).step_by(2).filter(|b| **b == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), start.len() / 2);
    match half {
        0 => None,
        _ if odd * 10 > half * 8 && even == 0 => Some(UTF_16LE),
        _ if even * 10 > half * 8 && odd == 0 => Some(UTF_16BE),
        _ => None,
    }
}

struct Transcoded<R> {
    reader: BufReader<R>,
    decoder: Decoder,
    /// What is decoded, and how much of it was given.
    ready: String,
    given: usize,
    is_done: bool,
}

impl<R: Read> Transcoded<R> {
    fn decode(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while !self.is_done {
            let from = self.reader.fill_buf()?;
            self.is_done = from.is_empty();
            let needed = self.decoder.max_utf8_buffer_length(from.len()).unwrap_or(0);
            self.ready.reserve(needed);
            let (_, taken, _) = self.decoder.decode_to_string(from, &mut self.ready, self.is_done);
            self.reader.consume(taken);
            if !self.ready.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.decode()?;
        }
        let read = (&self.ready.as_bytes()[self.given..]).read(into)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        let want = "name;id\nMüller 🚐;1\n".repeat(20_000);
        let marked = format!("\u{feff}{want}");
        let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for bytes in [le(&marked), be(&marked), le(&want), be(&want), marked.clone().into_bytes()] {
            let mut read = String::new();
            utf8(&bytes[..]).unwrap().read_to_string(&mut read).unwrap();
            assert!(read == want);
        }
    }

    #[test]
    fn what_is_no_utf_8_is_windows_1252() {
        assert_eq!(text(b"M\xfcller".to_vec()), "Müller");
        assert_eq!(text("Müller".into()), "Müller");
    }
}
