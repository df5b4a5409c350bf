//! The quoted-printable transfer encoding (RFC 2045, 6.7), also where it is broken.

use memchr::memchr;

/// The bytes that were encoded. Line ends stay as they stand in the message, and so does what
/// must not be there: a byte beyond ASCII, a sign of escape that begins none.
pub fn decode(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        // Blanks at the end of a line were added on the way.
        let mut rest = line.trim_ascii_end();
        let ending: &[u8] = match line {
            [.., b'\r', b'\n'] => b"\r\n",
            [.., b'\n'] => b"\n",
            _ => b"",
        };
        loop {
            let Some(at) = memchr(b'=', rest) else {
                out.extend_from_slice(rest);
                out.extend_from_slice(ending);
                break;
            };
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            if rest.is_empty() {
                // The line goes on in the next one.
                break;
            }
            match escaped(rest) {
                Some(byte) => {
                    out.push(byte);
                    rest = &rest[2..];
                }
                None => out.push(b'='),
            }
        }
    }
    out
}

/// The byte that two digits stand for.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoded: &[u8], expect: &[u8]) {
        assert_eq!(decode(encoded).escape_ascii().to_string(), expect.escape_ascii().to_string());
    }

    #[test]
    fn escapes_and_lines_that_go_on_are_undone() {
        check(b"caf=C3=a9 =3D 1=\n2= \t\r\n3", b"caf\xc3\xa9 = 123");
    }

    #[test]
    fn line_ends_stay_and_blanks_before_them_go() {
        check(b"a \t\nb\r\n\r\nc \n", b"a\nb\r\n\r\nc\n");
        check(b"", b"");
    }

    #[test]
    fn what_is_broken_stands_for_itself() {
        check(b"=ZZ =4 =", b"=ZZ =4 ");
        check(b"==3D\n=", b"==\n");
        check(b"100 % caf\xc3\xa9\0", b"100 % caf\xc3\xa9\0");
    }
}
