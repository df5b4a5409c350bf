//! `restitch read FILE…`: what is seen in messages, events and exports.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Result;
use restitch_connect::{Connector, Item, Opener, PullError, Sink, Unreadable, WalkedFile, walk};
use restitch_connect_calendar::CalendarFiles;
use restitch_connect_mail::{MailFiles, MessageView, looks_like_mail, message_view};
use restitch_connect_stripe::StripeFiles;
use restitch_connect_table::TableFiles;
use restitch_model::{Evidence, EvidenceId, EvidenceMeta, Fact, FactValue, Place, Remark};
use serde::Serialize;

use crate::printer::{Shown, Style};
use crate::words::{Words, words};
use crate::work::Work;
use crate::{Outcome, args, files};

/// How much of a file is looked at to tell what it is.
const HEAD: u64 = 64 << 10;

/// One item, as `read` shows it.
#[derive(Debug, Serialize)]
struct Seen {
    /// What it is: `mail`, `calendar.event`, `stripe.charge`, `table.row`.
    source_kind: String,
    /// The source's own name for it.
    native_id: String,
    /// The file, account, calendar or mailbox that it lay in.
    container: String,
    /// The message, where it is one.
    #[serde(flatten)]
    message: Option<MessageView>,
    /// What was read out of it.
    facts: Vec<SeenFact>,
    /// What was noticed.
    remarks: Vec<String>,
}

/// One fact.
#[derive(Debug, Serialize)]
struct SeenFact {
    /// Which value of its kind of evidence.
    name: String,
    /// The value: a number or a truth value as such, all else as text.
    value: serde_json::Value,
    /// The value's type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Where it stands.
    place: Place,
    /// What stands there, where that is told apart.
    #[serde(flatten)]
    words: Words,
}

/// Shows what is seen in the files.
pub fn run(args: &args::Read, work: &Work) -> Result<Outcome> {
    files::check(&args.files)?;
    for path in files::below(&args.files, work) {
        let found = walk(std::slice::from_ref(&path), |_, _| true)?;
        for Unreadable { name, source, .. } in found.unreadable {
            work.printer.note(&format!("remark: {name}: {source}"));
        }
        let mut opener = Opener::default();
        for file in found.files {
            if file.path == path {
                show(&path, &file.name, work)?;
            } else if let Err(error) = unpacked(&file, &mut opener, work)? {
                work.printer.note(&format!("remark: {}: cannot be unpacked: {error}", file.name));
            }
        }
    }
    Ok(Outcome::Done)
}

/// Shows a file that lies in an archive, or why it cannot be unpacked.
fn unpacked(file: &WalkedFile, opener: &mut Opener, work: &Work) -> Result<io::Result<()>> {
    let folder = tempfile::tempdir()?;
    // The last part of its name alone, which leads nowhere else.
    let path = folder.path().join(file.path.file_name().unwrap_or_default());
    let unpack = |opener: &mut Opener| {
        let mut packed = opener.open(file)?;
        io::copy(&mut packed, &mut File::create(&path)?)
    };
    match unpack(opener) {
        Ok(_) => show(&path, &file.name, work).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

fn show(path: &Path, name: &str, work: &Work) -> Result<()> {
    let Some(connector) = connector(path)? else {
        let text = "this is no message, calendar, JSON or table that could be read";
        work.printer.note(&format!("remark: {name}: {text}"));
        return Ok(());
    };
    let mut showing = Showing { connector: &*connector, work };
    Ok(connector.pull(None, &mut showing, &restitch_model::Silent)?)
}

/// The connector that understands a file, found by looking at how it begins.
fn connector(path: &Path) -> Result<Option<Box<dyn Connector>>> {
    let mut head = Vec::new();
    let failed = |source| PullError::File { path: path.display().to_string(), source };
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(failed)?;
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let paths = vec![path.to_owned()];
    Ok(match look(&head, extension.as_deref().unwrap_or_default()) {
        Some(Looks::Calendar) => Some(Box::new(CalendarFiles { paths, timezone: None })),
        Some(Looks::Mail) => Some(Box::new(MailFiles { paths })),
        Some(Looks::Stripe) => Some(Box::new(StripeFiles { paths })),
        Some(Looks::Table) => Some(Box::new(TableFiles { paths })),
        None => None,
    })
}

/// What a file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    Calendar,
    Mail,
    Stripe,
    Table,
}

fn look(head: &[u8], extension: &str) -> Option<Looks> {
    let text = String::from_utf8_lossy(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
    let text = text.trim_start();
    let first = text.lines().next().unwrap_or_default();
    let is_json = text.starts_with(['{', '[']);
    if text.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCALENDAR")) {
        return Some(Looks::Calendar);
    }
    let of_calendar = ["\"iCalUID\"", "\"iCalUId\"", "\"calendar#event", "/invitees/"];
    if is_json && of_calendar.iter().any(|sign| text.contains(sign)) {
        return Some(Looks::Calendar);
    }
    match extension {
        "ics" | "ical" | "icalendar" => return Some(Looks::Calendar),
        "json" if !text.contains("\"object\"") => return Some(Looks::Table),
        "json" => return Some(Looks::Stripe),
        "jsonl" | "ndjson" if text.contains("\"object\"") => return Some(Looks::Stripe),
        "csv" if is_dashboard(first) => return Some(Looks::Stripe),
        "csv" | "tsv" | "jsonl" | "ndjson" => return Some(Looks::Table),
        _ => {}
    }
    if !is_json && looks_like_mail(head) {
        return Some(Looks::Mail);
    }
    let is_text = !head.is_empty() && !head.contains(&0);
    let is_table = is_json || [',', ';', '\t'].iter().any(|c| first.contains(*c));
    (is_text && is_table).then_some(Looks::Table)
}

/// Whether the header is one of the exports of Stripe's Dashboard.
fn is_dashboard(header: &str) -> bool {
    let names: Vec<&str> =
        header.split([',', ';', '\t']).map(|name| name.trim().trim_matches('"')).collect();
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    let is_created = |name: &&str| name.starts_with("Created") && name.ends_with("(UTC)");
    has("PaymentIntent ID") || (has("id") && names.iter().any(is_created))
}

/// Shows each item as it comes, so that a mailbox of any size can be read.
struct Showing<'s> {
    connector: &'s dyn Connector,
    work: &'s Work,
}

impl Sink for Showing<'_> {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        let meta = EvidenceMeta {
            id: EvidenceId::of(&item.bytes),
            source: String::new(),
            kind: item.kind,
            native_id: item.native_id,
            container: item.container,
            at: item.at,
            fetched_at: self.work.now,
        };
        let message = (meta.kind == "mail").then(|| message_view(&item.bytes));
        let evidence = Evidence { meta, bytes: item.bytes };
        let reading = self.connector.read(&evidence);
        let places: Vec<&Place> = reading.facts.iter().map(|fact| &fact.place).collect();
        let words = words(&evidence, &reading.facts, &places);
        let facts = reading.facts.into_iter().zip(words);
        self.work.printer.show(&Seen {
            source_kind: evidence.meta.kind,
            native_id: evidence.meta.native_id,
            container: evidence.meta.container,
            message,
            facts: facts.map(|(fact, words)| SeenFact::of(fact, words)).collect(),
            remarks: reading.remarks.into_iter().map(|remark| remark.text).collect(),
        });
        Ok(true)
    }

    fn remark(&mut self, remark: Remark) {
        self.work.printer.note(&format!("remark: {remark}"));
    }

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _cursor: &str) -> Result<(), PullError> {
        Ok(())
    }
}

impl SeenFact {
    fn of(fact: Fact, words: Words) -> Self {
        let value = match &fact.value {
            FactValue::Integer(n) => (*n).into(),
            FactValue::Bool(b) => (*b).into(),
            other => other.to_string().into(),
        };
        Self {
            name: fact.name.into(),
            value,
            kind: fact.value.type_name(),
            place: fact.place,
            words,
        }
    }
}

impl Shown for Seen {
    fn text(&self, style: Style) -> String {
        let heading = format!("{} {}", self.source_kind, self.native_id);
        let mut text = format!("{}  in {}\n", style.bold(&heading), self.container);
        if let Some(message) = &self.message {
            for (name, value) in
                [("subject", &message.subject), ("from", &message.from), ("date", &message.date)]
            {
                if let Some(value) = value {
                    text += &format!("  {name}: {value}\n");
                }
            }
            if !message.to.is_empty() {
                text += &format!("  to: {}\n", message.to.join(", "));
            }
            for file in &message.attachments {
                let name = file.name.as_deref().unwrap_or("without a name");
                text += &format!("  attached: {name}, {}, {} bytes\n", file.media_type, file.bytes);
            }
            for line in message.text.lines() {
                text += &format!("  | {line}\n");
            }
        }
        for fact in &self.facts {
            let value = match &fact.value {
                serde_json::Value::String(value) => shortened(value),
                value => value.to_string(),
            };
            let (words, place) = (fact.words.shown(), &fact.place);
            text += &format!("  {} = {value}  ({}, {place}){words}\n", fact.name, fact.kind);
        }
        for remark in &self.remarks {
            text += &format!("  remark: {remark}\n");
        }
        text + "\n"
    }
}

/// A value in one line.
fn shortened(value: &str) -> String {
    const MOST: usize = 100;
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_shows_in_how_it_begins() {
        let check = |head: &str, extension: &str, expected| {
            assert_eq!(look(head.as_bytes(), extension), expected, "{head:?} {extension}");
        };
        check("\u{feff}begin:vcalendar\r\nVERSION:2.0", "txt", Some(Looks::Calendar));
        check("From: a@b.example\nSubject: hello\n\nhi", "eml", Some(Looks::Mail));
        check("From: a@b.example\nSubject: hello\n\nhi", "", Some(Looks::Mail));
        check("[{\"id\": \"ch_1\", \"object\": \"charge\"}]", "json", Some(Looks::Stripe));
        check("{\"id\": 7, \"name\": \"Ann\"}", "jsonl", Some(Looks::Table));
        check("[{\"id\": 7, \"name\": \"Ann\"}]", "json", Some(Looks::Table));
        check("{\"items\": [{\"iCalUID\": \"a\"}]}", "json", Some(Looks::Calendar));
        check("id,Created (UTC),Amount\n", "csv", Some(Looks::Stripe));
        check("id;name;pickup\n", "csv", Some(Looks::Table));
        check("%PDF-1.7\0", "pdf", None);
        check("", "", None);
    }

    #[test]
    fn a_fact_is_one_flat_object() {
        let fact =
            |value| Fact { name: "text#amount".into(), value, place: Place::range("text", 3, 8) };
        let amount =
            FactValue::Amount { major: "12.50".parse().unwrap(), currency: Some("EUR".to_owned()) };
        let json =
            |value| serde_json::to_string(&SeenFact::of(fact(value), Words::default())).unwrap();
        assert_eq!(
            json(amount),
            r#"{"name":"text#amount","value":"12.50 EUR","type":"amount","place":{"field":"text","range":[3,8]}}"#
        );
        assert!(json(FactValue::Integer(7)).contains(r#""value":7,"type":"integer""#));
    }
}
