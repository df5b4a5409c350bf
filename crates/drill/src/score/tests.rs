use super::*;
use crate::literal::snapshot;

const TENANTS: &str = "
    customers id*|name|email
    1|Ann Lee|ann@example.com
    2|Bob Ray|bob@example.com
    3|Cy Fox|cy@example.com
    rentals id*|ref!|customer_id>customers|pickup_at|total
    11|R1|1|2026-01-01T10:00:00Z|100
    12|R2|2|2026-01-02T10:00:00Z|250
    13|R3|3|2026-01-03T10:00:00Z|370
    14|R4|1|2026-01-04T10:00:00Z|410";

const BACKUP: &str = "
    customers id*|name|email
    1|Ann Lee|ann@example.com
    2|Bob Ray|bob@example.com
    rentals id*|ref!|customer_id>customers|pickup_at|total
    11|R1|1|2026-01-01T10:00:00Z|100
    12|R2|2|2026-01-02T10:00:00Z|250";

fn scored(before: &str, after: &str) -> Score {
    let (truth, before, after) = (snapshot(TENANTS), snapshot(before), snapshot(after));
    let tables = [("customer", "customers"), ("reservation", "rentals")]
        .map(|(kind, table)| (RecordType::new(kind), table.to_owned()));
    score(&truth, &before, &after, &tables, Known::default())
}

fn rentals(before: &str, after: &str) -> TypeScore {
    scored(before, after).types[&RecordType::new("reservation")].clone()
}

/// The backup with customers and rentals more.
fn with(customers: &str, rentals: &str) -> String {
    let (head, tail) = BACKUP.split_at(BACKUP.find("    rentals").unwrap());
    format!("{head}{customers}\n{tail}\n{rentals}")
}

#[test]
fn nothing_done_is_nothing_recovered_and_nothing_wrong() {
    let score = rentals(BACKUP, BACKUP);
    assert_eq!((score.lost, score.recoverable, score.recovered), (2, 2, 0));
    assert_eq!((score.inserted, score.wrong_overwrites, score.deleted), (0, 0, 0));
}

#[test]
fn another_id_of_a_customer_is_no_error() {
    let after = with("77|Cy Fox|cy@example.com", "88|R3|77|2026-01-03T10:00:00Z|370");
    let score = rentals(BACKUP, &after);
    assert_eq!((score.recovered, score.spurious, score.duplicates), (1, 0, 0));
    assert!(score.columns.values().all(|share| *share == Share { hits: 1, n: 1 }));
    assert!(!score.columns.contains_key("id"));
}

#[test]
fn the_wrong_customer_is_an_error_of_that_column_alone() {
    let score = rentals(BACKUP, &with("", "88|R3|2|2026-01-03T10:00:00Z|370"));
    assert_eq!(score.columns["customer_id"], Share { hits: 0, n: 1 });
    assert_eq!(score.columns["total"], Share { hits: 1, n: 1 });
}

#[test]
fn a_row_without_its_reference_is_known_by_the_rest() {
    let score = rentals(BACKUP, &with("", "88||1|2026-01-04T10:00:00Z|410"));
    assert_eq!((score.recovered, score.spurious), (1, 0));
    assert_eq!(score.columns["ref"], Share { hits: 0, n: 1 });
}

#[test]
fn what_never_was_is_spurious() {
    let score = rentals(BACKUP, &with("", "88|R9|1|2026-05-05T10:00:00Z|999"));
    assert_eq!((score.recovered, score.spurious), (0, 1));
    assert_eq!(score.precision(), Share { hits: 0, n: 1 });
}

#[test]
fn a_second_row_for_one_booking_is_a_duplicate() {
    let twice = "88|R3|2|2026-01-03T10:00:00Z|370\n89||2|2026-01-03T10:00:00Z|370";
    let score = rentals(BACKUP, &with("", twice));
    assert_eq!((score.recovered, score.duplicates, score.spurious), (1, 1, 0));
}

#[test]
fn a_row_that_was_there_already_is_a_duplicate() {
    let score = rentals(BACKUP, &with("", "88||2|2026-01-02T10:00:00Z|250"));
    assert_eq!((score.recovered, score.duplicates), (0, 1));
}

#[test]
fn a_booking_that_staff_typed_in_again_under_a_lost_id_is_not_lost() {
    // 13 is the id that R3 had; staff gave it to R4.
    let before = with("", "13|R4|1|2026-01-04T10:30:00Z|410");
    let score = rentals(&before, &before);
    assert_eq!((score.lost, score.wrong_overwrites), (1, 0));
    let after = format!("{before}\n20|R3||2026-01-03T10:00:00Z|370");
    assert_eq!(rentals(&before, &after).recovered, 1);
}

#[test]
fn a_cell_changed_to_the_truth_is_right_and_any_other_change_is_wrong() {
    let before = BACKUP.replace("|250", "|200");
    let right = rentals(&before, BACKUP);
    assert_eq!((right.right_overwrites, right.wrong_overwrites), (1, 0));
    let wrong = rentals(BACKUP, &BACKUP.replace("|100", "|101"));
    assert_eq!((wrong.right_overwrites, wrong.wrong_overwrites), (0, 1));
}

#[test]
fn a_change_to_a_row_that_the_truth_does_not_know_is_wrong() {
    let before = with("", "13|S1|2|2026-06-06T10:00:00Z|777");
    let after = before.replace("|777", "|778");
    assert_eq!(rentals(&before, &after).wrong_overwrites, 1);
}

#[test]
fn rows_that_are_gone_are_counted() {
    let after = BACKUP.replace("    12|R2|2|2026-01-02T10:00:00Z|250", "");
    let score = scored(BACKUP, &after);
    assert_eq!((score.deleted, score.types[&RecordType::new("reservation")].deleted), (1, 1));
}

#[test]
fn a_row_that_staff_wrote_since_is_no_lost_one_however_like_it_is() {
    // Of the same guest and price as the lost R4, but another booking.
    let before = with("", "21|R9|1|2026-01-04T10:00:00Z|410");
    let after = format!("{before}\n    88|R4|1|2026-01-04T10:00:00Z|410");
    let tables = [(RecordType::new("reservation"), "rentals".to_owned())];
    let new = BTreeSet::from([("rentals".to_owned(), vec![21i64.into()])]);
    let scored = |new| {
        let known = Known { seen: None, new };
        let (truth, before, after) = (snapshot(TENANTS), snapshot(&before), snapshot(&after));
        let score = score(&truth, &before, &after, &tables, known);
        let score = &score.types[&RecordType::new("reservation")];
        (score.recovered, score.duplicates)
    };
    assert_eq!(scored(None), (0, 1), "taken for the lost one, which then is there twice");
    assert_eq!(scored(Some(&new)), (1, 0));
}

#[test]
fn only_what_was_seen_counts_as_recoverable() {
    let seen = BTreeSet::from([("rentals".to_owned(), vec![13i64.into()])]);
    let tables = [(RecordType::new("reservation"), "rentals".to_owned())];
    let (truth, before) = (snapshot(TENANTS), snapshot(BACKUP));
    let after = snapshot(&with("", "88|R4|1|2026-01-04T10:00:00Z|410"));
    let score = score(&truth, &before, &after, &tables, Known { seen: Some(&seen), new: None });
    let score = &score.types[&RecordType::new("reservation")];
    assert_eq!((score.lost, score.recoverable, score.recovered), (2, 1, 1));
    assert_eq!(score.recall(), Share { hits: 0, n: 1 });
}
