//! What lies in the corpus is read without breaking a promise.

use std::fs;
use std::path::Path;

/// Has a target read all that lies in its folder, and in no more time than it may take.
fn check(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        println!("{}", path.display());
        target(&fs::read(path).unwrap());
    }
}

#[test]
fn the_messages_are_read() {
    check("message", restitch_fuzz::message);
}

#[test]
fn the_events_are_read() {
    check("event", restitch_fuzz::event);
}

#[test]
fn the_texts_are_read() {
    check("text", restitch_fuzz::text);
}
