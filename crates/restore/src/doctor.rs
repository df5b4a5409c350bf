use std::collections::BTreeMap;

use restitch_model::{Candidate, Instant, Snapshot, Table, Value};
use serde::Serialize;

use crate::ground::named_ids;

/// Something about a database that its operator should know before anything is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// The table.
    pub table: String,
    /// What was found, as a sentence without full stop.
    pub text: String,
    /// The statement that mends it, where there is one.
    pub statement: Option<String>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// To be acted upon before the application starts again.
    Act,
    /// Good to know.
    Note,
}

/// Looks a database over, with what the evidence names (no candidates where none are known
/// yet): ids that would be handed out a second time, triggers, computed columns, how many rows
/// there are and how new they are. What needs an act comes first, then by table. Pure.
pub fn doctor(snapshot: &Snapshot, candidates: &[Candidate]) -> Vec<Finding> {
    let drafts = BTreeMap::new();
    let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
    for (table, id) in named_ids(snapshot, candidates, &drafts) {
        let slot = highest.entry(table).or_insert(id);
        *slot = id.max(*slot);
    }
    let mut findings = Vec::new();
    for table in &snapshot.tables {
        let name = table.schema.name.as_str();
        findings.extend(reused_ids(table, highest.get(name).copied()));
        findings.extend(notes(table).into_iter().map(|text| Finding {
            level: Level::Note,
            table: name.to_owned(),
            text,
            statement: None,
        }));
    }
    findings.sort_by_key(|finding| finding.level);
    findings
}

fn reused_ids(table: &Table, highest: Option<i64>) -> Option<Finding> {
    let (name, next, highest) = (&table.schema.name, table.schema.next_id?, highest?);
    if highest < next {
        return None;
    }
    let literal = name.replace('\'', "''");
    Some(Finding {
        level: Level::Act,
        table: name.clone(),
        text: format!(
            "the next row gets the id {next}, but evidence names ids up to {highest}: those would \
             be given a second time. The statement moves the counter of an AUTOINCREMENT table \
             on; any other table counts from its highest row, so keep the application from \
             writing until the restored copy is in place"
        ),
        statement: Some(format!(
            "UPDATE sqlite_sequence SET seq = {highest} WHERE name = '{literal}' \
             AND seq < {highest};"
        )),
    })
}

fn notes(table: &Table) -> Vec<String> {
    let schema = &table.schema;
    let mut notes = vec![format!("{} rows{}", table.rows.len(), newest(table))];
    if !schema.triggers.is_empty() {
        let names = schema.triggers.join(", ");
        notes.push(format!("a write would fire {names}, unless triggers are suppressed"));
    }
    let computed: Vec<&str> =
        schema.columns.iter().filter(|c| c.generated).map(|c| c.name.as_str()).collect();
    if !computed.is_empty() {
        notes.push(format!("the database computes {} itself", computed.join(", ")));
    }
    if schema.primary_key.is_empty() {
        notes.push("no primary key, so that nothing can be restored into it".to_owned());
    }
    notes
}

/// The latest moment in each column that holds moments only.
fn newest(table: &Table) -> String {
    let mut text = String::new();
    for (i, column) in table.schema.columns.iter().enumerate() {
        let values = table.rows.iter().map(|row| &row[i]).filter(|value| !value.is_null());
        let moments: Option<Vec<(Instant, &str)>> = values.map(moment).collect();
        if let Some((_, latest)) = moments.and_then(|moments| moments.into_iter().max()) {
            text += &format!(", {} up to {latest}", column.name);
        }
    }
    text
}

/// A text that is a date, or a date and a time, read as UTC where it names no offset.
fn moment(value: &Value) -> Option<(Instant, &str)> {
    let text = value.as_text()?;
    let civil = |t: jiff::civil::DateTime| t.in_tz("UTC").ok().map(|zoned| zoned.timestamp());
    let instant = text.parse().ok().or_else(|| civil(text.parse().ok()?))?;
    Some((instant, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Db, RENTAL, is, lost};

    fn findings(sql: &str, candidates: &[Candidate]) -> String {
        let found = doctor(&Db::new(sql).snapshot(), candidates);
        found.iter().map(|f| format!("{:?} {}: {}\n", f.level, f.table, f.text)).collect()
    }

    #[test]
    fn ids_that_would_be_given_again_come_first_with_the_statement() {
        let evidence = [lost("b", "bookings", &[("customer_id", is(90)), ("id", is(11))])];
        let found = doctor(&Db::new(RENTAL).snapshot(), &evidence);
        assert_eq!((found[0].level, found[0].table.as_str()), (Level::Act, "customers"));
        assert_eq!(
            found[0].statement.as_deref(),
            Some("UPDATE sqlite_sequence SET seq = 90 WHERE name = 'customers' AND seq < 90;")
        );
        assert!(found[1..].iter().all(|f| f.level == Level::Note));
    }

    #[test]
    fn triggers_computed_columns_rows_and_the_newest_are_told() {
        assert_eq!(
            findings(RENTAL, &[]),
            "Note bookings: 2 rows\n\
             Note bookings: a write would fire mail_on_booking, unless triggers are suppressed\n\
             Note bookings: the database computes euros itself\n\
             Note customers: 2 rows\n\
             Note outbox: 0 rows\n"
        );
        let dated = "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT, word TEXT);
             INSERT INTO t VALUES (1, '2026-01-05T10:00:00Z', 'x'), (2, '2026-01-04', '2026-01-01');";
        assert_eq!(findings(dated, &[]), "Note t: 2 rows, at up to 2026-01-05T10:00:00Z\n");
    }
}
