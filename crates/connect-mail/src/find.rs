//! Where mail lies under the configured paths, found by looking.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use restitch_connect::PullError;
use restitch_model::Remark;

use crate::header::field_name;
use crate::mbox::is_from_line;

/// How deep folders are searched.
const MAX_DEPTH: usize = 64;
/// How much of a file is looked at.
const HEAD: u64 = 64 << 10;
/// How many files without mail are named one by one.
const MAX_NAMED: usize = 20;

/// A file with mail in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub shape: Shape,
    /// The mbox, Maildir or folder that its messages lie in, told from the configured path's
    /// last component on, so that it stays the same when all is moved.
    pub container: String,
    /// Its length in bytes.
    pub size: u64,
    /// Whether it lies in a Maildir's `tmp`, where deliveries begin.
    pub unfinished: bool,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Messages one after the other.
    Mbox,
    /// One message.
    Message,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, in the order of the paths and, within each, of the names.
    pub files: Vec<MailFile>,
    /// What was left out.
    pub remarks: Vec<Remark>,
    without_mail: usize,
}

/// Whether a file that begins with these bytes is an mbox or a message.
pub fn looks_like_mail(head: &[u8]) -> bool {
    shape(head, 2).is_some()
}

/// Searches the paths. A path that cannot be read is an error; what cannot be read below it is
/// a remark.
pub fn find(paths: &[PathBuf]) -> Result<Found, PullError> {
    let mut found = Found::default();
    for path in paths {
        let failed = |source| PullError::cannot_read(path, source);
        let meta = fs::metadata(path).map_err(failed)?;
        let name = base_name(path);
        if meta.is_dir() {
            fs::read_dir(path).map_err(failed)?;
            found.folder(path, &name, 0);
        } else {
            File::open(path).map_err(failed)?;
            found.file(path, &name, &name, false);
        }
    }
    if found.without_mail > MAX_NAMED {
        let rest = found.without_mail - MAX_NAMED;
        found
            .remarks
            .push(Remark::new("mail", format!("{rest} more files hold no mail and were left out")));
    }
    Ok(found)
}

/// The last component of a path, also of one such as `.`.
fn base_name(path: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let full = || fs::canonicalize(path).ok().and_then(|full| name(&full));
    name(path).or_else(full).unwrap_or_else(|| "mail".to_owned())
}

impl Found {
    fn folder(&mut self, folder: &Path, container: &str, depth: usize) {
        if depth > MAX_DEPTH {
            self.remarks
                .push(Remark::new(container, "folders nested deeper than this were not searched"));
            return;
        }
        let is_maildir = is_maildir(folder);
        for (name, path) in self.entries(folder, container) {
            let below = format!("{container}/{name}");
            let is_folder = path.is_dir();
            if is_maildir && is_folder && matches!(name.as_str(), "cur" | "new" | "tmp") {
                for (name, path) in self.entries(&path, &below) {
                    if path.is_file() {
                        let is_tmp = below.ends_with("/tmp");
                        self.file(&path, &format!("{below}/{name}"), container, is_tmp);
                    }
                }
            } else if is_folder {
                // A link to a folder may lead round in a circle.
                let is_link = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink());
                if is_link {
                    self.remarks.push(Remark::new(
                        &below,
                        "a link to a folder was not followed; name the folder itself as a path",
                    ));
                } else if !name.starts_with('.') || self::is_maildir(&path) {
                    self.folder(&path, &below, depth + 1);
                }
            } else if !is_maildir && !name.starts_with('.') {
                self.file(&path, &below, container, false);
            }
        }
    }

    fn entries(&mut self, folder: &Path, container: &str) -> Vec<(String, PathBuf)> {
        let read = fs::read_dir(folder).and_then(|entries| {
            entries
                .map(|entry| {
                    let entry = entry?;
                    Ok((entry.file_name().to_string_lossy().into_owned(), entry.path()))
                })
                .collect::<io::Result<Vec<_>>>()
        });
        match read {
            Ok(mut entries) => {
                entries.sort();
                entries
            }
            Err(error) => {
                self.remarks
                    .push(Remark::new(container, format!("the folder could not be read: {error}")));
                Vec::new()
            }
        }
    }

    /// Looks at one file. `name` is how it is called in remarks; a single message lies in
    /// `folder`, an mbox is a container of its own.
    fn file(&mut self, path: &Path, name: &str, folder: &str, unfinished: bool) {
        let looked = File::open(path).and_then(|file| {
            let size = file.metadata()?.len();
            let mut head = Vec::new();
            file.take(HEAD).read_to_end(&mut head)?;
            Ok((size, head))
        });
        let (size, head) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                self.remarks
                    .push(Remark::new(name, format!("the file could not be read: {error}")));
                return;
            }
        };
        // Mail programs leave empty files for folders without mail.
        if head.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let is_named_so = name.to_ascii_lowercase().ends_with(".eml") || is_in_maildir(name);
        match shape(&head, if is_named_so { 1 } else { 2 }) {
            Some(shape) => {
                let container = match shape {
                    Shape::Mbox if !is_in_maildir(name) => name,
                    _ => folder,
                };
                let container = container.to_owned();
                self.files.push(MailFile {
                    path: path.to_owned(),
                    shape,
                    container,
                    size,
                    unfinished,
                });
            }
            None => {
                self.without_mail += 1;
                if self.without_mail <= MAX_NAMED {
                    self.remarks.push(Remark::new(name, "holds no mail and was left out"));
                }
            }
        }
    }
}

fn is_maildir(folder: &Path) -> bool {
    folder.join("cur").is_dir() && (folder.join("new").is_dir() || folder.join("tmp").is_dir())
}

fn is_in_maildir(name: &str) -> bool {
    ["/cur/", "/new/", "/tmp/"].iter().any(|part| name.contains(part))
}

/// What a file that begins so is, if it has at least so many of the fields that mail has.
fn shape(head: &[u8], fields: usize) -> Option<Shape> {
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
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
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
    names.first()?.as_ref()?;
    let mut known: Vec<&str> =
        names.iter().flatten().map(String::as_str).filter(|name| FIELDS.contains(name)).collect();
    known.sort_unstable();
    known.dedup();
    match (is_mbox, known.len()) {
        (true, 1..) => Some(Shape::Mbox),
        (_, known) if known >= fields => Some(Shape::Message),
        _ => None,
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
