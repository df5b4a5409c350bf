//! Calendars of a server: CalDAV (RFC 4791), and files at an address.

mod client;
mod discover;
mod feed;
mod marks;
mod multistatus;
mod requests;
mod sync;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use restitch_connect::{Connector, PullError, Reading, Sink};
use restitch_model::{Evidence, Progress, Secret, TimeWindow};

use self::client::{Answer, Client, address};
use self::discover::{Calendar, Lost, calendars};
use self::feed::Feed;
use self::marks::Marks;
use self::sync::{Pull, count};
use crate::files::check_timezone;
use crate::{KINDS, read};

/// Calendars of a live server, read and never written: nothing but PROPFIND, REPORT and GET is
/// sent.
///
/// An address may be that of a calendar, of a user's calendars, or of a server, which is then
/// asked where they are; or that of a file, as secret addresses and `webcal://` are. All is pulled
/// whatever the window is, and only what changed since the last pull. What cannot be pulled is a
/// gap, and the rest is pulled.
#[derive(Debug, Clone)]
pub struct CalendarServer {
    /// Where it is. Kept secret: whoever knows the secret address of a calendar can read it.
    pub url: Secret,
    /// Who asks.
    pub login: Login,
    /// Certificates of authorities of one's own, in PEM, beside those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The names of the calendars that are pulled, with `*` and `?`, in any case of letters;
    /// empty for all.
    pub calendars: Vec<String>,
    /// The zone of times without a zone, as in [`crate::CalendarFiles`].
    pub timezone: Option<String>,
}

/// Who asks a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Nobody: the address is public, or a secret by itself.
    Nobody,
    /// A user with a password (RFC 7617), often one made for a single program.
    Password {
        /// Who it is.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Who holds this token (RFC 6750).
    Token(Secret),
}

/// What a connection is made of.
struct Settings<'s> {
    url: &'s Secret,
    login: &'s Login,
    ca_file: Option<&'s Path>,
}

impl Connector for CalendarServer {
    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    /// Must not be called from within an asynchronous runtime, because it runs one.
    fn pull(
        &self,
        _window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        check_timezone(self.timezone.as_deref())?;
        let settings =
            Settings { url: &self.url, login: &self.login, ca_file: self.ca_file.as_deref() };
        let client = Client::new(&settings)?;
        let username = match &self.login {
            Login::Password { username, .. } => username,
            _ => "",
        };
        let marks = Marks::of(sink.checkpoint().as_deref(), &[client.base().as_str(), username]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(
            |error| PullError::Settings(format!("the system gives no connections: {error}")),
        )?;

        progress.begin("pulling calendars", "events", None);
        let mut pull = Pull { client: &client, marks, sink, progress };
        let result = runtime.block_on(self.everything(&mut pull));
        progress.end();
        result
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read(&evidence.bytes, self.timezone.as_deref())
    }
}

impl CalendarServer {
    async fn everything(&self, pull: &mut Pull<'_>) -> Result<(), PullError> {
        // Whoever gives an address alone has most likely one of a file.
        let is_file = !pull.client.is_signed_in() || names_file(self.url.expose());
        let host = pull.client.base().host_str().unwrap_or_default().to_owned();
        let mut other = None;
        if is_file {
            match pull.feed(&host).await? {
                Feed::Pulled => return Ok(()),
                Feed::Other(answer) => other = Some(answer),
            }
        }
        let found = match calendars(pull.client).await {
            Ok(found) => found,
            Err(Lost::NoServer(_)) if !is_file => match pull.feed(&host).await? {
                Feed::Pulled => return Ok(()),
                Feed::Other(answer) => {
                    return Err(pull.failed(
                        "PROPFIND and GET",
                        &no_calendar(&answer, pull.client.is_signed_in()),
                    ));
                }
            },
            Err(lost) => {
                let problem = match (lost, other) {
                    (Lost::NoServer(_), Some(answer)) => {
                        no_calendar(&answer, pull.client.is_signed_in())
                    }
                    (lost, _) => why(&lost, pull.client.is_signed_in()),
                };
                return Err(pull.failed("PROPFIND for calendars", &problem));
            }
        };
        self.pull_all(pull, found).await
    }

    async fn pull_all(&self, pull: &mut Pull<'_>, all: Vec<Calendar>) -> Result<(), PullError> {
        let containers = containers(&all);
        if all.is_empty() && pull.marks.calendars.is_empty() {
            let text = "the server answers and shows no calendar: check the user, and whether \
                        calendars are shared with him";
            pull.gap(&pull.client.server(), text);
            return Ok(());
        }
        let mut wanted = Vec::new();
        for (calendar, container) in all.into_iter().zip(containers) {
            if self.wants(&calendar) {
                wanted.push((calendar, container));
            }
        }
        for pattern in &self.calendars {
            if !wanted.iter().any(|(calendar, _)| is_named(calendar, pattern)) {
                let text = format!("no calendar is called {pattern:?}");
                pull.gap(&pull.client.server(), &text);
            }
        }
        let here: BTreeSet<String> = wanted.iter().map(|(calendar, _)| calendar.key()).collect();
        let missing = pull.marks.calendars.iter().filter(|(key, _)| !here.contains(*key));
        let missing: Vec<_> = missing
            .filter(|(_, mark)| self.calendars.is_empty() || self.wants_name(&mark.name))
            .map(|(_, mark)| (mark.name.clone(), mark.pulled.len()))
            .collect();
        for (name, events) in missing {
            let text = format!(
                "this calendar, of which {} pulled before, is no longer shown by the server; the \
                 case keeps what was pulled",
                count(events, "event was", "events were")
            );
            pull.gap(&name, &text);
        }
        for (calendar, container) in &wanted {
            pull.calendar(calendar, container).await?;
        }
        Ok(())
    }

    fn wants(&self, calendar: &Calendar) -> bool {
        self.calendars.is_empty()
            || self.calendars.iter().any(|pattern| is_named(calendar, pattern))
    }

    fn wants_name(&self, name: &str) -> bool {
        self.calendars.iter().any(|pattern| matches(pattern, name))
    }
}

/// What is wrong with the address of a server or a calendar, and what would be right; `None` where
/// it can be asked.
pub fn problem_of(url: &str) -> Option<String> {
    address(url).err().map(|problem| problem.to_string())
}

/// Whether the address is one of a file by its looks.
fn names_file(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    path.ends_with(".ics") || path.ends_with(".ical") || path.starts_with("webcal")
}

/// What the calendars are called in the case: by their names, and where two have the same, with
/// the last part of their paths.
fn containers(all: &[Calendar]) -> Vec<String> {
    let mut names = BTreeMap::new();
    for calendar in all {
        *names.entry(&calendar.name).or_insert(0) += 1;
    }
    let container = |calendar: &Calendar| match names[&calendar.name] {
        1 => calendar.name.clone(),
        _ => format!("{} ({})", calendar.name, calendar.slug),
    };
    all.iter().map(container).collect()
}

fn is_named(calendar: &Calendar, pattern: &str) -> bool {
    matches(pattern, &calendar.name) || matches(pattern, &calendar.slug)
}

/// Whether a name is like a pattern, in which `*` stands for any text and `?` for one character.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // Where the last `*` stands, and how much of the name it has swallowed.
    let (mut star, mut p, mut n) = (None, 0, 0);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    p = at + 1;
                    n = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Why no calendar was found, and what to do.
fn why(lost: &Lost, is_signed_in: bool) -> String {
    match lost {
        Lost::NoAnswer(error) => error.to_string(),
        Lost::SignIn(ways) => {
            let ways = ways.to_ascii_lowercase();
            let advice = if !is_signed_in {
                "it wants to know who asks: give username and password_env"
            } else if ways.contains("digest") && !ways.contains("basic") {
                "it takes Digest alone, which is not spoken here; let it take Basic over https"
            } else {
                "it does not take the user name and the password or token; iCloud, Google, \
                 Fastmail and others want a password made for this one program"
            };
            format!("{advice} (status 401)")
        }
        Lost::NoServer(statuses) => {
            let mut statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
            statuses.dedup();
            format!(
                "nothing there speaks CalDAV (status {}); give the address of the server, of a \
                 user's calendars or of one calendar",
                statuses.join(", ")
            )
        }
    }
}

/// Why what came from an address is no calendar.
fn no_calendar(answer: &Answer, is_signed_in: bool) -> String {
    match answer.status {
        200..300 => format!(
            "the answer is no calendar but {}; check the address, and that it can be opened \
             without signing in",
            if answer.media.is_empty() { "something else" } else { &answer.media }
        ),
        401 | 403 if is_signed_in => format!(
            "it does not let this user in (status {}): check user name and password, and what \
             this user may read",
            answer.status
        ),
        401 | 403 => format!(
            "it wants to know who asks (status {}): give username and password_env",
            answer.status
        ),
        404 | 410 => format!(
            "there is nothing at this address (status {}); a secret address ends when it is reset",
            answer.status
        ),
        status => format!("status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_whole_and_in_any_case() {
        for (pattern, name, want) in [
            ("vans", "Vans", true),
            ("van*", "Vans north", true),
            ("*north", "Vans north", true),
            ("*a*n*", "Vans north", true),
            ("v?ns", "Väns", true),
            ("van", "Vans", false),
            ("*south", "Vans north", false),
            ("", "Vans", false),
            ("*", "", true),
            ("**a**************b", &"a".repeat(5000), false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn a_connector_shows_no_secret() {
        let server = CalendarServer {
            url: Secret::new("https://calendar.example.com/private-1f2e/basic.ics"),
            login: Login::Password { username: "jo".to_owned(), password: Secret::new("hunter2") },
            ca_file: None,
            calendars: Vec::new(),
            timezone: None,
        };
        let shown = format!("{server:?} {:?}", Login::Token(Secret::new("tok-9")));
        for secret in ["1f2e", "hunter2", "tok-9"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_file_is_told_by_its_address() {
        for (url, want) in [
            ("https://x.org/a/basic.ics", true),
            ("https://x.org/calendar/ical/1.ICS?s=2", true),
            ("webcal://x.org/feed", true),
            ("https://x.org/remote.php/dav/", false),
        ] {
            assert_eq!(names_file(url), want, "{url}");
        }
    }
}
