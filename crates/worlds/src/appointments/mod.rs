//! A system for appointments that four studios in four countries share, the loss of its
//! database, and what was left. `WORLD.md` describes it.

mod after;
mod bianchi;
mod calendar;
mod colette;
mod desk;
mod life;
mod lipa;
mod mail;
mod noise;
mod northside;
mod pay;
mod people;
mod profile;
mod rows;
mod schema;
mod simulate;
mod state;
mod stripe;
#[cfg(test)]
mod tests;
mod till;
mod witness;
mod words;

use std::path::Path;

use crate::dice::Dice;
use crate::error::WorldError;
use crate::ledger::Ledger;
use crate::world::{WorldOptions, WorldSummary};
use crate::{sqlite, truth};

/// Fewer than this, and hardly an appointment is lost.
const SMALLEST: usize = 40;

/// Writes the world into an empty folder.
pub(crate) fn write(
    seed: u64,
    options: &WorldOptions,
    dir: &Path,
) -> Result<WorldSummary, WorldError> {
    let size = options.size.unwrap_or(simulate::DEFAULT_SIZE);
    if size < SMALLEST {
        return Err(WorldError::TooSmall(size));
    }
    let mut world = simulate::simulate(seed, noise::Knobs::of(options.noise), size);
    world.unrelated_charges(&mut Dice::new(seed, 41));
    after::return_to_work(&mut world, &mut Dice::new(seed, 42));
    world.number_documents();

    let mut ledger = Ledger::default();
    stripe::write(&world, dir, &mut ledger)?;
    till::write(&world, dir, &mut ledger)?;
    calendar::write(&world, dir, &mut ledger)?;
    mail::write(&world, dir, &mut ledger)?;
    sqlite::write(&world, &rows::TABLES, &schema::SCHEMA, dir)?;
    let witness = witness::Witness::new(&world, &ledger);
    truth::write(("appointments", seed), &world, &rows::TABLES, &witness, &ledger, dir)
}
