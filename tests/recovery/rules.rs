//! What a person makes of rules.toml is not lost when learning runs again, and what he writes
//! in the pipeline comes first.

use std::fs;

use crate::case::{Case, assert_same, recover, shared};

/// Where a rule begins.
const RULE: &str = "[[records.reservation.rules]]\n";
/// What tells that an edit was kept.
const KEPT: &str = "the rules as they were before are in rules.previous.toml";

#[test]
fn pinned_rules_stay_and_are_measured_again_and_the_edited_file_is_kept_beside_them() {
    let case = Case::copied();
    let edited = with_two_pinned(&read(&case, "rules.toml"));
    fs::write(case.path("rules.toml"), &edited).unwrap();

    let learned = case.run("learn").ends(0);

    assert!(learned.stdout.contains(KEPT), "{}", learned.stdout);
    assert_eq!(read(&case, "rules.previous.toml"), edited);
    let text = read(&case, "rules.toml");
    assert_eq!(text.matches("pinned = true\n").count(), 2);
    assert!(!text.contains("support = 4711"), "a pinned rule was not measured again");
    for pinned in edited.split(RULE).skip(1).take(2) {
        for key in ["column = ", "form = ", "from = ", "read = "] {
            let line = pinned.lines().find(|line| line.starts_with(key)).unwrap();
            let is_kept = |rule: &str| rule.contains("pinned = true\n") && rule.contains(line);
            assert!(text.split(RULE).any(is_kept), "no pinned rule has {line}");
        }
    }
    case.run("verify").ends(0);
}

#[test]
fn learning_the_same_again_says_so_and_keeps_nothing_beside_it() {
    let case = Case::copied();
    let before = case.files();
    let learned = case.run("learn").ends(0);
    assert!(learned.stdout.contains("Since the last time\n  nothing is another"));
    assert_same(&before, &case.files());
}

#[test]
fn a_rule_that_was_taken_out_is_told_when_it_is_found_again() {
    let case = Case::copied();
    let text = read(&case, "rules.toml");
    let (head, rules) = text.split_once(RULE).unwrap();
    let (_, others) = rules.split_once(RULE).unwrap();
    fs::write(case.path("rules.toml"), format!("{head}{RULE}{others}")).unwrap();
    let learned = case.run("learn").ends(0);
    assert!(learned.stdout.contains("rules added: 1\n    rentals."), "{}", learned.stdout);
    assert!(learned.stdout.contains(KEPT), "{}", learned.stdout);
    assert_eq!(read(&case, "rules.toml"), text);
}

#[test]
fn rules_that_cannot_be_read_are_wrong_settings_and_stay_as_they_are() {
    let right = read(&Case::copied(), "rules.toml");
    for (from, to, meant) in [
        ("\naccuracy = ", "\naccuracy = oo", "line "),
        ("\naccuracy = ", "\naccuracy = 77", "from 0 to 1"),
        ("\nsupport = ", "\nsuport = ", "did you mean `support`?"),
        ("\ncolumn = \"pickup_at\"", "\ncolumn = \"pickup_ta\"", "did you mean \"pickup_at\"?"),
    ] {
        let case = Case::copied();
        let (head, rules) = right.split_at(right.find(RULE).unwrap());
        let broken = format!("{head}{}", rules.replacen(from, to, 1));
        let line = broken.split(&to[1..]).next().unwrap().lines().count() + 1;
        fs::write(case.path("rules.toml"), &broken).unwrap();
        let before = case.files();
        for ran in [case.run("learn"), case.run("match")] {
            let ran = ran.ends(2);
            for part in ["rules.toml", &format!("line {line}"), meant, "to learn all of it anew"] {
                assert!(ran.stderr.contains(part), "{part} is not in\n{}", ran.stderr);
            }
        }
        assert_same(&before, &case.files());
    }
    let case = Case::copied();
    fs::write(case.path("rules.toml"), "zone = ").unwrap();
    recover(case.dir()).ends(2);
}

#[test]
fn a_rule_of_the_pipeline_comes_first_and_is_measured() {
    let case = Case::copied();
    let by_hand = "[pipeline.record.reservation.column.pickup_at]\n\
                   from = [\"calendar.event:end\", \"mail:nothing\"]\n";
    let settings = read(&case, "case.toml");
    fs::write(case.path("case.toml"), format!("{settings}\n{by_hand}")).unwrap();
    let learned = case.json("learn");
    let said: Vec<&str> =
        learned["by_hand"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert!(said[0].starts_with("rentals.pickup_at from calendar.event:end: right in "));
    assert_eq!(said[1], "rentals.pickup_at from mail:nothing: no item of mail has that");
    let text = read(&case, "rules.toml");
    let first = text.split("# -- rentals.pickup_at\n").nth(1).unwrap();
    let first = first.split(RULE).nth(1).unwrap();
    for line in ["from = \"end\"", "read = { time = ", "measured_on = "] {
        assert!(first.contains(line), "{line} is not in\n{first}");
    }
}

#[test]
fn a_table_or_a_column_that_there_is_not_is_a_wrong_setting() {
    for (lines, meant) in [
        ("[pipeline.record.payment]\ntable = \"folios\"\n", "\"folios\""),
        (
            "[pipeline.record.reservation.column.pickup]\nfrom = [\"calendar.event:start\"]\n",
            "did you mean \"pickup_at\"?",
        ),
    ] {
        let case = Case::copied();
        let settings = read(&case, "case.toml");
        fs::write(case.path("case.toml"), format!("{settings}\n{lines}")).unwrap();
        let ran = case.run("learn").ends(2);
        assert!(ran.stderr.contains(meant), "{meant} is not in\n{}", ran.stderr);
    }
}

#[test]
fn without_an_overlap_it_says_that_nothing_was_measured() {
    let case = Case::copied();
    let settings = read(&case, "case.toml");
    let early = "[pipeline.incident]\nbackup_at = \"2001-01-01T00:00:00Z\"\n\
                 lost_at = \"2027-01-01T00:00:00Z\"\n";
    let settings = settings.replace("[pipeline.incident]\n", early);
    assert!(settings.contains(early), "{settings}");
    fs::write(case.path("case.toml"), settings).unwrap();
    let learned = case.run("learn").ends(0);
    let said = "nothing was measured: no evidence is older than the backup";
    assert!(learned.stdout.contains(said), "{}", learned.stdout);
}

#[test]
fn a_rule_is_explained_by_rows_where_it_holds_and_rows_where_it_fails() {
    let ran = shared().run("explain --rule rentals.total_cents").ends(0);
    for part in ["rentals.total_cents\n", "  holds in ", "  fails in ", ", and it gives ", ">>"] {
        assert!(ran.stdout.contains(part), "{part} is not in\n{}", ran.stdout);
    }
    let explained = shared().run("explain --rule rentals.total_cents --json").ends(0).json();
    let rules = explained["rules"].as_array().unwrap();
    let right = rules.iter().find_map(|r| r["examples"]["right"].get(0)).unwrap();
    assert_eq!(right["gives"], right["holds"]);
    let wrong = rules.iter().find_map(|r| r["examples"]["wrong"].get(0)).unwrap();
    assert_ne!(wrong["gives"], wrong["holds"]);
    for (name, meant) in
        [("rentals", "TABLE.COLUMN"), ("trips.a", "rentals"), ("rentals.nothing", "stays empty")]
    {
        let ran = shared().run(&format!("explain --rule {name}")).ends(2);
        assert!(ran.stderr.contains(meant), "{meant} is not in\n{}", ran.stderr);
    }
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
