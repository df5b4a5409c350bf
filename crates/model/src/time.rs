use serde::{Deserialize, Serialize};

/// A moment, in UTC.
pub type Instant = jiff::Timestamp;

/// A time as people wrote it, with the zone that it was said in, if any was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalTime {
    /// What the calendar and the clock on the wall show.
    pub civil: jiff::civil::DateTime,
    /// The IANA name of the zone, such as `Europe/Berlin`; `None` where nothing names it.
    pub zone: Option<String>,
}

impl LocalTime {
    /// The moment meant, taking `fallback` where the time names no zone of its own. A time
    /// that daylight saving skips or repeats takes the earlier offset, as RFC 5545 (3.3.5)
    /// says. `None` for a zone that nobody knows.
    pub fn instant(&self, fallback: &str) -> Option<Instant> {
        let zone = self.zone.as_deref().unwrap_or(fallback);
        let zoned = self.civil.in_tz(zone).ok()?;
        Some(zoned.timestamp())
    }
}

/// A span of time: from `start`, to but without `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeWindow {
    /// The first moment in it.
    pub start: Instant,
    /// The first moment after it.
    pub end: Instant,
}

impl TimeWindow {
    /// Whether the moment lies in the window.
    pub fn contains(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(civil: &str, zone: Option<&str>) -> String {
        let local = LocalTime { civil: civil.parse().unwrap(), zone: zone.map(str::to_owned) };
        local.instant("Europe/Berlin").unwrap().to_string()
    }

    #[test]
    fn a_time_without_zone_takes_the_fallback() {
        assert_eq!(instant("2026-01-15T10:00:00", None), "2026-01-15T09:00:00Z");
        assert_eq!(instant("2026-01-15T10:00:00", Some("UTC")), "2026-01-15T10:00:00Z");
    }

    #[test]
    fn a_time_that_stands_twice_on_the_clock_is_the_first() {
        assert_eq!(instant("2026-10-25T02:30:00", None), "2026-10-25T00:30:00Z");
    }
}
