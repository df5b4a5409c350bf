/// Where a long step reports how far it is. Libraries call it; only the binary draws.
///
/// A step begins, advances any number of times, and ends; steps do not nest.
pub trait Progress: Send + Sync {
    /// A step begins. `total` counts `unit`s, where it is known beforehand.
    fn begin(&self, step: &str, unit: &str, total: Option<u64>);
    /// So many more units are done.
    fn advance(&self, units: u64);
    /// The step that began last is over.
    fn end(&self);
}

/// Reports nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _step: &str, _unit: &str, _total: Option<u64>) {}
    fn advance(&self, _units: u64) {}
    fn end(&self) {}
}
