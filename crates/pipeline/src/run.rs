//! The steps of a recovery, each from case to case. Every step can be run again alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant as Clock;

use restitch_case::{Case, CaseError, SourceWriter};
use restitch_connect::{Connector, Item as Pulled, PullError, Sink};
use restitch_learn::{Damage, Item, Knowledge, Material, Pins, Rebuilt, Scope, Settings, study};
use restitch_model::{Candidate, Instant, Progress, RecordType, Remark, Snapshot, TimeWindow};

use crate::candidates_table::{FIELDS, RECORDS, from_tables, to_tables};
use crate::case_file::CaseFile;
use crate::damaged;
use crate::error::PipelineError;
use crate::file::{Pipeline, Policy};
use crate::reading::{self, Reader};
use crate::results::{Matched, PulledKind, Pulls};
use crate::reviewed;
use crate::rules;
use crate::sources::{connector, paths};
use crate::unproved;

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
        let keys = pipeline.case.keys(&folder)?;
        let case = Case::open_or_create(dir)?;
        case.use_keys(keys)?;
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
        case.use_keys(file.keys()?)?;
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
        let mut readers: BTreeMap<&str, Reader> = BTreeMap::new();
        for source in &self.file.pipeline.source {
            let connector = connector(source, &self.file.folder)?;
            readers.insert(&source.name, Reader::new(source, connector));
        }
        self.pull_from(&readers)
    }

    fn pull_from(&self, readers: &BTreeMap<&str, Reader>) -> Result<Pulls, PipelineError> {
        let mut pulls = Pulls::default();
        let mut failed = Vec::new();
        for source in &self.file.pipeline.source {
            let connector = &*readers[source.name.as_str()].connector;
            failed.extend(self.pull_source(&source.name, connector, &mut pulls)?);
        }
        // One source that fails is a gap; where nothing else is pulled either, it is a failure.
        if failed.len() == self.file.pipeline.source.len()
            && let Some(error) = failed.into_iter().next()
        {
            return Err(error);
        }
        match self.case.readable() {
            Ok(()) => self.read(readers, &mut pulls)?,
            Err(locked) => pulls.unread = Some(locked.to_string()),
        }
        Ok(pulls)
    }

    /// Pulls one source into the case. A source that breaks off keeps what it brought, and no
    /// other from being pulled: why it did so is a gap, and given. A case that cannot keep items
    /// is an error.
    fn pull_source(
        &self,
        name: &str,
        connector: &dyn Connector,
        pulls: &mut Pulls,
    ) -> Result<Option<PipelineError>, PipelineError> {
        let started = Clock::now();
        let mut sink = CaseSink::new(self.case.evidence_writer(name, self.now)?, self.window());
        let result = connector.pull(sink.window, &mut sink, self.progress);
        let failed = match result {
            Ok(()) => None,
            Err(source) => {
                let broke_off = !matches!(source, PullError::Sink(_));
                let error = PipelineError::Pull { name: name.to_owned(), source };
                if !broke_off {
                    return Err(error);
                }
                self.progress.end();
                let PipelineError::Pull { source, .. } = &error else { return Err(error) };
                sink.gap(Remark::new(format!("source {name}"), source.to_string()));
                Some(error)
            }
        };
        let pulled = sink.writer.finish()?;
        let seconds = started.elapsed().as_secs_f64();
        for (kind, tally) in &pulled.kinds {
            pulls.kinds.push(PulledKind {
                source: name.to_owned(),
                kind: kind.clone(),
                items: tally.items,
                new: tally.new,
                bytes: tally.bytes,
                seconds,
            });
        }
        pulls.remarks.extend(pulled.remarks);
        pulls.gaps.extend(pulled.gaps);
        let details = serde_json::json!({ "source": name, "kinds": pulled.kinds.len() });
        self.begin_log("pull", details)?;
        Ok(failed)
    }

    /// The time that evidence is pulled of: all of it where the incident is not told.
    fn window(&self) -> Option<TimeWindow> {
        let incident = &self.file.pipeline.incident;
        let (backup, days) = (incident.backup_at?, incident.overlap_days?);
        let start = backup.checked_sub(jiff::SignedDuration::from_hours(24 * days)).ok()?;
        Some(TimeWindow { start, end: Instant::MAX })
    }

    /// Reads what is new of the evidence into facts.
    fn read(
        &self,
        readers: &BTreeMap<&str, Reader>,
        pulls: &mut Pulls,
    ) -> Result<(), PipelineError> {
        let done = reading::read(&self.case, readers, self.progress)?;
        (pulls.facts, pulls.read) = (done.facts, done.items);
        pulls.remarks.extend(done.remarks);
        let remarks: String = pulls.remarks.iter().map(|r| format!("{r}\n")).collect();
        self.case.write(REMARKS, remarks)?;
        Ok(())
    }

    /// What the pipeline tells learning.
    pub fn settings(&self) -> Settings {
        let pipeline = &self.file.pipeline;
        let table = |(name, record): (&String, &crate::file::Record)| {
            Some((name.clone(), record.table.clone()?))
        };
        Settings {
            tables: pipeline.record.iter().filter_map(table).collect(),
            lists: pipeline.record.get(RecordType::RESERVATION).and_then(|r| r.lists.clone()),
            // With damage, all outside of it is true up to the moment of loss.
            backup_at: match pipeline.incident.damage.is_empty() {
                true => pipeline.incident.backup_at,
                false => pipeline.incident.lost_at,
            },
            lost_at: pipeline.incident.lost_at,
            damage: pipeline.incident.damage.clone(),
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
        let items = knowledge.counted(items);
        let parts = knowledge.templates.parts(items, &knowledge.key_shapes);
        let views = study::views(snapshot, &knowledge.bindings);
        let material = Material::known(snapshot, &views, items, &parts, &knowledge);
        let pins = reviewed::pins(&self.case.decisions()?);
        let Pipeline { incident, policy, .. } = &self.file.pipeline;
        let rebuilt = rebuild_with(&material, &knowledge, &incident.damage, policy, &pins)?;
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

/// Rebuilds what was lost between backup and loss, or by the damage where there is some: what the
/// match step and drills both run.
pub fn rebuild_with(
    material: &Material<'_>,
    knowledge: &Knowledge,
    damage: &Damage,
    policy: &Policy,
    pins: &BTreeMap<String, Pins>,
) -> Result<Rebuilt, PipelineError> {
    let mut rebuilt = if damage.is_empty() {
        let window = knowledge.window();
        let scope = Scope { window, as_of: window.end, accept_at: policy.accept_at };
        restitch_learn::rebuild_pinned(material, knowledge, scope, pins)?
    } else {
        damaged::rebuild(material, knowledge, damage, policy.accept_at, pins)?
    };
    unproved::doubt(&mut rebuilt.candidates, material.items, policy);
    Ok(rebuilt)
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
            .put(&item.kind, &item.native_id, &item.container, item.at, item.bytes)
            .map_err(|e| PullError::Sink(e.to_string()))
    }

    fn remark(&mut self, remark: Remark) {
        self.writer.remark(remark);
    }

    fn gap(&mut self, gap: Remark) {
        self.writer.gap(gap);
    }

    fn checkpoint(&self) -> Option<String> {
        self.writer.checkpoint().ok().flatten()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError> {
        self.writer.set_checkpoint(cursor).map_err(|e| PullError::Sink(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use restitch_connect::Reading;
    use restitch_model::{Evidence, Silent};

    use super::*;

    /// Gives one item, and then breaks off or not.
    struct Source(fn() -> Result<(), PullError>);

    impl Connector for Source {
        fn kinds(&self) -> &'static [&'static str] {
            &["text"]
        }

        fn pull(
            &self,
            _: Option<TimeWindow>,
            sink: &mut dyn Sink,
            _: &dyn Progress,
        ) -> Result<(), PullError> {
            sink.put(Pulled {
                kind: "text".to_owned(),
                native_id: "1".to_owned(),
                container: String::new(),
                at: None,
                bytes: b"one".to_vec(),
            })?;
            (self.0)()
        }

        fn read(&self, _: &Evidence) -> Reading {
            Reading::default()
        }
    }

    fn breaks_off() -> Result<(), PullError> {
        Err(PullError::Settings("the server has gone".to_owned()))
    }

    /// Pulls two sources into a new case.
    fn pulled(
        one: Source,
        other: Source,
    ) -> (tempfile::TempDir, Case, Result<Pulls, PipelineError>) {
        let dir = tempfile::tempdir().unwrap();
        let text = "[target]\nurl = \"sqlite:a\"\n\
                    [[source]]\nname = \"one\"\ntype = \"mail\"\npath = \".\"\n\
                    [[source]]\nname = \"other\"\ntype = \"mail\"\npath = \".\"";
        let pipeline = Pipeline::parse(text, "incident.toml").unwrap();
        let sources = pipeline.source.clone();
        let folder = dir.path().to_owned();
        let case = dir.path().join("case");
        let run = Run::begin(&case, pipeline, folder, &Silent, Instant::UNIX_EPOCH, "ana").unwrap();
        let readers = BTreeMap::from([
            ("one", Reader::new(&sources[0], Box::new(one))),
            ("other", Reader::new(&sources[1], Box::new(other))),
        ]);
        let pulls = run.pull_from(&readers);
        (dir, run.case.clone(), pulls)
    }

    #[test]
    fn a_source_that_breaks_off_keeps_what_it_brought_and_no_other_from_being_pulled() {
        let (_dir, case, pulls) = pulled(Source(breaks_off), Source(|| Ok(())));
        let pulls = pulls.unwrap();
        let items: Vec<_> = pulls.kinds.iter().map(|k| (k.source.as_str(), k.new)).collect();
        assert_eq!(items, [("one", 1), ("other", 1)]);
        assert_eq!(pulls.gaps, [Remark::new("source one", "the server has gone")]);
        let log = std::fs::read_to_string(case.path("log.jsonl")).unwrap();
        assert!(log.contains("the server has gone"), "{log}");
        assert_eq!(case.evidence().unwrap().len(), 2);
    }

    #[test]
    fn where_no_source_can_be_pulled_the_pull_fails() {
        let error = pulled(Source(breaks_off), Source(breaks_off)).2.unwrap_err().to_string();
        assert_eq!(error, "source one: the server has gone");
    }

    #[test]
    fn a_case_that_cannot_keep_items_ends_the_pull() {
        let full = || Err(PullError::Sink("the disk is full".to_owned()));
        assert!(pulled(Source(full), Source(|| Ok(()))).2.is_err());
    }
}
