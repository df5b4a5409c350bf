//! A pull from the API: everything that waits is asked for side by side, at the pace that the
//! limits allow, and what comes is put as it comes.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use restitch_connect::{Backoff, Item, PullError, Sink};
use restitch_model::{EvidenceId, Progress, Remark};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::account::{Account, Listing};
use crate::checkpoint::Marks;
use crate::gaps::Gaps;
use crate::item::{PLATFORM, TEST, item_of, of_test_mode};
use crate::json::Members;
use crate::links::{News, Seen, accounted_for, changed, cut_short};
use crate::lists::{ACCOUNTS, Page, Single, is_plain};
use crate::queue::{Ask, Limits, Queue, Turn, What};
use crate::slices::{Came, Next, Span};
use crate::transport::{Limit, Transport, TransportError};

/// How often a request is sent that the server refuses only because it is asked too often.
const TRIES_AT_LIMIT: u32 = 30;
/// When so many requests were given up and none was answered in between, the server is gone.
const GONE: u32 = 3;
/// Remembering how far the pull has come may take one part in so many of its time.
const SAVING: u32 = 20;

/// What a pull is told.
pub(crate) struct Settings {
    /// The first and the last second to pull.
    pub(crate) window: Span,
    /// Whether the key is one for live data.
    pub(crate) is_live: bool,
    /// How fast it may ask.
    pub(crate) limits: Limits,
    /// How long it waits after failures.
    pub(crate) backoff: Backoff,
}

/// A pull under way.
pub(crate) struct Pull<'a> {
    transport: Arc<Transport>,
    settings: Settings,
    marks: Marks,
    accounts: Vec<Account>,
    queue: Queue,
    under_way: JoinSet<Answer>,
    seen: Seen,
    gaps: Gaps,
    /// How many requests were given up since the last one that was answered.
    given_up: u32,
    test_objects: u64,
    begun: Instant,
    saved: Saved,
    sink: &'a mut dyn Sink,
    progress: &'a dyn Progress,
}

/// What came of a request.
struct Answer {
    endpoint: &'static str,
    ask: Ask,
    /// The page that was asked for.
    page: Page,
    took: Duration,
    result: Result<Bytes, TransportError>,
}

/// When it was last remembered how far the pull has come, and how long that took.
struct Saved {
    at: Instant,
    took: Duration,
    /// The accounts of which something came since.
    stale: BTreeSet<usize>,
}

impl<'a> Pull<'a> {
    pub(crate) fn new(
        transport: Transport,
        settings: Settings,
        marks: Marks,
        sink: &'a mut dyn Sink,
        progress: &'a dyn Progress,
    ) -> Self {
        let begun = Instant::now();
        Self {
            transport: Arc::new(transport),
            queue: Queue::new(settings.limits),
            settings,
            marks,
            accounts: Vec::new(),
            under_way: JoinSet::new(),
            seen: Seen::default(),
            gaps: Gaps::default(),
            given_up: 0,
            test_objects: 0,
            begun,
            saved: Saved { at: begun, took: Duration::ZERO, stale: BTreeSet::new() },
            sink,
            progress,
        }
    }

    /// Pulls the platform and all connected accounts.
    pub(crate) async fn everything(mut self) -> Result<(), PullError> {
        self.add_account(None, None);
        let result = self.until_all_is_answered().await;
        // What came is remembered, also where the pull could not go on.
        let saved = self.save();
        self.report();
        result.and(saved)
    }

    async fn until_all_is_answered(&mut self) -> Result<(), PullError> {
        loop {
            let wake = loop {
                match self.queue.next(self.begun.elapsed()) {
                    Turn::Go(endpoint, ask) => self.send(endpoint, ask),
                    Turn::Wait(then) => break then.map(|then| self.begun + then),
                }
            };
            let answer = tokio::select! {
                Some(answer) = self.under_way.join_next() => answer,
                () = tokio::time::sleep_until(wake.unwrap_or(self.begun).into()),
                    if wake.is_some() => continue,
                else => return Ok(()),
            };
            match answer {
                Ok(answer) => self.answered(answer)?,
                // None is ever cancelled.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
            if self.saved.at.elapsed() >= self.saved.took * SAVING {
                self.save()?;
            }
        }
    }

    /// Begins with an account, where it is not known yet. `floor` is when it was made.
    fn add_account(&mut self, id: Option<String>, floor: Option<i64>) {
        if self.accounts.iter().any(|account| account.id == id) {
            return;
        }
        let mark = self.marks.account(id.as_deref().unwrap_or(PLATFORM));
        let mut account = Account::of(id, &mark, self.settings.window, floor);
        if account.id.is_none() {
            // All of them are needed each time, however old they are.
            account.lists.push(Listing::new(&ACCOUNTS, (None, None)));
        }
        let number = self.accounts.len();
        for (list, listing) in account.lists.iter().enumerate() {
            for slice in listing.slices.open() {
                let ask = Ask::new(number, What::Page { list, slice });
                self.queue.add(listing.list.name, ask);
            }
        }
        for (single, id) in &account.wanted {
            if single.page_kind().is_some() {
                self.queue.add(single.name(), single_ask(number, *single, id.clone()));
            }
        }
        self.accounts.push(account);
    }

    fn send(&mut self, endpoint: &'static str, ask: Ask) {
        let account = &self.accounts[ask.account];
        let (request, page) = match &ask.what {
            What::Page { list, slice } => {
                let listing = &account.lists[*list];
                let Some(page) = listing.slices.page(*slice) else {
                    return self.queue.answered(endpoint, None);
                };
                let page = Page { is_bare: listing.is_bare, ..page };
                ((listing.list.request)(&page), page)
            }
            What::Single { single, id, after } => {
                (single.request(id, after.as_deref()), Page::default())
            }
        };
        let (transport, account) = (self.transport.clone(), account.id.clone());
        self.under_way.spawn(async move {
            let sent = Instant::now();
            let result = transport.get(&request, account.as_deref()).await;
            Answer { endpoint, ask, page, took: sent.elapsed(), result }
        });
    }

    fn answered(&mut self, answer: Answer) -> Result<(), PullError> {
        let Answer { endpoint, ask, page, took, result } = answer;
        self.queue.answered(endpoint, Some(took));
        let problem = match result {
            Ok(bytes) => match self.came(endpoint, &ask, &page, &bytes)? {
                Form::Right => {
                    self.given_up = 0;
                    return Ok(());
                }
                Form::Wrong => TransportError::Form("check api_base".into()),
            },
            Err(error) => error,
        };
        match problem {
            TransportError::Refused { .. } => {
                self.given_up = 0;
                self.refused(endpoint, &ask, &page, &problem)
            }
            TransportError::Passing { retry_after, limit, .. } => {
                self.slow_down(endpoint, limit, retry_after);
                self.failed(endpoint, ask, &problem)
            }
            TransportError::Form(_) | TransportError::NotGet => {
                self.failed(endpoint, ask, &problem)
            }
        }
    }

    /// Heeds what a server asks for that is asked too often.
    fn slow_down(
        &mut self,
        endpoint: &'static str,
        limit: Option<Limit>,
        retry_after: Option<Duration>,
    ) {
        let now = self.begun.elapsed();
        let Some(limit) = limit else { return };
        self.queue.refused(endpoint, limit, now);
        if let Some(pause) = retry_after.filter(|pause| *pause <= self.settings.backoff.patience) {
            self.queue.pause(endpoint, limit, now + pause);
        }
    }

    /// Asks again for what failed, until it is given up. A server that gives no answers at all
    /// ends the pull; one that fails at a single place leaves a gap there.
    fn failed(
        &mut self,
        endpoint: &'static str,
        mut ask: Ask,
        problem: &TransportError,
    ) -> Result<(), PullError> {
        ask.failures += 1;
        let mut backoff = self.settings.backoff;
        let mut retry_after = None;
        if let TransportError::Passing { retry_after: asked, limit, .. } = problem {
            retry_after = *asked;
            backoff.tries = if limit.is_some() { TRIES_AT_LIMIT } else { backoff.tries };
        }
        if let Some(pause) = backoff.pause(ask.failures, retry_after, dice()) {
            self.queue.add_later(endpoint, ask, self.begun.elapsed() + pause);
            return Ok(());
        }
        let tries = ask.failures;
        let words = format!("{problem} (tried {tries} times; pull again to go on from here)");
        self.given_up += 1;
        if self.given_up == GONE {
            return Err(self.server_error(endpoint, &ask, words));
        }
        self.give_up(endpoint, &ask, &words, None);
        Ok(())
    }

    /// The server says no.
    fn refused(
        &mut self,
        endpoint: &'static str,
        ask: &Ask,
        page: &Page,
        problem: &TransportError,
    ) -> Result<(), PullError> {
        let TransportError::Refused { status, words, request_id } = problem else { return Ok(()) };
        let account = &mut self.accounts[ask.account];
        if *status == 401 && account.id.is_none() {
            let problem = format!(
                "it does not take the key ({problem}); check that the key is whole, not \
                 expired, and of this account"
            );
            return Err(self.server_error(endpoint, ask, problem));
        }
        match &ask.what {
            What::Page { list, slice } if matches!(status, 400 | 404) => {
                let listing = &mut account.lists[*list];
                let again = Ask::new(ask.account, ask.what.clone());
                if listing.slices.forget_place(*slice) {
                    self.queue.add_first(endpoint, again);
                    return Ok(());
                }
                if !page.is_bare && listing.list.name == Single::SessionLines.list() {
                    listing.is_bare = true;
                    self.queue.add_first(endpoint, again);
                    return Ok(());
                }
                if page.since.or(page.until).is_some()
                    && let Some(slice) = listing.slices.read_as_one()
                {
                    let what = What::Page { list: *list, slice };
                    self.queue.add_first(endpoint, Ask::new(ask.account, what));
                    return Ok(());
                }
            }
            What::Single { single, id, .. } if *status == 404 => {
                account.wanted.remove(&(*single, id.clone()));
                let about = format!("{} /v1/{}", account.container(), endpoint.replace(":id", id));
                let text = "other objects name it, and the server no longer has it";
                self.sink.remark(Remark::new(about, text));
                self.saved.stale.insert(ask.account);
                return Ok(());
            }
            _ => {}
        }
        self.give_up(endpoint, ask, &format!("status {status}{words}"), request_id.as_deref());
        Ok(())
    }

    /// Leaves a gap, and goes on with the rest.
    fn give_up(&mut self, endpoint: &'static str, ask: &Ask, words: &str, request: Option<&str>) {
        let account = &mut self.accounts[ask.account];
        self.gaps.add(endpoint, account.container(), words, request);
        if let What::Page { list, .. } = ask.what {
            account.lists[list].is_given_up = true;
            self.ask_for_wanted(ask.account);
        }
    }

    fn server_error(&self, endpoint: &str, ask: &Ask, problem: String) -> PullError {
        let container = self.accounts[ask.account].container();
        PullError::Server {
            server: self.transport.server(),
            request: format!("GET /v1/{endpoint} of {container}"),
            problem,
        }
    }

    /// Puts what came, and asks for what follows from it.
    fn came(
        &mut self,
        endpoint: &'static str,
        ask: &Ask,
        page: &Page,
        bytes: &[u8],
    ) -> Result<Form, PullError> {
        self.saved.stale.insert(ask.account);
        match &ask.what {
            What::Page { list, slice } => {
                let Some((objects, has_more)) = contents(bytes) else { return Ok(Form::Wrong) };
                let mut came = Came { has_more, ..Came::default() };
                for object in &objects {
                    self.object(ask.account, endpoint, object, page.is_bare, &mut came)?;
                }
                self.progress.advance(objects.len() as u64);
                self.go_on(endpoint, ask.account, *list, *slice, &came);
            }
            What::Single { single, id, after } => match single.page_kind() {
                Some(kind) => {
                    let Some((elements, has_more)) = contents(bytes) else {
                        return Ok(Form::Wrong);
                    };
                    let last = elements.last().and_then(|one| Members::of(one.get().as_bytes()));
                    let last = last.and_then(|members| members.text("id"));
                    self.inner_page(ask.account, *single, (id, after.as_deref()), kind, bytes)?;
                    match last.filter(|last| has_more && after.as_ref() != Some(last)) {
                        Some(last) => {
                            let (single, id, after) = (*single, id.clone(), Some(last));
                            let what = What::Single { single, id, after };
                            self.queue.add_first(endpoint, Ask::new(ask.account, what));
                        }
                        None => {
                            self.accounts[ask.account].wanted.remove(&(*single, id.clone()));
                        }
                    }
                }
                None => {
                    let text = std::str::from_utf8(bytes).unwrap_or_default();
                    let Ok(object) = serde_json::from_str::<&RawValue>(text) else {
                        return Ok(Form::Wrong);
                    };
                    let came = &mut Came::default();
                    self.object(ask.account, single.list(), object, false, came)?;
                    self.accounts[ask.account].wanted.remove(&(*single, id.clone()));
                    self.progress.advance(1);
                }
            },
        }
        Ok(Form::Right)
    }

    /// Puts one object of a list, and notes what it says of others.
    fn object(
        &mut self,
        number: usize,
        list: &'static str,
        object: &RawValue,
        is_bare: bool,
        came: &mut Came,
    ) -> Result<(), PullError> {
        let bytes = object.get().as_bytes();
        let members = Members::of_text(object.get());
        let container = self.accounts[number].container();
        // Where an object stands on its page depends on how the list was cut.
        let place = || format!("{list} {}", EvidenceId::of(bytes));
        let (item, remark) = item_of(members.as_ref(), bytes, container, place);
        let at = item.at.map(|at| at.as_second());
        came.first = came.first.or(at);
        came.last = at.or(came.last);
        came.newest_oldest = match (came.newest_oldest, at) {
            (Some((newest, oldest)), Some(at)) => Some((newest.max(at), oldest.min(at))),
            (known, at) => known.or(at.zip(at)),
        };
        if let Some(remark) = remark {
            self.sink.remark(remark);
        } else if let Some(members) = &members {
            came.last_id = Some(item.native_id.clone());
            self.test_objects += u64::from(item.kind.starts_with(TEST));
            self.note(number, list, &item, members, is_bare);
        }
        self.sink.put(item)?;
        Ok(())
    }

    /// Notes what an object says of others.
    fn note(
        &mut self,
        number: usize,
        list: &'static str,
        item: &Item,
        members: &Members<'_>,
        is_bare: bool,
    ) {
        let id = &item.native_id;
        if list == ACCOUNTS.name {
            if id.starts_with("acct_") && is_plain(id) {
                self.add_account(Some(id.clone()), item.at.map(|at| at.as_second()));
            }
            return;
        }
        let object = item.kind.strip_prefix(TEST).or_else(|| item.kind.strip_prefix("stripe."));
        let object = object.unwrap_or_default();
        if matches!(object, "charge" | "payment_intent" | "refund" | "dispute") {
            self.seen.came(number, id);
        }
        let account = &mut self.accounts[number];
        let news = News { settled: account.settled, window_start: self.settings.window.0 };
        if object == "balance_transaction"
            && account.list(list).is_some_and(|listing| listing.is_from_scratch)
            && !news.is_at_edge(object, members)
            && let Some((list, id)) = accounted_for(members)
        {
            self.seen.awaits(number, list, id);
        }
        for (single, id) in changed(object, members, news) {
            if !is_plain(&id) || self.seen.has(number, &id) {
                continue;
            }
            if account.wanted.insert((single, id.clone())) && account.asks_at_once {
                self.queue.add(single.name(), single_ask(number, single, id));
            }
        }
        if let Some(single) = cut_short(object, members, is_bare).filter(|_| is_plain(id))
            && account.wanted.insert((single, id.clone()))
        {
            self.queue.add(single.name(), single_ask(number, single, id.clone()));
        }
    }

    /// Puts a page of a list inside of an object as it came: its address in it names the object.
    fn inner_page(
        &mut self,
        number: usize,
        single: Single,
        (id, after): (&str, Option<&str>),
        kind: &str,
        bytes: &[u8],
    ) -> Result<(), PullError> {
        let place = single.name().replace(":id", id);
        let name = place.trim_start_matches(single.list()).trim_start_matches('/');
        let kind = match self.settings.is_live {
            true => kind.to_owned(),
            false => kind.replacen("stripe.", TEST, 1),
        };
        self.sink.put(Item {
            kind,
            native_id: after.map_or(name.to_owned(), |after| format!("{name} after {after}")),
            container: self.accounts[number].container().to_owned(),
            at: None,
            bytes: bytes.to_vec(),
        })?;
        Ok(())
    }

    /// After a page of a list.
    fn go_on(
        &mut self,
        endpoint: &'static str,
        number: usize,
        list: usize,
        slice: u32,
        came: &Came,
    ) {
        // One place is that of the slice itself.
        let wanted = self.queue.room(endpoint).saturating_sub(1);
        let account = &mut self.accounts[number];
        if endpoint == Single::Charge.list() {
            account.charges_came(came.newest_oldest.map(|(newest, _)| newest));
        }
        let listing = &mut account.lists[list];
        let slices = match listing.slices.came(slice, came, wanted) {
            Next::Ask(slices) => slices,
            Next::NoTime => listing.slices.read_as_one().into_iter().collect(),
            Next::NoPlace => {
                let words = "it says that there is more, and gives nothing to go on from";
                let ask = Ask::new(number, What::Page { list, slice });
                return self.give_up(endpoint, &ask, words, None);
            }
        };
        for slice in slices.into_iter().rev() {
            self.queue.add_first(endpoint, Ask::new(number, What::Page { list, slice }));
        }
        if listing.is_over() {
            self.ask_for_wanted(number);
        }
    }

    /// Asks for what others name, once it is sure that it does not come in a list.
    fn ask_for_wanted(&mut self, number: usize) {
        let account = &mut self.accounts[number];
        if account.asks_at_once || !account.has_its_payments() {
            return;
        }
        account.asks_at_once = true;
        let seen = &self.seen;
        account.wanted.retain(|(single, id)| single.page_kind().is_some() || !seen.has(number, id));
        for (single, id) in account.wanted.iter().filter(|(single, _)| single.page_kind().is_none())
        {
            self.queue.add(single.name(), single_ask(number, *single, id.clone()));
        }
        self.saved.stale.insert(number);
    }

    /// Remembers how far the pull has come.
    fn save(&mut self) -> Result<(), PullError> {
        let stale = std::mem::take(&mut self.saved.stale);
        if stale.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        for number in stale {
            let account = &self.accounts[number];
            self.marks.set(account.container(), account.mark());
        }
        self.sink.set_checkpoint(&self.marks.text())?;
        self.saved.at = Instant::now();
        self.saved.took = self.saved.at - started;
        Ok(())
    }

    /// Says what is missing, and what is not what it seems.
    fn report(&mut self) {
        for gap in self.gaps.told() {
            self.sink.gap(gap);
        }
        for (number, account) in self.accounts.iter().enumerate() {
            let is_whole = |name: &str| {
                account.list(name).is_some_and(|l| l.is_from_scratch && l.slices.is_read())
            };
            for list in ["charges", "refunds", "disputes"] {
                let missing = self.seen.missing(number, list);
                if missing.is_empty() || !is_whole(list) || !is_whole("balance_transactions") {
                    continue;
                }
                let some: Vec<_> = missing.iter().take(3).copied().collect();
                let text = format!(
                    "balance transactions name {} {list} that Stripe did not list, among them {}; \
                     look them up in the Dashboard",
                    missing.len(),
                    some.join(", ")
                );
                self.sink.remark(Remark::new(account.container(), text));
            }
        }
        if self.test_objects > 0 {
            self.sink.remark(of_test_mode(self.test_objects));
        }
    }
}

/// Whether an answer had the form that it must have.
enum Form {
    Right,
    Wrong,
}

fn single_ask(account: usize, single: Single, id: String) -> Ask {
    Ask::new(account, What::Single { single, id, after: None })
}

/// A number from 0 to 1, another one each time: by how much a pause is shortened.
fn dice() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

/// The objects of a page as their exact text, and whether more follow.
fn contents(bytes: &[u8]) -> Option<(Vec<&RawValue>, bool)> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        data: Vec<&'a RawValue>,
        #[serde(borrow)]
        has_more: Option<&'a RawValue>,
    }
    let list: List<'_> = serde_json::from_str(std::str::from_utf8(bytes).ok()?).ok()?;
    Some((list.data, list.has_more.is_some_and(|has_more| has_more.get() == "true")))
}
