//! The databases as SQLite files.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite};

use crate::clock::{BACKUP_AT, LOST_AT, Seconds, TAKEN_AT};
use super::life::{World, Writer};
use super::rows::TABLES;
use crate::cell::Cell;
use crate::error::WorldError;

const SCHEMA: &str = "
CREATE TABLE tenants (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  slug TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  timezone TEXT NOT NULL,
  currency TEXT NOT NULL
);
CREATE TABLE locations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  UNIQUE (tenant_id, code)
);
CREATE TABLE vehicles (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  location_id INTEGER NOT NULL REFERENCES locations(id),
  plate TEXT NOT NULL UNIQUE,
  make TEXT NOT NULL,
  model TEXT NOT NULL,
  class TEXT NOT NULL,
  daily_rate_cents INTEGER NOT NULL,
  vin TEXT,
  odometer_km INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT,
  phone TEXT,
  created_at TEXT NOT NULL,
  notes TEXT
);
CREATE TABLE rentals (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  vehicle_id INTEGER REFERENCES vehicles(id),
  pickup_location_id INTEGER NOT NULL REFERENCES locations(id),
  return_location_id INTEGER NOT NULL REFERENCES locations(id),
  reference TEXT NOT NULL UNIQUE,
  pickup_at TEXT NOT NULL,
  return_at TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending','confirmed','active','completed','cancelled','no_show')),
  total_cents INTEGER NOT NULL,
  deposit_cents INTEGER NOT NULL DEFAULT 0,
  currency TEXT NOT NULL,
  channel TEXT NOT NULL DEFAULT 'web',
  odometer_out INTEGER,
  odometer_in INTEGER,
  notes TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE payments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  rental_id INTEGER NOT NULL REFERENCES rentals(id),
  kind TEXT NOT NULL CHECK (kind IN ('deposit','balance','full','refund','cash')),
  amount_cents INTEGER NOT NULL,
  currency TEXT NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('card','cash','transfer')),
  provider_ref TEXT,
  status TEXT NOT NULL,
  paid_at TEXT NOT NULL
);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rental_id INTEGER NOT NULL REFERENCES rentals(id),
  event TEXT NOT NULL,
  created_at TEXT NOT NULL
);
";

/// Made after the old rows, whose messages were sent and taken out long ago.
const TRIGGERS: &str = "
CREATE TRIGGER rentals_booked AFTER INSERT ON rentals BEGIN
  INSERT INTO outbox (rental_id, event, created_at)
  VALUES (NEW.id, 'booked', NEW.created_at);
END;
CREATE TRIGGER rentals_moved AFTER UPDATE OF status ON rentals
WHEN OLD.status <> NEW.status BEGIN
  INSERT INTO outbox (rental_id, event, created_at)
  VALUES (NEW.id, NEW.status, NEW.updated_at);
END;
";

/// Writes `restored.sqlite` and `truth/truth.sqlite`.
pub(super) fn write(world: &World, dir: &Path) -> Result<(), WorldError> {
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
            runtime
                .block_on(fill(world, &restored, BACKUP_AT, true))
                .map_err(WorldError::database(&restored))?;
            runtime
                .block_on(fill(world, &truth, LOST_AT, false))
                .map_err(WorldError::database(&truth))
        };
        match scope.spawn(work).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// One database: the business's rows at a moment, and what staff wrote after the restore.
async fn fill(world: &World, path: &Path, at: Seconds, staff: bool) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(4096)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
    insert_all(&mut connection, world, Writer::Business, at).await?;
    sqlx::raw_sql(TRIGGERS).execute(&mut connection).await?;
    if staff {
        insert_all(&mut connection, world, Writer::Staff, TAKEN_AT).await?;
    }
    sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
    sqlx::raw_sql("VACUUM").execute(&mut connection).await?;
    connection.close().await
}

async fn insert_all(
    connection: &mut SqliteConnection,
    world: &World,
    writer: Writer,
    at: Seconds,
) -> Result<(), sqlx::Error> {
    for table in &TABLES {
        let rows = table.rows(world, writer, at);
        // Enough rows a statement that parsing it costs little, few enough for SQLite's limit.
        for some in rows.chunks(200) {
            let columns = table.columns.join(", ");
            let begin = format!("INSERT INTO {} ({columns}) ", table.name);
            let mut query = QueryBuilder::<Sqlite>::new(begin);
            query.push_values(some, |mut one, (_, row)| {
                for value in row {
                    match value {
                        Cell::Null => one.push("NULL"),
                        Cell::Integer(n) => one.push_bind(*n),
                        Cell::Text(text) => one.push_bind(text.as_str()),
                    };
                }
            });
            query.build().persistent(false).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
