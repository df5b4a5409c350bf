//! The steps of a recovery, each from case to case. Every step can be run again alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant as Clock;

use restitch_case::{Case, CaseError, SourceWriter};
use restitch_connect::{Connector, Item as Pulled, PullError, Sink};
use restitch_learn::{Item, Knowledge, Material, Pins, Rebuilt, Scope, Settings};
use restitch_model::{Candidate, EvidenceMeta, Instant, Progress, Remark, Snapshot, TimeWindow};

use crate::candidates_table::{FIELDS, RECORDS, from_tables, to_tables};
use crate::case_file::CaseFile;
use crate::error::PipelineError;
use crate::facts_table::{self, FACTS};
use crate::file::Pipeline;
use crate::results::{Matched, PulledKind, Pulls};
use crate::reviewed;
use crate::rules;
use crate::sources::{connector, paths};

pub use crate::learning::learn_from;

/// The changes proposed.
pub const PLAN: &str = "plan.json";
/// What the match step counted, for later summaries.
pub const MATCHED: &str = "candidates/summary.json";
/// What the pull step noticed.
pub const REMARKS: &str = "facts/remarks.txt";

/// A case with all that a step needs: its settings, the time, and who is at work.
pub struct Run<'r> {
    /// The case.
    pub case: Case,
    /// Its settings.
    pub file: CaseFile,
    /// Where progress is reported.
    pub progress: &'r dyn Progress,
    /// The present, for logs and the times of fetching; results do not depend on it.
    pub now: Instant,
    /// Who is at work.
    pub actor: String,
}

impl<'r> Run<'r> {
    /// Begins a case, or goes on with it, with the pipeline as it is now.
    pub fn begin(
        dir: &Path,
        pipeline: Pipeline,
        folder: PathBuf,
        progress: &'r dyn Progress,
        now: Instant,
        actor: &str,
    ) -> Result<Self, PipelineError> {
        for source in &pipeline.source {
            paths(source, &folder)?;
        }
        let case = Case::open_or_create(dir)?;
        // Rules that nobody can read are not to be found out about after an hour of pulling.
        rules::read(&case)?;
        let file = CaseFile { folder, pipeline };
        let run = Self { case, file, progress, now, actor: actor.to_owned() };
        run.begin_log("begin", serde_json::json!({ "pipeline": run.file.pipeline.name }))?;
        run.file.write(&run.case)?;
        Ok(run)
    }

    /// Opens a case that is there, to work on it.
    pub fn open(
        dir: &Path,
        progress: &'r dyn Progress,
        now: Instant,
        actor: &str,
    ) -> Result<Self, PipelineError> {
        Self::of(Case::open(dir)?, progress, now, actor)
    }

    /// Opens a case that is there to look at it, even while another run works on it. Steps that
    /// write fail.
    pub fn look(
        dir: &Path,
        progress: &'r dyn Progress,
        now: Instant,
        actor: &str,
    ) -> Result<Self, PipelineError> {
        Self::of(Case::open_read_only(dir)?, progress, now, actor)
    }

    fn of(
        case: Case,
        progress: &'r dyn Progress,
        now: Instant,
        actor: &str,
    ) -> Result<Self, PipelineError> {
        let file = CaseFile::read(&case)?;
        Ok(Self { case, file, progress, now, actor: actor.to_owned() })
    }

    pub(crate) fn begin_log(
        &self,
        action: &str,
        details: serde_json::Value,
    ) -> Result<(), CaseError> {
        self.case.log(self.now, &self.actor, action, details)
    }

    /// The restored database's address.
    pub fn target_url(&self) -> Result<String, PipelineError> {
        self.file.pipeline.target_url(&self.file.folder)
    }

    /// The restored database as it is now.
    pub fn snapshot(&self) -> Result<Snapshot, PipelineError> {
        self.progress.begin("reading the restored database", "tables", None);
        let snapshot = restitch_restore::snapshot(&self.target_url()?)?;
        self.progress.end();
        Ok(snapshot)
    }

    /// Pulls all sources into the case, and reads what came.
    pub fn pull(&self) -> Result<Pulls, PipelineError> {
        let mut pulls = Pulls::default();
        let mut readers: BTreeMap<&str, Box<dyn Connector>> = BTreeMap::new();
        for source in &self.file.pipeline.source {
            readers.insert(&source.name, connector(source, &self.file.folder)?);
        }
        for source in &self.file.pipeline.source {
            let started = Clock::now();
            let store = self.case.evidence()?;
            let mut sink = CaseSink::new(store.writer(&source.name, self.now)?, self.window());
            let fail = |error| PipelineError::Pull { name: source.name.clone(), source: error };
            let result = readers[source.name.as_str()].pull(sink.window, &mut sink, self.progress);
            let pulled = sink.writer.finish()?;
            result.map_err(fail)?;
            let seconds = started.elapsed().as_secs_f64();
            for (kind, tally) in &pulled.kinds {
                pulls.kinds.push(PulledKind {
                    source: source.name.clone(),
                    kind: kind.clone(),
                    items: tally.items,
                    new: tally.new,
                    bytes: tally.bytes,
                    seconds,
                });
            }
            pulls.remarks.extend(pulled.remarks);
            self.begin_log(
                "pull",
                serde_json::json!({ "source": source.name, "kinds": pulled.kinds.len() }),
            )?;
        }
        self.read(&readers, &mut pulls)?;
        Ok(pulls)
    }

    /// The time that evidence is pulled of: all of it where the incident is not told.
    fn window(&self) -> Option<TimeWindow> {
        let incident = &self.file.pipeline.incident;
        let (backup, days) = (incident.backup_at?, incident.overlap_days?);
        let start = backup.checked_sub(jiff::SignedDuration::from_hours(24 * days)).ok()?;
        Some(TimeWindow { start, end: Instant::MAX })
    }

    /// Reads all evidence into facts.
    fn read(
        &self,
        readers: &BTreeMap<&str, Box<dyn Connector>>,
        pulls: &mut Pulls,
    ) -> Result<(), PipelineError> {
        let store = self.case.evidence()?;
        self.progress.begin("reading evidence", "items", Some(store.metas().len() as u64));
        let read = store.map(|evidence| {
            let reading = readers
                .get(evidence.meta.source.as_str())
                .map(|r| r.read(&evidence))
                .unwrap_or_default();
            self.progress.advance(1);
            (evidence.meta.id, reading)
        })?;
        self.progress.end();
        let mut seen = BTreeSet::new();
        let mut facts = Vec::new();
        for (id, reading) in read {
            if seen.insert(id) {
                pulls.remarks.extend(reading.remarks);
                facts.push((id, reading.facts));
            }
        }
        self.case.write_table(FACTS, &facts_table::to_table(&facts))?;
        let remarks: String = pulls.remarks.iter().map(|r| format!("{r}\n")).collect();
        self.case.write(REMARKS, remarks)?;
        pulls.facts = facts.iter().map(|(_, f)| f.len() as u64).sum();
        Ok(())
    }

    /// The evidence as learning sees it.
    pub fn items(&self) -> Result<Vec<Item>, PipelineError> {
        if !self.case.has(FACTS) {
            return Err(PipelineError::Earlier { missing: "the facts are", command: "pull" });
        }
        let mut facts = facts_table::from_table(&self.case.read_table(FACTS)?)?;
        let store = self.case.evidence()?;
        let metas: Vec<EvidenceMeta> = store.metas().to_vec();
        let item = |meta| Some(Item::new(meta, facts.remove(&meta.id)?));
        let mut items: Vec<Item> = metas.iter().filter_map(item).collect();
        items.sort_by_key(|item| (item.at, item.evidence));
        Ok(items)
    }

    /// What the pipeline tells learning.
    pub fn settings(&self) -> Settings {
        let pipeline = &self.file.pipeline;
        let table = |(name, record): (&String, &crate::file::Record)| {
            Some((name.clone(), record.table.clone()?))
        };
        Settings {
            tables: pipeline.record.iter().filter_map(table).collect(),
            backup_at: pipeline.incident.backup_at,
            lost_at: pipeline.incident.lost_at,
            overlap_days: pipeline.incident.overlap_days,
            zone: pipeline.source.iter().find_map(|s| s.timezone.clone()),
            accept_at: pipeline.policy.accept_at,
            // Those that a person pinned come out of the case: see [`rules::pinned`].
            rules: pipeline.rules(),
            templates: Vec::new(),
            confirmed: Vec::new(),
        }
    }

    /// The rules as `rules.toml` has them now.
    pub fn knowledge(&self) -> Result<Knowledge, PipelineError> {
        let earlier = PipelineError::Earlier { missing: "rules.toml is", command: "learn" };
        rules::read(&self.case)?.ok_or(earlier)
    }

    /// Rebuilds records from the evidence by the rules, and writes them.
    pub fn match_records(
        &self,
        snapshot: &Snapshot,
        items: &[Item],
    ) -> Result<Matched, PipelineError> {
        let knowledge = self.knowledge()?;
        rules::check(&self.case, &knowledge, snapshot)?;
        self.progress.begin("rebuilding records", "items", None);
        let parts = knowledge.templates.parts(items, &knowledge.key_shapes);
        let material = Material {
            snapshot,
            items,
            parts: &parts,
            book: &knowledge.templates,
            shapes: &knowledge.key_shapes,
            bindings: &knowledge.bindings,
        };
        let pins = reviewed::pins(&self.case.decisions()?);
        let accept_at = self.file.pipeline.policy.accept_at;
        let rebuilt = rebuild_with(&material, &knowledge, accept_at, &pins)?;
        self.progress.end();
        let (records, fields) = to_tables(&rebuilt.candidates);
        self.case.write_table(RECORDS, &records)?;
        self.case.write_table(FIELDS, &fields)?;
        let matched = Matched::of(&rebuilt, &knowledge);
        let json = serde_json::to_string_pretty(&matched).expect("counts are plain data");
        self.case.write(MATCHED, json + "\n")?;
        self.begin_log("match", serde_json::json!({ "candidates": rebuilt.candidates.len() }))?;
        Ok(matched)
    }

    /// The candidates that the match step wrote.
    pub fn candidates(&self) -> Result<Vec<Candidate>, PipelineError> {
        if !self.case.has(RECORDS) {
            return Err(PipelineError::Earlier { missing: "the candidates are", command: "match" });
        }
        from_tables(&self.case.read_table(RECORDS)?, &self.case.read_table(FIELDS)?)
    }

    /// What the match step counted.
    pub fn matched(&self) -> Result<Matched, PipelineError> {
        let text = self.case.read_text(MATCHED)?;
        serde_json::from_str(&text).map_err(|e| PipelineError::Table {
            table: MATCHED.to_owned(),
            problem: e.to_string(),
            command: "match",
        })
    }
}

/// Rebuilds what was lost between backup and loss: what the match step and drills both run.
pub fn rebuild_with(
    material: &Material<'_>,
    knowledge: &Knowledge,
    accept_at: f64,
    pins: &Pins,
) -> Result<Rebuilt, PipelineError> {
    let window = knowledge.window();
    let scope = Scope { window, as_of: window.end, accept_at };
    Ok(restitch_learn::rebuild_pinned(material, knowledge, scope, pins)?)
}

/// Where a connector's items go: the case.
struct CaseSink {
    writer: SourceWriter,
    window: Option<TimeWindow>,
}

impl CaseSink {
    fn new(writer: SourceWriter, window: Option<TimeWindow>) -> Self {
        Self { writer, window }
    }
}

impl Sink for CaseSink {
    fn put(&mut self, item: Pulled) -> Result<bool, PullError> {
        self.writer
            .put(&item.kind, &item.native_id, &item.container, item.at, &item.bytes)
            .map_err(|e| PullError::Sink(e.to_string()))
    }

    fn remark(&mut self, remark: Remark) {
        self.writer.remark(remark);
    }

    fn checkpoint(&self) -> Option<String> {
        self.writer.checkpoint().ok().flatten()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError> {
        self.writer.set_checkpoint(cursor).map_err(|e| PullError::Sink(e.to_string()))
    }
}
