//! How fast messages are read, beside Python's `email`, on one core.
//!
//! ```text
//! cargo run --release -p restitch-connect-mail --example mail_speed -- [MB] FILE-OR-FOLDER...
//! ```
//!
//! Times are those at work, where the system tells them. Prints, for the messages of the files
//! named, the bytes a second of both and their ratio; where a number comes first, then also how
//! the time grows up to so many megabytes of messages made up here.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use restitch_connect_mail::{open_file, read_message};

/// Reads messages, each after its length, and prints the best time of three over them all.
const PYTHON: &str = r#"
import sys, struct, time
from email import message_from_bytes, policy
data = sys.stdin.buffer.read()
messages, at = [], 0
while at < len(data):
    (length,) = struct.unpack_from('<Q', data, at)
    messages.append(data[at + 8 : at + 8 + length])
    at += 8 + length
best = None
for _ in range(3):
    begun = time.process_time()
    for one in messages:
        try:
            message = message_from_bytes(one, policy=policy.default)
            for value in message.values(): str(value)
            for part in message.walk():
                if part.get_content_maintype() == 'text': part.get_content()
        except Exception: pass
    took = time.process_time() - begun
    best = took if best is None else min(best, took)
print(best)
"#;

fn main() {
    let mut messages = Vec::new();
    let mut args = std::env::args_os().skip(1).peekable();
    let megabytes = args.peek().and_then(|first| first.to_str()?.parse().ok());
    for path in args.skip(usize::from(megabytes.is_some())) {
        match open_file(path.as_ref()) {
            Ok(opened) => messages.extend(opened.items.into_iter().map(|item| item.bytes)),
            Err(error) => println!("{error}"),
        }
    }
    if !messages.is_empty() {
        beside_python("files named", &messages);
    }
    beside_python("confirmations made up here", &(0..300).map(confirmation).collect::<Vec<_>>());
    if let Some(megabytes) = megabytes {
        growth(megabytes);
    }
}

fn beside_python(what: &str, messages: &[Vec<u8>]) {
    let bytes: usize = messages.iter().map(Vec::len).sum();
    // The system tells times in steps of milliseconds: a few messages are read many times.
    let passes = u32::try_from(10_000_000 / bytes.max(1)).unwrap_or_default() + 1;
    let pass = |_| (0..passes).map(|_| time(messages)).sum::<Duration>() / passes;
    let ours = (0..3).map(pass).min().unwrap_or_default();
    println!("{what}: {} messages, {bytes} bytes", messages.len());
    println!("  read_message {:.4} s, {:.1} MB/s", ours.as_secs_f64(), rate(bytes, ours));
    match python(messages) {
        Some(theirs) => println!(
            "  Python email {:.4} s, {:.1} MB/s: {:.1} times as long",
            theirs.as_secs_f64(),
            rate(bytes, theirs),
            theirs.as_secs_f64() / ours.as_secs_f64()
        ),
        None => println!("  python3 cannot be run"),
    }
}

/// Many messages from 10 MB on, in steps of ten; and one that grows as far as one is read.
fn growth(largest: usize) {
    let sizes = (1..).map(|n| 10_usize.pow(n)).take_while(|size| *size <= largest);
    slope("messages", sizes.map(|megabytes| many(megabytes * 1_000_000)));
    slope("one message", [10, 20, 40].map(|megabytes| long(megabytes * 1_000_000)));
}

/// Prints bytes and times, and how these grow with those.
fn slope(what: &str, measured: impl IntoIterator<Item = (usize, Duration)>) {
    let mut first: Option<(f64, f64)> = None;
    for (bytes, took) in measured {
        let (size, seconds) = (bytes as f64, took.as_secs_f64());
        let (first_size, first_seconds) = *first.get_or_insert((size, seconds));
        let slope = (seconds / first_seconds).ln() / (size / first_size).ln();
        match slope.is_nan() {
            true => println!("{what}: {bytes} bytes in {seconds:.3} s"),
            false => println!("{what}: {bytes} bytes in {seconds:.3} s, slope {slope:.2}"),
        }
    }
}

/// Messages of so many bytes together, made a thousand at a time.
fn many(wanted: usize) -> (usize, Duration) {
    let (mut bytes, mut took) = (0, Duration::ZERO);
    for first in (0..).step_by(1000) {
        if bytes >= wanted {
            break;
        }
        let messages: Vec<Vec<u8>> = (first..first + 1000).map(confirmation).collect();
        bytes += messages.iter().map(Vec::len).sum::<usize>();
        took += time(&messages);
    }
    (bytes, took)
}

/// One message with that many bytes of HTML, split over parts none of which is too long to read.
fn long(bytes: usize) -> (usize, Duration) {
    let mut message = b"From: a@rent.example\nSubject: all\n\
        Content-Type: multipart/mixed; boundary=xx\n\n"
        .to_vec();
    for _ in 0..32 {
        message.extend_from_slice(b"--xx\nContent-Type: text/html; charset=utf-8\n\n");
        let end = message.len() + bytes / 32;
        while message.len() < end {
            message.extend_from_slice(PAGE.as_bytes());
        }
    }
    message.extend_from_slice(b"--xx--\n");
    (message.len(), time(&[message]))
}

const PAGE: &str = "<table><tr><td>Pick-up:</td><td>12 March 2026, 10:00</td></tr>\
    <tr><td>Total</td><td>&euro;&nbsp;149.90</td></tr></table>\n\
    <p style=\"color:#333; font-family: Arial\">Thank you for booking with us, Anna &amp; Bo.</p>\n";

fn confirmation(n: usize) -> Vec<u8> {
    let page = PAGE.repeat(8).replace('=', "=3D").replace('\n', "=\n\n");
    let plain =
        "Pick-up: 12 March 2026, 10:00\nTotal: EUR 149.90\nThank you for booking.\n".repeat(6);
    format!(
        "Received: from mx.example (mx.example [192.0.2.1]) by in.example; Fri, 6 Mar 2026 10:15:02 +0100\n\
         From: \"Rent & Ride\" <booking@rent.example>\nTo: =?utf-8?Q?J=C3=B6rg?= <j{n}@x.example>\n\
         Subject: =?utf-8?Q?Best=C3=A4tigung?= AB-{n:06}\nDate: Fri, 6 Mar 2026 10:15:00 +0100\n\
         Message-ID: <{n}@rent.example>\nMIME-Version: 1.0\nX-Mailer: shop 1.0\n\
         Content-Type: multipart/alternative; boundary=\"=_{n}\"\n\n\
         --=_{n}\nContent-Type: text/plain; charset=utf-8\n\nReference AB-{n:06}\n{plain}\n\
         --=_{n}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
         <html><body><p>Reference AB-{n:06}</p>\n{page}</body></html>\n--=_{n}--\n"
    )
    .into_bytes()
}

fn time(messages: &[Vec<u8>]) -> Duration {
    let (begun, at_work) = (Instant::now(), at_work());
    for message in messages {
        std::hint::black_box(read_message(message));
    }
    match (at_work, self::at_work()) {
        (Some(before), Some(after)) => after - before,
        _ => begun.elapsed(),
    }
}

/// How long this thread has been at work, where the system (Linux) tells it.
fn at_work() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(told.split_whitespace().next()?.parse().ok()?))
}

fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

fn python(messages: &[Vec<u8>]) -> Option<Duration> {
    let command = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = command.ok()?;
    let mut input = child.stdin.take()?;
    for message in messages {
        input.write_all(&(message.len() as u64).to_le_bytes()).ok()?;
        input.write_all(message).ok()?;
    }
    drop(input);
    let output = child.wait_with_output().ok()?;
    let seconds: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}
