use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{CandidateId, Decision, Digest, Instant};
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::durable;
use crate::error::{CaseError, Doing, Result};
use crate::log::{WROTE, wrote};

/// Where the decisions lie.
pub(crate) const DECISIONS: &str = "review/decisions.jsonl";

/// What became of decisions that were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many were new.
    pub new: usize,
    /// How many stood there already: same candidate, answer, reviewer and note.
    pub known: usize,
    /// Those of the known ones that are not the reviewer's last word: after them the same
    /// reviewer said something else of the same candidate, which still holds. An old pack
    /// that is read again looks so, and so does a reviewer who changed back; the latter
    /// needs another note.
    pub overtaken: Vec<Decision>,
}

impl Case {
    /// All decisions, in the order in which they were taken in.
    pub fn decisions(&self) -> Result<Vec<Decision>> {
        let path = self.path(DECISIONS);
        let bytes = durable::read(&path)?.unwrap_or_default();
        let lines = durable::whole_lines(&bytes).0.into_iter().enumerate();
        let read = lines.map(|(n, line)| {
            let mend = format!(
                "line {} is no decision; take the file from a copy of the case, or delete that \
                 line and run `restitch review import` again",
                n + 1
            );
            let line = match serde_json::from_slice(line) {
                Ok(Sealed { sealed }) => self.keys().opened_text(&sealed),
                Err(_) => Ok(line.to_vec()),
            };
            let line = line.map_err(|closed| closed.of(&path, &mend))?;
            serde_json::from_slice(&line)
                .map_err(|_| CaseError::Damaged { path: path.clone(), problem: mend })
        });
        read.collect()
    }

    /// Adds a decision that a reviewer makes now: also one that he made before and has taken
    /// back or changed since.
    pub fn decide(&self, decision: &Decision) -> Result<()> {
        self.writable()?;
        let line = self.line(decision)? + "\n";
        self.append_decisions(1, &line)
    }

    /// Adds decisions behind those that there are, each once.
    pub fn add_decisions(&self, decisions: &[Decision]) -> Result<Taken> {
        self.writable()?;
        let mut known = BTreeSet::new();
        let mut last = BTreeMap::new();
        for decision in self.decisions()? {
            last.insert(who(&decision), said(&decision));
            known.insert(said(&decision));
        }
        let (mut taken, mut lines) = (Taken::default(), String::new());
        for decision in decisions {
            if known.insert(said(decision)) {
                taken.new += 1;
                last.insert(who(decision), said(decision));
                lines.push_str(&self.line(decision)?);
                lines.push('\n');
            } else {
                taken.known += 1;
                if last.get(&who(decision)) != Some(&said(decision)) {
                    taken.overtaken.push(decision.clone());
                }
            }
        }
        if taken.new > 0 {
            self.append_decisions(taken.new, &lines)?;
        }
        Ok(taken)
    }

    fn append_decisions(&self, added: usize, lines: &str) -> Result<()> {
        let path = self.path(DECISIONS);
        let folder = path.parent().unwrap_or(self.dir());
        durable::make_folder(folder)?;
        durable::append_lines(&path, lines.as_bytes())?;
        durable::sync_folder(folder)?;
        let bytes = durable::read(&path)?.unwrap_or_default();
        let mut details = wrote(DECISIONS, Digest::of(&bytes));
        details["added"] = added.into();
        self.append_to_log(&self.stamp(), vec![(WROTE, details)])
    }

    /// A decision as a line of the file, sealed where the case is.
    fn line(&self, decision: &Decision) -> Result<String> {
        let line = json(decision);
        if !self.keys().seal() {
            return Ok(line);
        }
        let sealed = self.keys().sealed_text(line.as_bytes()).doing("seal", &self.path(DECISIONS));
        let sealed = Sealed { sealed: sealed? };
        Ok(serde_json::to_string(&sealed).expect("a plain struct can be written as JSON"))
    }
}

/// A line that holds another as an age file in base64.
#[derive(Serialize, Deserialize)]
struct Sealed {
    sealed: String,
}

/// What makes two decisions the same: all but the time, and the evidence that there was then.
fn said(decision: &Decision) -> String {
    let seen = Default::default();
    json(&Decision { at: Instant::UNIX_EPOCH, seen, ..decision.clone() })
}

fn who(decision: &Decision) -> (CandidateId, String) {
    (decision.candidate.clone(), decision.reviewer.clone())
}

fn json(decision: &Decision) -> String {
    serde_json::to_string(decision).expect("a plain struct can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use restitch_model::Answer;

    fn decision(answer: Answer, note: &str, hour: i64) -> Decision {
        Decision {
            candidate: CandidateId("reservation-1".into()),
            answer,
            reviewer: "ana@example.org".into(),
            note: note.into(),
            at: Instant::from_second(hour * 3600).unwrap(),
            seen: Default::default(),
        }
    }

    fn case() -> (tempfile::TempDir, Case) {
        let dir = tempfile::tempdir().unwrap();
        let case = Case::create(dir.path().join("case")).unwrap();
        (dir, case)
    }

    #[test]
    fn a_decision_that_is_said_twice_is_kept_once() {
        let (_dir, case) = case();
        let corrected = Answer::Corrected { columns: vec![("email".into(), "a@b.org".into())] };
        let decisions = [decision(Answer::Yes, "", 1), decision(corrected, "typo", 2)];
        assert_eq!(case.add_decisions(&decisions).unwrap().new, 2);
        let later = decision(Answer::Yes, "", 9);
        assert_eq!(case.add_decisions(&[later]).unwrap().known, 1);
        assert_eq!(case.decisions().unwrap(), decisions);
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[test]
    fn an_old_word_said_again_does_not_replace_the_last_and_is_named() {
        let (_dir, case) = case();
        let (yes, no) = (decision(Answer::Yes, "", 1), decision(Answer::No, "", 2));
        case.add_decisions(&[yes.clone(), no.clone()]).unwrap();
        let taken = case.add_decisions(&[yes.clone(), no]).unwrap();
        assert_eq!(taken, Taken { new: 0, known: 2, overtaken: vec![yes] });
    }

    #[test]
    fn a_reviewer_may_go_back_to_what_he_said_before() {
        let (_dir, case) = case();
        let words = [
            decision(Answer::Yes, "", 1),
            decision(Answer::Open, "", 2),
            decision(Answer::Yes, "", 3),
        ];
        for word in &words {
            case.decide(word).unwrap();
        }
        assert_eq!(case.decisions().unwrap(), words);
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[test]
    fn a_torn_last_decision_is_passed_over_and_written_behind() {
        let (_dir, case) = case();
        let (yes, no) = (decision(Answer::Yes, "", 1), decision(Answer::No, "", 2));
        case.add_decisions(std::slice::from_ref(&yes)).unwrap();
        let path = case.path(DECISIONS);
        let torn = std::fs::read_to_string(&path).unwrap() + "{\"candidate\":\"res";
        std::fs::write(&path, torn).unwrap();
        assert_eq!(case.decisions().unwrap(), std::slice::from_ref(&yes));
        case.add_decisions(std::slice::from_ref(&no)).unwrap();
        assert_eq!(case.decisions().unwrap(), [yes, no]);
    }

    #[test]
    fn a_damaged_decision_is_named_by_its_line() {
        let (_dir, case) = case();
        case.add_decisions(&[decision(Answer::Yes, "", 1)]).unwrap();
        std::fs::write(case.path(DECISIONS), "{}\n").unwrap();
        assert!(case.decisions().unwrap_err().to_string().contains("line 1 is no decision"));
    }
}
