//! Moving the messages of a mailbox into the case, folder by folder.
//!
//! What a server does not give is tried again: on a new connection where the old one broke, in
//! smaller pieces where a piece fails. So a message that cannot be had costs itself alone. It is
//! a gap, and is asked for again when the mailbox is pulled the next time.

use std::collections::{BTreeSet, VecDeque};

use jiff::civil::Date;
use restitch_connect::{PullError, Sink};
use restitch_model::{Instant, Progress, Remark};

use super::ImapMailbox;
use super::answer::Fetched;
use super::connection::{Connection, Halt};
use super::cursor::{Before, Cursor, Reached};
use super::folder::{self, Folder};
use super::session::{Failure, Opened};
use super::uids;
use crate::envelope::item;
use crate::mbox::MAX_MESSAGE;

/// How many messages are asked for at once.
const BATCH: usize = 200;
/// How many numbers are searched through at once, so that an answer stays short.
const SEARCHED: u32 = 1_000_000;
/// After so many bytes the case is told how far the pull has come.
const CHECKPOINT: u64 = 16 << 20;
/// How often in a row messages may break their connection before they are asked for in smaller
/// pieces, or set aside.
const BREAKS: u32 = 2;
/// How many folders are named where none is called as a pattern wants.
const NAMED: usize = 50;
/// How much of the list of those that could not be had is shown.
const SHOWN: usize = 200;

/// A pull under way.
pub struct Puller<'p> {
    /// The mailbox.
    pub mailbox: &'p ImapMailbox,
    /// The way to it.
    pub connection: Connection<'p>,
    /// Where the messages go.
    pub sink: &'p mut dyn Sink,
    /// Where progress is reported.
    pub progress: &'p dyn Progress,
    /// The day from which on messages are wanted; all where there is none.
    pub since: Option<Date>,
    /// How far the pulls have come.
    pub cursor: Cursor,
}

/// The folder that is being pulled.
struct Open<'f> {
    folder: &'f Folder,
    container: String,
    opened: Opened,
    reached: Reached,
    /// What could not be had, now or earlier.
    missed: BTreeSet<u32>,
    /// Why, of the last of them.
    problem: String,
    /// Bytes since the case was last told.
    bytes: u64,
}

impl Puller<'_> {
    /// Pulls all folders that are wanted.
    pub fn run(mut self) -> Result<(), PullError> {
        for folder in self.folders()? {
            let container = format!("{}/{}", self.mailbox.account(), folder.name);
            let mut pulled = self.folder(&folder, &container);
            if matches!(pulled, Err(Halt::Renumbered)) {
                pulled = self.folder(&folder, &container);
            }
            match pulled {
                Ok(()) => {}
                Err(Halt::Error(error)) => return Err(error),
                Err(halt) => {
                    let text = format!("the folder could not be pulled: {halt}");
                    self.sink.gap(Remark::new(&container, text));
                }
            }
        }
        self.connection.end();
        Ok(())
    }

    fn folders(&mut self) -> Result<Vec<Folder>, PullError> {
        let listed = self.connection.often(|s| Ok((s.folders()?, s.is_gmail())));
        let server = &self.mailbox.url;
        let (mut folders, is_gmail) = listed.map_err(|halt| halt.into_error(server, "LIST"))?;
        let patterns = &self.mailbox.folders;
        if patterns.is_empty() {
            return Ok(folder::all(folders, is_gmail));
        }
        let is_there =
            |pattern: &&String| folders.iter().any(|f| folder::matches(pattern, &f.name));
        if let Some(pattern) = patterns.iter().find(|pattern| !is_there(pattern)) {
            let names = folders.iter().take(NAMED).map(|f| format!("{:?}", f.name));
            let names: Vec<_> = names.collect();
            return Err(PullError::Settings(format!(
                "no folder of {server} is called {pattern:?}; there are {}",
                names.join(", ")
            )));
        }
        folders.retain(|f| patterns.iter().any(|pattern| folder::matches(pattern, &f.name)));
        Ok(folders)
    }

    fn folder(&mut self, folder: &Folder, container: &str) -> Result<(), Halt> {
        let opened = self.connection.open(folder)?;
        let since = self.since.map(|day| day.to_string());
        let mut reached = Reached { validity: opened.validity, next: 1, ..Reached::default() };
        match self.cursor.reached(&folder.raw, opened.validity, since.as_deref()) {
            Before::Never => {}
            Before::Reached(earlier) => reached = earlier,
            Before::Renumbered => {
                let text = match opened.validity {
                    0 => "the server gives its messages no lasting numbers: it is pulled whole",
                    _ => "the server has numbered its messages anew: it is pulled whole",
                };
                self.sink.remark(Remark::new(container, text));
            }
        }
        reached.since = since;
        let missed = uids::numbers(&reached.missed);
        let mut open = Open {
            folder,
            container: container.to_owned(),
            opened,
            reached,
            missed: missed.iter().copied().collect(),
            problem: String::new(),
            bytes: 0,
        };
        self.batches(&mut open, &missed)?;
        if opened.messages > 0 {
            self.new_messages(&mut open)?;
        }
        self.checkpoint(&mut open)?;
        if !open.missed.is_empty() {
            self.sink.gap(open.gap());
        }
        Ok(())
    }

    /// Pulls what has a number that was not asked for yet.
    fn new_messages(&mut self, open: &mut Open<'_>) -> Result<(), Halt> {
        let Some(end) = open.opened.next else {
            let set = format!("{}:*", open.reached.next);
            let mut found = self.search(&set)?;
            // `*` is the last message, also where its number is smaller (RFC 9051, 9).
            found.retain(|uid| *uid >= open.reached.next);
            return self.batches(open, &found);
        };
        while open.reached.next < end {
            let first = open.reached.next;
            let after = first.saturating_add(SEARCHED).min(end);
            let found = self.search(&format!("{first}:{}", after - 1))?;
            self.batches(open, &found)?;
            open.reached.next = after;
        }
        Ok(())
    }

    /// The numbers of a set that messages have, without those that came too early.
    fn search(&mut self, set: &str) -> Result<Vec<u32>, Halt> {
        let day = self.since.map(|day| day.strftime("%-d-%b-%Y").to_string());
        match self.connection.often(|session| session.search(set, day.as_deref())) {
            // Not every server can search by day. More than is needed does no harm.
            Err(Halt::Refused(_)) if day.is_some() => {
                self.connection.often(|session| session.search(set, None))
            }
            found => found,
        }
    }

    /// Pulls the messages with these numbers, in pieces that get smaller where one fails.
    fn batches(&mut self, open: &mut Open<'_>, uids: &[u32]) -> Result<(), Halt> {
        let mut queue: VecDeque<Vec<u32>> = uids.chunks(BATCH).map(<[u32]>::to_vec).collect();
        while let Some(batch) = queue.pop_front() {
            let mut left: BTreeSet<u32> = batch.iter().copied().collect();
            let fetched = self.fetch(open, &mut left);
            let left: Vec<u32> = left.into_iter().collect();
            match fetched {
                Ok(()) if left.is_empty() => {}
                Ok(()) => {
                    let there = self.still_there(&left)?;
                    left.iter().filter(|uid| !there.contains(uid)).for_each(|uid| {
                        open.missed.remove(uid);
                    });
                    match batch.len() {
                        1 => open.miss(&there, "the server's answer cannot be read"),
                        _ => there.into_iter().rev().for_each(|uid| queue.push_front(vec![uid])),
                    }
                }
                Err(Halt::Refused(problem)) if batch.len() == 1 => open.miss(&left, &problem),
                Err(Halt::Refused(_)) => {
                    // Where some came, the next one is most likely what the others wait behind.
                    let came = left.len() < batch.len();
                    let (one, rest) = left.split_at(if came { 1 } else { left.len() / 2 });
                    let pieces = [rest, one].into_iter().filter(|piece| !piece.is_empty());
                    pieces.for_each(|piece| queue.push_front(piece.to_vec()));
                }
                Err(halt) => return Err(halt),
            }
            let next = queue.front().and_then(|batch| batch.first()).copied();
            let after = uids.last().map(|last| last.saturating_add(1));
            open.reached.next = next.or(after).unwrap_or(0).max(open.reached.next);
            self.checkpoint(open)?;
        }
        Ok(())
    }

    /// Which of the messages that the server left out are not simply deleted.
    fn still_there(&mut self, uids: &[u32]) -> Result<Vec<u32>, Halt> {
        let set = uids::set(uids);
        match self.connection.often(|session| session.search(&set, None)) {
            Ok(there) => Ok(there.into_iter().filter(|uid| uids.contains(uid)).collect()),
            Err(Halt::Refused(_)) => Ok(uids.to_vec()),
            Err(halt) => Err(halt),
        }
    }

    /// Pulls messages in one piece, and takes those that came out of `left`.
    fn fetch(&mut self, open: &mut Open<'_>, left: &mut BTreeSet<u32>) -> Result<(), Halt> {
        let mut breaks = 0;
        loop {
            let before = left.len();
            let set = uids::set(&left.iter().copied().collect::<Vec<_>>());
            let Self { connection, sink, progress, cursor, .. } = self;
            let fetched = connection.once(|session| {
                session.fetch(&set, &mut |fetched| {
                    if keep(fetched, open, left, *sink)? {
                        progress.advance(1);
                    }
                    if open.bytes >= CHECKPOINT {
                        let next = left.first().copied().unwrap_or(0);
                        open.reached.next = next.max(open.reached.next);
                        checkpoint(open, cursor, *sink).map_err(Failure::Final)?;
                    }
                    Ok(())
                })
            });
            match fetched {
                Err(Halt::Broken(problem)) => {
                    breaks = if left.len() < before { 1 } else { breaks + 1 };
                    if left.is_empty() {
                        return Ok(());
                    }
                    if breaks == BREAKS {
                        return Err(Halt::Refused(problem));
                    }
                }
                fetched => return fetched,
            }
        }
    }

    fn checkpoint(&mut self, open: &mut Open<'_>) -> Result<(), Halt> {
        checkpoint(open, &mut self.cursor, self.sink).map_err(Halt::Error)
    }
}

impl Open<'_> {
    fn miss(&mut self, uids: &[u32], problem: &str) {
        self.missed.extend(uids);
        if !uids.is_empty() {
            self.problem = problem.to_owned();
        }
    }

    /// Says what could not be had.
    fn gap(&self) -> Remark {
        let missed: Vec<u32> = self.missed.iter().copied().collect();
        let (count, mut set) = (missed.len(), uids::set(&missed));
        if set.len() > SHOWN {
            set.truncate(SHOWN);
            set.push('…');
        }
        let messages = if count == 1 { "message" } else { "messages" };
        let text = format!(
            "{count} {messages} could not be pulled (UID {set}): {}; the next pull asks again",
            self.problem
        );
        Remark::new(&self.container, text)
    }
}

/// Keeps a message if it is one that was asked for and has not come yet.
fn keep(
    fetched: Fetched,
    open: &mut Open<'_>,
    left: &mut BTreeSet<u32>,
    sink: &mut dyn Sink,
) -> Result<bool, Failure> {
    let (Some(uid), Some(body)) = (fetched.uid, fetched.body) else { return Ok(false) };
    if !left.contains(&uid) {
        return Ok(false);
    }
    open.bytes += body.bytes.len() as u64;
    let mut item = item(body.bytes, &open.container);
    let received = fetched.internal_date.as_deref().and_then(instant);
    item.at = item.at.or(received);
    if body.cut {
        let about = format!("{}: {}", item.container, item.native_id);
        let limit = MAX_MESSAGE >> 20;
        let text = format!("longer than {limit} MiB: only its beginning was kept");
        sink.remark(Remark::new(about, text));
    }
    sink.put(item).map_err(Failure::Final)?;
    left.remove(&uid);
    open.missed.remove(&uid);
    Ok(true)
}

/// Tells the case how far the pull has come.
fn checkpoint(
    open: &mut Open<'_>,
    cursor: &mut Cursor,
    sink: &mut dyn Sink,
) -> Result<(), PullError> {
    let missed: Vec<u32> = open.missed.iter().copied().collect();
    open.reached.missed = uids::set(&missed);
    open.bytes = 0;
    cursor.set(&open.folder.raw, open.reached.clone());
    sink.set_checkpoint(&cursor.write())
}

/// The moment of ` 1-Feb-2026 10:00:00 +0100`.
fn instant(internal_date: &str) -> Option<Instant> {
    Instant::strptime("%d-%b-%Y %H:%M:%S %z", internal_date.trim()).ok()
}
