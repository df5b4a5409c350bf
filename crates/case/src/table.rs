use std::ops::Range;

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

impl TableData {
    /// Puts the rows of another table with the same columns behind those of this one.
    pub fn append(&mut self, other: Self) {
        for ((_, own), (_, more)) in self.columns.iter_mut().zip(other.columns) {
            own.append(more);
        }
    }

    /// Takes rows out; what stays in their place is empty.
    #[must_use]
    pub fn take_rows(&mut self, rows: Range<usize>) -> Self {
        let take =
            |(name, column): &mut (String, ColumnData)| (name.clone(), column.take_rows(&rows));
        Self { columns: self.columns.iter_mut().map(take).collect() }
    }

    /// Cuts off the rows from `at` on, and gives them.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let cut = |(name, column): &mut (String, ColumnData)| (name.clone(), column.split_off(at));
        Self { columns: self.columns.iter_mut().map(cut).collect() }
    }
}

impl ColumnData {
    fn append(&mut self, other: Self) {
        match (self, other) {
            (Self::Text(cells), Self::Text(mut more)) => cells.append(&mut more),
            (Self::Integer(cells), Self::Integer(mut more)) => cells.append(&mut more),
            (Self::Real(cells), Self::Real(mut more)) => cells.append(&mut more),
            (Self::Bool(cells), Self::Bool(mut more)) => cells.append(&mut more),
            // Left short, so that the table is refused when it is written.
            _ => {}
        }
    }

    fn take_rows(&mut self, rows: &Range<usize>) -> Self {
        fn take<T>(cells: &mut [Option<T>], rows: &Range<usize>) -> Vec<Option<T>> {
            cells[rows.clone()].iter_mut().map(Option::take).collect()
        }
        match self {
            Self::Text(cells) => Self::Text(take(cells, rows)),
            Self::Integer(cells) => Self::Integer(take(cells, rows)),
            Self::Real(cells) => Self::Real(take(cells, rows)),
            Self::Bool(cells) => Self::Bool(take(cells, rows)),
        }
    }

    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Text(cells) => Self::Text(cells.split_off(at)),
            Self::Integer(cells) => Self::Integer(cells.split_off(at)),
            Self::Real(cells) => Self::Real(cells.split_off(at)),
            Self::Bool(cells) => Self::Bool(cells.split_off(at)),
        }
    }
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
