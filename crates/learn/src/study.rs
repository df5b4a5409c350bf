//! One pass of learning: from a snapshot and the items of its time to knowledge.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use rayon::prelude::*;
use restitch_facts::words::fold;
use restitch_model::{FactValue, Instant, RecordType, Share, Snapshot, Value};

use crate::anchor::{Anchor, Anchors, NEARLY_PURE, PURE, Tenancies};
use crate::by_hand;
use crate::confirmed::Lessons;
use crate::error::LearnError;
use crate::incident::Incident;
use crate::item::Item;
use crate::key_shape::KeyShapes;
use crate::kin;
use crate::knowledge::{Knowledge, RecordKnowledge, Settings};
use crate::life::{self, Example, Soundness, StateFields};
use crate::lists::lines::Lesson;
use crate::lists::{self, List};
use crate::observe::Observer;
use crate::overlap::Overlap;
use crate::receipts;
use crate::rest::Rest;
use crate::rule::{Rule, amount, read};
use crate::search::{Pair, search};
use crate::shape::{Bindings, ColumnKind, View};
use crate::source::{Book, Parts};
use crate::template::Vocabulary;
use crate::ties::Ties;
use crate::within::{self, Within};
use crate::zones::Zones;

/// The record types that are rebuilt from observations of their own; customers come with the
/// reservations that they share.
pub const OBSERVED: [&str; 2] = [RecordType::RESERVATION, RecordType::PAYMENT];

/// The snapshot and the evidence, taken apart once and used by every pass.
#[derive(Clone, Copy)]
pub struct Material<'m> {
    /// The restored database.
    pub snapshot: &'m Snapshot,
    /// The evidence, in the order of time.
    pub items: &'m [Item],
    /// The same, taken apart by the templates.
    pub parts: &'m [Parts],
    /// The templates.
    pub book: &'m Book,
    /// The shapes of what names a record.
    pub shapes: &'m KeyShapes,
    /// Which table is which record type.
    pub bindings: &'m Bindings,
    /// The tables of the observed record types, seen from their rows: see [`views`].
    pub views: &'m BTreeMap<String, View>,
}

impl<'m> Material<'m> {
    /// The material of what was learned earlier: `parts` are the items taken apart by its templates,
    /// `views` those of the snapshot by its bindings.
    pub fn known(
        snapshot: &'m Snapshot,
        views: &'m BTreeMap<String, View>,
        items: &'m [Item],
        parts: &'m [Parts],
        knowledge: &'m Knowledge,
    ) -> Self {
        let Knowledge { templates: book, key_shapes: shapes, bindings, .. } = knowledge;
        Self { snapshot, items, parts, book, shapes, bindings, views }
    }
}

/// The shapes of what names the observed records.
pub fn key_shapes(views: &BTreeMap<String, View>) -> KeyShapes {
    let names = views.values().flat_map(|view| {
        let keys = view.natural_keys().into_iter().filter_map(|k| view.position(&k.name));
        keys.flat_map(|k| view.rows.iter().filter_map(move |row| row[k].as_text()))
    });
    KeyShapes::of(names)
}

/// The words of a snapshot that are data wherever they stand: those of customers and of the
/// tables that others refer to. Words of a few values, such as those of a status, are not:
/// they are what templates are told apart by.
pub fn vocabulary(snapshot: &Snapshot, bindings: &Bindings) -> Vocabulary {
    let observed: Vec<&str> = OBSERVED.iter().filter_map(|r| bindings.table(r)).collect();
    let texts =
        snapshot.tables.iter().filter(|t| !observed.contains(&t.schema.name.as_str())).flat_map(
            |table| {
                table
                    .rows
                    .iter()
                    .flatten()
                    .filter_map(Value::as_text)
                    .filter(|text| text.len() <= LONGEST_NAME)
            },
        );
    Vocabulary::of(texts)
}

/// Longer texts are notes, whose words could be anything.
const LONGEST_NAME: usize = 40;

/// The tables of the observed record types, seen from their rows.
pub fn views(snapshot: &Snapshot, bindings: &Bindings) -> BTreeMap<String, View> {
    let view = |record_type: &&str| {
        let mut view = View::of(snapshot, bindings.table(record_type)?)?;
        if *record_type == RecordType::RESERVATION {
            List::attach(&mut view, snapshot, bindings);
        }
        Some(((*record_type).to_owned(), view))
    };
    OBSERVED.iter().filter_map(view).collect()
}

/// The incident: as the pipeline tells it, else as the times of rows and evidence show it.
pub fn incident(
    settings: &Settings,
    views: &BTreeMap<String, View>,
    items: &[Item],
) -> Result<Incident, LearnError> {
    if let (Some(backup_at), Some(lost_at)) = (settings.backup_at, settings.lost_at) {
        return Ok(Incident { backup_at, lost_at });
    }
    let view = views.get(RecordType::RESERVATION).ok_or(LearnError::NoReservations)?;
    let found = Incident::find(&view.all_created(), items.iter().map(|i| i.at).max());
    let found = found.ok_or(LearnError::NoIncident)?;
    Ok(Incident {
        backup_at: settings.backup_at.unwrap_or(found.backup_at),
        lost_at: settings.lost_at.unwrap_or(found.lost_at),
    })
}

/// The path of a view that says whom a row belongs to.
pub fn tenant_path<'v>(view: &'v View, bindings: &Bindings) -> Option<&'v str> {
    let tenant = bindings.tenant.as_deref()?;
    view.paths
        .iter()
        .find(|p| matches!(&p.kind, ColumnKind::Reference(table) if table == tenant))
        .map(|p| p.name.as_str())
}

/// The row that each item is about, by record type, with whom the items speak for.
pub struct Anchored {
    /// The rows.
    pub rows: AnchoredRows,
    /// The forms of receipts: see [`RecordKnowledge::receipt_forms`].
    pub receipts: Vec<String>,
    /// Whom voices and containers speak for.
    pub tenancies: Tenancies,
}

/// Anchors the items that `is_used` lets through, and finds who speaks for whom, beginning with
/// what an earlier pass `spoken` of that found.
pub fn anchor(
    material: &Material<'_>,
    zones: &Zones,
    spoken: Option<&Tenancies>,
    is_used: &(dyn Fn(&Item) -> bool + Sync),
) -> Anchored {
    let lookups = lookups(material, zones);
    let mut tenancies = spoken.cloned().unwrap_or_default();
    let (mut rows, mut receipts) = anchor_rows(material, &lookups, &tenancies, is_used);
    if material.bindings.tenant.is_some() {
        // Once to learn who speaks for whom, and again with that known.
        if spoken.is_none() {
            tenancies = speakers(material, &rows, NEARLY_PURE);
            (rows, receipts) = anchor_rows(material, &lookups, &tenancies, is_used);
        }
        tenancies = speakers(material, &rows, PURE);
    }
    Anchored { rows, receipts, tenancies }
}

/// Anchors the items that `is_used` lets through, when it is known who speaks for whom.
pub fn anchor_known(
    material: &Material<'_>,
    knowledge: &Knowledge,
    zones: &Zones,
    is_used: &(dyn Fn(&Item) -> bool + Sync),
) -> AnchoredRows {
    anchor_rows(material, &lookups(material, zones), &knowledge.tenancies, is_used).0
}

/// For each record type, for each item, its row.
pub type AnchoredRows = BTreeMap<String, Vec<Option<Anchor>>>;

fn lookups<'m>(material: &Material<'m>, zones: &Zones) -> BTreeMap<&'m str, Anchors> {
    let of = |view| Anchors::of(view, tenant_path(view, material.bindings), zones);
    material.views.iter().map(|(record_type, view)| (record_type.as_str(), of(view))).collect()
}

fn anchor_rows(
    material: &Material<'_>,
    lookups: &BTreeMap<&str, Anchors>,
    tenancies: &Tenancies,
    is_used: &(dyn Fn(&Item) -> bool + Sync),
) -> (AnchoredRows, Vec<String>) {
    let of_view = |(record_type, view): (&String, &View)| {
        let anchors = &lookups[record_type.as_str()];
        let row = |(item, parts): (&Item, &Parts)| {
            is_used(item)
                .then(|| anchors.anchor(parts, tenancies.tenant(&item.kind, parts)))
                .flatten()
        };
        let found = material.items.par_iter().zip(material.parts).map(row).collect();
        (record_type.clone(), without_doubtful(material, view, found))
    };
    let mut rows = material.views.iter().map(of_view).collect();
    let receipts = receipts::anchor(material, &mut rows);
    (rows, receipts)
}

fn speakers(material: &Material<'_>, rows: &AnchoredRows, pure: f64) -> Tenancies {
    let mut spoken: Vec<(&str, &Parts, &Value)> = Vec::new();
    for (record_type, view) in material.views {
        let Some(p) = tenant_path(view, material.bindings).and_then(|t| view.position(t)) else {
            continue;
        };
        for (i, anchor) in rows[record_type].iter().enumerate() {
            if let Some(anchor) = anchor {
                let tenant = &view.rows[anchor.row][p];
                spoken.push((&material.items[i].kind, &material.parts[i], tenant));
            }
        }
    }
    Tenancies::find(spoken.into_iter(), pure)
}

/// For each column of numbers of the payments, what the payments of each reservation add up to.
fn payment_sums(
    material: &Material<'_>,
    reservations: &View,
) -> BTreeMap<String, BTreeMap<usize, i64>> {
    let mut sums: BTreeMap<String, BTreeMap<usize, i64>> = BTreeMap::new();
    let (Some(payments), Some(table)) =
        (material.views.get(RecordType::PAYMENT), material.snapshot.table(&reservations.table))
    else {
        return sums;
    };
    let Some(to) = payments.reference_to(&reservations.table) else { return sums };
    let key = material
        .snapshot
        .table(&payments.table)
        .and_then(|t| t.schema.foreign_key(&payments.paths[to].name))
        .and_then(|key| table.schema.position(&key.to));
    let Some(key) = key else { return sums };
    let rows: BTreeMap<&Value, usize> =
        table.rows.iter().enumerate().map(|(r, row)| (&row[key], r)).collect();
    for (p, path) in payments.paths.iter().enumerate() {
        if !path.is_own() || !path.kind.is_number() {
            continue;
        }
        let sums = sums.entry(path.name.clone()).or_default();
        for payment in &payments.rows {
            if let (Some(&row), Some(n)) = (rows.get(&payment[to]), amount(&payment[p], &path.kind))
            {
                let sum = sums.entry(row).or_default();
                *sum = sum.saturating_add(n);
            }
        }
    }
    sums
}

/// Whether evidence tells a column's times before they come, as it does with what is planned;
/// the time of a row's last change is told when it happens.
fn is_told_ahead(
    view: &View,
    column: &str,
    rules: &[Rule],
    material: &Material<'_>,
    pairs: &[Pair],
    zones: &Zones,
) -> bool {
    let Some(p) = view.position(column) else { return false };
    let ColumnKind::Time(format) = &view.paths[p].kind else { return false };
    let mut ahead = Share::default();
    for pair in pairs {
        let (item, parts) = (&material.items[pair.item], &material.parts[pair.item]);
        let row = &view.rows[pair.row];
        let zone = zones.of_row(view, row);
        let said =
            rules.iter().filter(|r| r.column == column && r.form == parts.form).filter_map(|r| {
                read(&r.read, &parts.source(&r.from)?.value, &zone, &view.paths[p].kind)
            });
        if said.into_iter().any(|value| value == row[p])
            && let Some(civil) = format.parse(&row[p])
        {
            ahead.add(civil > jiff::tz::TimeZone::UTC.to_datetime(item.at));
        }
    }
    pairs.is_empty() || ahead.rate().is_some_and(|rate| rate >= 0.5)
}

/// A form names its records when this share of its anchored items holds their row's key.
const NAMES: f64 = 0.5;
/// Evidence of a row may be this much older than the row itself.
const EARLIER_HOURS: i64 = 24;

/// Anchors without those that cannot be: evidence from before its row was made, and items
/// that name another record, or none, although their form names records. The evidence of a
/// row that is not there shares many a value with the rows of a returning customer.
fn without_doubtful(
    material: &Material<'_>,
    view: &View,
    mut anchors: Vec<Option<Anchor>>,
) -> Vec<Option<Anchor>> {
    let keys: Vec<usize> =
        view.natural_keys().iter().filter_map(|k| view.position(&k.name)).collect();
    let names = |item: usize, row: usize| {
        let wanted = keys.iter().filter_map(|&k| view.rows[row][k].as_text()).map(fold);
        let wanted: Vec<String> = wanted.collect();
        material.parts[item]
            .sources
            .iter()
            .any(|s| source_text(&s.value).is_some_and(|t| wanted.contains(&fold(t))))
    };
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    let mut named = vec![false; anchors.len()];
    for (i, anchor) in anchors.iter_mut().enumerate() {
        let Some(found) = *anchor else { continue };
        let latest =
            material.items[i].at.checked_add(EARLIER_HOURS.hours()).unwrap_or(Instant::MAX);
        if view.created(found.row).is_some_and(|created| created > latest) {
            *anchor = None;
            continue;
        }
        named[i] = names(i, found.row);
        shares.entry(&material.parts[i].form).or_default().add(named[i]);
    }
    for (i, anchor) in anchors.iter_mut().enumerate() {
        let form = shares.get(material.parts[i].form.as_str());
        if !named[i] && form.and_then(Share::rate).is_some_and(|rate| rate >= NAMES) {
            *anchor = None;
        }
    }
    anchors
}

fn source_text(value: &FactValue) -> Option<&str> {
    match value {
        FactValue::Text(text) | FactValue::Reference(text) if text.len() <= LONGEST_NAME => {
            Some(text)
        }
        _ => None,
    }
}

/// Learns all that can be learned in one pass. Rehearsals, which measure it, call this too.
pub fn study(
    material: &Material<'_>,
    settings: &Settings,
    incident: Incident,
    overlap: Overlap<'_>,
) -> Result<Knowledge, LearnError> {
    for (record_type, table) in &settings.tables {
        if material.snapshot.table(table).is_none() {
            return Err(LearnError::NoTable {
                record_type: record_type.clone(),
                table: table.clone(),
            });
        }
    }
    let bindings = material.bindings.clone();
    if bindings.table(RecordType::RESERVATION).is_none() {
        return Err(LearnError::NoReservations);
    }
    let is_list = |table: &&String| bindings.lists.iter().any(|of| bindings.tables[of] == **table);
    if let Some(table) = settings.lists.iter().flatten().find(|table| !is_list(table)) {
        return Err(LearnError::NoList { table: table.clone() });
    }
    let views = material.views;
    let zone = settings.zone.clone().unwrap_or_else(|| "UTC".to_owned());
    let zones = Zones::of(views.values(), &zone);
    let is_used = |item: &Item| {
        let is_in = item.at < incident.backup_at && item.at >= overlap.from;
        is_in && !overlap.held.contains(&item.evidence)
    };
    let anchored = anchor(material, &zones, overlap.spoken, &is_used);
    let states = StateFields::find(material.parts.iter());
    let lessons = Lessons::of(material, &settings.confirmed);
    let mut records = BTreeMap::new();
    for (record_type, view) in views {
        // What staff wrote after the restore is no example of how evidence becomes rows.
        let survives = |row: usize| view.created(row).is_none_or(|at| at <= incident.backup_at);
        let rows: Vec<usize> = (0..view.rows.len()).filter(|&r| survives(r)).collect();
        let pairs: Vec<Pair> = anchored.rows[record_type]
            .iter()
            .enumerate()
            .filter_map(|(item, anchor)| Some(Pair { item, row: anchor.as_ref()?.row }))
            .filter(|pair| survives(pair.row))
            .collect();
        let sums = match record_type.as_str() {
            RecordType::RESERVATION => payment_sums(material, view),
            _ => BTreeMap::new(),
        };
        let mut heard: BTreeMap<usize, Instant> = BTreeMap::new();
        for pair in &pairs {
            let last = heard.entry(pair.row).or_insert(Instant::MIN);
            *last = (*last).max(material.items[pair.item].at);
        }
        // What a person confirmed shows how evidence is read; in which state a row was at the
        // backup, and what mostly stands in it, only the rows that survived show.
        let (taught, all_pairs) = (lessons.view(record_type), lessons.pairs(record_type, &pairs));
        let mut rules = search(taught, material.parts, &all_pairs, &zones);
        rules.extend(lists::rules(taught, material, &all_pairs, &anchored.tenancies));
        rules.extend(kin::rules(taught, material, &rules, &zones));
        let of_type = settings.rules.iter().filter(|rule| rule.record_type == *record_type);
        let by_hand = by_hand::measured(taught, material.parts, &all_pairs, &zones, of_type)?;
        by_hand::put_first(&mut rules, by_hand);
        let mut planned = life::planned_columns(view, &rows, incident.backup_at);
        planned.retain(|column| is_told_ahead(view, column, &rules, material, &pairs, &zones));
        let examples =
            examples(view, material.parts, &pairs, &states, &planned, incident.backup_at);
        let life = life::status_columns(view)
            .into_iter()
            .flat_map(|column| life::learn(view, column, &examples))
            .collect();
        let observer =
            Observer::new(record_type, view, &rules, &bindings, &anchored.tenancies, &zones);
        let weights =
            crate::records::weights(taught, &bindings, material, &all_pairs, &rules, &observer);
        let mut within = Within::find(view, &rows, &heard, &sums);
        if let Some(owner) = tenant_path(view, &bindings) {
            let own = within::of_owners(view, &rows, &sums, owner, &within);
            within.extend(own);
        }
        let lesson = Lesson {
            view,
            material,
            pairs: &pairs,
            rules: &rules,
            tenancies: &anchored.tenancies,
            rows: &rows,
            by_hand: &settings.rules,
        };
        records.extend(lesson.learn());
        records.insert(
            record_type.clone(),
            RecordKnowledge {
                news: Vec::new(),
                naming_forms: naming_forms(&rules, view, material.parts, &pairs),
                natural_keys: view.natural_keys().iter().map(|p| p.name.clone()).collect(),
                orders: orders(view, &rows),
                // Both are of payments alone, and put there when all views are through.
                receipt_forms: Vec::new(),
                rest: None,
                planned,
                rules,
                within,
                adds_up: Vec::new(),
                numbered_forms: Vec::new(),
                life,
                weights,
                states: Soundness::default(),
                confidence: Vec::new(),
            },
        );
    }
    if let Some(view) =
        bindings.table(RecordType::CUSTOMER).and_then(|t| View::of(material.snapshot, t))
    {
        let rows: Vec<usize> = (0..view.rows.len()).collect();
        let within = Within::find(&view, &rows, &BTreeMap::new(), &BTreeMap::new());
        records.insert(
            RecordType::CUSTOMER.to_owned(),
            RecordKnowledge { within, ..Default::default() },
        );
    }
    let rest = rest(material, &records);
    if let Some(payments) = records.get_mut(RecordType::PAYMENT) {
        (payments.rest, payments.receipt_forms) = (rest, anchored.receipts);
    }
    let of_reservation = &anchored.rows[RecordType::RESERVATION];
    let ties = Ties::find(material.items, |i| of_reservation[i].map(|a| a.row));
    Ok(Knowledge {
        incident,
        taught_from: None,
        zone,
        bindings,
        measured: BTreeMap::new(),
        records,
        tenancies: anchored.tenancies,
        ties,
        states,
        key_shapes: material.shapes.clone(),
        templates: material.book.clone(),
    })
}

/// How the last payment of a reservation is known, where it names nothing.
fn rest(material: &Material<'_>, records: &BTreeMap<String, RecordKnowledge>) -> Option<Rest> {
    let (payments, reservations) =
        (material.views.get(RecordType::PAYMENT)?, material.views.get(RecordType::RESERVATION)?);
    let owner = payments.reference_to(&reservations.table)?;
    let table = material.snapshot.table(&reservations.table)?;
    let keys: Vec<Value> = table
        .rows
        .iter()
        .map(|row| table.key(row).into_iter().next().unwrap_or(Value::Null))
        .collect();
    Rest::find(payments, owner, reservations, &keys, &records[RecordType::RESERVATION].planned)
}

/// An order of two columns shows in so many rows.
const ORDERED: usize = 20;

/// The pairs of own columns of times of which in every row the first lies before the second.
fn orders(view: &View, rows: &[usize]) -> Vec<(String, String)> {
    let times: Vec<(usize, &str, Vec<Option<jiff::civil::DateTime>>)> = (0..view.paths.len())
        .filter(|&p| view.paths[p].is_own())
        .filter_map(|p| match &view.paths[p].kind {
            ColumnKind::Time(format) => {
                let parsed = rows.iter().map(|&r| format.parse(&view.rows[r][p])).collect();
                Some((p, view.paths[p].name.as_str(), parsed))
            }
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for (a, first, firsts) in &times {
        for (b, second, seconds) in &times {
            let both: Vec<bool> =
                firsts.iter().zip(seconds).filter_map(|(x, y)| Some((*x)? <= (*y)?)).collect();
            if a != b && both.len() >= ORDERED && both.iter().all(|is_ordered| *is_ordered) {
                found.push(((*first).to_owned(), (*second).to_owned()));
            }
        }
    }
    found
}

/// A form names its records when this share of its items does.
const NAMING: f64 = 0.9;

/// The forms of which nearly all anchored items hold a key that a rule reads.
fn naming_forms(rules: &[Rule], view: &View, parts: &[Parts], pairs: &[Pair]) -> Vec<String> {
    let keys: Vec<&str> = view.natural_keys().iter().map(|k| k.name.as_str()).collect();
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    for pair in pairs {
        let parts = &parts[pair.item];
        let named = rules
            .iter()
            .filter(|r| r.form == parts.form && keys.contains(&r.column.as_str()))
            .any(|r| parts.source(&r.from).is_some());
        shares.entry(&parts.form).or_default().add(named);
    }
    let is_naming = |s: &Share| !s.is_thin() && s.rate().is_some_and(|rate| rate >= NAMING);
    shares.into_iter().filter(|(_, s)| is_naming(s)).map(|(form, _)| form.to_owned()).collect()
}

/// What was heard of each row, with where the present lay among its planned times.
fn examples(
    view: &View,
    parts: &[Parts],
    pairs: &[Pair],
    states: &StateFields,
    planned: &[String],
    as_of: Instant,
) -> Vec<Example> {
    let mut heard: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for pair in pairs {
        heard.entry(pair.row).or_default().extend(states.states(&parts[pair.item]));
    }
    let phase_of = |row: usize| {
        let planned: Vec<(String, Option<bool>)> = planned
            .iter()
            .map(|column| (column.clone(), is_past(view, column, &view.rows[row], as_of)))
            .collect();
        life::phase(&planned)
    };
    heard.into_iter().map(|(row, states)| Example { row, states, phase: phase_of(row) }).collect()
}

/// Whether a row's time lies before the present.
fn is_past(view: &View, column: &str, row: &[Value], as_of: Instant) -> Option<bool> {
    let p = view.position(column)?;
    let ColumnKind::Time(format) = &view.paths[p].kind else { return None };
    Some(format.parse(&row[p])? <= jiff::tz::TimeZone::UTC.to_datetime(as_of))
}
