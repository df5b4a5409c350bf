//! How far a pull from the API has come: list by list, slice by slice.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::slices::{Slices, Span};

/// The form of checkpoints that is written here. Those of another form are begun anew.
const FORM: u32 = 2;

/// The marks of one source, as its checkpoint keeps them in JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marks {
    form: u32,
    scope: Scope,
    accounts: BTreeMap<String, AccountMark>,
}

/// What the marks hold for. Those of another server, of test data or of another window say
/// nothing about this pull.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// The server's address.
    pub(crate) server: String,
    /// Whether the key is one for live data.
    pub(crate) is_live: bool,
    /// The first and the last second of the window.
    pub(crate) window: Span,
}

/// How far one account was read.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountMark {
    /// Its lists, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) lists: BTreeMap<String, ListMark>,
    /// What was made before this second is in the charges and payment intents that were pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) settled: Option<i64>,
    /// Single objects that are still to be asked for, by what they are and their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) wanted: BTreeMap<String, BTreeSet<String>>,
}

/// How far one list was read.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListMark {
    /// When the newest object was made that was seen, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
    /// From which second to which it was not read yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rests: Vec<Span>,
}

impl Marks {
    /// The marks of an earlier pull, where they hold for this one.
    pub(crate) fn of(checkpoint: Option<&str>, scope: Scope) -> Self {
        checkpoint
            .and_then(|text| serde_json::from_str::<Self>(text).ok())
            .filter(|marks| marks.form == FORM && marks.scope == scope)
            .unwrap_or(Self { form: FORM, scope, accounts: BTreeMap::new() })
    }

    pub(crate) fn account(&self, account: &str) -> AccountMark {
        self.accounts.get(account).cloned().unwrap_or_default()
    }

    /// Most lists of most connected accounts are empty: of an account without any there is
    /// nothing to remember.
    pub(crate) fn set(&mut self, account: &str, mark: AccountMark) {
        if mark == AccountMark::default() {
            self.accounts.remove(account);
        } else {
            self.accounts.insert(account.to_owned(), mark);
        }
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl ListMark {
    /// Of a list that is being read. `None` where nothing of it was seen.
    pub(crate) fn of(slices: &Slices) -> Option<Self> {
        let mark = Self { newest: slices.newest(), rests: slices.rests() };
        mark.newest.is_some().then_some(mark)
    }

    /// The list, to go on with.
    pub(crate) fn slices(&self, whole: Span) -> Slices {
        match self.newest {
            Some(newest) => Slices::of_rest(whole, Some(newest), &self.rests),
            None => Slices::of_whole(whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(window: Span) -> Scope {
        Scope { server: "https://api.stripe.com".into(), is_live: true, window }
    }

    fn mark() -> AccountMark {
        let charges = ListMark { newest: Some(1_700_000_000), rests: vec![(None, Some(5))] };
        AccountMark {
            lists: [("charges".to_owned(), charges)].into(),
            settled: Some(7),
            wanted: [("charges/:id".to_owned(), ["ch_1".to_owned()].into())].into(),
        }
    }

    #[test]
    fn marks_hold_for_the_same_server_and_window_only() {
        let mut marks = Marks::of(None, scope((None, None)));
        marks.set("acct_1", mark());
        let text = marks.text();
        assert_eq!(Marks::of(Some(&text), scope((None, None))), marks);
        assert_eq!(marks.account("acct_2"), AccountMark::default());
        let empty = |window| Marks::of(None, scope(window));
        assert_eq!(Marks::of(Some(&text), scope((Some(1), Some(2)))), empty((Some(1), Some(2))));
        let other_form = text.replace("\"form\":2", "\"form\":1");
        for text in ["garbage", "", &other_form] {
            assert_eq!(Marks::of(Some(text), scope((None, None))), empty((None, None)));
        }
    }

    #[test]
    fn an_account_without_anything_is_not_remembered() {
        let mut marks = Marks::of(None, scope((None, None)));
        marks.set("acct_1", mark());
        marks.set("acct_1", AccountMark::default());
        assert_eq!(marks, Marks::of(None, scope((None, None))));
    }

    #[test]
    fn a_finished_list_is_read_again_from_ten_minutes_before_its_newest_object() {
        let since = |newest, start| {
            let mark = ListMark { newest, rests: vec![] };
            let slices = mark.slices((start, None));
            let spans: Vec<_> = slices.open().map(|id| slices.page(id).unwrap().since).collect();
            spans
        };
        assert_eq!(since(Some(10_000), None), [Some(9_400)]);
        assert_eq!(since(Some(10_000), Some(9_999)), [Some(9_999)]);
        assert_eq!(since(None, Some(7)), [Some(7)]);
    }

    #[test]
    fn the_text_is_small() {
        let mut marks = Marks::of(None, scope((None, None)));
        marks.set("acct_1", mark());
        assert_eq!(
            marks.text(),
            r#"{"form":2,"scope":{"server":"https://api.stripe.com","is_live":true,"window":[null,null]},"accounts":{"acct_1":{"lists":{"charges":{"newest":1700000000,"rests":[[null,5]]}},"settled":7,"wanted":{"charges/:id":["ch_1"]}}}}"#
        );
    }
}
