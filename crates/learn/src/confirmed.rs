//! Lost records that a person said are right. Their evidence and their rows are examples of how
//! the one becomes the other, as those of the overlap are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use restitch_model::{EvidenceId, Snapshot, Value};

use crate::search::Pair;
use crate::shape::View;
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
    pub(crate) fn of(material: &Material<'l>, confirmed: &[Confirmed]) -> Self {
        let own = material.views;
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
            lessons.views = Cow::Owned(views(&snapshot, material.bindings));
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

#[cfg(test)]
mod tests {
    use restitch_model::{EvidenceMeta, Instant};

    use super::*;
    use crate::item::Item;
    use crate::key_shape::KeyShapes;
    use crate::shape::{Bindings, Heard};
    use crate::sketch::{snapshot, table};
    use crate::source::Book;

    #[test]
    fn a_confirmed_record_is_a_row_behind_those_that_survived_and_pairs_with_its_evidence() {
        let rows = ["1 | BW-1 | 2026-03-01T10:00:00Z", "2 | BW-2 | 2026-03-02T10:00:00Z"];
        let snapshot = snapshot(vec![table("bookings", "id reference pickup_at", &rows)]);
        let told = BTreeMap::from([("reservation".to_owned(), "bookings".to_owned())]);
        let bindings = Bindings::find(&snapshot, &told, None, &Heard::default());
        let own = views(&snapshot, &bindings);
        let meta = EvidenceMeta {
            id: EvidenceId::of(b"mail"),
            source: "mail".to_owned(),
            kind: "mail".to_owned(),
            native_id: "1".to_owned(),
            container: "in".to_owned(),
            at: None,
            fetched_at: Instant::UNIX_EPOCH,
        };
        let items = [Item::new(&meta, Vec::new())];
        let material = Material {
            snapshot: &snapshot,
            items: &items,
            parts: &[],
            book: &Book::default(),
            shapes: &KeyShapes::default(),
            bindings: &bindings,
            views: &own,
        };
        let reference = ("reference".to_owned(), Value::from("BW-3"));
        let confirmed = Confirmed {
            table: "bookings".to_owned(),
            row: BTreeMap::from([reference]),
            evidence: vec![EvidenceId::of(b"mail"), EvidenceId::of(b"gone")],
        };
        let lessons = Lessons::of(&material, &[confirmed]);
        assert_eq!(lessons.view("reservation").rows.len(), 3);
        assert_eq!(own["reservation"].rows.len(), 2, "the rows that survived stay what they are");
        let pairs = lessons.pairs("reservation", &[Pair { item: 0, row: 0 }]);
        assert_eq!(pairs, [Pair { item: 0, row: 0 }, Pair { item: 0, row: 2 }]);
    }
}
