use std::fs;

use super::*;
use crate::testing::{Db, RENTAL, changed, folder, is, lines, lost, noon, rental_candidates, run};
use crate::{PlanPolicy, propose_without, provenance, undo_embedded};

const SUPPRESS: Triggers = Triggers::Suppress;

fn options(triggers: Triggers) -> ApplyOptions {
    ApplyOptions { triggers, provenance: true, at: noon() }
}

fn apply(db: &Db, plan: &Plan) -> Result<Applied, RestoreError> {
    apply_embedded(plan, &db.url(), &db.output(), &options(SUPPRESS))
}

#[track_caller]
fn refused(result: Result<Applied, RestoreError>, part: &str) {
    let error = result.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

const ALL_BOOKINGS: &str = "SELECT id, customer_id, reference, amount, status FROM bookings";

#[test]
fn a_plan_is_carried_out_on_a_copy_and_the_backup_stays() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    let before = fs::read(db.path()).unwrap();
    let applied = apply(&db, &plan).unwrap();
    assert_eq!((applied.inserted, applied.updated, applied.already), (2, 1, false));
    assert_eq!(
        lines(&db.output(), ALL_BOOKINGS),
        ["10|1|R-10|1000|cancelled", "11|2|R-11|2500|booked", "12|3|R-12|4500|booked"]
    );
    assert_eq!(fs::read(db.path()).unwrap(), before);
    // One file in the case and the backup: nothing is left beside either.
    assert_eq!(folder(db.path().parent().unwrap()).len(), 2);
}

#[test]
fn the_same_plan_twice_changes_nothing_the_second_time() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    let first = apply(&db, &plan).unwrap();
    let files = folder(db.path().parent().unwrap());
    let second = apply(&db, &plan).unwrap();
    assert_eq!(second, Applied { already: true, ..first });
    assert_eq!(folder(db.path().parent().unwrap()), files);
}

#[test]
fn a_stale_plan_is_refused_and_says_which_tables_differ() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    db.run(
        "INSERT INTO customers (name) VALUES ('New'); UPDATE bookings SET amount = 1 WHERE id = 10",
    );
    let error = apply(&db, &plan).unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(
        error.to_string(),
        "the database is not as it was when the plan was made: bookings (other values or \
         columns), customers (2 rows then, 3 now); run `restitch plan` again"
    );
    assert!(!db.output().exists());
    assert_eq!(folder(db.path().parent().unwrap()).len(), 1);
}

#[test]
fn triggers_keep_still_unless_they_are_told_to_fire() {
    for (triggers, mails) in [(Triggers::Suppress, 0), (Triggers::Fire, 1)] {
        let db = Db::new(RENTAL);
        let plan = db.plan(&rental_candidates());
        apply_embedded(&plan, &db.url(), &db.output(), &options(triggers)).unwrap();
        assert_eq!(lines(&db.output(), "SELECT * FROM outbox").len(), mails);
        let sql = "SELECT sql FROM sqlite_master WHERE type = 'trigger'";
        assert_eq!(lines(&db.output(), sql), lines(&db.path(), sql));
    }
}

#[test]
fn a_trigger_that_writes_over_a_column_is_told() {
    let db = Db::new(&format!(
        "{RENTAL} CREATE TRIGGER stamp AFTER UPDATE OF status ON bookings BEGIN
            UPDATE bookings SET note = 'stamped' WHERE id = new.id; END;"
    ));
    let plan = db.plan(&[changed(
        "b",
        "bookings",
        10,
        &[("status", is("cancelled")), ("note", is("mine"))],
    )]);
    let applied = apply_embedded(&plan, &db.url(), &db.output(), &options(Triggers::Fire)).unwrap();
    assert_eq!(applied.remarks, [Remark::new("bookings 10", "a trigger wrote over note")]);
}

#[test]
fn a_row_that_the_database_refuses_is_named_and_nothing_is_written() {
    let db = Db::new(RENTAL);
    let booking = |id: &str, amount: i64| {
        lost(
            id,
            "bookings",
            &[("customer_id", is(1)), ("reference", is(id)), ("amount", is(amount))],
        )
    };
    let earlier = db.plan(&[booking("R-1", 5)]);
    apply(&db, &earlier).unwrap();
    let output = fs::read(db.output()).unwrap();
    let plan = db.plan(&[booking("R-1", 5), booking("R-2", -5), booking("R-3", 5)]);
    let error = apply(&db, &plan).unwrap_err();
    assert!(!error.is_refusal());
    assert!(error.to_string().contains("change 2 of the plan (candidate R-2"), "{error}");
    assert_eq!(fs::read(db.output()).unwrap(), output);
    assert_eq!(folder(db.path().parent().unwrap()).len(), 2);
}

#[test]
fn what_a_killed_apply_left_does_no_harm() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    let partial = partial(&db.output());
    // A copy in the middle of a transaction, with the journal that would undo it.
    sqlite::copy(&db.path(), &partial).unwrap();
    let mut session = Session::create(&partial).unwrap();
    session.script("PRAGMA cache_size = 1; BEGIN; UPDATE customers SET name = 'half'").unwrap();
    let journal = PathBuf::from(format!("{}-journal", partial.display()));
    let left = (fs::read(&partial).unwrap(), fs::read(&journal).unwrap());
    session.close().unwrap();
    fs::write(&partial, left.0).unwrap();
    fs::write(&journal, left.1).unwrap();
    assert!(!db.output().exists());
    apply(&db, &plan).unwrap();
    assert_eq!(lines(&db.output(), "SELECT name FROM customers"), ["Ann", "Bo", "Cy"]);
    assert!(!partial.exists() && !journal.exists());
}

#[test]
fn a_copy_in_which_an_undo_was_killed_is_brought_in_order_and_replaced() {
    let db = Db::new(RENTAL);
    apply(&db, &db.plan(&rental_candidates())).unwrap();
    let mut session = Session::create(&db.output()).unwrap();
    session.script("PRAGMA cache_size = 1; BEGIN; UPDATE customers SET name = 'half'").unwrap();
    let journal = PathBuf::from(format!("{}-journal", db.output().display()));
    let left = (fs::read(db.output()).unwrap(), fs::read(&journal).unwrap());
    session.close().unwrap();
    fs::write(db.output(), left.0).unwrap();
    fs::write(&journal, left.1).unwrap();
    assert_eq!(apply(&db, &db.plan(&rental_candidates()[1..2])).unwrap().inserted, 1);
    assert_eq!(lines(&db.output(), "SELECT count(*) FROM customers WHERE name = 'half'"), ["0"]);
    assert!(!journal.exists());
}

#[test]
fn an_apply_that_does_not_account_for_every_row_is_an_error() {
    let db = Db::new(RENTAL);
    let mut candidates = rental_candidates();
    candidates.push(lost("empty", "customers", &[]));
    let plan = db.plan(&candidates);
    let written = plan.changes().len() as u64;
    let account = Account::of(&plan, written).unwrap();
    assert_eq!((account.planned, account.held, account.refused), (written + 1, 1, 0));
    let error = Account::of(&plan, written - 1).unwrap_err();
    assert!(!error.is_refusal() && error.to_string().contains("not all of them"), "{error}");
}

#[test]
fn a_schema_that_replaces_on_conflict_replaces_nothing() {
    let db = Db::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);
         CREATE TABLE u (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT COLLATE NOCASE UNIQUE ON CONFLICT REPLACE);
         INSERT INTO u VALUES (1, 'x');",
    );
    // The plan compares exactly, the column does not: the database has the last word.
    let plan = db.plan(&[lost("c", "u", &[("a", is("X"))])]);
    let error = apply(&db, &plan).unwrap_err();
    assert!(matches!(error, RestoreError::Row { .. }), "{error}");
}

#[test]
fn an_untouched_output_is_replaced_by_another_plan_and_a_changed_one_is_not() {
    let db = Db::new(RENTAL);
    apply(&db, &db.plan(&rental_candidates())).unwrap();
    let other = db.plan(&rental_candidates()[1..2]);
    assert!(!apply(&db, &other).unwrap().already);
    assert_eq!(lines(&db.output(), ALL_BOOKINGS).len(), 2);
    run(&db.output(), "UPDATE customers SET name = 'Edited' WHERE id = 1");
    refused(apply(&db, &db.plan(&rental_candidates())), "was written to since");
    assert!(apply(&db, &other).unwrap().already);
}

#[test]
fn an_undone_plan_can_be_applied_again() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    apply(&db, &plan).unwrap();
    undo_embedded(&db.output(), None, noon()).unwrap();
    assert!(!apply(&db, &plan).unwrap().already);
    assert_eq!(lines(&db.output(), ALL_BOOKINGS).len(), 3);
}

#[test]
fn a_file_that_is_not_ours_is_never_replaced() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    fs::write(db.output(), "a letter").unwrap();
    refused(apply(&db, &plan), "no copy that restitch made");
    fs::copy(db.path(), db.output()).unwrap();
    refused(apply(&db, &plan), "no copy that restitch made");
    let itself = apply_embedded(&plan, &db.url(), &db.path(), &options(SUPPRESS));
    refused(itself, "is the target itself");
}

#[test]
fn an_output_that_is_open_elsewhere_is_not_replaced() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    fs::write(format!("{}-wal", db.output().display()), "x").unwrap();
    refused(apply(&db, &plan), "is open in another program");
}

#[test]
fn counters_move_on_and_never_back() {
    let db = Db::new(RENTAL);
    let sequence = "SELECT seq FROM sqlite_sequence WHERE name = 'customers'";
    let mut candidates = rental_candidates();
    candidates[0].fields[0].cell = is(500);
    apply(&db, &db.plan(&candidates)).unwrap();
    // 500 was named by a booking that is held; the customer got 501.
    assert_eq!(lines(&db.output(), sequence), ["501"]);
    db.run("UPDATE sqlite_sequence SET seq = 9000");
    fs::remove_file(db.output()).unwrap();
    apply(&db, &db.plan(&[lost("a", "customers", &[("id", is(7)), ("name", is("x"))])])).unwrap();
    assert_eq!(lines(&db.output(), sequence), ["9000"]);
}

#[test]
fn rows_in_the_wal_of_the_backup_are_in_the_copy_which_is_one_file() {
    let db = Db::new(RENTAL);
    let mut writer = Session::create(&db.path()).unwrap();
    writer.script("PRAGMA journal_mode = WAL").unwrap();
    writer.script("INSERT INTO customers (id, name) VALUES (7, 'In the WAL')").unwrap();
    let plan = db.plan(&rental_candidates());
    apply(&db, &plan).unwrap();
    assert_eq!(lines(&db.output(), "SELECT name FROM customers WHERE id = 7"), ["In the WAL"]);
    assert_eq!(folder(db.output().parent().unwrap()).len(), 1);
    writer.close().unwrap();
}

#[test]
fn many_rows_go_in_batches_and_all_arrive() {
    let db = Db::new(RENTAL);
    let names: Vec<String> = (0..350).map(|i| format!("c{i}")).collect();
    let candidates: Vec<_> =
        names.iter().map(|name| lost(name, "customers", &[("name", is(name.as_str()))])).collect();
    assert_eq!(apply(&db, &db.plan(&candidates)).unwrap().inserted, 350);
    assert_eq!(lines(&db.output(), "SELECT count(*) FROM customers"), ["352"]);
    assert_eq!(lines(&db.output(), "SELECT count(*) FROM restitch_journal"), ["350"]);
}

#[test]
fn a_year_later_the_copy_still_says_where_a_row_comes_from() {
    let db = Db::new(RENTAL);
    let plan = db.plan(&rental_candidates());
    apply(&db, &plan).unwrap();
    let rows = provenance(&db.output(), "bookings", &vec![12.into()]).unwrap();
    let columns: Vec<&str> = rows.iter().map(|row| row.column.as_str()).collect();
    assert_eq!(columns, ["amount", "customer_id", "id", "reference"]);
    assert_eq!(rows[0].rule, "rule-amount");
    assert_eq!(rows[0].place.as_deref(), Some("text"));
    assert_eq!(rows[0].plan_digest, plan.digest().to_string());
    assert_eq!(rows[2].evidence, None);
    assert!(provenance(&db.output(), "bookings", &vec![10.into()]).unwrap().len() == 1);
    assert!(provenance(&db.output(), "bookings", &vec![11.into()]).unwrap().is_empty());
}

#[test]
fn provenance_can_be_left_out() {
    let db = Db::new(RENTAL);
    let options = ApplyOptions { provenance: false, ..options(SUPPRESS) };
    apply_embedded(&db.plan(&rental_candidates()), &db.url(), &db.output(), &options).unwrap();
    assert!(provenance(&db.output(), "bookings", &vec![12.into()]).unwrap().is_empty());
    let tables = "SELECT name FROM sqlite_master WHERE name LIKE 'restitch%' AND type = 'table'";
    assert_eq!(lines(&db.output(), tables), ["restitch_applied", "restitch_journal"]);
}

#[test]
fn an_edited_plan_is_not_applied() {
    let db = Db::new(RENTAL);
    let text = db.plan(&rental_candidates()).to_json().replace("4500", "9999");
    let edited: Plan = serde_json::from_str(&text).unwrap();
    refused(apply(&db, &edited), "was edited");
}

#[test]
fn a_row_that_the_database_would_refuse_is_found_before_and_held_with_what_it_said() {
    let db = Db::new(RENTAL);
    let booking = |id: &str, amount: i64| {
        let fields =
            [("customer_id", is(1)), ("reference", is(format!("R-{id}"))), ("amount", is(amount))];
        lost(id, "bookings", &fields)
    };
    let candidates = [
        booking("good", 500),
        booking("bad", -1),
        changed("worse", "bookings", 10, &[("amount", is(-2))]),
    ];
    let plan = db.plan(&candidates);
    let before = folder(db.path().parent().unwrap());
    let case = db.output().parent().unwrap().to_owned();
    let found = rehearse_embedded(&plan, &db.url(), &case, SUPPRESS).unwrap();
    assert_eq!(folder(db.path().parent().unwrap()), before, "something was left");
    let refused: Vec<&str> = found.refused.keys().map(|id| id.0.as_str()).collect();
    assert_eq!((found.written, &refused[..]), (1, &["bad", "worse"][..]));
    let plan =
        propose_without(&db.snapshot(), &candidates, &[], &PlanPolicy::default(), &found.refused);
    assert!(plan.held().iter().all(|held| held.reason.contains("CHECK constraint failed")));
    assert_eq!(apply(&db, &plan).unwrap().inserted, 1);
}
