//! The read step: facts out of evidence, and only out of what is new.
//!
//! Beside the facts stands a table of what was read: one row an item, with the fingerprint of
//! its reading, how many facts it has and what was noticed. An item whose fingerprint is the same
//! is not read again: its rows are copied. Both tables are in the order of the items and are
//! written in a stream, so that no more of them is in memory than a row group.

use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use restitch_case::{
    Case, CaseError, ColumnData, EvidenceStore, TableData, TableReader, TableWriter,
};
use restitch_connect::Connector;
use restitch_model::{Digest, Evidence, EvidenceMeta, Progress, Remark};

use crate::error::PipelineError;
use crate::facts_table::{self, FACTS};
use crate::file::Source;

/// What was read, an item a row.
const READ: &str = "facts/read.parquet";

/// What reads the evidence of a source.
pub(crate) struct Reader {
    /// The connector.
    pub(crate) connector: Box<dyn Connector>,
    /// All that decides how an item is read, beside the item.
    fingerprint: Digest,
}

impl Reader {
    /// The reader of a source.
    pub(crate) fn new(source: &Source, connector: Box<dyn Connector>) -> Self {
        // Where a source lies has no part in how its items are read.
        let settings = Source {
            name: String::new(),
            path: None,
            key_env: None,
            api_base: None,
            allow_write_key: false,
            ..source.clone()
        };
        let settings = serde_json::to_string(&settings).expect("settings are plain data");
        let other = connector.reads_by();
        let parts = [program(), settings.as_bytes(), other.as_bytes()];
        Self { fingerprint: Digest::of_parts(parts), connector }
    }
}

/// The program that reads, by its own bytes: a number that somebody must remember to raise would
/// one day leave facts of an older reader in place. Where the system does not show them, all is
/// read anew in every run.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let bytes = std::env::current_exe().and_then(std::fs::read);
        let digest = bytes.map(|bytes| Digest::of(&bytes).as_bytes().to_vec());
        digest.unwrap_or_else(|_| {
            let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            moment.unwrap_or_default().as_nanos().to_le_bytes().to_vec()
        })
    })
}

/// What reading came to.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// How many facts there are.
    pub(crate) facts: u64,
    /// How many items were read; the others were known.
    pub(crate) items: u64,
    /// What was noticed, in the order of the items.
    pub(crate) remarks: Vec<Remark>,
}

/// Reads what is new of the evidence into facts.
pub(crate) fn read(
    case: &Case,
    readers: &BTreeMap<&str, Reader>,
    progress: &dyn Progress,
) -> Result<Done, PipelineError> {
    let store = case.evidence()?;
    let order = Order::of(&store, readers);
    let known = Known::of(case, &order)?;
    let fresh: Vec<usize> = order.fresh(&known).collect();
    let is_complete = known.complete;
    drop(known);
    progress.begin("reading evidence", "items", Some(fresh.len() as u64));
    let done = match Merge::begin(case, &order, is_complete) {
        Ok(mut merge) => {
            merge.run(&store, &fresh, readers, progress).and_then(|()| merge.finish(case))
        }
        Err(error) => Err(error),
    };
    progress.end();
    match done {
        // What was kept of an earlier reading is no reason to fail: all can be read anew.
        Err(PipelineError::Table { .. }) => {
            case.remove(READ)?;
            read(case, readers, progress)
        }
        done => done,
    }
}

/// The items in their order, each once, with the fingerprint of its reading.
struct Order {
    items: Vec<(usize, Digest)>,
}

impl Order {
    fn of(store: &EvidenceStore, readers: &BTreeMap<&str, Reader>) -> Self {
        let mut seen = HashSet::with_capacity(store.len());
        let mut items = Vec::with_capacity(store.len());
        for (position, meta) in store.metas().enumerate() {
            if seen.insert(meta.id) {
                items.push((position, fingerprint(&meta, readers.get(meta.source.as_str()))));
            }
        }
        Self { items }
    }

    /// The positions of those that are not known.
    fn fresh<'o>(&'o self, known: &'o Known) -> impl Iterator<Item = usize> + 'o {
        let is_fresh = |(_, print): &&(usize, Digest)| !known.prints.contains(print);
        self.items.iter().filter(is_fresh).map(|(position, _)| *position)
    }
}

/// Of all that decides about the facts of an item. It holds what items are ordered by, so that
/// those which keep their fingerprint keep their order.
fn fingerprint(meta: &EvidenceMeta, reader: Option<&Reader>) -> Digest {
    let at = meta.at.map(|at| at.as_nanosecond().to_le_bytes());
    Digest::of_parts([
        reader.map_or(&[][..], |reader| reader.fingerprint.as_bytes()),
        meta.id.0.as_bytes(),
        meta.source.as_bytes(),
        meta.kind.as_bytes(),
        meta.native_id.as_bytes(),
        meta.container.as_bytes(),
        at.as_ref().map_or(&[][..], |at| &at[..]),
    ])
}

/// What is known of an earlier reading: nothing, where its tables are not as they were written.
#[derive(Default)]
struct Known {
    prints: HashSet<Digest>,
    /// Whether they are the ones that are wanted now, and no others.
    complete: bool,
}

impl Known {
    fn of(case: &Case, order: &Order) -> Result<Self, PipelineError> {
        let mut known = Self::default();
        if case.table_reader(FACTS)?.is_none() {
            return Ok(known);
        }
        let Some(mut rows) = Rows::of(case)? else { return Ok(known) };
        while let Some(row) = rows.next()? {
            known.prints.insert(row.print);
        }
        known.complete = known.prints.len() == order.items.len()
            && order.items.iter().all(|(_, print)| known.prints.contains(print));
        Ok(known)
    }
}

/// A row of the table of what was read.
struct Row {
    print: Digest,
    facts: usize,
    remarks: Option<String>,
}

/// The rows of an earlier reading, one after the other.
struct Rows {
    table: TableReader,
    group: TableData,
    at: usize,
}

impl Rows {
    fn of(case: &Case) -> Result<Option<Self>, PipelineError> {
        let table = case.table_reader(READ)?;
        Ok(table.map(|table| Self { table, group: TableData::default(), at: 0 }))
    }

    fn next(&mut self) -> Result<Option<Row>, PipelineError> {
        if self.at == self.group.rows() {
            let Some(group) = self.table.next_rows()? else { return Ok(None) };
            (self.group, self.at) = (group, 0);
        }
        let at = self.at;
        self.at += 1;
        let text = |name: &str| self.group.text(name).and_then(|cells| cells[at].clone());
        let facts = self.group.integer("facts").and_then(|cells| cells[at]);
        let facts = facts.and_then(|facts| usize::try_from(facts).ok());
        let print = text("reading").and_then(|text| text.parse().ok());
        let (Some(print), Some(facts)) = (print, facts) else {
            return Err(broken("a row of it says nothing"));
        };
        Ok(Some(Row { print, facts, remarks: text("remarks") }))
    }
}

/// The facts of an earlier reading, one after the other.
struct Facts {
    table: TableReader,
    group: TableData,
    at: usize,
}

impl Facts {
    /// Hands on the next so many rows, in pieces.
    fn take(
        &mut self,
        mut rows: usize,
        mut hand: impl FnMut(TableData) -> Result<(), CaseError>,
    ) -> Result<(), PipelineError> {
        while rows > 0 {
            if self.at == self.group.rows() {
                let next = self.table.next_rows()?.ok_or_else(|| broken("it has too few facts"))?;
                (self.group, self.at) = (next, 0);
            }
            let piece = rows.min(self.group.rows() - self.at);
            hand(self.group.take_rows(self.at..self.at + piece))?;
            self.at += piece;
            rows -= piece;
        }
        Ok(())
    }
}

/// Writes the facts of all items, known and new.
struct Merge<'m> {
    order: std::slice::Iter<'m, (usize, Digest)>,
    earlier: Option<(Rows, Facts)>,
    /// `None` where all is as it was and nothing need be written.
    out: Option<(TableWriter, TableWriter)>,
    done: Done,
}

/// What was read out of an item.
struct Fresh {
    print: Digest,
    facts: TableData,
    remarks: Vec<Remark>,
}

impl<'m> Merge<'m> {
    fn begin(case: &Case, order: &'m Order, is_complete: bool) -> Result<Self, PipelineError> {
        let earlier = match (Rows::of(case)?, case.table_reader(FACTS)?) {
            (Some(rows), Some(table)) => {
                Some((rows, Facts { table, group: TableData::default(), at: 0 }))
            }
            _ => None,
        };
        let out = match is_complete {
            true => None,
            false => Some((
                case.table_writer(FACTS, facts_table::to_table(&[]))?,
                case.table_writer(READ, row(None))?,
            )),
        };
        Ok(Self { order: order.items.iter(), earlier, out, done: Done::default() })
    }

    fn run(
        &mut self,
        store: &EvidenceStore,
        fresh: &[usize],
        readers: &BTreeMap<&str, Reader>,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let work = |evidence: Evidence| {
            let reader = readers.get(evidence.meta.source.as_str());
            let reading = reader.map(|reader| reader.connector.read(&evidence));
            let reading = reading.unwrap_or_default();
            progress.advance(1);
            Fresh {
                print: fingerprint(&evidence.meta, reader),
                facts: facts_table::to_table(&[(evidence.meta.id, reading.facts)]),
                remarks: reading.remarks,
            }
        };
        store.work_on(fresh, work, |position, fresh| {
            self.known_before(Some(position))?;
            self.add(fresh)
        })?;
        self.known_before(None)
    }

    /// Copies the known items that stand before an item, and steps over that one.
    fn known_before(&mut self, fresh: Option<usize>) -> Result<(), PipelineError> {
        while let Some((position, print)) = self.order.next() {
            if Some(*position) == fresh {
                return Ok(());
            }
            self.copy(*print)?;
        }
        Ok(())
    }

    /// Copies what is known of an item; what stands before it is of items that are gone.
    fn copy(&mut self, print: Digest) -> Result<(), PipelineError> {
        let Some((rows, facts)) = &mut self.earlier else {
            return Err(broken("an item is not in it"));
        };
        let Some(out) = &mut self.out else {
            let row = rows.next()?.ok_or_else(|| broken("an item is not in it"))?;
            return self.done.count(row.facts, row.remarks.as_deref());
        };
        loop {
            let row = rows.next()?.ok_or_else(|| broken("an item is not in it"))?;
            let is_it = row.print == print;
            facts.take(row.facts, |facts| if is_it { out.0.write(facts) } else { Ok(()) })?;
            if is_it {
                self.done.count(row.facts, row.remarks.as_deref())?;
                return Ok(out.1.write(self::row(Some(&row)))?);
            }
        }
    }

    fn add(&mut self, fresh: Fresh) -> Result<(), PipelineError> {
        let remarks = (!fresh.remarks.is_empty()).then(|| {
            serde_json::to_string(&fresh.remarks).expect("remarks can be written as JSON")
        });
        let row = Row { print: fresh.print, facts: fresh.facts.rows(), remarks };
        self.done.items += 1;
        self.done.facts += row.facts as u64;
        self.done.remarks.extend(fresh.remarks);
        if let Some((facts, read)) = &mut self.out {
            facts.write(fresh.facts)?;
            read.write(self::row(Some(&row)))?;
        }
        Ok(())
    }

    fn finish(self, case: &Case) -> Result<Done, PipelineError> {
        if let Some((facts, read)) = self.out {
            // What counts the rows of the facts goes before the facts do: were the run killed in
            // between, it would count rows of others.
            case.remove(READ)?;
            facts.finish()?;
            read.finish()?;
        }
        Ok(self.done)
    }
}

impl Done {
    fn count(&mut self, facts: usize, remarks: Option<&str>) -> Result<(), PipelineError> {
        self.facts += facts as u64;
        if let Some(remarks) = remarks {
            let remarks: Vec<Remark> =
                serde_json::from_str(remarks).map_err(|_| broken("a remark of it is none"))?;
            self.remarks.extend(remarks);
        }
        Ok(())
    }
}

/// A table of what was read with one row, or none.
fn row(row: Option<&Row>) -> TableData {
    let text =
        |of: &dyn Fn(&Row) -> Option<String>| ColumnData::Text(row.map(of).into_iter().collect());
    let facts = row.map(|row| i64::try_from(row.facts).ok());
    TableData::default()
        .with("reading", text(&|row| Some(row.print.to_string())))
        .with("facts", ColumnData::Integer(facts.into_iter().collect()))
        .with("remarks", text(&|row| row.remarks.clone()))
}

fn broken(problem: &str) -> PipelineError {
    PipelineError::Table { table: READ.to_owned(), problem: problem.to_owned(), command: "pull" }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use restitch_connect::{PullError, Reading, Sink};
    use restitch_model::{EvidenceId, Fact, FactValue, Instant, Place, Silent, TimeWindow};

    use super::*;
    use crate::file::Pipeline;

    /// Reads the words of an item, and keeps account of what it read.
    #[derive(Default)]
    struct Words {
        by: &'static str,
        read: Mutex<Vec<EvidenceId>>,
    }

    impl Connector for &'static Words {
        fn kinds(&self) -> &'static [&'static str] {
            &["text"]
        }

        fn pull(
            &self,
            _: Option<TimeWindow>,
            _: &mut dyn Sink,
            _: &dyn Progress,
        ) -> Result<(), PullError> {
            Ok(())
        }

        fn read(&self, evidence: &Evidence) -> Reading {
            self.read.lock().unwrap().push(evidence.meta.id);
            let text = String::from_utf8_lossy(&evidence.bytes).into_owned();
            let fact = |word: &str| Fact {
                name: self.by.into(),
                value: FactValue::Text(word.to_owned()),
                place: Place::whole("text"),
            };
            let remark = Remark::new(&evidence.meta.native_id, "holds no word");
            Reading {
                facts: text.split_whitespace().map(fact).collect(),
                remarks: text.trim().is_empty().then_some(remark).into_iter().collect(),
            }
        }

        fn reads_by(&self) -> String {
            self.by.to_owned()
        }
    }

    struct Bench {
        _dir: tempfile::TempDir,
        case: Case,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let case = Case::create(dir.path().join("case")).unwrap();
            Self { _dir: dir, case }
        }

        fn put(&self, source: &str, items: &[(&str, &str)]) {
            let mut writer = self.case.evidence_writer(source, Instant::UNIX_EPOCH).unwrap();
            for (native_id, text) in items {
                writer.put("text", native_id, "", None, *text).unwrap();
            }
            writer.finish().unwrap();
        }

        /// Reads with a source's settings; what was read of it in this run, and all of it.
        fn read(&self, by: &'static str, settings: &str) -> (usize, Done) {
            let words: &'static Words = Box::leak(Box::new(Words { by, ..Words::default() }));
            let text = format!(
                "[target]\nurl = \"sqlite:a\"\n[[source]]\nname = \"a\"\ntype = \"calendar\"\n\
                 path = \"x\"\n{settings}"
            );
            let source = Pipeline::parse(&text, "incident.toml").unwrap().source.remove(0);
            let reader = || Reader::new(&source, Box::new(words));
            let readers = BTreeMap::from([("a", reader()), ("b", reader())]);
            let done = read(&self.case, &readers, &Silent).unwrap();
            let read = words.read.lock().unwrap().len();
            assert_eq!(read as u64, done.items);
            (read, done)
        }

        fn tables(&self) -> [Vec<u8>; 2] {
            [FACTS, READ].map(|name| self.case.read(name).unwrap())
        }

        /// That what stands there is what reading everything afresh gives.
        #[track_caller]
        fn is_as_read_afresh(&self, by: &'static str, settings: &str, remarks: &[Remark]) {
            let tables = self.tables();
            self.case.remove(READ).unwrap();
            let (_, done) = self.read(by, settings);
            assert_eq!(done.remarks, remarks);
            assert!(self.tables() == tables, "the tables are not those of a fresh reading");
            assert_eq!(self.case.verify().problems, [""; 0]);
        }
    }

    #[test]
    fn three_new_items_are_three_items_to_read() {
        let bench = Bench::new();
        let items: Vec<_> =
            (0..500).map(|n| (format!("{n:04}"), format!("word {n} again"))).collect();
        let items: Vec<_> = items.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
        bench.put("a", &items);
        bench.put("a", &[("0300x", " ")]);
        assert_eq!(bench.read("v1", "").0, 501);
        assert_eq!(bench.read("v1", "").0, 0);
        // One comes first, one last, one in the middle, and one is there already.
        bench.put("a", &[("", "first"), ("0250x", "middle of it"), ("9", "")]);
        bench.put("b", &[("0", "word 7 again")]);
        let (read, done) = bench.read("v1", "");
        assert_eq!((read, done.facts), (3, 500 * 3 + 4));
        assert_eq!(done.remarks.len(), 2);
        bench.is_as_read_afresh("v1", "", &done.remarks);
    }

    #[test]
    fn bytes_that_come_under_an_earlier_name_are_read_under_that() {
        let bench = Bench::new();
        bench.put("b", &[("1", "one"), ("2", "two"), ("3", "three")]);
        assert_eq!(bench.read("v1", "").0, 3);
        bench.put("a", &[("9", "three")]);
        let (read, done) = bench.read("v1", "");
        assert_eq!((read, done.facts), (1, 3));
        bench.is_as_read_afresh("v1", "", &done.remarks);
    }

    #[test]
    fn what_changes_reading_has_all_read_again_and_what_does_not_has_not() {
        let bench = Bench::new();
        bench.put("a", &[("1", "one"), ("2", "two")]);
        assert_eq!(bench.read("v1", "").0, 2);
        assert_eq!(bench.read("v2", "").0, 2, "another reader");
        assert_eq!(bench.read("v2", "timezone = \"Europe/Berlin\"").0, 2, "another zone");
        assert_eq!(bench.read("v2", "timezone = \"Europe/Berlin\"").0, 0);
    }

    #[test]
    fn facts_that_are_not_those_that_were_written_are_read_anew() {
        let bench = Bench::new();
        bench.put("a", &[("1", "one"), ("2", "two")]);
        bench.read("v1", "");
        let tables = bench.tables();
        for (name, bytes) in [(FACTS, Some("PAR1")), (FACTS, None), (READ, Some("")), (READ, None)]
        {
            match bytes {
                Some(bytes) => std::fs::write(bench.case.path(name), bytes).unwrap(),
                None => std::fs::remove_file(bench.case.path(name)).unwrap(),
            }
            assert_eq!(bench.read("v1", "").0, 2, "{name}");
            assert!(bench.tables() == tables);
        }
    }

    #[test]
    fn facts_that_were_written_without_their_account_are_not_taken_for_others() {
        let bench = Bench::new();
        bench.put("a", &[("1", "one"), ("2", "two")]);
        bench.read("v1", "");
        // As a run leaves it that was killed between the two tables.
        bench.case.remove(READ).unwrap();
        let other = [(EvidenceId::of(b"x"), Vec::new())];
        bench.case.write_table(FACTS, &facts_table::to_table(&other)).unwrap();
        assert_eq!(bench.read("v1", "").0, 2);
    }
}
