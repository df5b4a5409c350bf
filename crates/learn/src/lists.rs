//! Lists that hang on a record: the treatments of an appointment, the extras of a stay. A text
//! that names what is on offer tells which of it a record holds, and the table of what is on
//! offer tells what each costs and how long it takes, so that a price or an end may follow.

pub(crate) mod bind;
pub(crate) mod lines;
pub(crate) mod reader;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use rayon::prelude::*;
use restitch_facts::words::words;
use restitch_model::{FactValue, ForeignKey, Snapshot, Table, Value};

use crate::anchor::Tenancies;
use crate::item::Item;
use crate::rule::{Plain, Read, Rule, amount};
use crate::search::{Count, Pair, best, is_held_back, rule};
use crate::shape::{Bindings, ColumnKind, Path, View};
use crate::source::Parts;
use crate::study::Material;

pub(crate) use self::bind::LEAST;
use self::bind::ends;

/// Shorter names are codes, which stand in many a text by chance.
const SHORTEST: usize = 3;
/// A longer text is not searched for what is on offer.
const LONGEST_TEXT: usize = 20_000;

/// The lists of one child table.
#[derive(Debug, Clone)]
pub struct List {
    /// What type of record its lines are: see [`Bindings::lists`].
    pub record_type: String,
    /// The child table.
    pub table: String,
    /// Its column that refers to the record.
    pub owner: String,
    /// Its column that refers to what is on offer.
    pub offer: String,
    /// The child table and its column that refers to what is on offer, as a path of the record:
    /// `appointment_item.service_uuid`.
    pub path: String,
    /// The rows on offer by their owners and by the first words of their names; all of them
    /// where nobody owns them.
    offers: HashMap<Option<Value>, Offers>,
    /// What the column `offer` holds for each row on offer.
    keys: Vec<Value>,
    /// For each record, its lines: the row of the child table, and the row on offer.
    lines: Vec<Vec<(usize, usize)>>,
    /// For each record, what its list holds: rows on offer.
    held: Vec<BTreeSet<usize>>,
    /// Columns of numbers of what is on offer, each as the path of its sum, what it holds, and
    /// its value for each row on offer, in ten-thousandths.
    sums: Vec<(String, ColumnKind, Vec<Option<i64>>)>,
}

/// Names by their first words, the longest names first, each with its row.
type Offers = HashMap<String, Vec<(Vec<String>, usize)>>;

impl List {
    /// Finds the lists that hang on the records of a view, and gives the view a path for each
    /// sum over them.
    pub(crate) fn attach(view: &mut View, snapshot: &Snapshot, bindings: &Bindings) {
        let mut found = Vec::new();
        for record_type in &bindings.lists {
            let child = bindings.table(record_type).and_then(|name| snapshot.table(name));
            if let Some(child) = child
                && let Some((parent, offer)) = ends(&child.schema, snapshot, bindings)
                && parent.table == view.table
                && view.position(&child.schema.name).is_none()
            {
                let list = Self::of(view, snapshot, bindings, child, parent, offer);
                found.extend(list.map(|list| Self { record_type: record_type.clone(), ..list }));
            }
        }
        for list in &found {
            list.put_sums(view);
        }
        view.lists = found;
    }

    fn of(
        view: &View,
        snapshot: &Snapshot,
        bindings: &Bindings,
        child: &Table,
        parent: &ForeignKey,
        offered: &ForeignKey,
    ) -> Option<Self> {
        let own = child.schema.position(&parent.column)?;
        let to = child.schema.position(&offered.column)?;
        let records = snapshot.table(&view.table)?;
        let parent_key = records.schema.position(&parent.to)?;
        let table = snapshot.table(&offered.table)?;
        let offer_key = table.schema.position(&offered.to)?;
        let record_of: HashMap<&Value, usize> =
            records.rows.iter().enumerate().map(|(r, row)| (&row[parent_key], r)).collect();
        let offer_of: HashMap<&Value, usize> =
            table.rows.iter().enumerate().map(|(r, row)| (&row[offer_key], r)).collect();
        let mut lines = vec![Vec::new(); records.rows.len()];
        for (line, row) in child.rows.iter().enumerate() {
            if let (Some(&record), Some(&offer)) =
                (record_of.get(&row[own]), offer_of.get(&row[to]))
            {
                lines[record].push((line, offer));
            }
        }
        let held: Vec<BTreeSet<usize>> =
            lines.iter().map(|lines| lines.iter().map(|(_, offer)| *offer).collect()).collect();
        if held.iter().filter(|list| !list.is_empty()).count() < LEAST {
            return None;
        }
        let path = format!("{}.{}", child.schema.name, child.schema.columns[to].name);
        let offers = View::of(snapshot, &table.schema.name)?;
        let owner = bindings.tenant.as_deref().and_then(|tenant| {
            let key = table.schema.foreign_keys.iter().find(|key| key.table == tenant)?;
            table.schema.position(&key.column)
        });
        let numbers = offers.paths.iter().enumerate().filter(|(_, p)| p.is_own());
        let sums = numbers
            .filter(|(_, p)| p.kind.is_number())
            .map(|(p, column)| {
                let of_row = |row: &Vec<Value>| amount(&row[p], &column.kind);
                let values = offers.rows.iter().map(of_row).collect();
                (format!("{path}.{}", column.name), column.kind.clone(), values)
            })
            .collect();
        Some(Self {
            record_type: String::new(),
            table: child.schema.name.clone(),
            owner: parent.column.clone(),
            offer: offered.column.clone(),
            path,
            offers: names(&offers, owner),
            keys: table.rows.iter().map(|row| row[offer_key].clone()).collect(),
            lines,
            held,
            sums,
        })
    }

    fn put_sums(&self, view: &mut View) {
        let nothing = Path {
            name: self.path.clone(),
            kind: ColumnKind::Other,
            distinct: 0,
            filled: 0,
            is_email: false,
            is_required: false,
        };
        view.paths.push(nothing.clone());
        view.rows.iter_mut().for_each(|row| row.push(Value::Null));
        for (name, kind, values) in &self.sums {
            let mut distinct = BTreeSet::new();
            let mut filled = 0;
            for (row, held) in view.rows.iter_mut().zip(&self.held) {
                let value = sum(held, values, kind).unwrap_or(Value::Null);
                if value != Value::Null {
                    filled += 1;
                    distinct.insert(value.clone());
                }
                row.push(value);
            }
            view.paths.push(Path {
                name: name.clone(),
                kind: kind.clone(),
                distinct: distinct.len(),
                filled,
                ..nothing.clone()
            });
        }
    }

    /// What of its owner's offers a text names: the longest names count, and none within
    /// another.
    pub(crate) fn named_in(&self, text: &str, owner: Option<&Value>) -> BTreeSet<usize> {
        if text.len() > LONGEST_TEXT {
            return BTreeSet::new();
        }
        self.found(&words(text), owner).into_iter().map(|(offer, _)| offer).collect()
    }

    /// The same with the places, in the order of the text. What is named again is there once: where
    /// a number stands beside it, since a bill says it with its price and a guest's wish without.
    pub(crate) fn mentions(&self, text: &str, owner: Option<&Value>) -> Vec<Mention> {
        if text.len() > LONGEST_TEXT {
            return Vec::new();
        }
        let (words, ranges) = placed_words(text);
        let mut best: BTreeMap<usize, Mention> = BTreeMap::new();
        for (offer, Range { start, end }) in self.found(&words, owner) {
            let range = ranges[start].start..ranges[end - 1].end;
            let is_better = best.get(&offer).is_none_or(|held| {
                !reader::is_numbered(text, &held.range) && reader::is_numbered(text, &range)
            });
            if is_better {
                best.insert(offer, Mention { offer, range });
            }
        }
        let mut found: Vec<Mention> = best.into_values().collect();
        found.sort_by_key(|mention| mention.range.start);
        found
    }

    /// The rows on offer that words name, each with the range of words.
    fn found(&self, words: &[String], owner: Option<&Value>) -> Vec<(usize, Range<usize>)> {
        let owned = owner.and_then(|owner| self.offers.get(&Some(owner.clone())));
        let mut found = Vec::new();
        let Some(offers) = owned.or_else(|| self.offers.get(&None)) else { return found };
        let mut at = 0;
        while at < words.len() {
            let named = offers.get(&words[at]).into_iter().flatten();
            match named.into_iter().find(|(name, _)| words[at..].starts_with(name)) {
                Some((name, row)) => {
                    found.push((*row, at..at + name.len()));
                    at += name.len();
                }
                None => at += 1,
            }
        }
        found
    }

    /// What the column that refers to what is on offer holds for a row on offer.
    pub(crate) fn key(&self, offer: usize) -> &Value {
        &self.keys[offer]
    }

    /// The row on offer that such a value means.
    pub(crate) fn offer_of(&self, key: &Value) -> Option<usize> {
        self.keys.iter().position(|of| of == key)
    }

    /// The only line of a record that holds a row on offer.
    pub(crate) fn line(&self, record: usize, offer: usize) -> Option<usize> {
        let mut of_offer = self.lines[record].iter().filter(|(_, held)| *held == offer);
        let (line, _) = of_offer.next()?;
        of_offer.next().is_none().then_some(*line)
    }

    /// How many records there are.
    pub(crate) fn records(&self) -> usize {
        self.lines.len()
    }

    /// The lines of records, each with its record.
    pub(crate) fn lines_of(
        &self,
        records: impl IntoIterator<Item = usize>,
    ) -> impl Iterator<Item = (usize, usize)> {
        let lines = |record: usize| self.lines[record].iter().map(move |(line, _)| (*line, record));
        records.into_iter().flat_map(lines)
    }

    /// The sums over these rows on offer, by path.
    pub(crate) fn sums<'l>(
        &'l self,
        rows: &'l BTreeSet<usize>,
    ) -> impl Iterator<Item = (&'l str, Value)> {
        self.sums
            .iter()
            .filter_map(|(name, kind, values)| Some((name.as_str(), sum(rows, values, kind)?)))
    }
}

fn sum(rows: &BTreeSet<usize>, values: &[Option<i64>], kind: &ColumnKind) -> Option<Value> {
    if rows.is_empty() {
        return None;
    }
    let all = rows.iter().map(|&row| values[row]).sum::<Option<i64>>()?;
    Plain::Units(all).value(kind)
}

/// The names of what is on offer: texts that no other row of the same owner has.
fn names(offers: &View, owner: Option<usize>) -> HashMap<Option<Value>, Offers> {
    let mut found: HashMap<Option<Value>, Offers> = HashMap::new();
    for (p, path) in offers.paths.iter().enumerate() {
        if !path.is_own() || path.kind != ColumnKind::Text {
            continue;
        }
        let owner_of = |row: &Vec<Value>| owner.map(|owner| row[owner].clone());
        let mut counts: HashMap<(Option<Value>, &Value), usize> = HashMap::new();
        for row in &offers.rows {
            *counts.entry((owner_of(row), &row[p])).or_default() += 1;
        }
        if counts.values().any(|n| *n > 1) {
            continue;
        }
        for (r, row) in offers.rows.iter().enumerate() {
            let Some(name) = row[p].as_text().filter(|name| name.len() >= SHORTEST) else {
                continue;
            };
            let name = words(name);
            let Some(first) = name.first().cloned() else { continue };
            for whose in BTreeSet::from([None, owner_of(row)]) {
                let named = found.entry(whose).or_default().entry(first.clone()).or_default();
                named.push((name.clone(), r));
            }
        }
    }
    for named in found.values_mut().flat_map(HashMap::values_mut) {
        named.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.cmp(b)));
    }
    found
}

/// What a text names of what is on offer, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The row on offer.
    pub(crate) offer: usize,
    /// The bytes of the name.
    pub(crate) range: Range<usize>,
}

/// The words of a text, each with the bytes that it stands in.
fn placed_words(text: &str) -> (Vec<String>, Vec<Range<usize>>) {
    // A sign beyond ASCII may stand for letters, as an accent does that stands for itself.
    let is_of_word = |c: char| {
        c.is_alphanumeric()
            || ('\u{300}'..='\u{36f}').contains(&c)
            || !c.is_ascii() && !words(c.encode_utf8(&mut [0; 4])).is_empty()
    };
    let (mut found, mut places) = (Vec::new(), Vec::new());
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_of_word(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let own = words(&text[from..at]);
                places.extend(own.iter().map(|_| from..at));
                found.extend(own);
                start = None;
            }
            _ => {}
        }
    }
    (found, places)
}

/// The name of a value in a list with `*` for its number there, and the number:
/// `/lines/*/description` and 0 of `/lines/0/description`.
pub(crate) fn starred(name: &str) -> Option<(String, usize)> {
    let mut numbers = name.split('/').filter_map(|part| Some((part, part.parse().ok()?)));
    let (part, number): (&str, usize) = numbers.next()?;
    if numbers.next().is_some() {
        return None;
    }
    let start = part.as_ptr() as usize - name.as_ptr() as usize;
    Some((format!("{}*{}", &name[..start], &name[start + part.len()..]), number))
}

/// The text that a rule for a list reads: of one of an item's values, a whole text of it, or the
/// texts of a list, a line each.
pub(crate) fn text_of<'i>(item: &'i Item, parts: &'i Parts, from: &str) -> Option<Cow<'i, str>> {
    if from.contains('*') {
        return families(parts).remove(from).map(Cow::Owned);
    }
    let source = parts.source(from);
    // A slot is one value without its lines, and here it is the lines that tell.
    let lines = source.zip(from.split_once(":slot(")).and_then(|(source, (whole, _))| {
        let (start, end) = source.range?;
        item.text(whole)?.get(start as usize..end as usize)
    });
    match (lines, source.map(|source| &source.value)) {
        (Some(lines), _) => Some(Cow::Borrowed(lines)),
        (None, Some(FactValue::Text(text))) => Some(Cow::Borrowed(text)),
        _ => item.text(from).map(Cow::Borrowed),
    }
}

/// The texts of an item's lists, those of one name together, a line each.
fn families(parts: &Parts) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for source in &parts.sources {
        if let FactValue::Text(text) = &source.value
            && let Some((name, _)) = starred(&source.name)
        {
            let lines = found.entry(name).or_default();
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(text);
        }
    }
    found
}

/// The rules that read lists: for each form the texts that name what the record holds, all of
/// it and nothing else.
pub(crate) fn rules(
    view: &View,
    material: &Material<'_>,
    pairs: &[Pair],
    tenancies: &Tenancies,
) -> Vec<Rule> {
    let mut by_form: BTreeMap<&str, Vec<Pair>> = BTreeMap::new();
    for pair in pairs {
        by_form.entry(&material.parts[pair.item].form).or_default().push(*pair);
    }
    let forms: Vec<(&str, Vec<Pair>)> = by_form.into_iter().collect();
    let of_form = |(form, pairs): &(&str, Vec<Pair>)| {
        let mut found = Vec::new();
        for list in &view.lists {
            let Some(p) = view.position(&list.path) else { continue };
            let mut counts: BTreeMap<Cow<'_, str>, Count> = BTreeMap::new();
            for pair in pairs {
                let (item, parts) = (&material.items[pair.item], &material.parts[pair.item]);
                let owner = tenancies.tenant(&item.kind, parts);
                let whole = texts(item, parts).map(|(n, text)| (n.into(), Cow::Borrowed(text)));
                let lists = families(parts).into_iter().map(|(n, t)| (Cow::Owned(n), t.into()));
                for (name, text) in whole.chain(lists) {
                    let named = list.named_in(&text, owner);
                    if !named.is_empty() {
                        let is_right = named == list.held[pair.row];
                        counts.entry(name).or_default().add(is_held_back(pair.row), is_right);
                    }
                }
            }
            let rules = counts
                .into_iter()
                .filter_map(|(from, count)| rule(view, p, &from, Read::Mentions, count));
            found.extend(best(rules.collect()));
        }
        found.into_iter().map(|rule| Rule { form: (*form).to_owned(), ..rule }).collect::<Vec<_>>()
    };
    forms.par_iter().flat_map_iter(of_form).collect()
}

/// All texts of an item that may name something: those of its values, and whole ones.
fn texts<'i>(item: &'i Item, parts: &'i Parts) -> impl Iterator<Item = (&'i str, &'i str)> {
    let of_values = parts.sources.iter().filter_map(|source| match &source.value {
        FactValue::Text(text) if !source.name.starts_with('@') => {
            Some((&*source.name, text.as_str()))
        }
        _ => None,
    });
    let mut seen: BTreeSet<&str> = parts.sources.iter().map(|s| &*s.name).collect();
    let whole = item.facts.iter().filter_map(move |fact| match &fact.value {
        FactValue::Text(text) if !fact.name.contains('#') && seen.insert(&fact.name) => {
            Some((fact.name.as_str(), text.as_str()))
        }
        _ => None,
    });
    of_values.chain(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::Tenancy;
    use crate::key_shape::KeyShapes;
    use crate::sketch::{item, parts, snapshot, table, text};
    use crate::source::Book;
    use crate::within::{How, Within};

    /// Forty visits to one of two salons, each of one or two treatments of the salon's own list.
    fn salons() -> Snapshot {
        let offers = [
            "1 | 1 | Cut | 30 | 2000",
            "2 | 1 | Cut and colour | 90 | 6500",
            "3 | 1 | Manicure | 45 | 2500",
            "4 | 2 | Cut | 40 | 3000",
            "5 | 2 | Massage | 60 | 8000",
        ];
        let cents = [2000, 6500, 2500, 3000, 8000];
        let (mut visits, mut lines) = (Vec::new(), Vec::new());
        for n in 0..40 {
            let held: &[usize] = [&[1][..], &[2], &[1, 3], &[4, 5]][n % 4];
            let price: i64 = held.iter().map(|offer| cents[offer - 1]).sum();
            visits.push(format!("{n} | {} | {price}", 1 + n % 4 / 3));
            for offer in held {
                lines.push(format!("{} | {n} | {offer}", lines.len()));
            }
        }
        snapshot(vec![
            table("salons", "id name", &["1 | North", "2 | South"]),
            table("offers", "id salon>salons title minutes cents", &offers),
            table("visits", "id salon>salons price", &visits),
            table("lines", "id visit>visits offer>offers", &lines),
        ])
    }

    fn bindings() -> Bindings {
        Bindings {
            tables: [("reservation", "visits"), ("line", "lines")]
                .map(|(of, table)| (of.to_owned(), table.to_owned()))
                .into(),
            lists: vec!["line".to_owned()],
            tenant: Some("salons".to_owned()),
            reasons: Vec::new(),
        }
    }

    pub(crate) fn view() -> View {
        let snapshot = salons();
        let mut view = View::of(&snapshot, "visits").unwrap();
        List::attach(&mut view, &snapshot, &bindings());
        view
    }

    /// What a text of a salon names, as the rows on offer.
    fn check(text: &str, salon: i64) -> Vec<usize> {
        view().lists[0].named_in(text, Some(&salon.into())).into_iter().map(|r| r + 1).collect()
    }

    #[test]
    fn the_longest_name_counts_and_none_within_it() {
        assert_eq!(check("Ann Lee: cut and colour, manicure (Jo)", 1), [2, 3]);
        assert_eq!(check("Manicure. Short cut? Cute!", 1), [1, 3]);
    }

    #[test]
    fn a_name_stands_where_its_words_do() {
        let text = "Größe 2\u{a0}€: MANICURE\u{301}, cut and colour";
        let found = view().lists[0].mentions(text, Some(&Value::Integer(1)));
        let shown: Vec<&str> = found.into_iter().map(|m| &text[m.range]).collect();
        assert_eq!(shown, ["MANICURE\u{301}", "cut and colour"]);
    }

    #[test]
    fn the_number_of_an_element_is_left_open_where_it_is_the_only_one() {
        let shown = |name: &str| starred(name).map(|(name, n)| format!("{name} {n}"));
        assert_eq!(shown("/lines/data/12/amount").as_deref(), Some("/lines/data/*/amount 12"));
        assert_eq!(shown("/lines/0"), Some("/lines/* 0".to_owned()));
        assert_eq!(shown("/a/0/b/1"), None);
        assert_eq!(shown("text"), None);
    }

    #[test]
    fn what_another_offers_is_not_named() {
        assert_eq!(check("Cut, massage", 1), [1]);
        assert_eq!(check("Cut, massage", 2), [4, 5]);
    }

    #[test]
    fn sums_over_a_list_are_paths_of_the_record() {
        let view = view();
        let p = view.position("lines.offer.minutes").unwrap();
        let sums: Vec<&Value> = view.rows[..4].iter().map(|row| &row[p]).collect();
        assert_eq!(sums, [&30.into(), &90.into(), &75.into(), &Value::Integer(100)]);
        assert!(view.is_sum("lines.offer.minutes") && !view.is_sum("lines.offer"));
    }

    #[test]
    fn a_price_is_what_the_list_comes_to() {
        let view = view();
        let rows: Vec<usize> = (0..40).collect();
        let found = Within::find(&view, &rows, &BTreeMap::new(), &BTreeMap::new());
        let price = found.iter().find(|way| way.column == "price").unwrap();
        assert_eq!(price.how, How::SameAs("lines.offer.cents".to_owned()));
    }

    #[test]
    fn a_text_that_names_the_whole_list_makes_a_rule() {
        let names = ["Cut", "Cut and colour", "Cut, Manicure", "Cut + Massage"];
        let salon = |n: usize| if n % 4 == 3 { "south" } else { "north" };
        let events: Vec<Parts> = (0..40)
            .map(|n| {
                let what = text(&format!("Guest {n} - {}", names[n % 4]));
                let said =
                    [("@container", text(salon(n))), ("summary", what), ("desk", text("Cut"))];
                parts("event", &said)
            })
            .collect();
        let items: Vec<Item> = (0..40).map(|n| item(n, "event", &[])).collect();
        let pairs: Vec<Pair> = (0..40).map(|n| Pair { item: n, row: n }).collect();
        let of = |text: &str, tenant: i64| Tenancy {
            kind: "event".to_owned(),
            from: "@container".to_owned(),
            text: text.to_owned(),
            tenant: tenant.into(),
            support: 10,
        };
        let snapshot = salons();
        let material = Material {
            snapshot: &snapshot,
            items: &items,
            parts: &events,
            book: &Book::default(),
            shapes: &KeyShapes::default(),
            bindings: &bindings(),
            views: &BTreeMap::new(),
        };
        let tenancies = Tenancies(vec![of("north", 1), of("south", 2)]);
        let found = rules(&view(), &material, &pairs, &tenancies);
        let shown: Vec<String> =
            found.iter().map(|r| format!("{} {} {}", r.column, r.from, r.accuracy)).collect();
        assert_eq!(shown, ["lines.offer summary 1"]);
    }
}
