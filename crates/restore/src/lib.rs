//! Databases: snapshot, plan, apply, undo.
//!
//! The way is one-directional. [`snapshot`] reads a database and changes nothing; [`examine`]
//! says what to know of it first. [`propose`] is pure: from a snapshot, the rebuilt records and
//! what reviewers said of them it makes a [`Plan`], a file that a person can read.
//! [`apply_embedded`] and [`apply_server`] carry a plan out, whole or not at all, and write a
//! journal in the same transaction; [`undo_embedded`] and [`undo_server`] go back by it. When
//! the original turns up after all, [`reconcile`] holds it against what stands.
//!
//! Three engines by their URLs: a SQLite file is worked on as a copy, a database of PostgreSQL,
//! MySQL or MariaDB where it is, with an [`Approval`].
//!
//! **Invariant**: a backup is never opened for writing, and no file is made beside it. An
//! embedded database is worked on as a copy.
//!
//! **Invariant**: no row is deleted that the journal does not name as ours, and no table is
//! dropped, emptied or altered that is not ours. `INSERT OR REPLACE`, `INSERT IGNORE`, `ON
//! CONFLICT` and their kin, which silently remove, change or swallow rows, are not used.
//!
//! **Invariant**: names in statements come from a catalogue and are quoted, values are bound or
//! copied. What a server says is shown without the values that it quotes.
//!
//! **Invariant**: this crate knows no case and no source. It takes paths, URLs and values, and
//! returns values.

mod affinity;
mod apply;
mod approve;
mod as_left;
mod backup;
mod compare;
mod doctor;
mod draft;
mod engine;
mod error;
mod examine;
mod fingerprint;
mod grants;
mod ground;
mod journal;
mod kind;
mod order;
mod page;
mod plain;
mod plan;
mod planner;
mod propose;
mod provenance;
mod reconcile;
mod server;
mod sqlite;
mod standing;
mod summary;
#[cfg(test)]
mod testing;
mod told;
mod triggers;
mod undo;

pub use apply::{Account, Applied, AppliedWave, ApplyOptions, apply_embedded, rehearse_embedded};
pub use approve::{
    Approval, NAMESPACE, NewSignature, Signatures, approval_text, sign, sign_command, undo_text,
    verify,
};
pub use as_left::as_left;
pub use backup::{BackupKind, backup_kind, restore_backup};
pub use doctor::{Finding, Level, doctor};
pub use engine::{Engine, snapshot};
pub use error::RestoreError;
pub use examine::{CLOCKS, examine};
pub use grants::grants;
pub use page::page;
pub use plan::{
    Change, ChangeKind, Counts, Held, IdPair, Plan, PlannedCell, PlannedConflict, TableMark, Tally,
};
pub use propose::{OnConflict, PlanPolicy, propose, propose_without};
pub use provenance::{ProvenanceRow, provenance, provenance_at};
pub use reconcile::{LateKind, LateRow, Reconciled, reconcile};
pub use server::{
    LastApply, Limits, Rehearsal, Rights, ServerApply, ServerUndo, Waves, apply_server, last_apply,
    rehearse_server, rights, undo_server,
};
pub use triggers::Triggers;
pub use undo::{Undone, undo_embedded};
