//! The API: every list of the platform and of each connected account.

use std::collections::BTreeSet;

use restitch_connect::{Connector, PullError, Reading, Sink};
use restitch_model::{Evidence, Progress, Remark, Secret, TimeWindow};
use serde_json::value::RawValue;

use crate::checkpoint::{Mark, Marks, Scope};
use crate::item::{PLATFORM, bounds, item};
use crate::json::Members;
use crate::lists::{ACCOUNTS, LISTS, List, Page};
use crate::transport::{Transport, TransportError};
use crate::{KINDS, read_object};

/// Stripe's API, read with a key that can only read.
///
/// Pulls customers, payment intents, charges, refunds and checkout sessions of the platform and
/// of each connected account. A list that Stripe refuses to give is a gap: it is remarked, and
/// the others are pulled. Sends nothing but GET requests.
#[derive(Debug, Clone)]
pub struct StripeApi {
    /// A restricted key, `rk_live_…` or `rk_test_…`, with read access to what is pulled.
    pub key: Secret,
    /// Where the API is, for a proxy or a server of one's own: `http://127.0.0.1:12111`.
    pub api_base: Option<String>,
    /// Take a secret key (`sk_…`) as well, although it could write.
    pub allow_write_key: bool,
}

impl StripeApi {
    fn usable_key(&self) -> Result<Secret, PullError> {
        const ADVICE: &str = "in Stripe's Dashboard under Developers, API keys, make a restricted \
            key with read access to core resources, checkout and Connect, and use that";
        let refuse = |problem: &str| Err(PullError::Settings(format!("{problem}; {ADVICE}")));
        let key = self.key.expose().trim();
        match key.split('_').next().unwrap_or_default() {
            "rk" => {}
            "sk" if key.starts_with("sk_org_") => {
                return refuse("this Stripe key belongs to an organization, not to an account");
            }
            "sk" if self.allow_write_key => {}
            "sk" => return refuse("this Stripe key is a secret key, which could also write"),
            "pk" => return refuse("this Stripe key is a publishable key, which can read nothing"),
            "" => return refuse("the Stripe key is empty"),
            _ => return refuse("this is not a Stripe key"),
        }
        Ok(Secret::new(key))
    }
}

impl Connector for StripeApi {
    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    /// Must not be called from within an asynchronous runtime, because it runs one.
    fn pull(
        &self,
        window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let key = self.usable_key()?;
        let is_live = key.expose().contains("_live_");
        let transport = Transport::new(key, self.api_base.as_deref())?;
        let seconds = window.map(|window| {
            let end = window.end.as_second() + i64::from(window.end.subsec_nanosecond() > 0);
            (window.start.as_second(), end)
        });
        let scope = Scope { server: transport.server(), is_live, window: seconds };
        let marks = Marks::of(sink.checkpoint().as_deref(), scope);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(
            |error| PullError::Settings(format!("the system gives no connections: {error}")),
        )?;

        progress.begin("pulling payments", "objects", None);
        let mut pull = Pull { transport, window: seconds, marks, sink, progress };
        let result = runtime.block_on(pull.everything());
        progress.end();
        result
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_object(&evidence.bytes, &evidence.meta.container)
    }
}

struct Pull<'a> {
    transport: Transport,
    window: Option<(i64, i64)>,
    marks: Marks,
    sink: &'a mut dyn Sink,
    progress: &'a dyn Progress,
}

/// What came of asking for a page.
enum Answer {
    Page(Read),
    /// Stripe refuses, with these words.
    Refused(String),
}

/// What stood on a page.
struct Read {
    /// The ids of its objects, in their order.
    ids: Vec<String>,
    /// When the newest of them was made.
    newest: Option<i64>,
    /// Whether Stripe has more.
    has_more: bool,
}

impl Pull<'_> {
    async fn everything(&mut self) -> Result<(), PullError> {
        let mut accounts = BTreeSet::new();
        self.accounts(&mut accounts).await?;
        for list in LISTS {
            self.list(None, list).await?;
        }
        for account in &accounts {
            for list in LISTS {
                self.list(Some(account), list).await?;
            }
        }
        Ok(())
    }

    /// Lists the connected accounts: from the beginning each time, since all are needed.
    async fn accounts(&mut self, accounts: &mut BTreeSet<String>) -> Result<(), PullError> {
        let mut page = Page::default();
        loop {
            let read = match self.page(None, &ACCOUNTS, &page).await? {
                Answer::Page(read) => read,
                Answer::Refused(words) => {
                    self.gap(None, &ACCOUNTS, &words);
                    return Ok(());
                }
            };
            let next = self.next(None, &ACCOUNTS, &page, &read);
            accounts.extend(read.ids.into_iter().filter(|id| is_account(id)));
            match next {
                Some(after) => page.after = Some(after),
                None => return Ok(()),
            }
        }
    }

    /// Pulls one list of one account, going on where an earlier pull broke off.
    async fn list(&mut self, account: Option<&str>, list: &List) -> Result<(), PullError> {
        let container = account.unwrap_or(PLATFORM);
        let (is_bound_below, is_bound_above) = bounds(list.kind);
        let start = self.window.filter(|_| is_bound_below).map(|(start, _)| start);
        let before = self.window.filter(|_| is_bound_above).map(|(_, end)| end);
        loop {
            let mut mark = self.marks.get(container, list.name);
            let mut is_resumed = mark.after.is_some();
            let mut page = Page { since: mark.since(start), before, after: mark.after.take() };
            loop {
                let read = match self.page(account, list, &page).await? {
                    Answer::Page(read) => read,
                    // The object to go on after is gone, perhaps: read the list anew.
                    Answer::Refused(_) if is_resumed => {
                        is_resumed = false;
                        mark = Mark::default();
                        page = Page { since: start, before, after: None };
                        continue;
                    }
                    Answer::Refused(words) => {
                        self.gap(account, list, &words);
                        return Ok(());
                    }
                };
                let is_empty = read.ids.is_empty();
                mark.newest = mark.newest.max(read.newest);
                mark.after = self.next(account, list, &page, &read);
                mark.since = mark.after.as_ref().and(page.since);
                if read.has_more && mark.after.is_none() {
                    // Not the end: the next pull must not take what is missing for read.
                    mark.newest = None;
                }
                // Most lists of most connected accounts are empty: nothing to remember.
                if !is_empty || page.after.is_some() {
                    self.marks.set(container, list.name, mark.clone());
                    self.sink.set_checkpoint(&self.marks.text())?;
                }
                match &mark.after {
                    Some(after) => page.after = Some(after.clone()),
                    None => break,
                }
            }
            // What was made since the earlier pull stands before the place it broke off at.
            if !is_resumed {
                return Ok(());
            }
        }
    }

    /// Asks for a page and puts its objects.
    async fn page(
        &mut self,
        account: Option<&str>,
        list: &List,
        page: &Page,
    ) -> Result<Answer, PullError> {
        let container = account.unwrap_or(PLATFORM);
        let request = (list.request)(page);
        let failed = |transport: &Transport, problem: String| PullError::Server {
            server: transport.server(),
            request: format!("GET /v1/{} of {container}", list.name),
            problem,
        };
        let bytes = match self.transport.get(&request, account).await {
            Ok(bytes) => bytes,
            Err(TransportError::Refused { status: 401, words }) if account.is_none() => {
                let problem = format!(
                    "it does not take the key (status 401{words}); check that the key is whole, \
                     not expired, and of this account"
                );
                return Err(failed(&self.transport, problem));
            }
            Err(error @ TransportError::Refused { status: 400..500, .. }) => {
                return Ok(Answer::Refused(error.to_string()));
            }
            Err(error) => return Err(failed(&self.transport, error.to_string())),
        };
        let Some((objects, has_more)) = contents(&bytes) else {
            let error = TransportError::Form("this is no list of objects; check api_base".into());
            return Err(failed(&self.transport, error.to_string()));
        };
        let mut read = Read { ids: Vec::new(), newest: None, has_more };
        let first = page.after.as_deref().unwrap_or("the first");
        for (number, object) in (1..).zip(&objects) {
            let place = format!("{container} {} after {first}:{number}", list.name);
            let (item, remark) = item(object.get().as_bytes(), container, &place);
            if remark.is_none() {
                read.ids.push(item.native_id.clone());
            }
            read.newest = read.newest.max(item.at.map(|at| at.as_second()));
            remark.into_iter().for_each(|remark| self.sink.remark(remark));
            self.sink.put(item)?;
        }
        self.progress.advance(objects.len() as u64);
        Ok(Answer::Page(read))
    }

    /// The object after which the next page begins; `None` at the end of the list.
    fn next(
        &mut self,
        account: Option<&str>,
        list: &List,
        page: &Page,
        read: &Read,
    ) -> Option<String> {
        if !read.has_more {
            return None;
        }
        let last = read.ids.last().filter(|last| page.after.as_ref() != Some(last));
        if last.is_none() {
            self.gap(account, list, "it says that there is more, and gives nothing to go on from");
        }
        last.cloned()
    }

    fn gap(&mut self, account: Option<&str>, list: &List, words: &str) {
        let about = format!("{} /v1/{}", account.unwrap_or(PLATFORM), list.name);
        let text = format!(
            "this list was not pulled to its end: {words}; if the key lacks the permission to \
             read it, add that and pull again"
        );
        self.sink.remark(Remark::new(about, text));
    }
}

/// Whether an id can stand in the header that names an account.
fn is_account(id: &str) -> bool {
    id.strip_prefix("acct_").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The objects of a page as their exact text, and whether more follow.
fn contents(bytes: &[u8]) -> Option<(Vec<&RawValue>, bool)> {
    let members = Members::of(bytes)?;
    Some((members.array("data")?, members.get("has_more") == Some("true")))
}

#[cfg(test)]
mod tests;
