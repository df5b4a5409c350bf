//! Which row of one state is which row of another, where keys cannot be trusted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_model::{Snapshot, Table, Value};

/// Rows that share so much of what they say, by weight, are one.
const ALIKE: f64 = 0.35;
/// Rows that also share their key need no more than this: the key is a witness too, but a
/// weak one, since a restored database gives lost keys to other rows.
const SAME_KEY: f64 = 0.5;
/// A value in more rows than this points to nobody.
const COMMON: usize = 64;

/// For each table, the row on the right that each row on the left is.
pub(crate) type Pairs = BTreeMap<String, Vec<Option<usize>>>;

/// The tables of a snapshot, parents before children; a circle is cut at its last name.
pub(crate) fn parents_first(snapshot: &Snapshot) -> Vec<&Table> {
    let mut waiting: Vec<&Table> = snapshot.tables.iter().collect();
    waiting.sort_by(|a, b| a.schema.name.cmp(&b.schema.name));
    let known: BTreeSet<&str> = waiting.iter().map(|t| t.schema.name.as_str()).collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|table| {
            table.schema.foreign_keys.iter().all(|key| {
                let parent = key.table.as_str();
                done.contains(parent) || parent == table.schema.name || !known.contains(parent)
            })
        });
        let table = waiting.remove(ready.unwrap_or(0));
        done.insert(&table.schema.name);
        order.push(table);
    }
    order
}

/// The comparable columns of two states of one table.
pub(crate) struct Compared<'a> {
    left: &'a Table,
    right: &'a Table,
    columns: Vec<Compare<'a>>,
    /// Lists of positions in `columns` that tell rows apart by themselves.
    uniques: Vec<Vec<usize>>,
}

struct Compare<'a> {
    name: &'a str,
    left: usize,
    right: usize,
    /// For a reference: what each value on the left is on the right.
    refers: Option<HashMap<&'a Value, &'a Value>>,
    /// How many rows on the right hold a value.
    frequency: HashMap<&'a Value, usize>,
}

impl<'a> Compared<'a> {
    /// Looks at two states of a table. References are followed through `pairs`, which must
    /// hold the tables referred to; a reference to any other table is not compared.
    pub(crate) fn new(
        left: (&'a Snapshot, &'a Table),
        right: (&'a Snapshot, &'a Table),
        pairs: &Pairs,
    ) -> Self {
        let (left_all, left) = left;
        let (right_all, right) = right;
        let mut columns = Vec::new();
        for (position, column) in left.schema.columns.iter().enumerate() {
            let name = column.name.as_str();
            let Some(other) = right.schema.position(name) else { continue };
            if column.generated || surrogate(right) == Some(other) {
                continue;
            }
            let refers = match left.schema.foreign_key(name) {
                None => None,
                Some(key) => {
                    let followed = (left_all.table(&key.table), right_all.table(&key.table));
                    let (Some(from), Some(to)) = followed else { continue };
                    let Some(pairs) = pairs.get(&key.table) else { continue };
                    let (Some(a), Some(b)) =
                        (from.schema.position(&key.to), to.schema.position(&key.to))
                    else {
                        continue;
                    };
                    let mut map = HashMap::new();
                    for (row, pair) in from.rows.iter().zip(pairs) {
                        map.extend(pair.map(|pair| (&row[a], &to.rows[pair][b])));
                    }
                    Some(map)
                }
            };
            let mut frequency = HashMap::new();
            for row in &right.rows {
                *frequency.entry(&row[other]).or_default() += 1;
            }
            columns.push(Compare { name, left: position, right: other, refers, frequency });
        }
        let place = |name: &String| columns.iter().position(|column| column.name == name);
        let lists = right.schema.uniques.iter().chain([&right.schema.primary_key]);
        let uniques = lists
            .filter(|list| !list.is_empty())
            .filter_map(|list| list.iter().map(place).collect())
            .collect();
        Self { left, right, columns, uniques }
    }

    /// The columns' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.columns.iter().map(|column| column.name)
    }

    /// Whether a cell on the left says what the one on the right says.
    pub(crate) fn same(&self, left: usize, right: usize, column: &str) -> Option<bool> {
        let column = self.columns.iter().find(|compare| compare.name == column)?;
        Some(self.said(column, left) == Some(&self.right.rows[right][column.right]))
    }

    /// A cell on the left, in the words of the right; `None` for a reference to a row that is
    /// not there.
    fn said(&self, column: &Compare<'a>, left: usize) -> Option<&'a Value> {
        let value = &self.left.rows[left][column.left];
        match &column.refers {
            Some(map) if !value.is_null() => map.get(value).copied(),
            _ => Some(value),
        }
    }

    /// The share of what a row on the left says that the one on the right says too; a rare
    /// value counts more than a common one, and an empty cell says nothing.
    fn alike(&self, left: usize, right: usize) -> f64 {
        let n = self.right.rows.len().max(2) as f64;
        let (mut agreed, mut all) = (0.0, 0.0);
        for column in &self.columns {
            if self.left.rows[left][column.left].is_null() {
                continue;
            }
            let there = &self.right.rows[right][column.right];
            let weight = |value: &Value| {
                let frequency = column.frequency.get(value).copied().unwrap_or(1);
                // A little more than nothing, so that tiny tables still compare.
                (n / frequency as f64).log2() + 0.1
            };
            if self.said(column, left) == Some(there) {
                agreed += weight(there);
                all += weight(there);
            } else if !there.is_null() {
                all += weight(there);
            }
        }
        if all > 0.0 { agreed / all } else { 0.0 }
    }

    /// Pairs rows on the left with rows on the right: by a unique value, by the key where
    /// `trust_keys`, then the most alike first. With `once`, no row on the right is given
    /// twice.
    pub(crate) fn pair(
        &self,
        left: &[usize],
        right: &[usize],
        trust_keys: bool,
        once: bool,
    ) -> BTreeMap<usize, usize> {
        let mut pairs = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for unique in &self.uniques {
            let mut index: HashMap<Vec<&Value>, usize> = HashMap::new();
            for row in right {
                let values = unique.iter().map(|c| &self.right.rows[*row][self.columns[*c].right]);
                index.insert(values.collect(), *row);
            }
            for row in
                left.iter().filter(|row| !pairs.contains_key(*row)).copied().collect::<Vec<_>>()
            {
                let said: Option<Vec<&Value>> =
                    unique.iter().map(|c| self.said(&self.columns[*c], row)).collect();
                let Some(said) = said.filter(|values| values.iter().all(|v| !v.is_null())) else {
                    continue;
                };
                if let Some(other) =
                    index.get(&said).filter(|other| !once || !taken.contains(*other))
                {
                    pairs.insert(row, *other);
                    taken.insert(*other);
                }
            }
        }
        if trust_keys {
            self.by_key(left, right, &mut pairs, &mut taken);
        }
        self.by_likeness(left, right, once, &mut pairs, &mut taken);
        pairs
    }

    fn by_key(
        &self,
        left: &[usize],
        right: &[usize],
        pairs: &mut BTreeMap<usize, usize>,
        taken: &mut BTreeSet<usize>,
    ) {
        let keys: BTreeMap<_, usize> =
            right.iter().map(|row| (self.right.key(&self.right.rows[*row]), *row)).collect();
        for row in left {
            let other = keys.get(&self.left.key(&self.left.rows[*row]));
            if let Some(other) = other
                && !pairs.contains_key(row)
                && !taken.contains(other)
                && self.alike(*row, *other) >= SAME_KEY
            {
                pairs.insert(*row, *other);
                taken.insert(*other);
            }
        }
    }

    fn by_likeness(
        &self,
        left: &[usize],
        right: &[usize],
        once: bool,
        pairs: &mut BTreeMap<usize, usize>,
        taken: &mut BTreeSet<usize>,
    ) {
        let left: Vec<usize> =
            left.iter().copied().filter(|row| !pairs.contains_key(row)).collect();
        if left.is_empty() {
            return;
        }
        let mut holders: Vec<HashMap<&Value, Vec<usize>>> = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let mut map: HashMap<&Value, Vec<usize>> = HashMap::new();
            for row in right.iter().filter(|row| !once || !taken.contains(*row)) {
                let value = &self.right.rows[*row][column.right];
                if !value.is_null() {
                    map.entry(value).or_default().push(*row);
                }
            }
            holders.push(map);
        }
        let mut likely: Vec<(f64, usize, usize)> = Vec::new();
        for row in left {
            let mut others = BTreeSet::new();
            for (column, holders) in self.columns.iter().zip(&holders) {
                let rows = self.said(column, row).and_then(|value| holders.get(value));
                others.extend(rows.into_iter().filter(|rows| rows.len() <= COMMON).flatten());
            }
            likely.extend(others.into_iter().map(|other| (self.alike(row, other), row, other)));
        }
        likely.retain(|(alike, ..)| *alike >= ALIKE);
        // The most alike first: what is left is then always mutually the best.
        likely.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (_, row, other) in likely {
            if !pairs.contains_key(&row) && (!once || !taken.contains(&other)) {
                pairs.insert(row, other);
                taken.insert(other);
            }
        }
    }
}

/// The column of a key that only counts: one whole number that refers to nothing.
fn surrogate(table: &Table) -> Option<usize> {
    let [name] = table.schema.primary_key.as_slice() else { return None };
    let position = table.schema.position(name)?;
    let counts = table.schema.columns[position].declared.to_ascii_uppercase().contains("INT");
    (counts && table.schema.foreign_key(name).is_none()).then_some(position)
}
