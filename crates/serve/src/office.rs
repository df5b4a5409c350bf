use std::collections::BTreeMap;

use restitch_model::{Candidate, Decision, EvidenceId, Instant, TimeWindow};
use restitch_restore::Plan;
use restitch_review::{EvidenceNote, TenantInfo};

/// What is reviewed.
pub struct Caseload {
    /// The name of the case, for its title.
    pub name: String,
    /// The rebuilt records.
    pub candidates: Vec<Candidate>,
    /// All that was said of them, as it stands in the case.
    pub decisions: Vec<Decision>,
    /// The plan as it was last made.
    pub plan: Plan,
    /// Why the database was not asked whether it takes the rows, where it was not.
    pub unrehearsed: Option<String>,
    /// The tenants, by the text that [`Candidate::tenant`] has.
    pub tenants: BTreeMap<String, TenantInfo>,
    /// All evidence, in a line each.
    pub notes: BTreeMap<EvidenceId, EvidenceNote>,
    /// From the backup's last moment to the loss.
    pub window: Option<TimeWindow>,
    /// How many records were lost, by record type, where that can be estimated.
    pub estimates: BTreeMap<String, Estimate>,
}

/// An estimated number with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// How many.
    pub count: f64,
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

/// What stands between the page and the case. Errors are sentences that the operator reads.
pub trait Office {
    /// All that is reviewed, as it is now.
    fn load(&mut self) -> Result<Caseload, String>;
    /// An item as a person reads it. It is shown as text, whatever it is.
    fn evidence(&mut self, id: EvidenceId) -> Result<String, String>;
    /// Gives the words of every item, one after the other, for the search.
    fn each_text(&mut self, take: &mut dyn FnMut(EvidenceId, &str)) -> Result<(), String>;
    /// Keeps a decision, safe on the disk when this returns.
    fn decide(&mut self, decision: &Decision) -> Result<(), String>;
    /// Makes the plan again, with what was decided.
    fn plan(&mut self) -> Result<(), String>;
    /// Rebuilds the records with what was decided, and makes the plan again.
    fn rebuild(&mut self) -> Result<(), String>;
    /// The present.
    fn now(&self) -> Instant;
    /// Who is at work.
    fn reviewer(&self) -> String;
}
