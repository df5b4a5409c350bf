//! `restitch doctor`: what to know of the restored database before anything is written.

use std::collections::BTreeSet;

use anyhow::Result;
use restitch_model::Candidate;
use restitch_pipeline::bound::Bound;
use restitch_pipeline::{PipelineError, Run};
use restitch_restore::{CLOCKS, Finding, Level, examine, grants};
use serde::Serialize;

use crate::Outcome;
use crate::args::Doctor;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// What was found.
#[derive(Debug, Serialize)]
struct Examined {
    /// What runs out, and must be done at once.
    clocks: [&'static str; 3],
    /// Keys of sources that could write.
    keys: Vec<String>,
    /// How tables are bound, and when rows were lost.
    bound: Bound,
    /// The findings, those to act upon first.
    findings: Vec<Finding>,
}

/// Statements for whoever owns the database.
#[derive(Debug, Serialize)]
struct Grants {
    /// They make a role with the least rights that suffice.
    statements: Vec<String>,
}

/// Looks the database over, or tells the rights that suffice.
pub fn run(args: &Doctor, work: &Work) -> Result<Outcome> {
    let run = work.look()?;
    let url = run.target_url()?;
    let candidates = match run.candidates() {
        Err(PipelineError::Earlier { .. }) => Vec::new(),
        candidates => candidates?,
    };
    if args.grants {
        let tables = written(&run, &candidates)?;
        work.printer.show(&Grants { statements: grants(&url, &tables, &args.role)? });
        return Ok(Outcome::Done);
    }
    run.progress.begin("looking the database over", "databases", None);
    let findings = examine(&url, &candidates)?;
    run.progress.end();
    let bound = run.bound(&run.snapshot()?);
    let keys = keys_that_write(&run).collect();
    work.printer.show(&Examined { clocks: CLOCKS, keys, bound, findings });
    Ok(Outcome::Done)
}

/// The sources whose key could write, which nothing here needs.
fn keys_that_write<'r>(run: &'r Run<'_>) -> impl Iterator<Item = String> + 'r {
    let sources = run.file.pipeline.source.iter().filter(|source| source.allow_write_key);
    sources.map(|source| {
        format!(
            "source {}: allow_write_key takes a secret key, which could write: make a restricted \
             key with read access, and leave the setting out",
            source.name
        )
    })
}

/// The tables that are written to, as far as is known: those of the candidates, else those that
/// record types are bound to, else all.
fn written(run: &Run<'_>, candidates: &[Candidate]) -> Result<Vec<String>> {
    let mut tables: BTreeSet<String> = candidates.iter().map(|c| c.table.clone()).collect();
    if tables.is_empty() {
        tables = run.file.pipeline.record.values().filter_map(|r| r.table.clone()).collect();
    }
    if tables.is_empty() {
        tables = run.snapshot()?.tables.iter().map(|t| t.schema.name.clone()).collect();
    }
    Ok(tables.into_iter().collect())
}

impl Shown for Grants {
    fn text(&self, _: Style) -> String {
        match self.statements.is_empty() {
            true => "-- none: the target is a file, which is copied and never touched\n".to_owned(),
            false => self.statements.iter().map(|statement| format!("{statement}\n")).collect(),
        }
    }
}

impl Shown for Examined {
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for clock in self.clocks {
            text += &format!("{}  {clock}\n", style.bold("now "));
        }
        for key in &self.keys {
            text += &format!("{}  {key}\n", style.bold("act "));
        }
        let acts = self.findings.partition_point(|finding| finding.level == Level::Act);
        for finding in &self.findings[..acts] {
            text += &line(finding, style);
        }
        text += &known(&self.bound);
        for finding in &self.findings[acts..] {
            text += &line(finding, style);
        }
        text
    }
}

/// How tables are bound, and when rows were lost, a line each.
fn known(bound: &Bound) -> String {
    let mut text: String = bound.tables.iter().map(|why| format!("note  {why}\n")).collect();
    let by = if bound.is_learned { "" } else { ", as far as rows alone show it" };
    if let Some(backup_at) = bound.backup_at {
        let until = bound.lost_at.map(|at| format!(" and before {at}")).unwrap_or_default();
        text += &format!("note  rows were lost that were made after {backup_at}{until}{by}\n");
    }
    text
}

fn line(finding: &Finding, style: Style) -> String {
    let level = match finding.level {
        Level::Act => style.bold("act "),
        Level::Note => "note".to_owned(),
    };
    let mut text = format!("{level}  {}: {}\n", finding.table, finding.text);
    if let Some(statement) = &finding.statement {
        text += &format!("      {statement}\n");
    }
    text
}
