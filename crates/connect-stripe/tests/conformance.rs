//! Stripe's API and files put to what every connector must do.

mod fake;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use fake::{Fake, KEY, PLATFORM};
use restitch_conformance::{Fault, FaultProxy, Plan, Speaks, Subject, evidence};
use restitch_connect::{Backoff, Basket, Connector, Item, PullError, Sink};
use restitch_connect_stripe::{Limits, StripeApi, StripeFiles};
use restitch_model::{Instant, Remark, Secret, Silent, TimeWindow};

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
fn business(charges: i64) -> Fake {
    let fake = Fake::new();
    fake.add(PLATFORM, "accounts", "acct_1", T, "");
    for n in 0..charges {
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
    let fake = business(450);
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

/// A case whose process is killed after so many calls: what was put since the last checkpoint is
/// lost.
struct Killed<'b> {
    basket: &'b mut Basket,
    put: Vec<Item>,
    left: usize,
}

impl Killed<'_> {
    fn live(&mut self) -> Result<(), PullError> {
        self.left = self.left.checked_sub(1).ok_or(PullError::Sink("killed".into()))?;
        Ok(())
    }
}

impl Sink for Killed<'_> {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        self.live()?;
        self.put.push(item);
        Ok(true)
    }

    fn remark(&mut self, remark: Remark) {
        self.basket.remark(remark);
    }

    fn gap(&mut self, gap: Remark) {
        self.basket.gap(gap);
    }

    fn checkpoint(&self) -> Option<String> {
        self.basket.checkpoint()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError> {
        self.live()?;
        for item in self.put.drain(..) {
            self.basket.put(item)?;
        }
        self.basket.set_checkpoint(cursor)
    }
}

#[test]
fn twenty_kills_and_a_bad_line_lose_nothing() {
    let fake = business(2_500);
    let address: SocketAddr = fake.base.trim_start_matches("http://").parse().unwrap();
    // A window that leaves out charges which refunds in it name.
    let start = Instant::from_second(T + 500 * 40_000).unwrap();
    for window in [None, Some(TimeWindow { start, end: Instant::MAX })] {
        let mut whole = Basket::default();
        api(address).pull(window, &mut whole, &Silent).unwrap();
        assert_eq!(whole.gaps, []);

        let proxy = FaultProxy::start(address, Speaks::Http);
        let mut basket = Basket::default();
        let mut kills = 0;
        for pull in 0..200u64 {
            // Less than a page, or little more: it takes more than twenty to get through.
            let left = if kills < 20 { 20 + pull as usize * 37 % 150 } else { usize::MAX };
            let faults = Fault::HTTP.to_vec();
            proxy.set(Plan::Some { per_mille: 20, faults, seed: pull });
            basket.gaps.clear();
            let mut sink = Killed { basket: &mut basket, put: Vec::new(), left };
            let ended = api(proxy.address()).pull(window, &mut sink, &Silent);
            kills += u32::from(ended.is_err());
            if ended.is_ok() && basket.gaps.is_empty() {
                break;
            }
        }
        assert!(kills >= 20, "{kills} kills");
        assert_eq!(basket.gaps, []);
        assert_eq!(evidence(&basket).len(), evidence(&whole).len());
        assert!(evidence(&basket) == evidence(&whole), "the evidence is not the same");
    }
}
