//! How fast rows are put back, with journal and provenance, beside the engine's own way without
//! them, in one run: `cargo run --release --example insert_speed -- 100000`.

#[path = "../tests/servers/host.rs"]
#[allow(dead_code)]
mod host;
#[path = "../tests/servers/world.rs"]
#[allow(dead_code)]
mod world;

use std::time::Instant;

use restitch_restore::{ApplyOptions, Triggers, apply_embedded, apply_server};

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
    (1..=rows).map(row).collect()
}

fn main() {
    let asked = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let rows: i64 = asked.unwrap_or(100_000);
    let rate = |began: Instant| rows as f64 / began.elapsed().as_secs_f64();
    if let Some(host) = host::postgres() {
        let base = host.base();
        base.run(&format!(
            "{CUSTOMERS}{}{}",
            table("orders", "postgres"),
            table("plain", "postgres")
        ));
        let url = base.writer(&["orders"]);
        let plan = world::plan(&url, &candidates(rows, true));
        let began = Instant::now();
        let done = apply_server(&plan, &url, &world::typed(&base), &world::options()).unwrap();
        let ours = rate(began);
        assert_eq!(done.inserted as i64, rows);
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("rows.csv").display().to_string();
        base.run(&format!("\\copy (SELECT {COLUMNS} FROM orders) TO '{file}'"));
        let began = Instant::now();
        base.run(&format!("\\copy plain ({COLUMNS}) FROM '{file}'"));
        let theirs = rate(began);
        println!(
            "PostgreSQL: {ours:.0} rows/s with journal and provenance, \\copy {theirs:.0}, ratio {:.2}",
            ours / theirs
        );
    }
    if let Some(host) = host::mariadb() {
        let base = host.base();
        base.run(&format!("{CUSTOMERS}{}{}", table("orders", "mysql"), table("plain", "mysql")));
        let url = base.writer(&["orders"]);
        let plan = world::plan(&url, &candidates(rows, false));
        let began = Instant::now();
        apply_server(&plan, &url, &world::typed(&base), &world::options()).unwrap();
        let ours = rate(began);
        let began = Instant::now();
        base.run("INSERT INTO plain SELECT * FROM orders");
        println!("MariaDB: {ours:.0} rows/s, INSERT … SELECT inside the server {:.0}", rate(began));
    }
    let dir = tempfile::TempDir::new().unwrap();
    let backup = dir.path().join("backup.sqlite");
    let schema = format!("{CUSTOMERS}{}", table("orders", "sqlite"));
    world::sqlite(&backup, &schema);
    let url = format!("sqlite:{}", backup.display());
    let plan = world::plan(&url, &candidates(rows, true));
    let how = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: world::noon() };
    let began = Instant::now();
    apply_embedded(&plan, &url, &dir.path().join("restored.sqlite"), &how).unwrap();
    let ours = rate(began);
    let plain = dir.path().join("plain.sqlite");
    world::sqlite(&plain, &schema);
    let theirs = prepared_loop(&plain, rows);
    println!(
        "SQLite: {ours:.0} rows/s with journal and provenance, prepared loop {theirs:.0}, ratio {:.2}",
        ours / theirs
    );
}

/// A prepared statement, run for each row in one transaction.
fn prepared_loop(path: &std::path::Path, rows: i64) -> f64 {
    use sqlx::{ConnectOptions, Connection};
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let candidates = candidates(rows, true);
    let began = Instant::now();
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
    rows as f64 / began.elapsed().as_secs_f64()
}
