//! Lines of lists in a rehearsal: held against the rows that were forgotten with their records.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Candidate, Cell, RecordType, Verdict};

use super::Outcome;
use super::judge::Judge;
use crate::knowledge::Knowledge;
use crate::lists::List;
use crate::lists::lines::told;
use crate::records::KEY;
use crate::shape::View;
use crate::study::{AnchoredRows, Material};

/// One list with the rows that evidence tells of.
pub(super) struct Seen {
    /// The lines that evidence of the overlap names.
    pub(super) told: BTreeSet<usize>,
    /// The lines of records that evidence since the backup speaks of.
    pub(super) later: BTreeSet<usize>,
    /// The record of each line.
    pub(super) record_of: BTreeMap<usize, usize>,
}

impl Seen {
    /// What evidence tells of the lines of a list: `truth` anchors the items of the overlap,
    /// `later` are the records that later evidence speaks of.
    pub(super) fn of(
        material: &Material<'_>,
        knowledge: &Knowledge,
        list: &List,
        lines: &View,
        truth: &AnchoredRows,
        later: BTreeSet<usize>,
    ) -> Self {
        let named = told(material, knowledge, list, lines, &truth[RecordType::RESERVATION]);
        Self {
            told: named.into_keys().collect(),
            later: list.lines_of(later).map(|(line, _)| line).collect(),
            record_of: list.lines_of(0..list.records()).collect(),
        }
    }
}

impl Judge<'_> {
    /// What became of a line: it is right where its reservation was forgotten and held it.
    pub(super) fn line(&self, candidate: &Candidate, list: &List) -> Option<Outcome> {
        let lines = self.lines.get(&list.record_type)?;
        let Cell::KeyOf(id) = &candidate.field(&list.owner)?.cell else { return None };
        let parent = self.rebuilt.get(id)?;
        let record = self.true_row(RecordType::RESERVATION, parent);
        if record.is_none() && self.is_excused(candidate) {
            return None;
        }
        let keys = &self.learned.records[RecordType::RESERVATION].natural_keys;
        let names = |k: &String| parent.field(k).is_some_and(|f| f.confidence >= KEY);
        let has_key = keys.iter().any(names);
        let is_forgotten = record.is_some_and(|record| self.forgotten.contains(&record));
        if !has_key && record.is_some() && !is_forgotten {
            return None;
        }
        let Cell::Is(key) = &candidate.field(&list.offer)?.cell else { return None };
        let offer = list.offer_of(key)?;
        let row = record.and_then(|record| list.line(record, offer));
        let first = self.items_of(candidate).next()?;
        Some(Outcome {
            record_type: list.record_type.clone(),
            kinds: self.kinds(candidate).len(),
            form: self.material.parts[first].form.clone(),
            made_at: self.material.items[first].made_at,
            has_key,
            has_conflict: !candidate.conflicts.is_empty(),
            states: BTreeSet::new(),
            row,
            created: record
                .and_then(|row| self.material.views[RecordType::RESERVATION].created(row)),
            is_right: row.is_some() && is_forgotten,
            is_whole: candidate.verdict == Verdict::Accept,
            said: Vec::new(),
            rebuilt: (self.part, candidate.id.clone()),
            owner: self.owner(candidate),
            is_by_likeness: false,
            is_faint: false,
            columns: row.map_or_else(Vec::new, |row| self.columns(lines, candidate, row)),
        })
    }
}
