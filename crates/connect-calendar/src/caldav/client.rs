//! The way to a calendar server: three methods that only read, to one host that gets to see who
//! asks.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use reqwest::{Certificate, Url};
use restitch_connect::{Backoff, PullError};

use super::{Login, Settings};

/// How long all tries of one request may take together.
const DEADLINE: Duration = Duration::from_secs(600);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a server may say nothing in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);
/// So many requests in a row are given up before the server counts as down.
const DOWN: u32 = 3;
/// So often a request is sent on to another address.
const REDIRECTS: usize = 5;
/// No answer is longer. A batch of events is some hundred kilobytes, a whole calendar some
/// megabytes.
const LONGEST_ANSWER: usize = 256 << 20;

/// What may be sent. There is no other method here, so that nothing can write to a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Reads properties (RFC 4918, 9.1).
    Propfind,
    /// Reads many resources, or what changed (RFC 3253, 3.6).
    Report,
    /// Reads a resource.
    Get,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request<'r> {
    pub(crate) method: Method,
    pub(crate) url: &'r Url,
    /// How deep below the address, of [`Method::Propfind`] and [`Method::Report`].
    pub(crate) depth: &'static str,
    /// An XML document, or nothing.
    pub(crate) body: String,
    /// The version that is known: if it still is the newest, the answer is status 304.
    pub(crate) known: Option<&'r str>,
}

/// An answer of any status but those that are tried again, and those too where trying did not
/// help.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where it came from in the end.
    pub(crate) url: Url,
    pub(crate) etag: Option<String>,
    /// The media type without parameters, in lower case.
    pub(crate) media: String,
    pub(crate) body: Vec<u8>,
    /// Whether a calendar or a multistatus was cut off before its end.
    pub(crate) is_cut: bool,
    /// The ways of signing in that a server names which refuses one.
    pub(crate) sign_in: String,
}

/// Why there is no answer. It never names a path: that of a secret address is the secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The way leads to another host.
    #[error(
        "it sends on to {0}, and a password goes to no host that the pipeline does not name; if \
         that is right, make it the url"
    )]
    Elsewhere(String),
    /// The way leads over an unencrypted connection.
    #[error("it sends on to an unencrypted address ({0}); nothing is asked there")]
    Unencrypted(String),
    /// The way leads round in a circle.
    #[error("it sends on from address to address, more than {REDIRECTS} times")]
    Circle,
    /// The answer is too long to be kept in memory.
    #[error("its answer is longer than {} MiB", LONGEST_ANSWER >> 20)]
    TooLong,
    /// It did not work however often it was tried.
    #[error("{problem} (tried {tries} times; pull again to go on from here)")]
    GaveUp {
        /// What came of the last try.
        problem: String,
        /// How many tries there were.
        tries: u32,
    },
}

/// A connection to one server.
pub(crate) struct Client {
    http: reqwest::Client,
    /// The address of the settings.
    base: Url,
    login: Login,
    /// How many requests in a row were given up.
    given_up: Cell<u32>,
}

impl Client {
    pub(crate) fn new(settings: &Settings<'_>) -> Result<Self, PullError> {
        let refuse = |text: &str| Err(PullError::Settings(text.to_owned()));
        let base = address(settings.url.expose())?;
        if let Login::Token(token) = settings.login
            && HeaderValue::from_str(token.expose()).is_err()
        {
            return refuse("the token holds characters that no token has; copy it again");
        }

        // It fails only where a provider is set already, and then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("restitch/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE);
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        if let Some(path) = settings.ca_file {
            let pem = std::fs::read(path).map_err(|source| PullError::cannot_read(path, source))?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                let path = path.display();
                return Err(PullError::Settings(format!(
                    "ca_file {path} holds no certificate; it takes those of authorities in PEM, \
                     which begin with -----BEGIN CERTIFICATE-----"
                )));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| {
            PullError::Settings(format!(
                "the system gives no encrypted connections: {}",
                causes(&error.without_url())
            ))
        })?;
        Ok(Self { http, base, login: settings.login.clone(), given_up: Cell::new(0) })
    }

    /// The address of the settings.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The server's address, without user, password and path.
    pub(crate) fn server(&self) -> String {
        origin(&self.base)
    }

    /// Whether the credentials may go to this address.
    pub(crate) fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Whether there are credentials at all.
    pub(crate) fn is_signed_in(&self) -> bool {
        !matches!(self.login, Login::Nobody)
    }

    /// Whether request after request was given up: the server, or the way to it, is down.
    pub(crate) fn is_down(&self) -> bool {
        self.given_up.get() >= DOWN
    }

    /// Sends a request, follows where it is sent on to, and tries again what may pass.
    pub(crate) async fn send(&self, request: &Request<'_>) -> Result<Answer, NoAnswer> {
        let outcome = self.insist(request).await;
        let is_given_up = matches!(outcome, Err(NoAnswer::GaveUp { .. }));
        self.given_up.set(if is_given_up { self.given_up.get() + 1 } else { 0 });
        outcome
    }

    async fn insist(&self, request: &Request<'_>) -> Result<Answer, NoAnswer> {
        let begun = Instant::now();
        let backoff = Backoff::default();
        let mut tries = 0;
        loop {
            tries += 1;
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let attempt = tokio::time::timeout(left, self.follow(request)).await;
            let (outcome, asked) = match attempt {
                Ok(Ok((answer, asked))) if is_passing(answer.status) || answer.is_cut => {
                    (Ok(answer), asked)
                }
                Ok(Ok((answer, _))) => return Ok(answer),
                Ok(Err(Failure::Final(error))) => return Err(error),
                Ok(Err(Failure::Passing(problem))) => (Err(problem), None),
                Err(_) => (Err("it answers too slowly".to_owned()), None),
            };
            let pause = backoff.pause(tries, asked, dice());
            match pause.filter(|pause| begun.elapsed() + *pause < DEADLINE) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return outcome.map_err(|problem| NoAnswer::GaveUp { problem, tries }),
            }
        }
    }

    /// One try, through redirects.
    async fn follow(&self, request: &Request<'_>) -> Result<(Answer, Option<Duration>), Failure> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            self.may_ask(&url)?;
            let response = self.once(request, url.clone()).await?;
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308));
            match location.and_then(|place| url.join(place.to_str().ok()?).ok()) {
                Some(next) => url = next,
                None => return answer(response, url).await,
            }
        }
        Err(Failure::Final(NoAnswer::Circle))
    }

    /// Credentials go to the host of the settings alone. Without any, an address is followed
    /// wherever it leads, but for unencrypted ones and, from afar, to this machine.
    fn may_ask(&self, url: &Url) -> Result<(), Failure> {
        if self.is_ours(url) {
            return Ok(());
        }
        if url.scheme() != "https" && !(is_loopback(url) && is_loopback(&self.base)) {
            return Err(Failure::Final(NoAnswer::Unencrypted(origin(url))));
        }
        match self.login {
            Login::Nobody => Ok(()),
            _ => Err(Failure::Final(NoAnswer::Elsewhere(origin(url)))),
        }
    }

    async fn once(&self, request: &Request<'_>, url: Url) -> Result<reqwest::Response, Failure> {
        let mut headers = HeaderMap::new();
        if request.method != Method::Get {
            headers.insert("depth", HeaderValue::from_static(request.depth));
            headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        }
        if let Some(known) = request.known.and_then(|known| HeaderValue::from_str(known).ok()) {
            headers.insert(IF_NONE_MATCH, known);
        }
        let method = match request.method {
            Method::Propfind => reqwest::Method::from_bytes(b"PROPFIND"),
            Method::Report => reqwest::Method::from_bytes(b"REPORT"),
            Method::Get => Ok(reqwest::Method::GET),
        };
        let method = method.expect("these are names of methods");
        let is_ours = self.is_ours(&url);
        let mut sent = self.http.request(method, url).headers(headers).body(request.body.clone());
        if is_ours {
            sent = match &self.login {
                Login::Nobody => sent,
                Login::Password { username, password } => {
                    sent.basic_auth(username, Some(password.expose()))
                }
                Login::Token(token) => sent.bearer_auth(token.expose()),
            };
        }
        sent.send().await.map_err(broken)
    }
}

/// A number from 0 to 1 that differs between programs that failed together.
fn dice() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    f64::from(now.subsec_micros() % 1_000) / 1_000.0
}

/// What came of a try.
enum Failure {
    /// Trying again would not help.
    Final(NoAnswer),
    /// It may.
    Passing(String),
}

/// An address of the settings as one that can be asked.
pub(crate) fn address(text: &str) -> Result<Url, PullError> {
    let refuse = |problem: &str| Err(PullError::Settings(problem.to_owned()));
    let text = text.trim();
    // Calendars are often handed on under a scheme of their own.
    let text = match text.split_once("://") {
        Some(("webcal" | "webcals", rest)) => format!("https://{rest}"),
        _ => text.to_owned(),
    };
    let Some(url) = Url::parse(&text).ok().filter(|url| url.host().is_some()) else {
        return refuse("the url is no web address; give one such as https://dav.example.com/");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the url holds a user; give username and password_env instead");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => refuse("the url would be asked over the network unencrypted; use https://"),
        _ => refuse("the url is none of the web; it begins with https:// or webcal://"),
    }
}

async fn answer(
    response: reqwest::Response,
    url: Url,
) -> Result<(Answer, Option<Duration>), Failure> {
    let header = |name| Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned());
    let asked = header(RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let media = header(CONTENT_TYPE).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let status = response.status().as_u16();
    let sign_in = header(WWW_AUTHENTICATE).unwrap_or_default();
    let etag = header(ETAG);
    let body = whole_body(response).await?;
    let is_cut = is_cut(status, &body);
    Ok((Answer { status, url, etag, media, body, is_cut, sign_in }, asked))
}

async fn whole_body(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Failure::Final(NoAnswer::TooLong));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether an answer ends before its end: a proxy may say a wrong length.
fn is_cut(status: u16, body: &[u8]) -> bool {
    let end = body.trim_ascii_end();
    let ends_with = |word: &[u8]| {
        let at = end.len().saturating_sub(word.len());
        end[at..].eq_ignore_ascii_case(word)
    };
    match status {
        207 => !(ends_with(b"multistatus>") || ends_with(b"-->")),
        200 => is_calendar(body) && !ends_with(b"END:VCALENDAR"),
        _ => false,
    }
}

/// Whether a body begins as a calendar does.
pub(crate) fn is_calendar(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    body.get(..15).is_some_and(|start| start.eq_ignore_ascii_case(b"BEGIN:VCALENDAR"))
}

fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost"
        || host == "[::1]"
        || host.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn broken(error: reqwest::Error) -> Failure {
    Failure::Passing(causes(&error.without_url()))
}

/// An error with all that lies behind it: reqwest's own words alone do not tell a wrong name
/// from a wrong certificate.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |cause| cause.source());
    chain.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_are_asked_beyond_this_machine() {
        for (text, want) in [
            ("webcal://example.com/a.ics", Ok("https://example.com/a.ics")),
            (" https://example.com ", Ok("https://example.com/")),
            ("http://127.0.0.1:8080/x", Ok("http://127.0.0.1:8080/x")),
            ("http://localhost/", Ok("http://localhost/")),
            ("http://example.com/secret", Err("unencrypted")),
            ("http://127.0.0.1.example.com/", Err("unencrypted")),
            ("ftp://example.com/", Err("none of the web")),
            ("https://jo:pw@example.com/", Err("username and password_env")),
            ("calendar", Err("no web address")),
        ] {
            match (address(text), want) {
                (Ok(url), Ok(want)) => assert_eq!(url.as_str(), want),
                (Err(error), Err(want)) => {
                    let error = error.to_string();
                    assert!(error.contains(want) && !error.contains("secret"), "{text}: {error}");
                }
                (got, want) => panic!("{text}: {got:?} instead of {want:?}"),
            }
        }
    }

    #[test]
    fn what_was_cut_off_is_told() {
        assert!(is_cut(207, b"<d:multistatus><d:response>"));
        assert!(!is_cut(207, b"<d:multistatus></d:multistatus>\n"));
        assert!(is_cut(200, b"begin:vcalendar\r\nBEGIN:VEVENT\r\nEND:VE"));
        assert!(!is_cut(200, b"BEGIN:VCALENDAR\r\nend:vcalendar\r\n"));
        assert!(!is_cut(200, b"<html>"));
    }
}
