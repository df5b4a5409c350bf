//! `restitch report`: the incident on two pages.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use restitch_case::LogEntry;
use restitch_model::{Answer, Candidate, CandidateId, EvidenceId, Instant, RecordType, TimeWindow};
use restitch_restore::Plan;
use restitch_review::report::{PlanReport, Report, TypeReport, write};
use restitch_review::{Fate, Language, Loss, disagreements, settle, source};
use serde::Serialize;

use crate::printer::{Shown, Style};
use crate::review::said;
use crate::work::Work;
use crate::{Outcome, material};

/// Where the report lies in the case.
const REPORT: &str = "report.html";

/// The report that was written.
#[derive(Debug, Serialize)]
struct Written {
    /// Its file.
    file: String,
    /// Rows that the plan inserts.
    inserts: u64,
    /// Rows that it changes.
    updates: u64,
    /// Rebuilt records that wait.
    waiting: usize,
    /// When the plan was applied; `null` where it was not, or was taken back.
    applied: Option<Instant>,
}

/// Writes the report.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let (candidates, plan, matched) = (run.candidates()?, run.saved_plan()?, run.matched()?);
    let (knowledge, items) = (run.knowledge()?, run.items()?);
    let decisions = run.case.decisions()?;
    let settled = settle(&decisions, &candidates);
    let kinds: BTreeMap<EvidenceId, &str> =
        items.iter().map(|item| (item.evidence, item.kind.as_str())).collect();
    let in_words = |kind: &str| source(kind, Language::English).to_owned();
    let fates = Fates::of(&plan);
    let mut types: BTreeMap<String, TypeReport> = BTreeMap::new();
    for (name, of) in &matched.types {
        let entry = types.entry(name.clone()).or_default();
        entry.lost = of
            .lost_estimate
            .as_ref()
            .map(|estimate| (estimate.count, estimate.interval.low, estimate.interval.high));
        entry.unseen = of.lost_estimate.as_ref().map(|estimate| estimate.unseen);
        (entry.precision, entry.recall) = (of.precision_measured, of.recall_measured);
    }
    for candidate in &candidates {
        let entry = types.entry(candidate.record_type.to_string()).or_default();
        match (candidate.surviving.is_some(), fates.fate(candidate)) {
            (true, Fate::Back) => entry.changed += 1,
            (true, _) => {}
            (false, fate) => entry.tally.add(fate),
        }
    }
    for (name, of) in &mut types {
        of.name.clone_from(name);
    }
    let incident = knowledge.incident;
    let window = TimeWindow { start: incident.backup_at, end: incident.lost_at };
    let main = candidates.iter().filter(|c| c.record_type.as_str() == RecordType::RESERVATION);
    let of_item = |id| Some(in_words(kinds.get(&id)?));
    let loss = Loss::of(main, Some(window), &|candidate| fates.fate(candidate), &of_item);
    let mut evidence: BTreeMap<String, usize> = BTreeMap::new();
    for item in &items {
        *evidence.entry(in_words(&item.kind)).or_default() += 1;
    }
    // The last word on each record counts.
    let last: BTreeMap<&CandidateId, &Answer> =
        settled.iter().map(|decision| (&decision.candidate, &decision.answer)).collect();
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    for answer in last.into_values() {
        *answers.entry(said(answer).replace('_', " ")).or_default() += 1;
    }
    let history = run.case.history()?;
    let applied = applied(&history, &plan.digest().to_string());
    let counts = plan.counts().all;
    let waiting = types.values().map(|of| of.tally.waits).sum();
    let report = Report {
        name: run.file.pipeline.name.clone(),
        database: plan.database().to_owned(),
        window: Some(window),
        zone: material::zone(&run.snapshot()?, &knowledge),
        types: types.into_values().collect(),
        loss: Some((RecordType::RESERVATION.to_owned(), loss)),
        evidence: evidence.into_iter().collect(),
        unread: matched.unread.values().sum(),
        answers: answers.into_iter().collect(),
        disagreements: disagreements(&settled).len(),
        plan: PlanReport {
            inserts: counts.inserts,
            updates: counts.updates,
            held: counts.held,
            conflicts: counts.conflicts,
            digest: plan.digest().to_string(),
            applied,
        },
        events: events(&history, window),
    };
    run.case.log(run.now, &run.actor, "report", serde_json::json!({ "plan": plan.digest() }))?;
    run.case.write(REPORT, write(&report))?;
    work.printer.show(&Written {
        file: run.case.path(REPORT).display().to_string(),
        inserts: counts.inserts,
        updates: counts.updates,
        waiting,
        applied,
    });
    Ok(Outcome::Done)
}

impl Shown for Written {
    fn text(&self, style: Style) -> String {
        format!(
            "{}: {}\nOn paper it has two pages. Read it before you send it.\n",
            style.bold("Report"),
            self.file
        )
    }
}

/// What the plan makes of candidates.
struct Fates<'p> {
    planned: BTreeSet<&'p CandidateId>,
    held: BTreeSet<&'p CandidateId>,
}

impl<'p> Fates<'p> {
    fn of(plan: &'p Plan) -> Self {
        Self {
            planned: plan.changes().iter().map(|change| &change.candidate).collect(),
            held: plan.held().iter().map(|held| &held.candidate).collect(),
        }
    }

    fn fate(&self, candidate: &Candidate) -> Fate {
        match () {
            () if self.planned.contains(&candidate.id) => Fate::Back,
            () if self.held.contains(&candidate.id) => Fate::Waits,
            () => Fate::Out,
        }
    }
}

/// When this very plan was written, if it stands: an earlier one does not have its figures.
fn applied(history: &[LogEntry], digest: &str) -> Option<Instant> {
    let last = history.iter().rfind(|entry| ["apply", "undo"].contains(&entry.action.as_str()))?;
    last.at.filter(|_| last.action == "apply" && last.details["plan"] == digest)
}

/// What happened, in the order of time: of what is done again and again, the last time.
fn events(history: &[LogEntry], window: TimeWindow) -> Vec<(Instant, String)> {
    const SAID: [(&str, &str); 6] = [
        ("pull", "evidence was read from its sources"),
        ("learn", "rules were learned from what survived, and measured"),
        ("match", "lost records were rebuilt"),
        ("review export", "questions were written for the people who know"),
        ("review import", "answers were taken in"),
        ("plan", "the plan of changes was made"),
    ];
    let mut events = vec![
        (window.start, "the last good backup ends".to_owned()),
        (window.end, "the data was lost".to_owned()),
    ];
    let is_last = |at: usize| {
        let action = &history[at].action;
        !history[at + 1..].iter().any(|later| later.action == *action)
    };
    let is_first = |at: usize| !history[..at].iter().any(|e| e.action == history[at].action);
    for (n, entry) in history.iter().enumerate() {
        let words = match entry.action.as_str() {
            "begin" if is_first(n) => "the recovery was begun",
            "apply" => "a plan was written",
            "undo" => "what was written was taken back",
            action if is_last(n) => match SAID.iter().find(|(said, _)| *said == action) {
                Some((_, words)) => words,
                None => continue,
            },
            _ => continue,
        };
        events.extend(entry.at.map(|at| (at, words.to_owned())));
    }
    // The log's own order tells what came first within a moment.
    events.sort_by_key(|event| event.0);
    events
}
