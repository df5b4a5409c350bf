//! The values that texts are filled with, as each studio writes them.

use jiff::civil::DateTime;

use super::life::{Cause, World};
use super::profile::Language;
use crate::clock::{MINUTE, Seconds, local};
use crate::form::Words;

impl World {
    /// A visit in words, as it was told at a moment.
    pub(super) fn words(&self, i: usize, version: usize, at: Seconds) -> Words {
        let visit = &self.visits[i];
        let (language, zone) = (self.profile(visit.studio).language, &self.zones[visit.studio]);
        let client = &self.clients[visit.client];
        let terms = visit.versions[version].terms;
        let old = visit.versions[version.saturating_sub(1)].terms;
        let lines: Vec<_> = self.lines_of(i).iter().filter(|line| line.since <= at).collect();
        let (minutes, cents) = self.sums(i, at);
        let service = |n: usize| &self.services[lines[n].service];
        let titles: Vec<&str> = (0..lines.len()).map(|n| service(n).title).collect();
        let joined = match titles.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) if language == Language::Italian => {
                format!("{} e {last}", others.join(", "))
            }
            _ => titles.join(" + "),
        };
        let table: Vec<String> = (0..lines.len())
            .map(|n| {
                let (service, price) = (service(n), money(lines[n].price, language));
                let (title, minutes) = (service.title, service.minutes);
                format!("<tr><td>{title}</td><td>{minutes} min</td><td>{price}</td></tr>")
            })
            .collect();
        let start = local(terms.start, zone);
        let before = local(old.start, zone);
        let offset = |at: Seconds| {
            let moment = jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            moment.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        };
        let plain = visit.id.replace('-', "");
        let prepaid =
            if visit.prepaid > 0 { money(visit.prepaid, language) } else { String::new() };
        Words::new(vec![
            ("id", visit.id.clone()),
            ("upper", visit.id.to_uppercase()),
            ("upper_hex", plain.to_uppercase()),
            ("digits", u64::from_str_radix(&plain[..13], 16).unwrap_or(0).to_string()),
            ("code", visit.code.clone().unwrap_or_default()),
            ("given", client.given.clone()),
            ("family", client.family.clone()),
            ("initial", client.given.chars().take(1).collect()),
            ("name", client.name()),
            ("email", client.email.clone().unwrap_or_default()),
            ("mobile", client.mobile.clone()),
            ("staff", self.staff[terms.staff].shown.clone()),
            ("room", format!("Gabinet {}", terms.staff % 3 + 1)),
            ("services", joined),
            ("lines", table.join("\n")),
            ("minutes", minutes.to_string()),
            ("when", moment_text(start, language)),
            ("long_when", long_text(start)),
            ("old_when", moment_text(before, language)),
            ("day", day_text(start, language)),
            ("short_day", short_day(start)),
            ("old_day", short_day(before)),
            ("time", start.strftime("%H:%M").to_string()),
            ("old_time", before.strftime("%H:%M").to_string()),
            ("iso_start", offset(terms.start)),
            ("iso_end", offset(terms.start + minutes * MINUTE)),
            ("total", money(cents, language)),
            ("prepaid", prepaid),
            ("wish", visit.wish.unwrap_or_default().to_owned()),
        ])
    }

    /// The last version of a visit that the software told anybody of.
    pub(super) fn told_version(&self, i: usize, at: Seconds) -> usize {
        let told = |v: &super::life::Version| v.at <= at && v.cause != Cause::Silent;
        self.visits[i].versions.iter().rposition(told).unwrap_or(0)
    }
}

/// An amount in cents: `1 234,50 €`, `$1,234.50`, `1.234,50`, `1 234,50 zł`. French and
/// Polish thousands stand apart by a space that does not break.
pub(super) fn money(cents: i64, language: Language) -> String {
    let (point, thousands) = match language {
        Language::Canadian => ('.', ','),
        Language::French | Language::Polish => (',', '\u{a0}'),
        Language::Italian => (',', '.'),
    };
    let whole = (cents / 100).to_string();
    let mut number = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            number.push(thousands);
        }
        number.push(digit);
    }
    let number = format!("{number}{point}{:02}", cents % 100);
    match language {
        Language::Canadian => format!("${number}"),
        Language::French => format!("{number}\u{a0}€"),
        Language::Italian => number,
        Language::Polish => format!("{number} zł"),
    }
}

const FRENCH_DAYS: [&str; 7] =
    ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
#[rustfmt::skip]
const FRENCH_MONTHS: [&str; 12] = [
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
];
const ITALIAN_DAYS: [&str; 7] = ["lun", "mar", "mer", "gio", "ven", "sab", "dom"];
const POLISH_DAYS: [&str; 7] =
    ["poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"];
#[rustfmt::skip]
const POLISH_MONTHS: [&str; 12] = [
    "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia",
    "września", "października", "listopada", "grudnia",
];

fn weekday(when: DateTime, days: &[&'static str; 7]) -> &'static str {
    days[usize::try_from(when.weekday().to_monday_zero_offset()).unwrap_or(0)]
}

fn month(when: DateTime, months: &[&'static str; 12]) -> &'static str {
    months[usize::try_from(when.month() - 1).unwrap_or(0)]
}

/// A date with a time of day.
fn moment_text(when: DateTime, language: Language) -> String {
    match language {
        Language::French => {
            format!("{} à {}", day_text(when, language), when.strftime("%Hh%M"))
        }
        Language::Canadian => when.strftime("%A, %B %-d, %Y at %-I:%M %p").to_string(),
        Language::Italian => when.strftime("%d/%m/%Y ore %H:%M").to_string(),
        Language::Polish => {
            let day = weekday(when, &POLISH_DAYS);
            format!("{} ({day}), godz. {}", when.strftime("%d.%m.%Y"), when.strftime("%H:%M"))
        }
    }
}

/// A date alone.
fn day_text(when: DateTime, language: Language) -> String {
    match language {
        Language::French => {
            let (day, month) = (weekday(when, &FRENCH_DAYS), month(when, &FRENCH_MONTHS));
            format!("{day} {} {month} {}", when.day(), when.year())
        }
        Language::Canadian => when.strftime("%B %-d, %Y").to_string(),
        Language::Italian => when.strftime("%d/%m/%Y").to_string(),
        Language::Polish => when.strftime("%d.%m.%Y").to_string(),
    }
}

/// `wtorek, 14 kwietnia 2026, godz. 10:30`.
fn long_text(when: DateTime) -> String {
    let (day, month) = (weekday(when, &POLISH_DAYS), month(when, &POLISH_MONTHS));
    format!("{day}, {} {month} {}, godz. {}", when.day(), when.year(), when.strftime("%H:%M"))
}

/// `mar 14/04`: a year would cost a text message too much.
fn short_day(when: DateTime) -> String {
    format!("{} {}", weekday(when, &ITALIAN_DAYS), when.strftime("%d/%m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Language; 4] =
        [Language::French, Language::Canadian, Language::Italian, Language::Polish];

    #[test]
    fn each_language_writes_money_its_own_way() {
        let shown = ALL.map(|language| money(123_450, language));
        let expected = ["1\u{a0}234,50\u{a0}€", "$1,234.50", "1.234,50", "1\u{a0}234,50 zł"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn each_language_writes_dates_its_own_way() {
        let when = "2026-04-14T14:30:00".parse().unwrap();
        let shown = ALL.map(|language| moment_text(when, language));
        let expected = [
            "mardi 14 avril 2026 à 14h30",
            "Tuesday, April 14, 2026 at 2:30 PM",
            "14/04/2026 ore 14:30",
            "14.04.2026 (wtorek), godz. 14:30",
        ];
        assert_eq!(shown, expected);
        assert_eq!(long_text(when), "wtorek, 14 kwietnia 2026, godz. 14:30");
        assert_eq!(short_day(when), "mar 14/04");
    }
}
