//! Learning and rebuilding together, on a small world written out here: cabins, their guests'
//! stays, the mails that confirm them and the charges that pay for them.

mod world;

use restitch_learn::{LearnError, Rebuilt, Settings, from_toml, to_toml};
use restitch_model::{Candidate, Cell, RecordType, Value, Verdict};

use crate::world::{BACKUP_DAY, World, shown};

#[test]
fn the_rules_are_found_and_measured() {
    let knowledge = World::new().learn();
    let rules = &knowledge.records[RecordType::RESERVATION].rules;
    for column in ["code", "guest.email", "guest.name", "cabin.name", "arrives", "cents", "made"] {
        assert!(rules.iter().any(|r| r.column == column), "{column}: {rules:#?}");
    }
    assert_eq!(knowledge.records[RecordType::RESERVATION].natural_keys, ["code"]);
    let measured = &knowledge.measured[RecordType::RESERVATION];
    assert_eq!((measured.recall.hits, measured.recall.n), (40, 40));
    assert_eq!((measured.precision.hits, measured.precision.n), (40, 40));
}

#[test]
fn a_lost_reservation_comes_back_with_its_customer_and_its_payment() {
    let mut world = World::new();
    world.confirm(41, BACKUP_DAY + 2);
    world.charge(41, BACKUP_DAY + 2);
    insta::assert_snapshot!(shown(&world.rebuild()), @r"
    customer (accept)
      email: bruno41@guests.example
      name: Bruno Lind
      since: 2026-02-12T09:00:00Z
    payment (accept)
      amount: 44611
      made: 2026-02-12T09:00:00Z
      processor_id: ch_40324679x
      stay: the new reservation
    reservation (accept)
      arrives: 2026-02-16T09:00:00Z
      cabin: 2
      cents: 44611
      code: CB-25617
      guest: the new customer
      made: 2026-02-12T09:00:00Z
      status: done
    ");
}

/// A world in which a stay of extras was lost, as these lines of a bill have it.
fn billed(lines: &[(i64, i64)]) -> Rebuilt {
    let mut world = World::new();
    world.sell_extras();
    world.confirm(41, BACKUP_DAY + 2);
    world.bill(41, BACKUP_DAY + 2, lines);
    let mut rebuilt = world.rebuild();
    rebuilt.candidates.retain(|c| c.table == "stay_extras");
    rebuilt.candidates.sort_by_key(|c| c.fields.iter().map(|f| f.words.clone()).max());
    rebuilt
}

#[test]
fn a_lost_reservation_comes_back_with_its_lines() {
    insta::assert_snapshot!(shown(&billed(&world::lines(41))), @r"
    stay_extras (accept)
      cents: 43070
      extra: 1
      place: 1
      stay: the new reservation
    stay_extras (accept)
      cents: 1541
      extra: 3
      place: 2
      stay: the new reservation
    ");
}

#[test]
fn lines_that_do_not_come_to_the_price_that_is_told_wait() {
    let rebuilt = billed(&[(1, 40_000), (3, 2_000)]);
    let said: Vec<String> = rebuilt
        .candidates
        .iter()
        .map(|c| format!("{}: {}", c.verdict, c.reasons.join(", ")))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    review: the lines of its reservation come to 42000 in cents, and its cents is told as 44611
    review: the lines of its reservation come to 42000 in cents, and its cents is told as 44611
    ");
}

#[test]
fn what_the_pipeline_takes_for_no_list_is_none() {
    let mut world = World::new();
    world.sell_extras();
    let lists = |tables: &[&str]| Settings {
        lists: Some(tables.iter().map(|table| (*table).to_owned()).collect()),
        ..world::settings()
    };
    let types = |settings: &Settings| -> Vec<String> {
        world.try_learn(settings).unwrap().records.into_keys().collect()
    };
    assert_eq!(types(&lists(&[])), ["customer", "payment", "reservation"]);
    let all = ["customer", "payment", "reservation", "stay_extras"];
    assert_eq!(types(&lists(&["stay_extras"])), all);
    assert_eq!(types(&world::settings()), all);
    let error = world.try_learn(&lists(&["guests"])).unwrap_err().to_string();
    assert!(error.contains("\"guests\" is a list of reservations, and it is not one"), "{error}");
}

/// The payment of a sum, in cents.
fn paid(rebuilt: &Rebuilt, cents: i64) -> &Candidate {
    let sum = Cell::Is(Value::Integer(cents));
    let is_paid = |c: &&Candidate| c.field("amount").is_some_and(|field| field.cell == sum);
    rebuilt.candidates.iter().find(is_paid).unwrap_or_else(|| panic!("{}", shown(rebuilt)))
}

#[test]
fn a_payment_that_names_nothing_goes_to_the_stay_that_owes_so_much_then() {
    let mut world = World::new();
    world.pay_on_arrival();
    for stay in [41, 42] {
        world.confirm(stay, BACKUP_DAY + 2);
        world.charge_deposit(stay, BACKUP_DAY + 2);
    }
    world.charge_at_counter(41);
    let rebuilt = world.rebuild();
    let payment = paid(&rebuilt, 42_611);
    let is_it = |c: &&Candidate| {
        c.field("code").is_some_and(|field| field.cell == Cell::Is(Value::from("CB-25617")))
    };
    let stay = rebuilt.candidates.iter().find(is_it).unwrap();
    assert_eq!(payment.field("stay").unwrap().cell, Cell::KeyOf(stay.id.clone()));
    let steps: Vec<&str> = payment.links.iter().map(|note| note.comparison.as_str()).collect();
    assert_eq!(steps, ["prior", "amount: what is left of cents", "arrives: within 0 minutes"]);
}

#[test]
fn a_payment_of_another_sum_than_any_stay_owes_goes_to_none() {
    let mut world = World::new();
    world.pay_on_arrival();
    world.confirm(41, BACKUP_DAY + 2);
    world.charge_deposit(41, BACKUP_DAY + 2);
    world.charge_at_counter(43);
    let rebuilt = world.rebuild();
    let payment = paid(&rebuilt, 10153);
    assert_eq!((&payment.links[..], payment.verdict), (&[][..], Verdict::Review));
}

#[test]
fn a_returning_guest_is_not_added_again() {
    let mut world = World::new();
    // The guests of two stays are the same when the stays are 100 apart.
    world.confirm(107, BACKUP_DAY + 2);
    let rebuilt = world.rebuild();
    let stay = world::one(&rebuilt, RecordType::RESERVATION);
    assert_eq!(stay.field("guest").unwrap().cell, Cell::Is(Value::Integer(7)));
    assert!(rebuilt.candidates.iter().all(|c| c.record_type.as_str() != RecordType::CUSTOMER));
}

#[test]
fn evidence_older_than_the_backup_that_the_backup_does_not_hold_is_rejected() {
    let mut world = World::new();
    world.confirm(41, BACKUP_DAY - 9);
    let rebuilt = world.rebuild();
    assert_eq!(world::one(&rebuilt, RecordType::RESERVATION).verdict, Verdict::Reject);
}

#[test]
fn a_surviving_row_is_changed_by_news_and_by_nothing_else() {
    let mut world = World::new();
    world.confirm(39, BACKUP_DAY + 2);
    assert_eq!(shown(&world.rebuild()), "", "the same confirmation again is no news");
    world.cancel(39, BACKUP_DAY + 3);
    let rebuilt = world.rebuild();
    let stay = world::one(&rebuilt, RecordType::RESERVATION);
    assert_eq!(stay.surviving, Some(vec![Value::Integer(39)]));
    let changed: Vec<&str> = stay.fields.iter().map(|f| f.column.as_str()).collect();
    assert_eq!(changed, ["status"]);
    assert_eq!(stay.field("status").unwrap().cell, Cell::Is(Value::from("cancelled")));
}

#[test]
fn what_is_paid_of_late_is_no_news_of_a_price() {
    let mut world = World::new();
    world.charge_more(31, BACKUP_DAY + 2);
    let rebuilt = world.rebuild();
    let of = |c: &&Candidate| c.record_type.as_str() == RecordType::RESERVATION;
    assert_eq!(rebuilt.candidates.iter().filter(of).count(), 0, "{}", shown(&rebuilt));
    assert_eq!(world::one(&rebuilt, RecordType::PAYMENT).surviving, None);
}

#[test]
fn what_was_learned_is_written_and_read_without_a_loss() {
    let knowledge = World::new().learn();
    let text = to_toml(&knowledge).unwrap();
    assert_eq!(from_toml(&text).unwrap(), knowledge);
    assert_eq!(to_toml(&World::new().learn()).unwrap(), text, "the same input, the same bytes");
}

#[test]
fn a_document_that_is_none_says_where() {
    let error = from_toml("zone = 7").unwrap_err().to_string();
    assert!(error.starts_with("rules.toml: TOML parse error at line 1"), "{error}");
}

#[test]
fn without_a_table_of_payments_reservations_still_come_back() {
    let mut world = World::new();
    world.drop_table("charges");
    world.confirm(41, BACKUP_DAY + 2);
    world.charge(41, BACKUP_DAY + 2);
    let rebuilt = world.rebuild();
    assert_eq!(world::one(&rebuilt, RecordType::RESERVATION).verdict, Verdict::Accept);
    assert!(rebuilt.candidates.iter().all(|c| c.record_type.as_str() != RecordType::PAYMENT));
}

#[test]
fn without_evidence_nothing_is_learned_or_rebuilt() {
    let mut world = World::new();
    world.items.clear();
    let knowledge = world.learn();
    assert_eq!(knowledge.records[RecordType::RESERVATION].rules, []);
    assert_eq!(knowledge.measured[RecordType::RESERVATION].recall.rate(), None);
    assert_eq!(shown(&world.rebuild()), "");
}

#[test]
fn without_overlap_nothing_is_measured() {
    let mut world = World::new();
    world.items.clear();
    world.confirm(41, BACKUP_DAY + 2);
    let knowledge = world.learn();
    assert_eq!(knowledge.measured[RecordType::RESERVATION].precision.rate(), None);
    let unread: u64 = world.rebuild().unread.values().sum();
    assert_eq!(unread, 1, "what no rule reads is counted");
}

#[test]
fn a_database_without_reservations_says_what_to_do() {
    let mut world = World::new();
    world.drop_table("stays");
    assert_eq!(world.try_learn(&Settings::default()), Err(LearnError::NoReservations));
}

#[test]
fn a_table_that_the_pipeline_names_and_nobody_has_is_an_error() {
    let named = [("payment".to_owned(), "chrages".to_owned())].into();
    let settings = Settings { tables: named, ..world::settings() };
    let error = World::new().try_learn(&settings).unwrap_err().to_string();
    assert!(error.contains("\"chrages\" for payment"), "{error}");
}

#[test]
fn a_table_whose_key_is_of_two_columns_is_rebuilt() {
    let mut world = World::new();
    world.key("stays", &["cabin", "id"]);
    world.confirm(41, BACKUP_DAY + 2);
    let knowledge = world.learn();
    let measured = &knowledge.measured[RecordType::RESERVATION];
    assert_eq!(measured.recall.rate(), Some(1.0));
    assert_eq!(world::one(&world.rebuild(), RecordType::RESERVATION).verdict, Verdict::Review);
}
