/// Where a booking leaves traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// Wherever the software writes.
    Usual,
    /// In a hand-typed event alone.
    Handwritten,
    /// Nowhere.
    Dark,
}
