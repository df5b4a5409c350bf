//! Rules from the overlap of backup and evidence, measured on held-back rows.
