//! Plans that are written tenant by tenant.

use restitch_model::Candidate;
use restitch_restore::{ServerApply, ServerUndo, Waves, apply_server, snapshot, undo_server};

use crate::host;
use crate::world::*;

fn of(tenant: &str, candidate: Candidate) -> Candidate {
    Candidate { tenant: Some(tenant.to_owned()), ..candidate }
}

fn booking(tenant: &str, reference: &str, amount: &str) -> Candidate {
    let fields = [
        ("customer_id", is(1)),
        ("reference", is(reference)),
        ("amount", is(amount)),
        ("starts", is("2026-04-02T08:00:00Z")),
    ];
    of(tenant, lost(reference, "bookings", &fields))
}

fn by_tenant() -> ServerApply {
    ServerApply { waves: Waves::Tenant, ..options() }
}

#[test]
fn each_tenant_is_a_transaction_of_its_own_and_those_that_refer_to_each_other_are_one() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let mut candidates = candidates();
        // A customer of North with a booking of South, and one of nobody's.
        for (candidate, tenant) in candidates.iter_mut().zip(["North", "South", "West"]) {
            candidate.tenant = Some(tenant.to_owned());
        }
        let made = plan(&url, &candidates);
        let before = logical(&snapshot(&url).unwrap());
        let applied = apply_server(&made, &url, &typed(&base), &by_tenant()).unwrap();
        let waves: Vec<_> = applied
            .waves
            .iter()
            .map(|wave| (wave.tenants.as_deref().unwrap(), wave.inserted, wave.updated))
            .collect();
        assert_eq!(waves, [("no tenant", 0, 1), ("North, South", 2, 0), ("West", 1, 0)]);
        assert_eq!((applied.inserted, applied.updated), (3, 1));
        assert!(apply_server(&made, &url, &typed(&base), &by_tenant()).unwrap().already);
        let whole = apply_server(&made, &url, &typed(&base), &options()).unwrap_err();
        assert!(whole.is_refusal() && whole.to_string().contains("cut otherwise"), "{whole}");
        for wave in applied.waves.iter().rev() {
            let named =
                ServerUndo { apply_id: Some(wave.apply_id.clone()), ..ServerUndo::at(noon()) };
            assert_eq!(undo_server(&url, &typed(&base), &named).unwrap().kept, [""; 0]);
        }
        assert_eq!(logical(&snapshot(&url).unwrap()), before);
    }
}

#[test]
fn a_wave_that_fails_leaves_those_before_it_and_the_next_apply_goes_on() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let candidates =
            [booking("A", "R-A", "1.00"), booking("B", "R-B", "2.00"), booking("C", "R-C", "3.00")];
        let made = plan(&url, &candidates);
        // What the second would write is refused for now. A plan is bound to columns and keys.
        base.run("ALTER TABLE bookings ADD CONSTRAINT no_b CHECK (reference <> 'R-B')");
        let error = apply_server(&made, &url, &typed(&base), &by_tenant()).unwrap_err();
        let said = error.to_string();
        assert!(!error.is_refusal() && said.contains("that was about B"), "{said}");
        assert!(said.contains("stands: A ("), "{said}");
        let references = "SELECT reference FROM bookings ORDER BY id";
        assert_eq!(base.run(references), ["R-1", "R-2", "R-A"]);
        base.run("ALTER TABLE bookings DROP CONSTRAINT no_b");
        let applied = apply_server(&made, &url, &typed(&base), &by_tenant()).unwrap();
        assert_eq!((applied.inserted, applied.waves.len()), (3, 3));
        assert_eq!(base.run(references), ["R-1", "R-2", "R-A", "R-B", "R-C"]);
    }
}

#[test]
fn what_others_write_between_two_waves_makes_the_rest_of_the_plan_stale() {
    for host in host::all() {
        let base = world(host);
        let url = base.writer(&["customers", "bookings"]);
        let candidates = [booking("A", "R-A", "1.00"), booking("B", "R-B", "2.00")];
        let made = plan(&url, &candidates);
        base.run("ALTER TABLE bookings ADD CONSTRAINT no_b CHECK (reference <> 'R-B')");
        apply_server(&made, &url, &typed(&base), &by_tenant()).unwrap_err();
        base.run(
            "ALTER TABLE bookings DROP CONSTRAINT no_b; \
             UPDATE bookings SET status = 'moved' WHERE reference = 'R-1'",
        );
        let error = apply_server(&made, &url, &typed(&base), &by_tenant()).unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains("is not as it was"), "{error}");
        assert_eq!(base.run("SELECT count(*) FROM bookings"), ["3"]);
    }
}
