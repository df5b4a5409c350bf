//! `restitch drill`: worlds to practise on, and a part of a backup lost on purpose.

use std::path::Path;

use anyhow::{Context, Result};
use restitch_drill::{
    Asked, DrillReport, Loss, Page, Past, Worker, World, drill, practise, score_world,
};
use restitch_learn::Damage;
use restitch_model::RecordType;
use restitch_pipeline::Run;
use restitch_worlds::{Noise, WorldOptions, WorldSummary, write_world};
use serde::Serialize;

use crate::Outcome;
use crate::args::{self, Bar, Drill};
use crate::bars::grouped;
use crate::drilled::Drilled;
use crate::failure::Asked as Wanted;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// Makes a world, or loses something and recovers it.
pub fn run(args: &Drill, work: &Work) -> Result<Outcome> {
    if let (Some(world), Some(dir)) = (world(args), &args.write) {
        work.progress.begin("making a world", "rows", None);
        let made = write_world(&world.kind, world.seed, &world.options, dir);
        work.progress.end();
        work.printer.show(&Written { folder: dir.display().to_string(), summary: made? });
        return Ok(Outcome::Done);
    }
    let report = drilled(args, work)?;
    let is_below = is_below(&report, args)?;
    work.printer.show(&Drilled::of(report));
    Ok(if is_below { Outcome::BelowBar } else { Outcome::Done })
}

fn drilled(args: &Drill, work: &Work) -> Result<DrillReport> {
    let asked =
        loss(args).map(|loss| Asked { loss, sources: args.sources, ages: args.ages.clone() });
    if let Some(world) = world(args) {
        let worker = Worker { progress: &*work.progress, now: work.now, actor: &work.actor };
        let then = asked.as_ref().map(|asked| move |run: &Run<'_>| drill(run, asked));
        let then = then.as_ref().map(|then| then as &dyn Fn(&Run<'_>) -> _);
        let report = practise(&world, &worker, then)?;
        if let Some(file) = &args.report {
            write(file, &page(&world.kind, args, &report, None, work))?;
        }
        return Ok(report);
    }
    // A drill writes nothing to the case but the history that a report adds to.
    let run = match args.report.is_some() && asked.is_some() {
        true => work.open()?,
        false => work.look()?,
    };
    let report = match (&asked, &args.against) {
        (Some(asked), _) => drill(&run, asked)?,
        (None, Some(truth)) => score_world(&run, truth)?,
        (None, None) => {
            return Err(Wanted("say what is to be lost, such as --forget 30d".to_owned()).into());
        }
    };
    if let Some(file) = &args.report {
        let words = words(args);
        let before = Past::last(&run, &words)?;
        let name = &run.file.pipeline.name;
        write(file, &page(name, args, &report, before.as_ref(), work))?;
        if asked.is_some() {
            Past::of(&report, work.now, &words).add(&run)?;
        }
    }
    Ok(report)
}

fn write(file: &Path, page: &str) -> Result<()> {
    std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))
}

fn page(
    name: &str,
    args: &Drill,
    report: &DrillReport,
    before: Option<&Past>,
    work: &Work,
) -> String {
    let bar = args.min_recall.iter().find(|bar| bar.record_type == RecordType::RESERVATION);
    let (loss, bar) = (&words(args), bar.map(|bar| bar.share));
    Page { name, at: work.now, loss, report, before, bar }.html()
}

/// What is lost, where something of a backup is.
fn loss(args: &Drill) -> Option<Loss> {
    match args.forget {
        Some(days) => Some(Loss::Newest { days }),
        None if args.damage.is_empty() => None,
        None => Some(Loss::Damage(Damage { parts: args.damage.clone() })),
    }
}

/// The same in words, which also tell one kind of drill from another.
fn words(args: &Drill) -> String {
    match args.forget {
        Some(days) => format!("the newest {days} days"),
        None if args.damage.is_empty() => "what the world lost".to_owned(),
        None => {
            let parts: Vec<String> = args.damage.iter().map(ToString::to_string).collect();
            parts.join(" and ")
        }
    }
}

/// Whether a figure is below what was asked for. What was not measured is.
fn is_below(report: &DrillReport, args: &Drill) -> Result<bool> {
    let below = |bar: &Bar, of: fn(&restitch_drill::TypeReport) -> Option<f64>| -> Result<bool> {
        let Some(found) = report.types.get(&bar.record_type) else {
            let known: Vec<&str> = report.types.keys().map(String::as_str).collect();
            let (asked, known) = (&bar.record_type, known.join(", "));
            return Err(
                Wanted(format!("there is no record type {asked}; there are {known}")).into()
            );
        };
        Ok(of(found).unwrap_or(0.0) < bar.share)
    };
    let mut is_below = false;
    for bar in &args.min_recall {
        is_below |= below(bar, |found| found.recall)?;
    }
    for bar in &args.min_precision {
        is_below |= below(bar, |found| found.precision)?;
    }
    Ok(is_below)
}

/// The world that is asked for.
fn world(args: &Drill) -> Option<World> {
    let noise = match args.noise {
        args::Noise::Low => Noise::Low,
        args::Noise::Normal => Noise::Normal,
        args::Noise::High => Noise::High,
    };
    let options = WorldOptions { size: args.size, noise };
    args.world.clone().map(|kind| World { kind, seed: args.seed, options })
}

/// A world that was written.
#[derive(Debug, Serialize)]
struct Written {
    /// Where.
    folder: String,
    /// What is in it.
    #[serde(flatten)]
    summary: WorldSummary,
}

impl Shown for Written {
    fn text(&self, style: Style) -> String {
        let made = &self.summary;
        let mut text = format!(
            "{} (seed {}) in {}: {} files, {} bytes\n",
            style.bold(&made.kind),
            made.seed,
            self.folder,
            grouped(made.files as u64),
            grouped(made.bytes)
        );
        for (table, lost) in &made.lost {
            let of = |counts: &std::collections::BTreeMap<String, usize>| {
                grouped(counts.get(table).copied().unwrap_or(0) as u64)
            };
            text += &format!(
                "  {table}: {} rows lost, {} of them seen by no source, {} surviving ones changed\n",
                grouped(*lost as u64),
                of(&made.unseen),
                of(&made.changed)
            );
        }
        for (kind, count) in &made.evidence {
            text += &format!("  {} {kind}\n", grouped(*count as u64));
        }
        text
    }
}
