//! `restitch drill`: worlds to practise on, and a backup's own past forgotten on purpose.

use anyhow::Result;
use restitch_drill::{Noise, WorldOptions, WorldSummary, write_world};
use serde::Serialize;

use crate::Outcome;
use crate::args::{self, Drill};
use crate::bars::grouped;
use crate::failure::Asked;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// Makes a world, or forgets and recovers.
pub fn run(args: &Drill, work: &Work) -> Result<Outcome> {
    match (&args.world, &args.write) {
        (Some(kind), Some(dir)) => {
            let noise = match args.noise {
                args::Noise::Low => Noise::Low,
                args::Noise::Normal => Noise::Normal,
                args::Noise::High => Noise::High,
            };
            let options = WorldOptions { size: args.size, noise };
            work.progress.begin("making a world", "rows", None);
            let made = write_world(kind, args.seed, &options, dir);
            work.progress.end();
            work.printer.show(&World { folder: dir.display().to_string(), summary: made? });
            Ok(Outcome::Done)
        }
        _ => forget(args, work),
    }
}

fn forget(_args: &Drill, _work: &Work) -> Result<Outcome> {
    Err(Asked("--forget is not there".to_owned()).into())
}

/// A world that was written.
#[derive(Debug, Serialize)]
struct World {
    /// Where.
    folder: String,
    /// What is in it.
    #[serde(flatten)]
    summary: WorldSummary,
}

impl Shown for World {
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
