//! Examples of rules: rows of the overlap, with the words of the evidence that a rule read.

use std::collections::BTreeMap;

use restitch_model::{EvidenceId, Fact, FactValue, Instant, Place, Share};
use serde::Serialize;

use crate::by_hand::judge;
use crate::item::Item;
use crate::knowledge::Knowledge;
use crate::rule::Rule;
use crate::shape::{ColumnKind, View};
use crate::study::{Material, anchor_known};
use crate::zones::Zones;

/// What a rule made of one item, beside what the item's row holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The item.
    pub evidence: EvidenceId,
    /// Its kind.
    pub kind: String,
    /// When it was said.
    pub at: Instant,
    /// Where the words stand.
    pub place: String,
    /// What stands before them, on one line.
    pub before: String,
    /// The words that the rule read.
    pub words: String,
    /// What stands behind them, on one line.
    pub after: String,
    /// What names the row.
    pub row: String,
    /// The value that the rule gives.
    pub gives: String,
    /// The value that the row holds.
    pub holds: String,
}

impl Example {
    /// The words in their surroundings, with a mark on either side.
    pub fn marked(&self) -> String {
        format!("{}>>{}<<{}", self.before, self.words, self.after)
    }
}

/// The examples of one rule, the newest evidence first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Examples {
    /// How often it gave the row's value, of the items that were looked at.
    pub seen: Share,
    /// Where it did.
    pub right: Vec<Example>,
    /// Where it did not.
    pub wrong: Vec<Example>,
}

/// How many examples are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// At most so many that are right, and so many that are not.
    pub each: usize,
    /// At most so many items of a form are looked at.
    pub items: usize,
}

/// Examples of the rules that `is_asked` names, by record type and position of the rule.
pub fn examples(
    material: &Material<'_>,
    knowledge: &Knowledge,
    wanted: Wanted,
    is_asked: &dyn Fn(&str, &Rule) -> bool,
) -> BTreeMap<String, BTreeMap<usize, Examples>> {
    let zones = Zones::of(material.views.values(), &knowledge.zone);
    let backup_at = knowledge.incident.backup_at;
    let anchored = anchor_known(material, knowledge, &zones, &|item| item.at < backup_at);
    let mut found = BTreeMap::new();
    for (record_type, view) in material.views {
        let Some(known) = knowledge.records.get(record_type) else { continue };
        let mut by_form: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        let rows = anchored[record_type].iter().enumerate();
        for (item, row) in rows.rev().filter_map(|(i, anchor)| Some((i, anchor.as_ref()?.row))) {
            if view.created(row).is_none_or(|at| at <= backup_at) {
                by_form.entry(&material.parts[item].form).or_default().push((item, row));
            }
        }
        let of_type: BTreeMap<usize, Examples> = known
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| is_asked(record_type, rule))
            .map(|(i, rule)| {
                let pairs = by_form.get(rule.form.as_str()).map(Vec::as_slice).unwrap_or_default();
                (i, of_rule(material, view, &zones, rule, pairs, wanted))
            })
            .collect();
        found.insert(record_type.clone(), of_type);
    }
    found
}

fn of_rule(
    material: &Material<'_>,
    view: &View,
    zones: &Zones,
    rule: &Rule,
    pairs: &[(usize, usize)],
    wanted: Wanted,
) -> Examples {
    let mut found = Examples::default();
    let Some(p) = view.position(&rule.column) else { return found };
    for &(i, row) in pairs.iter().take(wanted.items) {
        let (item, parts) = (&material.items[i], &material.parts[i]);
        let Some(source) = parts.source(&rule.from) else { continue };
        let values = &view.rows[row];
        let zone = zones.of_row(view, values);
        let judged = judge(&rule.read, &source.value, &zone, &view.paths[p], &values[p]);
        let Some((given, is_right)) = judged else { continue };
        found.seen.add(is_right);
        let examples = if is_right { &mut found.right } else { &mut found.wrong };
        if examples.len() < wanted.each {
            let [before, words, after] = in_place(item, &source.place())
                .unwrap_or_else(|| [String::new(), source.value.to_string(), String::new()]);
            examples.push(Example {
                evidence: item.evidence,
                kind: item.kind.clone(),
                at: item.at,
                place: source.place().to_string(),
                before,
                words,
                after,
                row: name(view, row),
                gives: given.to_string(),
                holds: values[p].to_string(),
            });
        }
    }
    found
}

/// What names a row to a person: its reference, else its key.
fn name(view: &View, row: usize) -> String {
    let key = || view.paths.iter().find(|p| p.is_own() && p.kind == ColumnKind::Key);
    let path = view.natural_keys().into_iter().next().or_else(key);
    match path.and_then(|path| Some((path, view.position(&path.name)?))) {
        Some((path, p)) => format!("{} {}", path.name, view.rows[row][p]),
        None => format!("row {}", row + 1),
    }
}

/// How much of a text is shown on either side of a place, in characters.
const AROUND: usize = 28;

/// What stands before a place, in it, and behind it, each on one line; `None` where the place
/// is a whole field.
fn in_place(item: &Item, place: &Place) -> Option<[String; 3]> {
    let (start, end) = place.range?;
    let is_field = |fact: &&Fact| fact.place.range.is_none() && fact.place.field == place.field;
    let text = item.facts.iter().filter(is_field).find_map(|fact| match &fact.value {
        FactValue::Text(text) => Some(text),
        _ => None,
    })?;
    let (before, words, after) = (text.get(..start)?, text.get(start..end)?, text.get(end..)?);
    let head = before.char_indices().rev().nth(AROUND).map_or(0, |(i, _)| i);
    let tail = after.char_indices().nth(AROUND).map_or(after.len(), |(i, _)| i);
    Some([
        format!("{}{}", if head > 0 { "…" } else { "" }, on_one_line(&before[head..])),
        on_one_line(words),
        format!("{}{}", on_one_line(&after[..tail]), if tail < after.len() { "…" } else { "" }),
    ])
}

/// A text with single spaces, also for what would move a terminal's cursor.
fn on_one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
        if c != ' ' || !line.ends_with(' ') {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use restitch_model::{Digest, EvidenceMeta};

    use super::*;

    fn marked(text: &str, words: &str) -> String {
        let fact = Fact {
            name: "text".into(),
            value: FactValue::Text(text.to_owned()),
            place: Place::whole("text"),
        };
        let meta = EvidenceMeta {
            id: EvidenceId(Digest::of(b"")),
            source: String::new(),
            kind: "mail".to_owned(),
            native_id: String::new(),
            container: String::new(),
            at: None,
            fetched_at: Instant::UNIX_EPOCH,
        };
        let start = text.find(words).unwrap();
        let place = Place::range("text", start, start + words.len());
        let [before, words, after] = in_place(&Item::new(&meta, vec![fact]), &place).unwrap();
        format!("{before}>>{words}<<{after}")
    }

    #[test]
    fn words_are_shown_in_their_surroundings_on_one_line() {
        assert_eq!(
            marked(
                "Dear Ana,\n\nyour pick-up at Málaga airport:\n 6 March\n 2026\tand so on",
                "6 March\n 2026"
            ),
            "… pick-up at Málaga airport: >>6 March 2026<< and so on"
        );
        assert_eq!(marked("7Q", "7Q"), ">>7Q<<");
    }
}
