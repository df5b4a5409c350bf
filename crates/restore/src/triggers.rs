//! Triggers held still while rows are put back: an insert must not send two thousand e-mails.
//!
//! SQLite cannot switch single triggers off. So those of the tables that are written are
//! dropped and made again from their own text, inside the one transaction and only ever in a
//! file that restitch made; that their text is the same afterwards is checked before the
//! transaction ends. Foreign keys stay on throughout.

use std::collections::BTreeSet;

use restitch_model::{Row, Value};
use serde::{Deserialize, Serialize};

use crate::RestoreError;
use crate::sqlite::{Session, quote};

/// What the triggers of the tables written to do meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Triggers {
    /// Nothing.
    #[default]
    Suppress,
    /// What they always do.
    Fire,
}

/// Triggers that were taken out, and how all triggers of the database stood before.
pub(crate) struct Suppressed {
    taken: Vec<String>,
    before: Vec<Row>,
}

impl Suppressed {
    /// Takes the triggers of these tables out.
    pub(crate) fn take(
        session: &mut Session,
        tables: &BTreeSet<&str>,
    ) -> Result<Self, RestoreError> {
        let before = all(session)?;
        let mut taken = Vec::new();
        for row in &before {
            let [Value::Text(name), Value::Text(table), Value::Text(sql)] = &row[..] else {
                continue;
            };
            if tables.iter().any(|t| t.eq_ignore_ascii_case(table)) {
                let drop = format!("DROP TRIGGER {}", quote(name));
                session.execute("hold a trigger still", &drop, &[])?;
                taken.push(sql.clone());
            }
        }
        Ok(Self { taken, before })
    }

    /// Puts them back, and makes sure that all stands as it did.
    pub(crate) fn put_back(self, session: &mut Session) -> Result<(), RestoreError> {
        for sql in &self.taken {
            session.execute("put a trigger back", sql, &[])?;
        }
        let after: BTreeSet<Row> = all(session)?.into_iter().collect();
        if after == self.before.into_iter().collect() {
            return Ok(());
        }
        Err(RestoreError::Differs {
            what: "a trigger could not be put back as it was".to_owned(),
            remedy: "Set `triggers = \"fire\"` in the policy if it may fire",
        })
    }
}

/// In the order in which they were made, since that is the one in which they fire.
fn all(session: &mut Session) -> Result<Vec<Row>, RestoreError> {
    let sql = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid";
    session.query("read the triggers", sql, &[])
}
