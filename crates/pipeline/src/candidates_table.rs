//! Candidates as columnar tables: one row a record, and beside it one row a field.

use std::collections::BTreeMap;

use restitch_case::{ColumnData, TableData};
use restitch_model::{Candidate, CandidateId, Field, Names, Place, RecordType, Verdict};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::PipelineError;

/// The table of records.
pub const RECORDS: &str = "candidates/records.parquet";
/// The table of their fields.
pub const FIELDS: &str = "candidates/fields.parquet";

/// The tables of records and of fields.
pub fn to_tables(candidates: &[Candidate]) -> (TableData, TableData) {
    let text = |of: &dyn Fn(&Candidate) -> Option<String>| {
        ColumnData::Text(candidates.iter().map(of).collect())
    };
    let records = TableData::default()
        .with("id", text(&|c| Some(c.id.to_string())))
        .with("record_type", text(&|c| Some(c.record_type.to_string())))
        .with("table", text(&|c| Some(c.table.clone())))
        .with("tenant", text(&|c| c.tenant.clone()))
        .with("verdict", text(&|c| Some(c.verdict.to_string())))
        .with(
            "confidence",
            ColumnData::Real(candidates.iter().map(|c| Some(c.confidence)).collect()),
        )
        .with("first_seen", text(&|c| c.first_seen.map(|at| at.to_string())))
        .with("surviving", text(&|c| c.surviving.as_ref().map(json)))
        .with("reasons", text(&|c| Some(json(&c.reasons))))
        .with("evidence", text(&|c| Some(json(&c.evidence))))
        .with("conflicts", text(&|c| Some(json(&c.conflicts))))
        .with("links", text(&|c| Some(json(&c.links))))
        .with("rivals", text(&|c| Some(json(&c.rivals))));
    let fields: Vec<(&CandidateId, &Field)> =
        candidates.iter().flat_map(|c| c.fields.iter().map(move |f| (&c.id, f))).collect();
    let text = |of: &dyn Fn(&CandidateId, &Field) -> Option<String>| {
        ColumnData::Text(fields.iter().map(|(id, field)| of(id, field)).collect())
    };
    let fields = TableData::default()
        .with("id", text(&|id, _| Some(id.to_string())))
        .with("column", text(&|_, f| Some(f.column.to_string())))
        .with("cell", text(&|_, f| Some(json(&f.cell))))
        .with("rule", text(&|_, f| Some(f.rule.to_string())))
        .with("evidence", text(&|_, f| f.evidence.map(|e| e.to_string())))
        .with("place", text(&|_, f| f.place.as_ref().map(json)))
        .with("words", text(&|_, f| Some(f.words.clone())))
        .with(
            "confidence",
            ColumnData::Real(fields.iter().map(|(_, f)| Some(f.confidence)).collect()),
        );
    (records, fields)
}

/// The candidates of the two tables, in their order.
pub fn from_tables(
    records: &TableData,
    fields: &TableData,
) -> Result<Vec<Candidate>, PipelineError> {
    let own = Columns { table: records, name: RECORDS };
    let of = Columns { table: fields, name: FIELDS };
    let mut by_id: BTreeMap<String, Vec<Field>> = BTreeMap::new();
    let mut names = Names::default();
    for row in 0..fields.rows() {
        let column = names.of(&of.text("column", row)?);
        let place = of.optional("place", row)?.map(|p| of.parsed::<Place>(&p)).transpose()?;
        let field = Field {
            column,
            cell: of.json("cell", row)?,
            rule: names.of(&of.text("rule", row)?),
            evidence: of
                .optional("evidence", row)?
                .map(|e| of.parsed(&format!("{e:?}")))
                .transpose()?,
            place: place.map(|place| Place { field: names.of(&place.field), ..place }),
            words: of.text("words", row)?,
            confidence: of.real("confidence", row)?,
        };
        by_id.entry(of.text("id", row)?).or_default().push(field);
    }
    (0..records.rows())
        .map(|row| {
            let id = own.text("id", row)?;
            Ok(Candidate {
                fields: by_id.remove(&id).unwrap_or_default(),
                id: CandidateId(id),
                record_type: RecordType::new(own.text("record_type", row)?),
                table: own.text("table", row)?,
                surviving: own.optional("surviving", row)?.map(|s| own.parsed(&s)).transpose()?,
                confidence: own.real("confidence", row)?,
                verdict: own.parsed::<Verdict>(&format!("{:?}", own.text("verdict", row)?))?,
                reasons: own.json("reasons", row)?,
                tenant: own.optional("tenant", row)?,
                first_seen: own
                    .optional("first_seen", row)?
                    .map(|s| own.parsed(&format!("{s:?}")))
                    .transpose()?,
                evidence: own.json("evidence", row)?,
                conflicts: own.json("conflicts", row)?,
                links: own.json("links", row)?,
                rivals: own.json("rivals", row)?,
            })
        })
        .collect()
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("a candidate's parts are plain data")
}

struct Columns<'t> {
    table: &'t TableData,
    name: &'static str,
}

impl Columns<'_> {
    fn fail(&self, problem: impl Into<String>) -> PipelineError {
        PipelineError::Table {
            table: self.name.to_owned(),
            problem: problem.into(),
            command: "match",
        }
    }

    fn optional(&self, column: &str, row: usize) -> Result<Option<String>, PipelineError> {
        let values = self
            .table
            .text(column)
            .ok_or_else(|| self.fail(format!("it has no column {column}")))?;
        Ok(values[row].clone())
    }

    fn text(&self, column: &str, row: usize) -> Result<String, PipelineError> {
        self.optional(column, row)?.ok_or_else(|| self.fail(format!("row {row} has no {column}")))
    }

    fn real(&self, column: &str, row: usize) -> Result<f64, PipelineError> {
        let values = self
            .table
            .real(column)
            .ok_or_else(|| self.fail(format!("it has no column {column}")))?;
        values[row].ok_or_else(|| self.fail(format!("row {row} has no {column}")))
    }

    fn json<T: DeserializeOwned>(&self, column: &str, row: usize) -> Result<T, PipelineError> {
        self.parsed(&self.text(column, row)?)
    }

    fn parsed<T: DeserializeOwned>(&self, json: &str) -> Result<T, PipelineError> {
        serde_json::from_str(json).map_err(|e| self.fail(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::{Cell, Conflict, EvidenceId, LinkNote, Place, Rival, RivalRecord, Value};

    use super::*;

    /// A record of which everything is told.
    fn full() -> Candidate {
        let evidence = EvidenceId::of(b"an item");
        let field = |column: &str, cell: Cell, told: bool| Field {
            column: column.into(),
            cell,
            rule: format!("{column} ← mail:text:slot(1)").into(),
            evidence: told.then_some(evidence),
            place: told.then(|| Place::range("text", 3, 9)),
            words: "[\"ä\"]".to_owned(),
            confidence: 0.1 + 0.2,
        };
        Candidate {
            id: CandidateId("reservation-1".to_owned()),
            record_type: RecordType::new("reservation"),
            table: "rentals".to_owned(),
            surviving: Some(vec![Value::Integer(7), Value::from("a b")]),
            fields: vec![
                field("total", Cell::Is(Value::Integer(i64::MIN)), true),
                field("note", Cell::Is(Value::Null), false),
                field("customer_id", Cell::KeyOf(CandidateId("customer-1".to_owned())), false),
            ],
            confidence: 0.993,
            verdict: Verdict::Review,
            reasons: vec!["two sources disagree".to_owned()],
            tenant: Some("1".to_owned()),
            first_seen: Some("2026-01-25T03:00:00.000000001Z".parse().unwrap()),
            evidence: vec![evidence],
            conflicts: vec![Conflict {
                column: "total".to_owned(),
                kept: Value::Integer(1),
                other: Value::from("2"),
                evidence: Some(evidence),
                reason: "it is newer".to_owned(),
            }],
            links: vec![LinkNote {
                evidence,
                comparison: "customer_id.email exact".to_owned(),
                weight: -3.25,
            }],
            rivals: vec![Rival {
                evidence,
                record: RivalRecord::Row {
                    table: "rentals".to_owned(),
                    key: vec![Value::Integer(8)],
                },
                steps: vec![("prior".to_owned(), -7.5)],
                reason: "another is better".to_owned(),
            }],
        }
    }

    /// A record of which next to nothing is told.
    fn bare() -> Candidate {
        Candidate {
            id: CandidateId("payment-1".to_owned()),
            surviving: None,
            fields: Vec::new(),
            verdict: Verdict::Reject,
            reasons: Vec::new(),
            tenant: None,
            first_seen: None,
            evidence: Vec::new(),
            conflicts: Vec::new(),
            links: Vec::new(),
            rivals: Vec::new(),
            ..full()
        }
    }

    #[test]
    fn candidates_survive_the_tables_in_their_order() {
        for candidates in [vec![full(), bare()], vec![bare(), full()], Vec::new()] {
            let (records, fields) = to_tables(&candidates);
            assert_eq!(from_tables(&records, &fields).unwrap(), candidates);
        }
    }

    #[test]
    fn a_table_without_a_column_names_it_and_the_step_that_writes_it() {
        let (records, _) = to_tables(&[full()]);
        let fields = TableData::default().with("id", ColumnData::Text(vec![Some("a".to_owned())]));
        let said = from_tables(&records, &fields).unwrap_err().to_string();
        assert_eq!(
            said,
            "candidates/fields.parquet cannot be read: it has no column column; run `restitch \
             match`, which writes it anew"
        );
    }
}
