//! `restitch verify`: whether the case still is what was written.

use anyhow::Result;
use restitch_case::Case;
use restitch_pipeline::CaseFile;
use serde::Serialize;

use crate::Outcome;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// What was found.
#[derive(Debug, Serialize)]
struct Verified {
    /// Whether nothing is wrong.
    ok: bool,
    /// How many items of evidence there are.
    evidence_items: u64,
    /// What is not as it was written.
    problems: Vec<String>,
    /// What is as it may be, and good to know.
    notes: Vec<String>,
}

/// Checks the case.
pub fn run(work: &Work) -> Result<Outcome> {
    let case = Case::open_read_only(work.dir())?;
    // Settings that cannot be read are for the commands to refuse that need them; here they only
    // mean that what is sealed stays so.
    if let Ok(keys) = CaseFile::read(&case).and_then(|file| file.keys()) {
        case.use_keys(keys)?;
    }
    let found = case.verify_with(&*work.progress);
    let verified = Verified {
        ok: found.problems.is_empty(),
        evidence_items: found.evidence_items,
        problems: found.problems,
        notes: found.notes,
    };
    work.printer.show(&verified);
    Ok(if verified.ok { Outcome::Done } else { Outcome::Bad })
}

impl Shown for Verified {
    fn text(&self, style: Style) -> String {
        let mut text = match self.problems.len() {
            0 => format!("{}: all is as it was written", style.bold("Good")),
            1 => format!("{}: one thing is not as it was written", style.red("Damaged")),
            n => format!("{}: {n} things are not as they were written", style.red("Damaged")),
        };
        text += &format!(", {} items of evidence\n", grouped(self.evidence_items));
        let list = |word: &str, lines: &[String]| -> String {
            lines.iter().map(|line| format!("  {word}: {line}\n")).collect()
        };
        text + &list("problem", &self.problems) + &list("note", &self.notes)
    }
}
