//! A small incident to make packs of, and a reviewer who fills them in.

use std::collections::BTreeMap;

use restitch_model::{
    Candidate, Conflict, Decision, EvidenceId, Field, Instant, Snapshot, Value, Verdict,
};
use restitch_restore::{PlanPolicy, propose};

use crate::fixture;
pub(crate) use crate::fixture::candidate;
use crate::{
    EvidenceNote, ExportOptions, Format, Imported, Language, Material, Pack, Person, PersonKey,
    TenantInfo, export, import, person_pages,
};

/// Five reservations of the tenant 7: one unsure, one that cannot be written, one contradicted,
/// one sure, one that is none.
pub(crate) struct Desk {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) tenants: BTreeMap<String, TenantInfo>,
    /// The line of every evidence item.
    pub(crate) line: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let mut candidates: Vec<Candidate> = ["a", "b", "c", "d", "e"]
            .into_iter()
            .map(|letter| {
                let mut one = candidate(&format!("reservation-{}", letter.repeat(8)));
                one.fields = vec![
                    field("name", "Ana Pérez"),
                    field("email", "ana@example.org"),
                    field("pickup_at", "2026-05-01T08:00:00Z"),
                    field("total_cents", 45_000),
                ];
                one
            })
            .collect();
        candidates[0].verdict = Verdict::Review;
        candidates[0].confidence = 0.934;
        candidates[0].reasons = vec!["the customer is not certain".to_owned()];
        candidates[1].fields.remove(0);
        candidates[2].conflicts = vec![Conflict {
            column: "total_cents".to_owned(),
            kept: 45_000.into(),
            other: 46_000.into(),
            evidence: Some(EvidenceId::of(b"mail")),
            reason: "the payment is measured to be right more often".to_owned(),
        }];
        candidates[4].verdict = Verdict::Reject;
        let mut desk = Self {
            candidates,
            decisions: Vec::new(),
            tenants: BTreeMap::new(),
            line: "Your booking for Ana Pérez is confirmed".to_owned(),
        };
        desk.tenant("7", "Brightway Rentals", Language::English, "Europe/Berlin");
        desk
    }

    pub(crate) fn tenant(&mut self, key: &str, name: &str, language: Language, zone: &str) {
        let info = TenantInfo { name: name.to_owned(), language, zone: Some(zone.to_owned()) };
        self.tenants.insert(key.to_owned(), info);
    }

    pub(crate) fn export(&self) -> Vec<Pack> {
        self.export_as(&Format::ALL)
    }

    pub(crate) fn export_as(&self, formats: &[Format]) -> Vec<Pack> {
        let options = ExportOptions { formats: formats.to_vec(), as_of: Some(now()) };
        self.with_material(|material| export(material, &options).unwrap())
    }

    /// The page of a person who has all records, and a row in the database.
    pub(crate) fn person(&self, name: &str) -> String {
        let key = PersonKey::Surviving(vec![7.into()]);
        let person = Person {
            name: name.to_owned(),
            records: self.candidates.iter().collect(),
            standing: vec![("customers 7".to_owned(), vec![("name".to_owned(), name.into())])],
        };
        let people = [(key, person)];
        let bytes =
            self.with_material(|material| person_pages(material, &people).next().unwrap().2);
        String::from_utf8(bytes).unwrap()
    }

    fn with_material<T>(&self, of: impl FnOnce(&Material<'_>) -> T) -> T {
        let policy = PlanPolicy::default();
        let plan = propose(&snapshot(), &self.candidates, &self.decisions, &policy);
        let evidence = |_| {
            let at = Some(now());
            Some(EvidenceNote { kind: "mail".to_owned(), at, line: self.line.clone() })
        };
        let material = Material {
            candidates: &self.candidates,
            plan: &plan,
            decisions: &self.decisions,
            tenants: &self.tenants,
            evidence: &evidence,
        };
        of(&material)
    }

    /// The one file of the first pack.
    pub(crate) fn file(&self, format: Format) -> Vec<u8> {
        self.export_as(&[format]).remove(0).files.remove(0).1
    }

    pub(crate) fn import(&self, name: &str, bytes: Vec<u8>) -> Imported {
        import(&[(name.to_owned(), bytes)], &self.candidates, "operator", now())
    }
}

pub(crate) fn now() -> Instant {
    "2026-04-26T12:00:00Z".parse().unwrap()
}

pub(crate) fn field(column: &str, value: impl Into<Value>) -> Field {
    fixture::field(column, value, EvidenceId::of(b"mail"))
}

fn snapshot() -> Snapshot {
    fixture::database(&[
        ("id", "INTEGER", false),
        ("name", "TEXT", false),
        ("email", "TEXT", true),
        ("pickup_at", "TEXT", true),
        ("total_cents", "INTEGER", true),
    ])
}
