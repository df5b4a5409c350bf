//! Decisions from the page.

use restitch_model::{
    Answer, Candidate, CandidateId, Cell, Decision, EvidenceId, Field, RecordType,
};
use restitch_review::{import, seen};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::board::{Board, Refusal};
use crate::office::Office;

/// What the operator said of a record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    candidate: String,
    /// `yes`, `no`, `corrected`, `same_as`, `split`, `unknown`.
    answer: String,
    #[serde(default)]
    same_as: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    corrections: Map<String, Value>,
    /// Of a split, the items of the other record.
    #[serde(default)]
    items: Vec<EvidenceId>,
}

/// An answer in a word.
pub(crate) fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Corrected { .. } => "corrected",
        Answer::SameAs { .. } => "same as another",
        Answer::Split { .. } => "split",
        Answer::Unknown => "don't know",
        Answer::Open => "taken back",
    }
}

impl<O: Office> Board<O> {
    /// Whether a lost record was put together from items that could be of two. A customer is made
    /// of whole reservations, and so is split by them.
    pub(crate) fn can_split(&self, candidate: &Candidate) -> bool {
        match candidate.record_type.as_str() {
            RecordType::CUSTOMER => self.reservations_of(candidate).count() > 1,
            RecordType::RESERVATION | RecordType::PAYMENT => candidate.evidence.len() > 1,
            _ => false,
        }
    }

    /// The lost reservations of a lost customer.
    fn reservations_of<'b>(
        &'b self,
        customer: &'b Candidate,
    ) -> impl Iterator<Item = &'b Candidate> {
        let refers = |field: &Field| matches!(&field.cell, Cell::KeyOf(id) if *id == customer.id);
        let is_of = move |c: &&Candidate| {
            c.record_type.as_str() == RecordType::RESERVATION && c.fields.iter().any(refers)
        };
        self.load.candidates.iter().filter(is_of)
    }

    /// The items of a customer that go with those that are marked: all of a reservation, if most
    /// of it is marked.
    fn whole_reservations(&self, customer: &Candidate, marked: &[EvidenceId]) -> Vec<EvidenceId> {
        let own = |of: &Candidate| -> Vec<EvidenceId> {
            of.evidence.iter().filter(|item| customer.evidence.contains(item)).copied().collect()
        };
        let goes = |items: &Vec<EvidenceId>| {
            items.iter().filter(|item| marked.contains(item)).count() * 2 > items.len()
        };
        self.reservations_of(customer).map(own).filter(goes).flatten().collect()
    }

    /// What was said, as a decision. It is heard as an answer in a pack is, so that both mean
    /// the same; here the operator can be asked again at once, and nothing is guessed at.
    pub(crate) fn decision(&self, said: Said) -> Result<Decision, Refusal> {
        let candidate = self.candidate(&CandidateId(said.candidate.clone()))?;
        if said.answer == "split" {
            return self.split(candidate, said);
        }
        let (language, _, zone) = self.language(candidate);
        let answers = json!({
            "format": "restitch-review-1",
            "language": language.tag(), "zone": zone, "reviewer": self.office.reviewer(),
            "answers": [{
                "candidate": said.candidate, "answer": said.answer, "same_as": said.same_as,
                "note": said.note, "corrections": said.corrections,
            }],
        });
        let mut known = vec![candidate.clone()];
        if said.same_as != said.candidate {
            let other = self.at.get(&CandidateId(said.same_as.clone()));
            known.extend(other.map(|&i| self.load.candidates[i].clone()));
        }
        // Texts of other records show how the times of a column are written.
        let like = |c: &&Candidate| c.table == candidate.table && c.id != candidate.id;
        known.extend(self.load.candidates.iter().filter(like).take(20).cloned());
        let files = [("the page".to_owned(), answers.to_string().into_bytes())];
        let imported = import(&files, &known, &self.office.reviewer(), self.office.now());
        let problems: Vec<String> = imported.unread.iter().map(|r| r.text.clone()).collect();
        if !problems.is_empty() {
            return Err(Refusal::Unclear(format!("Not taken: {}.", problems.join("; "))));
        }
        let nothing = || Refusal::Unclear("That says nothing of the record.".to_owned());
        let decision = imported.decisions.into_iter().next().ok_or_else(nothing)?;
        if let Answer::SameAs { other } = &decision.answer {
            let other = self.candidate(other)?;
            if other.table != candidate.table {
                return Err(Refusal::Unclear(format!(
                    "Not taken: one is in {}, the other in {}.",
                    candidate.table, other.table
                )));
            }
        }
        Ok(decision)
    }

    fn split(&self, candidate: &Candidate, said: Said) -> Result<Decision, Refusal> {
        let unclear = |words: &str| Err(Refusal::Unclear(words.to_owned()));
        let mut items = said.items;
        if !self.can_split(candidate) {
            return unclear(
                "Only what was put together from several items can be split; a customer, from \
                 several reservations.",
            );
        }
        if !items.iter().all(|item| candidate.evidence.contains(item)) {
            return unclear("These items are not of this record.");
        }
        if candidate.record_type.as_str() == RecordType::CUSTOMER {
            items = self.whole_reservations(candidate, &items);
        }
        if items.is_empty() || candidate.evidence.iter().all(|item| items.contains(item)) {
            return unclear(match candidate.record_type.as_str() {
                RecordType::CUSTOMER => {
                    "Mark most of the items of some reservations, and not of all: a customer is \
                     split by reservations."
                }
                _ => "Mark some of the items, and not all: those that are of another.",
            });
        }
        let answer = Answer::Split { items };
        Ok(Decision {
            candidate: candidate.id.clone(),
            seen: seen(candidate, &answer, |_| None),
            answer,
            reviewer: self.office.reviewer(),
            note: said.note.trim().to_owned(),
            at: self.office.now(),
        })
    }

    pub(crate) fn candidate(&self, id: &CandidateId) -> Result<&Candidate, Refusal> {
        let absent = || Refusal::Absent("There is no record of this name any more.".to_owned());
        self.at.get(id).map(|&i| &self.load.candidates[i]).ok_or_else(absent)
    }
}
