//! Typed values found in text, with their places: what an ordinary booking mail in English,
//! German, French, Spanish, Italian, Dutch or Portuguese holds.
//!
//! A text is cut into tokens once; then the scanners go over them, the surest first, and each
//! marks what it has read, so that no digit is read as two things: e-mail addresses, the text of
//! boarding passes, bank accounts and international phone numbers; dates and times, also those that are told from the
//! day of writing; amounts; national phone numbers; licence plates, codes after a label, and
//! references; whole numbers. Only a date, a time and the moment that both make lie over one
//! another, and a date with two readings over itself.
//!
//! Scanning takes time in proportion to the text, whatever is in it.

mod amount;
mod boarding_pass;
#[cfg(test)]
mod check;
mod code;
mod country;
mod currency;
mod date;
mod email;
mod jotting;
mod moment;
mod months;
mod names;
mod number;
mod numeric_date;
mod page;
mod pairing;
mod phone;
mod plate;
mod reference;
mod relative;
mod time;
mod vin;
mod worded_date;
pub mod words;
mod zone;

use restitch_model::{Fact, FactValue, Place};

pub use boarding_pass::{BoardingPass, Leg, boarding_pass};
pub use country::e164;
pub use jotting::{Act, Jotting, jotting};
pub use months::is_calendar_word;
pub use names::names;
pub use vin::is_vin;

use crate::page::Page;

/// A value found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The value.
    pub value: FactValue,
    /// The first byte of it in the text.
    pub start: usize,
    /// The byte after its last one.
    pub end: usize,
    /// How the text was read, where it can be read in more ways than one.
    pub style: Style,
}

/// Which of several ways to read an ambiguous text gave the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// There is but one way.
    Plain,
    /// `03/04/2025` as the third of April.
    DayFirst,
    /// `03/04/2025` as the fourth of March.
    MonthFirst,
}

/// What helps to read a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// The day on which the text was written: dates without a year lie near it.
    pub written_on: Option<jiff::civil::Date>,
}

/// All typed values in a text, in the order in which they stand: by start, end, name of the
/// type and style. Ranges are bytes, never empty, and begin and end between characters.
///
/// A numeric date that can be read in two ways is there twice, once in each style; one that
/// can be read in one way only still says which it was. A date beside a time is there three
/// times: both alone, and the moment that they make.
pub fn scan(text: &str, context: Context) -> Vec<Found> {
    scan_page(&mut Page::new(text), context)
}

fn scan_page(page: &mut Page<'_>, context: Context) -> Vec<Found> {
    let mut out = Vec::new();
    email::find(page, &mut out);
    boarding_pass::find(page, context, &mut out);
    plate::find_accounts(page, &mut out);
    phone::find_international(page, &mut out);
    let mut dates = date::find(page, context);
    let mut times = time::find(page);
    dates.extend(date::find_short(page, &times, context));
    relative::find_hours(page, &dates, &mut times);
    dates.extend(relative::find(page, &mut times, context));
    dates.sort_by_key(|date| date.tokens.start);
    moment::combine(page, &dates, &times, &mut out);
    amount::find(page, &mut out);
    phone::find_national(page, &mut out);
    plate::find_plates(page, &mut out);
    number::find_parted(page, &mut out);
    code::find(page, &mut out);
    reference::find(page, &mut out);
    number::find(page, &mut out);
    let place = |found: &Found| (found.start, found.end, found.value.type_name(), found.style);
    out.sort_by(|a, b| place(a).cmp(&place(b)));
    out
}

/// The values in a text as facts named `field#type`, in the order of [`scan`]; then each
/// reference that proves to be a vehicle's number as `field#vin`, and the [`names`] of people as
/// `field#name`.
pub fn scan_field(field: &str, text: &str, context: Context) -> Vec<Fact> {
    let fact = |kind: &str, value: FactValue, start: usize, end: usize| Fact {
        name: format!("{field}#{kind}").into(),
        place: Place::range(field, start, end),
        value,
    };
    let page = &mut Page::new(text);
    let found = scan_page(page, context);
    let vins = found.iter().filter_map(|found| match &found.value {
        FactValue::Reference(code) if is_vin(code) => {
            let value = FactValue::Reference(code.to_ascii_uppercase());
            Some(fact("vin", value, found.start, found.end))
        }
        _ => None,
    });
    let vins: Vec<Fact> = vins.collect();
    let names = names::find(page).into_iter().map(|range| {
        let value = FactValue::Text(text[range.clone()].to_owned());
        fact("name", value, range.start, range.end)
    });
    let found = found.into_iter().map(|Found { value, start, end, .. }| {
        let kind = value.type_name();
        fact(kind, value, start, end)
    });
    found.chain(vins).chain(names).collect()
}

/// What [`scan_field`] finds in those of the facts that are texts, each under its fact's name, in
/// their order. A source that gives values under names of its own (columns, JSON pointers) puts
/// them behind its facts.
pub fn scan_texts(facts: &[Fact], context: Context) -> Vec<Fact> {
    let texts = facts.iter().filter_map(|fact| match &fact.value {
        FactValue::Text(text) => Some((&fact.name, text)),
        _ => None,
    });
    texts.flat_map(|(name, text)| scan_field(name, text, context)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::check_on;

    #[test]
    fn facts_are_named_by_field_and_type() {
        let facts = scan_field("text", "Total €12.50", Context::default());
        assert_eq!((facts[0].name.as_str(), facts[0].place.range), ("text#amount", Some((6, 14))));
    }

    #[test]
    fn only_texts_are_scanned_each_under_its_own_name() {
        let fact = |name: &str, value| Fact { name: name.into(), value, place: Place::whole(name) };
        let facts = [
            fact("/b", FactValue::Text("mail a@x.de".to_owned())),
            fact("/n", FactValue::Email("b@x.de".to_owned())),
            fact("/a", FactValue::Text("Total €12.50".to_owned())),
        ];
        let found = scan_texts(&facts, Context::default());
        let names: Vec<String> = found.iter().map(|f| format!("{} {}", f.name, f.place)).collect();
        assert_eq!(names, ["/b#email /b@5-11", "/a#amount /a@6-14"]);
    }

    #[test]
    fn an_empty_text_holds_nothing() {
        check_on("2025-01-01", "", "");
    }

    /// Pieces that scanners care about, in any order.
    fn fragments() -> impl Strategy<Value = String> {
        const PIECES: [&str; 56] = [
            "PNR",
            "XKQWPT",
            "booking",
            "tomorrow",
            "Monday",
            "at",
            "Herr",
            "Dear",
            "3",
            "12",
            "25",
            "2025",
            "0042",
            "03.04.",
            "/",
            "-",
            ".",
            ",",
            ":",
            " ",
            "\n",
            "\u{a0}",
            "\u{202f}",
            "'",
            "’",
            "#",
            "@",
            "+",
            "(",
            ")",
            "[",
            "]",
            "€",
            "$",
            "EUR",
            "kr",
            "März",
            "may",
            "Tue",
            "so",
            "den",
            "am",
            "pm",
            "Uhr",
            "h",
            "T",
            "Z",
            "UTC",
            "Europe/Berlin",
            "bis",
            "–",
            "0049",
            "B-MW",
            "a.b",
            "ch_3N",
            "ß\u{308}",
        ];
        prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..24).prop_map(|v| v.concat())
    }

    fn holds(text: &str) {
        let written_on = Some(jiff::civil::date(2025, 2, 28));
        for context in [Context::default(), Context { written_on }] {
            let found = scan(text, context);
            for f in &found {
                assert!(
                    text.get(f.start..f.end).is_some_and(|s| !s.is_empty()),
                    "{f:?} in {text:?}"
                );
            }
            for range in names(text) {
                assert!(text.get(range).is_some_and(|s| !s.is_empty()), "in {text:?}");
            }
            e164(text, Some("DE"));
            // Only dates, times and moments lie over one another.
            let is_of_time =
                |f: &Found| matches!(f.value.type_name(), "date" | "time" | "local" | "instant");
            for pair in found.windows(2) {
                let apart = pair[0].end <= pair[1].start;
                assert!(apart || pair.iter().all(is_of_time), "{pair:?} in {text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_scanned(text in any::<String>()) {
            holds(&text);
        }

        #[test]
        fn any_mixture_of_what_scanners_know_is_scanned(text in fragments()) {
            holds(&text);
        }
    }

    #[test]
    fn long_texts_of_one_kind_take_no_longer_than_others() {
        // A quadratic scanner would take minutes for these.
        for piece in [
            "1",
            "1 ",
            "1.",
            "a@",
            "a",
            "@",
            "-",
            "1-",
            "12/",
            "+4",
            "00",
            "A1",
            "€",
            "3 M",
            "March 3 ",
            "10:30 ",
            "03.04.2025 - ",
            "(",
            "\u{a0}1",
            "AA 1",
            "M1",
            "M4A                   EABC123 YULFRAAC 0834 326J001A0025 1FF",
            "https://a/1",
            "#1",
            "a.",
            "12.03. bis ",
            "Tel 1 ",
            "B-M 1",
            "PNR ABCDEF ",
            "booking ",
            "ABCDEF ",
            "tomorrow at 10 ",
            "Monday ",
            "Herr ",
            "Dear A",
            "Dear de ",
            "A-",
        ] {
            let written_on = Some(jiff::civil::date(2025, 2, 28));
            scan_field("text", &piece.repeat(50_000 / piece.len()), Context { written_on });
        }
    }
}
