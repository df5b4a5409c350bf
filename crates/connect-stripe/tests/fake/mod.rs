//! A Stripe of our own on the loopback interface: accounts with their lists, limits, latency, and
//! whatever a test wants to go wrong. It keeps to what Stripe documents: lists with the newest
//! object first, bounds of `created`, cursors, refusals of parameters that it does not know.

#![allow(dead_code, reason = "each test and the benchmark use a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The key that it takes.
pub const KEY: &str = "rk_live_verySecret123";
/// What the platform itself is called.
pub const PLATFORM: &str = "platform";

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `platform`, or the connected account.
    pub account: String,
    /// The path behind `/v1/`.
    pub path: String,
    /// The parameters, decoded, in their order.
    pub query: Vec<(String, String)>,
}

impl Request {
    /// As one line: `acct_1 charges?limit=100`.
    pub fn line(&self) -> String {
        let query: Vec<_> =
            self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.account, self.path, query.join("&"))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One answer: status, further headers, each with its line end, and the body.
pub type Reply = (u16, String, String);

/// What goes wrong, or is asked for specially: said before the server answers by itself.
pub type Hook = dyn Fn(&Request) -> Option<Reply> + Send + Sync;

/// How the server behaves.
#[derive(Default)]
pub struct Manner {
    /// How long each answer takes.
    pub latency: Duration,
    /// Requests that it takes in any second, to one endpoint and in all.
    pub limits: Option<(usize, usize)>,
    /// What comes before its own answers.
    pub hook: Option<Box<Hook>>,
}

/// The server.
pub struct Fake {
    /// Where it is.
    pub base: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    manner: Manner,
    lists: Mutex<BTreeMap<(String, String), List>>,
    asked: Mutex<Vec<String>>,
    taken: Mutex<BTreeMap<String, VecDeque<Instant>>>,
    refused: AtomicUsize,
    connections: AtomicUsize,
}

#[derive(Default, Clone)]
struct List {
    /// By the time of creation, then in the order in which they were added: id and text.
    objects: BTreeMap<(i64, usize), (String, Arc<str>)>,
    keys: std::collections::HashMap<String, (i64, usize)>,
}

impl Fake {
    /// A server that behaves well.
    pub fn new() -> Self {
        Self::with(Manner::default())
    }

    /// One with something before its own answers.
    pub fn hooked(hook: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::with(Manner { hook: Some(Box::new(hook)), ..Manner::default() })
    }

    /// One that behaves so.
    pub fn with(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { manner, ..State::default() });
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let state = shared.clone();
                thread::spawn(move || state.serve(stream));
            }
        });
        Self { base, state }
    }

    /// Adds an object to a list, or changes the one with its id. `more` is the rest of it, with a
    /// comma before each member.
    pub fn add(&self, account: &str, list: &str, id: &str, created: i64, more: &str) {
        let object = object_of(list);
        let text = format!(
            r#"{{ "id": "{id}",  "object":"{object}","created":{created},"livemode":true{more}}}"#
        );
        self.add_text(account, list, id, created, text.into());
    }

    /// Adds an object as it is.
    pub fn add_text(&self, account: &str, list: &str, id: &str, created: i64, text: Arc<str>) {
        let mut lists = self.state.lists.lock().unwrap();
        let list = lists.entry((account.to_owned(), list.to_owned())).or_default();
        let next = (created, list.keys.len());
        let key = *list.keys.entry(id.to_owned()).or_insert(next);
        list.objects.insert(key, (id.to_owned(), text));
    }

    /// The text of an object, as the server gives it.
    pub fn text(&self, account: &str, list: &str, id: &str) -> String {
        let lists = self.state.lists.lock().unwrap();
        let list = &lists[&(account.to_owned(), list.to_owned())];
        list.objects[&list.keys[id]].1.to_string()
    }

    /// Takes an object away.
    pub fn remove(&self, account: &str, list: &str, id: &str) {
        let mut lists = self.state.lists.lock().unwrap();
        let list = lists.get_mut(&(account.to_owned(), list.to_owned())).unwrap();
        list.objects.remove(&list.keys[id]);
    }

    /// The requests since it was last asked, of those that hold this text, sorted.
    pub fn asked(&self, text: &str) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.state.asked.lock().unwrap());
        asked.retain(|line| line.contains(text));
        asked.sort();
        asked
    }

    /// How many requests were one too many.
    pub fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl State {
    fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        while let Some(request) = read(&mut reader) {
            self.asked.lock().unwrap().push(request.line());
            if !self.manner.latency.is_zero() {
                thread::sleep(self.manner.latency);
            }
            let (status, headers, body) = self.answer(&request);
            let text = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n{headers}\r\n",
                body.len()
            );
            let whole = [text.as_bytes(), body.as_bytes()].concat();
            if status == 0 || writer.write_all(&whole).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        if let Some(refusal) = self.one_too_many(request) {
            return refusal;
        }
        if let Some(reply) = self.manner.hook.as_ref().and_then(|hook| hook(request)) {
            return reply;
        }
        let lists = self.lists.lock().unwrap();
        let list = |name: &str| lists.get(&(request.account.clone(), name.to_owned()));
        if object_of(&request.path) != "unknown" {
            let empty = List::default();
            return list(&request.path).unwrap_or(&empty).page(request);
        }
        let (name, id) = request.path.rsplit_once('/').unwrap_or_default();
        match list(name).and_then(|list| list.objects.get(list.keys.get(id)?)) {
            Some((_, text)) => (200, String::new(), text.to_string()),
            None => refusal(404, "No such object"),
        }
    }

    /// A window that slides: stricter than the buckets that Stripe is said to use.
    fn one_too_many(&self, request: &Request) -> Option<Reply> {
        let (per_endpoint, in_all) = self.manner.limits?;
        let endpoint: Vec<_> =
            request
                .path
                .split('/')
                .map(|part| {
                    if part.contains('_') && part.contains(char::is_numeric) { ":id" } else { part }
                })
                .collect();
        let mut taken = self.taken.lock().unwrap();
        let now = Instant::now();
        for (name, limit, reason) in [
            (endpoint.join("/"), per_endpoint, "endpoint-rate"),
            (String::new(), in_all, "global-rate"),
        ] {
            let taken = taken.entry(name).or_default();
            taken.retain(|at| now - *at < Duration::from_secs(1));
            if taken.len() >= limit {
                self.refused.fetch_add(1, Ordering::SeqCst);
                let (status, _, body) = refusal(429, "Too many requests");
                return Some((status, format!("stripe-rate-limited-reason: {reason}\r\n"), body));
            }
            taken.push_back(now);
        }
        None
    }
}

impl List {
    fn page(&self, request: &Request) -> Reply {
        let number = |name: &str| request.get(name).and_then(|text| text.parse::<i64>().ok());
        const KNOWN: [&str; 6] =
            ["created[gte]", "created[lte]", "expand[0]", "limit", "starting_after", "status"];
        if let Some((name, _)) =
            request.query.iter().find(|(name, _)| !KNOWN.contains(&name.as_str()))
        {
            return refusal(400, &format!("Received unknown parameter: {name}"));
        }
        let (since, until) = (number("created[gte]"), number("created[lte]"));
        let lowest = (since.unwrap_or(i64::MIN), 0);
        let mut highest = (until.unwrap_or(i64::MAX), usize::MAX);
        let mut is_after = false;
        if let Some(after) = request.get("starting_after") {
            match self.keys.get(after).filter(|key| self.objects.contains_key(key)) {
                Some(key) => (highest, is_after) = (highest.min(*key), *key <= highest),
                None => return refusal(400, "No such object"),
            }
        }
        let size = number("limit").unwrap_or(10).clamp(1, 100) as usize;
        let objects = self.objects.range(lowest.min(highest)..=highest).rev();
        let mut objects = objects.skip(usize::from(is_after));
        let mut body = String::from(r#"{"object":"list","url":"/v1/"#);
        let _ = write!(body, r#"{}","data":["#, request.path);
        for (n, (_, (_, text))) in objects.by_ref().take(size).enumerate() {
            body.push_str(if n > 0 { " , " } else { "" });
            body.push_str(text);
        }
        let _ = write!(body, r#"],"has_more": {}}}"#, objects.next().is_some());
        (200, String::new(), body)
    }
}

/// A refusal in Stripe's words.
pub fn refusal(status: u16, message: &str) -> Reply {
    (status, "request-id: req_7\r\n".into(), format!(r#"{{"error":{{"message":"{message}"}}}}"#))
}

/// The connection ends instead of an answer.
pub fn hang_up() -> Reply {
    (0, String::new(), String::new())
}

/// What the objects of a list are.
fn object_of(list: &str) -> &'static str {
    match list {
        "accounts" => "account",
        "customers" => "customer",
        "payment_intents" => "payment_intent",
        "charges" => "charge",
        "refunds" => "refund",
        "disputes" => "dispute",
        "checkout/sessions" => "checkout.session",
        "invoices" => "invoice",
        "invoice_payments" => "invoice_payment",
        "subscriptions" => "subscription",
        "balance_transactions" => "balance_transaction",
        "events" => "event",
        list if list.ends_with("/line_items") => "item",
        list if list.ends_with("/lines") => "line_item",
        _ => "unknown",
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut lines = reader.lines().map_while(Result::ok);
    let first = lines.next()?;
    let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        headers.iter().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    };
    let target = first.strip_prefix("GET /v1/")?.strip_suffix(" HTTP/1.1").expect("HTTP/1.1");
    let key = header("authorization").expect("a key");
    assert!(key.starts_with("Bearer ") && key.len() > 15, "a key");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let decoded = |text: &str| text.replace("%5B", "[").replace("%5D", "]").replace("%2F", "/");
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Some(Request {
        account: header("stripe-account").unwrap_or(PLATFORM).to_owned(),
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (decoded(name), decoded(value))).collect(),
    })
}
