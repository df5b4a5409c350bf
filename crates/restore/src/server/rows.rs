//! Rows read and written by key, many in one statement.

use restitch_model::{Row, RowKey, Value};

use super::copy::push_line;
use super::{Bind, Family, Raw, Relation, Server};
use crate::RestoreError;

/// The most rows of one statement of PostgreSQL, whose batches are arrays and copied lines.
const ROWS: usize = 10_000;
/// The most rows of one statement of MySQL, and how many keys PostgreSQL looks up by itself.
const FEW: usize = 1000;
/// The most values of one statement of MySQL, which allows 65,535.
const VALUES: usize = 30_000;

/// Has PostgreSQL join by looking up one row after the other.
const BY_INDEX: &str = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
/// Has it join as it thinks best again.
const ANY_WAY: &str = "SET LOCAL enable_hashjoin = DEFAULT; SET LOCAL enable_mergejoin = DEFAULT";

fn reading(relation: &Relation) -> String {
    format!("read rows of {}", relation.schema.name)
}

/// The least and the most of keys that are one whole number each, where at least every other number
/// in between is one of them.
fn close_range(keys: &[&RowKey]) -> Option<(i64, i64)> {
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for key in keys {
        let [Value::Integer(n)] = key[..] else { return None };
        (least, most) = (least.min(n), most.max(n));
    }
    let wide = most.checked_sub(least)?;
    (usize::try_from(wide).ok()? < 2 * keys.len()).then_some((least, most))
}

impl Server {
    /// How many rows of so many columns go into one statement.
    pub(crate) fn batch(&self, columns: usize) -> usize {
        match self.family() {
            Family::Postgres => ROWS,
            Family::MySql => (VALUES / columns.max(1)).clamp(1, FEW),
        }
    }

    /// All rows of a table, in the order of its key.
    pub(crate) fn all_rows(&mut self, relation: &Relation) -> Result<Vec<Row>, RestoreError> {
        let sql = format!("SELECT {} FROM {} t", relation.reads(), relation.source());
        let doing = format!("read the table {}", relation.schema.name);
        let rows = self.query(&doing, &sql, &[])?;
        let mut rows: Vec<Row> = rows.into_iter().map(|row| relation.row(row)).collect();
        // Sorted here and not by SQL, where the order depends on collations.
        let key = relation.key();
        rows.sort_by(|a, b| {
            key.iter().map(|&i| &a[i]).cmp(key.iter().map(|&i| &b[i])).then_with(|| a.cmp(b))
        });
        Ok(rows)
    }

    /// The number of rows of a table.
    pub(crate) fn count(&mut self, relation: &Relation) -> Result<u64, RestoreError> {
        let sql = format!("SELECT count(*) FROM {}", relation.source());
        let n = self.ask("count rows", &sql, &[])?;
        Ok(n.as_integer().and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// The rows with these keys, locked against others until the transaction ends where asked.
    pub(crate) fn rows_by_key(
        &mut self,
        relation: &Relation,
        keys: &[&RowKey],
        lock: bool,
    ) -> Result<Vec<Row>, RestoreError> {
        let mut found = Vec::new();
        for keys in keys.chunks(self.batch(relation.key().len())) {
            for row in self.fetch_by_key(relation, keys, lock)? {
                let row = row.map_err(|e| self.error(&reading(relation), &e))?;
                found.push(relation.row(row));
            }
        }
        Ok(found)
    }

    /// As [`Server::rows_by_key`], of so few keys that they go into one statement, and as they came.
    pub(crate) fn fetch_by_key(
        &mut self,
        relation: &Relation,
        keys: &[&RowKey],
        lock: bool,
    ) -> Result<Raw, RestoreError> {
        let (condition, binds) = self.among(relation, &relation.key(), keys, "t.");
        let doing = reading(relation);
        let family = self.family();
        let joined = match family {
            Family::Postgres => format!("{} t {condition}", relation.source()),
            Family::MySql => format!("{} t WHERE {condition}", relation.source()),
        };
        let lock = match (lock, family) {
            (false, _) => "",
            (true, Family::Postgres) => " FOR UPDATE OF t",
            (true, Family::MySql) => " FOR UPDATE",
        };
        // Of a table that has just grown the server would rather read all for each batch. One by
        // one, by the index that a key has, it also finds them in the order of the keys.
        let is_told = family == Family::Postgres && keys.len() > FEW;
        if is_told {
            self.statement(&doing, BY_INDEX)?;
        }
        let sql = format!("SELECT {} FROM {joined}{lock}", relation.reads());
        let rows = self.fetch(&sql, &binds).map_err(|e| self.error(&doing, &e))?;
        if is_told {
            self.statement(&doing, ANY_WAY)?;
        }
        Ok(rows)
    }

    /// The rows with these keys, of so few that they go into one statement, as they came; there may
    /// be others among them. Keys that lie close together are one range of the index, which costs
    /// the server half of what looking up each of them does.
    pub(crate) fn fetch_written(
        &mut self,
        relation: &Relation,
        keys: &[&RowKey],
    ) -> Result<Raw, RestoreError> {
        let (&[at], Some((least, most))) = (&relation.key()[..], close_range(keys)) else {
            return self.fetch_by_key(relation, keys, false);
        };
        let column = &relation.columns[at];
        let (from, to) = match self.family() {
            Family::Postgres => (
                format!("CAST($1::int8 AS {})", column.cast),
                format!("CAST($2::int8 AS {})", column.cast),
            ),
            Family::MySql => ("?".to_owned(), "?".to_owned()),
        };
        let sql = format!(
            "SELECT {} FROM {} t WHERE t.{name} BETWEEN {from} AND {to} ORDER BY t.{name}",
            relation.reads(),
            relation.source(),
            name = column.name
        );
        let found = self.fetch(&sql, &[least.into(), most.into()]);
        found.map_err(|e| self.error(&reading(relation), &e))
    }

    /// What keeps the rows whose columns hold one of these lists of values: a join on arrays
    /// for PostgreSQL, a condition for MySQL. `alias` stands before the names of columns.
    pub(crate) fn among(
        &self,
        relation: &Relation,
        columns: &[usize],
        wanted: &[&RowKey],
        alias: &str,
    ) -> (String, Vec<Bind>) {
        let column = |i: &usize| &relation.columns[*i];
        match self.family() {
            Family::Postgres => {
                let (list, binds) = arrays(relation, columns, wanted);
                let equal: Vec<String> = columns
                    .iter()
                    .enumerate()
                    .map(|(n, i)| {
                        let column = column(i);
                        format!("{alias}{} = CAST(n.v{n} AS {})", column.name, column.cast)
                    })
                    .collect();
                (format!("JOIN {list} ON {}", equal.join(" AND ")), binds)
            }
            Family::MySql => {
                let names: Vec<String> =
                    columns.iter().map(|i| format!("{alias}{}", column(i).name)).collect();
                let one = format!("({})", vec!["?"; columns.len()].join(", "));
                let all = vec![one; wanted.len()].join(", ");
                let given = wanted.iter().flat_map(|values| {
                    columns.iter().zip(values.iter()).map(|(i, v)| Bind::One(column(i).given(v)))
                });
                (format!("({}) IN ({all})", names.join(", ")), given.collect())
            }
        }
    }

    /// Inserts rows of these columns. An identity column takes what it is given, by COPY as well.
    pub(crate) fn insert(
        &mut self,
        relation: &Relation,
        columns: &[usize],
        rows: &[Vec<&Value>],
    ) -> Result<u64, sqlx::Error> {
        let column = |i: &usize| &relation.columns[*i];
        match self.family() {
            Family::Postgres if !relation.ruled => {
                let names: Vec<&str> = columns.iter().map(|i| column(i).name.as_str()).collect();
                let sql = format!("COPY {} ({}) FROM STDIN", relation.name, names.join(", "));
                self.copy(&sql, rows, |row, lines| push_line(row.iter().copied(), lines))
            }
            Family::Postgres => {
                let (sql, binds) = inserting(relation, columns, rows);
                self.run(&sql, &binds)
            }
            Family::MySql => {
                let names: Vec<&str> = columns.iter().map(|i| column(i).name.as_str()).collect();
                let names = names.join(", ");
                let one = format!("({})", vec!["?"; columns.len()].join(", "));
                let all = vec![one; rows.len()].join(", ");
                let sql = format!("INSERT INTO {} ({names}) VALUES {all}", relation.name);
                let binds: Vec<Bind> = rows
                    .iter()
                    .flat_map(|row| columns.iter().zip(row))
                    .map(|(i, value)| Bind::One(column(i).given(value)))
                    .collect();
                self.run(&sql, &binds)
            }
        }
    }

    /// Changes columns of rows, each given as its key and then the new values. What MySQL would
    /// change by itself stays.
    pub(crate) fn update(
        &mut self,
        relation: &Relation,
        columns: &[usize],
        rows: &[Vec<&Value>],
    ) -> Result<u64, sqlx::Error> {
        let key = relation.key();
        let column = |i: &usize| &relation.columns[*i];
        match self.family() {
            Family::Postgres => {
                let all: Vec<usize> = key.iter().chain(columns).copied().collect();
                let (list, binds) = arrays(relation, &all, rows);
                let cast = |n: usize| format!("CAST(n.v{n} AS {})", column(&all[n]).cast);
                let set: Vec<String> = (key.len()..all.len())
                    .map(|n| format!("{} = {}", column(&all[n]).name, cast(n)))
                    .collect();
                let same: Vec<String> = (0..key.len())
                    .map(|n| format!("t.{} = {}", column(&all[n]).name, cast(n)))
                    .collect();
                let sql = format!(
                    "UPDATE {} t SET {} FROM {list} WHERE {}",
                    relation.source(),
                    set.join(", "),
                    same.join(" AND ")
                );
                self.run(&sql, &binds)
            }
            Family::MySql => {
                let mut set: Vec<String> =
                    columns.iter().map(|i| format!("{} = ?", column(i).name)).collect();
                for (i, column) in relation.columns.iter().enumerate() {
                    if column.touched && !columns.contains(&i) {
                        set.push(format!("{0} = {0}", column.name));
                    }
                }
                let same: Vec<String> =
                    key.iter().map(|i| format!("{} = ?", column(i).name)).collect();
                let sql = format!(
                    "UPDATE {} SET {} WHERE {}",
                    relation.name,
                    set.join(", "),
                    same.join(" AND ")
                );
                let mut met = 0;
                for row in rows {
                    let (own, new) = row.split_at(key.len());
                    let new = columns.iter().zip(new).map(|(i, v)| column(i).given(v));
                    let own = key.iter().zip(own).map(|(i, v)| column(i).given(v));
                    let binds: Vec<Bind> = new.chain(own).map(Bind::One).collect();
                    met += self.run(&sql, &binds)?;
                }
                Ok(met)
            }
        }
    }

    /// Takes rows out by their keys.
    pub(crate) fn delete(
        &mut self,
        relation: &Relation,
        keys: &[&RowKey],
    ) -> Result<u64, sqlx::Error> {
        let key = relation.key();
        match self.family() {
            Family::Postgres => {
                let (list, binds) = arrays(relation, &key, keys);
                let same: Vec<String> = key
                    .iter()
                    .enumerate()
                    .map(|(n, i)| {
                        let column = &relation.columns[*i];
                        format!("t.{} = CAST(n.v{n} AS {})", column.name, column.cast)
                    })
                    .collect();
                let (source, same) = (relation.source(), same.join(" AND "));
                self.run(&format!("DELETE FROM {source} t USING {list} WHERE {same}"), &binds)
            }
            Family::MySql => {
                // A single table's DELETE knows no alias in older servers.
                let (condition, binds) = self.among(relation, &key, keys, "");
                self.run(&format!("DELETE FROM {} WHERE {condition}", relation.name), &binds)
            }
        }
    }
}

/// The statement that inserts a batch into a table of PostgreSQL.
fn inserting(relation: &Relation, columns: &[usize], rows: &[Vec<&Value>]) -> (String, Vec<Bind>) {
    let column = |i: &usize| &relation.columns[*i];
    let names: Vec<&str> = columns.iter().map(|i| column(i).name.as_str()).collect();
    let (list, binds) = arrays(relation, columns, rows);
    let insist = if relation.identity { "OVERRIDING SYSTEM VALUE " } else { "" };
    let values: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(n, i)| format!("CAST(n.v{n} AS {})", column(i).cast))
        .collect();
    let sql = format!(
        "INSERT INTO {} ({}) {insist}SELECT {} FROM {list}",
        relation.name,
        names.join(", "),
        values.join(", ")
    );
    (sql, binds)
}

/// A batch as arrays of text, one a column, named n(v0, v1, …).
fn arrays<'v, R>(relation: &Relation, columns: &[usize], rows: &[R]) -> (String, Vec<Bind>)
where
    R: AsRow<'v>,
{
    let list: Vec<String> = (0..columns.len()).map(|n| format!("${}::text[]", n + 1)).collect();
    let names: Vec<String> = (0..columns.len()).map(|n| format!("v{n}")).collect();
    let binds = columns.iter().enumerate().map(|(n, &i)| {
        Bind::Many(rows.iter().map(|row| relation.columns[i].text(row.at(n))).collect())
    });
    (format!("unnest({}) AS n({})", list.join(", "), names.join(", ")), binds.collect())
}

/// What gives values by position.
trait AsRow<'v> {
    fn at(&self, n: usize) -> &Value;
}

impl<'v> AsRow<'v> for Vec<&'v Value> {
    fn at(&self, n: usize) -> &Value {
        self[n]
    }
}

impl<'v> AsRow<'v> for &'v RowKey {
    fn at(&self, n: usize) -> &Value {
        &(**self)[n]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_lie_close_together_are_one_range() {
        let check = |keys: &[RowKey], expected| {
            let keys: Vec<&RowKey> = keys.iter().collect();
            assert_eq!(close_range(&keys), expected, "{keys:?}");
        };
        let number = |n: i64| -> RowKey { vec![n.into()] };
        check(&[number(7)], Some((7, 7)));
        check(&[number(9), number(-1), number(4), number(7), number(8), number(2)], Some((-1, 9)));
        check(&[number(1), number(5)], None);
        check(&[number(i64::MIN), number(i64::MAX)], None);
        check(&[number(1), vec!["2".into()]], None);
        check(&[vec![1.into(), 1.into()], vec![1.into(), 2.into()]], None);
        check(&[], None);
    }
}
