//! The files that come back, as cells and saved answers, whatever program they went through.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Ods, Reader, Xlsx};
use jiff::Unit;
use jiff::civil::DateTime;

use crate::judge::Typing;

/// A file, taken apart.
pub(crate) enum Content {
    Sheets(Vec<Sheet>),
    /// The readings of a table at each separator; the right one is that with our headers.
    Tables(Vec<Sheet>),
    /// What the page saved.
    Saved(String),
}

/// A sheet or a table: the rows that hold anything, by their number as programs show it.
pub(crate) struct Sheet {
    /// Its name; empty for the one table of a file.
    pub(crate) name: String,
    pub(crate) rows: BTreeMap<u64, BTreeMap<usize, Typing>>,
}

/// What the page writes into every file of answers.
pub(crate) const SAVED: &str = "restitch-review-1";

/// Takes a file apart by what is in it, not by what it is called. The error says what it is, or
/// is not, as a sentence without full stop.
pub(crate) fn read(bytes: &[u8]) -> Result<Content, String> {
    if bytes.starts_with(b"PK") {
        return workbook(bytes).map(Content::Sheets);
    }
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err("is a workbook of an old kind or has a password; save it as .xlsx without one"
            .to_owned());
    }
    let text = decode(bytes);
    if text.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
        return Err(
            "is a page, which keeps no answers; press the button on the page and send the \
                    file that it saves"
                .to_owned(),
        );
    }
    if text.contains(SAVED) && text.contains('{') {
        return Ok(Content::Saved(text));
    }
    if text.contains('\0') || text.trim().is_empty() {
        return Err("is no workbook, no table and no saved answers".to_owned());
    }
    Ok(Content::Tables([b',', b';', b'\t'].into_iter().map(|by| table(&text, by)).collect()))
}

/// Reads a workbook of Excel's or LibreOffice's own format. The library is not ours and the
/// bytes may be anything, so that a panic in it is taken for what it is: an unreadable file.
fn workbook(bytes: &[u8]) -> Result<Vec<Sheet>, String> {
    let reading = || match excel(bytes) {
        Ok(sheets) => Ok(sheets),
        Err(excel) => open_document(bytes).map_err(|_| excel),
    };
    let read = std::panic::catch_unwind(reading).unwrap_or_else(|_| Err("broken".to_owned()));
    read.map_err(|problem| {
        format!("is no workbook that can be read ({problem}); save it as .xlsx or .csv")
    })
}

/// Cell by cell: one value far out in a sheet must not cost the memory of all between.
fn excel(bytes: &[u8]) -> Result<Vec<Sheet>, String> {
    let problem = |error: calamine::XlsxError| first_line(&error);
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(problem)?;
    let mut sheets = Vec::new();
    for name in workbook.sheet_names() {
        let mut rows: BTreeMap<u64, BTreeMap<usize, Typing>> = BTreeMap::new();
        // A chart's sheet has no cells, and is no reason to leave the others.
        let Ok(mut cells) = workbook.worksheet_cells_reader(&name) else { continue };
        while let Some(cell) = cells.next_cell().map_err(problem)? {
            let (row, column) = cell.get_position();
            let typing = typing(&Data::from(cell.get_value().clone()));
            if !typing.is_empty() {
                rows.entry(u64::from(row) + 1).or_default().insert(column as usize, typing);
            }
        }
        sheets.push(Sheet { name, rows });
    }
    Ok(sheets)
}

fn open_document(bytes: &[u8]) -> Result<Vec<Sheet>, String> {
    let problem = |error: calamine::OdsError| first_line(&error);
    let mut workbook: Ods<_> = Ods::new(Cursor::new(bytes)).map_err(problem)?;
    let mut sheets = Vec::new();
    for (name, range) in workbook.worksheets() {
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut rows: BTreeMap<u64, BTreeMap<usize, Typing>> = BTreeMap::new();
        for (row, column, value) in range.used_cells() {
            let typing = typing(value);
            if !typing.is_empty() {
                let row = u64::from(first_row) + row as u64 + 1;
                rows.entry(row).or_default().insert(first_column as usize + column, typing);
            }
        }
        sheets.push(Sheet { name, rows });
    }
    Ok(sheets)
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn typing(value: &Data) -> Typing {
    match value {
        Data::Empty => Typing::Empty,
        Data::Int(n) => Typing::Text(n.to_string()),
        Data::Float(x) => Typing::Number(*x),
        Data::Bool(is) => Typing::Bool(*is),
        Data::Error(_) => Typing::Broken,
        Data::DateTime(at) => day_and_time(at).map_or(Typing::Number(at.as_f64()), Typing::When),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            Typing::Text(text.clone())
        }
    }
}

fn day_and_time(at: &calamine::ExcelDateTime) -> Option<DateTime> {
    let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
    let exact = DateTime::new(
        year.try_into().ok()?,
        month.try_into().ok()?,
        day.try_into().ok()?,
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        second.try_into().ok()?,
        i32::from(milli) * 1_000_000,
    );
    // A day number is a fraction, and a whole second rarely a whole one of it.
    exact.ok()?.round(Unit::Second).ok()
}

fn table(text: &str, separator: u8) -> Sheet {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = BTreeMap::new();
    // Rows are counted as a spreadsheet shows them; a quoted cell may have lines of its own.
    for (row, record) in (1..).zip(reader.records().filter_map(Result::ok)) {
        let filled = record.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
        let cells: BTreeMap<usize, Typing> =
            filled.map(|(column, cell)| (column, Typing::Text(cell.to_owned()))).collect();
        if !cells.is_empty() {
            rows.insert(row, cells);
        }
    }
    Sheet { name: String::new(), rows }
}

/// A text in UTF-8 or UTF-16 with or without its mark, else in Windows-1252, in which older
/// programs write.
fn decode(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], pair: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|two| pair([two[0], two[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
        },
    }
}

fn windows_1252(byte: u8) -> char {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match byte {
        0x80..=0x9F => HIGH.chars().nth(usize::from(byte - 0x80)).unwrap_or('\u{fffd}'),
        byte => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::testing::Desk;

    static WORKBOOK: std::sync::LazyLock<Vec<u8>> =
        std::sync::LazyLock::new(|| Desk::new().file(crate::Format::Xlsx));

    #[test]
    fn a_text_is_decoded_as_its_program_wrote_it() {
        for bytes in [
            "\u{feff}weiß".as_bytes().to_vec(),
            "weiß".as_bytes().to_vec(),
            b"wei\xdf".to_vec(),
            [
                &[0xFF, 0xFE][..],
                &"weiß".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
            ]
            .concat(),
        ] {
            assert_eq!(decode(&bytes), "weiß");
        }
        assert_eq!(decode(b"\x80 5 \x92"), "€ 5 ’");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&[b"PK\x03\x04", &bytes[..]].concat());
        }

        #[test]
        fn a_damaged_workbook_is_read_without_harm(
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20),
        ) {
            let mut bytes = WORKBOOK.clone();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = read(&bytes);
        }
    }
}
