//! What a drill showed, as text and as JSON.

use std::collections::BTreeMap;

use restitch_drill::{
    Age, Coverage, DrillReport, Hint, Slice, TypeReport, Worth, hints, keep_elsewhere,
};
use restitch_model::Share;
use serde::Serialize;

use crate::bars::grouped;
use crate::printer::{Shown, Style};

/// What a drill showed.
#[derive(Serialize)]
pub struct Drilled {
    #[serde(flatten)]
    report: DrillReport,
    /// Columns and tables that nothing could bring back.
    keep_elsewhere: Vec<String>,
    /// What should be done, the most rows first.
    hints: Vec<Hint>,
}

impl Drilled {
    /// A report with what follows from it.
    pub fn of(report: DrillReport) -> Self {
        Self { keep_elsewhere: keep_elsewhere(&report), hints: hints(&report), report }
    }
}

impl Shown for Drilled {
    fn text(&self, style: Style) -> String {
        let report = &self.report;
        let mut text = String::new();
        for (record_type, found) in &report.types {
            text += &of_type(&style.bold(record_type), found);
        }
        if let Some(coverage) = &report.coverage {
            text += &learned(coverage);
        }
        for (table, lost) in &report.others {
            text += &format!("{table}: {} lost, and no row of it is rebuilt\n", grouped(*lost));
        }
        if !report.sources.is_empty() {
            text += &worth(&report.sources);
        }
        for age in &report.ages {
            text += &of_age(age);
        }
        if !self.keep_elsewhere.is_empty() {
            text += &format!("told by nothing: {}\n", self.keep_elsewhere.join(", "));
        }
        text += &format!("surviving rows that are gone: {}\n", report.deleted);
        let steps: Vec<String> =
            report.seconds.iter().map(|(step, s)| format!("{step} {s:.1} s")).collect();
        text + &format!("{}\n", steps.join(", "))
    }
}

/// What became of one record type, in lines.
fn of_type(record_type: &str, found: &TypeReport) -> String {
    let score = &found.score;
    let mut text = format!(
        "{record_type} ({}): {} lost, {} of them seen by some source\n",
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
    text += &shares("", &score.columns);
    text += &shares("cells of surviving rows that were not true, and are now", &score.mended);
    text += &slices("tenant", &found.breakdown.by_tenant);
    text += &slices("source", &found.breakdown.by_source);
    if let Some(error) = found.calibration.error {
        text += &format!(
            "  confidence and truth lie {:.1} points apart, over {} records\n",
            error * 100.0,
            grouped(found.calibration.n)
        );
    }
    if let Some(check) = &found.estimate {
        let of = &check.estimate;
        text += &format!(
            "  {:.0} lost by the estimate ({:.0} to {:.0}), {:.0} of them seen by nobody; in truth \
             {} and {}\n",
            of.count,
            of.interval.low,
            of.interval.high,
            of.unseen,
            grouped(check.lost),
            grouped(check.unseen_in_truth)
        );
    }
    if !found.not_back.is_empty() {
        text += "  seen and not back\n";
    }
    let mut reasons: Vec<_> = found.not_back.iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    for (reason, n) in reasons {
        text += &format!("    {:>5}  {reason}\n", grouped(*n));
    }
    text
}

/// Shares by column, under a heading where they have one.
fn shares(heading: &str, columns: &BTreeMap<String, Share>) -> String {
    let mut text = String::new();
    if !heading.is_empty() && !columns.is_empty() {
        text += &format!("  {heading}\n");
    }
    for (column, share) in columns {
        text += &format!("    {column:<22} {share}\n");
    }
    text
}

/// A score by tenant or by source, where there is more than one.
fn slices(of: &str, slices: &BTreeMap<String, Slice>) -> String {
    if slices.len() < 2 {
        return String::new();
    }
    let mut text = format!("  by {of}: back, of those seen; true, of those added\n");
    for (name, slice) in slices {
        text += &format!("    {name:<22} {}; {}\n", slice.recall, slice.precision);
    }
    text
}

/// What each source is worth, in lines.
fn worth(sources: &[Worth]) -> String {
    let mut text = "points of recall that are lost without a source\n".to_owned();
    for worth in sources {
        let types: Vec<String> =
            worth.types.iter().map(|(name, of)| format!("{name} {:.1}", of.points)).collect();
        let items = grouped(worth.items);
        text += &format!("  {:<14} {} ({items} items)\n", worth.source, types.join(", "));
    }
    text
}

/// What would come back of an older backup, in a line for each record type.
fn of_age(age: &Age) -> String {
    let line = |(name, of): (&String, &restitch_drill::AgeOf)| {
        format!(
            "  {name:<14} {} back, {} of those seen, {} true\n",
            of.back, of.recall, of.precision
        )
    };
    let lines: String = age.types.iter().map(line).collect();
    format!("of a backup {} days old\n{lines}", age.days)
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
