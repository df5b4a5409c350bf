use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use restitch_connect::Basket;
use restitch_model::{Instant, Silent};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::customer::ListCustomer;

use super::*;

const KEY: &str = "rk_test_verySecret123";
const EMPTY: &str = r#"{"object":"list","url":"/v1/x","has_more":false,"data":[]}"#;

/// What a server answers with: status, further headers, body.
type Reply = (u16, &'static str, String);

/// A server on the loopback interface that answers as `routes` says, which is given each request
/// as `account path?query`, and with an empty list where that says nothing. All requests are
/// written down.
struct Server {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn new(routes: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (log, routes, count) = (asked.clone(), Arc::new(routes), connections.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                let (log, routes) = (log.clone(), routes.clone());
                thread::spawn(move || answer(stream, &log, &*routes));
            }
        });
        Self { base, asked, connections }
    }

    /// Pulls from it into the basket.
    fn pull(&self, basket: &mut Basket, window: Option<TimeWindow>) -> Result<(), PullError> {
        api(KEY, &self.base).pull(window, basket, &Silent)
    }

    /// The requests since it was last asked, of those that hold this text.
    fn asked(&self, text: &str) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.retain(|line| line.contains(text));
        asked
    }
}

fn answer(stream: TcpStream, log: &Mutex<Vec<String>>, routes: &dyn Fn(&str) -> Option<Reply>) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        let headers: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let header = |name: &str| {
            headers.iter().find_map(|line| line.strip_prefix(name)).unwrap_or("platform")
        };
        let path = first.strip_prefix("GET /v1/").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
        assert_eq!(header("authorization: Bearer "), KEY);
        let line = format!("{} {}", header("stripe-account: "), path.expect("a GET request"));
        let (status, more, body) = routes(&line).unwrap_or((200, "", EMPTY.to_owned()));
        log.lock().unwrap().push(line);
        let length = body.len();
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{more}\r\n{body}");
        if writer.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn api(key: &str, base: &str) -> StripeApi {
    StripeApi { key: Secret::new(key), api_base: Some(base.to_owned()), allow_write_key: false }
}

/// A page with these objects, each `id` and `created`, written with spaces of its own.
fn page(object: &str, has_more: bool, objects: &[(&str, i64)]) -> Option<Reply> {
    let objects: Vec<_> =
        objects.iter().map(|&(id, created)| object_text(object, id, created)).collect();
    let data = objects.join(" , ");
    Some((200, "", format!(r#"{{"object":"list","has_more":{has_more},"data":[{data}]}}"#)))
}

fn object_text(object: &str, id: &str, created: i64) -> String {
    format!(r#"{{ "id": "{id}",  "object":"{object}","created":{created} }}"#)
}

fn refusal(status: u16, message: &str) -> Option<Reply> {
    Some((status, "request-id: req_7\r\n", format!(r#"{{"error":{{"message":"{message}"}}}}"#)))
}

fn items(basket: &Basket) -> Vec<String> {
    let name = |item: &restitch_connect::Item| {
        format!("{} {} {}", item.container, item.kind, item.native_id)
    };
    basket.items.iter().map(name).collect()
}

#[test]
fn every_account_and_page_is_pulled_and_a_refused_list_is_a_gap() {
    let was_busy = Mutex::new(false);
    let server = Server::new(move |asked| match asked {
        "platform accounts?limit=100" => page("account", false, &[("acct_2", 2), ("acct_1", 1)]),
        "platform charges?limit=100" => page("charge", true, &[("ch_3", 3000), ("ch_2", 2000)]),
        "platform charges?limit=100&starting_after=ch_2" => {
            page("charge", false, &[("ch_1", 1000)])
        }
        "acct_1 charges?limit=100" if !std::mem::replace(&mut *was_busy.lock().unwrap(), true) => {
            Some((429, "retry-after: 0\r\n", String::new()))
        }
        "acct_1 charges?limit=100" => page("charge", false, &[("ch_9", 9000)]),
        "acct_2 refunds?limit=100" => refusal(403, &format!("The key {KEY} may not")),
        "acct_2 checkout/sessions?limit=100" => page("checkout.session", false, &[("cs_1", 5)]),
        _ => None,
    });
    let mut basket = Basket::default();
    server.pull(&mut basket, None).unwrap();
    assert_eq!(
        items(&basket),
        [
            "platform stripe.account acct_2",
            "platform stripe.account acct_1",
            "platform stripe.charge ch_3",
            "platform stripe.charge ch_2",
            "platform stripe.charge ch_1",
            "acct_1 stripe.charge ch_9",
            "acct_2 stripe.checkout.session cs_1",
        ]
    );
    assert_eq!(basket.items[2].bytes, object_text("charge", "ch_3", 3000).as_bytes());
    assert_eq!(basket.remarks.len(), 1);
    let remark = basket.remarks[0].to_string();
    assert!(remark.starts_with("acct_2 /v1/refunds: "), "{remark}");
    assert!(remark.contains("status 403, The key [redacted] may not [req_7]"), "{remark}");
    let asked = server.asked("");
    assert_eq!(asked.iter().filter(|line| line.starts_with("acct_1 charges")).count(), 2);
    let connections = server.connections.load(Ordering::SeqCst);
    assert!(connections * 4 < asked.len(), "{connections} connections, {} requests", asked.len());
}

#[test]
fn a_window_bounds_what_is_asked_for() {
    let server = Server::new(|_| None);
    let second = |s| Instant::from_second(s).unwrap();
    let window = TimeWindow { start: second(10), end: second(20) };
    server.pull(&mut Basket::default(), Some(window)).unwrap();
    let mut asked = server.asked("");
    asked.iter_mut().for_each(|line| *line = line.replace("%5B", "[").replace("%5D", "]"));
    assert_eq!(
        asked,
        [
            "platform accounts?limit=100",
            "platform customers?created[lt]=20&limit=100",
            "platform payment_intents?created[gte]=10&created[lt]=20&limit=100",
            "platform charges?created[gte]=10&created[lt]=20&limit=100",
            "platform refunds?created[gte]=10&limit=100",
            "platform checkout/sessions?created[gte]=10&created[lt]=20&limit=100",
        ]
    );
}

#[test]
fn a_later_pull_asks_for_what_is_new_and_the_ten_minutes_before() {
    let server = Server::new(|asked| {
        asked.contains("charges?").then(|| page("charge", false, &[("ch_1", 5000)]))?
    });
    let mut basket = Basket::default();
    server.pull(&mut basket, None).unwrap();
    server.asked("");
    server.pull(&mut basket, None).unwrap();
    assert_eq!(items(&basket), ["platform stripe.charge ch_1"]);
    let asked = server.asked("charges");
    assert_eq!(asked.len(), 1);
    assert!(asked[0].ends_with("=4400&limit=100"), "{asked:?}");
}

#[test]
fn a_pull_that_broke_off_goes_on_and_then_looks_for_what_is_new() {
    let is_down = Arc::new(Mutex::new(true));
    let down = is_down.clone();
    let server = Server::new(move |asked| match asked {
        "platform charges?limit=100" => page("charge", true, &[("ch_2", 5000)]),
        "platform charges?limit=100&starting_after=ch_2" if *down.lock().unwrap() => {
            Some((200, "", "<html>a proxy's page</html>".into()))
        }
        "platform charges?limit=100&starting_after=ch_2" => page("charge", false, &[("ch_1", 1)]),
        _ if asked.contains("charges") => page("charge", false, &[("ch_3", 5500), ("ch_2", 5000)]),
        _ => None,
    });
    let mut basket = Basket::default();
    let error = server.pull(&mut basket, None).unwrap_err().to_string();
    assert!(error.contains("GET /v1/charges of platform: the answer is not what"), "{error}");
    *is_down.lock().unwrap() = false;
    server.asked("");
    server.pull(&mut basket, None).unwrap();
    let charges = ["ch_2", "ch_1", "ch_3"].map(|id| format!("platform stripe.charge {id}"));
    assert_eq!(items(&basket), charges);
    assert_eq!(server.asked("charges").len(), 2);
}

#[test]
fn a_list_whose_place_is_gone_is_read_anew() {
    let server = Server::new(|asked| match asked {
        "platform charges?limit=100" => page("charge", false, &[("ch_2", 5000)]),
        _ if asked.contains("starting_after=ch_gone") => refusal(400, "No such charge"),
        _ => None,
    });
    let mut basket = Basket::default();
    let scope = Scope { server: server.base.clone(), is_live: false, window: None };
    let mut marks = Marks::of(None, scope);
    marks.set(PLATFORM, "charges", Mark { after: Some("ch_gone".into()), ..Mark::default() });
    basket.set_checkpoint(&marks.text()).unwrap();
    server.pull(&mut basket, None).unwrap();
    assert_eq!(items(&basket), ["platform stripe.charge ch_2"]);
    assert!(basket.remarks.is_empty(), "{:?}", basket.remarks);
}

#[test]
fn a_list_that_never_ends_is_left_with_a_remark() {
    let server = Server::new(|asked| {
        asked.contains("charges").then(|| page("charge", true, &[("ch_1", 5000)]))?
    });
    let mut basket = Basket::default();
    server.pull(&mut basket, None).unwrap();
    assert_eq!(server.asked("charges").len(), 2);
    assert!(basket.remarks[0].text.contains("nothing to go on from"), "{}", basket.remarks[0]);
}

#[test]
fn a_key_that_is_not_accepted_is_an_error_without_the_key() {
    let server = Server::new(|_| refusal(401, &format!("Invalid API Key provided: {KEY}")));
    let error = server.pull(&mut Basket::default(), None).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("status 401, Invalid API Key provided: [redacted]"), "{shown}");
    assert!(!shown.contains(KEY));
}

#[test]
fn only_keys_that_cannot_write_are_taken() {
    let refused = |key: &str, base: &str| {
        let error = api(key, base).pull(None, &mut Basket::default(), &Silent).unwrap_err();
        assert!(matches!(error, PullError::Settings(_)), "{error}");
        assert!(key.is_empty() || !format!("{error} {error:?}").contains(key), "{error}");
        error.to_string()
    };
    let local = "http://127.0.0.1:1";
    for key in ["sk_live_hidden1", "sk_org_live_hidden1", "pk_live_hidden1", "", "hidden1"] {
        let error = refused(key, local);
        assert!(error.contains("restricted key with read access"), "{error}");
    }
    refused("rk_live_\u{7}hidden1", local);
    refused("rk_live_hidden1", "http://stripe.example");
    refused("rk_live_hidden1", "ftp://stripe.example");
    let mut allowed = api("sk_test_hidden1\n", local);
    allowed.allow_write_key = true;
    assert_eq!(allowed.usable_key().unwrap().expose(), "sk_test_hidden1");
}

/// Runs a request of async-stripe's over the transport.
fn transport(base: &str) -> (Transport, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (Transport::new(Secret::new(KEY), Some(base)).unwrap(), runtime)
}

#[test]
fn async_stripes_own_types_agree_on_what_a_page_holds() {
    let server = Server::new(|asked| {
        let customer = r#"{"id":"cus_1","object":"customer","created":5,"livemode":false,
            "email":"ana@example.com","metadata":{"ref":"BK-7"}}"#;
        let body = format!(
            r#"{{"object":"list","url":"/v1/customers","has_more":false,"data":[{customer}]}}"#
        );
        (asked == "acct_1 customers?limit=100").then_some((200, "", body))
    });
    let (transport, runtime) = transport(&server.base);
    let request = ListCustomer::new().limit(100).customize().account_id("acct_1".into());
    let list = runtime.block_on(request.send(&transport)).unwrap();
    assert_eq!(list.data.len(), 1);
    assert_eq!(list.data[0].email.as_deref(), Some("ana@example.com"));
    assert_eq!(list.data[0].created, 5);
}

#[test]
fn nothing_but_get_is_ever_sent() {
    let server = Server::new(|_| None);
    let (transport, runtime) = transport(&server.base);
    for method in [StripeMethod::Post, StripeMethod::Delete] {
        let request = RequestBuilder::new(method, "/charges");
        let error = runtime.block_on(transport.get(&request, None)).unwrap_err();
        assert!(matches!(error, TransportError::NotGet));
    }
    assert!(server.asked("").is_empty());
}
