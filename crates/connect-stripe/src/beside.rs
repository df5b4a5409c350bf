//! What stands beside a value and says how to read it: the currency of an amount, the country
//! of a phone number.

use restitch_facts::{Context, e164, scan};
use restitch_model::{Currency, Decimal, FactValue};

use crate::json::Members;

/// The members of an object that say how to read the others.
#[derive(Default)]
pub(crate) struct Beside {
    currency: Option<Currency>,
    country: Option<String>,
    /// Of a CSV row, whose fees and converted amounts are in the account's own currency.
    converted: Option<Currency>,
}

impl Beside {
    /// Of an object inside of another one, whose currency holds where it names none.
    pub(crate) fn of(members: &Members<'_>, around: &Self) -> Self {
        let currency = |name: &str| members.text(name).and_then(|code| code.parse().ok());
        let address = members.get("address").and_then(|raw| Members::of(raw.as_bytes()));
        Self {
            currency: currency("currency").or_else(|| currency("Currency")).or(around.currency),
            country: address.and_then(|address| address.text("country")),
            converted: currency("Converted Currency"),
        }
    }

    /// A whole number in minor units as an amount, where its name says that it is one.
    pub(crate) fn money(&self, key: &str, value: &FactValue) -> Option<FactValue> {
        let (FactValue::Integer(minor), Some(currency)) = (value, self.currency) else {
            return None;
        };
        let major = Decimal { unscaled: *minor, scale: currency.places() };
        is_amount(key).then(|| FactValue::Amount { major, currency: Some(currency.to_string()) })
    }

    /// A cell of a CSV row as an amount, where its column is one of amounts.
    pub(crate) fn row_money(&self, column: &str, text: &str) -> Option<FactValue> {
        let currency = match column {
            "Converted Amount" | "Converted Amount Refunded" | "Fee" => {
                self.converted.or(self.currency)
            }
            "Amount" | "Amount Refunded" | "Net" | "Taxes On Fee" | "Total Spend" => self.currency,
            _ => None,
        }?;
        let written = format!("{} {currency}", text.trim());
        let found = scan(&written, Context::default());
        let whole = found.into_iter().find(|f| (f.start, f.end) == (0, written.len()))?;
        matches!(whole.value, FactValue::Amount { .. }).then_some(whole.value)
    }

    /// A phone number by its digits, with its country where that is known.
    pub(crate) fn phone(&self, text: &str) -> Option<FactValue> {
        e164(text, self.country.as_deref()).map(FactValue::Phone)
    }
}

/// Whether a whole number under this name counts minor units (source: the objects of Stripe's
/// API reference).
fn is_amount(key: &str) -> bool {
    const AMOUNTS: [&str; 10] = [
        "amount",
        "fee",
        "net",
        "total",
        "subtotal",
        "tax",
        "balance",
        "starting_balance",
        "ending_balance",
        "unit_amount",
    ];
    AMOUNTS.contains(&key)
        || key.starts_with("amount_")
        || key.ends_with("_amount")
        || key.starts_with("total_excluding")
        || key.starts_with("subtotal_excluding")
}
