//! The rich text of Outlook: unpacked (MS-OXRTFCP) and as the text that a person reads.

use crate::charset;

/// How long a text may become, in bytes.
const MAX_TEXT: usize = 8 << 20;
/// How deep groups are followed.
const MAX_DEPTH: usize = 500;

/// What the packer takes for written before it begins.
const KNOWN: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \
\\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier\
{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Unpacks. `None` where the bytes are not packed so.
pub fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize;
    let data = bytes.get(16..)?;
    match bytes.get(8..12)? {
        b"MELA" => return Some(data[..data.len().min(size)].to_vec()),
        b"LZFu" => {}
        _ => return None,
    }
    let mut window = [b' '; 4096];
    window[..KNOWN.len()].copy_from_slice(KNOWN);
    let mut end = KNOWN.len();
    let mut out = Vec::new();
    let mut input = data.iter().copied();
    let limit = size.min(MAX_TEXT);
    'all: while let Some(flags) = input.next() {
        for bit in 0..8 {
            if out.len() >= limit {
                break 'all;
            }
            if flags >> bit & 1 == 0 {
                let Some(byte) = input.next() else { break 'all };
                window[end % 4096] = byte;
                end = (end + 1) % 4096;
                out.push(byte);
                continue;
            }
            let (Some(high), Some(low)) = (input.next(), input.next()) else { break 'all };
            let pair = usize::from(high) << 8 | usize::from(low);
            let (from, length) = (pair >> 4, (pair & 15) + 2);
            if from == end {
                break 'all;
            }
            for i in 0..length {
                let byte = window[(from + i) % 4096];
                window[end % 4096] = byte;
                end = (end + 1) % 4096;
                out.push(byte);
            }
        }
    }
    Some(out)
}

/// The text of a document. Any bytes give one.
pub fn text(rtf: &[u8]) -> String {
    let mut out = String::new();
    // Whether what stands in the open groups is shown, the innermost last.
    let mut shown = vec![true];
    let mut depth_lost = 0usize;
    let mut at = 0;
    let mut to_skip = 0usize;
    while at < rtf.len() && out.len() < MAX_TEXT {
        let is_shown = shown.last().copied().unwrap_or(true);
        match rtf[at] {
            b'{' => {
                if shown.len() < MAX_DEPTH {
                    shown.push(is_shown)
                } else {
                    depth_lost += 1
                }
                at += 1;
            }
            b'}' => {
                if depth_lost > 0 {
                    depth_lost -= 1;
                } else if shown.len() > 1 {
                    shown.pop();
                }
                at += 1;
            }
            b'\r' | b'\n' => at += 1,
            b'\\' => {
                let (word, number, length) = control(&rtf[at..]);
                at += length;
                match word {
                    b"'" if to_skip > 0 => to_skip -= 1,
                    b"'" if is_shown => {
                        let byte = u8::try_from(number.unwrap_or(0)).unwrap_or(b'?');
                        out.push_str(&charset::decode(&[byte], Some("windows-1252")).0);
                    }
                    b"u" if is_shown => {
                        // Numbers are signed, and one character follows for old readers.
                        let code = u32::try_from(number.unwrap_or(0).rem_euclid(65_536)).ok();
                        out.push(code.and_then(char::from_u32).unwrap_or('\u{FFFD}'));
                        to_skip = 1;
                    }
                    b"par" | b"line" | b"row" if is_shown => out.push('\n'),
                    b"tab" | b"cell" if is_shown => out.push('\t'),
                    b"~" if is_shown => out.push(' '),
                    b"\\" | b"{" | b"}" if is_shown => out.push(char::from(word[0])),
                    b"*" | b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict"
                    | b"object" | b"header" | b"footer" => {
                        if let Some(last) = shown.last_mut() {
                            *last = false;
                        }
                    }
                    // Between these stands what only readers of rich text should see.
                    b"htmlrtf" => {
                        if let Some(last) = shown.last_mut() {
                            *last = number == Some(0);
                        }
                    }
                    _ => {}
                }
            }
            byte => {
                if to_skip > 0 {
                    to_skip -= 1;
                } else if is_shown {
                    out.push_str(&charset::decode(&[byte], Some("windows-1252")).0);
                }
                at += 1;
            }
        }
    }
    out
}

/// A control word, the number after it, and the length of both with the blank that ends them.
fn control(bytes: &[u8]) -> (&[u8], Option<i64>, usize) {
    let letters = bytes[1..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        if bytes.get(1) == Some(&b'\'') {
            let digits = bytes.get(2..4).and_then(|two| std::str::from_utf8(two).ok());
            let number = digits.and_then(|two| i64::from_str_radix(two, 16).ok());
            return (b"'", number, if number.is_some() { 4 } else { 2 });
        }
        let end = bytes.len().min(2);
        return (&bytes[1..end], None, end.max(1));
    }
    let word = &bytes[1..=letters];
    let after = &bytes[1 + letters..];
    let sign = usize::from(after.first() == Some(&b'-'));
    let digits = after[sign..].iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    let written = std::str::from_utf8(&after[..sign + digits]).unwrap_or_default();
    let number = if digits > 0 { written.parse().ok() } else { None };
    let mut length = 1 + letters + if digits > 0 { sign + digits } else { 0 };
    length += usize::from(bytes.get(length) == Some(&b' '));
    (word, number, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_unpacked() {
        // MS-OXRTFCP, 4.1: a simple stream, and one that crosses the end of the window.
        let simple = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel\
            \x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        let plain = b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n";
        assert_eq!(decompress(simple).unwrap(), plain);
        let crossing = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4KQA\0\x04 WXYZ\x0dn}\x01\x0e\xb0";
        assert_eq!(decompress(crossing).unwrap(), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
        assert_eq!(decompress(b"short"), None);
    }

    #[test]
    fn a_text_is_read_without_its_dress() {
        let rtf = br"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator x}Hi\tab K\'f6ln\par 20 \u8364?\{ok\}}";
        assert_eq!(text(rtf), "Hi\tKöln\n20 €{ok}");
        assert_eq!(
            text(br"{\rtf1 {\*\htmltag <b>}\htmlrtf {\b \htmlrtf0 bold\htmlrtf }\htmlrtf0 }"),
            "bold"
        );
        assert_eq!(text(b"\\"), "");
    }
}
