use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Answer, Candidate, CandidateId, Decision, Verdict};

/// What is to become of a candidate once the reviewers' answers are taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// It is to be planned.
    Accepted {
        /// The reviewer's answer, where one said yes.
        by: Option<&'a Decision>,
    },
    /// It waits.
    Held(String),
    /// It is no lost record.
    Rejected,
    /// It is the same as another, which speaks for it.
    Merged(CandidateId),
}

/// The standing of each candidate, in their order, and the candidates of decisions that there
/// are none of. The last decision on a candidate wins; the last is the latest, and of those of
/// one moment the one that stands last.
pub(crate) fn standings<'a>(
    candidates: &[Candidate],
    decisions: &'a [Decision],
) -> (Vec<Standing<'a>>, Vec<CandidateId>) {
    let mut last: BTreeMap<&CandidateId, &Decision> = BTreeMap::new();
    for decision in decisions {
        let slot = last.entry(&decision.candidate).or_insert(decision);
        if decision.at >= slot.at {
            *slot = decision;
        }
    }
    let mut seen = BTreeSet::new();
    let standings = candidates
        .iter()
        .map(|candidate| {
            if !seen.insert(&candidate.id) {
                return Standing::Held("another candidate has the same name".to_owned());
            }
            standing(candidate, last.get(&candidate.id).copied(), &last)
        })
        .collect();
    let unused = last.keys().filter(|id| !seen.contains(**id)).map(|id| (*id).clone()).collect();
    let standings = hold_lost_merges(candidates, standings);
    (standings, unused)
}

fn standing<'a>(
    candidate: &Candidate,
    decision: Option<&'a Decision>,
    last: &BTreeMap<&CandidateId, &'a Decision>,
) -> Standing<'a> {
    let decision = decision.filter(|decision| decision.answer != Answer::Open);
    match decision.map(|d| (&d.answer, d)) {
        Some((Answer::Yes | Answer::Corrected { .. }, by)) => Standing::Accepted { by: Some(by) },
        Some((Answer::No, _)) => Standing::Rejected,
        Some((Answer::Unknown, _)) => Standing::Held("the reviewer could not say".to_owned()),
        Some((Answer::Split { .. }, _)) => {
            Standing::Held("a reviewer split it, and it is not rebuilt yet".to_owned())
        }
        Some((Answer::SameAs { .. }, _)) => match end_of_merges(&candidate.id, last) {
            Some(other) => Standing::Merged(other),
            None => Standing::Held(
                "the reviewers say of several candidates that each is the same as the other; \
                 one of them must stand"
                    .to_owned(),
            ),
        },
        None | Some((Answer::Open, _)) => match candidate.verdict {
            Verdict::Accept => Standing::Accepted { by: None },
            Verdict::Reject => Standing::Rejected,
            Verdict::Review if candidate.reasons.is_empty() => {
                Standing::Held("waits for a reviewer".to_owned())
            }
            Verdict::Review => {
                Standing::Held(format!("waits for a reviewer: {}", candidate.reasons.join("; ")))
            }
        },
    }
}

/// The candidate at the end of a chain of "same as"; `None` where the chain is a circle.
fn end_of_merges(
    start: &CandidateId,
    last: &BTreeMap<&CandidateId, &Decision>,
) -> Option<CandidateId> {
    let mut seen = BTreeSet::from([start]);
    let mut at = start;
    while let Some(Answer::SameAs { other }) = last.get(at).map(|d| &d.answer) {
        if !seen.insert(other) {
            return None;
        }
        at = other;
    }
    Some(at.clone())
}

/// A record merged into one that does not exist would be lost in silence.
fn hold_lost_merges<'a>(
    candidates: &[Candidate],
    standings: Vec<Standing<'a>>,
) -> Vec<Standing<'a>> {
    let known: BTreeSet<&CandidateId> = candidates.iter().map(|c| &c.id).collect();
    let hold = |standing| match standing {
        Standing::Merged(other) if !known.contains(&other) => Standing::Held(format!(
            "the reviewer says that it is the same as {other}, which is not there"
        )),
        other => other,
    };
    standings.into_iter().map(hold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{lost, said};

    fn review(id: &str) -> Candidate {
        Candidate { verdict: Verdict::Review, ..lost(id, "t", &[]) }
    }

    fn same_as(other: &str) -> Answer {
        Answer::SameAs { other: CandidateId(other.to_owned()) }
    }

    const MONDAY: &str = "2026-04-27T10:00:00Z";
    const TUESDAY: &str = "2026-04-28T10:00:00Z";

    #[test]
    fn without_a_decision_the_verdict_stands() {
        let reject = Candidate { verdict: Verdict::Reject, ..lost("c", "t", &[]) };
        let (found, _) = standings(&[lost("a", "t", &[]), review("b"), reject], &[]);
        assert_eq!(found[0], Standing::Accepted { by: None });
        assert_eq!(found[1], Standing::Held("waits for a reviewer".to_owned()));
        assert_eq!(found[2], Standing::Rejected);
    }

    #[test]
    fn the_latest_decision_wins_wherever_it_stands() {
        let decisions = [said("a", Answer::No, TUESDAY), said("a", Answer::Yes, MONDAY)];
        assert_eq!(standings(&[review("a")], &decisions).0, [Standing::Rejected]);
        let decisions = [said("a", Answer::No, MONDAY), said("a", Answer::Yes, MONDAY)];
        assert_eq!(
            standings(&[review("a")], &decisions).0,
            [Standing::Accepted { by: Some(&decisions[1]) }]
        );
    }

    #[test]
    fn what_was_taken_back_was_never_said() {
        let decisions = [said("a", Answer::No, MONDAY), said("a", Answer::Open, TUESDAY)];
        let (found, unused) = standings(&[lost("a", "t", &[])], &decisions);
        assert_eq!(found, [Standing::Accepted { by: None }]);
        assert_eq!(unused, []);
    }

    #[test]
    fn what_is_split_waits_for_the_records_that_it_becomes() {
        let decisions = [said("a", Answer::Split { items: Vec::new() }, MONDAY)];
        let (found, _) = standings(&[lost("a", "t", &[])], &decisions);
        assert!(matches!(&found[0], Standing::Held(why) if why.contains("split")), "{found:?}");
    }

    #[test]
    fn a_chain_of_same_as_ends_at_its_last() {
        let decisions = [said("a", same_as("b"), MONDAY), said("b", same_as("c"), MONDAY)];
        let (found, _) = standings(&[review("a"), review("b"), lost("c", "t", &[])], &decisions);
        assert_eq!(found[0], Standing::Merged(CandidateId("c".into())));
        assert_eq!(found[2], Standing::Accepted { by: None });
    }

    #[test]
    fn no_record_is_lost_by_a_circle_or_a_stranger() {
        let decisions = [said("a", same_as("b"), MONDAY), said("b", same_as("a"), MONDAY)];
        let (found, _) = standings(&[review("a"), review("b")], &decisions);
        assert!(found.iter().all(|s| matches!(s, Standing::Held(_))), "{found:?}");
        let decisions = [said("a", same_as("nobody"), MONDAY)];
        assert!(matches!(&standings(&[review("a")], &decisions).0[0], Standing::Held(_)));
    }

    #[test]
    fn a_decision_on_a_candidate_that_is_gone_is_named() {
        let decisions = [said("gone", Answer::Yes, MONDAY)];
        assert_eq!(standings(&[review("a")], &decisions).1, [CandidateId("gone".into())]);
    }
}
