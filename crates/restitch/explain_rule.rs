//! `restitch explain --rule TABLE.COLUMN`: how a column is filled, with examples.

use anyhow::Result;
use restitch_learn::example::{Example, Examples};
use restitch_pipeline::Run;
use restitch_pipeline::results::{ColumnExplained, RuleExplained};

use crate::Outcome;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// Explains the rules of a column.
pub fn run(run: &Run<'_>, name: &str, work: &Work) -> Result<Outcome> {
    let snapshot = run.snapshot()?;
    let explained = run.explain_rule(&snapshot, &run.evidence(&snapshot)?.items, name)?;
    work.printer.show(&explained);
    Ok(Outcome::Done)
}

impl Shown for ColumnExplained {
    fn text(&self, style: Style) -> String {
        let mut text = format!("{}\n", style.bold(&format!("{}.{}", self.table, self.column)));
        if self.rules.is_empty() {
            text += "  no rule reads it from evidence\n";
        }
        for rule in &self.rules {
            text += &shown(rule, style);
        }
        if !self.otherwise.is_empty() {
            text += &format!("{}\n", style.bold("What else decides it"));
            for sentence in &self.otherwise {
                text += &format!("  {sentence}\n");
            }
        }
        text
    }
}

fn shown(explained: &RuleExplained, style: Style) -> String {
    let rule = &explained.rule;
    let mut text = format!("{}\n", style.bold(&format!("{} {}", rule.form, rule.from)));
    let pinned = if rule.pinned { ", pinned" } else { "" };
    text += &format!("  {}{pinned}\n", explained.figure);
    let Examples { seen, right, wrong } = &explained.examples;
    for (heading, count, examples) in
        [("holds", seen.hits, right), ("fails", seen.n - seen.hits, wrong)]
    {
        if count > 0 {
            text += &format!("  {heading} in {count} of {}, such as\n", seen.n);
        }
        for example in examples {
            text += &line(example);
        }
    }
    text
}

/// Two lines: the row with its value, and the words of the evidence.
fn line(example: &Example) -> String {
    let (row, holds, gives) = (&example.row, &example.holds, &example.gives);
    let said = if holds == gives { String::new() } else { format!(", and it gives {gives}") };
    let (id, at) = (example.evidence.0.short(), example.at);
    format!(
        "    {row} has {holds}{said}\n      {}\n      {} {id}, {at}, at {}\n",
        example.marked(),
        example.kind,
        example.place
    )
}
