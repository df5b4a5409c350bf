//! Receipts: evidence of payments that nothing names, such as one in cash. What it was paid for,
//! how much it was and when say which row it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use restitch_model::{Instant, RecordType, Share, Value};

use crate::anchor::Anchor;
use crate::item::Item;
use crate::rule::{Plain, readings};
use crate::shape::{Bindings, View};
use crate::source::Parts;
use crate::study::{AnchoredRows, Material};

/// A receipt is written within this time of its payment.
const WITHIN_HOURS: i64 = 72;
/// A form tells of payments when so many of its items do …
const LEAST: u64 = 4;
/// … and this share of all that tell of a reservation.
const TELLS: f64 = 0.7;
/// This share of the payments that a form tells of must be told by no surer one.
const NEW: f64 = 0.5;

/// Payments that nothing names, by the key of what they are for.
struct Nameless<'v> {
    view: &'v View,
    by_owner: HashMap<&'v Value, Vec<usize>>,
}

impl<'v> Nameless<'v> {
    fn of(view: &'v View, bindings: &Bindings) -> Option<Self> {
        let owner = view.reference_to(bindings.table(RecordType::RESERVATION)?)?;
        let keys: Vec<usize> =
            view.natural_keys().iter().filter_map(|k| view.position(&k.name)).collect();
        let mut by_owner: HashMap<&Value, Vec<usize>> = HashMap::new();
        for (r, row) in view.rows.iter().enumerate() {
            if keys.iter().all(|&k| row[k].is_null()) {
                by_owner.entry(&row[owner]).or_default().push(r);
            }
        }
        Some(Self { view, by_owner })
    }

    /// The one payment for `owner` that an item can be the receipt of.
    fn row(&self, owner: &Value, item: &Item, parts: &Parts) -> Option<usize> {
        let rows = self.by_owner.get(owner)?;
        let is_near = |row: &&usize| {
            let created = self.view.created(**row);
            created.is_some_and(|at| is_soon(at, item.at)) && self.is_told(**row, parts)
        };
        let mut near = rows.iter().filter(is_near);
        let found = near.next()?;
        near.next().is_none().then_some(*found)
    }

    /// Whether an item tells how much a payment was.
    fn is_told(&self, row: usize, parts: &Parts) -> bool {
        let paid: Vec<Plain> = amounts(self.view)
            .filter_map(|p| Plain::of(&self.view.rows[row][p], &self.view.paths[p].kind))
            .collect();
        let tells = |plain: &Plain| paid.contains(plain);
        parts.sources.iter().any(|source| {
            readings(&source.value, &TimeZone::UTC).iter().any(|(_, plain)| tells(plain))
        })
    }
}

/// The positions of a view's own amounts.
pub(crate) fn amounts(view: &View) -> impl Iterator<Item = usize> {
    let is_amount = |p: &usize| view.paths[*p].is_own() && view.paths[*p].kind.is_number();
    (0..view.paths.len()).filter(is_amount)
}

fn is_soon(paid: Instant, told: Instant) -> bool {
    told.duration_since(paid).abs() <= SignedDuration::from_hours(WITHIN_HOURS)
}

/// Anchors receipts to the payments that they are of, by the reservation that they are anchored
/// to. Gives their forms.
pub(crate) fn anchor(material: &Material<'_>, rows: &mut AnchoredRows) -> Vec<String> {
    let bindings = material.bindings;
    let owners = bindings.table(RecordType::RESERVATION).and_then(|t| material.snapshot.table(t));
    let (Some(view), Some(owners)) = (material.views.get(RecordType::PAYMENT), owners) else {
        return Vec::new();
    };
    let (Some(nameless), Some(of_reservation)) =
        (Nameless::of(view, bindings), rows.get(RecordType::RESERVATION))
    else {
        return Vec::new();
    };
    let mut found: Vec<(usize, Option<usize>)> = Vec::new();
    for (i, anchor) in of_reservation.iter().enumerate() {
        let Some(anchor) = anchor else { continue };
        let key = owners.key(&owners.rows[anchor.row]).into_iter().next();
        let row = key.and_then(|k| nameless.row(&k, &material.items[i], &material.parts[i]));
        found.push((i, row));
    }
    let kept = telling(found.iter().map(|(i, row)| (material.parts[*i].form.as_str(), *row)));
    for (i, row) in found.iter().filter(|(i, _)| kept.contains(material.parts[*i].form.as_str())) {
        let anchor = row.map(|row| Anchor { row, score: 0.0 });
        if let Some(payment) = rows.get_mut(RecordType::PAYMENT).map(|rows| &mut rows[*i]) {
            *payment = payment.or(anchor);
        }
    }
    kept.into_iter().map(str::to_owned).collect()
}

/// The forms that tell of payments, given the one that each item can be the receipt of. The surest
/// first: another is worth asking only where it tells of payments that they do not.
fn telling<'f>(items: impl Iterator<Item = (&'f str, Option<usize>)>) -> BTreeSet<&'f str> {
    let mut told: BTreeMap<&str, (Share, BTreeSet<usize>)> = BTreeMap::new();
    for (form, row) in items {
        let (share, rows) = told.entry(form).or_default();
        share.add(row.is_some());
        rows.extend(row);
    }
    let rate = |share: &Share| share.rate().unwrap_or(0.0);
    let mut forms: Vec<_> = told
        .into_iter()
        .filter(|(_, (share, _))| share.hits >= LEAST && rate(share) >= TELLS)
        .collect();
    forms.sort_by(|a, b| rate(&b.1.0).total_cmp(&rate(&a.1.0)).then(a.0.cmp(b.0)));
    let (mut kept, mut covered) = (BTreeSet::new(), BTreeSet::new());
    for (form, (_, rows)) in forms {
        if rows.difference(&covered).count() as f64 >= NEW * rows.len() as f64 {
            covered.extend(rows);
            kept.insert(form);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms that tell of payments, given for each form the payment of each of its items.
    fn found(forms: &[(&str, &[Option<usize>])]) -> Vec<String> {
        let items = forms.iter().flat_map(|(form, rows)| rows.iter().map(move |row| (*form, *row)));
        telling(items).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_form_of_which_most_items_are_receipts_tells_of_payments() {
        let thanks = [Some(1), Some(2), Some(3), Some(4), None];
        let confirmed = [Some(1), None, None, None, None, Some(7), None];
        assert_eq!(found(&[("thanks", &thanks), ("confirmed", &confirmed)]), ["thanks"]);
    }

    #[test]
    fn a_form_that_tells_of_the_same_payments_less_surely_is_not_asked() {
        let thanks = [Some(1), Some(2), Some(3), Some(4)];
        let calendar = [Some(1), Some(2), Some(3), Some(5), None];
        assert_eq!(found(&[("thanks", &thanks), ("calendar", &calendar)]), ["thanks"]);
    }

    #[test]
    fn three_receipts_are_too_few() {
        assert_eq!(found(&[("thanks", &[Some(1), Some(2), Some(3)])]), Vec::<String>::new());
    }
}
