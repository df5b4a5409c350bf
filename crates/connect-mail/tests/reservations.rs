//! Third-party reservations: what their expected files hold is found, with times and reference.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use restitch_connect_mail::read_message;
use restitch_model::{Fact, FactValue};
use serde_json::Value;

/// Files of which not all that is expected is found, with the reason.
const NOT_FOUND: [(&str, &str); 2] = [
    ("postprocessordata/day-rollover", "the input names the wrong day, which was put right"),
    (
        "postprocessordata/triangle-filter-reservation-data-propagation",
        "legs that name no reference are given that of another ticket of the journey",
    ),
];

/// A folder of the corpus, and how its inputs and its expected files are called.
const SETS: [(&str, &str, &str); 5] = [
    ("structureddata", ".html", ".json"),
    ("jsonlddata", ".in.json", ".out.json"),
    ("postprocessordata", ".pre.json", ".post.json"),
    ("validationdata", ".pre.json", ".post.json"),
    ("calendarhandlerdata", ".json", ".json"),
];

fn as_message(input: &str, is_html: bool) -> Vec<u8> {
    let html = match is_html {
        true => input.to_owned(),
        false => format!("<script type=application/ld+json>{input}</script>"),
    };
    format!("From: a@x.example\nContent-Type: text/html; charset=utf-8\n\n{html}").into_bytes()
}

/// A time as the expected files write it: the moment, or what the clock shows.
fn shown(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value.get("@value")?.as_str())?;
    Some(text.replacen("+0:00", "+00:00", 1))
}

fn says(value: &FactValue, wanted: &str) -> bool {
    let wall = wanted.get(..16).unwrap_or(wanted);
    match value {
        FactValue::Instant(at) => {
            let same = wanted.parse::<jiff::Timestamp>().is_ok_and(|wanted| wanted == *at);
            same || (wanted.len() == 10 && {
                let day = TimeZone::UTC.to_datetime(*at).date();
                wanted.parse::<jiff::civil::Date>().is_ok_and(|w| (w - day).get_days().abs() <= 1)
            })
        }
        FactValue::Local(local) => {
            let shown = local.civil.to_string();
            shown.starts_with(wall) || shown.starts_with(wanted) || same_clock(&shown, wanted)
        }
        FactValue::Date(day) => wanted.starts_with(&day.to_string()),
        _ => false,
    }
}

/// `02-04-2018 20:40` against `2018-04-02T20:40:00`, either way round.
fn same_clock(civil: &str, wanted: &str) -> bool {
    let Some((date, clock)) = wanted.split_once(' ') else { return false };
    let parts: Vec<&str> = date.split('-').collect();
    let [a, b, year] = parts[..] else { return false };
    [format!("{year}-{b}-{a}T{clock}"), format!("{year}-{a}-{b}T{clock}")]
        .iter()
        .any(|way| civil.starts_with(way))
}

fn pick<'v>(reservation: &'v Value, names: &[&str]) -> Option<&'v Value> {
    let here = [Some(reservation), reservation.get("reservationFor")];
    names.iter().find_map(|name| here.iter().flatten().find_map(|object| object.get(*name)))
}

const START: [&str; 6] =
    ["pickupTime", "checkinTime", "checkinDate", "departureTime", "startTime", "startDate"];
const END: [&str; 6] =
    ["dropoffTime", "checkoutTime", "checkoutDate", "arrivalTime", "endTime", "endDate"];

/// What a reservation's facts do not say of what is expected.
fn missing(expected: &Value, told: &[&Fact]) -> Vec<String> {
    let has = |name: &str, test: &dyn Fn(&FactValue) -> bool| {
        told.iter().any(|fact| fact.name.ends_with(&format!(":{name}")) && test(&fact.value))
    };
    let mut missing = Vec::new();
    let kind = expected["@type"].as_str().unwrap_or_default();
    if !has("type", &|value| value.to_string() == kind) {
        missing.push("type".to_owned());
    }
    if let Some(reference) = expected.get("reservationNumber").and_then(Value::as_str)
        && !reference.is_empty()
        && !has("reference", &|value| value.to_string() == reference)
    {
        missing.push(format!("reference {reference}"));
    }
    for (name, names) in [("start", START), ("end", END)] {
        if let Some(wanted) = pick(expected, &names).and_then(shown)
            && !has(name, &|value| says(value, &wanted))
        {
            missing.push(format!("{name} {wanted}"));
        }
    }
    missing
}

#[test]
fn the_reservations_of_the_corpus_are_found() {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA is not set: the third-party reservations are skipped");
        return;
    };
    let root = Path::new(&corpora).join("reservations");
    let mut by_type: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for (folder, input_end, expected_end) in SETS {
        let mut names: Vec<String> = fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        for name in names.iter().filter_map(|name| name.strip_suffix(input_end)) {
            let read =
                |end: &str| fs::read_to_string(root.join(folder).join(format!("{name}{end}")));
            let (Ok(input), Ok(expected)) = (read(input_end), read(expected_end)) else { continue };
            let reading = read_message(&as_message(&input, input_end == ".html"));
            let mut told: BTreeMap<&str, Vec<&Fact>> = BTreeMap::new();
            for fact in &reading.facts {
                if let Some((group, _)) = fact.name.split_once(':')
                    && group.starts_with("reservation")
                {
                    told.entry(group).or_default().push(fact);
                }
            }
            let expected: Value = serde_json::from_str(&expected).unwrap();
            for reservation in expected.as_array().unwrap() {
                let kind = reservation["@type"].as_str().unwrap_or_default().to_owned();
                if !kind.ends_with("Reservation") {
                    continue;
                }
                let least =
                    told.values().map(|told| missing(reservation, told)).min_by_key(Vec::len);
                let least = least.unwrap_or_else(|| vec!["all of it".to_owned()]);
                let count = by_type.entry(kind.clone()).or_default();
                count.1 += 1;
                let file = format!("{folder}/{name}");
                if least.is_empty() {
                    count.0 += 1;
                } else {
                    let known = NOT_FOUND.iter().find(|(name, _)| *name == file);
                    let reason = known.map_or("no reason is known", |(_, reason)| reason);
                    println!("{file}: {kind}: {}: {reason}", least.join(", "));
                    if known.is_none() {
                        unexplained.push(file);
                    }
                }
            }
        }
    }
    let all = by_type.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    for (kind, (found, of)) in &by_type {
        println!("{kind}: {found} of {of}");
    }
    println!("all: {} of {}", all.0, all.1);
    assert!(unexplained.is_empty(), "not found: {unexplained:?}");
}
