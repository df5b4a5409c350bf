use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::testing::{Made, assert_every_noise, assert_seeded};
use crate::world::WorldOptions;

/// The default world of seed 1, made once.
fn sample() -> &'static Made {
    static WORLD: OnceLock<Made> = OnceLock::new();
    WORLD.get_or_init(|| Made::new("appointments", 1, WorldOptions::default()))
}

fn ask(place: &str, sql: &str) -> Vec<String> {
    sample().ask(place, sql)
}

fn changed() -> Vec<Json> {
    sample().truth()["changed"]["appointment"].as_array().unwrap().clone()
}

const TRUTH: &str = "truth/truth.sqlite";

#[test]
fn a_seed_is_a_world() {
    assert_seeded("appointments");
}

#[test]
fn every_noise_and_several_seeds_make_a_world() {
    assert_every_noise("appointments", "appointment");
}

#[test]
fn both_databases_are_sound() {
    sample().assert_sound();
}

#[test]
fn the_truth_file_agrees_with_the_two_databases() {
    sample().assert_truth_agrees();
}

#[test]
fn the_world_is_of_the_size_that_was_promised() {
    let summary = &sample().summary;
    assert!(summary.bytes <= 6 << 20, "{} bytes", summary.bytes);
    assert!((360..=420).contains(&summary.lost["appointment"]), "{summary:?}");
    assert!((30..=90).contains(&summary.changed["appointment"]), "{summary:?}");
    let unseen = summary.unseen["appointment"] as f64 / summary.lost["appointment"] as f64;
    assert!((0.01..0.05).contains(&unseen), "{unseen}");
}

#[test]
fn a_visit_ends_and_costs_what_its_items_come_to() {
    let wrong = "SELECT a.uuid FROM appointment a JOIN appointment_item i \
        ON i.appointment_uuid = a.uuid JOIN service s ON s.uuid = i.service_uuid \
        GROUP BY a.uuid HAVING \
        datetime(a.starts, '+' || sum(s.minutes) || ' minutes') <> a.ends \
        OR a.price > sum(i.price)";
    assert!(ask(TRUTH, wrong).is_empty());
    let without = "SELECT uuid FROM appointment WHERE uuid NOT IN \
        (SELECT appointment_uuid FROM appointment_item)";
    assert!(ask(TRUTH, without).is_empty());
    let cheaper = "SELECT a.uuid FROM appointment a JOIN appointment_item i \
        ON i.appointment_uuid = a.uuid GROUP BY a.uuid HAVING a.price < sum(i.price) - 0.001";
    assert!((3..60).contains(&ask(TRUTH, cheaper).len()));
}

#[test]
fn nobody_has_two_clients_at_a_time() {
    let twice = "SELECT a.uuid FROM appointment a JOIN appointment b ON a.uuid < b.uuid \
        AND a.practitioner_uuid = b.practitioner_uuid AND a.starts < b.ends \
        AND b.starts < a.ends AND a.state = 'done' AND b.state = 'done'";
    let done = ask(TRUTH, "SELECT uuid FROM appointment WHERE state = 'done'").len();
    assert!(ask(TRUTH, twice).len() * 50 < done, "{}", ask(TRUTH, twice).len());
}

#[test]
fn one_studio_has_no_code_and_one_makes_it_of_the_key() {
    let codes = "SELECT DISTINCT CASE WHEN code IS NULL THEN 'none' \
        WHEN code = upper(substr(uuid, 1, 8)) THEN 'key' ELSE substr(code, 1, 2) END \
        FROM appointment ORDER BY 1";
    assert_eq!(ask(TRUTH, codes), ["RD", "W/", "key", "none"]);
    let messages = sample().text("mail/archive.mbox");
    let bodies = messages.split("From: Studio Bianchi <sms@gateway.example>").skip(1);
    let known: BTreeSet<String> = ask(
        TRUTH,
        "SELECT family_name FROM client \
        JOIN studio ON studio.uuid = studio_uuid WHERE display_name = 'Studio Bianchi'",
    )
    .into_iter()
    .collect();
    let told = bodies.map(|text| text.split("\nFrom ").next().unwrap());
    let mut words = told.flat_map(|text| text.split([' ', ',', '.', '!', '\n']));
    assert!(!words.any(|word| known.contains(word)), "no text message names a family");
}

#[test]
fn only_what_staff_wrote_waits_to_be_sent() {
    let waiting: BTreeSet<String> =
        ask("restored.sqlite", "SELECT appointment_uuid FROM message_queue").into_iter().collect();
    let late = "SELECT uuid FROM appointment WHERE created > '2026-04-26'";
    assert_eq!(waiting, ask("restored.sqlite", late).into_iter().collect());
    assert!(waiting.len() > 20);
    assert!(ask(TRUTH, "SELECT appointment_uuid FROM message_queue").is_empty());
}

#[test]
fn every_promised_noise_is_there() {
    let namesakes = "SELECT a.uuid FROM client a JOIN client b ON a.uuid < b.uuid \
        AND a.given_name = b.given_name AND a.family_name = b.family_name";
    let families = "SELECT mobile FROM client GROUP BY mobile HAVING count(*) > 1";
    let regulars = "SELECT client_uuid FROM appointment GROUP BY 1 HAVING count(*) > 3";
    let deposits = "SELECT uuid FROM receipt WHERE purpose = 'deposit'";
    let refunds = "SELECT uuid FROM receipt WHERE purpose = 'refund' AND amount < 0";
    let invoices = "SELECT uuid FROM receipt WHERE external_ref LIKE 'in_%'";
    let till = "SELECT uuid FROM receipt WHERE external_ref LIKE '____-____'";
    let missed = "SELECT uuid FROM appointment WHERE state = 'missed'";
    let notes = "SELECT uuid FROM appointment WHERE internal_note IS NOT NULL";
    for (sql, least) in [
        (namesakes, 5),
        (families, 10),
        (regulars, 20),
        (deposits, 150),
        (refunds, 10),
        (invoices, 200),
        (till, 200),
        (missed, 15),
        (notes, 60),
    ] {
        assert!(ask(TRUTH, sql).len() >= least, "{sql}: {}", ask(TRUTH, sql).len());
    }
    let (mail, calendars) = (sample().text("mail"), sample().text("calendars"));
    let (stripe, till) = (sample().text("stripe"), sample().text("till"));
    for (place, what) in [
        (&mail, "application/ld+json"),
        (&mail, "est bien noté"),
        (&mail, "Réglé sur place"),
        (&mail, "annulé"),
        (&mail, "Date & time: "),
        (&mail, "rescheduled"),
        (&mail, "ti confermiamo"),
        (&mail, "Promemoria: "),
        (&mail, "spostato"),
        (&mail, "multipart/alternative"),
        (&mail, "=C5=82"),
        (&mail, "Potwierdzenie"),
        (&mail, "Original Message"),
        (&mail, "Your order has shipped"),
        (&mail, "Se désabonner"),
        (&calendars, "VALUE=DATE"),
        (&calendars, "TZID=Central European Standard Time"),
        (&calendars, "TZID=America/Toronto"),
        (&calendars, "X-WR-TIMEZONE:Europe/Rome"),
        (&calendars, "STATUS:CANCELLED"),
        (&calendars, "SEQUENCE:1"),
        (&calendars, "@google.com"),
        (&stripe, "client_reference_id"),
        (&stripe, "\"paid_out_of_band\":true"),
        (&stripe, "\"status\":\"open\""),
        (&stripe, "\"status\":\"failed\""),
        (&stripe, "Payment for Invoice NSP-"),
        (&stripe, "Wizyta W/"),
        (&stripe, "Bon cadeau"),
        (&till, ";;;"),
        (&till, "Contanti"),
        (&till, ";P2"),
    ] {
        assert!(place.contains(what), "{what}");
    }
    let truth = sample().truth();
    let lost = truth["lost"]["appointment"].as_array().unwrap();
    let with = |key: &str| lost.iter().filter(|row| row.get(key).is_some()).count();
    assert!(with("by_hand_only") >= 3, "{}", with("by_hand_only"));
    assert_eq!(with("retyped_as"), 14);
    assert_eq!(truth["staff_new"]["appointment"].as_array().unwrap().len(), 11);
}

#[test]
fn some_changes_to_surviving_visits_are_told_and_some_are_silent() {
    let changed = changed();
    let to = |state: &str| changed.iter().filter(|row| row["columns"]["state"] == state).count();
    assert!(to("done") > 15 && to("cancelled") > 0, "{changed:?}");
    let seen = |row: &&Json| !row["seen_by"].as_array().unwrap().is_empty();
    let told = changed.iter().filter(seen).count();
    assert!((1..changed.len()).contains(&told));
}
