use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use restitch_model::Digest;
use serde_json::json;

use crate::case::{Case, EVIDENCE, LOCK};
use crate::decisions::DECISIONS;
use crate::error::{CaseError, Doing, Result};
use crate::log::{HEAD, LOG, REMOVED, WROTE, wrote};
use crate::table::TableData;
use crate::{durable, parquet};

/// Results that stay readable by people and by other programs in a sealed case: the settings,
/// which say to whom it is sealed and hold no person's data, what is signed, and what is made to
/// be looked at or handed out.
const OPEN: [&str; 4] = ["case.toml", "plan.html", "restored.sqlite", "allowed_signers"];
/// The folders of such results.
const OPEN_FOLDERS: [&str; 2] = ["review/out/", "approvals/"];

/// What the steps write: each result whole, with its digest in the log.
impl Case {
    /// The name of the file that a result is kept in: in a sealed case that of an age file,
    /// unless the result stays open.
    pub(crate) fn kept_as<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let is_open = OPEN.contains(&name) || OPEN_FOLDERS.iter().any(|o| name.starts_with(o));
        match self.keys().seal() && !is_open && name != DECISIONS {
            true => Cow::Owned(format!("{name}.age")),
            false => Cow::Borrowed(name),
        }
    }

    /// Whether a result is there.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// Writes a result whole, or leaves what was there, and notes its digest in the log.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<Digest> {
        let bytes = bytes.as_ref();
        self.write_all([(name, bytes)])?;
        Ok(Digest::of(bytes))
    }

    /// Writes many results as [`Case::write`] does, with less waiting for the disk.
    pub fn write_all<N, B>(&self, results: impl IntoIterator<Item = (N, B)>) -> Result<()>
    where
        N: AsRef<str>,
        B: AsRef<[u8]>,
    {
        self.writable()?;
        let (mut prepared, mut entries) = (BTreeSet::new(), Vec::new());
        for (name, bytes) in results {
            let (name, bytes) = (name.as_ref(), bytes.as_ref());
            let (path, kept_as) = (self.place(name)?, self.kept_as(name));
            path.parent().map_or(Ok(()), durable::make_folder)?;
            let bytes = match kept_as == name {
                true => Cow::Borrowed(bytes),
                false => Cow::Owned(self.keys().sealed(bytes).doing("seal", &path)?),
            };
            durable::prepare(&path, &bytes)?;
            entries.push((WROTE, wrote(&kept_as, Digest::of(&bytes))));
            prepared.insert(path);
        }
        let mut folders = BTreeSet::from([self.dir()]);
        for path in &prepared {
            durable::publish(path)?;
            folders.extend(path.parent());
        }
        folders.into_iter().try_for_each(durable::sync_folder)?;
        self.append_to_log(&self.stamp(), entries)
    }

    /// Whether a result is there and holds these bytes. One that is not sealed is held against
    /// them without a second copy of it in memory.
    pub fn holds(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        let path = self.place(name)?;
        if self.kept_as(name) == name {
            return Ok(durable::digest(&path)? == Some(Digest::of(bytes)));
        }
        Ok(self.has(name) && self.read(name)? == bytes)
    }

    /// The bytes of a result.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        Ok(self.read_kept(name)?.0)
    }

    /// The bytes of a result, and the digest of the file that keeps them.
    fn read_kept(&self, name: &str) -> Result<(Vec<u8>, Digest)> {
        let path = self.place(name)?;
        let bytes = durable::read(&path)?.ok_or_else(|| self.not_written(name))?;
        let digest = Digest::of(&bytes);
        if self.kept_as(name) == name {
            return Ok((bytes, digest));
        }
        let opened = self.keys().opened(&bytes).map_err(|closed| closed.of(&path, AGAIN))?;
        Ok((opened, digest))
    }

    /// The text of a result.
    pub fn read_text(&self, name: &str) -> Result<String> {
        String::from_utf8(self.read(name)?).map_err(|error| CaseError::Damaged {
            path: self.path(name),
            problem: format!(
                "it is not UTF-8 text from byte {} on",
                error.utf8_error().valid_up_to()
            ),
        })
    }

    /// Takes a result away that is not one any more, and says so in the log.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.writable()?;
        let path = self.place(name)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Taken away by hand: the log must not go on missing it.
                if self.written(&self.kept_as(name)).is_none() {
                    return Ok(());
                }
            }
            removed => removed.doing("remove", &path)?,
        }
        path.parent().map_or(Ok(()), durable::sync_folder)?;
        self.append_to_log(&self.stamp(), vec![(REMOVED, json!({"name": self.kept_as(name)}))])
    }

    /// Notes the digest of a file in the case that something else has written, such as
    /// `restored.sqlite`, which must be closed and safe on the disk by then.
    pub fn note_written(&self, name: &str) -> Result<Digest> {
        self.writable()?;
        let digest = durable::digest(&self.place(name)?)?.ok_or_else(|| self.not_written(name))?;
        self.append_to_log(&self.stamp(), vec![(WROTE, wrote(&self.kept_as(name), digest))])?;
        Ok(digest)
    }

    /// Writes a table as Parquet, as [`Case::write`] does. `.parquet` is added to a name
    /// without it. The same table gives the same bytes.
    pub fn write_table(&self, name: &str, table: &TableData) -> Result<Digest> {
        let bytes = parquet::to_bytes(table).map_err(|problem| table_error(name, problem))?;
        self.write(&table_name(name), bytes)
    }

    /// Reads a table that [`Case::write_table`] wrote and that has not changed since.
    pub fn read_table(&self, name: &str) -> Result<TableData> {
        let name = table_name(name);
        let (bytes, digest) = self.read_kept(&name)?;
        // A decoder of a columnar format is not to be fed with anything but its own work.
        if self.written(&self.kept_as(&name)) != Some(digest) {
            let problem = format!("it is not what was written; {AGAIN}");
            return Err(CaseError::Damaged { path: self.path(&name), problem });
        }
        parquet::from_bytes(bytes).map_err(|problem| table_error(&name, problem))
    }

    /// The path of a result whose name may come from outside, such as a source's.
    pub(crate) fn place(&self, name: &str) -> Result<PathBuf> {
        match is_result(name) {
            true => Ok(self.path(name)),
            false => Err(CaseError::Name(name.to_owned())),
        }
    }

    pub(crate) fn not_written(&self, name: &str) -> CaseError {
        CaseError::NotWritten { dir: self.dir().to_owned(), name: name.to_owned() }
    }
}

/// Whether this can be the name of a result.
pub(crate) fn is_result(name: &str) -> bool {
    let parts: Vec<_> = Path::new(name).components().collect();
    let plain = parts.iter().all(|part| matches!(part, Component::Normal(_)));
    // One name for one file, or the log would hold two digests of it.
    let spelled: Vec<_> = parts.iter().filter_map(|part| part.as_os_str().to_str()).collect();
    let kept = [EVIDENCE, LOCK, LOG, HEAD].map(Some).contains(&spelled.first().copied());
    let refused = !plain || kept || parts.is_empty() || name == DECISIONS;
    !refused && spelled.join("/") == name
}

/// What mends a result.
pub(crate) const AGAIN: &str = "run the step again that writes it";

pub(crate) fn table_name(name: &str) -> String {
    if name.ends_with(".parquet") { name.to_owned() } else { format!("{name}.parquet") }
}

pub(crate) fn table_error(name: &str, problem: String) -> CaseError {
    CaseError::Table { name: name.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use restitch_model::Instant;
    use serde_json::Value;

    use super::*;
    use crate::table::ColumnData;

    fn case() -> (tempfile::TempDir, Case) {
        let dir = tempfile::tempdir().unwrap();
        let case = Case::create(dir.path().join("case")).unwrap();
        (dir, case)
    }

    #[test]
    fn a_result_holds_what_was_written_and_nothing_else() {
        let (_dir, case) = case();
        assert!(!case.holds("plan.json", b"{}").unwrap());
        case.write("plan.json", "{}").unwrap();
        assert!(case.holds("plan.json", b"{}").unwrap());
        assert!(!case.holds("plan.json", b"{} ").unwrap());
    }

    fn log_lines(case: &Case) -> Vec<Value> {
        let text = std::fs::read_to_string(case.path(LOG)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn table() -> TableData {
        let amounts = ColumnData::Integer(vec![Some(1250), None]);
        TableData::default().with("amount", amounts)
    }

    #[test]
    fn a_result_is_noted_with_its_digest_and_with_who_wrote_it_when() {
        let (_dir, case) = case();
        case.write("case.toml", "early").unwrap();
        let at: Instant = "2026-04-25T14:03:00Z".parse().unwrap();
        case.log(at, "ana", "learn", json!({"rules": 3})).unwrap();
        let digest = case.write("rules.toml", "rules").unwrap();
        let lines = log_lines(&case);
        assert_eq!((&lines[0]["at"], &lines[0]["actor"]), (&Value::Null, &json!("restitch")));
        assert_eq!(lines[1]["details"], json!({"rules": 3}));
        assert_eq!(lines[2]["action"], "wrote");
        assert_eq!(lines[2]["details"], json!({"name": "rules.toml", "digest": digest}));
        assert_eq!((&lines[2]["at"], &lines[2]["actor"]), (&json!(at), &json!("ana")));
        assert_eq!(digest, Digest::of(b"rules"));
    }

    #[test]
    fn a_result_can_be_taken_away() {
        let (_dir, case) = case();
        case.write_all([("review/a.html", "a"), ("review/b.html", "b")]).unwrap();
        case.remove("review/a.html").unwrap();
        case.remove("review/never.html").unwrap();
        case.write("review/c.html", "c").unwrap();
        std::fs::remove_file(case.path("review/c.html")).unwrap();
        case.remove("review/c.html").unwrap();
        assert!(!case.has("review/a.html") && case.has("review/b.html"));
        let missing = case.read("review/a.html").unwrap_err().to_string();
        assert!(missing.starts_with("review/a.html is not in the case at "), "{missing}");
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[test]
    fn no_result_leads_out_of_the_case_or_into_what_only_grows() {
        let (_dir, case) = case();
        for name in [
            "",
            "/etc/passwd",
            "..",
            "../x",
            "facts/../../x",
            "./x",
            "facts/",
            "evidence/x",
            "evidence",
            "facts//x",
            "log.jsonl",
            "log.head",
            "case.lock",
            "review/decisions.jsonl",
        ] {
            assert!(matches!(case.write(name, "x"), Err(CaseError::Name(_))), "{name}");
            assert!(matches!(case.read(name), Err(CaseError::Name(_))), "{name}");
        }
    }

    #[test]
    fn a_table_is_read_as_it_was_written_and_only_so() {
        let (_dir, case) = case();
        let digest = case.write_table("facts/payments", &table()).unwrap();
        assert_eq!(case.read_table("facts/payments.parquet").unwrap(), table());
        assert_eq!(case.write_table("facts/payments.parquet", &table()).unwrap(), digest);
        std::fs::write(case.path("facts/payments.parquet"), b"PAR1 what is this PAR1").unwrap();
        let refused = case.read_table("facts/payments").unwrap_err().to_string();
        assert!(refused.contains("is not what was written; run the step again"), "{refused}");
    }

    #[test]
    fn a_reopened_case_knows_what_was_written() {
        let (_dir, case) = case();
        case.write_table("facts/payments", &table()).unwrap();
        let dir = case.dir().to_owned();
        drop(case);
        assert_eq!(Case::open(dir).unwrap().read_table("facts/payments").unwrap(), table());
    }

    #[test]
    fn a_file_that_something_else_wrote_is_noted() {
        let (_dir, case) = case();
        std::fs::write(case.path("restored.sqlite"), "rows").unwrap();
        case.note_written("restored.sqlite").unwrap();
        std::fs::write(case.path("restored.sqlite"), "other rows").unwrap();
        assert_eq!(
            case.verify().problems,
            ["restored.sqlite is not what was written; run the step again that writes it"]
        );
    }
}
