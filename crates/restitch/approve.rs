//! `restitch approve`: the saved plan signed with a person's SSH key.

use anyhow::Result;
use restitch_restore::{Engine, last_apply, sign, verify};
use serde::Serialize;

use crate::Outcome;
use crate::approval::Wanted;
use crate::args::Approve;
use crate::failure::Asked;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// What was signed.
#[derive(Debug, Serialize)]
struct Approved {
    /// What may be done now.
    what: String,
    /// The signature, in the case.
    signature: String,
    /// Who has signed it so far, one name for each key.
    signers: Vec<String>,
    /// How many must.
    needed: usize,
}

/// Signs what `apply` or `undo` would do.
pub fn run(args: &Approve, work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let url = run.target_url()?;
    if Engine::of(&url)?.is_embedded() {
        let why = "the target is a file, which is copied and never touched: no approval is needed";
        return Err(Asked(why.to_owned()).into());
    }
    let wanted = match &args.undo {
        Some(named) => Wanted::undo(&last_apply(&url, named.as_deref())?),
        None => Wanted::apply(&run.saved_plan()?),
    };
    wanted.write(&run)?;
    let new = sign(&wanted.text, &args.key, &run.signers())?;
    let signature = wanted.keep(&run, &new)?;
    let signed = verify(&wanted.text, &wanted.kept(&run)?, &run.signers())?;
    let signers: Vec<String> = signed.signers().into_iter().map(str::to_owned).collect();
    run.case.log(run.now, &run.actor, "approve", serde_json::json!({ "signers": signers }))?;
    work.printer.show(&Approved {
        what: format!("{} in the database {}", wanted.what, wanted.database),
        signature: signature.display().to_string(),
        signers,
        needed: run.file.pipeline.policy.approvals,
    });
    Ok(Outcome::Done)
}

impl Shown for Approved {
    fn text(&self, style: Style) -> String {
        format!(
            "{} by {}: {} of {} needed\n  {}\n  {}\n",
            style.bold("Signed"),
            self.signers.join(", "),
            self.signers.len(),
            self.needed,
            self.what,
            self.signature
        )
    }
}
