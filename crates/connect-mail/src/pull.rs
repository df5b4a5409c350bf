//! Moving messages from files into the case.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use restitch_connect::{Connector, Item, Opener, PullError, Reading, Sink};
use restitch_model::{Evidence, Progress, Remark, Silent, TimeWindow};

use crate::envelope::{field, item};
use crate::find::{Delivery, HEAD, MailFile, Shape, find, shape};
use crate::header::split;
use crate::mbox::{MAX_MESSAGE, Mbox};
use crate::read::read_message;

/// How many files without mail are named one by one.
const MAX_NAMED: usize = 20;
/// After so many bytes what was put is made safe.
const CHECKPOINT: u64 = 64 << 20;
/// What makes mail of an Outlook store.
const STORE: &str = "unpack it with `readpst -e -D -o FOLDER FILE` (package pst-utils)";
/// What makes mail of an Outlook message.
const MESSAGE: &str = "convert it with `msgconvert FILE` (package libemail-outlook-message-perl)";

/// Mail in files: mboxes, Maildirs, folders and archives of them, and single messages.
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
        found.gaps.into_iter().for_each(|gap| sink.gap(gap));
        let total = found.files.iter().map(|found| found.file.size).sum();
        progress.begin("pulling mail", "bytes", Some(total));
        let puller = Puller {
            sink,
            progress,
            opener: Opener::default(),
            others: 0,
            deleted: BTreeMap::new(),
            waiting: 0,
        };
        let pulled = puller.all(&found.files);
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

/// A pull of files under way.
struct Puller<'p> {
    sink: &'p mut dyn Sink,
    progress: &'p dyn Progress,
    opener: Opener,
    /// Files without mail.
    others: usize,
    /// How many messages of a container are marked as thrown away.
    deleted: BTreeMap<String, usize>,
    /// Bytes since what was put is known to be safe.
    waiting: u64,
}

impl Puller<'_> {
    fn all(mut self, files: &[MailFile]) -> Result<(), PullError> {
        for (i, file) in files.iter().enumerate() {
            // A file that breaks off is no reason to lose the ones after it.
            if let Err(error) = self.file(file)? {
                let text = format!("could not be read to its end: {error}");
                self.sink.gap(Remark::new(&file.name, text));
            }
            let is_last = files.get(i + 1).is_none_or(|next| next.folder != file.folder);
            if is_last {
                self.sink.set_checkpoint(&file.folder)?;
                self.waiting = 0;
            }
        }
        if self.others > MAX_NAMED {
            let rest = self.others - MAX_NAMED;
            let text = format!("{rest} more files hold no mail and were left out");
            self.sink.remark(Remark::new("mail", text));
        }
        for (container, count) in self.deleted {
            let messages = if count == 1 { "message is" } else { "messages are" };
            let text = format!("{count} {messages} marked as deleted there, and kept here");
            self.sink.remark(Remark::new(container, text));
        }
        Ok(())
    }

    fn file(&mut self, file: &MailFile) -> Result<io::Result<()>, PullError> {
        // The archive stays open in it, so it is given back.
        let mut opener = std::mem::take(&mut self.opener);
        let pulled = match opener.open(&file.file) {
            Ok(reader) => self.opened(file, reader),
            Err(error) => Ok(Err(error)),
        };
        self.opener = opener;
        pulled
    }

    fn opened(
        &mut self,
        file: &MailFile,
        mut reader: Box<dyn Read + '_>,
    ) -> Result<io::Result<()>, PullError> {
        let mut head = Vec::new();
        if let Err(error) = (&mut reader).take(HEAD).read_to_end(&mut head) {
            return Ok(Err(error));
        }
        let is_named_so = file.maildir.is_some() || ends(&file.name, &[".eml"]);
        let shape = shape(&head, if is_named_so { 1 } else { 2 });
        match shape {
            Shape::Mbox => {
                // A message in a Maildir may have kept its `From ` line.
                let of_maildir = file.maildir.map(|_| file.folder.as_str());
                let container = of_maildir.unwrap_or(&file.name);
                for entry in Mbox::new(head.as_slice().chain(reader)) {
                    match entry {
                        Ok(entry) => {
                            self.message(file, container, entry.bytes, entry.cut)?;
                            self.progress.advance(entry.consumed);
                        }
                        Err(error) => return Ok(Err(error)),
                    }
                }
            }
            Shape::Message => {
                let mut bytes = head;
                let left = MAX_MESSAGE - bytes.len();
                let read = (&mut reader).take(left as u64 + 1).read_to_end(&mut bytes);
                let is_cut = bytes.len() > MAX_MESSAGE;
                bytes.truncate(MAX_MESSAGE);
                self.message(file, &file.folder, bytes, is_cut)?;
                self.progress.advance(file.file.size);
                return Ok(read.map(|_| ()));
            }
            Shape::Outlook if !is_store(&head) && !ends(&file.name, &[".msg", ".oft"]) => {
                self.other(file)
            }
            Shape::Outlook => {
                let tool = if is_store(&head) { STORE } else { MESSAGE };
                let text =
                    format!("is Outlook's and is not opened: {tool}, and give what that makes");
                self.sink.gap(Remark::new(&file.name, text));
            }
            Shape::Empty => {}
            Shape::Other => self.other(file),
        }
        Ok(Ok(()))
    }

    fn message(
        &mut self,
        file: &MailFile,
        container: &str,
        bytes: Vec<u8>,
        is_cut: bool,
    ) -> Result<(), PullError> {
        if file.maildir == Some(Delivery::Trashed) || is_deleted(&bytes) {
            *self.deleted.entry(container.to_owned()).or_default() += 1;
        }
        let item = item(bytes, container);
        let mut remark = |text: &str| {
            let about = format!("{}: {}", item.container, item.native_id);
            self.sink.remark(Remark::new(about, text));
        };
        if is_cut {
            let limit = MAX_MESSAGE >> 20;
            remark(&format!("longer than {limit} MiB: only its beginning was kept"));
        }
        if file.maildir == Some(Delivery::Unfinished) {
            remark("its delivery was not finished: it lay in the Maildir's tmp");
        }
        self.waiting += item.bytes.len() as u64;
        self.sink.put(item)?;
        if self.waiting >= CHECKPOINT {
            self.waiting = 0;
            self.sink.set_checkpoint(&file.name)?;
        }
        Ok(())
    }

    fn other(&mut self, file: &MailFile) {
        self.others += 1;
        if self.others <= MAX_NAMED {
            self.sink.remark(Remark::new(&file.name, "holds no mail and was left out"));
        }
    }
}

fn ends(name: &str, endings: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether a file of Outlook's is a store of many messages.
fn is_store(head: &[u8]) -> bool {
    head.starts_with(b"!BDN")
}

/// Whether Thunderbird has marked a message as deleted: it stays in the file until the folder is
/// compacted.
fn is_deleted(bytes: &[u8]) -> bool {
    const EXPUNGED: u32 = 0x8;
    let status = field(split(bytes).0, "x-mozilla-status");
    let status = status.and_then(|text| std::str::from_utf8(text).ok());
    status.and_then(|text| u32::from_str_radix(text, 16).ok()).is_some_and(|s| s & EXPUNGED != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use restitch_model::{Digest, FactValue};

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
        lines(&open_file(&root).unwrap())
    }

    fn lines(opened: &Opened) -> String {
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

    /// Pulls a folder called `mail` with one file; as [`pulled`].
    fn pulled_file(name: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mail");
        fs::create_dir(&root).unwrap();
        fs::write(root.join(name), bytes).unwrap();
        lines(&open_file(&root).unwrap())
    }

    fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut packer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        for (name, bytes) in members {
            packer.start_file(*name, stored).unwrap();
            packer.write_all(bytes).unwrap();
        }
        packer.finish().unwrap().into_inner()
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    const FROM: &str = "From 1790@xxx Mon Jan 01 10:00:00 +0000 2024\r\n";

    #[test]
    fn archives_are_looked_into_as_if_they_were_folders() {
        let takeout = format!("{FROM}X-Gmail-Labels: Inbox\r\n{A}\n{FROM}{A}");
        let archive = zipped(&[
            ("Takeout/Mail/All mail.mbox", takeout.as_bytes()),
            ("Takeout/archive_browser.html", b"<html>"),
            ("old/.Sent/cur/1:2,ST", A.as_bytes()),
            ("old/.Sent/new/2", A.as_bytes()),
            ("old/cur/1:2,S", A.as_bytes()),
            ("old/new/2", A.as_bytes()),
            ("old/dovecot-uidlist", b"3 V1"),
            ("one.eml", A.as_bytes()),
            ("packed.mbox.gz", &gzipped(format!("{FROM}{A}").as_bytes())),
            ("__MACOSX/._one.eml", A.as_bytes()),
        ]);
        let at = "a@x 2026-03-06T09:00:00Z";
        assert_eq!(
            pulled_file("t.zip", &archive),
            format!(
                "mail/t.zip/Takeout/Mail/All mail.mbox {at} 94\n\
                 mail/t.zip/Takeout/Mail/All mail.mbox {at} 71\n\
                 mail/t.zip/old/.Sent {at} 71\nmail/t.zip/old/.Sent {at} 71\n\
                 mail/t.zip/old {at} 71\nmail/t.zip/old {at} 71\nmail/t.zip {at} 71\n\
                 mail/t.zip/packed.mbox {at} 71\n\
                 ! mail/t.zip/Takeout/archive_browser.html: holds no mail and was left out\n\
                 ! mail/t.zip/old/.Sent: 1 message is marked as deleted there, and kept here"
            )
        );
    }

    #[test]
    fn labels_of_takeout_are_a_fact() {
        let bytes =
            b"X-Gmail-Labels: =?UTF-8?Q?Posteingang,Ge=C3=B6ffnet?=\r\nFrom: a@x.de\r\n\r\n";
        let facts = read_message(bytes).facts;
        let labels = facts.iter().find(|fact| fact.name == "header:x-gmail-labels").unwrap();
        assert_eq!(labels.value, FactValue::Text("Posteingang,Geöffnet".to_owned()));
    }

    #[test]
    fn a_packed_mbox_that_is_torn_gives_what_came_before() {
        let text: String = (0..40_000).map(|n| format!("{}\n", n * 7919)).collect();
        let packed = gzipped(format!("{FROM}{A}\n{FROM}{A}{text}").as_bytes());
        let said = pulled_file("inbox.gz", &packed[..packed.len() / 2]);
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines[0], "mail/inbox a@x 2026-03-06T09:00:00Z 71");
        assert!(lines[1].starts_with("mail/inbox a@x"), "{said}");
        assert!(lines[2].starts_with("! mail/inbox: could not be read to its end: "), "{said}");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn what_cannot_be_opened_is_a_gap_that_says_what_to_do() {
        let said = |name: &str, bytes: &[u8]| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), bytes).unwrap();
            let mut basket = restitch_connect::Basket::default();
            let files = MailFiles { paths: vec![folder.path().join(name)] };
            files.pull(None, &mut basket, &Silent).unwrap();
            basket.gaps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            said("old.pst", b"!BDN\0\0\0\0"),
            "old.pst: is Outlook's and is not opened: unpack it with `readpst -e -D -o FOLDER FILE` \
             (package pst-utils), and give what that makes"
        );
        let file = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1...";
        assert!(said("one.msg", file).contains("`msgconvert FILE`"));
        assert_eq!(said("table.xls", file), "", "what is not mail is no gap");
        assert!(said("mail.tgz", b"").contains("not opened"));
    }

    #[test]
    fn what_thunderbird_will_delete_is_counted() {
        let message = |status: &str| {
            format!("From - Mon Jan 01 10:00:00 2024\nX-Mozilla-Status: {status}\n{A}\n")
        };
        let mbox = ["0001", "0009", "zzzz", "0008"].map(message).concat();
        assert_eq!(
            pulled(&[("Inbox", &mbox)]).lines().last(),
            Some("! mail/Inbox: 2 messages are marked as deleted there, and kept here")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_named_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mail");
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(root.join("a/1.eml"), A).unwrap();
        std::os::unix::fs::symlink("..", root.join("a/circle")).unwrap();
        assert_eq!(
            lines(&open_file(&root).unwrap()),
            "mail/a a@x 2026-03-06T09:00:00Z 71\n! mail/a/circle: a link to a folder was not \
             followed; name the folder itself as a path"
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
