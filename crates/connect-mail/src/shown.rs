//! The header of a message as a mail program writes it into the text of another one:
//! `From:`, `Date:`, `Subject:` and `To:` in the program's language.

use std::sync::LazyLock;

use regex::Regex;

use crate::header::{Mailbox, address, is_field, one_line};

/// The fields found, and where they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Who wrote the message.
    pub from: Vec<Mailbox>,
    /// To whom.
    pub to: Vec<Mailbox>,
    /// In copy.
    pub cc: Vec<Mailbox>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its date, as written.
    pub date: Option<String>,
    /// How many different fields there are.
    pub fields: usize,
    /// How many `>` stand before each line.
    pub depth: usize,
    /// The first line after it.
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    From,
    To,
    Cc,
    Date,
    Subject,
    Other,
}

// English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Polish, Russian.
const LABELS: [(Label, &[&str]); 6] = [
    (
        Label::From,
        &[
            "from",
            "von",
            "de",
            "da",
            "van",
            "från",
            "fra",
            "od",
            "от",
            "absender",
            "expéditeur",
            "remitente",
            "mittente",
        ],
    ),
    (
        Label::To,
        &[
            "to",
            "an",
            "à",
            "a",
            "para",
            "aan",
            "till",
            "til",
            "do",
            "кому",
            "empfänger",
            "destinataire",
            "pour",
            "per",
        ],
    ),
    (Label::Cc, &["cc", "kopie", "copie à", "copie", "copia", "kopia", "kopi", "dw", "копия"]),
    (
        Label::Date,
        &[
            "date",
            "sent",
            "datum",
            "gesendet",
            "gesendet am",
            "envoyé",
            "envoyé le",
            "date d'envoi",
            "fecha",
            "enviado",
            "enviado el",
            "enviada em",
            "enviado em",
            "data",
            "inviato",
            "data invio",
            "verzonden",
            "skickat",
            "sendt",
            "dato",
            "wysłano",
            "дата",
            "отправлено",
        ],
    ),
    (
        Label::Subject,
        &[
            "subject",
            "betreff",
            "objet",
            "asunto",
            "oggetto",
            "assunto",
            "onderwerp",
            "ämne",
            "emne",
            "temat",
            "тема",
        ],
    ),
    (
        Label::Other,
        &[
            "reply-to",
            "antwort an",
            "répondre à",
            "responder a",
            "rispondi a",
            "importance",
            "priority",
            "wichtigkeit",
            "priorität",
            "attachments",
            "anlagen",
            "bcc",
            "sender",
            "organization",
            "message-id",
            "delivered-to",
            "cco",
            "importanza",
            "importancia",
        ],
    ),
];

/// Reads such a header at this line, after up to two blank ones. `None` where there is none.
pub fn read(lines: &[&str], start: usize) -> Option<Shown> {
    let mut at = start;
    while at < lines.len() && unquote(lines[at]).1.trim().is_empty() {
        at += 1;
    }
    if at >= lines.len() || at > start + 2 {
        return None;
    }
    let mut shown = Shown { depth: unquote(lines[at]).0, ..Shown::default() };
    let mut values: Vec<(Label, String)> = Vec::new();
    while at < lines.len() && at < start + 40 {
        let (_, line) = unquote(lines[at]);
        if line.trim().is_empty() {
            // HTML may leave a blank line between the fields.
            let next = lines.get(at + 1).and_then(|line| field(unquote(line).1));
            match next {
                Some((label, _)) if !values.iter().any(|(seen, _)| *seen == label) => at += 1,
                _ => break,
            }
            continue;
        }
        match field(line) {
            Some(found) => values.push(found),
            // A long value goes on in the next line.
            None => match values.last_mut() {
                Some((_, value)) if line.len() < 500 => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                _ => break,
            },
        }
        at += 1;
    }
    shown.end = at;
    let first = |label: Label| {
        let found = values.iter().find(|(seen, value)| *seen == label && !value.is_empty());
        found.map(|(_, value)| one_line(value))
    };
    shown.from = mailboxes(&first(Label::From)?);
    shown.to = first(Label::To).map(|text| mailboxes(&text)).unwrap_or_default();
    shown.cc = first(Label::Cc).map(|text| mailboxes(&text)).unwrap_or_default();
    shown.subject = first(Label::Subject);
    shown.date = first(Label::Date);
    let known = [Label::From, Label::To, Label::Cc, Label::Date, Label::Subject];
    shown.fields = known.iter().filter(|label| first(**label).is_some()).count();
    (!shown.from.is_empty()).then_some(shown)
}

/// How deep a line is quoted, and the line without the marks.
pub fn unquote(line: &str) -> (usize, &str) {
    let mut depth = 0;
    let mut rest = line;
    while let Some(inner) = rest.strip_prefix('>').or_else(|| rest.strip_prefix(" >")) {
        depth += 1;
        rest = inner;
    }
    (depth, if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest })
}

/// A label and its value, where the line is such a field.
fn field(line: &str) -> Option<(Label, String)> {
    let (label, value) = line.split_once([':', '：'])?;
    let is_around = |c: char| c.is_whitespace() || c == '*' || c == '|';
    let label = label.trim_matches(is_around).to_lowercase();
    let known = LABELS.iter().find(|(_, names)| names.contains(&label.as_str()));
    // `Resent-Date:` and other fields in raw; not the `https:` of a long value.
    let is_raw = label.len() < 40 && label.contains('-') && is_field(line.as_bytes());
    let kind = match known {
        Some((kind, _)) => *kind,
        None if is_raw => Label::Other,
        None => return None,
    };
    // `*From:* Anna` and `**From:** Anna` of HTML turned into text.
    let value = value.trim_start_matches('*');
    Some((kind, value.trim().to_owned()))
}

/// The people in a shown field: `Anna <a@x.de>`, `Anna [mailto:a@x.de]`, `a@x.de`, `Anna`.
fn mailboxes(text: &str) -> Vec<Mailbox> {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"[<\[(]*(?:mailto:)?([^\s<>\[\](),;:"'*]+@[^\s<>\[\](),;:"'*]+)[>\])]*"#)
            .expect("a pattern of this file is well formed")
    });
    let tidy = |name: &str| {
        let name = name.trim_matches(|c: char| c.is_whitespace() || "\"'*,;<>[]()".contains(c));
        let name = name.strip_suffix("via").unwrap_or(name).trim();
        (!name.is_empty() && !name.starts_with("mailto:")).then(|| one_line(name))
    };
    let mut found: Vec<Mailbox> = Vec::new();
    let mut from = 0;
    for captures in ADDRESS.captures_iter(text) {
        let (Some(whole), Some(inner)) = (captures.get(0), captures.get(1)) else { continue };
        let name = text.get(from..whole.start()).and_then(tidy);
        from = whole.end();
        let address = address(inner.as_str());
        // `a@x.de<mailto:a@x.de>` names one person twice.
        let is_again = name.is_none() && found.iter().any(|b| b.address == address);
        if address.is_some() && !is_again {
            found.push(Mailbox { name, address });
        }
    }
    if found.is_empty() {
        found.extend(tidy(text).map(|name| Mailbox { name: Some(name), address: None }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let Some(shown) = read(&lines, 0) else { return "none".to_owned() };
        let people = |list: &[Mailbox]| {
            let one = |b: &Mailbox| {
                format!(
                    "{}<{}>",
                    b.name.as_deref().unwrap_or(""),
                    b.address.as_deref().unwrap_or("")
                )
            };
            list.iter().map(one).collect::<Vec<_>>().join(",")
        };
        format!(
            "{} | {} | {} | {} | {}",
            people(&shown.from),
            people(&shown.to),
            shown.subject.as_deref().unwrap_or("-"),
            shown.date.as_deref().unwrap_or("-"),
            lines[shown.end..].join("/").trim_matches('/')
        )
    }

    #[test]
    fn shown_headers_of_several_programs_and_languages() {
        assert_eq!(
            shown("From: Anna <a@x.de>\nDate: Fri\nSubject: Hi\nTo: b@x.de\n\nbody"),
            "Anna<a@x.de> | <b@x.de> | Hi | Fri | body"
        );
        assert_eq!(
            shown(
                "> *Von:* Anna [mailto:a@x.de]\n> *Gesendet:* Freitag\n> *An:* Bo\n> *Betreff:* Hi\n>\n> body"
            ),
            "Anna<a@x.de> | Bo<> | Hi | Freitag | >/> body"
        );
        assert_eq!(
            shown(
                "De : Anna <a@x.de>\nEnvoyé : lundi\nÀ : b@x.de; c@x.de\nObjet : Réservation\n\nx"
            ),
            "Anna<a@x.de> | <b@x.de>,<c@x.de> | Réservation | lundi | x"
        );
        assert_eq!(
            shown("From: a@x.de<mailto:a@x.de>\n\nSubject: Hi\n\nbody: text"),
            "<a@x.de> |  | Hi | - | body: text"
        );
    }

    #[test]
    fn a_long_value_goes_on_in_the_next_line() {
        assert_eq!(
            shown("From: a@x.de\nSubject: one\n two\nTo: b@x.de\n\nx"),
            "<a@x.de> | <b@x.de> | one two | - | x"
        );
    }

    #[test]
    fn other_text_is_no_header() {
        assert_eq!(shown("Dear Anna,\nFrom: here"), "none");
        assert_eq!(shown(""), "none");
    }
}
