//! The rules of the house, as tests: who may use whom, what lies where, and what no file does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The rooms and those that each may use. The binary may use all.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("case", &["model"]),
    ("facts", &["model"]),
    ("connect", &["case", "model"]),
    ("conformance", &["connect", "facts", "model"]),
    ("connect-stripe", SOURCE),
    ("connect-calendar", SOURCE),
    ("connect-mail", SOURCE),
    ("connect-table", SOURCE),
    ("matching", &["model"]),
    ("learn", &["matching", "facts", "model"]),
    ("restore", &["case", "model"]),
    ("review", &["matching", "restore", "case", "model"]),
    ("serve", &["review", "restore", "model"]),
    ("pipeline", BELOW_PIPELINE),
    ("worlds", &[]),
    ("drill", BELOW_DRILL),
    ("fuzz", &["connect", "connect-calendar", "connect-mail", "facts", "model"]),
];

/// What a kind of source may use; `conformance` for its tests.
const SOURCE: &[&str] = &["conformance", "connect", "facts", "model"];

const BELOW_PIPELINE: &[&str] = &[
    "case",
    "connect",
    "connect-calendar",
    "connect-mail",
    "connect-stripe",
    "connect-table",
    "facts",
    "learn",
    "matching",
    "model",
    "restore",
    "review",
];

const BELOW_DRILL: &[&str] = &[
    "case",
    "connect",
    "connect-calendar",
    "connect-mail",
    "connect-stripe",
    "connect-table",
    "facts",
    "learn",
    "matching",
    "model",
    "pipeline",
    "restore",
    "review",
    "worlds",
];

/// Crates that are heavy, or that only a terminal needs, by the beginning of their names, and
/// the only rooms that may depend on them.
const ISOLATED: &[(&str, &[&str])] = &[
    ("polars", &["case"]),
    ("sqlx", &["drill", "restore", "worlds"]),
    ("async-stripe", &["connect-stripe"]),
    ("reqwest", &["connect-calendar", "connect-stripe"]),
    ("rustls", &["connect-calendar", "connect-mail", "connect-stripe"]),
    ("libfuzzer", &["fuzz"]),
    ("axum", &["serve"]),
    ("anyhow", &[BINARY]),
    ("clap", &[BINARY]),
    ("indicatif", &[BINARY]),
];

/// What lies at the top level, besides dot-files, builds and cases.
const TOP: &[&str] = &[
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "crates",
    "docs",
    "pipelines",
    "samples",
    "test",
    "tests",
];

/// The folder of the binary, whose manifest is the root's.
const BINARY: &str = "restitch";
/// The lines from which a file surely has a second subject.
const LONGEST: usize = 700;
/// Names that say nothing of what a module is about.
const VAGUE: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];
/// What is not done yet, or not done at all. Parted, so that this file does not hold it.
const UNDONE: &[&str] = &["to-do!(", "unimple-mented!(", "#[ig-nore"];
/// Words that put something off.
const LATER: &[&str] = &["TO-DO", "FIX-ME"];
/// How a library would print or exit.
const PRINTS: &[&str] = &["println!(", "print!(", "dbg!(", "process::exit(", "process::abort("];

#[test]
fn a_room_uses_only_what_lies_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (room, uses) in rooms_used() {
        if room == BINARY {
            continue;
        }
        let Some(allowed) = allowed.get(room.as_str()) else {
            wrong.push(format!("crates/{room} has no line in ROOMS"));
            continue;
        };
        let above = uses.iter().filter(|used| !allowed.contains(&used.as_str()));
        wrong.extend(above.map(|used| format!("crates/{room} may not use crates/{used}")));
    }
    none(wrong);
}

#[test]
fn every_room_of_the_table_is_there() {
    let there = rooms_used();
    let missing = ROOMS.iter().filter(|(room, _)| !there.contains_key(*room));
    none(missing.map(|(room, _)| format!("crates/{room} is not a package")).collect());
}

#[test]
fn a_package_is_named_after_its_folder() {
    let mut wrong = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap().to_owned();
        let folder = folder_of(&package);
        let right = match name.strip_prefix("restitch-") {
            Some(room) => Path::new("crates").join(room),
            None if name == "restitch" => PathBuf::new(),
            None => Path::new("crates").join("…"),
        };
        if folder != right {
            wrong.push(format!("{name} lies in {:?}, not in {right:?}", folder));
        }
    }
    none(wrong);
}

#[test]
fn a_heavy_dependency_stays_in_its_room() {
    let mut wrong = Vec::new();
    for (room, names) in dependencies() {
        for (start, rooms) in ISOLATED {
            let heavy = names.iter().find(|name| name.starts_with(start));
            if let Some(heavy) = heavy.filter(|_| !rooms.contains(&room.as_str())) {
                wrong.push(format!("crates/{room} depends on {heavy}; only {rooms:?} may"));
            }
        }
    }
    none(wrong);
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    let manifests = packages().into_iter().map(|package| folder_of(&package).join("Cargo.toml"));
    let bare = |path: &PathBuf| !read(path).contains("[lints]\nworkspace = true");
    none(manifests.filter(bare).map(|path| format!("{path:?} has no [lints]")).collect());
}

#[test]
fn the_top_level_stays_short() {
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let made = |name: &String| name.starts_with('.') || name.ends_with(".case") || name == "target";
    let strange = names.filter(|name| !made(name) && !TOP.contains(&name.as_str()));
    none(strange.map(|name| format!("{name} does not belong at the top level")).collect());
}

#[test]
fn the_map_names_every_room() {
    let map = read(Path::new("crates/ARCHITECTURE.md"));
    let rooms = rooms_used().into_keys().map(|room| format!("crates/{room}`"));
    none(rooms.filter(|room| !map.contains(room)).map(|r| format!("no word of `{r}")).collect());
}

#[test]
fn no_file_has_two_subjects() {
    let long = sources().into_iter().map(|path| (read(&path).lines().count(), path));
    let long = long.filter(|(lines, _)| *lines > LONGEST);
    none(long.map(|(lines, path)| format!("{path:?} has {lines} lines")).collect());
}

#[test]
fn no_module_is_named_after_nothing() {
    let vague = |path: &PathBuf| {
        let parts = path.with_extension("");
        parts.iter().any(|part| VAGUE.iter().any(|vague| part == *vague))
    };
    none(sources().into_iter().filter(vague).map(|path| format!("{path:?}")).collect());
}

#[test]
fn nothing_is_left_undone_or_ignored() {
    let whole = |words: &[&str]| words.iter().map(|word| word.replace('-', "")).collect();
    let (undone, later): (Vec<String>, Vec<String>) = (whole(UNDONE), whole(LATER));
    let mut wrong = Vec::new();
    for path in sources() {
        for (number, line) in (1..).zip(read(&path).lines()) {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            let is_later = words.any(|word| later.iter().any(|later| word == later));
            if is_later || undone.iter().any(|part| line.contains(part)) {
                wrong.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    none(wrong);
}

#[test]
fn a_library_neither_prints_nor_exits() {
    none(in_libraries(PRINTS));
}

#[test]
fn a_library_unwraps_nothing() {
    none(in_libraries(&[".unwrap()"]));
}

/// Fails with what is wrong, one a line.
#[track_caller]
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

/// The lines of the libraries, outside their tests, that hold one of the words.
fn in_libraries(words: &[&str]) -> Vec<String> {
    let tests = test_modules();
    let mut found = Vec::new();
    for path in sources() {
        let is_library = path.starts_with("crates") && path.iter().any(|part| part == "src");
        if !is_library || tests.iter().any(|test| path.starts_with(test)) {
            continue;
        }
        for (number, line) in code(&read(&path)) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    found
}

/// The numbered lines of a file that are no comments, up to its tests, which stand last.
fn code(text: &str) -> Vec<(usize, &str)> {
    let lines = (1..).zip(text.lines());
    let is_test_module = |line: &str| line.trim_start().starts_with("mod ") && line.ends_with('{');
    let mut after = text.lines().skip(1).chain([""]);
    lines
        .take_while(|(_, line)| {
            let next = after.next().unwrap_or_default();
            !(line.trim() == "#[cfg(test)]" && is_test_module(next))
        })
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .collect()
}

/// The files and folders of modules that are built for tests alone: `tests.rs` and `tests/`
/// where a file beside or above them says `#[cfg(test)] mod tests;`.
fn test_modules() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for path in sources() {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_top = ["lib", "main", "mod"].contains(&stem.as_str());
        let folder =
            if is_top { path.parent().unwrap().to_owned() } else { path.with_extension("") };
        let text = read(&path);
        for (line, next) in text.lines().zip(text.lines().skip(1)) {
            let name = next.trim().strip_suffix(';').and_then(|rest| rest.split("mod ").nth(1));
            if let Some(name) = name.filter(|_| line.trim() == "#[cfg(test)]") {
                found.extend([folder.join(name), folder.join(format!("{name}.rs"))]);
            }
        }
    }
    found
}

/// All Rust files, in the order of their names, as paths from the root.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join("crates"), root().join("tests")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The rooms, each with those that it uses, in whatever part of its manifest.
fn rooms_used() -> BTreeMap<String, BTreeSet<String>> {
    let room = |name: String| name.strip_prefix("restitch-").map(str::to_owned);
    dependencies()
        .into_iter()
        .map(|(name, uses)| (name, uses.into_iter().filter_map(room).collect()))
        .collect()
}

/// The rooms, each with all packages that it depends on: normal, for tests and for builds.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let named = |value: &Value| value["name"].as_str().unwrap().to_owned();
    packages()
        .iter()
        .map(|package| {
            let name = named(package);
            let room = name.strip_prefix("restitch-").unwrap_or(BINARY).to_owned();
            (room, package["dependencies"].as_array().unwrap().iter().map(named).collect())
        })
        .collect()
}

/// The packages of the workspace.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo speaks JSON");
    metadata["packages"].as_array().unwrap().clone()
}

/// The folder of a package, from the root.
fn folder_of(package: &Value) -> PathBuf {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().strip_prefix(root()).unwrap().to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
