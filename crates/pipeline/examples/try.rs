//! scratch
use restitch_pipeline::*;
fn main() {
    let mut args = std::env::args().skip(1);
    let file = std::path::PathBuf::from(args.next().unwrap());
    let dir = std::path::PathBuf::from(args.next().unwrap());
    let p = Pipeline::load(&file).unwrap();
    let t = std::time::Instant::now();
    let run = Run::begin(&dir, p, std::path::absolute(file.parent().unwrap()).unwrap(), &restitch_model::Silent, "2026-05-01T00:00:00Z".parse().unwrap(), "me").unwrap();
    let pulls = run.pull().unwrap();
    for k in &pulls.kinds { println!("{k:?}"); }
    println!("facts {} remarks {} {:?}", pulls.facts, pulls.remarks.len(), t.elapsed());
    let items = run.items().unwrap();
    println!("items {} {:?}", items.len(), t.elapsed());
    let snap = run.snapshot().unwrap();
    println!("snapshot {:?}", t.elapsed());
    let learned = run.learn(&snap, &items).unwrap();
    println!("{learned:#?} {:?}", t.elapsed());
    let m = run.match_records(&snap, &items).unwrap();
    println!("{m:#?} {:?}", t.elapsed());
    let plan = run.plan(&snap).unwrap();
    println!("{plan:#?} {:?}", t.elapsed());
    let _ = std::fs::remove_file(dir.join("restored.sqlite"));
    let a = restitch_restore::apply_embedded(&run.saved_plan().unwrap(), &run.target_url().unwrap(), &dir.join("restored.sqlite"), &restitch_restore::ApplyOptions { triggers: restitch_restore::Triggers::Suppress, provenance: true, at: run.now }).unwrap();
    println!("{a:?} {:?}", t.elapsed());
}
