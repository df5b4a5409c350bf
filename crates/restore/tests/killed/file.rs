//! Copies of files, whose writers end in the middle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use restitch_restore::{Plan, snapshot};
use tempfile::TempDir;

use crate::{candidates, moment, part, rounds, start, time, wait, world};

/// A backup, a plan for it, and where the copy goes.
struct Place {
    dir: PathBuf,
    url: String,
    plan: String,
    output: PathBuf,
    /// Kept while the rest is.
    _own: Option<TempDir>,
}

impl Place {
    fn new(rows: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let place = Self::at(dir.path(), rows);
        Self { _own: Some(dir), ..place }
    }

    fn at(dir: &Path, rows: usize) -> Self {
        let backup = dir.join("backup.sqlite");
        world::sqlite(&backup, world::schema("sqlite"));
        let url = format!("sqlite:{}", backup.display());
        let mut candidates = candidates();
        candidates.drain(..crate::ROWS - rows);
        let plan: Plan = world::plan(&url, &candidates);
        let file = dir.join("plan.json");
        fs::write(&file, plan.to_json()).unwrap();
        let output = dir.join("restored.sqlite");
        let plan = file.display().to_string();
        Self { dir: dir.to_owned(), url, plan, output, _own: None }
    }

    fn shown(&self) -> String {
        self.output.display().to_string()
    }

    /// The rows of the copy, `None` where there is none.
    fn rows(&self) -> Option<Vec<String>> {
        let url = format!("sqlite:{}", self.shown());
        self.output.exists().then(|| world::logical(&snapshot(&url).unwrap()))
    }

    fn backup(&self) -> Vec<u8> {
        fs::read(self.dir.join("backup.sqlite")).unwrap()
    }
}

/// SIGKILL at random moments of an apply and of an undo.
pub fn is_copied_whole_or_not_at_all() {
    let place = Place::new(crate::ROWS);
    let (backup, shown) = (place.backup(), place.shown());
    let copy = ["copy", &place.plan, &place.url, &shown];
    let undo = ["uncopy", &shown];
    let whole = time(&copy);
    let bytes = fs::read(&place.output).unwrap();
    let after = place.rows().unwrap();
    let undoing = time(&undo);
    let before = place.rows().unwrap();
    assert_ne!(after, before);
    let (mut all, mut none, rounds) = (0, 0, rounds() * 4);
    for _ in 0..rounds {
        fs::remove_file(&place.output).unwrap();
        let mut child = start(&copy);
        let at = moment(whole);
        wait(at);
        let _ = child.kill();
        child.wait().unwrap();
        match fs::read(&place.output) {
            Ok(found) => {
                assert!(found == bytes, "killed after {at:?}: the copy is another");
                all += 1;
            }
            Err(_) => none += 1,
        }
        time(&copy);
        assert!(fs::read(&place.output).unwrap() == bytes);
    }
    println!("sqlite: apply was killed {rounds} times, {all} all, {none} nothing");
    assert!(none > 0, "no moment was in the middle");
    let (mut all, mut none) = (0, 0);
    for _ in 0..rounds {
        let mut child = start(&undo);
        let at = moment(undoing);
        wait(at);
        let _ = child.kill();
        child.wait().unwrap();
        let stands = place.rows().unwrap();
        assert!(stands == after || stands == before, "killed after {at:?}: a part is there");
        match stands == before {
            true => all += 1,
            false => {
                none += 1;
                time(&undo);
                assert!(place.rows().unwrap() == before);
            }
        }
        time(&copy);
        assert!(place.rows().unwrap() == after);
    }
    println!("sqlite: undo was killed {rounds} times, {all} all, {none} nothing");
    assert!(none > 0, "no moment was in the middle");
    assert!(place.backup() == backup);
}

/// What an apply asks the system to do to files; each of these is where it is killed.
const CALLS: [&str; 8] =
    ["pwrite64", "write", "copy_file_range", "ftruncate", "fsync", "rename", "unlink", "openat"];
/// The same of an undo, which writes where the file is.
const IN_PLACE: [&str; 4] = ["pwrite64", "ftruncate", "fdatasync", "unlink"];

/// SIGKILL at each system call that writes: before it is done (strace injects it there).
pub fn is_whole_or_not_at_all_after_each_write() {
    if Command::new("strace").arg("true").output().is_ok_and(|done| done.status.success()) {
        let every = if std::env::var("RESTITCH_SWEEP").is_ok() { 1 } else { 23 };
        let (mut points, mut all, mut none) = (0, 0, 0);
        let place = Place::new(100);
        let (backup, shown) = (place.backup(), place.shown());
        let copy = ["copy", &place.plan, &place.url, &shown];
        let undo = ["uncopy", &shown];
        time(&copy);
        let bytes = fs::read(&place.output).unwrap();
        for call in CALLS {
            let mut n = 1;
            loop {
                let _ = fs::remove_file(&place.output);
                let ended = strace(call, n, &copy);
                match fs::read(&place.output) {
                    Ok(found) => assert!(found == bytes, "{call} {n}: the copy is another"),
                    Err(_) => assert!(!ended, "{call} {n}: it ended well, and nothing is there"),
                }
                if ended {
                    break;
                }
                points += 1;
                *(if place.output.exists() { &mut all } else { &mut none }) += 1;
                time(&copy);
                assert!(fs::read(&place.output).unwrap() == bytes, "{call} {n}");
                n += every;
            }
        }
        println!("sqlite: apply was killed at {points} system calls, {all} all, {none} nothing");
        assert!(none > 0);
        let after = place.rows().unwrap();
        time(&undo);
        let before = place.rows().unwrap();
        time(&copy);
        let (mut points, mut all, mut none) = (0, 0, 0);
        for call in IN_PLACE {
            let mut n = 1;
            while !strace(call, n, &undo) {
                points += 1;
                let stands = place.rows().unwrap();
                assert!(stands == after || stands == before, "{call} {n}: a part is there");
                *(if stands == before { &mut all } else { &mut none }) += 1;
                if stands == after {
                    time(&undo);
                    assert!(place.rows().unwrap() == before, "{call} {n}");
                }
                time(&copy);
                n += every;
            }
            time(&copy);
        }
        println!("sqlite: undo was killed at {points} system calls, {all} all, {none} nothing");
        assert!(none > 0);
        assert!(place.backup() == backup);
    } else {
        println!("NOT RUN: strace is not installed, or may not trace; no system calls were swept");
    }
}

/// Runs ourselves, with SIGKILL at the n-th call of a thread, and gives whether it ended well.
fn strace(call: &str, n: u32, words: &[&str]) -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
    strace.arg("-e").arg(format!("inject={call}:signal=KILL:when={n}"));
    strace.arg(std::env::current_exe().unwrap()).args(words).output().unwrap().status.success()
}

/// A disk on which there is room for some of it.
pub fn waits_for_room_on_a_full_disk() {
    let Some(disk) = Disk::new() else {
        println!("NOT RUN: only root can make a small disk; files were not tried on a full one");
        return;
    };
    let place = Place::at(&disk.dir, crate::ROWS);
    let shown = place.shown();
    let copy = ["copy", &place.plan, &place.url, &shown];
    let undo = ["uncopy", &shown];
    time(&copy);
    let (bytes, after) = (fs::read(&place.output).unwrap(), place.rows().unwrap());
    time(&undo);
    let before = place.rows().unwrap();
    time(&copy);
    let (mut applies, mut undoes) = (0, 0);
    for _ in 0..rounds() {
        // Of an apply the copy may not fit, of an undo its journal.
        fs::remove_file(&place.output).unwrap();
        disk.leave(part() * bytes.len() as f64);
        let done = start(&copy).wait_with_output().unwrap().status.success();
        assert!(done == place.output.exists());
        applies += u32::from(!done);
        assert!(!place.dir.join("restored.sqlite.partial").exists(), "what is cut off is removed");
        disk.clear();
        time(&copy);
        assert!(fs::read(&place.output).unwrap() == bytes);
        disk.leave(part() * 300_000.0);
        let done = start(&undo).wait_with_output().unwrap().status.success();
        undoes += u32::from(!done);
        let stands = place.rows();
        disk.clear();
        let stands = stands.unwrap_or_else(|| place.rows().unwrap());
        assert!(stands == if done { before.clone() } else { after.clone() });
        if !done {
            time(&undo);
        }
        assert!(place.rows().unwrap() == before);
        time(&copy);
    }
    println!("sqlite: the disk was full for {applies} applies and {undoes} undoes of {}", rounds());
    assert!(applies > 0);
}

/// A disk of a few MiB.
struct Disk {
    dir: PathBuf,
    _own: TempDir,
}

impl Disk {
    fn new() -> Option<Self> {
        let own = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(own.path());
        let made = mount.output().is_ok_and(|done| done.status.success());
        made.then(|| Self { dir: own.path().to_owned(), _own: own })
    }

    /// Fills it up to so many bytes.
    fn leave(&self, bytes: f64) {
        crate::server::fill(&self.dir, bytes as u64);
    }

    fn clear(&self) {
        let _ = fs::remove_file(self.dir.join("filler"));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.dir).status();
    }
}
