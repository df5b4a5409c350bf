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
    for name in ["plan.json", "rules.toml", "candidates/records.parquet", "log.jsonl"] {
        found_out(Path::new(name));
    }
}

#[track_caller]
fn found_out(name: &Path) {
    let case = Case::copied();
    let mut bytes = fs::read(case.path(name)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(case.path(name), bytes).unwrap();
    let verified = case.run("verify --json").ends(1).json();
    assert_eq!(verified["ok"], false);
    let said = verified["problems"].to_string();
    let file = name.file_name().unwrap().to_string_lossy();
    assert!(said.contains(&*file), "{file} is not named in {said}");
}
