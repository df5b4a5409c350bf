//! Which part of a plan its page shows: a browser has to hold it.

use std::collections::BTreeMap;

use crate::plan::{Change, Plan};

use super::{does, sureness, tenant};

/// The most changes that a page shows, and the most lines of any other list. A change of ten
/// columns takes 2 to 3 kB, so that a page stays below some 15 MB.
pub(super) const MOST: usize = 5_000;

/// The changes that are shown, in the plan's order: all, or as many of each table, tenant, kind
/// and confidence as there is room for, so that all of these can be looked into.
pub(super) fn excerpt(plan: &Plan) -> Vec<&Change> {
    if plan.changes().len() <= MOST {
        return plan.changes().iter().collect();
    }
    let mut groups: BTreeMap<_, Vec<&Change>> = BTreeMap::new();
    for change in plan.changes() {
        // What is unsure comes first, should there be more groups than there is room.
        let group = (sureness(change), does(change), &change.table, tenant(change));
        groups.entry(group).or_default().push(change);
    }
    let each = (MOST / groups.len()).max(1);
    let mut shown: Vec<&Change> =
        groups.into_values().flat_map(|group| group.into_iter().take(each)).take(MOST).collect();
    shown.sort_by_key(|change| change.seq);
    shown
}

/// What is said of the lines that a list leaves out, if it does.
pub(super) fn left_out(all: usize) -> String {
    match all.saturating_sub(MOST) {
        0 => String::new(),
        more => format!("<p class=\"quiet\">{more} more are in plan.json.</p>\n"),
    }
}
