//! One account as a pull sees it: its lists, and what is wanted beside them.

use std::collections::BTreeSet;

use crate::checkpoint::{AccountMark, ListMark};
use crate::item::{PLATFORM, bounds};
use crate::lists::{LISTS, List, Single};
use crate::slices::{Slices, Span};

/// The platform itself, or a connected account.
pub(crate) struct Account {
    /// Its id; `None` for the platform.
    pub(crate) id: Option<String>,
    /// Its lists.
    pub(crate) lists: Vec<Listing>,
    /// What earlier pulls brought holds all that happened up to this second.
    pub(crate) settled: Option<i64>,
    /// The same of what this pull brings.
    pub(crate) next_settled: Option<i64>,
    /// Single objects that are still to be asked for.
    pub(crate) wanted: BTreeSet<(Single, String)>,
    /// Whether single objects are asked for as soon as they are wanted: before the lists are
    /// read, most of what others name is still to come in them.
    pub(crate) asks_at_once: bool,
}

/// One list of an account.
pub(crate) struct Listing {
    pub(crate) list: &'static List,
    pub(crate) slices: Slices,
    /// Whether all of it is read in this pull, not only what an earlier one left.
    pub(crate) is_from_scratch: bool,
    /// Asked for without the lists inside of its objects.
    pub(crate) is_bare: bool,
    /// Not read to its end, and not asked for again by this pull.
    pub(crate) is_given_up: bool,
}

impl Listing {
    /// A list to be read from the beginning.
    pub(crate) fn new(list: &'static List, whole: Span) -> Self {
        let slices = Slices::of_whole(whole);
        Self { list, slices, is_from_scratch: true, is_bare: false, is_given_up: false }
    }

    /// Whether nothing more will come of it in this pull.
    pub(crate) fn is_over(&self) -> bool {
        self.slices.is_read() || self.is_given_up
    }
}

impl Account {
    /// An account as an earlier pull left it. `floor` is when it was made.
    pub(crate) fn of(
        id: Option<String>,
        mark: &AccountMark,
        window: Span,
        floor: Option<i64>,
    ) -> Self {
        let listing = |list: &'static List| {
            let whole = within(list, window);
            let Some(earlier) = mark.lists.get(list.name) else {
                let listing = Listing::new(list, whole);
                return Listing { slices: listing.slices.with_floor(floor), ..listing };
            };
            let slices = earlier.slices(whole).with_floor(floor);
            Listing { slices, is_from_scratch: false, ..Listing::new(list, whole) }
        };
        let wanted = mark.wanted.iter().flat_map(|(name, ids)| {
            let single = Single::ALL.into_iter().find(|single| single.name() == name);
            single
                .into_iter()
                .flat_map(move |single| ids.iter().map(move |id| (single, id.clone())))
        });
        Self {
            id,
            lists: LISTS.iter().map(listing).collect(),
            settled: mark.settled,
            next_settled: None,
            wanted: wanted.collect(),
            asks_at_once: false,
        }
    }

    /// What items of it lie in.
    pub(crate) fn container(&self) -> &str {
        self.id.as_deref().unwrap_or(PLATFORM)
    }

    /// The list of this name.
    pub(crate) fn list(&self, name: &str) -> Option<&Listing> {
        self.lists.iter().find(|listing| listing.list.name == name)
    }

    /// Charges came, the newest of which was made then. Whatever happened before is in them.
    pub(crate) fn charges_came(&mut self, newest: Option<i64>) {
        self.next_settled = self.next_settled.or(newest);
        self.settled = self.settled.or(newest);
    }

    /// Whether the objects that others name have come in their lists, if at all.
    pub(crate) fn has_its_payments(&self) -> bool {
        [Single::Charge, Single::PaymentIntent]
            .iter()
            .all(|single| self.list(single.list()).is_none_or(Listing::is_over))
    }

    /// How far it was read.
    pub(crate) fn mark(&self) -> AccountMark {
        let read = |listing: &Listing| {
            let is_kept = listing.list.name != crate::lists::ACCOUNTS.name;
            let mark = ListMark::of(&listing.slices).filter(|_| is_kept)?;
            Some((listing.list.name.to_owned(), mark))
        };
        let is_done = self.wanted.is_empty() && self.lists.iter().all(|one| one.slices.is_read());
        let mut mark = AccountMark {
            lists: self.lists.iter().filter_map(read).collect(),
            settled: self.next_settled.filter(|_| is_done).or(self.settled),
            ..AccountMark::default()
        };
        for (single, id) in &self.wanted {
            mark.wanted.entry(single.name().to_owned()).or_default().insert(id.clone());
        }
        mark
    }
}

/// The part of the window that bounds the list.
fn within(list: &List, (start, end): Span) -> Span {
    let (is_bound_below, is_bound_above) = bounds(list.kind);
    (start.filter(|_| is_bound_below), end.filter(|_| is_bound_above))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slices::Came;

    fn read(account: &mut Account, newest: i64) {
        let came = Came {
            newest_oldest: Some((newest, newest)),
            first: Some(newest),
            last: Some(newest),
            ..Came::default()
        };
        for listing in &mut account.lists {
            let open: Vec<_> = listing.slices.open().collect();
            open.into_iter().for_each(|id| drop(listing.slices.came(id, &came, 0)));
        }
    }

    fn again(account: &Account) -> Account {
        Account::of(account.id.clone(), &account.mark(), (None, None), None)
    }

    #[test]
    fn an_account_is_settled_when_all_of_it_came() {
        let mut account = Account::of(None, &AccountMark::default(), (None, None), None);
        account.charges_came(Some(1_000));
        account.wanted.insert((Single::Charge, "ch_1".into()));
        read(&mut account, 1_000);
        let mut second = again(&account);
        assert_eq!(second.settled, Some(1_000));
        assert_eq!(second.wanted, account.wanted);

        second.charges_came(Some(2_000));
        read(&mut second, 2_000);
        assert_eq!(again(&second).settled, Some(1_000), "ch_1 did not come yet");
        second.wanted.clear();
        assert_eq!(again(&second).settled, Some(2_000));
    }

    #[test]
    fn an_account_of_which_nothing_came_leaves_no_mark() {
        let account =
            Account::of(Some("acct_1".into()), &AccountMark::default(), (None, None), None);
        assert_eq!(account.mark(), AccountMark::default());
    }

    #[test]
    fn charges_and_intents_must_be_over_before_singles_are_asked_for() {
        let mut account = Account::of(None, &AccountMark::default(), (None, None), None);
        assert!(!account.has_its_payments());
        for listing in &mut account.lists {
            listing.is_given_up = true;
        }
        assert!(account.has_its_payments());
        assert!(account.mark().settled.is_none());
    }
}
