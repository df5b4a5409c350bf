//! A stopwatch for the steps of a drill.

use std::collections::BTreeMap;
use std::time::Instant as Clock;

/// How long each step took.
pub(crate) struct Laps {
    last: Clock,
    /// In seconds.
    seconds: BTreeMap<&'static str, f64>,
}

impl Laps {
    /// Begins the first step.
    pub(crate) fn begin() -> Self {
        Self { last: Clock::now(), seconds: BTreeMap::new() }
    }

    /// Ends a step, and begins the next. A step that comes again adds to its time.
    pub(crate) fn end(&mut self, step: &'static str) {
        *self.seconds.entry(step).or_default() += self.last.elapsed().as_secs_f64();
        self.last = Clock::now();
    }

    /// What each step took, in seconds.
    pub(crate) fn seconds(self) -> BTreeMap<&'static str, f64> {
        self.seconds
    }
}
