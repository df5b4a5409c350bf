//! Packs go out, answers come in, and the plan does what they say.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::case::{Case, shared};

#[test]
fn each_customer_gets_a_pack() {
    let case = Case::copied();
    let exported = case.json("review export");
    let packs = exported["packs"].as_array().unwrap();
    let tenants: BTreeSet<_> = packs.iter().filter_map(|pack| pack["tenant"].as_str()).collect();
    assert_eq!(tenants, BTreeSet::from(["1", "2", "3", "4"]));
    for pack in packs {
        for file in ["review.html", "review.xlsx", "review.csv"] {
            let path = pack_file(&case, pack, file);
            assert!(fs::metadata(&path).unwrap().len() > 0, "{path} is empty");
        }
    }
}

#[test]
fn the_plan_does_what_the_answers_say() {
    let case = Case::copied();
    let exported = case.json("review export");
    // What belongs to nobody yet cannot become a row by a yes alone.
    let packs: Vec<_> =
        exported["packs"].as_array().unwrap().iter().filter(|p| !p["tenant"].is_null()).collect();
    let signed = Case::empty();
    let told_yes = answer(&case, packs[0], "yes", &signed);
    let told_no = answer(&case, packs[1], "no", &signed);

    let import = format!("review import {} --json", signed.dir().display());
    let taken = case.run(&import).ends(0).json();
    assert_eq!(taken["new"], told_yes.len() + told_no.len(), "{taken}");
    let planned = case.json("plan");

    let (before, after) = (shared().plan(), case.plan());
    assert_eq!(planned["digest"], after["digest"]);
    assert_ne!(before["digest"], after["digest"]);
    let (changed, held) = (candidates(&after, "changes"), candidates(&after, "held"));
    assert!(told_yes.intersection(&changed).next().is_some(), "no yes brought a row back");
    assert!(told_no.is_disjoint(&changed), "a row comes back that somebody said no to");
    assert!(told_no.is_disjoint(&held), "what somebody said no to still waits");
}

#[test]
fn answers_that_came_in_already_change_nothing() {
    let case = Case::copied();
    let exported = case.json("review export");
    let signed = Case::empty();
    answer(&case, &exported["packs"][0], "no", &signed);
    let import = format!("review import {}", signed.dir().display());
    case.json(&import);
    let digest = case.json("plan")["digest"].clone();
    assert_eq!(case.json(&import)["new"], 0);
    assert_eq!(case.json("plan")["digest"], digest);
}

#[test]
fn answers_teach_and_survive_learning_and_matching() {
    let case = Case::copied();
    let exported = case.json("review export");
    let signed = Case::empty();
    let packs: Vec<_> =
        exported["packs"].as_array().unwrap().iter().filter(|p| !p["tenant"].is_null()).collect();
    let told_yes = answer(&case, packs[0], "yes", &signed);
    let told_no = answer(&case, packs[1], "no", &signed);
    case.json(&format!("review import {}", signed.dir().display()));
    case.json("plan");
    let before = candidates(&case.plan(), "changes");
    let rules = fs::read_to_string(case.path("rules.toml")).unwrap();

    case.json("learn");
    assert_ne!(fs::read_to_string(case.path("rules.toml")).unwrap(), rules, "nothing was learned");
    case.json("match");
    case.json("plan");
    let after = candidates(&case.plan(), "changes");
    let lost: Vec<_> = told_yes.intersection(&before).filter(|id| !after.contains(*id)).collect();
    assert!(lost.is_empty(), "a yes is forgotten: {lost:?}");
    assert!(told_no.is_disjoint(&after), "a no is forgotten");
}

/// Fills a pack's table with one answer for every record, as a person would, and puts it among
/// those that came back. Gives the names of the candidates.
fn answer(case: &Case, pack: &Value, word: &str, signed: &Case) -> BTreeSet<String> {
    let sent = fs::read_to_string(pack_file(case, pack, "review.csv")).unwrap();
    let sent = sent.trim_start_matches('\u{feff}');
    let separator = if sent.starts_with("\"Record\"") { b',' } else { b';' };
    let mut table = csv::ReaderBuilder::new().delimiter(separator).from_reader(sent.as_bytes());
    let headers = table.headers().unwrap().clone();
    // In the languages of the sample's businesses.
    let column =
        |names: [&str; 3]| headers.iter().position(|header| names.contains(&header)).unwrap();
    let record = column(["Record", "Datensatz", "Ficha"]);
    let answer = column(["Answer", "Antwort", "Respuesta"]);
    let name = column(["Your name", "Ihr Name", "Su nombre"]);
    let folder = pack["folder"].as_str().unwrap();
    let mut back = csv::Writer::from_path(signed.path(format!("{folder}.csv"))).unwrap();
    back.write_record(&headers).unwrap();
    let mut answered = BTreeSet::new();
    for row in table.records() {
        let mut row: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        answered.insert(row[record].clone());
        row[answer] = word.to_owned();
        row[name] = "Pat Reviewer".to_owned();
        back.write_record(&row).unwrap();
    }
    back.flush().unwrap();
    assert!(!answered.is_empty(), "{folder} has nothing to answer");
    answered
}

fn pack_file(case: &Case, pack: &Value, file: &str) -> String {
    let folder = case.path("review/out").join(pack["folder"].as_str().unwrap());
    folder.join(file).display().to_string()
}

fn candidates(plan: &Value, part: &str) -> BTreeSet<String> {
    let list = plan[part].as_array().unwrap();
    list.iter().filter_map(|one| one["candidate"].as_str()).map(str::to_owned).collect()
}
