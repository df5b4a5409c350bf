//! Moving messages from files into the case.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use restitch_connect::{Connector, Item, PullError, Reading, Sink};
use restitch_model::{Digest, Evidence, Progress, Remark, Silent, TimeWindow};

use crate::find::{MailFile, Shape, find};
use crate::header::{Headers, split};
use crate::mbox::{MAX_MESSAGE, Mbox};
use crate::read::read_message;

/// Mail in files: mboxes, Maildirs, folders of them, and single messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailFiles {
    /// Files and folders. What they are is found by looking.
    pub paths: Vec<PathBuf>,
}

impl Connector for MailFiles {
    fn kinds(&self) -> &'static [&'static str] {
        &["mail"]
    }

    /// Pulls all messages whatever the window: a message in a file costs little to keep, and
    /// its date may be wrong.
    fn pull(
        &self,
        _window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let found = find(&self.paths)?;
        found.remarks.into_iter().for_each(|remark| sink.remark(remark));
        let total = found.files.iter().map(|file| file.size).sum();
        progress.begin("pulling mail", "bytes", Some(total));
        let pulled = pull_all(&found.files, sink, progress);
        progress.end();
        pulled
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_message(&evidence.bytes)
    }
}

/// The messages of one file.
#[derive(Debug, Default)]
pub struct Opened {
    /// The messages, in the order in which they stand.
    pub items: Vec<Item>,
    /// What was noticed.
    pub remarks: Vec<Remark>,
}

impl Sink for Opened {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        self.items.push(item);
        Ok(true)
    }

    fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _cursor: &str) -> Result<(), PullError> {
        Ok(())
    }
}

/// Opens an mbox, a message, or a folder of them, to be read without a case. All messages are
/// held in memory; a file without mail gives a remark and no item.
///
/// # Errors
/// The path cannot be read.
pub fn open_file(path: &Path) -> Result<Opened, PullError> {
    let mut opened = Opened::default();
    let files = MailFiles { paths: vec![path.to_owned()] };
    files.pull(None, &mut opened, &Silent)?;
    Ok(opened)
}

fn pull_all(
    files: &[MailFile],
    sink: &mut dyn Sink,
    progress: &dyn Progress,
) -> Result<(), PullError> {
    for (i, file) in files.iter().enumerate() {
        // A file that breaks off is no reason to lose the ones after it.
        if let Err(error) = pull_file(file, sink, progress)? {
            let text = format!("a file could not be read to its end: {error}");
            sink.remark(Remark::new(&file.container, text));
        }
        let is_last = files.get(i + 1).is_none_or(|next| next.container != file.container);
        if is_last {
            sink.set_checkpoint(&file.container)?;
        }
    }
    Ok(())
}

fn pull_file(
    file: &MailFile,
    sink: &mut dyn Sink,
    progress: &dyn Progress,
) -> Result<io::Result<()>, PullError> {
    let opened = match File::open(&file.path) {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(error)),
    };
    let mut put = |bytes: Vec<u8>, cut: bool| -> Result<(), PullError> {
        let item = item(bytes, &file.container);
        let about = format!("{}: {}", item.container, item.native_id);
        if cut {
            let limit = MAX_MESSAGE >> 20;
            sink.remark(Remark::new(
                &about,
                format!("longer than {limit} MiB: only its beginning was kept"),
            ));
        }
        if file.unfinished {
            sink.remark(Remark::new(
                &about,
                "its delivery was not finished: it lay in the Maildir's tmp",
            ));
        }
        sink.put(item).map(|_| ())
    };
    match file.shape {
        Shape::Message => {
            let mut bytes = Vec::new();
            let limit = MAX_MESSAGE as u64;
            if let Err(error) = (&opened).take(limit).read_to_end(&mut bytes) {
                return Ok(Err(error));
            }
            put(bytes, file.size > limit)?;
            progress.advance(file.size);
        }
        Shape::Mbox => {
            for entry in Mbox::new(BufReader::with_capacity(1 << 16, opened)) {
                match entry {
                    Ok(entry) => {
                        put(entry.bytes, entry.cut)?;
                        progress.advance(entry.consumed);
                    }
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
    }
    Ok(Ok(()))
}

fn item(bytes: Vec<u8>, container: &str) -> Item {
    let headers = Headers::parse(split(&bytes).0);
    let native_id =
        headers.id("message-id").unwrap_or_else(|| format!("blake3:{}", Digest::of(&bytes)));
    Item {
        kind: "mail".to_owned(),
        native_id,
        container: container.to_owned(),
        at: headers.date().map(|sent| sent.at),
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Pulls a folder called `mail` with these files; items and remarks as lines.
    fn pulled(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mail");
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let opened = open_file(&root).unwrap();
        let item = |item: &Item| {
            let at = item.at.map_or("-".to_owned(), |at| at.to_string());
            format!("{} {} {at} {}", item.container, item.native_id, item.bytes.len())
        };
        let items = opened.items.iter().map(item);
        items.chain(opened.remarks.iter().map(|r| format!("! {r}"))).collect::<Vec<_>>().join("\n")
    }

    const A: &str = "From: a@x.de\nMessage-ID: <a@x>\nDate: Fri, 6 Mar 2026 10:00:00 +0100\n\na\n";

    #[test]
    fn single_messages_lie_in_their_folder() {
        assert_eq!(
            pulled(&[("b/2.eml", A), ("1", A), (".hidden", "x"), ("empty", "")]),
            "mail a@x 2026-03-06T09:00:00Z 71\nmail/b a@x 2026-03-06T09:00:00Z 71"
        );
    }

    #[test]
    fn an_mbox_is_a_container_of_its_own() {
        let from = "From a Mon Jan  1 10:00:00 2024\n";
        let mbox = format!("{from}{A}\n{from}Subject: no id\n\nb\n");
        let id = Digest::of(b"Subject: no id\n\nb\n");
        assert_eq!(
            pulled(&[("sub/inbox", &mbox)]),
            format!("mail/sub/inbox a@x 2026-03-06T09:00:00Z 71\nmail/sub/inbox blake3:{id} - 18")
        );
    }

    #[test]
    fn a_maildir_is_one_container_and_so_are_those_in_it() {
        assert_eq!(
            pulled(&[
                ("cur/1:2,S", A),
                ("new/2", A),
                ("tmp/3", A),
                ("dovecot-uidlist", "3 V1"),
                (".Sent/cur/4", A),
                (".Sent/new/5", A),
            ]),
            "mail/.Sent a@x 2026-03-06T09:00:00Z 71\nmail/.Sent a@x 2026-03-06T09:00:00Z 71\n\
             mail a@x 2026-03-06T09:00:00Z 71\nmail a@x 2026-03-06T09:00:00Z 71\n\
             mail a@x 2026-03-06T09:00:00Z 71\n\
             ! mail: a@x: its delivery was not finished: it lay in the Maildir's tmp"
        );
    }

    #[test]
    fn what_is_not_mail_is_named_and_left_out() {
        assert_eq!(
            pulled(&[("a.ics", "BEGIN:VCALENDAR\n"), ("b.eml", "Subject: s\n\n")]).lines().last(),
            Some("! mail/a.ics: holds no mail and was left out")
        );
    }

    #[test]
    fn a_file_named_itself_is_its_own_container() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.eml");
        fs::write(&path, A).unwrap();
        assert_eq!(open_file(&path).unwrap().items[0].container, "one.eml");
    }
}
