use std::collections::BTreeMap;

use restitch_model::{Answer, CandidateId, Decision};

/// A record of which reviewers say different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement<'a> {
    /// Which.
    pub candidate: &'a CandidateId,
    /// The last word of each reviewer, in the order of their names.
    pub said: Vec<&'a Decision>,
}

/// The records of which reviewers' last words differ. Who could not say disagrees with nobody;
/// a note makes no difference.
pub fn disagreements(decisions: &[Decision]) -> Vec<Disagreement<'_>> {
    let mut last: BTreeMap<&CandidateId, BTreeMap<&str, &Decision>> = BTreeMap::new();
    for decision in decisions {
        let words = last.entry(&decision.candidate).or_default();
        let word = words.entry(&decision.reviewer).or_insert(decision);
        if decision.at >= word.at {
            *word = decision;
        }
    }
    let said = last.into_iter().map(|(candidate, words)| {
        let known =
            |decision: &&Decision| !matches!(decision.answer, Answer::Unknown | Answer::Open);
        Disagreement { candidate, said: words.into_values().filter(known).collect() }
    });
    let differ =
        |one: &Disagreement<'_>| one.said.windows(2).any(|two| two[0].answer != two[1].answer);
    said.filter(differ).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_last_words_that_differ_are_a_disagreement() {
        let said = |id: &str, reviewer: &str, answer: Answer, second: i64| Decision {
            candidate: CandidateId(id.to_owned()),
            answer,
            reviewer: reviewer.to_owned(),
            note: String::new(),
            at: restitch_model::Instant::from_second(second).unwrap(),
            seen: Default::default(),
        };
        let decisions = [
            said("a", "Ana", Answer::Yes, 1),
            said("a", "Bo", Answer::No, 2),
            said("b", "Ana", Answer::Yes, 1),
            said("b", "Bo", Answer::No, 1),
            said("b", "Bo", Answer::Yes, 2),
            said("c", "Ana", Answer::Yes, 1),
            said("c", "Bo", Answer::Unknown, 2),
        ];
        let found = disagreements(&decisions);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].candidate.0, "a");
        assert_eq!(found[0].said, [&decisions[0], &decisions[1]]);
    }
}
