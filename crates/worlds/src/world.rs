use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::WorldError;
use crate::{appointments, car_rental, lodging};

/// How a world is to be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorldOptions {
    /// About how many reservations, before and after the backup; the kind's own default
    /// where it is `None`.
    pub size: Option<usize>,
    /// How much goes wrong in it.
    pub noise: Noise,
}

/// How much goes wrong in a world: see `WORLD.md` for each share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// A tidy business: about a third of the usual.
    Low,
    /// What is usual.
    #[default]
    Normal,
    /// A busy, careless one: about twice the usual, and cars, rooms or staff that are new since
    /// the backup.
    High,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldSummary {
    /// The kind of world.
    pub kind: String,
    /// Its seed.
    pub seed: u64,
    /// Rows of `restored.sqlite` by table.
    pub restored: BTreeMap<String, usize>,
    /// Rows of `truth.sqlite` by table.
    pub truth: BTreeMap<String, usize>,
    /// Lost rows by table.
    pub lost: BTreeMap<String, usize>,
    /// Lost rows that no source saw, by table.
    pub unseen: BTreeMap<String, usize>,
    /// Surviving rows that changed after the backup, by table.
    pub changed: BTreeMap<String, usize>,
    /// Evidence items by kind.
    pub evidence: BTreeMap<String, usize>,
    /// Files written.
    pub files: usize,
    /// Their bytes together.
    pub bytes: u64,
}

type Maker = fn(u64, &WorldOptions, &Path) -> Result<WorldSummary, WorldError>;

const KINDS: [(&str, Maker); 3] = [
    ("appointments", appointments::write),
    ("car-rental", car_rental::write),
    ("lodging", lodging::write),
];

/// The kinds of world there are.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

/// Writes a world into a folder, which is made where it is missing and must be empty.
///
/// The same kind, seed and options give the same bytes in every file. What is written is said
/// in the crate's `WORLD.md`.
///
/// # Errors
///
/// An unknown kind, a folder that holds something, or a file that cannot be written.
pub fn write_world(
    kind: &str,
    seed: u64,
    options: &WorldOptions,
    dir: &Path,
) -> Result<WorldSummary, WorldError> {
    let Some((_, maker)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        let known = kinds().collect::<Vec<_>>().join(", ");
        return Err(WorldError::UnknownWorld { asked: kind.to_owned(), known });
    };
    fs::create_dir_all(dir).map_err(WorldError::write(dir))?;
    if fs::read_dir(dir).map_err(WorldError::write(dir))?.next().is_some() {
        return Err(WorldError::NotEmpty(dir.to_owned()));
    }
    let mut summary = maker(seed, options, dir)?;
    (summary.kind, summary.seed) = (kind.to_owned(), seed);
    (summary.files, summary.bytes) = measure(dir)?;
    Ok(summary)
}

/// The number of files below a folder, and their bytes together.
fn measure(dir: &Path) -> Result<(usize, u64), WorldError> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(dir).map_err(WorldError::write(dir))? {
        let path = entry.map_err(WorldError::write(dir))?.path();
        let about = fs::metadata(&path).map_err(WorldError::write(&path))?;
        if about.is_dir() {
            let (inner_files, inner_bytes) = measure(&path)?;
            files += inner_files;
            bytes += inner_bytes;
        } else {
            files += 1;
            bytes += about.len();
        }
    }
    Ok((files, bytes))
}
