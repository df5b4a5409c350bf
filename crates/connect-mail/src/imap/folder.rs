//! The folders of a mailbox, and which of them are wanted.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::answer::Listed;

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name as a person writes it, with `/` between its levels.
    pub name: String,
    /// Its name as the server writes it.
    pub raw: Vec<u8>,
    attributes: Vec<String>,
}

impl Folder {
    /// The folder that a server lists.
    pub fn of(listed: Listed) -> Self {
        let name = decoded(&listed.name);
        let name = match listed.delimiter {
            Some(delimiter) if delimiter != '/' => name.replace(delimiter, "/"),
            _ => name,
        };
        // It is the one name whose case does not matter (RFC 9051, 5.1).
        let is_inbox = name.eq_ignore_ascii_case("inbox");
        let name = if is_inbox { "INBOX".to_owned() } else { name };
        Self { name, raw: listed.name, attributes: listed.attributes }
    }

    /// Whether it holds messages of its own.
    pub fn is_selectable(&self) -> bool {
        !self.is(r"\noselect") && !self.is(r"\nonexistent")
    }

    fn is(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|is| is == attribute)
    }
}

/// The folders that hold each message at least once. Of Gmail's these are All Mail, Spam and
/// Trash: the others are labels of what lies in All Mail.
pub fn all(folders: Vec<Folder>, is_gmail: bool) -> Vec<Folder> {
    if !is_gmail || !folders.iter().any(|folder| folder.is(r"\all")) {
        return folders;
    }
    let holds = |folder: &Folder| [r"\all", r"\junk", r"\trash"].iter().any(|is| folder.is(is));
    folders.into_iter().filter(holds).collect()
}

/// Whether a pattern means a folder: `*` stands for any letters, `%` for any but `/`.
pub fn matches(pattern: &str, name: &str) -> bool {
    let inbox = "INBOX";
    let begins = pattern.get(..inbox.len()).is_some_and(|head| head.eq_ignore_ascii_case(inbox));
    let ends =
        pattern.get(inbox.len()..).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    let pattern: Vec<char> = match begins && ends {
        true => inbox.chars().chain(pattern[inbox.len()..].chars()).collect(),
        false => pattern.chars().collect(),
    };
    let name: Vec<char> = name.chars().collect();
    // Where the last `*` or `%` stands, and how far in the name it has been stretched.
    let (mut at, mut in_name, mut last) = (0, 0, None);
    while in_name < name.len() {
        match pattern.get(at) {
            Some(star @ ('*' | '%')) => {
                last = Some((at, in_name, *star));
                at += 1;
            }
            Some(letter) if *letter == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => match last {
                Some((star_at, from, star)) if star == '*' || name[from] != '/' => {
                    last = Some((star_at, from + 1, star));
                    (at, in_name) = (star_at + 1, from + 1);
                }
                _ => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| matches!(letter, '*' | '%'))
}

/// A name in the modified UTF-7 of RFC 3501, 5.1.3. What is none stays as it is.
fn decoded(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut name = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((plain, shifted)) = rest.split_once('&') {
        name.push_str(plain);
        let Some((coded, after)) = shifted.split_once('-') else {
            rest = &rest[plain.len()..];
            break;
        };
        match coded {
            "" => name.push('&'),
            coded => match utf_16(coded) {
                Some(letters) => name.push_str(&letters),
                None => name.extend(["&", coded, "-"]),
            },
        }
        rest = after;
    }
    name.push_str(rest);
    name
}

fn utf_16(coded: &str) -> Option<String> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &IMAP_MUTF7,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
    );
    let bytes = ENGINE.decode(coded).ok()?;
    let (units, odd) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    odd.is_empty().then(|| String::from_utf16(&units).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, attributes: &[&str]) -> Folder {
        let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
        Folder::of(Listed { name: name.as_bytes().to_vec(), delimiter: Some('.'), attributes })
    }

    fn names(folders: Vec<Folder>) -> String {
        folders.into_iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_name_is_read_as_a_person_writes_it() {
        assert_eq!(folder("inbox", &[]).name, "INBOX");
        assert_eq!(folder("Post.Entw&APw-rfe", &[]).name, "Post/Entwürfe");
        assert_eq!(folder("a &- b", &[]).name, "a & b");
        assert_eq!(folder("&U,BTFw-&ZeVnLIqe-", &[]).name, "台北日本語");
        for odd in ["R&D", "&AA-", "&2D0-", "a&!!-b"] {
            assert_eq!(folder(odd, &[]).name, odd);
        }
    }

    #[test]
    fn patterns_are_those_of_imap() {
        for (pattern, name) in [
            ("INBOX", "INBOX"),
            ("inbox", "INBOX"),
            ("Inbox/*", "INBOX/a/b"),
            ("*", "any/thing"),
            ("Archive/*", "Archive/2024/01"),
            ("Archive/%", "Archive/2024"),
            ("%/2024", "Archive/2024"),
            ("*2*4*", "Archive/2024"),
            ("Ärger%", "Ärger"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("Archive/%", "Archive/2024/01"),
            ("Archive/*", "Archive"),
            ("archive", "Archive"),
            ("inboxes", "INBOXes"),
            ("%", "a/b"),
            ("", "INBOX"),
            ("*x", "INBOX"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn of_gmail_each_message_is_wanted_once() {
        let folders = || {
            vec![
                folder("INBOX", &[]),
                folder("[Gmail].All Mail", &[r"\all"]),
                folder("[Gmail].Sent", &[r"\sent"]),
                folder("[Gmail].Spam", &[r"\junk"]),
            ]
        };
        assert_eq!(names(all(folders(), true)), "[Gmail]/All Mail, [Gmail]/Spam");
        assert_eq!(all(folders(), false).len(), 4);
        assert_eq!(names(all(vec![folder("INBOX", &[])], true)), "INBOX");
    }

    #[test]
    fn a_folder_that_only_holds_folders_is_not_selectable() {
        assert!(!folder("a", &[r"\noselect"]).is_selectable());
        assert!(!folder("a", &[r"\nonexistent"]).is_selectable());
        assert!(folder("a", &[r"\hasnochildren"]).is_selectable());
    }
}
