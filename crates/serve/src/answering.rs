//! Decisions from the page.

use restitch_model::{Answer, Candidate, CandidateId, Decision, EvidenceId, RecordType};
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

/// Whether a record was put together from items that could be of two: customers and payments
/// come with the reservations that they belong to.
pub(crate) fn can_split(candidate: &Candidate) -> bool {
    candidate.record_type.as_str() == RecordType::RESERVATION && candidate.evidence.len() > 1
}

impl<O: Office> Board<O> {
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
        let items = said.items;
        if !can_split(candidate) {
            return unclear("Only a reservation with several items can be split.");
        }
        if !items.iter().all(|item| candidate.evidence.contains(item)) {
            return unclear("These items are not of this record.");
        }
        if items.is_empty() || candidate.evidence.iter().all(|item| items.contains(item)) {
            return unclear("Mark some of the items, and not all: those that are of another.");
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
