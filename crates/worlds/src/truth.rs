//! `truth.json`: what was lost, what changed, and which evidence tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::cell::Cell;
use crate::clock::{BACKUP_AT, LOST_AT, TAKEN_AT, iso};
use crate::error::WorldError;
use crate::ledger::{Item, Ledger};
use crate::tables::{TableOf, Writer};
use crate::world::WorldSummary;

/// What a world knows of its things beyond their rows.
pub(crate) trait Witness {
    /// What tells of a lost thing.
    fn lost(&self, table: &str, thing: usize) -> Seen;
    /// The kinds of items that were written after the backup about a thing that changed.
    fn changed(&self, table: &str, thing: usize) -> BTreeSet<&'static str>;
    /// Whether what staff wrote was never there before. A booking typed in again, and the
    /// customer typed in for it, are old ones with new keys.
    fn is_new(&self, table: &str, thing: usize) -> bool;
    /// The columns of a table that evidence tells of some rows alone: of those that were not
    /// over, say. Of these the truth file says neither that they are told nor that they are not.
    fn partly(&self, _table: &str) -> &'static [&'static str] {
        &[]
    }
}

/// What tells of a lost thing.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) kinds: BTreeSet<&'static str>,
    /// The items, as their sources name them.
    pub(crate) evidence: Vec<String>,
    pub(crate) by_hand_only: bool,
    /// A customer's bookings: their table and keys.
    pub(crate) bookings: Option<(&'static str, Vec<Cell>)>,
    /// The key of the same thing, typed in again.
    pub(crate) retyped_as: Option<Cell>,
}

impl Seen {
    /// Adds an item that tells of the thing.
    pub(crate) fn by(&mut self, item: &Item) {
        self.kinds.insert(item.kind);
        self.evidence.push(item.native.clone());
    }

    fn entry(mut self, key: &Cell) -> Value {
        let mut entry = Map::new();
        entry.insert("key".to_owned(), key.json());
        if self.by_hand_only {
            entry.insert("by_hand_only".to_owned(), true.into());
        }
        if let Some((table, keys)) = &self.bookings {
            let keys: Vec<Value> = keys.iter().map(Cell::json).collect();
            entry.insert((*table).to_owned(), keys.into());
        }
        if let Some(key) = &self.retyped_as {
            entry.insert("retyped_as".to_owned(), key.json());
        }
        self.evidence.sort_unstable();
        self.evidence.dedup();
        entry.insert("recoverable".to_owned(), (!self.kinds.is_empty()).into());
        entry.insert("seen_by".to_owned(), self.kinds.into_iter().collect::<Vec<_>>().into());
        if !self.evidence.is_empty() {
            entry.insert("evidence".to_owned(), self.evidence.into());
        }
        entry.into()
    }
}

/// Writes `truth/truth.json` and sums the world up.
pub(crate) fn write<W>(
    (kind, seed): (&str, u64),
    world: &W,
    tables: &[TableOf<W>],
    witness: &impl Witness,
    ledger: &Ledger,
    dir: &Path,
) -> Result<WorldSummary, WorldError> {
    let mut summary = WorldSummary { evidence: ledger.counts().clone(), ..Default::default() };
    let (mut lost, mut changed, mut untouched, mut new, mut told) =
        (Map::new(), Map::new(), Map::new(), Map::new(), Map::new());
    for table in tables {
        let name = table.name;
        let before: BTreeMap<usize, Vec<Cell>> =
            table.rows(world, Writer::Business, BACKUP_AT).into_iter().collect();
        let truth = table.rows(world, Writer::Business, LOST_AT);
        let staff = table.rows(world, Writer::Staff, TAKEN_AT);
        summary.restored.insert(name.to_owned(), before.len() + staff.len());
        summary.truth.insert(name.to_owned(), truth.len());
        let (mut lost_rows, mut changed_rows, mut unseen) = (Vec::new(), Vec::new(), 0);
        for (i, row) in &truth {
            match before.get(i) {
                None => {
                    let seen = witness.lost(name, *i);
                    unseen += usize::from(seen.kinds.is_empty());
                    lost_rows.push(seen.entry(&row[0]));
                }
                Some(old) if old != row => {
                    let columns: Map<String, Value> = (table.columns.iter().enumerate())
                        .filter(|(c, _)| old[*c] != row[*c])
                        .map(|(c, column)| ((*column).to_owned(), row[c].json()))
                        .collect();
                    let seen_by: Vec<_> = witness.changed(name, *i).into_iter().collect();
                    let key = row[0].json();
                    changed_rows.push(json!({"key": key, "columns": columns, "seen_by": seen_by}));
                }
                Some(_) => {}
            }
        }
        summary.lost.insert(name.to_owned(), lost_rows.len());
        summary.unseen.insert(name.to_owned(), unseen);
        summary.changed.insert(name.to_owned(), changed_rows.len());
        untouched.insert(name.to_owned(), (before.len() - changed_rows.len()).into());
        let partly = witness.partly(name);
        let columns: Map<String, Value> = (table.columns.iter())
            .filter(|column| !partly.contains(column))
            .map(|column| ((*column).to_owned(), (!table.untold.contains(column)).into()))
            .collect();
        told.insert(name.to_owned(), columns.into());
        for (map, rows) in [(&mut lost, lost_rows), (&mut changed, changed_rows)] {
            if !rows.is_empty() {
                map.insert(name.to_owned(), rows.into());
            }
        }
        let keys: Vec<_> = staff
            .iter()
            .filter(|(i, _)| witness.is_new(name, *i))
            .map(|(_, row)| row[0].json())
            .collect();
        if !keys.is_empty() {
            new.insert(name.to_owned(), keys.into());
        }
    }
    let path = dir.join("truth").join("truth.json");
    let head = json!({
        "kind": kind, "seed": seed, "backup_at": iso(BACKUP_AT), "lost_at": iso(LOST_AT),
        "evidence": summary.evidence, "unseen": summary.unseen, "untouched": untouched,
        "staff_new": new, "told": told,
    });
    let save = || -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(&path)?);
        let head = serde_json::to_string(&head)?;
        writeln!(out, "{},", head.strip_suffix('}').unwrap_or(&head))?;
        section(&mut out, "lost", &lost)?;
        out.write_all(b",\n")?;
        section(&mut out, "changed", &changed)?;
        out.write_all(b"}\n")?;
        out.flush()
    };
    save().map_err(WorldError::write(&path))?;
    Ok(summary)
}

/// A map of tables to rows, one row a line.
fn section(out: &mut impl Write, name: &str, tables: &Map<String, Value>) -> std::io::Result<()> {
    write!(out, "\"{name}\":{{")?;
    for (i, (table, rows)) in tables.iter().enumerate() {
        write!(out, "{}\"{table}\":[", if i > 0 { "," } else { "" })?;
        for (n, row) in rows.as_array().into_iter().flatten().enumerate() {
            out.write_all(if n > 0 { b",\n" } else { b"\n" })?;
            serde_json::to_writer(&mut *out, row)?;
        }
        out.write_all(b"]")?;
    }
    out.write_all(b"}")
}
