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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{item, text};

    /// Six charges of two customers, each charge with its refund; item `2n` is the charge of
    /// row `n`, item `2n + 1` the refund.
    fn items() -> Vec<Item> {
        (0..6)
            .flat_map(|n| {
                let charge = format!("charge-{n}");
                let customer = ("/customer", text(&format!("customer-{}", n % 2)));
                let mut made = item(2 * n, "charge", &[("/id", text(&charge)), customer.clone()]);
                made.native_id = charge.clone();
                [made, item(2 * n + 1, "refund", &[("/charge", text(&charge)), customer])]
            })
            .collect()
    }

    #[test]
    fn a_refund_is_tied_to_its_charge() {
        let items = items();
        let ties = Ties::find(&items, |i| Some(i / 2));
        assert_eq!(ties.0, [("refund".to_owned(), "/charge".to_owned())]);
        assert_eq!(ties.groups(&items)[3], [6, 7]);
    }

    #[test]
    fn a_customers_id_ties_nothing() {
        let ties = Ties::find(&items(), |i| Some(i / 2));
        assert!(!ties.0.iter().any(|(_, field)| field == "/customer"));
        // It would, if the items of one customer were all about one row.
        let ties = Ties::find(&items(), |i| Some(i / 2 % 2));
        assert!(ties.0.iter().any(|(_, field)| field == "/customer"));
    }

    #[test]
    fn few_examples_show_no_tie() {
        assert_eq!(Ties::find(&items()[..4], |i| Some(i / 2)), Ties::default());
    }
}
