//! Messages as bytes: headers, encodings, multipart bodies (RFC 5322, 2045 and 2047).

use jiff::tz::TimeZone;

use crate::clock::Seconds;

/// How a body is put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8 as it is.
    EightBit,
    /// ISO-8859-1, quoted-printable.
    LatinQuoted,
    /// UTF-8, quoted-printable.
    Quoted,
}

/// A message before it is put on the wire.
pub(crate) struct Message<'a> {
    pub(crate) at: Seconds,
    pub(crate) zone: &'a TimeZone,
    /// Name and address.
    pub(crate) from: (&'a str, &'a str),
    pub(crate) to: (&'a str, &'a str),
    pub(crate) subject: &'a str,
    /// Without the angle brackets.
    pub(crate) id: &'a str,
    /// The message that it answers.
    pub(crate) answers: Option<&'a str>,
    pub(crate) encoding: Encoding,
    pub(crate) text: &'a str,
    pub(crate) html: &'a str,
}

impl Message<'_> {
    /// The message with LF line ends.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let date = jiff::Timestamp::from_second(self.at)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
            .strftime("%a, %d %b %Y %H:%M:%S %z")
            .to_string();
        let word = |text: &str| encoded_word(text, self.encoding);
        let party = |(name, address): (&str, &str)| {
            if name.is_empty() {
                address.to_owned()
            } else {
                format!("{} <{address}>", phrase(&word(name)))
            }
        };
        let mut head = format!(
            "Date: {date}\nFrom: {}\nTo: {}\nSubject: {}\nMessage-ID: <{}>\n",
            party(self.from),
            party(self.to),
            word(self.subject),
            self.id,
        );
        if let Some(answers) = self.answers {
            head.push_str(&format!("In-Reply-To: <{answers}>\n"));
        }
        head.push_str("MIME-Version: 1.0\n");
        let mut bytes = head.into_bytes();
        if self.text.is_empty() || self.html.is_empty() {
            let (kind, body) =
                if self.html.is_empty() { ("plain", self.text) } else { ("html", self.html) };
            part(&mut bytes, kind, body, self.encoding);
            return bytes;
        }
        // Long enough that no text holds it, and the same each time.
        let boundary = format!("=_{:x}_{}", self.at, self.text.len());
        bytes.extend(
            format!("Content-Type: multipart/alternative; boundary=\"{boundary}\"\n\n").bytes(),
        );
        for (kind, body) in [("plain", self.text), ("html", self.html)] {
            bytes.extend(format!("--{boundary}\n").bytes());
            part(&mut bytes, kind, body, self.encoding);
            bytes.push(b'\n');
        }
        bytes.extend(format!("--{boundary}--\n").bytes());
        bytes
    }
}

/// The headers of a body, an empty line, and the body.
fn part(bytes: &mut Vec<u8>, kind: &str, body: &str, encoding: Encoding) {
    let (charset, transfer) = match encoding {
        Encoding::EightBit if body.is_ascii() => ("us-ascii", "7bit"),
        Encoding::EightBit => ("utf-8", "8bit"),
        Encoding::LatinQuoted => ("iso-8859-1", "quoted-printable"),
        Encoding::Quoted => ("utf-8", "quoted-printable"),
    };
    bytes.extend(
        format!(
            "Content-Type: text/{kind}; charset={charset}\n\
             Content-Transfer-Encoding: {transfer}\n\n"
        )
        .bytes(),
    );
    match encoding {
        Encoding::EightBit => bytes.extend(body.bytes()),
        Encoding::LatinQuoted => quote(bytes, &latin(body)),
        Encoding::Quoted => quote(bytes, body.as_bytes()),
    }
}

/// ISO-8859-1; what it does not have becomes a question mark, as such mailers write it.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
}

/// Quoted-printable (RFC 2045, 6.7).
fn quote(out: &mut Vec<u8>, body: &[u8]) {
    let mut column = 0;
    for (i, byte) in body.iter().enumerate() {
        if *byte == b'\n' {
            out.push(b'\n');
            column = 0;
            continue;
        }
        let last = body.get(i + 1).is_none_or(|next| *next == b'\n');
        let plain = matches!(byte, 33..=60 | 62..=126) || *byte == b' ' && !last;
        if column + if plain { 1 } else { 3 } > 75 {
            out.extend(b"=\n");
            column = 0;
        }
        if plain {
            out.push(*byte);
            column += 1;
        } else {
            out.extend(format!("={byte:02X}").bytes());
            column += 3;
        }
    }
}

/// A header's text: as it is where it is ASCII, else encoded words (RFC 2047), folded.
fn encoded_word(text: &str, encoding: Encoding) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let charset = if encoding == Encoding::LatinQuoted { "iso-8859-1" } else { "utf-8" };
    let mut words = vec![String::new()];
    for letter in text.chars() {
        let mut buffer = [0; 4];
        let bytes = match encoding {
            Encoding::LatinQuoted => latin(letter.encode_utf8(&mut buffer)),
            _ => letter.encode_utf8(&mut buffer).as_bytes().to_vec(),
        };
        let mut shown = String::new();
        for byte in bytes {
            match byte {
                b' ' => shown.push('_'),
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'/' => {
                    shown.push(char::from(byte));
                }
                other => shown.push_str(&format!("={other:02X}")),
            }
        }
        if words[words.len() - 1].len() + shown.len() > 58 {
            words.push(String::new());
        }
        let end = words.len() - 1;
        words[end].push_str(&shown);
    }
    let words: Vec<String> =
        words.into_iter().map(|word| format!("=?{charset}?Q?{word}?=")).collect();
    words.join("\n ")
}

/// A display name: quoted where it holds more than words.
fn phrase(name: &str) -> String {
    let special = |c: char| matches!(c, '.' | ',' | '&' | '@' | '(' | ')' | '\'' | ':');
    if !name.starts_with("=?") && name.contains(special) {
        format!("\"{name}\"")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(encoding: Encoding, text: &str, html: &str) -> String {
        let message = Message {
            at: 1_769_310_000,
            zone: &TimeZone::UTC,
            from: ("Brisa", "a@brisa.example"),
            to: ("Lucía Muñoz", "l@example.com"),
            subject: "Confirmación",
            id: "1@brisa.example",
            answers: None,
            encoding,
            text,
            html,
        };
        String::from_utf8(message.bytes()).unwrap()
    }

    #[test]
    fn a_latin_mail_says_so_and_quotes_what_is_not_ascii() {
        assert_eq!(
            message(Encoding::LatinQuoted, "Señal: 10 \nİ\n", ""),
            "Date: Sun, 25 Jan 2026 03:00:00 +0000\n\
             From: Brisa <a@brisa.example>\n\
             To: =?iso-8859-1?Q?Luc=EDa_Mu=F1oz?= <l@example.com>\n\
             Subject: =?iso-8859-1?Q?Confirmaci=F3n?=\n\
             Message-ID: <1@brisa.example>\n\
             MIME-Version: 1.0\n\
             Content-Type: text/plain; charset=iso-8859-1\n\
             Content-Transfer-Encoding: quoted-printable\n\n\
             Se=F1al: 10=20\n?\n"
        );
    }

    #[test]
    fn two_forms_of_a_text_come_as_alternatives() {
        let bytes = message(Encoding::Quoted, "text\n", "<p>text</p>\n");
        assert_eq!(bytes.matches("\n--=_").count(), 3);
        assert!(bytes.contains("multipart/alternative; boundary=\"=_"));
    }

    #[test]
    fn no_quoted_line_is_longer_than_76() {
        let mut out = Vec::new();
        quote(&mut out, "ä".repeat(100).as_bytes());
        assert!(out.split(|b| *b == b'\n').all(|line| line.len() <= 76));
    }
}
