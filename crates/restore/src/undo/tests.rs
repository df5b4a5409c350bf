use proptest::prelude::*;

use super::*;
use crate::propose::tests::any_candidates;
use crate::testing::{Db, RENTAL, is, lines, lost, noon, rental_candidates, run};
use crate::{ApplyOptions, apply_embedded};

fn applied(sql: &str, triggers: Triggers) -> Db {
    let db = Db::new(sql);
    let options = ApplyOptions { triggers, provenance: true, at: noon() };
    apply_embedded(&db.plan(&rental_candidates()), &db.url(), &db.output(), &options).unwrap();
    db
}

fn undo(db: &Db) -> Result<Undone, RestoreError> {
    undo_embedded(&db.output(), None, noon())
}

fn fingerprint(path: &Path) -> String {
    crate::sqlite::snapshot(path).unwrap().fingerprint.to_string()
}

#[test]
fn after_undo_all_rows_are_as_in_the_backup_and_the_record_remains() {
    let db = applied(RENTAL, Triggers::Suppress);
    assert_ne!(fingerprint(&db.output()), fingerprint(&db.path()));
    let undone = undo(&db).unwrap();
    assert_eq!((undone.removed, undone.restored, undone.kept.len()), (2, 1, 0));
    assert_eq!(fingerprint(&db.output()), fingerprint(&db.path()));
    let record = "SELECT inserted, removed, undone_at FROM restitch_applied";
    assert_eq!(lines(&db.output(), record), ["2|2|2026-04-26T12:00:00Z"]);
    assert_eq!(lines(&db.output(), "SELECT count(*) FROM restitch_journal"), ["3"]);
    assert_eq!(
        lines(&db.output(), "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"),
        ["1"]
    );
}

#[test]
fn undo_twice_has_nothing_to_undo() {
    let db = applied(RENTAL, Triggers::Suppress);
    undo(&db).unwrap();
    let error = undo(&db).unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains("nothing to undo"), "{error}");
    let never = Db::new(RENTAL);
    assert!(undo(&never).unwrap_err().is_refusal());
    std::fs::copy(never.path(), never.output()).unwrap();
    assert!(undo(&never).unwrap_err().is_refusal());
}

#[test]
fn rows_that_somebody_changed_or_removed_since_are_left_and_named() {
    let db = applied(RENTAL, Triggers::Suppress);
    run(
        &db.output(),
        "UPDATE bookings SET note = 'called' WHERE id = 10;
         UPDATE bookings SET amount = 1 WHERE id = 12;",
    );
    let undone = undo(&db).unwrap();
    assert_eq!((undone.removed, undone.restored), (0, 0));
    assert_eq!(
        undone.kept,
        [
            "bookings 12: somebody changed amount since",
            "bookings 10: somebody changed note since",
            "customers 3: rows of bookings refer to it",
        ]
    );
    let db = applied(RENTAL, Triggers::Suppress);
    run(&db.output(), "DELETE FROM bookings WHERE id = 12");
    let undone = undo(&db).unwrap();
    assert_eq!(undone.kept, ["bookings 12: somebody removed it since"]);
    assert_eq!((undone.removed, undone.restored), (1, 1));
}

#[test]
fn children_that_others_added_keep_their_parent_even_where_a_key_would_remove_them() {
    let sql =
        RENTAL.replace("REFERENCES customers(id)", "REFERENCES customers(id) ON DELETE CASCADE");
    let db = applied(&sql, Triggers::Suppress);
    run(
        &db.output(),
        "INSERT INTO bookings (customer_id, reference, amount) VALUES (3, 'R-NEW', 5)",
    );
    let undone = undo(&db).unwrap();
    assert_eq!(undone.kept, ["customers 3: rows of bookings refer to it"]);
    assert_eq!(undone.removed, 1);
    let left = "SELECT reference FROM bookings WHERE customer_id = 3";
    assert_eq!(lines(&db.output(), left), ["R-NEW"]);
}

#[test]
fn a_value_that_a_newer_row_took_is_not_put_back() {
    let db = Db::new(RENTAL);
    let one = crate::testing::changed("b", "bookings", 10, &[("reference", is("R-77"))]);
    let options = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: noon() };
    apply_embedded(&db.plan(&[one]), &db.url(), &db.output(), &options).unwrap();
    run(
        &db.output(),
        "INSERT INTO bookings (customer_id, reference, amount) VALUES (1, 'R-10', 5)",
    );
    assert_eq!(undo(&db).unwrap().kept, ["bookings 10: rows written since stand against it"]);
}

#[test]
fn a_column_added_since_is_no_edit() {
    let db = applied(RENTAL, Triggers::Suppress);
    run(&db.output(), "ALTER TABLE bookings ADD COLUMN colour TEXT DEFAULT 'red'");
    assert!(undo(&db).unwrap().kept.is_empty());
}

#[test]
fn triggers_that_count_up_and_down_are_followed() {
    let sql = format!(
        "{RENTAL} DROP TRIGGER mail_on_booking;
         CREATE TRIGGER up AFTER INSERT ON bookings BEGIN
            UPDATE customers SET bookings = bookings + 1 WHERE id = new.customer_id; END;
         CREATE TRIGGER down AFTER DELETE ON bookings BEGIN
            UPDATE customers SET bookings = bookings - 1 WHERE id = old.customer_id; END;"
    );
    let db = applied(&sql, Triggers::Fire);
    assert_eq!(lines(&db.output(), "SELECT bookings FROM customers"), ["0", "0", "1"]);
    assert!(undo(&db).unwrap().kept.is_empty());
    assert_eq!(fingerprint(&db.output()), fingerprint(&db.path()));
}

#[test]
fn a_journal_that_was_tampered_with_changes_nothing() {
    let db = applied(RENTAL, Triggers::Suppress);
    run(&db.output(), "UPDATE restitch_journal SET after = '{' WHERE seq = 1");
    let before = fingerprint(&db.output());
    assert!(matches!(undo(&db).unwrap_err(), RestoreError::Journal { .. }));
    assert_eq!(fingerprint(&db.output()), before);
}

#[test]
fn a_row_that_names_itself_is_taken_out() {
    let db = Db::new("CREATE TABLE t (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES t(id));");
    let options = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: noon() };
    let one = lost("a", "t", &[("id", is(9)), ("boss", is(9))]);
    apply_embedded(&db.plan(&[one]), &db.url(), &db.output(), &options).unwrap();
    assert_eq!(undo(&db).unwrap().removed, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn apply_then_undo_is_nothing(candidates in any_candidates()) {
        let db = Db::new(RENTAL);
        let plan = db.plan(&candidates);
        let options = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: noon() };
        let applied = apply_embedded(&plan, &db.url(), &db.output(), &options);
        match applied {
            Ok(applied) => {
                let all = plan.counts().all;
                prop_assert_eq!((applied.inserted, applied.updated), (all.inserts, all.updates));
                let undone = undo(&db).unwrap();
                prop_assert_eq!(undone.kept, Vec::<String>::new());
                prop_assert_eq!(fingerprint(&db.output()), fingerprint(&db.path()));
            }
            // The check on amounts is not in the plan; the database has the last word.
            Err(error) => {
                prop_assert!(matches!(error, RestoreError::Row { .. }), "{}", error);
                prop_assert!(!db.output().exists());
            }
        }
    }
}
