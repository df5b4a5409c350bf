//! Forgetting and scoring, on a generated world whose truth is on file.

use std::fs;
use std::sync::OnceLock;

use restitch_drill::{Known, forget, score};
use restitch_model::{RecordType, Snapshot};
use restitch_worlds::{WorldOptions, write_world};
use serde_json::Value as Json;
use tempfile::TempDir;

/// A world of a few hundred bookings, made once.
fn world() -> &'static TempDir {
    static WORLD: OnceLock<TempDir> = OnceLock::new();
    WORLD.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = WorldOptions { size: Some(800), ..WorldOptions::default() };
        write_world("car-rental", 1, &options, dir.path()).unwrap();
        dir
    })
}

fn snapshot(path: &str) -> Snapshot {
    let path = world().path().join(path);
    restitch_restore::snapshot(&format!("sqlite:{}", path.display())).unwrap()
}

fn truth() -> Json {
    serde_json::from_slice(&fs::read(world().path().join("truth/truth.json")).unwrap()).unwrap()
}

fn tables() -> [(RecordType, String); 3] {
    [("reservation", "rentals"), ("customer", "customers"), ("payment", "payments")]
        .map(|(kind, table)| (RecordType::new(kind), table.to_owned()))
}

#[test]
fn the_score_finds_the_losses_that_the_truth_file_names() {
    let (before, now) = (snapshot("restored.sqlite"), snapshot("truth/truth.sqlite"));
    let score = score(&now, &before, &before, &tables(), Known::default());
    let truth = truth();
    for score in score.types.values() {
        let lost = truth["lost"][&score.table].as_array().unwrap();
        let retyped = lost.iter().filter(|row| row.get("retyped_as").is_some()).count();
        assert_eq!(score.lost as usize, lost.len() - retyped, "{}", score.table);
        assert_eq!((score.inserted, score.wrong_overwrites, score.deleted), (0, 0, 0));
    }
}

#[test]
fn putting_back_what_was_forgotten_is_a_perfect_recovery() {
    let whole = snapshot("truth/truth.sqlite");
    let before = forget(&whole, "2026-03-25T00:00:00Z".parse().unwrap(), None);
    let score = score(&whole, &before.snapshot, &whole, &tables(), Known::default());
    for score in score.types.values() {
        assert_eq!(score.lost as usize, before.dropped[&score.table].len());
        assert_eq!((score.recovered, score.inserted), (score.lost, score.lost));
        assert_eq!((score.spurious, score.duplicates, score.wrong_overwrites), (0, 0, 0));
        assert!(score.columns.values().all(|share| share.hits == share.n), "{score:?}");
    }
}

#[test]
fn forgetting_finds_when_rows_were_made() {
    let since = "2025-12-26T03:00:00Z".parse().unwrap();
    let forgotten = forget(&snapshot("restored.sqlite"), since, None);
    let found: Vec<_> = forgotten.created.iter().map(|(t, c)| (t.as_str(), c.as_str())).collect();
    assert_eq!(
        found,
        [
            ("customers", "created_at"),
            ("outbox", "created_at"),
            ("payments", "paid_at"),
            ("rentals", "created_at")
        ]
    );
    assert!(forgotten.dropped["rentals"].len() > 40);
    assert!(!forgotten.dropped.contains_key("vehicles"));
}
