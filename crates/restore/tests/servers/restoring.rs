//! Plans applied to servers and taken back.

use restitch_model::Value;
use restitch_restore::{
    Applied, RestoreError, apply_embedded, apply_server, provenance_at, snapshot, undo_server,
};
use restitch_restore::{ApplyOptions, ServerUndo, Triggers};

use crate::host;
use crate::world::*;

#[track_caller]
fn refused(result: Result<Applied, RestoreError>, part: &str) {
    let error = result.unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains(part), "{error}");
}

#[test]
fn the_same_world_ends_in_the_same_rows_on_all_engines() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("backup.sqlite");
    sqlite(&file, schema("sqlite"));
    let url = format!("sqlite:{}", file.display());
    let output = dir.path().join("restored.sqlite");
    let how = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: noon() };
    apply_embedded(&plan(&url, &candidates()), &url, &output, &how).unwrap();
    let expected = logical(&snapshot(&format!("sqlite:{}", output.display())).unwrap());
    assert_eq!(
        expected,
        [
            "bookings: 1 | 1 | R-1 | 10.00 | 2026-03-01T10:00:00Z | 1 | cancelled | 20.00",
            "bookings: 2 | 2 | R-2 | 25.50 | 2026-03-02T10:00:00Z | 0 | booked | 51.00",
            "bookings: 9 | 3 | R-9 | 45.00 | 2026-04-01T08:00:00Z | 1 | booked | 90.00",
            "bookings: 10 | 1 | R-10 | 0.05 | 2026-04-02T08:00:00Z | 0 | booked | 0.10",
            "customers: 1 | Ann | ann@example.com",
            "customers: 2 | Bo | NULL",
            "customers: 3 | Cy 'the' \"é\" | cy@example.com",
        ]
    );
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let before = snapshot(&url).unwrap();
        let plan = plan(&url, &candidates());
        assert_eq!(plan.database(), base.name);
        let applied = apply_server(&plan, &url, &typed(&base), &options()).unwrap();
        assert_eq!((applied.inserted, applied.updated, applied.already), (3, 1, false));
        assert_eq!(applied.remarks, []);
        assert_eq!(logical(&snapshot(&url).unwrap()), expected, "{}", host.scheme);
        // Once more is nothing more.
        let again = apply_server(&plan, &url, &typed(&base), &options()).unwrap();
        assert!(again.already && again.apply_id == applied.apply_id);
        let told = provenance_at(&url, "bookings", &vec![Value::Integer(9)]).unwrap();
        let columns: Vec<&str> = told.iter().map(|row| row.column.as_str()).collect();
        assert_eq!(columns, ["amount", "customer_id", "id", "paid", "reference", "starts"]);
        assert_eq!(told[0].plan_digest, plan.digest().to_string());
        // The next row of the application gets an id of its own.
        let next = "INSERT INTO bookings (customer_id, reference, amount, starts) \
                    VALUES (1, 'R-NEW', 1, '2026-05-01 00:00:00'); \
                    SELECT max(id) FROM bookings; DELETE FROM bookings WHERE reference = 'R-NEW'";
        assert_eq!(base.run(next), ["11"]);
        let undone = undo_server(&url, &typed(&base), &ServerUndo::at(noon())).unwrap();
        assert_eq!((undone.removed, undone.restored, undone.kept.len()), (3, 1, 0));
        assert_eq!(logical(&snapshot(&url).unwrap()), logical(&before), "{}", host.scheme);
        let nothing = undo_server(&url, &typed(&base), &ServerUndo::at(noon()));
        assert!(nothing.unwrap_err().to_string().contains("was undone at"));
    }
}

#[test]
fn what_is_not_approved_or_stale_is_refused_and_nothing_is_written() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let made = plan(&url, &candidates());
        let before = logical(&snapshot(&url).unwrap());
        let wrong = restitch_restore::Approval::Typed("postgres".to_owned());
        refused(apply_server(&made, &url, &wrong, &options()), "is not that of the database");
        let two = restitch_restore::ServerApply { approvals: 2, ..options() };
        refused(apply_server(&made, &url, &typed(&base), &two), "a typed name is none");
        refused(apply_server(&made, &base.admin(), &typed(&base), &options()), "may do more");
        let backup = restitch_restore::ServerApply { backup_url: Some(base.admin()), ..options() };
        refused(apply_server(&made, &url, &typed(&base), &backup), "is the backup itself");
        let other = world(host);
        let url_2 = other.writer(&["customers", "bookings"]);
        refused(apply_server(&made, &url_2, &typed(&other), &options()), "was made for");
        assert_eq!(logical(&snapshot(&url).unwrap()), before);
        base.run(
            "UPDATE bookings SET status = 'moved' WHERE id = 1; INSERT INTO bookings \
             (customer_id, reference, amount, starts) VALUES (1, 'R-3', 1, '2026-03-03 00:00:00')",
        );
        let before = logical(&snapshot(&url).unwrap());
        refused(
            apply_server(&made, &url, &typed(&base), &options()),
            "bookings (row 1 has another status)",
        );
        assert_eq!(logical(&snapshot(&url).unwrap()), before);
        let again = plan(&url, &candidates());
        apply_server(&again, &url, &typed(&base), &options()).unwrap();
    }
}

#[test]
fn a_row_that_the_server_refuses_is_named_without_its_values_and_can_be_held() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let mut candidates = candidates();
        candidates.push(lost(
            "bad",
            "bookings",
            &[
                ("customer_id", is(1)),
                ("reference", is("R-BAD")),
                ("amount", is("-3.00")),
                ("starts", is("2026-04-02T08:00:00Z")),
            ],
        ));
        let made = plan(&url, &candidates);
        let before = logical(&snapshot(&url).unwrap());
        let error = apply_server(&made, &url, &typed(&base), &options()).unwrap_err();
        assert!(error.to_string().contains("candidate bad"), "{error}");
        assert!(!error.to_string().contains("-3.00"), "{error}");
        assert_eq!(logical(&snapshot(&url).unwrap()), before);
        let found = restitch_restore::rehearse_server(&made, &url, &options()).unwrap();
        assert_eq!((found.written, found.refused.len()), (4, 1));
        assert_eq!(logical(&snapshot(&url).unwrap()), before);
        let made = restitch_restore::propose_without(
            &snapshot(&url).unwrap(),
            &candidates,
            &[],
            &Default::default(),
            &found.refused,
        );
        assert_eq!((made.counts().all.inserts, made.counts().all.held), (3, 1));
        apply_server(&made, &url, &typed(&base), &options()).unwrap();
    }
}

#[test]
fn undo_keeps_what_others_changed_and_names_it() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        apply_server(&plan(&url, &candidates()), &url, &typed(&base), &options()).unwrap();
        base.run(
            "UPDATE bookings SET status = 'moved' WHERE id = 10; INSERT INTO bookings \
             (customer_id, reference, amount, starts) VALUES (3, 'R-NEW', 1, '2026-05-01 00:00:00')",
        );
        let undone = undo_server(&url, &typed(&base), &ServerUndo::at(noon())).unwrap();
        assert_eq!((undone.removed, undone.restored), (1, 1));
        assert_eq!(
            undone.kept,
            [
                "bookings 10: somebody changed status since",
                "customers 3: rows of bookings refer to it"
            ]
        );
        let left = base.run("SELECT reference FROM bookings ORDER BY id");
        assert_eq!(left, ["R-1", "R-2", "R-10", "R-NEW"]);
    }
}
