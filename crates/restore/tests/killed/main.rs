//! Programs and connections that end in the middle of an apply or an undo: each time all of it
//! is there or none, and the next one finishes.
//!
//! A test with its own `main`, because it starts itself as the program that is killed.

#[path = "../servers/host.rs"]
#[allow(dead_code)]
mod host;
#[path = "../servers/world.rs"]
#[allow(dead_code)]
mod world;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use restitch_restore::{
    ApplyOptions, Approval, Limits, Plan, Triggers, apply_embedded, apply_server, snapshot,
    undo_server,
};

use host::{Base, Host};
use world::{is, lost, noon, options};

/// How many moments of each kind; `RESTITCH_KILL_ROUNDS` asks for more.
fn rounds() -> u32 {
    let asked = std::env::var("RESTITCH_KILL_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// How many rows are written.
const ROWS: usize = 1500;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["apply", plan, url, name] => {
            let plan = Plan::from_json(&std::fs::read_to_string(plan).unwrap()).unwrap();
            let typed = Approval::Typed(name.to_owned());
            apply_server(&plan, url, &typed, &options()).unwrap();
        }
        ["undo", url, name] => {
            let typed = Approval::Typed(name.to_owned());
            undo_server(url, &typed, 1, noon(), &Limits::default()).unwrap();
        }
        ["copy", plan, url, output] => {
            let plan = Plan::from_json(&std::fs::read_to_string(plan).unwrap()).unwrap();
            let how = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: noon() };
            apply_embedded(&plan, url, Path::new(output), &how).unwrap();
        }
        // As of other tests, one that is not asked for is not run.
        [filter, ..] if !filter.starts_with('-') && !"killed".contains(filter) => {}
        _ => {
            file_is_copied_whole_or_not_at_all();
            for host in host::all() {
                server_holds_all_or_nothing(host);
            }
        }
    }
}

fn candidates() -> Vec<restitch_model::Candidate> {
    let customer = |i: usize| {
        let name = format!("customer {i}");
        lost(&format!("c{i:05}"), "customers", &[("name", is(name.as_str()))])
    };
    (0..ROWS).map(customer).chain([world::candidates().remove(3)]).collect()
}

/// What ends the writer in the middle.
#[derive(Debug, Clone, Copy)]
enum End {
    /// SIGKILL to the program.
    Program,
    /// The server ends its connection.
    Connection,
}

fn server_holds_all_or_nothing(host: &'static Host) {
    let base = world::world(host);
    let url = base.writer(&["customers", "bookings"]);
    let before = world::logical(&snapshot(&url).unwrap());
    let plan = world::plan(&url, &candidates());
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("plan.json");
    std::fs::write(&file, plan.to_json()).unwrap();
    let file = file.display().to_string();
    let apply = ["apply", &file, &url, &base.name];
    let undo = ["undo", &url, &base.name];
    let whole = [time(&apply), time(&undo)];
    time(&apply);
    let after = world::logical(&snapshot(&url).unwrap());
    time(&undo);
    let rounds = rounds();
    for end in [End::Program, End::Connection] {
        let (mut all, mut none) = (0, 0);
        for round in 0..rounds {
            for (words, whole) in [(&apply[..], whole[0]), (&undo[..], whole[1])] {
                let child = start(words);
                let done = stop(child, end, &base, whole * round / rounds);
                let now = world::logical(&snapshot(&url).unwrap());
                let applied = now == after;
                assert!(applied || now == before, "{end:?} {round} of {words:?}: a part is there");
                assert!(!done || applied == (words[0] == "apply"), "{words:?} ended well");
                match applied == (words[0] == "apply") {
                    true => all += 1,
                    false => none += 1,
                }
                // The next one finishes.
                match words[0] {
                    "apply" => drop(time(words)),
                    _ if applied => drop(time(words)),
                    _ => {}
                }
            }
        }
        println!("{}: {end:?} ended {} times, {all} all, {none} nothing", host.scheme, 2 * rounds);
        assert!(none > 0, "no moment was in the middle");
    }
}

fn file_is_copied_whole_or_not_at_all() {
    let dir = tempfile::TempDir::new().unwrap();
    let backup = dir.path().join("backup.sqlite");
    world::sqlite(&backup, world::schema("sqlite"));
    let url = format!("sqlite:{}", backup.display());
    let plan = world::plan(&url, &candidates());
    let file = dir.path().join("plan.json").display().to_string();
    std::fs::write(&file, plan.to_json()).unwrap();
    let output = dir.path().join("restored.sqlite");
    let shown = output.display().to_string();
    let copy = ["copy", &file, &url, &shown];
    let whole = time(&copy);
    let after = std::fs::read(&output).unwrap();
    let bytes = std::fs::read(&backup).unwrap();
    let (mut all, mut none, rounds) = (0, 0, rounds());
    for round in 0..rounds {
        std::fs::remove_file(&output).unwrap();
        let mut child = start(&copy);
        wait(whole * round / rounds);
        let _ = child.kill();
        child.wait().unwrap();
        match std::fs::read(&output) {
            Ok(found) => {
                assert!(found == after, "round {round}: the copy is another");
                all += 1;
            }
            Err(_) => none += 1,
        }
        time(&copy);
        assert!(std::fs::read(&output).unwrap() == after);
    }
    assert!(std::fs::read(&backup).unwrap() == bytes);
    println!("sqlite: Program ended {rounds} times, {all} all, {none} nothing");
    assert!(none > 0, "no moment was in the middle");
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

/// Ends it after a while, and gives whether it had done by then. The server is asked until it
/// has let go of what the writer held.
fn stop(mut child: Child, end: End, base: &Base, after: Duration) -> bool {
    wait(after);
    match end {
        End::Program => drop(child.kill()),
        End::Connection => {
            let _ = base.host.try_run("", &end_connections(base));
        }
    }
    let done = child.wait().unwrap().success();
    while base.host.run("", &connections(base)) != ["0"] {
        wait(Duration::from_millis(5));
    }
    done
}

fn connections(base: &Base) -> String {
    let role = format!("writer_{}", base.name);
    match base.host.scheme {
        "postgres" => format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"),
        _ => format!("SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = '{role}'"),
    }
}

fn end_connections(base: &Base) -> String {
    let role = format!("writer_{}", base.name);
    match base.host.scheme {
        "postgres" => format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
        ),
        _ => format!("KILL USER '{role}'@'%'"),
    }
}

/// A moment passes: what is tested here is when something ends.
fn wait(time: Duration) {
    let (sender, receiver) = channel::<()>();
    let _ = receiver.recv_timeout(time);
    drop(sender);
}
