//! The tables of a world, and how each thing's row at a moment is made.

use crate::cell::Cell;
use crate::clock::Seconds;

/// Which history wrote a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The business, up to the loss.
    Business,
    /// Staff, in the restored database.
    Staff,
}

/// A table of a world `W`. Parents stand before children.
pub(crate) struct TableOf<W> {
    pub(crate) name: &'static str,
    /// The first is the key.
    pub(crate) columns: &'static [&'static str],
    /// Those of them whose values no evidence holds and none leads to, by a look-up or a sum.
    pub(crate) untold: &'static [&'static str],
    /// How many things there ever were.
    pub(crate) len: fn(&W) -> usize,
    /// Who wrote a thing.
    pub(crate) writer: fn(&W, usize) -> Writer,
    /// A thing's row at a moment; `None` before there was one.
    pub(crate) row: fn(&W, usize, Seconds) -> Option<Vec<Cell>>,
}

impl<W> TableOf<W> {
    /// All rows of a writer at a moment, by key, each with the thing's position.
    pub(crate) fn rows(&self, world: &W, writer: Writer, at: Seconds) -> Vec<(usize, Vec<Cell>)> {
        let mut rows: Vec<(usize, Vec<Cell>)> = (0..(self.len)(world))
            .filter(|i| (self.writer)(world, *i) == writer)
            .filter_map(|i| Some((i, (self.row)(world, i, at)?)))
            .collect();
        rows.sort_by(|(_, a), (_, b)| a[0].cmp(&b[0]));
        rows
    }
}
