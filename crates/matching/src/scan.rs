//! Numbers and moments read from the texts of a column, where a measure asks for them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A decimal number as hundredths: `1,234.50`, `1.234,50`, `€ 12`, `-3`. `None` where the
/// text holds anything else.
pub(crate) fn amount(text: &str) -> Option<i64> {
    let bare = text.trim_matches(|c: char| !c.is_ascii_digit() && c != '-' && c != '.' && c != ',');
    let (sign, bare) = bare.strip_prefix('-').map_or((1, bare), |rest| (-1, rest));
    let decimal = bare.rfind(['.', ',']).filter(|&at| {
        let mark = &bare[at..=at];
        let grouped = bare.len() - at == 4 && at > 0 && !bare.starts_with('0');
        bare.matches(mark).count() == 1 && !(grouped && mark == ",")
    });
    let (whole, cents) = decimal.map_or((bare, ""), |at| (&bare[..at], &bare[at + 1..]));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let whole: String = whole.chars().filter(|c| !matches!(c, ',' | '.' | '\'' | ' ')).collect();
    if !digits(&whole) || !digits(cents) || (whole.is_empty() && cents.is_empty()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut hundredths = format!("{:0<3}", cents);
    hundredths.truncate(3);
    let hundredths: i64 = hundredths.parse().ok()?;
    whole.checked_mul(100)?.checked_add((hundredths + 5) / 10).map(|n| sign * n)
}

/// A moment in seconds of the epoch: ISO 8601, or eight digits of a date; without a zone, UTC.
pub(crate) fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let day = |y: &str, m: &str, d: &str| {
        let date = Date::new(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?).ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    };
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return day(&text[..4], &text[4..6], &text[6..]);
    }
    if text.len() == 10 && text.is_ascii() {
        return day(&text[..4], text[5..].get(..2)?, &text[8..]);
    }
    if text.len() < 10 || !text.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let text = text.to_ascii_uppercase();
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_second());
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_many_countries() {
        for (text, expect) in [
            ("186.63", Some(18_663)),
            ("300.9", Some(30_090)),
            ("1,234.50", Some(123_450)),
            ("1.234,50", Some(123_450)),
            ("1,234", Some(123_400)),
            ("€ 12", Some(1_200)),
            ("-3,5", Some(-350)),
            ("0.999", Some(100)),
            ("12 chq", Some(1_200)),
            ("12a4", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(amount(text), expect, "{text}");
        }
    }

    #[test]
    fn moments_with_and_without_time_and_zone() {
        for (text, expect) in [
            ("1970-01-02", Some(86_400)),
            ("19700102", Some(86_400)),
            ("1970-01-02t00:00:01z", Some(86_401)),
            ("1970-01-02 00:00:01", Some(86_401)),
            ("1970-01-02t01:00:00+01:00", Some(86_400)),
            ("1970-13-02", None),
            ("19701302", None),
            ("soon", None),
        ] {
            assert_eq!(moment(text), expect, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_an_answer(text in ".*", odd in "[0-9.,:t -]{0,24}") {
            for text in [&text, &odd] {
                let _ = (amount(text), moment(text));
            }
        }
    }
}
