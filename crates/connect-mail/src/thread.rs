//! Which words of a text its sender wrote, which are a message passed on, and which a
//! message answered.

use std::sync::LazyLock;

use regex::Regex;

use crate::body::tidy;
use crate::shown::{self, Shown, unquote};
use crate::subject::{Prefix, prefix};

/// What a text is made of.
#[derive(Debug, PartialEq, Eq)]
pub enum Thread {
    /// The sender's words alone.
    Plain,
    /// A message passed on.
    Forward {
        /// The words of who passed it on.
        note: String,
        /// The header of the message passed on.
        shown: Box<Shown>,
        /// Its text.
        text: String,
    },
    /// An answer.
    Reply {
        /// The new words.
        new: String,
        /// What they answer.
        quoted: String,
    },
}

/// Lines by which mail programs announce a message passed on.
const FORWARDED: [&str; 26] = [
    "forwarded message",
    "begin forwarded message",
    "begin of forwarded message",
    "start of forwarded message",
    "forwarded email",
    "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht",
    "anfang der weitergeleiteten e-mail",
    "weitergeleitete e-mail",
    "weitergeleitete mail",
    "message transféré",
    "message transfere",
    "début du message transféré",
    "début du message réexpédié",
    "courriel transféré",
    "mensaje reenviado",
    "inicio del mensaje reenviado",
    "messaggio inoltrato",
    "inizio messaggio inoltrato",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "início da mensagem reencaminhada",
    "doorgestuurd bericht",
    "begin doorgestuurd bericht",
    "vidarebefordrat meddelande",
    "przekazana wiadomość",
];

/// Lines before a message that is passed on or answered.
const ORIGINAL: [&str; 15] = [
    "original message",
    "original email",
    "ursprüngliche nachricht",
    "ursprüngliche mail",
    "originalnachricht",
    "original-nachricht",
    "original nachricht",
    "message d'origine",
    "message original",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
    "ursprungligt meddelande",
    "oprindelig meddelelse",
];

/// No such line is longer than this, in bytes.
const LONGEST_MARKER: usize = 48;

/// Takes a text apart. `answers` says whether the message names another one that it answers.
pub fn take_apart(text: &str, subject: &str, answers: bool) -> Thread {
    let lines: Vec<&str> = text.lines().collect();
    let kind = prefix(subject).0;
    for at in 0..lines.len() {
        let marker = marker(lines[at]);
        let Some(shown) = header_at(&lines, at, marker, kind) else { continue };
        let note = tidy(&lines[..at].join("\n"));
        let is_forward = match (marker, kind) {
            (Some(Marker::Forwarded), _) | (_, Prefix::Forward) => true,
            (_, Prefix::Reply) => false,
            _ => !answers || note.is_empty(),
        };
        if is_forward {
            let (text, after) = passed_on(&lines[shown.end..], shown.depth);
            let note = tidy(&format!("{note}\n\n{after}"));
            return Thread::Forward { note, shown: Box::new(shown), text };
        }
        return Thread::Reply { new: note, quoted: tidy(&lines[at..].join("\n")) };
    }
    reply(&lines, kind)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Forwarded,
    Original,
}

fn marker(line: &str) -> Option<Marker> {
    if line.len() > 120 {
        return None;
    }
    let (_, line) = unquote(line);
    let words = line.trim_matches(|c: char| !c.is_alphanumeric());
    if words.len() > LONGEST_MARKER {
        return None;
    }
    let words = words.to_lowercase();
    if FORWARDED.contains(&words.as_str()) {
        Some(Marker::Forwarded)
    } else if ORIGINAL.contains(&words.as_str()) {
        Some(Marker::Original)
    } else {
        None
    }
}

/// The shown header that begins after a marker at this line, or at this line itself where the
/// subject says that there is one.
fn header_at(lines: &[&str], at: usize, marker: Option<Marker>, kind: Prefix) -> Option<Shown> {
    if marker.is_some() {
        return shown::read(lines, at + 1).filter(|shown| shown.fields >= 2);
    }
    if kind == Prefix::None || unquote(lines[at]).1.trim().is_empty() {
        return None;
    }
    let shown = shown::read(lines, at)?;
    let is_whole = shown.fields >= 3 && shown.subject.is_some() && shown.date.is_some();
    is_whole.then_some(shown)
}

/// The text of a message passed on, and what stands after it where it was quoted.
fn passed_on(lines: &[&str], depth: usize) -> (String, String) {
    if depth == 0 {
        return (tidy(&lines.join("\n")), String::new());
    }
    let is_inside = |line: &&str| unquote(line).0 >= depth || line.trim().is_empty();
    let end = lines.iter().position(|line| !is_inside(line)).unwrap_or(lines.len());
    let inner: Vec<&str> = lines[..end].iter().map(|line| strip(line, depth)).collect();
    (tidy(&inner.join("\n")), tidy(&lines[end..].join("\n")))
}

/// A line without its first `depth` marks of quoting.
fn strip(line: &str, depth: usize) -> &str {
    let mut rest = line;
    for _ in 0..depth {
        let trimmed = rest.strip_prefix(' ').unwrap_or(rest);
        match trimmed.strip_prefix('>') {
            Some(inner) => rest = inner,
            None => break,
        }
    }
    rest.strip_prefix(' ').unwrap_or(rest)
}

fn reply(lines: &[&str], kind: Prefix) -> Thread {
    let is_quote = |line: &str| line.starts_with('>') || line.starts_with(" >");
    let has_quotes = lines.iter().any(|line| is_quote(line));
    if kind != Prefix::Reply && !has_quotes {
        return Thread::Plain;
    }
    if let Some((start, end)) = attribution(lines) {
        let after = &lines[end..];
        let quotes_follow = after.iter().take(3).any(|line| is_quote(line));
        if quotes_follow {
            let (old, new): (Vec<&str>, Vec<&str>) = after.iter().partition(|l| is_quote(l));
            let new = tidy(&format!("{}\n\n{}", lines[..start].join("\n"), new.join("\n")));
            let old: Vec<&str> = old.into_iter().map(|line| strip(line, 1)).collect();
            return Thread::Reply { new, quoted: tidy(&old.join("\n")) };
        }
        if kind == Prefix::Reply {
            let new = tidy(&lines[..start].join("\n"));
            return Thread::Reply { new, quoted: tidy(&after.join("\n")) };
        }
    }
    if kind == Prefix::Reply && has_quotes {
        let (old, new): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| is_quote(line));
        let old: Vec<&str> = old.into_iter().map(|line| strip(line, 1)).collect();
        return Thread::Reply { new: tidy(&new.join("\n")), quoted: tidy(&old.join("\n")) };
    }
    Thread::Plain
}

/// The first and the next line after words such as `On 6 March Anna wrote:`, which may be
/// broken over three lines.
fn attribution(lines: &[&str]) -> Option<(usize, usize)> {
    static WROTE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?i)(wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał|пишет|написал)\b[^:]{0,120}:\s*$",
        )
        .expect("a pattern of this file is well formed")
    });
    (0..lines.len()).find_map(|start| {
        if lines[start].trim().is_empty() || lines[start].starts_with('>') {
            return None;
        }
        (start + 1..=(start + 3).min(lines.len())).find_map(|end| {
            let piece = &lines[start..end];
            let is_whole = piece.iter().all(|line| !line.trim().is_empty() && line.len() < 300);
            let words = piece.join(" ");
            let names = words.contains('@') || words.chars().any(|c| c.is_ascii_digit());
            let quote_follows = lines.get(end).is_some_and(|line| line.starts_with('>'));
            (is_whole && (names || quote_follows) && WROTE.is_match(&words)).then_some((start, end))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(subject: &str, text: &str) -> String {
        match take_apart(text, subject, false) {
            Thread::Plain => "plain".to_owned(),
            Thread::Forward { note, shown, text } => {
                let subject = shown.subject.unwrap_or_default();
                format!("forward {note:?} {subject:?} {text:?}")
            }
            Thread::Reply { new, quoted } => format!("reply {new:?} {quoted:?}"),
        }
    }

    const HEADER: &str =
        "From: Shop <s@x.de>\nDate: Fri, 6 Mar 2026\nSubject: Booked\nTo: a@x.de\n";

    #[test]
    fn forwards_are_opened() {
        let gmail =
            format!("fyi\n\n---------- Forwarded message ---------\n{HEADER}\n\nRef AB12\n");
        assert_eq!(apart("Fwd: Booked", &gmail), r#"forward "fyi" "Booked" "Ref AB12""#);
        assert_eq!(apart("Booked", &gmail), r#"forward "fyi" "Booked" "Ref AB12""#);
        let german = "-----Ursprüngliche Nachricht-----\nVon: Shop [mailto:s@x.de]\nGesendet: Freitag\n\
                      An: a@x.de\nBetreff: Gebucht\n\nRef AB12";
        assert_eq!(apart("WG: Gebucht", german), r#"forward "" "Gebucht" "Ref AB12""#);
    }

    #[test]
    fn a_quoted_forward_ends_where_the_quoting_ends() {
        let quoted: String = HEADER.lines().map(|line| format!("> {line}\n")).collect();
        let apple =
            format!("Begin forwarded message:\n\n{quoted}>\n> Ref AB12\n>> deep\n\nBest, Bo");
        assert_eq!(
            apart("Fwd: Booked", &apple),
            r#"forward "Best, Bo" "Booked" "Ref AB12\n> deep""#
        );
    }

    #[test]
    fn an_outlook_forward_needs_no_marker_but_a_prefix() {
        let text = format!("see below\n________________________________\n{HEADER}\nRef AB12");
        assert!(apart("FW: Booked", &text).starts_with("forward \"see below"));
        assert_eq!(apart("New request", &text), "plain");
        assert!(apart("RE: Booked", &text).starts_with("reply \"see below"));
    }

    #[test]
    fn a_trip_is_no_header() {
        assert_eq!(apart("Your trip", "From: Berlin\nTo: Hamburg\nDate: 6 March\n"), "plain");
    }

    #[test]
    fn answers_are_parted_from_what_they_answer() {
        let text = "Yes, please.\n\nOn Fri, 6 Mar 2026 at 10:15, Shop\n<s@x.de> wrote:\n\n> Still coming?\n> Shop";
        assert_eq!(apart("Re: Booked", text), r#"reply "Yes, please." "Still coming?\nShop""#);
        let named = "Anna Meier wrote:\n> a\n\nb";
        assert_eq!(apart("Re: a", named), r#"reply "b" "a""#);
        let below = "Am 6.3.2026 schrieb Shop:\n> Kommen Sie?\n\nJa!";
        assert_eq!(apart("AW: Gebucht", below), r#"reply "Ja!" "Kommen Sie?""#);
        assert_eq!(apart("Re: a", "no quote at all"), "plain");
    }
}
