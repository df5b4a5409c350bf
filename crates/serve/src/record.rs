//! All of a record: its fields, its evidence beside them, how it was linked, its course.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_model::{
    Answer, Candidate, CandidateId, Cell, Decision, EvidenceId, Field, Instant, Value,
};
use restitch_review::{Language, gist, original, percent, shown, times};
use serde_json::{Value as Json, json};

use crate::answering::word;
use crate::board::{Board, Planned, Refusal};
use crate::evidence::{LONGEST, cut, marked, safe};
use crate::office::Office;

/// So many items of a record are shown in full.
const ITEMS: usize = 40;
/// So many records that could be the same are offered.
const ALIKE: usize = 6;
/// What so many records share tells none of them.
const COMMON: usize = 50;
/// So many items that a search found are shown.
const FOUND: usize = 50;

impl<O: Office> Board<O> {
    pub(crate) fn record(&mut self, id: &CandidateId) -> Result<Json, Refusal> {
        let candidate = self.candidate(id)?.clone();
        let at = self.at[id];
        let words = Self::words(&candidate);
        let mut items = Vec::new();
        for id in candidate.evidence.iter().take(ITEMS) {
            let words: Vec<String> = words.get(id).into_iter().flatten().cloned().collect();
            items.push(self.evidence(*id, &words, &candidate)?);
        }
        let (language, zone, zone_name) = self.language(&candidate);
        let said = self.said.get(id);
        let corrected: BTreeMap<&str, &str> = match said.map(|decision| &decision.answer) {
            Some(Answer::Corrected { columns }) => {
                columns.iter().map(|(column, text)| (column.as_str(), text.as_str())).collect()
            }
            _ => BTreeMap::new(),
        };
        let in_words = |cell: &Cell| match cell {
            Cell::KeyOf(parent) => match self.at.get(parent).map(|&i| &self.load.candidates[i]) {
                Some(parent) if !gist(parent).is_empty() => gist(parent),
                _ => parent.0.clone(),
            },
            cell => shown(cell, &zone, language),
        };
        let mut columns: BTreeSet<&str> = BTreeSet::new();
        let mut fields = Vec::new();
        for field in &candidate.fields {
            columns.insert(&field.column);
            let number =
                field.evidence.and_then(|id| candidate.evidence.iter().position(|e| *e == id));
            let parent = match &field.cell {
                Cell::KeyOf(parent) => Some(&parent.0),
                Cell::Is(_) => None,
            };
            fields.push(json!({
                "column": field.column,
                "value": cut(&in_words(&field.cell), 2_000).0,
                "was": original(&candidate, &field.column).map(|cell| shown(&cell, &zone, language)),
                "now": corrected.get(field.column.as_str()),
                "parent": parent,
                "rule": field.rule,
                "words": cut(&field.words, 300).0,
                "sure": percent(field.confidence),
                "item": number.map(|n| n + 1),
            }));
        }
        let conflicts: Vec<Json> = candidate
            .conflicts
            .iter()
            .map(|conflict| {
                let other = |value| {
                    cut(&shown(&Cell::Is(value), &zone, language), 2_000).0.to_owned()
                };
                let number = candidate.evidence.iter().position(|e| Some(*e) == conflict.evidence);
                json!({
                    "column": conflict.column, "kept": other(conflict.kept.clone()),
                    "other": other(conflict.other.clone()), "reason": conflict.reason,
                    "item": number.map(|n| n + 1), "editable": columns.contains(conflict.column.as_str()),
                })
            })
            .collect();
        let decisions: Vec<Json> = self
            .history(&candidate)
            .map(|decision| {
                json!({
                    "by": decision.reviewer, "said": word(&decision.answer), "note": decision.note,
                    "at": clock(decision.at, &zone), "of": decision.candidate.0,
                    "other": match &decision.answer { Answer::SameAs { other } => Some(&other.0), _ => None },
                })
            })
            .collect();
        let mut value = self.row(at);
        let more = json!({
            "table": candidate.table,
            "zone": zone_name,
            "reasons": candidate.reasons.iter().map(|why| cut(why, 500).0).collect::<Vec<_>>(),
            "surviving": candidate.surviving.as_ref().map(|key| {
                key.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }),
            "planned": self.planned_words(at),
            "fields": fields,
            "conflicts": conflicts,
            "links": Self::waterfall(&candidate),
            "rivals": self.rivals(&candidate),
            "items": items,
            "more_items": candidate.evidence.len().saturating_sub(ITEMS),
            "can_split": self.can_split(&candidate),
            "alike": self.alike(at),
            "decisions": decisions,
            "can_undo": self.standing(&candidate).map(|decision| decision.candidate.0.clone()),
            "timeline": self.timeline(&candidate, &zone, language),
            "progress": self.progress(),
        });
        if let (Json::Object(value), Json::Object(more)) = (&mut value, more) {
            value.extend(more);
        }
        Ok(value)
    }

    fn planned_words(&self, at: usize) -> Json {
        match &self.planned[at] {
            Planned::Insert(row) => json!({ "kind": "insert", "words": format!("inserts {row}") }),
            Planned::Update(row) => json!({ "kind": "update", "words": format!("changes {row}") }),
            // The reasons stand below it.
            Planned::Held(reason) => {
                let has_reasons = !self.load.candidates[at].reasons.is_empty();
                let waits = reason
                    .split_once(": ")
                    .filter(|(waits, _)| has_reasons && *waits == "waits for a reviewer");
                let words = waits.map_or(reason.as_str(), |(waits, _)| waits);
                json!({ "kind": "held", "words": words })
            }
            Planned::Nothing => json!({ "kind": "nothing", "words": "is not in the plan" }),
        }
    }

    /// What was said of a candidate, under this name or another, or of another as the same.
    fn history<'s>(&'s self, candidate: &'s Candidate) -> impl Iterator<Item = &'s Decision> {
        self.load.decisions.iter().filter(|decision| {
            let about = |id: &CandidateId| *id == candidate.id;
            let is_gone = !self.at.contains_key(&decision.candidate);
            let shares =
                || decision.seen.items.iter().any(|item| candidate.evidence.contains(item));
            about(&decision.candidate)
                || matches!(&decision.answer, Answer::SameAs { other } if about(other))
                || is_gone && shares()
        })
    }

    /// The decision that can be taken back here.
    fn standing<'s>(&'s self, candidate: &'s Candidate) -> Option<&'s Decision> {
        let mut standing: Vec<&Decision> = Vec::new();
        for decision in self.history(candidate) {
            match decision.answer {
                Answer::Open => standing.retain(|other| other.candidate != decision.candidate),
                _ => standing.push(decision),
            }
        }
        standing.pop()
    }

    /// Records that share rare values, the most first.
    fn alike(&self, at: usize) -> Vec<Json> {
        let candidate = &self.load.candidates[at];
        let own: BTreeMap<&str, &Cell> = candidate.fields.iter().filter_map(telling).collect();
        let mut of_column: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, other) in self.load.candidates.iter().enumerate() {
            if i == at || other.table != candidate.table || other.tenant != candidate.tenant {
                continue;
            }
            for (column, cell) in other.fields.iter().filter_map(telling) {
                if own.get(column) == Some(&cell) {
                    of_column.entry(column).or_default().push(i);
                }
            }
        }
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for others in of_column.into_values().filter(|others| others.len() <= COMMON) {
            for i in others {
                *shared.entry(i).or_default() += 1;
            }
        }
        let mut best: Vec<(usize, usize)> = shared.into_iter().map(|(i, n)| (n, i)).collect();
        best.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let alike = best.into_iter().take(ALIKE).map(|(shares, i)| {
            let mut row = self.row(i);
            row["shares"] = shares.into();
            row
        });
        alike.collect()
    }

    /// What happened of a record, in the order of time.
    fn timeline(&self, candidate: &Candidate, zone: &TimeZone, language: Language) -> Vec<Json> {
        let mut events: Vec<(Instant, &str, String)> = Vec::new();
        for (n, id) in candidate.evidence.iter().enumerate() {
            let Some(note) = self.load.notes.get(id) else { continue };
            let source = restitch_review::source(&note.kind, language);
            let line = format!("{}. {source}: {}", n + 1, cut(&note.line, 120).0);
            events.extend(note.at.map(|at| (at, "evidence", line)));
        }
        for (column, at) in times(candidate) {
            events.push((at, "value", column.replace('_', " ")));
        }
        for decision in self.history(candidate) {
            let line = format!("{} said: {}", decision.reviewer, word(&decision.answer));
            events.push((decision.at, "decision", line));
        }
        if let Some(window) = self.load.window {
            events.push((window.start, "incident", "the backup ends".to_owned()));
            events.push((window.end, "incident", "the loss".to_owned()));
        }
        events.sort();
        let event = |(at, kind, what): &(Instant, &str, String)| json!({ "at": clock(*at, zone), "kind": kind, "what": what });
        events.iter().map(event).collect()
    }

    fn evidence(
        &mut self,
        id: EvidenceId,
        words: &[String],
        candidate: &Candidate,
    ) -> Result<Json, Refusal> {
        let text = self.office.evidence(id).map_err(Refusal::Failed)?;
        let text = safe(&text);
        let (text, is_cut) = cut(&text, LONGEST);
        let (language, zone, _) = self.language(candidate);
        let note = self.load.notes.get(&id);
        Ok(json!({
            "id": id,
            "source": note.map(|note| restitch_review::source(&note.kind, language)),
            "kind": note.map(|note| &note.kind),
            "at": note.and_then(|note| note.at).map(|at| clock(at, &zone)),
            "line": note.map(|note| cut(&note.line, 160).0.to_owned()),
            "pieces": marked(text, words),
            "cut": is_cut,
        }))
    }

    pub(crate) fn found(&self, words: &str) -> Json {
        let (ids, total) = self.search.find(words, FOUND);
        let hits: Vec<Json> = ids
            .iter()
            .map(|id| {
                let note = self.load.notes.get(id);
                let records = self.load.candidates.iter().filter(|c| c.evidence.contains(id));
                let records: Vec<Json> =
                    records.take(5).map(|c| self.row(self.at[&c.id])).collect();
                json!({
                    "id": id,
                    "source": self.source(*id),
                    "at": note.and_then(|note| note.at).map(|at| clock(at, &TimeZone::UTC)),
                    "line": note.map(|note| cut(&note.line, 200).0.to_owned()),
                    "records": records,
                })
            })
            .collect();
        json!({ "hits": hits, "total": total, "items": self.search.len(), "cut": self.search.cut })
    }

    pub(crate) fn item(&mut self, id: &str) -> Result<Json, Refusal> {
        let absent = || Refusal::Absent("There is no such item.".to_owned());
        let id: EvidenceId = serde_json::from_value(id.into()).map_err(|_| absent())?;
        if !self.load.notes.contains_key(&id) {
            return Err(absent());
        }
        let of = self.load.candidates.iter().find(|c| c.evidence.contains(&id)).cloned();
        let Some(candidate) = of.or_else(|| self.load.candidates.first().cloned()) else {
            return Err(absent());
        };
        let words = Self::words(&candidate).remove(&id).unwrap_or_default();
        self.evidence(id, &words.into_iter().collect::<Vec<_>>(), &candidate)
    }
}

/// What could tell a record: a reference to another, and a value that is not too short to.
fn telling(field: &Field) -> Option<(&str, &Cell)> {
    let is_telling = match &field.cell {
        Cell::Is(Value::Text(text)) => text.chars().count() >= 5,
        Cell::Is(Value::Integer(n)) => n.unsigned_abs() >= 10_000,
        Cell::Is(_) => false,
        Cell::KeyOf(_) => true,
    };
    is_telling.then_some((&field.column, &field.cell))
}

/// A moment as a clock in the zone shows it.
pub(crate) fn clock(at: Instant, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}
