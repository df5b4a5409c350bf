//! Stripe's API and files put to what every connector must do.

mod fake;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use fake::{Fake, KEY, PLATFORM};
use restitch_conformance::{Speaks, Subject};
use restitch_connect::{Backoff, Connector};
use restitch_connect_stripe::{Limits, StripeApi, StripeFiles};
use restitch_model::Secret;

const T: i64 = 1_700_000_000;
const BAD: &str = r#"{"object":"charge","amount":5}"#;

fn api(address: SocketAddr) -> StripeApi {
    StripeApi {
        key: Secret::new(KEY),
        api_base: Some(format!("http://{address}")),
        allow_write_key: false,
        limits: Some(Limits { per_second: None, per_second_and_endpoint: None }),
        backoff: Backoff { first: Duration::from_millis(1), ..Backoff::default() },
    }
}

/// Two accounts with a little of everything, so that slices are cut and single objects are
/// asked for.
fn business() -> Fake {
    let fake = Fake::new();
    fake.add(PLATFORM, "accounts", "acct_1", T, "");
    for n in 0..450 {
        let at = T + n * 40_000;
        let intent = format!(r#","payment_intent":"pi_{n}""#);
        fake.add("acct_1", "charges", &format!("ch_{n}"), at, &intent);
        if n % 9 == 0 {
            let of = format!(r#","charge":"ch_{n}""#);
            fake.add("acct_1", "refunds", &format!("re_{n}"), at + 100_000, &of);
        }
    }
    let lines = r#","line_items":{"has_more":true}"#;
    fake.add(PLATFORM, "checkout/sessions", "cs_1", T, lines);
    fake.add(PLATFORM, "checkout/sessions/cs_1/line_items", "li_1", T, "");
    fake.add(PLATFORM, "customers", "cus_1", T, "");
    fake.add_text("acct_1", "charges", "bad", T + 7, BAD.into());
    fake
}

#[test]
fn the_api_does_what_every_connector_must() {
    let fake = business();
    let address: SocketAddr = fake.base.trim_start_matches("http://").parse().unwrap();
    let subject = Subject {
        connector: &|address| Box::new(api(address.expect("a server"))) as Box<dyn Connector>,
        server: Some((address, Speaks::Http)),
        secrets: &[KEY, "verySecret"],
        bad_item: Some(BAD.as_bytes()),
    };
    subject.shows_no_secret(&api(address));
    subject.conforms();
}

#[test]
fn files_do_what_every_connector_must() {
    let folder = tempfile::tempdir().unwrap();
    let charge = r#"{"id":"ch_1","object":"charge","created":1700000000}"#;
    let list = format!(r#"{{"object":"list","data":[{charge},{BAD}]}}"#);
    std::fs::write(folder.path().join("charges.json"), list).unwrap();
    let csv = "id,Created date (UTC),Amount\nch_2,2024-06-07 02:38:54,\"0,25\"\n";
    std::fs::write(folder.path().join("unified_payments.csv"), csv).unwrap();
    let paths: Vec<PathBuf> = vec![folder.path().to_owned()];
    let subject = Subject {
        connector: &|_| Box::new(StripeFiles { paths: paths.clone() }) as Box<dyn Connector>,
        server: None,
        secrets: &[],
        bad_item: Some(BAD.as_bytes()),
    };
    subject.conforms();
}
