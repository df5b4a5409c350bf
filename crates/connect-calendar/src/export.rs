//! Events as calendars export them in JSON: Google's (`events.list`, Takeout), Microsoft Graph's
//! and Calendly's.

use std::collections::BTreeMap;
use std::io::BufRead;

use restitch_connect::{Item, JsonPiece, Lists, PullError, Sink, json_values};
use restitch_model::{EvidenceId, Instant, Remark};
use serde_json::Value;

use crate::{INVITEE, KIND};

/// The members in which these exports hold their lists.
const LISTS: Lists = Lists::Named(&["items", "value", "collection", "events"]);

/// What an object of an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An event of Google's calendar.
    Google,
    /// An event of Microsoft Graph.
    Graph,
    /// A meeting at Calendly.
    Meeting,
    /// Who booked a meeting at Calendly.
    Invitee,
}

impl Shape {
    /// What an object looks like; `None` where it is none of these.
    pub(crate) fn of(object: &Value) -> Option<Self> {
        let has = |name: &str| object.get(name).is_some();
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_google = text("kind") == "calendar#event"
            || has("iCalUID")
            || has("originalStartTime")
            || has("start") && has("end") && has("summary") && has("status");
        if is_google {
            return Some(Self::Google);
        }
        let is_removed = has("@removed") && has("id");
        if has("iCalUId") || is_removed || has("subject") && has("start") && has("end") {
            return Some(Self::Graph);
        }
        match text("uri") {
            uri if uri.contains("/invitees/") => Some(Self::Invitee),
            uri if uri.contains("/scheduled_events/") => Some(Self::Meeting),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        if self == Self::Invitee { INVITEE } else { KIND }
    }
}

/// Puts each event of a JSON export into the sink, byte for byte, and a remark about what is none.
///
/// An event is named by its iCalendar UID, as in a calendar file, with `/` and the start that it
/// had where it is one instance of several; else by its own id.
pub(crate) fn list_exported(
    container: &str,
    reader: impl BufRead,
    sink: &mut dyn Sink,
) -> Result<(), PullError> {
    let (mut events, mut others) = (0, 0);
    let mut odd: BTreeMap<&str, usize> = BTreeMap::new();
    let failed = |source| PullError::File { path: container.to_owned(), source };
    json_values(reader, LISTS, failed, |piece| {
        let (JsonPiece::Value(bytes) | JsonPiece::Broken(bytes)) = piece else { return Ok(()) };
        let value = serde_json::from_slice::<Value>(bytes).ok();
        let shape =
            value.as_ref().map(unwrapped).and_then(|object| Some((object, Shape::of(object)?)));
        let item = match (&value, shape) {
            (_, Some((object, shape))) => item(container, bytes, object, shape),
            // What is broken among events is one of them.
            (None, None) if events > 0 => {
                *odd.entry("could not be read as JSON, and was kept as it is").or_default() += 1;
                broken(container, bytes)
            }
            (None, None) => {
                *odd.entry("is no JSON and was passed over").or_default() += 1;
                return Ok(());
            }
            (Some(_), None) => {
                others += 1;
                return Ok(());
            }
        };
        events += 1;
        sink.put(item).map(|_| ())
    })?;
    for (what, n) in odd {
        sink.remark(Remark::new(container, format!("a part of it {what} ({n} times)")));
    }
    if others > 0 {
        let text = format!("{others} of its values are no events and were passed over");
        sink.remark(Remark::new(container, text));
    } else if events == 0 {
        sink.remark(Remark::new(container, "it holds no event"));
    }
    Ok(())
}

/// The object itself, out of the message of a webhook.
pub(crate) fn unwrapped(value: &Value) -> &Value {
    match (value.get("event"), value.get("payload")) {
        (Some(Value::String(_)), Some(payload @ Value::Object(_))) => payload,
        _ => value,
    }
}

fn item(container: &str, bytes: &[u8], object: &Value, shape: Shape) -> Item {
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
    let uid = text("iCalUID").or(text("iCalUId")).or(text("id"));
    let uid = uid.or_else(|| text("uri")?.rsplit('/').next());
    let instance = object
        .get("originalStartTime")
        .and_then(|time| time.get("dateTime").or(time.get("date")))
        .and_then(Value::as_str)
        .or(text("originalStart"));
    let native_id = match (uid, instance) {
        (Some(uid), Some(instance)) => format!("{uid}/{instance}"),
        (Some(uid), None) => uid.to_owned(),
        (None, _) => no_uid(bytes),
    };
    let at = ["updated", "lastModifiedDateTime", "updated_at", "created", "createdDateTime"]
        .into_iter()
        .find_map(|name| text(name)?.parse::<Instant>().ok());
    Item {
        kind: shape.kind().to_owned(),
        native_id,
        container: container.to_owned(),
        at,
        bytes: bytes.to_vec(),
    }
}

fn broken(container: &str, bytes: &[u8]) -> Item {
    Item {
        kind: KIND.to_owned(),
        native_id: no_uid(bytes),
        container: container.to_owned(),
        at: None,
        bytes: bytes.to_vec(),
    }
}

fn no_uid(bytes: &[u8]) -> String {
    format!("no-uid-{}", EvidenceId::of(bytes).0.short())
}

#[cfg(test)]
mod tests {
    use restitch_connect::Basket;

    use super::*;

    /// Each item by its kind and name, then each remark.
    fn shown(text: &str) -> Vec<String> {
        let mut basket = Basket::default();
        list_exported("cal", text.as_bytes(), &mut basket).unwrap();
        let items = basket.items.iter().map(|item| {
            assert!(text.as_bytes().windows(item.bytes.len()).any(|part| part == item.bytes));
            format!("{} {}", item.kind, item.native_id)
        });
        items.chain(basket.remarks.iter().map(|remark| remark.text.clone())).collect()
    }

    #[test]
    fn pages_of_google_and_graph_give_their_events() {
        let google = r#"{"kind":"calendar#events","summary":"Vans","timeZone":"Europe/Berlin",
            "items":[{"kind":"calendar#event","id":"a","iCalUID":"a@google.com"},
            {"kind":"calendar#event", "id":"a_1", "iCalUID":"a@google.com", "status":"cancelled",
             "originalStartTime":{"dateTime":"2026-01-10T09:00:00+01:00"}}]}"#;
        assert_eq!(
            shown(google),
            [
                "calendar.event a@google.com",
                "calendar.event a@google.com/2026-01-10T09:00:00+01:00"
            ]
        );
        let graph = r#"{"@odata.context":"x","value":[{"id":"1","iCalUId":"040000","subject":"Van"},
            {"id":"2","@removed":{"reason":"deleted"}}]}"#;
        assert_eq!(shown(graph), ["calendar.event 040000", "calendar.event 2"]);
        let pages = format!("[{graph},{graph}]");
        assert_eq!(shown(&pages), ["calendar.event 040000", "calendar.event 2"]);
    }

    #[test]
    fn lines_are_events_of_their_own() {
        let text = "{\"id\":\"a\",\"iCalUID\":\"a@x\"}\n{\"id\":\"b\",\"iCal\n{\"x\":1}\n";
        let shown = shown(text);
        assert_eq!(shown[0], "calendar.event a@x");
        assert!(shown[1].starts_with("calendar.event no-uid-"));
        assert!(shown[2].contains("could not be read as JSON, and was kept"));
        assert_eq!(shown[3], "1 of its values are no events and were passed over");
    }

    #[test]
    fn invitees_of_calendly_are_a_kind_of_their_own() {
        let uri = "https://api.calendly.com/scheduled_events/E1/invitees/I1";
        let invitee = format!(r#"{{"uri":"{uri}","email":"jo@example.org"}}"#);
        assert_eq!(
            shown(&format!(r#"{{"collection":[{invitee}],"pagination":{{}}}}"#)),
            ["calendar.invitee I1"]
        );
        assert_eq!(
            shown(&format!(r#"{{"event":"invitee.created","payload":{invitee}}}"#)),
            ["calendar.invitee I1"]
        );
    }

    #[test]
    fn another_file_gives_nothing_and_says_so() {
        assert_eq!(
            shown(r#"{"profile":{"name":"Jo"}}"#),
            ["1 of its values are no events and were passed over"]
        );
        assert_eq!(shown("[]"), ["it holds no event"]);
    }
}
