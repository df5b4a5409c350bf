//! The pipeline file, and the steps of a recovery in their order, each from case to case:
//! what the binary and the drills both run.

pub mod bound;
mod calendars;
mod candidates_table;
pub mod case_file;
pub mod changes;
mod check;
mod damaged;
mod error;
pub mod evidence;
mod facts_table;
pub mod file;
pub mod learning;
mod mailboxes;
mod plan;
mod reading;
pub mod results;
mod reviewed;
pub mod rules;
pub mod run;
mod servers;
mod sources;
mod unproved;

pub use case_file::CaseFile;
pub use error::PipelineError;
pub use file::Pipeline;
pub use plan::{Proposed, signatures};
pub use run::{PLAN, Run};
