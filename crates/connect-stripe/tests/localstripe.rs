//! A pull from localstripe, a stand-in for Stripe that others wrote. It lists the oldest object
//! first, refuses to be asked by time, and lacks a part of the lists. `./test` installs it into
//! a folder of its own beside what is built; where it is not, this test does nothing and says so.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use restitch_connect::{Backoff, Basket, Connector, Sink};
use restitch_connect_stripe::{StripeApi, read_object};
use restitch_model::{Secret, Silent};
use serde_json::Value;

const KEY: &str = "sk_test_12345";
/// On a free port, with nothing read from or written to the disk.
const START: &str = "
import socket
from aiohttp import web
from localstripe.resources import store
from localstripe.server import app
type(store).dump_to_disk = lambda self: None
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
web.run_app(app, sock=listener, print=None)
";

struct Localstripe {
    process: Child,
    port: u16,
}

impl Localstripe {
    fn start() -> Option<Self> {
        let python = python()?;
        let mut process = Command::new(python)
            .args(["-c", START])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Self { process, port: line.trim().parse().expect("localstripe tells its port") })
    }

    /// Sends a request and gives what comes back.
    fn send(&self, method: &str, path: &str, form: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{method} /v1/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             authorization: Bearer {KEY}\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Makes an object, and gives its id.
    fn make(&self, list: &str, form: &str) -> String {
        self.send("POST", list, form)["id"].as_str().unwrap().to_owned()
    }

    fn pull(&self, basket: &mut Basket) {
        let api = StripeApi {
            key: Secret::new(KEY),
            api_base: Some(format!("http://127.0.0.1:{}", self.port)),
            allow_write_key: true,
            limits: None,
            backoff: Backoff::default(),
        };
        api.pull(None, basket, &Silent).unwrap();
    }
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The Python that localstripe is installed for.
fn python() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let python = beside.join("localstripe/bin/python");
    let is_there = |python: &Path| {
        let import = ["-c", "import localstripe.server"];
        Command::new(python).args(import).output().is_ok_and(|output| output.status.success())
    };
    is_there(&python).then_some(python)
}

#[test]
fn all_that_localstripe_has_is_pulled_and_what_it_lacks_is_named() {
    let Some(server) = Localstripe::start() else {
        eprintln!("localstripe is not installed: this test did nothing");
        return;
    };
    for n in 0..230 {
        server.make("customers", &format!("email=guest{n}@example.com&name=Guest+{n}"));
    }
    let card = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040\
                &card[cvc]=123";
    let customer = server.make("customers", "email=ana@example.com");
    let method = server.make("payment_methods", card);
    server.send(
        "POST",
        &format!("payment_methods/{method}/attach"),
        &format!("customer={customer}"),
    );
    let charges: Vec<_> = (0..3)
        .map(|n| {
            let form = format!(
                "amount={}&currency=eur&customer={customer}&source={method}&metadata[ref]=BK-{n}",
                1_000 + n
            );
            server.make("charges", &form)
        })
        .collect();
    server.make(
        "payment_intents",
        &format!(
            "amount=700&currency=eur&customer={customer}&payment_method={method}&confirm=true"
        ),
    );

    let mut basket = Basket::default();
    server.pull(&mut basket);
    let count = |basket: &Basket, kind: &str| {
        basket.items.iter().filter(|item| item.kind == format!("stripe.test.{kind}")).count()
    };
    assert_eq!(count(&basket, "customer"), 231);
    assert_eq!(count(&basket, "payment_intent"), 1);
    assert_eq!(count(&basket, "charge"), 4, "three, and that of the intent");
    assert!(count(&basket, "balance_transaction") >= 4);
    for id in &charges {
        let item = basket.items.iter().find(|item| item.native_id == *id).unwrap();
        let pulled: Value = serde_json::from_slice(&item.bytes).unwrap();
        assert_eq!(pulled, server.send("GET", &format!("charges/{id}"), ""));
        let facts = read_object(&item.bytes, "platform").facts;
        assert!(facts.iter().any(|fact| fact.name == "/metadata/ref"), "{facts:?}");
    }
    let gaps: Vec<_> = basket.gaps.iter().map(ToString::to_string).collect();
    for list in ["accounts", "disputes", "checkout/sessions", "invoice_payments"] {
        assert!(
            gaps.iter().any(|gap| gap.starts_with(&format!("/v1/{list} of platform"))),
            "{gaps:?}"
        );
    }

    // The same again adds nothing; a refund makes a second version of its charge. It is pulled
    // from the beginning, because localstripe fails where it is asked for charges by time.
    let before = basket.items.len();
    basket.set_checkpoint("").unwrap();
    server.pull(&mut basket);
    let added: Vec<_> = basket.items[before..].iter().map(|item| &item.native_id).collect();
    assert!(added.is_empty(), "{added:?}");
    server.make("refunds", &format!("charge={}", charges[0]));
    basket.set_checkpoint("").unwrap();
    server.pull(&mut basket);
    let versions = basket.items.iter().filter(|item| item.native_id == charges[0]).count();
    assert_eq!((versions, count(&basket, "refund")), (2, 1));
}
