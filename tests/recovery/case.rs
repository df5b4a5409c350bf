//! Cases to test with, and the binary run on them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use tempfile::TempDir;

/// The pipeline file of the sample.
pub const PIPELINE: &str = "pipelines/car-rental.toml";
/// The folder of the sample.
pub const SAMPLE: &str = "samples/car-rental";
/// The files of a case that are about who did what when, or who is at work.
const WHEN: [&str; 3] = ["case.lock", "log.head", "log.jsonl"];

/// What a command did.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The one JSON object on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("stdout is not one JSON value: {error}\n{}", self.stdout)
        })
    }

    /// The same, if it ended with this exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code; stderr was:\n{}", self.stderr);
        self
    }
}

/// Runs `restitch` in the root of the repository.
pub fn restitch<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_restitch"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    Ran {
        code: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).expect("stdout is text"),
        stderr: String::from_utf8(output.stderr).expect("stderr is text"),
    }
}

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The recovery that all tests share, which none of them may change.
pub struct Shared {
    /// What `recover --json` did.
    pub ran: Ran,
    /// The sample before it, file by file.
    pub sample: BTreeMap<PathBuf, Vec<u8>>,
    /// What the merged copy is, held against the truth.
    pub against_truth: Value,
    dir: PathBuf,
    /// Held by the command at work, since a case is worked on by one at a time.
    at_work: Mutex<()>,
    /// Keeps a second run of these tests out of the folder until this one ends.
    _lock: File,
}

/// Recovers the sample, once.
pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let lock = File::create(scratch.join("recovery.lock")).expect("the target is writable");
        lock.lock().expect("files can be locked");
        let dir = scratch.join("recovery.case");
        if dir.exists() {
            fs::remove_dir_all(&dir).expect("an earlier run's case can go");
        }
        let sample = files(&repository(SAMPLE));
        let ran = recover(&dir).ends(0);
        let truth = format!("{SAMPLE}/truth");
        let against = ["drill", "--against", &truth, "--json", "--case", &dir.to_string_lossy()];
        let against_truth = restitch(against).ends(0).json();
        Shared { ran, sample, against_truth, dir, at_work: Mutex::default(), _lock: lock }
    })
}

/// Recovers the sample into a folder.
pub fn recover(dir: &Path) -> Ran {
    restitch(["recover", PIPELINE, "--json", "--case", &dir.to_string_lossy()])
}

impl Shared {
    /// Runs a command that only reads.
    pub fn run(&self, command: &str) -> Ran {
        let _one = self.at_work.lock().expect("no test fails while a command runs");
        run(command, &self.dir)
    }

    /// The files of the case.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        results(&self.dir)
    }

    /// The saved plan.
    pub fn plan(&self) -> Value {
        plan(&self.dir)
    }

    /// The merged copy.
    pub fn restored(&self) -> String {
        format!("sqlite:{}", self.dir.join("restored.sqlite").display())
    }
}

/// A case of one test, which goes away with it.
pub struct Case {
    dir: TempDir,
}

impl Case {
    /// A copy of the shared case.
    pub fn copied() -> Self {
        let case = Self::empty();
        for (name, bytes) in files(&shared().dir) {
            let path = case.path(&name);
            fs::create_dir_all(path.parent().expect("it is in the case")).expect("it can be made");
            fs::write(path, bytes).expect("it can be written");
        }
        case
    }

    /// A folder with nothing in it.
    pub fn empty() -> Self {
        Self { dir: TempDir::new().expect("temporary folders can be made") }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir().join(name)
    }

    /// Runs a command on the case. Its words are parted by spaces.
    pub fn run(&self, command: &str) -> Ran {
        run(command, self.dir())
    }

    /// The result of a command that is done.
    #[track_caller]
    pub fn json(&self, command: &str) -> Value {
        self.run(&format!("{command} --json")).ends(0).json()
    }

    /// The files of the case, without those that tell who did what when.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        results(self.dir())
    }

    /// The saved plan.
    pub fn plan(&self) -> Value {
        plan(self.dir())
    }
}

fn run(command: &str, dir: &Path) -> Ran {
    restitch(command.split(' ').chain(["--case", &dir.to_string_lossy()]))
}

fn plan(dir: &Path) -> Value {
    let bytes = fs::read(dir.join("plan.json")).expect("there is a plan");
    serde_json::from_slice(&bytes).expect("the plan is JSON")
}

fn results(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(dir);
    files.retain(|path, _| !WHEN.iter().any(|name| path == Path::new(name)));
    files
}

/// All files below a folder, by their path in it.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("the folder can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = fs::read(&path).expect("the file can be read");
            let name = path.strip_prefix(folder).expect("it is below the folder").to_owned();
            found.insert(name, bytes);
        }
    }
    found
}

/// Says which files differ, not with which bytes.
#[track_caller]
pub fn assert_same(left: &BTreeMap<PathBuf, Vec<u8>>, right: &BTreeMap<PathBuf, Vec<u8>>) {
    let names = left.keys().chain(right.keys());
    let mut differ: Vec<_> = names.filter(|name| left.get(*name) != right.get(*name)).collect();
    differ.sort();
    differ.dedup();
    assert!(differ.is_empty(), "these files differ or are not on both sides: {differ:?}");
}
