//! `restitch apply`: the saved plan, written whole or not at all.

use anyhow::Result;
use restitch_model::Remark;
use restitch_pipeline::file::TriggerPolicy;
use restitch_pipeline::{PipelineError, Run};
use restitch_restore::{ApplyOptions, Triggers, apply_embedded};
use serde::Serialize;

use crate::Outcome;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// The merged copy of an embedded database.
pub const RESTORED: &str = "restored.sqlite";

/// What was applied.
#[derive(Debug, Clone, Serialize)]
pub struct ApplyMade {
    /// The name of this apply.
    pub apply_id: String,
    /// Rows put back.
    pub inserted: u64,
    /// Surviving rows changed.
    pub updated: u64,
    /// The same plan stood applied before, and nothing was written now.
    pub already: bool,
    /// The merged copy.
    pub restored: String,
    /// Columns that triggers wrote over.
    pub remarks: Vec<Remark>,
}

/// Applies the saved plan.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let applied = embedded(&run)?;
    work.printer.remarks(&applied.remarks, "the result of --json");
    work.printer.show(&applied);
    Ok(Outcome::Done)
}

/// Applies the saved plan to a copy of an embedded database.
pub fn embedded(run: &Run<'_>) -> Result<ApplyMade, PipelineError> {
    let plan = run.saved_plan()?;
    let output = run.case.path(RESTORED);
    let triggers = match run.file.pipeline.policy.triggers {
        TriggerPolicy::Suppress => Triggers::Suppress,
        TriggerPolicy::Fire => Triggers::Fire,
    };
    let options = ApplyOptions { triggers, provenance: true, at: run.now };
    run.progress.begin("writing the merged copy", "rows", None);
    let applied = apply_embedded(&plan, &run.target_url()?, &output, &options);
    run.progress.end();
    let applied = applied?;
    // What somebody may have written to the copy since is not to be vouched for.
    if !applied.already {
        let details = serde_json::json!({
            "apply_id": applied.apply_id, "plan": plan.digest(),
            "inserted": applied.inserted, "updated": applied.updated,
        });
        run.case.log(run.now, &run.actor, "apply", details)?;
        run.case.note_written(RESTORED)?;
    }
    Ok(ApplyMade {
        apply_id: applied.apply_id,
        inserted: applied.inserted,
        updated: applied.updated,
        already: applied.already,
        restored: output.display().to_string(),
        remarks: applied.remarks,
    })
}

impl Shown for ApplyMade {
    fn text(&self, style: Style) -> String {
        let did = if self.already { "Applied before, nothing written now" } else { "Applied" };
        format!(
            "{}: {} rows inserted, {} updated ({})\n  {}\n",
            style.bold(did),
            grouped(self.inserted),
            grouped(self.updated),
            self.apply_id,
            self.restored
        )
    }
}
