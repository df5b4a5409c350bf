//! Exported files: JSON, JSON lines and Dashboard CSV.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};

use restitch_connect::{Connector, Item, Opener, PullError, Reading, Sink, WalkedFile, walk};
use restitch_model::{Evidence, Progress, Remark, TimeWindow};

use crate::item::{PLATFORM, TEST, UNKNOWN, item, may_speak_of, of_test_mode};
use crate::{KINDS, dashboard, json, read_object};

/// Objects that were exported into files, and folders of such files.
///
/// `.json` holds a list as the API gives it, a bare array, a single object, or several of them
/// one after the other; `.jsonl` and `.ndjson` hold an object a line; `.csv` is an export of the
/// Dashboard; each of them may lie in a `.zip` or be packed as `.gz`. A folder or file name with a part like `acct_1abc` says which connected account
/// the objects belong to; the others belong to `platform`.
#[derive(Debug, Clone)]
pub struct StripeFiles {
    /// Files, and folders that are searched through.
    pub paths: Vec<PathBuf>,
}

impl Connector for StripeFiles {
    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    fn pull(
        &self,
        window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let found = walk(&self.paths, |path, _| !is_hidden(path))?;
        for unreadable in found.unreadable {
            let text = format!("this could not be read: {}", unreadable.source);
            sink.gap(Remark::new(unreadable.path.display().to_string(), text));
        }
        let (files, others): (Vec<_>, Vec<_>) =
            found.files.into_iter().partition(|file| Format::of(&file.path).is_some());
        for other in others {
            let text = "this is no .json, .jsonl or .csv file and was not read; export a workbook \
                        as .csv";
            sink.remark(Remark::new(other.path.display().to_string(), text));
        }
        if files.is_empty() {
            let paths: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
            return Err(PullError::Settings(format!(
                "no .json, .jsonl or .csv file of Stripe's is in {:?}; check the source's path",
                paths.join(", ")
            )));
        }

        progress.begin("pulling payments", "files", Some(files.len() as u64));
        let mut pull = Pull { sink, opener: Opener::default(), window, left_out: 0, of_test: 0 };
        let result = files.iter().try_for_each(|file| {
            pull.file(file)?;
            progress.advance(1);
            Ok(())
        });
        progress.end();
        if pull.left_out > 0 {
            let text =
                format!("{} objects lie outside of the window and were left out", pull.left_out);
            pull.sink.remark(Remark::new("stripe", text));
        }
        if pull.of_test > 0 {
            pull.sink.remark(of_test_mode(pull.of_test));
        }
        result
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_object(&evidence.bytes, &evidence.meta.container)
    }
}

enum Format {
    Json,
    Lines,
    Csv,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Lines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Hidden files and folders are a system's own.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// The account that a path names, the innermost part first.
fn container(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.iter().rev().find_map(|part| account(part)).unwrap_or(PLATFORM).to_owned()
}

fn account(name: &str) -> Option<&str> {
    let (start, prefix) = name
        .match_indices("acct_")
        .find(|(i, _)| !name[..*i].ends_with(|c: char| c.is_ascii_alphanumeric()))?;
    let rest = &name[start + prefix.len()..];
    let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    (length > 0).then(|| &name[start..start + prefix.len() + length])
}

struct Pull<'a> {
    sink: &'a mut dyn Sink,
    opener: Opener,
    window: Option<TimeWindow>,
    left_out: u64,
    of_test: u64,
}

impl Pull<'_> {
    /// Puts a file's objects. One that cannot be read is a remark: the others are still wanted.
    fn file(&mut self, file: &WalkedFile) -> Result<(), PullError> {
        match self.contents(file) {
            Ok(()) => Ok(()),
            Err(Stop::Pull(error)) => Err(error),
            Err(Stop::File(error)) => {
                let text = format!("the file could not be read to its end: {error}");
                self.sink.remark(Remark::new(file.path.display().to_string(), text));
                Ok(())
            }
        }
    }

    fn contents(&mut self, file: &WalkedFile) -> Result<(), Stop> {
        let WalkedFile { path, name, .. } = file;
        let container = &container(path);
        match Format::of(path) {
            Some(Format::Lines) => self.lines(file, container)?,
            Some(Format::Csv) => {
                let bytes = self.opener.read(file)?;
                let mut put = |item| self.put(item);
                let remarks = dashboard::rows(&decoded(&bytes), name, container, &mut put)?;
                remarks.into_iter().for_each(|remark| self.sink.remark(remark));
            }
            Some(Format::Json) | None => {
                let bytes = self.opener.read(file)?;
                let text = decoded(&bytes);
                if text.trim_ascii().is_empty() {
                    self.sink.remark(Remark::new(name.as_str(), "the file is empty"));
                }
                self.json(&text, name, container)?;
            }
        }
        Ok(())
    }

    /// Reads a line at a time, so that a file may be larger than the memory.
    fn lines(&mut self, file: &WalkedFile, container: &str) -> Result<(), Stop> {
        let mut opener = Opener::default();
        let mut reader: Box<dyn BufRead + '_> = Box::new(BufReader::new(opener.open(file)?));
        if is_wide(reader.fill_buf()?) {
            reader = Box::new(Cursor::new(decoded(&self.opener.read(file)?).into_owned()));
        }
        let mut line = Vec::new();
        for number in 1u64.. {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let text = line.strip_prefix(BOM).unwrap_or(&line).trim_ascii();
            if !text.is_empty() {
                self.json(text, &format!("{}:{number}", file.name), container)?;
            }
        }
        Ok(())
    }

    fn json(&mut self, bytes: &[u8], place: &str, container: &str) -> Result<(), PullError> {
        let slices = json::slice(bytes);
        for (number, object) in (1..).zip(&slices.objects) {
            let (item, remark) = item(object, container, &format!("{place}:{number}"));
            remark.into_iter().for_each(|remark| self.sink.remark(remark));
            self.put(item)?;
        }
        let count = slices.objects.len();
        match slices.broken {
            Some(problem) if count == 0 => {
                let text = format!("this is not JSON ({problem}); it is kept whole as {UNKNOWN}");
                self.sink.remark(Remark::new(place, text));
                self.put(Item {
                    kind: UNKNOWN.to_owned(),
                    native_id: place.to_owned(),
                    container: container.to_owned(),
                    at: None,
                    bytes: bytes.to_vec(),
                })
            }
            Some(problem) => {
                let text = format!(
                    "the JSON is broken ({problem}); {count} whole objects were found in it, \
                     others may be missing: export the file again"
                );
                self.sink.remark(Remark::new(place, text));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn put(&mut self, item: Item) -> Result<(), PullError> {
        if may_speak_of(&item, self.window) {
            self.of_test += u64::from(item.kind.starts_with(TEST));
            self.sink.put(item)?;
        } else {
            self.left_out += 1;
        }
        Ok(())
    }
}

/// Why a file was not read to its end.
enum Stop {
    File(io::Error),
    Pull(PullError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<PullError> for Stop {
    fn from(error: PullError) -> Self {
        Self::Pull(error)
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Whether a file begins as UTF-16 does, which shells and spreadsheets of Windows write.
fn is_wide(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

/// The text of a file in UTF-8, without byte order mark.
fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !is_wide(bytes) {
        return Cow::Borrowed(bytes.strip_prefix(BOM).unwrap_or(bytes));
    }
    let pair = if bytes[0] == 0xff { u16::from_le_bytes } else { u16::from_be_bytes };
    let units = bytes[2..].chunks_exact(2).map(|unit| pair([unit[0], unit[1]]));
    let text: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use restitch_connect::Basket;
    use restitch_model::{Instant, Silent};

    use super::*;

    const CHARGE: &str = r#"{"id":"ch_1", "object":"charge","created":1700000000}"#;

    /// Pulls these files as a folder `stripe`.
    fn pulled(files: &[(&str, &[u8])], window: Option<TimeWindow>) -> Result<Basket, PullError> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("stripe");
        fs::create_dir(&root).unwrap();
        for (name, bytes) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let mut basket = Basket::default();
        StripeFiles { paths: vec![root] }.pull(window, &mut basket, &Silent)?;
        Ok(basket)
    }

    /// The items as `container kind native_id`, and how many remarks were made.
    fn check(files: &[(&str, &[u8])], expected: &[&str], remarks: usize) -> Basket {
        let basket = pulled(files, None).unwrap();
        let items: Vec<_> = basket
            .items
            .iter()
            .map(|item| format!("{} {} {}", item.container, item.kind, item.native_id))
            .collect();
        assert_eq!(items, expected);
        assert_eq!(basket.remarks.len(), remarks, "{:?}", basket.remarks);
        basket
    }

    #[test]
    fn every_format_gives_its_objects_in_the_order_of_the_files() {
        let list = format!(r#"{{"object":"list","data":[ {CHARGE} ]}}"#);
        let basket = check(
            &[
                ("c.csv", b"\xef\xbb\xbfid,Amount\nch_3,1\n"),
                ("b.jsonl", b"{\"id\":\"re_1\",\"object\":\"refund\"}\r\n\n{\"id\":\"cus_1\",\"object\":\"customer\"}"),
                ("a.json", list.as_bytes()),
            ],
            &[
                "platform stripe.charge ch_1",
                "platform stripe.refund re_1",
                "platform stripe.customer cus_1",
                "platform stripe.csv ch_3",
            ],
            0,
        );
        assert_eq!(basket.items[0].bytes, CHARGE.as_bytes());
        assert_eq!(basket.items[0].at.unwrap().as_second(), 1_700_000_000);
    }

    #[test]
    fn a_folder_or_a_file_name_tells_the_account() {
        let charge = CHARGE.as_bytes();
        check(
            &[
                ("acct_1a/charges.json", charge),
                ("acct_1a/of_acct_2B.json", charge),
                ("charges_acct_3c.json", charge),
                ("subacct_4/acct_/x.json", charge),
            ],
            &[
                "acct_1a stripe.charge ch_1",
                "acct_2B stripe.charge ch_1",
                "acct_3c stripe.charge ch_1",
                "platform stripe.charge ch_1",
            ],
            0,
        );
    }

    #[test]
    fn bad_objects_are_kept_and_told() {
        let basket = check(
            &[
                ("a/lines.jsonl", b"{\"id\":\"ch_1\",\nnot JSON\n{\"amount\":5}\n{\"id\":\"\xff\",\"object\":\"charge\"}"),
                ("b.json", b"<html>"),
            ],
            &[
                "platform stripe.unknown a/lines.jsonl:1",
                "platform stripe.unknown a/lines.jsonl:2",
                "platform stripe.unknown a/lines.jsonl:3:1",
                "platform stripe.unknown a/lines.jsonl:4",
                "platform stripe.unknown b.json",
            ],
            5,
        );
        assert_eq!(basket.items[4].bytes, b"<html>");
    }

    #[test]
    fn a_list_that_was_cut_off_gives_what_is_whole() {
        let cut = format!(r#"{{"object":"list","data":[{CHARGE},{{"id":"ch_2","obj"#);
        let basket = check(&[("a.json", cut.as_bytes())], &["platform stripe.charge ch_1"], 1);
        assert!(basket.remarks[0].text.contains("1 whole objects"), "{}", basket.remarks[0]);
    }

    #[test]
    fn a_file_in_utf_16_is_read() {
        let wide: Vec<u8> =
            format!("\u{feff}{CHARGE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let basket = check(&[("a.json", &wide)], &["platform stripe.charge ch_1"], 0);
        check(&[("a.jsonl", &wide)], &["platform stripe.charge ch_1"], 0);
        assert_eq!(basket.items[0].bytes, CHARGE.as_bytes());
    }

    #[test]
    fn what_lies_outside_of_the_window_is_counted() {
        let second = |s| Instant::from_second(s).unwrap();
        let window = TimeWindow { start: second(1_700_000_001), end: second(1_800_000_000) };
        let basket = pulled(&[("a.json", CHARGE.as_bytes())], Some(window)).unwrap();
        assert!(basket.items.is_empty());
        assert!(basket.remarks[0].text.starts_with("1 objects lie outside"));
    }

    #[test]
    fn other_files_are_told_and_hidden_ones_are_not() {
        check(
            &[("a.JSON", CHARGE.as_bytes()), ("b.xlsx", b"x"), (".DS_Store", b"x")],
            &["platform stripe.charge ch_1"],
            1,
        );
    }

    #[test]
    fn objects_of_test_mode_are_kept_apart_and_told() {
        let test = br#"{"id":"ch_2","object":"charge","livemode":false}"#;
        let basket = check(
            &[("a.json", CHARGE.as_bytes()), ("b.json", test)],
            &["platform stripe.charge ch_1", "platform stripe.test.charge ch_2"],
            1,
        );
        assert!(basket.remarks[0].text.starts_with("1 objects are of test mode"), "{basket:?}");
    }

    #[test]
    fn an_archive_that_cannot_be_opened_is_a_gap_and_the_rest_is_read() {
        let basket = check(
            &[("a.json", CHARGE.as_bytes()), ("b.json.bz2", b"x"), ("c.zip", b"PK")],
            &["platform stripe.charge ch_1"],
            0,
        );
        assert_eq!(basket.gaps.len(), 2, "{:?}", basket.gaps);
    }

    #[test]
    fn an_empty_file_is_told() {
        check(&[("a.json", b" \n"), ("b.csv", b"")], &[], 2);
    }

    #[test]
    fn a_source_without_any_file_is_an_error() {
        assert!(matches!(pulled(&[("a.txt", b"x")], None), Err(PullError::Settings(_))));
        let missing = StripeFiles { paths: vec!["no/such/folder".into()] };
        let error = missing.pull(None, &mut Basket::default(), &Silent).unwrap_err();
        assert!(error.to_string().starts_with("cannot read no/such/folder"), "{error}");
    }
}
