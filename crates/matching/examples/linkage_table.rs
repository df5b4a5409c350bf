//! Links labelled public data with the model that the engine finds by itself, and prints how
//! well and how fast. The folder holds one folder a set: `records.csv` and `clusters.csv`, or
//! `a.csv`, `b.csv` and `truth.csv`. Where it holds a `model.toml`, that model is used.
//!
//! CPU seconds are of reading, training and linking on all cores; the peak of the memory is
//! that of the process so far, so a large set is best measured alone. Both are known on Linux
//! only.
//!
//!     cargo run --release -p restitch-matching --example linkage_table -- FOLDER [SET…]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use restitch_matching::{
    CsvTable, Link, Linkage, Model, Texts, dedupe, expected_calibration_error, link, read_csv,
};

type Pairs = BTreeSet<(u32, u32)>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give the folder of the labelled data")?;
    let only: Vec<String> = arguments.collect();
    let mut sets: Vec<_> = std::fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    sets.sort_by_key(|entry| entry.file_name());
    println!(
        "| data | candidates | blocking recall | pairs P | R | F1 | grouped F1 | best F1 | seconds | CPU s | of it reading | peak MB | ECE |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for set in sets.iter().filter(|set| set.path().is_dir()) {
        let name = set.file_name().to_string_lossy().into_owned();
        if only.is_empty() || only.contains(&name) {
            measure(&name, &set.path())?;
        }
    }
    Ok(())
}

fn measure(name: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let is_link = folder.join("a.csv").exists();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let given = match std::fs::read_to_string(folder.join("model.toml")) {
        Ok(text) => Some(Model::from_toml(&text)?),
        Err(_) => None,
    };
    let read = |file: &str| -> Result<CsvTable, Box<dyn Error>> {
        let file = std::fs::File::open(folder.join(file))?;
        let wanted = given.as_ref().map(Model::columns);
        Ok(read_csv(file, "id", |name| wanted.as_ref().is_none_or(|all| all.contains(name)))?)
    };
    let a = read(if is_link { "a.csv" } else { "records.csv" })?;
    let b = if is_link { read("b.csv")? } else { CsvTable::default() };
    let reading = cpu_seconds() - cpu;
    let (ids_a, ids_b, a, b) = (a.ids, b.ids, a.records, b.records);
    let right = is_link.then_some(&b);
    let model = match given {
        Some(model) => model,
        None => Model::discover(&a, right)?,
    };
    let (linkage, of) = if is_link {
        (link(&a, right, &model)?, None)
    } else {
        let clusters = dedupe(&a, &model)?;
        (clusters.linkage, Some(clusters.of))
    };
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let peak = peak_megabytes();
    let (ids_a, ids_b) = (numbered(ids_a), numbered(ids_b));
    let truth = if is_link {
        truth_pairs(&folder.join("truth.csv"), &ids_a, &ids_b)?
    } else {
        truth_clusters(&folder.join("clusters.csv"), &ids_a)?
    };
    let grouped = of.map_or_else(|| pairs(&linkage.links, 0.0), |of| within(&of));
    let all: Vec<Link> = linkage.links.iter().chain(&linkage.rivals).copied().collect();
    // Pairwise: each pair by itself, its rivals not considered.
    let alone: Pairs = all.iter().filter(|l| l.weight >= 0.0).map(|l| (l.left, l.right)).collect();
    // The expected calibration error of all pairs that were likely enough to be kept.
    let said: Vec<(f64, bool)> =
        all.iter().map(|l| (l.probability, truth.contains(&(l.left, l.right)))).collect();
    let error = expected_calibration_error(&said, 20);
    let (p, r, f1) = score(&alone, &truth);
    let grouped_f1 = score(&grouped, &truth).2;
    let found = pairs(&all, 0.0).intersection(&truth).count() as f64 / truth.len() as f64;
    println!(
        "| {name} | {} | {found:.4} | {p:.4} | {r:.4} | {f1:.4} | {grouped_f1:.4} | {:.4} | {seconds:.2} | {cpu:.2} | {reading:.2} | {peak} | {error:.4} |",
        linkage.report.blocks.candidates,
        best(&all, &truth),
    );
    if std::env::var_os("VERBOSE").is_some() {
        explain(&model, &linkage);
    }
    Ok(())
}

/// The CPU time of this process, all threads of it.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets; user and system time in hundredths (proc(5)).
    let after = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    after.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

fn explain(model: &Model, linkage: &Linkage) {
    for rule in &linkage.report.blocks.rules {
        eprintln!("{rule:?}");
    }
    eprintln!("prior {:e}, trained on {}", linkage.weights.prior, linkage.report.trained_on);
    for (comparison, weights) in model.comparisons.iter().zip(&linkage.weights.levels) {
        eprintln!("{} {:?}", comparison.name, comparison.measure);
        for (level, (m, u)) in weights.m.iter().zip(&weights.u).enumerate() {
            let name = comparison.level_name(level as u8);
            eprintln!("    {name:24} m {m:.5} u {u:.8} {:6.2}", (m / u).log2());
        }
    }
}

fn score(found: &Pairs, truth: &Pairs) -> (f64, f64, f64) {
    let hits = found.intersection(truth).count() as f64;
    let precision = hits / found.len().max(1) as f64;
    let recall = hits / truth.len().max(1) as f64;
    (precision, recall, 2.0 * hits / (found.len() + truth.len()).max(1) as f64)
}

/// The best F1 that any threshold on the weight would have given.
fn best(all: &[Link], truth: &Pairs) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let (mut hits, mut best) = (0.0, 0.0f64);
    for (count, link) in sorted.iter().enumerate() {
        hits += f64::from(u8::from(truth.contains(&(link.left, link.right))));
        best = best.max(2.0 * hits / (count + 1 + truth.len()) as f64);
    }
    best
}

fn pairs(links: &[Link], at_least: f64) -> Pairs {
    links.iter().filter(|l| l.probability >= at_least).map(|l| (l.left, l.right)).collect()
}

fn within(of: &[u32]) -> Pairs {
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    of.iter()
        .enumerate()
        .for_each(|(record, root)| members.entry(*root).or_default().push(record as u32));
    let mut pairs = Pairs::new();
    for all in members.values() {
        for (at, first) in all.iter().enumerate() {
            pairs.extend(all[at + 1..].iter().map(|second| (*first, *second)));
        }
    }
    pairs
}

type Ids = BTreeMap<String, u32>;

fn numbered(ids: Texts) -> Ids {
    ids.iter().map(|id| id.unwrap_or_default().to_owned()).zip(0..).collect()
}

fn truth_pairs(path: &Path, a: &Ids, b: &Ids) -> Result<Pairs, Box<dyn Error>> {
    let mut pairs = Pairs::new();
    for row in csv::Reader::from_path(path)?.records() {
        let row = row?;
        pairs.insert((a[&row[0]], b[&row[1]]));
    }
    Ok(pairs)
}

fn truth_clusters(path: &Path, ids: &Ids) -> Result<Pairs, Box<dyn Error>> {
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    let mut of = vec![0; ids.len()];
    for row in csv::Reader::from_path(path)?.records() {
        let row = row?;
        let id = ids[&row[0]];
        of[id as usize] = *first.entry(row[1].to_owned()).or_insert(id);
    }
    Ok(within(&of))
}
