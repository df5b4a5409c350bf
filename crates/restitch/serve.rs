//! `restitch review serve`: a page to review on.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use jiff::{Timestamp, Unit};
use restitch_case::EvidenceStore;
use restitch_connect_mail::message_view;
use restitch_learn::Item;
use restitch_model::{Decision, Evidence, EvidenceId, Instant, Snapshot, TimeWindow};
use restitch_pipeline::Run;
use restitch_review::{EvidenceNote, TenantInfo};
use restitch_serve::{Board, Caseload, Estimate, Office, Server};
use serde::Serialize;

use crate::args::Serve;
use crate::printer::{Shown, Style};
use crate::review::said;
use crate::work::Work;
use crate::{Outcome, material};

/// Where the page is.
#[derive(Debug, Serialize)]
struct Serving {
    /// The address, which works once.
    address: String,
    /// How many records there are.
    records: usize,
}

/// Serves the page until it is stopped.
pub fn run(args: &Serve, work: &Work) -> Result<Outcome> {
    let server = Server::bind(args.port)?;
    let desk = Desk::open(work.open()?, &work.actor)?;
    desk.run.case.log(desk.now(), &work.actor, "review serve", serde_json::json!({}))?;
    work.progress.begin("reading what is reviewed", "steps", None);
    let mut board = Board::open(desk).map_err(|words| anyhow!(words))?;
    work.progress.end();
    work.printer.show(&Serving { address: server.address(), records: board.len() });
    server.run(&mut board)?;
    Ok(Outcome::Done)
}

impl Shown for Serving {
    fn text(&self, style: Style) -> String {
        format!(
            "{}: {}\nIt works once, and only on this computer. Ctrl-C ends it; what was answered \
             is kept.\n",
            style.bold("Open"),
            self.address
        )
    }
}

/// The case, as the page needs it.
struct Desk<'r> {
    run: Run<'r>,
    actor: String,
    snapshot: Snapshot,
    store: EvidenceStore,
    tenants: BTreeMap<String, TenantInfo>,
    notes: BTreeMap<EvidenceId, EvidenceNote>,
    /// Until the search is made ready.
    items: Vec<Item>,
    unrehearsed: Option<String>,
}

impl<'r> Desk<'r> {
    fn open(run: Run<'r>, actor: &str) -> Result<Self> {
        let snapshot = run.snapshot()?;
        let items = run.items()?;
        let tenant = run.knowledge()?.bindings.tenant;
        Ok(Self {
            tenants: material::tenants(&snapshot, tenant.as_deref()),
            notes: material::notes(&items),
            store: run.case.evidence()?,
            actor: actor.to_owned(),
            unrehearsed: None,
            snapshot,
            items,
            run,
        })
    }

    /// Says who does what, with the time that it is.
    fn log(&mut self, action: &str, details: serde_json::Value) -> Result<(), String> {
        self.run.now = self.now();
        self.run.case.log(self.run.now, &self.actor, action, details).map_err(words)
    }
}

impl Office for Desk<'_> {
    fn load(&mut self) -> Result<Caseload, String> {
        let knowledge = self.run.knowledge().map_err(words)?;
        let matched = self.run.matched().map_err(words)?;
        let estimates = matched.types.iter().filter_map(|(name, of)| {
            let found = of.lost_estimate.as_ref()?;
            let (low, high) = (found.interval.low, found.interval.high);
            Some((name.clone(), Estimate { count: found.count, low, high }))
        });
        let incident = knowledge.incident;
        Ok(Caseload {
            name: self.run.file.pipeline.name.clone(),
            candidates: self.run.candidates().map_err(words)?,
            decisions: self.run.case.decisions().map_err(words)?,
            plan: self.run.saved_plan().map_err(words)?,
            unrehearsed: self.unrehearsed.clone(),
            tenants: self.tenants.clone(),
            notes: self.notes.clone(),
            window: Some(TimeWindow { start: incident.backup_at, end: incident.lost_at }),
            estimates: estimates.collect(),
        })
    }

    fn evidence(&mut self, id: EvidenceId) -> Result<String, String> {
        self.store.get(id).map(|evidence| readable(&evidence)).map_err(words)
    }

    fn each_text(&mut self, take: &mut dyn FnMut(EvidenceId, &str)) -> Result<(), String> {
        for item in std::mem::take(&mut self.items) {
            let mut text = format!("{} {}", item.native_id, item.container);
            for fact in &item.facts {
                // What was found in a text stands in the text.
                if !fact.name.contains('#') {
                    text.push(' ');
                    text.push_str(&fact.value.to_string());
                }
            }
            take(item.evidence, &text);
        }
        Ok(())
    }

    fn decide(&mut self, decision: &Decision) -> Result<(), String> {
        let answer = said(&decision.answer);
        let details = serde_json::json!({ "candidate": decision.candidate.0, "answer": answer });
        self.log("decide", details)?;
        self.run.case.decide(decision).map_err(words)
    }

    fn plan(&mut self) -> Result<(), String> {
        self.run.now = self.now();
        self.unrehearsed = self.run.plan(&self.snapshot).map_err(words)?.unrehearsed;
        Ok(())
    }

    fn rebuild(&mut self) -> Result<(), String> {
        self.run.now = self.now();
        let evidence = self.run.evidence(&self.snapshot).map_err(words)?;
        self.run.match_records(&self.snapshot, &evidence.items).map_err(words)?;
        self.plan()
    }

    fn now(&self) -> Instant {
        Timestamp::now().round(Unit::Millisecond).unwrap_or_else(|_| Timestamp::now())
    }

    fn reviewer(&self) -> String {
        self.actor.clone()
    }
}

/// An error as a sentence, with what it came from.
fn words(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(", because {error}");
        source = error.source();
    }
    text
}

/// An item as a person reads it.
fn readable(evidence: &Evidence) -> String {
    if evidence.meta.kind == "mail" {
        let message = message_view(&evidence.bytes);
        let mut text = String::new();
        let to = (!message.to.is_empty()).then(|| message.to.join(", "));
        let heads = [
            ("Subject", &message.subject),
            ("From", &message.from),
            ("To", &to),
            ("Date", &message.date),
        ];
        for (name, value) in heads {
            if let Some(value) = value {
                text += &format!("{name}: {value}\n");
            }
        }
        for file in &message.attachments {
            let name = file.name.as_deref().unwrap_or("without a name");
            text += &format!("Attached: {name}, {}, {} bytes\n", file.media_type, file.bytes);
        }
        return text + "\n" + &message.text;
    }
    match serde_json::from_slice::<serde_json::Value>(&evidence.bytes) {
        Ok(json) => serde_json::to_string_pretty(&json).expect("JSON can be written again"),
        // Long lines of a calendar are folded (RFC 5545, 3.1).
        Err(_) => String::from_utf8_lossy(&evidence.bytes).replace("\r\n", "\n").replace("\n ", ""),
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::EvidenceMeta;

    use super::*;

    fn check(kind: &str, bytes: &str, expect: &str) {
        let meta = EvidenceMeta {
            id: EvidenceId::of(bytes.as_bytes()),
            source: "s".to_owned(),
            kind: kind.to_owned(),
            native_id: "1".to_owned(),
            container: "c".to_owned(),
            at: None,
            fetched_at: Instant::UNIX_EPOCH,
        };
        let evidence = Evidence { meta, bytes: bytes.as_bytes().to_vec() };
        assert_eq!(readable(&evidence), expect);
    }

    #[test]
    fn an_item_is_shown_as_a_person_reads_it() {
        check(
            "stripe.charge",
            r#"{"id":"ch_1","amount":5}"#,
            "{\n  \"id\": \"ch_1\",\n  \"amount\": 5\n}",
        );
        check("calendar.event", "SUMMARY:Ana\r\n  Pérez\r\n", "SUMMARY:Ana Pérez\n");
        check(
            "mail",
            "From: a@b.example\nSubject: Hi\nContent-Type: text/html\n\n<p>one <script>x()</script>two",
            "Subject: Hi\nFrom: a@b.example\n\none two",
        );
    }
}
