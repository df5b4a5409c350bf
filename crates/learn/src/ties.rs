//! Fields whose equal values tie items to one record: a refund names its charge, a charge its
//! payment intent, a reply the message that it answers. Which fields do is learned: those
//! whose values, in the overlap, never tied two different rows.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{FactValue, Share};
use serde::{Deserialize, Serialize};

use crate::item::Item;

/// Shorter values are no names of things.
const SHORTEST: usize = 8;
/// A field ties when so many pairs of anchored items agree …
const LEAST: u64 = 5;
/// … and at least this share of them is about one row.
const PURE: f64 = 0.98;
/// A value in more items than this is a thing of its own, such as a customer's id.
const MOST: usize = 12;

/// The fields that tie, each as kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ties(pub Vec<(String, String)>);

/// The item's own name, as a field.
const NATIVE_ID: &str = "@id";

impl Ties {
    /// Finds the fields that tie. `row_of` gives the row that an item is anchored to.
    pub fn find(items: &[Item], row_of: impl Fn(usize) -> Option<usize>) -> Self {
        let holders = holders(items, |_, _| true);
        let mut shares: BTreeMap<(&str, &str), Share> = BTreeMap::new();
        for held in holders.values().filter(|held| (2..=MOST).contains(&held.len())) {
            for &(a, field) in held {
                if field == NATIVE_ID {
                    continue;
                }
                for &(b, _) in held.iter().filter(|&&(b, _)| b != a) {
                    if let (Some(row_a), Some(row_b)) = (row_of(a), row_of(b)) {
                        shares.entry((&items[a].kind, field)).or_default().add(row_a == row_b);
                    }
                }
            }
        }
        let ties = |s: &Share| s.n >= LEAST && s.rate().is_some_and(|r| r >= PURE);
        Self(
            shares
                .into_iter()
                .filter(|(_, share)| ties(share))
                .map(|((kind, field), _)| (kind.to_owned(), field.to_owned()))
                .collect(),
        )
    }

    /// The items that are tied together, each group in the items' order.
    pub fn groups(&self, items: &[Item]) -> Vec<Vec<usize>> {
        let fields: BTreeSet<(&str, &str)> =
            self.0.iter().map(|(k, f)| (k.as_str(), f.as_str())).collect();
        let holders = holders(items, |kind, field| fields.contains(&(kind, field)));
        holders
            .into_values()
            .filter(|held| (2..=MOST).contains(&held.len()))
            .filter(|held| held.iter().any(|&(_, field)| field != NATIVE_ID))
            .map(|held| held.into_iter().map(|(item, _)| item).collect())
            .collect()
    }
}

/// For each value, the items that hold it in one of the fields asked for, or as their name.
fn holders<'i>(
    items: &'i [Item],
    wanted: impl Fn(&str, &str) -> bool,
) -> BTreeMap<&'i str, Vec<(usize, &'i str)>> {
    let mut holders: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        let mut add = |value: &'i str, field: &'i str| {
            let held = holders.entry(value).or_default();
            if value.len() >= SHORTEST && held.last().is_none_or(|&(last, _)| last != i) {
                held.push((i, field));
            }
        };
        for fact in item.facts.iter().filter(|f| !f.name.contains('#')) {
            if let FactValue::Text(text) | FactValue::Reference(text) = &fact.value
                && !text.contains(' ')
                && wanted(&item.kind, &fact.name)
                && text != &item.native_id
            {
                add(text, &fact.name);
            }
        }
        add(&item.native_id, NATIVE_ID);
    }
    holders
}
