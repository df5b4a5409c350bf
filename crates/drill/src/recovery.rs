//! A drill: a part of a database is lost on purpose, and recovered by the steps of a real
//! recovery.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, ToSpan};
use restitch_learn::shape::{Bindings, Heard};
use restitch_learn::source::Parts;
use restitch_learn::{Damage, Item, Knowledge, Material, Rebuilt, Settings, overlap, study};
use restitch_model::{Instant, RecordType, RowKey, Snapshot};
use restitch_pipeline::Run;
use restitch_pipeline::results::Matched;
use restitch_pipeline::run::{learn_from, rebuild_with};
use restitch_restore::{Engine, Plan, propose};

use crate::after::after;
use crate::ages::ages;
use crate::breakdown::Sources;
use crate::damage::{Damaged, damage};
use crate::error::DrillError;
use crate::forget::forget;
use crate::laps::Laps;
use crate::missed::EvidenceOf;
use crate::report::{DrillReport, Scene};
use crate::score::RowName;
use crate::scratch::Scratch;
use crate::worth::worth;

/// What a drill is to lose.
#[derive(Debug, Clone, PartialEq)]
pub enum Loss {
    /// All that was made in the last days of the backup.
    Newest {
        /// How many.
        days: i64,
    },
    /// What some damage takes or overwrites.
    Damage(Damage),
}

/// What a drill is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What is lost.
    pub loss: Loss,
    /// Also what each source is worth: one recovery more for each.
    pub sources: bool,
    /// Also what would come back of backups of these ages, in days: one recovery more for each.
    pub ages: Vec<i64>,
}

impl Asked {
    /// The end of the oldest backup that is recovered from; `None` where damage may lie anywhere.
    fn oldest(&self, backup_at: Instant) -> Option<Instant> {
        let Loss::Newest { days } = self.loss else { return None };
        let days = self.ages.iter().copied().fold(days, i64::max);
        backup_at.checked_sub(SignedDuration::from_hours(24 * days)).ok()
    }
}

/// Loses a part of a case's backup, rebuilds it from evidence of before the backup's end alone,
/// and compares. What staff wrote after the restore is left out. A SQLite target is copied into
/// the case's folder, and the copies are gone afterwards; a server is read in one transaction that
/// cannot write, and the rest happens in memory. Nothing else is written.
pub fn drill(run: &Run<'_>, asked: &Asked) -> Result<DrillReport, DrillError> {
    let mut laps = Laps::begin();
    let ground = Ground::read(run, asked)?;
    laps.end("read");
    let scratch = Scratch::new(run)?;
    let lost = ground.lose(&scratch, &asked.loss)?;
    laps.end("forget");
    let recovered = ground.recover(&scratch, &lost, &ground.items, &mut laps)?;
    let seen = ground.seen(&recovered);
    let estimate = Matched::of(&recovered.rebuilt, &recovered.learned);
    let mut estimate = estimate.types;
    let mut report = DrillReport::of(&Scene {
        new: &BTreeSet::new(),
        truth: &ground.truth,
        before: &lost.before,
        after: &recovered.after,
        bindings: &recovered.learned.bindings,
        seen: &seen,
        sources: &ground.sources,
        candidates: &recovered.rebuilt.candidates,
        plan: Some(&recovered.plan),
        policy: &run.plan_policy(),
        estimate: estimate.remove(RecordType::RESERVATION).and_then(|found| found.lost_estimate),
    });
    laps.end("score");
    if asked.sources {
        report.sources = worth(&ground, &scratch, &lost, &report, &seen)?;
        laps.end("sources");
    }
    if !asked.ages.is_empty() {
        report.ages = ages(&ground, &scratch, &asked.ages)?;
        laps.end("ages");
    }
    report.seconds = laps.seconds();
    Ok(report)
}

/// What is the same for all drills on a case: the truth, and the evidence of its time.
pub(crate) struct Ground<'g> {
    run: &'g Run<'g>,
    /// The last moment that the backup holds: the moment of loss in a drill.
    backup_at: Instant,
    /// Evidence of before that.
    pub(crate) items: Vec<Item>,
    /// Where it came from.
    pub(crate) sources: Sources,
    /// The target as it is.
    full: Snapshot,
    /// The same without what staff wrote since the restore.
    pub(crate) truth: Snapshot,
}

/// A database that has lost something.
pub(crate) struct Lost {
    pub(crate) before: Snapshot,
    /// Where the copy lies; nowhere where the target is on a server.
    url: Option<String>,
    /// What learning is told of the loss.
    settings: Settings,
}

/// What a recovery made of it.
pub(crate) struct Recovered {
    pub(crate) learned: Knowledge,
    /// The items that it was made of, taken apart.
    parts: Vec<Parts>,
    rebuilt: Rebuilt,
    plan: Plan,
    pub(crate) after: Snapshot,
}

impl<'g> Ground<'g> {
    fn read(run: &'g Run<'g>, asked: &Asked) -> Result<Self, DrillError> {
        if !run.file.pipeline.incident.damage.is_empty() {
            return Err(DrillError::NoTruth);
        }
        let backup_at = run.knowledge()?.incident.backup_at;
        let full = run.snapshot()?;
        let mut settings = run.settings();
        settings.backup_at = asked.oldest(backup_at);
        let from = settings.backup_at.and_then(|_| overlap::taught_from(&full, &settings));
        let mut items = run.since(from)?.items;
        items.retain(|item| item.at < backup_at);
        let sources = sources(run)?;
        let after_backup = backup_at.checked_add(1.second()).unwrap_or(backup_at);
        let truth = forget(&full, after_backup, None).snapshot;
        Ok(Self { run, backup_at, items, sources, full, truth })
    }

    /// The names of the sources that gave something, in the pipeline's order.
    pub(crate) fn source_names(&self) -> Vec<String> {
        let gave: BTreeSet<&String> =
            self.items.iter().filter_map(|i| self.sources.get(&i.evidence)).flatten().collect();
        let all = self.run.file.pipeline.source.iter().map(|source| source.name.clone());
        all.filter(|name| gave.contains(name)).collect()
    }

    /// Takes what is lost out of a copy, where the target is a file.
    pub(crate) fn lose(&self, scratch: &Scratch<'_>, loss: &Loss) -> Result<Lost, DrillError> {
        let mut settings = self.run.settings();
        settings.rules.extend(restitch_pipeline::rules::pinned(&self.run.case)?);
        settings.templates = self.run.template_files()?;
        settings.lost_at = Some(self.backup_at);
        let damaged = match loss {
            Loss::Newest { days } => {
                let since = self.backup_at - SignedDuration::from_hours(24 * days);
                settings.backup_at = Some(since);
                settings.damage = Damage::default();
                Damaged::from(forget(&self.full, since, None))
            }
            Loss::Damage(parts) => {
                settings.backup_at = Some(self.backup_at);
                settings.damage = Damage {
                    // Rows that were copied are for recovery to bear, not to mend.
                    parts: parts.parts.iter().filter(|part| !part.is_copied).cloned().collect(),
                };
                if settings.damage.is_empty() {
                    return Err(DrillError::NothingLost);
                }
                let heard = Heard::of(&self.items);
                let bindings =
                    Bindings::find(&self.full, &settings.tables, settings.lists.as_deref(), &heard);
                damage(&self.full, parts, &bindings)?
            }
        };
        if !Engine::of(&self.run.target_url()?)?.is_embedded() {
            return Ok(Lost { before: damaged.snapshot, url: None, settings });
        }
        self.run.progress.begin("forgetting on a scratch copy", "rows", None);
        let path = scratch.copy_with(&self.full, &damaged)?;
        let url = format!("sqlite:{}", path.display());
        let before = restitch_restore::snapshot(&url)?;
        self.run.progress.end();
        Ok(Lost { before, url: Some(url), settings })
    }

    /// Learns from what is left, rebuilds, plans and applies.
    pub(crate) fn recover(
        &self,
        scratch: &Scratch<'_>,
        lost: &Lost,
        items: &[Item],
        laps: &mut Laps,
    ) -> Result<Recovered, DrillError> {
        let progress = self.run.progress;
        progress.begin("learning without what is lost", "steps", None);
        let learned = learn_from(&lost.before, items, &lost.settings)?;
        progress.end();
        laps.end("learn");
        progress.begin("rebuilding what is lost", "steps", None);
        let items = learned.counted(items);
        let parts = learned.templates.parts(items, &learned.key_shapes);
        let views = study::views(&lost.before, &learned.bindings);
        let material = Material::known(&lost.before, &views, items, &parts, &learned);
        let policy = &self.run.file.pipeline.policy;
        let damage = &lost.settings.damage;
        let rebuilt = rebuild_with(&material, &learned, damage, policy, &Default::default())?;
        progress.end();
        laps.end("match");
        let (plan, after) = match &lost.url {
            Some(url) => {
                let plan = self.run.proposed(&lost.before, url, &rebuilt.candidates, &[]).plan;
                laps.end("plan");
                let after = scratch.applied(&plan, url)?;
                (plan, after)
            }
            None => {
                let policy = self.run.plan_policy();
                let plan = propose(&lost.before, &rebuilt.candidates, &[], &policy);
                laps.end("plan");
                let after = after(&lost.before, &plan);
                (plan, after)
            }
        };
        laps.end("apply");
        Ok(Recovered { learned, parts, rebuilt, plan, after })
    }

    /// The rows of the truth that some evidence is about, with it; customers are seen with their
    /// reservations.
    ///
    /// `recovered` is what was made of all items of this ground.
    pub(crate) fn seen(&self, recovered: &Recovered) -> EvidenceOf {
        let Recovered { learned, parts, .. } = recovered;
        let views = study::views(&self.truth, &learned.bindings);
        let items = learned.counted(&self.items);
        seen(&Material::known(&self.truth, &views, items, parts, learned), learned)
    }
}

/// Where each item of a case came from.
pub(crate) fn sources(run: &Run<'_>) -> Result<Sources, DrillError> {
    let mut sources = Sources::new();
    let store = run.case.evidence().map_err(restitch_pipeline::PipelineError::from)?;
    for meta in store.metas() {
        sources.entry(meta.id).or_default().insert(meta.source);
    }
    Ok(sources)
}

/// The names of the rows that some evidence saw.
pub(crate) fn names_seen(seen: &EvidenceOf) -> BTreeSet<RowName> {
    seen.keys().cloned().collect()
}

/// The record types with their tables.
pub(crate) fn tables(bound: &BTreeMap<String, String>) -> Vec<(RecordType, String)> {
    bound.iter().map(|(r, table)| (RecordType::new(r), table.clone())).collect()
}

fn seen(material: &Material<'_>, learned: &Knowledge) -> EvidenceOf {
    let tables = &learned.bindings.tables;
    let zones = restitch_learn::zones::Zones::of(material.views.values(), &learned.zone);
    let anchored = study::anchor(material, &zones, None, &|_| true);
    let mut seen = EvidenceOf::new();
    let key = |table: &str, row: usize| -> Option<RowKey> {
        let table = material.snapshot.table(table)?;
        Some(table.key(&table.rows[row]))
    };
    for (record_type, anchors) in &anchored.rows {
        let table = &material.views[record_type].table;
        for (item, anchor) in material.items.iter().zip(anchors) {
            if let Some(key) = anchor.and_then(|anchor| key(table, anchor.row)) {
                seen.entry((table.clone(), key)).or_default().push(item.evidence);
            }
        }
    }
    let lines = restitch_learn::told_lines(material, learned, &anchored.rows);
    for (table, rows) in lines {
        for (row, evidence) in rows {
            seen.extend(key(&table, row).map(|key| ((table.clone(), key), evidence)));
        }
    }
    let customers = tables.get(RecordType::CUSTOMER);
    let reservations = tables.get(RecordType::RESERVATION).and_then(|t| material.snapshot.table(t));
    if let (Some(customers), Some(reservations)) = (customers, reservations)
        && let Some(fk) = reservations.schema.foreign_keys.iter().find(|k| k.table == *customers)
        && let Some(p) = reservations.schema.position(&fk.column)
    {
        for row in &reservations.rows {
            let name = (reservations.schema.name.clone(), reservations.key(row));
            if let Some(evidence) = seen.get(&name).cloned() {
                seen.entry((customers.clone(), vec![row[p].clone()])).or_default().extend(evidence);
            }
        }
    }
    seen
}
