//! Whether a case still is what was written.

use std::fs;
use std::path::Path;

use crate::case::{Case, shared};

#[test]
fn a_case_as_it_was_written_is_good() {
    let verified = shared().run("verify --json").ends(0).json();
    assert_eq!(verified["ok"], true);
    assert!(verified["evidence_items"].as_u64().unwrap() > 1000, "{verified}");
}

#[test]
fn one_changed_byte_of_evidence_is_found_and_its_file_named() {
    let segment = shared()
        .files()
        .into_keys()
        .find(|path| path.starts_with("evidence") && path.to_string_lossy().contains("segment"));
    found_out(&segment.expect("evidence lies in segments"));
}

#[test]
fn one_changed_byte_of_a_result_is_found_and_its_file_named() {
    let results = ["facts/facts.parquet", "candidates/records.parquet", "plan.json", "log.jsonl"];
    for name in results.into_iter().chain(["restored.sqlite"]) {
        found_out(Path::new(name));
    }
}

#[test]
fn rules_may_be_edited_which_is_noted() {
    let case = Case::copied();
    let mut rules = fs::read(case.path("rules.toml")).unwrap();
    rules.extend(b"# I have looked at it\n");
    fs::write(case.path("rules.toml"), rules).unwrap();
    let verified = case.json("verify");
    assert!(verified["notes"].to_string().contains("rules.toml"), "{verified}");
}

#[track_caller]
fn found_out(name: &Path) {
    let case = Case::copied();
    let mut bytes = fs::read(case.path(name)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(case.path(name), bytes).unwrap();
    let verified = case.run("verify --json");
    assert_eq!(verified.code, 1, "a changed {} is not found", name.display());
    let verified = verified.json();
    assert_eq!(verified["ok"], false);
    let said = verified["problems"].to_string();
    let file = name.file_name().unwrap().to_string_lossy();
    assert!(said.contains(&*file), "{file} is not named in {said}");
}
