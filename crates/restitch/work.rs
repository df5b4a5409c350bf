//! What every command works with: the case, the printer, the time, and who is at work.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, Unit};
use restitch_model::{Instant, Progress};
use restitch_pipeline::{Pipeline, PipelineError, Run};

use crate::args::Global;
use crate::bars;
use crate::printer::Printer;

/// What every command works with.
pub struct Work {
    /// Where words go.
    pub printer: Printer,
    /// Where progress goes.
    pub progress: Box<dyn Progress>,
    /// The present.
    pub now: Instant,
    /// Who is at work.
    pub actor: String,
    /// The case that was named.
    case: Option<PathBuf>,
}

impl Work {
    /// What the global options ask for.
    pub fn new(global: &Global) -> Self {
        let actor = std::env::var("USER").ok().filter(|name| !name.is_empty());
        Self {
            printer: Printer::new(global),
            progress: bars::progress(global.quiet),
            // Finer than this says nothing to a person, and two commands are never that close.
            now: Timestamp::now().round(Unit::Millisecond).unwrap_or_else(|_| Timestamp::now()),
            actor: actor.unwrap_or_else(|| "unknown".to_owned()),
            case: global.case.clone(),
        }
    }

    /// The folder of the case: the named one, or the current one.
    pub fn dir(&self) -> PathBuf {
        self.case.clone().unwrap_or_else(|| PathBuf::from("."))
    }

    /// Opens the case to work on it.
    pub fn open(&self) -> Result<Run<'_>, PipelineError> {
        Run::open(&self.dir(), &*self.progress, self.now, &self.actor)
    }

    /// Opens the case to look at it, even while another run works on it.
    pub fn look(&self) -> Result<Run<'_>, PipelineError> {
        Run::look(&self.dir(), &*self.progress, self.now, &self.actor)
    }

    /// Begins the case of a pipeline file, or goes on with it.
    pub fn begin(&self, file: &Path) -> Result<Run<'_>, PipelineError> {
        let pipeline = Pipeline::load(file)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let folder = std::path::absolute(folder.join("."))
            .map_err(|source| PipelineError::Open { file: file.display().to_string(), source })?;
        let dir = self.case.clone().unwrap_or_else(|| file.with_extension("case"));
        // What cannot be restored into should be said before anything is begun.
        restitch_restore::Engine::of(&pipeline.target_url(&folder)?)?;
        Run::begin(&dir, pipeline, folder, &*self.progress, self.now, &self.actor)
    }

    /// A command line that works on the case, to be shown to the operator.
    pub fn command(&self, dir: &Path, words: &str) -> String {
        match dir == Path::new(".") {
            true => format!("restitch {words}"),
            false => format!("restitch {words} --case {}", quoted(dir)),
        }
    }
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_case_where_it_is_elsewhere() {
        let work = Work::new(&Global { quiet: true, ..Global::default() });
        assert_eq!(work.command(Path::new("."), "undo"), "restitch undo");
        assert_eq!(work.command(Path::new("a b"), "undo"), "restitch undo --case 'a b'");
    }
}
