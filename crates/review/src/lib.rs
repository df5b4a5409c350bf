//! Packs for each customer out, decisions back in.
//!
//! [`export`] makes one [`Pack`] a tenant: a workbook, a table and a page, each of which can be
//! answered with what a business already has. [`import`] takes back what they became, in any
//! mixture, and makes [`restitch_model::Decision`]s of it.
//!
//! **Invariant**: nothing that evidence contains can run or call out from a pack: cells are
//! text, pages are escaped and carry a content security policy that allows no address.
//!
//! **Invariant**: an answer is never lost and never guessed at. What cannot be read becomes
//! "don't know" with the words in the note, and a remark that says where it stands.
//!
//! **Invariant**: this crate knows no case and opens no file. It takes values and returns bytes.

pub mod chart;
mod decide;
mod defuse;
mod disagree;
mod error;
#[cfg(test)]
mod fixture;
mod import;
mod judge;
mod layout;
mod loss;
mod material;
mod moment;
mod page;
mod person;
mod read;
pub mod report;
#[cfg(test)]
mod round_trip;
mod saved;
mod settle;
mod shown;
mod table;
#[cfg(test)]
mod testing;
mod texts;
mod urgency;
mod view;
mod words;
mod workbook;

pub use disagree::{Disagreement, disagreements};
pub use error::ReviewError;
pub use import::{Imported, import};
pub use loss::{Fate, Loss, Tally};
pub use material::{
    EvidenceNote, ExportOptions, Format, Material, Pack, PackCounts, TenantInfo, export, packs,
};
pub use page::{escape, hash};
pub use person::{Person, PersonKey, person_pages, persons};
pub use settle::{seen, settle};
pub use texts::Language;
pub use urgency::Urgency;
pub use view::{Group, gist, original, percent, shown, source, times};
