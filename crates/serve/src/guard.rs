//! Who may ask.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method};

use crate::error::ServeError;

/// The one-time token of the address, and the session that it is exchanged for.
pub(crate) struct Guard {
    port: u16,
    token: Option<String>,
    session: String,
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// It calls the server by a name that is not its own, as a page does that had a name of its
    /// own made to point here.
    Name,
    /// It comes from another page.
    Origin,
    /// It holds no session.
    Session,
    /// Its token is none, or was used.
    Token,
}

impl Turned {
    /// What the operator can do.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Name => "This page is at 127.0.0.1 and at no other name.",
            Self::Origin => "Another page may not ask here.",
            Self::Session => {
                "Open the address that restitch printed. It works once; for another browser, \
                 start restitch review serve again."
            }
            Self::Token => {
                "This address was used before, or is not the one that restitch printed. Start \
                 restitch review serve again for a new one."
            }
        }
    }
}

impl Guard {
    pub(crate) fn new(port: u16) -> Result<Self, ServeError> {
        Ok(Self { port, token: Some(secret()?), session: secret()? })
    }

    /// The token that the address holds.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Whether the request calls the server rightly and comes from its own page, or from none.
    pub(crate) fn check_origin(&self, method: &Method, headers: &HeaderMap) -> Result<(), Turned> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let ours = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        let host = text(HOST.as_str()).unwrap_or_default();
        if !ours.iter().any(|name| name == host) {
            return Err(Turned::Name);
        }
        let is_own = |origin: &str| origin.strip_prefix("http://") == Some(host);
        match text(ORIGIN.as_str()) {
            Some(origin) if !is_own(origin) => return Err(Turned::Origin),
            None if method != Method::GET => return Err(Turned::Origin),
            _ => {}
        }
        match text("sec-fetch-site") {
            None | Some("same-origin" | "none") => Ok(()),
            Some(_) => Err(Turned::Origin),
        }
    }

    /// Whether the request holds the session.
    pub(crate) fn check_session(&self, headers: &HeaderMap) -> Result<(), Turned> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|p| p.split_once('='));
        let name = self.cookie_name();
        match pairs.any(|(key, value)| key.trim() == name && same(value.trim(), &self.session)) {
            true => Ok(()),
            false => Err(Turned::Session),
        }
    }

    /// Takes the token and gives the cookie for it, once.
    pub(crate) fn exchange(&mut self, token: &str) -> Result<String, Turned> {
        let is_it = self.token.as_deref().is_some_and(|own| same(own, token));
        if !is_it {
            return Err(Turned::Token);
        }
        self.token = None;
        let (name, session) = (self.cookie_name(), &self.session);
        Ok(format!("{name}={session}; HttpOnly; SameSite=Strict; Path=/"))
    }

    /// Cookies are one for all ports of a host, so that the name must tell.
    fn cookie_name(&self) -> String {
        format!("restitch-{}", self.port)
    }
}

/// 256 random bits in hexadecimal.
fn secret() -> Result<String, ServeError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| ServeError::Random(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Compares in a time that does not tell where the two differ.
fn same(a: &str, b: &str) -> bool {
    let differ = a.bytes().zip(b.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[track_caller]
    fn check(method: Method, pairs: &[(&'static str, &str)], expect: Result<(), Turned>) {
        let guard = Guard::new(4711).unwrap();
        assert_eq!(guard.check_origin(&method, &headers(pairs)), expect, "{pairs:?}");
    }

    #[test]
    fn only_its_own_page_may_ask() {
        let host = ("host", "127.0.0.1:4711");
        let own = ("origin", "http://127.0.0.1:4711");
        check(Method::GET, &[host], Ok(()));
        check(Method::POST, &[host, own, ("sec-fetch-site", "same-origin")], Ok(()));
        check(Method::POST, &[host], Err(Turned::Origin));
        for origin in
            ["http://evil.example", "null", "http://localhost:4711", "https://127.0.0.1:4711"]
        {
            check(Method::POST, &[host, ("origin", origin)], Err(Turned::Origin));
        }
        check(Method::GET, &[host, ("sec-fetch-site", "cross-site")], Err(Turned::Origin));
        check(Method::GET, &[host, ("sec-fetch-site", "same-site")], Err(Turned::Origin));
    }

    #[test]
    fn a_name_that_was_made_to_point_here_is_turned_away() {
        for host in ["evil.example:4711", "127.0.0.1", "127.0.0.1:80", ""] {
            check(Method::GET, &[("host", host)], Err(Turned::Name));
        }
        check(Method::GET, &[("host", "localhost:4711")], Ok(()));
        check(Method::GET, &[], Err(Turned::Name));
    }

    #[test]
    fn the_token_opens_once() {
        let mut guard = Guard::new(4711).unwrap();
        assert_eq!(guard.exchange("guess"), Err(Turned::Token));
        let token = guard.token().to_owned();
        assert_eq!(token.len(), 64);
        let cookie = guard.exchange(&token).unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        assert_eq!(guard.exchange(&token), Err(Turned::Token));
        assert_eq!(guard.exchange(""), Err(Turned::Token));
        let pair = cookie.split(';').next().unwrap();
        let with = |cookie: &str| guard.check_session(&headers(&[("cookie", cookie)]));
        assert_eq!(with(&format!("other=1; {pair}")), Ok(()));
        assert_eq!(with("restitch-4711="), Err(Turned::Session));
        assert_eq!(guard.check_session(&HeaderMap::new()), Err(Turned::Session));
    }
}
