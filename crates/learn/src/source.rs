//! What rules can read from: the values of an item under names that mean the same for all
//! items of a form.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use restitch_facts::{Context, Found, Style, scan, words};
use restitch_model::{Fact, FactValue, LocalTime, Place};
use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::key_shape::KeyShapes;
use crate::rule::{Rule, last_digits};
use crate::template::{Template, Vocabulary, group};

/// Texts of fewer words on average are names or codes, not sentences.
const SENTENCE: f64 = 1.5;

/// A longer slot without any value in it is prose.
const LONGEST_REST: usize = 60;

/// A time of day this far behind a date, in bytes, may be of that day.
const NEAR: usize = 40;
/// A longer text is no list.
const LONGEST_LIST: usize = 120;

/// The account, calendar or mailbox that an item lay in, as a value to read from.
pub const CONTAINER: &str = "@container";
/// Who speaks: see [`Item::voice`].
pub const VOICE: &str = "@voice";

/// A value of an item, under a name that means the same for all items of its form.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// `/metadata/booking_ref`, `text:slot(7)`, `text:slot(7)#local`, `summary#time(2)`.
    pub name: String,
    /// The value.
    pub value: FactValue,
    /// Where it stands.
    pub place: Place,
}

/// An item taken apart: its form, and all that can be read from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// The kind, and the template of its main text where it has one.
    pub form: String,
    /// Its values.
    pub sources: Vec<Source>,
    /// The words of its texts, folded, sorted, each once.
    pub words: Arc<[String]>,
    /// What its values are looked up by among rows: see [`crate::anchor`].
    pub(crate) tokens: Vec<u64>,
    /// Positions of the values in the order of their names.
    by_name: Vec<u32>,
}

impl Parts {
    /// An item taken apart into these values.
    pub fn new(form: String, sources: Vec<Source>, words: Vec<String>) -> Self {
        let tokens = crate::anchor::tokens(&sources);
        let mut by_name: Vec<u32> = (0..sources.len() as u32).collect();
        by_name.sort_by(|&a, &b| sources[a as usize].name.cmp(&sources[b as usize].name));
        Self { form, sources, words: words.into(), tokens, by_name }
    }

    /// The value of a name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        let named = |&i: &u32| self.sources[i as usize].name.as_str() < name;
        let first = *self.by_name.get(self.by_name.partition_point(named))?;
        Some(&self.sources[first as usize]).filter(|source| source.name == name)
    }
}

/// A template with what it is a template of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// A name for people, unique in the book.
    pub id: String,
    /// The kind of evidence.
    pub kind: String,
    /// The field whose text it is.
    pub field: String,
    /// Who writes so.
    pub voice: String,
    /// How many items have this form.
    pub items: usize,
    /// The fixed words; a line end is `\n`. What rules read is named where it stands, in
    /// braces: `{reference}`.
    #[serde(rename = "text", with = "as_text")]
    pub words: Vec<String>,
}

/// All templates of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Book {
    /// In the order of their ids.
    pub templates: Vec<Known>,
}

impl Book {
    /// Finds the templates of all texts that are sentences.
    pub fn find(items: &[Item], data: &Vocabulary) -> Self {
        let mut texts: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
        for item in items {
            for (field, text) in texts_of(item) {
                texts.entry((&item.kind, field, item.voice())).or_default().push(text);
            }
        }
        let of_voice = |((kind, field, voice), texts): ((&str, &str, &str), Vec<&str>)| {
            let spaces: usize = texts.iter().map(|t| t.split_whitespace().count()).sum();
            if (spaces as f64) < SENTENCE * texts.len() as f64 {
                return Vec::new();
            }
            let (found, of_text) = group(&texts, data);
            let known = |(t, template): (usize, Template)| Known {
                id: format!("{kind}/{}", template.slug()),
                kind: kind.to_owned(),
                field: field.to_owned(),
                voice: voice.to_owned(),
                items: of_text.iter().filter(|&&o| o == Some(t)).count(),
                words: template.words().to_vec(),
            };
            found.into_iter().enumerate().map(known).collect()
        };
        let mut templates: Vec<Known> = texts.into_par_iter().flat_map_iter(of_voice).collect();
        templates.sort_by(|a, b| {
            (&a.id, &a.field, &a.voice, &a.words).cmp(&(&b.id, &b.field, &b.voice, &b.words))
        });
        for i in 0..templates.len() {
            let twins = templates[..i].iter().filter(|t| base(&t.id) == templates[i].id).count();
            if twins > 0 {
                templates[i].id = format!("{}~{}", templates[i].id, twins + 1);
            }
        }
        Self { templates }
    }

    /// Writes the names of what rules read into the templates, where it stands.
    pub fn name_slots<'r>(&mut self, rules: impl Iterator<Item = &'r Rule>) {
        let mut names: BTreeMap<(&str, usize), &str> = BTreeMap::new();
        for rule in rules {
            let slot = rule.from.split_once(":slot(").and_then(|(_, rest)| rest.split_once(')'));
            if let Some(slot) = slot.and_then(|(n, _)| n.parse().ok()) {
                names.entry((&rule.form, slot)).or_insert(&rule.column);
            }
        }
        for known in &mut self.templates {
            let (mut words, mut own, mut slot) = (Vec::new(), Vec::new(), 0);
            // The names that a template file gave stay where no rule reads.
            let name = |slot: usize, own: &mut Vec<String>, words: &mut Vec<String>| match names
                .get(&(known.id.as_str(), slot))
            {
                Some(column) => {
                    own.clear();
                    words.push(format!("{{{column}}}"));
                }
                None => words.append(own),
            };
            for word in std::mem::take(&mut known.words) {
                if is_slot_name(&word) {
                    own.push(word);
                    continue;
                }
                name(slot, &mut own, &mut words);
                words.push(word);
                slot += 1;
            }
            name(slot, &mut own, &mut words);
            known.words = words;
        }
    }

    /// Takes items apart.
    pub fn parts(&self, items: &[Item], shapes: &KeyShapes) -> Vec<Parts> {
        let mut index: Index<'_> = BTreeMap::new();
        for known in &self.templates {
            index.entry((&known.kind, &known.field, &known.voice)).or_default().push((
                known,
                Template::from_words(
                    known.words.iter().filter(|w| !is_slot_name(w)).cloned().collect(),
                ),
            ));
        }
        items.par_iter().map(|item| parts_of(item, &index, shapes)).collect()
    }
}

/// A template's words as a text that people can read.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(words: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&words.join(" ").replace(" \n", "\n").replace("\n ", "\n"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let lines = text.split('\n').map(|line| line.split(' ').filter(|w| !w.is_empty()));
        let mut words: Vec<String> = Vec::new();
        for (i, line) in lines.enumerate() {
            if i > 0 {
                words.push("\n".to_owned());
            }
            words.extend(line.map(str::to_owned));
        }
        Ok(words)
    }
}

pub(crate) fn is_slot_name(word: &str) -> bool {
    word.starts_with('{') && word.ends_with('}')
}

fn base(id: &str) -> &str {
    id.split('~').next().unwrap_or(id)
}

type Index<'b> = BTreeMap<(&'b str, &'b str, &'b str), Vec<(&'b Known, Template)>>;

fn parts_of(item: &Item, index: &Index<'_>, shapes: &KeyShapes) -> Parts {
    let context = Context { written_on: Some(jiff::tz::TimeZone::UTC.to_datetime(item.at).date()) };
    let mut sources = vec![
        Source {
            name: CONTAINER.to_owned(),
            value: FactValue::Text(item.container.clone()),
            place: Place::whole(CONTAINER),
        },
        Source {
            name: VOICE.to_owned(),
            value: FactValue::Text(item.voice().to_owned()),
            place: Place::whole(VOICE),
        },
    ];
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut form: Option<(usize, &str)> = None;
    let mut all_words = Vec::new();
    for fact in item.facts.iter().filter(|fact| !fact.name.contains('#')) {
        let n = seen.entry(fact.name.clone()).or_default();
        *n += 1;
        let name = if *n == 1 { fact.name.clone() } else { format!("{}({n})", fact.name) };
        let FactValue::Text(text) = &fact.value else {
            sources.extend(number_of(fact, &name));
            sources.push(Source { name, value: fact.value.clone(), place: fact.place.clone() });
            continue;
        };
        all_words.extend(words::words(text));
        let fitted = index
            .get(&(item.kind.as_str(), fact.name.as_str(), item.voice()))
            .into_iter()
            .flatten()
            .filter_map(|(known, template)| Some((known, template.fit(text)?)))
            // The closest template; among equals the one that says more.
            .max_by(|a, b| {
                let words = |known: &Known| known.words.len();
                a.1.coverage.total_cmp(&b.1.coverage).then(words(a.0).cmp(&words(b.0)))
            });
        let found = scan(text, context);
        match fitted {
            Some((known, fit)) => {
                if form.is_none_or(|(longest, _)| text.len() > longest) {
                    form = Some((text.len(), &known.id));
                }
                for (i, &(start, end)) in fit.slots.iter().enumerate().filter(|(_, s)| s.1 > s.0) {
                    sources.push(Source {
                        name: format!("{name}:slot({i})"),
                        value: FactValue::Text(slot_text(&text[start..end])),
                        place: Place::range(&*fact.place.field, start, end),
                    });
                }
                push_rests(&mut sources, text, &fit.slots, &found, &name, &fact.place.field);
                let stem = |start: usize| format!("{name}:slot({})", fit.slot_at(start));
                push_found(&mut sources, &found, &fact.place.field, stem);
                push_joined(&mut sources, text, &found, &fact.place.field, stem);
                push_keys(&mut sources, text, shapes, &fact.place.field, stem);
            }
            None => {
                sources.push(Source {
                    name: name.clone(),
                    value: fact.value.clone(),
                    place: fact.place.clone(),
                });
                push_pieces(&mut sources, text, &name, &fact.place.field);
                let stem = |_| name.clone();
                push_found(&mut sources, &found, &fact.place.field, stem);
                push_joined(&mut sources, text, &found, &fact.place.field, stem);
                push_keys(&mut sources, text, shapes, &fact.place.field, stem);
            }
        }
    }
    all_words.sort();
    all_words.dedup();
    // People's addresses name no form: what they write follows no template.
    let voice = Some(item.voice()).filter(|voice| !voice.contains('@')).unwrap_or("no template");
    let form = form.map_or_else(|| format!("{}/{voice}", item.kind), |(_, id)| id.to_owned());
    Parts::new(form, sources, all_words)
}

/// The number that a text message goes to through a gateway: `447700900123@sms.example`.
fn number_of(fact: &Fact, name: &str) -> Option<Source> {
    let FactValue::Email(address) = &fact.value else { return None };
    let (number, _) = address.split_once('@')?;
    last_digits(number)?;
    Some(Source {
        name: format!("{name}#phone"),
        value: FactValue::Phone(number.to_owned()),
        place: fact.place.clone(),
    })
}

/// What fills a slot, on one line and without the punctuation around it.
fn slot_text(text: &str) -> String {
    let inner = text.trim_matches(|c: char| c.is_whitespace() || ",;:|*>".contains(c));
    inner.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands in a slot beside its dates, amounts and other typed values: the place in
/// `12.03.2026, 10:00 Uhr, Berlin Mitte`.
fn push_rests(
    sources: &mut Vec<Source>,
    text: &str,
    slots: &[(usize, usize)],
    found: &[Found],
    name: &str,
    field: &str,
) {
    for (i, &(start, end)) in slots.iter().enumerate().filter(|(_, s)| s.1 > s.0) {
        let mut taken: Vec<(usize, usize)> = found
            .iter()
            .filter(|f| {
                start <= f.start && f.end <= end && !matches!(f.value, FactValue::Integer(_))
            })
            .map(|f| (f.start, f.end))
            .collect();
        if taken.is_empty() && end - start > LONGEST_REST {
            continue;
        }
        taken.sort_unstable();
        taken.push((end, end));
        let (mut from, mut n) = (start, 0);
        for (value_start, value_end) in taken {
            if from < value_start {
                let rest = slot_text(&text[from..value_start]);
                if rest.chars().any(char::is_alphabetic) {
                    n += 1;
                    let nth = if n == 1 { String::new() } else { format!("({n})") };
                    sources.push(Source {
                        name: format!("{name}:slot({i})#rest{nth}"),
                        value: FactValue::Text(rest),
                        place: Place::range(field, from, value_start),
                    });
                }
            }
            from = from.max(value_end);
        }
    }
}

/// A short text of no template is often a list: `Ann Lee - Haircut, colour (Marco)`. Its parts
/// are told by the signs between them.
fn push_pieces(sources: &mut Vec<Source>, text: &str, name: &str, field: &str) {
    const SIGNS: [&str; 9] = [" - ", " – ", " — ", " | ", " · ", ": ", "(", ")", " / "];
    if text.len() > LONGEST_LIST || text.contains('\n') {
        return;
    }
    let mut cuts: Vec<(usize, usize)> = SIGNS
        .iter()
        .flat_map(|sign| text.match_indices(sign).map(|(at, sign)| (at, at + sign.len())))
        .collect();
    cuts.sort_unstable();
    if cuts.is_empty() {
        return;
    }
    cuts.push((text.len(), text.len()));
    let (mut from, mut n) = (0, 0);
    for (start, end) in cuts {
        if let Some(piece) = text.get(from..start).map(slot_text).filter(|piece| !piece.is_empty())
        {
            n += 1;
            sources.push(Source {
                name: format!("{name}#piece({n})"),
                value: FactValue::Text(piece),
                place: Place::range(field, from, start),
            });
        }
        from = from.max(end);
    }
}

/// A date and the time of day that stands a few words behind it, as one: they are told apart
/// where words that no scanner knows stand between them.
fn push_joined(
    sources: &mut Vec<Source>,
    text: &str,
    found: &[Found],
    field: &str,
    stem: impl Fn(usize) -> String,
) {
    let is_in_moment = |one: &Found| {
        found.iter().any(|other| {
            matches!(other.value, FactValue::Local(_) | FactValue::Instant(_))
                && other.start <= one.start
                && one.end <= other.end
        })
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (n, date) in found.iter().enumerate() {
        let FactValue::Date(day) = date.value else { continue };
        let time = found[n + 1..].iter().find(|f| f.start >= date.end);
        let Some(Found { value: FactValue::Time(time), end, start, .. }) = time else { continue };
        let is_near = text
            .get(date.end..*start)
            .is_some_and(|between| between.len() <= NEAR && between.matches('\n').count() <= 1);
        if !is_near || is_in_moment(date) {
            continue;
        }
        let style = if date.style == Style::DayFirst { "/day-first" } else { "" };
        let name = format!("{}#joined{style}", stem(date.start));
        let nth = seen.entry(name.clone()).or_default();
        *nth += 1;
        sources.push(Source {
            name: if *nth == 1 { name } else { format!("{name}({nth})") },
            value: FactValue::Local(LocalTime { civil: day.to_datetime(*time), zone: None }),
            place: Place::range(field, date.start, *end),
        });
    }
}

/// What names records, wherever it stands in a text.
fn push_keys(
    sources: &mut Vec<Source>,
    text: &str,
    shapes: &KeyShapes,
    field: &str,
    stem: impl Fn(usize) -> String,
) {
    for (n, (start, end)) in shapes.find(text).into_iter().enumerate() {
        let name = format!("{}#key", stem(start));
        let name = if n == 0 || !sources.iter().any(|s| s.name == name) {
            name
        } else {
            format!("{name}({})", n + 1)
        };
        let value = FactValue::Reference(text[start..end].to_owned());
        sources.push(Source { name, value, place: Place::range(field, start, end) });
    }
}

fn push_found(
    sources: &mut Vec<Source>,
    found: &[Found],
    field: &str,
    stem: impl Fn(usize) -> String,
) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for f in found {
        let style = match f.style {
            Style::Plain => "",
            Style::DayFirst => "/day-first",
            Style::MonthFirst => "/month-first",
        };
        let name = format!("{}#{}{style}", stem(f.start), f.value.type_name());
        let n = seen.entry(name.clone()).or_default();
        *n += 1;
        sources.push(Source {
            name: if *n == 1 { name } else { format!("{name}({n})") },
            value: f.value.clone(),
            place: Place::range(field, f.start, f.end),
        });
    }
}

fn texts_of(item: &Item) -> impl Iterator<Item = (&str, &str)> {
    item.facts.iter().filter_map(|fact| match &fact.value {
        FactValue::Text(text) if !fact.name.contains('#') => {
            Some((fact.name.as_str(), text.as_str()))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{item, text};

    const SENT: [(&str, &str, &str); 5] = [
        ("Ann Lee", "KX-41177", "12.03.2026, 10:00 Uhr, Berlin Mitte"),
        ("Bo Ray", "KX-52208", "14.03.2026, 09:30 Uhr, Potsdam"),
        ("Cy Dow", "KX-63391", "02.04.2026, 18:00 Uhr, Leipzig Hbf"),
        ("Di Fox", "KX-70012", "30.03.2026, 08:15 Uhr, Halle"),
        ("Ed Kay", "KX-88154", "21.03.2026, 12:45 Uhr, Dresden Neustadt"),
    ];

    fn mail(n: usize, from: &str, body: &str) -> Item {
        item(n, "mail", &[("header:from", text(from)), ("text", text(body))])
    }

    fn confirmation((name, code, pickup): (&str, &str, &str)) -> String {
        format!("Hello {name},\nyour booking {code} is confirmed.\nPick-up: {pickup}\nThank you!")
    }

    /// What can be read from the last of these items, after all taught the templates.
    fn read(more: Option<Item>) -> (String, Vec<String>) {
        let mut items: Vec<Item> = SENT
            .iter()
            .enumerate()
            .map(|(n, sent)| mail(n, "Rentals", &confirmation(*sent)))
            .collect();
        items.extend(more);
        let shapes = KeyShapes::of(SENT.iter().map(|sent| sent.1));
        let book = Book::find(&items, &Vocabulary::default());
        let parts = book.parts(&items, &shapes).pop().unwrap();
        let shown = |s: &Source| format!("{} = {}", s.name, s.value);
        (parts.form, parts.sources.iter().map(shown).collect())
    }

    #[test]
    fn a_template_names_the_form_and_parts_the_text_into_slots() {
        let (form, sources) = read(None);
        assert_eq!(form, "mail/hello-your-booking-is");
        assert!(sources.contains(&"text:slot(1) = Ed Kay".to_owned()), "{sources:#?}");
    }

    #[test]
    fn what_stands_beside_typed_values_is_a_rest() {
        let (_, sources) = read(None);
        let rest = |s: &&String| s.contains("#rest") && s.ends_with("Dresden Neustadt");
        assert_eq!(sources.iter().filter(rest).count(), 1, "{sources:#?}");
    }

    #[test]
    fn a_key_is_found_by_its_shape_wherever_it_stands() {
        let (_, sources) = read(Some(mail(9, "Rentals", "Re: KX-52208 and KX-63391, please")));
        let keys: Vec<&String> = sources.iter().filter(|s| s.contains("#key")).collect();
        assert_eq!(keys, ["text#key = KX-52208", "text#key(2) = KX-63391"]);
    }

    #[test]
    fn a_name_that_stands_twice_is_counted() {
        let twice = item(9, "event", &[("attendee", text("ann")), ("attendee", text("bo"))]);
        let (_, sources) = read(Some(twice));
        assert_eq!(sources[2..], ["attendee = ann", "attendee(2) = bo"]);
    }

    #[test]
    fn a_form_names_who_speaks_but_never_an_address() {
        let form = |from: &str| read(Some(mail(9, from, "Something else"))).0;
        assert_eq!(form("Workshop"), "mail/Workshop");
        assert_eq!(form("ann@lee.example"), "mail/no template");
    }

    #[test]
    fn slots_are_named_by_the_columns_that_rules_read_from_them() {
        let items: Vec<Item> = SENT
            .iter()
            .enumerate()
            .map(|(n, sent)| mail(n, "Rentals", &confirmation(*sent)))
            .collect();
        let mut book = Book::find(&items, &Vocabulary::default());
        let before = book.parts(&items, &KeyShapes::default());
        let rule = Rule {
            column: "reference".to_owned(),
            form: book.templates[0].id.clone(),
            from: "text:slot(4)".to_owned(),
            read: crate::rule::Read::Same,
            support: 5,
            accuracy: 1.0,
            measured_on: 5,
            pinned: false,
            kin: None,
        };
        book.name_slots([&rule].into_iter());
        assert!(book.templates[0].words.contains(&"{reference}".to_owned()), "{book:?}");
        assert_eq!(book.parts(&items, &KeyShapes::default()), before, "names change no reading");
    }

    #[test]
    fn a_text_message_is_known_by_the_number_that_its_gateway_sends_it_to() {
        let to = |address: &str| {
            let to = ("header:to", FactValue::Email(address.to_owned()));
            let parts = Book::default().parts(&[item(0, "mail", &[to])], &KeyShapes::default());
            parts[0].source("header:to#phone").map(|source| source.value.to_string())
        };
        assert_eq!(to("447700900123@sms.example").as_deref(), Some("447700900123"));
        assert_eq!(to("ann7700900123@mail.example"), None);
        assert_eq!(to("2026@mail.example"), None);
    }
}
