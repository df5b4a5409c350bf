//! Character references of HTML (`&nbsp;`, `&#8364;`).

/// The names of U+00A0 to U+00FF in their order.
const LATIN: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf",
    "laquo", "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro",
    "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute",
    "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute",
    "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute",
    "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil",
    "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde",
    "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute", "ucirc",
    "uuml", "yacute", "thorn", "yuml",
];

/// The others that occur in mail.
const OTHERS: [(&str, char); 58] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("euro", '€'),
    ("trade", '™'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("horbar", '―'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("hellip", '…'),
    ("bull", '•'),
    ("dagger", '†'),
    ("permil", '‰'),
    ("prime", '′'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200C}'),
    ("zwj", '\u{200D}'),
    ("lrm", '\u{200E}'),
    ("rlm", '\u{200F}'),
    ("larr", '←'),
    ("uarr", '↑'),
    ("rarr", '→'),
    ("darr", '↓'),
    ("harr", '↔'),
    ("check", '✓'),
    ("cross", '✗'),
    ("star", '☆'),
    ("starf", '★'),
    ("phone", '☎'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Yuml", 'Ÿ'),
    ("colon", ':'),
    ("comma", ','),
    ("period", '.'),
    ("commat", '@'),
    ("num", '#'),
    ("sol", '/'),
    ("lpar", '('),
    ("rpar", ')'),
    ("NewLine", '\n'),
];

/// What stands for these bytes in windows-1252, for references such as `&#150;`.
const C1: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

/// The text with its character references resolved; those that nobody knows stay.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character of the reference that this text begins with, and the reference's length.
pub fn reference(text: &str) -> Option<(char, usize)> {
    let body = &text[1..];
    let length_of = |rest: &str, is_part: fn(char) -> bool| {
        rest.char_indices().take(32).find(|&(_, c)| !is_part(c)).map_or(rest.len().min(32), |f| f.0)
    };
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, start) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let length = length_of(digits, |c| c.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
        let c = match code {
            0x80..=0x9F => C1[(code - 0x80) as usize],
            0 => '\u{FFFD}',
            _ => char::from_u32(code)?,
        };
        let semicolon = usize::from(digits[length..].starts_with(';'));
        return Some((c, start + length + semicolon));
    }
    let length = length_of(body, |c| c.is_ascii_alphanumeric());
    let name = body.get(..length)?;
    let has_semicolon = body[length..].starts_with(';');
    let latin = LATIN.iter().zip('\u{A0}'..='\u{FF}').find(|(known, _)| **known == name);
    let found = latin.map(|(_, c)| c);
    let found = found.or_else(|| OTHERS.iter().find(|(known, _)| *known == name).map(|o| o.1))?;
    // Without its semicolon a name may as well be a parameter of an address: `?a=1&copy=2`.
    has_semicolon.then_some((found, 1 + length + 1))
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn references_are_resolved() {
        assert_eq!(unescape("&euro;&nbsp;20 &amp; &Uuml;ber"), "€\u{A0}20 & Über");
        assert_eq!(unescape("&#8364;&#x20AC;&#150;&#39;"), "€€–'");
        assert_eq!(unescape("&yuml;&oelig;"), "ÿœ");
    }

    #[test]
    fn what_is_no_reference_stays() {
        assert_eq!(
            unescape("a & b &unknown; &#xZZ; &#99999999; ?a=1&copy=2 &"),
            "a & b &unknown; &#xZZ; &#99999999; ?a=1&copy=2 &"
        );
    }
}
