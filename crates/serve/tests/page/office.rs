//! A case that is none: any number of made-up records, of which evidence says what it likes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use restitch_model::{
    Answer, Candidate, CandidateId, Conflict, Decision, EvidenceId, Instant, LinkNote, RecordType,
    Rival, RivalRecord, TimeWindow, Value, Verdict,
};
use restitch_restore::{Plan, PlanPolicy, propose};
use restitch_review::{EvidenceNote, Language, TenantInfo, settle};
use restitch_serve::{Caseload, Estimate, Office};

use crate::fixture;

/// Made-up records.
pub struct MadeUp {
    pub candidates: Vec<Candidate>,
    pub tenants: BTreeMap<String, TenantInfo>,
    pub notes: BTreeMap<EvidenceId, EvidenceNote>,
    /// What every evidence item says.
    pub text: String,
    /// What was said, which the test sees as well.
    pub said: Arc<Mutex<Vec<Decision>>>,
    plan: Plan,
}

impl MadeUp {
    /// So many reservations of so many tenants. `text` is what evidence says, and a part of every
    /// name.
    pub fn new(n: usize, tenants: usize, text: &str) -> Self {
        let candidates: Vec<Candidate> = (0..n).map(|i| candidate(i, i % tenants, text)).collect();
        let notes = candidates.iter().flat_map(|candidate| &candidate.evidence).map(|id| {
            let line = format!("Your booking {text}");
            (*id, EvidenceNote { kind: "mail".to_owned(), at: Some(at(7)), line })
        });
        let notes = notes.collect();
        let tenant = |key: usize| {
            let info = TenantInfo {
                name: format!("Rentals {key}"),
                language: Language::English,
                zone: Some("Europe/Berlin".to_owned()),
            };
            (key.to_string(), info)
        };
        let said = Arc::default();
        let plan = plan(&candidates, &[]);
        let tenants = (0..tenants).map(tenant).collect();
        Self { candidates, tenants, notes, text: text.to_owned(), said, plan }
    }
}

impl Office for MadeUp {
    fn load(&mut self) -> Result<Caseload, String> {
        let estimate = Estimate { count: 400.0, low: 380.0, high: 430.0 };
        Ok(Caseload {
            name: "made-up".to_owned(),
            candidates: self.candidates.clone(),
            decisions: self.said.lock().unwrap().clone(),
            plan: self.plan.clone(),
            unrehearsed: None,
            tenants: self.tenants.clone(),
            notes: self.notes.clone(),
            window: Some(TimeWindow { start: at(0), end: at(90) }),
            estimates: BTreeMap::from([(RecordType::RESERVATION.to_owned(), estimate)]),
        })
    }

    fn evidence(&mut self, _id: EvidenceId) -> Result<String, String> {
        Ok(format!("Dear guest,\n{}\nAna Pérez, 45000\n", self.text))
    }

    fn each_text(&mut self, take: &mut dyn FnMut(EvidenceId, &str)) -> Result<(), String> {
        for id in self.notes.keys() {
            take(*id, &self.text);
        }
        Ok(())
    }

    fn decide(&mut self, decision: &Decision) -> Result<(), String> {
        self.said.lock().unwrap().push(decision.clone());
        Ok(())
    }

    fn plan(&mut self) -> Result<(), String> {
        let decisions = settle(&self.said.lock().unwrap(), &self.candidates);
        self.plan = plan(&self.candidates, &decisions);
        Ok(())
    }

    fn rebuild(&mut self) -> Result<(), String> {
        // As matching would: what was taken apart is two.
        for decision in self.said.lock().unwrap().iter() {
            let Answer::Split { items } = &decision.answer else { continue };
            let whole = self.candidates.iter_mut().find(|c| c.id == decision.candidate);
            let Some(whole) = whole else { continue };
            let mut other = whole.clone();
            whole.evidence.retain(|item| !items.contains(item));
            other.evidence.clone_from(items);
            other.id = CandidateId(format!("{}b", whole.id));
            self.candidates.push(other);
        }
        self.plan()
    }

    fn now(&self) -> Instant {
        at(100)
    }

    fn reviewer(&self) -> String {
        "Pat".to_owned()
    }
}

fn at(day: i64) -> Instant {
    Instant::from_second(1_770_000_000 + day * 86_400).unwrap()
}

fn candidate(i: usize, tenant: usize, text: &str) -> Candidate {
    let mail = EvidenceId::of(format!("mail {i}").as_bytes());
    let charge = EvidenceId::of(format!("charge {i}").as_bytes());
    let field = |column: &str, value: Value| fixture::field(column, value, mail);
    let note = |comparison: &str, weight| LinkNote {
        evidence: charge,
        comparison: comparison.to_owned(),
        weight,
    };
    Candidate {
        fields: vec![
            field("name", format!("Ana Pérez {} {text}", i % 5_000).into()),
            field("pickup_at", format!("2026-05-{:02}T08:00:00Z", i % 28 + 1).as_str().into()),
            field("total_cents", (45_000 + i as i64).into()),
        ],
        confidence: 0.5 + (i % 500) as f64 / 1_000.0,
        verdict: if i.is_multiple_of(3) { Verdict::Accept } else { Verdict::Review },
        reasons: vec![format!("the customer is not certain {text}")],
        tenant: Some(tenant.to_string()),
        first_seen: Some(at((i % 90) as i64)),
        evidence: vec![mail, charge],
        conflicts: vec![Conflict {
            column: "total_cents".to_owned(),
            kept: 45_000.into(),
            other: format!("46000 {text}").as_str().into(),
            evidence: Some(charge),
            reason: "the payment is measured to be right more often".to_owned(),
        }],
        links: vec![note("prior", -8.0), note("name exact", 11.5), note("pickup_at far", -1.2)],
        rivals: vec![Rival {
            evidence: charge,
            record: RivalRecord::Row { table: "rentals".to_owned(), key: vec![71.into()] },
            steps: vec![("prior".to_owned(), -8.0), ("name near".to_owned(), 5.0)],
            reason: "the record that it went to is 5.3 bits better".to_owned(),
        }],
        ..fixture::candidate(&format!("reservation-{i:08x}"))
    }
}

fn plan(candidates: &[Candidate], decisions: &[Decision]) -> Plan {
    let columns = [
        ("id", "INTEGER", false),
        ("name", "TEXT", true),
        ("pickup_at", "TEXT", true),
        ("total_cents", "INTEGER", true),
    ];
    let snapshot = fixture::database(&columns);
    propose(&snapshot, candidates, decisions, &PlanPolicy::default())
}
