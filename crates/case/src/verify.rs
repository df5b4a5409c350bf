use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;

use restitch_model::{Digest, EvidenceId, Progress, Silent};
use serde::Deserialize;

use crate::case::{Case, EVIDENCE};
use crate::checkpoint::{Anchor, Checkpoints};
use crate::decisions::DECISIONS;
use crate::durable;
use crate::error::Result;
use crate::evidence::MEND;
use crate::index::{self, INDEX, IndexLine};
use crate::log::{self, GAP, HEAD, LOG, LogEntry, PULLED};
use crate::sealed;
use crate::segment::{self, HEADER, SegmentReader, Stored};

/// Results that are made to be edited.
const EDITABLE: [&str; 2] = ["case.toml", "rules.toml"];
/// A segment that is gone should not fill the screen with the name of every item in it.
const NAMED: usize = 20;

/// Whether evidence, log and results still are what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many items the index names.
    pub evidence_items: u64,
    /// What is not as it was written, each a sentence without full stop.
    pub problems: Vec<String>,
    /// What a person may want to know and is as it may be, such as rules that were edited.
    pub notes: Vec<String>,
}

impl Case {
    /// Checks every byte that the case vouches for. What cannot be read is a problem, not an
    /// error.
    pub fn verify(&self) -> Verification {
        self.verify_with(&Silent)
    }

    /// As [`Case::verify`], and reports how far it is, in items of evidence.
    pub fn verify_with(&self, progress: &dyn Progress) -> Verification {
        let mut found = Verification::default();
        let logged = found.log(self.dir()).unwrap_or_else(|error| {
            found.problems.push(error.to_string());
            Logged::default()
        });
        if let Err(error) = found.evidence(&self.dir().join(EVIDENCE), &logged, progress) {
            found.problems.push(error.to_string());
        }
        found.results(self, &logged);
        found
    }
}

/// What the log vouches for.
#[derive(Default)]
struct Logged {
    written: BTreeMap<String, Digest>,
    index: Option<Anchor>,
}

impl Verification {
    fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    fn log(&mut self, dir: &Path) -> Result<Logged> {
        let mut logged = Logged::default();
        let head = log::read_head(dir)?;
        let Some(bytes) = durable::read(&dir.join(LOG))? else {
            self.problem(format!("{LOG} is missing"));
            return Ok(logged);
        };
        let (lines, torn) = durable::whole_lines(&bytes);
        let mut next = 0;
        let mut previous = Some(None);
        let mut head_stands = head.is_some_and(|head| head.lines == 0);
        for (n, line) in lines.iter().enumerate() {
            let n = n + 1;
            let entry = sealed::open::<LogEntry>(line).map(|(entry, _)| entry);
            match &entry {
                None => self.problem(format!("{LOG}: line {n} was changed")),
                Some(entry) if entry.seq != next => {
                    self.problem(format!(
                        "{LOG}: lines are missing or out of order before line {n}"
                    ));
                }
                Some(entry) if previous.is_some_and(|hash| hash != entry.previous) => {
                    self.problem(format!(
                        "{LOG}: line {n} does not follow from the line before it"
                    ));
                }
                Some(entry) => self.entry(&mut logged, n, entry),
            }
            // The chain is followed on from what a changed line says of itself.
            let entry = entry.or_else(|| serde_json::from_slice(line).ok());
            next = entry.as_ref().map_or(next, |entry| entry.seq).saturating_add(1);
            previous = entry.as_ref().map(|entry| Some(entry.hash));
            head_stands |=
                head.is_some_and(|head| Some(head.last) == previous && head.lines == next);
        }
        match head {
            None => self.problem(format!("{HEAD} is missing or was changed: lines cut off from the end of {LOG} cannot be told")),
            Some(head) if !head_stands => self.problem(format!(
                "{LOG}: its end was cut off or changed, it had {} lines and has {}",
                head.lines,
                lines.len()
            )),
            Some(_) if torn > 0 => self.notes.push(format!(
                "{LOG} ends in {torn} bytes of a line whose writing was cut off; the next line takes their place"
            )),
            Some(_) => {}
        }
        Ok(logged)
    }

    fn entry(&mut self, logged: &mut Logged, n: usize, entry: &LogEntry) {
        log::note_written(&mut logged.written, &entry.action, &entry.details);
        match entry.action.as_str() {
            PULLED => {
                let index = entry.details.get("index").map(Anchor::deserialize);
                logged.index = index.and_then(std::result::Result::ok).or(logged.index);
            }
            GAP => self.problem(format!(
                "{LOG}: before line {n}, lines had been cut off or changed when it was written"
            )),
            _ => {}
        }
    }

    fn evidence(&mut self, folder: &Path, logged: &Logged, progress: &dyn Progress) -> Result<()> {
        let bytes = durable::read(&folder.join(INDEX))?;
        if bytes.is_none() && logged.index.is_some() {
            self.problem(format!(
                "{EVIDENCE}/{INDEX} is missing; run `restitch pull`, which makes it again"
            ));
        }
        let bytes = bytes.unwrap_or_default();
        let torn = durable::whole_lines(&bytes).1;
        if !self.anchors(folder, logged, &bytes)? {
            self.problem(format!(
                "{EVIDENCE}/{INDEX} was changed or cut off; take it from a copy of the case, or run \
                 `restitch pull`, which brings back what is missing"
            ));
        } else if torn > 0 {
            self.notes.push(format!(
                "{EVIDENCE}/{INDEX} ends in {torn} bytes of a line whose writing was cut off; the \
                 next pull takes their place"
            ));
        }
        let mut keys = BTreeSet::new();
        let mut places = BTreeMap::new();
        let mut ends = BTreeMap::new();
        for line in index::parse(&bytes) {
            match line {
                Ok(IndexLine { meta, stored }) => {
                    keys.insert(index::key(&meta.source, &meta.kind, &meta.native_id, meta.id));
                    places.insert(meta.id, stored);
                    let end: &mut u64 = ends.entry(stored.segment).or_default();
                    *end = stored.end().max(*end);
                }
                Err(n) => self.problem(format!("{EVIDENCE}/{INDEX}: line {n} cannot be read")),
            }
        }
        self.evidence_items = keys.len() as u64;
        self.items(folder, places, progress);
        self.segments(folder, &ends);
        Ok(())
    }

    /// Whether the index still begins as log and checkpoints say.
    fn anchors(&mut self, folder: &Path, logged: &Logged, index: &[u8]) -> Result<bool> {
        let checkpoints = match Checkpoints::read(folder)? {
            Some(Some(kept)) => Some(kept.index),
            Some(None) => {
                self.problem(format!(
                    "{EVIDENCE}/{} was changed; the next pull begins at the beginning",
                    Checkpoints::FILE
                ));
                None
            }
            None if logged.index.is_some() => {
                self.problem(format!(
                    "{EVIDENCE}/{} is missing; the next pull begins at the beginning",
                    Checkpoints::FILE
                ));
                None
            }
            None => None,
        };
        Ok([logged.index, checkpoints].into_iter().flatten().all(|anchor| anchor.holds(index)))
    }

    /// Reads every item, in the order in which they lie, and hashes it.
    fn items(
        &mut self,
        folder: &Path,
        places: BTreeMap<EvidenceId, Stored>,
        progress: &dyn Progress,
    ) {
        progress.begin("verify", "items", Some(places.len() as u64));
        let mut places: Vec<_> = places.into_iter().collect();
        places.sort_by_key(|(id, stored)| (*stored, *id));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = places.len().div_ceil(threads).max(1);
        let check = |places: &[(EvidenceId, Stored)]| {
            let mut reader = SegmentReader::new(folder);
            let mut bad = Vec::new();
            for (id, stored) in places {
                if let Err(problem) = reader.read(*id, stored) {
                    bad.push((*stored, *id, problem));
                }
                progress.advance(1);
            }
            bad
        };
        let bad: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> =
                places.chunks(share).map(|places| scope.spawn(move || check(places))).collect();
            let ended = running.into_iter().map(|thread| thread.join());
            ended
                .flat_map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        progress.end();
        for of_segment in bad.chunk_by(|(a, ..), (b, ..)| a.segment == b.segment) {
            let file = format!("{EVIDENCE}/{}", segment::name(of_segment[0].0.segment));
            for (stored, id, problem) in of_segment.iter().take(NAMED) {
                let (id, at) = (id.0.short(), stored.offset);
                self.problem(format!("{file}: evidence {id} at byte {at}: {problem}"));
            }
            if let Some(more) = of_segment.len().checked_sub(NAMED + 1) {
                self.problem(format!("{file}: {} more items", more + 1));
            }
            self.notes.push(format!("{file} is damaged: {MEND}"));
        }
    }

    /// Looks at what the index does not name: how segments begin and how they end.
    fn segments(&mut self, folder: &Path, ends: &BTreeMap<u32, u64>) {
        let there = match segment::list(folder) {
            Ok(there) => there,
            Err(error) => return self.problem(format!("{EVIDENCE} cannot be read: {error}")),
        };
        for (&number, &length) in &there {
            let file = format!("{EVIDENCE}/{}", segment::name(number));
            match segment::begins_well(folder, number) {
                Ok(true) => {}
                Ok(false) if length < HEADER.len() as u64 && !ends.contains_key(&number) => {}
                Ok(false) => self.problem(format!("{file}: its first bytes were changed")),
                Err(error) => self.problem(format!("{file} cannot be read: {error}")),
            }
            let start = ends.get(&number).copied().unwrap_or(HEADER.len() as u64);
            if start > length {
                continue;
            }
            match segment::tail(folder, number, start) {
                Ok(tail) => {
                    if !tail.frames.is_empty() {
                        self.notes.push(format!(
                            "{file} ends in {} items that the index does not name, as a pull leaves \
                             them that was broken off; the next pull takes them in",
                            tail.frames.len()
                        ));
                    }
                    if tail.torn > 0 {
                        self.notes.push(format!(
                            "{file} ends in {} bytes of an item whose writing was cut off",
                            tail.torn
                        ));
                    }
                }
                Err(error) => self.problem(format!("{file} cannot be read: {error}")),
            }
        }
    }

    fn results(&mut self, case: &Case, logged: &Logged) {
        for (name, digest) in &logged.written {
            let path = if name == DECISIONS { Ok(case.path(name)) } else { case.place(name) };
            match path.and_then(|path| durable::digest(&path)) {
                Ok(Some(now)) if now == *digest => {}
                Ok(Some(_)) if EDITABLE.contains(&name.as_str()) => {
                    self.notes.push(format!("{name} was edited since it was written"));
                }
                Ok(Some(_)) if name == DECISIONS => self.problem(format!(
                    "{name} is not what was written; take it from a copy of the case, or run \
                     `restitch review import` again"
                )),
                Ok(Some(_)) => self.problem(format!(
                    "{name} is not what was written; run the step again that writes it"
                )),
                Ok(None) => {
                    self.problem(format!("{name} is missing; run the step again that writes it"))
                }
                Err(error) => self.problem(error.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use restitch_model::{Answer, CandidateId, Decision, Instant, Remark};
    use serde_json::json;

    use super::*;
    use crate::table::{ColumnData, TableData};

    /// A case with something in every part, closed.
    struct Bench(tempfile::TempDir);

    impl Bench {
        fn new() -> Self {
            let bench = Self(tempfile::tempdir().unwrap());
            let case = Case::create(bench.dir()).unwrap();
            let now: Instant = "2026-04-25T14:03:00Z".parse().unwrap();
            case.log(now, "ana", "began", json!({"pipeline": "car-rental"})).unwrap();
            case.write("case.toml", "name = \"car-rental\"\n").unwrap();
            let mut writer = case.evidence().unwrap().writer("payments", now).unwrap();
            for n in 0..5 {
                let bytes = format!("{{\"id\":\"ch_{n}\",\"amount\":1250}}");
                writer
                    .put("stripe.charge", &format!("ch_{n}"), "", Some(now), bytes.as_bytes())
                    .unwrap();
            }
            writer.remark(Remark::new("ch_9", "is no JSON"));
            writer.set_checkpoint("ch_4").unwrap();
            let pulled = writer.finish().unwrap();
            assert_eq!((pulled.kinds["stripe.charge"].new, pulled.remarks.len()), (5, 1));
            let amounts = ColumnData::Integer(vec![Some(1250); 5]);
            case.write_table("facts/payments", &TableData::default().with("amount", amounts))
                .unwrap();
            case.write("rules.toml", "[[rule]]\n").unwrap();
            case.write("plan.json", "{}\n").unwrap();
            let yes = Decision {
                candidate: CandidateId("reservation-1".into()),
                answer: Answer::Yes,
                reviewer: "ana".into(),
                note: String::new(),
                at: now,
                seen: Default::default(),
            };
            case.add_decisions(&[yes]).unwrap();
            bench
        }

        fn dir(&self) -> PathBuf {
            self.0.path().join("case")
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir().join(name)
        }

        fn verify(&self) -> Verification {
            Case::open_read_only(self.dir()).unwrap().verify()
        }

        /// That a file with other bytes, or none, is named; then it is put back.
        fn named(&self, file: &str, bytes: Option<&[u8]>, what: &str) {
            let whole = fs::read(self.path(file)).unwrap();
            match bytes {
                Some(bytes) => fs::write(self.path(file), bytes).unwrap(),
                None => fs::remove_file(self.path(file)).unwrap(),
            }
            let found = self.verify();
            let said = if EDITABLE.contains(&file) && bytes.is_some() {
                &found.notes
            } else {
                &found.problems
            };
            assert!(said.iter().any(|text| text.contains(file)), "{file}, {what}: {found:?}");
            fs::write(self.path(file), whole).unwrap();
        }

        fn lines(&self, file: &str) -> Vec<String> {
            let text = fs::read_to_string(self.path(file)).unwrap();
            text.split_inclusive('\n').map(str::to_owned).collect()
        }
    }

    const FILES: [&str; 10] = [
        "case.toml",
        "rules.toml",
        "plan.json",
        "facts/payments.parquet",
        "review/decisions.jsonl",
        "evidence/index.jsonl",
        "evidence/checkpoints.json",
        "evidence/segment-00001.zst-frames",
        "log.jsonl",
        "log.head",
    ];

    #[test]
    fn a_case_as_it_was_written_has_no_problem() {
        let found = Bench::new().verify();
        assert_eq!(found, Verification { evidence_items: 5, ..Verification::default() });
    }

    #[test]
    fn a_flipped_bit_anywhere_is_named_by_its_file() {
        let bench = Bench::new();
        for file in FILES {
            let whole = fs::read(bench.path(file)).unwrap();
            for at in (0..whole.len()).step_by(whole.len() / 40 + 1).chain([whole.len() - 1]) {
                for bit in [0x01, 0x80] {
                    let mut changed = whole.clone();
                    changed[at] ^= bit;
                    bench.named(file, Some(&changed), &format!("byte {at}, bit {bit:#x}"));
                }
            }
        }
        assert_eq!(bench.verify().problems, [""; 0]);
    }

    #[test]
    fn a_file_that_was_cut_off_is_named() {
        let bench = Bench::new();
        for file in FILES {
            let whole = fs::read(bench.path(file)).unwrap();
            for length in [0, whole.len() / 2, whole.len() - 1] {
                bench.named(file, Some(&whole[..length]), &format!("{length} bytes left"));
            }
        }
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let bench = Bench::new();
        for file in FILES {
            bench.named(file, None, "missing");
        }
    }

    #[test]
    fn every_line_taken_out_of_log_or_index_is_missed() {
        let bench = Bench::new();
        for file in ["log.jsonl", "evidence/index.jsonl", "review/decisions.jsonl"] {
            let lines = bench.lines(file);
            for out in 0..lines.len() {
                let mut left = lines.clone();
                left.remove(out);
                bench.named(file, Some(left.concat().as_bytes()), &format!("without line {out}"));
            }
        }
    }

    #[test]
    fn log_lines_that_change_places_are_missed() {
        let bench = Bench::new();
        let mut lines = bench.lines("log.jsonl");
        lines.swap(1, 2);
        bench.named("log.jsonl", Some(lines.concat().as_bytes()), "swapped");
    }

    #[test]
    fn a_log_that_was_cut_off_stays_a_problem_when_it_is_written_on() {
        let bench = Bench::new();
        let lines = bench.lines("log.jsonl");
        fs::write(bench.path("log.jsonl"), lines[..lines.len() - 1].concat()).unwrap();
        Case::open(bench.dir()).unwrap().write("plan.json", "{}\n").unwrap();
        let problems = bench.verify().problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("had been cut off or changed"), "{problems:?}");
    }

    #[test]
    fn what_a_crash_leaves_is_a_note_and_no_problem() {
        let bench = Bench::new();
        for (file, rest) in [
            ("log.jsonl", "{\"seq\":"),
            ("evidence/index.jsonl", "{\"id\":\""),
            ("evidence/segment-00001.zst-frames", "\u{9}\0\0\0\0\0\0\0zst"),
        ] {
            let mut bytes = fs::read(bench.path(file)).unwrap();
            bytes.extend_from_slice(rest.as_bytes());
            fs::write(bench.path(file), bytes).unwrap();
        }
        let found = bench.verify();
        assert_eq!(found.problems, [""; 0]);
        assert_eq!(found.notes.len(), 3, "{found:?}");
        Case::open(bench.dir()).unwrap().write("plan.json", "{}\n").unwrap();
        assert_eq!(bench.verify().notes.len(), 2);
    }

    #[test]
    fn items_that_no_index_names_yet_are_a_note() {
        let bench = Bench::new();
        let path = bench.path("evidence/segment-00001.zst-frames");
        let mut bytes = fs::read(&path).unwrap();
        let mut packer = segment::packer().unwrap();
        bytes.extend(segment::frame(&mut packer, b"put and not yet indexed").unwrap());
        fs::write(&path, bytes).unwrap();
        let found = bench.verify();
        assert_eq!(found.problems, [""; 0]);
        assert!(
            found.notes[0].contains("ends in 1 items that the index does not name"),
            "{found:?}"
        );
    }

    #[test]
    fn a_lost_segment_names_its_first_items_and_counts_the_rest() {
        let bench = Bench::new();
        let case = Case::open(bench.dir()).unwrap();
        let mut writer = case.evidence().unwrap().writer("mail", Instant::UNIX_EPOCH).unwrap();
        for n in 0..40 {
            writer.put("mail", &n.to_string(), "", None, n.to_string().as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        fs::remove_file(bench.path("evidence/segment-00001.zst-frames")).unwrap();
        let problems = case.verify().problems;
        assert_eq!(problems.len(), 21);
        assert!(problems[0].ends_with("that file is missing"), "{}", problems[0]);
        assert_eq!(problems[20], "evidence/segment-00001.zst-frames: 25 more items");
    }
}
