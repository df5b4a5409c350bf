//! What is refused, and that nothing is written then.

use restitch_restore::{
    Applied, ApplyOptions, Limits, RestoreError, ServerApply, ServerUndo, Triggers, apply_embedded,
    apply_server, rehearse_server, rights, snapshot, undo_server,
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
fn a_table_that_is_gone_or_may_not_be_read_any_more_is_named() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let made = plan(&url, &candidates());
        let role = match host.scheme {
            "postgres" => format!("writer_{}", base.name),
            _ => format!("'writer_{}'@'%'", base.name),
        };
        let before = stands(&base);
        base.run_alone(&format!("REVOKE ALL ON bookings FROM {role}"));
        refused(apply_server(&made, &url, &typed(&base), &options()), "the table bookings of");
        assert_eq!(stands(&base), before);
        base.run("DROP TABLE bookings");
        let before = stands(&base);
        refused(apply_server(&made, &url, &typed(&base), &options()), "the table bookings of");
        assert_eq!(stands(&base), before);
    }
}

#[test]
fn what_mysql_could_only_write_by_half_or_unseen_is_refused() {
    let Some(host) = host::mariadb() else { return };
    let base = world(host);
    base.run("CREATE TABLE loose (id int PRIMARY KEY, name varchar(20)) ENGINE = MyISAM");
    let url = base.writer(&["customers", "bookings", "loose"]);
    let before = stands(&base);
    let one = lost("l", "loose", &[("id", is(1)), ("name", is("x"))]);
    let made = plan(&url, &[one]);
    refused(apply_server(&made, &url, &typed(&base), &options()), "takes part in no transaction");
    let made = plan(&url, &candidates());
    base.run_alone(&format!("REVOKE TRIGGER ON bookings FROM 'writer_{}'@'%'", base.name));
    refused(apply_server(&made, &url, &typed(&base), &options()), "may not see whether");
    assert_eq!(stands(&base), before);
}

#[test]
fn a_column_that_others_refer_to_is_not_changed_while_triggers_keep_still() {
    let Some(host) = host::postgres() else { return };
    let base = host.base();
    base.run(
        "CREATE TABLE codes (id int PRIMARY KEY, code text UNIQUE);
         CREATE TABLE uses (id int PRIMARY KEY, code text REFERENCES codes(code) ON UPDATE CASCADE);
         CREATE FUNCTION still() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER still BEFORE UPDATE ON codes FOR EACH ROW EXECUTE FUNCTION still();
         INSERT INTO codes VALUES (1, 'a'); INSERT INTO uses VALUES (1, 'a');",
    );
    let url = base.writer(&["codes"]);
    let made = plan(&url, &[changed("c", "codes", 1, &[("code", is("b"))])]);
    let before = stands(&base);
    let error = apply_server(&made, &url, &typed(&base), &options()).unwrap_err();
    assert!(error.to_string().contains("they would not follow"), "{error}");
    assert_eq!(stands(&base), before);
    let fire = ServerApply { triggers: Triggers::Fire, ..options() };
    apply_server(&made, &url, &typed(&base), &fire).unwrap();
    assert_eq!(base.run("SELECT code FROM uses"), ["b"]);
}

#[test]
fn a_file_and_a_server_are_not_taken_for_each_other() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let made = plan(&url, &candidates());
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("shop.sqlite");
        sqlite(&file, schema("sqlite"));
        let bytes = std::fs::read(&file).unwrap();
        let before = stands(&base);
        let target = format!("sqlite:{}", file.display());
        refused(apply_server(&made, &target, &typed(&base), &options()), "the target is a file");
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
        let how = ApplyOptions { triggers: Triggers::Fire, provenance: true, at: noon() };
        let output = dir.path().join("output.sqlite");
        refused(apply_embedded(&made, &url, &output, &how), "the target is a server");
        assert!(!output.exists());
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
