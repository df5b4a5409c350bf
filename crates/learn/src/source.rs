//! What rules can read from: the values of an item under names that mean the same for all
//! items of a form.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use restitch_model::{FactValue, Name, Names, Place};
use serde::{Deserialize, Serialize};

use crate::apart::{Index, parts_of};
use crate::item::Item;
use crate::key_shape::KeyShapes;
use crate::rule::Rule;
use crate::template::{Template, Vocabulary, group};

/// Texts of fewer words on average are names or codes, not sentences.
const SENTENCE: f64 = 1.5;

/// A voice writes by templates when so many of its texts follow one.
const TEMPLATED: f64 = 0.25;

/// So many items are taken apart by one core at a time; they share the names of their values.
const AT_ONCE: usize = 2048;

/// The account, calendar or mailbox that an item lay in, as a value to read from.
pub const CONTAINER: &str = "@container";
/// Who speaks: see [`Item::voice`].
pub const VOICE: &str = "@voice";

/// A value of an item, under a name that means the same for all items of its form.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// `/metadata/booking_ref`, `text:slot(7)`, `text:slot(7)#local`, `summary#time(2)`.
    pub name: Name,
    /// The value.
    pub value: FactValue,
    /// The field that it stands in.
    pub field: Name,
    /// The range of bytes there, where it is not the whole.
    pub range: Option<(u32, u32)>,
}

impl Source {
    /// Where it stands.
    pub fn place(&self) -> Place {
        let range = self.range.map(|(start, end)| (start as usize, end as usize));
        Place { field: self.field.clone(), range }
    }
}

/// An item taken apart: its form, and all that can be read from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// The kind, and the template of its main text where it has one.
    pub form: String,
    /// Its values.
    pub sources: Vec<Source>,
    /// The words of its texts, folded, sorted, each once.
    pub words: Arc<[Name]>,
    /// What its values are looked up by among rows: see [`crate::anchor`].
    pub(crate) tokens: Vec<u64>,
    /// Positions of the values in the order of their names.
    by_name: Vec<u32>,
}

impl Parts {
    /// An item taken apart into these values.
    pub fn new(form: String, sources: Vec<Source>, words: Vec<Name>) -> Self {
        let tokens = crate::anchor::tokens(&sources);
        let mut by_name: Vec<u32> = (0..sources.len() as u32).collect();
        by_name.sort_by(|&a, &b| sources[a as usize].name.cmp(&sources[b as usize].name));
        Self { form, sources, words: words.into(), tokens, by_name }
    }

    /// The value of a name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        let named = |&i: &u32| *self.sources[i as usize].name < *name;
        let first = *self.by_name.get(self.by_name.partition_point(named))?;
        Some(&self.sources[first as usize]).filter(|source| *source.name == *name)
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
                texts.entry((&item.kind, field, &*item.voice)).or_default().push(text);
            }
        }
        let of_voice = |((kind, field, voice), texts): ((&str, &str, &str), Vec<&str>)| {
            let spaces: usize = texts.iter().map(|t| t.split_whitespace().count()).sum();
            if (spaces as f64) < SENTENCE * texts.len() as f64 {
                return Vec::new();
            }
            let (found, of_text) = group(&texts, data);
            // Where few texts follow templates, those that do are alike by chance.
            let like = of_text.iter().filter(|template| template.is_some()).count();
            if (like as f64) < TEMPLATED * texts.len() as f64 {
                return Vec::new();
            }
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
        let apart = |items: &[Item]| {
            let mut names = Names::default();
            items.iter().map(|item| parts_of(item, &index, shapes, &mut names)).collect::<Vec<_>>()
        };
        items.par_chunks(AT_ONCE).flat_map_iter(apart).collect()
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
