//! The answers that the page saved, as a file or pasted into a reply.

use jiff::tz::TimeZone;
use restitch_model::Remark;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::decide::{Known, Row};
use crate::import::day_first;
use crate::judge::{Clock, Typing};
use crate::texts::Language;

#[derive(Deserialize)]
struct Saved {
    #[serde(default)]
    language: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    reviewer: String,
    answers: Vec<Value>,
}

#[derive(Deserialize)]
struct SavedAnswer {
    #[serde(default)]
    candidate: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    same_as: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    corrections: Map<String, Value>,
}

/// The answers in a text that holds saved ones, with whatever a mail program put around them.
pub(crate) fn rows(
    file: &str,
    text: &str,
    known: &Known<'_>,
    unread: &mut Vec<Remark>,
) -> Vec<Row> {
    let (start, end) = (text.find('{').unwrap_or(0), text.rfind('}').map_or(0, |at| at + 1));
    let json = text.get(start..end).unwrap_or_default();
    let saved: Saved = match serde_json::from_str(json) {
        Ok(saved) => saved,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            unread.push(Remark::new(
                file,
                format!(
                    "the saved answers are damaged (line {line}, column {column}); save them from \
                     the page again"
                ),
            ));
            return Vec::new();
        }
    };
    let zone = TimeZone::get(&saved.zone).ok();
    let clock = Clock { zone, day_first: day_first(Language::of_tag(&saved.language)) };
    let mut rows = Vec::new();
    for (n, answer) in saved.answers.into_iter().enumerate() {
        let about = format!("{file}, answer {}", n + 1);
        let Ok(answer) = serde_json::from_value::<SavedAnswer>(answer) else {
            unread.push(Remark::new(about, "is damaged; save the answers from the page again"));
            continue;
        };
        let mut cells = Vec::new();
        for (column, value) in answer.corrections {
            let typing = match value {
                Value::String(text) => Typing::Text(text),
                other => Typing::Text(other.to_string()),
            };
            cells.push((known.column(&column).map_or(column, str::to_owned), typing));
        }
        rows.push(Row {
            about,
            record: answer.candidate,
            answer: answer.answer,
            same_as: answer.same_as,
            note: answer.note,
            reviewer: saved.reviewer.clone(),
            cells,
            clock: clock.clone(),
        });
    }
    rows
}
