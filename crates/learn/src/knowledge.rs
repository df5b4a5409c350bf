//! All that was learned of a case: what `rules.toml` holds.

use std::collections::BTreeMap;

use restitch_matching::{Comparison, Weights};
use restitch_model::{Instant, Share, TimeWindow};
use serde::{Deserialize, Serialize};

use crate::anchor::Tenancies;
use crate::by_hand::ByHand;
use crate::confirmed::Confirmed;
use crate::damage::Damage;
use crate::incident::Incident;
use crate::item::Item;
use crate::key_shape::KeyShapes;
use crate::life::{Branch, Soundness, StateFields};
use crate::lists::lines::AddsUp;
use crate::news::News;
use crate::overlap::since;
use crate::rest::Rest;
use crate::rule::Rule;
use crate::shape::Bindings;
use crate::source::Book;
use crate::template_file::FileTemplate;
use crate::ties::Ties;
use crate::within::Within;

/// What is not found from the data but said by the operator.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// Record types whose table the pipeline names.
    pub tables: BTreeMap<String, String>,
    /// The tables that hang on reservations as lists, where the pipeline tells them.
    pub lists: Option<Vec<String>>,
    /// The last moment that the backup holds, where the pipeline tells it.
    pub backup_at: Option<Instant>,
    /// The moment of loss, where the pipeline tells it.
    pub lost_at: Option<Instant>,
    /// How many days before the backup evidence is learned from; `None` for all.
    pub overlap_days: Option<i64>,
    /// The zone of local times where no row names one.
    pub zone: Option<String>,
    /// Confidence from which a record needs no reviewer.
    pub accept_at: f64,
    /// Rules written by hand: they come before any learned one, the first of them first.
    pub rules: Vec<ByHand>,
    /// The business's own templates, which take the place of those found in its texts.
    pub templates: Vec<FileTemplate>,
    /// Lost records that a person said are right: examples beside those of the overlap.
    pub confirmed: Vec<Confirmed>,
    /// What was damaged, where that is not everything since the backup.
    pub damage: Damage,
}

/// All that was learned of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knowledge {
    /// When the backup ends and when the rest was lost.
    pub incident: Incident,
    /// Evidence of before this teaches nothing, and nothing is rebuilt from it; `None` where all
    /// counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught_from: Option<Instant>,
    /// The zone of local times where no row names one.
    pub zone: String,
    /// Which table is which record type.
    pub bindings: Bindings,
    /// What rehearsals on rows held back showed, by record type.
    #[serde(default)]
    pub measured: BTreeMap<String, Measured>,
    /// What is known of each record type's table, by record type.
    pub records: BTreeMap<String, RecordKnowledge>,
    /// Whom senders, accounts and calendars speak for.
    pub tenancies: Tenancies,
    /// Fields whose equal values tie items to one record.
    pub ties: Ties,
    /// Fields that say in what state a record is.
    pub states: StateFields,
    /// The shapes of what names a record.
    pub key_shapes: KeyShapes,
    /// The templates of texts.
    pub templates: Book,
}

/// What is known of one record type's table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordKnowledge {
    /// What the table's columns are called that name a record to people.
    pub natural_keys: Vec<String>,
    /// The forms of evidence of which nearly every item names its record: one that does not is
    /// about something else, and is not linked by likeness.
    #[serde(default)]
    pub naming_forms: Vec<String>,
    /// Pairs of columns of times of which in every row the first lies before the second.
    #[serde(default)]
    pub orders: Vec<(String, String)>,
    /// The columns of planned times.
    pub planned: Vec<String>,
    /// Forms whose items tell of records that nothing names, by what they hang on: of payments,
    /// receipts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipt_forms: Vec<String>,
    /// Of payments: how the last one is known that names nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// How columns are filled from evidence.
    pub rules: Vec<Rule>,
    /// How columns are filled from the record itself.
    pub within: Vec<Within>,
    /// Of the lines of a list: which columns add up to one of their record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adds_up: Vec<AddsUp>,
    /// Of the lines of a list: the forms in which a number stands beside nearly every name of
    /// what a record holds. A name without one, as in what a guest writes, is no line there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbered_forms: Vec<String>,
    /// How columns of a status follow from what was heard.
    pub life: Vec<Branch>,
    /// How much agreement is worth when items without a key are linked, by kind of evidence.
    #[serde(default)]
    pub weights: BTreeMap<String, KindWeights>,
    /// In which states records were true, when rebuilt in the rehearsals, and in which not.
    #[serde(default)]
    pub states: Soundness,
    /// How sure a rebuilt record of each sort is.
    #[serde(default)]
    pub confidence: Vec<Confidence>,
    /// How often what was said of a column was so, by who said it: what changes of surviving
    /// rows are judged by.
    #[serde(default)]
    pub news: Vec<News>,
}

/// The linkage model of one kind of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindWeights {
    /// What is compared.
    pub comparisons: Vec<Comparison>,
    /// What each level of agreement is worth.
    pub weights: Weights,
}

/// How often rebuilt records of one sort were right in the rehearsals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// What the sort is: see [`crate::rebuild::sort_of`].
    pub sort: String,
    /// The form of the record's first evidence; `None` for all forms of the sort together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Right, of how many.
    pub seen: Share,
    /// The probability used: its own, drawn towards that of the sort, and of all sorts
    /// together, the more the fewer were seen.
    pub probability: f64,
}

/// What rehearsals showed of one record type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Of the rows held back that some evidence speaks of, those that came back.
    pub recall: Share,
    /// Of the records that would have been written, those that were true.
    pub precision: Share,
    /// By column, how often the records that would have been written had the true value.
    pub columns: BTreeMap<String, Share>,
}

impl Knowledge {
    /// The time in which a lost record was made.
    pub fn window(&self) -> TimeWindow {
        TimeWindow { start: self.incident.backup_at, end: self.incident.lost_at }
    }

    /// The evidence that counts, of all in the order of time.
    pub fn counted<'i>(&self, items: &'i [Item]) -> &'i [Item] {
        since(items, self.taught_from)
    }
}
