use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use restitch_model::{Digest, Instant};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Result;
use crate::{durable, sealed};

/// The log's file in the case.
pub(crate) const LOG: &str = "log.jsonl";
/// Holds the number and the hash of the log's last line, so that lines taken from its end
/// are missed.
pub(crate) const HEAD: &str = "log.head";

/// Says that results were written: `name` and `digest`.
pub(crate) const WROTE: &str = "wrote";
/// Says that a result was taken away: `name`.
pub(crate) const REMOVED: &str = "removed";
/// Says that a pull ended: the `index` as it was then.
pub(crate) const PULLED: &str = "pulled";
/// Says that the end of the log was found missing or changed when it was next written.
pub(crate) const GAP: &str = "gap";

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LogEntry {
    /// Its number, from 0.
    pub seq: u64,
    /// When it happened; `None` where the one who wrote was never told the time.
    pub at: Option<Instant>,
    /// Who did it.
    pub actor: String,
    /// What was done, in one word: `wrote`, `pulled`.
    pub action: String,
    /// To what, and how.
    pub details: Value,
    /// The hash of the line before; `None` for the first.
    pub previous: Option<Digest>,
    /// The BLAKE3 hash of the text of this line up to the field `hash`.
    pub hash: Digest,
}

/// What the log's last line was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// How many lines there are.
    pub(crate) lines: u64,
    /// The hash of the last; `None` where there is no line yet.
    pub(crate) last: Option<Digest>,
}

/// Who acts, and when.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub(crate) at: Option<Instant>,
    pub(crate) actor: String,
}

/// The log as far as one must know it to write on.
#[derive(Debug)]
pub(crate) struct Log {
    dir: PathBuf,
    head: Head,
    written: BTreeMap<String, Digest>,
    /// What the head says where the lines do not bear it out.
    missed: Option<Value>,
}

impl Log {
    /// Begins the log of a new case.
    pub(crate) fn create(dir: &Path) -> Result<()> {
        write_head(dir, Head { lines: 0, last: None })?;
        durable::replace(&dir.join(LOG), b"")
    }

    /// Reads the log. Lines that were changed are passed over here: `verify` names them.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let bytes = durable::read(&dir.join(LOG))?.unwrap_or_default();
        let said = read_head(dir)?;
        let mut log = Self {
            dir: dir.to_owned(),
            head: Head { lines: 0, last: None },
            written: BTreeMap::new(),
            missed: None,
        };
        let mut borne_out = said == Some(log.head);
        for line in durable::whole_lines(&bytes).0 {
            let Ok(entry) = serde_json::from_slice::<LogEntry>(line) else { continue };
            log.head = Head { lines: entry.seq.saturating_add(1), last: Some(entry.hash) };
            borne_out |= said == Some(log.head);
            note_written(&mut log.written, &entry.action, &entry.details);
        }
        if !borne_out {
            let said = said.map(|head| json!({"lines": head.lines, "last": head.last}));
            log.missed = Some(json!({"head": said}));
        }
        Ok(log)
    }

    /// Appends lines, safe on the disk when this returns.
    pub(crate) fn append(&mut self, stamp: &Stamp, entries: Vec<(&str, Value)>) -> Result<()> {
        let gap = self.missed.clone().map(|said| (GAP, said));
        let (mut head, mut lines) = (self.head, String::new());
        let entries: Vec<_> = gap.into_iter().chain(entries).collect();
        for (action, details) in &entries {
            let (line, hash) = sealed::seal(&Body {
                seq: head.lines,
                at: stamp.at,
                actor: &stamp.actor,
                action,
                details,
                previous: head.last,
            });
            head = Head { lines: head.lines.saturating_add(1), last: Some(hash) };
            lines.push_str(&line);
            lines.push('\n');
        }
        durable::append_lines(&self.dir.join(LOG), lines.as_bytes())?;
        self.head = head;
        self.missed = None;
        for (action, details) in &entries {
            note_written(&mut self.written, action, details);
        }
        write_head(&self.dir, head)
    }

    /// The digest that a result had when it was last written.
    pub(crate) fn written(&self, name: &str) -> Option<Digest> {
        self.written.get(name).copied()
    }
}

/// The details of a line that says that a result was written.
pub(crate) fn wrote(name: &str, digest: Digest) -> Value {
    json!({"name": name, "digest": digest})
}

/// Keeps account of which result was last written with which digest.
pub(crate) fn note_written(written: &mut BTreeMap<String, Digest>, action: &str, details: &Value) {
    let Some(name) = details.get("name").and_then(Value::as_str) else { return };
    let digest = details.get("digest").and_then(Value::as_str).and_then(|text| text.parse().ok());
    match (action, digest) {
        (WROTE, Some(digest)) => {
            written.insert(name.to_owned(), digest);
        }
        (REMOVED, _) => {
            written.remove(name);
        }
        _ => {}
    }
}

/// What the log's last line was when it was last written; `None` where that was changed or
/// is missing.
pub(crate) fn read_head(dir: &Path) -> Result<Option<Head>> {
    let bytes = durable::read(&dir.join(HEAD))?;
    Ok(bytes.and_then(|bytes| Some(sealed::open(bytes.strip_suffix(b"\n")?)?.0)))
}

fn write_head(dir: &Path, head: Head) -> Result<()> {
    durable::replace(&dir.join(HEAD), (sealed::seal(&head).0 + "\n").as_bytes())
}

/// A line before it is sealed.
#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    at: Option<Instant>,
    actor: &'a str,
    action: &'a str,
    details: &'a Value,
    previous: Option<Digest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(actions: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        Log::create(dir.path()).unwrap();
        let mut log = Log::open(dir.path()).unwrap();
        for action in actions {
            log.append(&stamp(), vec![(action, json!({"rows": 0.1}))]).unwrap();
        }
        dir
    }

    fn stamp() -> Stamp {
        Stamp { at: Some("2026-04-25T14:03:00Z".parse().unwrap()), actor: "ana".into() }
    }

    fn entries(dir: &tempfile::TempDir) -> Vec<LogEntry> {
        let bytes = std::fs::read(dir.path().join(LOG)).unwrap();
        let (lines, torn) = durable::whole_lines(&bytes);
        assert_eq!(torn, 0);
        lines.iter().map(|line| sealed::open(line).unwrap().0).collect()
    }

    #[test]
    fn each_line_holds_the_hash_of_the_one_before() {
        let dir = log_of(&["learned", "matched"]);
        let entries = entries(&dir);
        assert_eq!(entries[0].previous, None);
        assert_eq!(entries[1].previous, Some(entries[0].hash));
        assert_eq!((entries[1].seq, entries[1].action.as_str()), (1, "matched"));
        assert_eq!(entries[1].actor, "ana");
    }

    #[test]
    fn an_opened_log_goes_on_where_it_ended() {
        let dir = log_of(&["learned"]);
        Log::open(dir.path()).unwrap().append(&stamp(), vec![("matched", json!({}))]).unwrap();
        assert_eq!(entries(&dir)[1].previous, Some(entries(&dir)[0].hash));
    }

    #[test]
    fn a_torn_last_line_is_taken_away_before_the_next() {
        let dir = log_of(&["learned"]);
        let path = dir.path().join(LOG);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"seq\":1,\"at")).unwrap();
        Log::open(dir.path()).unwrap().append(&stamp(), vec![("matched", json!({}))]).unwrap();
        assert_eq!(entries(&dir).len(), 2);
    }

    #[test]
    fn a_line_taken_from_the_end_leaves_a_gap_in_the_log_for_ever() {
        let dir = log_of(&["learned", "matched"]);
        let path = dir.path().join(LOG);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, whole.lines().next().unwrap().to_owned() + "\n").unwrap();
        Log::open(dir.path()).unwrap().append(&stamp(), vec![("planned", json!({}))]).unwrap();
        let actions: Vec<_> = entries(&dir).into_iter().map(|entry| entry.action).collect();
        assert_eq!(actions, ["learned", "gap", "planned"]);
    }
}
