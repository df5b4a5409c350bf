//! Rehearsals: forget rows whose truth is known, rebuild them from evidence alone, compare.
//! Every figure that is shown before anything is written comes from here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_facts::words::fold;
use restitch_model::{
    Candidate, CandidateId, Cell, Digest, EvidenceId, Instant, RecordType, Row, Share, Snapshot,
    Table, TimeWindow, Value, Verdict,
};

use crate::damage::{About, Damage};
use crate::error::LearnError;
use crate::knowledge::{Confidence, Knowledge, Measured, Settings};
use crate::news::{News, Teller, teller};
use crate::rebuild::{Marks, Scope, rebuild, sort_of, source_of};
use crate::records::KEY;
use crate::rule::Read;
use crate::shape::{ColumnKind, View};
use crate::study::{AnchoredRows, Material, anchor_known, study, views};
use crate::zones::Zones;

/// Each row is forgotten in one of so many rehearsals.
const REHEARSALS: usize = 2;

/// What became of one rebuilt record whose truth is known.
struct Outcome {
    record_type: &'static str,
    kinds: usize,
    /// The form of its first evidence.
    form: String,
    has_key: bool,
    has_conflict: bool,
    /// What was heard of it.
    states: BTreeSet<String>,
    /// The forgotten row that it stands for.
    row: Option<usize>,
    is_right: bool,
    /// Nothing but its confidence decides whether it is accepted.
    is_whole: bool,
    columns: Vec<(String, bool)>,
    /// What evidence said of its columns: who said it, and whether it was so.
    said: Vec<(Teller, bool)>,
    /// In which rehearsal, and under which name there.
    rebuilt: (usize, CandidateId),
    /// The reservation that it is for, where that was rebuilt too.
    owner: Option<CandidateId>,
    /// Likeness alone tells what it is for.
    is_by_likeness: bool,
}

/// Learns, and measures what was learned on rows held back.
pub fn learn(
    material: &Material<'_>,
    settings: &Settings,
    found: crate::shape::Incident,
) -> Result<Knowledge, LearnError> {
    let mut knowledge = study(material, settings, found)?;
    let views = views(material.snapshot, &knowledge.bindings);
    let zones = Zones::of(views.values(), &knowledge.zone);
    let is_used = |item: &crate::item::Item| item.at < found.backup_at;
    let truth = anchor_known(material, &knowledge, &views, &zones, &is_used);
    // What evidence since the backup speaks of may have changed since, in the backup or in the
    // evidence: such rows are no fair truth for what is told of them before.
    let is_later = |item: &crate::item::Item| item.at >= found.backup_at;
    let later = anchor_known(material, &knowledge, &views, &zones, &is_later);
    let spoken_of = |record_type: &str| -> BTreeSet<usize> {
        later[record_type].iter().flatten().map(|a| a.row).collect()
    };
    // One after the other: each keeps both cores busy, and what it reads is gone before the next.
    let outcomes: Vec<Vec<Outcome>> = (0..REHEARSALS)
        .map(|part| rehearse(material, settings, found, &knowledge, &views, &truth, part))
        .collect::<Result<_, _>>()?;
    let outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
    // A payment is written where its reservation is.
    let mut unsure: BTreeSet<(usize, &CandidateId)> = BTreeSet::new();
    for record_type in [RecordType::RESERVATION, RecordType::PAYMENT] {
        let of_type: Vec<&Outcome> =
            outcomes.iter().filter(|o| o.record_type == record_type).collect();
        if !views.contains_key(record_type) {
            continue;
        }
        let later = spoken_of(record_type);
        let of_type: Vec<&Outcome> =
            of_type.into_iter().filter(|o| o.row.is_none_or(|row| !later.contains(&row))).collect();
        let waits = |o: &Outcome| {
            o.owner.as_ref().is_some_and(|owner| unsure.contains(&(o.rebuilt.0, owner)))
        };
        let of_type: Vec<&Outcome> = of_type.into_iter().filter(|o| !waits(o)).collect();
        let Some(known) = knowledge.records.get_mut(record_type) else { continue };
        known.doubtful = doubtful(&of_type);
        let doubtful: BTreeSet<String> = known.doubtful.iter().cloned().collect();
        let sorts: Vec<String> = of_type.iter().map(|o| o.sort(&doubtful)).collect();
        let of_type: Vec<(&Outcome, &str)> =
            of_type.into_iter().zip(sorts.iter().map(String::as_str)).collect();
        known.confidence = confidences(&of_type);
        known.news = news(&of_type);
        let anchored: BTreeSet<usize> =
            truth[record_type].iter().flatten().map(|a| a.row).collect();
        let survives =
            |row: &usize| views[record_type].created(*row).is_none_or(|at| at <= found.backup_at);
        let seen: BTreeSet<usize> = anchored.difference(&later).copied().filter(survives).collect();
        let (measured, accepted) = measure(&of_type, &known.confidence, &seen, settings.accept_at);
        let is_unsure = |o: &&Outcome| !accepted.contains(&o.id());
        unsure.extend(of_type.iter().map(|(o, _)| *o).filter(is_unsure).map(Outcome::id));
        knowledge.measured.insert(record_type.to_owned(), measured);
    }
    let rules: Vec<_> = knowledge.records.values().flat_map(|r| r.rules.clone()).collect();
    knowledge.templates.name_slots(rules.iter());
    Ok(knowledge)
}

/// A state is doubtful when so many records were heard of in it …
const HEARD: u64 = 3;
/// … and at most this share of them were true.
const DOUBTFUL: f64 = 0.5;

/// The states in which what was rebuilt mostly was no record.
fn doubtful(outcomes: &[&Outcome]) -> Vec<String> {
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|o| o.is_whole) {
        for state in &outcome.states {
            shares.entry(state).or_default().add(outcome.is_right);
        }
    }
    let is_doubtful = |s: &Share| s.n >= HEARD && s.rate().is_some_and(|rate| rate <= DOUBTFUL);
    shares.into_iter().filter(|(_, s)| is_doubtful(s)).map(|(state, _)| state.to_owned()).collect()
}

impl Outcome {
    fn id(&self) -> (usize, &CandidateId) {
        (self.rebuilt.0, &self.rebuilt.1)
    }

    fn sort(&self, doubtful: &BTreeSet<String>) -> String {
        let marks = Marks {
            has_key: self.has_key,
            has_conflict: self.has_conflict,
            is_doubtful: !self.states.is_disjoint(doubtful),
            is_by_likeness: self.is_by_likeness,
        };
        sort_of(self.kinds, marks)
    }
}

/// So many examples of what encloses it does a narrower sort carry with it.
const PRIOR: f64 = 30.0;

fn confidences(outcomes: &[(&Outcome, &str)]) -> Vec<Confidence> {
    let mut sorts: BTreeMap<&str, (Share, BTreeMap<&str, Share>)> = BTreeMap::new();
    let mut all = Share::default();
    for (outcome, sort) in outcomes.iter().filter(|(o, _)| o.is_whole) {
        let (seen, forms) = sorts.entry(sort).or_default();
        seen.add(outcome.is_right);
        forms.entry(&outcome.form).or_default().add(outcome.is_right);
        all.add(outcome.is_right);
    }
    // One example each way more than was seen (Laplace): nothing is ever certain.
    let pooled = (all.hits as f64 + 1.0) / (all.n as f64 + 2.0);
    let drawn = |seen: Share, to: f64| (seen.hits as f64 + PRIOR * to) / (seen.n as f64 + PRIOR);
    let mut found = Vec::new();
    for (sort, (seen, forms)) in sorts {
        let of_sort = drawn(seen, pooled);
        let sort = sort.to_owned();
        found.push(Confidence { sort: sort.clone(), form: None, seen, probability: of_sort });
        found.extend(forms.into_iter().map(|(form, seen)| Confidence {
            sort: sort.clone(),
            form: Some(form.to_owned()),
            seen,
            probability: drawn(seen, of_sort),
        }));
    }
    found
}

/// What the rehearsals showed, and which of the records would have been written.
fn measure<'o>(
    outcomes: &[(&'o Outcome, &str)],
    confidences: &[Confidence],
    seen: &BTreeSet<usize>,
    accept_at: f64,
) -> (Measured, BTreeSet<(usize, &'o CandidateId)>) {
    let probability: BTreeMap<(&str, &str), f64> = confidences
        .iter()
        .filter_map(|c| Some(((c.sort.as_str(), c.form.as_deref()?), c.probability)))
        .collect();
    let sure = |&&(o, sort): &&(&Outcome, &str)| {
        o.is_whole && probability.get(&(sort, o.form.as_str())).is_some_and(|p| *p >= accept_at)
    };
    let mut measured = Measured::default();
    let (mut back, mut accepted) = (BTreeSet::new(), BTreeSet::new());
    for (outcome, _) in outcomes.iter().filter(sure) {
        accepted.insert(outcome.id());
        measured.precision.add(outcome.is_right);
        back.extend(outcome.row.filter(|_| outcome.is_right));
        for (column, is_right) in &outcome.columns {
            measured.columns.entry(column.clone()).or_default().add(*is_right);
        }
    }
    for row in seen {
        measured.recall.add(back.contains(row));
    }
    (measured, accepted)
}

/// How often what was said of columns was so, by who said it.
fn news(outcomes: &[(&Outcome, &str)]) -> Vec<News> {
    let mut shares: BTreeMap<&Teller, Share> = BTreeMap::new();
    for (teller, is_right) in outcomes.iter().flat_map(|(outcome, _)| &outcome.said) {
        shares.entry(teller).or_default().add(*is_right);
    }
    let news = |(teller, seen): (&Teller, Share)| {
        let Teller { column, told_by } = teller.clone();
        News { column, told_by, seen }
    };
    shares.into_iter().map(news).collect()
}

fn rehearse(
    material: &Material<'_>,
    settings: &Settings,
    incident: crate::shape::Incident,
    knowledge: &Knowledge,
    views: &BTreeMap<String, View>,
    truth: &AnchoredRows,
    part: usize,
) -> Result<Vec<Outcome>, LearnError> {
    let reservations = &views[RecordType::RESERVATION];
    let forgotten: BTreeSet<usize> = (0..reservations.rows.len())
        .filter(|r| r % REHEARSALS == part)
        .filter(|&r| reservations.created(r).is_none_or(|at| at <= incident.backup_at))
        .collect();
    let snapshot = forget(material.snapshot, knowledge, &forgotten);
    let early = material.items.partition_point(|item| item.at < incident.backup_at);
    let rehearsal = Material {
        snapshot: &snapshot,
        items: &material.items[..early],
        parts: &material.parts[..early],
        book: material.book,
        shapes: material.shapes,
        bindings: material.bindings,
    };
    let learned = study(&rehearsal, settings, incident)?;
    let scope = Scope {
        window: TimeWindow { start: Instant::MIN, end: incident.backup_at },
        as_of: incident.backup_at,
        accept_at: 0.0,
    };
    let rebuilt = rebuild(&rehearsal, &learned, scope)?;
    let positions = material.items.iter().enumerate().map(|(i, item)| (item.evidence, i)).collect();
    let judge = Judge {
        material,
        knowledge,
        views,
        truth,
        learned: &learned,
        damage: &settings.damage,
        forgotten: &forgotten,
        part,
        positions: &positions,
        named: rows_by_name(views, &learned),
        rows_of: rows_by_key(material.snapshot),
        rebuilt: rebuilt.candidates.iter().map(|c| (&c.id, c)).collect(),
    };
    let mut outcomes: Vec<Outcome> = rebuilt
        .candidates
        .iter()
        .filter(|c| c.surviving.is_none() && c.verdict != Verdict::Reject)
        .filter_map(|c| judge.outcome(c))
        .collect();
    // Of two records of one row, one is a double.
    outcomes.sort_by_key(|o| (std::cmp::Reverse(o.has_key), std::cmp::Reverse(o.kinds)));
    let mut back: BTreeSet<(&str, usize)> = BTreeSet::new();
    for outcome in outcomes.iter_mut().filter(|o| o.is_right) {
        outcome.is_right = outcome.row.is_none_or(|row| back.insert((outcome.record_type, row)));
    }
    Ok(outcomes)
}

/// The snapshot without some reservations, what hangs on them, and customers who had no other.
fn forget(snapshot: &Snapshot, knowledge: &Knowledge, forgotten: &BTreeSet<usize>) -> Snapshot {
    let reservation = knowledge.bindings.table(RecordType::RESERVATION).unwrap_or_default();
    let customer = knowledge.bindings.table(RecordType::CUSTOMER);
    let Some(table) = snapshot.table(reservation) else { return snapshot.clone() };
    let values = |column: &str, is_gone: bool| -> BTreeSet<&Value> {
        let Some(p) = table.schema.position(column) else { return BTreeSet::new() };
        let rows = table.rows.iter().enumerate().filter(|(r, _)| forgotten.contains(r) == is_gone);
        rows.map(|(_, row)| &row[p]).filter(|value| !value.is_null()).collect()
    };
    let to_customer = table.schema.foreign_keys.iter().find(|k| Some(k.table.as_str()) == customer);
    let without = |other: &Table| -> Vec<Row> {
        // Rows go that hold one of these values in one of these columns.
        let refers = other.schema.foreign_keys.iter().filter(|k| k.table == reservation);
        let mut gone: Vec<(Option<usize>, BTreeSet<&Value>)> =
            refers.map(|k| (other.schema.position(&k.column), values(&k.to, true))).collect();
        if let Some(key) = to_customer.filter(|k| k.table == other.schema.name) {
            let (lost, kept) = (values(&key.column, true), values(&key.column, false));
            gone.push((other.schema.position(&key.to), &lost - &kept));
        }
        let is_gone = |(r, row): &(usize, &Row)| {
            (other.schema.name == reservation && forgotten.contains(r))
                || gone.iter().any(|(p, values)| p.is_some_and(|p| values.contains(&row[p])))
        };
        let kept = other.rows.iter().enumerate().filter(|row| !is_gone(row));
        kept.map(|(_, row)| row.clone()).collect()
    };
    let tables = snapshot
        .tables
        .iter()
        .map(|table| Table { schema: table.schema.clone(), rows: without(table) })
        .collect();
    Snapshot { database: snapshot.database.clone(), tables, fingerprint: Digest::of(b"rehearsal") }
}

/// The rows of each view by what names them.
fn rows_by_name<'j>(
    views: &'j BTreeMap<String, View>,
    learned: &'j Knowledge,
) -> BTreeMap<(&'j str, &'j str), HashMap<String, usize>> {
    let mut named = BTreeMap::new();
    for (record_type, view) in views {
        let keys = learned.records.get(record_type).map_or(&[][..], |r| &r.natural_keys);
        for (key, p) in keys.iter().filter_map(|key| Some((key, view.position(key)?))) {
            let rows: &mut HashMap<String, usize> =
                named.entry((record_type.as_str(), key.as_str())).or_default();
            for (r, row) in view.rows.iter().enumerate() {
                rows.entry(fold(&row[p].to_string())).or_insert(r);
            }
        }
    }
    named
}

/// For each table, its rows by the first column of their key.
fn rows_by_key(snapshot: &Snapshot) -> BTreeMap<&str, HashMap<Value, usize>> {
    let of = |table: &Table| {
        let keys = table.rows.iter().enumerate();
        keys.filter_map(|(r, row)| Some((table.key(row).into_iter().next()?, r))).collect()
    };
    snapshot.tables.iter().map(|table| (table.schema.name.as_str(), of(table))).collect()
}

struct Judge<'j> {
    material: &'j Material<'j>,
    knowledge: &'j Knowledge,
    views: &'j BTreeMap<String, View>,
    truth: &'j AnchoredRows,
    learned: &'j Knowledge,
    damage: &'j Damage,
    forgotten: &'j BTreeSet<usize>,
    /// Which rehearsal this is.
    part: usize,
    /// Where each piece of evidence stands among the items.
    positions: &'j BTreeMap<EvidenceId, usize>,
    /// Rows by what names them, for each record type and naming column.
    named: BTreeMap<(&'j str, &'j str), HashMap<String, usize>>,
    /// For each table, its rows by their key.
    rows_of: BTreeMap<&'j str, HashMap<Value, usize>>,
    /// What was rebuilt, by id.
    rebuilt: BTreeMap<&'j CandidateId, &'j Candidate>,
}

impl Judge<'_> {
    fn outcome(&self, candidate: &Candidate) -> Option<Outcome> {
        let record_type = [RecordType::RESERVATION, RecordType::PAYMENT]
            .into_iter()
            .find(|r| candidate.record_type.as_str() == *r)?;
        // The rows that are left may look like another table's: nothing to compare with then.
        let view = self.views.get(record_type)?;
        let row = self.true_row(record_type, candidate);
        if row.is_none() && self.is_excused(candidate) {
            return None;
        }
        // Evidence of a row that was not forgotten, or of none, makes a wrong record.
        let is_forgotten = |row: usize| match record_type {
            RecordType::RESERVATION => self.forgotten.contains(&row),
            _ => true,
        };
        let keys = &self.learned.records[record_type].natural_keys;
        // As in a recovery, where what is less sure names nothing.
        let names = |k: &String| candidate.field(k).is_some_and(|f| f.confidence >= KEY);
        let has_key = keys.iter().any(names);
        // In a recovery what is said of surviving rows lies before the backup, and what names
        // no record is known by that.
        if !has_key && row.is_some_and(|row| !is_forgotten(row)) {
            return None;
        }
        let columns = row.map_or_else(Vec::new, |row| self.columns(view, candidate, row));
        let decisive = self.decisive(record_type);
        let is_right = row.is_some_and(is_forgotten)
            && columns.iter().all(|(column, right)| *right || !decisive.contains(column));
        let kinds: BTreeSet<&str> = self.kinds(candidate);
        Some(Outcome {
            record_type,
            kinds: kinds.len(),
            form: self
                .items_of(candidate)
                .next()
                .map_or_else(String::new, |i| self.material.parts[i].form.clone()),
            has_key,
            has_conflict: !candidate.conflicts.is_empty(),
            states: self.states(candidate),
            row,
            is_right,
            is_whole: candidate.verdict == Verdict::Accept,
            said: self.said(candidate, &columns),
            rebuilt: (self.part, candidate.id.clone()),
            owner: self.owner(candidate),
            is_by_likeness: record_type == RecordType::PAYMENT && !candidate.links.is_empty(),
            columns,
        })
    }

    /// Whether the damage may have taken a record that stands nowhere, or what it hangs on: then it
    /// is no wrong one.
    fn is_excused(&self, candidate: &Candidate) -> bool {
        let about = About {
            table: &candidate.table,
            tenant: candidate.tenant.as_deref(),
            at: candidate.first_seen,
        };
        let parents = || {
            candidate.fields.iter().filter_map(|field| match &field.cell {
                Cell::KeyOf(id) => self.rebuilt.get(id),
                Cell::Is(_) => None,
            })
        };
        !self.damage.is_empty()
            && (self.damage.excuses(about) || parents().any(|parent| self.is_excused(parent)))
    }

    /// Who said what the columns hold that evidence told, and whether it was so.
    fn said(&self, candidate: &Candidate, columns: &[(String, bool)]) -> Vec<(Teller, bool)> {
        let told = |(column, is_right): &(String, bool)| {
            let field = candidate.field(column)?;
            let at = self.positions.get(&field.evidence?)?;
            Some((teller(field, &self.material.parts[*at].form)?, *is_right))
        };
        columns.iter().filter_map(told).collect()
    }

    /// The rebuilt reservation that a payment is for.
    fn owner(&self, candidate: &Candidate) -> Option<CandidateId> {
        candidate.fields.iter().find_map(|field| match &field.cell {
            Cell::KeyOf(id) => {
                let owner = self.rebuilt.get(id)?;
                let is_reservation = owner.record_type.as_str() == RecordType::RESERVATION;
                is_reservation.then(|| id.clone())
            }
            Cell::Is(_) => None,
        })
    }

    fn states(&self, candidate: &Candidate) -> BTreeSet<String> {
        self.items_of(candidate)
            .flat_map(|i| self.learned.states.states(&self.material.parts[i]))
            .collect()
    }

    fn kinds(&self, candidate: &Candidate) -> BTreeSet<&str> {
        self.items_of(candidate).map(|i| source_of(&self.material.items[i].kind)).collect()
    }

    fn items_of(&self, candidate: &Candidate) -> impl Iterator<Item = usize> {
        candidate.evidence.iter().filter_map(|evidence| self.positions.get(evidence).copied())
    }

    /// The row that a candidate stands for: the one that its key names, else the one that
    /// most of its evidence is anchored to.
    fn true_row(&self, record_type: &str, candidate: &Candidate) -> Option<usize> {
        for key in &self.learned.records[record_type].natural_keys {
            let rows = self.named.get(&(record_type, key.as_str()))?;
            if let Some(Cell::Is(value)) = candidate.field(key).map(|f| &f.cell) {
                return rows.get(&fold(&value.to_string())).copied();
            }
        }
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        let anchors = &self.truth[record_type];
        for anchor in self.items_of(candidate).filter_map(|i| anchors[i]) {
            *votes.entry(anchor.row).or_default() += 1;
        }
        votes.into_iter().max_by_key(|&(row, n)| (n, std::cmp::Reverse(row))).map(|(row, _)| row)
    }

    /// The columns that make a record what it is: what names it, and what it was paid for.
    /// Where nothing names records, whose it is and when it was planned. How often the others
    /// are right is measured one by one.
    fn decisive(&self, record_type: &str) -> BTreeSet<String> {
        let Some(known) = self.knowledge.records.get(record_type) else { return BTreeSet::new() };
        let is_named = !known.natural_keys.is_empty();
        let parents = [RecordType::RESERVATION, RecordType::CUSTOMER];
        let parents: Vec<&str> = parents[..if is_named { 1 } else { 2 }]
            .iter()
            .filter_map(|r| self.knowledge.bindings.table(r))
            .collect();
        let is_parent = |kind: &ColumnKind| matches!(kind, ColumnKind::Reference(t) if parents.contains(&t.as_str()));
        let references =
            self.views[record_type].paths.iter().filter(|p| p.is_own() && is_parent(&p.kind));
        let columns = if is_named { &known.natural_keys } else { &known.planned };
        columns.iter().cloned().chain(references.map(|p| p.name.clone())).collect()
    }

    fn columns(&self, view: &View, candidate: &Candidate, row: usize) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        for (path, truth) in view.paths.iter().zip(&view.rows[row]).filter(|(p, _)| p.is_own()) {
            let Some(field) = candidate.field(&path.name) else { continue };
            let is_right = match (&field.cell, &path.kind) {
                (_, ColumnKind::Key) => continue,
                (Cell::Is(value), ColumnKind::Time(_)) => {
                    value == truth
                        || self.is_near(candidate.record_type.as_str(), path, value, truth)
                }
                (Cell::Is(value), _) => value == truth,
                (Cell::KeyOf(other), ColumnKind::Reference(table)) => {
                    let other = self.rebuilt.get(other);
                    other.is_some_and(|other| self.is_same(other, table, truth))
                }
                (Cell::KeyOf(_), _) => false,
            };
            found.push((path.name.clone(), is_right));
        }
        found
    }

    /// Whether a time is as near as its rule promises.
    fn is_near(
        &self,
        record_type: &str,
        path: &crate::shape::Path,
        value: &Value,
        truth: &Value,
    ) -> bool {
        let ColumnKind::Time(format) = &path.kind else { return false };
        let within = self.learned.records[record_type]
            .rules
            .iter()
            .filter(|r| r.column == path.name)
            .filter_map(|r| match r.read {
                Read::Near { within_minutes } => Some(within_minutes),
                _ => None,
            })
            .max();
        let seconds = |v: &Value| {
            let civil = format.parse(v)?;
            Some(jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?.as_second())
        };
        match (within, seconds(value), seconds(truth)) {
            (Some(minutes), Some(a), Some(b)) => (a - b).abs() <= minutes.saturating_mul(60),
            _ => false,
        }
    }

    /// Whether a new record of another table is the row that was forgotten with it: all the
    /// texts that both have agree in more than half.
    fn is_same(&self, other: &Candidate, table: &str, key: &Value) -> bool {
        let Some(table) = self.material.snapshot.table(table) else { return false };
        let Some(&at) = self.rows_of[table.schema.name.as_str()].get(key) else { return false };
        let row = &table.rows[at];
        if self.views.values().any(|v| v.table == table.schema.name) {
            // A reservation is the same when what names it is.
            return self.true_row(RecordType::RESERVATION, other) == Some(at);
        }
        let mut share = Share::default();
        for (column, value) in table.schema.columns.iter().zip(row) {
            let (Some(field), Value::Text(text)) = (other.field(&column.name), value) else {
                continue;
            };
            if let Cell::Is(Value::Text(found)) = &field.cell
                && !text.starts_with("20")
            {
                share.add(fold(found) == fold(text));
            }
        }
        share.hits * 2 > share.n
    }
}
