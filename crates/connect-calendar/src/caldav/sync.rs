//! One calendar of a server: what lies in it, what changed, and the events themselves.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use restitch_connect::{PullError, Sink};
use restitch_model::{Progress, Remark};

use super::client::{Answer, Client, Method, NoAnswer, Request};
use super::discover::{Calendar, is_at, multistatus, plain_path};
use super::marks::{Mark, Marks, fingerprint};
use super::multistatus::Response;
use super::requests::{LISTING, multiget, sync_collection};
use super::xml::Space;
use crate::slice::put_events;

/// So many events are asked for at once.
const BATCH: usize = 50;
/// A listing that a server gives in parts has at most so many.
const PARTS: usize = 10_000;

/// A pull from a server.
pub(crate) struct Pull<'p> {
    pub(crate) client: &'p Client,
    pub(crate) marks: Marks,
    pub(crate) sink: &'p mut dyn Sink,
    pub(crate) progress: &'p dyn Progress,
}

/// What a server tells of a calendar.
#[derive(Debug, Default)]
struct Listing {
    /// Each resource that is there: its address as the server writes it, and its version.
    there: BTreeMap<Address, Option<String>>,
    /// What is not there any more, as far as the server says so.
    gone: BTreeSet<String>,
    /// Whether it is all that the calendar holds, not only what changed.
    is_whole: bool,
    /// Where the next listing may go on.
    token: Option<String>,
}

/// A resource of a calendar, told apart by its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    path: String,
    href: String,
}

impl Address {
    fn key(&self) -> String {
        fingerprint(&[&self.path])
    }
}

/// Why a calendar, or a part of it, could not be pulled, as the end of a sentence.
type Gap = String;

impl Pull<'_> {
    /// Puts what is new of a calendar. `container` is what it is called in the case.
    pub(crate) async fn calendar(
        &mut self,
        calendar: &Calendar,
        container: &str,
    ) -> Result<(), PullError> {
        let key = calendar.key();
        let mut mark = self.marks.calendars.get(&key).cloned().unwrap_or_default();
        mark.name = container.to_owned();
        let listing = match self.listing(calendar, container, mark.token.as_deref()).await? {
            Ok(listing) => listing,
            Err(gap) => {
                self.gap(container, &format!("this calendar was not pulled: {gap}"));
                return Ok(());
            }
        };

        let there: BTreeSet<String> = listing.there.keys().map(Address::key).collect();
        let gone: BTreeSet<String> = match listing.is_whole {
            true => mark.pulled.keys().filter(|key| !there.contains(*key)).cloned().collect(),
            false => {
                let gone = listing.gone.iter().map(|path| fingerprint(&[path]));
                gone.filter(|key| mark.pulled.contains_key(key) && !there.contains(key)).collect()
            }
        };
        if !gone.is_empty() && gone.len() == mark.pulled.len() && there.is_empty() {
            self.gap(container, &emptied(gone.len()));
            return Ok(());
        }
        if !gone.is_empty() {
            self.sink.remark(Remark::new(container, no_longer_there(gone.len())));
        }

        let new: Vec<(&Address, &str)> = listing
            .there
            .iter()
            .map(|(address, version)| (address, version.as_deref().unwrap_or_default()))
            .filter(|(address, version)| {
                version.is_empty()
                    || mark.pulled.get(&address.key()) != Some(&fingerprint(&[version]))
            })
            .collect();
        let is_complete = self.fetch(calendar, container, &key, &mut mark, &new).await?;
        if is_complete {
            mark.token = listing.token;
            mark.pulled.retain(|key, _| !gone.contains(key));
        }
        self.marks.calendars.insert(key, mark);
        self.sink.set_checkpoint(&self.marks.text())
    }

    /// Keeps a mark in the checkpoint that is still worked on.
    fn remember(&mut self, key: &str, mark: &mut Mark) -> Result<(), PullError> {
        // Put in and taken out again, since a copy of a large one for each batch takes its time.
        let before = self.marks.calendars.insert(key.to_owned(), std::mem::take(mark));
        let kept = self.sink.set_checkpoint(&self.marks.text());
        *mark = self.marks.calendars.remove(key).unwrap_or_default();
        self.marks.calendars.extend(before.map(|before| (key.to_owned(), before)));
        kept
    }

    /// What lies in the calendar: what changed since the token where the server can tell, else
    /// all of it.
    async fn listing(
        &mut self,
        calendar: &Calendar,
        container: &str,
        token: Option<&str>,
    ) -> Result<Result<Listing, Gap>, PullError> {
        if calendar.can_sync {
            if let Some(token) = token {
                if let Ok(listing) = self.changes(calendar, Some(token)).await? {
                    return Ok(Ok(listing));
                }
                let text = "the server no longer tells what changed since the last pull; this \
                            calendar is gone through anew";
                self.sink.remark(Remark::new(container, text));
            }
            if let Ok(listing) = self.changes(calendar, None).await? {
                return Ok(Ok(listing));
            }
        }
        self.everything(calendar).await
    }

    /// What changed since the token, or all there is (RFC 6578). A server may tell it in parts.
    async fn changes(
        &mut self,
        calendar: &Calendar,
        token: Option<&str>,
    ) -> Result<Result<Listing, Gap>, PullError> {
        let mut listing = Listing { is_whole: token.is_none(), ..Listing::default() };
        let mut token = token.map(str::to_owned);
        for _ in 0..PARTS {
            let body = sync_collection(token.as_deref());
            let answer = match self.ask(Method::Report, &calendar.url, "0", body).await? {
                Ok(answer) => answer,
                Err(gap) => return Ok(Err(gap)),
            };
            let Some(told) = multistatus(&answer) else { return Ok(Err(refusal(&answer))) };
            // RFC 6578, 3.6: the calendar itself with status 507 says that more follows.
            let mut has_more = false;
            for response in &told.responses {
                if is_at(&answer.url, &response.href) {
                    has_more |= response.status == Some(507);
                } else {
                    listing.add(&answer.url, response);
                }
            }
            let Some(next) = told.sync_token else {
                return Ok(Err("it tells no place to go on from".to_owned()));
            };
            if !has_more {
                listing.token = Some(next);
                return Ok(Ok(listing));
            }
            if token.as_ref() == Some(&next) {
                break;
            }
            token = Some(next);
        }
        Ok(Err("it says that there is more, and does not go on".to_owned()))
    }

    /// All that lies in the calendar, with versions (RFC 4918, 9.1).
    async fn everything(&mut self, calendar: &Calendar) -> Result<Result<Listing, Gap>, PullError> {
        let body = LISTING.to_owned();
        let answer = match self.ask(Method::Propfind, &calendar.url, "1", body).await? {
            Ok(answer) => answer,
            Err(gap) => return Ok(Err(gap)),
        };
        let Some(told) = multistatus(&answer) else { return Ok(Err(refusal(&answer))) };
        let mut listing = Listing { is_whole: true, ..Listing::default() };
        for response in &told.responses {
            if !is_at(&answer.url, &response.href) {
                listing.add(&answer.url, response);
            }
        }
        Ok(Ok(listing))
    }

    /// Puts the events of resources, batch by batch, and remembers each batch. Says whether all
    /// came.
    async fn fetch(
        &mut self,
        calendar: &Calendar,
        container: &str,
        key: &str,
        mark: &mut Mark,
        new: &[(&Address, &str)],
    ) -> Result<bool, PullError> {
        let mut failures: BTreeMap<Gap, usize> = BTreeMap::new();
        let mut without_event = 0;
        let mut can_report = true;
        for batch in new.chunks(BATCH) {
            let mut bodies = BTreeMap::new();
            if can_report {
                match self.report(calendar, batch).await? {
                    Some(told) => bodies = told,
                    None => can_report = false,
                }
            }
            for &(address, version) in batch {
                let resource = match bodies.remove(&address.path) {
                    Some(resource) => resource,
                    None => self.get(calendar, address).await?,
                };
                match resource {
                    Resource::Calendar { bytes, version: told, is_cut } => {
                        let events = put_events(container, &bytes, self.sink)?;
                        without_event += usize::from(events == 0);
                        self.progress.advance(events as u64);
                        if is_cut {
                            let gap = "it comes cut off, and was kept so".to_owned();
                            *failures.entry(gap).or_default() += 1;
                            continue;
                        }
                        let version = told.as_deref().unwrap_or(version);
                        mark.pulled.insert(address.key(), fingerprint(&[version]));
                    }
                    // Between the listing and now: the next listing tells of it.
                    Resource::Gone => {}
                    Resource::Failed(gap) => *failures.entry(gap).or_default() += 1,
                }
            }
            self.remember(key, mark)?;
        }
        if without_event > 0 {
            let things = count(without_event, "resource holds", "resources hold");
            let text = format!("{things} no event (tasks, for example) and gave none");
            self.sink.remark(Remark::new(container, text));
        }
        for (gap, n) in &failures {
            let events = count(*n, "event was", "events were");
            self.gap(container, &format!("{events} not pulled: {gap}"));
        }
        Ok(failures.is_empty())
    }

    /// Many resources by one request, by path; `None` where the server cannot do that.
    async fn report(
        &mut self,
        calendar: &Calendar,
        batch: &[(&Address, &str)],
    ) -> Result<Option<BTreeMap<String, Resource>>, PullError> {
        let body = multiget(batch.iter().map(|(address, _)| address.href.as_str()));
        let answer = self.ask(Method::Report, &calendar.url, "1", body).await?;
        let Some(answer) = answer.ok() else { return Ok(None) };
        let Some(told) = multistatus(&answer) else { return Ok(None) };
        let mut resources = BTreeMap::new();
        for response in told.responses {
            let Ok(url) = answer.url.join(&response.href) else { continue };
            let data = response.property(Space::CalDav, "calendar-data");
            let resource = match data.filter(|data| !data.text.trim().is_empty()) {
                Some(data) => Resource::Calendar {
                    bytes: data.text.clone().into_bytes(),
                    version: response.text(Space::Dav, "getetag").map(str::to_owned),
                    is_cut: false,
                },
                None if response.is_gone() => Resource::Gone,
                // What is not in the answer is asked for by itself.
                None => continue,
            };
            resources.insert(plain_path(&url), resource);
        }
        Ok(Some(resources))
    }

    /// One resource.
    async fn get(&mut self, calendar: &Calendar, address: &Address) -> Result<Resource, PullError> {
        let Ok(url) = calendar.url.join(&address.href) else {
            return Ok(Resource::Failed("its address cannot be read".to_owned()));
        };
        Ok(match self.ask(Method::Get, &url, "0", String::new()).await? {
            Ok(Answer { status: 200, body, etag, is_cut, .. }) => {
                Resource::Calendar { bytes: body, version: etag, is_cut }
            }
            Ok(Answer { status: 404 | 410, .. }) => Resource::Gone,
            Ok(answer) => Resource::Failed(refusal(&answer)),
            Err(gap) => Resource::Failed(gap),
        })
    }

    /// Asks. What fails here alone is a gap; where the server is down, the pull ends.
    async fn ask(
        &mut self,
        method: Method,
        url: &Url,
        depth: &'static str,
        body: String,
    ) -> Result<Result<Answer, Gap>, PullError> {
        match self.client.send(&Request { method, url, depth, body, known: None }).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(error @ NoAnswer::GaveUp { .. }) if self.client.is_down() => {
                Err(self.failed("what a calendar holds", &error.to_string()))
            }
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    pub(crate) fn failed(&self, request: &str, problem: &str) -> PullError {
        PullError::Server {
            server: self.client.server(),
            request: request.to_owned(),
            problem: problem.to_owned(),
        }
    }

    pub(crate) fn gap(&mut self, container: &str, text: &str) {
        self.sink.gap(Remark::new(container, text));
    }
}

/// What came of asking for a resource.
enum Resource {
    Calendar { bytes: Vec<u8>, version: Option<String>, is_cut: bool },
    Gone,
    Failed(Gap),
}

impl Listing {
    /// Adds what a response says of a resource of the calendar at this address. Folders in it,
    /// and what lies at another host, are none.
    fn add(&mut self, calendar: &Url, response: &Response) {
        let Some(url) = calendar.join(&response.href).ok() else { return };
        if url.origin() != calendar.origin() || response.is_a(Space::Dav, "collection") {
            return;
        }
        let path = plain_path(&url);
        if response.is_gone() {
            self.there.retain(|address, _| address.path != path);
            self.gone.insert(path);
        } else if response.status.is_none_or(|status| (200..300).contains(&status)) {
            let version = response.text(Space::Dav, "getetag").map(str::to_owned);
            self.gone.remove(&path);
            self.there.insert(Address { path, href: response.href.clone() }, version);
        }
    }
}

/// Deleted events are evidence all the more.
pub(crate) fn no_longer_there(gone: usize) -> String {
    let events =
        count(gone, "event that was pulled before is", "events that were pulled before are");
    format!("{events} no longer in this calendar; the case keeps what was pulled")
}

/// A remote that suddenly is empty is an alarm, never a reason to forget.
pub(crate) fn emptied(before: usize) -> String {
    let events = count(before, "event", "events");
    format!(
        "this calendar held {events} at the last pull and now shows none; the case keeps them; look \
         at it before anything else is done to it: some servers and their trash bins keep \
         what was deleted for a while"
    )
}

/// What an answer that is no multistatus says, as the end of a sentence.
fn refusal(answer: &Answer) -> Gap {
    match answer.status {
        status @ (401 | 403) => format!("the server refuses it (status {status})"),
        status @ (200..300) => format!("the answer is no list of events (status {status})"),
        status => format!("status {status}"),
    }
}

pub(crate) fn count(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}
