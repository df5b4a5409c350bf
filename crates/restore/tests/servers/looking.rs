//! What doctor says of servers.

use restitch_restore::{Level, examine, snapshot};

use crate::host;
use crate::world::*;

#[test]
fn ids_that_would_be_given_again_come_first_and_the_statement_mends_it() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let evidence = [lost("b", "bookings", &[("id", is(70))])];
        let before = snapshot(&url).unwrap();
        let found = examine(&url, &evidence).unwrap();
        assert_eq!((found[0].level, found[0].table.as_str()), (Level::Act, "bookings"));
        assert!(found[0].text.contains("evidence names ids up to 70"), "{}", found[0].text);
        assert!(found[1..].iter().all(|f| f.level == Level::Note), "{found:?}");
        assert_eq!(snapshot(&url).unwrap(), before);
        base.run(found[0].statement.as_ref().unwrap());
        let next = "INSERT INTO bookings (customer_id, reference, amount, starts) \
                    VALUES (1, 'R-NEW', 1, '2026-05-01 00:00:00'); SELECT max(id) FROM bookings";
        let next: i64 = base.run(next)[0].parse().unwrap();
        assert!((100_071..100_073).contains(&next), "{next}");
        assert!(examine(&url, &evidence).unwrap().iter().all(|f| f.level == Level::Note));
    }
}

#[test]
fn a_role_that_may_too_much_is_called_out_by_name() {
    for host in host::all() {
        let base = world(host);
        let found = examine(&base.admin(), &[]).unwrap();
        let first = &found[0];
        assert!(first.level == Level::Act && first.text.contains("may do more"), "{found:?}");
        let url = base.writer(&["customers"]);
        let rights = restitch_restore::rights(&url).unwrap().unwrap();
        assert_eq!(rights.excess, Vec::<String>::new());
    }
}

#[test]
fn a_password_that_is_wrong_and_a_server_that_is_away_are_errors_without_it() {
    for scheme in ["postgres", "mysql"] {
        let error = snapshot(&format!("{scheme}://joe:secret@127.0.0.1:1/shop")).unwrap_err();
        assert!(!error.is_refusal() && !error.to_string().contains("secret"), "{error}");
    }
}
