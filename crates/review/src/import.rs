use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_model::{Candidate, Decision, Instant, Remark};

use crate::decide::{Known, Row, decide};
use crate::defuse::{MARKED, restore};
use crate::judge::{Clock, Typing};
use crate::read::{Content, Sheet, read};
use crate::saved;
use crate::texts::Language;
use crate::words::{Fixed, fold};

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The answers, in the order in which they stand in the files.
    pub decisions: Vec<Decision>,
    /// What could not be read, or only in part, and where it stands: file, sheet, row and record.
    /// It names columns and never quotes what a person wrote; that is in the decision's note.
    pub unread: Vec<Remark>,
}

/// How far down a sheet the headers are looked for, below titles that somebody put there.
const HEADERS_WITHIN: usize = 20;

/// Reads workbooks (`.xlsx`, `.ods`), tables and saved answers, told apart by their content.
/// `known` are the candidates of the case; `reviewer_fallback` is who answered where a file does
/// not say; `at` is when the answers were taken in. The same files give the same decisions.
pub fn import(
    files: &[(String, Vec<u8>)],
    known: &[Candidate],
    reviewer_fallback: &str,
    at: Instant,
) -> Imported {
    let known = Known::of(known);
    let mut imported = Imported::default();
    for (name, bytes) in files {
        let mut rows = match read(bytes) {
            Ok(content) => rows(name, content, &known, &mut imported.unread),
            Err(problem) => {
                imported.unread.push(Remark::new(name, problem));
                continue;
            }
        };
        sign(&mut rows, reviewer_fallback);
        for row in &rows {
            imported.decisions.extend(decide(row, &known, at, &mut imported.unread));
        }
    }
    imported
}

fn rows(file: &str, content: Content, known: &Known<'_>, unread: &mut Vec<Remark>) -> Vec<Row> {
    let sheets = match content {
        Content::Saved(text) => return saved::rows(file, &text, known, unread),
        Content::Sheets(sheets) => sheets,
        Content::Tables(tables) => {
            let width = |sheet: &Sheet| Some(Headers::find(sheet, known)?.columns.len());
            let best = tables.into_iter().max_by_key(|table| width(table).unwrap_or(0));
            best.into_iter().collect()
        }
    };
    let mut rows = Vec::new();
    let mut is_ours = false;
    for sheet in sheets {
        let place = match sheet.name.as_str() {
            "" => file.to_owned(),
            name => format!("{file}, {name}"),
        };
        match Headers::find(&sheet, known) {
            Some(headers) => {
                is_ours = true;
                headers.warn(&place, unread);
                rows.extend(headers.rows(&place, &sheet, known));
            }
            None if is_without_headers(&sheet, known) => {
                is_ours = true;
                let problem = "names records of this case, but has no row of headers with the \
                               record and the answer; put it back and read the file again";
                unread.push(Remark::new(place, problem));
            }
            None => {}
        }
    }
    if !is_ours {
        let problem = "holds no answers: there are no columns for the record and the answer";
        unread.push(Remark::new(file, problem));
    }
    // A file whose zone stands in some of its rows has it in all.
    let zones: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| Some(row.clock.zone.as_ref()?.iana_name()?.to_owned()))
        .collect();
    if let (1, Some(zone)) = (zones.len(), zones.first()) {
        for row in rows.iter_mut().filter(|row| row.clock.zone.is_none()) {
            row.clock.zone = TimeZone::get(zone).ok();
        }
    }
    rows
}

/// Who answered: who a row says, else who all other rows of the file say, else the fallback.
fn sign(rows: &mut [Row], fallback: &str) {
    let named = |row: &Row| Some(row.reviewer.trim().to_owned()).filter(|name| !name.is_empty());
    let names: BTreeSet<String> = rows.iter().filter_map(named).collect();
    let name = match names.len() {
        1 => names.into_iter().next().unwrap_or_default(),
        _ => fallback.to_owned(),
    };
    for row in rows.iter_mut().filter(|row| row.reviewer.trim().is_empty()) {
        row.reviewer.clone_from(&name);
    }
}

/// The columns of a sheet, wherever they stand.
struct Headers {
    row: u64,
    columns: BTreeMap<usize, Header>,
    language: Language,
}

enum Header {
    Ours(Fixed),
    Field(String),
}

impl Headers {
    /// The first row with a column for the record and one for the answer.
    fn find(sheet: &Sheet, known: &Known<'_>) -> Option<Self> {
        let mut first = sheet.rows.iter().take(HEADERS_WITHIN);
        first.find_map(|(row, cells)| Self::of_row(*row, cells, known))
    }

    fn of_row(row: u64, cells: &BTreeMap<usize, Typing>, known: &Known<'_>) -> Option<Self> {
        let mut columns = BTreeMap::new();
        let mut seen = BTreeMap::new();
        for (at, cell) in cells {
            if let Some((fixed, language)) = Fixed::of_header(&cell.text())
                && seen.insert(fixed, language).is_none()
            {
                columns.insert(*at, Header::Ours(fixed));
            }
        }
        let language = *seen.get(&Fixed::Record)?;
        seen.get(&Fixed::Answer)?;
        for (at, cell) in cells {
            let text = cell.text();
            if let Some(column) = known.column(&text).or_else(|| known.column(&restore(&text))) {
                columns.entry(*at).or_insert_with(|| Header::Field(column.to_owned()));
            }
        }
        Some(Self { row, columns, language })
    }

    /// Says which columns are missed.
    fn warn(&self, place: &str, unread: &mut Vec<Remark>) {
        let has = |wanted| {
            self.columns.values().any(|h| matches!(h, Header::Ours(fixed) if *fixed == wanted))
        };
        if !has(Fixed::Zone) {
            let problem = "the column with the time zone is missing: a changed time cannot be \
                           told from one that is not";
            unread.push(Remark::new(place, problem));
        }
    }

    /// The rows below the headers. Further headers begin another table: people put sheets
    /// together into one.
    fn rows(mut self, place: &str, sheet: &Sheet, known: &Known<'_>) -> Vec<Row> {
        let mut rows = Vec::new();
        for (number, cells) in sheet.rows.range(self.row + 1..) {
            match Self::of_row(*number, cells, known) {
                Some(next) => self = next,
                None => {
                    let about = format!("{place}, row {number}");
                    rows.push(self.read(about, cells, sheet.name.is_empty()));
                }
            }
        }
        rows
    }

    /// `is_table`: texts are marked where the row does not say.
    fn read(&self, about: String, cells: &BTreeMap<usize, Typing>, is_table: bool) -> Row {
        let mut row = Row {
            about,
            record: String::new(),
            answer: String::new(),
            same_as: String::new(),
            note: String::new(),
            reviewer: String::new(),
            cells: Vec::new(),
            clock: Clock { zone: None, day_first: day_first(self.language) },
        };
        let zone = self.columns.iter().find(|(_, h)| matches!(h, Header::Ours(Fixed::Zone)));
        let zone = zone.and_then(|(at, _)| cells.get(at)).map(Typing::text).unwrap_or_default();
        let marked = MARKED.trim();
        row.clock.zone = TimeZone::get(zone.trim_end_matches(marked).trim()).ok();
        let is_marked = if zone.is_empty() { is_table } else { zone.ends_with(marked) };
        for (at, header) in &self.columns {
            let typing = match cells.get(at).cloned().unwrap_or(Typing::Empty) {
                Typing::Text(text) if is_marked => Typing::Text(restore(&text)),
                typing => typing,
            };
            let slot = match header {
                Header::Field(column) => {
                    row.cells.push((column.clone(), typing));
                    continue;
                }
                Header::Ours(Fixed::Record) => &mut row.record,
                Header::Ours(Fixed::Answer) => &mut row.answer,
                Header::Ours(Fixed::SameAs) => &mut row.same_as,
                Header::Ours(Fixed::Note) => &mut row.note,
                Header::Ours(Fixed::Reviewer) => &mut row.reviewer,
                Header::Ours(_) => continue,
            };
            // An error in our own columns is no answer, and no reason to be silent.
            *slot = if typing == Typing::Broken { "#".to_owned() } else { typing.text() };
        }
        row
    }
}

/// Whether `05/06` is a day in June to those who read a language. In English it depends.
pub(crate) fn day_first(language: Language) -> Option<bool> {
    (language != Language::English).then_some(true)
}

/// Whether somebody took the headers away from a sheet of answers. The sheet of conflicts has
/// a column for the record, and none for an answer.
fn is_without_headers(sheet: &Sheet, known: &Known<'_>) -> bool {
    let mut cells = sheet.rows.values().take(HEADERS_WITHIN).flat_map(BTreeMap::values);
    let is_header = |cell: &Typing| {
        Language::ALL.iter().any(|l| fold(Fixed::Record.header(*l)) == fold(&cell.text()))
    };
    let has_record = sheet.rows.values().flat_map(BTreeMap::values).any(is_header);
    !has_record && cells.any(|cell| known.candidate(&cell.text()).is_some())
}
