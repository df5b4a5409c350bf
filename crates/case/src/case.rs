use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use restitch_model::{Digest, Instant};
use serde_json::{Value, json};

use crate::appender::Appender;
use crate::durable;
use crate::error::{CaseError, Doing, Result};
use crate::index::{self, INDEX};
use crate::keys::{self, Closed, Keys};
use crate::log::{HEAD, LOG, Log, LogEntry, Stamp};

/// The file that the one who works on a case holds locked.
pub(crate) const LOCK: &str = "case.lock";
/// The folder of the evidence.
pub(crate) const EVIDENCE: &str = "evidence";
/// What may be left of a case whose making was cut off.
const BEGUN: [&str; 3] = [LOCK, EVIDENCE, ".log.head.part"];

/// A case that is open. Clones are the same case; it is unlocked when the last is dropped.
#[derive(Clone)]
pub struct Case {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    /// `None` where the case was opened for reading only.
    lock: Option<File>,
    keys: OnceLock<Keys>,
    log: Mutex<Log>,
    stamp: Mutex<Stamp>,
    appender: Mutex<Option<Appender>>,
}

impl Case {
    /// Makes a case in a new or empty folder, which only its owner can look into, and opens it.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        if is_case(dir) {
            return Err(CaseError::Exists(dir.to_owned()));
        }
        durable::make_folder(dir)?;
        for entry in std::fs::read_dir(dir).doing("read the folder", dir)? {
            let name = entry.doing("read the folder", dir)?.file_name();
            if !BEGUN.iter().any(|begun| name == *begun) {
                return Err(CaseError::NotEmpty(dir.to_owned()));
            }
        }
        let lock = lock(dir)?;
        if is_case(dir) {
            // Another run made it in the meantime.
            return Err(CaseError::Exists(dir.to_owned()));
        }
        close_to_others(dir)?;
        durable::make_folder(&dir.join(EVIDENCE))?;
        Log::create(dir)?;
        Self::opened(dir, Some(lock))
    }

    /// Opens a case to work on it, which nobody else can do until it is dropped.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        if !is_case(dir) {
            return Err(CaseError::NoCase(dir.to_owned()));
        }
        let lock = lock(dir)?;
        Self::opened(dir, Some(lock))
    }

    /// Opens a case to look at it, even while another run works on it; nothing can be
    /// written then.
    pub fn open_read_only(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        if is_case(dir) { Self::opened(dir, None) } else { Err(CaseError::NoCase(dir.to_owned())) }
    }

    /// Opens the case in a folder, or makes one where there is none.
    pub fn open_or_create(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        if is_case(dir) { Self::open(dir) } else { Self::create(dir) }
    }

    /// Says to whom the case is sealed and who opens it, once, before anything is read or
    /// written that may be sealed. A case that is never told is not sealed.
    ///
    /// # Errors
    /// The case was begun sealed and these keys do not seal, or the other way round.
    pub fn use_keys(&self, keys: Keys) -> Result<()> {
        match (index::is_sealed(&self.dir().join(EVIDENCE))?, keys.seal()) {
            (Some(true), false) => return Err(CaseError::Sealed(self.dir().to_owned())),
            (Some(false), true) => return Err(CaseError::NotSealed(self.dir().to_owned())),
            _ => {}
        }
        // Who tells it a second time tells it the same.
        let _ = self.inner.keys.set(keys);
        Ok(())
    }

    /// Refuses a sealed case that nothing is known to open, before a step that must read it.
    pub fn readable(&self) -> Result<()> {
        match self.keys().seal() && !self.keys().open() {
            true => Err(Closed::NoIdentity.of(self.dir(), "")),
            false => Ok(()),
        }
    }

    /// To whom the case is sealed and who opens it.
    pub fn keys(&self) -> &Keys {
        self.inner.keys.get().unwrap_or(&keys::NONE)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Where a result lies or would lie: `rules.toml`, `facts/payments.parquet`. In a sealed
    /// case `.age` is added to most.
    pub fn path(&self, name: &str) -> PathBuf {
        self.inner.dir.join(&*self.kept_as(name))
    }

    /// What the log says, from the first line on. Lines that were changed are left out; `verify`
    /// names them.
    pub fn history(&self) -> Result<Vec<LogEntry>> {
        let bytes = durable::read(&self.path(LOG))?.unwrap_or_default();
        let lines = durable::whole_lines(&bytes).0.into_iter();
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Says in the log who did what, and how. What is written after is noted as done by the
    /// same actor at the same time, until this is called again.
    pub fn log(&self, at: Instant, actor: &str, action: &str, details: Value) -> Result<()> {
        let stamp = Stamp { at: Some(at), actor: actor.to_owned() };
        held(&self.inner.stamp).clone_from(&stamp);
        self.append_to_log(&stamp, vec![(action, details)])
    }

    pub(crate) fn stamp(&self) -> Stamp {
        held(&self.inner.stamp).clone()
    }

    pub(crate) fn append_to_log(&self, stamp: &Stamp, entries: Vec<(&str, Value)>) -> Result<()> {
        self.writable()?;
        if entries.is_empty() {
            return Ok(());
        }
        held(&self.inner.log).append(stamp, entries)
    }

    pub(crate) fn with_appender<T>(
        &self,
        write: impl FnOnce(&mut Appender) -> Result<T>,
    ) -> Result<T> {
        self.writable()?;
        let mut slot = held(&self.inner.appender);
        if slot.is_none() {
            let folder = self.dir().join(EVIDENCE);
            durable::make_folder(&folder)?;
            let (appender, repaired) = Appender::open(&folder, self.keys())?;
            *slot = Some(appender);
            if let Some(text) = repaired {
                self.append_to_log(&self.stamp(), vec![("repaired", json!({"evidence": text}))])?;
            }
        }
        write(slot.as_mut().expect("the appender was opened"))
    }

    /// The digest that a result had when it was last written.
    pub(crate) fn written(&self, name: &str) -> Option<Digest> {
        held(&self.inner.log).written(name)
    }

    pub(crate) fn writable(&self) -> Result<()> {
        match self.inner.lock {
            Some(_) => Ok(()),
            None => Err(CaseError::ReadOnly(self.inner.dir.clone())),
        }
    }

    fn opened(dir: &Path, lock: Option<File>) -> Result<Self> {
        let inner = Inner {
            dir: dir.to_owned(),
            lock,
            keys: OnceLock::new(),
            log: Mutex::new(Log::open(dir)?),
            stamp: Mutex::new(Stamp { at: None, actor: "restitch".to_owned() }),
            appender: Mutex::new(None),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.inner.dir).finish()
    }
}

/// Any of these tells a case, so that one that has lost a file is still known as one and
/// `verify` can name what it lost.
fn is_case(dir: &Path) -> bool {
    let index = dir.join(EVIDENCE).join(INDEX);
    [dir.join(LOG), dir.join(HEAD), index].iter().any(|path| path.is_file())
}

/// Takes the case's lock and leaves word of who holds it. The system frees the lock when the
/// process ends in whatever way; the file stays.
fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    let mut file =
        durable::writing().read(true).truncate(false).open(&path).doing("open", &path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(error).doing("lock", &path),
        Err(TryLockError::WouldBlock) => {
            let mut said = String::new();
            // Where the system lets nobody read a locked file, the holder stays unnamed.
            let process =
                file.read_to_string(&mut said).ok().and_then(|_| said.trim().parse().ok());
            let holder =
                process.map_or("another run".to_owned(), |id: u32| format!("process {id}"));
            return Err(CaseError::InUse { dir: dir.to_owned(), holder });
        }
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .doing("write", &path)?;
    Ok(file)
}

/// A folder that was there before may be open to others.
fn close_to_others(dir: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(dir, mode).doing("close to other users", dir)?;
    }
    Ok(())
}

/// A thread that panicked with the lock held has left nothing half done that a later step
/// relies on: the log writes before it changes its state, the appender halts itself.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case() -> (tempfile::TempDir, Case) {
        let dir = tempfile::tempdir().unwrap();
        let case = Case::create(dir.path().join("case")).unwrap();
        (dir, case)
    }

    #[test]
    fn a_case_in_use_is_refused_with_the_process_that_holds_it() {
        let (_dir, case) = case();
        let refused = Case::open(case.dir()).unwrap_err().to_string();
        let holder = format!("is in use by process {}: wait until", std::process::id());
        assert!(refused.contains(&holder), "{refused}");
        let dir = case.dir().to_owned();
        drop(case);
        Case::open(dir).unwrap();
    }

    #[test]
    fn a_case_in_use_can_be_looked_at_and_not_written() {
        let (_dir, case) = case();
        case.write("rules.toml", "accept").unwrap();
        let looker = Case::open_read_only(case.dir()).unwrap();
        assert_eq!(looker.read("rules.toml").unwrap(), b"accept");
        let now = Instant::UNIX_EPOCH;
        let refused = |result: Result<()>| matches!(result.unwrap_err(), CaseError::ReadOnly(_));
        assert!(refused(looker.write("rules.toml", "").map(drop)));
        assert!(refused(looker.remove("rules.toml")));
        assert!(refused(looker.log(now, "ana", "looked", json!({}))));
        assert!(refused(looker.add_decisions(&[]).map(drop)));
        assert!(refused(looker.evidence_writer("mail", now).map(drop)));
        assert_eq!(looker.verify().problems, [""; 0]);
    }

    #[test]
    fn a_folder_that_is_no_case_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        for open in [Case::open, Case::open_read_only] {
            assert!(matches!(open(dir.path()).unwrap_err(), CaseError::NoCase(_)));
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_case_is_made_only_where_nothing_else_is() {
        let (dir, case) = case();
        assert!(matches!(Case::create(case.dir()).unwrap_err(), CaseError::Exists(_)));
        assert!(matches!(Case::create(dir.path()).unwrap_err(), CaseError::NotEmpty(_)));
        let path = case.dir().to_owned();
        drop(case);
        Case::open_or_create(&path).unwrap();
        Case::open_or_create(dir.path().join("deep/er")).unwrap();
    }

    #[test]
    fn a_case_whose_making_was_cut_off_can_be_made() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK), "4711").unwrap();
        std::fs::create_dir(dir.path().join(EVIDENCE)).unwrap();
        let case = Case::open_or_create(dir.path()).unwrap();
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_but_the_owner_can_look_into_a_case() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let case = Case::create(dir.path()).unwrap();
        case.write("review/pack.html", "<p>").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(case.dir().to_owned()), 0o700);
        assert_eq!(mode(case.path("review")), 0o700);
        assert_eq!(mode(case.path("review/pack.html")), 0o600);
        assert_eq!(mode(case.path(LOG)), 0o600);
    }
}
