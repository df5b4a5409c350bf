//! The plan step: what is proposed, once the database was asked whether it would take it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use restitch_model::{Candidate, CandidateId, Decision, Snapshot};
use restitch_restore::{
    Engine, Plan, PlanPolicy, Rehearsal, RestoreError, ServerApply, ServerUndo, Triggers,
    propose_without, rehearse_embedded, rehearse_server,
};

use restitch_review::settle;

use crate::error::PipelineError;
use crate::file::TriggerPolicy;
use crate::results::PlanMade;
use crate::run::{PLAN, Run};

/// Who may sign, where the policy names no file.
const SIGNERS: &str = "allowed_signers";

/// The signatures that lie beside a file of the case, as `ssh-keygen` calls them: with `.sig` after
/// the file's name, and those of further signers with a word of their own before it.
pub fn signatures(run: &Run<'_>, file: &str) -> Result<Vec<PathBuf>, PipelineError> {
    let dir = run.case.dir();
    let open = |source| PipelineError::List { dir: dir.display().to_string(), source };
    let mut found = Vec::new();
    for entry in dir.read_dir().map_err(open)? {
        let name = entry.map_err(open)?.file_name().to_string_lossy().into_owned();
        let rest = name.strip_prefix(file).and_then(|rest| rest.strip_suffix(".sig"));
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
            found.push(dir.join(name));
        }
    }
    found.sort();
    Ok(found)
}

/// Changes proposed over a database, once it was asked whether it would take them.
pub struct Proposed {
    /// The changes.
    pub plan: Plan,
    /// Why the database was not asked; `None` where it was.
    pub unrehearsed: Option<String>,
    /// How many records it would refuse.
    pub refused: u64,
}

impl Run<'_> {
    /// Proposes the changes, with the reviewers' answers, and writes them.
    pub fn plan(&self, snapshot: &Snapshot) -> Result<PlanMade, PipelineError> {
        let candidates = self.candidates()?;
        let decisions = settle(&self.case.decisions()?, &candidates);
        self.plan_over(snapshot, &self.target_url()?, &candidates, &decisions)
    }

    /// Proposes these changes over a database in this state, and writes them. What the database
    /// would refuse is found by a rehearsal, and waits for a reviewer.
    pub fn plan_over(
        &self,
        snapshot: &Snapshot,
        url: &str,
        candidates: &[Candidate],
        decisions: &[Decision],
    ) -> Result<PlanMade, PipelineError> {
        self.progress.begin("asking the database whether it takes the rows", "rehearsals", None);
        let Proposed { plan, unrehearsed, refused } =
            self.proposed(snapshot, url, candidates, decisions);
        self.progress.end();
        let json = plan.to_json();
        if !self.case.holds(PLAN, json.as_bytes())? {
            // What was signed was another plan.
            for signature in signatures(self, PLAN)? {
                let name = signature.file_name().unwrap_or_default().to_string_lossy();
                self.case.remove(&name)?;
            }
        }
        self.case.write(PLAN, json)?;
        self.case.write("plan.html", restitch_restore::page(&plan))?;
        let details = serde_json::json!({ "digest": plan.digest().to_string() });
        self.case.log(self.now, &self.actor, "plan", details)?;
        Ok(PlanMade { unrehearsed, refused, ..PlanMade::of(&plan) })
    }

    /// The changes proposed over a database in this state, asked whether it would take them.
    /// Nothing is written.
    pub fn proposed(
        &self,
        snapshot: &Snapshot,
        url: &str,
        candidates: &[Candidate],
        decisions: &[Decision],
    ) -> Proposed {
        let policy = self.plan_policy();
        let mut refused: BTreeMap<CandidateId, String> = BTreeMap::new();
        let (plan, unrehearsed) = loop {
            let plan = propose_without(snapshot, candidates, decisions, &policy, &refused);
            let found = match plan.changes().is_empty() {
                true => break (plan, None),
                false => self.rehearse(&plan, url),
            };
            self.progress.advance(1);
            // Without a row, others get other ids, or stand alone: so again, until all are taken.
            // It ends, since what was refused once is not planned again.
            match found {
                Ok(found) if found.refused.is_empty() => break (plan, None),
                Ok(found) => refused.extend(found.refused),
                Err(error) => break (plan, Some(error.to_string())),
            }
        };
        Proposed { plan, unrehearsed, refused: refused.len() as u64 }
    }

    /// What the pipeline says of disagreements.
    pub fn plan_policy(&self) -> PlanPolicy {
        let conflicts = self.file.pipeline.policy.conflicts;
        PlanPolicy { conflicts, ..PlanPolicy::default() }
    }

    fn rehearse(&self, plan: &Plan, url: &str) -> Result<Rehearsal, RestoreError> {
        match Engine::of(url)?.is_embedded() {
            true => rehearse_embedded(plan, url, self.case.dir(), self.triggers()),
            false => rehearse_server(plan, url, &self.server_apply(None)),
        }
    }

    /// The plan that the plan step wrote.
    pub fn saved_plan(&self) -> Result<Plan, PipelineError> {
        if !self.case.has(PLAN) {
            return Err(PipelineError::Earlier { missing: "plan.json is", command: "plan" });
        }
        Ok(Plan::from_json(&self.case.read_text(PLAN)?)?)
    }

    /// How a plan is applied to a server: as policy says.
    pub fn server_apply(&self, backup_url: Option<String>) -> ServerApply {
        let policy = &self.file.pipeline.policy;
        ServerApply {
            triggers: self.triggers(),
            waves: policy.waves,
            approvals: policy.approvals,
            allowed_role: policy.allow_role.clone(),
            backup_url,
            ..ServerApply::at(self.now)
        }
    }

    /// How an apply to a server is taken back: as policy says.
    pub fn server_undo(&self) -> ServerUndo {
        let policy = &self.file.pipeline.policy;
        ServerUndo {
            approvals: policy.approvals,
            allowed_role: policy.allow_role.clone(),
            ..ServerUndo::at(self.now)
        }
    }

    /// The file of those who may sign, in the form of OpenSSH's: that of the policy, else
    /// `allowed_signers` in the case.
    pub fn signers(&self) -> PathBuf {
        match &self.file.pipeline.policy.signers {
            Some(path) => self.file.folder.join(path),
            None => self.case.path(SIGNERS),
        }
    }

    /// The address of the backup, where the pipeline tells one.
    pub fn backup_url(&self) -> Result<Option<String>, PipelineError> {
        self.file.pipeline.backup_url(&self.file.folder)
    }

    /// What triggers do while rows are written.
    pub fn triggers(&self) -> Triggers {
        match self.file.pipeline.policy.triggers {
            TriggerPolicy::Suppress => Triggers::Suppress,
            TriggerPolicy::Fire => Triggers::Fire,
        }
    }
}
