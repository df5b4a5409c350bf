//! The text in a boarding pass's barcode: IATA's bar coded boarding pass (Resolution 792), whose
//! fields have fixed widths. It says the code of the booking where nothing else of a ticket does.

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::Date;
use restitch_model::FactValue;

use crate::page::Page;
use crate::{Context, Found, Style};

/// What stands once: the format, the number of legs, the passenger, whether it is electronic.
const HEAD: usize = 23;
/// What stands for each leg, up to the length of what airlines add.
const LEG: usize = 37;

/// A boarding pass as its barcode writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardingPass {
    /// The passenger, with the first name first: `LUC DESMARAIS` for `DESMARAIS/LUC`. A title that
    /// is written together with the first name stays there.
    pub passenger: String,
    /// The flights, one to four.
    pub legs: Vec<Leg>,
}

/// A flight of a [`BoardingPass`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The code of the booking with this flight's airline.
    pub reference: String,
    /// Where in the text the code stands, in bytes.
    pub reference_at: Range<usize>,
    /// The day of its year on which it leaves, from 1 to 366; the year is not told.
    pub day: Option<u16>,
    /// Where in the text the day stands, in bytes.
    pub day_at: Range<usize>,
}

impl Leg {
    /// The day on which it leaves, in that year which brings it nearest to another day.
    pub fn day_near(&self, other: Date) -> Option<Date> {
        let after = self.day?.checked_sub(1)?;
        let of_year = |year: i16| {
            let date = Date::new(year, 1, 1).ok()?.checked_add(i64::from(after).days()).ok()?;
            (date.year() == year).then_some(date)
        };
        let years = [-1, 0, 1].into_iter().filter_map(|n| other.year().checked_add(n));
        years.filter_map(of_year).min_by_key(|date| (*date - other).get_days().abs())
    }
}

/// The boarding pass that a text begins with, if it does. Whatever follows its legs (what the
/// airline added, a signature) is not looked at.
pub fn boarding_pass(text: &str) -> Option<BoardingPass> {
    Some(read(text)?.0)
}

/// The boarding pass, and where what was read of it ends.
fn read(text: &str) -> Option<(BoardingPass, usize)> {
    let field = |at: usize, width: usize| text.get(at..at + width).filter(|f| f.is_ascii());
    let count = field(1, 1)?.parse::<usize>().ok().filter(|count| (1..=4).contains(count))?;
    let is_electronic = |mark: &str| matches!(mark, "E" | " ");
    if field(0, 1)? != "M" || !field(22, 1).is_some_and(is_electronic) {
        return None;
    }
    let passenger = passenger(field(2, 20)?)?;
    let mut legs = Vec::new();
    let mut at = HEAD;
    for _ in 0..count {
        let code = field(at, 7)?;
        let reference = code.trim_end();
        let is_code = (5..=7).contains(&reference.len())
            && reference.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let is_airport = |code: &str| code.bytes().all(|b| b.is_ascii_uppercase());
        let places =
            field(at + 7, 3).is_some_and(is_airport) && field(at + 10, 3).is_some_and(is_airport);
        let day = match field(at + 21, 3)?.trim() {
            "" => None,
            day => Some(day.parse::<u16>().ok().filter(|day| (1..=366).contains(day))?),
        };
        let added = usize::from_str_radix(field(at + 35, 2)?, 16).ok();
        let (true, true, Some(added)) = (is_code, places, added) else { return None };
        legs.push(Leg {
            reference: reference.to_owned(),
            reference_at: at..at + reference.len(),
            day,
            day_at: at + 21..at + 24,
        });
        at += LEG;
        if legs.len() < count {
            at += added;
        }
    }
    Some((BoardingPass { passenger, legs }, at))
}

/// `DESMARAIS/LUC` the other way round.
fn passenger(written: &str) -> Option<String> {
    let written = written.trim_end();
    let is_name = |b: u8| b.is_ascii_uppercase() || matches!(b, b' ' | b'/' | b'-' | b'\'' | b'.');
    if written.is_empty() || !written.bytes().all(is_name) {
        return None;
    }
    Some(match written.split_once('/') {
        Some((last, first)) => format!("{} {}", first.trim(), last.trim()).trim().to_owned(),
        None => written.to_owned(),
    })
}

/// The codes of the bookings and, before a day of writing, the days of flights in the boarding
/// passes of a text.
pub(crate) fn find(page: &mut Page<'_>, context: Context, out: &mut Vec<Found>) {
    for i in 0..page.len() {
        let begins = page.str(i) == "M" && !page.is_taken(i) && page.number(i + 1, 1).is_some();
        if !begins || i > 0 && page.is_solid(i - 1) {
            continue;
        }
        let start = page.bytes(&(i..i + 1)).start;
        let Some((pass, length)) = read(page.rest(i)) else { continue };
        for leg in pass.legs {
            let mut add = |value, at: Range<usize>| {
                let (start, end) = (start + at.start, start + at.end);
                out.push(Found { value, start, end, style: Style::Plain });
            };
            if let Some(day) = context.written_on.and_then(|written_on| leg.day_near(written_on)) {
                add(FactValue::Date(day), leg.day_at.clone());
            }
            add(FactValue::Reference(leg.reference), leg.reference_at);
        }
        let mut end = i;
        while end < page.len() && page.bytes(&(end..end + 1)).start < start + length {
            end += 1;
        }
        page.take(i..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check, check_on};

    const PASS: &str = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100";

    #[test]
    fn a_pass_tells_passenger_booking_and_day() {
        let pass = boarding_pass(PASS).unwrap();
        assert_eq!(pass.passenger, "LUC DESMARAIS");
        let [leg] = &pass.legs[..] else { panic!("{pass:?}") };
        assert_eq!((leg.reference.as_str(), leg.day), ("ABC123", Some(326)));
        assert_eq!(&PASS[leg.reference_at.clone()], "ABC123");
        assert_eq!(&PASS[leg.day_at.clone()], "326");
    }

    #[test]
    fn every_leg_has_a_booking_of_its_own() {
        let head = "M2MUSTER/ANNA         E";
        let first = "XKQWPT FRAZRHLH 1234 010Y012C0007 106";
        let second = "RST456 ZRHJFKLX 0014 011Y020A0090 100^160";
        let pass = boarding_pass(&format!("{head}{first}>60000{second}")).unwrap();
        let told: Vec<_> = pass.legs.iter().map(|l| (l.reference.as_str(), l.day)).collect();
        assert_eq!(told, [("XKQWPT", Some(10)), ("RST456", Some(11))]);
        // A second leg that is not there makes it no pass.
        assert_eq!(boarding_pass(&format!("{head}{first}>60000")), None);
    }

    #[test]
    fn the_year_is_that_which_brings_it_near() {
        let leg = &boarding_pass(&PASS.replace(" 326J", " 001J")).unwrap().legs[0];
        let near = |day: &str| leg.day_near(day.parse().unwrap()).unwrap().to_string();
        assert_eq!(near("2025-12-20"), "2026-01-01");
        assert_eq!(near("2026-02-20"), "2026-01-01");
        let last = &boarding_pass(&PASS.replace(" 326J", " 366J")).unwrap().legs[0];
        assert_eq!(last.day_near("2024-11-01".parse().unwrap()).unwrap().to_string(), "2024-12-31");
        assert_eq!(last.day_near("2026-07-01".parse().unwrap()), None);
    }

    #[test]
    fn what_only_looks_like_a_pass_is_none() {
        for other in [
            "",
            "M1",
            "M5DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100",
            "M1desmarais/luc       EABC123 YULFRAAC 0834 326J001A0025 100",
            "M1DESMARAIS/LUC       EABC123 YULF1AAC 0834 326J001A0025 100",
            "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 400J001A0025 100",
            "M1DESMARAIS/LUC EABC123 YULFRAAC 0834 326J001A0025 100",
            "M1DESMARÄIS/LUC      EABC123 YULFRAAC 0834 326J001A0025 100",
        ] {
            assert_eq!(boarding_pass(other), None, "{other}");
        }
    }

    #[test]
    fn a_pass_in_a_text_is_read_as_nothing_else() {
        let text = format!("Code:\n{PASS}\nbye");
        check(&text, "reference ABC123 @29-35");
        check_on("2026-11-01", &text, "reference ABC123 @29-35; date 2026-11-22 @50-53");
    }
}
