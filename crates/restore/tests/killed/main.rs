//! Programs, servers, connections and disks that end in the middle of an apply or an undo: each
//! time all of it is there or none, and the next one finishes.
//!
//! A test with its own `main`, because it starts itself as the program that is killed. It looks at
//! a few moments of each kind; `RESTITCH_KILL_ROUNDS=200` asks for more, and `RESTITCH_SWEEP=all`
//! for every single write of a copy:
//!
//! ```text
//! RESTITCH_KILL_ROUNDS=200 RESTITCH_SWEEP=all cargo test --release -p restitch-restore --test killed
//! RESTITCH_KILL_ROUNDS=50 cargo test --release -p restitch-restore --test killed -- server::stopped
//! ```
//!
//! With `TMPDIR` on a disk in memory a server that was stopped is up again ten times sooner: it need
//! not wait until all of its files are on the disk.

mod file;
#[path = "../servers/host.rs"]
#[allow(dead_code)]
mod host;
mod server;
#[path = "../servers/world.rs"]
#[allow(dead_code)]
mod world;

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use restitch_restore::{
    ApplyOptions, Approval, Plan, ServerUndo, Triggers, apply_embedded, apply_server,
    undo_embedded, undo_server,
};

use server::End;
use world::{is, lost, noon, options};

/// How many rows are written.
const ROWS: usize = 1500;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let plan = |file: &str| Plan::from_json(&std::fs::read_to_string(file).unwrap()).unwrap();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["apply", file, url, name] => {
            let typed = Approval::Typed(name.to_owned());
            end(apply_server(&plan(file), url, &typed, &options()));
        }
        ["undo", url, name] => {
            let typed = Approval::Typed(name.to_owned());
            end(undo_server(url, &typed, &ServerUndo::at(noon())));
        }
        ["copy", file, url, output] => {
            let how = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: noon() };
            end(apply_embedded(&plan(file), url, Path::new(output), &how));
        }
        ["uncopy", output] => end(undo_embedded(Path::new(output), None, noon())),
        // As of other tests, one that is not asked for is not run.
        [filter, ..] if !filter.starts_with('-') => {
            PARTS.iter().filter(|(name, _)| name.contains(filter)).for_each(|(_, run)| run());
        }
        _ => PARTS.iter().for_each(|(_, run)| run()),
    }
}

/// What is tried, by name: each can be asked for alone.
const PARTS: [(&str, fn()); 7] = [
    ("killed::copy::program", file::is_copied_whole_or_not_at_all),
    ("killed::copy::every_write", file::is_whole_or_not_at_all_after_each_write),
    ("killed::copy::full_disk", file::waits_for_room_on_a_full_disk),
    ("killed::server::program", || server::hold_all_or_nothing(End::Program)),
    ("killed::server::connection", || server::hold_all_or_nothing(End::Connection)),
    ("killed::server::stopped", || server::hold_all_or_nothing(End::Server)),
    ("killed::server::full_disk", server::waits_for_room_on_a_full_disk),
];

/// What the program that is killed says by its exit code, when it is not.
fn end<T>(result: Result<T, restitch_restore::RestoreError>) {
    if let Err(error) = result {
        eprintln!("{error}");
        std::process::exit(if error.is_refusal() { 3 } else { 1 });
    }
}

/// How many moments of each kind.
fn rounds() -> u32 {
    let asked = std::env::var("RESTITCH_KILL_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(4)
}

fn candidates() -> Vec<restitch_model::Candidate> {
    let customer = |i: usize| {
        let name = format!("customer {i}");
        lost(&format!("c{i:05}"), "customers", &[("name", is(name.as_str()))])
    };
    (0..ROWS).map(customer).chain([world::candidates().remove(3)]).collect()
}

fn start(words: &[&str]) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Lets it run to its end, and gives how long that was.
fn time(words: &[&str]) -> Duration {
    let began = Instant::now();
    let done = start(words).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {said}");
    began.elapsed()
}

/// Some moment of a time: none is as likely as the next.
fn moment(of: Duration) -> Duration {
    of.mul_f64(part())
}

/// A number from 0 to 1.
fn part() -> f64 {
    let random = RandomState::new().hash_one(Instant::now());
    random as f64 / u64::MAX as f64
}

/// A moment passes: what is tested here is when something ends.
fn wait(time: Duration) {
    let (sender, receiver) = channel::<()>();
    let _ = receiver.recv_timeout(time);
    drop(sender);
}
