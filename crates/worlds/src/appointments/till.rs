//! The books of a till, as its maker exports them: one file a year, semicolons, commas in
//! amounts.

use std::fs;
use std::path::Path;

use super::life::{Trace, World};
use super::people;
use super::profile::{Plan, STUDIOS};
use super::words::money;
use crate::clock::{BEGAN, LOST_AT, Seconds, local};
use crate::csv;
use crate::dice::Dice;
use crate::error::WorldError;
use crate::ledger::{Item, Ledger};

const ROW: &str = "table.row";
const HEADER: &str = "Data;Ora;Scontrino;Operatore;Descrizione;Cliente;Cellulare;Importo;Pagamento";

/// Writes `dir/till`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let dir = dir.join("till");
    fs::create_dir_all(&dir).map_err(WorldError::write(&dir))?;
    let mut dice = Dice::new(world.seed, 45);
    for (studio, profile) in STUDIOS.iter().enumerate() {
        if profile.paid != Plan::Till {
            continue;
        }
        let zone = &world.zones[studio];
        let mut rows: Vec<(Seconds, String)> = Vec::new();
        let mut add = |at: Seconds, number: &str, rest: [String; 6]| {
            let when = local(at, zone);
            let day = when.strftime("%d/%m/%Y").to_string();
            let mut cells = vec![day, when.strftime("%H:%M:%S").to_string(), number.to_owned()];
            cells.extend(rest);
            rows.push((at, csv::line(&cells, ';')));
        };
        for (p, payment) in world.payments.iter().enumerate() {
            let visit = &world.visits[payment.visit];
            let kept = visit.studio == studio && payment.at <= world.until(Some(payment.visit));
            let (true, Some(number)) = (kept, &payment.reference) else { continue };
            let by_hand = visit.trace == Trace::Handwritten;
            let words = world.words(payment.visit, visit.version(payment.at), payment.at);
            let nameless = by_hand || dice.chance(world.knobs.nameless);
            let shown =
                |key: &str| if nameless { String::new() } else { words.get(key).to_owned() };
            let tender = if payment.tender == "cash" { "Contanti" } else { "Bancomat" };
            add(
                payment.at,
                number,
                [
                    words.get("staff").to_owned(),
                    words.get("services").to_owned(),
                    shown("name"),
                    shown("mobile"),
                    money(payment.amount, profile.language),
                    tender.to_owned(),
                ],
            );
            ledger.about(Item {
                kind: ROW,
                native: number.clone(),
                booking: payment.visit,
                payments: vec![p],
                at: payment.at,
                tells: true,
                by_hand: false,
            });
        }
        let own = world.visits.len() * profile.share as usize / 100;
        let own = (own as f64 * world.knobs.clutter) as usize;
        let mut sold: Vec<Seconds> = (0..own).map(|_| dice.within(BEGAN, LOST_AT)).collect();
        sold.sort_unstable();
        for (n, at) in sold.into_iter().enumerate() {
            let product = dice.pick(&["Shampoo", "Balsamo", "Buono regalo", "Smalto", "Lacca"]);
            let (given, family) = people::name(profile.language, &mut dice);
            let name = if dice.chance(0.3) { format!("{given} {family}") } else { String::new() };
            let staff = dice.pick(profile.staff).to_owned();
            let price = money(dice.within(8, 60) * 100 - 10, profile.language);
            let cells =
                [staff, product.to_owned(), name, String::new(), price, "Contanti".to_owned()];
            add(at, &format!("P{:05}", 20_000 + n), cells);
            ledger.unrelated(ROW);
        }
        rows.sort();
        for year in [2025, 2026] {
            let path = dir.join(format!("incassi-{year}.csv"));
            let mut text = format!("{HEADER}\r\n");
            for (_, row) in rows.iter().filter(|(at, _)| local(*at, zone).year() == year) {
                text.push_str(row);
                text.push_str("\r\n");
            }
            fs::write(&path, text).map_err(WorldError::write(&path))?;
        }
    }
    Ok(())
}
