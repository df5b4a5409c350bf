//! `restitch apply`: the saved plan, written whole or not at all.

use std::path::PathBuf;

use anyhow::Result;
use restitch_model::Remark;
use restitch_pipeline::{PipelineError, Run};
use restitch_restore::{
    Account, Applied, AppliedWave, ApplyOptions, Engine, Plan, apply_embedded, apply_server,
};
use serde::Serialize;

use crate::Outcome;
use crate::approval::Wanted;
use crate::args::Signed;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::reconcile::copies;
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
    /// Rows planned and held: what was inserted, updated, held and refused, together.
    pub planned: u64,
    /// Rows that wait for a reviewer, or cannot be written.
    pub held: u64,
    /// Rows that the database was found to refuse, and that wait for a reviewer too.
    pub refused: u64,
    /// The parts of a plan that is cut by tenant, each an apply of its own.
    pub waves: Vec<AppliedWave>,
    /// The merged copy, or the name of the server's database.
    pub restored: String,
    /// Columns that triggers wrote over, and counters that a person must move.
    pub remarks: Vec<Remark>,
}

/// Applies the saved plan.
pub fn run(args: &Signed, work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let applied = match Engine::of(&run.target_url()?)?.is_embedded() {
        true => embedded(&run)?,
        false => to_server(&run, work, &args.signature)?,
    };
    work.printer.remarks(&applied.remarks, "the result of --json");
    work.printer.show(&applied);
    Ok(Outcome::Done)
}

/// Applies the saved plan to a copy of an embedded database.
pub fn embedded(run: &Run<'_>) -> Result<ApplyMade, PipelineError> {
    let plan = run.saved_plan()?;
    let (source, name) = copies(run)?;
    let output = run.case.path(name);
    let options = ApplyOptions { triggers: run.triggers(), provenance: true, at: run.now };
    run.progress.begin("writing the merged copy", "rows", None);
    let applied = apply_embedded(&plan, &source, &output, &options);
    run.progress.end();
    let applied = applied?;
    // What somebody may have written to the copy since is not to be vouched for.
    if !applied.already {
        log(run, &plan, &applied)?;
        run.case.note_written(name)?;
    }
    Ok(ApplyMade::of(applied, output.display().to_string()))
}

/// Applies the saved plan to a server's database, where a person wants it.
fn to_server(run: &Run<'_>, work: &Work, signatures: &[PathBuf]) -> Result<ApplyMade> {
    let plan = run.saved_plan()?;
    let approval = Wanted::apply(&plan).obtain(run, work, signatures)?;
    let options = run.server_apply(run.backup_url()?);
    run.progress.begin("writing the plan", "rows", None);
    let applied = apply_server(&plan, &run.target_url()?, &approval, &options);
    run.progress.end();
    let applied = applied?;
    if !applied.already {
        log(run, &plan, &applied)?;
    }
    Ok(ApplyMade::of(applied, plan.database().to_owned()))
}

fn log(run: &Run<'_>, plan: &Plan, applied: &Applied) -> Result<(), PipelineError> {
    let details = serde_json::json!({
        "apply_id": applied.apply_id, "plan": plan.digest(),
        "inserted": applied.inserted, "updated": applied.updated,
    });
    Ok(run.case.log(run.now, &run.actor, "apply", details)?)
}

impl ApplyMade {
    fn of(applied: Applied, restored: String) -> Self {
        let Applied { apply_id, inserted, updated, already, account, waves, remarks } = applied;
        let Account { planned, held, refused } = account;
        Self {
            apply_id,
            inserted,
            updated,
            already,
            planned,
            held,
            refused,
            waves,
            restored,
            remarks,
        }
    }
}

impl Shown for ApplyMade {
    fn text(&self, style: Style) -> String {
        let did = if self.already { "Applied before, nothing written now" } else { "Applied" };
        let wave = |wave: &AppliedWave| {
            let (inserted, updated) = (grouped(wave.inserted), grouped(wave.updated));
            let tenants = wave.tenants.as_deref().unwrap_or_default();
            format!("  {tenants}: {inserted} inserted, {updated} updated ({})\n", wave.apply_id)
        };
        let waves: String = self.waves.iter().map(wave).collect();
        let left = match self.held + self.refused {
            0 => String::new(),
            left => format!(
                "\n  left out of {} rows planned: {}, of which the database would refuse {}",
                grouped(self.planned),
                grouped(left),
                grouped(self.refused)
            ),
        };
        format!(
            "{}: {} rows inserted, {} updated ({})\n{waves}  {}{left}\n",
            style.bold(did),
            grouped(self.inserted),
            grouped(self.updated),
            self.apply_id,
            self.restored
        )
    }
}
