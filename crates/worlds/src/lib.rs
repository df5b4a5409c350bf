//! Worlds with a known truth.
//!
//! A generated world ([`write_world`]) is an incident whose truth is on file: a restored
//! database, the evidence that other systems kept, and what really was. `WORLD.md` describes
//! each kind.
//!
//! **Invariant:** a world knows nothing of how its traces will be read. This crate depends on
//! no other crate of the project, so it shares neither code nor constants with those that read
//! and learn; a helper both sides used would agree with itself and prove nothing.

mod appointments;
mod car_rental;
mod cell;
mod clock;
mod csv;
mod dice;
mod error;
mod form;
mod ics;
mod ledger;
mod lodging;
mod mailbox;
mod message;
mod page;
mod people;
mod sqlite;
mod stripe;
mod tables;
#[cfg(test)]
mod testing;
mod trace;
mod truth;
mod world;

pub use error::WorldError;
pub use world::{Noise, WorldOptions, WorldSummary, kinds, write_world};
