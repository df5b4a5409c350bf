use std::fmt;

use serde::{Deserialize, Serialize};

/// Figures from fewer examples than this are marked as thin.
pub const THIN: u64 = 30;

/// An interval of a share or an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// How many were right, or found.
    pub hits: u64,
    /// Of how many.
    pub n: u64,
}

impl Share {
    /// Counts one more example.
    pub fn add(&mut self, hit: bool) {
        self.hits += u64::from(hit);
        self.n += 1;
    }

    /// Hits by n; `None` where there is no example.
    pub fn rate(&self) -> Option<f64> {
        (self.n > 0).then(|| self.hits as f64 / self.n as f64)
    }

    /// Too few examples to lean on.
    pub fn is_thin(&self) -> bool {
        self.n < THIN
    }

    /// The 95 % score interval (Wilson 1927). All of [0, 1] where there is no example.
    pub fn wilson(&self) -> Interval {
        if self.n == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        const Z: f64 = 1.959_964;
        let n = self.n as f64;
        let p = self.hits as f64 / n;
        let centre = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Interval {
            low: ((centre - spread) / scale).max(0.0),
            high: ((centre + spread) / scale).min(1.0),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rate() {
            None => f.write_str("not measured"),
            Some(rate) => {
                let thin = if self.is_thin() { ", thin" } else { "" };
                write!(f, "{:.1} % ({} of {}{thin})", rate * 100.0, self.hits, self.n)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_agrees_with_the_published_example() {
        // Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
        let Interval { low, high } = Share { hits: 81, n: 263 }.wilson();
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} {high}");
    }

    #[test]
    fn few_examples_are_called_thin() {
        assert_eq!(Share { hits: 3, n: 4 }.to_string(), "75.0 % (3 of 4, thin)");
        assert_eq!(Share::default().to_string(), "not measured");
    }
}
