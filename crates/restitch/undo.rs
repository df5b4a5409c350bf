//! `restitch undo`: an apply taken back, the last one where none is named.

use anyhow::Result;
use restitch_restore::{Engine, ServerUndo, Undone, last_apply, undo_embedded, undo_server};
use serde::Serialize;

use crate::Outcome;
use crate::approval::Wanted;
use crate::args::Undo;
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

/// Takes an apply back.
pub fn run(args: &Undo, work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let url = run.target_url()?;
    let named = args.apply.as_deref();
    let (undone, copy): (Undone, _) = match Engine::of(&url)?.is_embedded() {
        true => {
            let (_, copy) = copies(&run)?;
            (undo_embedded(&run.case.path(copy), named, run.now)?, Some(copy))
        }
        false => {
            let wanted = Wanted::undo(&last_apply(&url, named)?);
            let approval = wanted.obtain(&run, work, &args.signed.signature)?;
            let options = ServerUndo { apply_id: args.apply.clone(), ..run.server_undo() };
            (undo_server(&url, &approval, &options)?, None)
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
