//! `restitch undo`: the last apply taken back.

use anyhow::Result;
use restitch_restore::{Engine, Limits, Undone, last_apply, undo_embedded, undo_server};
use serde::Serialize;

use crate::Outcome;
use crate::approval::Wanted;
use crate::args::Signed;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::reconcile::copies;
use crate::work::Work;

/// What was taken back.
#[derive(Debug, Serialize)]
struct UndoMade {
    /// The apply that was undone.
    apply_id: String,
    /// Inserted rows taken out.
    removed: u64,
    /// Changed rows put back.
    restored: u64,
    /// Rows that stay as somebody left them since, each with why.
    kept: Vec<String>,
}

/// Takes the last apply back.
pub fn run(args: &Signed, work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let url = run.target_url()?;
    let (undone, copy): (Undone, _) = match Engine::of(&url)?.is_embedded() {
        true => {
            let (_, copy) = copies(&run)?;
            (undo_embedded(&run.case.path(copy), run.now)?, Some(copy))
        }
        false => {
            let approval = Wanted::undo(&last_apply(&url)?).obtain(&run, work, &args.signature)?;
            let approvals = run.file.pipeline.policy.approvals;
            (undo_server(&url, &approval, approvals, run.now, &Limits::default())?, None)
        }
    };
    let details = serde_json::json!({
        "apply_id": undone.apply_id, "removed": undone.removed,
        "restored": undone.restored, "kept": undone.kept.len(),
    });
    run.case.log(run.now, &run.actor, "undo", details)?;
    if let Some(copy) = copy {
        run.case.note_written(copy)?;
    }
    work.printer.show(&UndoMade {
        apply_id: undone.apply_id,
        removed: undone.removed,
        restored: undone.restored,
        kept: undone.kept,
    });
    Ok(Outcome::Done)
}

impl Shown for UndoMade {
    fn text(&self, style: Style) -> String {
        let mut text = format!(
            "{}: {} rows taken out, {} put back as they were ({})\n",
            style.bold("Undone"),
            grouped(self.removed),
            grouped(self.restored),
            self.apply_id
        );
        for kept in &self.kept {
            text += &format!("  left as it is: {kept}\n");
        }
        text
    }
}
