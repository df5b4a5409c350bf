//! What PostgreSQL's catalogue says of its tables. The search path is empty meanwhile, so that
//! types and defaults come with the schemas that they are from.

use std::collections::BTreeMap;

use restitch_model::{Column, ForeignKey, Row, TableSchema, Value};

use super::describe::{Reference, Relation, Written};
use super::{Bind, Limits, Server};
use crate::RestoreError;
use crate::kind::Kind;

const DOING: &str = "read the tables";

/// Fixes what a session could have otherwise. Without `row_security = off`, rows that a policy
/// hides would be missing without a word. Compiling statements (`jit`) takes longer than running them:
/// their lists of keys are thought to be long.
pub(super) fn prepare(server: &mut Server, limits: &Limits) -> Result<(), RestoreError> {
    let sql = format!(
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; \
         SET bytea_output = 'hex'; SET extra_float_digits = 1; SET row_security = off; \
         SET lc_monetary = 'C'; SET client_min_messages = 'warning'; SET jit = off; \
         SET lock_timeout = {lock}; SET statement_timeout = {statement}; \
         SET idle_in_transaction_session_timeout = {statement}",
        lock = limits.lock_ms,
        statement = limits.statement_ms,
    );
    server.statement("prepare the session", &sql)
}

/// What tells this database from every other one.
pub(super) fn identity(server: &mut Server) -> Result<String, RestoreError> {
    let sql = "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')";
    let system = match server.ask(DOING, sql, &[])? {
        Value::Integer(1) => {
            let sql = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()";
            server.ask(DOING, sql, &[])?.to_string()
        }
        _ => String::new(),
    };
    let sql = "SELECT oid::text || ' ' || datname FROM pg_catalog.pg_database \
               WHERE datname = current_database()";
    Ok(format!("{system} {}", server.ask(DOING, sql, &[])?))
}

/// All tables that the role may read.
pub(super) fn describe(server: &mut Server) -> Result<Vec<Relation>, RestoreError> {
    let path = server.ask(DOING, "SELECT current_setting('search_path')", &[])?;
    let set = "SELECT set_config('search_path', $1, false)";
    server.query(DOING, set, &["".into()])?;
    let relations = catalogue(server);
    // After an error in a transaction nothing more can be said to the server anyway.
    let back = server.query(DOING, set, &[Bind::One(path)]);
    let relations = relations?;
    back?;
    Ok(relations)
}

const TABLES: &str = "\
    SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind = 'r', \
           c.relrowsecurity \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' \
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'restitch') \
      AND n.nspname !~ '^pg_' \
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') \
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' \
          AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid) \
    ORDER BY c.oid";

/// A domain is read and written as what it is made of; the server holds its constraints against
/// what is written.
const COLUMNS: &str = "\
    WITH RECURSIVE base(oid, type, mod, required, value) AS ( \
        SELECT oid, oid, -1, false, NULL::text COLLATE \"C\" FROM pg_catalog.pg_type WHERE typtype <> 'd' \
        UNION ALL \
        SELECT d.oid, b.type, CASE WHEN d.typtypmod <> -1 THEN d.typtypmod ELSE b.mod END, \
               d.typnotnull OR b.required, COALESCE(d.typdefault COLLATE \"C\", b.value) \
        FROM pg_catalog.pg_type d JOIN base b ON d.typbasetype = b.oid WHERE d.typtype = 'd' \
    ) \
    SELECT a.attrelid::int8, a.attname::text, \
           CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN 'pg_catalog.' ELSE '' END \
               || pg_catalog.format_type(b.type, \
                   CASE WHEN a.atttypmod <> -1 THEN a.atttypmod ELSE b.mod END), \
           pg_catalog.format_type(b.type, -1), \
           NOT (a.attnotnull OR b.required), \
           COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), \
               CASE WHEN a.attidentity <> '' THEN 'generated as identity' END, b.value), \
           a.attgenerated <> '', a.attidentity = 'a', \
           (SELECT pg_catalog.format('%I.%I', n.nspname, s.relname) || ' ' || s.oid \
            FROM pg_catalog.pg_depend p \
            JOIN pg_catalog.pg_class s ON s.relkind = 'S' AND s.oid = \
                CASE WHEN p.classid = 'pg_catalog.pg_attrdef'::regclass \
                     THEN p.refobjid ELSE p.objid END \
            JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace \
            WHERE (p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid \
                   AND p.refclassid = 'pg_catalog.pg_class'::regclass) \
               OR (p.classid = 'pg_catalog.pg_class'::regclass AND a.attidentity <> '' \
                   AND p.refclassid = 'pg_catalog.pg_class'::regclass AND p.deptype = 'i' \
                   AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum) \
            ORDER BY s.oid LIMIT 1) \
    FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') \
    JOIN base b ON b.oid = a.atttypid \
    JOIN pg_catalog.pg_type t ON t.oid = b.type \
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";

/// Unique indexes over whole columns of all rows; what is partial or an expression cannot be
/// judged by columns, and the server judges it.
const KEYS: &str = "\
    SELECT i.indrelid::int8, i.indisprimary, \
           pg_catalog.to_json(ARRAY(SELECT a.attname FROM \
               unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(n, place) \
               JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n \
               ORDER BY k.place))::text \
    FROM pg_catalog.pg_index i \
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL \
    ORDER BY i.indrelid, i.indexrelid";

const REFERENCES: &str = "\
    SELECT k.conrelid::int8, k.confrelid::int8, \
           pg_catalog.to_json(ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY \
               AS c(n, place) JOIN pg_catalog.pg_attribute a \
               ON a.attrelid = k.conrelid AND a.attnum = c.n ORDER BY c.place))::text, \
           pg_catalog.to_json(ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY \
               AS c(n, place) JOIN pg_catalog.pg_attribute a \
               ON a.attrelid = k.confrelid AND a.attnum = c.n ORDER BY c.place))::text \
    FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0 \
    ORDER BY k.conrelid, k.conname";

/// Triggers and rules that a write would fire. Those that are enabled ALWAYS fire whatever the
/// role of the session is, those for REPLICA only where it was to keep the others still.
const TRIGGERS: &str = "\
    SELECT tgrelid::int8, tgname::text, tgenabled <> 'R', tgenabled <> 'O', false \
    FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgparentid = 0 \
    UNION ALL \
    SELECT ev_class::int8, 'rule ' || rulename, ev_enabled <> 'R', ev_enabled <> 'O', \
           true \
    FROM pg_catalog.pg_rewrite WHERE ev_type IN ('2', '3', '4') AND ev_enabled <> 'D' \
    ORDER BY 1, 2";

fn catalogue(server: &mut Server) -> Result<Vec<Relation>, RestoreError> {
    let family = server.family();
    let mut relations: BTreeMap<i64, Relation> = BTreeMap::new();
    for row in server.query(DOING, TABLES, &[])? {
        let [oid, schema, table, only, secured] = &row[..] else { continue };
        let (schema, table) = (text(schema), text(table));
        let namespace = family.quote(schema);
        let name = format!("{namespace}.{}", family.quote(table));
        let relation = Relation {
            schema: TableSchema {
                name: name_of(schema, table),
                columns: Vec::new(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
                uniques: Vec::new(),
                triggers: Vec::new(),
                next_id: None,
            },
            namespace,
            name,
            columns: Vec::new(),
            references: Vec::new(),
            sequence: None,
            identity: false,
            only: is(only),
            row_security: is(secured),
            ruled: false,
            transactional: true,
            unstoppable: Vec::new(),
        };
        relations.insert(oid.as_integer().unwrap_or_default(), relation);
    }
    let mut sequences: BTreeMap<(i64, String), String> = BTreeMap::new();
    for row in server.query(DOING, COLUMNS, &[])? {
        let Some((oid, relation)) = at(&mut relations, &row) else { continue };
        column(relation, &row, family);
        if let Some(sequence) = row[8].as_text() {
            sequences.insert((oid, text(&row[1]).to_owned()), sequence.to_owned());
        }
    }
    for row in server.query(DOING, KEYS, &[])? {
        let Some((_, relation)) = at(&mut relations, &row) else { continue };
        match is(&row[1]) {
            true => relation.schema.primary_key = names(&row[2]),
            false => relation.schema.uniques.push(names(&row[2])),
        }
    }
    let called: BTreeMap<i64, String> =
        relations.iter().map(|(oid, r)| (*oid, r.schema.name.clone())).collect();
    for row in server.query(DOING, REFERENCES, &[])? {
        let parent = row[1].as_integer().and_then(|oid| called.get(&oid)).cloned();
        let Some((_, relation)) = at(&mut relations, &row) else { continue };
        // A parent that the role may not read is still named, so that nothing refers to it
        // unseen.
        refer(relation, parent.unwrap_or_else(|| "a table that may not be read".to_owned()), &row);
    }
    for row in server.query(DOING, TRIGGERS, &[])? {
        let Some((_, relation)) = at(&mut relations, &row) else { continue };
        let name = text(&row[1]).to_owned();
        if is(&row[3]) {
            relation.unstoppable.push(name.clone());
        }
        if is(&row[2]) {
            relation.schema.triggers.push(name);
        }
        relation.ruled |= is(&row[4]);
    }
    for (oid, relation) in &mut relations {
        relation.schema.uniques.sort();
        relation.schema.uniques.dedup();
        let [key] = &relation.schema.primary_key[..] else { continue };
        let Some(sequence) = sequences.get(&(*oid, key.clone())) else { continue };
        if let Some((name, id)) = sequence.rsplit_once(' ') {
            relation.schema.next_id = next_id(server, name, id)?;
            relation.sequence = relation.schema.next_id.map(|_| name.to_owned());
        }
    }
    Ok(relations.into_values().collect())
}

/// A table's name: without its schema where that is `public`. What holds a point or a quote is
/// quoted, so that no two tables share a name.
fn name_of(schema: &str, table: &str) -> String {
    let part = |name: &str| match name.contains(['.', '"']) {
        true => super::Family::Postgres.quote(name),
        false => name.to_owned(),
    };
    match schema {
        "public" => part(table),
        _ => format!("{}.{}", part(schema), part(table)),
    }
}

fn column(relation: &mut Relation, row: &Row, family: super::Family) {
    let name = text(&row[1]);
    let declared = text(&row[2]).to_owned();
    let kind = Kind::of(&declared);
    let quoted = family.quote(name);
    let read = match kind {
        Kind::Whole => format!("t.{quoted}::int8"),
        Kind::Bool => format!("t.{quoted}::int4"),
        Kind::Bytes => format!("t.{quoted}"),
        _ => format!("t.{quoted}::text"),
    };
    let cast = text(&row[3]).to_owned();
    relation.columns.push(Written { name: quoted, kind, cast, read, touched: false });
    relation.identity |= is(&row[7]);
    relation.schema.columns.push(Column {
        name: name.to_owned(),
        declared,
        nullable: is(&row[4]),
        default: row[5].as_text().map(str::to_owned),
        generated: is(&row[6]),
    });
}

fn refer(relation: &mut Relation, table: String, row: &Row) {
    let (columns, to) = (names(&row[2]), names(&row[3]));
    for (column, to) in columns.iter().zip(&to) {
        let (column, to, table) = (column.clone(), to.clone(), table.clone());
        relation.schema.foreign_keys.push(ForeignKey { column, table, to });
    }
    let columns = columns.iter().filter_map(|name| relation.schema.position(name)).collect();
    relation.references.push(Reference { columns, table, to });
}

/// What a sequence gives next. `None` where the role may not look, or it counts down.
fn next_id(server: &mut Server, name: &str, oid: &str) -> Result<Option<i64>, RestoreError> {
    let oid: i64 = oid.parse().unwrap_or_default();
    let sql = "SELECT has_sequence_privilege($1::int8::oid, 'SELECT'), \
               (SELECT seqincrement FROM pg_catalog.pg_sequence WHERE seqrelid = $1::int8::oid)";
    let rows = server.query(DOING, sql, &[oid.into()])?;
    let Some([may, Value::Integer(step)]) = rows.first().map(|row| &row[..]) else {
        return Ok(None);
    };
    if !is(may) || *step <= 0 {
        return Ok(None);
    }
    let rows = server.query(DOING, &format!("SELECT last_value, is_called FROM {name}"), &[])?;
    let Some([Value::Integer(last), called]) = rows.first().map(|row| &row[..]) else {
        return Ok(None);
    };
    Ok(if is(called) { last.checked_add(*step) } else { Some(*last) })
}

fn at<'a>(
    relations: &'a mut BTreeMap<i64, Relation>,
    row: &Row,
) -> Option<(i64, &'a mut Relation)> {
    let oid = row.first()?.as_integer()?;
    Some((oid, relations.get_mut(&oid)?))
}

fn text(value: &Value) -> &str {
    value.as_text().unwrap_or_default()
}

fn is(value: &Value) -> bool {
    *value == Value::Integer(1)
}

fn names(value: &Value) -> Vec<String> {
    serde_json::from_str(text(value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn no_two_tables_share_a_name() {
        assert_eq!(name_of("public", "Orders"), "Orders");
        assert_eq!(name_of("sales", "orders"), "sales.orders");
        assert_eq!(name_of("public", "sales.orders"), "\"sales.orders\"");
        assert_eq!(name_of("a\"b", "c"), "\"a\"\"b\".c");
    }
}
