use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An exact decimal number: `unscaled / 10^scale`. `12.50` is (1250, 2).
///
/// Two decimals are equal when they are written alike: `1.5` and `1.50` differ, because the
/// number of places carries meaning where money is read from text. Compare amounts through
/// [`Decimal::rescale`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Decimal {
    /// The digits, with their sign.
    pub unscaled: i64,
    /// How many of them stand behind the point.
    pub scale: u8,
}

impl Decimal {
    /// The same number with another number of places, where that loses nothing.
    pub fn rescale(self, scale: u8) -> Option<i64> {
        if scale >= self.scale {
            let factor = 10i64.checked_pow(u32::from(scale - self.scale))?;
            self.unscaled.checked_mul(factor)
        } else {
            let factor = 10i64.checked_pow(u32::from(self.scale - scale))?;
            (self.unscaled % factor == 0).then(|| self.unscaled / factor)
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.unscaled);
        }
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = format!(
            "{:0>width$}",
            self.unscaled.unsigned_abs(),
            width = usize::from(self.scale) + 1
        );
        let (whole, part) = digits.split_at(digits.len() - usize::from(self.scale));
        write!(f, "{sign}{whole}.{part}")
    }
}

/// A text that is not a plain decimal number such as `-12.50`, or one too long to hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number: {0:?}")]
pub struct DecimalError(String);

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || DecimalError(text.to_owned());
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.trim_start_matches(['-', '+']);
        let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if digits.is_empty() || !plain(digits) || !plain(part) || whole.len() - digits.len() > 1 {
            return Err(fail());
        }
        Ok(Self {
            unscaled: format!("{whole}{part}").parse().map_err(|_| fail())?,
            scale: u8::try_from(part.len()).map_err(|_| fail())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_shown_as_it_was_written() {
        for text in ["0", "12.50", "-0.05", "-3", "1000.001"] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn rescaling_never_loses_a_digit() {
        let value: Decimal = "12.50".parse().unwrap();
        assert_eq!(value.rescale(2), Some(1250));
        assert_eq!(value.rescale(1), Some(125));
        assert_eq!(value.rescale(0), None);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", "1,5", "--1", "1e5", "99999999999999999999"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }
}
