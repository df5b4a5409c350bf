//! Other kinds of business: other schemas, templates and languages, and not one rule by hand.
//! The seeds are used by no other test, and the size is a part of a sample's.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::case::{repository, restitch};

/// A column counts where so many rows were rehearsed and so many came back.
const ENOUGH: f64 = 30.0;

/// A recovery of a generated world: what it said of itself, and what is true.
struct Recovered {
    kind: &'static str,
    said: Value,
    against_truth: Value,
    _dir: tempfile::TempDir,
}

/// The type of the records that hang on reservations as lists.
fn lines_of(kind: &str) -> &'static str {
    if kind == "lodging" { "booking_addons" } else { "appointment_item" }
}

fn recovered() -> &'static [Recovered] {
    static ALL: OnceLock<Vec<Recovered>> = OnceLock::new();
    ALL.get_or_init(|| ["appointments", "lodging"].map(recover).into())
}

fn recover(kind: &'static str) -> Recovered {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name).display().to_string();
    let world = place("world");
    restitch(["drill", "--world", kind, "--seed", "41", "--size", "900", "--write", &world])
        .ends(0);
    let pipeline = fs::read_to_string(repository(&format!("pipelines/{kind}.toml"))).unwrap();
    let moved = pipeline.replace(&format!("../samples/{kind}"), "world");
    fs::write(dir.path().join("pipeline.toml"), moved).unwrap();
    let case = place("case");
    let said = restitch(["recover", &place("pipeline.toml"), "--case", &case, "--json"]);
    let truth = Path::new(&world).join("truth").display().to_string();
    let score = restitch(["drill", "--against", &truth, "--case", &case, "--json"]);
    Recovered { kind, said: said.json(), against_truth: score.json(), _dir: dir }
}

#[test]
fn what_is_written_is_true_in_other_businesses_too() {
    for Recovered { kind, against_truth, .. } in recovered() {
        for record_type in ["reservation", "customer", "payment", lines_of(kind)] {
            let score = &against_truth[record_type];
            assert_eq!(score["deleted"], 0, "{kind} {record_type}");
            let wrong = score["wrong_overwrites"].as_u64().unwrap();
            assert!(wrong <= 1, "{kind} {record_type}: {wrong} surviving rows changed wrongly");
            let precision = score["precision"].as_f64().unwrap();
            assert!(precision >= 0.98, "{kind} {record_type}: {precision:.3} of it is true");
        }
    }
}

#[test]
fn a_good_part_of_what_was_lost_comes_back_in_other_businesses_too() {
    for Recovered { kind, against_truth, .. } in recovered() {
        for record_type in ["reservation", lines_of(kind)] {
            let recall = against_truth[record_type]["recall"].as_f64().unwrap();
            assert!(recall >= 0.5, "{kind} {record_type}: {recall:.3}");
        }
    }
}

#[test]
fn what_was_measured_of_a_column_is_what_is_true_of_it() {
    let (mut all, mut apart) = (0, Vec::new());
    for Recovered { kind, said, against_truth, .. } in recovered() {
        let measured = said["learned"]["measured"]["reservation"]["columns"].as_object().unwrap();
        for (column, measured) in measured {
            let truth = &against_truth["reservation"]["columns"][column];
            let (Some(measured), Some(truth)) = (interval(measured), interval(truth)) else {
                continue;
            };
            all += 1;
            if measured.0 > truth.1 || truth.0 > measured.1 {
                apart.push(format!("{kind} {column}: {measured:.3?} measured, {truth:.3?} true"));
            }
        }
    }
    assert!(all >= 20, "only {all} columns can be compared");
    assert!(apart.len() * 5 <= all, "of {all}: {apart:#?}");
}

/// Wilson's interval of 95 % of a share, where it is of enough.
fn interval(share: &Value) -> Option<(f64, f64)> {
    let (hits, n) = (share["hits"].as_f64()?, share["n"].as_f64()?);
    if n < ENOUGH {
        return None;
    }
    let (p, z2) = (hits / n, 1.96f64.powi(2));
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = 1.96 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    Some((middle - half, middle + half))
}
