//! `restitch reconcile ORIGINAL`: late truth, held against what was rebuilt and what stands now.

use std::collections::BTreeMap;

use anyhow::Result;
use restitch_model::RowKey;
use restitch_pipeline::results::PlanMade;
use restitch_pipeline::{PipelineError, Run};
use restitch_restore::{Engine, LateKind, LateRow, as_left, reconcile, snapshot};
use serde::Serialize;

use crate::Outcome;
use crate::apply::RESTORED;
use crate::args::Reconcile;
use crate::bars::grouped;
use crate::failure::Asked;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// The merged copy with the late truth in it, of an embedded database.
pub const RECONCILED: &str = "reconciled.sqlite";
/// What was found, and the plan that was made of it.
const LATE: &str = "late.json";
/// How many rows are shown.
const ROWS: usize = 20;

/// What holding the states against each other gave.
#[derive(Debug, Serialize)]
struct Found {
    /// How many rows of each kind.
    counts: BTreeMap<LateKind, u64>,
    /// The rows that are not the same everywhere.
    rows: Vec<FoundRow>,
    /// The plan made of it.
    plan: PlanMade,
}

/// A row that is not the same everywhere.
#[derive(Debug, Serialize)]
struct FoundRow {
    /// Its key as it stands.
    key: String,
    /// Its key in the original, where that is another.
    original_key: Option<String>,
    /// The rest.
    #[serde(flatten)]
    row: LateRow,
}

/// Compares, and makes a plan of it.
pub fn run(args: &Reconcile, work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let target = run.target_url()?;
    let is_embedded = Engine::of(&target)?.is_embedded();
    let backup = match (&args.backup, run.backup_url()?) {
        (Some(backup), _) => address(backup),
        (None, Some(backup)) => backup,
        // A file is never written to, so that it still is the backup.
        (None, None) if is_embedded => target.clone(),
        (None, None) => {
            let why = "the target was written to, so that the backup must be named: restore it \
                       into a database of its own, and give --backup, or backup_url of [target]";
            return Err(Asked(why.to_owned()).into());
        }
    };
    let stands = match is_embedded {
        true => merged(&run),
        false => target,
    };
    run.progress.begin("comparing with the original", "databases", None);
    let original = snapshot(&address(&args.original))?;
    let rebuilt = as_left(&stands, &snapshot(&backup)?)?;
    let now = snapshot(&stands)?;
    let reconciled = reconcile(&original, &rebuilt, &now);
    run.progress.end();
    let plan = run.plan_over(&now, &stands, &reconciled.candidates, &[])?;
    let rows = reconciled.rows.into_iter().map(|row| FoundRow {
        key: shown(&row.key),
        original_key: row.original_key.as_ref().map(shown),
        row,
    });
    let found = Found { counts: reconciled.counts, rows: rows.collect(), plan };
    let json = serde_json::to_string_pretty(&found)?;
    run.case.write(LATE, json + "\n")?;
    work.printer.show(&found);
    Ok(Outcome::Done)
}

/// What an embedded plan is applied to, and the name in the case of the copy that it makes: a
/// plan of `reconcile` goes on top of the merged copy.
pub fn copies(run: &Run<'_>) -> Result<(String, &'static str), PipelineError> {
    let of_late = || -> Option<String> {
        let found: serde_json::Value =
            serde_json::from_str(&run.case.read_text(LATE).ok()?).ok()?;
        Some(found["plan"]["digest"].as_str()?.to_owned())
    };
    let planned = run.saved_plan().ok().map(|plan| plan.digest().to_string());
    let is_late = run.case.has(LATE) && planned.is_some() && of_late() == planned;
    Ok(match is_late && run.case.path(RESTORED).exists() {
        true => (merged(run), RECONCILED),
        false => (run.target_url()?, RESTORED),
    })
}

/// The address of the merged copy.
pub fn merged(run: &Run<'_>) -> String {
    format!("sqlite:{}", run.case.path(RESTORED).display())
}

/// The address of a database that is given by it, or as a SQLite file.
fn address(given: &str) -> String {
    match given.contains("://") || given.starts_with("sqlite:") {
        true => given.to_owned(),
        false => format!("sqlite:{given}"),
    }
}

fn shown(key: &RowKey) -> String {
    key.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl Shown for Found {
    fn text(&self, style: Style) -> String {
        let mut text =
            format!("{}\n", style.bold("The original, what was rebuilt, and what stands"));
        let said = |kind| match kind {
            LateKind::Same => "the same",
            LateKind::RebuiltWrong => "rebuilt otherwise than it was: the original is proposed",
            LateKind::NewerStands => "changed or written since, which stands",
            LateKind::OnlyHere => "only here: the original has none such, it stays",
            LateKind::OnlyOriginal => "only in the original: it is proposed",
        };
        for (kind, count) in &self.counts {
            text += &format!("  {:>7}  {}\n", grouped(*count), said(*kind));
        }
        for FoundRow { key, row, .. } in self.rows.iter().take(ROWS) {
            let columns = [("was otherwise: ", &row.wrong), ("changed since: ", &row.newer)];
            let columns = columns.iter().filter(|(_, names)| !names.is_empty());
            let columns: String =
                columns.map(|(what, names)| format!("; {what}{}", names.join(", "))).collect();
            text += &format!("  {} {key}: {}{columns}\n", row.table, said(row.kind));
        }
        if self.rows.len() > ROWS {
            text += &format!("  … {} rows in all, in {LATE}\n", grouped(self.rows.len() as u64));
        }
        text + &self.plan.text(style)
    }
}
