//! Progress: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use restitch_model::{Progress, Silent};

/// How often a plain line says how far a step is.
const NOW_AND_THEN: Duration = Duration::from_secs(5);

/// The progress that fits: nothing, bars, or lines.
pub fn progress(quiet: bool) -> Box<dyn Progress> {
    let is_terminal = std::io::stderr().is_terminal();
    match quiet {
        true => Box::new(Silent),
        false => Box::new(Bars { is_terminal, running: Mutex::default() }),
    }
}

/// Draws the progress of one step after the other.
struct Bars {
    is_terminal: bool,
    running: Mutex<Option<Running>>,
}

/// A step that has begun.
struct Running {
    step: Arc<Step>,
    drawn: Drawn,
}

enum Drawn {
    Bar(ProgressBar),
    /// Lines are printed until the sender is dropped.
    Lines(Sender<()>, JoinHandle<()>),
}

struct Step {
    name: String,
    unit: String,
    total: Option<u64>,
    done: AtomicU64,
    began: Instant,
}

impl Progress for Bars {
    fn begin(&self, step: &str, unit: &str, total: Option<u64>) {
        self.end();
        let step = Arc::new(Step {
            name: step.to_owned(),
            unit: unit.to_owned(),
            total,
            done: AtomicU64::new(0),
            began: Instant::now(),
        });
        let drawn = if self.is_terminal { Drawn::Bar(bar(&step)) } else { lines(&step) };
        *self.running() = Some(Running { step, drawn });
    }

    fn advance(&self, units: u64) {
        if let Some(running) = &*self.running() {
            running.step.done.fetch_add(units, Ordering::Relaxed);
            if let Drawn::Bar(bar) = &running.drawn {
                bar.inc(units);
            }
        }
    }

    fn end(&self) {
        let Some(Running { step, drawn }) = self.running().take() else { return };
        match drawn {
            Drawn::Bar(bar) => bar.finish_and_clear(),
            Drawn::Lines(sender, printer) => {
                drop(sender);
                // A thread that only prints has nothing to say about how it ended.
                let _ = printer.join();
            }
        }
        say(&step.ended(step.began.elapsed()));
    }
}

/// A step that broke off leaves no bar behind.
impl Drop for Bars {
    fn drop(&mut self) {
        if let Some(Running { drawn: Drawn::Bar(bar), .. }) = self.running().take() {
            bar.finish_and_clear();
        }
    }
}

impl Bars {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bar(step: &Step) -> ProgressBar {
    let amount = match (step.unit.as_str(), step.total) {
        ("bytes", Some(_)) => "{decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}",
        ("bytes", None) => "{decimal_bytes}, {decimal_bytes_per_sec}",
        (_, Some(_)) => "{human_pos} of {human_len} {prefix}, {rate}",
        (_, None) => "{human_pos} {prefix}",
    };
    let template = match step.total {
        Some(_) => format!("{{msg}} [{{bar:30}}] {amount}, {{eta}} left"),
        None => format!("{{msg}} {{spinner}} {amount}, {{elapsed}}"),
    };
    let style = ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            // A column that cannot be written is left out of the bar.
            let _ = write!(text, "{}/s", grouped(state.per_sec().round() as u64));
        })
        .progress_chars("=> ");
    let bar = ProgressBar::with_draw_target(step.total, ProgressDrawTarget::stderr())
        .with_style(style)
        .with_prefix(step.unit.clone())
        .with_message(step.name.clone());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn lines(step: &Arc<Step>) -> Drawn {
    say(&format!("{} ...", step.name));
    let (sender, receiver) = channel();
    let step = Arc::clone(step);
    let printer = thread::spawn(move || {
        while receiver.recv_timeout(NOW_AND_THEN) == Err(RecvTimeoutError::Timeout) {
            say(&step.running(step.began.elapsed()));
        }
    });
    Drawn::Lines(sender, printer)
}

fn say(line: &str) {
    // There is nobody left to tell where stderr cannot be written.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

impl Step {
    /// How far it is.
    fn running(&self, elapsed: Duration) -> String {
        let done = self.done.load(Ordering::Relaxed);
        let seconds = elapsed.as_secs_f64();
        let rate = done as f64 / seconds.max(0.001);
        let mut text = format!("{} ... {seconds:.0} s", self.name);
        if done == 0 {
            return text;
        }
        text += &match self.total {
            Some(total) => format!(", {} of {}", grouped(done), self.amount(total)),
            None => format!(", {}", self.amount(done)),
        };
        text += &format!(", {}/s", grouped(rate.round() as u64));
        if let Some(left) = self.total.and_then(|total| total.checked_sub(done)) {
            text += &format!(", about {:.0} s left", left as f64 / rate);
        }
        text
    }

    /// What it came to.
    fn ended(&self, elapsed: Duration) -> String {
        let done = self.done.load(Ordering::Relaxed);
        let seconds = elapsed.as_secs_f64();
        match done {
            0 => format!("{}: {seconds:.1} s", self.name),
            _ => format!("{}: {}, {seconds:.1} s", self.name, self.amount(done)),
        }
    }

    fn amount(&self, count: u64) -> String {
        format!("{} {}", grouped(count), self.unit)
    }
}

/// A count as people read it: 12,345.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(total: Option<u64>, done: u64) -> Step {
        let (name, unit) = ("reading evidence".to_owned(), "items".to_owned());
        Step { name, unit, total, done: AtomicU64::new(done), began: Instant::now() }
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_yet() {
        let after = Duration::from_secs(10);
        let line = |total, done| step(total, done).running(after);
        assert_eq!(
            line(Some(30_000), 20_000),
            "reading evidence ... 10 s, 20,000 of 30,000 items, 2,000/s, about 5 s left"
        );
        assert_eq!(line(None, 1_000), "reading evidence ... 10 s, 1,000 items, 100/s");
        assert_eq!(line(Some(5), 0), "reading evidence ... 10 s");
        assert_eq!(line(Some(5), 10), "reading evidence ... 10 s, 10 of 5 items, 1/s");
    }

    #[test]
    fn the_last_line_says_what_it_came_to() {
        let after = Duration::from_millis(1_540);
        assert_eq!(step(None, 0).ended(after), "reading evidence: 1.5 s");
        assert_eq!(step(None, 1_234_567).ended(after), "reading evidence: 1,234,567 items, 1.5 s");
    }
}
