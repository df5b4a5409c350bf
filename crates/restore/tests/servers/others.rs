//! Other programs that write at the same time.

use restitch_restore::{Limits, ServerApply, ServerUndo, apply_server, snapshot, undo_server};
use sqlx::{AssertSqlSafe, Connection};

use crate::host::{self, Base};
use crate::world::*;

/// Runs statements in a transaction that stays open while something is done, and is given up then.
fn while_open<T>(base: &Base, sql: &str, done: impl FnOnce() -> T) -> T {
    while_open_then(base, sql, "ROLLBACK", done)
}

/// The same, ended by a statement.
fn while_open_then<T>(base: &Base, sql: &str, end: &'static str, done: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begin = AssertSqlSafe(format!("BEGIN; {sql}"));
    match base.host.scheme {
        "postgres" => {
            let open = sqlx::PgConnection::connect(&base.admin());
            let mut other = runtime.block_on(open).unwrap();
            runtime.block_on(sqlx::raw_sql(begin).execute(&mut other)).unwrap();
            let result = done();
            runtime.block_on(sqlx::raw_sql(end).execute(&mut other)).unwrap();
            runtime.block_on(other.close()).unwrap();
            result
        }
        _ => {
            let mut other =
                runtime.block_on(sqlx::MySqlConnection::connect(&base.admin())).unwrap();
            runtime.block_on(sqlx::raw_sql(begin).execute(&mut other)).unwrap();
            let result = done();
            runtime.block_on(sqlx::raw_sql(end).execute(&mut other)).unwrap();
            runtime.block_on(other.close()).unwrap();
            result
        }
    }
}

#[test]
fn a_lock_that_another_holds_ends_the_apply_soon_and_leaves_nothing() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let made = plan(&url, &candidates());
        let before = logical(&snapshot(&url).unwrap());
        let limits = Limits { lock_ms: 300, ..Limits::default() };
        let options = ServerApply { limits, ..options() };
        let sql = "UPDATE bookings SET status = 'moved' WHERE id = 1";
        let error = while_open(&base, sql, || {
            apply_server(&made, &url, &typed(&base), &options).unwrap_err()
        });
        assert!(error.is_refusal() && error.to_string().contains("holds a lock"), "{error}");
        assert_eq!(logical(&snapshot(&url).unwrap()), before);
        // The other gave up, so that the plan still holds.
        apply_server(&made, &url, &typed(&base), &options).unwrap();
    }
}

#[test]
fn a_second_restitch_is_kept_out() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let made = plan(&url, &candidates());
        let lock = match host.scheme {
            "postgres" => "SELECT pg_try_advisory_lock(8243122654982890344)",
            _ => "SELECT GET_LOCK(CONCAT('restitch ', MD5(DATABASE())), 0)",
        };
        let before = logical(&snapshot(&url).unwrap());
        let limits = Limits { lock_ms: 300, ..Limits::default() };
        let applying = ServerApply { limits, ..options() };
        let undoing = ServerUndo { limits, ..ServerUndo::at(noon()) };
        let refused = while_open(&base, lock, || {
            let apply = apply_server(&made, &url, &typed(&base), &applying).unwrap_err();
            let undo = undo_server(&url, &typed(&base), &undoing).unwrap_err();
            [apply, undo].map(|error| (error.is_refusal(), error.to_string()))
        });
        for (refusal, said) in refused {
            assert!(refusal && said.contains("another restitch"), "{said}");
        }
        assert_eq!(logical(&snapshot(&url).unwrap()), before);
    }
}

#[test]
fn a_row_that_another_changes_in_the_middle_of_an_apply_is_refused_and_the_next_plan_takes_it() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let made = plan(&url, &candidates());
        // Other tests wait for locks of their own on the same server.
        let waits = match host.scheme {
            "postgres" => {
                "SELECT count(*) FROM pg_stat_activity \
                 WHERE wait_event_type = 'Lock' AND datname = current_database()"
            }
            _ => {
                "SELECT count(*) FROM information_schema.INNODB_TRX \
                 JOIN information_schema.PROCESSLIST ON ID = trx_mysql_thread_id \
                 WHERE trx_state = 'LOCK WAIT' AND DB = DATABASE()"
            }
        };
        let sql = "UPDATE bookings SET status = 'moved' WHERE id = 1";
        let error = std::thread::scope(|scope| {
            let (applying, wanted) = (&made, &url);
            let base = &base;
            let apply = while_open_then(base, sql, "COMMIT", || {
                let apply =
                    scope.spawn(move || apply_server(applying, wanted, &typed(base), &options()));
                // It saw the row as planned, and waits for the lock on it.
                while base.run(waits) == ["0"] && !apply.is_finished() {}
                apply
            });
            apply.join().unwrap().unwrap_err()
        });
        assert!(error.is_refusal() && error.to_string().contains("another program"), "{error}");
        let left =
            base.run("SELECT count(*) FROM bookings; SELECT status FROM bookings WHERE id = 1");
        assert_eq!(left, ["2", "moved"], "{}", host.scheme);
        let error = apply_server(&made, &url, &typed(&base), &options()).unwrap_err();
        assert!(error.to_string().contains("row 1 has another status"), "{error}");
        let again = plan(&url, &candidates());
        apply_server(&again, &url, &typed(&base), &options()).unwrap();
    }
}
