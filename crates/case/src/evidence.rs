use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::thread;

use restitch_model::{Evidence, EvidenceId, EvidenceMeta, Instant};

use crate::case::{Case, EVIDENCE};
use crate::error::{CaseError, Result};
use crate::index::Index;
use crate::segment::{self, SegmentReader};
use crate::source_writer::SourceWriter;

/// The evidence of a case, as it was when the store was opened. What is pulled later shows
/// in a store opened later.
#[derive(Debug)]
pub struct EvidenceStore {
    case: Case,
    index: Index,
}

impl Case {
    /// Opens the evidence. This reads the whole index, not the items.
    pub fn evidence(&self) -> Result<EvidenceStore> {
        let index = Index::read(&self.dir().join(EVIDENCE), self.keys())?;
        Ok(EvidenceStore { case: self.clone(), index })
    }

    /// Begins to add to the evidence what a source gives, at a time that the caller knows.
    pub fn evidence_writer(&self, source: &str, fetched_at: Instant) -> Result<SourceWriter> {
        self.with_appender(|_| Ok(()))?;
        Ok(SourceWriter::new(self.clone(), source, fetched_at))
    }
}

impl EvidenceStore {
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that is known of the items without reading them, in the order of source, kind,
    /// native id, time and hash, whenever they were pulled.
    pub fn metas(&self) -> impl ExactSizeIterator<Item = EvidenceMeta> + '_ {
        (0..self.len()).map(|position| self.index.meta(position))
    }

    /// What is known of the item at a position in that order.
    pub fn meta(&self, position: usize) -> EvidenceMeta {
        self.index.meta(position)
    }

    /// One item. Where the same bytes came more than once, it is the first in the order of
    /// [`EvidenceStore::metas`]. Its bytes are checked against its name.
    pub fn get(&self, id: EvidenceId) -> Result<Evidence> {
        match self.index.first(id) {
            Some(position) => self.read(&mut self.reader(), position),
            None => Err(CaseError::NoEvidence { dir: self.case.dir().to_owned(), id }),
        }
    }

    /// All items, in the order of [`EvidenceStore::metas`], each read when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = Result<Evidence>> + '_ {
        let mut reader = self.reader();
        (0..self.len()).map(move |position| self.read(&mut reader, position))
    }

    /// All items at once.
    pub fn read_all(&self) -> Result<Vec<Evidence>> {
        self.iter().collect()
    }

    /// Works on the items at these positions in as many threads as the machine has, and hands
    /// on what became of each, in the order of the positions. Few items are in memory at a
    /// time, and not many more results.
    pub fn work_on<T: Send, E: From<CaseError> + Send>(
        &self,
        positions: &[usize],
        work: impl Fn(Evidence) -> T + Sync,
        mut take: impl FnMut(usize, T) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let work = &work;
        // While one share is handed on, the next is worked on.
        let (send, receive) = sync_channel::<Vec<Result<T>>>(1);
        thread::scope(|scope| {
            scope.spawn(move || {
                for share in self.shares(positions) {
                    if send.send(self.work_on_share(share, work)).is_err() {
                        break;
                    }
                }
            });
            let mut positions = positions.iter();
            for done in receive {
                for (done, &position) in done.into_iter().zip(&mut positions) {
                    take(position, done?)?;
                }
            }
            Ok(())
        })
    }

    /// The positions in shares of which each can be held in memory.
    fn shares<'p>(&'p self, positions: &'p [usize]) -> impl Iterator<Item = &'p [usize]> + 'p {
        let mut rest = positions;
        std::iter::from_fn(move || {
            let mut bytes = 0;
            let is_more = |position: &&usize| {
                let before = bytes;
                bytes += self.index.place(**position).bytes;
                before < SHARE_BYTES
            };
            let count = rest.iter().take(SHARE).take_while(is_more).count();
            let (share, others) = rest.split_at(count);
            rest = others;
            (count > 0).then_some(share)
        })
    }

    fn work_on_share<T: Send>(
        &self,
        share: &[usize],
        work: &(impl Fn(Evidence) -> T + Sync),
    ) -> Vec<Result<T>> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let run = || {
            let mut reader = self.reader();
            let mut done = Vec::new();
            while let Some(start) = Some(next.fetch_add(STEP, Relaxed)).filter(|&s| s < share.len())
            {
                for (at, &position) in share.iter().enumerate().skip(start).take(STEP) {
                    done.push((at, self.read(&mut reader, position).map(work)));
                }
            }
            done
        };
        let mut done: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            let ended = running.into_iter().map(|thread| thread.join());
            let ended =
                ended.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            ended.flatten().collect()
        });
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, done)| done).collect()
    }

    fn reader(&self) -> SegmentReader {
        SegmentReader::new(&self.case.dir().join(EVIDENCE), self.case.keys())
    }

    fn read(&self, reader: &mut SegmentReader, position: usize) -> Result<Evidence> {
        let (id, stored) = (self.index.id(position), self.index.place(position));
        let bytes = reader.read(id, &stored).map_err(|problem| CaseError::Damaged {
            path: segment::path(&self.case.dir().join(EVIDENCE), stored.segment),
            problem: format!(
                "evidence {} at byte {}: {problem}; {MEND}",
                id.0.short(),
                stored.offset
            ),
        })?;
        Ok(Evidence { meta: self.index.meta(position), bytes })
    }
}

/// So many items are worked on before what became of them is handed on.
const SHARE: usize = 2048;
/// The bytes of the items from which a share is no longer added to.
const SHARE_BYTES: u64 = 32 * 1024 * 1024;
/// A thread takes so many items at a time.
const STEP: usize = 16;

/// What brings lost evidence back.
pub(crate) const MEND: &str = "take the file from a copy of the case, or move it out of the case \
                               and run `restitch pull`, which brings back what the sources still have";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A case that is closed and opened again before every step.
    struct Bench(tempfile::TempDir);

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            Case::create(dir.path().join("case")).unwrap();
            Self(dir)
        }

        fn case(&self) -> Case {
            Case::open(self.0.path().join("case")).unwrap()
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join("case/evidence").join(name)
        }

        /// Pulls items `native_id=bytes` and says which of them were new.
        fn pull(&self, source: &str, hour: i64, items: &[&str]) -> Vec<bool> {
            let case = self.case();
            let mut writer = case.evidence_writer(source, time(hour)).unwrap();
            let put = |item: &&str| {
                let (native_id, bytes) = item.split_once('=').unwrap();
                writer.put("mail", native_id, "INBOX", Some(time(1)), bytes.as_bytes()).unwrap()
            };
            let new = items.iter().map(put).collect();
            writer.set_checkpoint(&format!("after {hour}")).unwrap();
            writer.finish().unwrap();
            new
        }

        fn items(&self) -> Vec<String> {
            let all = self.case().evidence().unwrap().read_all().unwrap();
            let show = |item: Evidence| {
                let text = String::from_utf8(item.bytes).unwrap();
                format!("{} {}={text}", item.meta.source, item.meta.native_id)
            };
            all.into_iter().map(show).collect()
        }

        fn cursor(&self) -> Option<String> {
            let case = self.case();
            case.evidence_writer("mail", time(0)).unwrap().checkpoint().unwrap()
        }
    }

    fn time(hour: i64) -> Instant {
        Instant::from_second(hour * 3600).unwrap()
    }

    fn cut(path: &PathBuf, bytes: u64) {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
    }

    const SEGMENT: &str = "segment-00001.zst-frames";

    #[test]
    fn an_item_that_is_put_twice_is_kept_once() {
        let bench = Bench::new();
        assert_eq!(bench.pull("mail", 1, &["a=one", "a=one"]), [true, false]);
        assert_eq!(bench.pull("mail", 2, &["a=one"]), [false]);
        assert_eq!(bench.items(), ["mail a=one"]);
        assert_eq!(bench.case().evidence().unwrap().meta(0).fetched_at, time(1));
    }

    #[test]
    fn a_changed_item_is_a_version_beside_the_first() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        assert_eq!(bench.pull("mail", 2, &["a=two"]), [true]);
        assert_eq!(bench.items().len(), 2);
    }

    #[test]
    fn the_same_bytes_are_stored_once_whoever_brings_them() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        let before = fs::metadata(bench.file(SEGMENT)).unwrap().len();
        assert_eq!(bench.pull("archive", 2, &["a=one", "b=one"]), [true, true]);
        assert_eq!(fs::metadata(bench.file(SEGMENT)).unwrap().len(), before);
        assert_eq!(bench.items(), ["archive a=one", "archive b=one", "mail a=one"]);
        let got = bench.case().evidence().unwrap().get(EvidenceId::of(b"one")).unwrap();
        assert_eq!((got.meta.source.as_str(), got.bytes.as_slice()), ("archive", &b"one"[..]));
    }

    #[test]
    fn the_order_of_items_does_not_tell_when_they_were_pulled() {
        let (one, other) = (Bench::new(), Bench::new());
        one.pull("mail", 1, &["a=1", "b=2"]);
        one.pull("archive", 2, &["c=3"]);
        other.pull("archive", 1, &["c=3"]);
        other.pull("mail", 2, &["b=2"]);
        other.pull("mail", 3, &["a=1"]);
        assert_eq!(one.items(), other.items());
    }

    #[test]
    fn a_checkpoint_is_there_for_the_next_pull() {
        let bench = Bench::new();
        assert_eq!(bench.cursor(), None);
        bench.pull("mail", 1, &["a=1"]);
        bench.pull("archive", 2, &[]);
        assert_eq!(bench.cursor().as_deref(), Some("after 1"));
        let mut writer = bench.case().evidence_writer("mail", time(3)).unwrap();
        writer.clear_checkpoint().unwrap();
        drop(writer);
        assert_eq!(bench.cursor(), None);
    }

    #[test]
    fn an_item_cut_off_at_the_end_is_passed_over_and_never_touched() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        let mut segment = fs::read(bench.file(SEGMENT)).unwrap();
        segment.extend_from_slice(b"\x20\0\0\0\0\0\0\0the beginning of");
        fs::write(bench.file(SEGMENT), &segment).unwrap();
        assert_eq!(bench.pull("mail", 2, &["a=one", "b=two"]), [false, true]);
        assert_eq!(bench.items(), ["mail a=one", "mail b=two"]);
        assert_eq!(fs::read(bench.file(SEGMENT)).unwrap(), segment);
        assert!(bench.file("segment-00002.zst-frames").exists());
        assert_eq!(bench.case().verify().problems, [""; 0]);
    }

    #[test]
    fn a_segment_cut_off_within_its_header_is_left_alone() {
        let bench = Bench::new();
        fs::write(bench.file(SEGMENT), "restitch").unwrap();
        assert_eq!(bench.pull("mail", 1, &["a=one"]), [true]);
        assert_eq!(bench.items(), ["mail a=one"]);
        assert_eq!(bench.case().verify().problems, [""; 0]);
    }

    #[test]
    fn an_index_line_cut_off_beyond_the_checkpoint_is_written_anew() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        let whole = fs::read_to_string(bench.file("index.jsonl")).unwrap();
        fs::write(bench.file("index.jsonl"), format!("{whole}{{\"id\":\"3f")).unwrap();
        assert_eq!(bench.items(), ["mail a=one"]);
        assert_eq!(bench.cursor().as_deref(), Some("after 1"));
        assert_eq!(bench.pull("mail", 2, &["b=two"]), [true]);
        assert_eq!(bench.items(), ["mail a=one", "mail b=two"]);
        assert_eq!(bench.case().verify().problems, [""; 0]);
    }

    #[test]
    fn what_an_index_lost_is_pulled_again_without_storing_it_again() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one", "b=two"]);
        let before = fs::read(bench.file(SEGMENT)).unwrap();
        cut(&bench.file("index.jsonl"), 10);
        assert_eq!(bench.items(), ["mail a=one"]);
        assert_eq!(bench.cursor(), None, "the cursor vouched for what is lost");
        assert_eq!(bench.pull("mail", 2, &["a=one", "b=two"]), [false, true]);
        assert_eq!(bench.items(), ["mail a=one", "mail b=two"]);
        assert_eq!(fs::read(bench.file(SEGMENT)).unwrap(), before);
        assert_eq!(bench.case().verify().problems, [""; 0]);
    }

    #[test]
    fn a_lost_segment_is_pulled_again_into_a_new_one() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        fs::remove_file(bench.file(SEGMENT)).unwrap();
        assert_eq!(bench.cursor(), None);
        assert_eq!(bench.pull("mail", 2, &["a=one"]), [true]);
        assert_eq!(bench.cursor().as_deref(), Some("after 2"));
        assert_eq!(bench.items(), ["mail a=one"]);
        assert_eq!(bench.case().verify().problems, [""; 0]);
    }

    #[test]
    fn a_pull_that_breaks_off_keeps_what_it_brought() {
        let bench = Bench::new();
        let mut writer = bench.case().evidence_writer("mail", time(1)).unwrap();
        writer.put("mail", "a", "INBOX", None, b"one").unwrap();
        drop(writer);
        assert_eq!(bench.items(), ["mail a=one"]);
        assert_eq!(bench.cursor(), None);
    }

    #[test]
    fn sources_can_be_pulled_side_by_side() {
        let bench = Bench::new();
        let case = bench.case();
        thread::scope(|scope| {
            for source in ["a", "b", "c"] {
                let case = case.clone();
                scope.spawn(move || {
                    let mut writer = case.evidence_writer(source, time(1)).unwrap();
                    for n in 0..200 {
                        let bytes = format!("{source}{}", n / 2);
                        writer.put("row", &n.to_string(), "", None, bytes.as_bytes()).unwrap();
                    }
                    writer.set_checkpoint("end").unwrap();
                    let tally = writer.finish().unwrap().kinds["row"];
                    assert_eq!((tally.items, tally.new), (200, 200));
                });
            }
        });
        assert_eq!(case.evidence().unwrap().metas().len(), 600);
        assert_eq!(case.verify().evidence_items, 600);
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[test]
    fn work_in_threads_gives_the_order_of_the_items() {
        let bench = Bench::new();
        let items: Vec<_> = (0..5000).map(|n| format!("{n:04}=item {n}")).collect();
        bench.pull("mail", 1, &items.iter().map(String::as_str).collect::<Vec<_>>());
        let store = bench.case().evidence().unwrap();
        let every_third: Vec<usize> = (0..store.len()).step_by(3).collect();
        let mut done = Vec::new();
        let take = |position, bytes| {
            done.push((position, bytes));
            Ok::<(), CaseError>(())
        };
        store.work_on(&every_third, |item| item.bytes, take).unwrap();
        let one_by_one = every_third.iter().map(|&n| (n, format!("item {n}").into_bytes()));
        assert_eq!(done, one_by_one.collect::<Vec<_>>());
    }

    #[test]
    fn a_changed_item_is_never_given_out() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        let mut segment = fs::read(bench.file(SEGMENT)).unwrap();
        segment[30] ^= 1;
        fs::write(bench.file(SEGMENT), segment).unwrap();
        let error = bench.case().evidence().unwrap().read_all().unwrap_err().to_string();
        assert!(error.contains("segment-00001.zst-frames is damaged: evidence "), "{error}");
        assert!(error.contains("run `restitch pull`"), "{error}");
    }

    #[test]
    fn an_unknown_name_and_a_damaged_index_are_errors() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        let unknown = bench.case().evidence().unwrap().get(EvidenceId::of(b"two")).unwrap_err();
        assert!(matches!(unknown, CaseError::NoEvidence { .. }));
        fs::write(bench.file("index.jsonl"), "{}\n").unwrap();
        let error = bench.case().evidence().unwrap_err().to_string();
        assert!(error.contains("line 1 cannot be read"), "{error}");
    }

    #[test]
    fn an_index_cannot_ask_for_more_memory_than_its_segment_has() {
        let bench = Bench::new();
        bench.pull("mail", 1, &["a=one"]);
        let index = fs::read_to_string(bench.file("index.jsonl")).unwrap();
        for (field, said) in
            [("\"length\":", "cut off"), ("\"offset\":", "cut off"), ("\"bytes\":", "not those")]
        {
            let at = index.find(field).unwrap() + field.len();
            let end = at + index[at..].find([',', '}']).unwrap();
            let huge = format!("{}{}{}", &index[..at], u64::MAX, &index[end..]);
            fs::write(bench.file("index.jsonl"), huge).unwrap();
            let error = bench.case().evidence().unwrap().read_all().unwrap_err().to_string();
            assert!(error.contains(said), "{field} {error}");
        }
    }
}
