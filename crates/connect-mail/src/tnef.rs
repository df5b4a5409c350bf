//! What Outlook wraps a message into: `winmail.dat` (MS-OXTNEF).

use crate::charset;
use crate::rtf;

/// How many files one wrapping may hold.
const MAX_FILES: usize = 200;
/// How many properties are looked at.
const MAX_PROPERTIES: usize = 10_000;

const BODY: u32 = 0x0002_800C;
const CODE_PAGE: u32 = 0x0006_9007;
const PROPERTIES: u32 = 0x0006_9003;
const FILE_BEGINS: u32 = 0x0006_9002;
const FILE_TITLE: u32 = 0x0001_8010;
const FILE_DATA: u32 = 0x0006_800F;
const FILE_PROPERTIES: u32 = 0x0006_9005;

/// What was wrapped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wrapped {
    /// The text of the message.
    pub text: Option<String>,
    /// Its page.
    pub html: Option<String>,
    /// Its files.
    pub files: Vec<File>,
    /// Whether it breaks off, or does not follow the format.
    pub is_broken: bool,
}

/// A file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: Option<String>,
    /// Its media type, where it is told.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Unwraps. `None` where the bytes are nothing of the kind.
pub fn unwrap(bytes: &[u8]) -> Option<Wrapped> {
    let mut rest = bytes.strip_prefix(&[0x78, 0x9F, 0x3E, 0x22])?.get(2..)?;
    let mut wrapped = Wrapped::default();
    let mut code_page = None;
    let mut rtf = None;
    while !rest.is_empty() {
        let Some((kind, data, after)) = attribute(rest) else {
            wrapped.is_broken = true;
            break;
        };
        rest = after;
        match kind {
            CODE_PAGE => {
                let number = data.get(..4).map(number);
                code_page = number.map(|number| format!("cp{number}"));
            }
            BODY => wrapped.text = Some(text(data, code_page.as_deref())),
            PROPERTIES => {
                for property in properties(data) {
                    let of_page = code_page.as_deref();
                    match property.id {
                        0x1000 => wrapped.text = Some(property.text(of_page)),
                        0x1013 => wrapped.html = Some(property.text(of_page)),
                        0x1009 => rtf = rtf::decompress(property.value),
                        _ => {}
                    }
                }
            }
            FILE_BEGINS if wrapped.files.len() < MAX_FILES => wrapped.files.push(File::default()),
            FILE_TITLE | FILE_DATA | FILE_PROPERTIES => {
                if let Some(file) = wrapped.files.last_mut() {
                    file_attribute(file, kind, data, code_page.as_deref());
                }
            }
            _ => {}
        }
    }
    let has_text =
        [&wrapped.text, &wrapped.html].into_iter().flatten().any(|t| !t.trim().is_empty());
    if !has_text && let Some(rtf) = rtf {
        wrapped.text = Some(rtf::text(&rtf));
    }
    Some(wrapped)
}

/// The first attribute: its kind, its data, and what follows its checksum.
fn attribute(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let kind = number(bytes.get(1..5)?);
    let length = usize::try_from(number(bytes.get(5..9)?)).ok()?;
    let data = bytes.get(9..)?.get(..length)?;
    let after = bytes.get(9 + length..)?;
    Some((kind, data, after.get(2..).unwrap_or_default()))
}

fn file_attribute(file: &mut File, kind: u32, data: &[u8], code_page: Option<&str>) {
    match kind {
        FILE_TITLE => {
            file.name.get_or_insert_with(|| text(data, code_page));
        }
        FILE_DATA => file.bytes = data.to_vec(),
        _ => {
            for property in properties(data) {
                match property.id {
                    0x3707 => file.name = Some(property.text(code_page)),
                    0x370E => file.media_type = Some(property.text(code_page).to_ascii_lowercase()),
                    0x3701 if file.bytes.is_empty() => file.bytes = property.value.to_vec(),
                    _ => {}
                }
            }
        }
    }
}

/// A MAPI property with its first value.
struct Property<'b> {
    id: u16,
    kind: u16,
    value: &'b [u8],
}

impl Property<'_> {
    fn text(&self, code_page: Option<&str>) -> String {
        if self.kind != 0x1F {
            return text(self.value, code_page);
        }
        let units = self.value.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        String::from_utf16_lossy(&units)
    }
}

fn properties(data: &[u8]) -> Vec<Property<'_>> {
    let mut found = Vec::new();
    let mut reader = Reader { rest: data };
    let count = reader.number().unwrap_or_default();
    for _ in 0..(count as usize).min(MAX_PROPERTIES) {
        match property(&mut reader) {
            Some(property) => found.push(property),
            None => break,
        }
    }
    found
}

fn property<'b>(reader: &mut Reader<'b>) -> Option<Property<'b>> {
    let head = reader.take(4)?;
    let (kind, id) =
        (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
    if id >= 0x8000 {
        reader.take(16)?;
        if reader.number()? == 0 {
            reader.take(4)?;
        } else {
            reader.counted()?;
        }
    }
    let is_many = kind & 0x1000 != 0;
    let one = kind & !0x1000;
    let fixed = match one {
        0x02 | 0x03 | 0x04 | 0x0A | 0x0B => 4,
        0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
        0x48 => 16,
        0x0D | 0x1E | 0x1F | 0x102 => 0,
        _ => return None,
    };
    let count = if is_many || fixed == 0 { reader.number()? } else { 1 };
    let mut value: &[u8] = &[];
    for i in 0..(count as usize).min(MAX_PROPERTIES) {
        let next = if fixed == 0 { reader.counted()? } else { reader.take(fixed)? };
        if i == 0 {
            value = next;
        }
    }
    Some(Property { id, kind: one, value })
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4).map(number)
    }

    /// Bytes after their number, filled up to four.
    fn counted(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let taken = self.take(length)?;
        self.take((4 - length % 4) % 4)?;
        Some(taken)
    }
}

fn number(four: &[u8]) -> u32 {
    four.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn text(bytes: &[u8], code_page: Option<&str>) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    charset::decode(&bytes[..end], code_page).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(level: u8, kind: u32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        [&[level][..], &kind.to_le_bytes(), &length.to_le_bytes(), data, &[0, 0]].concat()
    }

    fn wrapping(attributes: &[Vec<u8>]) -> Vec<u8> {
        [vec![0x78, 0x9F, 0x3E, 0x22, 1, 0], attributes.concat()].concat()
    }

    #[test]
    fn text_and_files_come_out() {
        let mut name = vec![1, 0, 0, 0, 0x1F, 0, 0x07, 0x37, 1, 0, 0, 0, 6, 0, 0, 0];
        name.extend(b"\xE9\0a\0\0\0\0\0");
        let wrapped = unwrap(&wrapping(&[
            attribute(1, BODY, b"hello\0"),
            attribute(2, FILE_BEGINS, &[0; 14]),
            attribute(2, FILE_TITLE, b"A~1.PDF\0"),
            attribute(2, FILE_DATA, b"%PDF"),
            attribute(2, FILE_PROPERTIES, &name),
        ]));
        let wrapped = wrapped.unwrap();
        assert_eq!(wrapped.text.as_deref(), Some("hello"));
        assert_eq!(wrapped.files[0].name.as_deref(), Some("éa"));
        assert_eq!((wrapped.files[0].bytes.as_slice(), wrapped.is_broken), (&b"%PDF"[..], false));
    }

    #[test]
    fn what_breaks_off_is_kept_as_far_as_it_goes() {
        let mut bytes = wrapping(&[attribute(1, BODY, b"hello\0")]);
        bytes.extend([2, 0, 0]);
        let wrapped = unwrap(&bytes).unwrap();
        assert_eq!((wrapped.text.as_deref(), wrapped.is_broken), (Some("hello"), true));
        assert_eq!(unwrap(b"PK\x03\x04"), None);
    }

    #[test]
    fn the_wrappings_of_another_project_hold_what_is_listed() {
        let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
            println!("RESTITCH_CORPORA is not set: the third-party wrappings are skipped");
            return;
        };
        let folder = std::path::Path::new(&corpora).join("mail/mimekit/tnef");
        let mut lists = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "list") {
                continue;
            }
            let listed = std::fs::read_to_string(&path).unwrap();
            let wrapped = unwrap(&std::fs::read(path.with_extension("tnef")).unwrap());
            let Some(wrapped) = wrapped else { panic!("{} is not unwrapped", path.display()) };
            let bodies = ["body.rtf", "body.html"];
            let mut wanted: Vec<&str> = listed.lines().map(str::trim).collect();
            let has_body = wanted.iter().any(|name| bodies.contains(name));
            wanted.retain(|name| !name.is_empty() && !bodies.contains(name));
            let found = wrapped.files.iter().filter_map(|file| file.name.as_deref());
            let mut found: Vec<&str> = found.collect();
            found.sort_unstable();
            // The lists leave out files that their program could not write.
            let lost: Vec<&str> =
                wanted.into_iter().filter(|name| found.binary_search(name).is_err()).collect();
            assert!(lost.is_empty(), "{}: {lost:?} are not among {found:?}", path.display());
            let text = wrapped.text.or(wrapped.html).unwrap_or_default();
            assert!(!has_body || !text.trim().is_empty(), "{} has a text", path.display());
            lists += 1;
        }
        println!("{lists} wrappings hold what is listed");
        assert!(lists > 0);
    }
}
