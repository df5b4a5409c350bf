//! Rebuilds records: facts, rules and surviving rows in, candidates out. What recovery,
//! rehearsals and drills all run.

mod customers;
mod lines;
mod payments;
mod settle;
mod sightings;
mod surviving;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use restitch_model::{
    Candidate, CandidateId, Cell, Conflict, EvidenceId, Field, Instant, LinkNote, Observation,
    RecordType, Rival, RivalRecord, Share, TimeWindow, Value, Verdict,
};

pub use self::sightings::Sightings;
use crate::error::LearnError;
use crate::fold::{Chosen, choose, phase_of, status_fields};
use crate::knowledge::{Knowledge, RecordKnowledge};
use crate::lists;
use crate::look_up::LookUps;
use crate::news::Heard;
use crate::observe::Observer;
use crate::people::People;
use crate::pins::Pins;
use crate::records::{Group, group, names};
use crate::shape::{ColumnKind, View};
use crate::study::Material;
use crate::zones::Zones;

/// What is to be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scope {
    /// The time in which lost records were made.
    pub window: TimeWindow,
    /// The moment whose state is to be restored.
    pub as_of: Instant,
    /// Confidence from which a record needs no reviewer.
    pub accept_at: f64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Rebuilt {
    /// The records, by type and name.
    pub candidates: Vec<Candidate>,
    /// Which kinds of evidence saw which reservations.
    pub sightings: Sightings,
    /// Items of the window that no rule reads, by form.
    pub unread: BTreeMap<String, u64>,
}

/// A rule less sure than this changes no surviving row without a reviewer.
const NEWS: f64 = 0.9;
/// Records may be made a little before the last row of the backup was written.
const GRACE_MINUTES: i64 = 10;

/// How sure a record is of whose sort no rehearsal rebuilt any.
const UNMEASURED: f64 = 0.5;

struct Bench<'b> {
    material: &'b Material<'b>,
    knowledge: &'b Knowledge,
    scope: Scope,
    people: Option<People<'b>>,
    /// What each item says of a payment.
    payments: Vec<Option<Observation>>,
    /// What the columns of payments hold.
    payment_kinds: BTreeMap<String, ColumnKind>,
    look_ups: LookUps,
    pins: &'b BTreeMap<String, Pins>,
}

/// Rebuilds all records that the evidence tells of.
pub fn rebuild(
    material: &Material<'_>,
    knowledge: &Knowledge,
    scope: Scope,
) -> Result<Rebuilt, LearnError> {
    rebuild_pinned(material, knowledge, scope, &BTreeMap::new())
}

/// The same, with what reviewers said of which evidence goes together, by type of record.
pub fn rebuild_pinned(
    material: &Material<'_>,
    knowledge: &Knowledge,
    scope: Scope,
    pins: &BTreeMap<String, Pins>,
) -> Result<Rebuilt, LearnError> {
    let views = material.views;
    let view = views.get(RecordType::RESERVATION).ok_or(LearnError::NoReservations)?;
    let zones = Zones::of(views.values(), &knowledge.zone);
    let customer = knowledge.bindings.table(RecordType::CUSTOMER);
    let people = customer
        .and_then(|t| People::of(material.snapshot, t, knowledge.bindings.tenant.as_deref()));
    let lines = lists::lines::views(material.snapshot, Some(view));
    let mut bench = Bench {
        material,
        knowledge,
        scope,
        look_ups: LookUps::of(
            material.snapshot,
            views.values().chain(people.iter().map(People::view)).chain(lines.values()),
        ),
        people,
        payments: Vec::new(),
        payment_kinds: BTreeMap::new(),
        pins,
    };
    if let Some(view) = views.get(RecordType::PAYMENT) {
        let kinds = view.paths.iter().map(|p| (p.name.clone(), p.kind.clone()));
        bench.payment_kinds = kinds.collect();
        bench.payments = bench.observe(RecordType::PAYMENT, view, &zones);
    }
    let observed = bench.observe(RecordType::RESERVATION, view, &zones);
    let known = knowledge.records.get(RecordType::RESERVATION).ok_or(LearnError::NothingLearned)?;
    let evidence = (material.items, material.parts);
    let mut groups = group(view, knowledge, known, evidence, &observed, scope.window.start)?;
    if let Some(payments) = views.get(RecordType::PAYMENT) {
        bench.settle(view, payments, &observed, &mut groups);
    }
    bench.pin(RecordType::RESERVATION, known, &observed, &mut groups);
    let mut rebuilt = Rebuilt::default();
    let owners = bench.reservations(view, known, &groups, &observed, &mut rebuilt)?;
    if let (Some(view), Some(known)) =
        (views.get(RecordType::PAYMENT), knowledge.records.get(RecordType::PAYMENT))
    {
        bench.add_payments(view, known, &owners, &mut rebuilt);
    }
    bench.add_lines(view, &lines, &groups, &observed, &mut rebuilt);
    rebuilt.sightings = bench.sightings(view, &groups, &observed);
    let read: BTreeSet<&str> =
        knowledge.records.values().flat_map(|r| &r.rules).map(|r| r.form.as_str()).collect();
    for (item, parts) in material.items.iter().zip(material.parts) {
        if scope.window.contains(item.made_at) && !read.contains(parts.form.as_str()) {
            *rebuilt.unread.entry(parts.form.clone()).or_default() += 1;
        }
    }
    rebuilt.candidates.sort_by(|a, b| (&a.record_type, &a.id).cmp(&(&b.record_type, &b.id)));
    Ok(rebuilt)
}

/// The sort of a record, by which confidence is measured: how many kinds of evidence speak
/// of it, whether anything names it, whether any of them disagree, whether it was heard of in a
/// state that mostly was no record, such as a failed payment, whether likeness alone tells what it
/// is for, and whether a link is faint.
pub fn sort_of(kinds: usize, marks: Marks) -> String {
    let key = if marks.has_key { "named" } else { "not named" };
    let conflict = if marks.has_conflict { ", in conflict" } else { "" };
    let doubtful = if marks.is_doubtful { ", in a doubtful state" } else { "" };
    let likeness = if marks.is_by_likeness { ", linked by likeness" } else { "" };
    let faint = if marks.is_faint { ", by a faint link" } else { "" };
    format!("{key}, seen by {kinds} kinds of evidence{conflict}{doubtful}{likeness}{faint}")
}

/// What makes the sort of a record beside how many kinds of evidence speak of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marks {
    /// Something names it.
    pub has_key: bool,
    /// Its evidence disagrees.
    pub has_conflict: bool,
    /// It was heard of in a state that mostly was no record.
    pub is_doubtful: bool,
    /// It is a payment whose reservation was found by likeness alone.
    pub is_by_likeness: bool,
    /// Likeness alone links some of it, or what it is for, and is not very sure of it.
    pub is_faint: bool,
}

/// The probability of a record of this sort whose first evidence has this form.
fn confidence(known: &RecordKnowledge, sort: &str, form: &str) -> f64 {
    let of = |form: Option<&str>| {
        known.confidence.iter().find(|c| c.sort == sort && c.form.as_deref() == form)
    };
    of(Some(form)).or_else(|| of(None)).map_or(UNMEASURED, |c| c.probability)
}

/// Whether enough records of sorts that begin so were rehearsed to say how sure one is.
fn is_measured(known: &RecordKnowledge, sort: &str) -> bool {
    let mut seen = Share::default();
    for confidence in known.confidence.iter().filter(|c| c.form.is_none()) {
        if confidence.sort.starts_with(sort) {
            seen.n += confidence.seen.n;
        }
    }
    !seen.is_thin()
}

fn candidate_id(record_type: &str, first: EvidenceId) -> CandidateId {
    CandidateId(format!("{record_type}-{}", first.0.short()))
}

impl<'b> Bench<'b> {
    fn observe(&self, record_type: &str, view: &View, zones: &Zones) -> Vec<Option<Observation>> {
        let Knowledge { bindings, tenancies, records, .. } = self.knowledge;
        let rules = records.get(record_type).map_or(&[][..], |known| &known.rules);
        let observer = Observer::new(record_type, view, rules, bindings, tenancies, zones);
        let mut observed: Vec<Option<Observation>> = self
            .material
            .items
            .par_iter()
            .zip(self.material.parts)
            .map(|(i, p)| observer.observe(i, p))
            .collect();
        date_back_repetitions(&mut observed);
        observed
    }

    /// Puts groups right by what people said.
    fn pin(
        &self,
        record_type: &str,
        known: &RecordKnowledge,
        observed: &[Option<Observation>],
        groups: &mut Vec<Group>,
    ) {
        if let Some(pins) = self.pins.get(record_type) {
            pins.apply(groups, self.material.items, &|i| {
                observed[i].iter().flat_map(|observation| names(known, observation)).collect()
            });
        }
    }

    /// Candidates of reservations and of their customers. Gives, for each item, the
    /// reservation that it is about.
    fn reservations(
        &self,
        view: &View,
        known: &RecordKnowledge,
        groups: &[Group],
        observed: &[Option<Observation>],
        rebuilt: &mut Rebuilt,
    ) -> Result<BTreeMap<usize, Owner>, LearnError> {
        let mut owners = BTreeMap::new();
        let mut lost: Vec<(&Group, Candidate)> = Vec::new();
        let mut changed: Vec<(&Group, Candidate)> = Vec::new();
        let mut heard = Heard::default();
        for group in groups {
            let observations = self.observations(group, observed);
            let (cell, candidate) = match group.row {
                Some(row) => {
                    let key = self.key_of(view, row).into_iter().next().unwrap_or(Value::Null);
                    let news = self.surviving(view, known, group, row, &observations, &mut heard);
                    changed.extend(news.map(|candidate| (group, candidate)));
                    (Cell::Is(key), None)
                }
                None => {
                    let candidate = self.lost(view, known, group, &observations);
                    (Cell::KeyOf(candidate.id.clone()), Some(candidate))
                }
            };
            for &item in &group.items {
                let evidence = self.material.items[item].evidence;
                // Where nothing names a record, likeness holds all of it together.
                let is_alike =
                    |note: &&LinkNote| note.evidence == evidence || group.keys.is_empty();
                let links = group.notes.iter().filter(is_alike).cloned();
                let rivals = self.rivals(view, group).filter(|rival| rival.evidence == evidence);
                let owner = Owner {
                    cell: cell.clone(),
                    tenant: group.tenant.clone(),
                    links: links.collect(),
                    rivals: rivals.collect(),
                };
                owners.insert(item, owner);
            }
            lost.extend(candidate.map(|candidate| (group, candidate)));
        }
        for (group, mut candidate) in changed {
            self.judge_news(known, &heard, group, &mut candidate);
            rebuilt.candidates.push(candidate);
        }
        self.add_customers(view, observed, &mut lost, rebuilt)?;
        for (group, candidate) in &mut lost {
            let observations = self.observations(group, observed);
            self.finish(view, known, group, &observations, candidate);
        }
        self.hold_what_was_moved(view, known, &mut lost);
        rebuilt.candidates.extend(lost.into_iter().map(|(_, candidate)| candidate));
        Ok(owners)
    }

    fn observations<'o>(
        &self,
        group: &Group,
        observed: &'o [Option<Observation>],
    ) -> Vec<&'o Observation> {
        group.items.iter().filter_map(|&i| observed[i].as_ref()).collect()
    }

    fn tenant<'g>(&'g self, group: &'g Group) -> Option<(&'g str, &'g Value)> {
        self.knowledge.bindings.tenant.as_deref().zip(group.tenant.as_ref())
    }

    fn key_of(&self, view: &View, row: usize) -> Vec<Value> {
        let table = self.material.snapshot.table(&view.table).expect("a view's table is there");
        table.key(&table.rows[row])
    }

    /// What the items of a group could have been linked to, and were not.
    fn rivals<'g>(&'g self, view: &'g View, group: &'g Group) -> impl Iterator<Item = Rival> + 'g {
        let row = |r| RivalRecord::Row { table: view.table.clone(), key: self.key_of(view, r) };
        group.lost.iter().filter_map(move |lost| lost.rival(self.material.items, row))
    }

    fn blank(&self, record_type: &str, view: &View, items: &[usize]) -> Candidate {
        let mut evidence: Vec<(Instant, EvidenceId)> = items
            .iter()
            .map(|&i| (self.material.items[i].made_at, self.material.items[i].evidence))
            .collect();
        evidence.sort();
        Candidate {
            id: candidate_id(record_type, evidence[0].1),
            record_type: RecordType::new(record_type),
            table: view.table.clone(),
            surviving: None,
            fields: Vec::new(),
            confidence: 0.0,
            verdict: Verdict::Review,
            reasons: Vec::new(),
            tenant: None,
            first_seen: Some(evidence[0].0),
            evidence: evidence.into_iter().map(|(_, e)| e).collect(),
            conflicts: Vec::new(),
            links: Vec::new(),
            rivals: Vec::new(),
        }
    }

    /// What evidence says of the own columns, references looked up.
    fn read_fields(
        &self,
        view: &View,
        known: &RecordKnowledge,
        tenant: Option<(&str, &Value)>,
        observations: &[&Observation],
        conflicts: &mut Vec<Conflict>,
    ) -> Vec<Field> {
        let customer = self.knowledge.bindings.table(RecordType::CUSTOMER);
        let is_planned = |column: &String| known.planned.contains(column);
        let mut fields = Vec::new();
        for path in view.paths.iter().filter(|p| p.is_own()) {
            match &path.kind {
                ColumnKind::Reference(table) if Some(table.as_str()) == customer => {}
                ColumnKind::Reference(table) if Some(table.as_str()) != tenant.map(|t| t.0) => {
                    fields.extend(self.look_ups.look_up(
                        self.material.snapshot,
                        view,
                        &path.name,
                        tenant,
                        observations,
                    ));
                }
                _ => {
                    let chosen = choose(&path.name, observations);
                    // When a thing was paid is not when it began, however near the two lie.
                    let is_told = |c: &Chosen<'_>| !c.reading.is_near || !is_planned(&path.name);
                    if let Some(chosen) = chosen.filter(is_told) {
                        conflicts.extend(chosen.conflicts(&path.name));
                        fields.push(chosen.field(&path.name));
                    }
                }
            }
        }
        fields
    }

    fn lost(
        &self,
        view: &View,
        known: &RecordKnowledge,
        group: &Group,
        observations: &[&Observation],
    ) -> Candidate {
        let mut candidate = self.blank(RecordType::RESERVATION, view, &group.items);
        candidate.tenant = group.tenant.as_ref().map(ToString::to_string);
        candidate.links = group.notes.clone();
        candidate.rivals = self.rivals(view, group).collect();
        let mut conflicts = Vec::new();
        candidate.fields =
            self.read_fields(view, known, self.tenant(group), observations, &mut conflicts);
        candidate.conflicts = conflicts;
        let phase = phase_of(view, known, &candidate.fields, self.scope.as_of);
        let heard = self.heard(&group.items);
        self.put_status(view, known, &heard, &phase, &mut candidate.fields);
        candidate
    }

    /// What was heard of a record, and in which item last.
    fn heard(&self, items: &[usize]) -> BTreeMap<String, EvidenceId> {
        let mut items = items.to_vec();
        items.sort_by_key(|&i| (self.material.items[i].at, self.material.items[i].evidence));
        let mut heard = BTreeMap::new();
        for i in items {
            for state in self.knowledge.states.states(&self.material.parts[i]) {
                heard.insert(state, self.material.items[i].evidence);
            }
        }
        heard
    }

    fn put_status(
        &self,
        view: &View,
        known: &RecordKnowledge,
        heard: &BTreeMap<String, EvidenceId>,
        phase: &str,
        fields: &mut Vec<Field>,
    ) {
        for status in status_fields(view, known, heard, phase) {
            match fields.iter_mut().find(|f| f.column == status.column) {
                Some(field) if field.confidence >= status.confidence => {}
                Some(field) => *field = status,
                None if status.confidence >= 0.6 => fields.push(status),
                None => {}
            }
        }
    }

    fn last_heard(&self, items: &[usize]) -> Option<Instant> {
        items.iter().map(|&i| self.material.items[i].at).max()
    }

    /// The form of an item.
    fn form_of(&self, items: &[usize], evidence: Option<EvidenceId>) -> &str {
        let item = items.iter().find(|&&i| Some(self.material.items[i].evidence) == evidence);
        item.map_or("", |&i| self.material.parts[i].form.as_str())
    }

    fn kinds(&self, items: &[usize]) -> usize {
        let source = |i: &usize| source_of(&self.material.items[*i].kind).to_owned();
        items.iter().map(source).collect::<BTreeSet<_>>().len()
    }
}

/// What was said before in the same words is no news: a message sent again, or forwarded,
/// speaks from the time at which it was first sent.
fn date_back_repetitions(observed: &mut [Option<Observation>]) {
    let said = |o: &Observation| -> String {
        let readings = o.readings.iter().map(|r| format!("{}={}", r.column, r.value));
        std::iter::once(o.form.clone()).chain(readings).collect::<Vec<_>>().join("\n")
    };
    let mut first: BTreeMap<String, Instant> = BTreeMap::new();
    for observation in observed.iter().flatten().filter(|o| o.readings.len() > 2) {
        let at = first.entry(said(observation)).or_insert(observation.at);
        *at = (*at).min(observation.at);
    }
    for observation in observed.iter_mut().flatten() {
        if let Some(at) = first.get(&said(observation)) {
            observation.at = *at;
        }
    }
}

/// The source system behind a kind of evidence: all of Stripe's objects are one witness.
pub(crate) fn source_of(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

/// The reservation that an item is about.
struct Owner {
    /// Its key, or whose row it will be.
    cell: Cell,
    tenant: Option<Value>,
    /// How likeness linked the item to it; nothing where more than likeness did.
    links: Vec<LinkNote>,
    rivals: Vec<Rival>,
}
