//! A calendar that is one file at one address: `https://…/basic.ics`, `webcal://…`.

use std::collections::BTreeMap;

use restitch_connect::{Item, PullError, Sink};
use restitch_model::Remark;

use super::client::{Answer, Method, Request, is_calendar};
use super::marks::{Mark, fingerprint};
use super::sync::{Pull, emptied, no_longer_there};
use crate::slice::list_events;

/// What came of asking for a file.
pub(crate) enum Feed {
    /// It is a calendar, and was pulled.
    Pulled,
    /// It is something else.
    Other(Answer),
}

impl Pull<'_> {
    /// Puts the events of the calendar at the address of the settings, where that is a file.
    /// `container` is what it is called in the case.
    pub(crate) async fn feed(&mut self, container: &str) -> Result<Feed, PullError> {
        let url = self.client.base().clone();
        let key = fingerprint(&[url.as_str()]);
        let mark = self.marks.calendars.get(&key).cloned().unwrap_or_default();
        let known = mark.etag.as_deref();
        let request =
            Request { method: Method::Get, url: &url, depth: "0", body: String::new(), known };
        let answer = self
            .client
            .send(&request)
            .await
            .map_err(|error| self.failed("GET of the calendar", &error.to_string()))?;
        if answer.status == 304 {
            return Ok(Feed::Pulled);
        }
        let is_feed = is_calendar(&answer.body) || answer.media == "text/calendar";
        if answer.status != 200 || !is_feed {
            return Ok(Feed::Other(answer));
        }

        let mut undated = Undated {
            sink: self.sink,
            known: &mark,
            seen: Mark::default(),
            names: BTreeMap::new(),
        };
        list_events(container, &answer.body, &mut undated)?;
        let mut seen = undated.seen;
        seen.name = container.to_owned();
        if seen.pulled.is_empty() && !mark.pulled.is_empty() {
            self.gap(container, &emptied(mark.pulled.len()));
            return Ok(Feed::Pulled);
        }
        self.progress.advance(seen.pulled.len() as u64);
        if answer.is_cut {
            self.gap(container, "the calendar comes cut off; what came of it was kept");
            return Ok(Feed::Pulled);
        }
        let gone = mark.pulled.keys().filter(|name| !seen.pulled.contains_key(*name)).count();
        if gone > 0 {
            self.sink.remark(Remark::new(container, no_longer_there(gone)));
        }
        seen.etag = answer.etag;
        self.marks.calendars.insert(key, seen);
        self.sink.set_checkpoint(&self.marks.text())?;
        Ok(Feed::Pulled)
    }
}

/// Passes on what is new. Google and Airbnb write the time of asking into each event's DTSTAMP:
/// an event that differs from the one that was pulled in nothing else is the same.
struct Undated<'u> {
    sink: &'u mut dyn Sink,
    known: &'u Mark,
    seen: Mark,
    /// How many events of a name there were.
    names: BTreeMap<String, usize>,
}

impl Sink for Undated<'_> {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        let nth = self.names.entry(item.native_id.clone()).or_default();
        *nth += 1;
        let name = fingerprint(&[&item.native_id, &nth.to_string()]);
        let lines = item.bytes.split_inclusive(|byte| *byte == b'\n');
        let dated = |line: &&[u8]| !line.to_ascii_uppercase().starts_with(b"DTSTAMP");
        let undated: Vec<u8> = lines.filter(dated).flatten().copied().collect();
        let version = fingerprint(&[&String::from_utf8_lossy(&undated)]);
        let is_known = self.known.pulled.get(&name) == Some(&version);
        self.seen.pulled.insert(name, version);
        if is_known { Ok(false) } else { self.sink.put(item) }
    }

    fn remark(&mut self, remark: Remark) {
        self.sink.remark(remark);
    }

    fn gap(&mut self, gap: Remark) {
        self.sink.gap(gap);
    }

    fn checkpoint(&self) -> Option<String> {
        self.sink.checkpoint()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError> {
        self.sink.set_checkpoint(cursor)
    }
}
