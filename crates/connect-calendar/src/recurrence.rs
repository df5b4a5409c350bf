//! How Microsoft Graph says that an event repeats, as a rule of iCalendar.

use serde_json::Value;

/// A rule (RFC 5545, 3.3.10) for a `recurrence` of Graph; `None` where it is none that is known.
/// <https://learn.microsoft.com/en-us/graph/api/resources/patternedrecurrence>
pub(crate) fn rule(recurrence: &Value) -> Option<String> {
    let (pattern, range) = (recurrence.get("pattern")?, recurrence.get("range")?);
    let text = |object: &Value, name: &str| Some(object.get(name)?.as_str()?.to_owned());
    let number = |object: &Value, name: &str| object.get(name)?.as_u64().filter(|n| *n > 0);
    let days = || {
        let days = pattern.get("daysOfWeek")?.as_array()?.iter().map(|day| weekday(day.as_str()?));
        days.collect::<Option<Vec<_>>>().filter(|days| !days.is_empty())
    };
    let nth = || {
        let n = match pattern.get("index").and_then(Value::as_str).unwrap_or("first") {
            "first" => 1,
            "second" => 2,
            "third" => 3,
            "fourth" => 4,
            "last" => -1,
            _ => return None,
        };
        let days = days()?;
        // Of several days Graph means the n-th of them together.
        Some(match &days[..] {
            [day] => format!("BYDAY={n}{day}"),
            days => format!("BYDAY={};BYSETPOS={n}", days.join(",")),
        })
    };
    let month = || Some(format!("BYMONTH={}", number(pattern, "month")?));
    let day = || Some(format!("BYMONTHDAY={}", number(pattern, "dayOfMonth")?));
    let mut parts = match text(pattern, "type")?.as_str() {
        "daily" => vec!["FREQ=DAILY".to_owned()],
        "weekly" => vec!["FREQ=WEEKLY".to_owned(), format!("BYDAY={}", days()?.join(","))],
        "absoluteMonthly" => vec!["FREQ=MONTHLY".to_owned(), day()?],
        "relativeMonthly" => vec!["FREQ=MONTHLY".to_owned(), nth()?],
        "absoluteYearly" => vec!["FREQ=YEARLY".to_owned(), month()?, day()?],
        "relativeYearly" => vec!["FREQ=YEARLY".to_owned(), month()?, nth()?],
        _ => return None,
    };
    if let Some(interval) = number(pattern, "interval").filter(|n| *n > 1) {
        parts.push(format!("INTERVAL={interval}"));
    }
    let first = text(pattern, "firstDayOfWeek");
    if let Some(first) = first.as_deref().and_then(weekday).filter(|_| parts[0].ends_with("WEEKLY"))
    {
        parts.push(format!("WKST={first}"));
    }
    match text(range, "type")?.as_str() {
        "endDate" => {
            let end: jiff::civil::Date = text(range, "endDate")?.parse().ok()?;
            // The last day counts as a whole, wherever its midnight is.
            parts.push(format!("UNTIL={}T235959Z", end.strftime("%Y%m%d")));
        }
        "numbered" => parts.push(format!("COUNT={}", number(range, "numberOfOccurrences")?)),
        _ => {}
    }
    Some(parts.join(";"))
}

fn weekday(name: &str) -> Option<&'static str> {
    Some(match name {
        "monday" => "MO",
        "tuesday" => "TU",
        "wednesday" => "WE",
        "thursday" => "TH",
        "friday" => "FR",
        "saturday" => "SA",
        "sunday" => "SU",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_of_graph_become_rules() {
        let forever = json!({"type": "noEnd"});
        for (pattern, range, want) in [
            (json!({"type": "daily", "interval": 2}), &forever, "FREQ=DAILY;INTERVAL=2"),
            (
                json!({"type": "weekly", "interval": 1, "daysOfWeek": ["monday", "friday"],
                    "firstDayOfWeek": "sunday"}),
                &json!({"type": "numbered", "numberOfOccurrences": 5}),
                "FREQ=WEEKLY;BYDAY=MO,FR;WKST=SU;COUNT=5",
            ),
            (
                json!({"type": "relativeMonthly", "index": "last", "daysOfWeek": ["friday"]}),
                &json!({"type": "endDate", "endDate": "2026-12-31"}),
                "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20261231T235959Z",
            ),
            (
                json!({"type": "relativeMonthly", "index": "second",
                    "daysOfWeek": ["saturday", "sunday"]}),
                &forever,
                "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2",
            ),
            (
                json!({"type": "absoluteYearly", "month": 2, "dayOfMonth": 29}),
                &forever,
                "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            ),
        ] {
            let recurrence = json!({"pattern": pattern, "range": range});
            assert_eq!(rule(&recurrence).as_deref(), Some(want));
        }
        assert_eq!(rule(&Value::Null), None);
        assert_eq!(rule(&json!({"pattern": {"type": "hourly"}, "range": forever})), None);
    }
}
