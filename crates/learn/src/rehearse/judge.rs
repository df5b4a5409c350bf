//! Whether what a rehearsal rebuilt is right: held against the rows that it forgot.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_facts::words::fold;
use restitch_model::{
    Candidate, CandidateId, Cell, EvidenceId, RecordType, Share, Snapshot, Table, Value, Verdict,
};

use super::Outcome;
use crate::damage::{About, Damage};
use crate::knowledge::Knowledge;
use crate::linking::{is_faint, least_likely};
use crate::news::{Teller, teller};
use crate::rebuild::source_of;
use crate::records::KEY;
use crate::rule::Read;
use crate::shape::{ColumnKind, Path, View};
use crate::study::{AnchoredRows, Material};

/// The rows of each view by what names them.
pub(super) fn rows_by_name<'j>(
    views: &'j BTreeMap<String, View>,
    learned: &'j Knowledge,
) -> BTreeMap<(&'j str, &'j str), HashMap<String, usize>> {
    let mut named = BTreeMap::new();
    for (record_type, view) in views {
        let keys = learned.records.get(record_type).map_or(&[][..], |r| &r.natural_keys);
        for (key, p) in keys.iter().filter_map(|key| Some((key, view.position(key)?))) {
            let rows: &mut HashMap<String, usize> =
                named.entry((record_type.as_str(), key.as_str())).or_default();
            for (r, row) in view.rows.iter().enumerate() {
                rows.entry(fold(&row[p].to_string())).or_insert(r);
            }
        }
    }
    named
}

/// For each table, its rows by the first column of their key.
pub(super) fn rows_by_key(snapshot: &Snapshot) -> BTreeMap<&str, HashMap<Value, usize>> {
    let of = |table: &Table| {
        let keys = table.rows.iter().enumerate();
        keys.filter_map(|(r, row)| Some((table.key(row).into_iter().next()?, r))).collect()
    };
    snapshot.tables.iter().map(|table| (table.schema.name.as_str(), of(table))).collect()
}

/// What a rehearsal rebuilt, held against the rows that it forgot.
pub(super) struct Judge<'j> {
    pub(super) material: &'j Material<'j>,
    pub(super) knowledge: &'j Knowledge,
    /// The tables of lists, by record type.
    pub(super) lines: &'j BTreeMap<String, View>,
    pub(super) truth: &'j AnchoredRows,
    pub(super) learned: &'j Knowledge,
    pub(super) damage: &'j Damage,
    pub(super) forgotten: &'j BTreeSet<usize>,
    /// Which rehearsal this is.
    pub(super) part: usize,
    /// Where each piece of evidence stands among the items.
    pub(super) positions: &'j BTreeMap<EvidenceId, usize>,
    /// Rows by what names them, for each record type and naming column.
    pub(super) named: BTreeMap<(&'j str, &'j str), HashMap<String, usize>>,
    /// For each table, its rows by their key.
    pub(super) rows_of: BTreeMap<&'j str, HashMap<Value, usize>>,
    /// What was rebuilt, by id.
    pub(super) rebuilt: BTreeMap<&'j CandidateId, &'j Candidate>,
}

impl Judge<'_> {
    pub(super) fn outcome(&self, candidate: &Candidate) -> Option<Outcome> {
        let reservations = self.material.views.get(RecordType::RESERVATION);
        let of = candidate.record_type.as_str();
        if let Some(list) = reservations.and_then(|view| view.list_of(of)) {
            return self.line(candidate, list);
        }
        let record_type = [RecordType::RESERVATION, RecordType::PAYMENT]
            .into_iter()
            .find(|r| candidate.record_type.as_str() == *r)?;
        // The rows that are left may look like another table's: nothing to compare with then.
        let view = self.material.views.get(record_type)?;
        let row = self.true_row(record_type, candidate);
        if row.is_none() && self.is_excused(candidate) {
            return None;
        }
        // Evidence of a row that was not forgotten, or of none, makes a wrong record.
        let is_forgotten = |row: usize| match record_type {
            RecordType::RESERVATION => self.forgotten.contains(&row),
            _ => true,
        };
        let keys = &self.learned.records[record_type].natural_keys;
        // As in a recovery, where what is less sure names nothing.
        let names = |k: &String| candidate.field(k).is_some_and(|f| f.confidence >= KEY);
        let has_key = keys.iter().any(names);
        // In a recovery what is said of surviving rows lies before the backup, and what names
        // no record is known by that.
        if !has_key && row.is_some_and(|row| !is_forgotten(row)) {
            return None;
        }
        let columns = row.map_or_else(Vec::new, |row| self.columns(view, candidate, row));
        let decisive = self.decisive(record_type);
        let is_right = row.is_some_and(is_forgotten)
            && columns.iter().all(|(column, right)| *right || !decisive.contains(column));
        let kinds: BTreeSet<&str> = self.kinds(candidate);
        let first = self.items_of(candidate).next()?;
        Some(Outcome {
            record_type: record_type.to_owned(),
            kinds: kinds.len(),
            form: self.material.parts[first].form.clone(),
            made_at: self.material.items[first].made_at,
            has_key,
            has_conflict: !candidate.conflicts.is_empty(),
            states: self.states(candidate),
            row,
            created: row.and_then(|row| view.created(row)),
            is_right,
            is_whole: candidate.verdict == Verdict::Accept,
            said: self.said(candidate, &columns),
            rebuilt: (self.part, candidate.id.clone()),
            owner: self.owner(candidate),
            is_by_likeness: record_type == RecordType::PAYMENT && !candidate.links.is_empty(),
            is_faint: (record_type == RecordType::PAYMENT || !has_key)
                && is_faint(least_likely(&candidate.links)),
            columns,
        })
    }

    /// Whether the damage may have taken a record that stands nowhere, or what it hangs on: then it
    /// is no wrong one.
    pub(super) fn is_excused(&self, candidate: &Candidate) -> bool {
        let about = About {
            table: &candidate.table,
            tenant: candidate.tenant.as_deref(),
            at: candidate.first_seen,
        };
        let parents = || {
            candidate.fields.iter().filter_map(|field| match &field.cell {
                Cell::KeyOf(id) => self.rebuilt.get(id),
                Cell::Is(_) => None,
            })
        };
        !self.damage.is_empty()
            && (self.damage.excuses(about) || parents().any(|parent| self.is_excused(parent)))
    }

    /// Who said what the columns hold that evidence told, and whether it was so.
    fn said(&self, candidate: &Candidate, columns: &[(String, bool)]) -> Vec<(Teller, bool)> {
        let told = |(column, is_right): &(String, bool)| {
            let field = candidate.field(column)?;
            let at = self.positions.get(&field.evidence?)?;
            Some((teller(field, &self.material.parts[*at].form)?, *is_right))
        };
        columns.iter().filter_map(told).collect()
    }

    /// The rebuilt reservation that a payment is for.
    pub(super) fn owner(&self, candidate: &Candidate) -> Option<CandidateId> {
        candidate.fields.iter().find_map(|field| match &field.cell {
            Cell::KeyOf(id) => {
                let owner = self.rebuilt.get(id)?;
                let is_reservation = owner.record_type.as_str() == RecordType::RESERVATION;
                is_reservation.then(|| id.clone())
            }
            Cell::Is(_) => None,
        })
    }

    fn states(&self, candidate: &Candidate) -> BTreeSet<String> {
        self.items_of(candidate)
            .flat_map(|i| self.learned.states.states(&self.material.parts[i]))
            .collect()
    }

    pub(super) fn kinds(&self, candidate: &Candidate) -> BTreeSet<&str> {
        self.items_of(candidate).map(|i| source_of(&self.material.items[i].kind)).collect()
    }

    pub(super) fn items_of(&self, candidate: &Candidate) -> impl Iterator<Item = usize> {
        candidate.evidence.iter().filter_map(|evidence| self.positions.get(evidence).copied())
    }

    /// The row that a candidate stands for: the one that its key names, else the one that
    /// most of its evidence is anchored to.
    pub(super) fn true_row(&self, record_type: &str, candidate: &Candidate) -> Option<usize> {
        for key in &self.learned.records[record_type].natural_keys {
            let rows = self.named.get(&(record_type, key.as_str()))?;
            if let Some(Cell::Is(value)) = candidate.field(key).map(|f| &f.cell) {
                return rows.get(&fold(&value.to_string())).copied();
            }
        }
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        let anchors = &self.truth[record_type];
        for anchor in self.items_of(candidate).filter_map(|i| anchors[i]) {
            *votes.entry(anchor.row).or_default() += 1;
        }
        votes.into_iter().max_by_key(|&(row, n)| (n, std::cmp::Reverse(row))).map(|(row, _)| row)
    }

    /// The columns that make a record what it is: what names it, and what it was paid for.
    /// Where nothing names records, whose it is and when it was planned. How often the others
    /// are right is measured one by one.
    fn decisive(&self, record_type: &str) -> BTreeSet<String> {
        let Some(known) = self.knowledge.records.get(record_type) else { return BTreeSet::new() };
        let is_named = !known.natural_keys.is_empty();
        let parents = [RecordType::RESERVATION, RecordType::CUSTOMER];
        let parents: Vec<&str> = parents[..if is_named { 1 } else { 2 }]
            .iter()
            .filter_map(|r| self.knowledge.bindings.table(r))
            .collect();
        let is_parent = |kind: &ColumnKind| matches!(kind, ColumnKind::Reference(t) if parents.contains(&t.as_str()));
        let references = self.material.views[record_type]
            .paths
            .iter()
            .filter(|p| p.is_own() && is_parent(&p.kind));
        let columns = if is_named { &known.natural_keys } else { &known.planned };
        columns.iter().cloned().chain(references.map(|p| p.name.clone())).collect()
    }

    pub(super) fn columns(
        &self,
        view: &View,
        candidate: &Candidate,
        row: usize,
    ) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        for (path, truth) in view.paths.iter().zip(&view.rows[row]).filter(|(p, _)| p.is_own()) {
            let Some(field) = candidate.field(&path.name) else { continue };
            let is_right = match (&field.cell, &path.kind) {
                (_, ColumnKind::Key) => continue,
                (Cell::Is(value), ColumnKind::Time(_)) => {
                    value == truth
                        || self.is_near(candidate.record_type.as_str(), path, value, truth)
                }
                (Cell::Is(value), _) => value == truth,
                (Cell::KeyOf(other), ColumnKind::Reference(table)) => {
                    let other = self.rebuilt.get(other);
                    other.is_some_and(|other| self.is_same(other, table, truth))
                }
                (Cell::KeyOf(_), _) => false,
            };
            found.push((path.name.clone(), is_right));
        }
        found
    }

    /// Whether a time is as near as its rule promises.
    fn is_near(&self, record_type: &str, path: &Path, value: &Value, truth: &Value) -> bool {
        let ColumnKind::Time(format) = &path.kind else { return false };
        let within = self.learned.records[record_type]
            .rules
            .iter()
            .filter(|r| r.column == path.name)
            .filter_map(|r| match r.read {
                Read::Near { within_minutes, .. } => Some(within_minutes),
                _ => None,
            })
            .max();
        let seconds = |v: &Value| {
            let civil = format.parse(v)?;
            Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_second())
        };
        match (within, seconds(value), seconds(truth)) {
            (Some(minutes), Some(a), Some(b)) => (a - b).abs() <= minutes.saturating_mul(60),
            _ => false,
        }
    }

    /// Whether a new record of another table is the row that was forgotten with it: all the
    /// texts that both have agree in more than half.
    fn is_same(&self, other: &Candidate, table: &str, key: &Value) -> bool {
        let Some(table) = self.material.snapshot.table(table) else { return false };
        let Some(&at) = self.rows_of[table.schema.name.as_str()].get(key) else { return false };
        let row = &table.rows[at];
        if self.material.views.values().any(|v| v.table == table.schema.name) {
            // A reservation is the same when what names it is.
            return self.true_row(RecordType::RESERVATION, other) == Some(at);
        }
        let mut share = Share::default();
        for (column, value) in table.schema.columns.iter().zip(row) {
            let (Some(field), Value::Text(text)) = (other.field(&column.name), value) else {
                continue;
            };
            if let Cell::Is(Value::Text(found)) = &field.cell
                && !text.starts_with("20")
            {
                share.add(fold(found) == fold(text));
            }
        }
        share.hits * 2 > share.n
    }
}
