//! Structured data of a page (schema.org), as facts: JSON-LD, and microdata in the form of JSON.

use restitch_model::{Decimal, Fact, FactValue, Place};
use serde_json::Value;

use crate::mime::Notes;

/// How many values of a message's structured data are kept.
const MAX_LEAVES: usize = 2000;

/// The objects of a script's JSON. The members of an array that is the whole script, and those
/// of `@graph`, each stand as if they were alone.
pub fn objects(script: &str, notes: &mut Notes) -> Vec<Value> {
    let script = unwrapped(script);
    let parsed = serde_json::from_str::<Value>(script)
        .or_else(|_| serde_json::from_str::<Value>(&format!("[{}]", repaired(script))));
    let mut found = Vec::new();
    match parsed {
        Ok(value) => roots(value, &mut found),
        Err(_) if script.trim().is_empty() => {}
        Err(_) => notes.add("its structured data (JSON-LD) could not be read"),
    }
    found
}

fn roots(value: Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| roots(item, found)),
        Value::Object(mut members) => {
            let graph = members.shift_remove("@graph");
            found.push(Value::Object(members));
            if let Some(graph) = graph {
                roots(graph, found);
            }
        }
        _ => {}
    }
}

/// The leaves of objects as facts named by their JSON pointers, after a prefix such as `ld:`.
pub fn facts(objects: &[Value], prefix: &str, notes: &mut Notes) -> Vec<Fact> {
    let mut facts = Vec::new();
    for object in objects {
        leaves(object, prefix.to_owned(), &mut facts);
    }
    if facts.len() > MAX_LEAVES {
        notes.add(format!("only the first {MAX_LEAVES} values of its structured data were kept"));
        facts.truncate(MAX_LEAVES);
    }
    facts
}

fn leaves(value: &Value, pointer: String, facts: &mut Vec<Fact>) {
    let value = match value {
        Value::Object(members) => {
            for (name, member) in members {
                leaves(member, format!("{pointer}/{}", escaped(name)), facts);
            }
            return;
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                leaves(item, format!("{pointer}/{i}"), facts);
            }
            return;
        }
        Value::Null => return,
        Value::Bool(truth) => FactValue::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), number.to_string().parse::<Decimal>()) {
            (Some(whole), _) => FactValue::Integer(whole),
            (None, Ok(decimal)) => FactValue::Number(decimal),
            (None, Err(_)) => FactValue::Text(number.to_string()),
        },
        Value::String(text) if text.trim().is_empty() => return,
        Value::String(text) => FactValue::Text(text.trim().to_owned()),
    };
    facts.push(Fact { place: Place::whole(&pointer), name: pointer.into(), value });
}

/// A name as part of a JSON pointer (RFC 6901).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Without the comment or CDATA marks that hide a script from old programs.
fn unwrapped(script: &str) -> &str {
    let script = script.trim().trim_start_matches("//").trim_start();
    let script = script.strip_prefix("<![CDATA[").unwrap_or(script);
    let script = script.strip_prefix("<!--").unwrap_or(script);
    script.trim().trim_end_matches("]]>").trim_end_matches("-->").trim_end().trim_end_matches("//")
}

/// With commas before a closing bracket left out, those between objects put in, and line ends
/// inside of texts made spaces.
fn repaired(script: &str) -> String {
    let mut out = String::with_capacity(script.len());
    let mut in_text = false;
    let mut escape = false;
    for c in script.chars() {
        if in_text {
            let is_end = c == '"' && !escape;
            escape = c == '\\' && !escape;
            in_text = !is_end;
            out.push(if c.is_control() { ' ' } else { c });
            continue;
        }
        if matches!(c, '}' | ']') && out.trim_end().ends_with(',') {
            let keep = out.trim_end().len() - 1;
            out.truncate(keep);
        }
        if c == '{' && out.trim_end().ends_with('}') {
            out.push(',');
        }
        in_text = c == '"';
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(script: &str) -> String {
        let mut notes = Notes::default();
        let facts = facts(&objects(script, &mut notes), "ld:", &mut notes);
        let one = |fact: &Fact| format!("{} {} {}", fact.name, fact.value.type_name(), fact.value);
        facts.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn leaves_are_named_by_their_pointers() {
        let script =
            r#"{"reservationNumber":"AB12","price":{"v":149.9,"n":3},"a":[{"b":true},null]}"#;
        assert_eq!(
            lines(script),
            "ld:/reservationNumber text AB12\nld:/price/v number 149.9\nld:/price/n integer 3\n\
             ld:/a/0/b bool true"
        );
    }

    #[test]
    fn graphs_and_lists_are_laid_flat() {
        assert_eq!(lines(r#"[{"@graph":[{"x":"1"},{"x":"2"}]}]"#), "ld:/x text 1\nld:/x text 2");
    }

    #[test]
    fn trailing_commas_and_wrappers_are_repaired() {
        assert_eq!(
            lines("//<![CDATA[\n{\"a\":\"1,}\n2\", \"b\":[1,2 , ], }\n//]]>"),
            "ld:/a text 1,} 2\nld:/b/0 integer 1\nld:/b/1 integer 2"
        );
        assert_eq!(lines("[{\"a\":1} {\"a\":2}]"), "ld:/a integer 1\nld:/a integer 2");
        assert_eq!(lines("{\"a\":1}{\"b\":2}"), "ld:/a integer 1\nld:/b integer 2");
        assert_eq!(lines("{"), "");
    }
}
