//! Which evidence was written, and what it is about.

use std::collections::BTreeMap;

use crate::clock::Seconds;

/// One evidence item about a booking.
pub(crate) struct Item {
    pub(crate) kind: &'static str,
    /// The source's own name for it: an object's id, a UID, a Message-ID.
    pub(crate) native: String,
    pub(crate) booking: usize,
    /// The payments that it shows.
    pub(crate) payments: Vec<usize>,
    /// When it was written, or last changed.
    pub(crate) at: Seconds,
    /// Whether it tells how the booking is at that moment; a reminder does not.
    pub(crate) tells: bool,
    /// Whether a person typed it.
    pub(crate) by_hand: bool,
}

/// All evidence that was written.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) items: Vec<Item>,
    /// Items about customers alone: the customer and the item's own name.
    pub(crate) payers: Vec<(usize, String)>,
    counts: BTreeMap<String, usize>,
}

impl Ledger {
    /// Enters an item about a booking.
    pub(crate) fn about(&mut self, item: Item) {
        *self.counts.entry(item.kind.to_owned()).or_default() += 1;
        if item.by_hand {
            *self.counts.entry(format!("{} (typed by hand)", item.kind)).or_default() += 1;
        }
        self.items.push(item);
    }

    /// Enters a payment provider's record of a customer.
    pub(crate) fn payer(&mut self, customer: usize, native: String) {
        *self.counts.entry("stripe.customer".to_owned()).or_default() += 1;
        self.payers.push((customer, native));
    }

    /// Counts an item that is about no booking.
    pub(crate) fn unrelated(&mut self, kind: &'static str) {
        *self.counts.entry(kind.to_owned()).or_default() += 1;
        *self.counts.entry(format!("{kind} (unrelated)")).or_default() += 1;
    }

    /// Items by kind. What was typed by hand or is about no booking is counted once more
    /// under a name of its own.
    pub(crate) fn counts(&self) -> &BTreeMap<String, usize> {
        &self.counts
    }
}
