//! Results to stdout, all else to stderr.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::process::exit;

use restitch_model::Remark;
use serde::Serialize;

use crate::args::{Color, Global};

/// How many sorts of remarks are shown.
const REMARKS: usize = 5;

/// A result: it shows as text, and as JSON by what it serialises to.
pub trait Shown: Serialize {
    /// The text for a person, with a newline at its end.
    fn text(&self, style: Style) -> String;
}

/// Whether words may be set off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    is_on: bool,
}

impl Style {
    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.set(text, "1")
    }

    /// What went wrong.
    pub fn red(self, text: &str) -> String {
        self.set(text, "1;31")
    }

    fn set(self, text: &str, code: &str) -> String {
        if self.is_on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Where a command's words go.
#[derive(Debug, Clone)]
pub struct Printer {
    /// Print results as JSON.
    pub json: bool,
    /// Print nothing but results and errors.
    pub quiet: bool,
    color: Color,
}

impl Printer {
    /// The printer that was asked for.
    pub fn new(global: &Global) -> Self {
        Self { json: global.json, quiet: global.quiet, color: global.color }
    }

    /// Shows the result of a command.
    pub fn show(&self, result: &impl Shown) {
        if self.json {
            self.line(result);
        } else {
            self.out(&result.text(self.style(io::stdout().is_terminal())));
        }
    }

    /// Shows a value as one line of JSON.
    pub fn line(&self, value: &impl Serialize) {
        let json = serde_json::to_string(value).expect("a result is plain data");
        self.out(&(json + "\n"));
    }

    /// Writes to stdout. A reader that has gone away has seen enough.
    pub fn out(&self, text: &str) {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit(0),
            Err(error) => {
                self.error(&[format!("cannot write the result: {error}")]);
                exit(1);
            }
        }
    }

    /// Says something beside the result.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Shows the most frequent remarks, and says how many there are and where all of them are.
    pub fn remarks(&self, remarks: &[Remark], place: &str) {
        for line in counted(remarks) {
            self.note(&line);
        }
        if remarks.len() > 1 {
            self.note(&format!("all {} remarks are in {place}", remarks.len()));
        }
    }

    /// Says what failed, and what that came from.
    pub fn error(&self, chain: &[String]) {
        let red = self.style(io::stderr().is_terminal()).red("error:");
        for (i, text) in chain.iter().enumerate() {
            let text = text.trim_end();
            self.say(&if i == 0 { format!("{red} {text}") } else { format!("  because {text}") });
        }
    }

    fn style(&self, is_terminal: bool) -> Style {
        let is_plain = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_on = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !is_plain(),
        };
        Style { is_on }
    }

    fn say(&self, text: &str) {
        // There is nobody left to tell where stderr cannot be written.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// The most frequent remarks, each with how often it was made and the first that it is about.
fn counted(remarks: &[Remark]) -> Vec<String> {
    let mut by_text: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for remark in remarks {
        by_text.entry(&remark.text).or_insert((0, &remark.about)).0 += 1;
    }
    let mut sorted: Vec<_> = by_text.into_iter().collect();
    sorted.sort_by_key(|(text, (count, _))| (Reverse(*count), *text));
    let line = |(text, (count, about)): &(&str, (usize, &str))| match count {
        1 => format!("remark: {about}: {text}"),
        _ => format!("remark, {count} times, first {about}: {text}"),
    };
    sorted.iter().take(REMARKS).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_that_was_made_often_is_shown_once() {
        let remarks = [("a", "torn"), ("b", "no zone"), ("c", "no zone")];
        let remarks = remarks.map(|(about, text)| Remark::new(about, text));
        assert_eq!(counted(&remarks), ["remark, 2 times, first b: no zone", "remark: a: torn"]);
    }
}
