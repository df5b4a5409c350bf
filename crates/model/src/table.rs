use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::Digest;

/// A value of a database cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating point number. Never money of ours: only what a database already holds so.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, where it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(n) => Some(*n),
            _ => None,
        }
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Integer(_) => 1,
            Self::Real(_) => 2,
            Self::Text(_) => 3,
            Self::Bytes(_) => 4,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Integer(n)
    }
}

/// NULL equals NULL here: this is the equality of two states of a row, not SQL's.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A total order: NULL, whole numbers, floating ones, text, bytes.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Real(a), Self::Real(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Integer(n) => n.hash(state),
            Self::Real(x) => x.to_bits().hash(state),
            Self::Text(text) => text.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(n) => n.fmt(f),
            Self::Real(x) => x.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// The values of a row, in the order of its table's columns.
pub type Row = Vec<Value>;

/// The values of a row's primary key, in the key's order.
pub type RowKey = Vec<Value>;

/// A column as the database declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type as declared, such as `INTEGER` or `TEXT`.
    pub declared: String,
    /// Whether NULL may stand in it.
    pub nullable: bool,
    /// The default's SQL text, where there is one.
    pub default: Option<String>,
    /// Whether the database computes it itself, so that it cannot be written.
    pub generated: bool,
}

/// A reference of one column to another table's column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The column that refers.
    pub column: String,
    /// The table referred to.
    pub table: String,
    /// The column referred to.
    pub to: String,
}

/// A table without its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// Its name.
    pub name: String,
    /// Its columns in their order.
    pub columns: Vec<Column>,
    /// The names of the primary key's columns; empty where there is no key.
    pub primary_key: Vec<String>,
    /// References to other tables, one column each.
    pub foreign_keys: Vec<ForeignKey>,
    /// Further unique constraints and indexes, each a list of columns.
    pub uniques: Vec<Vec<String>>,
    /// The names of triggers that a write would fire.
    pub triggers: Vec<String>,
    /// The id that the database would give to the next row, where it counts them itself.
    pub next_id: Option<i64>,
}

impl TableSchema {
    /// The position of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The reference that a column holds.
    pub fn foreign_key(&self, column: &str) -> Option<&ForeignKey> {
        self.foreign_keys.iter().find(|key| key.column == column)
    }
}

/// A table with its rows, in the order of the primary key.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is.
    pub schema: TableSchema,
    /// What it holds.
    pub rows: Vec<Row>,
}

impl Table {
    /// The primary key of a row of this table.
    pub fn key(&self, row: &Row) -> RowKey {
        let position = |name: &String| self.schema.position(name).expect("a key's column exists");
        self.schema.primary_key.iter().map(|name| row[position(name)].clone()).collect()
    }
}

/// The rows of a database at one moment, as far as they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The database's own name.
    pub database: String,
    /// Its tables, by name.
    pub tables: Vec<Table>,
    /// A digest over schema and rows: the state that a plan is made from.
    pub fingerprint: Digest,
}

impl Snapshot {
    /// A table by its name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.schema.name == name)
    }
}
