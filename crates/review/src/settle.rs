//! What decisions mean to the records that there are now.

use std::collections::BTreeMap;

use restitch_model::{Answer, Candidate, CandidateId, Decision, EvidenceId, Seen};

/// What a reviewer had before him when he said this of a candidate. `other` finds another one.
pub fn seen<'c>(
    candidate: &Candidate,
    answer: &Answer,
    other: impl FnOnce(&CandidateId) -> Option<&'c Candidate>,
) -> Seen {
    let other = match answer {
        Answer::SameAs { other: id } => other(id).map(|c| c.evidence.clone()).unwrap_or_default(),
        _ => Vec::new(),
    };
    Seen { items: candidate.evidence.clone(), other }
}

/// The decisions as they hold for these candidates, in their order.
///
/// A candidate's name is made from its first evidence, so it can have another since more was
/// pulled or its evidence was linked otherwise: a decision on a name that is gone goes to the
/// candidate of the same type that most of its evidence is in now. A merge or a split that is
/// rebuilt already has done its work, and asks nothing of the plan any more. What was taken back
/// is left out with what it took back.
pub fn settle(decisions: &[Decision], candidates: &[Candidate]) -> Vec<Decision> {
    let names = Names::of(candidates);
    let mut settled: Vec<Decision> = Vec::new();
    for decision in decisions {
        let mut decision = decision.clone();
        names.put_right(&mut decision.candidate, &decision.seen.items);
        if let Answer::SameAs { other } = &mut decision.answer {
            let was = decision.candidate.clone();
            names.put_right_for(other, &was, &decision.seen.other);
        }
        match &decision.answer {
            Answer::Open => settled.retain(|earlier| earlier.candidate != decision.candidate),
            answer if names.is_done(&decision.candidate, answer) => {}
            _ => settled.push(decision),
        }
    }
    settled
}

struct Names<'c> {
    by_id: BTreeMap<&'c CandidateId, &'c Candidate>,
    /// The candidates of each item, in the order of the candidates.
    of_item: BTreeMap<EvidenceId, Vec<&'c Candidate>>,
}

impl<'c> Names<'c> {
    fn of(candidates: &'c [Candidate]) -> Self {
        let mut of_item: BTreeMap<EvidenceId, Vec<&Candidate>> = BTreeMap::new();
        for candidate in candidates {
            for item in &candidate.evidence {
                of_item.entry(*item).or_default().push(candidate);
            }
        }
        Self { by_id: candidates.iter().map(|c| (&c.id, c)).collect(), of_item }
    }

    /// Names the candidate as it is called now, where it has another name and can be found.
    fn put_right(&self, id: &mut CandidateId, items: &[EvidenceId]) {
        let type_of = |id: &CandidateId| id.0.rsplit_once('-').map(|(of, _)| of.to_owned());
        if self.by_id.contains_key(id) {
            return;
        }
        let wanted = type_of(id);
        let mut shared: BTreeMap<&CandidateId, usize> = BTreeMap::new();
        for candidate in items.iter().filter_map(|item| self.of_item.get(item)).flatten() {
            if Some(candidate.record_type.as_str()) == wanted.as_deref() {
                *shared.entry(&candidate.id).or_default() += 1;
            }
        }
        let best = shared.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0)));
        if let Some((now, n)) = best
            && n * 2 >= items.len()
        {
            *id = now.clone();
        }
    }

    fn put_right_for(&self, other: &mut CandidateId, of: &CandidateId, items: &[EvidenceId]) {
        self.put_right(other, items);
        // Rebuilt as one, and the one is called after the other.
        if !self.by_id.contains_key(other)
            && let Some(candidate) = self.by_id.get(of)
            && !items.is_empty()
            && items.iter().all(|item| candidate.evidence.contains(item))
        {
            *other = of.clone();
        }
    }

    /// Whether the rebuilt records are already as this asks for.
    fn is_done(&self, id: &CandidateId, answer: &Answer) -> bool {
        match (answer, self.by_id.get(id)) {
            (Answer::SameAs { other }, _) => other == id,
            (Answer::Split { items }, Some(candidate)) => {
                let of_other = |item: &EvidenceId| items.contains(item);
                !(candidate.evidence.iter().any(of_other)
                    && candidate.evidence.iter().any(|item| !of_other(item)))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::RecordType;

    use super::*;
    use crate::testing::{candidate, now};

    fn of(id: &str, items: &[&str]) -> Candidate {
        let evidence = items.iter().map(|item| item_id(item)).collect();
        let name = id.split('-').next().unwrap_or_default();
        Candidate { evidence, record_type: RecordType::new(name), ..candidate(id) }
    }

    fn item_id(item: &str) -> EvidenceId {
        EvidenceId::of(item.as_bytes())
    }

    fn said(of: &Candidate, answer: Answer, others: &[Candidate]) -> Decision {
        Decision {
            candidate: of.id.clone(),
            seen: seen(of, &answer, |id| others.iter().find(|c| c.id == *id)),
            answer,
            reviewer: "Ada".to_owned(),
            note: String::new(),
            at: now(),
        }
    }

    fn same_as(other: &str) -> Answer {
        Answer::SameAs { other: CandidateId(other.to_owned()) }
    }

    #[track_caller]
    fn check(said: &[Decision], now: &[Candidate], expect: &[(&str, Answer)]) {
        let found = settle(said, now);
        let found: Vec<(&str, &Answer)> =
            found.iter().map(|d| (d.candidate.0.as_str(), &d.answer)).collect();
        let expect: Vec<(&str, &Answer)> = expect.iter().map(|(id, a)| (*id, a)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_decision_follows_its_record_to_another_name() {
        let before = of("reservation-b", &["b", "c"]);
        let after = [of("reservation-a", &["a", "b", "c"]), of("payment-b", &["b", "c"])];
        check(&[said(&before, Answer::No, &[])], &after, &[("reservation-a", Answer::No)]);
    }

    #[test]
    fn a_decision_goes_to_no_stranger() {
        let before = of("reservation-b", &["b", "c", "d"]);
        let after = [of("reservation-x", &["d", "x", "y"])];
        check(&[said(&before, Answer::No, &[])], &after, &[("reservation-b", Answer::No)]);
    }

    #[test]
    fn what_is_rebuilt_as_one_need_not_be_merged() {
        let (a, b) = (of("reservation-a", &["a"]), of("reservation-b", &["b"]));
        let one = [of("reservation-a", &["a", "b"])];
        let both = [a.clone(), b.clone()];
        check(&[said(&b, same_as("reservation-a"), &both)], &one, &[]);
        check(&[said(&a, same_as("reservation-b"), &both)], &one, &[]);
        check(
            &[said(&a, same_as("reservation-b"), &both)],
            &both,
            &[("reservation-a", same_as("reservation-b"))],
        );
    }

    #[test]
    fn what_is_rebuilt_as_two_waits_no_longer() {
        let whole = of("reservation-a", &["a", "b", "c"]);
        let split = Answer::Split { items: vec![item_id("c")] };
        let words = [said(&whole, split.clone(), &[])];
        check(&words, std::slice::from_ref(&whole), &[("reservation-a", split)]);
        check(&words, &[of("reservation-a", &["a", "b"]), of("reservation-c", &["c"])], &[]);
    }

    #[test]
    fn what_is_taken_back_is_as_if_it_was_never_said() {
        let a = of("reservation-a", &["a"]);
        let words = [said(&a, Answer::No, &[]), said(&a, Answer::Open, &[])];
        check(&words, std::slice::from_ref(&a), &[]);
        let words = [words.as_slice(), &[said(&a, Answer::Yes, &[])]].concat();
        check(&words, &[a], &[("reservation-a", Answer::Yes)]);
    }
}
