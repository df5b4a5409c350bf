//! Lost records that a person said are right. Their evidence and their rows are examples of how
//! the one becomes the other, as those of the overlap are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use restitch_model::{EvidenceId, Snapshot, Value};

use crate::search::Pair;
use crate::shape::{Bindings, View};
use crate::study::{Material, views};

/// A record that a person confirmed, or one that such a record refers to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Confirmed {
    /// Its table.
    pub table: String,
    /// Its row, by column.
    pub row: BTreeMap<String, Value>,
    /// The items that it was put together from; none of a record that nobody was asked about.
    pub evidence: Vec<EvidenceId>,
}

/// What there is to learn from when confirmed records count as well.
pub(crate) struct Lessons<'l> {
    views: Cow<'l, BTreeMap<String, View>>,
    /// By record type.
    pairs: BTreeMap<String, Vec<Pair>>,
}

impl<'l> Lessons<'l> {
    pub(crate) fn of(
        material: &Material<'_>,
        bindings: &Bindings,
        own: &'l BTreeMap<String, View>,
        confirmed: &[Confirmed],
    ) -> Self {
        let mut lessons = Self { views: Cow::Borrowed(own), pairs: BTreeMap::new() };
        if confirmed.is_empty() {
            return lessons;
        }
        let at: BTreeMap<EvidenceId, usize> =
            material.items.iter().enumerate().map(|(at, item)| (item.evidence, at)).collect();
        let mut snapshot: Snapshot = material.snapshot.clone();
        for one in confirmed {
            let table = snapshot.tables.iter_mut().find(|table| table.schema.name == one.table);
            let Some(table) = table else { continue };
            let value = |name: &String| one.row.get(name).cloned().unwrap_or(Value::Null);
            let row = table.rows.len();
            table
                .rows
                .push(table.schema.columns.iter().map(|column| value(&column.name)).collect());
            let types = own.iter().filter(|(_, view)| view.table == one.table);
            for (record_type, _) in types {
                let items = one.evidence.iter().filter_map(|id| at.get(id).copied());
                let pairs = items.map(|item| Pair { item, row });
                lessons.pairs.entry(record_type.clone()).or_default().extend(pairs);
            }
        }
        if !lessons.pairs.is_empty() {
            lessons.views = Cow::Owned(views(&snapshot, bindings));
        }
        lessons
    }

    /// The table of a record type, with the confirmed rows behind those that survived.
    pub(crate) fn view(&self, record_type: &str) -> &View {
        &self.views[record_type]
    }

    /// The pairs, with those of confirmed records.
    pub(crate) fn pairs(&self, record_type: &str, own: &[Pair]) -> Vec<Pair> {
        let confirmed = self.pairs.get(record_type).into_iter().flatten();
        let mut all: Vec<Pair> = own.iter().chain(confirmed).cloned().collect();
        all.sort_by_key(|pair| (pair.item, pair.row));
        all
    }
}
