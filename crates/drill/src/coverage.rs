//! Whether what evidence tells was learned, and nothing else: columns of the bound tables held
//! against a world's word for which of them are told.

use std::collections::BTreeMap;

use restitch_learn::Knowledge;
use restitch_learn::within::How;
use restitch_model::{RecordType, Snapshot};
use serde::Serialize;

/// By table and column, whether evidence tells it; a column of which only some rows are told of
/// is left out.
pub(crate) type ToldColumns = BTreeMap<String, BTreeMap<String, bool>>;

/// How much of what evidence tells has a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// Columns of the bound tables that evidence tells.
    pub told: u64,
    /// Of these, those that have a rule.
    pub ruled: u64,
    /// Those that have none.
    pub without: Vec<String>,
    /// Columns that no evidence tells and that are read from evidence all the same.
    pub unfounded: Vec<String>,
    /// The median of the measured accuracies of the told columns.
    pub median_accuracy: Option<f64>,
}

/// Counts the told columns that have a rule.
pub(crate) fn coverage(told: &ToldColumns, knowledge: &Knowledge, snapshot: &Snapshot) -> Coverage {
    let mut found = Coverage {
        told: 0,
        ruled: 0,
        without: Vec::new(),
        unfounded: Vec::new(),
        median_accuracy: None,
    };
    let mut rates = Vec::new();
    for (record_type, table) in &knowledge.bindings.tables {
        for (column, is_told) in told.get(table).into_iter().flatten() {
            let name = format!("{table}.{column}");
            let is_read = is_read(knowledge, record_type, column);
            if !is_told {
                found.unfounded.extend(is_read.then_some(name));
                continue;
            }
            found.told += 1;
            if is_read || follows(knowledge, snapshot, record_type, column) {
                found.ruled += 1;
            } else {
                found.without.push(name);
            }
            let measured = knowledge.measured.get(record_type);
            rates.extend(measured.and_then(|m| m.columns.get(column)?.rate()));
        }
    }
    rates.sort_by(f64::total_cmp);
    found.median_accuracy = rates.get(rates.len() / 2).copied();
    found
}

/// Whether a rule reads the column, or what it refers to, from evidence.
fn is_read(knowledge: &Knowledge, record_type: &str, column: &str) -> bool {
    let is_it = |path: &str| path == column || path.split('.').next() == Some(column);
    let own = knowledge.records.get(record_type).is_some_and(|known| {
        known.rules.iter().any(|rule| is_it(&rule.column))
            || known.life.iter().any(|b| b.column == column && b.heard.is_some())
    });
    let of_customer = record_type == RecordType::CUSTOMER
        && knowledge.records.get(RecordType::RESERVATION).is_some_and(|known| {
            let further = |path: &str| path.split_once('.').map(|(_, rest)| rest == column);
            known.rules.iter().any(|rule| further(&rule.column) == Some(true))
        });
    // What a line holds of what is on offer, the rules of its reservation tell.
    let of_list = knowledge.bindings.table(record_type).is_some_and(|table| {
        let path = format!("{table}.{column}");
        let records = knowledge.records.get(RecordType::RESERVATION);
        records.is_some_and(|known| known.rules.iter().any(|rule| rule.column == path))
    });
    own || of_customer || of_list
}

/// Whether the column follows from the rest of the record, or from whose and what it is.
fn follows(knowledge: &Knowledge, snapshot: &Snapshot, record_type: &str, column: &str) -> bool {
    let is_telling = |how: &How| !matches!(how, How::Constant(_) | How::Empty);
    let within = knowledge.records.get(record_type).is_some_and(|known| {
        known.within.iter().any(|way| way.column == column && is_telling(&way.how))
    });
    let bindings = &knowledge.bindings;
    let parents = [
        bindings.tenant.as_deref(),
        bindings.table(RecordType::CUSTOMER),
        bindings.table(RecordType::RESERVATION),
    ];
    let table = bindings.table(record_type).and_then(|table| snapshot.table(table));
    let refers = table.and_then(|table| table.schema.foreign_key(column));
    within || refers.is_some_and(|key| parents.contains(&Some(key.table.as_str())))
}
