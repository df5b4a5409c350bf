//! `restitch pull`: evidence into the case, and facts out of it.

use anyhow::Result;
use restitch_pipeline::Run;
use restitch_pipeline::results::Pulls;
use restitch_pipeline::run::REMARKS;

use crate::Outcome;
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// Pulls all sources.
pub fn run(work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    open_parts(&run, work);
    let pulled = run.pull()?;
    remarks(&run, &pulled, work);
    work.printer.show(&pulled);
    Ok(outcome(&pulled))
}

/// Evidence with a gap is less than was asked for.
pub fn outcome(pulled: &Pulls) -> Outcome {
    if pulled.gaps.is_empty() { Outcome::Done } else { Outcome::BelowBar }
}

/// What could not be pulled, a line each.
pub fn gaps(pulled: &Pulls) -> impl Iterator<Item = String> + '_ {
    pulled.gaps.iter().map(|gap| format!("not pulled: {gap}"))
}

/// What a sealed case does not seal.
pub fn open_parts(run: &Run<'_>, work: &Work) {
    if run.case.keys().seal() {
        work.printer.note(
            "the case is sealed, but for what is made to be looked at or handed out: plan.html, \
             the packs under review/out, and restored.sqlite",
        );
    }
}

/// Shows the first remarks, and where all are.
pub fn remarks(run: &Run<'_>, pulled: &Pulls, work: &Work) {
    work.printer.remarks(&pulled.remarks, &run.case.path(REMARKS).display().to_string());
}

impl Shown for Pulls {
    fn text(&self, _: Style) -> String {
        let wide = |of: &dyn Fn(&str, &str) -> usize| {
            self.kinds.iter().map(|k| of(&k.source, &k.kind)).max().unwrap_or(0)
        };
        let (source, kind) = (wide(&|source, _| source.len()), wide(&|_, kind| kind.len()));
        let mut text = String::new();
        for k in &self.kinds {
            text += &format!(
                "{:source$}  {:kind$}  {:>9} items, {:>9} new, {:>13} bytes, {:.1} s\n",
                k.source,
                k.kind,
                grouped(k.items),
                grouped(k.new),
                grouped(k.bytes),
                k.seconds
            );
        }
        for gap in gaps(self) {
            text += &gap;
            text.push('\n');
        }
        let remarks = grouped(self.remarks.len() as u64);
        text + &match &self.unread {
            Some(why) => format!("{remarks} remarks; the evidence was kept and not read: {why}\n"),
            None => format!("{} facts, {remarks} remarks\n", grouped(self.facts)),
        }
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::Remark;
    use restitch_pipeline::results::PulledKind;

    use super::*;

    #[test]
    fn what_was_pulled_stands_in_columns() {
        let kind = |source: &str, kind: &str, items| PulledKind {
            source: source.to_owned(),
            kind: kind.to_owned(),
            items,
            new: 3,
            bytes: items * 1_000,
            seconds: 1.26,
        };
        let kinds = vec![kind("payments", "stripe.charge", 1_204), kind("mail", "mail", 88)];
        let gaps = vec![Remark::new("platform /v1/refunds", "the key may not read it")];
        let pulls = Pulls { kinds, facts: 20_417, read: 6, gaps, ..Pulls::default() };
        assert_eq!(outcome(&pulls), Outcome::BelowBar);
        insta::assert_snapshot!(pulls.text(Style::default()), @r"
        payments  stripe.charge      1,204 items,         3 new,     1,204,000 bytes, 1.3 s
        mail      mail                  88 items,         3 new,        88,000 bytes, 1.3 s
        not pulled: platform /v1/refunds: the key may not read it
        20,417 facts, 0 remarks
        ");
    }
}
