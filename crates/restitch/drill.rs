//! `restitch drill`: worlds to practise on, and a backup's own past forgotten on purpose.

use anyhow::Result;
use restitch_drill::{Coverage, DrillReport, forget_and_recover, score_world};
use restitch_model::{RecordType, Share};
use restitch_worlds::{Noise, WorldOptions, WorldSummary, write_world};
use serde::Serialize;

use crate::Outcome;
use crate::args::{self, Drill};
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// Makes a world, or forgets and recovers.
pub fn run(args: &Drill, work: &Work) -> Result<Outcome> {
    match (&args.world, &args.write) {
        (Some(kind), Some(dir)) => {
            let noise = match args.noise {
                args::Noise::Low => Noise::Low,
                args::Noise::Normal => Noise::Normal,
                args::Noise::High => Noise::High,
            };
            let options = WorldOptions { size: args.size, noise };
            work.progress.begin("making a world", "rows", None);
            let made = write_world(kind, args.seed, &options, dir);
            work.progress.end();
            work.printer.show(&World { folder: dir.display().to_string(), summary: made? });
            Ok(Outcome::Done)
        }
        _ => forget(args, work),
    }
}

fn forget(args: &Drill, work: &Work) -> Result<Outcome> {
    let report = match (&args.against, args.forget) {
        (Some(truth), _) => score_world(&work.look()?, truth)?,
        (None, days) => forget_and_recover(&work.open()?, days.unwrap_or(30))?,
    };
    let recall = report.types.get(RecordType::RESERVATION).and_then(|found| found.recall);
    let bar = args.min_recall.unwrap_or(0.0);
    work.printer.show(&Drilled(report));
    Ok(if recall.unwrap_or(0.0) < bar { Outcome::BelowBar } else { Outcome::Done })
}

/// What a drill showed.
#[derive(Serialize)]
#[serde(transparent)]
struct Drilled(DrillReport);

impl Shown for Drilled {
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for (record_type, found) in &self.0.types {
            let score = &found.score;
            text += &format!(
                "{} ({}): {} lost, {} of them seen by some source\n",
                style.bold(record_type),
                score.table,
                grouped(score.lost),
                grouped(score.recoverable)
            );
            text += &format!("  back, of those seen   {}\n", score.recall());
            text += &format!("  true, of those added  {}\n", score.precision());
            text += &format!(
                "  {} spurious, {} twice, {} wrong and {} right changes of surviving rows\n",
                score.spurious, score.duplicates, score.wrong_overwrites, score.right_overwrites
            );
            for (column, share) in &score.columns {
                text += &format!("    {column:<22} {share}\n");
            }
            if !found.not_back.is_empty() {
                text += "  seen and not back\n";
            }
            let mut reasons: Vec<_> = found.not_back.iter().collect();
            reasons.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
            for (reason, n) in reasons {
                text += &format!("    {:>5}  {reason}\n", grouped(*n));
            }
        }
        if let Some(coverage) = &self.0.coverage {
            text += &learned(coverage);
        }
        text += &format!("surviving rows that are gone: {}\n", self.0.deleted);
        let steps: Vec<String> =
            self.0.seconds.iter().map(|(step, s)| format!("{step} {s:.1} s")).collect();
        text + &format!("{}\n", steps.join(", "))
    }
}

/// How much of what evidence tells was learned, in lines.
fn learned(coverage: &Coverage) -> String {
    let share = Share { hits: coverage.ruled, n: coverage.told };
    let mut text = format!("columns that evidence tells and that have a rule: {share}\n");
    if let Some(median) = coverage.median_accuracy {
        text += &format!("  median of their measured accuracies: {median:.4}\n");
    }
    for (what, columns) in [
        ("told, and no rule", &coverage.without),
        ("not told, and read all the same", &coverage.unfounded),
    ] {
        if !columns.is_empty() {
            text += &format!("  {what}: {}\n", columns.join(", "));
        }
    }
    text
}

/// A world that was written.
#[derive(Debug, Serialize)]
struct World {
    /// Where.
    folder: String,
    /// What is in it.
    #[serde(flatten)]
    summary: WorldSummary,
}

impl Shown for World {
    fn text(&self, style: Style) -> String {
        let made = &self.summary;
        let mut text = format!(
            "{} (seed {}) in {}: {} files, {} bytes\n",
            style.bold(&made.kind),
            made.seed,
            self.folder,
            grouped(made.files as u64),
            grouped(made.bytes)
        );
        for (table, lost) in &made.lost {
            let of = |counts: &std::collections::BTreeMap<String, usize>| {
                grouped(counts.get(table).copied().unwrap_or(0) as u64)
            };
            text += &format!(
                "  {table}: {} rows lost, {} of them seen by no source, {} surviving ones changed\n",
                grouped(*lost as u64),
                of(&made.unseen),
                of(&made.changed)
            );
        }
        for (kind, count) in &made.evidence {
            text += &format!("  {} {kind}\n", grouped(*count as u64));
        }
        text
    }
}
