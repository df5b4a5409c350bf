//! How much of the sample comes back, and how much of it is true.

use serde_json::Value;

use crate::case::{Case, SAMPLE, assert_same, files, repository, shared};

#[test]
fn nearly_all_lost_reservations_that_a_source_saw_are_back() {
    let recall = share(&shared().against_truth, "recall");
    assert!(recall >= 0.95, "recall of reservations is {recall:.4}");
}

#[test]
fn hardly_any_inserted_reservation_is_not_true() {
    let precision = share(&shared().against_truth, "precision");
    assert!(precision >= 0.995, "precision of reservations is {precision:.4}");
}

#[test]
fn no_surviving_row_is_changed_to_what_is_not_true() {
    for (record_type, score) in types(&shared().against_truth) {
        assert_eq!(score["wrong_overwrites"], 0, "{record_type}: {score}");
    }
}

#[test]
fn no_surviving_row_is_gone() {
    assert_eq!(shared().against_truth["deleted"], 0);
}

#[test]
fn what_a_drill_on_the_backup_itself_promises_is_what_comes_true() {
    let case = Case::copied();
    let before = files(case.dir());
    let promised = case.json("drill --forget 30d");
    assert_same(&before, &files(case.dir()));
    assert_same(&shared().sample, &files(&repository(SAMPLE)));
    for figure in ["recall", "precision"] {
        let (said, is) = (share(&promised, figure), share(&shared().against_truth, figure));
        assert!((said - is).abs() <= 0.03, "{figure}: the drill said {said:.4}, it is {is:.4}");
    }
}

fn types(drill: &Value) -> impl Iterator<Item = (&String, &Value)> {
    drill.as_object().unwrap().iter().filter(|(_, score)| score["table"].is_string())
}

fn share(drill: &Value, figure: &str) -> f64 {
    let share = &drill["reservation"][figure];
    share.as_f64().unwrap_or_else(|| panic!("there is no {figure}, nothing was inserted: {drill}"))
}
