//! Tables that cannot be written, and triggers held still with a server's own means.

use super::{Family, Relation, Server};
use crate::{RestoreError, Triggers};

impl Server {
    /// Refuses tables that cannot be written whole or not at all, or with triggers still.
    pub(super) fn refuse_unwritable(
        &mut self,
        tables: &[&Relation],
        triggers: Triggers,
    ) -> Result<(), RestoreError> {
        if let Some(table) = tables.iter().find(|table| !table.transactional) {
            return Err(RestoreError::Refused(format!(
                "the engine of {} takes part in no transaction, so that rows could be written by \
                 half; convert it with ALTER TABLE … ENGINE = InnoDB",
                table.schema.name
            )));
        }
        if triggers == Triggers::Fire {
            return Ok(());
        }
        let unstoppable: Vec<String> = tables
            .iter()
            .filter(|table| !table.unstoppable.is_empty())
            .map(|table| format!("{} of {}", table.unstoppable.join(", "), table.schema.name))
            .collect();
        if !unstoppable.is_empty() {
            return Err(RestoreError::Refused(format!(
                "triggers are to keep still, and {} cannot be kept still; set `triggers = \
                 \"fire\"` in the policy if they may fire",
                unstoppable.join("; ")
            )));
        }
        if self.family() == Family::MySql && !self.sees_triggers(tables)? {
            return Err(RestoreError::Refused(
                "triggers are to keep still, and the role may not see whether there are any; \
                 grant it TRIGGER on the tables, or set `triggers = \"fire\"` in the policy"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// MySQL shows triggers only to whom may make some.
    fn sees_triggers(&mut self, tables: &[&Relation]) -> Result<bool, RestoreError> {
        let sql = "SELECT TABLE_NAME FROM information_schema.TABLE_PRIVILEGES \
                   WHERE TABLE_SCHEMA = DATABASE() AND PRIVILEGE_TYPE = 'TRIGGER' UNION \
                   SELECT '*' FROM information_schema.SCHEMA_PRIVILEGES \
                   WHERE DATABASE() LIKE TABLE_SCHEMA AND PRIVILEGE_TYPE = 'TRIGGER' UNION \
                   SELECT '*' FROM information_schema.USER_PRIVILEGES \
                   WHERE PRIVILEGE_TYPE = 'TRIGGER'";
        let rows = self.query("look for triggers", sql, &[])?;
        let may = |name: &str| rows.iter().any(|row| row[0].as_text() == Some(name));
        Ok(may("*") || tables.iter().all(|table| may(&table.schema.name)))
    }

    /// Holds triggers still, where there are any and they are to. Gives whether it did.
    pub(super) fn hold_triggers(
        &mut self,
        tables: &[&Relation],
        triggers: Triggers,
    ) -> Result<bool, RestoreError> {
        let firing: Vec<String> = tables
            .iter()
            .filter(|table| !table.schema.triggers.is_empty())
            .map(|table| format!("{} of {}", table.schema.triggers.join(", "), table.schema.name))
            .collect();
        if triggers == Triggers::Fire || firing.is_empty() || self.family() == Family::MySql {
            return Ok(false);
        }
        let sql = "SET LOCAL session_replication_role = 'replica'";
        self.try_statement(sql).map(|()| true).map_err(|_| {
            RestoreError::Refused(format!(
                "triggers are to keep still, and the role may not hold them ({}): GRANT SET ON \
                 PARAMETER session_replication_role to it, or set `triggers = \"fire\"` in the \
                 policy",
                firing.join("; ")
            ))
        })
    }

    /// Lets triggers go again.
    pub(super) fn release_triggers(&mut self, held: bool) -> Result<(), RestoreError> {
        match held {
            false => Ok(()),
            true => {
                self.statement("let triggers go", "SET LOCAL session_replication_role = 'origin'")
            }
        }
    }
}
