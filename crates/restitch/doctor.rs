//! `restitch doctor`: what to know of the restored database before anything is written.

use anyhow::Result;
use restitch_pipeline::PipelineError;
use restitch_restore::{Finding, Level, doctor};
use serde::Serialize;

use crate::Outcome;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// What was found.
#[derive(Debug, Serialize)]
struct Examined {
    /// The findings, those to act upon first.
    findings: Vec<Finding>,
}

/// Looks the database over.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.look()?;
    let candidates = match run.candidates() {
        Err(PipelineError::Earlier { .. }) => Vec::new(),
        candidates => candidates?,
    };
    work.printer.show(&Examined { findings: doctor(&run.snapshot()?, &candidates) });
    Ok(Outcome::Done)
}

impl Shown for Examined {
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let level = match finding.level {
                Level::Act => style.bold("act "),
                Level::Note => "note".to_owned(),
            };
            text += &format!("{level}  {}: {}\n", finding.table, finding.text);
            if let Some(statement) = &finding.statement {
                text += &format!("      {statement}\n");
            }
        }
        text
    }
}
