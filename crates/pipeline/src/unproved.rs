//! How far messages are believed of which nobody knows who sent them.
//!
//! A confirmation can be written by whoever gains by it. Where a signature proves its sender, or
//! another source tells of the same, that does not matter.

use std::collections::BTreeSet;

use restitch_learn::Item;
use restitch_model::{Candidate, CandidateId, Cell, EvidenceId, FactValue, Verdict};

use crate::file::Policy;

/// The kind of evidence that anybody may have written.
const MAIL: &str = "mail";

/// Sends candidates to a reviewer of which nothing but unproved mail tells, where the policy
/// believes it less than it asks for; and what hangs on these.
pub fn doubt(candidates: &mut [Candidate], items: &[Item], policy: &Policy) {
    if policy.unproved_mail >= policy.accept_at {
        return;
    }
    let unproved: BTreeSet<EvidenceId> =
        items.iter().filter(|item| is_unproved(item)).map(|item| item.evidence).collect();
    let mut doubted: BTreeSet<CandidateId> = BTreeSet::new();
    for candidate in candidates.iter_mut() {
        let told_by = told_by(candidate);
        if told_by.is_empty() || !told_by.is_subset(&unproved) {
            continue;
        }
        candidate.confidence = candidate.confidence.min(policy.unproved_mail);
        if candidate.verdict == Verdict::Accept {
            candidate.verdict = Verdict::Review;
            candidate.reasons.push(
                "nothing but mail tells of it, and no signature proves who sent that".to_owned(),
            );
            doubted.insert(candidate.id.clone());
        }
    }
    for candidate in candidates.iter_mut().filter(|c| c.verdict == Verdict::Accept) {
        let hangs = |cell: &Cell| matches!(cell, Cell::KeyOf(id) if doubted.contains(id));
        if let Some(field) = candidate.fields.iter().find(|field| hangs(&field.cell)) {
            candidate.verdict = Verdict::Review;
            candidate.reasons.push(format!("what {} refers to is not sure", field.column));
        }
    }
}

/// The items that a candidate rests on: of a lost record all that tell of it, of a surviving row
/// those whose words are to change it.
fn told_by(candidate: &Candidate) -> BTreeSet<EvidenceId> {
    match candidate.surviving {
        None => candidate.evidence.iter().copied().collect(),
        Some(_) => candidate.fields.iter().filter_map(|field| field.evidence).collect(),
    }
}

/// A message is proved by a signature of its sender's own domain over all of it. A chain of
/// those who passed it on (ARC) proves who did, which may be anybody.
fn is_unproved(item: &Item) -> bool {
    let is_aligned = |item: &Item| {
        let said = item.facts.iter().find(|fact| fact.name == "genuine:aligned");
        said.is_some_and(|fact| fact.value == FactValue::Bool(true))
    };
    item.kind == MAIL && !(item.text("genuine:dkim") == Some("proved") && is_aligned(item))
}

#[cfg(test)]
mod tests {
    use restitch_model::{EvidenceMeta, Fact, Field, Instant, Place, RecordType, Value};

    use super::*;

    fn item(name: &str, kind: &str, dkim: &str, is_aligned: bool) -> Item {
        let fact = |name: &str, value| Fact {
            name: name.into(),
            value,
            place: Place::whole("header:dkim-signature"),
        };
        let facts = vec![
            fact("genuine:dkim", FactValue::Text(dkim.to_owned())),
            fact("genuine:aligned", FactValue::Bool(is_aligned)),
        ];
        let meta = EvidenceMeta {
            id: EvidenceId::of(name.as_bytes()),
            source: "s".to_owned(),
            kind: kind.to_owned(),
            native_id: name.to_owned(),
            container: "c".to_owned(),
            at: None,
            fetched_at: Instant::UNIX_EPOCH,
        };
        Item::new(&meta, facts)
    }

    fn candidate(name: &str, evidence: &[&str], cell: Cell) -> Candidate {
        let evidence: Vec<EvidenceId> =
            evidence.iter().map(|name| EvidenceId::of(name.as_bytes())).collect();
        let field = Field {
            column: "customer_id".into(),
            cell,
            rule: "".into(),
            evidence: evidence.first().copied(),
            place: None,
            words: String::new(),
            confidence: 1.0,
        };
        Candidate {
            id: CandidateId(name.to_owned()),
            record_type: RecordType::new(RecordType::RESERVATION),
            table: "rentals".to_owned(),
            surviving: None,
            fields: vec![field],
            confidence: 0.995,
            verdict: Verdict::Accept,
            reasons: Vec::new(),
            tenant: None,
            first_seen: None,
            evidence,
            conflicts: Vec::new(),
            links: Vec::new(),
            rivals: Vec::new(),
        }
    }

    /// The verdicts on candidates, under a policy that believes unproved mail so far.
    fn verdicts(unproved_mail: f64, candidates: Vec<Candidate>) -> Vec<(Verdict, f64)> {
        let items = [
            item("proved", "mail", "proved", true),
            item("anothers", "mail", "proved", false),
            item("broken", "mail", "broken", true),
            item("absent", "mail", "absent", false),
            item("event", "calendar.event", "absent", false),
        ];
        let mut candidates = candidates;
        let policy = Policy { unproved_mail, ..Policy::default() };
        doubt(&mut candidates, &items, &policy);
        candidates.iter().map(|c| (c.verdict, c.confidence)).collect()
    }

    fn alone(evidence: &[&str], unproved_mail: f64) -> (Verdict, f64) {
        let one = candidate("one", evidence, Cell::Is(Value::Integer(1)));
        verdicts(unproved_mail, vec![one])[0]
    }

    #[test]
    fn mail_alone_is_believed_as_far_as_the_policy_says() {
        for evidence in ["broken", "absent", "anothers"] {
            assert_eq!(alone(&[evidence], 0.5), (Verdict::Review, 0.5), "{evidence}");
            assert_eq!(alone(&[evidence], 1.0), (Verdict::Accept, 0.995), "{evidence}");
            assert_eq!(alone(&[evidence], 0.99), (Verdict::Accept, 0.995), "{evidence}");
        }
        assert_eq!(alone(&["broken", "absent"], 0.5), (Verdict::Review, 0.5));
    }

    #[test]
    fn a_proof_or_another_source_supports_it() {
        for other in ["proved", "event"] {
            assert_eq!(alone(&["absent", other], 0.0), (Verdict::Accept, 0.995), "{other}");
        }
    }

    #[test]
    fn of_a_surviving_row_the_words_that_change_it_count() {
        let mut row = candidate("row", &["absent", "event"], Cell::Is(Value::Integer(1)));
        row.surviving = Some(vec![Value::Integer(7)]);
        assert_eq!(verdicts(0.5, vec![row]), [(Verdict::Review, 0.5)]);
    }

    #[test]
    fn what_hangs_on_a_doubted_record_waits_with_it() {
        let customer = candidate("customer", &["absent"], Cell::Is(Value::Integer(1)));
        let paid = Cell::KeyOf(customer.id.clone());
        let payment = candidate("payment", &["event"], paid);
        assert_eq!(
            verdicts(0.5, vec![customer, payment]),
            [(Verdict::Review, 0.5), (Verdict::Review, 0.995)]
        );
    }
}
