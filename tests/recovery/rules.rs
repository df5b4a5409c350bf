//! What a person makes of rules.toml is not lost when learning runs again.

use std::fs;

use crate::case::{Case, assert_same, recover};

/// Where a rule begins.
const RULE: &str = "[[records.reservation.rules]]\n";

#[test]
fn pinned_rules_stay_and_the_edited_file_is_kept_beside_the_learned_one() {
    let case = Case::copied();
    let edited = with_two_pinned(&read(&case, "rules.toml"));
    fs::write(case.path("rules.toml"), &edited).unwrap();

    let learned = case.run("learn").ends(0);

    let said = "the rules as they were before are in rules.previous.toml";
    assert!(learned.stdout.contains(said), "{}", learned.stdout);
    assert_eq!(read(&case, "rules.previous.toml"), edited);
    let text = read(&case, "rules.toml");
    assert_eq!(text.matches("pinned = true\n").count(), 2);
    for (before, after) in edited.split(RULE).zip(text.split(RULE)).skip(1).take(2) {
        let lines = before.lines().take_while(|line| !line.is_empty());
        for line in lines {
            assert!(after.contains(line), "{line} is not in the rule\n{after}");
        }
    }
    case.run("verify").ends(0);
}

#[test]
fn rules_that_cannot_be_read_are_wrong_settings_and_stay_as_they_are() {
    let case = Case::copied();
    let broken = read(&case, "rules.toml").replacen("\naccuracy = ", "\naccuracy = o", 1);
    let line = broken.lines().position(|line| line.starts_with("accuracy = o")).unwrap() + 1;
    fs::write(case.path("rules.toml"), &broken).unwrap();
    let before = case.files();
    for ran in [case.run("learn"), case.run("match"), recover(case.dir())] {
        let ran = ran.ends(2);
        for part in ["rules.toml", &format!("line {line},"), "to learn all of it anew"] {
            assert!(ran.stderr.contains(part), "{part} is not in\n{}", ran.stderr);
        }
    }
    assert_same(&before, &case.files());
}

/// Pins the first two rules of reservations, with a support that no learning finds.
fn with_two_pinned(text: &str) -> String {
    let mut parts: Vec<String> = text.split(RULE).map(str::to_owned).collect();
    for part in &mut parts[1..3] {
        *part = format!("pinned = true\n{}", part.replacen("support = ", "support = 4711", 1));
    }
    parts.join(RULE)
}

fn read(case: &Case, name: &str) -> String {
    fs::read_to_string(case.path(name)).unwrap()
}
