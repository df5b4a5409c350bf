//! `restitch match`: records out of evidence and rules.

use anyhow::Result;
use restitch_pipeline::results::{Matched, MatchedType};

use crate::Outcome;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::summary::{lost, unread};
use crate::work::Work;

/// Rebuilds the records.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let snapshot = run.snapshot()?;
    let matched = run.match_records(&snapshot, &run.evidence(&snapshot)?.items)?;
    work.printer.show(&matched);
    Ok(Outcome::Done)
}

impl Shown for Matched {
    fn text(&self, style: Style) -> String {
        let types: String =
            self.types.iter().map(|(name, of)| type_text(name, of, style)).collect();
        types + &unread(&self.unread)
    }
}

fn type_text(name: &str, of: &MatchedType, style: Style) -> String {
    let mut text = format!("{}\n", style.bold(name));
    if let Some(estimate) = &of.lost_estimate {
        text += &format!("  lost: {}\n", lost(estimate));
    }
    text += &format!(
        "  {} rebuilt: {} accepted, {} to review, {} rejected; {} surviving rows have news\n",
        grouped(of.candidates),
        grouped(of.accepted),
        grouped(of.to_review),
        grouped(of.rejected),
        grouped(of.changed)
    );
    if let (Some(precision), Some(recall)) = (&of.precision_measured, &of.recall_measured) {
        text += &format!("  expected to be true: {precision}; expected back: {recall}\n");
    }
    text
}
