//! Calendars of a server, as a pipeline file names them.

use std::path::Path;

use restitch_connect_calendar::{CalendarServer, Login, problem_of};
use restitch_model::Secret;

use crate::error::PipelineError;
use crate::file::Source;
use crate::servers::proofs;
use crate::sources::{secret, secret_file};

/// Refuses what cannot work of the keys of a live calendar, with what would.
pub(crate) fn check(source: &Source) -> Result<(), String> {
    let fail = |problem: &str| Err(problem.to_owned());
    if source.url.is_some() && source.url_env.is_some() {
        return fail("give one of url and url_env");
    }
    if let Some(url) = &source.url {
        if let Some(problem) = problem_of(url) {
            return Err(problem);
        }
        if url.contains('?') || url.contains("/private-") {
            return fail(
                "the url looks like a secret address, which whoever reads this file could use: \
                 put it into a variable and name that in url_env",
            );
        }
    }
    if source.username.is_some() && source.token_env.is_some() {
        return fail("a token says by itself who asks: leave username out");
    }
    let given = proofs(source);
    match (&source.username, &source.token_env) {
        (Some(_), _) if given != 1 => {
            return fail("a username needs one of password_env and password_file beside it");
        }
        (None, None) if given > 0 => return fail("a password needs a username beside it"),
        (None, Some(_)) if given > 1 => return fail("give one of a password and token_env"),
        _ => {}
    }
    if source.calendars.as_ref().is_some_and(Vec::is_empty) {
        return fail("calendars is empty; leave it out to pull all of them");
    }
    Ok(())
}

/// The connector of a live calendar.
pub(crate) fn server(source: &Source, folder: &Path) -> Result<CalendarServer, PipelineError> {
    let url = match &source.url_env {
        Some(variable) => secret(variable, "the address of a calendar")?,
        None => Secret::new(source.url.as_deref().unwrap_or_default()),
    };
    let username = source.username.clone().unwrap_or_default();
    let password = |password| Login::Password { username: username.clone(), password };
    let login = match (&source.token_env, &source.password_env, &source.password_file) {
        (Some(variable), ..) => Login::Token(secret(variable, "a token for the calendar server")?),
        (None, Some(variable), _) => {
            password(secret(variable, "the password of the calendar server")?)
        }
        (None, None, Some(file)) => password(secret_file(&folder.join(file))?),
        (None, None, None) => Login::Nobody,
    };
    Ok(CalendarServer {
        url,
        login,
        ca_file: source.ca_file.as_ref().map(|file| folder.join(file)),
        calendars: source.calendars.clone().unwrap_or_default(),
        timezone: source.timezone.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Pipeline;

    fn parsed(lines: &str) -> Result<Source, PipelineError> {
        let text = format!("[target]\nurl = \"sqlite:a\"\n[[source]]\nname = \"s\"\n{lines}");
        Pipeline::parse(&text, "incident.toml").map(|pipeline| pipeline.source[0].clone())
    }

    /// What is said against a calendar with these lines.
    #[track_caller]
    fn refused(lines: &str) -> String {
        let said = parsed(&format!("type = \"calendar\"\n{lines}")).unwrap_err().to_string();
        said.strip_prefix("incident.toml: source \"s\": ").expect("the source is named").to_owned()
    }

    #[test]
    fn a_server_is_asked_by_who_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "hunter2 \r\n").unwrap();
        let source = parsed(
            "type = \"calendar\"\nurl = \"https://dav.example.com/\"\nusername = \"jo\"\n\
             password_file = \"password\"\nca_file = \"ca.pem\"\ncalendars = [\"Van*\"]",
        );
        let server = server(&source.unwrap(), folder.path()).unwrap();
        let password = Secret::new("hunter2 ");
        assert_eq!(server.login, Login::Password { username: "jo".to_owned(), password });
        assert_eq!(server.ca_file, Some(folder.path().join("ca.pem")));
        assert_eq!(server.calendars, ["Van*"]);
        assert!(!format!("{server:?}").contains("hunter2"));
        let source = parsed("type = \"calendar\"\nurl_env = \"RESTITCH_NO_SUCH_VARIABLE\"");
        let error = super::server(&source.unwrap(), folder.path()).unwrap_err();
        assert!(error.is_settings() && error.to_string().contains("RESTITCH_NO_SUCH_VARIABLE"));
    }

    #[test]
    fn combinations_that_cannot_work_are_refused_with_what_would() {
        let url = "url = \"https://dav.example.com/\"\n";
        for (lines, want) in [
            ("", "it needs a path, or the url of a server"),
            ("url = \"https://a.org/\"\npath = \"a\"", "give either path, to read files, or url"),
            ("url = \"https://a.org/\"\nurl_env = \"A\"", "give one of url and url_env"),
            ("url = \"http://dav.example.com/\"", "unencrypted; use https://"),
            ("url = \"https://a.org/private-1f2e/basic.ics\"", "looks like a secret address"),
            ("url = \"https://a.org/ical.html?t=1\"", "looks like a secret address"),
            (&format!("{url}username = \"jo\""), "needs one of password_env and password_file"),
            (&format!("{url}password_env = \"P\""), "a password needs a username"),
            (&format!("{url}username = \"jo\"\ntoken_env = \"T\""), "leave username out"),
            (&format!("{url}calendars = []"), "leave it out to pull all"),
        ] {
            let said = refused(lines);
            assert!(said.contains(want) && !said.contains("1f2e"), "{lines}: {said}");
        }
    }

    #[test]
    fn a_wrong_key_is_answered_with_the_nearest_right_one() {
        let said = parsed("type = \"calendar\"\nurl = \"https://a.org/\"\npasword_env = \"P\"");
        assert!(said.unwrap_err().to_string().ends_with("did you mean `password_env`?"));
    }
}
