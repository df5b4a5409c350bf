//! Payments from Stripe: exported objects, Dashboard CSV and the API.
//!
//! [`StripeFiles`] and [`StripeApi`] put the same items into a case: each object by its exact
//! bytes, named by its `object` and `id` fields, in the container of the account that it
//! belongs to. [`read_object`] turns the bytes of one into facts, whatever their shape: Stripe
//! has changed its objects with every version of its API, and an old export is still evidence.

mod account;
mod api;
mod beside;
mod checkpoint;
mod dashboard;
mod files;
mod gaps;
mod item;
mod json;
mod links;
mod lists;
mod moment;
mod pull;
mod queue;
mod read;
mod slices;
mod transport;

pub use api::StripeApi;
pub use files::StripeFiles;
pub use queue::Limits;
pub use read::read_object;

/// What both connectors of this crate can read.
const KINDS: &[&str] = &["stripe."];
