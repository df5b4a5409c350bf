//! What earlier drills showed: a line of JSON each, in the case.

use std::collections::BTreeMap;

use restitch_model::{Instant, Share};
use restitch_pipeline::{PipelineError, Run};
use serde::{Deserialize, Serialize};

use crate::error::DrillError;
use crate::report::DrillReport;

/// The file in the case.
const HISTORY: &str = "drills.jsonl";

/// What a drill showed, as it is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// When.
    pub at: Instant,
    /// What was lost, as the command line names it.
    pub loss: String,
    /// By record type.
    pub types: BTreeMap<String, PastType>,
}

/// What a drill showed of one record type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastType {
    /// Lost rows that came back.
    pub back: Share,
    /// Recoverable rows that came back.
    pub recall: Share,
    /// Inserted rows that were true.
    pub precision: Share,
}

impl Past {
    /// What is remembered of a drill.
    pub fn of(report: &DrillReport, at: Instant, loss: &str) -> Self {
        let of = |(name, found): (&String, &crate::report::TypeReport)| {
            let score = &found.score;
            let back = Share { hits: score.recovered, n: score.lost };
            let past = PastType { back, recall: score.recall(), precision: score.precision() };
            (name.clone(), past)
        };
        Self { at, loss: loss.to_owned(), types: report.types.iter().map(of).collect() }
    }

    /// The last drill of a case in which the same was lost. A line that cannot be read is passed
    /// over: a report must not fail for it.
    pub fn last(run: &Run<'_>, loss: &str) -> Result<Option<Self>, DrillError> {
        Ok(last(&read(run)?, loss))
    }

    /// Adds it to the case.
    pub fn add(&self, run: &Run<'_>) -> Result<(), DrillError> {
        let line = serde_json::to_string(self).expect("counts are plain data");
        let text = read(run)? + &line + "\n";
        run.case.write(HISTORY, text).map_err(PipelineError::from)?;
        Ok(())
    }
}

fn read(run: &Run<'_>) -> Result<String, DrillError> {
    match run.case.has(HISTORY) {
        true => Ok(run.case.read_text(HISTORY).map_err(PipelineError::from)?),
        false => Ok(String::new()),
    }
}

fn last(text: &str, loss: &str) -> Option<Past> {
    let mut pasts = text.lines().rev().filter_map(|line| serde_json::from_str::<Past>(line).ok());
    pasts.find(|past| past.loss == loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_drill_of_the_same_loss_is_found_whatever_stands_between() {
        let at = |day: u8| format!("2026-03-{day:02}T00:00:00Z");
        let line = |day, loss: &str| {
            let past = Past {
                at: at(day).parse().unwrap(),
                loss: loss.to_owned(),
                types: BTreeMap::new(),
            };
            serde_json::to_string(&past).unwrap()
        };
        let lines = [line(1, "30d"), line(2, "30d"), line(3, "tenant:7"), "{cut off".to_owned()];
        let found = last(&lines.join("\n"), "30d").unwrap();
        assert_eq!(found.at.to_string(), at(2));
        assert_eq!(last(&lines.join("\n"), "7d"), None);
    }
}
