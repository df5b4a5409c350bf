//! What a row that came back says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_model::{Answer, Candidate, CandidateId, Cell, Decision, Instant, Remark, Value};

use crate::judge::{Clock, Judged, Typing, judge};
use crate::moment::Stamp;
use crate::settle::seen;
use crate::shown::{Shown, cut};
use crate::view::original;
use crate::words::{Said, field_of, fold};

/// A row of a sheet, or an answer that the page saved.
pub(crate) struct Row {
    /// File, sheet and row.
    pub(crate) about: String,
    pub(crate) record: String,
    pub(crate) answer: String,
    pub(crate) same_as: String,
    pub(crate) note: String,
    pub(crate) reviewer: String,
    /// The fields as they came back. An emptied cell is there, one that was never shown is not.
    pub(crate) cells: Vec<(String, Typing)>,
    pub(crate) clock: Clock,
}

/// The candidates, to be looked up.
pub(crate) struct Known<'a> {
    by_id: BTreeMap<&'a str, &'a Candidate>,
    /// `None` where two differ by nothing but case.
    by_folded: BTreeMap<String, Option<&'a Candidate>>,
    columns: BTreeSet<&'a str>,
    /// `None` where two differ by nothing but case.
    columns_folded: BTreeMap<String, Option<&'a str>>,
    /// How the dates of a column of a table are written.
    stamps: BTreeMap<(&'a str, &'a str), Stamp>,
}

impl<'a> Known<'a> {
    pub(crate) fn of(candidates: &'a [Candidate]) -> Self {
        let mut known = Self {
            by_id: BTreeMap::new(),
            by_folded: BTreeMap::new(),
            columns: BTreeSet::new(),
            columns_folded: BTreeMap::new(),
            stamps: BTreeMap::new(),
        };
        for candidate in candidates {
            known.by_id.insert(&candidate.id.0, candidate);
            let twin = known.by_folded.entry(fold(&candidate.id.0));
            twin.and_modify(|slot| *slot = None).or_insert(Some(candidate));
            for field in &candidate.fields {
                known.columns.insert(&field.column);
                if let Cell::Is(Value::Text(text)) = &field.cell
                    && let Some(stamp) = Stamp::parse(text.trim())
                {
                    known.stamps.entry((&candidate.table, &field.column)).or_insert(stamp);
                }
            }
            known.columns.extend(candidate.conflicts.iter().map(|c| c.column.as_str()));
        }
        for column in &known.columns {
            let twin = known.columns_folded.entry(fold(column));
            twin.and_modify(|slot| *slot = None).or_insert(Some(column));
        }
        known
    }

    /// The candidate of an id, as a person or a program may have changed it.
    pub(crate) fn candidate(&self, id: &str) -> Option<&'a Candidate> {
        let id = id.trim().trim_start_matches('\'');
        let exact = self.by_id.get(id).copied();
        exact.or_else(|| self.by_folded.get(&fold(id)).copied().flatten())
    }

    /// The field that a header names; `None` for a column that is not ours.
    pub(crate) fn column(&self, header: &str) -> Option<&'a str> {
        let header = field_of(header.trim());
        let exact = self.columns.get(header).copied();
        exact.or_else(|| self.columns_folded.get(&fold(header)).copied().flatten())
    }
}

/// The decision that a row is, if it says anything. What cannot be read is told in a remark and
/// kept in the note of a decision that says nothing else, so that the record waits.
pub(crate) fn decide(
    row: &Row,
    known: &Known<'_>,
    at: Instant,
    unread: &mut Vec<Remark>,
) -> Option<Decision> {
    let mut hearing = Hearing { row, known, problems: Vec::new(), kept: Vec::new() };
    let answer = hearing.answer();
    let Hearing { problems, kept, .. } = hearing;
    let about = match row.record.trim() {
        "" => row.about.clone(),
        record => format!("{} ({})", row.about, cut(record, 80)),
    };
    unread.extend(problems.into_iter().map(|problem| Remark::new(about.clone(), problem)));
    let answer = answer?;
    let mut note = row.note.trim().to_owned();
    if !kept.is_empty() {
        let space = if note.is_empty() { "" } else { " " };
        note = format!("{note}{space}[not read: {}]", kept.join("; "));
    }
    let id = known.candidate(&row.record);
    let seen = id.map(|c| seen(c, &answer, |other| known.candidate(&other.0))).unwrap_or_default();
    let candidate = id.map_or_else(|| CandidateId(row.record.trim().to_owned()), |c| c.id.clone());
    Some(Decision { candidate, answer, reviewer: row.reviewer.trim().to_owned(), note, at, seen })
}

/// A column, and why its correction cannot be read.
type Unclear = (String, &'static str);

struct Hearing<'a> {
    row: &'a Row,
    known: &'a Known<'a>,
    problems: Vec<String>,
    /// Words that no answer has a place for.
    kept: Vec<String>,
}

impl Hearing<'_> {
    fn answer(&mut self) -> Option<Answer> {
        let row = self.row;
        let text = row.answer.trim();
        let mut same_as = row.same_as.trim();
        let has_words = !(text.is_empty() && same_as.is_empty() && row.note.trim().is_empty());
        if row.record.trim().is_empty() {
            if has_words {
                self.problems.push("there is an answer, but the record's name is missing".into());
            }
            return None;
        }
        let mut said = Said::of(text);
        if said.is_none() && !text.is_empty() {
            // "same as reservation-3f2a" in one cell.
            match text.rsplit_once(char::is_whitespace) {
                Some((word, id)) if Said::of(word) == Some(Said::SameAs) => {
                    said = Some(Said::SameAs);
                    same_as = id;
                }
                _ => return self.not_an_answer(text),
            }
        }
        let Some(candidate) = self.known.candidate(&row.record) else {
            return self.about_nobody(said, same_as, has_words);
        };
        let (changed, unclear) = self.corrections(candidate, said.is_some());
        if !same_as.is_empty() {
            return Some(match said {
                Some(Said::Corrected | Said::Unknown) => {
                    let problem = "names another record and says something else as well";
                    self.unknown(problem, vec![format!("same as {same_as}")], &changed)
                }
                _ => self.same_as(candidate, same_as, &changed),
            });
        }
        match said {
            None if changed.is_empty() && unclear.is_empty() => {
                let is_silent = row.note.trim().is_empty();
                (!is_silent).then(|| self.unknown("has a note, but no answer", Vec::new(), &[]))
            }
            None | Some(Said::Yes | Said::Corrected) if !unclear.is_empty() => {
                for (column, why) in &unclear {
                    self.problems.push(format!("the correction of {column} cannot be read: {why}"));
                }
                self.keep(&changed);
                Some(Answer::Unknown)
            }
            Some(Said::Yes) if changed.is_empty() => Some(Answer::Yes),
            Some(Said::Corrected) if changed.is_empty() => {
                Some(self.unknown("says that it is corrected, but nothing is changed", vec![], &[]))
            }
            None | Some(Said::Yes | Said::Corrected) => {
                Some(Answer::Corrected { columns: changed })
            }
            Some(said) => {
                if !changed.is_empty() {
                    let columns: Vec<&str> = changed.iter().map(|(c, _)| c.as_str()).collect();
                    self.problems.push(format!(
                        "the answer counts, but not the change of {}, which does not go with it",
                        columns.join(", ")
                    ));
                    self.keep(&changed);
                }
                Some(match said {
                    Said::No => Answer::No,
                    Said::SameAs => {
                        self.unknown("does not say which record it is the same as", vec![], &[])
                    }
                    _ => Answer::Unknown,
                })
            }
        }
    }

    /// The corrections of a row, by column, and those that cannot be read, each with why.
    fn corrections(
        &mut self,
        candidate: &Candidate,
        is_answered: bool,
    ) -> (Vec<(String, String)>, Vec<Unclear>) {
        let (mut changed, mut unclear) = (Vec::new(), Vec::new());
        let zone = self.row.clock.zone.clone().unwrap_or(TimeZone::UTC);
        for (column, typing) in &self.row.cells {
            // Nobody who left the answer open meant to empty a cell.
            if typing.is_empty() && !is_answered {
                continue;
            }
            let cell = original(candidate, column);
            let shown = cell.as_ref().map_or(Shown::Empty, |cell| Shown::of_cell(cell, &zone));
            let raw = match &cell {
                Some(Cell::Is(value)) => value.as_text(),
                _ => None,
            };
            let like = self.known.stamps.get(&(candidate.table.as_str(), column.as_str()));
            match judge(typing, &shown, raw, like, &self.row.clock) {
                Judged::Same => {}
                Judged::Changed(text) => changed.push((column.clone(), text)),
                Judged::Unreadable(why) => {
                    self.kept.push(format!("{column} = {}", cut(&typing.text(), 200)));
                    unclear.push((column.clone(), why));
                }
            }
        }
        changed.sort();
        (changed, unclear)
    }

    fn same_as(
        &mut self,
        candidate: &Candidate,
        other: &str,
        changed: &[(String, String)],
    ) -> Answer {
        match self.known.candidate(other) {
            Some(same) if same.id == candidate.id => {
                self.unknown("says that it is the same as itself", Vec::new(), changed)
            }
            Some(same) => {
                self.keep(changed);
                Answer::SameAs { other: same.id.clone() }
            }
            None => {
                let problem = "says that it is the same as a record that is not in this case";
                self.unknown(problem, vec![format!("same as {other}")], changed)
            }
        }
    }

    fn not_an_answer(&mut self, text: &str) -> Option<Answer> {
        let kept = vec![format!("answer = {}", cut(text, 200))];
        let changed = match self.known.candidate(&self.row.record) {
            Some(candidate) => self.corrections(candidate, true).0,
            None => Vec::new(),
        };
        let problem = "the answer is none of yes, no, corrected, same as, don't know";
        Some(self.unknown(problem, kept, &changed))
    }

    /// The candidate is gone. The answer is kept for the case that it comes back.
    fn about_nobody(
        &mut self,
        said: Option<Said>,
        same_as: &str,
        has_words: bool,
    ) -> Option<Answer> {
        if !has_words {
            return None;
        }
        self.problems.push("there is no such record in this case (any more)".to_owned());
        let other = self.known.candidate(same_as).map(|other| other.id.clone());
        Some(match (said, other) {
            (Some(Said::Yes), None) if same_as.is_empty() => Answer::Yes,
            (Some(Said::No), None) if same_as.is_empty() => Answer::No,
            (None | Some(Said::SameAs | Said::Yes | Said::No), Some(other)) => {
                Answer::SameAs { other }
            }
            (said, _) => {
                self.kept.extend(said.map(|said| format!("answer = {}", said.code())));
                if !same_as.is_empty() {
                    self.kept.push(format!("same as {same_as}"));
                }
                Answer::Unknown
            }
        })
    }

    fn unknown(
        &mut self,
        problem: &str,
        kept: Vec<String>,
        changed: &[(String, String)],
    ) -> Answer {
        self.problems.push(problem.to_owned());
        self.kept.extend(kept);
        self.keep(changed);
        Answer::Unknown
    }

    fn keep(&mut self, changed: &[(String, String)]) {
        let words = changed.iter().map(|(column, text)| format!("{column} = {}", cut(text, 200)));
        self.kept.extend(words);
    }
}
