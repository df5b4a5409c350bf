//! How currencies are written: ISO 4217 codes, symbols and words.

use std::ops::Range;

use crate::page::{Kind, Page};

/// The active codes of ISO 4217 (funds, metals and test codes left out).
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL \
    BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR \
    FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY \
    KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU \
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD \
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY \
    TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW";

/// Codes that are words as well: they need an amount with cents beside them.
const WORDS: &str = "ALL BAM BOB COP CUP GEL LAK MAD MOP PEN RON SOS TOP TRY";

/// A currency as it is written beside an amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sign {
    /// Where it stands.
    pub(crate) tokens: Range<usize>,
    /// Its code; `None` for a sign that several currencies share, such as `kr`.
    pub(crate) code: Option<&'static str>,
    /// Whether the code itself is written, which a symbol cannot overrule.
    pub(crate) is_code: bool,
    /// Whether it is a word that only an amount with cents makes a currency.
    pub(crate) is_doubtful: bool,
}

/// The currency that begins at a token.
pub(crate) fn sign(page: &Page<'_>, i: usize) -> Option<Sign> {
    match page.kind(i) {
        Kind::Sign(c) => symbol(c).map(|code| plain(i..i + 1, Some(code))),
        Kind::Word if page.is(i + 1, '$') => dollar(page, i),
        Kind::Word => {
            let mut sign = word(page, i)?;
            let is_short = matches!(page.str(i), "Fr" | "SFr" | "Rs" | "kr" | "Kr");
            if is_short && page.is(i + 1, '.') {
                sign.tokens.end += 1;
            }
            Some(sign)
        }
        _ => None,
    }
}

/// The currency that ends before a token.
pub(crate) fn sign_before(page: &Page<'_>, end: usize) -> Option<Sign> {
    let last = end.checked_sub(1)?;
    let is_apart = |i: usize| page.back(i, 1) != Kind::Number;
    match page.kind(last) {
        Kind::Sign('$') if page.back(last, 1) == Kind::Word => {
            dollar(page, last - 1).or_else(|| Some(plain(last..end, Some("USD"))))
        }
        Kind::Sign('.') if page.back(last, 1) == Kind::Word => {
            sign(page, last - 1).filter(|sign| sign.tokens.end == end && is_apart(last - 1))
        }
        Kind::Sign(c) => symbol(c).map(|code| plain(last..end, Some(code))),
        Kind::Word if is_apart(last) => word(page, last),
        _ => None,
    }
}

fn plain(tokens: Range<usize>, code: Option<&'static str>) -> Sign {
    Sign { tokens, code, is_code: false, is_doubtful: false }
}

/// Source: Unicode's block of currency symbols, those that one currency has. `$` and `¥`,
/// which many have, stand for the most common one.
fn symbol(c: char) -> Option<&'static str> {
    Some(match c {
        '€' => "EUR",
        '$' | '＄' => "USD",
        '£' => "GBP",
        '¥' | '￥' => "JPY",
        '₹' => "INR",
        '₽' => "RUB",
        '₩' => "KRW",
        '₪' => "ILS",
        '₺' => "TRY",
        '₫' => "VND",
        '฿' => "THB",
        '₴' => "UAH",
        '₦' => "NGN",
        '₱' => "PHP",
        '₡' => "CRC",
        '₲' => "PYG",
        '₸' => "KZT",
        '₾' => "GEL",
        '₼' => "AZN",
        '₵' => "GHS",
        _ => return None,
    })
}

/// `US$`, `A$`: letters and the dollar behind them.
fn dollar(page: &Page<'_>, i: usize) -> Option<Sign> {
    let code = match page.str(i) {
        "US" | "U" => "USD",
        "A" | "AU" => "AUD",
        "C" | "CA" | "CDN" | "Can" => "CAD",
        "NZ" => "NZD",
        "HK" => "HKD",
        "S" | "SG" => "SGD",
        "R" => "BRL",
        "MX" | "Mex" => "MXN",
        "NT" => "TWD",
        "AR" => "ARS",
        "CL" => "CLP",
        other => {
            let at = other.len().checked_sub(3).filter(|&at| at == 0)?;
            code_of(&other[at..])?
        }
    };
    let is_code = page.str(i).len() == 3 && code_of(page.str(i)).is_some();
    Some(Sign { tokens: i..i + 2, code: Some(code), is_code, is_doubtful: false })
}

fn word(page: &Page<'_>, i: usize) -> Option<Sign> {
    let text = page.str(i);
    let tokens = i..i + 1;
    if let Some(code) = code_of(text) {
        let is_doubtful = WORDS.contains(code);
        return Some(Sign { tokens, code: Some(code), is_code: true, is_doubtful });
    }
    let code = match page.word(i) {
        "eur" | "euro" | "euros" => Some("EUR"),
        "usd" | "dollar" | "dollars" => Some("USD"),
        "gbp" => Some("GBP"),
        "chf" | "sfr" | "franken" => Some("CHF"),
        "zl" | "zloty" => Some("PLN"),
        "kc" if text != "KC" => Some("CZK"),
        "lei" => Some("RON"),
        "rs" => Some("INR"),
        "reais" => Some("BRL"),
        "yen" => Some("JPY"),
        "kr" | "kronor" | "kroner" => None,
        "ft" | "tl" | "fr" if matches!(text, "Ft" | "TL" | "Fr") => {
            let code = match text {
                "Ft" => "HUF",
                "TL" => "TRY",
                _ => "CHF",
            };
            return Some(Sign { is_doubtful: text == "Fr", ..plain(tokens, Some(code)) });
        }
        _ => return None,
    };
    let is_code =
        text.len() == 3 && text.is_ascii() && code.is_some_and(|c| text.eq_ignore_ascii_case(c));
    Some(Sign { is_code, ..plain(tokens, code) })
}

fn code_of(text: &str) -> Option<&'static str> {
    if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    CODES.split_ascii_whitespace().find(|code| *code == text)
}
