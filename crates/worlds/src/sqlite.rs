//! The databases as SQLite files.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite};

use crate::cell::{Cell, decimal};
use crate::clock::{BACKUP_AT, LOST_AT, Seconds, TAKEN_AT};
use crate::error::WorldError;
use crate::tables::{TableOf, Writer};

/// What stands in a database beside its rows, as SQL.
pub(crate) struct Schema {
    pub(crate) tables: &'static str,
    /// Made after the business's rows, whose messages were sent and taken out long ago.
    pub(crate) triggers: &'static str,
}

/// Writes `restored.sqlite` and `truth/truth.sqlite`.
pub(crate) fn write<W: Sync>(
    world: &W,
    tables: &[TableOf<W>],
    schema: &Schema,
    dir: &Path,
) -> Result<(), WorldError> {
    let truth = dir.join("truth");
    std::fs::create_dir_all(&truth).map_err(WorldError::write(&truth))?;
    let restored = dir.join("restored.sqlite");
    let truth = truth.join("truth.sqlite");
    // A runtime and a thread of its own, so that a caller may have a runtime already.
    std::thread::scope(|scope| {
        let work = || -> Result<(), WorldError> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .map_err(WorldError::write(&restored))?;
            let database = Database { world, tables, schema };
            runtime
                .block_on(database.fill(&restored, BACKUP_AT, true))
                .map_err(WorldError::database(&restored))?;
            runtime
                .block_on(database.fill(&truth, LOST_AT, false))
                .map_err(WorldError::database(&truth))
        };
        match scope.spawn(work).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

struct Database<'a, W> {
    world: &'a W,
    tables: &'a [TableOf<W>],
    schema: &'a Schema,
}

impl<W> Database<'_, W> {
    /// One database: the business's rows at a moment, and what staff wrote after the restore.
    async fn fill(&self, path: &Path, at: Seconds, staff: bool) -> Result<(), sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .page_size(4096)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::raw_sql(self.schema.tables).execute(&mut connection).await?;
        sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
        self.insert(&mut connection, Writer::Business, at).await?;
        sqlx::raw_sql(self.schema.triggers).execute(&mut connection).await?;
        if staff {
            self.insert(&mut connection, Writer::Staff, TAKEN_AT).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
        sqlx::raw_sql("VACUUM").execute(&mut connection).await?;
        connection.close().await
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        writer: Writer,
        at: Seconds,
    ) -> Result<(), sqlx::Error> {
        for table in self.tables {
            let rows = table.rows(self.world, writer, at);
            // Enough rows a statement that parsing it costs little, few enough for SQLite's
            // limit.
            for some in rows.chunks(200) {
                let columns = table.columns.join(", ");
                let begin = format!("INSERT INTO {} ({columns}) ", table.name);
                let mut query = QueryBuilder::<Sqlite>::new(begin);
                query.push_values(some, |mut one, (_, row)| {
                    for value in row {
                        match value {
                            Cell::Null => one.push("NULL"),
                            Cell::Integer(n) => one.push_bind(*n),
                            Cell::Decimal(cents) => one.push_bind(decimal(*cents)),
                            Cell::Text(text) => one.push_bind(text.as_str()),
                        };
                    }
                });
                query.build().persistent(false).execute(&mut *connection).await?;
            }
        }
        Ok(())
    }
}
