//! What a source is worth: what is lost of a recovery without it.

use std::collections::BTreeMap;

use restitch_model::Share;
use restitch_pipeline::PipelineError;
use serde::Serialize;

use crate::error::DrillError;
use crate::laps::Laps;
use crate::recovery::{Ground, Lost, names_seen, tables};
use crate::report::DrillReport;
use crate::score::{Known, score};
use crate::scratch::Scratch;

/// What a source is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worth {
    /// The source, as the pipeline names it.
    pub source: String,
    /// Items that it alone gave.
    pub items: u64,
    /// By record type.
    pub types: BTreeMap<String, WorthOf>,
}

/// What a source is worth to one record type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorthOf {
    /// Recoverable rows that are back without it, of those that are recoverable with it.
    pub without: Share,
    /// By how many points, from 0 to 100, recall falls without it. Below zero where more came back
    /// without it.
    pub points: f64,
    /// Inserted rows that are true without it.
    pub precision: Share,
}

/// Recovers again and again, each time without one of the sources. The rows that count are those
/// that all sources together saw.
pub(crate) fn worth(
    ground: &Ground<'_>,
    scratch: &Scratch<'_>,
    lost: &Lost,
    whole: &DrillReport,
    seen: &crate::missed::EvidenceOf,
) -> Result<Vec<Worth>, DrillError> {
    let names = names_seen(seen);
    let mut found = Vec::new();
    for source in ground.source_names() {
        let is_left =
            |id| ground.sources.get(id).is_none_or(|of| of.iter().any(|name| *name != source));
        let items: Vec<_> =
            ground.items.iter().filter(|item| is_left(&item.evidence)).cloned().collect();
        let mut worth = Worth {
            items: (ground.items.len() - items.len()) as u64,
            types: BTreeMap::new(),
            source,
        };
        let recovered = match ground.recover(scratch, lost, &items, &mut Laps::begin()) {
            Ok(recovered) => Some(recovered),
            // Without it there is nothing to learn from, so nothing comes back.
            Err(DrillError::Pipeline(PipelineError::Learn(_))) => None,
            Err(error) => return Err(error),
        };
        let after = recovered.as_ref().map_or(&lost.before, |recovered| &recovered.after);
        let bound =
            tables(&whole.types.iter().map(|(r, t)| (r.clone(), t.score.table.clone())).collect());
        let without = score(
            &ground.truth,
            &lost.before,
            after,
            &bound,
            Known { seen: Some(&names), new: None },
        );
        for (record_type, score) in without.types {
            let with = whole.types.get(record_type.as_str()).and_then(|found| found.recall);
            let Some((with, is)) = with.zip(score.recall().rate()) else { continue };
            let worth_of = WorthOf {
                without: score.recall(),
                points: (with - is) * 100.0,
                precision: score.precision(),
            };
            worth.types.insert(record_type.to_string(), worth_of);
        }
        found.push(worth);
    }
    Ok(found)
}
