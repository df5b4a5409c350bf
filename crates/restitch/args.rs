//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use restitch_connect_mail::Resolver;
use restitch_learn::damage::Part;
use restitch_model::RecordType;

/// Rebuilds the rows that a database lost, from what payments, calendars and mail remember.
#[derive(Debug, Parser)]
#[command(name = "restitch", version, after_help = LIFE, max_term_width = 100)]
pub struct Args {
    /// What all commands take.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const LIFE: &str = "A recovery:
  restitch recover incident.toml        pull, learn, match, plan: nothing is written to a server
  restitch review export                packs for each customer, to check and send
  restitch review import signed/        their answers
  restitch plan                         again, with the answers
  restitch apply                        writes the plan, whole or not at all; to a server only
                                        where a person wants it
  restitch undo                         if it must be

A command works on the case in the current folder, or on --case DIR.

Exit codes: 0 done; 1 it failed, and what was there before is as it was; 2 the command line or
a file of settings is wrong, and nothing was begun; 3 refused by a guard, and nothing was written;
4 done, and below the bar that was asked for.";

/// What all commands take.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct Global {
    /// The folder of the case, where it is not the current one.
    #[arg(long, global = true, value_name = "DIR")]
    pub case: Option<PathBuf>,
    /// Print the result as one JSON object.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print the result and errors only: no progress, no remarks.
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Whether to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

/// Whether to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do a recovery up to its plan, or go on with one.
    ///
    /// Pulls what is new and does the steps again; results of unchanged input are the same. Rules
    /// with `pinned = true` stay, and what would be lost of the others is kept as
    /// rules.previous.toml; decisions stay. Where the target is embedded, the merged copy is
    /// written as well.
    Recover(PipelineFile),
    /// Make a case for a pipeline file, and do nothing else yet.
    Init(Init),
    /// Look the restored database over before the application starts again.
    ///
    /// Tells what to do at once, which ids would be handed out a second time, with the statement
    /// that mends it, which triggers a write would fire, what the role may do that it had better
    /// not, and how new the rows are.
    Doctor(Doctor),
    /// Pull all evidence into the case, and read it.
    ///
    /// What the case has already is not pulled again; evidence is never changed or removed.
    #[command(after_help = "Example: restitch pull --json")]
    Pull,
    /// Learn the rules from the overlap of backup and evidence.
    ///
    /// Writes rules.toml, which can be read and edited, and says what is not as it was the last
    /// time. A rule with `pinned = true` stays and is measured again; an edited file, and rules
    /// that are found no more, are kept as rules.previous.toml.
    #[command(after_help = "Example: restitch learn")]
    Learn,
    /// Rebuild the lost records from the evidence, by rules.toml.
    #[command(after_help = "Example: restitch match --json")]
    Match,
    /// Send what needs a person out, and take the answers in.
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Propose the exact row changes, with the reviewers' answers. Writes plan.json and plan.html.
    #[command(after_help = "Example: restitch plan")]
    Plan,
    /// Approve the saved plan for a server, by a signature with an SSH key.
    Approve(Approve),
    /// Write the saved plan, whole or not at all.
    ///
    /// An embedded database is never touched: the plan goes into a copy of it, restored.sqlite
    /// in the case. To a server nothing is written unless a person types the name of the database
    /// at a terminal, or signatures by keys that the case allows approve the plan. A plan that
    /// stands applied is not applied again.
    #[command(after_help = "Examples:
  restitch apply --case pipelines/car-rental.case
  restitch apply --signature ada.sig --signature bo.sig")]
    Apply(Signed),
    /// Take the last apply back, or an earlier one, by its journal.
    ///
    /// What somebody changed since stays as it is, and is named. On a server it needs an approval
    /// as `apply` does.
    #[command(after_help = "Examples:
  restitch undo
  restitch undo 120a805e66a9")]
    Undo(Undo),
    /// Compare with the original that turned up after all, and plan what is to be put right.
    Reconcile(Reconcile),
    /// Show where each value of a record comes from, and why; or how a column is filled.
    Explain(Explain),
    /// Write the report on the incident: report.html in the case, two pages on paper.
    ///
    /// For customers, board and authorities: what was lost, what came back, how sure that is, what
    /// remains, and when what was done. All figures come from the case, and no person is named.
    #[command(after_help = "Example: restitch report --case pipelines/car-rental.case")]
    Report,
    /// Check that evidence, log and results still are what was written.
    #[command(after_help = "Example: restitch verify --case pipelines/car-rental.case")]
    Verify,
    /// Practise: make a world whose truth is known, or forget a part of a backup on purpose.
    Drill(Drill),
    /// Show what is seen in messages, events and exports: facts, with their places. Needs no case.
    Read(Read),
    /// Fetch the keys that messages are signed with, by which their senders are proved.
    Keys(Keys),
    /// Link the records of two tables, or find those of one table that are the same. Needs no case.
    Link(Link),
}

/// A pipeline file to begin with.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The case lies beside the pipeline file, as incident.case for incident.toml, \
unless --case names another folder.

Example: restitch recover pipelines/car-rental.toml"
)]
pub struct PipelineFile {
    /// The pipeline file: a target and sources are enough.
    #[arg(value_name = "PIPELINE")]
    pub pipeline: PathBuf,
}

/// A case to make, or a backup to bring up.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --backup the backup is restored first, into the pipeline's target or into \
the database of --target, by the engine's own tools. The database must be empty, a SQLite file \
must not be there yet. A backup is a SQLite file, SQL as pg_dump and mysqldump write it, or \
pg_dump's custom, directory or tar format.

Examples:
  restitch init pipelines/car-rental.toml
  restitch init pipelines/car-rental.toml --backup shop.dump
  restitch init --backup shop.sql --target mysql://restore@127.0.0.1/shop"
)]
pub struct Init {
    /// The pipeline file: a target and sources are enough.
    #[arg(value_name = "PIPELINE", required_unless_present = "target")]
    pub pipeline: Option<PathBuf>,
    /// A backup to restore first.
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,
    /// The empty database that the backup is restored into, where there is no pipeline yet.
    #[arg(long, value_name = "URL", requires = "backup", conflicts_with = "pipeline")]
    pub target: Option<String>,
}

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  restitch doctor --case pipelines/car-rental.case
  restitch doctor --grants --role restorer")]
pub struct Doctor {
    /// Print the statements that make a role with the least rights that suffice, and nothing else.
    #[arg(long)]
    pub grants: bool,
    /// What that role is called.
    #[arg(long, value_name = "NAME", default_value = "restitch", requires = "grants")]
    pub role: String,
}

/// A key to sign with.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Signs as `ssh-keygen -Y sign` does, so the key may be in an agent or on a \
token. Who may sign is in the file that `signers` of [policy] names, else in allowed_signers in \
the case: a name and a public key a line, see ssh-keygen(1). The signature is kept beside plan.json \
as plan.json.sig, those of further signers as plan.json.NAME.sig.

Example: restitch approve --key ~/.ssh/id_ed25519"
)]
pub struct Approve {
    /// The private key, or the public one of a key in the agent.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Approve that an apply is taken back, the last one or the named one, instead of the plan.
    #[arg(long, value_name = "APPLY", num_args = 0..=1)]
    pub undo: Option<Option<String>>,
}

/// What is taken back.
#[derive(Debug, clap::Args)]
pub struct Undo {
    /// The name of an apply, as `apply` and `explain` say it; the last one where left out.
    #[arg(value_name = "APPLY")]
    pub apply: Option<String>,
    /// Signatures.
    #[command(flatten)]
    pub signed: Signed,
}

/// Signatures that approve.
#[derive(Debug, clap::Args)]
pub struct Signed {
    /// A signature that lies elsewhere; those beside plan.json in the case are found without.
    #[arg(long, value_name = "FILE")]
    pub signature: Vec<PathBuf>,
}

/// The original.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is written but the plan, which is applied like any other; into a copy, \
reconciled.sqlite in the case, where the target is embedded.

Examples:
  restitch reconcile found/shop.sqlite
  restitch reconcile postgres://reader@127.0.0.1/original --backup postgres://reader@127.0.0.1/backup"
)]
pub struct Reconcile {
    /// The recovered original: a SQLite file, or the URL of a database.
    #[arg(value_name = "ORIGINAL")]
    pub original: String,
    /// The backup, likewise; needed for a server unless the pipeline's backup_url tells it.
    #[arg(long, value_name = "BACKUP")]
    pub backup: Option<String>,
}

/// Packs out, answers in.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// Write a pack for each customer, with what a person must say.
    Export(Export),
    /// Take the answers in, from files and folders that came back.
    Import(Import),
    /// Serve a page on this computer to review on: the queue, each record with its evidence.
    Serve(Serve),
}

/// Where the page is served.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: restitch review serve
Open the address that is printed. It works once, and only on this computer. Ctrl-C ends it.")]
pub struct Serve {
    /// The port on 127.0.0.1; any that is free where it is left out.
    #[arg(long, default_value_t = 0, value_name = "PORT", hide_default_value = true)]
    pub port: u16,
}

/// What packs are made.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  restitch review export --format xlsx,csv
  restitch review export --by customer --only ana@example.org")]
pub struct Export {
    /// The kinds of files, with commas between them.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMATS",
          default_values_t = [Format::Html, Format::Xlsx, Format::Csv])]
    pub format: Vec<Format>,
    /// A pack for each tenant, or a page for each customer of what is known of them.
    #[arg(long, value_enum, default_value_t, value_name = "WHOM")]
    pub by: By,
    /// With --by customer: those alone whose name, address, number or key holds this text.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
}

/// For whom an export is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// A pack for each tenant, to answer.
    #[default]
    Tenant,
    /// A page for each customer, to read.
    Customer,
}

/// A kind of file in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Format {
    /// A page to read and answer in.
    Html,
    /// A workbook.
    Xlsx,
    /// A table.
    Csv,
}

/// Answers that came back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: restitch review import signed/")]
pub struct Import {
    /// Files, and folders that are searched through.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// A record or a column to explain.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  restitch explain reservation-3f2a81c09b4d
  restitch explain rentals 8812
  restitch explain --rule rentals.pickup_at")]
pub struct Explain {
    /// A candidate's name or the beginning of it; or a table and a row's key.
    #[arg(required_unless_present = "rule", num_args = 1.., value_name = "RECORD")]
    pub record: Vec<String>,
    /// How a column is filled: its rules, with rows of the overlap where they hold and rows
    /// where they fail.
    #[arg(long, value_name = "TABLE.COLUMN", conflicts_with = "record")]
    pub rule: Option<String>,
}

/// A world, or a part of a backup to lose.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true)
    .args(["world", "forget", "damage", "against"]))]
#[command(group = ArgGroup::new("loss").args(["forget", "damage"]))]
#[command(after_help = "\
Damage is tenant:KEY, table:TABLE, column:TABLE.COLUMN, duplicates:TABLE or window:FROM..UNTIL; of
several with + between them what all of them cover. Given more than once, it adds up.

Examples:
  restitch drill --forget 30d --min-recall 0.95
  restitch drill --forget 30d --ages 7d,30d,60d --sources --report drill.html
  restitch drill --damage tenant:7+window:2025-03-01..2025-03-09
  restitch drill --world car-rental --seed 7
  restitch drill --world car-rental --seed 1 --write samples/car-rental
  restitch drill --against samples/car-rental/truth")]
pub struct Drill {
    /// Make a world of this kind, recover it and hold the result against its truth:
    /// appointments, car-rental or lodging. With --forget or --damage, what is shown is that
    /// drill on the world's backup.
    #[arg(long, value_name = "KIND")]
    pub world: Option<String>,
    /// What the world is made from: the same seed gives the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "world")]
    pub seed: u64,
    /// About how many reservations, before and after the backup.
    #[arg(long, value_name = "N", requires = "world")]
    pub size: Option<usize>,
    /// How much goes wrong in the world.
    #[arg(long, value_enum, default_value_t, requires = "world")]
    pub noise: Noise,
    /// Write the world to this new folder, and do no more.
    #[arg(long, value_name = "DIR", requires = "world", conflicts_with = "loss")]
    pub write: Option<PathBuf>,
    /// Forget the last days of the case's own backup, recover them, and compare: 30d.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub forget: Option<i64>,
    /// Do this damage to a copy of the case's own backup, recover, and compare.
    #[arg(long, value_name = "WHAT")]
    pub damage: Vec<Part>,
    /// Hold the case's restored.sqlite against the truth of a world: its folder `truth`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["world", "loss"])]
    pub against: Option<PathBuf>,
    /// Also say what each source is worth: recover again without it, one by one.
    #[arg(long, requires = "loss")]
    pub sources: bool,
    /// Also say what would come back of backups of these ages: 7d,30d,60d.
    #[arg(long, value_name = "DAYS", value_delimiter = ',', value_parser = days, requires = "loss")]
    pub ages: Vec<i64>,
    /// Write the report on what would come back today, one page of HTML, and note the figures in
    /// drills.jsonl of the case, for the next report to compare with.
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub report: Option<PathBuf>,
    /// End with exit code 4 where less than this share of the recoverable rows comes back: of
    /// reservations, or of the record type named, such as payment=0.9.
    #[arg(long, value_name = "SHARE", conflicts_with = "write", value_parser = bar)]
    pub min_recall: Vec<Bar>,
    /// End with exit code 4 where less than this share of the inserted rows is true; likewise.
    #[arg(long, value_name = "SHARE", conflicts_with = "write", value_parser = bar)]
    pub min_precision: Vec<Bar>,
}

/// The least share that is good enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Of which record type.
    pub record_type: String,
    /// From 0 to 1.
    pub share: f64,
}

/// How much goes wrong in a world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Noise {
    /// A tidy business.
    Low,
    /// What is usual.
    #[default]
    Normal,
    /// A busy, careless one.
    High,
}

/// Files to read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: restitch read mail/confirmation.eml calendars/ --json")]
pub struct Read {
    /// Messages, mailboxes, calendars, exports, and folders of them: what they are is found by
    /// looking.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Keys to fetch.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Reading asks no server, so that it says the same today and in a year. Name the \
file as dkim_keys of the source in the pipeline. What it holds already stays as it is and is not \
asked for again: a key that its owner has taken back proves what was signed while it was valid.

Examples:
  restitch keys --out keys.txt --case pipelines/car-rental.case
  restitch keys mail/ --out keys.txt --resolver 9.9.9.9"
)]
pub struct Keys {
    /// Messages, mailboxes and folders of them; without any, the messages of the case.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The file that the keys are added to.
    #[arg(long, value_name = "KEYS")]
    pub out: PathBuf,
    /// The DNS server to ask, over TCP, where it is not the system's own: ADDRESS or ADDRESS:PORT.
    #[arg(long, value_name = "SERVER", value_parser = server)]
    pub resolver: Option<SocketAddr>,
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let alone = || Some(SocketAddr::new(text.parse().ok()?, Resolver::PORT));
    text.parse()
        .ok()
        .or_else(alone)
        .ok_or_else(|| "an address is needed, such as 9.9.9.9 or [2620:fe::fe]:53".to_owned())
}

/// Tables to link.
#[derive(Debug, clap::Args)]
#[command(after_help = "Without --out the pairs or clusters are printed, unless --json is given.

Examples:
  restitch link bookings.csv payments.csv --out pairs.csv
  restitch link customers.csv --out clusters.csv
  restitch link bookings.csv payments.csv --explain BK-1204")]
pub struct Link {
    /// A table with a header. A column named id names its records, else their row number does.
    #[arg(value_name = "A.csv")]
    pub a: PathBuf,
    /// The table to link it with; without one, equal records within the first are found.
    #[arg(value_name = "B.csv")]
    pub b: Option<PathBuf>,
    /// How to link, as TOML; found from the tables where left out.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Print of one record why it was linked as it was, and what lost.
    #[arg(long, value_name = "ID")]
    pub explain: Option<String>,
    /// Where the pairs (id_a,id_b,probability) or clusters (id,cluster) are written.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

fn days(text: &str) -> Result<i64, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    match number.parse() {
        Ok(days @ 1..=3650) => Ok(days),
        _ => Err("a number of days is needed, such as 30d".to_owned()),
    }
}

fn bar(text: &str) -> Result<Bar, String> {
    let (record_type, least) = text.split_once('=').unwrap_or((RecordType::RESERVATION, text));
    Ok(Bar { record_type: record_type.to_owned(), share: share(least)? })
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share from 0 to 1 is needed, such as 0.95".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        let words = std::iter::once("restitch").chain(line.split(' '));
        Args::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_and_after_the_command() {
        for line in ["--case c --json plan", "plan --json --case c"] {
            let global = parse(line).unwrap().global;
            assert!(global.json && global.case == Some("c".into()), "{line}");
        }
    }

    #[test]
    fn a_drill_makes_a_world_or_loses_something_of_its_own() {
        for line in [
            "drill --world car-rental --write d",
            "drill --world car-rental --seed 3 --min-recall 0.9",
            "drill --world car-rental --forget 30d",
            "drill --forget 30d --min-recall 0.9 --min-recall payment=0.8 --min-precision 0.99",
            "drill --damage tenant:7 --damage table:payments --sources --report r.html",
            "drill --forget 30d --ages 7d,30d",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        for line in [
            "drill",
            "drill --world car-rental --write d --forget 30d",
            "drill --world car-rental --against d",
            "drill --forget 30d --damage tenant:7",
            "drill --damage price",
            "drill --world car-rental --sources",
            "drill --forget 30d --write d",
            "drill --forget soon",
            "drill --forget 30d --min-recall 95",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn formats_have_commas_between_them_and_are_all_made_otherwise() {
        let formats = |line| match parse(line).unwrap().command {
            Command::Review(ReviewCommand::Export(export)) => export.format,
            _ => Vec::new(),
        };
        assert_eq!(formats("review export --format xlsx,csv"), [Format::Xlsx, Format::Csv]);
        assert_eq!(formats("review export").len(), 3);
    }

    #[test]
    fn a_record_is_a_name_or_a_table_and_a_key() {
        let record = |line| match parse(line).unwrap().command {
            Command::Explain(explain) => explain.record,
            _ => Vec::new(),
        };
        assert_eq!(record("explain rentals 8812"), ["rentals", "8812"]);
        assert_eq!(record("explain reservation-3f2a"), ["reservation-3f2a"]);
        assert!(parse("explain").is_err());
        assert!(parse("explain --rule rentals.pickup_at").is_ok());
        assert!(parse("explain rentals 8812 --rule rentals.pickup_at").is_err());
    }
}
