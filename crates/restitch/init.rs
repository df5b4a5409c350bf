//! `restitch init PIPELINE`: a case, and nothing else yet; and a backup brought up as a database.

use std::path::Path;

use anyhow::Result;
use restitch_pipeline::Pipeline;
use restitch_restore::restore_backup;
use serde::Serialize;

use crate::Outcome;
use crate::args::Init;
use crate::bars::grouped;
use crate::failure::Asked;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// What was made.
#[derive(Debug, Default, Serialize)]
struct Begun {
    /// How many tables came up of the backup, where one was restored.
    restored: Option<u64>,
    /// The folder of the case, where one was made.
    case: Option<String>,
    /// What its pipeline is called.
    pipeline: Option<String>,
    /// The command that goes on.
    next: Option<String>,
}

/// Brings a backup up where one is given, and makes the case of a pipeline file.
pub fn run(args: &Init, work: &Work) -> Result<Outcome> {
    let mut begun = Begun::default();
    if let Some(backup) = &args.backup {
        let url = match (&args.target, &args.pipeline) {
            (Some(url), _) => without_password(url)?,
            (None, Some(file)) => {
                Pipeline::load(file)?.target_url(file.parent().unwrap_or(Path::new("")))?
            }
            (None, None) => return Err(Asked("--backup needs a database".to_owned()).into()),
        };
        work.progress.begin("restoring the backup", "backups", None);
        begun.restored = Some(restore_backup(backup, &url)?);
        work.progress.end();
    }
    if let Some(file) = &args.pipeline {
        let run = work.begin(file)?;
        begun.case = Some(run.case.dir().display().to_string());
        begun.pipeline = Some(run.file.pipeline.name.clone());
        begun.next = Some(work.command(run.case.dir(), "pull"));
    }
    work.printer.show(&begun);
    Ok(Outcome::Done)
}

/// The command line of a program can be read by everybody on its machine.
fn without_password(url: &str) -> Result<String> {
    let address = url.split_once("://").map_or("", |(_, rest)| rest);
    let login = address.split('/').next().and_then(|place| place.rsplit_once('@'));
    if login.is_some_and(|(login, _)| login.contains(':')) {
        let why = "a password does not belong on the command line, where all programs can read \
                   it: put the URL into a variable, name it as url_env under [target] of a \
                   pipeline file, and give that file instead of --target";
        return Err(Asked(why.to_owned()).into());
    }
    Ok(url.to_owned())
}

impl Shown for Begun {
    fn text(&self, _: Style) -> String {
        let mut text = String::new();
        if let Some(tables) = self.restored {
            text += &format!("The backup is restored: {} tables\n", grouped(tables));
        }
        if let (Some(case), Some(next)) = (&self.case, &self.next) {
            text += &format!("The case is {case}\nNext: {next}\n");
        }
        text
    }
}
