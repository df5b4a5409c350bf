//! Records of no case: for the tests of this crate, for those of the page, and for measuring.

use restitch_model::{
    Candidate, CandidateId, Cell, Column, Digest, EvidenceId, Field, RecordType, Snapshot, Table,
    TableSchema, Value, Verdict,
};

/// An accepted reservation of the tenant 7, without fields.
pub fn candidate(id: &str) -> Candidate {
    Candidate {
        id: CandidateId(id.to_owned()),
        record_type: RecordType::new(RecordType::RESERVATION),
        table: "rentals".to_owned(),
        surviving: None,
        fields: Vec::new(),
        confidence: 0.999,
        verdict: Verdict::Accept,
        reasons: Vec::new(),
        tenant: Some("7".to_owned()),
        first_seen: Some("2026-03-01T00:00:00Z".parse().expect("it is a moment")),
        evidence: vec![EvidenceId::of(id.as_bytes())],
        conflicts: Vec::new(),
        links: Vec::new(),
        rivals: Vec::new(),
    }
}

/// A field, whose value is what stands in the evidence.
pub fn field(column: &str, value: impl Into<Value>, evidence: EvidenceId) -> Field {
    let value = value.into();
    Field {
        column: column.into(),
        words: value.to_string(),
        cell: Cell::Is(value),
        rule: format!("rule-{column}").into(),
        evidence: Some(evidence),
        place: None,
        confidence: 0.99,
    }
}

/// A database with an empty table `rentals`. A column is its name, its type, and whether it may be
/// empty; the first is the key.
pub fn database(columns: &[(&str, &str, bool)]) -> Snapshot {
    let column = |&(name, declared, nullable): &(&str, &str, bool)| Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        nullable,
        default: None,
        generated: false,
    };
    let schema = TableSchema {
        name: "rentals".to_owned(),
        columns: columns.iter().map(column).collect(),
        primary_key: vec![columns[0].0.to_owned()],
        foreign_keys: Vec::new(),
        uniques: Vec::new(),
        triggers: Vec::new(),
        next_id: Some(1),
    };
    Snapshot {
        database: "rental".to_owned(),
        tables: vec![Table { schema, rows: Vec::new() }],
        fingerprint: Digest::of(b"rental"),
    }
}
