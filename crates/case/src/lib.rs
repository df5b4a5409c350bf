//! The case folder: what the sources gave, what each step made of it, what people decided,
//! and a log of all that, in which a change behind restitch's back shows.
//!
//! A case that names recipients is sealed ([`Keys`]): what holds people's data is encrypted
//! before it reaches the disk.
//!
//! A case is one folder that can be moved as such. Its parts keep different promises:
//!
//! | part | promise |
//! | --- | --- |
//! | `evidence/` | only grows; every item is named by the hash of its bytes and checked whenever it is read |
//! | results (`facts/`, `rules.toml`, `plan.json`, …) | replaced whole or not at all, their digests in the log |
//! | `review/decisions.jsonl` | only grows |
//! | `log.jsonl` | only grows; each line holds the hash of the one before |
//!
//! **Invariant:** this crate has no clock. Whoever logs or pulls says what time it is.
//!
//! **Invariant:** what is not yet safe on the disk is never named by what is: bytes are
//! synced before the index that names them, the index before the checkpoint that relies on
//! it, a result before the log line that holds its digest.

mod age_file;
mod appender;
mod case;
mod checkpoint;
mod decisions;
mod durable;
mod error;
mod evidence;
mod index;
mod keys;
mod log;
mod packers;
mod parquet;
mod result_writer;
mod results;
mod sealed;
mod segment;
mod source_writer;
mod table;
mod table_file;
mod verify;

pub use case::Case;
pub use decisions::Taken;
pub use error::{CaseError, Result};
pub use evidence::EvidenceStore;
pub use keys::{Keys, identity_text};
pub use log::LogEntry;
pub use result_writer::ResultWriter;
pub use source_writer::{Pulled, SourceWriter, Tally};
pub use table::{ColumnData, TableData};
pub use table_file::{TableReader, TableWriter};
pub use verify::Verification;
