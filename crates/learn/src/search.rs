//! Finds rules by example: for each value of an item that is anchored to a row, which ways of
//! reading it give the value of which column, counted over all pairs. (Programming by example
//! in the manner of Gulwani 2011, "Automating string processing in spreadsheets using
//! input-output examples", over a language small enough to be tried whole.)

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use restitch_model::{FactValue, Share, Value};

use crate::rule::{Clock, Plain, Read, Rule, dictionary_key, last_digits, readings};
use crate::shape::{ColumnKind, View};
use crate::source::Parts;
use crate::time_format::TimeFormat;
use crate::zones::Zones;

/// A reading that is right less often is no rule.
const LEAST_ACCURACY: f64 = 0.7;
/// A rule needs so many rows that show it.
const LEAST_HITS: u64 = 4;
/// Rules kept for one column and form: the second serves where the first finds nothing.
const KEPT: usize = 2;
/// A column of more values is no list of names for a dictionary.
const DICTIONARY: usize = 40;
/// How near a time must be to count as about the column's, in minutes, the nearest first.
const NEAR: [i64; 5] = [1, 5, 15, 60, 180];

/// More examples of one thing than this teach nothing new, and cost time.
const EXAMPLES: usize = 4_000;

/// The examples to learn one thing from: the newest, where there are very many. They lie in the
/// order of their items' times.
pub(crate) fn newest<T>(examples: &[T]) -> &[T] {
    &examples[examples.len().saturating_sub(EXAMPLES)..]
}

/// An item and the row that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The item's position.
    pub item: usize,
    /// The row's position in the view.
    pub row: usize,
}

/// One row in four belongs to the part that rules are measured on, not found on.
pub(crate) fn is_held_back(row: usize) -> bool {
    row % 4 == 3
}

/// How often a reading was right, on the rows that it was found on and on those held back.
#[derive(Default, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) found: Share,
    held: Share,
}

impl Count {
    pub(crate) fn add(&mut self, held: bool, hit: bool) {
        if held { self.held.add(hit) } else { self.found.add(hit) }
    }

    /// These hits among those that were tried, of each of the two kinds of rows.
    pub(crate) fn of(&self, tried: &Self) -> Self {
        let of = |own: Share, tried: Share| Share { hits: own.hits, n: tried.n };
        Self { found: of(self.found, tried.found), held: of(self.held, tried.held) }
    }

    /// All rows that it was tried on.
    pub(crate) fn both(&self) -> Share {
        Share { hits: self.found.hits + self.held.hits, n: self.found.n + self.held.n }
    }

    /// Held-back rows measure, where there are enough of them not to be thin; else all do.
    pub(crate) fn measured(&self) -> Share {
        if self.held.is_thin() { self.both() } else { self.held }
    }
}

/// The rules that reproduce a view's rows from their anchored items.
pub fn search(view: &View, parts: &[Parts], pairs: &[Pair], zones: &Zones) -> Vec<Rule> {
    let mut by_form: BTreeMap<&str, Vec<Pair>> = BTreeMap::new();
    for pair in pairs {
        by_form.entry(&parts[pair.item].form).or_default().push(*pair);
    }
    let row_zones: HashMap<usize, TimeZone> =
        pairs.iter().map(|p| (p.row, zones.of_row(view, &view.rows[p.row]))).collect();
    let of_form = |(form, pairs): (&str, Vec<Pair>)| {
        let pairs = newest(&pairs);
        let mut found = exact(view, parts, pairs, &row_zones);
        found.extend(dictionaries(view, parts, pairs));
        let exact_times: BTreeSet<String> = found.iter().map(|r| r.column.clone()).collect();
        found.extend(near(view, parts, pairs, &row_zones, &exact_times));
        let named = best(found).into_iter().map(|rule| Rule { form: form.to_owned(), ..rule });
        named.collect::<Vec<_>>()
    };
    let mut rules: Vec<Rule> = by_form.into_par_iter().flat_map_iter(of_form).collect();
    rules.sort_by(|a, b| {
        (&a.column, &a.form)
            .cmp(&(&b.column, &b.form))
            .then(b.accuracy.total_cmp(&a.accuracy))
            .then(a.read.cmp(&b.read))
            .then(a.from.cmp(&b.from))
    });
    rules
}

/// Which own columns and paths are worth rules: all that hold something of their own.
fn is_worth(view: &View, path: usize) -> bool {
    let path = &view.paths[path];
    path.distinct > 1
        && !matches!(path.kind, ColumnKind::Other | ColumnKind::Zone)
        && (path.is_own() || !matches!(path.kind, ColumnKind::Reference(_)))
}

fn exact(
    view: &View,
    parts: &[Parts],
    pairs: &[Pair],
    zones: &HashMap<usize, TimeZone>,
) -> Vec<Rule> {
    // (from, read) → how often it gave a reading at all, and which paths it hit.
    let mut tried: HashMap<(&str, Read), [u64; 2]> = HashMap::new();
    let mut hits: HashMap<(&str, Read), BTreeMap<usize, [u64; 2]>> = HashMap::new();
    let mut maps: HashMap<usize, HashMap<Plain, Vec<usize>>> = HashMap::new();
    for pair in pairs {
        let held = usize::from(is_held_back(pair.row));
        let map = maps.entry(pair.row).or_insert_with(|| plain_map(view, pair.row));
        for source in &parts[pair.item].sources {
            let mut done: Vec<(Read, usize)> = Vec::new();
            let mut reads: Vec<Read> = Vec::new();
            for (read, plain) in readings(&source.value, &zones[&pair.row]) {
                if !reads.contains(&read) {
                    tried.entry((&source.name, read.clone())).or_default()[held] += 1;
                    reads.push(read.clone());
                }
                for &path in map.get(&plain).into_iter().flatten() {
                    if !done.contains(&(read.clone(), path)) {
                        done.push((read.clone(), path));
                        let count = hits.entry((&source.name, read.clone())).or_default();
                        count.entry(path).or_default()[held] += 1;
                    }
                }
            }
        }
    }
    let mut rules = Vec::new();
    for ((from, read), paths) in hits {
        let n = tried[&(from, read.clone())];
        for (path, hit) in paths {
            let count = Count {
                found: Share { hits: hit[0], n: n[0] },
                held: Share { hits: hit[1], n: n[1] },
            };
            rules.extend(rule(view, path, from, read.clone(), count));
        }
    }
    rules
}

fn plain_map(view: &View, row: usize) -> HashMap<Plain, Vec<usize>> {
    let mut map: HashMap<Plain, Vec<usize>> = HashMap::new();
    for (p, value) in view.rows[row].iter().enumerate() {
        if is_worth(view, p)
            && let Some(plain) = Plain::of(value, &view.paths[p].kind)
        {
            map.entry(plain).or_default().push(p);
        }
        let digits = value.as_text().filter(|_| is_worth(view, p)).and_then(last_digits);
        if let Some(digits) = digits {
            map.entry(Plain::Digits(digits)).or_default().push(p);
        }
    }
    map
}

/// Dictionaries for columns of few values, where a text of the item decides the value.
fn dictionaries(view: &View, parts: &[Parts], pairs: &[Pair]) -> Vec<Rule> {
    let mut keys: BTreeMap<&str, BTreeMap<String, Vec<Pair>>> = BTreeMap::new();
    for pair in pairs {
        for source in &parts[pair.item].sources {
            if let Some(key) = dictionary_key(&source.value) {
                keys.entry(&source.name).or_default().entry(key).or_default().push(*pair);
            }
        }
    }
    let columns: Vec<usize> = (0..view.paths.len())
        .filter(|&p| {
            let path = &view.paths[p];
            is_worth(view, p)
                && path.is_own()
                && path.distinct <= DICTIONARY
                && matches!(path.kind, ColumnKind::Text | ColumnKind::Reference(_))
        })
        .collect();
    let mut rules = Vec::new();
    for (from, by_key) in keys {
        let n: usize = by_key.values().map(Vec::len).sum();
        if by_key.len() < 2 || by_key.len() > DICTIONARY || by_key.len() * 4 > n {
            continue;
        }
        for &path in &columns {
            rules.extend(dictionary(view, path, from, &by_key));
        }
    }
    rules
}

fn dictionary(
    view: &View,
    path: usize,
    from: &str,
    by_key: &BTreeMap<String, Vec<Pair>>,
) -> Option<Rule> {
    let mut entries = Vec::new();
    let mut count = Count::default();
    let mut totals: BTreeMap<&Value, u64> = BTreeMap::new();
    for (key, pairs) in by_key {
        let mut values: BTreeMap<&Value, u64> = BTreeMap::new();
        for pair in pairs.iter().filter(|p| !is_held_back(p.row)) {
            *values.entry(&view.rows[pair.row][path]).or_default() += 1;
        }
        for (value, n) in &values {
            *totals.entry(value).or_default() += n;
        }
        let Some((&value, &n)) = values.iter().max_by_key(|(_, n)| **n) else { continue };
        if n < 2 || value.is_null() {
            continue;
        }
        entries.push((key.clone(), value.clone()));
        for pair in pairs {
            count.add(is_held_back(pair.row), view.rows[pair.row][path] == *value);
        }
    }
    let distinct: BTreeSet<&Value> = entries.iter().map(|(_, v)| v).collect();
    let all: u64 = totals.values().sum();
    let commonest = *totals.values().max()? as f64 / all as f64;
    // A dictionary must tell more than the commonest value does.
    let tells = count.found.rate()? - commonest >= (1.0 - commonest) * 0.5;
    (distinct.len() > 1 && tells && count.found.rate()? >= 0.9)
        .then(|| rule(view, path, from, Read::Dictionary(entries), count))
        .flatten()
}

/// How far each time of some items lay from a column's, in minutes, and whether its row is held
/// back.
type Minutes = Vec<(bool, i64)>;

/// Times that are not the column's own but always close to it, such as a message's date and
/// the moment of booking, or that of a payment and the end of what it was for.
fn near(
    view: &View,
    parts: &[Parts],
    pairs: &[Pair],
    zones: &HashMap<usize, TimeZone>,
    exact: &BTreeSet<String>,
) -> Vec<Rule> {
    let columns: Vec<(usize, &TimeFormat)> = view
        .paths
        .iter()
        .enumerate()
        .filter(|(_, path)| path.is_own() && !exact.contains(&path.name))
        .filter_map(|(p, path)| match &path.kind {
            ColumnKind::Time(format) if format.has_clock() => Some((p, format)),
            _ => None,
        })
        .collect();
    if columns.is_empty() {
        return Vec::new();
    }
    let mut apart: BTreeMap<(usize, &str, Clock), Minutes> = BTreeMap::new();
    for pair in pairs {
        let told =
            |&(p, format): &(usize, &TimeFormat)| Some((p, format.parse(&view.rows[pair.row][p])?));
        let told: Vec<(usize, DateTime)> = columns.iter().filter_map(told).collect();
        let held = is_held_back(pair.row);
        for source in &parts[pair.item].sources {
            if !matches!(source.value, FactValue::Instant(_) | FactValue::Local(_)) {
                continue;
            }
            for (read, plain) in readings(&source.value, &zones[&pair.row]) {
                let (Read::Time(clock), Plain::Time(civil)) = (read, plain) else { continue };
                for &(p, time) in &told {
                    let seconds = civil.duration_since(time).as_secs().abs();
                    let apart = apart.entry((p, &source.name, clock)).or_default();
                    apart.push((held, (seconds + 59) / 60));
                }
            }
        }
    }
    let mut rules = Vec::new();
    for ((p, from, clock), apart) in apart {
        let counted = |within: i64| {
            let mut count = Count::default();
            apart.iter().for_each(|&(held, minutes)| count.add(held, minutes <= within));
            count
        };
        let within = NEAR.iter().find(|&&w| counted(w).found.rate().is_some_and(|r| r >= 0.9));
        if let Some(&within_minutes) = within {
            let read = Read::Near { within_minutes, clock };
            rules.extend(rule(view, p, from, read, counted(within_minutes)));
        }
    }
    rules
}

pub(crate) fn rule(view: &View, path: usize, from: &str, read: Read, count: Count) -> Option<Rule> {
    let found = count.found;
    if found.hits < LEAST_HITS || found.rate()? < LEAST_ACCURACY {
        return None;
    }
    let measured = count.measured();
    Some(Rule {
        column: view.paths[path].name.clone(),
        form: String::new(),
        from: from.to_owned(),
        read,
        support: count.both().n,
        accuracy: measured.rate()?,
        measured_on: measured.n,
        pinned: false,
        kin: None,
    })
}

/// The best rules of one form for each column: by how sure their accuracy is, then the
/// simplest.
pub(crate) fn best(rules: Vec<Rule>) -> Vec<Rule> {
    let mut by_column: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for rule in rules {
        by_column.entry(rule.column.clone()).or_default().push(rule);
    }
    let mut kept = Vec::new();
    for (_, mut rules) in by_column {
        rules.sort_by(|a, b| {
            worth(b).total_cmp(&worth(a)).then(a.read.cmp(&b.read)).then(a.from.cmp(&b.from))
        });
        let least = rules[0].accuracy - 0.1;
        let mut stems: Vec<String> = Vec::new();
        for rule in rules {
            if stems.len() < KEPT && rule.accuracy >= least && !stems.contains(&rule.from) {
                stems.push(rule.from.clone());
                kept.push(rule);
            }
        }
    }
    kept
}

/// What a rule is worth: the lower end of its accuracy's interval, over all rows it was tried
/// on, so that ten of ten do not beat 299 of 300.
fn worth(rule: &Rule) -> f64 {
    let hits = (rule.accuracy * rule.support as f64).round() as u64;
    Share { hits, n: rule.support }.wilson().low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{at, parts, snapshot, table, text};

    /// The best rule for a column, found over forty bookings with one mail each.
    fn rule_for(column: &str) -> String {
        let mut rows = Vec::new();
        let mut mails = Vec::new();
        for n in 0..40u32 {
            let day = 1 + n % 28;
            let class = ["A", "B"][n as usize % 2];
            let rate = 100 + n;
            rows.push(format!(
                "{n} | 2026-0{}-{day:02}T10:00:00Z | {rate}50 | {class} | 2026-01-01T{:02}:{:02}:30Z | {}",
                1 + n / 20,
                n / 2,
                n % 2 * 30,
                (n * 7919) % 1000,
            ));
            let civil = format!("2026-0{}-{day:02}T11:00:00", 1 + n / 20).parse().unwrap();
            let words = ["Small car", "Family car"][n as usize % 2];
            let price =
                FactValue::Amount { major: format!("{rate}.50").parse().unwrap(), currency: None };
            let sent = at(&format!("2026-01-01T{:02}:{:02}:40Z", n / 2, n % 2 * 30));
            let local = restitch_model::LocalTime { civil, zone: None };
            mails.push(parts(
                "mail/confirmed",
                &[
                    ("when", FactValue::Local(local)),
                    ("price", price),
                    ("car", text(words)),
                    ("date", FactValue::Instant(sent)),
                ],
            ));
        }
        let columns = "id starts cents class made secret";
        let view = View::of(&snapshot(vec![table("bookings", columns, &rows)]), "bookings");
        let view = view.unwrap();
        let pairs: Vec<Pair> = (0..40).map(|n| Pair { item: n, row: n }).collect();
        let zones = Zones::of([], "Europe/Berlin");
        let rules = search(&view, &mails, &pairs, &zones);
        let shown = |r: &Rule| format!("{} {:?} {}/{}", r.from, r.read, r.accuracy, r.support);
        rules.iter().find(|r| r.column == column).map_or_else(|| "none".to_owned(), shown)
    }

    #[test]
    fn a_time_is_read_by_the_clock_that_fits() {
        assert_eq!(rule_for("starts"), "when Time(Utc) 1/40");
    }

    #[test]
    fn an_amount_is_read_in_minor_units() {
        assert_eq!(rule_for("cents"), "price Minor 1/40");
    }

    #[test]
    fn words_that_stand_for_a_value_make_a_dictionary() {
        assert_eq!(
            rule_for("class"),
            r#"car Dictionary([("Family car", Text("B")), ("Small car", Text("A"))]) 1/40"#
        );
    }

    #[test]
    fn a_time_that_nothing_tells_is_neared() {
        assert_eq!(rule_for("made"), "date Near { within_minutes: 1, clock: Utc } 1/40");
    }

    #[test]
    fn a_column_that_no_evidence_tells_gets_no_rule() {
        assert_eq!(rule_for("secret"), "none");
    }
}
