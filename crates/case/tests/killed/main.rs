//! Pulls that end in the middle: killed at many moments and at every kind of system call, and on
//! a disk that is full. What was acknowledged is there each time, the next pull goes on from the
//! checkpoint, and in the end the evidence is that of a pull that nothing disturbed.
//!
//! A test with its own `main`, because it starts itself as the program that is killed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant as Clock;

use restitch_case::{Case, CaseError, Keys};
use restitch_model::Instant;

/// How many pages a whole pull has.
const PAGES: u64 = 60;
/// How many items a page has.
const ITEMS: u64 = 25;
/// To whom sealed cases are sealed, and who opens them.
const RECIPIENT: &str = "age1k0ew2ryp3qg76mkhaqm8tqufg0wpe0lg2l47whnq6gmzxat6gqnsty2gpy";
const IDENTITY: &str = "AGE-SECRET-KEY-1ULRMP84ELHL4K23VCU0YGTPF9ZDXV5JX0292FTWPGZQENQL4580Q70D4J5";

/// How many moments; `RESTITCH_KILL_ROUNDS` asks for more.
fn rounds() -> u32 {
    let asked = std::env::var("RESTITCH_KILL_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(20)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["pull", dir, how] => {
            if let Err(error) = pull(&open(Path::new(dir), how == "sealed")) {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
        // As of other tests, one that is not asked for is not run.
        [filter, ..] if !filter.starts_with('-') && !"killed".contains(filter) => {}
        _ => {
            for how in ["plain", "sealed"] {
                killed_at_any_moment_goes_on_from_its_checkpoint(how);
                killed_at_any_call_goes_on_from_its_checkpoint(how);
                refused_at_any_call_goes_on_from_its_checkpoint(how);
                full_disk_loses_nothing_that_was_acknowledged(how);
            }
        }
    }
    ExitCode::SUCCESS
}

fn open(dir: &Path, sealed: bool) -> Case {
    let case = Case::open_or_create(dir).unwrap();
    let keys = match sealed {
        true => Keys::to(&[RECIPIENT]).unwrap().opened_by(IDENTITY, "the test").unwrap(),
        false => Keys::default(),
    };
    case.use_keys(keys).unwrap();
    case
}

/// Pulls the pages that are left, and says of each when it is safe.
fn pull(case: &Case) -> Result<(), CaseError> {
    let mut writer = case.evidence_writer("shop", Instant::UNIX_EPOCH)?;
    let done: u64 = writer.checkpoint()?.map_or(0, |cursor| cursor.parse().unwrap());
    let mut out = std::io::stdout();
    for page in done..PAGES {
        for item in 0..ITEMS {
            writer.put("row", &format!("{page}/{item}"), "", None, bytes(page, item))?;
        }
        writer.set_checkpoint(&(page + 1).to_string())?;
        writeln!(out, "{}", page + 1).unwrap();
        out.flush().unwrap();
    }
    writer.finish().map(drop)
}

/// An item, of a few bytes or a few thousand.
fn bytes(page: u64, item: u64) -> Vec<u8> {
    let length = (page * 977 + item * 131) % 3000;
    let noise = |n: u64| (n * n * 31 + page * 7 + item) as u8;
    format!("page {page}, item {item}: ")
        .into_bytes()
        .into_iter()
        .chain((0..length).map(noise))
        .collect()
}

fn start(dir: &Path, how: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["pull", &dir.display().to_string(), how]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The last page that a pull said was safe.
fn acknowledged(child: Child) -> (u64, bool, String) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut whole = said.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let last = whole.next_back().map_or(0, |line| line.trim().parse().unwrap());
    (last, output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// That all that was acknowledged is there and nothing is damaged. Gives how far the case is.
#[track_caller]
fn is_sound(dir: &Path, how: &str, acknowledged: u64, what: &str) -> u64 {
    let case = open(dir, how == "sealed");
    let found = case.verify();
    assert!(found.problems.is_empty(), "{what}: {:?}", found.problems);
    let writer = case.evidence_writer("shop", Instant::UNIX_EPOCH).unwrap();
    let cursor: u64 = writer.checkpoint().unwrap().map_or(0, |cursor| cursor.parse().unwrap());
    drop(writer);
    assert!(cursor >= acknowledged, "{what}: at {cursor}, and {acknowledged} were acknowledged");
    let there = case.evidence().unwrap();
    let pages = |item: &str| item.split('/').next().unwrap().parse::<u64>().unwrap();
    let safe = there.metas().filter(|meta| pages(&meta.native_id) < cursor).count() as u64;
    assert_eq!(safe, cursor * ITEMS, "{what}: items before the checkpoint");
    let beyond = there.metas().filter(|meta| pages(&meta.native_id) > cursor).count();
    assert_eq!(beyond, 0, "{what}: items beyond the page in flight");
    cursor
}

/// That the evidence is that of a pull that nothing disturbed.
#[track_caller]
fn is_whole(dir: &Path, how: &str) {
    let case = open(dir, how == "sealed");
    let mut there: Vec<(String, Vec<u8>)> = case
        .evidence()
        .unwrap()
        .iter()
        .map(|item| item.map(|item| (item.meta.native_id, item.bytes)).unwrap())
        .collect();
    let of_page = |page| (0..ITEMS).map(move |item| (format!("{page}/{item}"), bytes(page, item)));
    let mut all: Vec<_> = (0..PAGES).flat_map(of_page).collect();
    there.sort();
    all.sort();
    assert!(there == all, "the evidence is not that of an undisturbed pull");
    assert_eq!(case.verify().problems, [""; 0]);
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("case");
    (place, dir)
}

fn killed_at_any_moment_goes_on_from_its_checkpoint(how: &str) {
    let (_place, dir) = folder();
    let began = Clock::now();
    assert!(acknowledged(start(&dir, how).spawn().unwrap()).1);
    let whole = began.elapsed();
    is_whole(&dir, how);
    let rounds = rounds();
    let (mut kills, mut stopped) = (0, Vec::new());
    // Each pull is killed a little later than the one before, and always from where that came.
    let (mut place, mut dir) = folder();
    for round in 0..rounds {
        let mut child = start(&dir, how).spawn().unwrap();
        std::thread::sleep(whole * (round * 7 % rounds) / rounds / 2);
        child.kill().unwrap();
        let (safe, ended, _) = acknowledged(child);
        kills += u32::from(!ended);
        let cursor = match dir.exists() {
            true => is_sound(&dir, how, safe, &format!("round {round}")),
            false => 0,
        };
        stopped.push(cursor);
        if cursor == PAGES {
            is_whole(&dir, how);
            (place, dir) = folder();
        }
    }
    assert!(acknowledged(start(&dir, how).spawn().unwrap()).1);
    is_whole(&dir, how);
    println!("{how}: {kills} kills in {rounds} rounds, at pages {stopped:?}");
    assert!(stopped.iter().any(|&page| page > 0 && page < PAGES), "no moment was in the middle");
    drop(place);
}

/// The calls by which a pull changes the disk.
const CALLS: [&str; 5] = ["write", "fdatasync", "fsync", "rename", "openat"];

/// A pull under strace, which does something at the nth call of a kind; `None` without strace.
fn traced(dir: &Path, how: &str, call: &str, n: u32, does: &str) -> Option<Child> {
    let plain = start(dir, how);
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:{does}:when={n}"), "--"]);
    command.arg(plain.get_program()).args(plain.get_args());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()
}

/// Whether strace is here and may trace.
fn can_trace() -> bool {
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        println!("strace is not here, or may not trace: nothing was tested call by call");
    }
    works
}

fn killed_at_any_call_goes_on_from_its_checkpoint(how: &str) {
    sweep(how, "signal=KILL", "killed");
}

fn refused_at_any_call_goes_on_from_its_checkpoint(how: &str) {
    sweep(how, "error=ENOSPC", "without space");
}

fn sweep(how: &str, does: &str, what: &str) {
    if !can_trace() {
        return;
    }
    let mut ended = 0;
    for call in CALLS {
        // A pull that is begun, and one that goes on from where another was cut off.
        let (_place, dir) = folder();
        for n in [1, 2, 3, 4, 5, 7, 10, 15, 23, 40] {
            let child = traced(&dir, how, call, n, does).expect("strace was here before");
            let (safe, done, _) = acknowledged(child);
            ended += u32::from(!done);
            if Case::open_read_only(&dir).is_ok() {
                is_sound(&dir, how, safe, &format!("{what} at {call} {n}"));
            }
        }
        assert!(acknowledged(start(&dir, how).spawn().unwrap()).1, "after {call}");
        is_whole(&dir, how);
    }
    println!("{how}: {ended} pulls ended early, {what} at one of {CALLS:?}");
    assert!(ended > 0);
}

fn full_disk_loses_nothing_that_was_acknowledged(how: &str) {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(place.path(), "200k") else {
        println!("no small disk can be mounted here (that takes root): nothing was tested");
        return;
    };
    let dir = place.path().join("case");
    let mut full = 0;
    for size in ["200k", "300k", "400k", "500k", "64m"] {
        disk.resize(size);
        let (safe, ended, error) = acknowledged(start(&dir, how).spawn().unwrap());
        if !ended {
            assert!(error.contains("free some space and run the command again"), "{error}");
            full += 1;
        }
        // What a disk that is full keeps the test itself from doing is done with a little more.
        disk.resize("65m");
        is_sound(&dir, how, safe, size);
    }
    println!("{how}: the disk was full {full} times");
    assert!(full >= 2, "the disk was never full");
    is_whole(&dir, how);
}

/// A small disk in memory.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let run =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(at).output();
        run.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let run = Command::new("mount").args(["-o", &options]).arg(&self.0).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}
