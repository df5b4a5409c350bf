//! How far the pulls of a calendar server have come.

use std::collections::BTreeMap;

use restitch_model::Digest;
use serde::{Deserialize, Serialize};

/// The marks of one source, as its checkpoint keeps them in JSON. Addresses stand in them as
/// fingerprints: that of a calendar may be a secret, and that of an event may name a person.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// Which server and user they hold for.
    scope: String,
    /// By the fingerprint of a calendar's address.
    pub(crate) calendars: BTreeMap<String, Mark>,
}

/// How far one calendar was pulled.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// What it is called.
    pub(crate) name: String,
    /// Where `sync-collection` goes on, once all that it told before is pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// The version of a calendar that is one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    /// What of it is pulled: by the fingerprint of its address or name, that of its version.
    pub(crate) pulled: BTreeMap<String, String>,
}

impl Marks {
    /// The marks of an earlier pull, where they hold for this one.
    pub(crate) fn of(checkpoint: Option<&str>, scope: &[&str]) -> Self {
        let scope = fingerprint(scope);
        checkpoint
            .and_then(|text| serde_json::from_str::<Self>(text).ok())
            .filter(|marks| marks.scope == scope)
            .unwrap_or(Self { scope, calendars: BTreeMap::new() })
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Sixteen hexadecimal digits by which texts are told apart.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    let digest = Digest::of_parts(parts.iter().map(|part| part.as_bytes()));
    digest.to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_hold_for_the_same_server_and_user_only() {
        let mut marks = Marks::of(None, &["https://dav.example.com/", "jo"]);
        marks.calendars.insert("c".to_owned(), Mark { name: "Vans".to_owned(), ..Mark::default() });
        let text = marks.text();
        assert_eq!(Marks::of(Some(&text), &["https://dav.example.com/", "jo"]), marks);
        assert!(Marks::of(Some(&text), &["https://dav.example.com/", "an"]).calendars.is_empty());
        assert!(Marks::of(Some("garbage"), &["a"]).calendars.is_empty());
        assert!(!text.contains("example"), "{text}");
    }
}
