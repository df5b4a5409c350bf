//! What sources on a server have in common, as a pipeline file names them.

use crate::file::{Source, SourceKind};
use crate::{calendars, mailboxes};

/// A key that is about a server, whether a source sets it, and the kinds of sources that have it.
type Key = (&'static str, bool, &'static [SourceKind]);

const ANY: &[SourceKind] = &[SourceKind::Calendar, SourceKind::Mail];
const CALENDAR: &[SourceKind] = &[SourceKind::Calendar];
const MAIL: &[SourceKind] = &[SourceKind::Mail];

/// Whether a source asks a server for calendars or mail.
pub(crate) fn is_live(source: &Source) -> bool {
    match source.kind {
        SourceKind::Calendar => source.url.is_some() || source.url_env.is_some(),
        SourceKind::Mail => source.url.is_some(),
        SourceKind::Stripe | SourceKind::Table => false,
    }
}

/// Refuses what cannot work of the keys that are about a server, with what would.
pub(crate) fn check(source: &Source) -> Result<(), String> {
    let set = keys(source).into_iter().filter(|(_, is_set, _)| *is_set);
    if let Some((key, _, kinds)) = set.clone().find(|(.., kinds)| !kinds.contains(&source.kind)) {
        let types: Vec<_> = kinds.iter().map(|kind| format!("{:?}", kind.name())).collect();
        return Err(format!("only a source of type {} has {key}", types.join(" or ")));
    }
    if !is_live(source) {
        return match set.clone().next() {
            Some((key, ..)) => Err(format!("{key} is about a server and needs a url beside it")),
            None => Ok(()),
        };
    }
    match source.kind {
        SourceKind::Calendar => calendars::check(source),
        _ => mailboxes::check(source),
    }
}

/// How many proofs of who asks are given: there may be one.
pub(crate) fn proofs(source: &Source) -> usize {
    let files = source.password_file.iter().count();
    [&source.password_env, &source.token_env].into_iter().flatten().count() + files
}

fn keys(source: &Source) -> [Key; 10] {
    [
        ("url", source.url.is_some(), ANY),
        ("url_env", source.url_env.is_some(), CALENDAR),
        ("username", source.username.is_some(), ANY),
        ("password_env", source.password_env.is_some(), ANY),
        ("password_file", source.password_file.is_some(), ANY),
        ("token_env", source.token_env.is_some(), ANY),
        ("ca_file", source.ca_file.is_some(), ANY),
        ("calendars", source.calendars.is_some(), CALENDAR),
        ("folders", source.folders.is_some(), MAIL),
        ("allow_plaintext", source.allow_plaintext, MAIL),
    ]
}

#[cfg(test)]
mod tests {
    use crate::file::Pipeline;

    #[test]
    fn what_is_about_a_server_needs_one() {
        for (kind, key, value, want) in [
            ("mail", "username", "\"me\"", "needs a url"),
            ("mail", "folders", "[\"INBOX\"]", "needs a url"),
            ("mail", "allow_plaintext", "true", "needs a url"),
            ("calendar", "ca_file", "\"ca.pem\"", "needs a url"),
            ("calendar", "token_env", "\"T\"", "needs a url"),
            ("mail", "calendars", "[]", "only a source of type \"calendar\" has calendars"),
            ("mail", "url_env", "\"U\"", "only a source of type \"calendar\" has url_env"),
            ("calendar", "folders", "[]", "only a source of type \"mail\" has folders"),
            ("table", "url", "\"https://a\"", "of type \"calendar\" or \"mail\" has url"),
        ] {
            let text = format!(
                "[target]\nurl = \"sqlite:a\"\n[[source]]\nname = \"s\"\ntype = \"{kind}\"\n\
                 path = \"p\"\n{key} = {value}"
            );
            let said = Pipeline::parse(&text, "incident.toml").unwrap_err().to_string();
            assert!(said.contains(want), "{key} of {kind}: {said}");
        }
    }
}
