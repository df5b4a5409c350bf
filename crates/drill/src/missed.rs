//! Why rows that some source saw are not back: the first reason that stands in the way of each.

use std::collections::BTreeMap;

use restitch_model::{Candidate, Cell, EvidenceId, RowKey, Verdict};

use crate::score::RowName;

/// The evidence of each row of the truth.
pub(crate) type EvidenceOf = BTreeMap<RowName, Vec<EvidenceId>>;

/// Counts the first reasons for which these rows of a table are not back. Of a row's candidates
/// the one speaks that holds most of its evidence.
pub(crate) fn reasons<'r>(
    table: &str,
    not_back: impl IntoIterator<Item = &'r RowKey>,
    evidence: &EvidenceOf,
    candidates: &[Candidate],
) -> BTreeMap<String, u64> {
    let mut holders: BTreeMap<EvidenceId, Vec<usize>> = BTreeMap::new();
    for (c, candidate) in candidates.iter().enumerate().filter(|(_, c)| c.table == table) {
        for id in &candidate.evidence {
            holders.entry(*id).or_default().push(c);
        }
    }
    let mut reasons = BTreeMap::new();
    for key in not_back {
        let own = evidence.get(&(table.to_owned(), key.clone()));
        let mut held: BTreeMap<usize, usize> = BTreeMap::new();
        for c in own.into_iter().flatten().filter_map(|id| holders.get(id)).flatten() {
            *held.entry(*c).or_default() += 1;
        }
        let most = held.into_iter().max_by_key(|&(c, n)| (n, std::cmp::Reverse(c)));
        let reason = most.map_or_else(
            || {
                "no record: its evidence is read by no rule, or went to a row that survived"
                    .to_owned()
            },
            |(c, _)| reason(&candidates[c], candidates),
        );
        *reasons.entry(reason).or_default() += 1;
    }
    reasons
}

/// What keeps a candidate from being written, in words that are the same for all like it.
fn reason(candidate: &Candidate, all: &[Candidate]) -> String {
    if candidate.surviving.is_some() {
        return "its evidence was taken for news of a row that survived".to_owned();
    }
    let waits = |cell: &Cell| match cell {
        Cell::KeyOf(id) => all.iter().any(|c| c.id == *id && c.verdict != Verdict::Accept),
        Cell::Is(_) => false,
    };
    match candidate.verdict {
        Verdict::Accept if candidate.fields.iter().any(|field| waits(&field.cell)) => {
            "waits with a record that it hangs on".to_owned()
        }
        Verdict::Accept => "its evidence was taken for that of another record".to_owned(),
        Verdict::Review | Verdict::Reject => {
            let last = candidate.reasons.last().map_or("no reason was given", String::as_str);
            let said = general(last);
            let does = if candidate.verdict == Verdict::Review { "waits" } else { "refused" };
            format!("{does}: {said}")
        }
    }
}

/// A sentence without what is of one record alone: numbers, and keys behind a colon.
fn general(sentence: &str) -> String {
    if let Some((head, _)) = sentence.split_once(": ") {
        return head.to_owned();
    }
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let word = |word| if is_number(&word) { "…" } else { word };
    sentence.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use restitch_model::{CandidateId, Digest, RecordType};

    fn id(n: u8) -> EvidenceId {
        EvidenceId(Digest::of(&[n]))
    }

    fn candidate(evidence: &[u8], verdict: Verdict, reason: &str) -> Candidate {
        Candidate {
            id: CandidateId(format!("reservation-{evidence:?}")),
            record_type: RecordType::new(RecordType::RESERVATION),
            table: "bookings".to_owned(),
            surviving: None,
            fields: Vec::new(),
            confidence: 0.5,
            verdict,
            reasons: vec![reason.to_owned()],
            tenant: None,
            first_seen: None,
            evidence: evidence.iter().map(|n| id(*n)).collect(),
            conflicts: Vec::new(),
            links: Vec::new(),
            rivals: Vec::new(),
        }
    }

    /// The reasons for which rows with this evidence, one letter of it each, are not back.
    fn check(rows: &[&[u8]], candidates: &[Candidate]) -> Vec<String> {
        let keys: Vec<RowKey> = (0..rows.len() as i64).map(|n| vec![n.into()]).collect();
        let evidence: EvidenceOf = keys
            .iter()
            .zip(rows)
            .map(|(key, own)| {
                let own = own.iter().map(|n| id(*n)).collect();
                (("bookings".to_owned(), key.clone()), own)
            })
            .collect();
        let found = reasons("bookings", &keys, &evidence, candidates);
        found.into_iter().map(|(reason, n)| format!("{n} {reason}")).collect()
    }

    #[test]
    fn reasons_that_differ_in_a_figure_are_one() {
        let waiting = [
            candidate(&[1], Verdict::Review, "confidence 0.812 is under the 0.9 asked for"),
            candidate(&[2], Verdict::Review, "confidence 0.500 is under the 0.9 asked for"),
            candidate(&[3], Verdict::Review, "no evidence for price"),
        ];
        assert_eq!(
            check(&[&[1], &[2], &[3]], &waiting),
            ["2 waits: confidence … is under the … asked for", "1 waits: no evidence for price"]
        );
    }

    #[test]
    fn the_candidate_with_most_of_the_evidence_speaks() {
        let waiting = [
            candidate(&[1], Verdict::Accept, ""),
            candidate(&[2, 3], Verdict::Review, "no evidence for price"),
        ];
        assert_eq!(check(&[&[1, 2, 3]], &waiting), ["1 waits: no evidence for price"]);
    }

    #[test]
    fn what_hangs_on_a_record_that_waits_waits_with_it() {
        let parent = candidate(&[8], Verdict::Review, "no evidence for price");
        let mut line = candidate(&[9], Verdict::Accept, "");
        line.fields.push(restitch_model::Field {
            column: "booking".into(),
            cell: Cell::KeyOf(parent.id.clone()),
            rule: "".into(),
            evidence: None,
            place: None,
            words: String::new(),
            confidence: 1.0,
        });
        assert_eq!(check(&[&[9]], &[parent, line]), ["1 waits with a record that it hangs on"]);
    }

    #[test]
    fn evidence_that_is_in_no_candidate_makes_no_record() {
        let found = check(&[&[9]], &[candidate(&[1], Verdict::Accept, "")]);
        assert!(found[0].starts_with("1 no record"));
    }
}
