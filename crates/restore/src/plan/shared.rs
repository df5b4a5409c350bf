//! Changes read from a file, whose columns, rules and fields are texts that they share, as those of
//! a plan that was just made: a million rows of ten columns do not hold thirty million texts.

use std::fmt;

use restitch_model::Names;
use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};

use super::Change;

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Change>, D::Error> {
    from.deserialize_seq(Changes)
}

struct Changes;

impl<'de> Visitor<'de> for Changes {
    type Value = Vec<Change>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let (mut names, mut changes) = (Names::default(), Vec::new());
        while let Some(mut change) = all.next_element::<Change>()? {
            for cell in &mut change.cells {
                cell.column = names.of(&cell.column);
                cell.rule = names.of(&cell.rule);
                if let Some(place) = &mut cell.place {
                    place.field = names.of(&place.field);
                }
            }
            // What was read grew as it came; a plan is held for long.
            change.cells.shrink_to_fit();
            changes.push(change);
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use crate::Plan;
    use crate::testing::{Db, RENTAL, rental_candidates};

    #[test]
    fn columns_that_are_read_share_their_names() {
        let plan = Db::new(RENTAL).plan(&rental_candidates());
        let back = Plan::from_json(&plan.to_json()).unwrap();
        let columns = || back.changes().iter().flat_map(|change| &change.cells).map(|c| &c.column);
        let texts: std::collections::BTreeSet<&str> = columns().map(|name| name.as_str()).collect();
        let places: std::collections::BTreeSet<*const str> =
            columns().map(|name| std::ptr::from_ref(name.as_str())).collect();
        assert!(columns().count() > texts.len());
        assert_eq!(places.len(), texts.len());
    }
}
