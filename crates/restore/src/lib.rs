//! Databases: snapshot, plan, apply, undo.
//!
//! The way is one-directional. [`snapshot`] reads a database and changes nothing. [`propose`]
//! is pure: from a snapshot, the rebuilt records and what reviewers said of them it makes a
//! [`Plan`], a file that a person can read. [`apply_embedded`] carries a plan out, whole or not
//! at all, and writes a journal in the same transaction; [`undo_embedded`] goes back by it.
//!
//! **Invariant**: a backup is never opened for writing, and no file is made beside it. An
//! embedded database is worked on as a copy.
//!
//! **Invariant**: no row is deleted that the journal does not name as ours, and no table is
//! dropped, emptied or altered that is not ours. `INSERT OR REPLACE`, `INSERT OR IGNORE` and
//! their kin, which silently remove or swallow rows, are not used.
//!
//! **Invariant**: this crate knows no case and no source. It takes paths, URLs and values, and
//! returns values.

mod affinity;
mod apply;
mod compare;
mod doctor;
mod draft;
mod engine;
mod error;
mod fingerprint;
mod ground;
mod journal;
mod order;
mod page;
mod plain;
mod plan;
mod planner;
mod propose;
mod provenance;
mod sqlite;
mod standing;
mod summary;
#[cfg(test)]
mod testing;
mod triggers;
mod undo;

pub use apply::{Applied, ApplyOptions, apply_embedded};
pub use doctor::{Finding, Level, doctor};
pub use engine::{Engine, snapshot};
pub use error::RestoreError;
pub use page::page;
pub use plan::{
    Change, ChangeKind, Counts, Held, IdPair, Plan, PlannedCell, PlannedConflict, TableMark, Tally,
};
pub use propose::{OnConflict, PlanPolicy, propose};
pub use provenance::{ProvenanceRow, provenance};
pub use triggers::Triggers;
pub use undo::{Undone, undo_embedded};
