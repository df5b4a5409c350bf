//! Where a value comes from.

use serde_json::Value;

use crate::case::{Case, shared};

#[test]
fn an_inserted_rental_is_explained_by_its_evidence_and_rules() {
    let (change, cell) = inserted_rental();
    let command = format!("explain rentals {} --json", change["key"][0]);
    let explained = shared().run(&command).ends(0).json();
    assert_eq!(explained["candidate"], change["candidate"]);
    let fields = explained["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["column"] == cell["column"]).unwrap();
    for part in ["rule", "evidence", "words"] {
        assert_eq!(field[part], cell[part], "{part} of {}", cell["column"]);
    }
}

#[test]
fn a_person_reads_the_words_of_the_evidence_and_the_rule() {
    let (change, cell) = inserted_rental();
    let shown = shared().run(&format!("explain {}", change["candidate"].as_str().unwrap())).ends(0);
    for part in ["rule", "words"] {
        let text = cell[part].as_str().unwrap();
        assert!(shown.stdout.contains(text), "{part} {text:?} is not in\n{}", shown.stdout);
    }
}

#[test]
fn a_link_tells_its_weight_step_by_step_and_what_lost() {
    let plan = shared().plan();
    let rentals = plan["changes"].as_array().unwrap().iter().filter(|c| c["table"] == "rentals");
    let ids = rentals.map(|change| change["candidate"].as_str().unwrap());
    let mut explained = ids.map(|id| shared().run(&format!("explain {id} --json")).ends(0).json());
    let is_full = |of: &Value| {
        let is_there = |part: &str| of[part].as_array().is_some_and(|list| !list.is_empty());
        ["certain", "links", "rivals"].into_iter().all(is_there)
    };
    let found = explained.find(is_full).expect("a rental has links and rivals");
    let sum = |steps: &Value, bits: &dyn Fn(&Value) -> f64| -> f64 {
        steps.as_array().unwrap().iter().map(bits).sum()
    };
    let won = sum(&found["links"], &|step| step["weight"].as_f64().unwrap());
    let rival = &found["rivals"][0];
    let lost = sum(&rival["steps"], &|step| step[1].as_f64().unwrap());
    assert!((lost - rival["weight"].as_f64().unwrap()).abs() < 1e-6 && lost < won, "{rival}");
    let why = rival["reason"].as_str().unwrap();
    let shown = shared().run(&format!("explain {}", found["candidate"].as_str().unwrap()));
    for part in ["names it: ", "Linked by likeness, in bits", "Rivals that lost, in bits", why] {
        assert!(shown.stdout.contains(part), "{part:?} is not in\n{}", shown.stdout);
    }
}

#[test]
fn a_case_that_another_run_works_on_can_be_looked_at() {
    let (change, _) = inserted_rental();
    let case = Case::copied();
    let _at_work = restitch_case::Case::open(case.dir()).unwrap();
    let candidate = change["candidate"].as_str().unwrap();
    let key = &change["key"][0];
    for command in [format!("explain {candidate}"), format!("explain rentals {key}")] {
        case.run(&command).ends(0);
    }
    case.run("verify").ends(0);
    case.run("doctor").ends(0);
    let refused = case.run("plan").ends(1);
    assert!(refused.stderr.contains("is in use by process"), "{}", refused.stderr);
}

#[test]
fn a_record_that_is_not_there_is_a_wrong_command_line() {
    let ran = shared().run("explain rentals 999999999").ends(2);
    assert!(ran.stderr.contains("999999999"), "{}", ran.stderr);
}

/// A rental that the plan inserts, and its cell for the reference, which evidence names.
fn inserted_rental() -> (Value, Value) {
    let plan = shared().plan();
    let changes = plan["changes"].as_array().unwrap();
    let rentals = changes.iter().filter(|c| c["table"] == "rentals" && c["kind"] == "insert");
    let seen = |cell: &&Value| {
        cell["column"] == "reference" && cell["words"].as_str().is_some_and(|w| !w.is_empty())
    };
    rentals
        .filter_map(|c| Some((c.clone(), c["cells"].as_array()?.iter().find(seen)?.clone())))
        .next()
        .expect("the plan inserts a rental with a reference")
}
