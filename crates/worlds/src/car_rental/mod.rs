//! A car-rental system that four companies in four countries share, the loss of its database,
//! and what was left. `WORLD.md` describes it.

mod after;
mod brightway;
mod brisa;
mod calendar;
mod dales;
mod desk;
mod fleet;
mod hansa;
mod life;
mod mail;
mod noise;
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
mod witness;
mod words;

use std::path::Path;

use self::profile::PROFILES;
use crate::dice::Dice;
use crate::error::WorldError;
use crate::tables::Writer;
use crate::world::{WorldOptions, WorldSummary};
use crate::{sqlite, truth};

/// Fewer than this, and hardly a booking is lost.
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
    let mut dice = Dice::new(seed, 1);
    world.unrelated_charges(&mut dice);
    world.number_payments(Writer::Business, 9_000 + dice.within(1, 900));
    after::return_to_work(&mut world, &mut Dice::new(seed, 2));

    let mut ledger = crate::ledger::Ledger::default();
    stripe::write(&world, dir, &mut ledger)?;
    calendar::write(&world, dir, &mut ledger)?;
    mail::write(&world, dir, &mut ledger)?;
    sqlite::write(&world, &rows::TABLES, &schema::SCHEMA, dir)?;
    let witness = witness::Witness::new(&world, &ledger);
    truth::write(("car-rental", seed), &world, &rows::TABLES, &witness, &ledger, dir)
}
