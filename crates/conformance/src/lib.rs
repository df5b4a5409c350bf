//! What every connector must do, as tests that any of them can be put to, and a proxy that
//! fails on purpose ([`FaultProxy`]).
//!
//! A connector's own tests call the functions of [`Subject`] with a source of theirs: a folder
//! of files, a server that was started for the test. Each function panics where the connector
//! does not hold, and says in what.

mod fault;
mod proxy;
mod subject;
mod trouble;

pub use fault::{Fault, Plan};
pub use proxy::{FaultProxy, Speaks};
pub use subject::{Subject, evidence};
pub use trouble::FullDisk;
