//! `truth.json`: what was lost, what changed, and which evidence tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Map, json};

use crate::clock::{BACKUP_AT, LOST_AT, TAKEN_AT, iso};
use crate::ledger::{Item, Ledger};
use super::life::{World, Writer};
use super::rows::TABLES;
use crate::cell::Cell;
use crate::error::WorldError;
use crate::world::WorldSummary;

/// Writes `truth/truth.json` and sums the world up.
pub(super) fn write(
    world: &World,
    ledger: &Ledger,
    seed: u64,
    dir: &Path,
) -> Result<WorldSummary, WorldError> {
    let witness = Witness::new(world, ledger);
    let mut summary = WorldSummary { evidence: ledger.counts().clone(), ..Default::default() };
    let (mut lost, mut changed, mut untouched, mut new) =
        (Map::new(), Map::new(), Map::new(), Map::new());
    for table in &TABLES {
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
                    let entry = witness.lost(name, *i, &row[0]);
                    unseen += usize::from(entry["recoverable"] == false);
                    lost_rows.push(entry);
                }
                Some(old) if old != row => {
                    let columns: Map<String, serde_json::Value> =
                        (table.columns.iter().enumerate())
                            .filter(|(c, _)| old[*c] != row[*c])
                            .map(|(c, column)| ((*column).to_owned(), plain(&row[c])))
                            .collect();
                    let seen_by = witness.changed(name, *i);
                    let key = plain(&row[0]);
                    changed_rows.push(json!({"key": key, "columns": columns, "seen_by": seen_by}));
                }
                Some(_) => {}
            }
        }
        summary.lost.insert(name.to_owned(), lost_rows.len());
        summary.unseen.insert(name.to_owned(), unseen);
        summary.changed.insert(name.to_owned(), changed_rows.len());
        untouched.insert(name.to_owned(), (before.len() - changed_rows.len()).into());
        for (map, rows) in [(&mut lost, lost_rows), (&mut changed, changed_rows)] {
            if !rows.is_empty() {
                map.insert(name.to_owned(), rows.into());
            }
        }
        let keys: Vec<_> = staff
            .iter()
            .filter(|(i, _)| is_new(world, name, *i))
            .map(|(_, row)| plain(&row[0]))
            .collect();
        if !keys.is_empty() {
            new.insert(name.to_owned(), keys.into());
        }
    }
    let path = dir.join("truth").join("truth.json");
    let head = json!({
        "kind": "car-rental", "seed": seed, "backup_at": iso(BACKUP_AT), "lost_at": iso(LOST_AT),
        "evidence": summary.evidence, "unseen": summary.unseen, "untouched": untouched,
        "staff_new": new,
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
fn section(
    out: &mut impl Write,
    name: &str,
    tables: &Map<String, serde_json::Value>,
) -> std::io::Result<()> {
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

/// Whether what staff wrote was never there before. A booking typed in again, and the customer
/// typed in for it, are old ones with new keys.
fn is_new(world: &World, table: &str, i: usize) -> bool {
    let mut again = world.rentals.iter().filter(|rental| rental.retyped.is_some());
    match table {
        "rentals" => world.rentals[i].retyped.is_none(),
        "customers" => !again.any(|rental| rental.customer == i),
        _ => true,
    }
}

fn plain(value: &Cell) -> serde_json::Value {
    match value {
        Cell::Null => serde_json::Value::Null,
        Cell::Integer(n) => (*n).into(),
        Cell::Text(text) => text.as_str().into(),
    }
}

/// Which items tell of what.
struct Witness<'a> {
    world: &'a World,
    /// The items about each rental.
    items: Vec<Vec<&'a Item>>,
    /// The payment provider's names of each customer.
    payers: BTreeMap<usize, Vec<&'a str>>,
    /// The rentals of each customer and of each car.
    customers: Vec<Vec<usize>>,
    cars: Vec<Vec<usize>>,
    /// What staff typed in again, by the lost rental and the lost customer.
    retyped: BTreeMap<usize, i64>,
    retyped_customers: BTreeMap<usize, i64>,
}

impl<'a> Witness<'a> {
    fn new(world: &'a World, ledger: &'a Ledger) -> Self {
        let mut items = vec![Vec::new(); world.rentals.len()];
        for item in &ledger.items {
            items[item.rental].push(item);
        }
        let mut payers: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (customer, native) in &ledger.payers {
            payers.entry(*customer).or_default().push(native);
        }
        let mut customers = vec![Vec::new(); world.customers.len()];
        let mut cars = vec![Vec::new(); world.vehicles.len()];
        let (mut retyped, mut retyped_customers) = (BTreeMap::new(), BTreeMap::new());
        for (i, rental) in world.rentals.iter().enumerate() {
            if rental.writer == Writer::Staff {
                if let Some(lost) = rental.retyped {
                    retyped.insert(lost, rental.id);
                    let original = world.rentals[lost].customer;
                    if original != rental.customer {
                        retyped_customers.insert(original, world.customers[rental.customer].id);
                    }
                }
                continue;
            }
            customers[rental.customer].push(i);
            cars[rental.last().vehicle].push(i);
        }
        Self { world, items, payers, customers, cars, retyped, retyped_customers }
    }

    /// The entry of a lost row.
    fn lost(&self, table: &str, i: usize, key: &Cell) -> serde_json::Value {
        let mut kinds = BTreeSet::new();
        let mut evidence = Vec::new();
        let mut entry = Map::new();
        entry.insert("key".to_owned(), plain(key));
        let mut see = |item: &Item| {
            kinds.insert(item.kind);
            evidence.push(item.native.clone());
        };
        match table {
            "rentals" => {
                self.items[i].iter().for_each(|item| see(item));
                let items = &self.items[i];
                if !items.is_empty() && items.iter().all(|item| item.by_hand) {
                    entry.insert("by_hand_only".to_owned(), true.into());
                }
                if let Some(key) = self.retyped.get(&i) {
                    entry.insert("retyped_as".to_owned(), (*key).into());
                }
            }
            "payments" => {
                let items = &self.items[self.world.payments[i].rental];
                items.iter().filter(|item| item.payments.contains(&i)).for_each(|item| see(item));
            }
            "customers" => {
                let rentals = &self.customers[i];
                let items = rentals.iter().flat_map(|rental| &self.items[*rental]);
                kinds.extend(items.map(|item| item.kind));
                for payer in self.payers.get(&i).into_iter().flatten() {
                    kinds.insert("stripe.customer");
                    evidence.push((*payer).to_owned());
                }
                let keys: Vec<i64> = rentals.iter().map(|r| self.world.rentals[*r].id).collect();
                entry.insert("rentals".to_owned(), keys.into());
                if let Some(key) = self.retyped_customers.get(&i) {
                    entry.insert("retyped_as".to_owned(), (*key).into());
                }
            }
            _ => {
                let items = self.cars[i].iter().flat_map(|rental| &self.items[*rental]);
                kinds.extend(items.map(|item| item.kind));
            }
        }
        evidence.sort_unstable();
        evidence.dedup();
        entry.insert("recoverable".to_owned(), (!kinds.is_empty()).into());
        entry.insert("seen_by".to_owned(), kinds.into_iter().collect::<Vec<_>>().into());
        if !evidence.is_empty() {
            entry.insert("evidence".to_owned(), evidence.into());
        }
        entry.into()
    }

    /// The kinds of items that were written after the backup about a row that changed.
    fn changed(&self, table: &str, i: usize) -> Vec<&'static str> {
        let later = |item: &&&Item| item.tells && item.at > BACKUP_AT;
        let kinds: BTreeSet<&'static str> = match table {
            "rentals" => self.items[i].iter().filter(later).map(|item| item.kind).collect(),
            "payments" => {
                let rental = self.world.payments[i].rental;
                self.items[rental].iter().filter(later).map(|item| item.kind).collect()
            }
            // The odometer stands in what is written at the return.
            "vehicles" => self.cars[i]
                .iter()
                .flat_map(|rental| {
                    let returned = self.world.rentals[*rental].returned;
                    self.items[*rental].iter().filter(later).filter(move |item| {
                        item.kind == "mail" && returned.is_some_and(|at| item.at >= at)
                    })
                })
                .map(|item| item.kind)
                .collect(),
            _ => BTreeSet::new(),
        };
        kinds.into_iter().collect()
    }
}
