//! What an item says of the lines of a record: which rows on offer it names, and the numbers that
//! stand beside each name.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use jiff::tz::TimeZone;
use restitch_facts::{Context, scan};
use restitch_model::{FactValue, Place, Reading, Value};

use super::{List, starred, text_of};
use crate::item::Item;
use crate::knowledge::RecordKnowledge;
use crate::rule::{Read, Rule, read};
use crate::shape::View;
use crate::source::Parts;

/// What an item says of the lines of one record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Telling {
    /// How often the rule that read it named all that a record holds, and nothing else.
    pub(crate) accuracy: f64,
    /// The lines, in the order of the text.
    pub(crate) lines: Vec<Line>,
}

/// What an item says of one line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// The row on offer.
    pub(crate) offer: usize,
    /// What is said of the columns of the line, that of the row on offer first.
    pub(crate) readings: Vec<Reading>,
}

/// Reads the lines of one list.
pub(crate) struct Reader<'k> {
    list: &'k List,
    view: &'k View,
    /// The rules that tell which rows on offer a text names, by form.
    offers: HashMap<&'k str, Vec<&'k Rule>>,
    /// Those that read numbers beside the names, by form.
    columns: HashMap<&'k str, Vec<&'k Rule>>,
    /// See [`RecordKnowledge::numbered_forms`].
    numbered: &'k [String],
}

impl<'k> Reader<'k> {
    /// Readies the rules: of reservations, among which are those for lists, and what is known of
    /// the lines, whose table `view` is.
    pub(crate) fn new(
        list: &'k List,
        view: &'k View,
        of_records: &'k [Rule],
        of_lines: &'k RecordKnowledge,
    ) -> Self {
        let by_form = |rules: &mut dyn Iterator<Item = &'k Rule>| {
            let mut found: HashMap<&str, Vec<&Rule>> = HashMap::new();
            for rule in rules {
                found.entry(&rule.form).or_default().push(rule);
            }
            found
        };
        Self {
            list,
            view,
            offers: by_form(&mut of_records.iter().filter(|rule| list.is_told_by(rule))),
            columns: by_form(&mut of_lines.rules.iter()),
            numbered: &of_lines.numbered_forms,
        }
    }

    /// What an item says of the lines; `None` where it names none.
    pub(crate) fn read(
        &self,
        item: &Item,
        parts: &Parts,
        tenant: Option<&Value>,
    ) -> Option<Telling> {
        let rules = self.offers.get(parts.form.as_str())?;
        let (rule, text, mentions) = rules.iter().find_map(|rule| {
            let text = text_of(item, parts, &rule.from)?;
            let mentions = self.list.mentions(&text, tenant);
            (!mentions.is_empty()).then_some((rule, text, mentions))
        })?;
        let lines = mentions.into_iter().map(|mention| {
            let (start, end) = (mention.range.start, mention.range.end);
            let reading = Reading {
                column: (&self.list.offer).into(),
                value: self.list.key(mention.offer).clone(),
                rule: rule.name().into(),
                is_near: false,
                accuracy: rule.accuracy,
                place: place_in(parts, &rule.from, (start, end)),
                words: text[start..end].to_owned(),
            };
            Line { offer: mention.offer, readings: vec![reading] }
        });
        let mut lines: Vec<Line> = lines.collect();
        let mut beside: BTreeMap<&str, Vec<(usize, Vec<Beside>)>> = BTreeMap::new();
        for rule in self.columns.get(parts.form.as_str()).into_iter().flatten() {
            let Some(path) = self.view.path(&rule.column) else { continue };
            let stem = stem_of(&rule.from);
            let told = beside
                .entry(stem)
                .or_insert_with(|| beside_of(self.list, item, parts, tenant, stem));
            for line in &mut lines {
                if line.readings.iter().any(|reading| reading.column == rule.column) {
                    continue;
                }
                let own = told.iter().filter(|(offer, _)| *offer == line.offer);
                let value = own.flat_map(|(_, values)| values).find(|b| b.from == rule.from);
                let given = value.and_then(|beside| {
                    let value = read(&rule.read, &beside.value, &TimeZone::UTC, &path.kind)?;
                    Some((beside, value))
                });
                line.readings.extend(given.map(|(beside, value)| Reading {
                    column: (&rule.column).into(),
                    value,
                    rule: rule.name().into(),
                    is_near: false,
                    accuracy: rule.accuracy,
                    place: beside.place.clone(),
                    words: beside.value.to_string(),
                }));
            }
        }
        // The first reading is that of the row on offer itself.
        if self.numbered.contains(&parts.form) {
            lines.retain(|line| line.readings.len() > 1);
        }
        (!lines.is_empty()).then_some(Telling { accuracy: rule.accuracy, lines })
    }
}

impl List {
    /// Whether a rule of the records tells which rows on offer a text names.
    pub(crate) fn is_told_by(&self, rule: &Rule) -> bool {
        rule.read == Read::Mentions && rule.column == self.path
    }
}

/// A number that stands beside the name of a row on offer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Beside {
    /// Where, in words that mean the same for all names: `text#after(2)` is the second number
    /// behind a name on its line, `text#before(1)` the nearest before it, `/lines/*/amount` the
    /// number of that name in the same element of a list.
    pub(crate) from: String,
    /// The number.
    pub(crate) value: FactValue,
    /// Where it stands.
    pub(crate) place: Place,
}

/// What [`beside_of`] is asked for to find a number: the text, or the list up to its `*`.
pub(crate) fn stem_of(from: &str) -> &str {
    for side in ["#after(", "#before("] {
        if let Some((stem, _)) = from.rsplit_once(side) {
            return stem;
        }
    }
    from.find("*/").map_or(from, |star| &from[..star + 2])
}

/// The numbers beside the name of each row on offer that a text names, or that an element of a
/// list names alone.
pub(crate) fn beside_of(
    list: &List,
    item: &Item,
    parts: &Parts,
    tenant: Option<&Value>,
    stem: &str,
) -> Vec<(usize, Vec<Beside>)> {
    if stem.ends_with("*/") {
        return in_elements(list, parts, tenant, stem);
    }
    let Some(text) = text_of(item, parts, stem) else { return Vec::new() };
    let mentions = list.mentions(&text, tenant);
    let mut found = Vec::new();
    for (n, mention) in mentions.iter().enumerate() {
        let (start, end) = (mention.range.start, mention.range.end);
        let others = || mentions.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, m)| &m.range);
        let line = line_of(&text, &mention.range);
        let from = others().map(|r| r.end).filter(|&e| e <= start).fold(line.start, usize::max);
        let until = others().map(|r| r.start).filter(|&s| s >= end).fold(line.end, usize::min);
        let mut values = Vec::new();
        let mut push = |side: &str, n: usize, value: FactValue, (start, end): (usize, usize)| {
            let from = format!("{stem}#{side}({n})");
            values.push(Beside { from, value, place: place_in(parts, stem, (start, end)) });
        };
        for (n, (value, range)) in (1..).zip(numbers(&text, end, until)) {
            push("after", n, value, range);
        }
        for (n, (value, range)) in (1..).zip(numbers(&text, from, start).into_iter().rev()) {
            push("before", n, value, range);
        }
        found.push((mention.offer, values));
    }
    found
}

/// The line of a text that a part of it stands in.
fn line_of(text: &str, part: &Range<usize>) -> Range<usize> {
    let start = text[..part.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[part.end..].find('\n').map_or(text.len(), |at| part.end + at);
    start..end
}

/// Whether a number stands on the line of a part of a text.
pub(super) fn is_numbered(text: &str, part: &Range<usize>) -> bool {
    let Range { start, end } = line_of(text, part);
    !numbers(text, start, end).is_empty()
}

/// Where a part of the text of a value stands: as near as the value itself says.
fn place_in(parts: &Parts, name: &str, (start, end): (usize, usize)) -> Place {
    match parts.source(name) {
        Some(source) if source.range.is_some() => source.place(),
        Some(source) => Place::range(source.field.clone(), start, end),
        None if name.contains('*') => Place::whole(name),
        None => Place::range(name, start, end),
    }
}

/// The numbers in a part of a text, with their places in the whole.
fn numbers(text: &str, start: usize, end: usize) -> Vec<(FactValue, (usize, usize))> {
    let found = scan(&text[start..end], Context::default()).into_iter();
    let numbers = found.filter(|found| is_number(&found.value));
    numbers.map(|found| (found.value, (start + found.start, start + found.end))).collect()
}

fn is_number(value: &FactValue) -> bool {
    matches!(value, FactValue::Integer(_) | FactValue::Number(_) | FactValue::Amount { .. })
}

fn in_elements(
    list: &List,
    parts: &Parts,
    tenant: Option<&Value>,
    head: &str,
) -> Vec<(usize, Vec<Beside>)> {
    let mut elements: BTreeMap<usize, (Vec<usize>, Vec<Beside>)> = BTreeMap::new();
    for source in &parts.sources {
        let Some((from, number)) = starred(&source.name).filter(|(n, _)| n.starts_with(head))
        else {
            continue;
        };
        let (named, values) = elements.entry(number).or_default();
        match &source.value {
            FactValue::Text(text) => named.extend(list.named_in(text, tenant)),
            value if is_number(value) => {
                values.push(Beside { from, value: value.clone(), place: source.place() });
            }
            _ => {}
        }
    }
    let of_element = |(mut named, values): (Vec<usize>, Vec<Beside>)| {
        named.sort_unstable();
        named.dedup();
        match named.as_slice() {
            [offer] => Some((*offer, values)),
            _ => None,
        }
    };
    elements.into_values().filter_map(of_element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::tests::view;
    use crate::sketch::{item, parts, text};

    /// The numbers beside each offer of the first salon that an item with these values names.
    fn check(stem: &str, said: &[(&str, FactValue)]) -> Vec<String> {
        let view = view();
        let (item, parts) = (item(1, "bill", &[]), parts("bill", said));
        let told = beside_of(&view.lists[0], &item, &parts, Some(&Value::Integer(1)), stem);
        let shown = |(offer, values): (usize, Vec<Beside>)| {
            let values = values.iter().map(|b| format!("{} {}", b.from, b.value));
            format!("{}: {}", offer + 1, values.collect::<Vec<_>>().join(", "))
        };
        told.into_iter().map(shown).collect()
    }

    #[test]
    fn numbers_on_the_line_of_a_name_are_counted_from_it() {
        let bill = text("Bill 77\n2 x Manicure 25.00 50.00\nCut and colour: 65.00\nTotal 115.00");
        assert_eq!(
            check("text", &[("text", bill)]),
            [
                "3: text#after(1) 25.00, text#after(2) 50.00, text#before(1) 2",
                "2: text#after(1) 65.00",
            ]
        );
    }

    #[test]
    fn what_a_wish_names_too_is_looked_for_where_its_number_stands() {
        let bill = text("Wishes: no manicure please\nCut 20.00\nManicure 25.00");
        assert_eq!(
            check("text", &[("text", bill)]),
            ["1: text#after(1) 20.00", "3: text#after(1) 25.00"]
        );
    }

    #[test]
    fn names_on_one_line_part_the_numbers() {
        let bill = text("Cut 20.00, manicure 25.00");
        assert_eq!(
            check("text", &[("text", bill)]),
            ["1: text#after(1) 20.00", "3: text#after(1) 25.00, text#before(1) 20.00",]
        );
    }

    #[test]
    fn an_element_of_a_list_tells_of_what_it_names_alone() {
        let element = |n: usize, name: &str, cents: i64| {
            let path = |of: &str| format!("/lines/{n}/{of}");
            [(path("name"), text(name)), (path("cents"), FactValue::Integer(cents))]
        };
        let lines = [element(0, "Manicure", 2500), element(1, "Cut", 2000)].concat();
        let said: Vec<(&str, FactValue)> =
            lines.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(check("/lines/*/", &said), ["3: /lines/*/cents 2500", "1: /lines/*/cents 2000"]);
    }

    #[test]
    fn a_place_is_its_text_or_its_list_and_where_there() {
        assert_eq!(stem_of("text:slot(3)#after(2)"), "text:slot(3)");
        assert_eq!(stem_of("/lines/*/amount"), "/lines/*/");
    }
}
