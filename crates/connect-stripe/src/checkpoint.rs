//! How far a pull from the API has come, list by list.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Objects appear in lists some seconds after the time that they give as their creation: the
/// last ten minutes before the newest object are read again by the next pull.
pub(crate) const READ_AGAIN_SECONDS: i64 = 600;

/// The marks of one source, as its checkpoint keeps them in JSON.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marks {
    scope: Scope,
    lists: BTreeMap<String, Mark>,
}

/// What the marks hold for. Those of another server, of test data or of another window say
/// nothing about this pull.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// The server's address.
    pub(crate) server: String,
    /// Whether the key is one for live data.
    pub(crate) is_live: bool,
    /// The first second of the window, and the first one after it.
    pub(crate) window: Option<(i64, i64)>,
}

/// How far one list of one account was read. Lists begin with the newest object.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// When the newest object was made that was seen, in seconds since 1970.
    pub(crate) newest: Option<i64>,
    /// The object to go on after, where the list was not read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// The first second that the unfinished reading asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<i64>,
}

impl Marks {
    /// The marks of an earlier pull, where they hold for this one.
    pub(crate) fn of(checkpoint: Option<&str>, scope: Scope) -> Self {
        checkpoint
            .and_then(|text| serde_json::from_str::<Self>(text).ok())
            .filter(|marks| marks.scope == scope)
            .unwrap_or(Self { scope, lists: BTreeMap::new() })
    }

    pub(crate) fn get(&self, account: &str, list: &str) -> Mark {
        self.lists.get(&key(account, list)).cloned().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, account: &str, list: &str, mark: Mark) {
        self.lists.insert(key(account, list), mark);
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Mark {
    /// The first second to ask for, given the one that the window begins with.
    pub(crate) fn since(&self, start: Option<i64>) -> Option<i64> {
        match (&self.after, self.newest) {
            (Some(_), _) => self.since,
            (None, Some(newest)) => start.max(Some(newest.saturating_sub(READ_AGAIN_SECONDS))),
            (None, None) => start,
        }
    }
}

fn key(account: &str, list: &str) -> String {
    format!("{account} {list}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(window: Option<(i64, i64)>) -> Scope {
        Scope { server: "https://api.stripe.com".into(), is_live: true, window }
    }

    #[test]
    fn marks_hold_for_the_same_server_and_window_only() {
        let mut marks = Marks::of(None, scope(None));
        let mark = Mark { newest: Some(5), after: Some("ch_1".into()), since: None };
        marks.set("acct_1", "charges", mark.clone());
        let text = marks.text();
        assert_eq!(Marks::of(Some(&text), scope(None)).get("acct_1", "charges"), mark);
        assert_eq!(Marks::of(Some(&text), scope(None)).get("acct_1", "refunds"), Mark::default());
        let other = Marks::of(Some(&text), scope(Some((1, 2))));
        assert_eq!(other.get("acct_1", "charges"), Mark::default());
        assert_eq!(Marks::of(Some("garbage"), scope(None)), Marks::of(None, scope(None)));
    }

    #[test]
    fn a_finished_list_is_read_again_from_ten_minutes_before_its_newest_object() {
        let finished = Mark { newest: Some(10_000), ..Mark::default() };
        assert_eq!(finished.since(None), Some(9_400));
        assert_eq!(finished.since(Some(9_999)), Some(9_999));
        assert_eq!(Mark::default().since(Some(7)), Some(7));
        let unfinished = Mark { after: Some("ch_1".into()), since: None, newest: Some(10_000) };
        assert_eq!(unfinished.since(Some(7)), None);
    }
}
