//! `restitch explain RECORD`: where each value of a record comes from, and why.

use std::collections::BTreeMap;

use anyhow::Result;
use restitch_case::{CaseError, EvidenceStore};
use restitch_model::{
    Candidate, Cell, Conflict, Decision, Evidence, EvidenceId, EvidenceMeta, Fact, Place, RowKey,
    Value, Verdict,
};
use restitch_pipeline::{PipelineError, Run};
use restitch_restore::{Change, ChangeKind, Engine, Plan, provenance_at};
use serde::Serialize;

use crate::Outcome;
use crate::apply::RESTORED;
use crate::args;
use crate::explain_links::{Linked, Lost};
use crate::explain_rule;
use crate::failure::Asked;
use crate::printer::{Shown, Style};
use crate::reconcile::merged;
use crate::words::{Words, facts, words};
use crate::work::Work;

/// All that is known of a record.
#[derive(Debug, Default, Serialize)]
struct Explained {
    /// Its table.
    table: String,
    /// Its key, where it has one yet.
    key: Option<String>,
    /// How it was found, where not by its key.
    found: Option<String>,
    /// Its candidate's name; `null` where the case has none any more.
    candidate: Option<String>,
    /// What it is.
    record_type: Option<String>,
    /// What is to become of it.
    verdict: Option<Verdict>,
    /// The probability that it is as it was.
    confidence: Option<f64>,
    /// Why, as sentences.
    reasons: Vec<String>,
    /// What the plan does with it.
    planned: Option<String>,
    /// Its fields.
    fields: Vec<ExplainedField>,
    /// How its evidence was linked, and what else it could have been linked to.
    #[serde(flatten)]
    linked: Linked,
    /// Where evidence disagrees.
    conflicts: Vec<Conflict>,
    /// What reviewers said.
    decisions: Vec<Decision>,
    /// The evidence that it names.
    evidence: Vec<EvidenceMeta>,
    /// What the merged copy, or the server's database, itself says of the row's columns.
    restored: Vec<RestoredColumn>,
    /// Why the database could not be asked for them; `null` where it was.
    unasked: Option<String>,
}

/// A field, with where it comes from.
#[derive(Debug, Serialize)]
struct ExplainedField {
    /// The column.
    column: String,
    /// The value.
    value: String,
    /// The rule that filled it.
    rule: String,
    /// The measured accuracy of the rule.
    confidence: f64,
    /// The evidence that told it.
    evidence: Option<EvidenceId>,
    /// Where in the evidence the words stand.
    place: Option<String>,
    /// Those words, as they were read.
    words: String,
    /// Those words as they stand, and where in the bytes of a message.
    #[serde(rename = "read_from")]
    stands: Words,
}

/// A column as the database's own record has it.
#[derive(Debug, Serialize)]
struct RestoredColumn {
    /// The column.
    column: String,
    /// The rule that filled it.
    rule: String,
    /// The evidence that told it.
    evidence: Option<String>,
    /// Where the words stand.
    place: Option<String>,
    /// The measured accuracy of the rule.
    confidence: f64,
    /// The apply that wrote it.
    apply_id: String,
    /// When that was.
    applied_at: String,
    /// When it was undone, if it was.
    undone_at: Option<String>,
}

/// Explains a record.
pub fn run(args: &args::Explain, work: &Work) -> Result<Outcome> {
    let run = work.look()?;
    if let Some(name) = &args.rule {
        return explain_rule::run(&run, name, work);
    }
    let candidates = absent_as(run.candidates(), Vec::new())?;
    let plan = absent_as(run.saved_plan().map(Some), None)?;
    let words: Vec<&str> = args.record.iter().flat_map(|words| words.split_whitespace()).collect();
    let found = match words[..] {
        [] => return Err(Asked("name a record, such as: rentals 8812".to_owned()).into()),
        [name] => Found::by_name(name, &candidates, plan.as_ref())?,
        [table, ref key @ ..] => {
            let by_key = Found::by_key(table, key, &candidates, plan.as_ref());
            match by_key {
                Some(found) => found,
                None => Found::by_value(table, key, &candidates, plan.as_ref(), &run)?,
            }
        }
    };
    let explained = explain(found, &candidates, &run, plan.as_ref(), work)?;
    work.printer.show(&explained);
    Ok(Outcome::Done)
}

/// What an earlier step has not made yet is not there.
fn absent_as<T>(result: Result<T, PipelineError>, absent: T) -> Result<T, PipelineError> {
    match result {
        Err(PipelineError::Earlier { .. }) => Ok(absent),
        result => result,
    }
}

/// What a name or a key leads to.
struct Found<'f> {
    table: String,
    key: Option<RowKey>,
    found: Option<String>,
    candidate: Option<&'f Candidate>,
    change: Option<&'f Change>,
}

impl<'f> Found<'f> {
    fn by_name(
        name: &str,
        candidates: &'f [Candidate],
        plan: Option<&'f Plan>,
    ) -> Result<Self, Asked> {
        let exact = candidates.iter().find(|c| c.id.0 == name);
        let alike: Vec<&Candidate> =
            candidates.iter().filter(|c| c.id.0.starts_with(name)).collect();
        match (exact, &alike[..]) {
            (Some(candidate), _) | (None, &[candidate]) => Ok(Self::of(candidate, plan)),
            (None, []) => Err(Asked(format!(
                "no candidate is called {name}; give the name that plan.html shows, or a table and \
                 a key, such as: rentals 8812"
            ))),
            (None, several) => {
                let some: Vec<&str> = several.iter().take(5).map(|c| c.id.0.as_str()).collect();
                let count = several.len();
                Err(Asked(format!("{count} candidates begin like that: {} …", some.join(", "))))
            }
        }
    }

    /// The row of this key: one that the plan writes, a surviving one, or the one that evidence
    /// knows under this id and that gets another.
    fn by_key(
        table: &str,
        key: &[&str],
        candidates: &'f [Candidate],
        plan: Option<&'f Plan>,
    ) -> Option<Self> {
        let is_key = |row: &RowKey| {
            row.len() == key.len() && row.iter().zip(key).all(|(a, b)| a.to_string() == *b)
        };
        let changes = plan.map(Plan::changes).unwrap_or_default();
        if let Some(change) = changes.iter().find(|c| c.table == table && is_key(&c.key)) {
            let candidate = candidates.iter().find(|c| c.id == change.candidate);
            let (table, key) = (table.to_owned(), Some(change.key.clone()));
            return Some(Self { table, key, found: None, candidate, change: Some(change) });
        }
        let survives =
            |c: &&Candidate| c.table == table && c.surviving.as_ref().is_some_and(is_key);
        if let Some(candidate) = candidates.iter().find(survives) {
            return Some(Self::of(candidate, plan));
        }
        let pairs = plan.map(Plan::id_pairs).unwrap_or_default();
        let named = |id: i64| key == [id.to_string()];
        let pair = pairs.iter().find(|pair| pair.table == table && named(pair.evidence_id))?;
        let candidate = candidates.iter().find(|c| c.id == pair.candidate)?;
        let found = format!(
            "evidence knows it as {} {}; another row has that id now",
            pair.table, pair.evidence_id
        );
        Some(Self { found: Some(found), ..Self::of(candidate, plan) })
    }

    /// The candidate that has this id or reference, or else whatever row of this key there is.
    fn by_value(
        table: &str,
        key: &[&str],
        candidates: &'f [Candidate],
        plan: Option<&'f Plan>,
        run: &Run<'_>,
    ) -> Result<Self> {
        let mut names = Vec::new();
        for (record_type, known) in
            absent_as(run.knowledge().map(Some), None)?.iter().flat_map(|knowledge| {
                knowledge.records.iter().map(move |(r, k)| (knowledge.bindings.table(r), k))
            })
        {
            if record_type == Some(table) {
                names.extend(known.natural_keys.clone());
            }
        }
        let snapshot = run.snapshot()?;
        let Some(schema) = snapshot.table(table).map(|table| &table.schema) else {
            let known: Vec<&str> = snapshot.tables.iter().map(|t| t.schema.name.as_str()).collect();
            return Err(Asked(format!(
                "there is no table {table}; there are: {}",
                known.join(", ")
            ))
            .into());
        };
        names.extend(schema.primary_key.clone());
        let text = key.join(" ");
        let holds = |c: &&Candidate| {
            let is_it = |field: &restitch_model::Field| {
                let value = matches!(&field.cell, Cell::Is(value) if value.to_string() == text);
                value && names.iter().any(|name| *name == field.column)
            };
            c.table == table && c.fields.iter().any(is_it)
        };
        let holding: Vec<&Candidate> = candidates.iter().filter(holds).collect();
        match holding[..] {
            [candidate] => Ok(Self::of(candidate, plan)),
            [] => {
                let typed =
                    |text: &&str| text.parse().map_or_else(|_| Value::from(*text), Value::Integer);
                let key = Some(key.iter().map(typed).collect());
                Ok(Self {
                    table: table.to_owned(),
                    key,
                    found: None,
                    candidate: None,
                    change: None,
                })
            }
            _ => {
                let some: Vec<&str> = holding.iter().take(5).map(|c| c.id.0.as_str()).collect();
                let count = holding.len();
                Err(Asked(format!("{count} candidates are {text}, name one: {}", some.join(", ")))
                    .into())
            }
        }
    }

    fn of(candidate: &'f Candidate, plan: Option<&'f Plan>) -> Self {
        let changes = plan.map(Plan::changes).unwrap_or_default();
        let change = changes.iter().find(|change| change.candidate == candidate.id);
        let key = change.map(|change| change.key.clone()).or(candidate.surviving.clone());
        Self {
            table: candidate.table.clone(),
            key,
            found: None,
            candidate: Some(candidate),
            change,
        }
    }
}

fn explain(
    found: Found<'_>,
    candidates: &[Candidate],
    run: &Run<'_>,
    plan: Option<&Plan>,
    work: &Work,
) -> Result<Explained> {
    let mut explained = Explained {
        table: found.table.clone(),
        key: found.key.as_ref().map(shown_key),
        planned: planned(&found, plan),
        found: found.found.clone(),
        ..Explained::default()
    };
    if let Some(candidate) = found.candidate {
        explained.candidate = Some(candidate.id.to_string());
        explained.record_type = Some(candidate.record_type.to_string());
        explained.verdict = Some(candidate.verdict);
        explained.confidence = Some(candidate.confidence);
        explained.reasons = candidate.reasons.clone();
        explained.fields = fields(candidate, found.change, run)?;
        let known = absent_as(run.knowledge().map(Some), None)?;
        let keys = known.as_ref().and_then(|k| k.records.get(candidate.record_type.as_str()));
        let keys = keys.map_or(&[][..], |record| &record.natural_keys);
        explained.linked = Linked::of(candidate, candidates, keys, &run.case.evidence()?)?;
        explained.conflicts = candidate.conflicts.clone();
        let said = run.case.decisions()?.into_iter();
        explained.decisions = said.filter(|d| d.candidate == candidate.id).collect();
        explained.evidence = metas(run, &candidate.evidence)?;
    }
    if let (Some(key), Some(url)) = (found.key, restored(run)?) {
        let rows = provenance_at(&url, &found.table, &key);
        // The case tells the rest also where the server is out of reach.
        explained.unasked = rows.as_ref().err().map(ToString::to_string);
        explained.restored = rows
            .unwrap_or_default()
            .into_iter()
            .map(|row| RestoredColumn {
                column: row.column,
                rule: row.rule,
                evidence: row.evidence,
                place: row.place,
                confidence: row.confidence,
                apply_id: row.apply_id,
                applied_at: row.applied_at,
                undone_at: row.undone_at,
            })
            .collect();
    }
    if explained.candidate.is_none() && explained.restored.is_empty() && explained.unasked.is_none()
    {
        let (table, key) = (&explained.table, explained.key.as_deref().unwrap_or_default());
        let shown = work.command(run.case.dir(), "explain TABLE KEY");
        return Err(Asked(format!(
            "no evidence speaks of {table} {key}, and restitch did not write it: a surviving row \
             without news, or a mistyped key ({shown})"
        ))
        .into());
    }
    Ok(explained)
}

/// The database that holds what was written: the merged copy of a file, or the server's.
fn restored(run: &Run<'_>) -> Result<Option<String>> {
    let target = run.target_url()?;
    Ok(match Engine::of(&target)?.is_embedded() {
        true => run.case.has(RESTORED).then(|| merged(run)),
        false => Some(target),
    })
}

fn planned(found: &Found<'_>, plan: Option<&Plan>) -> Option<String> {
    if let Some(change) = found.change {
        let what = match change.kind {
            ChangeKind::Insert => "to be inserted",
            ChangeKind::Update => "to be updated",
        };
        let by = change.reviewer.as_ref().map(|name| format!(", confirmed by {name}"));
        return Some(format!(
            "{what} (change {} of the plan){}",
            change.seq,
            by.unwrap_or_default()
        ));
    }
    let id = &found.candidate?.id;
    let held = plan?.held().iter().find(|held| held.candidate == *id)?;
    Some(format!("not planned: {}", held.reason))
}

/// The planned cells where there is a plan for it, else what was rebuilt.
fn fields(
    candidate: &Candidate,
    change: Option<&Change>,
    run: &Run<'_>,
) -> Result<Vec<ExplainedField>, CaseError> {
    let mut stands = Stands { store: run.case.evidence()?, read: BTreeMap::new() };
    if let Some(change) = change {
        let cell = |cell: &restitch_restore::PlannedCell| {
            Ok(ExplainedField {
                column: cell.column.to_string(),
                value: match &cell.old {
                    Some(old) => format!("{} (was {old})", cell.new),
                    None => cell.new.to_string(),
                },
                rule: cell.rule.to_string(),
                confidence: cell.confidence,
                evidence: cell.evidence,
                place: cell.place.as_ref().map(ToString::to_string),
                words: cell.words.clone(),
                stands: stands.at(cell.evidence, cell.place.as_ref())?,
            })
        };
        return change.cells.iter().map(cell).collect();
    }
    let field = |field: &restitch_model::Field| {
        Ok(ExplainedField {
            column: field.column.to_string(),
            value: match &field.cell {
                Cell::Is(value) => value.to_string(),
                Cell::KeyOf(id) => format!("the key of {id}"),
            },
            rule: field.rule.to_string(),
            confidence: field.confidence,
            evidence: field.evidence,
            place: field.place.as_ref().map(ToString::to_string),
            words: field.words.clone(),
            stands: stands.at(field.evidence, field.place.as_ref())?,
        })
    };
    candidate.fields.iter().map(field).collect()
}

/// Looks the words of evidence up, each item read once.
struct Stands {
    store: EvidenceStore,
    read: BTreeMap<EvidenceId, (Evidence, Vec<Fact>)>,
}

impl Stands {
    fn at(&mut self, id: Option<EvidenceId>, place: Option<&Place>) -> Result<Words, CaseError> {
        let Some((id, place)) = id.zip(place) else { return Ok(Words::default()) };
        if !self.read.contains_key(&id) {
            let evidence = self.store.get(id)?;
            let facts = facts(&evidence);
            self.read.insert(id, (evidence, facts));
        }
        let (evidence, facts) = &self.read[&id];
        Ok(words(evidence, facts, &[place]).pop().unwrap_or_default())
    }
}

fn metas(run: &Run<'_>, ids: &[EvidenceId]) -> Result<Vec<EvidenceMeta>, CaseError> {
    let store = run.case.evidence()?;
    let asked = store.metas().filter(|meta| ids.contains(&meta.id));
    let by_id: BTreeMap<EvidenceId, EvidenceMeta> = asked.map(|meta| (meta.id, meta)).collect();
    Ok(ids.iter().filter_map(|id| by_id.get(id).cloned()).collect())
}

fn shown_key(key: &RowKey) -> String {
    key.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl Shown for Explained {
    fn text(&self, style: Style) -> String {
        let mut text = self.heading(style);
        let mut part = |heading: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                text += &format!("{}\n", style.bold(heading));
            }
            for line in lines {
                text += &format!("  {line}\n");
            }
        };
        part("Fields", self.fields.iter().flat_map(|field| self.field(field)).collect());
        part("Evidence", self.evidence.iter().map(evidence).collect());
        let name = |id| self.name(id);
        part("Named or tied", self.linked.certain_lines(name));
        part("Linked by likeness, in bits", self.linked.waterfall(name));
        let lines = |lost: &[Lost]| lost.iter().flat_map(|one| one.lines(name)).collect();
        part("Rivals that lost, in bits", lines(&self.linked.rivals));
        part("What went elsewhere, in bits", lines(&self.linked.elsewhere));
        let conflict = |c: &Conflict| {
            let of = c.evidence.map_or("a surviving row".to_owned(), |id| self.name(id));
            format!("{}: {} kept, {} says {} ({})", c.column, c.kept, of, c.other, c.reason)
        };
        part("Disagreements", self.conflicts.iter().map(conflict).collect());
        part("Reasons", self.reasons.clone());
        part("What reviewers said", self.decisions.iter().map(decision).collect());
        part("In the database itself", self.restored());
        let unasked = self.unasked.iter().map(|why| format!("it could not be asked: {why}"));
        part("In the database itself", unasked.collect());
        text
    }
}

impl Explained {
    fn heading(&self, style: Style) -> String {
        let row = format!("{} {}", self.table, self.key.as_deref().unwrap_or("(no key yet)"));
        let mut text = format!("{}\n", style.bold(&row));
        if let (Some(id), Some(verdict), Some(confidence)) =
            (&self.candidate, self.verdict, self.confidence)
        {
            text += &format!("  {id}: {verdict}, {:.1} % sure\n", confidence * 100.0);
        }
        if let Some(found) = &self.found {
            text += &format!("  {found}\n");
        }
        if let Some(planned) = &self.planned {
            text += &format!("  {planned}\n");
        }
        text
    }

    fn field(&self, field: &ExplainedField) -> Vec<String> {
        let sure = field.confidence * 100.0;
        let mut lines = vec![format!(
            "{} = {}  by {}, right {sure:.1} %",
            field.column, field.value, field.rule
        )];
        if let Some(id) = field.evidence {
            let place =
                field.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
            let words = field.stands.words.as_ref().unwrap_or(&field.words);
            let bytes = field.stands.bytes.as_ref().map(|bytes| format!(": {}", bytes.shown()));
            let bytes = bytes.unwrap_or_default();
            lines.push(format!("    {words:?} in {}{place}{bytes}", self.name(id)));
        }
        lines
    }

    /// The columns of each apply; in full where the case does not know the record any more.
    fn restored(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for group in self.restored.chunk_by(|a, b| a.apply_id == b.apply_id) {
            let first = &group[0];
            let undone = first.undone_at.as_ref().map(|at| format!(", undone at {at}"));
            lines.push(format!(
                "{} columns written by apply {} at {}{}",
                group.len(),
                first.apply_id,
                first.applied_at,
                undone.unwrap_or_default()
            ));
            if self.candidate.is_none() {
                lines.extend(group.iter().map(|column| {
                    format!(
                        "  {} by {}, right {:.1} %",
                        column.column,
                        column.rule,
                        column.confidence * 100.0
                    )
                }));
            }
        }
        lines
    }

    /// An evidence item by its kind and the beginning of its hash.
    fn name(&self, id: EvidenceId) -> String {
        let kind = self.evidence.iter().find(|meta| meta.id == id).map(|meta| meta.kind.as_str());
        format!("{} {}", kind.unwrap_or("evidence"), id.0.short())
    }
}

fn evidence(meta: &EvidenceMeta) -> String {
    let at = meta.at.map(|at| format!(", {at}")).unwrap_or_default();
    let (id, kind) = (meta.id.0.short(), &meta.kind);
    format!("{kind} {id}: {} in {}/{}{at}", meta.native_id, meta.source, meta.container)
}

fn decision(decision: &Decision) -> String {
    use restitch_model::Answer;
    let answer = match &decision.answer {
        Answer::Yes => "it is right".to_owned(),
        Answer::No => "there was no such record".to_owned(),
        Answer::Corrected { columns } => {
            let columns: Vec<String> =
                columns.iter().map(|(c, text)| format!("{c} = {text}")).collect();
            format!("right with {}", columns.join(", "))
        }
        Answer::SameAs { other } => format!("the same as {other}"),
        Answer::Split { items } => format!("{} of its items are of another record", items.len()),
        Answer::Unknown => "cannot say".to_owned(),
        Answer::Open => "took back what was said".to_owned(),
    };
    let note =
        if decision.note.is_empty() { String::new() } else { format!(" ({})", decision.note) };
    format!("{}, {}: {answer}{note}", decision.reviewer, decision.at)
}
