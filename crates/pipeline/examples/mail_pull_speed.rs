//! How fast mail is pulled into a case, beside `b3sum` and `zstd -1` over the same bytes in the
//! same run, and how much memory that takes.
//!
//!     cargo run --release -p restitch-pipeline --example mail_pull_speed -- [MEGABYTES] [sealed]
//!
//! The peers hash a file and write a packed copy of it, as a pull does; they split nothing, name
//! nothing and wait for no disk. Of each the time of the clock is shown and that of the
//! processor, which other programs on the machine disturb less.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant as Clock;

use restitch_case::{Case, Keys, SourceWriter};
use restitch_connect::{Connector, Item, PullError, Sink};
use restitch_connect_mail::MailFiles;
use restitch_model::{Instant, Remark, Silent};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A key made for this example.
const RECIPIENT: &str = "age1k0ew2ryp3qg76mkhaqm8tqufg0wpe0lg2l47whnq6gmzxat6gqnsty2gpy";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let ["pull", case, mail, sealed] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return pull(Path::new(case), Path::new(mail), sealed == "true");
    }
    let megabytes: u64 = words.first().map_or(Ok(512), |text| text.parse())?;
    let sealed = words.iter().any(|word| word == "sealed");
    let place = tempfile::tempdir()?;
    let (mbox, maildir) = (place.path().join("all.mbox"), place.path().join("Maildir"));
    let bytes = make(&mbox, &maildir, megabytes << 20)?;
    println!("{:.0} MB of messages", bytes as f64 / 1e6);

    let copy = place.path().join("copy.zst");
    let show = |path: &Path| path.display().to_string();
    let (mbox_text, copy_text) = (show(&mbox), show(&copy));
    let peers = [
        timed("b3sum", Command::new("b3sum").arg(&mbox_text))?,
        timed(
            "zstd -1",
            Command::new("zstd").args(["-q", "-1", "-f", &mbox_text, "-o", &copy_text]),
        )?,
    ];
    let packed = fs::metadata(&copy)?.len();
    fs::remove_file(&copy)?;
    let peer = Time { wall: peers[0].wall + peers[1].wall, cpu: peers[0].cpu + peers[1].cpu };
    println!("zstd -1 packs them to {:.1} %", packed as f64 / bytes as f64 * 100.0);
    for (name, path) in [("mbox", &mbox), ("Maildir", &maildir)] {
        let case = place.path().join(format!("{name}.case"));
        let mut own = Command::new(std::env::current_exe()?);
        own.args(["pull", &show(&case), &show(path), &sealed.to_string()]);
        let time = timed(&format!("pull, {name}"), &mut own)?;
        println!(
            "{name}: {:.2} of the peers' speed by the clock, {:.2} by the processor; the case has \
             {:.1} % of the bytes",
            peer.wall / time.wall,
            peer.cpu / time.cpu,
            size(&case)? as f64 / bytes as f64 * 100.0
        );
        fs::remove_dir_all(&case)?;
    }
    Ok(())
}

/// Pulls mail into a new case, and says how much memory that took at most.
fn pull(case: &Path, mail: &Path, sealed: bool) -> Result<()> {
    let case = Case::create(case)?;
    if sealed {
        case.use_keys(Keys::to(&[RECIPIENT])?)?;
    }
    let mut sink = Kept(case.evidence_writer("mail", Instant::UNIX_EPOCH)?);
    MailFiles { paths: vec![mail.to_owned()] }.pull(None, &mut sink, &Silent)?;
    let pulled = sink.0.finish()?;
    let tally = pulled.kinds.get("mail").copied().unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    println!("  {} messages, {} new, at most {} in memory", tally.items, tally.new, peak.trim());
    Ok(())
}

struct Kept(SourceWriter);

impl Sink for Kept {
    fn put(&mut self, item: Item) -> std::result::Result<bool, PullError> {
        let Item { kind, native_id, container, at, bytes } = item;
        let put = self.0.put(&kind, &native_id, &container, at, bytes);
        put.map_err(|error| PullError::Sink(error.to_string()))
    }

    fn remark(&mut self, remark: Remark) {
        self.0.remark(remark);
    }

    fn checkpoint(&self) -> Option<String> {
        self.0.checkpoint().ok().flatten()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> std::result::Result<(), PullError> {
        self.0.set_checkpoint(cursor).map_err(|error| PullError::Sink(error.to_string()))
    }
}

/// Seconds of the clock and of the processor.
struct Time {
    wall: f64,
    cpu: f64,
}

fn timed(name: &str, command: &mut Command) -> Result<Time> {
    let (before, began) = (children()?, Clock::now());
    let quiet = if name == "b3sum" { Stdio::null() } else { Stdio::inherit() };
    let status = command.stdout(quiet).status().map_err(|error| format!("{name}: {error}"))?;
    if !status.success() {
        return Err(format!("{name} failed").into());
    }
    let time = Time { wall: began.elapsed().as_secs_f64(), cpu: children()? - before };
    println!("{name}: {:.2} s, {:.2} s of the processor", time.wall, time.cpu);
    Ok(time)
}

/// The processor time of all programs started here that have ended, as proc(5) counts it.
fn children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(13) + ticks(14)) / 100.0)
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.path().is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// Writes the same messages as an mbox and as a Maildir, so many bytes of them.
fn make(mbox: &Path, maildir: &Path, bytes: u64) -> Result<u64> {
    let cur = maildir.join("cur");
    fs::create_dir_all(&cur)?;
    fs::create_dir_all(maildir.join("new"))?;
    let mut out = BufWriter::new(File::create(mbox)?);
    let (mut dice, mut written) = (Dice(4711), 0);
    for number in 0.. {
        if written >= bytes {
            break;
        }
        let message = message(&mut dice, number);
        written += message.len() as u64;
        out.write_all(b"From desk@rentals.example Mon Jan  5 10:00:00 2026\n")?;
        out.write_all(message.as_bytes())?;
        out.write_all(b"\n")?;
        let path: PathBuf = cur.join(format!("{number}.M{number}P1.host:2,S"));
        fs::write(path, message)?;
    }
    out.flush()?;
    Ok(written)
}

/// A message of a kind that a business's mailbox is full of: of ten five confirmations of a few
/// kilobytes with text and HTML, three newsletters of tens, one reply and one with an invoice
/// attached.
fn message(dice: &mut Dice, number: u64) -> String {
    let kind = dice.below(10);
    let mut text = format!(
        "Return-Path: <desk@rentals.example>\n\
         Received: from mx{0}.mail.example (mx{0}.mail.example [192.0.2.{0}])\n\
         \tby in.rentals.example (Postfix) with ESMTPS id {1:016x}\n\
         \tfor <customer{2}@mail.example>; Mon, 5 Jan 2026 10:{3:02}:{4:02} +0100 (CET)\n\
         DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=rentals.example; s=2026;\n\
         \tbh={5}=; b={6}\n\
         Message-ID: <{number}.{1:x}@rentals.example>\n\
         Date: Mon, 5 Jan 2026 10:{3:02}:{4:02} +0100\n\
         From: Rentals <desk@rentals.example>\nTo: customer{2}@mail.example\n\
         Subject: Your booking {7} is confirmed\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"b{1:x}\"\n\n",
        dice.below(200),
        dice.next(),
        dice.below(100_000),
        dice.below(60),
        dice.below(60),
        dice.base64(43),
        dice.base64(344),
        dice.base64(8)
    );
    let boundary = format!("--b{:x}\n", dice.next());
    let (paragraphs, attached) = match kind {
        0..5 => (12, 0),
        5..8 => (80, 0),
        8 => (4, 0),
        _ => (12, 60_000 + dice.below(200_000)),
    };
    text += &format!("{boundary}Content-Type: text/plain; charset=utf-8\n\n");
    for _ in 0..paragraphs {
        text += &dice.sentence();
        text += "\n\n";
    }
    text += &format!("{boundary}Content-Type: text/html; charset=utf-8\n\n<html><body><table>\n");
    for _ in 0..paragraphs {
        text += &format!(
            "<tr><td style=\"padding:12px;font-family:Arial,sans-serif;color:#333333\"><p>{}</p>\
             <a href=\"https://rentals.example/t/{}\">{}</a></td></tr>\n",
            dice.sentence(),
            dice.base64(60),
            dice.word()
        );
    }
    text += "</table></body></html>\n";
    if attached > 0 {
        text += &format!(
            "{boundary}Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        );
        for _ in 0..attached / 57 {
            text += &dice.base64(76);
            text.push('\n');
        }
    }
    text
}

/// The same numbers in every run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }

    fn base64(&mut self, length: usize) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        (0..length).map(|_| char::from(DIGITS[(self.next() >> 58) as usize])).collect()
    }

    /// One of some thousand words, the first much more often than the last.
    fn word(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "ren", "tal", "car", "pick", "up", "day", "con", "firm", "book", "ing", "price", "to",
            "re", "turn", "key", "desk",
        ];
        let rare = self.below(4096).min(self.below(4096));
        let part = |n: u64| PARTS[(n % 16) as usize];
        match rare {
            0..16 => part(rare).to_owned(),
            16..256 => format!("{}{}", part(rare), part(rare >> 4)),
            _ => format!("{}{}{}", part(rare), part(rare >> 4), part(rare >> 8)),
        }
    }

    fn sentence(&mut self) -> String {
        let words = 8 + self.below(16);
        let mut text = (0..words).map(|_| self.word() + " ").collect::<String>();
        text += &format!("{}.{:02} EUR.", self.below(900), self.below(100));
        text
    }
}
