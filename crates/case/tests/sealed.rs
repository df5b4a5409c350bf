//! Cases that are sealed to recipients: what can be done with an identity, with none and with
//! another, and what anybody can see who has the folder.

use std::fs;
use std::path::{Path, PathBuf};

use restitch_case::{Case, CaseError, ColumnData, Keys, TableData};
use restitch_model::{Answer, CandidateId, Decision, Instant};

const RECIPIENT: &str = "age1k0ew2ryp3qg76mkhaqm8tqufg0wpe0lg2l47whnq6gmzxat6gqnsty2gpy";
const IDENTITY: &str =
    "# of the tests\nAGE-SECRET-KEY-1ULRMP84ELHL4K23VCU0YGTPF9ZDXV5JX0292FTWPGZQENQL4580Q70D4J5\n";
const OTHER: &str = "AGE-SECRET-KEY-1VT33C53LP3SX8FZU3Z0H3CMVAH999UPSWUN5DU5YNZ9PWX6VQFTSV9A287";
/// Words of customers that stand in every part of the case.
const WORDS: [&str; 6] =
    ["Wachtmeester", "wachtmeester", "INBOX/Private", "msg-4711", "cursor-of-private", "+4930123"];

/// Who looks at the case.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    Owner,
    Nobody,
    Other,
}

fn keys(who: Who) -> Keys {
    let keys = Keys::to(&[RECIPIENT]).unwrap();
    match who {
        Who::Owner => keys.opened_by(IDENTITY, "the test").unwrap(),
        Who::Other => keys.opened_by(OTHER, "the test").unwrap(),
        Who::Nobody => keys,
    }
}

/// A sealed case with something in every part, closed.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let case = bench.open(Who::Owner);
        case.write("case.toml", "[case]\n").unwrap();
        pull(&case, 1).unwrap();
        let texts = vec![Some(format!("{} {}", WORDS[0], WORDS[5])); 3];
        let table = TableData::default().with("value", ColumnData::Text(texts));
        case.write_table("facts/facts", &table).unwrap();
        let mut writer = case.table_writer("facts/stream", table.clone()).unwrap();
        writer.write(table).unwrap();
        writer.finish().unwrap();
        case.write("rules.toml", format!("# for example {}\n", WORDS[0])).unwrap();
        case.write("plan.json", format!("{{\"name\":\"{}\"}}", WORDS[0])).unwrap();
        case.add_decisions(&[decision()]).unwrap();
        bench
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("case")
    }

    fn open(&self, who: Who) -> Case {
        let case = Case::open_or_create(self.dir()).unwrap();
        case.use_keys(keys(who)).unwrap();
        case
    }

    fn files(&self) -> Vec<PathBuf> {
        files(&self.dir()).into_iter().filter(|path| !path.ends_with("case.lock")).collect()
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn decision() -> Decision {
    Decision {
        candidate: CandidateId("reservation-1".into()),
        answer: Answer::Yes,
        reviewer: format!("{}@example.org", WORDS[1]),
        note: format!("I am {}", WORDS[0]),
        at: Instant::UNIX_EPOCH,
        seen: Default::default(),
    }
}

fn pull(case: &Case, hour: i64) -> Result<u64, CaseError> {
    let mut writer = case.evidence_writer("mail", Instant::from_second(hour * 3600).unwrap())?;
    for n in 0..3 {
        let text =
            format!("To: {}@example.org\n\nDear {}, call {}. {n}", WORDS[1], WORDS[0], WORDS[5]);
        writer.put("mail", &format!("{}-{n}@example.org", WORDS[3]), WORDS[2], None, text)?;
    }
    writer.set_checkpoint(WORDS[4])?;
    Ok(writer.finish()?.kinds["mail"].new)
}

#[test]
fn nobody_finds_a_customers_words_in_a_sealed_case() {
    let bench = Bench::new();
    let all = bench.files();
    assert!(all.len() >= 10, "{all:?}");
    for path in all {
        let bytes = fs::read(&path).unwrap();
        for word in WORDS {
            let is_there = bytes.windows(word.len()).any(|part| part == word.as_bytes());
            assert!(!is_there, "{word} stands in {}", path.display());
        }
    }
    // The same words are found where a case is not sealed, so that this test can fail.
    let plain = tempfile::tempdir().unwrap();
    let case = Case::create(plain.path().join("case")).unwrap();
    pull(&case, 1).unwrap();
    let index = fs::read_to_string(case.path("evidence/index.jsonl")).unwrap();
    assert!(index.contains(WORDS[2]) && index.contains(WORDS[3]));
}

#[test]
fn the_owner_reads_all_that_was_written() {
    let bench = Bench::new();
    let case = bench.open(Who::Owner);
    let items = case.evidence().unwrap().read_all().unwrap();
    assert_eq!((items.len(), items[0].meta.container.as_str()), (3, WORDS[2]));
    assert!(String::from_utf8_lossy(&items[2].bytes).contains(WORDS[0]));
    assert_eq!(case.read_table("facts/facts").unwrap().rows(), 3);
    let rows = case.table_reader("facts/stream").unwrap().unwrap().next_rows().unwrap();
    assert_eq!(rows.unwrap().text("value").unwrap()[2].as_deref(), Some("Wachtmeester +4930123"));
    assert!(case.read_text("plan.json").unwrap().contains(WORDS[0]));
    assert_eq!(case.decisions().unwrap(), [decision()]);
    assert_eq!(case.path("rules.toml").file_name().unwrap(), "rules.toml.age");
    let found = case.verify();
    assert_eq!((found.evidence_items, found.problems, found.notes), (3, vec![], vec![]));
    assert_eq!(pull(&case, 2).unwrap(), 0, "what is there is known");
    let writer = case.evidence_writer("mail", Instant::UNIX_EPOCH).unwrap();
    assert_eq!(writer.checkpoint().unwrap().as_deref(), Some(WORDS[4]));
}

#[test]
fn who_has_no_identity_or_another_is_told_so_and_gets_nothing() {
    let bench = Bench::new();
    for (who, why) in
        [(Who::Nobody, "there is no identity"), (Who::Other, "none of the identities")]
    {
        let case = bench.open(who);
        let refused = [
            case.evidence().map(drop),
            case.read("plan.json").map(drop),
            case.read_table("facts/facts").map(drop),
            case.table_reader("facts/stream").map(drop),
            case.decisions().map(drop),
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            assert!(matches!(error, CaseError::Locked { .. }), "{error:?}");
            let said = error.to_string();
            assert!(said.contains(why) && said.contains("identity_file"), "{said}");
        }
        assert_eq!(case.readable().is_err(), who == Who::Nobody);
    }
}

#[test]
fn a_pull_needs_the_recipient_alone() {
    let bench = Bench::new();
    let case = bench.open(Who::Nobody);
    assert_eq!(pull(&case, 2).unwrap(), 3, "what is there cannot be seen, so it is kept again");
    let found = case.verify();
    assert_eq!(found.problems, [""; 0]);
    drop(case);
    let case = bench.open(Who::Owner);
    assert_eq!(case.evidence().unwrap().len(), 3, "an item is one item however often it is kept");
    assert_eq!(case.verify().problems, [""; 0]);
    assert_eq!(pull(&case, 3).unwrap(), 0);
}

#[test]
fn with_another_identity_nothing_is_added_to_a_case_that_it_cannot_open() {
    let bench = Bench::new();
    let refused = pull(&bench.open(Who::Other), 2).unwrap_err();
    assert!(matches!(refused, CaseError::Locked { .. }), "{refused}");
}

#[test]
fn whether_a_case_is_sealed_cannot_change() {
    let bench = Bench::new();
    let case = Case::open(bench.dir()).unwrap();
    assert!(matches!(case.use_keys(Keys::default()), Err(CaseError::Sealed(_))));
    assert!(matches!(case.evidence(), Err(CaseError::Locked { .. })));
    let plain = tempfile::tempdir().unwrap();
    let case = Case::create(plain.path().join("case")).unwrap();
    pull(&case, 1).unwrap();
    assert!(matches!(case.use_keys(keys(Who::Owner)), Err(CaseError::NotSealed(_))));
}

/// What `verify` finds says of the file, whoever asks.
#[track_caller]
fn is_named(bench: &Bench, path: &Path, bytes: Option<&[u8]>, what: &str) {
    let whole = fs::read(path).unwrap();
    match bytes {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    for who in [Who::Owner, Who::Nobody] {
        let case = Case::open_read_only(bench.dir()).unwrap();
        case.use_keys(keys(who)).unwrap();
        let found = case.verify();
        let editable = ["case.toml", "rules.toml.age"].contains(&name.as_str()) && bytes.is_some();
        let said = if editable { &found.notes } else { &found.problems };
        assert!(said.iter().any(|text| text.contains(&name)), "{name}, {what}, {who:?}: {found:?}");
    }
    fs::write(path, whole).unwrap();
}

#[test]
fn a_changed_byte_a_cut_and_a_missing_file_are_named_with_an_identity_and_without() {
    let bench = Bench::new();
    for path in bench.files() {
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 60 + 1).chain([whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            is_named(&bench, &path, Some(&changed), &format!("byte {at}"));
        }
        for length in [0, whole.len() / 3, whole.len() - 1] {
            is_named(&bench, &path, Some(&whole[..length]), &format!("{length} bytes left"));
        }
        is_named(&bench, &path, None, "missing");
    }
    assert_eq!(bench.open(Who::Owner).verify().problems, [""; 0]);
}

#[test]
fn no_byte_of_a_changed_item_or_result_is_given_out() {
    let bench = Bench::new();
    let segment = bench.dir().join("evidence/segment-00001.zst-frames");
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.len() - 40;
    bytes[last] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let case = bench.open(Who::Owner);
    let error = case.evidence().unwrap().read_all().unwrap_err();
    assert!(matches!(error, CaseError::Damaged { .. }), "{error}");
    let plan = case.path("plan.json");
    let mut bytes = fs::read(&plan).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&plan, bytes).unwrap();
    assert!(matches!(case.read("plan.json"), Err(CaseError::Damaged { .. })));
}

#[test]
fn frames_cannot_change_places() {
    let bench = Bench::new();
    let case = bench.open(Who::Owner);
    let mut writer = case.evidence_writer("rows", Instant::UNIX_EPOCH).unwrap();
    for n in 0..2 {
        writer.put("row", &n.to_string(), "", None, vec![b'0' + n; 1000]).unwrap();
    }
    writer.finish().unwrap();
    drop(case);
    // Two frames of the same length at the end of the last segment, each with its own seal.
    let segment = bench.dir().join("evidence/segment-00002.zst-frames");
    let bytes = fs::read(&segment).unwrap();
    let frame = {
        let lengths =
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        lengths(16 + 24 + lengths(16)) + 24
    };
    let (head, frames) = bytes.split_at(bytes.len() - 2 * frame);
    let swapped = [head, &frames[frame..], &frames[..frame]].concat();
    fs::write(&segment, swapped).unwrap();
    let problems = bench.open(Who::Owner).verify().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn texts_that_are_no_keys_are_refused_without_being_quoted() {
    assert!(matches!(Keys::to(&["age1nonsense"]), Err(CaseError::Recipient(_))));
    let nearly = IDENTITY.replace("AGE-SECRET-KEY-1U", "AGE-SECRET-KEY-1V");
    let refused = |text: &str| {
        let keys = Keys::to(&[RECIPIENT]).unwrap();
        keys.opened_by(text, "key.txt").unwrap_err().to_string()
    };
    let said = refused(&nearly);
    assert!(said.contains("key.txt") && said.contains("line 2"), "{said}");
    assert!(!said.contains("LRMP84"), "{said}");
    assert!(refused("# nothing\n").contains("there is no identity in it"));
    assert!(!format!("{:?}", keys(Who::Owner)).contains("LRMP84"));
}
