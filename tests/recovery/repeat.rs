//! The same evidence gives the same bytes, and doing a thing twice does it once.

use std::path::Path;

use crate::case::{Case, assert_same, recover, shared};

#[test]
fn two_recoveries_give_the_same_rules_candidates_and_plan() {
    let other = Case::empty();
    recover(other.dir()).ends(0);
    let decided = |mut files: std::collections::BTreeMap<_, _>| {
        files.retain(|path: &std::path::PathBuf, _: &mut Vec<u8>| {
            path.starts_with("candidates")
                || path.starts_with("facts")
                || [Path::new("rules.toml"), Path::new("plan.json")].contains(&path.as_path())
        });
        files
    };
    let (one, two) = (decided(shared().files()), decided(other.files()));
    for name in ["rules.toml", "plan.json", "candidates/records.parquet", "facts/facts.parquet"] {
        assert!(one.contains_key(Path::new(name)), "{name} is not in the case");
    }
    assert_same(&one, &two);
}

#[test]
fn recovering_again_changes_nothing_and_says_so() {
    let case = Case::copied();
    let before = case.files();
    let again = recover(case.dir()).ends(0).json();
    for pulled in again["pulled"]["kinds"].as_array().unwrap() {
        assert_eq!(pulled["new"], 0, "{pulled}");
    }
    assert_eq!(again["applied"]["already"], true);
    assert_same(&before, &case.files());
}
