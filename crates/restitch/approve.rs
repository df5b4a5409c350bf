//! `restitch approve`: the saved plan signed with a person's SSH key.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use restitch_restore::{Engine, last_apply, sign_command, verify};
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
    /// The text.
    text: String,
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
    let wanted = match args.undo {
        true => Wanted::undo(&last_apply(&url)?),
        false => Wanted::apply(&run.saved_plan()?),
    };
    let text = wanted.write(&run)?;
    let command = sign_command(&args.key, &text);
    // Beside the text is where ssh-keygen writes; it would ask before it writes over one.
    let mut made = text.into_os_string();
    made.push(".sig");
    let _ = fs::remove_file(&made);
    let mut program = Command::new(&command[0]);
    let done = program.args(&command[1..]).stdout(Stdio::null()).status();
    if !done.with_context(|| format!("cannot run {}", command[0]))?.success() {
        bail!("ssh-keygen did not sign with {}; nothing was approved", args.key.display());
    }
    let signature = wanted.next(&run);
    fs::rename(&made, run.case.path(&signature)).context("cannot keep the signature")?;
    let kept = wanted.kept(&run)?;
    let signed = match verify(&wanted.text, &kept, &run.signers()) {
        Ok(signed) => signed,
        Err(error) => {
            // One by a key that may not sign would stand in the way of those that may.
            let _ = fs::remove_file(run.case.path(&signature));
            return Err(error.into());
        }
    };
    let signers: Vec<String> = signed.signers().into_iter().map(str::to_owned).collect();
    run.case.log(run.now, &run.actor, "approve", serde_json::json!({ "signers": signers }))?;
    run.case.note_written(&signature)?;
    work.printer.show(&Approved {
        text: wanted.text,
        signature: run.case.path(&signature).display().to_string(),
        signers,
        needed: run.file.pipeline.policy.approvals,
    });
    Ok(Outcome::Done)
}

impl Shown for Approved {
    fn text(&self, style: Style) -> String {
        format!(
            "{} by {}: {} of {} needed\n{}  {}\n",
            style.bold("Signed"),
            self.signers.join(", "),
            self.signers.len(),
            self.needed,
            self.text.lines().map(|line| format!("  {line}\n")).collect::<String>(),
            self.signature
        )
    }
}
