//! Deduplication of public labelled data, where the folder that holds it is named by
//! `RESTITCH_LINKAGE_DATA`.

use std::collections::BTreeMap;
use std::path::Path;

use restitch_matching::{Model, Records, Values, dedupe};

/// The F1 over pairs of clusters; `None` where the data is not there.
fn f1(set: &str) -> Option<f64> {
    let Some(folder) = std::env::var_os("RESTITCH_LINKAGE_DATA") else {
        eprintln!("skipped {set}: RESTITCH_LINKAGE_DATA names no folder with the labelled data");
        return None;
    };
    let folder = Path::new(&folder).join(set);
    let rows = |file: &str| -> (Vec<String>, Vec<csv::StringRecord>) {
        let mut reader = csv::Reader::from_path(folder.join(file)).unwrap();
        let names = reader.headers().unwrap().iter().map(str::to_owned).collect();
        (names, reader.records().map(Result::unwrap).collect())
    };
    let (names, records) = rows("records.csv");
    let column = |at: usize| records.iter().map(|row| Some(row[at].to_owned())).collect();
    let columns = (1..names.len()).map(|at| (names[at].clone(), Values::Text(column(at))));
    let table = Records::new(columns.collect()).unwrap();
    let entities: BTreeMap<String, String> =
        rows("clusters.csv").1.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();

    let found = dedupe(&table, &Model::discover(&table, None).unwrap()).unwrap().of;
    let (mut hits, mut said, mut truth) = (0.0, 0.0, 0.0);
    for i in 0..records.len() {
        for j in i + 1..records.len() {
            let (same, right) =
                (found[i] == found[j], entities[&records[i][0]] == entities[&records[j][0]]);
            hits += f64::from(u8::from(same && right));
            said += f64::from(u8::from(same));
            truth += f64::from(u8::from(right));
        }
    }
    Some(2.0 * hits / (said + truth))
}

fn check(set: &str, at_least: f64) {
    if let Some(f1) = f1(set) {
        assert!(f1 >= at_least, "{set}: F1 {f1}");
    }
}

#[test]
fn febrl1_without_a_miss() {
    check("febrl1", 0.998);
}

#[test]
fn rldata500_nearly_all() {
    check("rldata500", 0.98);
}

#[test]
fn fake_1000_above_the_best_peer() {
    check("fake_1000", 0.88);
}
