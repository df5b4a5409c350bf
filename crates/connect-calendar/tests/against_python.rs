//! Occurrences held against those of icalendar and recurring-ical-events for Python, on the
//! calendars under `RESTITCH_CORPORA`. `RESTITCH_PYTHON` names the interpreter that has both;
//! without it, `python3`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use restitch_connect::{Entry, walk};
use restitch_connect_calendar::{Occurrence, occurrences};
use restitch_model::{FactValue, LocalTime, TimeWindow};

/// Where ours differ, and why.
const EXPLAINED: [(&str, &str); 6] = [
    ("broken_ical.ics", "the reference drops a DTSTART that has a semicolon too many"),
    ("google_birthday.ics", "the reference drops an RDATE that is a day with a Z"),
    ("issue_165_missing_event.ics", "the reference drops an RRULE with spaces in its lists"),
    ("issue_313_globally_unique_tzid.ics", "the reference does not know producers' own TZIDs"),
    ("2446.ics", "it holds messages about one UID, of which only the last counts"),
    ("rfc2446.ics", "it holds messages about one UID, of which only the last counts"),
];

/// UID, start and end.
type Line = (String, String, String);

#[test]
fn occurrences_are_those_of_the_reference() {
    let Some(files) = files() else { return };
    let Some(output) = reference(&files) else { return };
    let (mut read, mut refused, mut alike, mut all) = (0, 0, 0, 0);
    let mut unexplained = Vec::new();
    for part in output.split("FILE\t").skip(1) {
        let mut lines = part.lines();
        let (path, problem) = lines.next().and_then(|head| head.split_once('\t')).unwrap();
        if !problem.is_empty() {
            refused += 1;
            println!("{path}: the reference does not read it: {problem}");
            continue;
        }
        read += 1;
        let theirs: BTreeSet<Line> = lines.filter_map(line).filter(is_inside).collect();
        let ours = ours(&std::fs::read(path).unwrap());
        all += theirs.len();
        if ours == theirs {
            alike += 1;
            continue;
        }
        let (missing, surplus): (Vec<_>, Vec<_>) =
            (theirs.difference(&ours).collect(), ours.difference(&theirs).collect());
        println!("{path}: {} missing, {} surplus", missing.len(), surplus.len());
        missing.iter().take(3).for_each(|line| println!("  - {line:?}"));
        surplus.iter().take(3).for_each(|line| println!("  + {line:?}"));
        match EXPLAINED.iter().find(|(name, _)| Path::new(path).ends_with(name)) {
            Some((_, reason)) => println!("  {reason}"),
            None => unexplained.push(path.to_owned()),
        }
    }
    println!(
        "{alike} of {read} files have the same {all} occurrences; {refused} are not read by the \
         reference"
    );
    assert!(read > 100, "the reference read only {read} files");
    assert_eq!(unexplained, [""; 0]);
}

fn files() -> Option<Vec<PathBuf>> {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA is not set: the third-party corpora are skipped");
        return None;
    };
    let is_calendar = |path: &Path, entry| {
        entry == Entry::Folder || path.extension().is_some_and(|extension| extension == "ics")
    };
    let found = walk(&[Path::new(&corpora).join("calendars")], is_calendar).unwrap();
    Some(found.files.into_iter().map(|file| file.path).collect())
}

fn reference(files: &[PathBuf]) -> Option<String> {
    let python = std::env::var("RESTITCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let ran = Command::new(&python).args(["-c", "import recurring_ical_events"]).output();
    if !ran.is_ok_and(|ran| ran.status.success()) {
        println!(
            "{python} has no recurring_ical_events (pip install it): the comparison is skipped"
        );
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/occurrences.py");
    let output = Command::new(python).arg(script).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn line(text: &str) -> Option<Line> {
    let mut fields = text.strip_prefix("AT\t")?.split('\t').map(str::to_owned);
    Some((fields.next()?, fields.next()?, fields.next()?))
}

fn ours(bytes: &[u8]) -> BTreeSet<Line> {
    let window = TimeWindow {
        start: "2000-01-01T00:00:00Z".parse().unwrap(),
        end: "2030-01-01T00:00:00Z".parse().unwrap(),
    };
    let found = occurrences(bytes, None, window, 100_000).occurrences;
    let line = |o: Occurrence| {
        let uid = o.uid.split_whitespace().collect::<Vec<_>>().join(" ");
        (uid, shown(&o.start), shown(&o.end))
    };
    found.into_iter().map(line).filter(is_inside).collect()
}

/// At the edges of the window, time zones are counted in differently.
fn is_inside((_, start, _): &Line) -> bool {
    ("2000-01-03".."2029-12-28").contains(&start.as_str())
}

fn shown(value: &FactValue) -> String {
    let utc = |at: jiff::Timestamp| format!("{}Z", jiff::tz::TimeZone::UTC.to_datetime(at));
    match value {
        FactValue::Instant(instant) => utc(*instant),
        FactValue::Local(local @ LocalTime { zone: Some(_), .. }) => {
            local.instant("UTC").map(utc).unwrap_or_default()
        }
        FactValue::Local(local) => local.civil.to_string(),
        value => value.to_string(),
    }
}
