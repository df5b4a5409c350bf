//! Headers and texts beside those that Python's `email` (policy=default) reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::find::looks_like_mail;
use crate::header::{Headers, one_line};
use crate::mime::{Content, Notes, Part, parse};

/// Reads the files that are named on its input, and says what is in them.
const PROGRAM: &str = r#"
import json, sys, datetime
from email import message_from_bytes, policy
def whole(path):
    data = open(path, 'rb').read()
    message = message_from_bytes(data, policy=policy.default)
    clean = True
    headers = []
    for name, value in message.items():
        clean = clean and not value.defects
        low = name.lower()
        if hasattr(value, 'addresses'):
            shown = sorted(' '.join(f'{a.display_name}|{a.addr_spec}'.split()) for a in value.addresses if a.addr_spec)
        elif low == 'date':
            when = value.datetime
            if when is None: shown = ''
            else:
                if when.tzinfo is None: when = when.replace(tzinfo=datetime.timezone.utc)
                shown = when.astimezone(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
        elif hasattr(value, 'content_type'): shown = value.content_type
        elif hasattr(value, 'content_disposition'): shown = value.content_disposition or ''
        else: shown = ' '.join(str(value).split())
        headers.append([low, shown])
    texts = []
    for part in message.walk():
        clean = clean and not part.defects
        for value in part.values(): clean = clean and not value.defects
        if part.get_content_maintype() == 'text':
            texts.append(part.get_content())
            clean = clean and not part.defects
    # What it could not decode it keeps as lone surrogates, or puts a replacement character
    # there, without calling that a defect.
    shown = json.dumps([headers, texts], ensure_ascii=False)
    if '\ufffd' in shown or any('\ud800' <= c <= '\udfff' for c in shown):
        return {'clean': False, 'headers': [], 'texts': []}
    return {'clean': clean, 'headers': headers, 'texts': texts}
out = {}
for path in sys.stdin.read().splitlines():
    try: out[path] = whole(path)
    except Exception as error: pass
sys.stdout.write(json.dumps(out))
"#;

/// Where the readings differ, and why.
const DIFFERENT: [(&str, &str); 6] = [
    ("flanker/messages_disposition-notification.eml", NO_ZONE),
    ("mimekit/messages/disposition-notification.anonymized.eml", NO_ZONE),
    ("mimekit/messages/disposition-notification.txt", NO_ZONE),
    (
        "rubymail/error_emails/bad_subject.eml",
        "Python keeps the blank between two encoded words, which RFC 2047 (6.2) takes out",
    ),
    (
        "rubymail/error_emails/content_transfer_encoding_7-bit.eml",
        "the text says ISO-8859-1 and is UTF-8: read as it says, it holds control characters",
    ),
    (
        "stalwart/thirdparty/003.eml",
        "Python does not decode where blanks follow the name of the encoding",
    ),
];
const NO_ZONE: &str = "Python does not see the zone after a comment: `(EDT) -0400`";

#[derive(Deserialize)]
struct Seen {
    clean: bool,
    headers: Vec<(String, Shown)>,
    texts: Vec<String>,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(untagged)]
enum Shown {
    Text(String),
    People(Vec<String>),
}

fn messages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            messages(&path, found);
        } else if let Ok(bytes) = fs::read(&path)
            && looks_like_mail(&bytes)
            && !bytes.starts_with(b"From ")
        {
            found.push(path);
        }
    }
}

fn texts(part: &Part, found: &mut Vec<String>) {
    match &part.content {
        Content::Leaf(_) if part.media_type.starts_with("text/") => {
            found.push(part.text(&mut Notes::default()));
        }
        Content::Leaf(_) => {}
        // What Outlook wrapped is a file to Python.
        Content::Parts(_) if !part.media_type.starts_with("multipart/") => {}
        Content::Parts(parts) => parts.iter().for_each(|part| texts(part, found)),
        Content::Message(inner) => texts(inner, found),
    }
}

/// The people in a field, by both. Python leaves out the name in `a@x.de (Anna)`, which is read
/// here; where it has none, names are not compared.
fn people(headers: &Headers, name: &str, theirs: &[String]) -> (String, String) {
    let split = |one: &String| {
        let (name, address) = one.rsplit_once('|').unwrap_or(("", one));
        (address.to_lowercase(), one_line(&name.replace(['"', '\\'], "")))
    };
    let mut theirs: Vec<(String, String)> = theirs.iter().map(split).collect();
    let ours = headers.mailboxes(name).into_iter();
    let ours = ours.filter_map(|one| Some((one.address?, one.name.unwrap_or_default())));
    let mut ours: Vec<(String, String)> = ours.collect();
    ours.sort();
    theirs.sort();
    theirs.dedup();
    for (ours, theirs) in ours.iter_mut().zip(&theirs) {
        if theirs.1.is_empty() {
            ours.1.clear();
        }
        ours.1 = one_line(&ours.1.replace(['"', '\\'], ""));
    }
    (format!("{ours:?}"), format!("{theirs:?}"))
}

fn text(headers: &Headers, name: &str) -> String {
    match name {
        "date" => headers.date().map(|sent| sent.at.to_string()).unwrap_or_default(),
        "content-type" => {
            let content = headers.content(name);
            let shown =
                content.map(|c| format!("{}/{}", c.ctype(), c.subtype().unwrap_or("plain")));
            shown.unwrap_or_default().to_lowercase()
        }
        "content-disposition" => {
            headers.content(name).map(|c| c.ctype().to_lowercase()).unwrap_or_default()
        }
        _ => plain(name, &headers.text(name).unwrap_or_default()),
    }
}

/// Ids are compared without brackets, dates without comments.
fn plain(name: &str, text: &str) -> String {
    match name {
        "message-id" | "in-reply-to" | "references" | "content-id" | "resent-message-id" => {
            one_line(&text.replace(['<', '>'], " "))
        }
        "resent-date" => one_line(text.split('(').next().unwrap_or_default()),
        _ => one_line(text),
    }
}

/// How the two readings of a message differ; nothing where they agree.
fn difference(bytes: &[u8], seen: &Seen) -> Option<String> {
    let root = parse(bytes, &mut Notes::default());
    for (i, (name, theirs)) in seen.headers.iter().enumerate() {
        // Of a field that stands twice, both take the first.
        if seen.headers[..i].iter().any(|(other, _)| other == name) {
            continue;
        }
        let (ours, theirs) = match theirs {
            Shown::People(theirs) => people(&root.headers, name, theirs),
            Shown::Text(theirs) => (text(&root.headers, name), plain(name, theirs)),
        };
        if ours != theirs {
            return Some(format!("{name}: {ours:?} / {theirs:?}"));
        }
    }
    let mut ours = Vec::new();
    texts(&root, &mut ours);
    // Python makes empty texts of the blocks of a delivery report.
    let tidy = |texts: &[String]| {
        let texts = texts.iter().map(|text| text.replace("\r\n", "\n").trim_end().to_owned());
        texts.filter(|text| !text.is_empty()).collect::<Vec<String>>()
    };
    let (ours, theirs) = (tidy(&ours), tidy(&seen.texts));
    (ours != theirs).then(|| {
        let at = ours.iter().zip(&theirs).position(|(a, b)| a != b);
        let show = |list: &[String]| at.map(|at| list[at].clone());
        let (a, b) = (show(&ours).unwrap_or_default(), show(&theirs).unwrap_or_default());
        let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
        let cut = |t: &str| t.chars().skip(common.saturating_sub(20)).take(60).collect::<String>();
        format!("texts {}/{}: {:?} / {:?}", ours.len(), theirs.len(), cut(&a), cut(&b))
    })
}

#[test]
fn headers_and_texts_are_those_that_python_reads() {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA is not set: nothing is compared with Python");
        return;
    };
    let root = Path::new(&corpora).join("mail");
    let mut found = Vec::new();
    messages(&root, &mut found);
    found.sort();
    let started = Command::new("python3")
        .args(["-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = started else {
        println!("python3 cannot be run: nothing is compared with it");
        return;
    };
    let names: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
    let mut input = python.stdin.take().unwrap();
    input.write_all(names.join("\n").as_bytes()).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    let seen: BTreeMap<String, Seen> = serde_json::from_slice(&output.stdout).unwrap();
    let clean = seen.iter().filter(|(_, seen)| seen.clean);
    let (mut compared, mut equal) = (0, 0);
    let mut unexplained = Vec::new();
    for (path, seen) in clean {
        compared += 1;
        let Some(difference) = difference(&fs::read(path).unwrap(), seen) else {
            equal += 1;
            continue;
        };
        let known = DIFFERENT.iter().find(|(file, _)| path.ends_with(file));
        println!("{path}: {difference}\n    {}", known.map_or("?", |(_, reason)| reason));
        if known.is_none() {
            unexplained.push(path);
        }
    }
    println!(
        "{} messages, {} read by Python, {compared} without defect, {equal} of these equal",
        found.len(),
        seen.len()
    );
    assert!(compared > 0 && unexplained.is_empty(), "differ without a reason: {unexplained:?}");
}
