//! Writing the plan, and taking it back.

use restitch_model::Snapshot;

use crate::case::{Case, SAMPLE, assert_same, files, repository, shared};

#[test]
fn the_plan_is_written_once_however_often_it_is_applied() {
    let case = Case::copied();
    let before = case.files();
    let applied = case.json("apply");
    assert_eq!(applied["already"], true);
    assert_eq!(applied["inserted"], shared().ran.json()["plan"]["inserts"]);
    assert_same(&before, &case.files());
}

#[test]
fn undo_gives_back_the_rows_of_the_backup() {
    let case = Case::copied();
    let backup = snapshot(&repository(SAMPLE).join("restored.sqlite"));
    let restored = case.path("restored.sqlite");
    assert_ne!(snapshot(&restored).fingerprint, backup.fingerprint, "nothing was recovered");
    let plan = &shared().ran.json()["plan"];
    let undone = case.json("undo");
    assert_eq!((&undone["removed"], &undone["restored"]), (&plan["inserts"], &plan["updates"]));
    assert_eq!(snapshot(&restored).fingerprint, backup.fingerprint);
}

#[test]
fn what_is_undone_cannot_be_undone_but_applied_again() {
    let case = Case::copied();
    let restored = snapshot(&case.path("restored.sqlite"));
    case.run("undo").ends(0);
    let refused = case.run("undo").ends(3);
    assert!(refused.stderr.contains("nothing to undo"), "{}", refused.stderr);
    assert_eq!(case.json("apply")["already"], false);
    assert_eq!(snapshot(&case.path("restored.sqlite")).fingerprint, restored.fingerprint);
    case.run("verify").ends(0);
}

#[test]
fn the_backup_and_all_that_lies_beside_it_stay_as_they_are() {
    let case = Case::copied();
    for command in ["plan", "apply", "undo", "apply"] {
        case.run(command).ends(0);
    }
    assert_same(&shared().sample, &files(&repository(SAMPLE)));
}

fn snapshot(path: &std::path::Path) -> Snapshot {
    restitch_restore::snapshot(&format!("sqlite:{}", path.display())).unwrap()
}
