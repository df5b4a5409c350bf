//! An item taken apart: each value of it that a rule could read, under a name.

use std::collections::BTreeMap;

use restitch_facts::{Context, Found, Style, scan, words};
use restitch_model::{Fact, FactValue, LocalTime, Name, Names};

use crate::item::Item;
use crate::key_shape::KeyShapes;
use crate::moments::moments;
use crate::rule::last_digits;
use crate::source::{CONTAINER, Known, Parts, Source, VOICE};
use crate::template::{Fit, Template};

/// A longer slot without any value in it is prose.
const LONGEST_REST: usize = 60;
/// A time of day this far behind a date, in bytes, may be of that day.
const NEAR: usize = 40;
/// A longer text is no list.
const LONGEST_LIST: usize = 120;

/// What stands between the parts of a text that is a list.
const SIGNS: [&str; 9] = [" - ", " – ", " — ", " | ", " · ", ": ", "(", ")", " / "];
/// What stands between two values in one slot: `Ann Lee, twin room`.
const SIGNS_OF_SLOTS: [&str; 4] = [", ", "; ", "(", ")"];

/// The templates of a book by kind, field and voice.
pub(crate) type Index<'b> = BTreeMap<(&'b str, &'b str, &'b str), Vec<(&'b Known, Template)>>;

/// Takes an item apart by the templates of its texts.
pub(crate) fn parts_of(
    item: &Item,
    index: &Index<'_>,
    shapes: &KeyShapes,
    names: &mut Names,
) -> Parts {
    let context = Context { written_on: Some(jiff::tz::TimeZone::UTC.to_datetime(item.at).date()) };
    let mut sources = Sources { found: Vec::new(), names };
    for (name, text) in [(CONTAINER, &*item.container), (VOICE, &*item.voice)] {
        sources.push(name, FactValue::Text(text.to_owned()), name, None);
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut form: Option<(usize, &str)> = None;
    let mut all_words = Vec::new();
    for fact in item.facts.iter().filter(|fact| !fact.name.contains('#')) {
        let n = seen.entry(&fact.name).or_default();
        *n += 1;
        let name = if *n == 1 { fact.name.clone() } else { format!("{}({n})", fact.name).into() };
        let FactValue::Text(text) = &fact.value else {
            sources.push_number_of(fact, &name);
            sources.push_whole(fact, &name);
            continue;
        };
        all_words.extend(words::words(text));
        let fitted = index
            .get(&(item.kind.as_str(), fact.name.as_str(), &*item.voice))
            .into_iter()
            .flatten()
            .filter_map(|(known, template)| Some((known, template.fit(text)?)))
            // The closest template; among equals the one that says more.
            .max_by(|a, b| {
                let words = |known: &Known| known.words.len();
                a.1.coverage.total_cmp(&b.1.coverage).then(words(a.0).cmp(&words(b.0)))
            });
        let text = Text { text, field: &fact.place.field, found: scan(text, context) };
        match fitted {
            Some((known, fit)) => {
                let length = text.text.len();
                if form.is_none_or(|(longest, _)| length > longest) {
                    form = Some((length, &known.id));
                }
                sources.push_slots(&text, &fit, &name);
                let stem = |start: usize| format!("{name}:slot({})", fit.slot_at(start));
                sources.push_typed(&text, shapes, stem);
            }
            None => {
                sources.push_whole(fact, &name);
                sources.push_pieces(&text, (0, text.text.len()), &SIGNS, &name);
                sources.push_typed(&text, shapes, |_| name.to_string());
            }
        }
    }
    sources.push_moments(item);
    all_words.sort();
    all_words.dedup();
    let all_words: Vec<Name> = all_words.iter().map(|word| sources.names.of(word)).collect();
    // People's addresses name no form: what they write follows no template.
    let voice = Some(&*item.voice).filter(|voice| !voice.contains('@')).unwrap_or("no template");
    let form = form.map_or_else(|| format!("{}/{voice}", item.kind), |(_, id)| id.to_owned());
    Parts::new(form, sources.found, all_words)
}

/// A text of an item, with what the scanners found in it.
struct Text<'t> {
    text: &'t str,
    field: &'t str,
    found: Vec<Found>,
}

/// The values of an item, as they are found.
struct Sources<'n> {
    found: Vec<Source>,
    names: &'n mut Names,
}

impl Sources<'_> {
    fn push(&mut self, name: &str, value: FactValue, field: &str, range: Option<(usize, usize)>) {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.found.push(Source {
            name: self.names.of(name),
            value,
            field: self.names.of(field),
            range: range.map(|(start, end)| (place(start), place(end))),
        });
    }

    /// A value that stands in a range of a text.
    fn push_in(&mut self, text: &Text<'_>, name: &str, value: FactValue, range: (usize, usize)) {
        self.push(name, value, text.field, Some(range));
    }

    fn push_whole(&mut self, fact: &Fact, name: &str) {
        self.push(name, fact.value.clone(), &fact.place.field, fact.place.range);
    }

    /// The number that a text message goes to through a gateway: `447700900123@sms.example`.
    fn push_number_of(&mut self, fact: &Fact, name: &str) {
        let FactValue::Email(address) = &fact.value else { return };
        let Some((number, _)) = address.split_once('@') else { return };
        if last_digits(number).is_some() {
            let value = FactValue::Phone(number.to_owned());
            self.push(&format!("{name}#phone"), value, &fact.place.field, fact.place.range);
        }
    }

    /// What fills the slots of a template.
    fn push_slots(&mut self, text: &Text<'_>, fit: &Fit, name: &str) {
        let slots = || fit.slots.iter().enumerate().filter(|(_, slot)| slot.1 > slot.0);
        for (i, &(start, end)) in slots() {
            let value = FactValue::Text(on_one_line(&text.text[start..end]));
            self.push_in(text, &format!("{name}:slot({i})"), value, (start, end));
        }
        for (i, &slot) in slots() {
            self.push_rests(text, slot, &format!("{name}:slot({i})"));
            self.push_pieces(text, slot, &SIGNS_OF_SLOTS, &format!("{name}:slot({i})"));
        }
    }

    /// What stands in a slot beside its dates, amounts and other typed values: the place in
    /// `12.03.2026, 10:00 Uhr, Berlin Mitte`.
    fn push_rests(&mut self, text: &Text<'_>, (start, end): (usize, usize), name: &str) {
        let is_typed = |f: &&Found| {
            start <= f.start && f.end <= end && !matches!(f.value, FactValue::Integer(_))
        };
        let typed = text.found.iter().filter(is_typed);
        let mut taken: Vec<(usize, usize)> = typed.map(|f| (f.start, f.end)).collect();
        if taken.is_empty() && end - start > LONGEST_REST {
            return;
        }
        taken.sort_unstable();
        taken.push((end, end));
        let (mut from, mut n) = (start, 0);
        for (value_start, value_end) in taken {
            if from < value_start {
                let rest = on_one_line(&text.text[from..value_start]);
                if rest.chars().any(char::is_alphabetic) {
                    n += 1;
                    let nth = if n == 1 { String::new() } else { format!("({n})") };
                    let name = format!("{name}#rest{nth}");
                    self.push_in(text, &name, FactValue::Text(rest), (from, value_start));
                }
            }
            from = from.max(value_end);
        }
    }

    /// A short text is often a list: `Ann Lee - Haircut, colour (Marco)`. Its parts are told by the
    /// signs between them.
    fn push_pieces(
        &mut self,
        text: &Text<'_>,
        (start, end): (usize, usize),
        signs: &[&str],
        name: &str,
    ) {
        let whole = &text.text[start..end];
        if whole.len() > LONGEST_LIST || whole.contains('\n') {
            return;
        }
        let mut cuts: Vec<(usize, usize)> = signs
            .iter()
            .flat_map(|sign| whole.match_indices(sign).map(|(at, sign)| (at, at + sign.len())))
            .collect();
        cuts.sort_unstable();
        if cuts.is_empty() {
            return;
        }
        cuts.push((whole.len(), whole.len()));
        let (mut from, mut n) = (0, 0);
        for (cut, next) in cuts {
            let piece = whole.get(from..cut).map(on_one_line);
            if let Some(piece) = piece.filter(|piece| !piece.is_empty()) {
                n += 1;
                let name = format!("{name}#piece({n})");
                self.push_in(text, &name, FactValue::Text(piece), (start + from, start + cut));
            }
            from = from.max(next);
        }
    }

    /// The typed values of a text, under the stem that each place has.
    fn push_typed(
        &mut self,
        text: &Text<'_>,
        shapes: &KeyShapes,
        stem: impl Fn(usize) -> String + Copy,
    ) {
        self.push_found(text, stem);
        self.push_joined(text, stem);
        self.push_keys(text, shapes, stem);
    }

    fn push_found(&mut self, text: &Text<'_>, stem: impl Fn(usize) -> String) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for f in &text.found {
            let style = style_name(f.style);
            let name = format!("{}#{}{style}", stem(f.start), f.value.type_name());
            let name = numbered(&mut seen, name);
            self.push_in(text, &name, f.value.clone(), (f.start, f.end));
        }
    }

    /// A date and the time of day that stands a few words behind it, as one: they are told
    /// apart where words that no scanner knows stand between them.
    fn push_joined(&mut self, text: &Text<'_>, stem: impl Fn(usize) -> String) {
        let found = &text.found;
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
            let Some(Found { value: FactValue::Time(time), end, start, .. }) = time else {
                continue;
            };
            let is_near = text
                .text
                .get(date.end..*start)
                .is_some_and(|gap| gap.len() <= NEAR && gap.matches('\n').count() <= 1);
            if !is_near || is_in_moment(date) {
                continue;
            }
            let style = if date.style == Style::DayFirst { "/day-first" } else { "" };
            let name = numbered(&mut seen, format!("{}#joined{style}", stem(date.start)));
            let moment = LocalTime { civil: day.to_datetime(*time), zone: None };
            self.push_in(text, &name, FactValue::Local(moment), (date.start, *end));
        }
    }

    /// A day and the time of day in the column behind it, as one.
    fn push_moments(&mut self, item: &Item) {
        for moment in moments(&item.facts) {
            if let (Some(time), Some(at)) = (moment.time, moment.at) {
                let style = style_name(moment.style);
                let name = format!("{}+{}#joined{style}", moment.day.name, time.name);
                let value =
                    FactValue::Local(LocalTime { civil: moment.date.to_datetime(at), zone: None });
                self.push(&name, value, &moment.day.place.field, moment.day.place.range);
            }
        }
    }

    /// What names records, wherever it stands in a text.
    fn push_keys(&mut self, text: &Text<'_>, shapes: &KeyShapes, stem: impl Fn(usize) -> String) {
        for (n, (start, end)) in shapes.find(text.text).into_iter().enumerate() {
            let name = format!("{}#key", stem(start));
            let name = if n == 0 || !self.found.iter().any(|s| *s.name == *name) {
                name
            } else {
                format!("{name}({})", n + 1)
            };
            let value = FactValue::Reference(text.text[start..end].to_owned());
            self.push_in(text, &name, value, (start, end));
        }
    }
}

/// How a date was read, in the name of its value.
fn style_name(style: Style) -> &'static str {
    match style {
        Style::Plain => "",
        Style::DayFirst => "/day-first",
        Style::MonthFirst => "/month-first",
    }
}

/// A name, with its number from the second of its kind on.
fn numbered(seen: &mut BTreeMap<String, usize>, name: String) -> String {
    let nth = seen.entry(name.clone()).or_default();
    *nth += 1;
    if *nth == 1 { name } else { format!("{name}({nth})") }
}

/// What fills a slot, on one line and without the punctuation around it.
fn on_one_line(text: &str) -> String {
    let inner = text.trim_matches(|c: char| c.is_whitespace() || ",;:|*>".contains(c));
    inner.split_whitespace().collect::<Vec<_>>().join(" ")
}
