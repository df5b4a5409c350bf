//! Damage that is not "everything since the backup", in an emergency and in a drill.

use std::fs;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::case::{Ran, repository, restitch};

/// The moments of every generated incident.
const LOST: &str = "2026-01-25T03:00:00Z..2026-04-25T14:03:00Z";

/// A small world whose loss is told as damage, recovered.
struct Emergency {
    recovered: Value,
    dir: TempDir,
}

impl Emergency {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Emergency> = OnceLock::new();
        SHARED.get_or_init(|| {
            let dir = TempDir::new().unwrap();
            let world = dir.path().join("world").display().to_string();
            let make = ["--seed", "6", "--size", "300", "--write", &world];
            restitch(["drill", "--world", "car-rental"].iter().chain(&make)).ends(0);
            let text = fs::read_to_string(repository("pipelines/car-rental.toml")).unwrap();
            let incident = format!(
                "\n[incident]\nlost_at = \"2026-04-25T14:03:00Z\"\ndamage = [\"window:{LOST}\"]\n"
            );
            let text = text.replace("../samples/car-rental", "world") + &incident;
            fs::write(dir.path().join("pipeline.toml"), text).unwrap();
            let pipeline = dir.path().join("pipeline.toml").display().to_string();
            let mut emergency = Self { recovered: Value::Null, dir };
            emergency.recovered =
                emergency.run(&format!("recover {pipeline} --json")).ends(0).json();
            emergency
        })
    }

    fn run(&self, command: &str) -> Ran {
        let case = self.dir.path().join("case").display().to_string();
        restitch(command.split(' ').chain(["--case", &case]))
    }
}

#[test]
fn what_a_window_took_comes_back_and_nothing_outside_of_it_is_touched() {
    let emergency = Emergency::shared();
    assert_eq!(emergency.recovered["plan"]["updates"], 0, "{}", emergency.recovered["plan"]);
    let truth = emergency.dir.path().join("world/truth").display().to_string();
    let score = emergency.run(&format!("drill --against {truth} --json")).ends(0).json();
    let reservations = &score["reservation"];
    assert!(reservations["recall"].as_f64().unwrap() >= 0.7, "{reservations}");
    assert!(reservations["precision"].as_f64().unwrap() >= 0.98, "{reservations}");
    assert_eq!((&score["deleted"], &reservations["wrong_overwrites"]), (&0.into(), &0.into()));
}

#[test]
fn a_damaged_database_is_no_truth_to_drill_against() {
    let refused = Emergency::shared().run("drill --forget 30d").ends(2);
    assert!(refused.stderr.contains("is damaged itself"), "{}", refused.stderr);
}

#[test]
fn an_overwritten_column_is_mended_where_it_was_overwritten() {
    let damage = "column:rentals.total_cents+window:2025-11-15..2025-12-20";
    let score = practised("200", &["--damage", damage]).ends(0).json();
    let mended = &score["reservation"]["mended"]["total_cents"];
    let (hits, n) = (mended["hits"].as_u64().unwrap(), mended["n"].as_u64().unwrap());
    assert!(n >= 15 && hits * 4 > n, "{mended}");
    let reservations = &score["reservation"];
    assert_eq!((&reservations["inserted"], &reservations["lost"]), (&0.into(), &0.into()));
    assert!(reservations["wrong_overwrites"].as_u64().unwrap() <= 2, "{reservations}");
}

#[test]
fn a_world_is_made_recovered_and_scored_in_one_go() {
    let score = practised("120", &["--min-recall", "reservation=0.9999"]).ends(4).json();
    assert!(score["reservation"]["recall"].as_f64().unwrap() >= 0.5, "{score}");
    assert!(score["reservation"]["by_source"]["mail"]["recoverable"].as_u64().unwrap() > 10);
    let unknown = practised("120", &["--damage", "rows:payments"]).ends(2);
    assert!(unknown.stderr.contains("there are tenant, table, column"), "{}", unknown.stderr);
}

/// A drill on a world that is made for it.
fn practised(size: &str, asked: &[&str]) -> Ran {
    let world = ["drill", "--world", "car-rental", "--seed", "5", "--size", size, "--json"];
    restitch(world.iter().chain(asked))
}
