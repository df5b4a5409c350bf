//! What is needed before anything is written to a server: a person at a terminal who types the
//! name of the database, or signatures by keys that the case allows.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use restitch_model::Digest;
use restitch_pipeline::Run;
use restitch_restore::{
    Approval, LastApply, Plan, RestoreError, approval_text, sign_command, undo_text, verify,
};

use crate::bars::grouped;
use crate::work::Work;

/// The folder of the case with the texts that are signed and their signatures.
const APPROVALS: &str = "approvals";

/// Something that a person must want.
pub struct Wanted {
    /// The text that says so, and that is signed.
    pub text: String,
    /// The database that is written to.
    pub database: String,
    /// What would be done to it, in words.
    what: String,
    /// The command that does it.
    command: &'static str,
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
            command: "apply",
        }
    }

    /// To take an apply back.
    pub fn undo(last: &LastApply) -> Self {
        let LastApply { database, apply_id, inserted, updated, applied_at } = last;
        Self {
            text: undo_text(database, apply_id),
            database: database.clone(),
            what: format!(
                "Take back {} inserted rows and {} changes of {applied_at}",
                grouped(*inserted),
                grouped(*updated)
            ),
            command: "undo",
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

    /// Signatures over this text that the case holds.
    pub fn kept(&self, run: &Run<'_>) -> Result<Vec<PathBuf>> {
        let folder = run.case.path(APPROVALS);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for entry in folder.read_dir().context("cannot list the approvals of the case")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!("{}-", self.id())) && name.ends_with(".sig") {
                found.push(folder.join(name));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Where the next signature is kept, as a name in the case.
    pub fn next(&self, run: &Run<'_>) -> String {
        let name = |n| format!("{APPROVALS}/{}-{n}.sig", self.id());
        (1..).map(name).find(|name| !run.case.path(name).exists()).unwrap_or_else(|| name(0))
    }

    /// Writes the text into the case, to be signed.
    pub fn write(&self, run: &Run<'_>) -> Result<PathBuf> {
        let name = format!("{APPROVALS}/{}.txt", self.id());
        run.case.write(&name, &self.text)?;
        Ok(run.case.path(&name))
    }

    fn id(&self) -> String {
        Digest::of(self.text.as_bytes()).short()
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
                work.command(dir, self.command)
            ),
            _ => String::new(),
        };
        let approve = match self.command {
            "undo" => "approve --undo --key KEY",
            _ => "approve --key KEY",
        };
        Ok(RestoreError::Refused(format!(
            "nothing is written to the database {} unless a person wants it: {by_name}have {} \
             sign it (`{}`; on another machine `{}`, then `{}`). Who may sign stands in {}",
            self.database,
            if needed == 1 { "somebody".to_owned() } else { format!("{needed} people") },
            work.command(dir, approve),
            sign_command(Path::new("KEY"), &text).join(" "),
            work.command(dir, &format!("{} --signature FILE", self.command)),
            run.signers().display(),
        )))
    }
}
