//! How fast calendars are read: beside Python's icalendar on the same files, and by size.
//!
//! ```text
//! RESTITCH_CORPORA=… RESTITCH_PYTHON=… cargo run --release -p restitch-connect-calendar --example calendar_speed [MB]
//! ```
//!
//! Both times are those of one core's CPU in user mode. Ours slices a file into events and
//! reads each into facts, what scanners find in its texts included; Python's parses the file.

use std::path::{Path, PathBuf};
use std::process::Command;

use restitch_connect::{Entry, Item, PullError, Sink, walk};
use restitch_connect_calendar::{list_events, read_event};
use restitch_model::Remark;

const ROUNDS: usize = 5;

const PYTHON: &str = r#"
import sys, time, icalendar
for path in sys.argv[2:]:
    data = open(path, "rb").read()
    try:
        icalendar.Calendar.from_ical(data, multiple=True)
        begin = time.process_time()
        for _ in range(int(sys.argv[1])):
            icalendar.Calendar.from_ical(data, multiple=True)
        print(time.process_time() - begin, path)
    except Exception:
        pass
"#;

/// Reads each event as it is put there, and keeps none.
#[derive(Default)]
struct Reader {
    events: usize,
    facts: usize,
}

impl Sink for Reader {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        self.events += 1;
        self.facts += read_event(&item.bytes, None).facts.len();
        Ok(true)
    }

    fn remark(&mut self, _: Remark) {}

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _: &str) -> Result<(), PullError> {
        Ok(())
    }
}

fn main() {
    let Some(corpora) = std::env::var_os("RESTITCH_CORPORA") else {
        println!("RESTITCH_CORPORA names no folder of calendars: nothing to measure");
        return;
    };
    let is_calendar = |path: &Path, entry| {
        entry == Entry::Folder || path.extension().is_some_and(|extension| extension == "ics")
    };
    let found = walk(&[Path::new(&corpora).join("calendars")], is_calendar).expect("a folder");
    let files: Vec<PathBuf> = found.files.into_iter().map(|file| file.path).collect();
    beside_python(&files);
    by_size(&files);
}

fn beside_python(files: &[PathBuf]) {
    let python = std::env::var("RESTITCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(&python);
    let output = command.args(["-c", PYTHON, &ROUNDS.to_string()]).args(files).output();
    let output =
        output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let read: Vec<(f64, &str)> = output
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(seconds, path)| Some((seconds.parse().ok()?, path)))
        .collect();
    if read.is_empty() {
        println!("{python} has no icalendar (pip install it): no comparison");
        return;
    }
    let theirs: f64 = read.iter().map(|(seconds, _)| seconds).sum();
    let texts: Vec<Vec<u8>> =
        read.iter().map(|(_, path)| std::fs::read(path).expect("it was just read")).collect();
    let bytes: usize = texts.iter().map(Vec::len).sum();
    let mut reader = Reader::default();
    let begin = cpu_seconds();
    for text in texts.iter().cycle().take(texts.len() * ROUNDS) {
        list_events("c", text, &mut reader).expect("the sink refuses nothing");
    }
    let ours = cpu_seconds() - begin;
    let speed = |seconds: f64| (bytes * ROUNDS) as f64 / 1e6 / seconds;
    println!(
        "{} files, {bytes} bytes: Python's icalendar {:.2} MB/s, restitch {:.1} MB/s, {:.0} times \
         as fast ({} events, {} facts)",
        read.len(),
        speed(theirs),
        speed(ours),
        theirs / ours,
        reader.events / ROUNDS,
        reader.facts / ROUNDS,
    );
}

/// One calendar of all events, so long as asked for.
fn by_size(files: &[PathBuf]) {
    let largest: usize = std::env::args().nth(1).and_then(|mb| mb.parse().ok()).unwrap_or(100);
    let mut events = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).expect("it was just found");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let parts = text.split("BEGIN:VEVENT").skip(1);
        events.extend(parts.filter_map(|part| Some(part.split_once("END:VEVENT")?.0.to_owned())));
    }
    let mut first: Option<(f64, f64)> = None;
    let mut megabytes = largest.clamp(1, 10);
    while megabytes <= largest {
        let mut text = "BEGIN:VCALENDAR\n".to_owned();
        for event in events.iter().cycle() {
            if text.len() > megabytes * 1_000_000 {
                break;
            }
            text.extend(["BEGIN:VEVENT", event, "END:VEVENT\r\n"]);
        }
        text.push_str("END:VCALENDAR\n");
        let begin = cpu_seconds();
        list_events("c", text.as_bytes(), &mut Reader::default()).expect("nothing is refused");
        let seconds = cpu_seconds() - begin;
        match first {
            None => {
                first = Some((text.len() as f64, seconds));
                println!("{megabytes} MB in {seconds:.2} s");
            }
            Some((size, time)) => {
                let slope = (seconds / time).ln() / (text.len() as f64 / size).ln();
                println!("{megabytes} MB in {seconds:.2} s, slope from the first {slope:.2}");
            }
        }
        megabytes *= 10;
    }
}

/// What this process has used in user mode, as Linux counts it in hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.nth(11).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0) / 100.0
}
