use restitch_model::{Candidate, Value};

use crate::doctor::{Finding, Level, MARGIN, doctor};
use crate::server::{Family, Limits, Relation, Server};
use crate::{Engine, RestoreError};

/// The clocks that run from the moment of a loss: what to do before anything else, whatever
/// the database is.
pub const CLOCKS: [&str; 3] = [
    "ask the hosting or database provider now for internal snapshots and deleted volumes: what \
     is not in your console may still be there, for days",
    "Stripe keeps events for 30 days: pull them before they go, objects stay longer",
    "mail providers empty trash and logs by their own retention, often after 30 days: ask for a \
     hold, and pull sent mail",
];

/// Looks a database over as [`doctor`] does, and where it is a server's also at what only the
/// server knows: the sequence that a statement must name, rights that the role had better not
/// have, row-level security, tables that the role may not read, engines without transactions.
///
/// It runs in one transaction that cannot write. What needs an act comes first.
pub fn examine(url: &str, candidates: &[Candidate]) -> Result<Vec<Finding>, RestoreError> {
    let (family, url) = match Engine::of(url)? {
        file @ Engine::Sqlite(_) => return Ok(doctor(&file.snapshot()?, candidates)),
        Engine::Postgres(url) => (Family::Postgres, url),
        Engine::MySql(url) => (Family::MySql, url),
    };
    let mut server = Server::connect(family, &url, &Limits::default())?;
    server.begin_reading()?;
    let relations = server.describe()?;
    let all: Vec<&Relation> = relations.iter().collect();
    let rights = server.rights(&all)?;
    let hidden = server.hidden_tables()?;
    let snapshot = server.snapshot()?;
    server.close()?;
    let mut findings = doctor(&snapshot, candidates);
    for finding in &mut findings {
        let relation = relations.iter().find(|r| r.schema.name == finding.table);
        let sequence = relation.and_then(|relation| relation.sequence.as_ref());
        if let (Some(sequence), Some(_), Some(last)) = (sequence, &finding.statement, finding.last)
        {
            let literal = sequence.replace('\'', "''");
            let to = last.saturating_add(MARGIN);
            finding.statement = Some(format!("SELECT setval('{literal}', {to});"));
        }
    }
    for right in &rights.excess {
        let text = format!(
            "the role {} may do more than a restore needs: {right}; `restitch doctor --grants` \
             prints the statements for one that may not",
            rights.role
        );
        findings.push(Finding::about(Level::Act, &rights.database, text));
    }
    for relation in &relations {
        let name = relation.schema.name.as_str();
        if relation.row_security {
            let text = "row-level security holds for it: rows that the role may not see make \
                        reading it an error, never a smaller table";
            findings.push(Finding::about(Level::Note, name, text.to_owned()));
        }
        if !relation.transactional {
            let text = "its engine takes part in no transaction, so that nothing is restored \
                        into it; ALTER TABLE … ENGINE = InnoDB changes that";
            findings.push(Finding::about(Level::Act, name, text.to_owned()));
        }
        if family == Family::MySql && !relation.unstoppable.is_empty() {
            let text = "its triggers cannot be kept still on this server: the policy must let \
                        them fire, or nothing is written to it";
            findings.push(Finding::about(Level::Note, name, text.to_owned()));
        }
    }
    if !hidden.is_empty() {
        let text = format!("the role may not read {}: they are left out", hidden.join(", "));
        findings.push(Finding::about(Level::Note, &rights.database, text));
    }
    findings.sort_by_key(|finding| finding.level);
    Ok(findings)
}

impl Server {
    /// Tables that are there and that the role may not read. MySQL does not tell of them.
    fn hidden_tables(&mut self) -> Result<Vec<String>, RestoreError> {
        if self.family() == Family::MySql {
            return Ok(Vec::new());
        }
        let sql = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) \
                   FROM pg_catalog.pg_class c \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition \
                     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'restitch') \
                     AND n.nspname !~ '^pg_' AND c.relpersistence <> 't' \
                     AND NOT (has_schema_privilege(n.oid, 'USAGE') \
                         AND has_table_privilege(c.oid, 'SELECT')) \
                   ORDER BY 1";
        let rows = self.query("look for tables", sql, &[])?;
        Ok(rows
            .iter()
            .filter_map(|row| row.first().and_then(Value::as_text))
            .map(str::to_owned)
            .collect())
    }
}
