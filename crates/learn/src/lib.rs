//! Rules from the overlap of backup and evidence, measured on rows held back.
//!
//! The surviving rows and the evidence of the same time show how evidence becomes rows. From
//! them this crate finds which item is about which row ([`anchor`]), the templates of texts
//! ([`template`], [`source`]), the rules that fill columns ([`search`], [`rule`]), how a
//! status follows from what was heard ([`life`]), and applies all of it to the evidence of
//! what was lost ([`rebuild`](mod@rebuild)). What it finds it measures by rehearsal
//! ([`rehearse`]): rows are forgotten, rebuilt from evidence alone, and compared.
//!
//! Pure: no clock, no file, no random number. The same input gives the same knowledge.

mod agreement;
pub mod anchor;
mod apart;
mod arithmetic;
mod bill;
pub mod by_hand;
mod confidence;
mod confirmed;
pub mod damage;
mod decimal_format;
mod document;
mod error;
pub mod example;
pub mod fold;
mod incident;
mod item;
pub mod key_shape;
mod kin;
pub mod knowledge;
pub mod life;
mod linking;
mod lists;
mod look_up;
mod moments;
mod new_key;
pub mod news;
pub mod observe;
pub mod overlap;
pub mod people;
mod pins;
mod profile;
pub mod rebuild;
mod receipts;
pub mod records;
pub mod rehearse;
mod rest;
pub mod rule;
pub mod search;
pub mod shape;
#[cfg(test)]
mod sketch;
pub mod source;
pub mod study;
pub mod template;
pub mod template_file;
pub mod ties;
pub mod time_format;
pub mod within;
pub mod zones;

pub use by_hand::ByHand;
pub use confirmed::Confirmed;
pub use damage::Damage;
pub use document::{figure, from_toml, is_as_written, rate, to_toml, to_toml_with};
pub use error::LearnError;
pub use incident::Incident;
pub use item::Item;
pub use knowledge::{Knowledge, Measured, Settings};
pub use lists::lines::told_lines;
pub use moments::date_rows;
pub use pins::Pins;
pub use rebuild::{Rebuilt, Scope, rebuild, rebuild_pinned};
pub use rehearse::learn;
pub use source::Book;
pub use study::Material;
