//! How fast rows are put back, with journal and provenance, beside the engine's own way without
//! them, in one run: `cargo run --release -p restitch-restore --example insert_speed`. It prints
//! the ratio of the two rates, by the clock and by processor time (that of the server and of all
//! programs that it had to do with), at a million rows or as many as are asked for, of all engines
//! or of the named one: `… --example insert_speed -- 100000 sqlite`. Before that it says how long
//! the plan and its page took, and how much memory the program had by then.

#[path = "../tests/servers/host.rs"]
#[allow(dead_code)]
mod host;
#[path = "../tests/servers/world.rs"]
#[allow(dead_code)]
mod world;

use std::time::Instant;

use restitch_restore::{ApplyOptions, Plan, Triggers, apply_embedded, apply_server, page};

const COLUMNS: &str = "id, customer_id, reference, amount, starts, ends, paid, status, note, extra";

fn table(name: &str, engine: &str) -> String {
    let (money, time, json) = match engine {
        "sqlite" => ("TEXT", "TEXT", "TEXT"),
        "mysql" => ("decimal(10,2)", "datetime", "json"),
        _ => ("numeric(10,2)", "timestamptz", "jsonb"),
    };
    format!(
        "CREATE TABLE {name} (id bigint PRIMARY KEY, \
         customer_id int NOT NULL REFERENCES customers(id), reference varchar(20) NOT NULL UNIQUE, \
         amount {money} NOT NULL, starts {time} NOT NULL, ends {time} NOT NULL, \
         paid smallint NOT NULL, status varchar(20) NOT NULL, note varchar(200), extra {json}, \
         CHECK (paid >= 0)); CREATE INDEX {name}_starts ON {name} (starts);"
    )
}

const CUSTOMERS: &str = "CREATE TABLE customers (id int PRIMARY KEY, name varchar(40)); \
                         INSERT INTO customers VALUES (1, 'Ann');";

fn candidates(rows: i64, utc: bool) -> Vec<restitch_model::Candidate> {
    use world::{is, lost};
    let zone = if utc { "Z" } else { "" };
    let between = if utc { "T" } else { " " };
    let row = |i: i64| {
        let time = |hour: i64| {
            let (day, month) = (1 + i % 28, 1 + i / 28 % 12);
            format!("2026-{month:02}-{day:02}{between}{hour:02}:00:00{zone}")
        };
        lost(
            &format!("order-{i:08}"),
            "orders",
            &[
                ("id", is(i)),
                ("customer_id", is(1)),
                ("reference", is(format!("R-{i:08}"))),
                ("amount", is(format!("{}.{:02}", i % 1000, i % 100))),
                ("starts", is(time(8))),
                ("ends", is(time(18))),
                ("paid", is(i % 2)),
                ("status", is("booked")),
                ("note", is("found in the mail of that day")),
                ("extra", is("{\"source\": \"stripe\"}")),
            ],
        )
    };
    // As they come from a case, where rules and columns are texts that they share.
    let mut names = restitch_model::Names::default();
    let shared = |mut candidate| {
        names.share(&mut candidate);
        candidate
    };
    (1..=rows).map(row).map(shared).collect()
}

fn main() {
    let asked = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let rows: i64 = asked.unwrap_or(1_000_000);
    let only = std::env::args().nth(2);
    let wanted = |engine: &str| only.as_ref().is_none_or(|only| only == engine);
    let show = |engine: &str, ours: Spent, peer: &str, theirs: Spent| {
        let rate = |seconds: f64| rows as f64 / seconds;
        println!(
            "{engine}: {:.0} rows/s with journal and provenance, {peer} {:.0}, ratio {:.2}; by \
             processor time {:.0} and {:.0}, ratio {:.2} (microseconds a row: {:.1} of the server \
             and {:.1} here, {:.1} and {:.1})",
            rate(ours.wall),
            rate(theirs.wall),
            theirs.wall / ours.wall,
            rate(ours.cpu()),
            rate(theirs.cpu()),
            theirs.cpu() / ours.cpu(),
            ours.server * 1e6 / rows as f64,
            ours.own * 1e6 / rows as f64,
            theirs.server * 1e6 / rows as f64,
            theirs.own * 1e6 / rows as f64,
        );
    };
    if let Some(host) = wanted("postgres").then(host::postgres).flatten() {
        let base = host.base();
        base.run(&format!(
            "{CUSTOMERS}{}{}",
            table("orders", "postgres"),
            table("plain", "postgres")
        ));
        let url = base.writer(&["orders"]);
        let (plan, _candidates) = planned(&url, rows, true);
        let pid = std::fs::read_to_string(host.dir.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().map(str::to_owned);
        let began = Began::now(pid.clone());
        let done = apply_server(&plan, &url, &world::typed(&base), &world::options()).unwrap();
        let ours = began.spent();
        assert_eq!(done.inserted as i64, rows);
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("rows.csv").display().to_string();
        base.run(&format!("\\copy (SELECT {COLUMNS} FROM orders) TO '{file}'"));
        let began = Began::now(pid);
        base.run(&format!("\\copy plain ({COLUMNS}) FROM '{file}'"));
        show("PostgreSQL", ours, "\\copy", began.spent());
    }
    if let Some(host) = wanted("mariadb").then(host::mariadb).flatten() {
        let base = host.base();
        base.run(&format!("{CUSTOMERS}{}{}", table("orders", "mysql"), table("plain", "mysql")));
        let url = base.writer(&["orders"]);
        let (plan, _candidates) = planned(&url, rows, false);
        let pid = std::fs::read_to_string(host.dir.join("pid")).unwrap();
        let began = Began::now(Some(pid.trim().to_owned()));
        apply_server(&plan, &url, &world::typed(&base), &world::options()).unwrap();
        let ours = began.spent();
        let began = Began::now(Some(pid.trim().to_owned()));
        base.run("INSERT INTO plain SELECT * FROM orders");
        show("MariaDB", ours, "INSERT … SELECT inside the server", began.spent());
    }
    if !wanted("sqlite") {
        return;
    }
    let dir = tempfile::TempDir::new().unwrap();
    let backup = dir.path().join("backup.sqlite");
    let schema = format!("{CUSTOMERS}{}", table("orders", "sqlite"));
    world::sqlite(&backup, &schema);
    let url = format!("sqlite:{}", backup.display());
    let (plan, _candidates) = planned(&url, rows, true);
    let how = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: world::noon() };
    let began = Began::now(None);
    apply_embedded(&plan, &url, &dir.path().join("restored.sqlite"), &how).unwrap();
    let ours = began.spent();
    let plain = dir.path().join("plain.sqlite");
    world::sqlite(&plain, &schema);
    show("SQLite", ours, "prepared loop", prepared_loop(&plain, rows));
}

/// A plan that puts so many rows back, with what it and its page took; and the candidates, which are
/// to be kept until it is applied: a program that applies a plan has no millions of holes in its
/// memory, where others were.
fn planned(url: &str, rows: i64, utc: bool) -> (Plan, Vec<restitch_model::Candidate>) {
    let candidates = candidates(rows, utc);
    let given = most_memory();
    let began = Began::now(None);
    let plan = world::plan(url, &candidates);
    let (planned, needed) = (began.spent(), most_memory());
    let began = Began::now(None);
    let html = page(&plan);
    let spent = began.spent();
    println!(
        "{rows} inserts planned in {:.1} s ({:.1} of a processor): the candidates took {given} MB, \
         with the plan {needed}; its page in {:.1} s ({:.1}), {:.1} MB, {} MB of memory in all",
        planned.wall,
        planned.own,
        spent.wall,
        spent.own,
        html.len() as f64 / 1e6,
        most_memory(),
    );
    (plan, candidates)
}

/// The most memory that this program had so far, in megabytes (proc(5), "status").
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024 / 1_000_000
}

/// What something took, in seconds: by the clock, and of processors by the server and by programs
/// of ours.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    server: f64,
    own: f64,
}

impl Spent {
    fn cpu(self) -> f64 {
        self.server + self.own
    }
}

struct Began {
    at: Instant,
    pid: Option<String>,
    server: f64,
    own: f64,
}

impl Began {
    fn now(pid: Option<String>) -> Self {
        let server = pid.as_deref().map_or(0.0, cpu);
        Self { at: Instant::now(), pid, server, own: cpu("self") }
    }

    fn spent(&self) -> Spent {
        let wall = self.at.elapsed().as_secs_f64();
        // A server notices a little later that a program of its own has ended.
        std::thread::sleep(std::time::Duration::from_millis(500));
        let server = self.pid.as_deref().map_or(0.0, cpu) - self.server;
        Spent { wall, server, own: cpu("self") - self.own }
    }
}

/// The processor time of a program and of those that it has waited for (proc(5), "stat"), counted
/// in hundredths of a second.
fn cpu(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = stat.rsplit_once(')').unwrap().1;
    let times = rest.split_whitespace().skip(11).take(4);
    times.map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// A prepared statement, run for each row in one transaction.
fn prepared_loop(path: &std::path::Path, rows: i64) -> Spent {
    use sqlx::{ConnectOptions, Connection};
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let candidates = candidates(rows, true);
    let began = Began::now(None);
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = options.connect().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        for candidate in &candidates {
            let mut query = sqlx::query("INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?)");
            for field in &candidate.fields {
                query = match &field.cell {
                    restitch_model::Cell::Is(restitch_model::Value::Integer(n)) => query.bind(*n),
                    restitch_model::Cell::Is(value) => query.bind(value.to_string()),
                    restitch_model::Cell::KeyOf(_) => query,
                };
            }
            query.execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
        connection.close().await.unwrap();
    });
    began.spent()
}
