//! Worlds with a known truth, damage, scoring.
//!
//! A generated world ([`write_world`]) is an incident whose truth is on file: a restored
//! database, the evidence that other systems kept, and what really was. [`forget`] makes an
//! incident of a real database by taking its newest rows away. [`score`] holds a recovery's
//! result against the truth.
//!
//! **Invariant:** a world knows nothing of how its traces will be read. It shares neither
//! code nor constants with the crates that read and learn; a helper both sides used would
//! agree with itself and prove nothing.

mod align;
mod car_rental;
mod dice;
mod error;
mod forget;
#[cfg(test)]
mod literal;
mod recovery;
mod score;
mod world;

pub use error::DrillError;
pub use forget::{Forgotten, forget};
pub use recovery::{DrillReport, TypeReport, forget_and_recover, score_world};
pub use score::{RowName, Score, TypeScore, score};
pub use world::{Noise, WorldOptions, WorldSummary, kinds, write_world};
