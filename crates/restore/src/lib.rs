//! Databases: snapshot, plan, approve, apply, undo.
