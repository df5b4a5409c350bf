//! The forms of header and body that are signed (RFC 6376, 3.4).

use std::borrow::Cow;

/// How a form treats white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nothing is changed.
    Simple,
    /// White space is folded.
    Relaxed,
}

/// A header field as it stands, with its line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawField {
    /// Its name, lower case.
    pub name: String,
    /// All of it, ending with CR LF.
    pub raw: Vec<u8>,
}

impl RawField {
    /// What stands after the colon.
    pub fn value(&self) -> &[u8] {
        let colon = self.raw.iter().position(|&byte| byte == b':');
        colon.map_or(&[], |at| &self.raw[at + 1..])
    }

    /// The field in a form, with its line end.
    pub fn canonical(&self, form: Form) -> Vec<u8> {
        if form == Form::Simple {
            return self.raw.clone();
        }
        let mut out = self.name.clone().into_bytes();
        out.push(b':');
        let words = self.value().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (i, word) in words.enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// The fields of a header, in order. Line ends are CR LF, as they were when it was signed.
pub fn fields(head: &[u8]) -> Vec<RawField> {
    let head = with_crlf(head);
    let mut fields: Vec<RawField> = Vec::new();
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some(last) = fields.last_mut() {
                last.raw.extend_from_slice(line);
            }
            continue;
        }
        if let Some(name) = crate::header::field_name(line) {
            fields.push(RawField { name, raw: line.to_vec() });
        }
    }
    if let Some(last) = fields.last_mut()
        && !last.raw.ends_with(b"\r\n")
    {
        last.raw.extend_from_slice(b"\r\n");
    }
    fields
}

/// With CR LF at every line's end: files keep mail with LF alone, and it was sent otherwise.
pub fn with_crlf(bytes: &[u8]) -> Cow<'_, [u8]> {
    let is_bare = |at: usize| bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r');
    if !(0..bytes.len()).any(is_bare) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    Cow::Owned(out)
}

/// A body with CR LF line ends, in a form.
pub fn body(body: &[u8], form: Form) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    match form {
        Form::Simple => out.extend_from_slice(body),
        Form::Relaxed => {
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
            for line in body.split_inclusive(|&byte| byte == b'\n') {
                let end = line.strip_suffix(b"\r\n").unwrap_or(line);
                let kept = end.iter().rposition(|byte| !is_blank(byte)).map_or(0, |at| at + 1);
                let mut after_blank = false;
                for byte in &end[..kept] {
                    if is_blank(byte) {
                        after_blank = true;
                        continue;
                    }
                    if after_blank {
                        out.push(b' ');
                        after_blank = false;
                    }
                    out.push(*byte);
                }
                if line.len() > end.len() {
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    while out.ends_with(b"\r\n\r\n") {
        out.truncate(out.len() - 2);
    }
    if out == b"\r\n" && form == Form::Relaxed {
        out.clear();
    }
    if out.is_empty() && form == Form::Simple {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6376, 3.4.5.
    const HEAD: &[u8] = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
    const BODY: &[u8] = b" C \r\nD \t E\r\n\r\n\r\n";

    fn head(form: Form) -> Vec<u8> {
        fields(HEAD).iter().flat_map(|field| field.canonical(form)).collect()
    }

    #[test]
    fn the_example_of_the_standard_comes_out_as_there() {
        assert_eq!(head(Form::Relaxed), b"a:X\r\nb:Y Z\r\n");
        assert_eq!(body(BODY, Form::Relaxed), b" C\r\nD E\r\n");
        assert_eq!(head(Form::Simple), HEAD);
        assert_eq!(body(BODY, Form::Simple), b" C \r\nD \t E\r\n");
    }

    #[test]
    fn an_empty_body_is_a_line_end_or_nothing() {
        assert_eq!(body(b"", Form::Simple), b"\r\n");
        assert_eq!(body(b"", Form::Relaxed), b"");
        assert_eq!(body(b"\r\n\r\n", Form::Relaxed), b"");
        assert_eq!(body(b"\r\n\r\n", Form::Simple), b"\r\n");
    }

    #[test]
    fn line_ends_are_restored() {
        assert_eq!(&*with_crlf(b"a\nb\r\nc"), b"a\r\nb\r\nc");
        assert!(matches!(with_crlf(b"a\r\n"), Cow::Borrowed(_)));
    }
}
