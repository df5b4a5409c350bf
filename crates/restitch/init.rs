//! `restitch init PIPELINE`: a case, and nothing else yet.

use anyhow::Result;
use serde::Serialize;

use crate::Outcome;
use crate::args::PipelineFile;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// The case that was made.
#[derive(Debug, Serialize)]
struct Begun {
    /// Its folder.
    case: String,
    /// What its pipeline is called.
    pipeline: String,
    /// The command that goes on.
    next: String,
}

/// Makes the case of a pipeline file.
pub fn run(args: &PipelineFile, work: &Work) -> Result<Outcome> {
    let run = work.begin(&args.pipeline)?;
    work.printer.show(&Begun {
        case: run.case.dir().display().to_string(),
        pipeline: run.file.pipeline.name.clone(),
        next: work.command(run.case.dir(), "pull"),
    });
    Ok(Outcome::Done)
}

impl Shown for Begun {
    fn text(&self, _: Style) -> String {
        format!("The case is {}\nNext: {}\n", self.case, self.next)
    }
}
