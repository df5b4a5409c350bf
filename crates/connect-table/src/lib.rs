//! Rows of CSV and JSON exports: columns become facts as they are.
//!
//! [`TableFiles`] pulls each row as one evidence item. A row of a CSV file is kept as one line
//! of JSON, an object with a text for each column in the order of the columns: that line is
//! the item's canonical form, the same for every delimiter, quoting and charset that the file
//! may have. A row of a JSON file is kept as it stands.

mod files;
mod json;
mod layout;
mod records;
mod rows;
mod utf8;

pub use files::TableFiles;
pub use json::json_facts;
pub use rows::{list_rows, read_row};

/// The kind of evidence that this crate gives and reads.
pub const KIND: &str = "table.row";
