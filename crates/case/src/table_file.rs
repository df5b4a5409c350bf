use std::fs::File;
use std::io::{self, Cursor, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use restitch_model::Digest;

use crate::case::{Case, held};
use crate::durable;
use crate::error::{CaseError, Doing, Result};
use crate::parquet::{self, STREAM_GROUP};
use crate::result_writer::ResultWriter;
use crate::results::{AGAIN, table_error, table_name};
use crate::table::TableData;

/// Writes a table as Parquet in a stream: one row group is in memory, whatever the table's size.
/// The same rows give the same bytes, in whatever pieces they come.
pub struct TableWriter {
    name: String,
    file: Arc<Mutex<ResultWriter>>,
    out: parquet::Stream<SharedFile>,
    waiting: TableData,
}

impl Case {
    /// Begins to write a table with the columns of this one, which may be empty. `.parquet` is
    /// added to a name without it.
    pub fn table_writer(&self, name: &str, columns: TableData) -> Result<TableWriter> {
        let name = table_name(name);
        let file = Arc::new(Mutex::new(self.writer(&name)?));
        let out = parquet::Stream::new(SharedFile(Arc::clone(&file)), &columns)
            .map_err(|problem| table_error(&name, problem))?;
        Ok(TableWriter { name, file, out, waiting: columns })
    }

    /// Opens a table that was written in a stream and has not changed since, to read it so.
    /// `None` where there is none, or another than was written: a table that can be made anew
    /// is no reason to give up.
    pub fn table_reader(&self, name: &str) -> Result<Option<TableReader>> {
        let name = table_name(name);
        let path = self.place(&name)?;
        let kept_as = self.kept_as(&name);
        if kept_as != name {
            let Some(sealed) = durable::read(&path)? else { return Ok(None) };
            if self.written(&kept_as) != Some(Digest::of(&sealed)) {
                return Ok(None);
            }
            let bytes = self.keys().opened(&sealed).map_err(|closed| closed.of(&path, AGAIN))?;
            return Ok(Some(TableReader { name, of: Of::Bytes(bytes), next: 0 }));
        }
        let digest = durable::digest(&path)?;
        let is_written = digest.is_some() && self.written(&name) == digest;
        Ok(is_written.then_some(TableReader { name, of: Of::File(path), next: 0 }))
    }
}

impl TableWriter {
    /// Writes rows behind those before.
    pub fn write(&mut self, rows: TableData) -> Result<()> {
        self.waiting.append(rows);
        while self.waiting.rows() >= STREAM_GROUP {
            let rest = self.waiting.split_off(STREAM_GROUP);
            let group = std::mem::replace(&mut self.waiting, rest);
            self.write_group(&group)?;
        }
        Ok(())
    }

    /// Puts the table in the place of what was there, and notes its digest in the log.
    pub fn finish(mut self) -> Result<Digest> {
        let rest = std::mem::take(&mut self.waiting);
        if rest.rows() > 0 {
            self.write_group(&rest)?;
        }
        self.out.finish().map_err(|problem| table_error(&self.name, problem))?;
        match Arc::into_inner(self.file) {
            Some(file) => {
                file.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish()
            }
            None => Err(table_error(&self.name, "its file is still being written".to_owned())),
        }
    }

    fn write_group(&mut self, group: &TableData) -> Result<()> {
        self.out.write(group).map_err(|problem| table_error(&self.name, problem))
    }
}

/// The Parquet writer does not give back what it writes to, so that is shared with it.
struct SharedFile(Arc<Mutex<ResultWriter>>);

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        held(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        held(&self.0).flush()
    }
}

/// Reads a table row group by row group.
pub struct TableReader {
    name: String,
    of: Of,
    next: usize,
}

enum Of {
    File(PathBuf),
    /// A sealed file must be held in memory: nothing of it may be used before its end was
    /// verified.
    Bytes(Vec<u8>),
}

impl TableReader {
    /// The next rows; `None` behind the last.
    pub fn next_rows(&mut self) -> Result<Option<TableData>> {
        let rows = match &self.of {
            Of::File(path) => {
                let file = File::open(path).doing("read", path)?;
                parquet::rows(file, self.next, STREAM_GROUP)
            }
            Of::Bytes(bytes) => parquet::rows(Cursor::new(bytes), self.next, STREAM_GROUP),
        };
        let rows = rows.map_err(|problem| self.fail(problem))?;
        self.next += rows.rows();
        Ok((rows.rows() > 0).then_some(rows))
    }

    fn fail(&self, problem: String) -> CaseError {
        table_error(&self.name, problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::ColumnData;

    fn table(rows: std::ops::Range<i64>) -> TableData {
        let text = rows.clone().map(|n| (n % 5 != 0).then(|| format!("value {n}")));
        TableData::default()
            .with("text", ColumnData::Text(text.collect()))
            .with("n", ColumnData::Integer(rows.map(Some).collect()))
    }

    #[test]
    fn a_table_written_in_pieces_is_read_as_one_and_does_not_tell_the_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let case = Case::create(dir.path().join("case")).unwrap();
        let rows = STREAM_GROUP as i64 * 2 + 1234;
        let written = |piece: usize| {
            let mut writer = case.table_writer("facts/a", table(0..0)).unwrap();
            for start in (0..rows).step_by(piece) {
                writer.write(table(start..rows.min(start + piece as i64))).unwrap();
            }
            writer.finish().unwrap()
        };
        assert_eq!(written(1000), written(STREAM_GROUP * 3));
        let mut reader = case.table_reader("facts/a").unwrap().unwrap();
        let mut read = table(0..0);
        let mut groups = 0;
        while let Some(group) = reader.next_rows().unwrap() {
            read.append(group);
            groups += 1;
        }
        assert_eq!((read, groups), (table(0..rows), 3));
        assert_eq!(case.read_table("facts/a").unwrap().rows() as i64, rows);
        assert_eq!(case.verify().problems, [""; 0]);
    }

    #[test]
    fn a_table_that_was_changed_is_not_read_in_a_stream() {
        let dir = tempfile::tempdir().unwrap();
        let case = Case::create(dir.path().join("case")).unwrap();
        assert!(case.table_reader("facts/a").unwrap().is_none());
        case.table_writer("facts/a", table(0..3)).unwrap().finish().unwrap();
        assert!(case.table_reader("facts/a").unwrap().is_some());
        std::fs::write(case.path("facts/a.parquet"), "PAR1").unwrap();
        assert!(case.table_reader("facts/a").unwrap().is_none());
    }

    #[test]
    fn a_table_whose_writing_broke_off_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let case = Case::create(dir.path().join("case")).unwrap();
        case.write_table("facts/a", &table(0..3)).unwrap();
        let mut writer = case.table_writer("facts/a", table(0..0)).unwrap();
        writer.write(table(0..100)).unwrap();
        drop(writer);
        assert_eq!(case.read_table("facts/a").unwrap(), table(0..3));
        assert_eq!(case.verify().problems, [""; 0]);
    }
}
