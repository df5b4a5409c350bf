use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::WorldError;
use crate::testing::{Made, assert_every_noise, assert_seeded};
use crate::world::{Noise, WorldOptions, write_world};

/// The default world of seed 1, made once.
fn sample() -> &'static Made {
    static WORLD: OnceLock<Made> = OnceLock::new();
    WORLD.get_or_init(|| Made::new("lodging", 1, WorldOptions::default()))
}

fn text(place: &str) -> String {
    sample().text(place)
}

fn ask(place: &str, sql: &str) -> Vec<String> {
    sample().ask(place, sql)
}

fn count(place: &str, sql: &str) -> usize {
    ask(place, &format!("SELECT count(*) || '' FROM {sql}"))[0].parse().unwrap()
}

/// The lost or changed rows of a table in the truth file.
fn told(part: &str, table: &str) -> Vec<Json> {
    sample().truth()[part][table].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_seed_is_a_world() {
    assert_seeded("lodging");
}

#[test]
fn every_noise_and_several_seeds_make_a_world() {
    assert_every_noise("lodging", "bookings");
}

#[test]
fn both_databases_are_sound_and_the_truth_file_agrees_with_them() {
    sample().assert_sound();
    sample().assert_truth_agrees();
}

#[test]
fn the_sample_is_of_the_size_that_was_promised() {
    let summary = &sample().summary;
    assert!(summary.bytes <= 6 << 20, "{} bytes", summary.bytes);
    assert!((330..=390).contains(&summary.lost["bookings"]), "{summary:?}");
    assert!((60..=160).contains(&summary.changed["bookings"]), "{summary:?}");
    let unseen = summary.unseen["bookings"] as f64 / summary.lost["bookings"] as f64;
    assert!((0.01..0.06).contains(&unseen), "{unseen}");
}

#[test]
fn what_follows_from_other_columns_does_in_nearly_all_rows() {
    for place in ["restored.sqlite", "truth/truth.sqlite"] {
        let nights = "bookings WHERE nights <> julianday(checkout_on) - julianday(checkin_on)";
        assert_eq!(count(place, nights), 0);
        let lines = "booking_addons WHERE abs(line_total - quantity * unit_price) > 0.001";
        assert_eq!(count(place, lines), 0);
        let added = "bookings b WHERE abs(addons_total - (SELECT coalesce(sum(line_total), 0) \
                     FROM booking_addons a WHERE a.booking_id = b.booking_id)) > 0.001";
        assert_eq!(count(place, added), 0);
        let total = "bookings WHERE abs(grand_total \
                     - (nights * nightly_rate + addons_total + visitor_tax)) > 0.001";
        let let_off = count(place, total);
        assert!((1..40).contains(&let_off), "{let_off} totals with a rebate");
    }
}

#[test]
fn nobody_sleeps_in_two_beds_and_few_rooms_are_promised_twice() {
    let twice = "bookings a JOIN bookings b ON a.room_id = b.room_id \
                 AND a.booking_id < b.booking_id AND a.checkin_on < b.checkout_on \
                 AND b.checkin_on < a.checkout_on \
                 WHERE a.state <> 'cancelled' AND b.state <> 'cancelled'";
    assert!(count("truth/truth.sqlite", twice) < 12);
    let crowded = "bookings JOIN rooms USING (room_id) JOIN room_types USING (room_type_id) \
                   WHERE adults + children > sleeps";
    assert_eq!(count("truth/truth.sqlite", crowded), 0);
}

#[test]
fn some_parties_take_two_rooms_for_the_same_nights() {
    let two = "bookings a JOIN bookings b USING (guest_id, checkin_on) \
               WHERE a.booking_id < b.booking_id AND a.code <> b.code \
               AND julianday(b.booked_at) - julianday(a.booked_at) < 0.003";
    assert!(count("truth/truth.sqlite", two) > 8);
}

#[test]
fn what_a_guest_paid_is_what_the_stay_cost() {
    let unpaid = "bookings b WHERE state = 'checked_out' AND abs(grand_total - (SELECT \
                  coalesce(sum(amount), 0) FROM folio f WHERE f.booking_id = b.booking_id)) > 0.01";
    let place = "truth/truth.sqlite";
    // A rebate after the last payment is never asked back.
    let left = count(place, "bookings WHERE state = 'checked_out'");
    assert!(count(place, unpaid) * 20 < left, "{} of {left}", count(place, unpaid));
    assert_eq!(count(place, "folio WHERE (purpose = 'refund') <> (amount < 0)"), 0);
}

#[test]
fn only_what_staff_wrote_waits_for_housekeeping() {
    let waiting = ask("restored.sqlite", "SELECT booking_id || '' FROM housekeeping_jobs");
    let late = "SELECT booking_id || '' FROM bookings WHERE booked_at > '2026-04-25 14:03:00'";
    assert_eq!(waiting, ask("restored.sqlite", late));
    assert!(!waiting.is_empty());
}

#[test]
fn what_staff_wrote_has_the_ids_of_lost_rows() {
    let lost = "SELECT booking_id || '' FROM bookings WHERE booked_at > '2026-01-25 03:00:00'";
    let lost: BTreeSet<String> = ask("truth/truth.sqlite", lost).into_iter().collect();
    let staff = "SELECT booking_id || '' FROM bookings WHERE booked_at > '2026-04-25 14:03:00'";
    let staff = ask("restored.sqlite", staff);
    assert!(staff.iter().filter(|id| lost.contains(*id)).count() * 10 >= staff.len() * 9);
    let again = told("lost", "bookings").iter().filter(|r| r.get("retyped_as").is_some()).count();
    let new = sample().truth()["staff_new"]["bookings"].as_array().unwrap().len();
    assert_eq!((again, new, staff.len()), (12, 10, 22));
}

#[test]
fn all_evidence_that_the_truth_names_is_there() {
    let all: String = ["stripe", "movements", "calendars", "mail"].map(text).concat();
    let between = |c: char| c.is_whitespace() || "\"<>;,".contains(c);
    // A UID stands behind its property's name.
    let words: HashSet<&str> =
        all.split(between).map(|word| word.strip_prefix("UID:").unwrap_or(word)).collect();
    let mut named = 0;
    for table in ["bookings", "folio", "booking_addons", "guests"] {
        for row in told("lost", table) {
            for native in row["evidence"].as_array().into_iter().flatten() {
                assert!(words.contains(native.as_str().unwrap()), "{table} {native}");
                named += 1;
            }
        }
    }
    assert!(named > 2_000, "{named}");
}

#[test]
fn every_promised_noise_and_every_form_is_there() {
    let (mail, calendars) = (text("mail"), text("calendars"));
    let (stripe, movements) = (text("stripe"), text("movements"));
    for (place, what) in [
        (&mail, "Begin forwarded message"),
        (&mail, "Subject: Re: "),
        (&mail, "example> wrote:\n> "),
        (&mail, "Opmerking: "),
        (&mail, "See you about "),
        (&mail, "mailbox full"),
        (&mail, "Linen & Towels"),
        (&mail, "Text STOP to opt out"),
        (&mail, "@sms.textline.example"),
        (&mail, "@guest.stayportal.example"),
        (&mail, "ReservationCancelled"),
        (&mail, "modifiedTime"),
        (&mail, "Voici votre facture"),
        (&mail, "Nous avons le plaisir"),
        (&mail, "merci de votre confiance"),
        (&mail, "inc bkfst"),
        (&mail, "all in."),
        (&mail, "siamo lieti di confermare"),
        (&mail, "A presto in Toscana!"),
        (&calendars, "Chimney sweep"),
        (&calendars, "STATUS:CANCELLED"),
        (&calendars, "SEQUENCE:1"),
        (&calendars, "@google.com"),
        (&calendars, "DTSTART;VALUE=DATE:2025"),
        (&calendars, "DTSTART;TZID=Europe/London:2025"),
        (&calendars, "X-WR-TIMEZONE:Europe/Amsterdam"),
        (&stripe, "\"description\":\"Voucher\""),
        (&stripe, "\"status\":\"failed\""),
        (&stripe, "\"refunded\":true"),
        (&stripe, "client_reference_id"),
        (&stripe, "\"type\":\"ideal\""),
        (&stripe, "card_present"),
        (&movements, ";Storno;"),
        (&movements, ";Negato;"),
        (&movements, ";POS;"),
        (&movements, "Caparra prenotazione LG-"),
    ] {
        assert!(place.contains(what), "{what}");
    }
    let ids: Vec<&str> = mail.lines().filter(|line| line.starts_with("Message-ID")).collect();
    assert!(ids.iter().collect::<BTreeSet<_>>().len() < ids.len(), "resent with the same id");
    let by_hand =
        told("lost", "bookings").iter().filter(|r| r.get("by_hand_only").is_some()).count();
    assert!(by_hand >= 3, "{by_hand}");
}

#[test]
fn a_code_of_pentland_is_in_its_calendar_and_nowhere_else() {
    let codes = ask("truth/truth.sqlite", "SELECT code FROM bookings WHERE property_id = 2");
    let (mail, stripe) = (text("mail"), text("stripe/acct_1PdGh2QwXe6TrYbN"));
    let calendar = text("calendars/pentland.ics").replace("\r\n ", "");
    let of_letters = |code: &&String| code.bytes().any(|b| b.is_ascii_uppercase());
    for code in codes.iter().filter(of_letters) {
        assert!(!mail.contains(&format!(" {code} ")) && !stripe.contains(&format!("\"{code}\"")));
    }
    assert!(codes.iter().filter(|code| calendar.contains(*code)).count() * 10 > codes.len() * 7);
}

#[test]
fn what_nobody_writes_of_is_in_no_evidence() {
    let all: String = ["stripe", "movements", "calendars", "mail"].map(text).concat();
    let notes = "SELECT DISTINCT internal_note FROM bookings WHERE internal_note IS NOT NULL \
                 UNION SELECT DISTINCT remarks FROM guests WHERE remarks IS NOT NULL";
    let notes = ask("truth/truth.sqlite", notes);
    assert!(notes.len() > 6);
    for note in notes {
        assert!(!all.contains(&note), "{note}");
    }
}

#[test]
fn some_changes_to_surviving_bookings_are_told_and_some_are_silent() {
    let changed = told("changed", "bookings");
    let to = |state: &str| changed.iter().filter(|r| r["columns"]["state"] == state).count();
    assert!(to("checked_out") > 40 && to("cancelled") > 0, "{} left", to("checked_out"));
    let has = |column: &str| changed.iter().any(|row| row["columns"].get(column).is_some());
    assert!(has("checkout_on") && has("internal_note") && has("meter_kwh_out"));
    assert!(changed.iter().any(|row| row["seen_by"].as_array().unwrap().is_empty()));
    assert!(changed.iter().any(|row| !row["seen_by"].as_array().unwrap().is_empty()));
}

#[test]
fn only_a_careless_house_opens_rooms_after_the_backup() {
    let options = WorldOptions { size: Some(2_000), noise: Noise::High };
    let summary = Made::new("lodging", 5, options).summary;
    let (lost, unseen) = (summary.lost["rooms"], summary.unseen["rooms"]);
    assert!(lost > 0 && unseen < lost, "{unseen} of {lost} rooms seen by nobody");
    assert_eq!(sample().summary.lost["rooms"], 0);
}

#[test]
fn a_world_that_is_too_small_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let tiny = WorldOptions { size: Some(3), noise: Noise::Normal };
    let refused = write_world("lodging", 1, &tiny, dir.path()).unwrap_err();
    assert!(matches!(refused, WorldError::TooSmall(3)));
}
