use restitch_model::{
    Answer, Candidate, CandidateId, Cell, Column, Decision, EvidenceId, Name, Place, Table,
    TableSchema, Value,
};

use crate::affinity::{Affinity, stored};
use crate::kind::Kind as Declared;
use crate::order::{Parents, Tie};
use crate::propose::{OnConflict, PlanPolicy};

/// A column that is to be written, before references are resolved.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// The column's position in the table.
    pub(crate) position: usize,
    /// What it is to hold; a value is given as the column stores it.
    pub(crate) cell: Cell,
    pub(crate) rule: Name,
    pub(crate) evidence: Option<EvidenceId>,
    pub(crate) place: Option<Place>,
    pub(crate) words: String,
    pub(crate) confidence: f64,
    /// A reviewer typed it.
    pub(crate) typed: bool,
}

impl Draft {
    /// What of the drafts of a candidate decides its place in the order and the ids that are
    /// named: what its key and its references hold. The rest is made again when it is its turn,
    /// since the drafts of a million candidates are as large as they are.
    pub(crate) fn ties(drafts: Vec<Self>, schema: &TableSchema) -> Vec<Tie> {
        let binds = |draft: &Self| {
            let name = &schema.columns[draft.position].name;
            matches!(draft.cell, Cell::KeyOf(_))
                || schema.primary_key.contains(name)
                || schema.foreign_key(name).is_some()
        };
        let tie = |Self { position, cell, typed, .. }| Tie { position, cell, typed };
        drafts.into_iter().filter(binds).map(tie).collect()
    }
}

/// The columns that an accepted candidate writes: its fields, with the reviewer's corrections
/// in place of what they correct. The table comes with what its columns hold. The error is the
/// reason to hold it.
pub(crate) fn drafts(
    candidate: &Candidate,
    by: Option<&Decision>,
    (table, kinds): (&Table, &[Declared]),
    policy: &PlanPolicy,
    known: &dyn Parents,
) -> Result<Vec<Draft>, String> {
    let mut drafts: Vec<Draft> = Vec::new();
    let corrections: &[(String, String)] = match by.map(|decision| &decision.answer) {
        Some(Answer::Corrected { columns }) => columns,
        _ => &[],
    };
    for (name, text) in corrections.iter().rev() {
        let (position, column) = find(table, name)?;
        if column.generated || drafts.iter().any(|d| d.position == position) {
            continue;
        }
        let names = CandidateId(text.clone());
        let refers = matches!(candidate.field(name).map(|f| &f.cell), Some(Cell::KeyOf(_)));
        let cell = match refers && known.of(&names).is_some() {
            true => Cell::KeyOf(names),
            false => Cell::Is(kinds[position].stored(&parse(table, position, text)?)),
        };
        drafts.push(Draft {
            position,
            cell,
            rule: "review".into(),
            evidence: None,
            place: None,
            words: text.clone(),
            confidence: 1.0,
            typed: true,
        });
    }
    for field in &candidate.fields {
        let (position, column) = find(table, &field.column)?;
        // What the database computes itself cannot be written, and need not be.
        if column.generated || drafts.iter().any(|d| d.position == position) {
            continue;
        }
        let cell = match &field.cell {
            Cell::Is(value) => Cell::Is(kinds[position].stored(value)),
            key => key.clone(),
        };
        drafts.push(Draft {
            position,
            cell,
            rule: field.rule.clone(),
            evidence: field.evidence,
            place: field.place.clone(),
            words: field.words.clone(),
            confidence: field.confidence,
            typed: false,
        });
    }
    if candidate.surviving.is_some() && by.is_none() {
        settle_for_evidence(candidate, table, policy, &mut drafts)?;
    }
    drafts.sort_by_key(|draft| draft.position);
    Ok(drafts)
}

/// Where policy says that evidence is right, what it says against a surviving row is planned.
fn settle_for_evidence(
    candidate: &Candidate,
    table: &Table,
    policy: &PlanPolicy,
    drafts: &mut Vec<Draft>,
) -> Result<(), String> {
    for conflict in candidate.conflicts.iter().filter(|c| c.evidence.is_some()) {
        let (position, column) = find(table, &conflict.column)?;
        let free = !column.generated && drafts.iter().all(|d| d.position != position);
        if free && policy.on_conflict(&candidate.table, &conflict.column) == OnConflict::Evidence {
            drafts.push(Draft {
                position,
                cell: Cell::Is(stored(column, &conflict.other)),
                rule: "policy: evidence".into(),
                evidence: conflict.evidence,
                place: None,
                words: String::new(),
                confidence: candidate.confidence,
                typed: false,
            });
        }
    }
    Ok(())
}

fn find<'a>(table: &'a Table, name: &str) -> Result<(usize, &'a Column), String> {
    let missing = || format!("the table {} has no column {name}", table.schema.name);
    let position = table.schema.position(name).ok_or_else(missing)?;
    Ok((position, &table.schema.columns[position]))
}

/// A reviewer's text as a value of the type that the column already holds. An amount is never
/// guessed at: `45.00` is no value of a column of whole numbers, which may be cents.
fn parse(table: &Table, position: usize, text: &str) -> Result<Value, String> {
    let column = &table.schema.columns[position];
    let trimmed = text.trim();
    if trimmed.is_empty() && column.nullable {
        return Ok(Value::Null);
    }
    let held = kind_held(table, position).unwrap_or(match Declared::of(&column.declared) {
        Declared::Any(Affinity::Integer) | Declared::Whole => Kind::Whole,
        Declared::Any(Affinity::Real) | Declared::Real => Kind::Number,
        _ => Kind::Text,
    });
    let refuse = |what: &str| {
        format!("the correction {text:?} of {} is not {what}, which the column holds", column.name)
    };
    match held {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Whole => trimmed.parse().map(Value::Integer).map_err(|_| refuse("a whole number")),
        Kind::Number => match trimmed.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(Value::Real(x)),
            _ => Err(refuse("a number")),
        },
        Kind::Bytes => Err(refuse("bytes")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Whole,
    Number,
    Text,
    Bytes,
}

/// The kind that most of a column's values have.
fn kind_held(table: &Table, position: usize) -> Option<Kind> {
    let mut counts = [(Kind::Bytes, 0u64), (Kind::Number, 0), (Kind::Whole, 0), (Kind::Text, 0)];
    for row in &table.rows {
        let kind = match &row[position] {
            Value::Null => continue,
            Value::Integer(_) => Kind::Whole,
            Value::Real(_) => Kind::Number,
            Value::Text(_) => Kind::Text,
            Value::Bytes(_) => Kind::Bytes,
        };
        counts.iter_mut().filter(|(k, _)| *k == kind).for_each(|(_, n)| *n += 1);
    }
    counts.iter().filter(|(_, n)| *n > 0).max_by_key(|(_, n)| *n).map(|(kind, _)| *kind)
}
