use std::collections::BTreeMap;

use restitch_model::{Row, RowKey, Snapshot, Table, Value};

use crate::compare::by_key;
use crate::journal::{self, Entry};
use crate::server::{Family, Limits, Server};
use crate::sqlite::Session;
use crate::{Engine, RestoreError, fingerprint};

/// The database as the applies that stand left it: the backup, with the rows of their journals
/// over it. What others wrote since is not in it. Only reads.
pub fn as_left(url: &str, backup: &Snapshot) -> Result<Snapshot, RestoreError> {
    let entries = match Engine::of(url)? {
        Engine::Sqlite(path) => {
            let mut session = Session::read(&path)?;
            let mut entries = Vec::new();
            // The last one first, each with the row first that it wrote last.
            for record in journal::records(&mut session)? {
                if record.undone_at.is_none() {
                    entries.extend(journal::read(&mut session, &record.apply_id)?);
                }
            }
            session.close()?;
            entries
        }
        Engine::Postgres(url) => of_server(Family::Postgres, &url)?,
        Engine::MySql(url) => of_server(Family::MySql, &url)?,
    };
    Ok(laid_over(backup, &entries))
}

fn of_server(family: Family, url: &restitch_model::Secret) -> Result<Vec<Entry>, RestoreError> {
    let mut server = Server::connect(family, url, &Limits::default())?;
    server.begin_reading()?;
    let mut entries = Vec::new();
    for apply_id in server.standing()? {
        // The last written first, and so the last apply.
        entries.splice(0..0, server.entries(&apply_id)?);
    }
    server.close()?;
    Ok(entries)
}

/// The rows of a backup with those of a journal, the last written first, over them.
fn laid_over(backup: &Snapshot, entries: &[Entry]) -> Snapshot {
    let mut by_table: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().rev() {
        by_table.entry(&entry.table).or_default().push(entry);
    }
    let lay = |table: &Table| {
        let Some(entries) = by_table.get(table.schema.name.as_str()) else { return table.clone() };
        let rows = by_key(table).into_iter();
        let mut rows: BTreeMap<RowKey, Row> = rows.map(|(key, row)| (key, row.clone())).collect();
        for entry in entries {
            let columns = table.schema.columns.iter();
            let after = columns.map(|c| entry.after.get(&c.name).cloned().unwrap_or(Value::Null));
            rows.insert(entry.key.clone(), after.collect());
        }
        Table { schema: table.schema.clone(), rows: rows.into_values().collect() }
    };
    fingerprint::seal(backup.database.clone(), backup.tables.iter().map(lay).collect())
}
