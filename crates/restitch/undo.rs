//! `restitch undo`: the last apply taken back.

use anyhow::Result;
use restitch_restore::undo_embedded;
use serde::Serialize;

use crate::Outcome;
use crate::apply::RESTORED;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
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
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let undone = undo_embedded(&run.case.path(RESTORED), run.now)?;
    let details = serde_json::json!({
        "apply_id": undone.apply_id, "removed": undone.removed,
        "restored": undone.restored, "kept": undone.kept.len(),
    });
    run.case.log(run.now, &run.actor, "undo", details)?;
    run.case.note_written(RESTORED)?;
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
