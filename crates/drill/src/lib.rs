//! Drills: recoveries whose truth is known.
//!
//! [`forget`] makes an incident of a real database by taking its newest rows away;
//! [`forget_and_recover`] recovers from it with the very steps of a real recovery, and
//! [`score_world`] holds the recovery of a generated world (`restitch-worlds`) against its
//! truth. [`score`] is the comparison itself: a database against what it should be.

mod align;
mod coverage;
mod error;
mod forget;
#[cfg(test)]
mod literal;
mod missed;
mod recovery;
mod score;

pub use coverage::Coverage;
pub use error::DrillError;
pub use forget::{Forgotten, forget};
pub use recovery::{DrillReport, TypeReport, forget_and_recover, score_world};
pub use score::{RowName, Score, TypeScore, score};
