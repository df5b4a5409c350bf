//! Rehearsals: forget rows whose truth is known, rebuild them from evidence alone, compare.
//! Every figure that is shown before anything is written comes from here.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::SignedDuration;
use rayon::prelude::*;
use restitch_model::{
    CandidateId, Digest, EvidenceId, Instant, RecordType, Row, RowKey, Share, Snapshot, Table,
    TimeWindow, Value, Verdict,
};

use crate::confidence::Rehearsed;
use crate::error::LearnError;
use crate::incident::Incident;
use crate::knowledge::{Confidence, Knowledge, Measured, Settings};
use crate::life::{self, Soundness, State};
use crate::lists;
use crate::news::{News, Teller};
use crate::overlap::Overlap;
use crate::rebuild::{Marks, Scope, rebuild, sort_of};
use crate::shape::View;
use crate::study::{AnchoredRows, Material, OBSERVED, anchor_known, study, views};
use crate::zones::Zones;

mod judge;
mod lines;

use judge::{Judge, rows_by_key, rows_by_name};
use lines::Seen;

/// Each row is forgotten in one of so many rehearsals.
const REHEARSALS: usize = 2;

/// What became of one rebuilt record whose truth is known.
struct Outcome {
    record_type: String,
    kinds: usize,
    /// The form of its first evidence, and when that was made.
    form: String,
    made_at: Instant,
    has_key: bool,
    has_conflict: bool,
    /// What was heard of it.
    states: BTreeSet<String>,
    /// The forgotten row that it stands for, and when that was made.
    row: Option<usize>,
    created: Option<Instant>,
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
    /// A link by likeness is faint.
    is_faint: bool,
}

/// Learns, and measures what was learned on rows held back.
pub fn learn(
    material: &Material<'_>,
    settings: &Settings,
    found: Incident,
) -> Result<Knowledge, LearnError> {
    let views = material.views;
    let taught_from = Overlap::from(settings, found.backup_at, views.get(RecordType::RESERVATION));
    let from = taught_from.unwrap_or(Instant::MIN);
    let overlap = Overlap { from, spoken: None, held: &HashSet::new() };
    let mut knowledge = study(material, settings, found, overlap)?;
    // What was damaged may be older.
    knowledge.taught_from = taught_from.filter(|_| settings.damage.is_empty());
    let zones = Zones::of(views.values(), &knowledge.zone);
    let is_used = |item: &crate::item::Item| item.at < found.backup_at && item.at >= from;
    let truth = anchor_known(material, &knowledge, &zones, &is_used);
    // What evidence since the backup speaks of may have changed since, in the backup or in the
    // evidence: such rows are no fair truth for what is told of them before.
    let is_later = |item: &crate::item::Item| item.at >= found.backup_at;
    let later = anchor_known(material, &knowledge, &zones, &is_later);
    let spoken_of = |record_type: &str| -> BTreeSet<usize> {
        later[record_type].iter().flatten().map(|a| a.row).collect()
    };
    let lines = lists::lines::views(material.snapshot, views.get(RecordType::RESERVATION));
    // Side by side, since much of each is done by one core alone.
    let outcomes: Vec<Vec<Outcome>> = (0..REHEARSALS)
        .into_par_iter()
        .map(|part| {
            Rehearsal {
                material,
                settings,
                incident: found,
                from,
                knowledge: &knowledge,
                lines: &lines,
                truth: &truth,
                part,
            }
            .outcomes()
        })
        .collect::<Result<_, _>>()?;
    let outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
    // A payment is written where its reservation is.
    let mut unsure: BTreeSet<(usize, &CandidateId)> = BTreeSet::new();
    let reservations = views.get(RecordType::RESERVATION);
    let hanging: Vec<String> = lines.keys().cloned().collect();
    let types = OBSERVED.into_iter().chain(hanging.iter().map(String::as_str));
    for record_type in types {
        let of_type: Vec<&Outcome> =
            outcomes.iter().filter(|o| o.record_type == record_type).collect();
        let list = reservations.and_then(|view| view.list_of(record_type));
        if !views.contains_key(record_type) && list.is_none() {
            continue;
        }
        let seen_lines = list.map(|list| {
            let later = spoken_of(RecordType::RESERVATION);
            Seen::of(material, &knowledge, list, &lines[record_type], &truth, later)
        });
        let later = match &seen_lines {
            Some(seen) => seen.later.clone(),
            None => spoken_of(record_type),
        };
        let of_type: Vec<&Outcome> =
            of_type.into_iter().filter(|o| o.row.is_none_or(|row| !later.contains(&row))).collect();
        let waits = |o: &Outcome| {
            o.owner.as_ref().is_some_and(|owner| unsure.contains(&(o.rebuilt.0, owner)))
        };
        let of_type: Vec<&Outcome> = of_type.into_iter().filter(|o| !waits(o)).collect();
        let (of_type, unfinished) = part_unfinished(of_type, found.backup_at);
        let unfinished: BTreeSet<usize> = unfinished.iter().filter_map(|o| o.row).collect();
        let Some(known) = knowledge.records.get_mut(record_type) else { continue };
        known.states = soundness(&of_type);
        if record_type == RecordType::RESERVATION {
            // Many items tell of one, each in states of its own: a new one among them is no news.
            known.states.sound.clear();
        }
        let of_type: Vec<(&Outcome, Marks)> =
            of_type.into_iter().map(|o| (o, o.marks(&known.states))).collect();
        known.confidence = confidences(&of_type);
        known.news = news(&of_type);
        let anchored: BTreeSet<usize> = match &seen_lines {
            Some(seen) => seen.told.clone(),
            None => truth[record_type].iter().flatten().map(|a| a.row).collect(),
        };
        let survives = |row: &usize| {
            let created = match &seen_lines {
                Some(seen) => views[RecordType::RESERVATION].created(seen.record_of[row]),
                None => views[record_type].created(*row),
            };
            created.is_none_or(|at| at <= found.backup_at && at >= from)
        };
        let mut seen: BTreeSet<usize> =
            anchored.difference(&later).copied().filter(survives).collect();
        seen.retain(|row| !unfinished.contains(row));
        let (measured, accepted) = measure(&of_type, &known.confidence, &seen, settings.accept_at);
        let is_unsure = |o: &&Outcome| !accepted.contains(&o.id());
        unsure.extend(of_type.iter().map(|(o, _)| *o).filter(is_unsure).map(Outcome::id));
        knowledge.measured.insert(record_type.to_owned(), measured);
    }
    let rules: Vec<_> = knowledge.records.values().flat_map(|r| r.rules.clone()).collect();
    knowledge.templates.name_slots(rules.iter());
    Ok(knowledge)
}

/// A row follows its evidence within the time that this share of those of a form took.
const FOLLOWS: f64 = 0.95;

/// Parts the outcomes from those of evidence so young that its row may have come after the
/// backup: an invoice is sent when the work is done, and its row is written when it is paid.
fn part_unfinished(outcomes: Vec<&Outcome>, backup_at: Instant) -> (Vec<&Outcome>, Vec<&Outcome>) {
    let mut lags: BTreeMap<&str, Vec<SignedDuration>> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|o| o.is_right) {
        let lag = outcome.created.map(|created| created.duration_since(outcome.made_at));
        lags.entry(&outcome.form).or_default().extend(lag);
    }
    let longest = |lags: &mut Vec<SignedDuration>| {
        lags.sort_unstable();
        let within = ((lags.len() as f64 * FOLLOWS).ceil() as usize).saturating_sub(1);
        lags.get(within).copied().unwrap_or_default().max(SignedDuration::ZERO)
    };
    let longest: BTreeMap<String, SignedDuration> =
        lags.iter_mut().map(|(form, lags)| ((*form).to_owned(), longest(lags))).collect();
    let is_finished = |o: &&Outcome| {
        let lag = longest.get(&o.form).copied().unwrap_or_default();
        o.made_at.checked_add(lag).is_ok_and(|by| by <= backup_at)
    };
    outcomes.into_iter().partition(is_finished)
}

/// A state is doubtful when so many records were heard of in it …
const HEARD: u64 = 3;
/// … and at most this share of them were true.
const DOUBTFUL: f64 = 0.5;

/// In which states true records were heard of, and in which what was rebuilt mostly was none: of a
/// form and of all forms of a kind, since a payment that failed is none, whatever it was for.
fn soundness(outcomes: &[&Outcome]) -> Soundness {
    let mut shares: BTreeMap<State, Share> = BTreeMap::new();
    let mut fields: BTreeMap<String, Share> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|o| o.is_whole) {
        let states: BTreeSet<State> =
            life::together(outcome.states.iter()).into_iter().flatten().collect();
        for state in states {
            fields.entry(life::field_of(&state).to_owned()).or_default().add(outcome.is_right);
            shares.entry(state).or_default().add(outcome.is_right);
        }
    }
    let is_doubtful = |s: &Share| s.n >= HEARD && s.rate().is_some_and(|rate| rate <= DOUBTFUL);
    let is_sound = |state: &State, share: &Share| {
        share.hits > 0 && fields.get(life::field_of(state)).is_some_and(|field| !field.is_thin())
    };
    let mut found = Soundness::default();
    for (state, share) in shares {
        if is_sound(&state, &share) {
            found.sound.insert(state.clone());
        }
        if is_doubtful(&share) {
            found.doubtful.insert(state);
        }
    }
    found
}

impl Outcome {
    fn id(&self) -> (usize, &CandidateId) {
        (self.rebuilt.0, &self.rebuilt.1)
    }

    fn marks(&self, states: &Soundness) -> Marks {
        Marks {
            has_key: self.has_key,
            has_conflict: self.has_conflict,
            is_doubtful: states.is_doubtful(self.states.iter()),
            is_by_likeness: self.is_by_likeness,
            is_faint: self.is_faint,
        }
    }
}

/// How sure records are, by those of which nothing but that decides.
fn confidences(outcomes: &[(&Outcome, Marks)]) -> Vec<Confidence> {
    let whole = outcomes.iter().filter(|(outcome, _)| outcome.is_whole);
    let rehearsed: Vec<Rehearsed<'_>> = whole
        .map(|&(outcome, marks)| Rehearsed {
            kinds: outcome.kinds,
            marks,
            form: &outcome.form,
            is_right: outcome.is_right,
        })
        .collect();
    crate::confidence::confidences(&rehearsed)
}

/// What the rehearsals showed, and which of the records would have been written.
fn measure<'o>(
    outcomes: &[(&'o Outcome, Marks)],
    confidences: &[Confidence],
    seen: &BTreeSet<usize>,
    accept_at: f64,
) -> (Measured, BTreeSet<(usize, &'o CandidateId)>) {
    let probability: BTreeMap<(&str, &str), f64> = confidences
        .iter()
        .filter_map(|c| Some(((c.sort.as_str(), c.form.as_deref()?), c.probability)))
        .collect();
    let sure = |&&(o, marks): &&(&Outcome, Marks)| {
        let sort = sort_of(o.kinds, marks);
        let of_form = probability.get(&(sort.as_str(), o.form.as_str()));
        o.is_whole && of_form.is_some_and(|p| *p >= accept_at)
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
fn news(outcomes: &[(&Outcome, Marks)]) -> Vec<News> {
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

/// One rehearsal: every so-manieth row forgotten, and rebuilt from evidence alone.
struct Rehearsal<'r> {
    material: &'r Material<'r>,
    settings: &'r Settings,
    incident: Incident,
    /// When the overlap begins.
    from: Instant,
    /// What was learned with all rows in sight.
    knowledge: &'r Knowledge,
    /// The tables of lists, by record type.
    lines: &'r BTreeMap<String, View>,
    truth: &'r AnchoredRows,
    part: usize,
}

impl Rehearsal<'_> {
    /// The rows that are forgotten: of those made in the overlap, each in one rehearsal.
    fn forgotten(&self) -> BTreeSet<usize> {
        let reservations = &self.material.views[RecordType::RESERVATION];
        let is_in = |row: &usize| {
            let created = reservations.created(*row);
            created.is_none_or(|at| at <= self.incident.backup_at && at >= self.from)
        };
        (0..reservations.rows.len())
            .filter(|row| row % REHEARSALS == self.part)
            .filter(is_in)
            .collect()
    }

    /// The evidence of rows that are not in a snapshot.
    fn evidence_of_what_is_gone(&self, left: &Snapshot) -> HashSet<EvidenceId> {
        let mut held = HashSet::new();
        for (record_type, view) in self.material.views {
            let (Some(all), Some(left)) =
                (self.material.snapshot.table(&view.table), left.table(&view.table))
            else {
                continue;
            };
            let kept: HashSet<RowKey> = left.rows.iter().map(|row| left.key(row)).collect();
            let of_items = self.material.items.iter().zip(&self.truth[record_type]);
            held.extend(of_items.filter_map(|(item, anchor)| {
                let row = &all.rows[anchor.as_ref()?.row];
                (!kept.contains(&all.key(row))).then_some(item.evidence)
            }));
        }
        held
    }

    /// What stands for no row is rebuilt in each rehearsal; as each row, it counts in one.
    fn is_counted_here(&self, outcome: &Outcome) -> bool {
        outcome.made_at.as_second().rem_euclid(REHEARSALS as i64) == self.part as i64
    }

    fn outcomes(&self) -> Result<Vec<Outcome>, LearnError> {
        let (material, incident) = (self.material, self.incident);
        let forgotten = self.forgotten();
        let snapshot = forget(material.snapshot, self.knowledge, &forgotten);
        let before = |at: Instant| material.items.partition_point(|item| item.at < at);
        let used = before(self.from)..before(incident.backup_at);
        let rehearsal = Material {
            snapshot: &snapshot,
            views: &views(&snapshot, material.bindings),
            items: &material.items[used.clone()],
            parts: &material.parts[used],
            ..*material
        };
        let held = self.evidence_of_what_is_gone(&snapshot);
        let overlap =
            Overlap { from: self.from, spoken: Some(&self.knowledge.tenancies), held: &held };
        let learned = study(&rehearsal, self.settings, incident, overlap)?;
        let scope = Scope {
            window: TimeWindow { start: self.from, end: incident.backup_at },
            as_of: incident.backup_at,
            accept_at: 0.0,
        };
        let rebuilt = rebuild(&rehearsal, &learned, scope)?;
        let positions =
            material.items.iter().enumerate().map(|(i, item)| (item.evidence, i)).collect();
        let judge = Judge {
            material,
            knowledge: self.knowledge,
            lines: self.lines,
            truth: self.truth,
            learned: &learned,
            damage: &self.settings.damage,
            forgotten: &forgotten,
            part: self.part,
            positions: &positions,
            named: rows_by_name(material.views, &learned),
            rows_of: rows_by_key(material.snapshot),
            rebuilt: rebuilt.candidates.iter().map(|c| (&c.id, c)).collect(),
        };
        let mut outcomes: Vec<Outcome> = rebuilt
            .candidates
            .iter()
            .filter(|c| c.surviving.is_none() && c.verdict != Verdict::Reject)
            .filter_map(|c| judge.outcome(c))
            .filter(|o| o.row.is_some() || self.is_counted_here(o))
            .collect();
        // Of two records of one row, one is a double.
        outcomes.sort_by_key(|o| (std::cmp::Reverse(o.has_key), std::cmp::Reverse(o.kinds)));
        let mut back: BTreeSet<(String, usize)> = BTreeSet::new();
        for outcome in outcomes.iter_mut().filter(|o| o.is_right) {
            outcome.is_right =
                outcome.row.is_none_or(|row| back.insert((outcome.record_type.clone(), row)));
        }
        Ok(outcomes)
    }
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
