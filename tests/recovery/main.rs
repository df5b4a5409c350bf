//! Recoveries of the sample from end to end, through the binary as a person uses it.
//!
//! One recovery is shared by all tests that only look; a test that changes a case works on a
//! copy of it, which is allowed, since a case can be moved as a folder.

mod apply;
// The browser that the tests of the page itself use.
#[path = "../../crates/serve/tests/page/browser.rs"]
mod browser;
mod case;
mod damage;
mod explain;
mod figures;
// Servers are started here as they are for the tests of restore, which start more of them.
#[allow(dead_code)]
#[path = "../../crates/restore/tests/servers/host.rs"]
mod host;
mod kinds;
mod output;
mod repeat;
mod review;
mod rules;
mod serve;
mod server;
mod settings;
mod verify;
