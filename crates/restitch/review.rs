//! `restitch review`: packs out, decisions in.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use restitch_model::{Answer, Decision, Remark};
use restitch_review::{ExportOptions, Material, disagreements, packs, settle};
use serde::Serialize;

use crate::args::{self, By, Export, Import};
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::work::Work;
use crate::{Outcome, files, material, people};

/// The packs that were written.
#[derive(Debug, Serialize)]
struct Exported {
    /// The folder that they lie in.
    folder: String,
    /// The packs.
    packs: Vec<ExportedPack>,
}

/// A pack that was written.
#[derive(Debug, Serialize)]
struct ExportedPack {
    /// Its folder.
    folder: String,
    /// Whom it is for; `null` for the records that belong to nobody.
    tenant: Option<String>,
    /// Its files.
    files: Vec<String>,
    /// Records to answer about.
    needs_answer: usize,
    /// Records that are restored without a further word.
    restored: usize,
    /// Records that are not.
    not_rebuilt: usize,
    /// Conflicts, of any of these.
    conflicts: usize,
}

/// Where packs lie in the case.
const OUT: &str = "review/out";

/// Writes a pack for each customer.
pub fn export(args: &Export, work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    if args.by == By::Customer {
        return people::export(args, work, &run);
    }
    let (candidates, plan) = (run.candidates()?, run.saved_plan()?);
    let decisions = settle(&run.case.decisions()?, &candidates);
    let notes = material::notes(&run.items()?);
    let tenants = material::tenants(&run.snapshot()?, run.knowledge()?.bindings.tenant.as_deref());
    let material = Material {
        candidates: &candidates,
        plan: &plan,
        decisions: &decisions,
        tenants: &tenants,
        evidence: &|id| notes.get(&id).cloned(),
    };
    let format = |format: &args::Format| match format {
        args::Format::Html => restitch_review::Format::Html,
        args::Format::Xlsx => restitch_review::Format::Xlsx,
        args::Format::Csv => restitch_review::Format::Csv,
    };
    let formats = args.format.iter().map(format).collect();
    let options = ExportOptions { formats, as_of: Some(run.now) };
    run.case.log(
        run.now,
        &run.actor,
        "review export",
        serde_json::json!({ "plan": plan.digest() }),
    )?;
    run.progress.begin("writing packs", "packs", None);
    let mut written = Vec::new();
    for pack in packs(&material, &options) {
        let pack = pack?;
        let name = |file: &str| format!("{OUT}/{}/{file}", pack.folder);
        run.case.write_all(pack.files.iter().map(|(file, bytes)| (name(file), bytes)))?;
        run.progress.advance(1);
        written.push(ExportedPack {
            tenant: pack.tenant,
            files: pack.files.iter().map(|(file, _)| file.clone()).collect(),
            needs_answer: pack.counts.needs_answer,
            restored: pack.counts.restored,
            not_rebuilt: pack.counts.not_rebuilt,
            conflicts: pack.counts.conflicts,
            folder: pack.folder,
        });
    }
    run.progress.end();
    let folder = run.case.path(OUT).display().to_string();
    work.printer.show(&Exported { folder, packs: written });
    Ok(Outcome::Done)
}

impl Shown for Exported {
    fn text(&self, style: Style) -> String {
        let count = |n: usize| grouped(n as u64);
        let mut text = format!("{} packs in {}\n", self.packs.len(), self.folder);
        for pack in &self.packs {
            text += &format!(
                "  {}: {} to answer, {} restored, {} not rebuilt, {} conflicts\n",
                style.bold(&pack.folder),
                count(pack.needs_answer),
                count(pack.restored),
                count(pack.not_rebuilt),
                count(pack.conflicts)
            );
        }
        text + "Check each before you send it: a pack holds its customer's data.\n"
    }
}

/// What came back, and what was made of it.
#[derive(Debug, Serialize)]
struct Taken {
    /// The answers, by what they say.
    answers: BTreeMap<&'static str, usize>,
    /// How many decisions were new.
    new: usize,
    /// How many the case had already.
    known: usize,
    /// Candidates of which the same reviewer has said something else since: that still holds.
    overtaken: Vec<String>,
    /// Records of which reviewers' last words differ, by record and reviewer.
    disagreements: BTreeMap<String, BTreeMap<String, &'static str>>,
    /// What could not be read, or only in part.
    unread: Vec<Remark>,
    /// The command that goes on.
    next: String,
}

/// Takes the answers in.
pub fn import(args: &Import, work: &Work) -> Result<Outcome> {
    let run = work.open()?;
    let candidates = run.candidates()?;
    files::check(&args.paths)?;
    let mut contents = Vec::new();
    for path in files::below(&args.paths, work) {
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        contents.push((name, bytes));
    }
    let imported = restitch_review::import(&contents, &candidates, &work.actor, run.now);
    let details = serde_json::json!({
        "files": contents.len(), "decisions": imported.decisions.len(),
    });
    run.case.log(run.now, &run.actor, "review import", details)?;
    let taken = run.case.add_decisions(&imported.decisions)?;
    let mut answers: BTreeMap<&'static str, usize> = BTreeMap::new();
    for decision in &imported.decisions {
        *answers.entry(said(&decision.answer)).or_default() += 1;
    }
    let settled = settle(&run.case.decisions()?, &candidates);
    let words = |decision: &&Decision| (decision.reviewer.clone(), said(&decision.answer));
    let disagreements = disagreements(&settled)
        .into_iter()
        .map(|one| (one.candidate.to_string(), one.said.iter().map(words).collect()))
        .collect();
    work.printer.show(&Taken {
        answers,
        disagreements,
        new: taken.new,
        known: taken.known,
        overtaken: taken.overtaken.iter().map(|decision| decision.candidate.to_string()).collect(),
        unread: imported.unread,
        next: work.command(run.case.dir(), "plan"),
    });
    Ok(Outcome::Done)
}

/// An answer in a word.
pub fn said(answer: &Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Corrected { .. } => "corrected",
        Answer::SameAs { .. } => "same_as",
        Answer::Split { .. } => "split",
        Answer::Unknown => "unknown",
        Answer::Open => "open",
    }
}

impl Shown for Taken {
    fn text(&self, style: Style) -> String {
        let count = |n: usize| grouped(n as u64);
        let mut text = format!(
            "{}: {} new decisions, {} known already\n",
            style.bold("Taken in"),
            count(self.new),
            count(self.known)
        );
        for (answer, n) in &self.answers {
            text += &format!("  {}: {}\n", answer.replace('_', " "), count(*n));
        }
        for name in &self.overtaken {
            text +=
                &format!("  {name}: the same reviewer said something else later, which holds\n");
        }
        for (name, words) in &self.disagreements {
            let words: Vec<String> =
                words.iter().map(|(who, what)| format!("{who}: {what}")).collect();
            text += &format!(
                "  {name}: reviewers disagree ({}); the latest holds until you say\n",
                words.join(", ").replace('_', " ")
            );
        }
        for remark in &self.unread {
            text += &format!("  not read: {remark}\n");
        }
        text + &format!("Next: {}\n", self.next)
    }
}
