//! `restitch plan`: the exact changes proposed.

use anyhow::Result;
use restitch_pipeline::results::PlanMade;

use crate::Outcome;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// Proposes the changes.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let planned = run.plan(&run.snapshot()?)?;
    work.printer.show(&planned);
    let page = run.case.path("plan.html");
    work.printer.note(&format!("look at it in {}", page.display()));
    Ok(Outcome::Done)
}

impl Shown for PlanMade {
    fn text(&self, style: Style) -> String {
        let mut text = format!(
            "{}: {} rows to insert, {} to update, {} stand already\n",
            style.bold("Plan"),
            grouped(self.inserts),
            grouped(self.updates),
            grouped(self.unchanged)
        );
        for (table, (inserts, updates)) in &self.tables {
            text +=
                &format!("  {table}: insert {}, update {}\n", grouped(*inserts), grouped(*updates));
        }
        text += &format!(
            "  left out: {} held, {} conflicts for a reviewer\n",
            grouped(self.held),
            grouped(self.conflicts)
        );
        if self.refused > 0 {
            text += &format!(
                "  of those held, the database itself would refuse {}: plan.html says why\n",
                grouped(self.refused)
            );
        }
        if let Some(why) = &self.unrehearsed {
            text +=
                &format!("  the database was not asked whether it would take the rows: {why}\n");
        }
        text + &format!("  digest {}\n", self.digest)
    }
}
