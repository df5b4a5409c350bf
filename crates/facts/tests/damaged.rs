//! Texts of third parties, damaged: whatever the characters, scanning gives values that stand
//! where they say. `RESTITCH_CORPORA` names the folder of the texts.

use std::path::{Path, PathBuf};

use restitch_facts::{Context, scan_field};

#[test]
fn damaged_texts_give_values_that_stand_there() {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA is not set: the third-party corpora are skipped");
        return;
    };
    let mut files = Vec::new();
    walk(Path::new(&corpora), &mut files);
    files.sort();
    let mut random = 1_u64;
    let mut below = |n: usize| {
        // Marsaglia's xorshift: the same damage in every run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % n.max(1) as u64).unwrap()
    };
    let context = Context { written_on: Some(jiff::civil::date(2025, 2, 20)) };
    let mut values = 0;
    for file in files.iter().step_by(3) {
        let Ok(bytes) = std::fs::read(file) else { continue };
        let mut bytes: Vec<u8> = bytes.into_iter().take(8_000).collect();
        for _ in 0..bytes.len() / 200 {
            let at = below(bytes.len());
            match below(3) {
                0 => bytes[at] = u8::try_from(below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..(at + 40).min(bytes.len())),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        for fact in scan_field("text", &text, context) {
            let (start, end) = fact.place.range.unwrap();
            assert!(text.get(start..end).is_some_and(|s| !s.is_empty()), "{}", file.display());
            values += 1;
        }
    }
    println!("{values} values in {} damaged texts", files.len().div_ceil(3));
    assert!(values > 1000);
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
