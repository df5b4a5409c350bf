//! How the rows of a list are filled: the lines of an appointment, the extras of a stay.
//!
//! Which rows on offer a record holds, the rules of the record tell, since texts name them. Here
//! is how the other columns of a line follow: from numbers beside a name, from what is on offer,
//! from the record, from the place in the list.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_model::{EvidenceId, RecordType, Share, Snapshot, Value};
use serde::{Deserialize, Serialize};

use super::reader::{Reader, beside_of, stem_of};
use super::{LEAST, List};
use crate::anchor::{Anchor, Tenancies};
use crate::by_hand::{ByHand, put_first};
use crate::knowledge::{Knowledge, RecordKnowledge};
use crate::rule::{Plain, Read, Rule, UNMEASURED, amount, readings};
use crate::search::{Count, Pair, best, is_held_back, rule};
use crate::shape::{ColumnKind, View};
use crate::study::{AnchoredRows, Material};
use crate::within::{self, How, Within};

/// The newest so many lines teach how columns follow from others.
const TEACH: usize = 5_000;
/// A column counts the lines of a record where it does in this share of records.
const COUNTS: f64 = 0.98;
/// Lines add up to a column of their record where they do in this share of records.
const ADDS_UP: f64 = 0.8;
/// A reading that is right less often is no rule for a line: what mostly holds is better.
const READS: f64 = 0.9;
/// What a rule of an older generation of a template reads in a new one is a little less sure.
const KIN: f64 = 0.98;
/// A column of what is on offer tells sorts apart where it has at most so many values …
const SORTS: usize = 12;
/// … and a sort's ways show in so many lines.
const OF_SORT: usize = 20;

/// A column of numbers of the lines that adds up to one of their record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddsUp {
    /// The column of the lines.
    pub column: String,
    /// The record's.
    pub to: String,
    /// In how many records that was tried.
    pub support: u64,
    /// In which share of them it was so.
    pub accuracy: f64,
}

/// What the lines of a list are learned from.
pub(crate) struct Lesson<'l> {
    /// The records that the lists hang on.
    pub(crate) view: &'l View,
    pub(crate) material: &'l Material<'l>,
    /// Which item is about which record.
    pub(crate) pairs: &'l [Pair],
    /// The rules of the records.
    pub(crate) rules: &'l [Rule],
    pub(crate) tenancies: &'l Tenancies,
    /// The records that survived the loss, by position.
    pub(crate) rows: &'l [usize],
    /// Rules by hand, of all types of record.
    pub(crate) by_hand: &'l [ByHand],
}

/// The tables of the lists of a view, each seen from its rows, by record type.
pub(crate) fn views(snapshot: &Snapshot, records: Option<&View>) -> BTreeMap<String, View> {
    let lists = records.into_iter().flat_map(|view| &view.lists);
    lists
        .filter_map(|list| Some((list.record_type.clone(), View::of(snapshot, &list.table)?)))
        .collect()
}

impl Lesson<'_> {
    /// What is known of the lines, by record type.
    pub(crate) fn learn(&self) -> BTreeMap<String, RecordKnowledge> {
        let views = views(self.material.snapshot, Some(self.view));
        let of_list = |list: &List| {
            let known = self.of(list, views.get(&list.record_type)?);
            Some((list.record_type.clone(), known))
        };
        self.view.lists.iter().filter_map(of_list).collect()
    }

    fn of(&self, list: &List, lines: &View) -> RecordKnowledge {
        let counting = counting(list, lines, self.rows);
        let is_free = |column: &str| {
            column != list.owner
                && column != list.offer
                && counting.iter().all(|way| way.column != column)
        };
        let mut taught: Vec<usize> =
            list.lines_of(self.rows.iter().copied()).map(|(line, _)| line).collect();
        taught.sort_unstable();
        taught.drain(..taught.len().saturating_sub(TEACH));
        let mut within = Within::find(lines, &taught, &BTreeMap::new(), &BTreeMap::new());
        within.extend(of_sorts(list, lines, &taught, &within));
        within.retain(|way| is_free(&way.column));
        within.extend(counting.iter().cloned());
        let (rules, named) = self.rules(list, lines, &is_free);
        let adds_up = self.adds_up(list, lines, &is_free);
        let numbered_forms = numbered(&rules, &named);
        RecordKnowledge { rules, within, adds_up, numbered_forms, ..RecordKnowledge::default() }
    }

    /// The rules that read numbers beside the names, with those that a person pinned first; and how
    /// many lines each form names in each of the texts that are looked at.
    fn rules(
        &self,
        list: &List,
        lines: &View,
        is_free: &dyn Fn(&str) -> bool,
    ) -> (Vec<Rule>, BTreeMap<(String, String), u64>) {
        let columns: Vec<usize> = (0..lines.paths.len())
            .filter(|&p| lines.paths[p].is_own() && lines.paths[p].kind.is_number())
            .filter(|&p| lines.paths[p].distinct > 1 && is_free(&lines.paths[p].name))
            .collect();
        let mut stems: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| list.is_told_by(rule)) {
            stems.entry(&rule.form).or_default().insert(stem_of(&rule.from));
        }
        let mut named: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut tried: BTreeMap<(&str, String, Read), Count> = BTreeMap::new();
        let mut right: BTreeMap<(&str, usize, String, Read), Count> = BTreeMap::new();
        for pair in self.pairs {
            let (item, parts) = (&self.material.items[pair.item], &self.material.parts[pair.item]);
            let Some((&form, stems)) = stems.get_key_value(parts.form.as_str()) else { continue };
            let tenant = self.tenancies.tenant(&item.kind, parts);
            let held = is_held_back(pair.row);
            for stem in stems {
                for (offer, values) in beside_of(list, item, parts, tenant, stem) {
                    let Some(line) = list.line(pair.row, offer) else { continue };
                    let row = &lines.rows[line];
                    *named.entry((form.to_owned(), (*stem).to_owned())).or_default() += 1;
                    for beside in values {
                        let mut seen: BTreeSet<(Option<usize>, Read)> = BTreeSet::new();
                        for (read, plain) in readings(&beside.value, &TimeZone::UTC) {
                            if seen.insert((None, read.clone())) {
                                let key = (form, beside.from.clone(), read.clone());
                                tried.entry(key).or_default().add(held, true);
                            }
                            for &p in &columns {
                                let is_right = Plain::of(&row[p], &lines.paths[p].kind)
                                    .is_some_and(|own| own == plain);
                                if is_right && seen.insert((Some(p), read.clone())) {
                                    let key = (form, p, beside.from.clone(), read.clone());
                                    right.entry(key).or_default().add(held, true);
                                }
                            }
                        }
                    }
                }
            }
        }
        let mut by_form: BTreeMap<&str, Vec<Rule>> = BTreeMap::new();
        for ((form, p, from, read), hits) in right {
            let count = hits.of(&tried[&(form, from.clone(), read.clone())]);
            let found = rule(lines, p, &from, read, count);
            let found = found.map(|rule| Rule { form: form.to_owned(), ..rule });
            by_form.entry(form).or_default().extend(found);
        }
        let mut found: Vec<Rule> =
            by_form.into_values().flat_map(best).filter(|rule| rule.accuracy >= READS).collect();
        found.extend(self.of_kin(list, &found));
        let pinned = self.by_hand.iter().filter(|rule| rule.record_type == list.record_type);
        let pinned = pinned.filter(|rule| lines.position(&rule.column).is_some());
        let by_hand: Vec<Rule> = pinned.map(|rule| as_measured(rule, &found)).collect();
        put_first(&mut found, by_hand);
        (found, named)
    }

    /// The same rules for new generations of a template, where the names stand in the same text.
    fn of_kin(&self, list: &List, rules: &[Rule]) -> Vec<Rule> {
        let mut found = Vec::new();
        for new in self.rules.iter().filter(|rule| list.is_told_by(rule)) {
            let Some(old) = &new.kin else { continue };
            let stem = stem_of(&new.from);
            let of_old = rules.iter().filter(|r| r.form == *old && stem_of(&r.from) == stem);
            found.extend(of_old.map(|rule| Rule {
                form: new.form.clone(),
                kin: Some(old.clone()),
                accuracy: rule.accuracy * KIN,
                support: 0,
                measured_on: 0,
                ..rule.clone()
            }));
        }
        found
    }

    /// For each column of numbers, the column of the record that it adds up to most often.
    fn adds_up(&self, list: &List, lines: &View, is_free: &dyn Fn(&str) -> bool) -> Vec<AddsUp> {
        let numbers = |view: &View| -> Vec<usize> {
            let is_number = |p: &usize| {
                let path = &view.paths[*p];
                path.is_own() && path.kind.is_number() && path.distinct > 1
            };
            (0..view.paths.len()).filter(is_number).collect()
        };
        let totals = numbers(self.view);
        let mut found = Vec::new();
        for p in numbers(lines).into_iter().filter(|&p| is_free(&lines.paths[p].name)) {
            let kind = &lines.paths[p].kind;
            let mut shares: BTreeMap<usize, Share> = BTreeMap::new();
            for &row in self.rows {
                let own = list.lines_of([row]).map(|(line, _)| amount(&lines.rows[line][p], kind));
                let own: Vec<Option<i64>> = own.collect();
                let sum: Option<i64> = own.iter().copied().sum();
                let Some(sum) = sum.filter(|_| !own.is_empty()) else { continue };
                for &to in &totals {
                    let total = amount(&self.view.rows[row][to], &self.view.paths[to].kind);
                    shares.entry(to).or_default().add(total == Some(sum));
                }
            }
            let best =
                shares.into_iter().max_by_key(|(to, share)| (share.hits, std::cmp::Reverse(*to)));
            if let Some((to, share)) = best
                && share.n >= LEAST as u64
                && let Some(accuracy) = share.rate().filter(|rate| *rate >= ADDS_UP)
            {
                let (column, to) = (lines.paths[p].name.clone(), self.view.paths[to].name.clone());
                found.push(AddsUp { column, to, support: share.n, accuracy });
            }
        }
        found
    }
}

/// A number stands beside nearly every name where it does in this share of lines.
const NUMBERED: f64 = 0.95;

/// The forms in which one of these rules finds its number beside nearly every name of a line, and
/// the new generations of such.
fn numbered(rules: &[Rule], named: &BTreeMap<(String, String), u64>) -> Vec<String> {
    let is_full = |rule: &&Rule| {
        let form = rule.kin.as_ref().unwrap_or(&rule.form);
        let tried = rules.iter().filter(|r| r.form == *form && r.from == rule.from);
        let tried = tried.map(|r| r.support).max().unwrap_or(0);
        let all = named.get(&(form.clone(), stem_of(&rule.from).to_owned()));
        all.is_some_and(|all| tried as f64 >= NUMBERED * *all as f64)
    };
    let forms: BTreeSet<&String> = rules.iter().filter(is_full).map(|rule| &rule.form).collect();
    forms.into_iter().cloned().collect()
}

/// A pinned rule with the figures of the same rule as it was found; without, where it was not.
fn as_measured(hand: &ByHand, found: &[Rule]) -> Rule {
    let is_it = |rule: &&Rule| {
        (&rule.column, &rule.form, &rule.from) == (&hand.column, &hand.of, &hand.from)
            && hand.read.as_ref().is_none_or(|read| *read == rule.read)
    };
    let unmeasured = || Rule {
        column: hand.column.clone(),
        form: hand.of.clone(),
        from: hand.from.clone(),
        read: hand.read.clone().unwrap_or(Read::Same),
        support: 0,
        accuracy: UNMEASURED,
        measured_on: 0,
        pinned: false,
        kin: None,
    };
    let rule = found.iter().find(is_it).cloned().unwrap_or_else(unmeasured);
    Rule { pinned: hand.pinned, ..rule }
}

/// Columns that count the lines of each record, from nought or one on.
fn counting(list: &List, lines: &View, rows: &[usize]) -> Vec<Within> {
    let mut found = Vec::new();
    for (p, path) in lines.paths.iter().enumerate() {
        if !path.is_own() || path.kind != ColumnKind::Integer {
            continue;
        }
        for from in [0, 1] {
            let (mut share, mut longest) = (Share::default(), 0);
            for &row in rows {
                let mut own: Vec<&Value> =
                    list.lines_of([row]).map(|(line, _)| &lines.rows[line][p]).collect();
                if !own.is_empty() {
                    own.sort_unstable();
                    longest = longest.max(own.len());
                    let wanted = (from..).take(own.len()).map(Value::Integer);
                    share.add(own.into_iter().cloned().eq(wanted));
                }
            }
            let rate = share.rate().filter(|rate| *rate >= COUNTS && longest > 1);
            found.extend(rate.map(|accuracy| Within {
                column: path.name.clone(),
                how: How::Nth(from),
                only: None,
                support: share.n,
                accuracy,
            }));
        }
    }
    found
}

/// The ways that hold of one sort of what is on offer and are surer than those of all lines: what
/// is charged for each night is there as often as there are nights.
fn of_sorts(list: &List, lines: &View, rows: &[usize], of_all: &[Within]) -> Vec<Within> {
    let head = format!("{}.", list.offer);
    let is_sort = |p: &usize| {
        let path = &lines.paths[*p];
        path.name.starts_with(&head)
            && path.depth() == 1
            && path.kind == ColumnKind::Text
            && (2..=SORTS).contains(&path.distinct)
    };
    let none = BTreeMap::new();
    let sorts = (0..lines.paths.len()).filter(is_sort);
    sorts.flat_map(|p| within::of_groups(lines, rows, &none, p, OF_SORT, of_all)).collect()
}

/// The lines that the items anchored to their records name, each with those items. `anchors` are
/// those of the records, item by item.
pub(crate) fn told(
    material: &Material<'_>,
    knowledge: &Knowledge,
    list: &List,
    lines: &View,
    anchors: &[Option<Anchor>],
) -> BTreeMap<usize, Vec<EvidenceId>> {
    let records = &knowledge.records;
    let mut found: BTreeMap<usize, Vec<EvidenceId>> = BTreeMap::new();
    let (Some(owners), Some(known)) =
        (records.get(RecordType::RESERVATION), records.get(&list.record_type))
    else {
        return found;
    };
    let reader = Reader::new(list, lines, &owners.rules, known);
    for ((item, parts), anchor) in material.items.iter().zip(material.parts).zip(anchors) {
        let Some(anchor) = anchor else { continue };
        let tenant = knowledge.tenancies.tenant(&item.kind, parts);
        let telling = reader.read(item, parts, tenant);
        for line in telling.into_iter().flat_map(|telling| telling.lines) {
            if let Some(row) = list.line(anchor.row, line.offer) {
                found.entry(row).or_default().push(item.evidence);
            }
        }
    }
    found
}

/// The lines of all lists that the items anchored to their records name, with those items: by
/// table, the positions of the rows.
pub fn told_lines(
    material: &Material<'_>,
    knowledge: &Knowledge,
    anchored: &AnchoredRows,
) -> BTreeMap<String, BTreeMap<usize, Vec<EvidenceId>>> {
    let reservations = material.views.get(RecordType::RESERVATION);
    let anchors = anchored.get(RecordType::RESERVATION).map_or(&[][..], Vec::as_slice);
    let views = views(material.snapshot, reservations);
    let of_list = |list: &List| {
        let lines = views.get(&list.record_type)?;
        Some((list.table.clone(), told(material, knowledge, list, lines, anchors)))
    };
    reservations.into_iter().flat_map(|view| &view.lists).filter_map(of_list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_shape::KeyShapes;
    use crate::shape::Bindings;
    use crate::sketch::{snapshot, table};
    use crate::source::Book;

    /// Sixty stays of some nights, with a bed for each night, and cleaning once for every other.
    fn inn() -> Snapshot {
        let (mut stays, mut lines) = (Vec::new(), Vec::new());
        for n in 0..60 {
            let nights = 2 + n % 5;
            let bed = (1, nights, nights * 700 + n);
            let held = [Some(bed), (n % 2 == 0).then_some((2, 1, 4_500))];
            let mut total = 0;
            for (place, (offer, count, cents)) in held.into_iter().flatten().enumerate() {
                total += cents;
                let key = lines.len();
                lines.push(format!("{key} | {n} | {offer} | {} | {count} | {cents}", place + 1));
            }
            stays.push(format!("{n} | {nights} | {total}"));
        }
        snapshot(vec![
            table("offers", "id name per", &["1 | Bed | night", "2 | Cleaning | stay"]),
            table("stays", "id nights total", &stays),
            table("extras", "id stay>stays offer>offers place count cents", &lines),
        ])
    }

    fn known() -> RecordKnowledge {
        let snapshot = inn();
        let bindings = Bindings {
            tables: [("reservation", "stays"), ("extra", "extras")]
                .map(|(of, table)| (of.to_owned(), table.to_owned()))
                .into(),
            lists: vec!["extra".to_owned()],
            ..Bindings::default()
        };
        let mut view = View::of(&snapshot, "stays").unwrap();
        List::attach(&mut view, &snapshot, &bindings);
        let material = Material {
            snapshot: &snapshot,
            items: &[],
            parts: &[],
            book: &Book::default(),
            shapes: &KeyShapes::default(),
            bindings: &bindings,
            views: &BTreeMap::new(),
        };
        let rows: Vec<usize> = (0..60).collect();
        let lesson = Lesson {
            view: &view,
            material: &material,
            pairs: &[],
            rules: &[],
            tenancies: &Tenancies::default(),
            rows: &rows,
            by_hand: &[],
        };
        lesson.learn().remove("extra").unwrap()
    }

    /// How a column of the lines is filled, each way with whose lines alone it is of.
    fn check(column: &str) -> Vec<String> {
        let of = |way: &Within| match &way.only {
            Some(only) => format!("{} where {} is {}", way.how.rule(column), only.column, only.is),
            None => way.how.rule(column),
        };
        known().within.iter().filter(|way| way.column == column).map(of).collect()
    }

    #[test]
    fn a_column_counts_the_lines_of_a_record() {
        assert_eq!(check("place"), ["place ← its place in the list, from 1 on"]);
    }

    #[test]
    fn what_holds_of_one_sort_of_offer_is_kept_as_that() {
        let found = check("count");
        let wanted = "count ← stay.nights where offer.per is night".to_owned();
        assert!(found.contains(&wanted), "{found:#?}");
    }

    #[test]
    fn what_a_line_refers_to_follows_from_nothing() {
        assert_eq!(check("stay"), Vec::<String>::new());
        assert_eq!(check("offer"), Vec::<String>::new());
    }

    #[test]
    fn a_column_adds_up_to_one_of_the_record() {
        let found = known().adds_up;
        let shown: Vec<String> =
            found.iter().map(|a| format!("{} to {} in {}", a.column, a.to, a.support)).collect();
        assert_eq!(shown, ["cents to total in 60"]);
    }
}
