use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::thread;

use restitch_model::{Digest, EvidenceId, Progress, Silent};
use serde::Deserialize;

use crate::case::{Case, EVIDENCE};
use crate::checkpoint::{Anchor, Checkpoints};
use crate::decisions::DECISIONS;
use crate::durable;
use crate::error::{CaseError, Result};
use crate::evidence::MEND;
use crate::index::{self, Entry, INDEX, IndexLine};
use crate::keys::{Closed, Keys};
use crate::log::{self, GAP, HEAD, LOG, LogEntry, PULLED};
use crate::results::is_result;
use crate::sealed;
use crate::segment::{self, Beginning, SegmentReader, Stored};

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
        if let Err(error) =
            found.evidence(&self.dir().join(EVIDENCE), self.keys(), &logged, progress)
        {
            found.problems.push(error.to_string());
        }
        found.results(self, &logged);
        found
    }
}

/// What the index says.
#[derive(Default)]
struct There {
    keys: HashSet<Digest>,
    places: HashMap<EvidenceId, Stored>,
    /// Where the index ends in each segment.
    ends: BTreeMap<u32, u64>,
    /// How many items could not be opened.
    closed: u64,
}

impl There {
    fn reach(&mut self, segment: u32, end: u64) {
        let known = self.ends.entry(segment).or_default();
        *known = end.max(*known);
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
            // A case whose making was cut off has its head and no line yet.
            if head.is_none_or(|head| head.lines > 0) {
                self.problem(format!("{LOG} is missing"));
            }
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

    fn evidence(
        &mut self,
        folder: &Path,
        keys: &Keys,
        logged: &Logged,
        progress: &dyn Progress,
    ) -> Result<()> {
        let anchors = self.anchors(folder, logged)?;
        let mut there = There::default();
        let scanned = index::scan(folder, keys, &anchors, |entry| {
            self.take_in(&mut there, entry);
            Ok(())
        })?;
        if scanned.is_none() && logged.index.is_some() {
            self.problem(format!(
                "{EVIDENCE}/{INDEX} is missing; run `restitch pull`, which makes it again"
            ));
        }
        let scanned = scanned.unwrap_or_default();
        if scanned.holds.contains(&false) {
            self.problem(format!(
                "{EVIDENCE}/{INDEX} was changed or cut off; take it from a copy of the case, or run \
                 `restitch pull`, which brings back what is missing"
            ));
        } else if scanned.torn > 0 {
            self.notes.push(format!(
                "{EVIDENCE}/{INDEX} ends in {} bytes of a line whose writing was cut off; the \
                 next pull takes their place",
                scanned.torn
            ));
        }
        self.evidence_items = there.keys.len() as u64 + there.closed;
        drop(there.keys);
        if there.closed > 0 {
            self.notes.push(format!(
                "{} items of evidence are sealed, and no identity opens them here: that their \
                 stored bytes are those that were written was checked, not what is in them",
                there.closed
            ));
        }
        self.items(folder, keys, there.places, progress);
        self.segments(folder, &there.ends, there.closed > 0);
        Ok(())
    }

    fn take_in(&mut self, there: &mut There, entry: Entry) {
        match entry {
            Entry::Item(IndexLine { meta, stored }) => {
                there.keys.insert(index::key(&meta.source, &meta.kind, &meta.native_id, meta.id));
                there.places.insert(meta.id, stored);
                there.reach(stored.segment, stored.end());
            }
            Entry::Closed(_, Closed::Changed) => {
                self.problem(format!("{EVIDENCE}/{INDEX}: a line is not what was sealed"))
            }
            Entry::Closed(batch, _) => {
                there.closed += batch.items;
                batch.ends.iter().for_each(|(&segment, &end)| there.reach(segment, end));
            }
            Entry::Unreadable(n) => {
                self.problem(format!("{EVIDENCE}/{INDEX}: line {n} cannot be read"));
            }
        }
    }

    /// How the index began when log and checkpoints were last written.
    fn anchors(&mut self, folder: &Path, logged: &Logged) -> Result<Vec<Anchor>> {
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
        Ok([logged.index, checkpoints].into_iter().flatten().collect())
    }

    /// Reads every item, in the order in which they lie, and hashes it.
    fn items(
        &mut self,
        folder: &Path,
        keys: &Keys,
        places: HashMap<EvidenceId, Stored>,
        progress: &dyn Progress,
    ) {
        progress.begin("verify", "items", Some(places.len() as u64));
        let mut places: Vec<_> = places.into_iter().collect();
        places.sort_unstable_by_key(|(id, stored)| (*stored, *id));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = places.len().div_ceil(threads).max(1);
        let check = |places: &[(EvidenceId, Stored)]| {
            let mut reader = SegmentReader::new(folder, keys);
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

    /// Looks at what was not read item by item: how segments begin, and how they end; of sealed
    /// ones that could not be opened (`closed`) every frame.
    fn segments(&mut self, folder: &Path, ends: &BTreeMap<u32, u64>, closed: bool) {
        let there = match segment::list(folder) {
            Ok(there) => there,
            Err(error) => return self.problem(format!("{EVIDENCE} cannot be read: {error}")),
        };
        let missing = ends.keys().filter(|number| closed && !there.contains_key(number));
        for number in missing {
            self.problem(format!("{EVIDENCE}/{} is missing; {MEND}", segment::name(*number)));
        }
        for (&number, &length) in &there {
            let named = ends.get(&number).copied();
            if let Err(error) = self.segment(folder, number, length, named, closed) {
                let name = segment::name(number);
                self.problem(format!("{EVIDENCE}/{name} cannot be read: {error}"));
            }
        }
    }

    /// `named` is where the index ends in the segment.
    fn segment(
        &mut self,
        folder: &Path,
        number: u32,
        length: u64,
        named: Option<u64>,
        closed: bool,
    ) -> std::io::Result<()> {
        let file = format!("{EVIDENCE}/{}", segment::name(number));
        let beginning = Beginning::read(&mut File::open(segment::path(folder, number))?)?;
        match beginning {
            // A run that was killed may leave a segment that does not even begin.
            Beginning::Cut if named.is_none() => return Ok(()),
            Beginning::Cut | Beginning::Wrong => {
                self.problem(format!("{file}: its first bytes were changed"));
                return Ok(());
            }
            Beginning::Plain | Beginning::Sealed(..) => {}
        }
        let start = match closed {
            true => beginning.frames(),
            false => named.unwrap_or(beginning.frames()),
        };
        if start > length {
            return Ok(());
        }
        let (frames, torn) = segment::count(folder, number, start)?;
        let whole = length - torn;
        if closed && named.is_some_and(|named| whole < named) {
            self.problem(format!(
                "{file}: its bytes were changed or cut off from byte {whole} on; {MEND}"
            ));
            return Ok(());
        }
        if frames > 0 && !closed {
            self.notes.push(format!(
                "{file} ends in {frames} items that the index does not name, as a pull leaves \
                 them that was broken off"
            ));
        }
        if torn > 0 {
            self.notes
                .push(format!("{file} ends in {torn} bytes of an item whose writing was cut off"));
        }
        Ok(())
    }

    fn results(&mut self, case: &Case, logged: &Logged) {
        for (name, digest) in &logged.written {
            // The log names files: those that are sealed with `.age` at their end.
            let path = match is_result(name) || name == DECISIONS {
                true => Ok(case.dir().join(name)),
                false => Err(CaseError::Name(name.clone())),
            };
            match path.and_then(|path| durable::digest(&path)) {
                Ok(Some(now)) if now == *digest => {}
                Ok(Some(_)) if EDITABLE.contains(&name.trim_end_matches(".age")) => {
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
            let mut writer = case.evidence_writer("payments", now).unwrap();
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
        let payload = segment::pack(&mut packer, b"put and not yet indexed").unwrap();
        bytes.extend(segment::frame(&payload));
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
        let mut writer = case.evidence_writer("mail", Instant::UNIX_EPOCH).unwrap();
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
