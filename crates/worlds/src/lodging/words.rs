//! The values that texts are filled with, as each house writes them.

use jiff::civil::{Date, Time};

use super::life::{Booking, World};
use super::profile::Tongue;
use crate::clock::{Seconds, local};
use crate::form::{Words, fill};

/// A booking as its terms of a version are.
pub(super) fn words(world: &World, booking: &Booking, version: usize) -> Words {
    let house = booking.house();
    let tongue = house.tongue;
    let guest = &world.guests[booking.guest];
    let terms = &booking.versions[version].terms;
    let old = &booking.versions[version.saturating_sub(1)].terms;
    let room = &world.rooms[terms.room];
    let kind = &house.kinds[room.kind];
    let total = terms.total(house);
    let deposit = booking.deposit;
    let cash = |cents: i64| money(cents, tongue);
    let paid_ahead = if deposit > 0 { cash(deposit) } else { String::new() };
    let balance = cash(total - deposit);
    let owed = if deposit > 0 && total > deposit { balance.clone() } else { String::new() };
    let eta = booking.eta.map_or(String::new(), |minutes| clock(minutes, tongue));
    let local_iso = |day: Date, hour: i8, minute: i8| {
        let time = Time::constant(hour, minute, 0, 0);
        let there = day.to_datetime(time).to_zoned(world.zones[booking.tenant].clone());
        there.map_or(String::new(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
    };
    let sentence = |filled: &str, text: String| {
        if filled.is_empty() { String::new() } else { text }
    };
    Words::new(vec![
        ("code", booking.code.clone()),
        ("id", booking.id.to_string()),
        ("given", guest.given.clone()),
        ("family", guest.family.clone()),
        ("name", guest.name()),
        ("email", guest.email.clone().unwrap_or_default()),
        ("mobile", guest.mobile.clone()),
        ("door", room.door.clone()),
        ("kind", kind.label.to_owned()),
        ("kind_code", kind.code.to_owned()),
        ("board", house.boards[terms.board].label.to_owned()),
        ("from", day(terms.from, tongue)),
        ("to", day(terms.to, tongue)),
        ("from_short", short_day(terms.from, tongue)),
        ("to_short", short_day(terms.to, tongue)),
        ("from_iso", terms.from.to_string()),
        ("to_iso", terms.to.to_string()),
        ("checkin_iso", local_iso(terms.from, 15, 0)),
        ("checkout_iso", local_iso(terms.to, 10, 30)),
        ("old_from", day(old.from, tongue)),
        ("old_to", day(old.to, tongue)),
        ("old_from_short", short_day(old.from, tongue)),
        ("old_to_short", short_day(old.to, tongue)),
        ("old_door", world.rooms[old.room].door.clone()),
        ("nights", terms.nights().to_string()),
        ("adults", terms.adults.to_string()),
        ("children", terms.children.to_string()),
        ("persons", (terms.adults + terms.children).to_string()),
        ("rate", cash(terms.rate)),
        ("lodging", cash(terms.rate * terms.nights())),
        ("tax", cash(terms.tax(house))),
        ("total", cash(total)),
        ("total_plain", format!("{}.{:02}", total / 100, total % 100)),
        ("deposit", paid_ahead.clone()),
        ("deposit_text", sentence(&paid_ahead, format!("Got your {paid_ahead} for night 1. "))),
        ("balance_text", sentence(&owed, format!("{balance} to pay on arrival. "))),
        ("balance", balance),
        ("eta_text", sentence(&eta, format!("See you about {eta}. "))),
        ("eta", eta),
        ("request", booking.request.unwrap_or_default().to_owned()),
        ("items", items(booking, version)),
    ])
}

/// The addons of a booking, a line for each.
fn items(booking: &Booking, version: usize) -> String {
    let house = booking.house();
    let terms = &booking.versions[version].terms;
    let line = |addon: &usize| {
        let addon = &house.addons[*addon];
        let quantity = terms.quantity(addon);
        let words = Words::new(vec![
            ("label", addon.label.to_owned()),
            ("quantity", quantity.to_string()),
            ("unit", money(addon.price, house.tongue)),
            ("amount", money(addon.price * quantity, house.tongue)),
        ]);
        fill(house.letters.item, &words)
    };
    let lines: Vec<String> = terms.addons.iter().map(line).collect();
    lines.join("\n")
}

/// An amount in cents: `CHF 1'234.50`, `£1,234.50` and `£95`, `1.234,50 €`, `€ 1.234,50`.
pub(super) fn money(cents: i64, tongue: Tongue) -> String {
    let (point, thousands) = match tongue {
        Tongue::French => ('.', '\''),
        Tongue::Scots => ('.', ','),
        Tongue::Italian | Tongue::Dutch => (',', '.'),
    };
    let whole = (cents / 100).to_string();
    let mut number = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            number.push(thousands);
        }
        number.push(digit);
    }
    if tongue != Tongue::Scots || cents % 100 != 0 {
        number.push_str(&format!("{point}{:02}", cents % 100));
    }
    match tongue {
        Tongue::French => format!("CHF {number}"),
        Tongue::Scots => format!("£{number}"),
        Tongue::Italian => format!("{number} €"),
        Tongue::Dutch => format!("€ {number}"),
    }
}

#[rustfmt::skip]
const FRENCH: ([&str; 7], [&str; 12]) = (
    ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
     "octobre", "novembre", "décembre"],
);
#[rustfmt::skip]
const ITALIAN: ([&str; 7], [&str; 12]) = (
    ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
    ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto",
     "settembre", "ottobre", "novembre", "dicembre"],
);
#[rustfmt::skip]
const DUTCH: ([&str; 7], [&str; 12]) = (
    ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
    ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september",
     "oktober", "november", "december"],
);

/// A day, spelt out as far as the house does.
pub(super) fn day(day: Date, tongue: Tongue) -> String {
    let (weekdays, months) = match tongue {
        Tongue::French => FRENCH,
        Tongue::Italian => ITALIAN,
        Tongue::Dutch => DUTCH,
        Tongue::Scots => return day.strftime("%a %-d %b %Y").to_string(),
    };
    let weekday = weekdays[usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0)];
    let month = months[usize::try_from(day.month() - 1).unwrap_or(0)];
    format!("{weekday} {} {month} {}", day.day(), day.year())
}

/// A day in few signs.
pub(super) fn short_day(day: Date, tongue: Tongue) -> String {
    let form = match tongue {
        Tongue::French => "%d.%m.%Y",
        Tongue::Scots => "%-d %b",
        Tongue::Italian => "%d/%m/%Y",
        Tongue::Dutch => "%d-%m-%Y",
    };
    day.strftime(form).to_string()
}

/// A time of day, in minutes.
fn clock(minutes: i64, tongue: Tongue) -> String {
    let (hour, minute) = (minutes / 60, minutes % 60);
    match tongue {
        Tongue::French => format!("{hour} h {minute:02}"),
        Tongue::Scots if minute == 0 => format!("{}pm", hour - 12),
        Tongue::Scots => format!("{}.{minute:02}pm", hour - 12),
        Tongue::Italian | Tongue::Dutch => format!("{hour}:{minute:02}"),
    }
}

/// A moment on the wall clock of a house, as structured data has it.
pub(super) fn offset_time(at: Seconds, world: &World, tenant: usize) -> String {
    let zone = world.zones[tenant].clone();
    let there = local(at, &zone).to_zoned(zone);
    there.map_or(String::new(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TONGUES: [Tongue; 4] = [Tongue::French, Tongue::Scots, Tongue::Italian, Tongue::Dutch];

    #[test]
    fn each_house_writes_money_its_own_way() {
        let shown = TONGUES.map(|tongue| money(123_450, tongue));
        assert_eq!(shown, ["CHF 1'234.50", "£1,234.50", "1.234,50 €", "€ 1.234,50"]);
        assert_eq!(money(9_500, Tongue::Scots), "£95");
    }

    #[test]
    fn each_house_writes_days_its_own_way() {
        let march: Date = "2026-03-08".parse().unwrap();
        let long = TONGUES.map(|tongue| day(march, tongue));
        let short = TONGUES.map(|tongue| short_day(march, tongue));
        assert_eq!(long[..2], ["dimanche 8 mars 2026", "Sun 8 Mar 2026"]);
        assert_eq!(long[2..], ["domenica 8 marzo 2026", "zondag 8 maart 2026"]);
        assert_eq!(short, ["08.03.2026", "8 Mar", "08/03/2026", "08-03-2026"]);
    }

    #[test]
    fn each_house_writes_the_time_of_day_its_own_way() {
        let shown = TONGUES.map(|tongue| clock(17 * 60 + 30, tongue));
        assert_eq!(shown, ["17 h 30", "5.30pm", "17:30", "17:30"]);
    }
}
