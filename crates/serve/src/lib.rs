//! The page on which the operator reviews: the queue, a record with its evidence beside it, the
//! course of the loss, and a search over all evidence.
//!
//! [`Server`] speaks HTTP on loopback to one browser. [`Board`] knows what is reviewed and
//! answers the page's questions; it gets the case through an [`Office`].
//!
//! **Invariant**: who does not hold the one-time token of the address, or comes from another
//! origin, or calls the server by another name, gets nothing.
//!
//! **Invariant**: what evidence says reaches the page as text only. The page runs one script of
//! its own and reaches for nothing outside itself, and its policy says so to the browser.
//!
//! **Invariant**: this crate knows no case and opens no file.

mod answering;
mod board;
mod error;
mod evidence;
mod guard;
mod http;
mod links;
mod office;
mod overview;
mod queue;
mod record;
mod search;

pub use board::{Board, Question, Refusal};
pub use error::ServeError;
pub use http::Server;
pub use office::{Caseload, Estimate, Office};
