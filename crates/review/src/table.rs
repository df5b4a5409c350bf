//! The pack as a table: what needs an answer, as CSV that spreadsheets open without being asked.

use csv::{QuoteStyle, Terminator, WriterBuilder};

use crate::defuse::{MARKED, defuse};
use crate::layout::{Column, columns};
use crate::shown::Shown;
use crate::view::{Group, View};
use crate::words::Fixed;

/// The table, with the mark of UTF-8 in front, by which Excel knows it, and the separator of the
/// tenant's language. All is quoted, so that no value can begin a cell of its own.
pub(crate) fn write(view: &View<'_>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new()
        .delimiter(view.texts().separator)
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let columns = columns(view);
    writer.write_record(columns.iter().map(|column| defuse(&column.header(view))))?;
    for entry in view.group(Group::Needs) {
        let cells = columns.iter().map(|column| match (column, column.cell(view, entry)) {
            (Column::Fixed(Fixed::Sure), Shown::Real(share)) => format!("{:.0} %", share * 100.0),
            (Column::Fixed(Fixed::Zone), shown) => format!("{}{MARKED}", shown.text()),
            // A number below zero is no formula.
            (_, number @ (Shown::Integer(_) | Shown::Real(_))) => number.text(),
            (_, shown) => defuse(&shown.text()),
        });
        writer.write_record(cells)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
