use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Decimal;

/// A currency by its ISO 4217 code, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Currencies without minor units (source: Stripe's list of them, without UGX: that and ISK have
/// none any more, but Stripe goes on counting hundredths, and 5 UGX are 500 to it).
const ZERO_DECIMAL: &str = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF";
/// Currencies whose minor unit is a thousandth.
const THREE_DECIMAL: &str = "BHD JOD KWD OMR TND";

impl Currency {
    /// How many decimal places the major unit has.
    pub fn places(self) -> u8 {
        let is_in = |list: &str| list.split(' ').any(|code| code.as_bytes() == self.0);
        match () {
            () if is_in(ZERO_DECIMAL) => 0,
            () if is_in(THREE_DECIMAL) => 3,
            () => 2,
        }
    }
}

/// A text that is not three letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a currency code (three letters are needed): {0:?}")]
pub struct CurrencyError(String);

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_uppercase().as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(CurrencyError(text.to_owned())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&b| write!(f, "{}", char::from(b)))
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

/// An amount of money in minor units (cents, yen, fils) of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative for what was paid back.
    pub minor: i64,
    /// The currency that they count.
    pub currency: Currency,
}

impl Money {
    /// The amount that a number in major units means, where it has no more places than the
    /// currency does.
    pub fn from_major(major: Decimal, currency: Currency) -> Option<Self> {
        let minor = major.rescale(currency.places())?;
        Some(Self { minor, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let major = Decimal { unscaled: self.minor, scale: self.currency.places() };
        write!(f, "{major} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(minor: i64, currency: &str) -> String {
        Money { minor, currency: currency.parse().unwrap() }.to_string()
    }

    #[test]
    fn each_currency_has_its_own_number_of_places() {
        assert_eq!(shown(123_456, "eur"), "1234.56 EUR");
        assert_eq!(shown(12_000, "jpy"), "12000 JPY");
        assert_eq!(shown(-1_500, "KWD"), "-1.500 KWD");
        assert_eq!(shown(50_000, "UGX"), "500.00 UGX");
    }

    #[test]
    fn major_units_become_minor_ones_only_without_loss() {
        let of = |text: &str, code: &str| {
            Money::from_major(text.parse().unwrap(), code.parse().unwrap()).map(|m| m.minor)
        };
        assert_eq!(of("12.5", "EUR"), Some(1250));
        assert_eq!(of("12.5", "JPY"), None);
    }
}
