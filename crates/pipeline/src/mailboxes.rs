//! Mailboxes on a server, as a pipeline file names them.

use std::path::Path;

use restitch_connect_mail::{Credential, ImapMailbox};

use crate::error::PipelineError;
use crate::file::Source;
use crate::servers::proofs;
use crate::sources::{secret, secret_file};

/// Refuses what cannot work of the keys of a live mailbox, with what would.
pub(crate) fn check(source: &Source) -> Result<(), String> {
    let fail = |problem: &str| Err(problem.to_owned());
    let url = source.url.as_deref().unwrap_or_default();
    if let Some(problem) = ImapMailbox::problem_of(url) {
        return Err(format!("url is no IMAP server: {problem}"));
    }
    if source.username.is_none() {
        return fail("a url needs a username beside it");
    }
    if proofs(source) != 1 {
        return fail("a url needs one of password_env, password_file and token_env");
    }
    if source.folders.as_ref().is_some_and(Vec::is_empty) {
        return fail("folders is empty; leave it out to pull all of them");
    }
    if source.allow_plaintext && url.starts_with("imaps:") {
        return fail("allow_plaintext is about imap://; imaps:// is always encrypted");
    }
    Ok(())
}

/// The connector of a live mailbox.
pub(crate) fn server(
    source: &Source,
    url: &str,
    folder: &Path,
) -> Result<ImapMailbox, PipelineError> {
    let credential = match (&source.token_env, &source.password_env, &source.password_file) {
        (Some(variable), ..) => {
            Credential::Token(secret(variable, "an access token for the mailbox")?)
        }
        (None, Some(variable), _) => {
            Credential::Password(secret(variable, "the password of the mailbox")?)
        }
        (None, None, file) => {
            let file = file.as_deref().unwrap_or(Path::new(""));
            Credential::Password(secret_file(&folder.join(file))?)
        }
    };
    Ok(ImapMailbox {
        folders: source.folders.clone().unwrap_or_default(),
        ca_file: source.ca_file.as_ref().map(|file| folder.join(file)),
        allow_plaintext: source.allow_plaintext,
        ..ImapMailbox::new(url, source.username.clone().unwrap_or_default(), credential)
    })
}

#[cfg(test)]
mod tests {
    use restitch_model::Secret;

    use super::*;
    use crate::file::Pipeline;

    fn parsed(lines: &str) -> Result<Source, PipelineError> {
        let text = format!(
            "[target]\nurl = \"sqlite:a\"\n[[source]]\nname = \"s\"\ntype = \"mail\"\n{lines}"
        );
        Pipeline::parse(&text, "incident.toml").map(|pipeline| pipeline.source[0].clone())
    }

    #[test]
    fn a_password_comes_from_a_file_without_its_line_end_and_never_shows() {
        let folder = tempfile::tempdir().unwrap();
        let source = parsed(
            "url = \"imaps://x\"\nusername = \"me\"\npassword_file = \"secret\"\n\
             ca_file = \"ca.pem\"\nfolders = [\"INBOX\"]",
        );
        let source = source.unwrap();
        let error = server(&source, "imaps://x", folder.path()).unwrap_err();
        assert!(error.is_settings() && error.to_string().contains("password_file"), "{error}");
        std::fs::write(folder.path().join("secret"), "hunter2 \r\n").unwrap();
        let mailbox = server(&source, "imaps://x", folder.path()).unwrap();
        assert_eq!(mailbox.credential, Credential::Password(Secret::new("hunter2 ")));
        assert_eq!(mailbox.ca_file, Some(folder.path().join("ca.pem")));
        assert_eq!(mailbox.folders, ["INBOX"]);
        assert!(!format!("{mailbox:?}").contains("hunter2"));
    }

    #[test]
    fn a_mailbox_on_a_server_has_a_user_and_one_proof() {
        let url = "url = \"imaps://mail.example.com\"\n";
        let proved = format!("{url}username = \"me\"\npassword_env = \"P\"\n");
        let one = "a url needs one of password_env, password_file and token_env";
        for (lines, want) in [
            (url.to_owned(), "a url needs a username beside it"),
            (format!("{url}username = \"me\""), one),
            (format!("{proved}token_env = \"T\""), one),
            (format!("{proved}folders = []"), "leave it out to pull all of them"),
            (format!("{proved}allow_plaintext = true"), "is about imap://"),
            (format!("{proved}path = \"m\""), "either path, to read files, or url"),
            (proved.replace("imaps", "https"), "url is no IMAP server: it begins with imaps://"),
        ] {
            let said = parsed(&lines).unwrap_err().to_string();
            assert!(said.contains(want), "{lines}: {said}");
        }
    }
}
