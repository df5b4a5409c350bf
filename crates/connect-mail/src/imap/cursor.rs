//! How far the pulls of a mailbox have come, as the case keeps it between them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far the pulls of a mailbox have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Whose it is. That of another mailbox says nothing.
    account: String,
    /// The folders, by the names that the server gives them.
    folders: BTreeMap<String, Reached>,
}

/// How far a folder has been pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Under which its numbers hold (UIDVALIDITY).
    pub validity: u32,
    /// The day that it was pulled from, as `2026-02-01`; all of it where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The first number that has not been asked for.
    pub next: u32,
    /// Earlier ones that the server could not give, which are asked for again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub missed: String,
}

impl Cursor {
    /// Reads what an earlier pull of the account left.
    pub fn read(account: &str, checkpoint: Option<&str>) -> Self {
        let cursor = checkpoint.and_then(|text| serde_json::from_str(text).ok());
        let mine = cursor.filter(|cursor: &Self| cursor.account == account);
        mine.unwrap_or_else(|| Self { account: account.to_owned(), folders: BTreeMap::new() })
    }

    /// As the case keeps it.
    pub fn write(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are plain data")
    }

    /// How far the folder has been pulled, where that still holds: its numbers are the same,
    /// and the time that is asked for begins no earlier.
    pub fn reached(&self, folder: &[u8], validity: u32, since: Option<&str>) -> Before {
        let Some(reached) = self.folders.get(&key(folder)) else { return Before::Never };
        if validity == 0 || reached.validity != validity {
            return Before::Renumbered;
        }
        // Days in this form are in order where their texts are; none is before all.
        match since < reached.since.as_deref() {
            true => Before::Never,
            false => Before::Reached(reached.clone()),
        }
    }

    /// Remembers how far a folder has been pulled.
    pub fn set(&mut self, folder: &[u8], reached: Reached) {
        self.folders.insert(key(folder), reached);
    }
}

/// What earlier pulls did to a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Nothing that helps.
    Never,
    /// They came so far.
    Reached(Reached),
    /// The server has numbered its messages anew since.
    Renumbered,
}

fn key(folder: &[u8]) -> String {
    String::from_utf8_lossy(folder).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(since: Option<&str>) -> Reached {
        Reached { validity: 7, since: since.map(str::to_owned), next: 12, missed: "3".to_owned() }
    }

    fn cursor(since: Option<&str>) -> Cursor {
        let mut cursor = Cursor::read("me@x", None);
        cursor.set(b"INBOX", reached(since));
        cursor
    }

    #[test]
    fn a_folder_goes_on_where_it_stopped() {
        let text = cursor(None).write();
        assert_eq!(
            text,
            r#"{"account":"me@x","folders":{"INBOX":{"validity":7,"next":12,"missed":"3"}}}"#
        );
        let read = Cursor::read("me@x", Some(&text));
        assert_eq!(read.reached(b"INBOX", 7, None), Before::Reached(reached(None)));
        assert_eq!(read.reached(b"Sent", 7, None), Before::Never);
    }

    #[test]
    fn what_holds_no_longer_is_not_gone_on_from() {
        assert_eq!(cursor(None).reached(b"INBOX", 8, None), Before::Renumbered);
        assert_eq!(cursor(None).reached(b"INBOX", 0, None), Before::Renumbered);
        let text = cursor(None).write();
        for (account, text) in [("you@x", text.as_str()), ("me@x", "mail/inbox"), ("me@x", "")] {
            let read = Cursor::read(account, Some(text));
            assert_eq!(read.reached(b"INBOX", 7, None), Before::Never, "{account} {text}");
        }
    }

    #[test]
    fn an_earlier_beginning_pulls_anew_and_a_later_one_goes_on() {
        let day = |since: Option<&str>, now: Option<&str>| {
            cursor(since).reached(b"INBOX", 7, now) != Before::Never
        };
        assert!(day(None, Some("2026-02-01")));
        assert!(day(Some("2026-02-01"), Some("2026-02-01")));
        assert!(day(Some("2026-02-01"), Some("2026-03-01")));
        assert!(!day(Some("2026-02-01"), Some("2025-12-01")));
        assert!(!day(Some("2026-02-01"), None));
    }
}
