//! `restitch learn`: rules from the overlap.

use anyhow::Result;
use restitch_pipeline::changes::{Changes, Moved};
use restitch_pipeline::results::Learned;

use crate::Outcome;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::summary::previous;
use crate::work::Work;

/// Learns the rules.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let snapshot = run.snapshot()?;
    let learned = run.learn(&snapshot, &run.evidence(&snapshot)?)?;
    work.printer.show(&learned);
    Ok(Outcome::Done)
}

impl Shown for Learned {
    fn text(&self, style: Style) -> String {
        let mut text = format!(
            "{}\n  after {}, before {}\n",
            style.bold("Rows were lost"),
            self.backup_at,
            self.lost_at
        );
        if self.left_aside > 0 {
            let n = grouped(self.left_aside as u64);
            text += &format!(
                "  {n} items are older than what is learned from, and count for nothing\n"
            );
        }
        text += &format!("{}\n", style.bold("Tables"));
        for reason in &self.bindings {
            text += &format!("  {reason}\n");
        }
        text += &format!("{}\n", style.bold("Learned"));
        text += &format!("  {} templates\n", self.templates);
        for (record_type, rules) in &self.rules {
            text += &format!("  {rules} rules for {record_type}\n");
        }
        text += &format!("{}\n", style.bold("Measured on rows held back"));
        if let Some(why) = &self.unmeasured {
            text += &format!("  {why}\n");
        }
        let measured = self.measured.iter().filter(|_| self.unmeasured.is_none());
        for (record_type, measured) in measured {
            text += &format!(
                "  {record_type}: came back {}; true of what would be written {}\n",
                measured.recall, measured.precision
            );
        }
        if !self.by_hand.is_empty() {
            text += &format!("{}\n", style.bold("By hand"));
        }
        for sentence in &self.by_hand {
            text += &format!("  {sentence}\n");
        }
        if !self.template_files.is_empty() {
            text += &format!("{}\n", style.bold("Template files"));
        }
        for sentence in &self.template_files {
            text += &format!("  {sentence}\n");
        }
        if let Some(changes) = &self.changes {
            text += &format!("{}\n", style.bold("Since the last time"));
            text += &changed(changes);
        }
        if let Some(file) = &self.previous_rules {
            text += &format!("{}\n", previous(file));
        }
        text
    }
}

/// So many rules of a sort are named; the others are counted.
const NAMED: usize = 10;

fn changed(changes: &Changes) -> String {
    if changes.is_empty() {
        return "  nothing is another\n".to_owned();
    }
    let moved = |m: &Moved| format!("{}: {:.1} % → {:.1} %", m.rule, m.from * 100.0, m.to * 100.0);
    let moved: Vec<String> = changes.moved.iter().map(moved).collect();
    let mut text = String::new();
    for (what, rules) in [
        ("rules added", &changes.added),
        ("rules gone", &changes.gone),
        ("rules whose accuracy is another", &moved),
    ] {
        if rules.is_empty() {
            continue;
        }
        text += &format!("  {what}: {}\n", rules.len());
        for rule in rules.iter().take(NAMED) {
            text += &format!("    {rule}\n");
        }
        if rules.len() > NAMED {
            text += &format!("    and {} more (--json names all)\n", rules.len() - NAMED);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_counted_and_its_beginning_named() {
        let names = |what: &str, n: usize| (1..=n).map(|i| format!("{what}{i}")).collect();
        let moved = vec![Moved { rule: "m1".to_owned(), from: 0.98, to: 0.5 }];
        let changes = Changes { added: names("a", 1), gone: names("g", 12), moved };
        let text = changed(&changes);
        for line in [
            "  rules added: 1\n    a1\n",
            "    g10\n    and 2 more (--json names all)\n",
            "  rules whose accuracy is another: 1\n    m1: 98.0 % → 50.0 %\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
        assert_eq!(changed(&Changes::default()), "  nothing is another\n");
    }
}
