/// Why a pack could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The workbook of a pack could not be put together.
    #[error(
        "cannot make the workbook of the pack {folder}: {problem}; export this tenant as csv or \
         html (`--format csv,html`)"
    )]
    Workbook {
        /// The pack's folder.
        folder: String,
        /// What the writer said.
        problem: String,
    },
    /// A table of a pack could not be written.
    #[error("cannot make the table of the pack {folder}: {problem}")]
    Table {
        /// The pack's folder.
        folder: String,
        /// What the writer said.
        problem: String,
    },
}
