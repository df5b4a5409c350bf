//! What the tests of all kinds share: a world in a folder, and what can be asked of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Column, Connection, Row};
use tempfile::TempDir;

use crate::world::{Noise, WorldOptions, WorldSummary, write_world};

/// Few bookings, and much that goes wrong.
pub(crate) const SMALL: WorldOptions = WorldOptions { size: Some(160), noise: Noise::High };

/// A table's rows by key, each a map from column to value as text.
pub(crate) type Rows = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// A world that was written for a test.
pub(crate) struct Made {
    pub(crate) dir: TempDir,
    pub(crate) summary: WorldSummary,
}

impl Made {
    pub(crate) fn new(kind: &str, seed: u64, options: WorldOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let summary = write_world(kind, seed, &options, dir.path()).unwrap();
        Self { dir, summary }
    }

    /// All files by their place in the world.
    pub(crate) fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(self.dir.path())
    }

    /// All text of a file, or of all files under a folder.
    pub(crate) fn text(&self, place: &str) -> String {
        let path = self.dir.path().join(place);
        if path.is_file() {
            return String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        }
        files(&path).values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    pub(crate) fn truth(&self) -> Json {
        serde_json::from_str(&self.text("truth/truth.json")).unwrap()
    }

    fn open<T>(&self, place: &str, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let path = self.dir.path().join(place);
            let options = SqliteConnectOptions::new().filename(path).read_only(true);
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            work(&mut connection).await
        })
    }

    /// The first column of a query's rows, as text.
    pub(crate) fn ask(&self, place: &str, sql: &str) -> Vec<String> {
        self.open(place, async |connection| {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()));
            let rows = query.fetch_all(connection).await.unwrap();
            rows.iter().map(|row| row.get_unchecked::<String, _>(0)).collect()
        })
    }

    /// A table's rows; its first column is the key.
    pub(crate) fn rows(&self, place: &str, table: &str) -> Rows {
        self.open(place, async |connection| {
            let sql = format!("SELECT * FROM {table}");
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.unwrap();
            let text = |row: &SqliteRow| {
                let columns = row.columns().iter().enumerate();
                columns.map(|(i, c)| (c.name().to_owned(), row.get_unchecked(i))).collect()
            };
            rows.iter().map(|row| (row.get_unchecked::<String, _>(0), text(row))).collect()
        })
    }

    /// Both databases are whole, and no key points to nothing.
    pub(crate) fn assert_sound(&self) {
        for path in ["restored.sqlite", "truth/truth.sqlite"] {
            assert_eq!(self.ask(path, "PRAGMA integrity_check"), ["ok"]);
            assert!(self.ask(path, "PRAGMA foreign_key_check").is_empty());
        }
    }

    /// All evidence as one text, coded as it is.
    fn evidence(&self) -> String {
        let bytes = self.bytes();
        let mine = bytes.iter().filter(|(place, _)| {
            !place.starts_with("truth") && place.extension().is_none_or(|end| end != "sqlite")
        });
        mine.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned() + "\n").collect()
    }

    /// All evidence that `truth.json` names is there, and what it calls untold is nowhere in
    /// it, as far as values are long enough to know them again.
    fn assert_evidence_agrees(&self) {
        let (all, truth_file) = (self.evidence(), self.truth());
        let between = |c: char| c.is_whitespace() || "\"<>;,".contains(c);
        // A UID stands behind its property's name.
        let names: HashSet<&str> =
            all.split(between).map(|word| word.strip_prefix("UID:").unwrap_or(word)).collect();
        let lost = truth_file["lost"].as_object().unwrap().values();
        let rows = lost.flat_map(|rows| rows.as_array().unwrap());
        let named: Vec<&str> = rows
            .flat_map(|row| row["evidence"].as_array().into_iter().flatten())
            .filter_map(Json::as_str)
            .collect();
        assert!(named.len() > self.summary.lost.values().sum(), "{}", named.len());
        for name in named {
            assert!(names.contains(name), "{name} is in no evidence");
        }
        let words: HashSet<&str> = all.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        for (table, columns) in truth_file["told"].as_object().unwrap() {
            for (column, _) in columns.as_object().unwrap().iter().filter(|(_, t)| **t == false) {
                let sql =
                    format!("SELECT DISTINCT {column} FROM {table} WHERE length({column}) > 8");
                let values = self.ask("truth/truth.sqlite", &sql).into_iter();
                // A word alone is anybody's.
                for value in values.filter(|v| !v.chars().all(char::is_alphabetic)) {
                    let one = value.chars().all(|c| c.is_alphanumeric() || c == '-');
                    let there = if one { words.contains(&*value) } else { all.contains(&value) };
                    assert!(!there, "{table}.{column} is told: {value}");
                }
            }
        }
    }

    /// `truth.json` names exactly the rows that are lost and the columns that changed, and
    /// says of nearly every column whether it is told. What it says of evidence is so, too.
    pub(crate) fn assert_truth_agrees(&self) {
        self.assert_evidence_agrees();
        let truth_file = self.truth();
        for name in self.summary.truth.keys() {
            let before = self.rows("restored.sqlite", name);
            let now = self.rows("truth/truth.sqlite", name);
            let part = |part: &str| truth_file[part][name].as_array().cloned().unwrap_or_default();
            let key = |row: &Json| match &row["key"] {
                Json::String(text) => text.clone(),
                number => number.to_string(),
            };
            let lost: BTreeSet<String> = part("lost").iter().map(key).collect();
            let changed: BTreeMap<String, Json> =
                part("changed").iter().map(|row| (key(row), row["columns"].clone())).collect();
            let mut untouched = 0;
            for (id, row) in now.iter().filter(|(id, _)| !lost.contains(*id)) {
                let differing: BTreeSet<&str> = (row.iter())
                    .filter(|(column, value)| before[id][*column] != **value)
                    .map(|(column, _)| column.as_str())
                    .collect();
                let told = changed.get(id).and_then(Json::as_object).into_iter().flatten();
                assert_eq!(differing, told.map(|(c, _)| c.as_str()).collect(), "{name} {id}");
                untouched += usize::from(differing.is_empty());
            }
            assert_eq!(truth_file["untouched"][name], untouched, "{name}");
            let told = truth_file["told"][name].as_object().unwrap();
            let columns: BTreeSet<&String> = now.values().flat_map(BTreeMap::keys).collect();
            assert!(told.keys().all(|column| columns.contains(column)), "{name}");
            assert!(told.len() + 1 >= columns.len(), "{name}: one column at most is told in part");
        }
    }
}

/// All files under a folder by their place in it.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let place = path.strip_prefix(dir).unwrap().to_owned();
                found.insert(place, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What holds for every kind: the same seed gives the same bytes, another one another world.
pub(crate) fn assert_seeded(kind: &str) {
    let (one, same) = (Made::new(kind, 7, SMALL), Made::new(kind, 7, SMALL));
    assert_eq!(one.summary, same.summary);
    assert!(one.bytes() == same.bytes());
    assert!(one.bytes() != Made::new(kind, 8, SMALL).bytes());
}

/// Every noise and several seeds make a world in which rows of this table are lost.
pub(crate) fn assert_every_noise(kind: &str, table: &str) {
    for noise in [Noise::Low, Noise::Normal, Noise::High] {
        for seed in 0..4 {
            let size = Some(60 + 40 * seed as usize);
            let made = Made::new(kind, seed, WorldOptions { size, noise });
            assert!(made.summary.lost[table] > 0);
        }
    }
    // Enough for things that are new since the backup, and are needed after it.
    let made = Made::new(kind, 1, WorldOptions { size: Some(1_700), noise: Noise::High });
    made.assert_sound();
}
