use std::collections::BTreeSet;

use proptest::prelude::*;
use restitch_model::{Answer, CandidateId, Cell, Conflict, EvidenceId, Value, Verdict};

use super::*;
use crate::ground::{show, show_key};
use crate::plan::{ChangeKind, Tally};
use crate::testing::{Db, RENTAL, changed, is, key_of, lost, rental_candidates, said};

const MONDAY: &str = "2026-04-27T10:00:00Z";

fn plan_of(candidates: &[Candidate], decisions: &[Decision]) -> Plan {
    propose(&Db::new(RENTAL).snapshot(), candidates, decisions, &PlanPolicy::default())
}

/// Changes and held candidates, a line each.
fn show_plan(plan: &Plan) -> String {
    let mut text = String::new();
    for change in plan.changes() {
        let cells: Vec<String> = change
            .cells
            .iter()
            .map(|c| match &c.old {
                Some(old) => format!("{}: {} -> {}", c.column, show(old), show(&c.new)),
                None => format!("{}={}", c.column, show(&c.new)),
            })
            .collect();
        let kind = match change.kind {
            ChangeKind::Insert => "insert",
            ChangeKind::Update => "update",
        };
        let key = show_key(&change.key);
        text +=
            &format!("{kind} {} {key} ({}) {}\n", change.table, change.candidate, cells.join(", "));
    }
    for held in plan.held() {
        text += &format!("held {}: {}\n", held.candidate, held.reason);
    }
    for pair in plan.id_pairs() {
        text += &format!("{} {} is now {}\n", pair.table, pair.evidence_id, pair.new_id);
    }
    text
}

#[track_caller]
fn check(candidates: &[Candidate], decisions: &[Decision], expect: &str) {
    let found = show_plan(&plan_of(candidates, decisions));
    let lines = |text: &str| text.trim().lines().map(|l| l.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&found), lines(expect));
}

fn customer(id: &str, more: &[(&str, Cell)]) -> Candidate {
    let mut fields = vec![("name", is("Cy"))];
    fields.extend_from_slice(more);
    lost(id, "customers", &fields)
}

fn booking(id: &str, customer: Cell, reference: &str) -> Candidate {
    let fields = [("customer_id", customer), ("reference", is(reference)), ("amount", is(1))];
    lost(id, "bookings", &fields)
}

#[test]
fn parents_come_first_and_keys_are_filled_in() {
    check(
        &rental_candidates(),
        &[],
        "insert customers 3 (customer-a) id=3, name='Cy', email='cy@example.com'
         update bookings 10 (booking-10) status: 'booked' -> 'cancelled'
         insert bookings 12 (booking-a) id=12, customer_id=3, reference='R-12', amount=4500",
    );
}

#[test]
fn what_the_row_holds_already_is_unchanged() {
    let same = changed("b", "bookings", 10, &[("status", is("booked")), ("amount", is("1000"))]);
    let plan = plan_of(&[same], &[]);
    assert_eq!((plan.changes().len(), plan.counts().all.unchanged), (0, 1));
}

#[test]
fn a_free_id_of_evidence_is_kept_and_new_ids_stay_above_all_that_are_named() {
    let named = Candidate { verdict: Verdict::Reject, ..booking("named", is(700), "R-5") };
    check(
        &[customer("a", &[("id", is(50))]), customer("b", &[]), named],
        &[],
        "insert customers 50 (a) id=50, name='Cy'
         insert customers 701 (b) id=701, name='Cy'",
    );
}

#[test]
fn an_id_that_a_newer_row_took_is_replaced_and_the_pair_listed() {
    check(
        &[customer("a", &[("id", is(2))]), booking("b", key_of("a"), "R-5")],
        &[],
        "insert customers 3 (a) id=3, name='Cy'
         insert bookings 12 (b) id=12, customer_id=3, reference='R-5', amount=1
         customers 2 is now 3",
    );
}

#[test]
fn a_reference_to_an_id_that_moved_waits_until_a_reviewer_says_which() {
    let both = [customer("a", &[("id", is(2))]), booking("b", is(2), "R-5")];
    check(
        &both,
        &[],
        "insert customers 3 (a) id=3, name='Cy'
         held b: its customer_id 2 is also the id that evidence names for a, which got a new one; a reviewer must say which is meant
         customers 2 is now 3",
    );
    let plan = plan_of(&both, &[said("b", Answer::Yes, MONDAY)]);
    assert_eq!(plan.counts().all.inserts, 2);
}

#[test]
fn children_of_what_is_not_planned_are_held() {
    let held = Candidate { verdict: Verdict::Review, ..customer("held", &[]) };
    let gone = Candidate { verdict: Verdict::Reject, ..customer("gone", &[]) };
    check(
        &[
            held,
            gone,
            booking("b1", key_of("held"), "R-1"),
            booking("b2", key_of("gone"), "R-2"),
            booking("b3", key_of("nobody"), "R-3"),
        ],
        &[],
        "held b1: its parent held (customer_id) is held
         held b2: its parent gone (customer_id) was rejected
         held b3: its parent nobody (customer_id) is not there
         held held: waits for a reviewer",
    );
}

#[test]
fn what_cannot_stand_is_held_with_its_reason() {
    check(
        &[
            booking("b1", is(1), "R-10"),
            booking("b2", is(77), "R-20"),
            lost("b3", "bookings", &[("customer_id", is(1)), ("note", is("x"))]),
            lost("b4", "nowhere", &[]),
            lost("b5", "bookings", &[("colour", is("red"))]),
            changed("b6", "bookings", 99, &[("note", is("x"))]),
            changed("b7", "bookings", 10, &[("reference", is("R-11"))]),
            booking("b8", is(1), "R-30"),
            booking("b9", is(1), "R-30"),
        ],
        &[],
        "insert bookings 12 (b8) id=12, customer_id=1, reference='R-30', amount=1
         held b1: reference 'R-10' is taken by the surviving row 10
         held b2: customer_id 77 points to no row of customers
         held b3: nothing tells reference, amount, which cannot be empty
         held b5: the table bookings has no column colour
         held b6: its row 99 is not in bookings (any more)
         held b7: reference 'R-11' is taken by the surviving row 11
         held b9: reference 'R-30' is taken by b8, which is planned
         held b4: there is no table nowhere",
    );
}

#[test]
fn two_candidates_may_not_change_one_column_of_a_row() {
    check(
        &[
            changed("a", "bookings", 10, &[("note", is("x"))]),
            changed("b", "bookings", 10, &[("note", is("y"))]),
            changed("c", "bookings", 10, &[("status", is("gone"))]),
        ],
        &[],
        "update bookings 10 (a) note: NULL -> 'x'
         update bookings 10 (c) status: 'booked' -> 'gone'
         held b: a, which is planned, changes note of the row 10 to another value",
    );
}

#[test]
fn a_reviewers_yes_no_and_correction_are_followed() {
    let review = |c: Candidate| Candidate { verdict: Verdict::Review, ..c };
    let columns = vec![("name".into(), "Cyd".into()), ("bookings".into(), "2".into())];
    check(
        &[review(customer("a", &[])), customer("b", &[]), review(customer("c", &[]))],
        &[
            said("a", Answer::Yes, MONDAY),
            said("b", Answer::No, MONDAY),
            said("c", Answer::Corrected { columns }, MONDAY),
        ],
        "insert customers 3 (a) id=3, name='Cy'
         insert customers 4 (c) id=4, name='Cyd', bookings=2",
    );
}

#[test]
fn a_correction_that_the_column_cannot_hold_is_no_guess() {
    let corrected =
        |text: &str| Answer::Corrected { columns: vec![("amount".into(), text.into())] };
    let one = [changed("b", "bookings", 10, &[])];
    check(
        &one,
        &[said("b", corrected("900"), MONDAY)],
        "update bookings 10 (b) amount: 1000 -> 900",
    );
    check(
        &one,
        &[said("b", corrected("9.00"), MONDAY)],
        "held b: the correction \"9.00\" of amount is not a whole number, which the column holds",
    );
}

#[test]
fn children_of_a_merged_candidate_follow_the_one_that_speaks_for_it() {
    let same = Answer::SameAs { other: CandidateId("a".into()) };
    let plan = plan_of(
        &[customer("a", &[]), customer("twin", &[]), booking("b", key_of("twin"), "R-5")],
        &[said("twin", same, MONDAY)],
    );
    assert_eq!(plan.changes()[1].cells[1].new, Value::Integer(3));
    assert_eq!((plan.counts().all.merged, plan.counts().all.inserts), (1, 2));
}

#[test]
fn rows_that_wait_for_each_other_are_held() {
    let db = Db::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES t(id));
         INSERT INTO t VALUES (1, NULL);",
    );
    let one = |id: &str, boss| lost(id, "t", &[("boss", boss)]);
    let circle = [one("a", key_of("b")), one("b", key_of("a")), one("c", key_of("c"))];
    assert_eq!(db.plan(&circle).counts().all.held, 3);
    // A chain is none, in whatever order it comes, nor is a row that names itself.
    let chain = [
        one("c", key_of("b")),
        one("b", key_of("a")),
        lost("a", "t", &[("id", is(9)), ("boss", is(9))]),
        lost("d", "t", &[("id", is(20)), ("boss", is(21))]),
        lost("e", "t", &[("id", is(21)), ("boss", is(1))]),
    ];
    let plan = db.plan(&chain);
    assert_eq!(show_plan(&plan).matches("insert").count(), 5, "{}", show_plan(&plan));
}

#[test]
fn keys_of_text_or_of_several_columns_are_never_made_up() {
    let db = Db::new(
        "CREATE TABLE cars (plate TEXT PRIMARY KEY, seats INTEGER);
         CREATE TABLE days (car TEXT REFERENCES cars, day TEXT, PRIMARY KEY (car, day));
         INSERT INTO cars VALUES ('A', 4);",
    );
    let plan = db.plan(&[
        lost("a", "cars", &[("seats", is(2))]),
        lost("b", "cars", &[("plate", is("A"))]),
        lost("c", "cars", &[("plate", is("B"))]),
        lost("d", "days", &[("car", key_of("c")), ("day", is("Mon"))]),
        lost("e", "days", &[("day", is("Mon"))]),
    ]);
    assert_eq!(
        show_plan(&plan),
        "insert cars B (c) plate='B'\n\
         insert days B, Mon (d) car='B', day='Mon'\n\
         held a: nothing tells its key (plate), and none can be made up\n\
         held b: plate 'A' is taken by the surviving row A\n\
         held e: nothing tells its key (car, day), and none can be made up\n"
    );
}

#[test]
fn policy_settles_conflicts_only_where_it_is_asked_to() {
    let mut one = changed("b", "bookings", 10, &[("note", is("x")), ("amount", is(5))]);
    one.conflicts.push(Conflict {
        column: "status".into(),
        kept: "booked".into(),
        other: "cancelled".into(),
        evidence: Some(EvidenceId::of(b"mail")),
        reason: "the row was written later".into(),
    });
    let snapshot = Db::new(RENTAL).snapshot();
    let run = |all: OnConflict, status: Option<OnConflict>| {
        let columns = status.map(|s| ("bookings.status".to_owned(), s)).into_iter().collect();
        let policy = PlanPolicy { conflicts: all, columns };
        let plan = propose(&snapshot, std::slice::from_ref(&one), &[], &policy);
        let columns: Vec<String> =
            plan.changes().iter().flat_map(|c| &c.cells).map(|c| c.column.to_string()).collect();
        (columns.join(","), plan.conflicts().len())
    };
    assert_eq!(run(OnConflict::Review, None), ("amount,note".into(), 1));
    assert_eq!(
        run(OnConflict::Review, Some(OnConflict::Evidence)),
        ("amount,status,note".into(), 0)
    );
    assert_eq!(run(OnConflict::Keep, None), ("note".into(), 2));
}

#[test]
fn what_is_left_to_a_default_is_listed() {
    let plan = plan_of(&[booking("b", is(1), "R-5")], &[]);
    let defaults = &plan.changes()[0].defaults;
    assert_eq!(defaults.get("status").map(String::as_str), Some("'booked'"));
    assert_eq!(defaults.len(), 1);
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let cell = prop_oneof![
        (0..20i64).prop_map(|n| Cell::Is(Value::Integer(n))),
        "[RK]-1[0-3]".prop_map(|t| Cell::Is(Value::Text(t))),
        Just(Cell::Is(Value::Null)),
        Just(Cell::Is(Value::Integer(i64::MAX))),
        "c[0-9]".prop_map(|id| Cell::KeyOf(CandidateId(id))),
    ];
    let columns = prop::sample::select(vec![
        "id",
        "customer_id",
        "reference",
        "amount",
        "name",
        "email",
        "status",
        "euros",
        "none",
    ]);
    let fields = prop::collection::vec((columns, cell), 0..6);
    let table = prop::sample::select(vec!["customers", "bookings", "bookings", "outbox", "none"]);
    (0..10u8, table, fields, prop::option::of(0..13i64), 0..4u8).prop_map(
        |(id, table, mut fields, surviving, verdict)| {
            if surviving.is_none() && table == "bookings" && verdict > 1 {
                fields.push(("reference", is(format!("N-{id}"))));
                fields.push(("amount", is(3)));
                fields.push(("customer_id", is(1)));
            }
            Candidate {
                surviving: surviving.filter(|_| id % 2 == 0).map(|n| vec![Value::Integer(n)]),
                verdict: match verdict {
                    0 => Verdict::Review,
                    1 => Verdict::Reject,
                    _ => Verdict::Accept,
                },
                ..lost(&format!("c{id}"), table, &fields)
            }
        },
    )
}

pub(crate) fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(any_candidate(), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_candidate_is_accounted_for_once(candidates in any_candidates()) {
        let plan = plan_of(&candidates, &[]);
        let Tally { inserts, updates, unchanged, held, rejected, merged, .. } = plan.counts().all;
        let all = inserts + updates + unchanged + held + rejected + merged;
        prop_assert_eq!(all, candidates.len() as u64);
        prop_assert_eq!(inserts + updates, plan.changes().len() as u64);
        prop_assert_eq!(held, plan.held().len() as u64);
        let numbers: Vec<u64> = plan.changes().iter().map(|c| c.seq).collect();
        prop_assert_eq!(numbers, (1..=inserts + updates).collect::<Vec<_>>());
        prop_assert_eq!(&Plan::from_json(&plan.to_json()).unwrap(), &plan);
    }

    #[test]
    fn the_order_of_candidates_does_not_count(mut candidates in any_candidates()) {
        let mut seen = BTreeSet::new();
        candidates.retain(|c| seen.insert(c.id.clone()));
        let plan = plan_of(&candidates, &[]);
        candidates.reverse();
        prop_assert_eq!(plan_of(&candidates, &[]).to_json(), plan.to_json());
    }
}
