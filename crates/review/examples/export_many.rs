//! Measures an export: `cargo run --release -p restitch-review --example export_many [TENANTS
//! [RECORDS]]`. It makes up records, writes all packs to a temporary folder, and prints how long
//! that took and how much memory the process needed at most, with the records themselves in it.

#[path = "../src/fixture.rs"]
mod fixture;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant as Clock;

use restitch_model::{Candidate, EvidenceId, Instant, Snapshot, Value, Verdict};
use restitch_restore::{PlanPolicy, propose};
use restitch_review::{EvidenceNote, ExportOptions, Language, Material, TenantInfo, packs};

fn main() {
    let mut numbers = std::env::args().skip(1).map(|n| n.parse().expect("a number"));
    let tenants: usize = numbers.next().unwrap_or(1_000);
    let records: usize = numbers.next().unwrap_or(100_000);
    let candidates: Vec<Candidate> = (0..records).map(|i| candidate(i, i % tenants)).collect();
    let infos: BTreeMap<String, TenantInfo> = (0..tenants).map(tenant).collect();
    let snapshot = snapshot();
    let plan = propose(&snapshot, &candidates, &[], &PlanPolicy::default());
    let evidence = |id: EvidenceId| {
        let line = format!("Your booking {} for Ana Pérez is confirmed", id.0.short());
        Some(EvidenceNote { kind: "mail".to_owned(), at: Some(now()), line })
    };
    let material = Material {
        candidates: &candidates,
        plan: &plan,
        decisions: &[],
        tenants: &infos,
        evidence: &evidence,
    };
    let folder = tempfile::tempdir().expect("temporary folders can be made");
    let (before, used) = (peak(), cpu());
    let began = Clock::now();
    let (mut n, mut bytes) = (0, 0);
    let options = ExportOptions { as_of: Some(now()), ..ExportOptions::default() };
    for pack in packs(&material, &options) {
        let pack = pack.expect("a pack can be made");
        let place = folder.path().join(&pack.folder);
        std::fs::create_dir_all(&place).expect("a folder can be made");
        for (name, content) in &pack.files {
            bytes += content.len();
            std::fs::write(place.join(name), content).expect("a file can be written");
        }
        n += 1;
    }
    println!(
        "{n} packs of {records} records, {} MB: {:.1} s wall, {:.1} s CPU; at most {} MB of \
         memory, {} of them before the export",
        bytes / 1_000_000,
        began.elapsed().as_secs_f64(),
        cpu() - used,
        peak(),
        before
    );
}

/// The most memory that the process had so far, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_000
}

/// The processor's time that the process took so far, in seconds, at the usual 100 ticks a
/// second.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string(Path::new("/proc/self/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok());
    ticks.sum::<u64>() as f64 / 100.0
}

fn now() -> Instant {
    "2026-04-26T12:00:00Z".parse().expect("it is a moment")
}

fn tenant(key: usize) -> (String, TenantInfo) {
    let language = Language::ALL[key % Language::ALL.len()];
    let name = format!("Rentals {key}");
    (key.to_string(), TenantInfo { name, language, zone: Some("Europe/Berlin".to_owned()) })
}

fn candidate(i: usize, tenant: usize) -> Candidate {
    let evidence: Vec<EvidenceId> =
        (0..3).map(|n| EvidenceId::of(format!("{i} {n}").as_bytes())).collect();
    let field = |column: &str, value: Value| fixture::field(column, value, evidence[0]);
    let day = i % 28 + 1;
    Candidate {
        fields: vec![
            field("reference", format!("BW-{i:06}").as_str().into()),
            field("name", format!("Ana Pérez {i}").as_str().into()),
            field("email", format!("ana{i}@example.org").as_str().into()),
            field("pickup_at", format!("2026-05-{day:02}T08:00:00Z").as_str().into()),
            field("return_at", format!("2026-06-{day:02}T08:00:00Z").as_str().into()),
            field("location", "Airport, terminal 2".into()),
            field("status", "confirmed".into()),
            field("total_cents", (45_000 + i as i64).into()),
        ],
        confidence: 0.5 + (i % 500) as f64 / 1_000.0,
        verdict: if i.is_multiple_of(2) { Verdict::Accept } else { Verdict::Review },
        reasons: vec!["the customer is not certain".to_owned()],
        tenant: Some(tenant.to_string()),
        evidence,
        ..fixture::candidate(&format!("reservation-{i:012x}"))
    }
}

fn snapshot() -> Snapshot {
    let texts = ["reference", "name", "email", "pickup_at", "return_at", "location", "status"];
    let mut columns = vec![("id", "INTEGER", false), ("total_cents", "INTEGER", true)];
    columns.extend(texts.map(|name| (name, "TEXT", true)));
    fixture::database(&columns)
}
