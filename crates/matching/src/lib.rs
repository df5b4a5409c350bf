//! Probabilistic record linkage (Fellegi and Sunter 1969) on plain columns: blocks,
//! comparisons, weights, consistent assignments, clusters, calibration, completeness.
//!
//! - [`Model::discover`] or [`Model::from_toml`], then [`link`] two tables or [`dedupe`] one;
//!   [`link_under`] and [`dedupe_under`] where some records are never one.
//! - [`Explainer`] tells why a pair was linked or lost; [`Related`] lets links of other records
//!   speak for these; [`Calibration`] turns weights into probabilities that were checked.
//! - [`estimate_unseen`] tells how many records no source saw.
//! - [`Bound`] and [`Weights`] serve one comparison at a time.
//!
//! Tables in, links out; nothing here knows of databases, files or payments. All of it is
//! pure: the same tables and model give the same links, on any number of cores.
//!
//! ```
//! use restitch_matching::{Model, Records, Values, link};
//!
//! # fn main() -> Result<(), restitch_matching::MatchingError> {
//! let text = |values: &[&str]| {
//!     Values::Text(values.iter().map(|value| Some(value.to_string())).collect())
//! };
//! let bookings = Records::new(vec![
//!     ("name".into(), text(&["Ann Lee", "Otto Graf", "Zoë Brandt"])),
//!     ("email".into(), text(&["ann@lee.org", "otto@graf.de", "zoe@brandt.eu"])),
//! ])?;
//! let payments = Records::new(vec![
//!     ("name".into(), text(&["ZOE BRANDT", "Lee, Ann"])),
//!     ("email".into(), text(&["zoe@brandt.eu", "ann@lee.org"])),
//! ])?;
//! let model = Model::discover(&bookings, Some(&payments))?;
//! let linkage = link(&bookings, Some(&payments), &model)?;
//! let pairs: Vec<_> = linkage.links.iter().map(|link| (link.left, link.right)).collect();
//! assert_eq!(pairs, [(0, 1), (2, 0)]);
//! for (part, bits) in linkage.weights.waterfall(&model.comparisons, linkage.links[0].levels) {
//!     println!("{bits:7.2} {part}");
//! }
//! # Ok(())
//! # }
//! ```

mod assign;
mod block;
mod bound;
mod calibrate;
mod cluster;
mod codes;
mod columns;
mod compare;
mod completeness;
mod cores;
mod csv;
mod discover;
mod draw;
mod em;
mod engine;
mod error;
mod explain;
mod fold;
mod keys;
mod loglinear;
mod look;
mod marks;
mod model;
mod nicknames;
mod overlap;
mod profile;
mod quick;
mod related;
mod scan;
mod score;
mod similar;
mod strata;
mod texts;
mod values;
mod weights;
mod wordsets;

pub use assign::{Edge, many_to_one, one_to_one};
pub use block::{BlockReport, Blocking, Blocks, By, Key, Rule, RuleReport};
pub use bound::Bound;
pub use calibrate::{Calibration, Reliability, expected_calibration_error, reliability};
pub use cluster::cluster;
pub use columns::{Records, Values};
pub use compare::{Comparison, Levels, Measure};
pub use completeness::{Completeness, estimate, estimate_lists};
pub use csv::{CsvTable, read_csv};
pub use engine::{
    Clusters, Link, LinkReport, Linkage, dedupe, dedupe_related, dedupe_under, link, link_related,
    link_under,
};
pub use error::MatchingError;
pub use explain::{Explainer, Explanation, Fate, Step};
pub use fold::fold;
pub use model::{Model, Shape};
pub use overlap::from_overlap;
pub use related::Related;
pub use strata::{Histories, Stratum, Unseen, estimate_unseen};
pub use texts::Texts;
pub use weights::{LevelWeights, Weights, probability};
