//! Drills: recoveries whose truth is known.
//!
//! [`drill`](fn@drill) loses a part of a real database on a scratch copy and recovers it with the
//! very steps of a real recovery. [`practise`]
//! does so with a generated world (`restitch-worlds`), and [`score_world`] holds such a recovery
//! against the world's truth. [`score`] is the comparison itself: a database against what it
//! should be.

mod after;
mod ages;
mod align;
mod breakdown;
mod calibration;
mod coverage;
mod damage;
mod error;
mod forget;
mod hints;
mod history;
mod laps;
#[cfg(test)]
mod literal;
mod missed;
mod page;
mod practice;
mod recovery;
mod report;
mod score;
mod scratch;
mod truth;
mod worth;

pub use ages::{Age, AgeOf};
pub use breakdown::{Breakdown, Slice};
pub use calibration::{Calibration, Tenth};
pub use coverage::Coverage;
pub use error::DrillError;
pub use forget::{Forgotten, forget};
pub use hints::{Hint, hints, keep_elsewhere};
pub use history::{Past, PastType};
pub use page::Page;
pub use practice::{Worker, World, practise};
pub use recovery::{Asked, Loss, drill};
pub use report::{DrillReport, EstimateCheck, TypeReport};
pub use score::{Known, RowFate, RowName, Score, TypeScore, score};
pub use truth::score_world;
pub use worth::{Worth, WorthOf};
