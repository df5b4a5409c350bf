//! What is refused, and that nothing is written then.

use restitch_restore::{
    Applied, Limits, RestoreError, ServerApply, ServerUndo, Triggers, apply_server,
    rehearse_server, rights, snapshot, undo_server,
};

use crate::host::{self, Base};
use crate::world::*;

/// All rows, and what restitch has noted.
fn stands(base: &Base) -> (Vec<String>, Vec<String>) {
    let applied = match base.host.scheme {
        "postgres" => "SELECT apply_id, undone_at FROM restitch.applied",
        _ => "SELECT apply_id, undone_at FROM restitch_applied",
    };
    (logical(&snapshot(&base.admin()).unwrap()), base.run(applied))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, RestoreError>, part: &str) {
    let error = result.unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains(part), "{error}");
}

#[test]
fn an_undo_holds_the_same_guards_as_an_apply() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        apply_server(&plan(&url, &candidates()), &url, &typed(&base), &options()).unwrap();
        let before = stands(&base);
        let undo = ServerUndo::at(noon());
        refused(undo_server(&base.admin(), &typed(&base), &undo), "may do more");
        let wrong = restitch_restore::Approval::Typed("postgres".to_owned());
        refused(undo_server(&url, &wrong, &undo), "is not that of the database");
        let two = ServerUndo { approvals: 2, ..undo.clone() };
        refused(undo_server(&url, &typed(&base), &two), "a typed name is none");
        let other = ServerUndo { apply_id: Some("no-such".to_owned()), ..undo.clone() };
        refused(undo_server(&url, &typed(&base), &other), "there is no apply no-such");
        assert_eq!(stands(&base), before);
        let role = rights(&base.admin()).unwrap().unwrap().role;
        let allowed = ServerUndo { allowed_role: Some(role), ..undo };
        assert_eq!(undo_server(&base.admin(), &typed(&base), &allowed).unwrap().removed, 3);
    }
}

#[test]
fn a_role_that_may_become_another_or_owns_a_schema_is_told() {
    let Some(host) = host::postgres() else { return };
    let base = world(host);
    let url = base.writer(&["customers", "bookings"]);
    let made = plan(&url, &candidates());
    let role = format!("writer_{}", base.name);
    let before = stands(&base);
    for (sql, back, part) in [
        ("GRANT admin TO {role}", "REVOKE admin FROM {role}", "may become admin"),
        (
            "GRANT pg_execute_server_program TO {role}",
            "REVOKE pg_execute_server_program FROM {role}",
            "may become pg_execute_server_program",
        ),
        (
            "ALTER SCHEMA public OWNER TO {role}",
            "ALTER SCHEMA public OWNER TO pg_database_owner",
            "owns the schema public",
        ),
        (
            "GRANT TRUNCATE ON customers TO {role}",
            "REVOKE TRUNCATE ON customers FROM {role}",
            "TRUNCATE on",
        ),
        ("ALTER ROLE {role} CREATEDB", "ALTER ROLE {role} NOCREATEDB", "CREATEDB"),
        (
            "ALTER TABLE bookings OWNER TO {role}",
            "ALTER TABLE bookings OWNER TO admin",
            "owns bookings",
        ),
    ] {
        base.run_alone(&sql.replace("{role}", &role));
        refused(apply_server(&made, &url, &typed(&base), &options()), part);
        base.run_alone(&back.replace("{role}", &role));
    }
    assert_eq!(stands(&base), before);
}

#[test]
fn a_statement_that_takes_too_long_ends_the_apply_and_leaves_nothing() {
    for host in host::all() {
        let base = world(host);
        base.run(match host.scheme {
            "postgres" => {
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN PERFORM pg_sleep(5); RETURN NEW; END $$;
                 CREATE TRIGGER slow BEFORE INSERT ON bookings FOR EACH ROW
                   EXECUTE FUNCTION slow();"
            }
            _ => {
                "CREATE TRIGGER slow BEFORE INSERT ON bookings FOR EACH ROW
                   SET NEW.status = IF(SLEEP(5), 'x', 'y');"
            }
        });
        let url = base.writer(&["customers", "bookings"]);
        let made = plan(&url, &candidates());
        let before = stands(&base);
        let limits = Limits { statement_ms: 1_000, ..Limits::default() };
        let fire = ServerApply { triggers: Triggers::Fire, limits, ..options() };
        refused(apply_server(&made, &url, &typed(&base), &fire), "longer than it may");
        assert_eq!(stands(&base), before);
    }
}

#[test]
fn a_role_that_may_only_read_is_no_database_that_refuses_rows() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&[]);
        let made = plan(&url, &candidates());
        let before = stands(&base);
        assert!(rehearse_server(&made, &url, &options()).is_err());
        assert!(apply_server(&made, &url, &typed(&base), &options()).is_err());
        assert_eq!(stands(&base), before);
    }
}

#[test]
fn an_earlier_apply_is_taken_back_by_its_name_and_later_ones_stay() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let apply = |candidates: &[restitch_model::Candidate]| -> Applied {
            apply_server(&plan(&url, candidates), &url, &typed(&base), &options()).unwrap()
        };
        let all = candidates();
        let first = apply(&all[..2]);
        let second = apply(&all[2..]);
        let named = ServerUndo { apply_id: Some(first.apply_id.clone()), ..ServerUndo::at(noon()) };
        let undone = undo_server(&url, &typed(&base), &named).unwrap();
        assert_eq!((undone.removed, undone.kept.len()), (2, 0));
        let left = base.run("SELECT reference FROM bookings ORDER BY id");
        assert_eq!(left, ["R-1", "R-2", "R-10"]);
        let again = undo_server(&url, &typed(&base), &named);
        refused(again, &format!("these stand: {}", second.apply_id));
        // A plan that was taken back may be applied again, and the last apply is another then.
        undo_server(&url, &typed(&base), &ServerUndo::at(noon())).unwrap();
        apply(&all);
    }
}

#[test]
fn counters_are_moved_past_ids_that_evidence_names_and_no_row_got() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let mut candidates = candidates()[..2].to_vec();
        candidates.push(lost("far", "bookings", &[("id", is(500)), ("customer_id", is(1))]));
        let made = plan(&url, &candidates);
        assert_eq!(made.counts().all.held, 1);
        let applied = apply_server(&made, &url, &typed(&base), &options()).unwrap();
        assert_eq!(applied.remarks, [], "{}", host.scheme);
        let account = applied.account;
        assert_eq!((account.planned, account.held, account.refused), (3, 1, 0));
        assert_eq!(applied.inserted + applied.updated + account.held, account.planned);
        let next = "INSERT INTO bookings (customer_id, reference, amount, starts) \
                    VALUES (1, 'R-NEW', 1, '2026-05-01 00:00:00'); SELECT max(id) FROM bookings";
        assert_eq!(base.run(next), ["501"]);
    }
}
