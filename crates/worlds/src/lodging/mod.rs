//! A system for small hotels and flats that four houses in four countries share, the loss of
//! its database, and what was left. `WORLD.md` describes it.

mod after;
mod calendar;
mod desk;
mod ginestre;
mod life;
mod mail;
mod movements;
mod noise;
mod pay;
mod pentland;
mod people;
mod profile;
mod rows;
mod schema;
mod simulate;
mod stay;
mod stripe;
#[cfg(test)]
mod tests;
mod tilleuls;
mod witness;
mod words;
mod zeehond;

use std::path::Path;

use crate::dice::Dice;
use crate::error::WorldError;
use crate::ledger::Ledger;
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
    let (entry, line) = (40_000 + dice.within(1, 5_000), 7_000 + dice.within(1, 2_000));
    world.number(Writer::Business, entry, line);
    after::return_to_work(&mut world, &mut Dice::new(seed, 2));

    let mut ledger = Ledger::default();
    stripe::write(&world, dir, &mut ledger)?;
    movements::write(&world, dir, &mut ledger)?;
    calendar::write(&world, dir, &mut ledger)?;
    mail::write(&world, dir, &mut ledger)?;
    sqlite::write(&world, &rows::TABLES, &schema::SCHEMA, dir)?;
    let witness = witness::Witness::new(&world, &ledger);
    truth::write(("lodging", seed), &world, &rows::TABLES, &witness, &ledger, dir)
}
