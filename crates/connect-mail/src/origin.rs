//! Where decoded bytes and characters stood before they were decoded.

use crate::charset;
use crate::mime::{Content, Encoding, Part};

/// The range of bytes of a leaf that a range of bytes of its text was made of.
pub fn of_text(part: &Part, text: &str, (start, end): (usize, usize)) -> (usize, usize) {
    let Content::Leaf(bytes) = &part.content else { return (0, 0) };
    if text.len() <= bytes.len() && bytes.ends_with(text.as_bytes()) {
        // UTF-8, after a byte order mark where there is one.
        let mark = bytes.len() - text.len();
        return (mark + start, mark + end);
    }
    let characters = |upto: usize| text[..upto].chars().count();
    if text.chars().count() == bytes.len() {
        return (characters(start), characters(end));
    }
    // How long the text of the first bytes is grows with them: look for the byte by halving.
    let label = part.charset();
    let decoded = |upto: usize| charset::decode(&bytes[..upto], label.as_deref()).0.len();
    let byte_at = |wanted: usize| {
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = (low + high) / 2;
            if decoded(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        low
    };
    (byte_at(start), byte_at(end))
}

/// The range of bytes of a part's body, as it stands in the message, that a range of the
/// decoded bytes was made of.
pub fn of_bytes(
    raw: &[u8],
    encoding: Encoding,
    decoded: &[u8],
    (start, end): (usize, usize),
) -> (usize, usize) {
    match encoding {
        Encoding::None if raw.len() == decoded.len() => (start, end),
        Encoding::None => follow(raw, decoded, (start, end), |raw, at| (Some(raw[at]), 1)),
        Encoding::QuotedPrintable => follow(raw, decoded, (start, end), quoted),
        Encoding::Uuencode => (0, raw.len()),
        Encoding::Base64 => {
            // Four characters make three bytes.
            let (first, last) = (start * 4 / 3, (end * 4).div_ceil(3));
            let mut digits = raw
                .iter()
                .enumerate()
                .filter(|(_, byte)| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
            let from = digits.clone().nth(first).map_or(raw.len(), |(at, _)| at);
            let upto = digits.nth(last.saturating_sub(1)).map_or(raw.len(), |(at, _)| at + 1);
            (from, upto.max(from))
        }
    }
}

/// The byte that stands for itself or is written at a place, and how long it is written.
fn quoted(raw: &[u8], at: usize) -> (Option<u8>, usize) {
    let digit = |at: usize| raw.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    if raw[at] != b'=' {
        return (Some(raw[at]), 1);
    }
    match (digit(at + 1), digit(at + 2)) {
        (Some(high), Some(low)) => (u8::try_from(high * 16 + low).ok(), 3),
        // The end of a line that goes on, or a sign that stands for itself.
        _ => match raw[at + 1..].iter().position(|byte| !matches!(byte, b' ' | b'\t')) {
            Some(blanks) if raw[at + 1 + blanks..].starts_with(b"\r\n") => (None, blanks + 3),
            Some(blanks) if raw[at + 1 + blanks] == b'\n' => (None, blanks + 2),
            _ => (Some(b'='), 1),
        },
    }
}

/// Goes through both in step; what was written and is not among the decoded bytes is passed over.
fn follow(
    raw: &[u8],
    decoded: &[u8],
    (start, end): (usize, usize),
    read: impl Fn(&[u8], usize) -> (Option<u8>, usize),
) -> (usize, usize) {
    let (mut at, mut done) = (0, 0);
    let mut from = None;
    let mut upto = 0;
    while at < raw.len() && done < end {
        let (byte, length) = read(raw, at);
        if byte.is_some() && byte == decoded.get(done).copied() {
            if done == start {
                from = Some(at);
            }
            done += 1;
            upto = at + length;
        }
        at += length;
    }
    let from = from.unwrap_or(upto);
    (from, upto.max(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decoded_is_found_behind_escapes_and_lines_that_go_on() {
        const RAW: &[u8] = b"a \n=62=\n c";
        let decoded = crate::quoted_printable::decode(RAW);
        let place = |range| of_bytes(RAW, Encoding::QuotedPrintable, &decoded, range);
        assert_eq!(decoded, b"a\nb c");
        assert_eq!(place((1, 2)), (2, 3));
        assert_eq!(place((2, 3)), (3, 6));
        assert_eq!(place((3, 5)), (8, 10));
    }
}
