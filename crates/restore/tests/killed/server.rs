//! Databases of servers, whose writers end in the middle.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use restitch_restore::snapshot;
use tempfile::TempDir;

use crate::host::{self, Base, Host};
use crate::{candidates, moment, part, rounds, start, time, wait, world};

/// What ends in the middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// The program, by SIGKILL.
    Program,
    /// Its connection, by the server.
    Connection,
    /// The server, as by a power cut.
    Server,
}

/// A database with a plan for it, and how it stands before and after.
struct Place {
    base: Base,
    url: String,
    plan: String,
    before: Vec<String>,
    after: Vec<String>,
    whole: [Duration; 2],
    _dir: TempDir,
}

impl Place {
    fn new(host: &'static Host) -> Self {
        let base = world::world(host);
        let url = base.writer(&["customers", "bookings"]);
        let before = world::logical(&snapshot(&url).unwrap());
        let plan = world::plan(&url, &candidates());
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("plan.json");
        std::fs::write(&file, plan.to_json()).unwrap();
        let plan = file.display().to_string();
        let (after, whole) = (Vec::new(), [Duration::ZERO; 2]);
        let mut place = Self { base, url, plan, before, after, whole, _dir: dir };
        place.whole[0] = time(&place.words(true));
        place.after = world::logical(&snapshot(&place.url).unwrap());
        place.whole[1] = time(&place.words(false));
        place
    }

    /// The words that have it applied, or undone.
    fn words(&self, applies: bool) -> Vec<&str> {
        match applies {
            true => vec!["apply", &self.plan, &self.url, &self.base.name],
            false => vec!["undo", &self.url, &self.base.name],
        }
    }

    /// Whether it stands applied; a part of it is an error.
    fn is_applied(&self, about: &str) -> bool {
        let now = world::logical(&snapshot(&self.url).unwrap());
        assert!(now == self.after || now == self.before, "{about}: a part is there");
        now == self.after
    }

    /// The next one finishes, whatever the one before came to.
    fn finish(&self, applies: bool, is_applied: bool) {
        if is_applied != applies {
            time(&self.words(applies));
        }
        assert_eq!(self.is_applied("the next one"), applies);
    }
}

/// SIGKILL to the program, the connection cut or the server stopped, at random moments.
pub fn hold_all_or_nothing(end: End) {
    for host in host::all() {
        let place = Place::new(host);
        let (mut all, mut none) = (0, 0);
        for round in 0..2 * rounds() {
            let applies = round % 2 == 0;
            let words = place.words(applies);
            let at = moment(place.whole[usize::from(!applies)]);
            let done = stop(start(&words), end, &place.base, at);
            let applied = place.is_applied(&format!("{end:?} after {at:?} of {words:?}"));
            assert!(!done || applied == applies, "{words:?} ended well and did nothing");
            *(if applied == applies { &mut all } else { &mut none }) += 1;
            place.finish(applies, applied);
        }
        let (scheme, rounds) = (host.scheme, 2 * rounds());
        println!("{scheme}: {end:?} ended {rounds} times, {all} all, {none} nothing");
        assert!(none > 0, "no moment was in the middle");
    }
}

/// A disk on which there is room for some of it. Where the server itself falls over, it is started
/// again once there is room.
pub fn waits_for_room_on_a_full_disk() {
    let Some(hosts) = host::on_small_disks() else {
        println!("NOT RUN: only root can make a small disk; servers were not tried on a full one");
        return;
    };
    for host in hosts {
        let place = Place::new(host);
        let filler = host.dir.join("filler");
        let (mut full, mut done) = (0, 0);
        // How much a server needs depends on the files that it has made by then. It is followed, so
        // that about every other one is too much.
        let mut room = 3_000_000.0;
        for round in 0..2 * rounds() {
            let applies = round % 2 == 0;
            fill(&host.dir, (part() * room) as u64);
            let child = start(&place.words(applies)).wait_with_output().unwrap();
            let ended = child.status.success();
            *(if ended { &mut done } else { &mut full }) += 1;
            room = f64::clamp(room * if ended { 0.6 } else { 1.6 }, 2e4, 3e6);
            std::fs::remove_file(&filler).unwrap();
            bring_up(host);
            let applied = place.is_applied("the disk was full");
            assert!(!ended || applied == applies, "it ended well and did nothing");
            place.finish(applies, applied);
        }
        let (scheme, rounds) = (host.scheme, 2 * rounds());
        println!("{scheme}: the disk was full {full} times of {rounds}, {done} fitted");
        assert!(full > 0, "the disk was never full");
    }
}

/// Starts a server again that fell over, and waits until it takes statements.
fn bring_up(host: &Host) {
    for _ in 0..200 {
        if !host.runs() {
            host.start();
        }
        if host.try_run("", "SELECT 1").is_ok() {
            return;
        }
        wait(Duration::from_millis(50));
    }
    panic!("the server did not come up again");
}

/// Fills a disk up to so many bytes.
pub fn fill(dir: &Path, left: u64) {
    let mut filler = File::create(dir.join("filler")).unwrap();
    let block = vec![0; 1 << 16];
    while filler.write_all(&block).is_ok() {}
    while filler.write_all(&block[..512]).is_ok() {}
    let length = filler.metadata().unwrap().len();
    filler.set_len(length.saturating_sub(left)).unwrap();
}

/// Ends it after a while, and gives whether it had done by then. The server is asked until it
/// has let go of what the writer held.
fn stop(mut child: Child, end: End, base: &Base, after: Duration) -> bool {
    wait(after);
    match end {
        End::Program => drop(child.kill()),
        End::Connection => drop(base.host.try_run("", &end_connections(base))),
        End::Server => base.host.stop(),
    }
    let done = child.wait().unwrap().success();
    if end == End::Server {
        base.host.start();
        bring_up(base.host);
    }
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
