//! The `restitch` command: parses what was asked, has `pipeline` and its neighbours do it, and
//! shows the result.

mod apply;
mod approval;
mod approve;
mod args;
mod bars;
mod doctor;
mod drill;
mod drilled;
mod explain;
mod explain_links;
mod explain_rule;
mod failure;
mod files;
mod init;
mod keys;
mod learn;
mod link;
mod link_explain;
mod matching;
mod material;
mod people;
mod plan;
mod printer;
mod pull;
mod read;
mod reconcile;
mod recover;
mod report;
mod review;
mod serve;
mod summary;
mod undo;
mod verify;
mod words;
mod work;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::args::{Args, Command, ReviewCommand};
use crate::work::Work;

/// Learning makes and drops very many small texts, on all cores at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command ends with where nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Done.
    Done,
    /// Done, and what was looked at is not as it should be: exit code 1.
    Bad,
    /// Done, and below the bar, or less than what was asked for: exit code 4.
    BelowBar,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let work = Work::new(&args.global);
    match run(args.command, &work) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::from(1),
        Ok(Outcome::BelowBar) => ExitCode::from(4),
        Err(error) => failure::report(&error, &work.printer),
    }
}

fn run(command: Command, work: &Work) -> Result<Outcome> {
    match command {
        Command::Recover(args) => recover::run(&args, work),
        Command::Init(args) => init::run(&args, work),
        Command::Doctor(args) => doctor::run(&args, work),
        Command::Pull => pull::run(work),
        Command::Learn => learn::run(work),
        Command::Match => matching::run(work),
        Command::Review(ReviewCommand::Export(args)) => review::export(&args, work),
        Command::Review(ReviewCommand::Import(args)) => review::import(&args, work),
        Command::Review(ReviewCommand::Serve(args)) => serve::run(&args, work),
        Command::Plan => plan::run(work),
        Command::Approve(args) => approve::run(&args, work),
        Command::Apply(args) => apply::run(&args, work),
        Command::Undo(args) => undo::run(&args, work),
        Command::Reconcile(args) => reconcile::run(&args, work),
        Command::Explain(args) => explain::run(&args, work),
        Command::Report => report::run(work),
        Command::Verify => verify::run(work),
        Command::Drill(args) => drill::run(&args, work),
        Command::Read(args) => read::run(&args, work),
        Command::Keys(args) => keys::run(&args, work),
        Command::Link(args) => link::run(&args, work),
    }
}
