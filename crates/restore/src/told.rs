//! Where the columns of written rows come from, as restitch's own tables hold it. What many rows
//! have in common, their *way*, is told once for each apply: which columns, by which rules, with
//! which accuracy, from which fields of the evidence. A row tells only what is its own: which
//! evidence that is, and where in its fields the words stand.

use std::collections::BTreeMap;
use std::fmt::Write;

use restitch_model::{EvidenceId, Name, Place, Row};
use serde::{Deserialize, Serialize};

use crate::ProvenanceRow;
use crate::plan::{Change, PlannedCell};

/// The ways of an apply, numbered as they come.
#[derive(Debug, Default)]
pub(crate) struct Ways<'p> {
    numbers: BTreeMap<String, u64>,
    /// The change before, the evidence of its columns by position, and its way: most changes go
    /// the same way as the one before.
    last: Option<(&'p Change, Vec<Option<usize>>, u64)>,
}

impl<'p> Ways<'p> {
    /// The number of the way of a change, and what the change tells itself.
    pub(crate) fn told(&mut self, change: &'p Change) -> (u64, String) {
        let mut own = Own::default();
        let mut evidence = Vec::with_capacity(change.cells.len());
        for cell in &change.cells {
            evidence.push(cell.evidence.map(|id| {
                own.evidence.iter().position(|other| *other == id).unwrap_or_else(|| {
                    own.evidence.push(id);
                    own.evidence.len() - 1
                })
            }));
            own.ranges.push(cell.place.as_ref().and_then(|place| place.range));
        }
        if own.ranges.iter().all(Option::is_none) {
            own.ranges.clear();
        }
        let number = match &self.last {
            Some((last, by, number)) if *by == evidence && are_alike(last, change) => *number,
            _ => {
                let next = self.numbers.len() as u64;
                *self.numbers.entry(way(change, &evidence)).or_insert(next)
            }
        };
        self.last = Some((change, evidence, number));
        (number, own.text())
    }

    /// The ways as texts, in the order of their numbers.
    pub(crate) fn texts(self) -> Vec<String> {
        let mut texts: Vec<(u64, String)> =
            self.numbers.into_iter().map(|(text, number)| (number, text)).collect();
        texts.sort();
        texts.into_iter().map(|(_, text)| text).collect()
    }
}

/// Whether two changes go the same way, but for which of their evidence tells which column.
fn are_alike(a: &Change, b: &Change) -> bool {
    a.cells.len() == b.cells.len()
        && a.cells.iter().zip(&b.cells).all(|(a, b)| {
            a.column == b.column
                && a.rule == b.rule
                && a.confidence == b.confidence
                && a.place.as_ref().map(|place| &place.field) == b.place.as_ref().map(|p| &p.field)
        })
}

/// The way of a change as JSON.
fn way(change: &Change, evidence: &[Option<usize>]) -> String {
    let column = |(cell, at): (&PlannedCell, &Option<usize>)| -> OwnColumn {
        let field = cell.place.as_ref().map(|place| place.field.clone());
        (cell.column.clone(), *at, field, cell.rule.clone(), cell.confidence)
    };
    let columns: Vec<OwnColumn> = change.cells.iter().zip(evidence).map(column).collect();
    serde_json::to_string(&columns).unwrap_or_default()
}

/// The columns of a row of the tables that was asked for as: the way's text, the row's own, the
/// plan's digest, the candidate, the name of the apply, when it was, when it was undone.
pub(crate) fn columns(row: &Row) -> Vec<ProvenanceRow> {
    let text = |i: usize| row[i].as_text().unwrap_or_default().to_owned();
    let way: Vec<OwnColumn> = serde_json::from_str(&text(0)).unwrap_or_default();
    let own: Own = serde_json::from_str(&text(1)).unwrap_or_default();
    let column = |(i, (column, at, field, rule, confidence)): (usize, OwnColumn)| {
        let range = own.ranges.get(i).copied().flatten();
        ProvenanceRow {
            column: column.into(),
            evidence: at.and_then(|at| own.evidence.get(at)).map(ToString::to_string),
            place: field.map(|field| Place { field, range }.to_string()),
            rule: rule.into(),
            confidence,
            plan_digest: text(2),
            candidate: text(3),
            apply_id: text(4),
            applied_at: text(5),
            undone_at: row[6].as_text().map(str::to_owned),
        }
    };
    let mut columns: Vec<ProvenanceRow> = way.into_iter().enumerate().map(column).collect();
    columns.sort_by(|a, b| a.column.cmp(&b.column));
    columns
}

/// What a row tells itself: its evidence, and for each column the range of bytes in the field.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Own {
    evidence: Vec<EvidenceId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<Option<(usize, usize)>>,
}

impl Own {
    /// As JSON, which is made for every row.
    fn text(&self) -> String {
        let mut text = String::with_capacity(80 * (self.evidence.len() + 1));
        // A `String` takes all that is written to it.
        text.push_str("{\"evidence\":[");
        for (i, id) in self.evidence.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            _ = write!(text, "{comma}\"{id}\"");
        }
        text.push(']');
        if !self.ranges.is_empty() {
            text.push_str(",\"ranges\":[");
            for (i, range) in self.ranges.iter().enumerate() {
                let comma = if i > 0 { "," } else { "" };
                _ = match range {
                    Some((start, end)) => write!(text, "{comma}[{start},{end}]"),
                    None => write!(text, "{comma}null"),
                };
            }
            text.push(']');
        }
        text.push('}');
        text
    }
}

/// A column, the position of its evidence, the field in it, the rule, its accuracy.
type OwnColumn = (Name, Option<usize>, Option<Name>, Name, f64);

#[cfg(test)]
mod tests {
    use restitch_model::{CandidateId, RecordType, Value};

    use super::*;
    use crate::ChangeKind;

    fn change(evidence: &str, places: [Option<Place>; 2]) -> Change {
        let cell = |(name, place): (&str, Option<Place>)| PlannedCell {
            column: name.into(),
            old: None,
            new: Value::Integer(1),
            rule: format!("\"{name}\"").into(),
            evidence: place.is_some().then(|| EvidenceId::of(evidence.as_bytes())),
            place,
            words: String::new(),
            confidence: 0.995,
        };
        Change {
            seq: 1,
            table: "t".to_owned(),
            kind: ChangeKind::Insert,
            key: vec![1.into()],
            candidate: CandidateId("c".to_owned()),
            record_type: RecordType::new("record"),
            tenant: None,
            confidence: 0.999,
            reviewer: None,
            cells: ["b", "a"].into_iter().zip(places).map(cell).collect(),
            defaults: BTreeMap::new(),
        }
    }

    /// What is read back of each change, as `column evidence place rule`, and the ways.
    fn check(changes: &[Change]) -> (Vec<String>, usize) {
        let mut ways = Ways::default();
        let told: Vec<(u64, String)> = changes.iter().map(|change| ways.told(change)).collect();
        let texts = ways.texts();
        let lines = told.iter().flat_map(|(way, own)| {
            let way = texts[*way as usize].as_str();
            let mut row: Row = vec![way.into(), own.as_str().into()];
            row.extend(vec![Value::Null; 5]);
            columns(&row)
        });
        let show = |row: ProvenanceRow| {
            let evidence = row.evidence.map_or("-".to_owned(), |id| id[7..11].to_owned());
            format!("{} {evidence} {} {}", row.column, row.place.unwrap_or_default(), row.rule)
        };
        (lines.map(show).collect(), texts.len())
    }

    #[test]
    fn what_a_row_tells_itself_is_written_as_it_is_read() {
        let ids = ["x", "y"].map(|id| EvidenceId::of(id.as_bytes()));
        for evidence in [&ids[..0], &ids[..1], &ids] {
            for ranges in [vec![], vec![Some((3, 9))], vec![None, Some((0, 1)), None]] {
                let own = Own { evidence: evidence.to_vec(), ranges };
                assert_eq!(own.text(), serde_json::to_string(&own).unwrap());
            }
        }
    }

    #[test]
    fn rows_that_differ_in_evidence_and_ranges_alone_go_one_way() {
        let subject = |end| Some(Place::range("header:subject", 3, end));
        let ids = ["x", "y"].map(|id| EvidenceId::of(id.as_bytes()).to_string()[7..11].to_owned());
        let (lines, ways) =
            check(&[change("x", [subject(9), None]), change("y", [subject(8), None])]);
        assert_eq!(ways, 1);
        assert_eq!(
            lines,
            [
                "a -  \"a\"".to_owned(),
                format!("b {} header:subject@3-9 \"b\"", ids[0]),
                "a -  \"a\"".to_owned(),
                format!("b {} header:subject@3-8 \"b\"", ids[1]),
            ]
        );
        let whole = Some(Place::whole("text"));
        let (lines, ways) = check(&[change("x", [whole, None]), change("y", [subject(8), None])]);
        assert_eq!((lines[1].as_str(), ways), (&*format!("b {} text \"b\"", ids[0]), 2));
    }
}
