use restitch_model::{Digest, ForeignKey, Row, RowKey, Snapshot, Table, TableSchema, Value};

use super::{Family, Server};
use crate::kind::Kind;
use crate::plain::bytes;
use crate::{RestoreError, fingerprint, summary};

/// A table of a server with what it takes to read and write it.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// What planning sees of it.
    pub(crate) schema: TableSchema,
    /// The schema that it is in, as SQL; empty where a database has none.
    pub(crate) namespace: String,
    /// Its name as SQL.
    pub(crate) name: String,
    /// Its columns, in the schema's order.
    pub(crate) columns: Vec<Written>,
    /// Its foreign keys, each whole.
    pub(crate) references: Vec<Reference>,
    /// The sequence of its key, as SQL, where PostgreSQL counts it.
    pub(crate) sequence: Option<String>,
    /// Whether values of an identity column must be insisted upon.
    pub(crate) identity: bool,
    /// Whether `ONLY` keeps rows of tables that inherit from it out.
    pub(crate) only: bool,
    /// Whether row-level security holds for it.
    pub(crate) row_security: bool,
    /// Whether it has rules (PostgreSQL), which rewrite an INSERT and know no COPY.
    pub(crate) ruled: bool,
    /// Whether its engine takes part in transactions.
    pub(crate) transactional: bool,
    /// Triggers that cannot be kept still.
    pub(crate) unstoppable: Vec<String>,
}

/// A column as statements need it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Its name as SQL.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) kind: Kind,
    /// The type that text is cast to when it is written (PostgreSQL).
    pub(crate) cast: String,
    /// The expression that reads it.
    pub(crate) read: String,
    /// Whether the server changes it in every update that does not name it.
    pub(crate) touched: bool,
}

/// A whole foreign key.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The columns that refer, by position.
    pub(crate) columns: Vec<usize>,
    /// The table referred to.
    pub(crate) table: String,
    /// The names of the columns referred to.
    pub(crate) to: Vec<String>,
}

impl Relation {
    /// The positions of the primary key.
    pub(crate) fn key(&self) -> Vec<usize> {
        self.schema.primary_key.iter().filter_map(|name| self.schema.position(name)).collect()
    }

    /// The primary key of a row.
    pub(crate) fn key_of(&self, row: &Row) -> RowKey {
        self.key().into_iter().map(|i| row[i].clone()).collect()
    }

    /// What stands after FROM or UPDATE.
    pub(crate) fn source(&self) -> String {
        if self.only { format!("ONLY {}", self.name) } else { self.name.clone() }
    }

    /// The expressions that read all columns.
    pub(crate) fn reads(&self) -> String {
        self.columns.iter().map(|c| c.read.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A row as it came, with each value in the form of its kind.
    pub(crate) fn row(&self, raw: Row) -> Row {
        raw.into_iter().zip(&self.columns).map(|(value, column)| column.value(value)).collect()
    }
}

impl Written {
    fn value(&self, raw: Value) -> Value {
        match (self.kind, raw) {
            (Kind::Bytes, Value::Text(hex)) => match bytes(&hex) {
                Some(bytes) => Value::Bytes(bytes),
                None => Value::Text(hex),
            },
            (Kind::Whole, Value::Integer(n)) => Value::Integer(n),
            (Kind::Whole | Kind::Real | Kind::Bool | Kind::Instant, raw) => self.kind.stored(&raw),
            (Kind::Padded, raw) => self.kind.stored(&raw),
            (_, raw) => raw,
        }
    }

    /// The value as PostgreSQL reads it from text.
    pub(crate) fn text(&self, value: &Value) -> Option<String> {
        Some(match value {
            Value::Null => return None,
            Value::Integer(n) => n.to_string(),
            Value::Real(x) => format!("{x:?}"),
            Value::Text(text) => text.clone(),
            Value::Bytes(bytes) => {
                let mut hex = String::with_capacity(2 + 2 * bytes.len());
                hex.push_str("\\x");
                bytes.iter().for_each(|byte| hex.push_str(&format!("{byte:02x}")));
                hex
            }
        })
    }

    /// The value as MySQL takes it. It knows no `T` and no `Z` in a moment.
    pub(crate) fn given(&self, value: &Value) -> Value {
        match (self.kind, value) {
            (Kind::Instant, Value::Text(text)) => {
                let text = text.strip_suffix('Z').unwrap_or(text);
                Value::Text(text.replacen('T', " ", 1))
            }
            _ => value.clone(),
        }
    }
}

impl Server {
    /// All tables but restitch's own and the server's, by name.
    pub(crate) fn describe(&mut self) -> Result<Vec<Relation>, RestoreError> {
        let mut relations = match self.family() {
            Family::Postgres => super::postgres::describe(self)?,
            Family::MySql => super::mysql::describe(self)?,
        };
        relations.sort_by(|a, b| a.schema.name.cmp(&b.schema.name));
        // In one order, whatever the server calls its constraints: what is learned depends on it.
        for relation in &mut relations {
            let by = |key: &ForeignKey| (key.column.clone(), key.table.clone(), key.to.clone());
            relation.schema.foreign_keys.sort_by_key(by);
        }
        Ok(relations)
    }

    /// All tables with their rows. The fingerprint also holds which server and database it is.
    pub(crate) fn snapshot(&mut self) -> Result<Snapshot, RestoreError> {
        let mut tables = Vec::new();
        for relation in self.describe()? {
            let rows = self.all_rows(&relation)?;
            tables.push(Table { schema: relation.schema, rows });
        }
        let mut snapshot = fingerprint::seal(self.database().to_owned(), tables);
        snapshot.fingerprint = self.with_identity(snapshot.fingerprint)?;
        Ok(snapshot)
    }

    /// The state of this database, from the digest of its tables.
    pub(crate) fn with_identity(&mut self, tables: Digest) -> Result<Digest, RestoreError> {
        let identity = match self.family() {
            Family::Postgres => super::postgres::identity(self)?,
            Family::MySql => super::mysql::identity(self)?,
        };
        let parts = [tables.to_string(), self.family().name().to_owned(), identity];
        Ok(Digest::of_parts(parts.iter().map(String::as_bytes)))
    }

    /// The fingerprint that a database with these marks has, if it is this one.
    pub(crate) fn fingerprint_of(
        &mut self,
        marks: &std::collections::BTreeMap<String, crate::TableMark>,
    ) -> Result<Digest, RestoreError> {
        self.with_identity(summary::of_marks(marks))
    }
}
