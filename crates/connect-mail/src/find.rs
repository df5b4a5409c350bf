//! Where mail lies under the configured paths, found by looking.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use restitch_connect::{Entry, PullError, WalkedFile, walk};
use restitch_model::Remark;

use crate::header::field_name;
use crate::mbox::is_from_line;

/// How much of a file is looked at.
pub const HEAD: u64 = 64 << 10;

/// A file with mail in it, perhaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFile {
    /// The file.
    pub file: WalkedFile,
    /// How it is called, told from the configured path's last component on, so that it stays
    /// the same when all is moved.
    pub name: String,
    /// The folder or Maildir that it lies in, likewise.
    pub folder: String,
    /// Whether it lies in a Maildir, and where in it.
    pub maildir: Option<Delivery>,
}

/// Where in a Maildir a message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In `cur` or `new`.
    Done,
    /// In `cur`, with the mark that its owner has thrown it away.
    Trashed,
    /// In `tmp`, where deliveries begin.
    Unfinished,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Messages one after the other.
    Mbox,
    /// One message.
    Message,
    /// A store or message of Outlook's.
    Outlook,
    /// Nothing, or only blanks: mail programs leave such files for folders without mail.
    Empty,
    /// Something else.
    Other,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, in the order of the paths and, within each, of the names.
    pub files: Vec<MailFile>,
    /// What was not looked into by design.
    pub remarks: Vec<Remark>,
    /// What could not be looked into.
    pub gaps: Vec<Remark>,
}

/// Searches the paths. A path that cannot be read is an error; what cannot be read below it is
/// a gap.
pub fn find(paths: &[PathBuf]) -> Result<Found, PullError> {
    let mut found = Found::default();
    for path in paths {
        let folders = RefCell::new(BTreeSet::from([path.clone()]));
        let wants = |at: &Path, entry: Entry| {
            if entry == Entry::Folder {
                folders.borrow_mut().insert(at.to_owned());
            }
            entry == Entry::File || !is_hidden(at) || !at.is_dir() || is_maildir_on_disk(at)
        };
        let walked = walk(std::slice::from_ref(path), wants)?;
        let folders = Folders { root: path, base: base_name(path), all: folders.into_inner() };
        found.files.extend(walked.files.into_iter().filter_map(|file| folders.mail_file(file)));
        found.remarks.extend(folders.links());
        found.gaps.extend(walked.unreadable.into_iter().map(|unreadable| {
            let text = format!("could not be read: {}", unreadable.source);
            Remark::new(folders.called(&unreadable.name), text)
        }));
    }
    Ok(found)
}

/// The last component of a path, also of one such as `.`.
fn base_name(path: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let full = || fs::canonicalize(path).ok().and_then(|full| name(&full));
    name(path).or_else(full).unwrap_or_else(|| "mail".to_owned())
}

/// The folders of one of the configured paths, on the disk and in archives.
struct Folders<'p> {
    root: &'p Path,
    base: String,
    all: BTreeSet<PathBuf>,
}

impl Folders<'_> {
    /// The file with what it is called; `None` where it is none for mail.
    fn mail_file(&self, file: WalkedFile) -> Option<MailFile> {
        let name = self.called(&file.name);
        let parent = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let folder = parent(&name).unwrap_or_else(|| name.clone());
        if file.is_named {
            return Some(MailFile { file, folder, name, maildir: None });
        }
        let within = file.path.parent()?;
        let part = within.file_name().unwrap_or_default().to_string_lossy();
        let is_part = matches!(part.as_ref(), "cur" | "new" | "tmp");
        if is_part && within.parent().is_some_and(|maildir| self.is_maildir(maildir)) {
            let delivery = match part.as_ref() {
                "tmp" => Delivery::Unfinished,
                _ if is_trashed(&name) => Delivery::Trashed,
                _ => Delivery::Done,
            };
            let folder = parent(&folder).unwrap_or(folder);
            return Some(MailFile { file, folder, name, maildir: Some(delivery) });
        }
        // What else lies in a Maildir is its server's.
        let is_private = is_hidden(&file.path) || self.is_maildir(within);
        let mut above = within.ancestors().take_while(|folder| *folder != self.root);
        let is_in_hidden = above.any(|folder| is_hidden(folder) && !self.is_maildir(folder));
        (!is_private && !is_in_hidden).then_some(MailFile { file, folder, name, maildir: None })
    }

    /// What is called so inside of the path, told from the path's last component on.
    fn called(&self, name: &str) -> String {
        match (name, self.root.is_dir()) {
            ("", _) => self.base.clone(),
            (name, true) => format!("{}/{name}", self.base),
            (name, false) => name.to_owned(),
        }
    }

    fn is_maildir(&self, folder: &Path) -> bool {
        let has = |part: &str| self.all.contains(&folder.join(part));
        has("cur") && (has("new") || has("tmp"))
    }

    /// Links to folders, which are not followed: one may lead round in a circle.
    fn links(&self) -> Vec<Remark> {
        let is_part =
            |folder: &Path| ["cur", "new", "tmp"].iter().any(|part| folder.ends_with(part));
        let mut links = Vec::new();
        for folder in self.all.iter().filter(|folder| !is_part(folder)) {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let is_link =
                |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let paths =
                entries.filter(is_link).map(|entry| entry.path()).filter(|path| path.is_dir());
            links.extend(paths.map(|path| {
                let inside = path.strip_prefix(self.root).unwrap_or(&path);
                let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
                let text = "a link to a folder was not followed; name the folder itself as a path";
                Remark::new(self.called(&parts.join("/")), text)
            }));
        }
        links.sort();
        links
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_maildir_on_disk(folder: &Path) -> bool {
    folder.join("cur").is_dir() && (folder.join("new").is_dir() || folder.join("tmp").is_dir())
}

/// Whether a message's name in a Maildir ends with flags, and `T` is among them. Where a name
/// may not hold a colon, programs write another sign.
fn is_trashed(name: &str) -> bool {
    let flags =
        name.rsplit_once("2,").filter(|(before, _)| before.ends_with([':', ';', '!', '-', '_']));
    flags.is_some_and(|(_, flags)| flags.len() < 16 && flags.contains('T'))
}

/// Whether a file that begins with these bytes is an mbox or a message.
pub fn looks_like_mail(head: &[u8]) -> bool {
    matches!(shape(head, 2), Shape::Mbox | Shape::Message)
}

/// What a file that begins so is, if it has at least so many of the fields that mail has.
pub fn shape(head: &[u8], fields: usize) -> Shape {
    const FIELDS: [&str; 16] = [
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "received",
        "return-path",
        "mime-version",
        "content-type",
        "delivered-to",
        "reply-to",
        "dkim-signature",
        "sender",
        "envelope-to",
        "content-transfer-encoding",
    ];
    // Of a store (MS-PST, 2.2.2.6) and of a message (MS-CFB, 2.2).
    const OUTLOOK: [&[u8]; 2] = [b"!BDN", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"];
    if OUTLOOK.iter().any(|magic| head.starts_with(magic)) {
        return Shape::Outlook;
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if head.iter().all(u8::is_ascii_whitespace) {
        return Shape::Empty;
    }
    let mut lines = head
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .skip_while(|line| line.is_empty())
        .peekable();
    let is_mbox = lines.peek().is_some_and(|line| is_from_line(line));
    if lines.peek().is_some_and(|line| line.starts_with(b"From ") || line.starts_with(b">From ")) {
        lines.next();
    }
    let names: Vec<Option<String>> = lines
        .take_while(|line| !line.is_empty())
        .filter(|line| !line[0].is_ascii_whitespace())
        .map(field_name)
        .collect();
    // The first line of a message is a field; a letter that quotes one is not a message.
    if !names.first().is_some_and(Option::is_some) {
        return Shape::Other;
    }
    let mut known: Vec<&str> =
        names.iter().flatten().map(String::as_str).filter(|name| FIELDS.contains(name)).collect();
    known.sort_unstable();
    known.dedup();
    match (is_mbox, known.len()) {
        (true, 1..) => Shape::Mbox,
        (_, known) if known >= fields => Shape::Message,
        _ => Shape::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_known_by_its_fields() {
        assert!(looks_like_mail(b"\n\nFrom: a@x.de\r\nSubject: b\r\n\r\nc"));
        assert!(looks_like_mail(b"From - Mon Jan  1 10:00:00 2024\nSubject: b\n\n"));
        for other in [
            &b"BEGIN:VCALENDAR\nVERSION:2.0\n"[..],
            b"{\"from\": 1,\n\"to\": 2}",
            b"from,to,subject\na,b,c\n",
            b"Dear all,\nFrom: me\nSubject: you\n",
            b"\x89PNG\r\n",
            b"",
        ] {
            assert!(!looks_like_mail(other), "{other:?}");
        }
    }

    #[test]
    fn a_missing_path_is_an_error_that_names_it() {
        let error = find(&["/no/such/mail".into()]).unwrap_err().to_string();
        assert!(error.contains("/no/such/mail"), "{error}");
    }
}
