//! Damage done to a snapshot on purpose.

use std::collections::{BTreeMap, BTreeSet};

use restitch_learn::damage::{Damage, OfRows, Part};
use restitch_learn::shape::Bindings;
use restitch_model::{Digest, Row, RowKey, Snapshot, Table, Value};

use crate::error::DrillError;
use crate::forget::{Forgotten, Gone, without};
use crate::score::identity;

/// A snapshot that was damaged, and how it differs from what it was.
pub(crate) struct Damaged {
    /// What is left.
    pub(crate) snapshot: Snapshot,
    /// The keys of the rows that are gone, by table.
    pub(crate) dropped: BTreeMap<String, BTreeSet<RowKey>>,
    /// The cells that were overwritten, by table: the row, the column and what it says now.
    pub(crate) overwritten: BTreeMap<String, Vec<(RowKey, String, Value)>>,
    /// The rows that were added, by table.
    pub(crate) added: BTreeMap<String, Vec<Row>>,
}

impl From<Forgotten> for Damaged {
    fn from(forgotten: Forgotten) -> Self {
        Self {
            snapshot: forgotten.snapshot,
            dropped: forgotten.dropped,
            overwritten: BTreeMap::new(),
            added: BTreeMap::new(),
        }
    }
}

/// Does damage to a snapshot. Rows that are gone take with them what refers to them. An
/// overwritten column says in all rows that are hit what the first of them said. A copied row
/// stands there again with the next free key.
///
/// # Errors
/// What is to be damaged is not there, or no row of the table can stand twice.
pub(crate) fn damage(
    snapshot: &Snapshot,
    damage: &Damage,
    bindings: &Bindings,
) -> Result<Damaged, DrillError> {
    damage.check(snapshot, bindings).map_err(DrillError::Damage)?;
    let mut gone = Gone::new();
    for table in &snapshot.tables {
        let of_rows = OfRows::of(snapshot, &table.schema.name, bindings);
        let taken = (0..table.rows.len()).filter(|&row| damage.took(of_rows.about(row)));
        gone.insert(&table.schema.name, taken.collect());
    }
    let mut damaged = Damaged::from(without(snapshot, gone));
    for part in &damage.parts {
        let Some(name) = &part.table else { continue };
        let left = damaged.snapshot.clone();
        let of_rows = OfRows::of(&left, name, bindings);
        let Some(table) = damaged.snapshot.tables.iter_mut().find(|t| t.schema.name == *name)
        else {
            continue;
        };
        let hit = (0..table.rows.len()).filter(|&row| part.covers(of_rows.about(row))).collect();
        if let Some(column) = &part.column {
            let cells = overwrite(table, column, hit, part)?;
            damaged.overwritten.entry(name.clone()).or_default().extend(cells);
        } else if part.is_copied {
            let rows = copy(table, hit, part)?;
            damaged.added.entry(name.clone()).or_default().extend(rows);
        }
    }
    damaged.snapshot.fingerprint =
        Digest::of(format!("{}{damage:?}", damaged.snapshot.fingerprint).as_bytes());
    Ok(damaged)
}

fn overwrite(
    table: &mut Table,
    column: &str,
    hit: Vec<usize>,
    part: &Part,
) -> Result<Vec<(RowKey, String, Value)>, DrillError> {
    let refuse = |why: &str| Err(DrillError::Damage(format!("{part}: {why}")));
    let Some(at) = table.schema.position(column) else { return Ok(Vec::new()) };
    if table.schema.columns[at].generated {
        return refuse("the database computes this column itself");
    }
    let keys = table.schema.uniques.iter().chain([&table.schema.primary_key]);
    if keys.into_iter().any(|key| *key == [column]) {
        return refuse("no two rows may say the same in this column");
    }
    let Some(said) = hit.first().map(|&row| table.rows[row][at].clone()) else {
        return refuse("it hits no row");
    };
    let keys = hit.iter().map(|&row| (identity(table, &table.rows[row]), column.to_owned()));
    let cells: Vec<_> = keys.map(|(key, column)| (key, column, said.clone())).collect();
    for row in hit {
        table.rows[row][at] = said.clone();
    }
    Ok(cells)
}

fn copy(table: &mut Table, hit: Vec<usize>, part: &Part) -> Result<Vec<Row>, DrillError> {
    let refuse = |why: String| Err(DrillError::Damage(format!("{part}: {why}")));
    let [key] = table.schema.primary_key.as_slice() else {
        return refuse(format!("the key of {} does not count", table.schema.name));
    };
    let at = table.schema.position(key);
    let highest = at.and_then(|at| table.rows.iter().filter_map(|row| row[at].as_integer()).max());
    let (Some(at), Some(highest)) = (at, highest) else {
        return refuse(format!("the key of {} does not count", table.schema.name));
    };
    if let Some(unique) = table.schema.uniques.first() {
        let columns = unique.join(", ");
        return refuse(format!("no row can stand twice, since {columns} may not"));
    }
    let copies: Vec<Row> = hit
        .into_iter()
        .zip(highest + 1..)
        .map(|(row, key)| {
            let mut copied = table.rows[row].clone();
            copied[at] = Value::Integer(key);
            copied
        })
        .collect();
    if copies.is_empty() {
        return refuse("it hits no row".to_owned());
    }
    table.rows.extend(copies.iter().cloned());
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::snapshot;

    const SHOP: &str = "shops id*|name
        1|North
        2|South
        rentals id*|shop_id>shops|price|created_at
        1|1|100|2026-01-02T10:00:00Z
        2|2|200|2026-01-03T10:00:00Z
        3|1|300|2026-01-21T10:00:00Z
        4|2|400|2026-01-22T10:00:00Z
        payments id*|rental_id>rentals|cents
        1|2|200
        2|4|400";

    /// What is left of the tables, a line each: keys, or prices where a column was overwritten.
    fn check(parts: &[&str]) -> Vec<String> {
        let snapshot = snapshot(SHOP);
        let bindings = Bindings { tenant: Some("shops".to_owned()), ..Bindings::default() };
        let parts = parts.iter().map(|part| part.parse().unwrap()).collect();
        match damage(&snapshot, &Damage { parts }, &bindings) {
            Err(error) => vec![error.to_string()],
            Ok(damaged) => damaged.snapshot.tables.iter().map(shown).collect(),
        }
    }

    fn shown(table: &Table) -> String {
        let at = table.schema.position("price");
        let row = |row: &Row| match at {
            Some(price) => format!("{}={}", row[0], row[price]),
            None => row[0].to_string(),
        };
        let rows: Vec<String> = table.rows.iter().map(row).collect();
        format!("{} {}", table.schema.name, rows.join(" "))
    }

    #[test]
    fn a_tenants_rows_go_with_what_hangs_on_them_and_the_tenant_stays() {
        assert_eq!(check(&["tenant:2"]), ["shops 1 2", "rentals 1=100 3=300", "payments "],);
    }

    #[test]
    fn limits_of_one_part_hold_together_and_parts_add_up() {
        assert_eq!(
            check(&["tenant:2+window:2026-01-20..2026-02-01", "table:payments"]),
            ["shops 1 2", "rentals 1=100 2=200 3=300", "payments "],
        );
    }

    #[test]
    fn an_overwritten_column_says_everywhere_what_the_first_row_said() {
        assert_eq!(
            check(&["column:rentals.price+window:2026-01-20..2026-02-01"]),
            ["shops 1 2", "rentals 1=100 2=200 3=300 4=300", "payments 1 2"],
        );
    }

    #[test]
    fn copied_rows_get_the_next_free_keys() {
        assert_eq!(check(&["duplicates:payments"])[2], "payments 1 2 3 4");
    }

    #[test]
    fn what_cannot_be_damaged_is_refused_with_why() {
        for (part, why) in [
            ("tenant:9", "shops has no key 9; it has 1, 2"),
            ("table:bills", "there is no table bills; there are shops, rentals, payments"),
            ("column:rentals.cents", "rentals has no column cents"),
            ("column:rentals.id", "no two rows may say the same"),
            ("column:rentals.price+window:2020-01-01..2020-02-01", "it hits no row"),
        ] {
            let said = check(&[part]).join("");
            assert!(said.contains(why), "{said}");
        }
    }
}
