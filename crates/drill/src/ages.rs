//! How much would come back of backups of several ages.

use std::collections::BTreeMap;

use restitch_model::Share;
use serde::Serialize;

use crate::error::DrillError;
use crate::laps::Laps;
use crate::recovery::{Ground, Loss, names_seen, tables};
use crate::score::{Known, score};
use crate::scratch::Scratch;

/// What would come back if the newest backup were so old.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Age {
    /// The age, in days.
    pub days: i64,
    /// By record type.
    pub types: BTreeMap<String, AgeOf>,
}

/// What would come back of one record type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgeOf {
    /// Lost rows that are back, whether some source saw them or not.
    pub back: Share,
    /// Recoverable rows that are back.
    pub recall: Share,
    /// Inserted rows that are true.
    pub precision: Share,
}

/// Forgets so many days, recovers, and scores, for each age.
pub(crate) fn ages(
    ground: &Ground<'_>,
    scratch: &Scratch<'_>,
    ages: &[i64],
) -> Result<Vec<Age>, DrillError> {
    let of_age = |&days: &i64| {
        let lost = ground.lose(scratch, &Loss::Newest { days })?;
        let recovered = ground.recover(scratch, &lost, &ground.items, &mut Laps::begin())?;
        let names = names_seen(&ground.seen(&recovered));
        let tables = tables(&recovered.learned.bindings.tables);
        let found = score(
            &ground.truth,
            &lost.before,
            &recovered.after,
            &tables,
            Known { seen: Some(&names), new: None },
        );
        let types = found.types.into_iter().map(|(record_type, score)| {
            let back = Share { hits: score.recovered, n: score.lost };
            let of = AgeOf { back, recall: score.recall(), precision: score.precision() };
            (record_type.to_string(), of)
        });
        Ok(Age { days, types: types.collect() })
    };
    ages.iter().map(of_age).collect()
}
