//! What a bank's gateway and its terminal hand out in place of a payment account: a list of
//! movements, with decimal commas and semicolons, in the time of the house.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use super::life::{Charge, Purpose, World};
use super::profile::HOUSES;
use super::stripe::{both_entries, charge_words, newest_first, shown};
use crate::clock::{LOST_AT, Seconds, TAKEN_AT, local};
use crate::csv;
use crate::error::WorldError;
use crate::form::fill;
use crate::ledger::{Item, Ledger};
use crate::tables::Writer;

const KIND: &str = "table.row";
const HEADER: [&str; 12] = [
    "Data",
    "Ora",
    "Codice operazione",
    "Tipo",
    "Circuito",
    "Importo",
    "Valuta",
    "Esito",
    "Intestatario",
    "Email",
    "Nazione",
    "Causale",
];

/// Writes the lists of all houses that have no account with Stripe into `dir/movements`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let dir = dir.join("movements");
    fs::create_dir_all(&dir).map_err(WorldError::write(&dir))?;
    let order = newest_first(world);
    for (tenant, house) in HOUSES.iter().enumerate() {
        if house.till.stripe().is_some() {
            continue;
        }
        let mut movements = Vec::new();
        for charge in order.iter().map(|i| &world.charges[*i]).filter(|c| c.tenant == tenant) {
            movements.push((charge.created, charge, false));
            let staff = charge.booking.is_some_and(|i| world.bookings[i].writer == Writer::Staff);
            let until = if staff { TAKEN_AT } else { LOST_AT };
            let back = charge.refund.as_ref().filter(|(at, ..)| *at <= until);
            movements.extend(back.map(|(at, ..)| (*at, charge, true)));
        }
        movements.sort_by_key(|(at, charge, _)| (*at, charge.id.as_str()));
        let path = dir.join(format!("{}.csv", house.slug));
        let save = || -> std::io::Result<()> {
            let mut out = BufWriter::new(File::create(&path)?);
            write!(out, "\u{feff}{}\r\n", HEADER.join(";"))?;
            for (at, charge, back) in movements {
                let cells = row(world, at, charge, back);
                write!(out, "{}\r\n", csv::line(&cells, ';'))?;
                enter(world, at, charge, back, ledger);
            }
            out.flush()
        };
        save().map_err(WorldError::write(&path))?;
    }
    Ok(())
}

fn row(world: &World, at: Seconds, charge: &Charge, back: bool) -> Vec<String> {
    let when = local(at, &world.zones[charge.tenant]);
    let returned = charge.refund.as_ref().filter(|_| back);
    let (id, cents) = returned.map_or((&charge.id, charge.amount), |(_, cents, id)| (id, -cents));
    let kind = match () {
        () if back => "Storno",
        () if charge.terminal => "POS",
        () => "Pagamento online",
    };
    let about = match charge_words(world, charge) {
        None => charge.about.unwrap_or_default().to_owned(),
        Some(_) if back => format!("Storno operazione {}", charge.id),
        Some(words) if charge.purpose == Purpose::Deposit => {
            fill("Caparra prenotazione {code}", &words)
        }
        Some(words) => fill("Saldo {code}", &words),
    };
    let payer = |text: &str| if charge.terminal { String::new() } else { text.to_owned() };
    vec![
        when.strftime("%d/%m/%Y").to_string(),
        when.strftime("%H:%M:%S").to_string(),
        id.clone(),
        kind.to_owned(),
        charge.card.brand.to_uppercase(),
        amount(cents),
        HOUSES[charge.tenant].currency.to_owned(),
        if charge.failed { "Negato" } else { "Approvato" }.to_owned(),
        payer(&charge.name),
        payer(charge.email.as_deref().unwrap_or_default()),
        payer(charge.country),
        about,
    ]
}

/// An amount in cents as `-1.234,50`.
fn amount(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
    if whole >= 1_000 {
        format!("{sign}{}.{:03},{rest:02}", whole / 1_000, whole % 1_000)
    } else {
        format!("{sign}{whole},{rest:02}")
    }
}

fn enter(world: &World, at: Seconds, charge: &Charge, back: bool, ledger: &mut Ledger) {
    let refund = charge.refund.as_ref().filter(|_| back);
    let native = refund.map_or(&charge.id, |(_, _, id)| id);
    match shown(KIND, native, charge) {
        None => ledger.unrelated(KIND),
        Some(item) if back => {
            ledger.about(Item { payments: both_entries(world, charge), at, ..item });
        }
        Some(item) => ledger.about(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_decimal_comma() {
        let shown = [5, -7_550, 123_450].map(amount);
        assert_eq!(shown, ["0,05", "-75,50", "1.234,50"]);
    }
}
