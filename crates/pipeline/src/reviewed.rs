//! What reviewers said, as examples for `learn` and as bonds for `match`.

use std::collections::{BTreeMap, BTreeSet};

use restitch_learn::{Confirmed, Pins};
use restitch_model::{Answer, CandidateId, Cell, Decision, EvidenceId, RecordType, Snapshot};
use restitch_restore::{Change, ChangeKind, propose};
use restitch_review::settle;

use crate::candidates_table::RECORDS;
use crate::error::PipelineError;
use crate::run::Run;

impl Run<'_> {
    /// The records that reviewers confirmed, as the rows that would be planned of them, and the
    /// rows that these refer to. Each is an example for learning.
    pub fn confirmed(&self, snapshot: &Snapshot) -> Result<Vec<Confirmed>, PipelineError> {
        if !self.case.has(RECORDS) {
            return Ok(Vec::new());
        }
        let decisions = self.case.decisions()?;
        let said_yes = |d: &Decision| matches!(d.answer, Answer::Yes | Answer::Corrected { .. });
        if !decisions.iter().any(said_yes) {
            return Ok(Vec::new());
        }
        let candidates = self.candidates()?;
        let decisions = settle(&decisions, &candidates);
        let plan = propose(snapshot, &candidates, &decisions, &self.plan_policy());
        let inserts = || plan.changes().iter().filter(|c| c.kind == ChangeKind::Insert);
        let is_said = |change: &&Change| change.reviewer.is_some();
        let wanted: BTreeSet<&CandidateId> =
            inserts().filter(is_said).map(|change| &change.candidate).collect();
        let parents: BTreeSet<&CandidateId> = candidates
            .iter()
            .filter(|candidate| wanted.contains(&candidate.id))
            .flat_map(|candidate| &candidate.fields)
            .filter_map(|field| match &field.cell {
                Cell::KeyOf(parent) => Some(parent),
                Cell::Is(_) => None,
            })
            .collect();
        let confirmed = inserts().filter_map(|change| {
            let is_wanted = wanted.contains(&change.candidate);
            if !is_wanted && !parents.contains(&change.candidate) {
                return None;
            }
            let candidate = candidates.iter().find(|c| is_wanted && c.id == change.candidate);
            Some(Confirmed {
                table: change.table.clone(),
                row: change.cells.iter().map(|c| (c.column.to_string(), c.new.clone())).collect(),
                evidence: candidate.map(|c| c.evidence.clone()).unwrap_or_default(),
            })
        });
        Ok(confirmed.collect())
    }
}

/// What was said of a candidate, and which evidence it binds.
struct Bond<'d> {
    of: &'d CandidateId,
    items: BTreeSet<EvidenceId>,
    /// Those of the items that are another record's.
    other: BTreeSet<EvidenceId>,
}

/// Which evidence reviewers put together or took apart, by type of record. What was said later
/// counts where two contradict each other.
pub(crate) fn pins(decisions: &[Decision]) -> BTreeMap<String, Pins> {
    let types = [RecordType::RESERVATION, RecordType::CUSTOMER, RecordType::PAYMENT];
    let of_type = |of: &str| {
        let pins =
            pins_of(decisions.iter().filter(|d| d.candidate.0.starts_with(&format!("{of}-"))));
        (of.to_owned(), pins)
    };
    let mut pins: BTreeMap<String, Pins> = types.into_iter().map(of_type).collect();
    // Reservations are put together from several items. That customers or payments are the same,
    // the plan takes in by itself; a yes to one says nothing of how its items hold together.
    for (_, pins) in pins.iter_mut().filter(|(of, _)| *of != RecordType::RESERVATION) {
        pins.together.clear();
    }
    pins.retain(|_, pins| !pins.is_empty());
    pins
}

fn pins_of<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Pins {
    let mut bonds: Vec<Bond<'_>> = Vec::new();
    for decision in decisions {
        let mut items: BTreeSet<EvidenceId> = decision.seen.items.iter().copied().collect();
        let mut other = BTreeSet::new();
        match &decision.answer {
            Answer::Open => bonds.retain(|bond| *bond.of != decision.candidate),
            Answer::No | Answer::Unknown => continue,
            Answer::Yes | Answer::Corrected { .. } => {}
            Answer::SameAs { .. } => items.extend(&decision.seen.other),
            Answer::Split { items } => other.extend(items),
        }
        if decision.answer == Answer::Open || items.len() < 2 {
            continue;
        }
        let bond = Bond { of: &decision.candidate, items, other };
        bonds.retain(|earlier| !bond.contradicts(earlier));
        bonds.push(bond);
    }
    let mut pins = Pins::default();
    for bond in bonds {
        match bond.other.is_empty() {
            true => pins.together.push(bond.items.into_iter().collect()),
            false => {
                let stay = bond.items.difference(&bond.other).copied().collect();
                pins.apart.push((stay, bond.other.into_iter().collect()));
            }
        }
    }
    pins
}

impl Bond<'_> {
    fn contradicts(&self, earlier: &Self) -> bool {
        match (self.other.is_empty(), earlier.other.is_empty()) {
            (true, false) => earlier.parts(&self.items),
            (false, true) => self.parts(&earlier.items),
            _ => false,
        }
    }

    /// Whether it takes apart what these hold together.
    fn parts(&self, items: &BTreeSet<EvidenceId>) -> bool {
        let stays = |item: &EvidenceId| self.items.contains(item) && !self.other.contains(item);
        items.iter().any(stays) && items.iter().any(|item| self.other.contains(item))
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::{Instant, Seen};

    use super::*;

    fn ids(names: &str) -> Vec<EvidenceId> {
        names.chars().map(|name| EvidenceId::of(name.to_string().as_bytes())).collect()
    }

    fn said(id: &str, answer: Answer, items: &str, other: &str) -> Decision {
        Decision {
            candidate: CandidateId(id.to_owned()),
            answer,
            reviewer: "Ada".to_owned(),
            note: String::new(),
            at: Instant::UNIX_EPOCH,
            seen: Seen { items: ids(items), other: ids(other) },
        }
    }

    fn same_as() -> Answer {
        Answer::SameAs { other: CandidateId("reservation-2".to_owned()) }
    }

    #[track_caller]
    fn check(decisions: &[Decision], together: &[&str], apart: &[(&str, &str)]) {
        let sorted = |names: &str| ids(names).into_iter().collect::<BTreeSet<_>>();
        let found = pins(decisions).remove("reservation").unwrap_or_default();
        let of = |list: &Vec<EvidenceId>| list.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(
            found.together.iter().map(of).collect::<Vec<_>>(),
            together.iter().map(|names| sorted(names)).collect::<Vec<_>>()
        );
        assert_eq!(
            found.apart.iter().map(|(stay, go)| (of(stay), of(go))).collect::<Vec<_>>(),
            apart.iter().map(|(stay, go)| (sorted(stay), sorted(go))).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_yes_and_a_merge_hold_evidence_together_and_a_split_takes_it_apart() {
        let split = Answer::Split { items: ids("f") };
        check(
            &[
                said("reservation-1", Answer::Yes, "ab", ""),
                said("reservation-3", same_as(), "c", "d"),
                said("reservation-5", split, "ef", ""),
                said("reservation-7", Answer::No, "gh", ""),
                said("customer-1", Answer::Yes, "ij", ""),
            ],
            &["ab", "cd"],
            &[("e", "f")],
        );
    }

    #[test]
    fn the_later_of_two_that_contradict_each_other_counts() {
        let split = || Answer::Split { items: ids("b") };
        let whole = said("reservation-1", Answer::Yes, "ab", "");
        let parted = said("reservation-1", split(), "ab", "");
        check(&[whole.clone(), parted.clone()], &[], &[("a", "b")]);
        check(&[parted.clone(), whole], &["ab"], &[]);
        let rest = said("reservation-1", Answer::Yes, "ac", "");
        check(&[parted, rest], &["ac"], &[("a", "b")]);
    }

    #[test]
    fn customers_and_payments_are_taken_apart_and_not_held_together() {
        let split = || Answer::Split { items: ids("f") };
        let found = pins(&[
            said("customer-1", split(), "ef", ""),
            said("payment-1", split(), "fg", ""),
            said("payment-2", Answer::Yes, "ij", ""),
        ]);
        let apart = |stay: &str| vec![(ids(stay), ids("f"))];
        assert_eq!(found.keys().collect::<Vec<_>>(), ["customer", "payment"]);
        assert_eq!((&found["customer"].apart, &found["payment"].apart), (&apart("e"), &apart("g")));
        assert!(found["payment"].together.is_empty());
        let whole = said("customer-1", Answer::Yes, "ef", "");
        assert!(pins(&[said("customer-1", split(), "ef", ""), whole]).is_empty());
    }

    #[test]
    fn what_was_taken_back_binds_nothing() {
        let open = said("reservation-1", Answer::Open, "ab", "");
        check(&[said("reservation-1", Answer::Yes, "ab", ""), open], &[], &[]);
    }
}
