//! CSV files (RFC 4180) read straight into columns: a piece of the file at a time, so that it is
//! never in memory as a whole, and no cell is a piece of memory of its own.

use std::io::Read;
use std::sync::Arc;

use crate::fold::{fold, has_single_blanks};
use crate::{MatchingError, Records, Texts, Values};

/// A table read from CSV.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CsvTable {
    /// The column that names the records, as it is written there; empty where there is none.
    pub ids: Texts,
    /// The other columns, folded.
    pub records: Records,
}

/// So much of a file is read at once, or more where a row is longer.
const PIECE: usize = 1 << 18;

/// Reads a CSV file in UTF-8 with a header: fields between commas, quoted where they hold
/// commas, quotes or line ends. The column called `id` names the records. Of the others those
/// that `wanted` asks for are read; what no model compares or blocks by ([`Model::columns`]
/// tells) need not be.
///
/// [`MatchingError::Csv`] where it cannot be read on, where it is not UTF-8, or where a row has
/// more or fewer fields than the header. Blank lines are no rows.
///
/// ```
/// use restitch_matching::read_csv;
///
/// # fn main() -> Result<(), restitch_matching::MatchingError> {
/// let file = "id,name,note\nr1,\"Lee, Ann\",\nr2,Otto,paid\n";
/// let table = read_csv(file.as_bytes(), "id", |name| name != "note")?;
/// assert_eq!(table.ids.get(1), Some("r2"));
/// assert_eq!(table.records.columns().map(|(name, _)| name).collect::<Vec<_>>(), ["name"]);
/// # Ok(())
/// # }
/// ```
///
/// [`Model::columns`]: crate::Model::columns
pub fn read_csv(
    mut file: impl Read,
    id: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<CsvTable, MatchingError> {
    let mut reading = Reading::default();
    let mut piece = vec![0; PIECE];
    let mut filled = 0;
    loop {
        let read = match file.read(&mut piece[filled..]) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(reading.error(format!("cannot be read: {error}"))),
        };
        filled += read;
        let is_last = read == 0;
        if !is_last && filled < piece.len() {
            continue;
        }
        // Whole lines only, so that no character is cut.
        let line = piece[..filled].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole = if is_last { filled } else { line };
        let text = std::str::from_utf8(&piece[..whole])
            .map_err(|_| reading.error("it is not UTF-8; convert the file".to_owned()))?;
        let taken = reading.rows(text, is_last, id, &wanted)?;
        if is_last {
            return reading.table();
        }
        piece.copy_within(taken..filled, 0);
        filled -= taken;
        if filled * 2 > piece.len() {
            piece.resize(piece.len() * 2, 0);
        }
    }
}

/// What becomes of a column.
enum Column {
    Ids,
    Read(String),
    Skipped,
}

/// A field of a row, as a part of the text.
struct Field {
    from: usize,
    to: usize,
    marks: u8,
}

#[derive(Default)]
struct Reading {
    columns: Vec<(Column, Texts)>,
    fields: Vec<Field>,
    rows: usize,
    has_header: bool,
}

/// Marks of characters: what ends a field, what may have to be folded.
const END: u8 = 1;
const BLANK: u8 = 2;
const FOLD: u8 = 4;
/// Of fields in quotes that hold a quote.
const QUOTES: u8 = 8;

const MARKS: [u8; 256] = {
    let mut marks = [FOLD; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        if !byte.is_ascii_uppercase() && byte != b'`' {
            marks[byte as usize] = 0;
        }
        byte += 1;
    }
    marks[b' ' as usize] = BLANK;
    marks[b',' as usize] = END;
    marks[b'\n' as usize] = END;
    marks[b'\r' as usize] = END;
    marks
};

impl Reading {
    /// Takes the rows of a piece that are whole, and tells how much of it these are.
    fn rows(
        &mut self,
        text: &str,
        is_last: bool,
        id: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<usize, MatchingError> {
        let bytes = text.as_bytes();
        let mut at = 0;
        if !self.has_header && text.starts_with('\u{feff}') {
            at = '\u{feff}'.len_utf8();
        }
        loop {
            while matches!(bytes.get(at), Some(b'\n' | b'\r')) {
                at += 1;
            }
            if at == bytes.len() {
                return Ok(at);
            }
            let Some(next) = self.row(bytes, at, is_last)? else { return Ok(at) };
            if self.has_header {
                self.keep(text)?;
            } else {
                self.header(text, id, wanted);
            }
            at = next;
        }
    }

    /// Finds the fields of the row that begins here, and where the next one does. `None` where
    /// the piece ends before the row.
    fn row(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        is_last: bool,
    ) -> Result<Option<usize>, MatchingError> {
        self.fields.clear();
        loop {
            if bytes.get(at) == Some(&b'"') {
                match quoted(bytes, at + 1) {
                    Some(field) => {
                        at = field.to + 1;
                        self.fields.push(field);
                    }
                    None if is_last => {
                        return Err(self.error("a quote is not closed; close it".to_owned()));
                    }
                    None => return Ok(None),
                }
                if bytes.get(at).is_some_and(|next| MARKS[usize::from(*next)] != END) {
                    let why = "text after a closing quote; double the quotes within a field";
                    return Err(self.error(why.to_owned()));
                }
            } else {
                let mut marks = 0;
                let rest = bytes[at..].iter().map(|byte| MARKS[usize::from(*byte)]);
                let length = rest.take_while(|own| *own != END).fold(0, |length, own| {
                    marks |= own;
                    length + 1
                });
                self.fields.push(Field { from: at, to: at + length, marks });
                at += length;
            }
            match bytes.get(at) {
                Some(b',') => at += 1,
                // A quoted row at the very end of a piece may go on with a comma.
                None if !is_last => return Ok(None),
                None => return Ok(Some(at)),
                Some(_) => return Ok(Some(at + 1)),
            }
        }
    }

    fn header(&mut self, text: &str, id: &str, wanted: &dyn Fn(&str) -> bool) {
        self.has_header = true;
        for field in &self.fields {
            let name = match field.marks & QUOTES {
                0 => field.text(text).to_owned(),
                _ => field.text(text).replace("\"\"", "\""),
            };
            let column = match name {
                name if name == id => Column::Ids,
                name if wanted(&name) => Column::Read(name),
                _ => Column::Skipped,
            };
            self.columns.push((column, Texts::default()));
        }
    }

    fn keep(&mut self, text: &str) -> Result<(), MatchingError> {
        self.rows += 1;
        if self.fields.len() != self.columns.len() {
            let (found, expected) = (self.fields.len(), self.columns.len());
            let why = format!("it has {found} fields where the header has {expected}");
            return Err(self.error(why));
        }
        for (field, (column, texts)) in self.fields.iter().zip(&mut self.columns) {
            let text = field.text(text);
            match column {
                Column::Skipped => {}
                Column::Ids if field.marks & QUOTES != 0 => {
                    texts.push(&text.replace("\"\"", "\""));
                }
                Column::Ids => texts.push(text),
                Column::Read(_) => match field.marks {
                    0 => texts.push_known(text),
                    BLANK if has_single_blanks(text) => texts.push_known(text),
                    marks if marks & QUOTES != 0 => {
                        texts.push_known(&fold(&text.replace("\"\"", "\"")));
                    }
                    _ => texts.push_known(&fold(text)),
                },
            }
        }
        Ok(())
    }

    fn table(self) -> Result<CsvTable, MatchingError> {
        if u32::try_from(self.rows).is_err() {
            return Err(MatchingError::TooManyRecords(self.rows));
        }
        let mut ids = Texts::default();
        let mut columns: Vec<(String, Values)> = Vec::new();
        for (column, texts) in self.columns {
            match column {
                Column::Ids => ids = texts,
                Column::Read(name) if columns.iter().any(|(known, _)| *known == name) => {
                    return Err(MatchingError::ColumnTwice(name));
                }
                Column::Read(name) => columns.push((name, Values::Packed(Arc::new(texts)))),
                Column::Skipped => {}
            }
        }
        Ok(CsvTable { ids, records: Records::of_folded(self.rows, columns)? })
    }

    fn error(&self, why: String) -> MatchingError {
        MatchingError::Csv { row: self.rows, why }
    }
}

impl Field {
    fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.from..self.to]
    }
}

/// The field between quotes that begins here; `None` where no quote closes it.
fn quoted(bytes: &[u8], from: usize) -> Option<Field> {
    let mut marks = 0;
    let mut at = from;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'"', Some(b'"')) => {
                marks |= QUOTES;
                at += 2;
            }
            (b'"', _) => return Some(Field { from, to: at, marks }),
            (byte, _) => {
                // Within quotes a comma ends nothing; line ends are folded to blanks.
                marks |= match MARKS[usize::from(*byte)] {
                    END if *byte == b',' => 0,
                    END => FOLD,
                    own => own,
                };
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rows of a table, `|` between fields, missing ones empty.
    fn shown(table: &CsvTable) -> Vec<String> {
        let row = |at: usize| {
            let field = |(_, values): (&str, &Values)| match values {
                Values::Packed(texts) => texts.get(at).unwrap_or_default().to_owned(),
                _ => unreachable!("a CSV has texts"),
            };
            let id = table.ids.get(at).unwrap_or_default().to_owned();
            let fields = std::iter::once(id).chain(table.records.columns().map(field));
            fields.collect::<Vec<_>>().join("|")
        };
        (0..table.records.len()).map(row).collect()
    }

    fn check(file: &str, expect: &[&str]) {
        let table = read_csv(file.as_bytes(), "id", |_| true).unwrap();
        assert_eq!(shown(&table), expect, "{file:?}");
    }

    fn refused(file: &[u8], expect: &str) {
        let error = read_csv(file, "id", |_| true).unwrap_err();
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn fields_are_read_and_folded() {
        check("id,a,b\nR1,Zoë ,x\n", &["R1|zoe|x"]);
        check("a,id,b\r\nx,1,NA\r\n\r\ny,2,\r\n", &["1|x|", "2|y|"]);
        check("\u{feff}a,b\n1,2", &["|1|2"]);
        check(
            "a,b\n\"x, y\",\"say \"\"Hi\"\"\"\n\"two\nlines\",\"\"\n",
            &["|x, y|say \"hi\"", "|two lines|"],
        );
        check("\"id\",\"a\"\n\"R\"\"1\",  b   c\n", &["R\"1|b c"]);
        check("a\n", &[]);
        check("", &[]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        refused(b"a,b\n1,2\n3\n", "row 2 of the CSV: it has 1 fields where the header has 2");
        refused(b"a,b\n1,\"2\n", "row 0 of the CSV: a quote is not closed; close it");
        refused(b"a\n\xff\n", "row 0 of the CSV: it is not UTF-8; convert the file");
        refused(
            b"a,b\n\"1\"2,3\n",
            "row 0 of the CSV: text after a closing quote; double the quotes within a field",
        );
        refused(b"a,a\n1,2\n", "column a stands twice in one table; rename one of them");
    }

    #[test]
    fn columns_that_nobody_wants_are_not_read() {
        let table = read_csv(&b"id,a,b\n1,2,3\n"[..], "id", |name| name == "b").unwrap();
        assert_eq!(shown(&table), ["1|3"]);
    }

    /// A file that gives a few bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(into.len());
            let (now, rest) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = rest;
            Ok(count)
        }
    }

    #[test]
    fn a_file_longer_than_a_piece_is_read_whole() {
        let long = "y".repeat(3 * PIECE);
        let rows = (0..60_000).map(|n| format!("{n},\"Name, {n}\"\n"));
        let file = format!("id,name\n{}x,{long}\n", rows.collect::<String>());
        let table = read_csv(Slowly(file.as_bytes(), 77_777), "id", |_| true).unwrap();
        let shown = shown(&table);
        assert_eq!(shown.len(), 60_001);
        assert_eq!(shown[59_999], "59999|name, 59999");
        assert_eq!(shown[60_000], format!("x|{long}"));
    }

    proptest! {
        #[test]
        fn agrees_with_the_reader_of_the_csv_crate(
            rows in prop::collection::vec(prop::collection::vec("[a-cZé ,\"\n`]{0,6}", 3), 0..8),
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["id", "a", "b"]).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let bytes = writer.into_inner().unwrap();
            let table = read_csv(&bytes[..], "id", |_| true).unwrap();
            let expect: Vec<String> = rows
                .iter()
                .map(|row| {
                    let known = |text: &String| Some(fold(text)).filter(|t| t != "-").unwrap_or_default();
                    format!("{}|{}|{}", row[0], known(&row[1]), known(&row[2]))
                })
                .collect();
            prop_assert_eq!(shown(&table), expect);
        }

        #[test]
        fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_csv(&bytes[..], "id", |_| true);
        }
    }
}
