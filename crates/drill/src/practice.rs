//! A drill on a generated world, from its making to its score.

use std::path::Path;

use restitch_model::{Instant, Progress};
use restitch_pipeline::{Pipeline, PipelineError, Run};
use restitch_restore::{ApplyOptions, apply_embedded};
use restitch_worlds::{WorldOptions, write_world};

use crate::error::DrillError;
use crate::laps::Laps;
use crate::report::DrillReport;
use crate::truth::score_world;

/// The pipeline file of each kind of world, as an operator would write it.
const PIPELINES: [(&str, &str); 3] = [
    ("appointments", include_str!("../../../pipelines/appointments.toml")),
    ("car-rental", include_str!("../../../pipelines/car-rental.toml")),
    ("lodging", include_str!("../../../pipelines/lodging.toml")),
];

/// Which world is made.
#[derive(Debug, Clone)]
pub struct World {
    /// Its kind.
    pub kind: String,
    /// What it is made from: the same seed gives the same bytes.
    pub seed: u64,
    /// How large it is, and how much goes wrong in it.
    pub options: WorldOptions,
}

/// Who is at work, when, and who is told of it.
pub struct Worker<'w> {
    /// Where progress is reported.
    pub progress: &'w dyn Progress,
    /// The present, for logs.
    pub now: Instant,
    /// Who is at work.
    pub actor: &'w str,
}

/// Another drill on the case of a recovery.
pub type Then<'t> = &'t dyn Fn(&Run<'_>) -> Result<DrillReport, DrillError>;

/// Makes a world in a scratch folder, recovers it step by step as `restitch recover` does, and
/// holds the merged copy against the truth. With `then`, another drill follows on the case of that
/// recovery, and its report is the one given. The scratch is gone afterwards.
pub fn practise(
    world: &World,
    worker: &Worker<'_>,
    then: Option<Then<'_>>,
) -> Result<DrillReport, DrillError> {
    let mut laps = Laps::begin();
    let scratch = tempfile::Builder::new().prefix("restitch-drill-").tempdir();
    let scratch = scratch.map_err(DrillError::write(&std::env::temp_dir()))?;
    let folder = scratch.path().join("pipelines");
    let made = scratch.path().join("samples").join(&world.kind);
    worker.progress.begin("making a world", "rows", None);
    let written = write_world(&world.kind, world.seed, &world.options, &made);
    worker.progress.end();
    written?;
    laps.end("make");
    let run = begin(&world.kind, &scratch.path().join("case"), &folder, worker)?;
    run.pull()?;
    laps.end("pull");
    let snapshot = run.snapshot()?;
    let evidence = run.evidence(&snapshot)?;
    laps.end("read");
    run.learn(&snapshot, &evidence)?;
    laps.end("learn");
    run.match_records(&snapshot, &evidence.items)?;
    drop(evidence);
    laps.end("match");
    run.plan(&snapshot)?;
    laps.end("plan");
    let options = ApplyOptions { triggers: run.triggers(), provenance: true, at: run.now };
    let restored = run.case.path("restored.sqlite");
    apply_embedded(&run.saved_plan()?, &run.target_url()?, &restored, &options)?;
    laps.end("apply");
    if let Some(then) = then {
        return then(&run);
    }
    let mut report = score_world(&run, &made.join("truth"))?;
    report.seconds.extend(laps.seconds());
    Ok(report)
}

/// Begins the case of a world. Its pipeline file names `../samples/KIND`, which is where it lies.
fn begin<'w>(
    kind: &str,
    case: &Path,
    folder: &Path,
    worker: &Worker<'w>,
) -> Result<Run<'w>, DrillError> {
    std::fs::create_dir_all(folder).map_err(DrillError::write(folder))?;
    let text = PIPELINES.iter().find(|(name, _)| *name == kind).map(|(_, text)| *text);
    let text = text.ok_or_else(|| DrillError::NoPipeline { kind: kind.to_owned() })?;
    let pipeline = Pipeline::parse(text, &format!("pipelines/{kind}.toml"))?;
    let (progress, now) = (worker.progress, worker.now);
    let run = Run::begin(case, pipeline, folder.to_owned(), progress, now, worker.actor);
    run.map_err(|error: PipelineError| error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_world_has_a_pipeline() {
        let named: Vec<&str> = PIPELINES.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(named, restitch_worlds::kinds().collect::<Vec<_>>());
    }
}
