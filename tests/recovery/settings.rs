//! Wrong settings end before anything is begun, and say what is right.

use std::fs;

use crate::case::{Case, PIPELINE, repository, restitch};

#[test]
fn an_unknown_key_names_the_nearest_right_one() {
    let right = fs::read_to_string(repository(PIPELINE)).unwrap();
    for (from, to, meant) in [
        ("\ntype = \"mail\"", "\ntyp = \"mail\"", "`type`"),
        ("[target]", "[targt]", "`target`"),
        ("\ntype = \"mail\"", "\ntype = \"mial\"", "`mail`"),
    ] {
        assert!(right.contains(from), "the sample's pipeline has no {from:?}");
        refused(&right.replace(from, to), &["did you mean", meant]);
    }
}

#[test]
fn a_path_that_is_not_there_names_its_source() {
    let right = fs::read_to_string(repository(PIPELINE)).unwrap();
    let word = "source payments: ";
    refused(&right, &[word, "does not exist; paths are relative to the pipeline file"]);
}

#[test]
fn settings_that_contradict_each_other_name_their_source() {
    let right = fs::read_to_string(repository(PIPELINE)).unwrap();
    let keyed = "\nkey_env = \"STRIPE_KEY\"\ntype = \"stripe\"";
    refused(&right.replace("\ntype = \"stripe\"", keyed), &["\"payments\"", "path", "key_env"]);
}

#[test]
fn a_database_that_cannot_be_restored_into_is_named() {
    let right = fs::read_to_string(repository(PIPELINE)).unwrap();
    refused(&right.replace("sqlite:", "oracle:"), &["oracle"]);
}

#[test]
fn a_command_that_there_is_not_names_the_nearest() {
    let ran = restitch(["recovr"]).ends(2);
    assert!(ran.stderr.contains("'recover'"), "{}", ran.stderr);
}

#[test]
fn a_case_that_is_not_there_says_how_to_make_one() {
    let place = Case::empty();
    for command in ["plan", "apply", "undo", "verify", "review export", "drill --forget 30d"] {
        let ran = place.run(command).ends(2);
        assert!(ran.stderr.contains("no case at"), "{command}: {}", ran.stderr);
        assert!(ran.stderr.contains("restitch recover"), "{command}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{command}");
    }
    assert!(place.files().is_empty(), "something was begun");
}

#[test]
fn a_pipeline_file_that_is_not_there_is_named() {
    let ran = restitch(["recover", "nowhere.toml"]).ends(2);
    assert!(ran.stderr.contains("nowhere.toml"), "{}", ran.stderr);
}

#[test]
fn doctor_calls_out_a_key_that_could_write_and_tells_what_rows_alone_show() {
    let (files, place) = (Case::empty(), Case::empty());
    let right = fs::read_to_string(repository(PIPELINE)).unwrap();
    let keyed = "key_env = \"STRIPE_KEY\"\nallow_write_key = true";
    let text = right.replace("path = \"../samples/car-rental/stripe\"", keyed);
    let text = text.replace("../samples", &repository("samples").to_string_lossy());
    let file = files.path("incident.toml");
    fs::write(&file, text).unwrap();
    place.run(&format!("init {}", file.display())).ends(0);
    let said = place.run("doctor").ends(0).stdout;
    for word in [
        "act   source payments: allow_write_key takes a secret key, which could write",
        "note  reservation is rentals: it refers to customers and holds the most times",
        "and before 2026-04-26T14:42:59Z, as far as rows alone show it",
        "note  rentals: vehicle_id refers to vehicles.id",
    ] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
}

#[track_caller]
fn refused(pipeline: &str, words: &[&str]) {
    let place = Case::empty();
    let file = place.path("incident.toml");
    fs::write(&file, pipeline).unwrap();
    let ran = restitch(["recover", &file.to_string_lossy()]).ends(2);
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} is not in\n{}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
    assert!(!place.path("incident.case").exists(), "a case was begun");
}
