//! A whole connector, as docs/adding-a-source.md builds it: chats that a phone exported, a text
//! file each, a message a line. It lives here so that the page cannot drift from what compiles.

use std::path::{Path, PathBuf};

use restitch_conformance::Subject;
use restitch_connect::{Connector, Entry, Item, Opener, PullError, Reading, Sink, walk};
use restitch_facts::{Context, scan_field};
use restitch_model::{Digest, Evidence, Fact, FactValue, Place, Progress, Remark, TimeWindow};

/// Chats as files: `[03.04.26, 10:15] Nina: we come at noon`.
#[derive(Debug, Clone)]
struct Chats {
    paths: Vec<PathBuf>,
}

impl Connector for Chats {
    fn kinds(&self) -> &'static [&'static str] {
        &["chat.message"]
    }

    fn pull(
        &self,
        _window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let is_chat = |path: &Path, entry| {
            entry == Entry::Folder || path.extension().is_some_and(|extension| extension == "txt")
        };
        let found = walk(&self.paths, is_chat)?;
        for at in &found.unreadable {
            sink.gap(Remark::new(&at.name, format!("it could not be read: {}", at.source)));
        }
        progress.begin("pulling chats", "files", Some(found.files.len() as u64));
        let mut opener = Opener::default();
        for file in &found.files {
            match opener.read(file) {
                Ok(bytes) => messages(&file.name, &bytes, sink)?,
                Err(error) => {
                    sink.gap(Remark::new(&file.name, format!("it could not be read: {error}")));
                }
            }
            progress.advance(1);
        }
        progress.end();
        Ok(())
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        let mut reading = Reading::default();
        let Ok(line) = std::str::from_utf8(&evidence.bytes) else {
            reading.remarks.push(Remark::new(evidence.meta.id.0.short(), "it is not UTF-8"));
            return reading;
        };
        let (sender, said) = match line.split_once("] ").and_then(|(_, rest)| rest.split_once(": "))
        {
            Some((sender, said)) => (Some(sender), said),
            None => (None, line),
        };
        let start = line.len() - said.len();
        if let Some(sender) = sender {
            let end = start - ": ".len();
            reading.facts.push(Fact {
                name: "sender".into(),
                value: FactValue::Text(sender.to_owned()),
                place: Place::range("line", end - sender.len(), end),
            });
        }
        reading.facts.push(Fact {
            name: "text".into(),
            value: FactValue::Text(said.to_owned()),
            place: Place::range("line", start, line.len()),
        });
        reading.facts.extend(scan_field("text", said, Context::default()));
        reading
    }
}

/// Puts each line as an item. Its name is its hash: a longer export of the same chat, pulled
/// later, names the same message alike.
fn messages(container: &str, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), PullError> {
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        sink.put(Item {
            kind: "chat.message".to_owned(),
            native_id: Digest::of(line).to_string(),
            container: container.to_owned(),
            at: None,
            bytes: line.to_vec(),
        })?;
    }
    Ok(())
}

#[test]
fn it_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let chat = b"[03.04.26, 10:15] Nina: we come at noon\n\xff broken \xfe\n[04.04.26, 9:00] Ola: \
                 booking BR-1042, 120 EUR\n";
    std::fs::write(folder.path().join("nina.txt"), chat).unwrap();
    let paths = vec![folder.path().to_owned()];
    let subject = Subject {
        connector: &|_| Box::new(Chats { paths: paths.clone() }),
        server: None,
        secrets: &[],
        bad_item: Some(b"\xff broken \xfe"),
    };
    subject.conforms();
}
