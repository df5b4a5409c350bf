//! A pull from the API, from a server that keeps to what Stripe documents.

mod fake;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake::{Fake, KEY, Manner, PLATFORM, refusal};
use restitch_connect::{Backoff, Basket, Connector, PullError};
use restitch_connect_stripe::{Limits, StripeApi};
use restitch_model::{Instant, Secret, Silent, TimeWindow};

/// A moment in the time that Stripe has existed.
const T: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

fn api(base: &str) -> StripeApi {
    StripeApi {
        key: Secret::new(KEY),
        api_base: Some(base.to_owned()),
        allow_write_key: false,
        limits: Some(Limits { per_second: None, per_second_and_endpoint: None }),
        backoff: Backoff { first: Duration::from_millis(2), ..Backoff::default() },
    }
}

fn pull(fake: &Fake, basket: &mut Basket) {
    api(&fake.base).pull(None, basket, &Silent).unwrap();
}

/// The items, each as `container kind native_id`, sorted.
fn items(basket: &Basket) -> Vec<String> {
    let name = |item: &restitch_connect::Item| {
        format!("{} {} {}", item.container, item.kind, item.native_id)
    };
    let mut items: Vec<_> = basket.items.iter().map(name).collect();
    items.sort();
    items
}

fn remarks(basket: &Basket) -> Vec<String> {
    basket.remarks.iter().map(ToString::to_string).collect()
}

fn gaps(basket: &Basket) -> Vec<String> {
    basket.gaps.iter().map(ToString::to_string).collect()
}

#[test]
fn every_list_of_every_account_is_pulled_with_its_exact_bytes() {
    let fake = Fake::new();
    fake.add(PLATFORM, "accounts", "acct_1", T, "");
    fake.add(PLATFORM, "accounts", "acct_2", T, "");
    let lists = [
        "customers",
        "payment_intents",
        "charges",
        "refunds",
        "disputes",
        "checkout/sessions",
        "invoices",
        "invoice_payments",
        "subscriptions",
        "balance_transactions",
        "events",
    ];
    for account in [PLATFORM, "acct_1", "acct_2"] {
        for list in lists {
            let id = format!("{}_{account}", list.replace('/', "_"));
            fake.add(account, list, &id, T, r#","amount":1.50e0,"x":"\u00e4""#);
        }
    }
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 2 + 3 * lists.len());
    assert!(basket.remarks.is_empty(), "{:?}", basket.remarks);
    for account in [PLATFORM, "acct_1", "acct_2"] {
        let id = format!("charges_{account}");
        let item = basket.items.iter().find(|item| item.native_id == id).unwrap();
        assert_eq!((item.container.as_str(), item.kind.as_str()), (account, "stripe.charge"));
        assert_eq!(item.bytes, fake.text(account, "charges", &id).as_bytes());
        assert_eq!(item.at.unwrap().as_second(), T);
    }
    let asked = fake.asked("");
    assert_eq!(asked.len(), 1 + 3 * lists.len());
    assert!(asked.contains(&"acct_2 subscriptions?limit=100&status=all".to_owned()), "{asked:?}");
}

#[test]
fn a_refused_list_is_one_gap_for_all_accounts_and_the_rest_is_pulled() {
    let fake = Fake::hooked(|request| {
        let message = format!("The key {KEY} may not");
        (request.path == "refunds").then(|| refusal(403, &message))
    });
    for n in 1..6 {
        fake.add(PLATFORM, "accounts", &format!("acct_{n}"), T, "");
        fake.add(&format!("acct_{n}"), "charges", &format!("ch_{n}"), T, "");
    }
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 10);
    let gaps = gaps(&basket);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].starts_with("/v1/refunds of platform, acct_"), "{}", gaps[0]);
    assert!(gaps[0].contains(" and 3 more accounts: "), "{}", gaps[0]);
    assert!(gaps[0].contains("status 403, The key [redacted] may not [req_7]"), "{}", gaps[0]);
}

#[test]
fn a_window_bounds_what_is_asked_for() {
    let fake = Fake::new();
    let second = |s| Instant::from_second(s).unwrap();
    let window = TimeWindow { start: second(10), end: second(20) };
    api(&fake.base).pull(Some(window), &mut Basket::default(), &Silent).unwrap();
    let [both, since, until] =
        ["created[gte]=10&created[lte]=19&", "created[gte]=10&", "created[lte]=19&"];
    let mut expected = [
        "platform accounts?limit=100".to_owned(),
        format!("platform customers?{until}limit=100"),
        format!("platform payment_intents?{both}limit=100"),
        format!("platform charges?{both}limit=100"),
        format!("platform refunds?{since}limit=100"),
        format!("platform disputes?{since}limit=100"),
        format!("platform checkout/sessions?{both}expand[0]=data.line_items&limit=100"),
        format!("platform invoices?{both}limit=100"),
        format!("platform invoice_payments?{since}limit=100"),
        format!("platform subscriptions?{until}limit=100&status=all"),
        format!("platform balance_transactions?{since}limit=100"),
        format!("platform events?{since}limit=100"),
    ];
    expected.sort();
    let sorted = |line: &String| {
        let (path, query) = line.split_once('?').unwrap();
        let mut query: Vec<_> = query.split('&').collect();
        query.sort_unstable();
        format!("{path}?{}", query.join("&"))
    };
    assert_eq!(fake.asked("").iter().map(sorted).collect::<Vec<_>>(), expected);
}

/// A list of charges over a year, in bursts.
fn year_of_charges(fake: &Fake, count: i64) {
    for n in 0..count {
        let at = T + n % 7 * 50 * DAY + n * 10;
        fake.add(PLATFORM, "charges", &format!("ch_{n}"), at, "");
    }
}

#[test]
fn a_long_history_is_pulled_in_slices_without_losing_or_repeating_much() {
    let fake = Fake::new();
    year_of_charges(&fake, 6_000);
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 6_000);
    let asked = fake.asked("charges");
    assert!(asked.len() < 60 + 60, "{} requests", asked.len());
    let sliced = asked.iter().filter(|line| line.contains("created[lte]")).count();
    assert!(sliced > 30, "{sliced} requests of slices");
    assert!(fake.connections() < 60, "{} connections", fake.connections());
}

#[test]
fn what_is_made_while_the_pull_runs_comes_along() {
    let fake = Arc::new(Mutex::new(None::<Fake>));
    let shared = fake.clone();
    let made = AtomicBool::new(false);
    let hooked = Fake::hooked(move |request| {
        let is_late = request.path == "charges" && request.line().contains("starting_after");
        if is_late && !made.swap(true, Ordering::SeqCst) {
            let fake = shared.lock().unwrap();
            let newest = T + 6 * 50 * DAY + 5_999 * 10;
            fake.as_ref().unwrap().add(PLATFORM, "charges", "ch_new", newest + 5, "");
        }
        None
    });
    year_of_charges(&hooked, 1_000);
    let base = hooked.base.clone();
    *fake.lock().unwrap() = Some(hooked);
    let mut basket = Basket::default();
    api(&base).pull(None, &mut basket, &Silent).unwrap();
    assert_eq!(basket.items.len(), 1_001);
}

#[test]
fn a_later_pull_asks_for_what_is_new_and_the_ten_minutes_before() {
    let fake = Fake::new();
    fake.add(PLATFORM, "charges", "ch_1", T, "");
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    fake.asked("");
    fake.add(PLATFORM, "charges", "ch_2", T + 5, "");
    pull(&fake, &mut basket);
    assert_eq!(items(&basket), ["platform stripe.charge ch_1", "platform stripe.charge ch_2"]);
    let since = T - 600;
    assert_eq!(fake.asked("charges"), [format!("platform charges?created[gte]={since}&limit=100")]);
}

#[test]
fn a_charge_that_was_refunded_since_is_asked_for_again() {
    let fake = Fake::new();
    let refund = r#","charge":"ch_1","payment_intent":"pi_1""#;
    fake.add(PLATFORM, "payment_intents", "pi_1", T, "");
    fake.add(PLATFORM, "payment_intents", "pi_2", T + DAY, "");
    fake.add(PLATFORM, "charges", "ch_1", T, r#","refunded":false"#);
    fake.add(PLATFORM, "charges", "ch_2", T + DAY, "");
    fake.add(PLATFORM, "refunds", "re_0", T + 60, refund);
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!((basket.items.len(), fake.asked("_1").len()), (5, 0));

    fake.add(PLATFORM, "charges", "ch_1", T, r#","refunded":true"#);
    fake.add(PLATFORM, "refunds", "re_1", T + 9 * DAY, refund);
    pull(&fake, &mut basket);
    let again = ["platform charges/ch_1", "platform payment_intents/pi_1"];
    assert_eq!(fake.asked("_1"), again);
    let versions: Vec<_> = basket.items.iter().filter(|item| item.native_id == "ch_1").collect();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[1].bytes, fake.text(PLATFORM, "charges", "ch_1").as_bytes());

    pull(&fake, &mut basket);
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 7);
}

#[test]
fn a_charge_from_before_the_window_is_asked_for_where_one_in_it_needs_it() {
    let fake = Fake::new();
    for (id, at) in [("ch_1", T - 90 * DAY), ("ch_2", T - 90 * DAY), ("ch_3", T + DAY)] {
        fake.add(PLATFORM, "charges", id, at, r#","payment_intent":null"#);
    }
    fake.add(PLATFORM, "disputes", "dp_1", T + 80 * DAY, r#","charge":"ch_1""#);
    fake.add(PLATFORM, "refunds", "re_3", T + 80 * DAY, r#","charge":"ch_3""#);
    fake.add(
        PLATFORM,
        "refunds",
        "re_9",
        T + 80 * DAY,
        r#","charge":"ch_9","payment_intent":null"#,
    );
    let window = TimeWindow { start: Instant::from_second(T).unwrap(), end: Instant::MAX };
    let mut basket = Basket::default();
    api(&fake.base).pull(Some(window), &mut basket, &Silent).unwrap();
    let charges: Vec<_> = items(&basket).into_iter().filter(|i| i.contains("charge")).collect();
    assert_eq!(charges, ["platform stripe.charge ch_1", "platform stripe.charge ch_3"]);
    assert_eq!(fake.asked("charges/"), ["platform charges/ch_1", "platform charges/ch_9"]);
    assert_eq!(remarks(&basket).len(), 1);
    assert!(remarks(&basket)[0].starts_with("platform /v1/charges/ch_9: "), "{basket:?}");
}

#[test]
fn line_items_come_with_their_session_and_those_cut_short_come_after_it() {
    let lines = |fake: &Fake, count: usize| {
        for n in 0..count {
            let list = "checkout/sessions/cs_2/line_items";
            fake.add(PLATFORM, list, &format!("li_{n}"), T + n as i64, "");
        }
    };
    let fake = Fake::new();
    fake.add(PLATFORM, "checkout/sessions", "cs_1", T, r#","line_items":{"has_more":false}"#);
    fake.add(PLATFORM, "checkout/sessions", "cs_2", T, r#","line_items":{"has_more": true}"#);
    lines(&fake, 130);
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    let kind = "platform stripe.checkout.session";
    assert_eq!(
        items(&basket),
        [
            format!("{kind} cs_1"),
            format!("{kind} cs_2"),
            format!("{kind}.line_items cs_2/line_items"),
            format!("{kind}.line_items cs_2/line_items after li_30"),
            format!("{kind}.line_items cs_2/line_items after li_80"),
        ]
    );
    let page = basket.items.iter().find(|item| item.native_id == "cs_2/line_items").unwrap();
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(text.contains(r#""url":"/v1/checkout/sessions/cs_2/line_items""#), "{text}");

    // A server that does not give them along is asked for each session.
    let bare = Fake::hooked(|request| {
        let asks = request.line().contains("expand");
        asks.then(|| refusal(400, "This property cannot be expanded"))
    });
    bare.add(PLATFORM, "checkout/sessions", "cs_2", T, "");
    lines(&bare, 3);
    let mut basket = Basket::default();
    pull(&bare, &mut basket);
    let expected = [format!("{kind} cs_2"), format!("{kind}.line_items cs_2/line_items")];
    assert_eq!(items(&basket), expected);
    assert!(basket.remarks.is_empty(), "{:?}", basket.remarks);
}

#[test]
fn a_server_that_cannot_be_asked_by_time_is_read_as_one() {
    let fake = Fake::hooked(|request| {
        let asks = request.line().contains("created");
        asks.then(|| refusal(400, "Received unknown parameter: created"))
    });
    year_of_charges(&fake, 500);
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 500);
    fake.add(PLATFORM, "charges", "ch_new", T + 999 * DAY, "");
    fake.add(PLATFORM, "refunds", "re_1", T + 999 * DAY, r#","charge":"ch_1""#);
    fake.asked("");
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 502);
    assert!(fake.asked("charges/").is_empty(), "every charge was listed");
    assert!(basket.remarks.is_empty(), "{:?}", basket.remarks);
}

#[test]
fn an_object_to_go_on_after_that_is_gone_is_passed_over() {
    let gone = Mutex::new(false);
    let fake = Fake::hooked(move |request| {
        let is_first = request.line().contains("starting_after")
            && !std::mem::replace(&mut *gone.lock().unwrap(), true);
        is_first.then(|| refusal(400, "No such charge"))
    });
    year_of_charges(&fake, 500);
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 500);
    assert!(basket.remarks.is_empty(), "{:?}", basket.remarks);
}

#[test]
fn a_list_that_never_ends_is_left_with_a_gap() {
    let fake = Fake::hooked(|request| {
        let page = r#"{"object":"list","has_more":true,"data":[{"id":"ch_1","object":"charge"}]}"#;
        (request.path == "charges").then(|| (200, String::new(), page.to_owned()))
    });
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(fake.asked("charges").len(), 2);
    assert!(gaps(&basket)[0].contains("nothing to go on from"), "{:?}", basket.gaps);
}

#[test]
fn a_busy_server_is_asked_again_and_its_pause_is_kept() {
    let busy = Mutex::new(3);
    let fake = Fake::hooked(move |request| {
        let mut left = busy.lock().unwrap();
        let is_busy = request.path == "charges" && *left > 0;
        *left -= i32::from(is_busy);
        is_busy.then(|| (429, "retry-after: 0\r\n".to_owned(), String::new()))
    });
    year_of_charges(&fake, 150);
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 150);
    assert!(basket.remarks.is_empty(), "{:?}", basket.remarks);
}

#[test]
fn a_limit_that_is_lower_than_it_should_be_is_kept_to() {
    let fake = Fake::with(Manner { limits: Some((10, 12)), ..Manner::default() });
    year_of_charges(&fake, 1_500);
    let mut basket = Basket::default();
    let api = StripeApi { limits: None, ..api(&fake.base) };
    api.pull(None, &mut basket, &Silent).unwrap();
    assert_eq!(basket.items.len(), 1_500);
    assert!(basket.remarks.is_empty(), "{:?}", basket.remarks);
    assert!((1..60).contains(&fake.refused()), "{} refusals", fake.refused());
}

#[test]
fn a_page_that_cannot_be_had_is_a_gap_and_the_next_pull_brings_it() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = is_broken.clone();
    let fake = Fake::hooked(move |request| {
        let is_it = request.path == "charges" && request.line().contains("starting_after");
        (is_it && broken.load(Ordering::SeqCst))
            .then(|| (200, "retry-after: 0\r\n".into(), "<html>a proxy's page</html>".into()))
    });
    for n in 0..150 {
        fake.add(PLATFORM, "charges", &format!("ch_{n}"), T + n, "");
    }
    fake.add(PLATFORM, "customers", "cus_1", T, "");
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    let gaps = gaps(&basket);
    assert!(gaps[0].starts_with("/v1/charges of platform: this was not"), "{gaps:?}");
    assert!(gaps[0].contains("the answer is not what Stripe's API gives"), "{gaps:?}");
    assert_eq!(basket.items.len(), 101);
    is_broken.store(false, Ordering::SeqCst);
    pull(&fake, &mut basket);
    assert_eq!(basket.items.len(), 151);
}

#[test]
fn a_server_that_answers_nothing_ends_the_pull() {
    let fake = Fake::hooked(|_| Some(fake::hang_up()));
    let error = api(&fake.base).pull(None, &mut Basket::default(), &Silent).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("(tried 5 times; pull again to go on from here)"), "{error}");
}

#[test]
fn a_balance_that_names_what_no_list_gave_is_told() {
    let fake = Fake::new();
    fake.add(PLATFORM, "charges", "ch_1", T, "");
    for (id, source) in [("txn_1", "ch_1"), ("txn_2", "ch_2"), ("txn_3", "po_1")] {
        let more = format!(r#","source":"{source}""#);
        fake.add(PLATFORM, "balance_transactions", id, T - DAY, &more);
    }
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    let remarks = remarks(&basket);
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    let words = "platform: balance transactions name 1 charges that Stripe did not list, among \
                 them ch_2";
    assert!(remarks[0].starts_with(words), "{}", remarks[0]);
}

#[test]
fn objects_of_test_mode_are_kept_apart_and_told() {
    let fake = Fake::new();
    let text = format!(r#"{{"id":"ch_1","object":"charge","created":{T},"livemode":false}}"#);
    fake.add_text(PLATFORM, "charges", "ch_1", T, text.into());
    fake.add(PLATFORM, "charges", "ch_2", T, "");
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!(items(&basket), ["platform stripe.charge ch_2", "platform stripe.test.charge ch_1"]);
    assert!(remarks(&basket)[0].starts_with("stripe: 1 objects are of test mode"), "{basket:?}");
}

#[test]
fn bad_objects_are_kept_and_told_and_the_run_goes_on() {
    let fake = Fake::new();
    for (n, text) in ["5", r#"{"object":"charge"}"#, r#"{"id":"ch_1","object":"../x"}"#, "null"]
        .into_iter()
        .enumerate()
    {
        fake.add_text(PLATFORM, "charges", &format!("ch_{n}"), T, text.into());
    }
    fake.add(PLATFORM, "customers", "cus_1", T, "");
    let mut basket = Basket::default();
    pull(&fake, &mut basket);
    assert_eq!((basket.items.len(), basket.remarks.len()), (5, 4));
    assert!(basket.items.iter().any(|item| item.bytes == b"5"));
}

#[test]
fn a_key_that_is_not_accepted_is_an_error_without_the_key() {
    let fake = Fake::hooked(|_| {
        let (status, headers, body) = refusal(401, &format!("Invalid API Key provided: {KEY}"));
        Some((status, headers, body))
    });
    let api = api(&fake.base);
    let error = api.pull(None, &mut Basket::default(), &Silent).unwrap_err();
    let shown = format!("{error} {error:?} {api:?}");
    assert!(shown.contains("status 401, Invalid API Key provided: [redacted]"), "{shown}");
    assert!(!shown.contains(KEY));
    assert!(matches!(error, PullError::Server { .. }));
}
