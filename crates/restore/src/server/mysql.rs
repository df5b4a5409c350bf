//! What the information schema of MySQL and MariaDB says of the tables of a database.

use std::collections::BTreeMap;

use restitch_model::{Column, ForeignKey, TableSchema, Value};

use super::describe::{Reference, Relation, Written};
use super::{Limits, Server};
use crate::RestoreError;
use crate::kind::{Kind, MYSQL};

const DOING: &str = "read the tables";

/// Fixes what a session could have otherwise. Zero dates stay allowed, since old rows have
/// them and must be put back as they were.
pub(super) fn prepare(server: &mut Server, limits: &Limits) -> Result<(), RestoreError> {
    let seconds = |ms: u64| ms.div_ceil(1000).max(1);
    let lock = seconds(limits.lock_ms);
    let sql = format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,\
         NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', \
         lock_wait_timeout = {lock}, innodb_lock_wait_timeout = {lock}, \
         foreign_key_checks = 1, unique_checks = 1"
    );
    server.statement("prepare the session", &sql)?;
    // Each of the two families has its own name for this.
    let version = server.ask("prepare the session", "SELECT VERSION()", &[])?.to_string();
    let sql = match version.contains("MariaDB") {
        true => format!("SET SESSION max_statement_time = {}", seconds(limits.statement_ms)),
        false => format!(
            "SET SESSION max_execution_time = {}, information_schema_stats_expiry = 0",
            limits.statement_ms
        ),
    };
    server.statement("prepare the session", &sql)
}

/// What tells this database from every other one.
pub(super) fn identity(server: &mut Server) -> Result<String, RestoreError> {
    let sql = "SELECT CONCAT(@@hostname, ' ', @@port, ' ', @@datadir, ' ', DATABASE())";
    Ok(server.ask(DOING, sql, &[])?.to_string())
}

const TABLES: &str = "\
    SELECT t.TABLE_NAME, CAST(t.AUTO_INCREMENT AS CHAR), COALESCE(e.TRANSACTIONS, 'NO') \
    FROM information_schema.TABLES t \
    LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE \
    WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') \
      AND t.TABLE_NAME NOT LIKE 'restitch\\_%'";

const COLUMNS: &str = "\
    SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE = 'YES', COLUMN_DEFAULT, \
           COALESCE(GENERATION_EXPRESSION, '') <> '', EXTRA \
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
    ORDER BY TABLE_NAME, ORDINAL_POSITION";

const KEYS: &str = "\
    SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART IS NULL \
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 \
    ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";

const REFERENCES: &str = "\
    SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, \
           REFERENCED_COLUMN_NAME, REFERENCED_TABLE_SCHEMA = DATABASE() \
    FROM information_schema.KEY_COLUMN_USAGE \
    WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL \
    ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION";

const TRIGGERS: &str = "\
    SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS \
    WHERE EVENT_OBJECT_SCHEMA = DATABASE() ORDER BY EVENT_OBJECT_TABLE, TRIGGER_NAME";

/// All tables of the database that the user may see.
pub(super) fn describe(server: &mut Server) -> Result<Vec<Relation>, RestoreError> {
    let family = server.family();
    let mut relations: BTreeMap<String, Relation> = BTreeMap::new();
    let mut counters: BTreeMap<String, i64> = BTreeMap::new();
    for row in server.query(DOING, TABLES, &[])? {
        let name = text(&row[0]);
        if let Some(next) = row[1].as_text().and_then(|text| text.parse().ok()) {
            counters.insert(name.clone(), next);
        }
        let relation = Relation {
            schema: TableSchema {
                name: name.clone(),
                columns: Vec::new(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
                uniques: Vec::new(),
                triggers: Vec::new(),
                next_id: None,
            },
            namespace: String::new(),
            name: family.quote(&name),
            columns: Vec::new(),
            references: Vec::new(),
            sequence: None,
            identity: false,
            only: false,
            row_security: false,
            ruled: false,
            transactional: text(&row[2]) == "YES",
            unstoppable: Vec::new(),
        };
        relations.insert(name, relation);
    }
    let mut counted: BTreeMap<String, String> = BTreeMap::new();
    for row in server.query(DOING, COLUMNS, &[])? {
        let Some(relation) = relations.get_mut(&text(&row[0])) else { continue };
        let (name, extra) = (text(&row[1]), text(&row[6]).to_ascii_lowercase());
        let declared = format!("{MYSQL}{}", text(&row[2]));
        let kind = Kind::of(&declared);
        let quoted = family.quote(&name);
        let read = match kind {
            Kind::Whole => format!("t.{quoted} + 0"),
            Kind::Real => format!("t.{quoted}"),
            Kind::Bytes => format!("HEX(t.{quoted})"),
            Kind::Text | Kind::Padded => format!("t.{quoted}"),
            _ => format!("CAST(t.{quoted} AS CHAR)"),
        };
        let touched = extra.contains("on update");
        relation.columns.push(Written { name: quoted, kind, cast: String::new(), read, touched });
        if extra.contains("auto_increment") {
            counted.insert(relation.schema.name.clone(), name.clone());
        }
        let given = row[4].as_text().filter(|text| *text != "NULL").map(str::to_owned);
        relation.schema.columns.push(Column {
            name,
            declared,
            nullable: is(&row[3]),
            default: given,
            generated: is(&row[5]),
        });
    }
    keys(server, &mut relations)?;
    references(server, &mut relations)?;
    for row in server.query(DOING, TRIGGERS, &[])? {
        if let Some(relation) = relations.get_mut(&text(&row[0])) {
            relation.schema.triggers.push(text(&row[1]));
            relation.unstoppable.push(text(&row[1]));
        }
    }
    for (name, relation) in &mut relations {
        if relation.schema.primary_key.first() == counted.get(name)
            && relation.schema.primary_key.len() == 1
        {
            // The server leaves it empty until the first row comes.
            relation.schema.next_id = Some(counters.get(name).copied().unwrap_or(1));
        }
    }
    Ok(relations.into_values().collect())
}

fn keys(
    server: &mut Server,
    relations: &mut BTreeMap<String, Relation>,
) -> Result<(), RestoreError> {
    let mut indexes: BTreeMap<(String, String), Option<Vec<String>>> = BTreeMap::new();
    for row in server.query(DOING, KEYS, &[])? {
        let columns = indexes.entry((text(&row[0]), text(&row[1]))).or_insert_with(|| Some(vec![]));
        // An index over an expression has no column, one over the beginning of a text is none
        // that columns can be judged by.
        match (row[2].as_text(), is(&row[3])) {
            (Some(column), true) => columns.iter_mut().for_each(|c| c.push(column.to_owned())),
            _ => *columns = None,
        }
    }
    for ((table, index), columns) in indexes {
        let (Some(relation), Some(columns)) = (relations.get_mut(&table), columns) else {
            continue;
        };
        match index == "PRIMARY" {
            true => relation.schema.primary_key = columns,
            false => relation.schema.uniques.push(columns),
        }
    }
    for relation in relations.values_mut() {
        relation.schema.uniques.sort();
        relation.schema.uniques.dedup();
    }
    Ok(())
}

fn references(
    server: &mut Server,
    relations: &mut BTreeMap<String, Relation>,
) -> Result<(), RestoreError> {
    let mut last = (String::new(), String::new());
    for row in server.query(DOING, REFERENCES, &[])? {
        let Some(relation) = relations.get_mut(&text(&row[0])) else { continue };
        let table = match is(&row[5]) {
            true => text(&row[3]),
            false => "a table of another database".to_owned(),
        };
        let (column, to) = (text(&row[2]), text(&row[4]));
        let Some(position) = relation.schema.position(&column) else { continue };
        relation.schema.foreign_keys.push(ForeignKey {
            column,
            table: table.clone(),
            to: to.clone(),
        });
        let this = (text(&row[0]), text(&row[1]));
        match relation.references.last_mut().filter(|_| this == last) {
            Some(reference) => {
                reference.columns.push(position);
                reference.to.push(to);
            }
            None => {
                relation.references.push(Reference { columns: vec![position], table, to: vec![to] })
            }
        }
        last = this;
    }
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn is(value: &Value) -> bool {
    *value == Value::Integer(1)
}
