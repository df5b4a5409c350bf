use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Candidate, Cell, Snapshot, Value};

/// The order in which candidates are planned: parents before children, by table, then by the
/// time that they speak of, then by name.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// Positions of candidates.
    pub(crate) sorted: Vec<usize>,
    /// Those that refer to each other in a circle, or to such.
    pub(crate) circular: Vec<usize>,
}

/// What a candidate says of its key, or of a row that it refers to.
pub(crate) struct Tie {
    /// The column's position in the table.
    pub(crate) position: usize,
    /// What it is to hold.
    pub(crate) cell: Cell,
    /// A reviewer typed it.
    pub(crate) typed: bool,
}

/// The ties of accepted candidates, by position.
pub(crate) type Ties = BTreeMap<usize, Vec<Tie>>;

/// The candidates that a draft may refer to, by whatever they are found by.
pub(crate) trait Parents {
    /// The position of the accepted candidate that a reference to another means, if any.
    fn of(&self, candidate: &restitch_model::CandidateId) -> Option<usize>;
}

/// Sorts the candidates of these ties.
pub(crate) fn order(
    snapshot: &Snapshot,
    candidates: &[Candidate],
    ties: &Ties,
    parents: &dyn Parents,
) -> Order {
    let ranks = table_ranks(snapshot);
    let named = named_keys(snapshot, candidates, ties);
    let mut waits_for: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut awaited_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (&i, own) in ties {
        let mut needed = BTreeSet::new();
        let schema = snapshot.table(&candidates[i].table).map(|t| &t.schema);
        for tie in own {
            match &tie.cell {
                Cell::KeyOf(id) => needed.extend(parents.of(id)),
                Cell::Is(value) => {
                    let name = schema.map(|s| &s.columns[tie.position].name);
                    let keys = schema.iter().flat_map(|s| &s.foreign_keys);
                    for key in keys.filter(|key| Some(&key.column) == name) {
                        needed
                            .extend(named.get(&(key.table.as_str(), value)).into_iter().flatten());
                    }
                }
            }
        }
        // A row may refer to itself by its own id; only a candidate that waits for its own
        // key through its name is a circle.
        let own_name =
            |tie: &Tie| matches!(&tie.cell, Cell::KeyOf(id) if parents.of(id) == Some(i));
        if !own.iter().any(own_name) {
            needed.remove(&i);
        }
        needed.retain(|parent| ties.contains_key(parent));
        for &parent in &needed {
            awaited_by.entry(parent).or_default().push(i);
        }
        waits_for.insert(i, needed);
    }
    let place = |i: usize| {
        let candidate = &candidates[i];
        let rank = ranks.get(candidate.table.as_str()).copied().unwrap_or(usize::MAX);
        // What has no time comes after what has one.
        (rank, candidate.first_seen.is_none(), candidate.first_seen, &candidate.id, i)
    };
    let mut ready: BTreeSet<_> =
        waits_for.iter().filter(|(_, n)| n.is_empty()).map(|(&i, _)| place(i)).collect();
    let mut order = Order::default();
    while let Some((.., i)) = ready.pop_first() {
        order.sorted.push(i);
        waits_for.remove(&i);
        for &child in awaited_by.get(&i).into_iter().flatten() {
            if let Some(needed) = waits_for.get_mut(&child) {
                needed.remove(&i);
                if needed.is_empty() {
                    ready.insert(place(child));
                }
            }
        }
    }
    order.circular = waits_for.into_keys().collect();
    order
}

/// Accepted candidates by table and the id that evidence names for them.
fn named_keys<'a>(
    snapshot: &'a Snapshot,
    candidates: &'a [Candidate],
    ties: &'a Ties,
) -> BTreeMap<(&'a str, &'a Value), Vec<usize>> {
    let mut named: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let keys = snapshot.tables.iter().flat_map(|table| &table.schema.foreign_keys);
    let referred: BTreeSet<&str> = keys.map(|key| key.table.as_str()).collect();
    for (&i, own) in ties {
        let candidate = &candidates[i];
        if !referred.contains(candidate.table.as_str()) {
            continue;
        }
        let schema = snapshot.table(&candidate.table).map(|t| &t.schema);
        let Some([key]) = schema.map(|s| &s.primary_key[..]) else { continue };
        let position = schema.and_then(|s| s.position(key));
        let tie = own.iter().find(|tie| Some(tie.position) == position);
        if let (Some(Cell::Is(value)), None) = (tie.map(|tie| &tie.cell), &candidate.surviving) {
            named.entry((candidate.table.as_str(), value)).or_default().push(i);
        }
    }
    named
}

/// The tables' places, those referred to first. Tables that refer to each other in a circle
/// come by name; their rows are still sorted one by one.
pub(crate) fn table_ranks(snapshot: &Snapshot) -> BTreeMap<&str, usize> {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for table in &snapshot.tables {
        let name = table.schema.name.as_str();
        let parents = table.schema.foreign_keys.iter().map(|key| key.table.as_str());
        left.insert(name, parents.filter(|parent| *parent != name).collect());
    }
    let mut ranks = BTreeMap::new();
    while let Some(next) = left
        .iter()
        .find(|(_, parents)| parents.iter().all(|p| !left.contains_key(p)))
        .or_else(|| left.iter().next())
        .map(|(name, _)| *name)
    {
        left.remove(next);
        ranks.insert(next, ranks.len());
    }
    ranks
}
