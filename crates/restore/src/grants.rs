//! The fewest rights with which a plan can be applied and undone, as statements.

use std::collections::BTreeSet;

use crate::server::{Family, Limits, Relation, Server, own_statements, own_table};
use crate::{Engine, RestoreError};

/// The statements that make a role with the least rights that suffice to apply a plan to these
/// tables and to undo it, and restitch's own tables beforehand, so that the role need not make
/// any. Run by whoever owns the database. The role gets no password by them. The database is
/// only read. A SQLite file needs none: nothing comes back.
pub fn grants(url: &str, tables: &[String], role: &str) -> Result<Vec<String>, RestoreError> {
    let (family, url) = match Engine::of(url)? {
        Engine::Sqlite(_) => return Ok(Vec::new()),
        Engine::Postgres(url) => (Family::Postgres, url),
        Engine::MySql(url) => (Family::MySql, url),
    };
    let mut server = Server::connect(family, &url, &Limits::default())?;
    server.begin_reading()?;
    let relations = server.describe()?;
    let has_journal = server.has_journal()?;
    let database = server.database().to_owned();
    server.close()?;
    let written: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    let own = if has_journal { Vec::new() } else { own_statements(family) };
    let mut statements: Vec<String> = own.into_iter().map(|sql| format!("{sql};")).collect();
    statements.extend(match family {
        Family::Postgres => postgres(&database, &relations, &written, role),
        Family::MySql => mysql(&database, &relations, &written, role),
    });
    Ok(statements)
}

fn postgres(
    database: &str,
    relations: &[Relation],
    written: &BTreeSet<&str>,
    role: &str,
) -> Vec<String> {
    let family = Family::Postgres;
    let role = family.quote(role);
    let is_written = |relation: &&Relation| written.contains(relation.schema.name.as_str());
    let mut all = vec![
        format!("CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;"),
        format!("GRANT CONNECT ON DATABASE {} TO {role};", family.quote(database)),
    ];
    let schema = |relation: &Relation| relation.namespace.clone();
    let schemas: BTreeSet<String> = relations.iter().map(schema).collect();
    for schema in schemas.iter().filter(|schema| !schema.is_empty()) {
        all.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role};"));
    }
    // A row is locked so that it stays, which takes the right to change some column of it.
    let parents: BTreeSet<&str> = relations
        .iter()
        .filter(is_written)
        .flat_map(|relation| &relation.references)
        .map(|reference| reference.table.as_str())
        .collect();
    for relation in relations {
        let name = &relation.name;
        match is_written(&relation) {
            true => all.push(format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {role};")),
            false => all.push(format!("GRANT SELECT ON {name} TO {role};")),
        }
        let key = relation.schema.primary_key.first().map(|key| family.quote(key));
        match key.filter(|_| parents.contains(relation.schema.name.as_str())) {
            Some(key) if !is_written(&relation) => {
                all.push(format!("GRANT UPDATE ({key}) ON {name} TO {role};"));
            }
            _ => {}
        }
        if let Some(sequence) = &relation.sequence {
            all.push(format!("GRANT SELECT, UPDATE ON SEQUENCE {sequence} TO {role};"));
        }
    }
    if relations.iter().filter(is_written).any(|r| !r.schema.triggers.is_empty()) {
        all.push(format!("GRANT SET ON PARAMETER session_replication_role TO {role};"));
    }
    if relations.iter().any(|relation| relation.row_security) {
        all.push(format!("ALTER ROLE {role} BYPASSRLS;"));
    }
    all.push(format!("GRANT USAGE ON SCHEMA restitch TO {role};"));
    all.extend(own_grants(family, "", &role));
    all
}

fn mysql(
    database: &str,
    relations: &[Relation],
    written: &BTreeSet<&str>,
    role: &str,
) -> Vec<String> {
    let family = Family::MySql;
    let role = format!("'{}'@'%'", role.replace('\\', "\\\\").replace('\'', "''"));
    let database = format!("{}.", family.quote(database));
    let mut all = vec![format!("CREATE USER {role};")];
    for relation in relations {
        // Whoever may make triggers is the only one who may see them.
        let rights = match written.contains(relation.schema.name.as_str()) {
            true => "SELECT, INSERT, UPDATE, DELETE, TRIGGER",
            false => "SELECT",
        };
        all.push(format!("GRANT {rights} ON {database}{} TO {role};", relation.name));
    }
    all.extend(own_grants(family, &database, &role));
    all
}

fn own_grants(family: Family, before: &str, role: &str) -> Vec<String> {
    [
        ("applied", "SELECT, INSERT, UPDATE"),
        ("journal", "SELECT, INSERT"),
        ("provenance", "SELECT, INSERT"),
    ]
    .map(|(table, rights)| {
        format!("GRANT {rights} ON {before}{} TO {role};", own_table(family, table))
    })
    .to_vec()
}
