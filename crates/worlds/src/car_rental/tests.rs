use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::WorldError;
use crate::clock::{BACKUP_AT, LOST_AT, RESTORED_AT};
use crate::testing::{Made, SMALL, assert_every_noise, assert_seeded, files};
use crate::world::{WorldOptions, kinds, write_world};

/// The default world of seed 1, made once.
fn sample() -> &'static Made {
    static WORLD: OnceLock<Made> = OnceLock::new();
    WORLD.get_or_init(|| Made::new("car-rental", 1, WorldOptions::default()))
}

fn text(place: &str) -> String {
    sample().text(place)
}

fn truth() -> Json {
    sample().truth()
}

fn ask(place: &str, sql: &str) -> Vec<String> {
    sample().ask(place, sql)
}

#[test]
fn a_seed_is_a_world() {
    assert_seeded("car-rental");
}

/// Two fields of an SQLite file's header tell the version that wrote it.
fn without_version(place: &Path, mut bytes: Vec<u8>) -> Vec<u8> {
    if place.extension().is_some_and(|end| end == "sqlite") {
        bytes[92..100].fill(0);
    }
    bytes
}

#[test]
fn the_sample_of_the_project_is_the_world_of_seed_one() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/car-rental");
    let (there, made) = (files(&dir), sample().bytes());
    assert!(there.keys().eq(made.keys()), "other files");
    for ((place, old), new) in there.into_iter().zip(made.into_values()) {
        let same = without_version(&place, old) == without_version(&place, new);
        assert!(same, "{} is another", place.display());
    }
}

#[test]
fn the_sample_fits_into_six_mebibytes() {
    let summary = &sample().summary;
    assert!(summary.bytes <= 6 << 20, "{} bytes", summary.bytes);
}

#[test]
fn the_sample_is_of_the_size_that_was_promised() {
    let summary = &sample().summary;
    assert!((380..=450).contains(&summary.lost["rentals"]), "{summary:?}");
    assert!((45..=90).contains(&summary.changed["rentals"]), "{summary:?}");
    let unseen = summary.unseen["rentals"] as f64 / summary.lost["rentals"] as f64;
    assert!((0.02..0.05).contains(&unseen), "{unseen}");
}

#[test]
fn every_noise_and_several_seeds_make_a_world() {
    assert_every_noise("car-rental", "rentals");
}

#[test]
fn both_databases_are_sound() {
    sample().assert_sound();
    let twice = "SELECT reference FROM rentals GROUP BY reference HAVING count(*) > 1";
    for path in ["restored.sqlite", "truth/truth.sqlite"] {
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
    sample().assert_truth_agrees();
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
    let dead = LOST_AT + 1..RESTORED_AT;
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
    let known = kinds().collect::<Vec<_>>().join(", ");
    assert_eq!(unknown, format!("there is no world \"boat-rental\"; there are: {known}"));
    let tiny = WorldOptions { size: Some(3), ..SMALL };
    let empty = tempfile::tempdir().unwrap();
    let tiny = write_world("car-rental", 1, &tiny, empty.path()).unwrap_err();
    assert!(matches!(tiny, WorldError::TooSmall(3)));
}
