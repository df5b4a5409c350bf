//! Where a server keeps its calendars (RFC 6764, RFC 5397, RFC 4791).

use reqwest::Url;

use super::client::{Answer, Client, Method, NoAnswer, Request};
use super::marks::fingerprint;
use super::multistatus::{Multistatus, Response};
use super::requests::COLLECTION;
use super::xml::Space;

/// A calendar of a server.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    pub(crate) url: Url,
    /// What it is called, else the last part of its path.
    pub(crate) name: String,
    /// The last part of its path.
    pub(crate) slug: String,
    /// Whether the server says that it can tell what changed.
    pub(crate) can_sync: bool,
}

impl Calendar {
    /// By what the marks name it.
    pub(crate) fn key(&self) -> String {
        fingerprint(&[&plain_path(&self.url)])
    }
}

/// Why no calendar was found.
#[derive(Debug)]
pub(crate) enum Lost {
    /// A request that cannot be done without got no answer.
    NoAnswer(NoAnswer),
    /// The server does not take who asks.
    SignIn(String),
    /// Nothing there speaks CalDAV; the status of each that was asked.
    NoServer(Vec<u16>),
}

impl From<NoAnswer> for Lost {
    fn from(error: NoAnswer) -> Self {
        Self::NoAnswer(error)
    }
}

/// The calendars at or below the address of the settings: it may be a calendar, a folder of
/// calendars, a user's page or the server as a whole. Sorted by address; without those that hold
/// no events.
pub(crate) async fn calendars(client: &Client) -> Result<Vec<Calendar>, Lost> {
    let base = client.base().clone();
    let well_known = base.join("/.well-known/caldav").unwrap_or_else(|_| base.clone());
    // RFC 6764, 5: an address without a path is only the name of a server.
    let starts = match base.path() {
        "/" => [well_known, base],
        _ => [base, well_known],
    };
    let mut search = Search { client, statuses: Vec::new() };
    let mut is_server = false;
    for start in starts {
        let Some((url, place)) = search.place(&start).await? else { continue };
        is_server = true;
        if let Some(calendar) = calendar(&url, &place) {
            return Ok(vec![calendar]);
        }
        if url.path() != "/" {
            let found = search.below(&url).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let mut found = Vec::new();
        for home in search.homes(&url, &place).await? {
            found.extend(search.below(&home).await?);
        }
        if !found.is_empty() {
            found.sort_by(|a, b| a.url.cmp(&b.url));
            found.dedup_by(|a, b| a.url == b.url);
            return Ok(found);
        }
    }
    if is_server { Ok(Vec::new()) } else { Err(Lost::NoServer(search.statuses)) }
}

struct Search<'c> {
    client: &'c Client,
    statuses: Vec<u16>,
}

impl Search<'_> {
    /// What the server says of one address, and where that is in the end.
    async fn place(&mut self, url: &Url) -> Result<Option<(Url, Response)>, Lost> {
        let answer = self.ask(url, "0").await?;
        let Some(multistatus) = multistatus(&answer) else { return Ok(None) };
        let mut responses = multistatus.responses;
        // Some servers name an alias of the address that was asked.
        let at = responses.iter().position(|place| is_at(&answer.url, &place.href)).unwrap_or(0);
        let place = (at < responses.len()).then(|| responses.swap_remove(at));
        Ok(place.map(|place| (answer.url, place)))
    }

    /// The folders of the user's calendars.
    async fn homes(&mut self, url: &Url, place: &Response) -> Result<Vec<Url>, Lost> {
        let of = |url: &Url, place: &Response| -> Vec<Url> {
            let hrefs = place.hrefs(Space::CalDav, "calendar-home-set");
            hrefs.iter().filter_map(|href| url.join(href).ok()).collect()
        };
        let homes = of(url, place);
        if !homes.is_empty() {
            return Ok(homes);
        }
        let mut principals = place.hrefs(Space::Dav, "current-user-principal");
        principals.extend(place.hrefs(Space::Dav, "principal-URL"));
        for principal in principals.iter().filter_map(|href| url.join(href).ok()) {
            if let Some((url, place)) = self.place(&principal).await? {
                let homes = of(&url, &place);
                if !homes.is_empty() {
                    return Ok(homes);
                }
            }
        }
        Ok(Vec::new())
    }

    /// The calendars in a folder.
    async fn below(&mut self, home: &Url) -> Result<Vec<Calendar>, Lost> {
        let answer = self.ask(home, "1").await?;
        let responses = multistatus(&answer).unwrap_or_default().responses;
        let calendars = responses.iter().filter_map(|place| {
            let url = answer.url.join(&place.href).ok()?;
            calendar(&url, place)
        });
        let mut calendars: Vec<_> = calendars.collect();
        calendars.sort_by(|a, b| a.url.cmp(&b.url));
        Ok(calendars)
    }

    async fn ask(&mut self, url: &Url, depth: &'static str) -> Result<Answer, Lost> {
        let body = COLLECTION.to_owned();
        let request = Request { method: Method::Propfind, url, depth, body, known: None };
        let answer = self.client.send(&request).await?;
        self.statuses.push(answer.status);
        match answer.status {
            401 => Err(Lost::SignIn(answer.sign_in)),
            _ => Ok(answer),
        }
    }
}

/// The body of an answer that tells of resources.
pub(crate) fn multistatus(answer: &Answer) -> Option<Multistatus> {
    (answer.status == 207).then(|| Multistatus::of(&answer.body)).flatten()
}

/// Whether a server's `href` is this address, in whatever way it is written.
pub(crate) fn is_at(url: &Url, href: &str) -> bool {
    url.join(href).is_ok_and(|other| same(url, &other))
}

fn same(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin() && plain_path(a) == plain_path(b)
}

/// The path without escapes and without a slash at its end: servers write one resource in
/// several ways.
pub(crate) fn plain_path(url: &Url) -> String {
    let path = percent_encoding::percent_decode_str(url.path()).decode_utf8_lossy().into_owned();
    path.trim_end_matches('/').to_owned()
}

fn calendar(url: &Url, place: &Response) -> Option<Calendar> {
    if !place.is_a(Space::CalDav, "calendar") {
        return None;
    }
    let holds = place.property(Space::CalDav, "supported-calendar-component-set");
    let components = holds.map(|set| set.all(Space::CalDav, "comp").collect::<Vec<_>>());
    let is_event = |called: Option<&str>| called.is_some_and(|c| c.eq_ignore_ascii_case("VEVENT"));
    if let Some(components) = components.filter(|components| !components.is_empty())
        && !components.iter().any(|component| is_event(component.called.as_deref()))
    {
        return None;
    }
    let path = plain_path(url);
    let slug = path.rsplit('/').next().unwrap_or_default().to_owned();
    let name = place.text(Space::Dav, "displayname").unwrap_or(&slug).to_owned();
    let reports = place.property(Space::Dav, "supported-report-set");
    let can_sync = reports.is_some_and(|set| set.holds(Space::Dav, "sync-collection"));
    let mut url = url.clone();
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(Calendar { url, name, slug, can_sync })
}
