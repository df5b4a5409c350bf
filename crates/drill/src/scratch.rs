//! Scratch copies of a database: what is lost in a drill is taken out of them.

use std::path::{Path, PathBuf};

use restitch_model::{Snapshot, TableSchema, Value};
use restitch_pipeline::Run;
use restitch_restore::{ApplyOptions, Plan, PlanPolicy, Triggers};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::damage::Damaged;
use crate::error::DrillError;

/// A folder for copies in the folder of a case, where nobody but its owner may look. It is gone
/// when the drill is over.
pub(crate) struct Scratch<'s> {
    run: &'s Run<'s>,
    dir: tempfile::TempDir,
}

impl<'s> Scratch<'s> {
    pub(crate) fn new(run: &'s Run<'s>) -> Result<Self, DrillError> {
        let beside = run.case.dir();
        let dir = tempfile::Builder::new()
            .prefix("drill-scratch-")
            .tempdir_in(beside)
            .map_err(DrillError::write(beside))?;
        Ok(Self { run, dir })
    }

    /// A damaged copy of the target. The copy is made by the code that makes the merged copy of a
    /// real recovery, from a plan of nothing.
    pub(crate) fn copy_with(
        &self,
        full: &Snapshot,
        damaged: &Damaged,
    ) -> Result<PathBuf, DrillError> {
        let path = self.dir.path().join("before.sqlite");
        remove(&path)?;
        let nothing = restitch_restore::propose(full, &[], &[], &PlanPolicy::default());
        let target = self.run.target_url()?;
        restitch_restore::apply_embedded(&nothing, &target, &path, &self.options())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(DrillError::write(&path))?;
        let done = runtime.block_on(inflict(&path, full, damaged));
        done.map_err(DrillError::database(&path))?;
        Ok(path)
    }

    /// What a copy holds after a plan.
    pub(crate) fn applied(&self, plan: &Plan, url: &str) -> Result<Snapshot, DrillError> {
        let path = self.dir.path().join("after.sqlite");
        remove(&path)?;
        restitch_restore::apply_embedded(plan, url, &path, &self.options())?;
        Ok(restitch_restore::snapshot(&format!("sqlite:{}", path.display()))?)
    }

    fn options(&self) -> ApplyOptions {
        ApplyOptions { triggers: Triggers::Suppress, provenance: false, at: self.run.now }
    }
}

/// Removes what an earlier drill of this run left there.
fn remove(path: &Path) -> Result<(), DrillError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DrillError::write(path)(error))
        }
        _ => Ok(()),
    }
}

/// Damages a scratch copy. Triggers do not fire: they are not on the copy meanwhile. What one bad
/// job writes need not be what the table checks for.
async fn inflict(path: &Path, full: &Snapshot, damaged: &Damaged) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .pragma("ignore_check_constraints", "ON");
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut transaction = connection.begin().await?;
    let triggers: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            .fetch_all(&mut *transaction)
            .await?;
    for (name, _) in &triggers {
        let statement = format!("DROP TRIGGER {}", quoted(name));
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    for (statement, values) in statements(full, damaged) {
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for value in values {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Integer(n) => query.bind(*n),
                Value::Real(x) => query.bind(*x),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query.execute(&mut *transaction).await?;
    }
    for (_, sql) in triggers {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await
}

/// The statements that damage a copy, each with its values.
fn statements<'d>(
    full: &'d Snapshot,
    damaged: &'d Damaged,
) -> impl Iterator<Item = (String, Vec<&'d Value>)> {
    let is_row = |name: &str| {
        let schema = &full.table(name)?.schema;
        let key = identifying(schema).into_iter().map(|column| format!("{} IS ?", quoted(column)));
        Some(key.collect::<Vec<_>>().join(" AND "))
    };
    let deleted = damaged.dropped.iter().flat_map(move |(name, keys)| {
        let row = is_row(name).unwrap_or_default();
        let statement = format!("DELETE FROM {} WHERE {row}", quoted(name));
        keys.iter().map(move |key| (statement.clone(), key.iter().collect()))
    });
    let updated = damaged.overwritten.iter().flat_map(move |(name, cells)| {
        let row = is_row(name).unwrap_or_default();
        cells.iter().map(move |(key, column, value)| {
            let (table, column) = (quoted(name), quoted(column));
            let statement = format!("UPDATE {table} SET {column} = ? WHERE {row}");
            (statement, std::iter::once(value).chain(key).collect())
        })
    });
    let inserted = damaged.added.iter().flat_map(move |(name, rows)| {
        let columns = full.table(name).map_or(&[][..], |table| &table.schema.columns);
        rows.iter().map(move |row| {
            let written = columns.iter().zip(row).filter(|(column, _)| !column.generated);
            let (names, values): (Vec<String>, Vec<&Value>) =
                written.map(|(column, value)| (quoted(&column.name), value)).unzip();
            let marks = vec!["?"; names.len()].join(", ");
            let names = names.join(", ");
            (format!("INSERT INTO {} ({names}) VALUES ({marks})", quoted(name)), values)
        })
    });
    deleted.chain(updated).chain(inserted)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The columns that tell rows apart: those of the key, or all where there is none.
fn identifying(schema: &TableSchema) -> Vec<&str> {
    match schema.primary_key.is_empty() {
        true => schema.columns.iter().map(|column| column.name.as_str()).collect(),
        false => schema.primary_key.iter().map(String::as_str).collect(),
    }
}
