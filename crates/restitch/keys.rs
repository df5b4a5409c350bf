//! `restitch keys`: fetches the keys that messages are signed with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use restitch_connect::{Connector as _, Item, PullError, Sink};
use restitch_connect_mail::{Keys, MailFiles, Resolver, key_names};
use restitch_model::Remark;
use serde::Serialize;

use crate::failure::Asked;
use crate::printer::{Shown, Style};
use crate::work::Work;
use crate::{Outcome, args, files};

/// How long a DNS server is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Fetched {
    /// Messages that were looked into.
    messages: u64,
    /// Keys that their signatures name.
    named: usize,
    /// Of these, those that the file held already.
    known: usize,
    /// Those that were fetched now.
    fetched: usize,
    /// Those that are not there, or not any more.
    absent: usize,
    /// Those of which the server could not tell.
    unanswered: usize,
    /// The file.
    file: String,
}

/// Fetches the keys.
pub fn run(args: &args::Keys, work: &Work) -> Result<Outcome> {
    let known = known(&args.out)?;
    let wanted = wanted(args, work)?;
    let named = wanted.names.len();
    let new: BTreeSet<String> = wanted.names.into_iter().filter(|name| !known.has(name)).collect();
    let mut fetched = Fetched {
        messages: wanted.messages,
        named,
        known: named - new.len(),
        file: args.out.display().to_string(),
        ..Fetched::default()
    };
    if !new.is_empty() {
        let address = args.resolver.or_else(Resolver::of_system).ok_or_else(|| {
            Asked("the system names no DNS server: name one with --resolver".to_owned())
        })?;
        let answers = Resolver { address, patience: PATIENCE }.ask(&new)?;
        fetched.fetched = answers.found.len();
        fetched.absent = answers.absent.len();
        fetched.unanswered = answers.unanswered.len();
        add(&args.out, &format!("asked of {address} at {}", work.now), &answers.found)
            .with_context(|| format!("cannot write {}", args.out.display()))?;
    }
    work.printer.show(&fetched);
    Ok(Outcome::Done)
}

/// The keys that the file holds; none where it is not there yet.
fn known(path: &Path) -> Result<Keys> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let wrong = |error| Asked(format!("{}: {error}", path.display()));
            Ok(Keys::parse(&text).map_err(wrong)?)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Keys::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Adds records to the file, below what it says already.
fn add(path: &Path, origin: &str, records: &BTreeMap<String, String>) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    if records.is_empty() {
        return Ok(());
    }
    let lines = records.iter().map(|(name, record)| format!("{name} {record}\n"));
    let text: String = std::iter::once(format!("\n# {origin}\n")).chain(lines).collect();
    file.write_all(text.as_bytes())
}

/// The keys that messages name.
#[derive(Default)]
struct Wanted {
    names: BTreeSet<String>,
    messages: u64,
}

fn wanted(args: &args::Keys, work: &Work) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    if args.files.is_empty() {
        let run = work.look()?;
        for evidence in run.case.evidence()?.iter() {
            let evidence = evidence?;
            if evidence.meta.kind == "mail" {
                wanted.look_into(&evidence.bytes);
            }
        }
    } else {
        files::check(&args.files)?;
        let mail = MailFiles { paths: args.files.clone() };
        mail.pull(None, &mut wanted, &*work.progress)?;
    }
    Ok(wanted)
}

impl Wanted {
    fn look_into(&mut self, message: &[u8]) {
        self.messages += 1;
        self.names.extend(key_names(message));
    }
}

impl Sink for Wanted {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        self.look_into(&item.bytes);
        Ok(true)
    }

    /// What is wrong with a message is said where it is read.
    fn remark(&mut self, _: Remark) {}

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _: &str) -> Result<(), PullError> {
        Ok(())
    }
}

impl Shown for Fetched {
    fn text(&self, _: Style) -> String {
        let Self { messages, named, known, fetched, absent, unanswered, file } = self;
        let mut text = format!(
            "{messages} messages are signed with {named} keys: {known} were in {file}, {fetched} \
             were added, {absent} are not published any more\n"
        );
        if *unanswered > 0 {
            text += &format!("{unanswered} could not be asked for: run it again\n");
        }
        text
    }
}
