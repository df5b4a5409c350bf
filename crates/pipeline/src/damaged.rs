//! A recovery from damage that is not "everything since the backup": what is rebuilt is held
//! against the damage, and what lies outside of it is not touched.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_learn::damage::{About, Damage, OfRows};
use restitch_learn::rebuild::Sightings;
use restitch_learn::study::{anchor_known, views};
use restitch_learn::zones::Zones;
use restitch_learn::{Knowledge, Material, Pins, Rebuilt, Scope};
use restitch_model::{
    Candidate, CandidateId, Cell, EvidenceId, RowKey, TimeWindow, Value, Verdict,
};

use crate::error::PipelineError;

/// Why a record waits that damage does not explain.
const OUTSIDE: &str = "it lies outside of the damage, where what stands is taken for true";
/// Why a record waits that changes no overwritten column.
const NOTHING: &str = "nothing tells a column that was overwritten";
/// Why a second record of one row waits.
const TWICE: &str = "another record speaks of the same overwritten row";

/// A rule less sure than this fills no overwritten column without a reviewer.
const MENDS: f64 = 0.9;

/// Rebuilds what the damage took or overwrote. Rows are put back where it took some, and of rows
/// in which it overwrote a column that column alone is written. All else waits for a person.
pub(crate) fn rebuild(
    material: &Material<'_>,
    knowledge: &Knowledge,
    damage: &Damage,
    accept_at: f64,
    pins: &BTreeMap<String, Pins>,
) -> Result<Rebuilt, PipelineError> {
    let bindings = &knowledge.bindings;
    damage.check(material.snapshot, bindings).map_err(PipelineError::Damage)?;
    let outside = damage.outside(material.snapshot, bindings);
    let left = views(&outside, bindings);
    let of_outside = Material { snapshot: &outside, views: &left, ..*material };
    let window = TimeWindow { start: damage.start(), end: knowledge.incident.lost_at };
    let scope = Scope { window, as_of: window.end, accept_at };
    let mut rebuilt = restitch_learn::rebuild_pinned(&of_outside, knowledge, scope, pins)?;
    // How many nobody saw is estimated from what was seen since a backup.
    rebuilt.sightings = Sightings::default();
    let rows = Rows::of(material, knowledge, damage);
    let mut kept: BTreeSet<CandidateId> = BTreeSet::new();
    let mut taken: BTreeSet<(String, usize)> = BTreeSet::new();
    for candidate in &mut rebuilt.candidates {
        let name = candidate.table.clone();
        if let Some(key) = &candidate.surviving {
            let about = rows.about(&name, key);
            if about.is_none_or(|about| !damage.took(about)) {
                hold(candidate, OUTSIDE);
            }
            continue;
        }
        match rows.overwritten(candidate) {
            Some(row) if taken.insert((name, row)) => {
                rows.mend(candidate, row, damage, accept_at);
            }
            Some(_) => hold(candidate, TWICE),
            None if damage.explains(about(candidate)) => {
                kept.insert(candidate.id.clone());
            }
            None => {}
        }
    }
    // What hung on a row that the damage took went with it, whenever it was made.
    while keep_what_hangs(&rebuilt.candidates, &mut kept) {}
    for candidate in &mut rebuilt.candidates {
        if candidate.surviving.is_none() && !kept.contains(&candidate.id) {
            hold(candidate, OUTSIDE);
        }
    }
    Ok(rebuilt)
}

fn about(candidate: &Candidate) -> About<'_> {
    let (table, tenant) = (candidate.table.as_str(), candidate.tenant.as_deref());
    About { table, tenant, at: candidate.first_seen }
}

fn hold(candidate: &mut Candidate, reason: &str) {
    if candidate.verdict == Verdict::Accept {
        candidate.verdict = Verdict::Review;
    }
    if candidate.reasons.last().is_none_or(|said| said != reason) {
        candidate.reasons.push(reason.to_owned());
    }
}

/// Keeps lost records that refer to one that is kept; whether there were any.
fn keep_what_hangs(candidates: &[Candidate], kept: &mut BTreeSet<CandidateId>) -> bool {
    let hangs = |candidate: &&Candidate| {
        candidate.surviving.is_none()
            && !kept.contains(&candidate.id)
            && candidate
                .fields
                .iter()
                .any(|field| matches!(&field.cell, Cell::KeyOf(id) if kept.contains(id)))
    };
    let more: Vec<CandidateId> =
        candidates.iter().filter(hangs).map(|candidate| candidate.id.clone()).collect();
    kept.extend(more.iter().cloned());
    !more.is_empty()
}

/// The rows of the database as it stands, by what candidates know of them.
struct Rows<'r> {
    material: &'r Material<'r>,
    /// For each table, whose its rows are and when they were made, and its rows by key.
    tables: BTreeMap<&'r str, (OfRows<'r>, HashMap<RowKey, usize>)>,
    /// For each table of a record type in which rows were overwritten.
    overwritten: BTreeMap<&'r str, Overwritten<'r>>,
}

/// The overwritten rows of one table.
struct Overwritten<'r> {
    rows: BTreeSet<usize>,
    /// Rows by the values that name them to people.
    named: BTreeMap<&'r str, HashMap<&'r Value, usize>>,
    /// The row that each item is about.
    of_item: HashMap<EvidenceId, usize>,
}

impl<'r> Rows<'r> {
    fn of(material: &'r Material<'r>, knowledge: &'r Knowledge, damage: &Damage) -> Self {
        let (snapshot, bindings) = (material.snapshot, &knowledge.bindings);
        let mut tables = BTreeMap::new();
        for table in &snapshot.tables {
            let rows = table.rows.iter().enumerate().map(|(i, row)| (table.key(row), i));
            let name = table.schema.name.as_str();
            tables.insert(name, (OfRows::of(snapshot, name, bindings), rows.collect()));
        }
        let mut found = Self { material, tables, overwritten: BTreeMap::new() };
        if damage.parts.iter().all(|part| part.column.is_none()) {
            return found;
        }
        let zones = Zones::of(material.views.values(), &knowledge.zone);
        let anchored = anchor_known(material, knowledge, &zones, &|_| true);
        for (record_type, anchors) in &anchored {
            let Some(table) = bindings.table(record_type).and_then(|name| snapshot.table(name))
            else {
                continue;
            };
            let name = table.schema.name.as_str();
            let (of_rows, _) = &found.tables[name];
            let is_hit = |row: &usize| !damage.overwritten(of_rows.about(*row)).is_empty();
            let rows: BTreeSet<usize> = (0..table.rows.len()).filter(is_hit).collect();
            let keys = knowledge.records.get(record_type).map_or(&[][..], |r| &r.natural_keys);
            let named = keys.iter().filter_map(|key| Some((key, table.schema.position(key)?)));
            let named = named.map(|(key, at)| {
                (key.as_str(), rows.iter().map(|&row| (&table.rows[row][at], row)).collect())
            });
            let about = material.items.iter().zip(anchors);
            let of_item =
                about.filter_map(|(item, found)| Some((item.evidence, found.as_ref()?.row)));
            let overwritten =
                Overwritten { named: named.collect(), of_item: of_item.collect(), rows };
            found.overwritten.insert(name, overwritten);
        }
        found
    }

    fn about(&self, table: &str, key: &RowKey) -> Option<About<'_>> {
        let (of_rows, rows) = self.tables.get(table)?;
        Some(of_rows.about(*rows.get(key)?))
    }

    /// The overwritten row that a record is: the one that its name names, else the one that most
    /// of its evidence is about.
    fn overwritten(&self, candidate: &Candidate) -> Option<usize> {
        let of_table = self.overwritten.get(candidate.table.as_str())?;
        for (key, rows) in &of_table.named {
            if let Some(Cell::Is(value)) = candidate.field(key).map(|field| &field.cell) {
                return rows.get(value).copied();
            }
        }
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        for row in candidate.evidence.iter().filter_map(|id| of_table.of_item.get(id)) {
            *votes.entry(*row).or_default() += 1;
        }
        let most = votes.into_iter().max_by_key(|&(row, n)| (n, std::cmp::Reverse(row)));
        most.map(|(row, _)| row).filter(|row| of_table.rows.contains(row))
    }

    /// Makes of a record what it tells of the overwritten columns of its row. What stands there is
    /// known not to be true, so the record must be as sure as one whose row is gone, and what is
    /// written as sure as what changes a surviving row.
    fn mend(&self, candidate: &mut Candidate, row: usize, damage: &Damage, accept_at: f64) {
        let Some(table) = self.material.snapshot.table(&candidate.table) else { return };
        let (of_rows, _) = &self.tables[table.schema.name.as_str()];
        let columns = damage.overwritten(of_rows.about(row));
        candidate.surviving = Some(table.key(&table.rows[row]));
        candidate.fields.retain(|field| columns.contains(&field.column.as_str()));
        candidate.conflicts.retain(|conflict| columns.contains(&conflict.column.as_str()));
        candidate.reasons.clear();
        let least = candidate.fields.iter().map(|field| field.confidence).fold(1.0, f64::min);
        candidate.verdict = if candidate.fields.is_empty() {
            candidate.reasons.push(NOTHING.to_owned());
            Verdict::Reject
        } else if candidate.confidence >= accept_at && least >= MENDS {
            Verdict::Accept
        } else {
            candidate.reasons.push(format!(
                "an overwritten column would be filled, the record with confidence {:.3} and the \
                 value with {least:.3}",
                candidate.confidence
            ));
            Verdict::Review
        };
    }
}
