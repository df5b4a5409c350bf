#[path = "../../tests/fake/mod.rs"]
mod fake;

use fake::{Fake, KEY, PLATFORM};
use restitch_connect::Basket;
use restitch_model::Silent;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::customer::ListCustomer;

use super::*;
use crate::transport::TransportError;

fn api(key: &str, base: &str) -> StripeApi {
    StripeApi {
        key: Secret::new(key),
        api_base: Some(base.to_owned()),
        allow_write_key: false,
        limits: None,
        backoff: Backoff::default(),
    }
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

/// The transport to a server, and what runs it.
fn transport(base: &str) -> (Transport, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (Transport::new(Secret::new(KEY), Some(base)).unwrap(), runtime)
}

#[test]
fn async_stripes_own_types_agree_on_what_a_page_holds() {
    let fake = Fake::new();
    let more = r#","email":"ana@example.com","metadata":{"ref":"BK-7"}"#;
    fake.add("acct_1", "customers", "cus_1", 5, more);
    fake.add(PLATFORM, "customers", "cus_2", 6, more);
    let (transport, runtime) = transport(&fake.base);
    let request = ListCustomer::new().limit(100).customize().account_id("acct_1".into());
    let list = runtime.block_on(request.send(&transport)).unwrap();
    assert_eq!(list.data.len(), 1);
    assert_eq!(list.data[0].email.as_deref(), Some("ana@example.com"));
    assert_eq!(list.data[0].created, 5);
}

#[test]
fn nothing_but_get_is_ever_sent() {
    let fake = Fake::new();
    let (transport, runtime) = transport(&fake.base);
    for method in [StripeMethod::Post, StripeMethod::Delete] {
        let request = RequestBuilder::new(method, "/charges");
        let error = runtime.block_on(transport.get(&request, None)).unwrap_err();
        assert!(matches!(error, TransportError::NotGet));
    }
    assert!(fake.asked("").is_empty());
}

#[test]
fn a_window_without_an_end_has_no_last_second() {
    let second = |s| Instant::from_second(s).unwrap();
    let of = |start, end| seconds(TimeWindow { start, end });
    assert_eq!(of(second(10), second(20)), (Some(10), Some(19)));
    assert_eq!(of(second(10), "1970-01-01T00:00:20.5Z".parse().unwrap()), (Some(10), Some(20)));
    assert_eq!(of(second(10), Instant::MAX), (Some(10), None));
}
