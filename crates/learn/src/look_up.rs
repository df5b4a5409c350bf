//! Rows of other tables that a record refers to, found by what evidence says of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_facts::words::fold;
use restitch_model::{Cell, Field, Observation, Reading, Row, Snapshot, Table, Value};

use crate::fold::{Chosen, choose, choose_among};
use crate::shape::{ColumnKind, View};

/// The rows of the tables that views refer to, by the values of each of their columns.
#[derive(Debug, Default)]
pub struct LookUps {
    /// By table, for each column: folded value to rows, in their order.
    tables: BTreeMap<String, Vec<HashMap<String, Vec<u32>>>>,
}

/// A row with its table.
pub struct Found<'s> {
    table: &'s Table,
    row: &'s Row,
}

impl<'s> Found<'s> {
    /// The value of a column.
    pub fn get(&self, column: &str) -> Option<&'s Value> {
        self.table.schema.position(column).map(|p| &self.row[p])
    }
}

impl LookUps {
    /// Indexes all tables that the views refer to.
    pub fn of<'v>(snapshot: &Snapshot, views: impl IntoIterator<Item = &'v View>) -> Self {
        let mut tables = BTreeMap::new();
        let referred = views.into_iter().flat_map(|view| &view.paths).filter_map(|p| {
            let ColumnKind::Reference(table) = &p.kind else { return None };
            snapshot.table(table)
        });
        for table in referred {
            tables.entry(table.schema.name.clone()).or_insert_with(|| index(table));
        }
        Self { tables }
    }

    /// The row whose key a column of a record holds.
    pub fn row<'s>(
        &self,
        snapshot: &'s Snapshot,
        view: &View,
        column: &str,
        key: &Value,
    ) -> Option<Found<'s>> {
        let (table, at) = referred(snapshot, view, column)?;
        let rows = self.rows(table, at, &fold(&key.to_string()));
        let row = rows.iter().map(|&r| &table.rows[r as usize]).find(|row| row[at] == *key)?;
        Some(Found { table, row })
    }

    /// Looks up the row that readings such as `vehicle_id.plate` describe, and gives the field
    /// that refers to it. `None` where none fits, or more than one fits equally well.
    pub fn look_up(
        &self,
        snapshot: &Snapshot,
        view: &View,
        column: &str,
        tenant: Option<(&str, &Value)>,
        observations: &[&Observation],
    ) -> Option<Field> {
        let (target, key) = referred(snapshot, view, column)?;
        let prefix = format!("{column}.");
        let columns: BTreeSet<&str> = observations
            .iter()
            .flat_map(|o| &o.readings)
            .filter(|r| r.column.starts_with(&prefix) || r.column == column)
            .map(|r| r.column.as_str())
            .collect();
        // The tenant's own rows only, where rows of that table have a tenant.
        let mut left: Option<Vec<u32>> = tenant.and_then(|(table, value)| {
            let fk = target.schema.foreign_keys.iter().find(|k| k.table == table)?;
            let at = target.schema.position(&fk.column)?;
            Some(self.rows(target, at, &fold(&value.to_string())).to_vec())
        });
        let mut decided: Option<Field> = None;
        let position = |path: &str| match path.strip_prefix(&prefix) {
            Some(further) => target.schema.position(further),
            None => Some(key),
        };
        let fits = |left: &Option<Vec<u32>>, p: usize, value: &Value| -> Vec<u32> {
            let hits = self.rows(target, p, &fold(&value.to_string()));
            let is_left = |row: &&u32| left.as_ref().is_none_or(|l| l.binary_search(row).is_ok());
            hits.iter().filter(is_left).copied().collect()
        };
        let mut chosen: Vec<(f64, &str, Chosen<'_>)> = Vec::new();
        for path in columns {
            let p = position(path)?;
            // What another says may be misread: one that is there is what they speak of.
            let is_there = |reading: &Reading| !fits(&left, p, &reading.value).is_empty();
            let said = choose_among(path, observations, &is_there);
            let said = said.or_else(|| choose(path, observations));
            chosen.extend(said.map(|said| (said.reading.accuracy, path, said)));
        }
        chosen.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        for (_, path, said) in &chosen {
            let fits = fits(&left, position(path)?, &said.reading.value);
            // A reading that fits no row is misread where surer ones fitted, and else speaks
            // of a row that is not there.
            if fits.is_empty() {
                decided.as_ref()?;
                continue;
            }
            let before = left.as_ref().map_or(target.rows.len(), Vec::len);
            if fits.len() < before || before == 1 {
                decided = Some(said.field(column));
            }
            left = Some(fits);
        }
        match (left?.as_slice(), decided) {
            ([row], Some(field)) => {
                let cell = Cell::Is(target.rows[*row as usize][key].clone());
                Some(Field { cell, ..field })
            }
            _ => None,
        }
    }

    fn rows(&self, table: &Table, column: usize, folded: &str) -> &[u32] {
        let index = self.tables.get(&table.schema.name).and_then(|columns| columns.get(column));
        index.and_then(|index| index.get(folded)).map_or(&[], Vec::as_slice)
    }
}

fn index(table: &Table) -> Vec<HashMap<String, Vec<u32>>> {
    let mut columns = vec![HashMap::new(); table.schema.columns.len()];
    for (r, row) in table.rows.iter().enumerate() {
        for (index, value) in columns.iter_mut().zip(row).filter(|(_, v)| !v.is_null()) {
            let rows: &mut Vec<u32> = index.entry(fold(&value.to_string())).or_default();
            rows.push(r as u32);
        }
    }
    columns
}

/// The table that a column refers to, and the position there of the column that it holds.
fn referred<'s>(snapshot: &'s Snapshot, view: &View, column: &str) -> Option<(&'s Table, usize)> {
    let ColumnKind::Reference(_) = &view.path(column)?.kind else { return None };
    let key = snapshot.table(&view.table)?.schema.foreign_key(column)?;
    let table = snapshot.table(&key.table)?;
    Some((table, table.schema.position(&key.to)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{observation, snapshot, table};

    /// The car that is found when this is said of it, for a house where one is known.
    fn car(said: &[(&str, &str, f64)], house: Option<i64>) -> Option<String> {
        let snapshot = snapshot(vec![
            table("houses", "id name", &["1 | North", "2 | South"]),
            table(
                "cars",
                "id house>houses plate model",
                &[
                    "11 | 1 | B-X 1 | Polo",
                    "12 | 1 | B-X 2 | Polo",
                    "13 | 2 | S-Y 3 | Golf",
                    "14 | 2 | S-Y 4 | Polo",
                ],
            ),
            table("bookings", "id car>cars", &["1 | 11"]),
        ]);
        let view = View::of(&snapshot, "bookings").unwrap();
        let look_ups = LookUps::of(&snapshot, [&view]);
        let house = house.map(Value::Integer);
        let tenant = house.as_ref().map(|house| ("houses", house));
        let field = look_ups.look_up(&snapshot, &view, "car", tenant, &[&observation(1, said)])?;
        match field.cell {
            Cell::Is(key) => Some(key.to_string()),
            Cell::KeyOf(_) => None,
        }
    }

    #[test]
    fn a_row_is_looked_up_by_what_is_said_of_it() {
        assert_eq!(car(&[("car.plate", "b-x 2", 0.9)], None).as_deref(), Some("12"));
    }

    #[test]
    fn two_rows_that_fit_alike_are_none() {
        assert_eq!(car(&[("car.model", "Polo", 0.9)], None), None);
        let both = [("car.model", "Polo", 0.9), ("car.plate", "B-X 1", 0.8)];
        assert_eq!(car(&both, None).as_deref(), Some("11"));
    }

    #[test]
    fn rows_of_another_tenant_are_not_looked_at() {
        let polo = [("car.model", "Polo", 0.9)];
        assert_eq!(car(&polo, Some(2)).as_deref(), Some("14"));
        assert_eq!(car(&[("car.model", "Golf", 0.9)], Some(1)), None);
    }

    #[test]
    fn a_surer_reading_that_fits_no_row_makes_none() {
        let gone = [("car.plate", "Z-Z 9", 0.9), ("car.model", "Golf", 0.8)];
        assert_eq!(car(&gone, None), None);
    }
}
