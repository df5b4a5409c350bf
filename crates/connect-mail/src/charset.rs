//! From bytes to text, whatever the message says its charset is.

use mail_parser::decoders::charsets::map::charset_decoder;

/// How the bytes were understood, where that is not what the message says.
pub const NOT_AS_DECLARED: &str = "its text is not in the charset that it declares";

/// The text of these bytes. The declared charset is believed only as far as the bytes bear it
/// out: valid UTF-8 with a character beyond ASCII is UTF-8 whatever a single-byte label says,
/// and what is neither is read as windows-1252, as browsers do.
pub fn decode(bytes: &[u8], declared: Option<&str>) -> (String, Option<&'static str>) {
    if let Some(text) = by_byte_order_mark(bytes) {
        return (text, None);
    }
    let label = declared.map(|label| label.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    let label = label.as_deref().filter(|label| !label.is_empty());
    let is_utf8 = label.is_none_or(|label| {
        matches!(label, "utf-8" | "utf8" | "us-ascii" | "ascii" | "ansi_x3.4-1968" | "unknown-8bit")
    });
    let beyond_ascii = bytes.iter().any(|&byte| byte >= 0x80);
    let may_be_utf8 = is_utf8 || (beyond_ascii && label.is_some_and(is_single_byte));
    if may_be_utf8 && let Ok(text) = std::str::from_utf8(bytes) {
        let note = (!is_utf8).then_some(NOT_AS_DECLARED);
        return (text.to_owned(), note);
    }
    if is_utf8 {
        // Cut inside a character at its very end: still UTF-8.
        if let Err(error) = std::str::from_utf8(bytes)
            && error.error_len().is_none()
            && error.valid_up_to() > 3
        {
            return (String::from_utf8_lossy(bytes).into_owned(), None);
        }
        return (windows_1252(bytes), declared.map(|_| NOT_AS_DECLARED));
    }
    match label {
        // Mail labelled Latin-1 holds windows-1252's quotes and its euro sign (WHATWG Encoding).
        Some("iso-8859-1" | "latin1" | "l1" | "iso_8859-1") => (windows_1252(bytes), None),
        Some("cp437" | "ibm437" | "437") => (code_page_437(bytes), None),
        Some(label) => match charset_decoder(label.as_bytes()) {
            Some(decoder) => (decoder(bytes), None),
            None => match std::str::from_utf8(bytes) {
                Ok(text) => (text.to_owned(), Some(NOT_AS_DECLARED)),
                Err(_) => (windows_1252(bytes), Some(NOT_AS_DECLARED)),
            },
        },
        None => (windows_1252(bytes), None),
    }
}

/// The charset that an HTML document names in its first bytes, in `<meta>` or an XML
/// declaration.
pub fn named_in_html(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    let after = head.find("charset=").map(|at| at + 8).or_else(|| {
        let xml = head.find("<?xml")?;
        head[xml..].find("encoding=").map(|at| xml + at + 9)
    })?;
    let name = head[after..].trim_start_matches(['"', '\'', ' ']);
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.:".contains(c)));
    let name = &name[..end.unwrap_or(name.len())];
    (!name.is_empty()).then(|| name.to_owned())
}

fn by_byte_order_mark(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(str::to_owned),
        [0xFF, 0xFE, rest @ ..] => Some(wide(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => Some(wide(rest, u16::from_be_bytes)),
        _ => None,
    }
}

fn is_single_byte(label: &str) -> bool {
    ["iso-8859-", "iso_8859-", "iso8859", "windows-125", "cp125", "latin", "macintosh", "l1"]
        .iter()
        .any(|start| label.starts_with(start))
}

/// The characters of the IBM PC beyond ASCII.
const CP437: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
    áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

fn code_page_437(bytes: &[u8]) -> String {
    let high: Vec<char> = CP437.chars().collect();
    let decode = |&byte: &u8| match byte {
        0x80.. => high.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{FFFD}'),
        _ => char::from(byte),
    };
    bytes.iter().map(decode).collect()
}

fn windows_1252(bytes: &[u8]) -> String {
    match charset_decoder(b"windows-1252") {
        Some(decoder) => decoder(bytes),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], declared: Option<&str>) -> String {
        decode(bytes, declared).0
    }

    #[test]
    fn undeclared_8_bit_is_utf8_or_else_windows_1252() {
        assert_eq!(text("Köln".as_bytes(), None), "Köln");
        assert_eq!(text(b"K\xF6ln \x80 20", None), "Köln € 20");
        assert_eq!(text(b"K\xF6ln", Some("utf-8")), "Köln");
    }

    #[test]
    fn a_wrong_label_does_not_spoil_utf8() {
        assert_eq!(
            decode("Köln".as_bytes(), Some("iso-8859-1")),
            ("Köln".to_owned(), Some(NOT_AS_DECLARED))
        );
    }

    #[test]
    fn declared_charsets_are_used() {
        assert_eq!(text(b"\xD7\xE0\xF1", Some("windows-1251")), "Час");
        assert_eq!(text(b"\x93\xFA\x96\x7B", Some("shift_jis")), "日本");
        assert_eq!(text(b"\x80 9", Some("ISO-8859-1")), "€ 9");
        assert_eq!(text(b"K\x94ln \x9C", Some("cp437")), "Köln £");
        assert_eq!(text(b"abc", Some("x-nobody-knows")), "abc");
    }

    #[test]
    fn a_byte_order_mark_comes_first() {
        assert_eq!(text(b"\xEF\xBB\xBFabc", Some("iso-8859-1")), "abc");
        assert_eq!(text(b"\xFF\xFEa\0b\0", None), "ab");
    }

    #[test]
    fn html_names_its_charset() {
        assert_eq!(named_in_html(b"<meta charset='UTF-8'>").as_deref(), Some("utf-8"));
        let long = b"<meta http-equiv=\"Content-Type\" content=\"text/html; charset=koi8-r\">";
        assert_eq!(named_in_html(long).as_deref(), Some("koi8-r"));
        assert_eq!(named_in_html(b"<p>"), None);
    }
}
