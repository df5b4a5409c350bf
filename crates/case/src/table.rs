/// A table of results: columns with their names, all of the same length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableData {
    /// The columns in their order.
    pub columns: Vec<(String, ColumnData)>,
}

/// The cells of a column; `None` is an empty cell.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Text.
    Text(Vec<Option<String>>),
    /// Whole numbers; money in minor units.
    Integer(Vec<Option<i64>>),
    /// Floating point numbers: confidences and weights.
    Real(Vec<Option<f64>>),
    /// Truth values.
    Bool(Vec<Option<bool>>),
}

impl TableData {
    /// The table with one column more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, column: ColumnData) -> Self {
        self.columns.push((name.into(), column));
        self
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&ColumnData> {
        self.columns.iter().find(|(own, _)| own == name).map(|(_, column)| column)
    }

    /// The cells of a column of text.
    pub fn text(&self, name: &str) -> Option<&[Option<String>]> {
        match self.column(name)? {
            ColumnData::Text(cells) => Some(cells),
            _ => None,
        }
    }

    /// The cells of a column of whole numbers.
    pub fn integer(&self, name: &str) -> Option<&[Option<i64>]> {
        match self.column(name)? {
            ColumnData::Integer(cells) => Some(cells),
            _ => None,
        }
    }

    /// The cells of a column of floating point numbers.
    pub fn real(&self, name: &str) -> Option<&[Option<f64>]> {
        match self.column(name)? {
            ColumnData::Real(cells) => Some(cells),
            _ => None,
        }
    }

    /// The cells of a column of truth values.
    pub fn boolean(&self, name: &str) -> Option<&[Option<bool>]> {
        match self.column(name)? {
            ColumnData::Bool(cells) => Some(cells),
            _ => None,
        }
    }
}

impl ColumnData {
    /// How many cells there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Real(cells) => cells.len(),
            Self::Bool(cells) => cells.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
