//! The pipeline file, and the steps of a recovery in their order, each from case to case:
//! what the binary and the drills both run.

mod candidates_table;
mod error;
mod facts_table;
pub mod file;
pub mod results;
pub mod run;
mod sources;

pub use error::PipelineError;
pub use file::Pipeline;
pub use run::Run;
