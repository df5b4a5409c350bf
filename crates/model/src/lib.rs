//! The words of restitch as types: evidence, facts, rows, records, money, time.
//!
//! This crate does no I/O and knows no database, no source and no file format.
//! Every other crate speaks in these types.

mod decimal;
mod digest;
mod evidence;
mod fact;
mod measure;
mod money;
mod name;
mod observation;
mod progress;
mod record;
mod secret;
mod table;
mod time;

pub use decimal::{Decimal, DecimalError};
pub use digest::{Digest, DigestError, DigestWriter};
pub use evidence::{Evidence, EvidenceId, EvidenceMeta, Remark};
pub use fact::{Fact, FactValue, Place};
pub use measure::{Interval, Share, THIN};
pub use money::{Currency, CurrencyError, Money};
pub use name::{Name, Names};
pub use observation::{Observation, Reading};
pub use progress::{Progress, Silent};
pub use record::{
    Answer, Candidate, CandidateId, Cell, Conflict, Decision, Field, LinkNote, RecordType, Rival,
    RivalRecord, Seen, Verdict,
};
pub use secret::Secret;
pub use table::{Column, ForeignKey, Row, RowKey, Snapshot, Table, TableSchema, Value};
pub use time::{Instant, LocalTime, TimeWindow};
