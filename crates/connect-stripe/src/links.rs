//! What an object says of others: which older ones it changed, which must be there beside it, and
//! which lists inside of it were cut short.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::json::Members;
use crate::lists::Single;
use crate::slices::READ_AGAIN_SECONDS;

/// A payment can be authorized so long before its money is taken, and a bank may take as long to
/// answer: an object this near to the beginning of the window may belong to one from before it.
const LONGEST_PAYMENT_SECONDS: i64 = 35 * 86_400;

/// From when on objects tell of changes that were not pulled with what they are about.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    /// What was pulled before holds all that happened up to this second.
    pub(crate) settled: Option<i64>,
    /// The first second of the window.
    pub(crate) window_start: Option<i64>,
}

impl News {
    /// Whether an object may be about another one from before the window.
    pub(crate) fn is_at_edge(self, object: &str, members: &Members<'_>) -> bool {
        self.window_start.zip(members.integer("created")).is_some_and(|(start, created)| {
            matches!(object, "refund" | "dispute")
                || created < start.saturating_add(LONGEST_PAYMENT_SECONDS)
        })
    }
}

/// The charges and payment intents that an object says something new of, where they were not
/// pulled beside it: those that were pulled earlier have changed since, and those from before
/// the window were never pulled.
pub(crate) fn changed(object: &str, members: &Members<'_>, news: News) -> Vec<(Single, String)> {
    let created = members.integer("created");
    let is_later = news
        .settled
        .zip(created)
        .is_some_and(|(at, created)| created >= at.saturating_sub(READ_AGAIN_SECONDS));
    if !is_later && !news.is_at_edge(object, members) {
        return Vec::new();
    }
    let charge = |name: &str| Some((Single::Charge, id(members, name).filter(|id| is_charge(id))?));
    let intent = || Some((Single::PaymentIntent, id(members, "payment_intent")?));
    match object {
        "charge" => intent().into_iter().collect(),
        "refund" | "dispute" => charge("charge").into_iter().chain(intent()).collect(),
        "balance_transaction" => charge("source").into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The list inside of an object that does not stand there to its end. `is_bare` says that the
/// server was not asked to give it along.
pub(crate) fn cut_short(object: &str, members: &Members<'_>, is_bare: bool) -> Option<Single> {
    let (name, single) = match object {
        "checkout.session" => ("line_items", Single::SessionLines),
        "invoice" => ("lines", Single::InvoiceLines),
        _ => return None,
    };
    let is_cut = match members.get(name).and_then(|list| Members::of(list.as_bytes())) {
        Some(list) => list.get("has_more") == Some("true"),
        None => is_bare && single == Single::SessionLines,
    };
    is_cut.then_some(single)
}

/// The list that must give the object that a balance transaction is about, and its id.
pub(crate) fn accounted_for(members: &Members<'_>) -> Option<(&'static str, String)> {
    let source = id(members, "source")?;
    let list = match source.split_once('_')?.0 {
        "ch" | "py" => "charges",
        "re" | "pyr" => "refunds",
        "dp" | "du" => "disputes",
        _ => return None,
    };
    Some((list, source))
}

/// A reference, which is an id or the object itself.
fn id(members: &Members<'_>, name: &str) -> Option<String> {
    let object = || Members::of(members.get(name)?.as_bytes())?.text("id");
    members.text(name).or_else(object)
}

fn is_charge(id: &str) -> bool {
    id.starts_with("ch_") || id.starts_with("py_")
}

/// Which objects a pull has seen, of those that others name. Of each id 64 bits are kept, so
/// that millions fit into memory.
#[derive(Default)]
pub(crate) struct Seen {
    hasher: RandomState,
    seen: HashSet<u64>,
    /// What balance transactions name and no list has given yet, by account and list.
    awaited: HashMap<u64, (usize, &'static str, String)>,
}

impl Seen {
    /// An object of this account came.
    pub(crate) fn came(&mut self, account: usize, id: &str) {
        let key = self.hasher.hash_one((account, id));
        self.seen.insert(key);
        self.awaited.remove(&key);
    }

    pub(crate) fn has(&self, account: usize, id: &str) -> bool {
        self.seen.contains(&self.hasher.hash_one((account, id)))
    }

    /// An object of this account must come in this list.
    pub(crate) fn awaits(&mut self, account: usize, list: &'static str, id: String) {
        let key = self.hasher.hash_one((account, id.as_str()));
        if !self.seen.contains(&key) {
            self.awaited.insert(key, (account, list, id));
        }
    }

    /// What did not come of this account in this list, in the order of the ids.
    pub(crate) fn missing(&self, account: usize, list: &str) -> Vec<&str> {
        let of_it = self.awaited.values().filter(|(at, of, _)| *at == account && *of == list);
        let mut ids: Vec<_> = of_it.map(|(_, _, id)| id.as_str()).collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &str, json: &str, news: News, expected: &[&str]) {
        let changed = changed(object, &Members::of(json.as_bytes()).unwrap(), news);
        let changed: Vec<_> =
            changed.iter().map(|(single, id)| single.name().replace(":id", id)).collect();
        assert_eq!(changed, expected, "{json}");
    }

    const REFUND: &str = r#"{"created":2000,"charge":"ch_1","payment_intent":{"id":"pi_1"}}"#;
    const SETTLED: News = News { settled: Some(2_600), window_start: None };

    #[test]
    fn what_came_after_the_last_pull_has_changed_older_objects() {
        check("refund", REFUND, SETTLED, &["charges/ch_1", "payment_intents/pi_1"]);
        check("dispute", REFUND, SETTLED, &["charges/ch_1", "payment_intents/pi_1"]);
        check("charge", REFUND, SETTLED, &["payment_intents/pi_1"]);
        check(
            "balance_transaction",
            r#"{"created":2000,"source":"py_1"}"#,
            SETTLED,
            &["charges/py_1"],
        );
        check("balance_transaction", r#"{"created":2000,"source":"po_1"}"#, SETTLED, &[]);
        check("refund", r#"{"created":2000,"charge":null}"#, SETTLED, &[]);
    }

    #[test]
    fn what_came_before_is_in_what_was_pulled() {
        check("refund", REFUND, News { settled: Some(2_601), window_start: None }, &[]);
        check("refund", REFUND, News::default(), &[]);
    }

    #[test]
    fn what_a_window_leaves_out_is_wanted_where_something_in_it_is_about_it() {
        let both = ["charges/ch_1", "payment_intents/pi_1"];
        let early = News { settled: None, window_start: Some(1_000) };
        let late = News { settled: None, window_start: Some(2_000 - LONGEST_PAYMENT_SECONDS) };
        check("refund", REFUND, early, &both);
        check("refund", REFUND, late, &both);
        check("charge", REFUND, early, &both[1..]);
        check("charge", REFUND, late, &[]);
    }

    #[test]
    fn a_list_that_was_cut_short_is_told() {
        let check = |object: &str, json: &str, is_bare, expected| {
            let members = Members::of(json.as_bytes()).unwrap();
            assert_eq!(cut_short(object, &members, is_bare), expected, "{json}");
        };
        let whole = r#"{"line_items":{"has_more": false},"lines":{"has_more":false}}"#;
        let cut = r#"{"line_items":{"has_more": true},"lines":{"has_more":true}}"#;
        check("checkout.session", whole, false, None);
        check("checkout.session", cut, false, Some(Single::SessionLines));
        check("invoice", cut, false, Some(Single::InvoiceLines));
        check("charge", cut, true, None);
        check("checkout.session", "{}", false, None);
        check("checkout.session", "{}", true, Some(Single::SessionLines));
        check("invoice", "{}", true, None);
    }

    #[test]
    fn what_balance_transactions_name_is_missed_until_it_comes() {
        let named = |json: &str| accounted_for(&Members::of(json.as_bytes()).unwrap());
        assert_eq!(named(r#"{"source":"re_1"}"#), Some(("refunds", "re_1".into())));
        assert_eq!(named(r#"{"source":"po_1"}"#), None);
        assert_eq!(named(r#"{"source":null}"#), None);

        let mut seen = Seen::default();
        seen.came(0, "ch_1");
        for id in ["ch_1", "ch_2", "ch_3"] {
            seen.awaits(0, "charges", id.into());
        }
        seen.came(0, "ch_3");
        seen.came(1, "ch_2");
        assert_eq!(seen.missing(0, "charges"), ["ch_2"]);
        assert!(seen.missing(1, "charges").is_empty() && seen.missing(0, "refunds").is_empty());
        assert!(seen.has(0, "ch_1") && !seen.has(1, "ch_1"));
    }
}
