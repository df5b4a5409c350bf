//! The case folder: evidence, tables of results, decisions, log.
