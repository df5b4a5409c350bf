//! What the tests of all scanners share.

use jiff::civil::Date;

use crate::{Context, Found, Style, scan};

/// Scans a text without a context and compares with `type value @start-end; …`. A date read
/// with the day first has `dmy` behind its value, with the month first `mdy`.
#[track_caller]
pub(crate) fn check(text: &str, expect: &str) {
    assert_eq!(shown(&scan(text, Context::default())), expect, "in {text:?}");
}

/// The same for a text written on a day.
#[track_caller]
pub(crate) fn check_on(day: &str, text: &str, expect: &str) {
    let written_on: Date = day.parse().expect("a date");
    assert_eq!(shown(&scan(text, Context { written_on: Some(written_on) })), expect, "in {text:?}");
}

/// The same for values of some types alone.
#[track_caller]
pub(crate) fn check_only(text: &str, types: &[&str], expect: &str) {
    let mut found = scan(text, Context::default());
    found.retain(|found| types.contains(&found.value.type_name()));
    assert_eq!(shown(&found), expect, "in {text:?}");
}

fn shown(found: &[Found]) -> String {
    let line = |Found { value, start, end, style }: &Found| {
        let style = match style {
            Style::Plain => "",
            Style::DayFirst => " dmy",
            Style::MonthFirst => " mdy",
        };
        format!("{} {value}{style} @{start}-{end}", value.type_name())
    };
    found.iter().map(line).collect::<Vec<_>>().join("; ")
}
