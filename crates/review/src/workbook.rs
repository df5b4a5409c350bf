//! The pack as a workbook: a sheet each for what needs an answer, what is restored, what
//! contradicts itself and what is not rebuilt.

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DocProperties, ExcelDateTime, Format,
    FormatAlign, Workbook, Worksheet, XlsxError,
};

use crate::defuse::is_dangerous;
use crate::layout::{Column, columns};
use crate::shown::{Shown, cut, has_seconds};
use crate::texts::Texts;
use crate::view::{Group, View};
use crate::words::{Fixed, Said};

/// The workbook. It holds texts, numbers and dates, and not one formula.
pub(crate) fn write(view: &View<'_>) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // Otherwise the library writes the hour of the export, and no two exports are the same.
    let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let formats = Formats::of(view.texts());
    let [needs, restored, conflicts, not_rebuilt] = view.texts().sections;
    answers(workbook.add_worksheet().set_name(needs)?, view, Group::Needs, &formats)?;
    answers(workbook.add_worksheet().set_name(restored)?, view, Group::Restored, &formats)?;
    disputed(workbook.add_worksheet().set_name(conflicts)?, view, &formats)?;
    answers(workbook.add_worksheet().set_name(not_rebuilt)?, view, Group::NotRebuilt, &formats)?;
    workbook.save_to_buffer()
}

struct Formats {
    header: Format,
    plain: Format,
    /// For texts that begin like a formula, which must stay texts when a cell is edited.
    quoted: Format,
    date: Format,
    time: Format,
    seconds: Format,
    share: Format,
    /// Cells that are there to be filled in.
    input: Format,
}

impl Formats {
    fn of(texts: &Texts) -> Self {
        let top = Format::new().set_align(FormatAlign::Top);
        let plain = top.clone().set_text_wrap();
        let number = |format: &str| top.clone().set_num_format(format);
        Self {
            header: top
                .clone()
                .set_bold()
                .set_text_wrap()
                .set_background_color(Color::RGB(0xE8ECEF)),
            quoted: plain.clone().set_quote_prefix(),
            date: number(texts.date_format),
            time: number(texts.time_format),
            seconds: number(&format!("{}:ss", texts.time_format)),
            share: number("0\\ %"),
            input: plain.clone().set_background_color(Color::RGB(0xFFF8DC)),
            plain,
        }
    }

    fn write(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        column: u16,
        shown: &Shown,
    ) -> Result<(), XlsxError> {
        self.write_as(sheet, row, column, shown, &self.plain)
    }

    fn write_as(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        column: u16,
        shown: &Shown,
        plain: &Format,
    ) -> Result<(), XlsxError> {
        match shown {
            Shown::Empty => sheet.write_blank(row, column, plain)?,
            // Beyond fifteen digits a workbook rounds.
            Shown::Integer(n) if n.unsigned_abs() < 1_000_000_000_000_000 => {
                sheet.write_number_with_format(row, column, *n as f64, plain)?
            }
            Shown::Real(x) if x.is_finite() => {
                sheet.write_number_with_format(row, column, *x, plain)?
            }
            // A workbook knows no day before 1900.
            Shown::When { civil, is_date } if (1901..=9998).contains(&civil.year()) => {
                let time = civil.time();
                let cell = ExcelDateTime::from_ymd(
                    civil.year() as u16,
                    civil.month() as u8,
                    civil.day() as u8,
                )?
                .and_hms(
                    time.hour() as u16,
                    time.minute() as u8,
                    f64::from(time.second()),
                )?;
                let format = match () {
                    () if *is_date => &self.date,
                    () if has_seconds(time) => &self.seconds,
                    () => &self.time,
                };
                sheet.write_datetime_with_format(row, column, &cell, format)?
            }
            shown => {
                let text = shown.text();
                let format = if is_dangerous(&text) { &self.quoted } else { plain };
                sheet.write_string_with_format(row, column, text, format)?
            }
        };
        Ok(())
    }
}

fn answers(
    sheet: &mut Worksheet,
    view: &View<'_>,
    group: Group,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let columns = columns(view);
    let headers: Vec<String> = columns.iter().map(|column| column.header(view)).collect();
    let mut widths: Vec<usize> = headers.iter().map(|header| header.chars().count() + 3).collect();
    let mut row = 0;
    for entry in view.group(group) {
        row += 1;
        for (at, column) in columns.iter().enumerate() {
            let shown = column.cell(view, entry);
            let at_column = at as u16;
            match column {
                Column::Fixed(Fixed::Sure) => {
                    formats.write_as(sheet, row, at_column, &shown, &formats.share)?;
                }
                Column::Fixed(Fixed::Answer | Fixed::SameAs | Fixed::Note | Fixed::Reviewer) => {
                    formats.write_as(sheet, row, at_column, &shown, &formats.input)?
                }
                _ => formats.write(sheet, row, at_column, &shown)?,
            }
            let longest = shown.text().lines().map(|line| line.chars().count()).max();
            widths[at] = widths[at].max(longest.unwrap_or(0) + 2);
        }
    }
    head(sheet, formats, &headers, row)?;
    for (at, column) in columns.iter().enumerate() {
        let width = match column {
            Column::Fixed(Fixed::Record) => 16.0,
            Column::Fixed(Fixed::Why | Fixed::Evidence | Fixed::What) => 44.0,
            Column::Fixed(Fixed::Note) => 30.0,
            Column::Fixed(Fixed::Answer | Fixed::SameAs | Fixed::Reviewer) => 16.0,
            _ => widths[at].clamp(9, 36) as f64,
        };
        sheet.set_column_width(at as u16, width)?;
    }
    sheet.set_freeze_panes(1, 2)?;
    let words = Said::ALL.map(|said| said.word(view.language));
    let pick = DataValidation::new()
        .allow_list_strings(&words)?
        .set_input_message(view.texts().pick_hint)?
        // Import understands more words than the list has; a note must not be refused.
        .set_error_style(DataValidationErrorStyle::Warning);
    sheet.add_data_validation(1, 1, row.max(1), 1, &pick)?;
    Ok(())
}

fn disputed(sheet: &mut Worksheet, view: &View<'_>, formats: &Formats) -> Result<(), XlsxError> {
    let [field, kept, other, source] = view.texts().conflict_headers;
    let fixed = |fixed: Fixed| fixed.header(view.language);
    let headers =
        [fixed(Fixed::Record), fixed(Fixed::What), field, kept, other, fixed(Fixed::Why), source]
            .map(str::to_owned);
    let mut row = 0;
    for entry in &view.entries {
        for conflict in &entry.conflicts {
            row += 1;
            let note = conflict.evidence.and_then(|id| view.note(id));
            let source = note.map_or(String::new(), |note| {
                format!("{}: {}", view.source(note), cut(&note.line, 200))
            });
            let text = |text: &str| Shown::Text(text.to_owned());
            let cells = [
                Column::Fixed(Fixed::Record).cell(view, entry),
                Column::Fixed(Fixed::What).cell(view, entry),
                text(conflict.column),
                Shown::of(conflict.kept, &view.zone),
                Shown::of(conflict.other, &view.zone),
                text(&cut(conflict.reason, 1000)),
                text(&source),
            ];
            for (at, cell) in cells.iter().enumerate() {
                formats.write(sheet, row, at as u16, cell)?;
            }
        }
    }
    head(sheet, formats, &headers, row)?;
    for (at, width) in [16.0, 44.0, 18.0, 26.0, 26.0, 44.0, 44.0].into_iter().enumerate() {
        sheet.set_column_width(at as u16, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// The row of headers, with a filter over all below it.
fn head(
    sheet: &mut Worksheet,
    formats: &Formats,
    headers: &[String],
    last_row: u32,
) -> Result<(), XlsxError> {
    for (at, header) in headers.iter().enumerate() {
        sheet.write_string_with_format(0, at as u16, header, &formats.header)?;
    }
    sheet.autofilter(0, 0, last_row, headers.len().saturating_sub(1) as u16)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};

    use crate::Language;
    use crate::testing::Desk;

    fn open(desk: &Desk) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(desk.file(crate::Format::Xlsx))).unwrap()
    }

    #[test]
    fn the_first_sheet_asks_the_unsure_before_the_held_and_the_contradicted() {
        let mut workbook = open(&Desk::new());
        let sheets = ["Needs an answer", "Restored", "Conflicts", "Not rebuilt"];
        assert_eq!(workbook.sheet_names(), sheets);
        let range = workbook.worksheet_range(sheets[0]).unwrap();
        let ids: Vec<String> = range.rows().map(|row| row[0].to_string()).collect();
        let expect =
            ["Record", "reservation-aaaaaaaa", "reservation-bbbbbbbb", "reservation-cccccccc"];
        assert_eq!(ids, expect);
    }

    #[test]
    fn dates_are_dates_on_the_tenants_clock_and_amounts_are_numbers() {
        let mut desk = Desk::new();
        desk.tenant("7", "Brightway", Language::German, "Europe/Berlin");
        let mut workbook = open(&desk);
        let range = workbook.worksheet_range("Braucht eine Antwort").unwrap();
        let header = |name| range.rows().next().unwrap().iter().position(|c| *c == name).unwrap();
        let cell =
            |name| range.rows().nth(1).unwrap()[header(Data::String(String::from(name)))].clone();
        assert_eq!(cell("total_cents"), Data::Float(45_000.0));
        match cell("pickup_at") {
            Data::DateTime(at) => assert_eq!(at.to_ymd_hms_milli(), (2026, 5, 1, 10, 0, 0, 0)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_workbook_holds_no_formula() {
        let mut desk = Desk::new();
        desk.line = "=HYPERLINK(\"http://example.org\")".to_owned();
        desk.candidates[2].conflicts[0].other = "=1+1".into();
        desk.candidates[2].conflicts[0].reason = "@SUM(A1)".to_owned();
        let mut workbook = open(&desk);
        for sheet in workbook.sheet_names() {
            assert!(workbook.worksheet_formula(&sheet).unwrap().is_empty(), "{sheet}");
        }
    }

    #[test]
    fn a_text_longer_than_a_cell_is_cut_and_not_an_error() {
        let mut desk = Desk::new();
        desk.candidates[0].fields[0].cell = restitch_model::Cell::Is("x".repeat(100_000).into());
        desk.candidates[0].reasons = vec!["y".repeat(100_000)];
        let imported = desk.import("review.xlsx", desk.file(crate::Format::Xlsx));
        assert_eq!(imported, crate::Imported::default());
    }
}
