use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Blocking, Bound, Comparison, MatchingError, Records, Weights};

/// How to link two tables, or the records of one: which pairs are looked at, how they are
/// compared, what that is worth. Readable and editable as TOML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// How many links a record may have.
    pub shape: Shape,
    /// Links below this probability are not made. At least a half where links exclude each
    /// other.
    #[serde(default = "half")]
    pub at_least: f64,
    /// What is compared.
    #[serde(rename = "comparison")]
    pub comparisons: Vec<Comparison>,
    /// Which pairs are looked at.
    pub blocking: Blocking,
    /// What agreement is worth; learned from the tables where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
}

/// How many links a record may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A left record has one right record, and the other way round.
    OneToOne,
    /// A left record has one right record, which may have many left ones.
    ManyToOne,
    /// Any number.
    Many,
}

fn half() -> f64 {
    0.5
}

impl Model {
    /// A model from its TOML.
    pub fn from_toml(text: &str) -> Result<Model, MatchingError> {
        let model: Model =
            toml::from_str(text).map_err(|error| MatchingError::Model(error.to_string()))?;
        if !(0.0..=1.0).contains(&model.at_least) {
            return Err(MatchingError::Model("at_least is a probability, from 0 to 1".to_owned()));
        }
        if let Some(weights) = &model.weights {
            weights.check(&model.comparisons)?;
        }
        Ok(model)
    }

    /// The model as TOML.
    pub fn to_toml(&self) -> Result<String, MatchingError> {
        toml::to_string(self).map_err(|error| MatchingError::Model(error.to_string()))
    }

    /// The names of the columns, of either table, that the model compares or blocks by.
    pub fn columns(&self) -> BTreeSet<&str> {
        let compared = self.comparisons.iter().flat_map(|c| [&c.left, &c.right]);
        let rules = self.blocking.rules.iter().flat_map(|rule| &rule.keys);
        let keys = rules.chain(&self.blocking.split_by).flat_map(|key| [&key.left, &key.right]);
        compared.chain(keys).map(String::as_str).collect()
    }

    /// Sets the weights from pairs that are known. Without `non_pairs` random pairs say what
    /// comes by chance. The prior is the share of all pairs that are matches; where it is not
    /// given, one match for each record of the smaller table is assumed for every second one.
    pub fn train(
        &mut self,
        left: &Records,
        right: Option<&Records>,
        pairs: &[(u32, u32)],
        non_pairs: &[(u32, u32)],
        prior: Option<f64>,
    ) -> Result<(), MatchingError> {
        let bound = Bound::new(left, right, &self.comparisons)?;
        let (a, b) = bound.sizes();
        let usual = f64::from(a.min(b)) / 2.0 / bound.pairs().max(1.0);
        let prior = prior.unwrap_or(usual);
        self.weights = Some(Weights::from_labelled(&bound, pairs, non_pairs, prior));
        Ok(())
    }
}
