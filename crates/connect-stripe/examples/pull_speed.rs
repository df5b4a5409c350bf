//! How fast the API is pulled:
//!
//!     cargo run --release -p restitch-connect-stripe --example pull_speed
//!
//! Under Stripe's own limits with 100 ms latency, against what the limits allow; and without
//! limit and latency, against stripe-node's auto-paging in the same run. For the latter give the
//! folder in which `npm i stripe` was called as `STRIPE_NODE`.

#[path = "../tests/fake/mod.rs"]
mod fake;

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake::{Fake, KEY, Manner, PLATFORM};
use restitch_connect::{Backoff, Connector, Item, PullError, Sink};
use restitch_connect_stripe::{Limits, StripeApi};
use restitch_model::{Remark, Secret, Silent};

const LATENCY: Duration = Duration::from_millis(100);
/// A moment in the time that Stripe has existed.
const T: i64 = 1_700_000_000;
/// The objects of one list under the limit, and without one.
const LIMITED: i64 = 100_000;
const UNLIMITED: i64 = 40_000;
/// How often the two are compared without a limit.
const ROUNDS: usize = 3;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve();
    }
    one_list();
    side_by_side();
    without_limit();
}

/// One list under the limit of its endpoint.
fn one_list() {
    let fake = Fake::with(Manner { latency: LATENCY, limits: Some((25, 100)), hook: None });
    charges(&fake, PLATFORM, LIMITED);
    let speed = pull(&fake.base, None);
    assert_eq!(speed.items, LIMITED as u64);
    let requests = fake.asked("charges").len();
    println!(
        "one list of {LIMITED} charges, 25 requests a second, 100 ms latency: {:.0} objects/s \
         ({:.1} % of the 2,500 that the limit allows; {requests} requests for {} pages, {} refused)",
        speed.per_second(),
        speed.per_second() / 25.0,
        LIMITED / 100,
        fake.refused()
    );
}

/// Several lists of several accounts under the limit of the account.
fn side_by_side() {
    let fake = Fake::with(Manner { latency: LATENCY, limits: Some((25, 100)), hook: None });
    let lists = ["customers", "payment_intents", "charges", "balance_transactions", "invoices"];
    let accounts = [PLATFORM, "acct_1", "acct_2", "acct_3"];
    for account in accounts {
        if account != PLATFORM {
            fake.add(PLATFORM, "accounts", account, T, "");
        }
        for list in lists {
            for n in 0..10_000 {
                let id = format!("{}_{account}_{n}", &list[..2]);
                fake.add(account, list, &id, T + n * 997, "");
            }
        }
    }
    let speed = pull(&fake.base, None);
    assert_eq!(speed.items, 3 + 200_000);
    let requests = fake.asked("").len();
    println!(
        "{} lists of {} accounts, 100 requests a second in all: {:.0} objects/s, {:.1} requests/s \
         ({} refused)",
        lists.len(),
        accounts.len(),
        speed.per_second(),
        requests as f64 / speed.seconds,
        fake.refused()
    );
}

/// One list, beside stripe-node.
fn without_limit() {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut base = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut base).unwrap();
    let base = base.trim();
    let unlimited = Limits { per_second: None, per_second_and_endpoint: None };
    let folder = std::env::var("STRIPE_NODE").ok();
    if folder.is_none() {
        println!("stripe-node is not compared: STRIPE_NODE names no folder with it");
    }
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let ours = pull(base, Some(unlimited));
        assert_eq!(ours.items, UNLIMITED as u64);
        println!("without limit and latency: {ours}");
        let Some(folder) = &folder else { continue };
        let theirs = stripe_node(Path::new(folder), base);
        assert_eq!(theirs.items, UNLIMITED as u64);
        println!("             stripe-node: {theirs}");
        ratios.push([ours.per_second() / theirs.per_second(), theirs.cpu / ours.cpu]);
    }
    for (n, what) in ["objects a second", "objects a CPU second"].iter().enumerate() {
        let mut of: Vec<_> = ratios.iter().map(|ratio| ratio[n]).collect();
        of.sort_by(f64::total_cmp);
        if let Some(median) = of.get(of.len() / 2) {
            println!("{what}: {median:.1} times stripe-node's (median of {ROUNDS})");
        }
    }
    drop(server.stdin.take());
    let _ = server.wait();
}

/// The server, in a process of its own, until its input ends.
fn serve() {
    let fake = Fake::new();
    charges(&fake, PLATFORM, UNLIMITED);
    println!("{}", fake.base);
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// What a pull came to.
struct Speed {
    items: u64,
    bytes: u64,
    seconds: f64,
    cpu: f64,
}

impl Speed {
    fn per_second(&self) -> f64 {
        self.items as f64 / self.seconds
    }
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { items, bytes, seconds, cpu } = self;
        let megabytes = *bytes as f64 / 1e6;
        write!(
            f,
            "{:.0} objects/s ({items} in {seconds:.2} s, {cpu:.2} s CPU, {megabytes:.0} MB)",
            self.per_second()
        )
    }
}

fn pull(base: &str, limits: Option<Limits>) -> Speed {
    let api = StripeApi {
        key: Secret::new(KEY),
        api_base: Some(base.to_owned()),
        allow_write_key: false,
        limits,
        backoff: Backoff::default(),
    };
    let mut count = Count::default();
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    api.pull(None, &mut count, &Silent).unwrap();
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    assert!(count.remarks.is_empty(), "{:?}", count.remarks);
    Speed { items: count.items, bytes: count.bytes, seconds, cpu }
}

fn stripe_node(folder: &Path, base: &str) -> Speed {
    let port = base.rsplit_once(':').unwrap().1;
    let script = format!(
        "const s = require('stripe')('{KEY}', {{host:'127.0.0.1', port:{port}, protocol:'http'}});
         (async () => {{
           let n = 0, bytes = 0; const t = process.hrtime.bigint(), c = process.cpuUsage();
           for await (const charge of s.charges.list({{limit: 100}})) n++;
           const used = process.cpuUsage(c);
           console.log(n, Number(process.hrtime.bigint() - t) / 1e9, (used.user + used.system) / 1e6);
         }})();"
    );
    let output = Command::new("node").args(["-e", &script]).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [items, seconds, cpu] = numbers[..] else {
        panic!("stripe-node failed: {}", String::from_utf8_lossy(&output.stderr))
    };
    Speed { items: items as u64, bytes: 0, seconds, cpu }
}

/// The processor time of this process so far. Zero where /proc does not tell it.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|n| n.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Charges over a year, as large as Stripe's.
fn charges(fake: &Fake, account: &str, count: i64) {
    for n in 0..count {
        let more = format!(
            r#","amount":{},"amount_captured":1500,"amount_refunded":0,"application":null,
            "application_fee":null,"application_fee_amount":null,"balance_transaction":"txn_{n:024}",
            "billing_details":{{"address":{{"city":"Berlin","country":"DE","line1":"Hauptstr. {n}",
            "line2":null,"postal_code":"10115","state":null}},"email":"guest{n}@example.com",
            "name":"Guest {n}","phone":null,"tax_id":null}},"calculated_statement_descriptor":"HIRE",
            "captured":true,"currency":"eur","customer":"cus_{n:014}","description":"Booking BK-{n}",
            "destination":null,"dispute":null,"disputed":false,"failure_balance_transaction":null,
            "failure_code":null,"failure_message":null,"fraud_details":{{}},"invoice":null,
            "metadata":{{"booking_ref":"BK-{n}","start_date":"2026-02-01","end_date":"2026-02-04"}},
            "on_behalf_of":null,"order":null,"outcome":{{"advice_code":null,"network_status":
            "approved_by_network","reason":null,"risk_level":"normal","risk_score":12,
            "seller_message":"Payment complete.","type":"authorized"}},"paid":true,
            "payment_intent":null,"payment_method":"pm_{n:024}","payment_method_details":{{
            "card":{{"amount_authorized":1500,"brand":"visa","checks":{{"address_line1_check":null,
            "address_postal_code_check":"pass","cvc_check":"pass"}},"country":"DE","exp_month":12,
            "exp_year":2030,"fingerprint":"Xt5EWLLDS7FJjR1c","funding":"credit","installments":null,
            "last4":"4242","mandate":null,"network":"visa","three_d_secure":null,"wallet":null}},
            "type":"card"}},"receipt_email":"guest{n}@example.com","receipt_number":null,
            "receipt_url":"https://pay.stripe.com/receipts/payment/{n:060}","refunded":false,
            "review":null,"shipping":null,"source":null,"source_transfer":null,
            "statement_descriptor":null,"status":"succeeded","transfer_data":null,
            "transfer_group":null"#,
            1_500 + n
        );
        fake.add(account, "charges", &format!("ch_{n:024}"), T + n * 315, &more);
    }
}

/// Counts what is put, each object once.
#[derive(Default)]
struct Count {
    items: u64,
    bytes: u64,
    remarks: Vec<Remark>,
    cursor: Option<String>,
    ids: HashSet<String>,
}

impl Sink for Count {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        let is_new = self.ids.insert(item.native_id);
        self.items += u64::from(is_new);
        self.bytes += item.bytes.len() as u64;
        Ok(is_new)
    }

    fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    fn checkpoint(&self) -> Option<String> {
        self.cursor.clone()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError> {
        self.cursor = Some(cursor.to_owned());
        Ok(())
    }
}
