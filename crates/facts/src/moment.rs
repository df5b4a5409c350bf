//! Dates and times, alone and together.

use jiff::civil::Date;
use restitch_model::{FactValue, LocalTime};

use crate::Found;
use crate::date::DateSpan;
use crate::page::Page;
use crate::pairing::owners;
use crate::time::TimeSpan;
use crate::zone::Zone;

/// Puts out every date and every time, and for those that stand together also the moment
/// that they make. `dates` and `times` are in the order in which they stand. Lets go of times
/// that would be times only beside a date.
pub(crate) fn combine(
    page: &mut Page<'_>,
    dates: &[DateSpan],
    times: &[TimeSpan],
    out: &mut Vec<Found>,
) {
    for date in dates {
        out.extend(
            date.readings
                .iter()
                .map(|&(value, style)| page.found(&date.tokens, FactValue::Date(value), style)),
        );
    }
    let owners = owners(page, dates, times);
    for (time, owner) in times.iter().zip(owners) {
        if time.needs_date && owner.is_none() {
            page.release(time.tokens.start..time.zone_end);
            continue;
        }
        out.push(page.found(&time.tokens, FactValue::Time(time.time), crate::Style::Plain));
        let Some(date) = owner.map(|at| &dates[at]) else { continue };
        let mut tokens =
            date.tokens.start.min(time.tokens.start)..date.tokens.end.max(time.zone_end);
        let text = page.slice(&tokens);
        if page.is(tokens.end, ')') && text.matches('(').count() > text.matches(')').count() {
            tokens.end += 1;
        }
        for &(day, style) in &date.readings {
            if let Some(value) = together(day, time) {
                out.push(page.found(&tokens, value, style));
            }
        }
    }
}

/// The moment that a date and a time make.
fn together(day: Date, time: &TimeSpan) -> Option<FactValue> {
    let day = if time.ends_day { day.tomorrow().ok()? } else { day };
    let civil = day.to_datetime(time.time);
    Some(match &time.zone {
        Zone::Offset(seconds) => {
            let offset = jiff::tz::Offset::from_seconds(*seconds).ok()?;
            FactValue::Instant(offset.to_timestamp(civil).ok()?)
        }
        Zone::Named(name) => FactValue::Local(LocalTime { civil, zone: Some(name.clone()) }),
        Zone::Unsaid => FactValue::Local(LocalTime { civil, zone: None }),
    })
}

#[cfg(test)]
mod tests {
    use crate::check::{check_on, check_only};

    /// The moments alone.
    fn moments(text: &str, expect: &str) {
        check_only(text, &["local", "instant"], expect);
    }

    #[test]
    fn a_time_beside_a_date_makes_a_moment() {
        for text in [
            "4 March 2025 at 10:30",
            "4 March 2025, 10:30 am",
            "4. März 2025 um 10:30 Uhr",
            "4. März 2025, 10.30 Uhr",
            "4 mars 2025 à 10h30",
            "4 de marzo de 2025 a las 10:30",
            "4 marzo 2025 alle ore 10.30",
            "4 maart 2025 om 10.30 uur",
            "4 de março de 2025 às 10h30",
            "2025-03-04 10:30",
            "2025-03-04T10:30",
            "2025-03-04 | 10:30",
            "2025-03-04 - 10:30:00",
            "10:30 on 4 March 2025",
            "10:30 Uhr am 4. März 2025",
            "10h30 le 4 mars 2025",
        ] {
            moments(text, &format!("local 2025-03-04T10:30:00 @0-{}", text.len()));
        }
    }

    #[test]
    fn the_parts_of_a_moment_are_found_as_well() {
        check_on(
            "2025-01-01",
            "2025-03-04 10:30",
            "date 2025-03-04 @0-10; local 2025-03-04T10:30:00 @0-16; time 10:30:00 @11-16",
        );
    }

    #[test]
    fn an_ambiguous_date_makes_two_moments() {
        moments(
            "03/04/2025 10:30",
            "local 2025-04-03T10:30:00 dmy @0-16; local 2025-03-04T10:30:00 mdy @0-16",
        );
    }

    #[test]
    fn an_offset_makes_an_instant() {
        moments("2025-03-04T10:30:00+02:00", "instant 2025-03-04T08:30:00Z @0-25");
        moments("2025-03-04T10:30:00.250Z", "instant 2025-03-04T10:30:00.25Z @0-24");
        moments("2025-03-04T10:30:00-05:00", "instant 2025-03-04T15:30:00Z @0-25");
        moments("20250304T103000Z", "instant 2025-03-04T10:30:00Z @0-16");
        moments("Tue, 4 Mar 2025 10:30:00 +0100 (CET)", "instant 2025-03-04T09:30:00Z @0-30");
        moments("4 March 2025, 10:30 (UTC+2)", "instant 2025-03-04T08:30:00Z @0-27");
    }

    #[test]
    fn a_named_zone_stays_with_the_local_time() {
        moments("2025-03-04 10:30 UTC", "local 2025-03-04T10:30:00[UTC] @0-20");
        moments("2025-03-04 10:30 CET", "local 2025-03-04T10:30:00 @0-20");
        moments(
            "2025-03-04 10:30 (Europe/Berlin)",
            "local 2025-03-04T10:30:00[Europe/Berlin] @0-32",
        );
        moments(
            "2025-03-04T10:30:00+01:00[Europe/Berlin]",
            "local 2025-03-04T10:30:00[Europe/Berlin] @0-40",
        );
    }

    #[test]
    fn brackets_around_the_time_belong_to_the_moment() {
        moments("4 March 2025 (10:30)", "local 2025-03-04T10:30:00 @0-20");
    }

    #[test]
    fn columns_are_read_from_their_first_one() {
        moments(
            "4 Mar 2025, 10:00 7 Mar 2025, 18:00",
            "local 2025-03-04T10:00:00 @0-17; local 2025-03-07T18:00:00 @18-35",
        );
        moments(
            "4 Mar 2025 10:00-12:00 5 Mar 2025 10:00-12:00",
            "local 2025-03-04T10:00:00 @0-16; local 2025-03-04T12:00:00 @0-22; \
             local 2025-03-05T10:00:00 @23-39; local 2025-03-05T12:00:00 @23-45",
        );
    }

    #[test]
    fn each_time_goes_to_its_own_date() {
        moments(
            "03.12.2025 10:00 - 15.12.2025 12:00",
            "local 2025-12-03T10:00:00 dmy @0-16; local 2025-03-12T10:00:00 mdy @0-16; \
             local 2025-12-15T12:00:00 dmy @19-35",
        );
        moments(
            "10:00 13.12.2025 - 12:00 15.12.2025",
            "local 2025-12-13T10:00:00 dmy @0-16; local 2025-12-15T12:00:00 dmy @19-35",
        );
    }

    #[test]
    fn both_ends_of_a_span_of_times_are_on_the_day() {
        moments(
            "4 March 2025, 10:00–12:30",
            "local 2025-03-04T10:00:00 @0-19; local 2025-03-04T12:30:00 @0-27",
        );
        moments("4 March 2025, 22:00-02:00", "local 2025-03-04T22:00:00 @0-19");
    }

    #[test]
    fn midnight_at_the_end_of_a_day_is_the_next_day() {
        moments("2025-12-31 24:00", "local 2026-01-01T00:00:00 @0-16");
    }

    #[test]
    fn another_line_or_a_sentence_between_makes_no_moment() {
        moments("2025-03-04\n10:30", "");
        moments("2025-03-04; 10:30", "");
        moments("Booked 2025-03-04. We open at 10:30", "");
    }

    #[test]
    fn an_hour_beside_a_date_is_a_time() {
        moments("4 mars 2025, 10h", "local 2025-03-04T10:00:00 @0-16");
    }
}
