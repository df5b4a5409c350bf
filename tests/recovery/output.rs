//! What goes to stdout and what to stderr.

use crate::case::{restitch, shared};

#[test]
fn with_json_stdout_is_one_object_and_progress_goes_to_stderr() {
    let ran = &shared().ran;
    assert!(ran.json().is_object());
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stderr.contains("learning from the overlap"), "{}", ran.stderr);
}

#[test]
fn each_record_type_has_what_scripts_rely_on() {
    let recovered = shared().ran.json();
    for record_type in ["customer", "reservation", "payment"] {
        let found = recovered[record_type].as_object().unwrap();
        for key in [
            "lost_estimate",
            "candidates",
            "accepted",
            "to_review",
            "rejected",
            "expected_precision",
            "expected_recall",
        ] {
            assert!(found.contains_key(key), "{record_type} has no {key}");
        }
    }
    let reservation = &recovered["reservation"];
    let estimate = &reservation["lost_estimate"];
    assert!(estimate["count"].is_number() && estimate["interval"]["low"].is_number());
    for figure in ["precision", "recall"] {
        let expected = reservation[format!("expected_{figure}")].as_f64().unwrap();
        let measured = &reservation[format!("{figure}_measured")];
        let share = measured["hits"].as_f64().unwrap() / measured["n"].as_f64().unwrap();
        assert!((expected - share).abs() < 1e-9, "{figure}: {expected} is not {measured}");
    }
}

#[test]
fn quiet_leaves_stderr_empty_and_stdout_as_it_is() {
    let (loud, quiet) = (shared().run("verify"), shared().run("verify --quiet"));
    assert!(loud.stderr.contains("verify"), "{}", loud.stderr);
    assert_eq!((quiet.stderr.as_str(), &quiet.stdout), ("", &loud.stdout));
}

#[test]
fn where_there_is_no_terminal_there_are_no_escapes() {
    let ran = &shared().ran;
    assert!(!ran.stderr.contains(['\x1b', '\r']) && !ran.stdout.contains('\x1b'));
}

#[test]
fn the_help_is_what_it_was() {
    insta::assert_snapshot!(restitch(["--help"]).ends(0).stdout);
}
