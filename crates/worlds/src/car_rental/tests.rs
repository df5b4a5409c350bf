use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value as Json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Column, Connection, Row};
use tempfile::TempDir;

use crate::clock::BACKUP_AT;
use crate::world::{Noise, WorldOptions, WorldSummary, write_world};
use crate::WorldError;

/// The default world of seed 1, made once.
fn sample() -> &'static (TempDir, WorldSummary) {
    static WORLD: OnceLock<(TempDir, WorldSummary)> = OnceLock::new();
    WORLD.get_or_init(|| made(1, WorldOptions::default()))
}

fn made(seed: u64, options: WorldOptions) -> (TempDir, WorldSummary) {
    let dir = tempfile::tempdir().unwrap();
    let summary = write_world("car-rental", seed, &options, dir.path()).unwrap();
    (dir, summary)
}

fn files(dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

/// All files of a world by their place in it.
fn bytes(dir: &TempDir) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    files(dir.path(), &mut found);
    let inside = |path: PathBuf| path.strip_prefix(dir.path()).unwrap().to_owned();
    found.into_iter().map(|(path, bytes)| (inside(path), bytes)).collect()
}

/// All text under a folder of the sample.
fn text(place: &str) -> String {
    let mut found = BTreeMap::new();
    let path = sample().0.path().join(place);
    if path.is_file() {
        return String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    }
    files(&path, &mut found);
    found.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
}

fn truth() -> Json {
    serde_json::from_str(&text("truth/truth.json")).unwrap()
}

fn open<T>(path: &str, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let path = sample().0.path().join(path);
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        work(&mut connection).await
    })
}

/// The first column of a query's rows, as text.
fn ask(path: &str, sql: &'static str) -> Vec<String> {
    open(path, async |connection| {
        let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
        rows.iter().map(|row| row.get_unchecked::<String, _>(0)).collect()
    })
}

/// A table's rows by id, each a map from column to value as text.
fn rows(path: &str, table: &str) -> BTreeMap<i64, BTreeMap<String, Option<String>>> {
    open(path, async |connection| {
        let sql = format!("SELECT * FROM {table}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.unwrap();
        let text = |row: &sqlx::sqlite::SqliteRow| {
            let columns = row.columns().iter().enumerate();
            columns.map(|(i, c)| (c.name().to_owned(), row.get_unchecked(i))).collect()
        };
        rows.iter().map(|row| (row.get("id"), text(row))).collect()
    })
}

const SMALL: WorldOptions = WorldOptions { size: Some(160), noise: Noise::High };

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(made(7, SMALL).1, made(7, SMALL).1);
    assert!(bytes(&made(7, SMALL).0) == bytes(&made(7, SMALL).0));
}

#[test]
fn another_seed_gives_another_world() {
    assert!(bytes(&made(7, SMALL).0) != bytes(&made(8, SMALL).0));
}

#[test]
fn the_sample_fits_into_six_mebibytes() {
    let summary = &sample().1;
    assert!(summary.bytes <= 6 << 20, "{} bytes", summary.bytes);
}

#[test]
fn the_sample_is_of_the_size_that_was_promised() {
    let summary = &sample().1;
    assert!((380..=450).contains(&summary.lost["rentals"]), "{summary:?}");
    assert!((45..=90).contains(&summary.changed["rentals"]), "{summary:?}");
    let unseen = summary.unseen["rentals"] as f64 / summary.lost["rentals"] as f64;
    assert!((0.02..0.05).contains(&unseen), "{unseen}");
}

#[test]
fn every_noise_and_several_seeds_make_a_world() {
    for noise in [Noise::Low, Noise::Normal, Noise::High] {
        for seed in 0..4 {
            let size = Some(60 + 40 * seed as usize);
            let (_, summary) = made(seed, WorldOptions { size, noise });
            assert!(summary.lost["rentals"] > 0);
        }
    }
}

#[test]
fn both_databases_are_sound() {
    for path in ["restored.sqlite", "truth/truth.sqlite"] {
        assert_eq!(ask(path, "PRAGMA integrity_check"), ["ok"]);
        assert!(ask(path, "PRAGMA foreign_key_check").is_empty());
        let twice = "SELECT reference FROM rentals GROUP BY reference HAVING count(*) > 1";
        assert!(ask(path, twice).is_empty());
    }
}

#[test]
fn only_what_staff_wrote_waits_in_the_outbox() {
    let waiting = ask("restored.sqlite", "SELECT rental_id || '' FROM outbox");
    let late = "SELECT id || '' FROM rentals WHERE created_at > '2026-04-25T14:03:00Z'";
    assert_eq!(waiting, ask("restored.sqlite", late));
    assert!(!waiting.is_empty());
}

#[test]
fn what_staff_wrote_has_the_ids_of_lost_rows() {
    let lost = "SELECT id || '' FROM rentals WHERE created_at > '2026-01-25T03:00:00Z'";
    let lost: BTreeSet<String> = ask("truth/truth.sqlite", lost).into_iter().collect();
    let staff = "SELECT id || '' FROM rentals WHERE created_at > '2026-04-25T14:03:00Z'";
    let staff = ask("restored.sqlite", staff);
    assert!(staff.iter().filter(|id| lost.contains(*id)).count() * 10 >= staff.len() * 9);
}

#[test]
fn the_truth_file_agrees_with_the_two_databases() {
    let truth_file = truth();
    for name in super::rows::TABLES.iter().map(|table| table.name) {
        let (before, now) = (rows("restored.sqlite", name), rows("truth/truth.sqlite", name));
        let told = |part: &str| truth_file[part][name].as_array().cloned().unwrap_or_default();
        let key = |row: &Json| row["key"].as_i64().unwrap();
        let lost: BTreeSet<i64> = told("lost").iter().map(key).collect();
        let changed: BTreeMap<i64, Json> =
            told("changed").iter().map(|row| (key(row), row["columns"].clone())).collect();
        let mut untouched = 0;
        for (id, row) in now.iter().filter(|(id, _)| !lost.contains(id)) {
            let differing: BTreeSet<&str> = (row.iter())
                .filter(|(column, value)| before[id][*column] != **value)
                .map(|(column, _)| column.as_str())
                .collect();
            let told = changed.get(id).and_then(Json::as_object).into_iter().flatten();
            assert_eq!(differing, told.map(|(name, _)| name.as_str()).collect(), "{name} {id}");
            untouched += usize::from(differing.is_empty());
        }
        assert_eq!(truth_file["untouched"][name], untouched, "{name}");
    }
}

#[test]
fn every_promised_noise_is_there() {
    let one = |sql: &'static str| ask("truth/truth.sqlite", sql).len();
    let namesakes = "SELECT a.last_name FROM customers a JOIN customers b ON a.id < b.id \
        AND a.first_name = b.first_name AND a.last_name = b.last_name";
    let families = "SELECT email FROM customers WHERE email IS NOT NULL GROUP BY email \
        HAVING count(DISTINCT first_name) > 1";
    let regulars = "SELECT customer_id || '' FROM rentals GROUP BY 1 HAVING count(*) > 2";
    let deposits = "SELECT kind FROM payments WHERE kind = 'deposit'";
    let balances = "SELECT kind FROM payments WHERE kind = 'balance'";
    let cash = "SELECT kind FROM payments WHERE kind = 'cash'";
    let partly = "SELECT kind FROM payments WHERE status = 'partially_refunded'";
    for (sql, least) in [
        (namesakes, 10),
        (families, 10),
        (regulars, 20),
        (deposits, 300),
        (balances, 200),
        (cash, 60),
        (partly, 5),
    ] {
        assert!(one(sql) >= least, "{sql}: {}", one(sql));
    }
    let mail = text("mail");
    let calendars = text("calendars");
    let stripe = text("stripe");
    for (where_, what) in [
        (&mail, "Undelivered Mail Returned"),
        (&mail, "Forwarded message"),
        (&mail, "Re: "),
        (&mail, "Kwik Garage"),
        (&mail, "multipart/alternative"),
        (&mail, "iso-8859-1"),
        (&mail, "text/html"),
        (&mail, "your Brightway reservation"),
        (&mail, "storniert"),
        (&mail, "Angebote im Norden"),
        (&mail, "=?utf-8?Q?"),
        (&mail, "Kilometer"),
        (&mail, "te esperamos el"),
        (&mail, "open on Sundays"),
        (&mail, "BOOKING CONFIRMED"),
        (&calendars, "Dentist"),
        (&calendars, "Oil change"),
        (&calendars, "STATUS:CANCELLED"),
        (&calendars, "SEQUENCE:1"),
        (&calendars, "@google.com"),
        (&calendars, "VALUE=DATE"),
        (&calendars, "X-WR-TIMEZONE:Europe/London"),
        (&calendars, "BEGIN:VTIMEZONE"),
        (&calendars, "TZID=Europe/Madrid"),
        (&calendars, "DTSTART:2025"),
        (&stripe, "Gift card"),
        (&stripe, "\"status\":\"failed\""),
        (&stripe, "booking_ref"),
        (&stripe, "\"refunded\":true"),
        (&stripe, "Reserva SA-"),
        (&stripe, "hire_start (metadata)"),
        (&stripe, ",Refunded,"),
        (&stripe, ",Failed,"),
    ] {
        assert!(where_.contains(what), "{what}");
    }
    let again = mail.lines().filter(|line| line.starts_with("Message-ID")).collect::<Vec<_>>();
    assert!(again.iter().collect::<BTreeSet<_>>().len() < again.len(), "resent with the same id");
    let lost = truth()["lost"]["rentals"].as_array().unwrap().clone();
    let with = |key: &str| lost.iter().filter(|row| row.get(key).is_some()).count();
    assert!(with("by_hand_only") >= 3, "{}", with("by_hand_only"));
    assert_eq!(with("retyped_as"), 12);
    assert_eq!(truth()["staff_new"]["rentals"].as_array().unwrap().len(), 10);
}

#[test]
fn some_changes_to_surviving_bookings_are_told_and_some_are_silent() {
    let changed = truth()["changed"]["rentals"].as_array().unwrap().clone();
    let has = |column: &'static str| {
        changed.iter().filter(move |row| row["columns"].get(column).is_some())
    };
    let to = |status: &str| has("status").filter(|row| row["columns"]["status"] == status).count();
    assert!(to("completed") > 20 && to("cancelled") > 0);
    assert!(has("return_at").count() > 2);
    assert!(changed.iter().any(|row| row["seen_by"].as_array().unwrap().is_empty()));
    assert!(changed.iter().any(|row| !row["seen_by"].as_array().unwrap().is_empty()));
}

#[test]
fn nothing_is_told_of_the_time_between_loss_and_restore() {
    let charges = text("stripe/acct_1MvQ8aKXbRt2wYLd/charges.json");
    let charges: Json = serde_json::from_str(&charges).unwrap();
    let times: Vec<i64> = charges["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["created"].as_i64().unwrap())
        .collect();
    let dead = crate::clock::LOST_AT + 1..crate::clock::RESTORED_AT;
    assert!(times.iter().all(|at| !dead.contains(at)));
    assert!(times.is_sorted_by(|a, b| a >= b), "the newest first");
    assert!(times.iter().any(|at| *at < BACKUP_AT));
}

#[test]
fn a_folder_in_use_and_an_unknown_kind_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.txt"), "keep").unwrap();
    let refused = |kind, seed| write_world(kind, seed, &SMALL, dir.path()).unwrap_err();
    assert!(matches!(refused("car-rental", 1), WorldError::NotEmpty(_)));
    let unknown = refused("boat-rental", 1).to_string();
    assert_eq!(unknown, "there is no world \"boat-rental\"; there are: car-rental");
    let tiny = WorldOptions { size: Some(3), ..SMALL };
    let empty = tempfile::tempdir().unwrap();
    let tiny = write_world("car-rental", 1, &tiny, empty.path()).unwrap_err();
    assert!(matches!(tiny, WorldError::TooSmall(3)));
}
