//! Which texts of the evidence were made from which template file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use restitch_model::FactValue;
use serde::Serialize;

use super::variants::GAP;
use super::{FileTemplate, LONGEST, Part, is_slot};
use crate::item::Item;
use crate::source::{Book, Known};
use crate::template::{Fit, Template, is_word, words_of};

/// A text was made from a template of which it shows this share of the words …
const SHOWN: f64 = 0.8;
/// … and which explains this share of the text: the rest may be a frame around it.
const EXPLAINED: f64 = 0.5;
/// For each explained word, so many may stand where the file has none, within its words.
const STRAY: f64 = 0.2;
/// Only so many templates are fitted to a text, those that share the most words with it.
const CLOSEST: usize = 4;
/// More words in one slot are not explained by it.
const LONGEST_SLOT: usize = 8;
/// A voice that shows fewer texts of a file merely passes them on, and a combination of
/// branches of which there are fewer teaches nothing.
const LEAST: usize = 4;
/// A learned template is replaced where the file tells this share of its texts as well.
const REPLACES: f64 = 0.97;

/// What became of a template file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileFit {
    /// The file's name in its folder.
    pub file: String,
    /// How many texts of the evidence it tells at least as well as any learned template;
    /// where it is none, the file was of no use.
    pub texts: usize,
    /// The templates of the book that were made from it, by their ids.
    pub templates: Vec<String>,
    /// The learned templates that are out of the book for it, by their ids.
    pub replaced: Vec<String>,
}

/// Puts the templates of files into the book, for each kind, field and voice whose texts were
/// made from them, and takes out the learned ones whose texts they tell at least as well.
///
/// The result names each file once, in the order of the files. Items are to be taken apart
/// after this, not before. Takes time in proportion to the items, about twice that of
/// [`Book::parts`].
pub fn add(book: &mut Book, files: &[FileTemplate], items: &[Item]) -> Vec<FileFit> {
    let made: Vec<Made<'_>> = files.iter().map(Made::of).collect();
    let index = Index::of(&made);
    let learned = learned(book);
    let texts: Vec<Text<'_>> = items
        .par_iter()
        .flat_map_iter(texts)
        .filter_map(|(voice, text)| Text::fit(voice, text, &made, &index, &learned))
        .collect();
    let chosen = choose(&texts, &made);
    let mut told: BTreeMap<Use<'_>, usize> = BTreeMap::new();
    let mut lost: BTreeMap<usize, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for text in &texts {
        let is_chosen = |made: usize| chosen.contains(&(text.voice, made));
        let Some(best) = text.best(&made, is_chosen) else { continue };
        *told.entry((text.voice, best)).or_default() += 1;
        if let Some((known, _)) = text.learned {
            let (n, by) = lost.entry(known).or_default();
            *n += 1;
            by.insert(&files[best].file);
        }
    }
    drop(learned);
    let mut fits: Vec<FileFit> = Vec::new();
    let mut of_file: BTreeMap<&str, usize> = BTreeMap::new();
    for FileTemplate { file, .. } in files {
        if !of_file.contains_key(file.as_str()) {
            of_file.insert(file, fits.len());
            fits.push(FileFit { file: file.clone(), ..FileFit::default() });
        }
    }
    let told: Vec<(Known, &str)> = told
        .into_iter()
        .map(|((voice, made), n)| (known(voice, &files[made], n), files[made].file.as_str()))
        .collect();
    lost.retain(|&known, (n, _)| *n as f64 >= REPLACES * book.templates[known].items as f64);
    for (&known, (_, by)) in &lost {
        for file in by {
            fits[of_file[file]].replaced.push(book.templates[known].id.clone());
        }
    }
    let mut at = 0..;
    book.templates.retain(|_| at.next().is_some_and(|at| !lost.contains_key(&at)));
    let mut ids = Ids::default();
    ids.taken.extend(book.templates.iter().map(|t| t.id.clone()));
    for (mut known, file) in told {
        known.id = ids.unused(known.id);
        let fit = &mut fits[of_file[file]];
        fit.texts += known.items;
        fit.templates.push(known.id.clone());
        book.templates.push(known);
    }
    book.templates.sort_by(|a, b| a.id.cmp(&b.id));
    fits
}

/// The kind, the field and the voice of a text.
type Voice<'i> = (&'i str, &'i str, &'i str);

/// A template of a file, as one voice uses it.
type Use<'i> = (Voice<'i>, usize);

/// The learned templates of each voice, with their places in the book.
type Learned = BTreeMap<(String, String, String), Vec<(usize, Template, usize)>>;

fn learned(book: &Book) -> Learned {
    let mut found = Learned::new();
    for (i, known) in book.templates.iter().enumerate() {
        let fixed = known.words.iter().filter(|w| !is_slot(w)).cloned().collect();
        let voice = (known.kind.clone(), known.field.clone(), known.voice.clone());
        found.entry(voice).or_default().push((i, Template::from_words(fixed), known.words.len()));
    }
    found
}

fn texts(item: &Item) -> impl Iterator<Item = (Voice<'_>, &str)> {
    item.facts.iter().filter(|fact| !fact.name.contains('#')).filter_map(|fact| match &fact.value {
        FactValue::Text(text) => {
            Some(((item.kind.as_str(), fact.name.as_str(), &*item.voice), text.as_str()))
        }
        _ => None,
    })
}

/// A template of a file, ready to be fitted.
struct Made<'f> {
    template: Template,
    file: &'f FileTemplate,
    /// How many of its fixed words could name something.
    telling: usize,
    /// For each gap between fixed words, what the file has there.
    gaps: Vec<Gap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Nothing,
    Slot,
    Unknown,
}

impl<'f> Made<'f> {
    fn of(file: &'f FileTemplate) -> Self {
        let (mut fixed, mut gaps) = (Vec::new(), vec![Gap::Nothing]);
        for word in &file.words {
            let last = gaps.len() - 1;
            if word == GAP {
                gaps[last] = Gap::Unknown;
            } else if is_slot(word) {
                gaps[last] = if gaps[last] == Gap::Unknown { Gap::Unknown } else { Gap::Slot };
            } else {
                fixed.push(word.clone());
                gaps.push(Gap::Nothing);
            }
        }
        let telling = fixed.iter().filter(|w| is_word(w)).count();
        Self { template: Template::from_words(fixed), file, telling, gaps }
    }

    /// Whether the template accounts for the text, beside showing its words in it.
    fn explains(&self, text: &str, fit: &Fit) -> bool {
        let mut explained = (self.telling as f64 * fit.coverage).round() as usize;
        let (mut stray, mut other) = (0, 0);
        let last = self.gaps.len() - 1;
        for (i, (&(start, end), gap)) in fit.slots.iter().zip(&self.gaps).enumerate() {
            let n = text[start..end].split_whitespace().count();
            match gap {
                Gap::Unknown => {}
                Gap::Nothing if i > 0 && i < last => stray += n,
                Gap::Nothing => other += n,
                Gap::Slot => {
                    explained += n.min(LONGEST_SLOT);
                    other += n.saturating_sub(LONGEST_SLOT);
                }
            }
        }
        let all = explained + stray + other;
        explained as f64 >= EXPLAINED * all as f64 && stray as f64 <= STRAY * explained as f64
    }
}

/// For each word, the templates that have it fixed, and how often.
struct Index<'f>(HashMap<&'f str, Vec<(usize, usize)>>);

impl<'f> Index<'f> {
    fn of(made: &[Made<'f>]) -> Self {
        let mut index: HashMap<&str, Vec<(usize, usize)>> = HashMap::new();
        for (m, made) in made.iter().enumerate() {
            for word in made.file.words.iter().filter(|w| !is_slot(w) && is_word(w)) {
                let entries = index.entry(word).or_default();
                match entries.last_mut() {
                    Some((last, n)) if *last == m => *n += 1,
                    _ => entries.push((m, 1)),
                }
            }
        }
        Self(index)
    }

    /// The closest of the templates most of whose words stand in a text, in whatever order.
    fn likely(&self, text: &str, made: &[Made<'_>]) -> Vec<usize> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for word in words_of(text).take(LONGEST) {
            if self.0.contains_key(word) {
                *seen.entry(word).or_default() += 1;
            }
        }
        let mut shown = vec![0usize; made.len()];
        for (word, n) in seen {
            for &(m, fixed) in &self.0[word] {
                shown[m] += n.min(fixed);
            }
        }
        let is_likely = |&m: &usize| shown[m] as f64 >= SHOWN * made[m].telling as f64;
        let mut likely: Vec<usize> = (0..made.len()).filter(is_likely).collect();
        // The most words that stand in the text, the fewest that do not.
        likely.sort_by_key(|&m| (Reverse(2 * shown[m] as i64 - made[m].telling as i64), m));
        likely.truncate(CLOSEST);
        likely
    }
}

/// A text that some template of a file tells.
struct Text<'i> {
    voice: Voice<'i>,
    /// The templates of files that fit, each with its coverage.
    made: Vec<(usize, f64)>,
    /// The learned template that fits best: its place in the book, its coverage.
    learned: Option<(usize, f64)>,
}

impl<'i> Text<'i> {
    fn fit(
        voice: Voice<'i>,
        text: &str,
        made: &[Made<'_>],
        index: &Index<'_>,
        learned: &Learned,
    ) -> Option<Self> {
        let fit = |m: usize| {
            let fit = made[m].template.fit(text)?;
            (fit.coverage >= SHOWN && made[m].explains(text, &fit)).then_some((m, fit.coverage))
        };
        let fitted: Vec<_> = index.likely(text, made).into_iter().filter_map(fit).collect();
        if fitted.is_empty() {
            return None;
        }
        let (kind, field, name) = voice;
        let key = (kind.to_owned(), field.to_owned(), name.to_owned());
        let learned = learned
            .get(&key)
            .into_iter()
            .flatten()
            .filter_map(|(at, template, words)| Some((*at, template.fit(text)?.coverage, *words)))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(a.2.cmp(&b.2)));
        Some(Self { voice, made: fitted, learned: learned.map(|(at, c, _)| (at, c)) })
    }

    /// The closest of these templates of files, among equals the one that says more; `None`
    /// where a learned one is closer.
    fn best(&self, made: &[Made<'_>], is_allowed: impl Fn(usize) -> bool) -> Option<usize> {
        let least = self.learned.map_or(0.0, |(_, coverage)| coverage);
        let allowed = self.made.iter().filter(|(m, c)| *c >= least && is_allowed(*m));
        let words = |m: usize| made[m].file.words.len();
        allowed
            .max_by(|a, b| {
                a.1.total_cmp(&b.1).then(words(a.0).cmp(&words(b.0))).then(b.0.cmp(&a.0))
            })
            .map(|(m, _)| *m)
    }
}

/// The templates that go into the book, with their voices: all of which there are enough
/// texts, and of each file at least the one of which there are most.
fn choose<'i>(texts: &[Text<'i>], made: &[Made<'_>]) -> BTreeSet<Use<'i>> {
    let mut counts: BTreeMap<Use<'i>, usize> = BTreeMap::new();
    for text in texts {
        if let Some(best) = text.best(made, |_| true) {
            *counts.entry((text.voice, best)).or_default() += 1;
        }
    }
    // For each file's part, the voice and template of most texts.
    let mut most: BTreeMap<(&str, Part), (Use<'i>, usize)> = BTreeMap::new();
    for (&at, &n) in &counts {
        let file = made[at.1].file;
        let entry = most.entry((&file.file, file.part)).or_insert((at, n));
        if n > entry.1 {
            *entry = (at, n);
        }
    }
    let enough = counts.iter().filter(|(_, n)| **n >= LEAST).map(|(at, _)| *at);
    enough.chain(most.into_values().map(|(at, _)| at)).collect()
}

fn known((kind, field, voice): Voice<'_>, file: &FileTemplate, items: usize) -> Known {
    let part = if file.part == Part::Subject { "-subject" } else { "" };
    Known {
        id: format!("{kind}/{}{part}", stem(&file.file)),
        kind: kind.to_owned(),
        field: field.to_owned(),
        voice: voice.to_owned(),
        items,
        words: file.words.clone(),
    }
}

/// A file's name without its folder's separators and its endings: `mails-confirmed` of
/// `mails/confirmed.html.liquid`.
fn stem(file: &str) -> String {
    let (folder, name) = file.rsplit_once(['/', '\\']).unwrap_or(("", file));
    let name = name.split('.').find(|piece| !piece.is_empty()).unwrap_or(name);
    let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    path.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

/// The ids of a book.
#[derive(Default)]
struct Ids {
    taken: BTreeSet<String>,
    /// How often an id was asked for.
    asked: BTreeMap<String, usize>,
}

impl Ids {
    /// This id, with a number where it is taken already.
    fn unused(&mut self, id: String) -> String {
        let n = self.asked.entry(id.clone()).or_default();
        loop {
            *n += 1;
            let free = if *n == 1 { id.clone() } else { format!("{id}~{n}") };
            if self.taken.insert(free.clone()) {
                return free;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::invert;
    use super::*;
    use crate::key_shape::KeyShapes;
    use crate::sketch::{item, text};
    use crate::template::Vocabulary;

    const CONFIRMED: &str = "Subject: Your booking {{ booking.ref }}\n\nHello {{ customer.name }},\n\
        {% if paid %}we thank you for the payment of {{ booking.total }} EUR.{% else %}please pay \
        {{ booking.total }} EUR on the day.{% endif %}\nPick-up: {{ booking.start }}\nThank you!";

    fn mail(n: usize, from: &str, subject: &str, body: &str) -> Item {
        let facts =
            [("header:from", text(from)), ("header:subject", text(subject)), ("text", text(body))];
        item(n, "mail", &facts)
    }

    /// A confirmation made by hand from the file above.
    fn confirmed(n: usize) -> Item {
        let name = ["Ann Lee", "Bo Ray", "Cy Dow", "Di Fox", "Ed Kay"][n % 5];
        let pay = match n % 2 {
            0 => format!("we thank you for the payment of {n}9.00 EUR."),
            _ => format!("please pay {n}5.00 EUR on the day."),
        };
        let body = format!("Hello {name},\n{pay}\nPick-up: {}.03.2026, 10:00\nThank you!", n + 10);
        mail(n, "Rentals", &format!("Your booking KX-{n}17"), &body)
    }

    fn items(n: usize) -> Vec<Item> {
        (0..n).map(confirmed).collect()
    }

    fn files(named: &[(&str, &str)]) -> Vec<FileTemplate> {
        let inverted = |(name, text): &(&str, &str)| invert(name, text).expect("it is well-formed");
        named.iter().flat_map(inverted).collect()
    }

    fn fitted(items: &[Item], named: &[(&str, &str)]) -> (Book, Vec<FileFit>) {
        let mut book = Book::find(items, &Vocabulary::default());
        let fits = add(&mut book, &files(named), items);
        (book, fits)
    }

    fn ids(book: &Book) -> Vec<String> {
        book.templates.iter().map(|t| format!("{} {} {}", t.id, t.field, t.items)).collect()
    }

    #[test]
    fn a_file_replaces_what_was_learned_of_its_texts() {
        let items = items(12);
        let learned = Book::find(&items, &Vocabulary::default());
        let (book, fits) = fitted(&items, &[("confirmed.liquid", CONFIRMED)]);
        assert_eq!(
            ids(&book),
            [
                "mail/confirmed text 6",
                "mail/confirmed-subject header:subject 12",
                "mail/confirmed~2 text 6"
            ]
        );
        let replaced: Vec<String> = learned.templates.iter().map(|t| t.id.clone()).collect();
        assert!(!replaced.is_empty());
        assert_eq!((fits[0].texts, &fits[0].replaced), (24, &replaced));
    }

    #[test]
    fn the_slots_of_a_file_part_its_texts() {
        let items = items(12);
        let (book, _) = fitted(&items, &[("confirmed.liquid", CONFIRMED)]);
        let parts = book.parts(&items, &KeyShapes::default());
        assert_eq!(
            (parts[0].form.as_str(), parts[1].form.as_str()),
            ("mail/confirmed", "mail/confirmed~2")
        );
        let says = |value: &str| parts[1].sources.iter().any(|s| s.value == text(value));
        assert!(says("Bo Ray") && says("15.00") && says("11.03.2026, 10:00"), "{:#?}", parts[1]);
        assert!(book.templates[0].words.contains(&"{customer.name}".to_owned()));
    }

    #[test]
    fn a_file_serves_where_too_few_texts_taught_a_template() {
        let (book, fits) = fitted(&items(2), &[("mails/confirmed.html.liquid", CONFIRMED)]);
        assert_eq!(
            ids(&book),
            ["mail/mails-confirmed text 1", "mail/mails-confirmed-subject header:subject 2"]
        );
        assert_eq!(fits[0].replaced, Vec::<String>::new());
    }

    #[test]
    fn a_file_that_fits_nothing_is_told() {
        let items = items(12);
        let other =
            ("reminder.liquid", "Hello {{ name }},\nbring the car back by {{ end }} please.");
        let (book, fits) = fitted(&items, &[other]);
        assert_eq!(book, Book::find(&items, &Vocabulary::default()));
        assert_eq!(fits, [FileFit { file: other.0.to_owned(), ..FileFit::default() }]);
    }

    #[test]
    fn a_short_subject_is_not_found_in_a_long_text() {
        let body = "I made a question about your car and its price. Your colleague said that any \
                    booking can be moved to a later day, is that so? Thank you in advance!";
        let items: Vec<Item> = (0..6).map(|n| mail(n, "Ann", "Question", body)).collect();
        let (_, fits) = fitted(&items, &[("subject.txt", "Your booking {ref}")]);
        assert_eq!(fits[0].texts, 0);
    }

    #[test]
    fn who_passes_a_text_on_has_no_templates_of_the_business() {
        let mut items = items(12);
        let forwarded = items[0].text("text").expect("it has a text").to_owned();
        items.push(mail(99, "ann@lee.example", "Fwd", &forwarded));
        let (book, _) = fitted(&items, &[("confirmed.liquid", CONFIRMED)]);
        assert!(book.templates.iter().all(|t| t.voice == "Rentals"), "{:?}", ids(&book));
    }

    #[test]
    fn a_learned_template_that_is_closer_stays() {
        let items = items(12);
        let other = CONFIRMED.replace("Thank you!", "Thanks and goodbye.");
        let (book, fits) = fitted(&items, &[("confirmed.liquid", &other)]);
        assert!(fits[0].replaced.iter().all(|id| id.contains("your-booking")), "{fits:?}");
        assert!(book.templates.iter().any(|t| t.field == "text" && !t.id.contains("confirmed")));
    }
}
