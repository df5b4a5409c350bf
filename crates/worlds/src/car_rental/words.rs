//! The values that texts are filled with, as each company writes them.

use jiff::civil::DateTime;

use super::fleet;
use super::life::{Rental, World};
use super::profile::Language;
use crate::clock::{DAY, Seconds, local};
use crate::form::Words;

impl Words {
    /// A booking as its terms of a version are.
    pub(super) fn of(world: &World, rental: &Rental, version: usize) -> Self {
        let profile = world.profile(rental.tenant);
        let (language, zone) = (profile.language, &world.zones[rental.tenant]);
        let customer = &world.customers[rental.customer];
        let terms = &rental.versions[version].terms;
        let old = &rental.versions[version.saturating_sub(1)].terms;
        let car = &world.vehicles[terms.vehicle];
        let (from, to) = (&world.locations[terms.from], &world.locations[terms.to]);
        let when = |at: Seconds| moment_text(local(at, zone), language);
        let cash = |cents: i64| money(cents, language);
        let deposit = rental.deposit;
        let days = ((terms.end - terms.pickup + DAY / 2) / DAY).max(1);
        Self::new(vec![
            ("ref", rental.reference.clone()),
            ("id", rental.id.to_string()),
            ("first", customer.first.clone()),
            ("last", customer.last.clone()),
            ("name", format!("{} {}", customer.first, customer.last)),
            ("email", customer.email.clone().unwrap_or_default()),
            ("phone", customer.phone.clone()),
            ("car", format!("{} {}", car.make, car.model)),
            ("class", car.class.to_owned()),
            ("class_es", fleet::class_in_spanish(car.class).to_owned()),
            ("plate", car.plate.clone()),
            ("pickup", when(terms.pickup)),
            ("return", when(terms.end)),
            ("old_pickup", when(old.pickup)),
            ("old_return", when(old.end)),
            ("old_plate", world.vehicles[old.vehicle].plate.clone()),
            ("pickup_day", day_text(local(terms.pickup, zone), language)),
            ("pickup_date", local(terms.pickup, zone).date().to_string()),
            ("return_date", local(terms.end, zone).date().to_string()),
            ("pickup_place", from.name.to_owned()),
            ("return_place", to.name.to_owned()),
            ("pickup_address", from.address.to_owned()),
            ("total", cash(terms.total)),
            ("deposit", if deposit > 0 { cash(deposit) } else { String::new() }),
            ("balance", cash(terms.total - deposit)),
            ("days", days.to_string()),
            ("notes", rental.notes.unwrap_or_default().to_owned()),
            ("agent", ["Dana", "Luis", "Morgan", "Priya"][rental.id as usize % 4].to_owned()),
            ("km_out", rental.km_out.to_string()),
            ("km_in", rental.km_in.to_string()),
        ])
    }
}

/// An amount in cents: `$1,234.50`, `1.234,50 €`, `£1,234.50`, `1.234,50 EUR`.
pub(super) fn money(cents: i64, language: Language) -> String {
    let (point, thousands) = match language {
        Language::American | Language::British => ('.', ','),
        Language::German | Language::Spanish => (',', '.'),
    };
    let whole = (cents / 100).to_string();
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            grouped.push(thousands);
        }
        grouped.push(digit);
    }
    let number = format!("{grouped}{point}{:02}", cents % 100);
    match language {
        Language::American => format!("${number}"),
        Language::British => format!("£{number}"),
        Language::German => format!("{number} €"),
        Language::Spanish => format!("{number} EUR"),
    }
}

/// A date with a time of day.
fn moment_text(when: DateTime, language: Language) -> String {
    match language {
        Language::American => when.strftime("%a, %b %-d, %Y at %-I:%M %p").to_string(),
        Language::British => when.strftime("%-d %B %Y, %H:%M").to_string(),
        Language::German => when.strftime("%d.%m.%Y, %H:%M Uhr").to_string(),
        Language::Spanish => {
            format!("{} a las {}", day_text(when, language), when.strftime("%H:%M"))
        }
    }
}

/// A date alone.
fn day_text(when: DateTime, language: Language) -> String {
    const MONTHS: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    match language {
        Language::American => when.strftime("%b %-d").to_string(),
        Language::British => when.strftime("%-d %B %Y").to_string(),
        Language::German => when.strftime("%d.%m.%Y").to_string(),
        Language::Spanish => {
            let month = MONTHS[usize::try_from(when.month() - 1).unwrap_or(0)];
            format!("{} de {month} de {}", when.day(), when.year())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_writes_money_its_own_way() {
        let shown = [Language::American, Language::German, Language::British, Language::Spanish]
            .map(|language| money(123_450, language));
        assert_eq!(shown, ["$1,234.50", "1.234,50 €", "£1,234.50", "1.234,50 EUR"]);
    }

    #[test]
    fn each_language_writes_dates_its_own_way() {
        let when = "2026-03-08T14:30:00".parse().unwrap();
        assert_eq!(moment_text(when, Language::American), "Sun, Mar 8, 2026 at 2:30 PM");
        assert_eq!(moment_text(when, Language::German), "08.03.2026, 14:30 Uhr");
        assert_eq!(moment_text(when, Language::British), "8 March 2026, 14:30");
        assert_eq!(moment_text(when, Language::Spanish), "8 de marzo de 2026 a las 14:30");
    }
}
