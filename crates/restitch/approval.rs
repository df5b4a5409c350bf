//! What is needed before anything is written to a server: a person at a terminal who types the
//! name of the database, or signatures by keys that the case allows.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use restitch_pipeline::{PLAN, Run, signatures};
use restitch_restore::{
    Approval, LastApply, NewSignature, Plan, RestoreError, approval_text, sign_command, undo_text,
    verify,
};

use crate::bars::grouped;
use crate::work::Work;

/// Something that a person must want.
pub struct Wanted {
    /// The text that says so, and that is signed.
    pub text: String,
    /// The database that is written to.
    pub database: String,
    /// What would be done to it, in words.
    pub what: String,
    /// The file of the case that holds the text. Its signatures lie beside it.
    file: String,
    /// The command that does it.
    command: String,
}

impl Wanted {
    /// To apply a plan.
    pub fn apply(plan: &Plan) -> Self {
        let all = plan.counts().all;
        Self {
            text: approval_text(plan),
            database: plan.database().to_owned(),
            what: format!(
                "Insert {} rows and change {}",
                grouped(all.inserts),
                grouped(all.updates)
            ),
            file: PLAN.to_owned(),
            command: "apply".to_owned(),
        }
    }

    /// To take an apply back.
    pub fn undo(last: &LastApply) -> Self {
        let LastApply { database, apply_id, tenants, inserted, updated, applied_at } = last;
        let of = tenants.as_ref().map(|tenants| format!(" for {tenants}")).unwrap_or_default();
        Self {
            text: undo_text(database, apply_id),
            database: database.clone(),
            what: format!(
                "Take back {} inserted rows and {} changes of {applied_at}{of}",
                grouped(*inserted),
                grouped(*updated)
            ),
            file: format!("undo-{apply_id}.txt"),
            command: format!("undo {apply_id}"),
        }
    }

    /// Has it approved: by the signatures that are named, else by those that the case holds, else
    /// by a person at the terminal. Neither an option nor a variable nor a pipe can answer in the
    /// person's place.
    pub fn obtain(&self, run: &Run<'_>, work: &Work, named: &[PathBuf]) -> Result<Approval> {
        let signatures = match named {
            [] => self.kept(run)?,
            named => named.to_vec(),
        };
        if !signatures.is_empty() {
            return Ok(Approval::Signed(verify(&self.text, &signatures, &run.signers())?));
        }
        let needed = run.file.pipeline.policy.approvals;
        let terminal = match needed {
            1 => OpenOptions::new().read(true).write(true).open("/dev/tty").ok(),
            _ => None,
        };
        match terminal {
            Some(terminal) => Ok(Approval::Typed(self.ask(terminal)?)),
            None => Err(self.refuse(run, work, needed)?.into()),
        }
    }

    /// The signatures that lie beside the text.
    pub fn kept(&self, run: &Run<'_>) -> Result<Vec<PathBuf>> {
        Ok(signatures(run, &self.file)?)
    }

    /// Keeps a signature beside the text: one for each signer, the first as `ssh-keygen` would
    /// call it.
    pub fn keep(&self, run: &Run<'_>, new: &NewSignature) -> Result<PathBuf> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._-".contains(c);
        let signer: String =
            new.signer.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        let first = format!("{}.sig", self.file);
        let is_own = |name: &str| {
            let signed = verify(&self.text, &[run.case.path(name)], &run.signers());
            signed.is_ok_and(|signed| signed.signers() == [new.signer.as_str()])
        };
        let name = match run.case.has(&first) && !is_own(&first) {
            true => format!("{}.{signer}.sig", self.file),
            false => first,
        };
        run.case.write(&name, &new.armored)?;
        Ok(run.case.path(&name))
    }

    /// Writes the text into the case, to be signed. A plan is there already.
    pub fn write(&self, run: &Run<'_>) -> Result<PathBuf> {
        if !run.case.has(&self.file) {
            run.case.write(&self.file, &self.text)?;
        }
        Ok(run.case.path(&self.file))
    }

    fn ask(&self, mut terminal: File) -> Result<String> {
        let fail = "cannot ask at the terminal";
        let Self { what, database, .. } = self;
        write!(terminal, "{what} in the database {database}.\nType its name to go on: ")
            .context(fail)?;
        let mut answer = String::new();
        BufReader::new(terminal).read_line(&mut answer).context(fail)?;
        Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// What a person must do where none is at a terminal.
    fn refuse(&self, run: &Run<'_>, work: &Work, needed: usize) -> Result<RestoreError> {
        let text = self.write(run)?;
        let dir = run.case.dir();
        let by_name = match needed {
            1 => format!(
                "run `{}` at a terminal and type the name of the database, or ",
                work.command(dir, &self.command)
            ),
            _ => String::new(),
        };
        let approve = match self.command.strip_prefix("undo ") {
            Some(apply_id) => format!("approve --key KEY --undo {apply_id}"),
            None => "approve --key KEY".to_owned(),
        };
        Ok(RestoreError::Refused(format!(
            "nothing is written to the database {} unless a person wants it: {by_name}have {} \
             sign it (`{}`; on another machine `{}`, then `{}`). Who may sign stands in {}",
            self.database,
            if needed == 1 { "somebody".to_owned() } else { format!("{needed} people") },
            work.command(dir, &approve),
            sign_command(Path::new("KEY"), &text).join(" "),
            work.command(dir, &format!("{} --signature FILE", self.command)),
            run.signers().display(),
        )))
    }
}
