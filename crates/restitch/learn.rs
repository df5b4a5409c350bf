//! `restitch learn`: rules from the overlap.

use anyhow::Result;
use restitch_pipeline::results::Learned;

use crate::Outcome;
use crate::printer::{Shown, Style};
use crate::summary::previous;
use crate::work::Work;

/// Learns the rules.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let items = run.items()?;
    let learned = run.learn(&run.snapshot()?, &items)?;
    work.printer.show(&learned);
    Ok(Outcome::Done)
}

impl Shown for Learned {
    fn text(&self, style: Style) -> String {
        let mut text = format!(
            "{}\n  after {}, before {}\n",
            style.bold("Rows were lost"),
            self.backup_at,
            self.lost_at
        );
        text += &format!("{}\n", style.bold("Tables"));
        for reason in &self.bindings {
            text += &format!("  {reason}\n");
        }
        text += &format!("{}\n", style.bold("Learned"));
        text += &format!("  {} templates\n", self.templates);
        for (record_type, rules) in &self.rules {
            text += &format!("  {rules} rules for {record_type}\n");
        }
        text += &format!("{}\n", style.bold("Measured on rows held back"));
        for (record_type, measured) in &self.measured {
            text += &format!(
                "  {record_type}: came back {}; true of what would be written {}\n",
                measured.recall, measured.precision
            );
        }
        if let Some(file) = &self.previous_rules {
            text += &format!("{}\n", previous(file));
        }
        text
    }
}
