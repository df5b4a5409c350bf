//! New generations of a template: forms that no row shows how to read, of a voice whose older
//! form is known. Fixed words that both have tell which slot is which, and where the words are
//! new too, the order of the slots that hold the same sort of value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_model::FactValue;

use crate::rule::{Read, Rule, read};
use crate::shape::View;
use crate::source::{Known, Parts, is_slot_name};
use crate::study::Material;
use crate::template::{align, is_word};
use crate::zones::Zones;

/// A form is kin where this share of the older one's columns finds its place in it.
const MAPPED: f64 = 0.6;
/// A slot serves a rule that this share of the form's items gives a value.
const READS: f64 = 0.6;
/// What is read by a kin's rule is a little less sure than by the rule itself.
const LESS_SURE: f64 = 0.98;
/// A form of fewer items is no generation of a template.
const LEAST: usize = 4;

/// Rules for the forms that `rules` do not read, from those of their kin.
pub fn rules(view: &View, material: &Material<'_>, rules: &[Rule], zones: &Zones) -> Vec<Rule> {
    let read: BTreeSet<&str> = rules.iter().map(|r| r.form.as_str()).collect();
    let mut unread: BTreeMap<&str, Vec<&Parts>> = BTreeMap::new();
    for parts in material.parts.iter().filter(|p| !read.contains(p.form.as_str())) {
        unread.entry(&parts.form).or_default().push(parts);
    }
    let templates: BTreeMap<&str, &Known> =
        material.book.templates.iter().map(|t| (t.id.as_str(), t)).collect();
    let zone = zones.named(None);
    let mut found = Vec::new();
    for (form, items) in unread {
        let Some(new) = templates.get(form).filter(|_| items.len() >= LEAST) else { continue };
        let older = read.iter().filter_map(|form| templates.get(form)).filter(|old| {
            (&old.kind, &old.field, &old.voice) == (&new.kind, &new.field, &new.voice)
        });
        let best = older
            .filter_map(|old| {
                let own = rules.iter().filter(|r| r.form == old.id);
                let mapped = map(view, &own.collect::<Vec<_>>(), old, new, &items, &zone)?;
                Some((mapped.len(), alike(old, new), mapped))
            })
            .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        found.extend(best.into_iter().flat_map(|(_, _, mapped)| mapped));
    }
    found
}

/// The rules of an older form in the places of a new one; `None` where too few find theirs.
fn map(
    view: &View,
    rules: &[&Rule],
    old: &Known,
    new: &Known,
    items: &[&Parts],
    zone: &TimeZone,
) -> Option<Vec<Rule>> {
    let slots = slots(&fixed(old), &fixed(new));
    let mut found: Vec<Rule> = Vec::new();
    let columns: BTreeSet<&str> = rules.iter().map(|r| r.column.as_str()).collect();
    for rule in rules {
        let Some(kind) = view.path(&rule.column).map(|p| &p.kind) else { continue };
        let is_read = |from: &str| {
            let value = |p: &&&Parts| match (&rule.read, p.source(from)) {
                // What a text names is looked for in a whole text too, which is no value.
                (Read::Mentions, source) => {
                    let Some(source) = source else { return (!from.contains(':')).then_some(true) };
                    let list = view.list(&rule.column)?;
                    let FactValue::Text(text) = &source.value else { return None };
                    (!list.named_in(text, None).is_empty()).then_some(true)
                }
                (how, source) => read(how, &source?.value, zone, kind).map(|_| true),
            };
            let n = items.iter().filter(|p| value(p).is_some()).count();
            n as f64 >= READS * items.len() as f64
        };
        let from = places(&rule.from, &slots, rules, items).into_iter().find(|from| is_read(from));
        if let Some(from) = from {
            found.push(Rule {
                form: new.id.clone(),
                from,
                support: 0,
                measured_on: 0,
                accuracy: rule.accuracy * LESS_SURE,
                pinned: false,
                kin: Some(old.id.clone()),
                ..(*rule).clone()
            });
        }
    }
    let mapped: BTreeSet<&str> = found.iter().map(|r| r.column.as_str()).collect();
    (mapped.len() as f64 >= MAPPED * columns.len() as f64 && mapped.len() > 1).then_some(found)
}

/// Where a value of the older form may stand in the new one, the likelier first.
fn places(
    from: &str,
    slots: &BTreeMap<usize, Vec<usize>>,
    rules: &[&Rule],
    items: &[&Parts],
) -> Vec<String> {
    let Some((stem, slot, rest)) = split(from) else { return vec![from.to_owned()] };
    let named = |slot: usize| format!("{stem}:slot({slot}){rest}");
    let mut found: Vec<String> =
        slots.get(&slot).into_iter().flatten().map(|&slot| named(slot)).collect();
    // The same number of values of one sort in both forms: they stand in the same order.
    let sort = |from: &str| split(from).filter(|(s, _, r)| (*s, *r) == (stem, rest)).map(|f| f.1);
    let old: BTreeSet<usize> = rules.iter().filter_map(|r| sort(&r.from)).collect();
    let new: BTreeSet<usize> =
        items.iter().flat_map(|p| &p.sources).filter_map(|s| sort(&s.name)).collect();
    // A day-first date has no other reading once its month is a word, and the other way round.
    let (plain, styled) = (rest.trim_end_matches("/day-first"), format!("{rest}/day-first"));
    let slots = slots.get(&slot).into_iter().flatten();
    // A date and its time may be one value in the one form and two in the other.
    let other = match plain {
        "#local" => Some("#joined"),
        "#joined" => Some("#local"),
        _ => None,
    };
    let rests: Vec<String> = [plain.to_owned(), styled]
        .into_iter()
        .chain(other.into_iter().flat_map(|other| [other.to_owned(), format!("{other}/day-first")]))
        .collect();
    found.extend(
        slots.flat_map(|slot| rests.iter().map(move |rest| format!("{stem}:slot({slot}){rest}"))),
    );
    // What names a record is known by its shape, wherever it stands.
    if rest.starts_with("#key") {
        let mut held: BTreeMap<&str, usize> = BTreeMap::new();
        for source in items.iter().flat_map(|p| &p.sources).filter(|s| s.name.ends_with("#key")) {
            *held.entry(&source.name).or_default() += 1;
        }
        let mut held: Vec<(&str, usize)> = held.into_iter().collect();
        held.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        found.extend(held.into_iter().map(|(name, _)| name.to_owned()));
    }
    if !rest.is_empty() && old.len() == new.len() {
        let at = old.iter().position(|s| *s == slot);
        found.extend(at.and_then(|at| new.iter().nth(at)).map(|&slot| named(slot)));
    }
    found
}

/// `text:slot(7)#date` as `text`, 7, `#date`.
fn split(from: &str) -> Option<(&str, usize, &str)> {
    let (stem, rest) = from.split_once(":slot(")?;
    let (slot, rest) = rest.split_once(')')?;
    Some((stem, slot.parse().ok()?, rest))
}

fn fixed(known: &Known) -> Vec<&str> {
    known.words.iter().map(String::as_str).filter(|w| !is_slot_name(w)).collect()
}

/// For each slot of the older form, the slots of the new one beside the same fixed words: where
/// both neighbours agree first.
fn slots(old: &[&str], new: &[&str]) -> BTreeMap<usize, Vec<usize>> {
    let matched = align(old, new);
    let is_telling = |i: usize| is_word(old[i]);
    let mut found = BTreeMap::new();
    for slot in 0..=old.len() {
        let before = (0..slot).rev().find(|&i| is_telling(i)).filter(|i| slot - i <= 2);
        let after = (slot..old.len()).find(|&i| is_telling(i)).filter(|i| i - slot <= 1);
        let before = before.and_then(|i| Some(matched[i]? + (slot - i)));
        let after = after.and_then(|i| matched[i]?.checked_sub(i - slot));
        let mut places: Vec<usize> = before.into_iter().chain(after).collect();
        places.dedup();
        // A line end more or less beside a label moves its value by one.
        places.extend(
            before.map(|at| at + 1).into_iter().chain(after.and_then(|at| at.checked_sub(1))),
        );
        found.insert(slot, places);
    }
    found
}

/// The share of words that two templates have in common.
fn alike(old: &Known, new: &Known) -> f64 {
    let (old, new) = (fixed(old), fixed(new));
    let common = align(&old, &new).iter().flatten().count();
    2.0 * common as f64 / (old.len() + new.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split(' ').collect()
    }

    #[test]
    fn slots_keep_their_labels_when_the_words_around_them_change() {
        let old = words("Dear your booking is confirmed Arrival: Departure: Total:");
        let new = words("Hello we confirm your booking Total: Arrival: Departure: Bye");
        let slots = slots(&old, &new);
        // After `Departure:`, before `Total:`; now between `Departure:` and `Bye`.
        assert_eq!(slots[&7][0], 8);
        assert_eq!(slots[&6][0], 7);
    }

    #[test]
    fn a_source_is_a_text_a_slot_and_what_stands_in_it() {
        assert_eq!(split("text:slot(7)#date(2)"), Some(("text", 7, "#date(2)")));
        assert_eq!(split("header:date"), None);
    }
}
