//! The evidence as learning sees it, and which of it counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_learn::{Item, date_rows, overlap};
use restitch_model::{EvidenceId, Instant, Snapshot};

use crate::error::PipelineError;
use crate::facts_table::{self, FACTS};
use crate::run::Run;

/// The evidence that counts for a database.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The items, in the order of time.
    pub items: Vec<Item>,
    /// How many more there are that are too old to count.
    pub older: usize,
}

impl Run<'_> {
    /// All evidence.
    pub fn items(&self) -> Result<Vec<Item>, PipelineError> {
        Ok(self.since(None)?.items)
    }

    /// The evidence that a database is learned from and rebuilt from: that of the time of its
    /// newest rows, where it has very many.
    pub fn evidence(&self, snapshot: &Snapshot) -> Result<Evidence, PipelineError> {
        self.since(overlap::taught_from(snapshot, &self.settings()))
    }

    /// The evidence of a time on. What is older is let go item by item, so that a case may hold
    /// far more evidence than there is memory for.
    pub fn since(&self, from: Option<Instant>) -> Result<Evidence, PipelineError> {
        if !self.case.has(FACTS) {
            return Err(PipelineError::Earlier { missing: "the facts are", command: "pull" });
        }
        let store = self.case.evidence()?;
        let mut positions: HashMap<EvidenceId, usize> = HashMap::with_capacity(store.len());
        for (position, meta) in store.metas().enumerate() {
            positions.entry(meta.id).or_insert(position);
        }
        let mut found = Evidence::default();
        // Rows of a table tell no time of their own: they are dated when all are there.
        let mut undated: Vec<Item> = Vec::new();
        let mut dated: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        facts_table::each(&self.case, &mut |id, facts| {
            let Some(&position) = positions.get(&id) else { return };
            let item = Item::new(&store.meta(position), facts);
            if item.at == Instant::UNIX_EPOCH {
                undated.push(item);
                return;
            }
            if !dated.get(&item.kind).is_some_and(|c| c.contains(&item.container)) {
                dated.entry(item.kind.clone()).or_default().insert(item.container.clone());
            }
            found.take(item, from);
        })?;
        let mut rows: Vec<Item> = Vec::new();
        for item in undated {
            // A source of which some items say when they were made is no such table.
            let is_dated = dated.get(&item.kind).is_some_and(|c| c.contains(&item.container));
            if is_dated { found.take(item, from) } else { rows.push(item) }
        }
        date_rows(&mut rows, self.settings().zone.as_deref().unwrap_or("UTC"));
        rows.into_iter().for_each(|row| found.take(row, from));
        found.items.sort_by_key(|item| (item.at, item.evidence));
        Ok(found)
    }
}

impl Evidence {
    fn take(&mut self, item: Item, from: Option<Instant>) {
        if from.is_some_and(|from| item.at < from) {
            self.older += 1;
        } else {
            self.items.push(item);
        }
    }
}
