//! Pulls from live systems through the binary: over bad lines, and killed.

// The servers are those that each connector is tested with.
#[allow(dead_code)]
#[path = "../../crates/connect-mail/tests/imap/dovecot.rs"]
mod dovecot;
#[path = "../../crates/connect-stripe/tests/fake/mod.rs"]
mod fake;
mod killed;
mod radicale;
