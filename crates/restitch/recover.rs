//! `restitch recover PIPELINE`: all steps up to the plan, and for an embedded database the
//! merged copy.

use std::time::Instant as Clock;

use anyhow::Result;
use restitch_restore::{CLOCKS, Engine, Level, examine};

use crate::Outcome;
use crate::args::PipelineFile;
use crate::summary::Recovered;
use crate::work::Work;
use crate::{apply, pull};

/// Does a recovery, or goes on with one.
pub fn run(args: &PipelineFile, work: &Work) -> Result<Outcome> {
    let clock = Clock::now();
    let run = work.begin(&args.pipeline)?;
    run.case.readable()?;
    pull::open_parts(&run, work);
    for clock in CLOCKS {
        work.printer.note(&format!("at once: {clock}"));
    }
    let pulled = run.pull()?;
    pull::remarks(&run, &pulled, work);
    let snapshot = run.snapshot()?;
    let evidence = run.evidence(&snapshot)?;
    let learned = run.learn(&snapshot, &evidence)?;
    let matched = run.match_records(&snapshot, &evidence.items)?;
    drop(evidence);
    let findings = examine(&run.target_url()?, &run.candidates()?)?;
    for finding in findings.iter().filter(|finding| finding.level == Level::Act) {
        work.printer.note(&format!("act: {}: {}", finding.table, finding.text));
        if let Some(statement) = &finding.statement {
            work.printer.note(&format!("     {statement}"));
        }
    }
    let planned = run.plan(&snapshot)?;
    // What was found is worth showing even where a guard keeps the copy from being written.
    let applied = match Engine::of(&run.target_url()?)?.is_embedded() {
        true => Some(apply::embedded(&run)).transpose(),
        false => Ok(None),
    };
    let (applied, failed) = match applied {
        Ok(applied) => (applied, None),
        Err(error) => (None, Some(error)),
    };
    let outcome = pull::outcome(&pulled);
    let mut recovered = Recovered::of(&run, work, pulled, learned, matched, planned, applied)?;
    recovered.seconds = clock.elapsed().as_secs_f64();
    work.printer.show(&recovered);
    match failed {
        None => Ok(outcome),
        Some(error) => Err(error.into()),
    }
}
