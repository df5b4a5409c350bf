use std::collections::BTreeMap;

use restitch_model::{Candidate, Instant, Snapshot, Table, Value};
use serde::Serialize;

use crate::ground::named_ids;
use crate::kind::{MYSQL, POSTGRES};
use crate::order::{Ties, table_ranks};

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
    /// The last id that must not be given again, where the finding is about ids.
    #[serde(skip)]
    pub(crate) last: Option<i64>,
}

/// How far a server's counter is moved past the highest id that is known: rows that were lost
/// without a trace had ids too (GitLab added as much to all of its sequences in 2017).
pub(crate) const MARGIN: i64 = 100_000;

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
    let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
    named_ids(snapshot, candidates, &Ties::new(), &mut |table, id| {
        let slot = highest.entry(table).or_insert(id);
        *slot = id.max(*slot);
    });
    let mut findings = Vec::new();
    findings.extend(in_order(snapshot));
    for table in &snapshot.tables {
        let name = table.schema.name.as_str();
        let named = highest.get(name).copied();
        let reused = reused_ids(table, named);
        let next = table.schema.next_id.filter(|_| reused.is_none());
        findings.extend(reused);
        findings.extend(next.map(|next| note(name, free_ids(next, named))));
        findings.extend(notes(table).into_iter().map(|text| note(name, text)));
    }
    findings.sort_by_key(|finding| finding.level);
    findings
}

impl Finding {
    /// What no statement mends.
    pub(crate) fn about(level: Level, table: &str, text: String) -> Self {
        Self { level, table: table.to_owned(), text, statement: None, last: None }
    }
}

fn note(table: &str, text: String) -> Finding {
    Finding::about(Level::Note, table, text)
}

/// In which order rows go in, where tables refer to each other.
fn in_order(snapshot: &Snapshot) -> Option<Finding> {
    let refers = snapshot.tables.iter().any(|table| !table.schema.foreign_keys.is_empty());
    let mut order: Vec<(usize, &str)> =
        table_ranks(snapshot).into_iter().map(|(name, rank)| (rank, name)).collect();
    order.sort_unstable();
    let order: Vec<&str> = order.into_iter().map(|(_, name)| name).collect();
    let text = format!("rows go in in this order, those referred to first: {}", order.join(", "));
    refers.then(|| note("all tables", text))
}

fn free_ids(next: i64, named: Option<i64>) -> String {
    let named = match named {
        Some(named) => format!("evidence names ids up to {named}"),
        None => "no id is named by evidence yet".to_owned(),
    };
    format!("the next row gets the id {next}; {named}")
}

fn reused_ids(table: &Table, named: Option<i64>) -> Option<Finding> {
    let next = table.schema.next_id?;
    let at = table.schema.position(table.schema.primary_key.first()?)?;
    let held = table.rows.iter().filter_map(|row| row[at].as_integer()).max();
    let last = named.max(held)?;
    if last < next {
        return None;
    }
    let why = match named.is_some_and(|named| named >= next) {
        true => format!("evidence names ids up to {}", named.unwrap_or(last)),
        false => format!("rows have ids up to {last}"),
    };
    let (means, statement) = mend(table, at, last);
    Some(Finding {
        level: Level::Act,
        table: table.schema.name.clone(),
        text: format!(
            "the next row gets the id {next}, but {why}: those would be given a second time. {means}"
        ),
        statement: Some(statement),
        last: Some(last),
    })
}

/// What moves the counter of a table past an id, and what to know of it.
fn mend(table: &Table, key: usize, last: i64) -> (String, String) {
    let name = &table.schema.name;
    let column = &table.schema.columns[key];
    let to = last.saturating_add(MARGIN);
    let beyond = format!(
        "The statement moves the counter on, and {MARGIN} further, past ids of lost rows that \
         nothing names"
    );
    if column.declared.starts_with(POSTGRES) {
        let text = |text: String| format!("'{}'", text.replace('\'', "''"));
        let (table, key) = (text(as_sql(name)), text(column.name.clone()));
        let statement = format!("SELECT setval(pg_get_serial_sequence({table}, {key}), {to});");
        return (beyond, statement);
    }
    if column.declared.starts_with(MYSQL) {
        let name = format!("`{}`", name.replace('`', "``"));
        return (beyond, format!("ALTER TABLE {name} AUTO_INCREMENT = {};", to.saturating_add(1)));
    }
    let literal = name.replace('\'', "''");
    let means = "The statement moves the counter of an AUTOINCREMENT table on; any other table \
                 counts from its highest row, so keep the application from writing until the \
                 restored copy is in place";
    let statement = format!(
        "UPDATE sqlite_sequence SET seq = {last} WHERE name = '{literal}' AND seq < {last};"
    );
    (means.to_owned(), statement)
}

/// The name of a table of PostgreSQL as SQL: parts that are not quoted yet are.
fn as_sql(name: &str) -> String {
    let quoted = |part: &str| match part.starts_with('"') {
        true => part.to_owned(),
        false => format!("\"{part}\""),
    };
    // A point in a part stands in quotes, so that the parts are told apart by the quotes.
    let mut inside = false;
    let point = name.char_indices().find(|(_, c)| {
        inside ^= *c == '"';
        *c == '.' && !inside
    });
    match point {
        Some((at, _)) => format!("{}.{}", quoted(&name[..at]), quoted(&name[at + 1..])),
        None => format!("\"public\".{}", quoted(name)),
    }
}

fn notes(table: &Table) -> Vec<String> {
    let schema = &table.schema;
    let mut notes = vec![format!("{} rows{}", table.rows.len(), newest(table))];
    for key in &schema.foreign_keys {
        notes.push(format!("{} refers to {}.{}", key.column, key.table, key.to));
    }
    if !schema.triggers.is_empty() {
        let names = schema.triggers.join(", ");
        notes.push(format!("a write would fire {names}, unless triggers are suppressed"));
    }
    let computed: Vec<&str> =
        schema.columns.iter().filter(|c| c.generated).map(|c| c.name.as_str()).collect();
    if !computed.is_empty() {
        notes.push(format!("the database computes {} itself", computed.join(", ")));
    }
    if !table.rows.is_empty() && acts_by_itself(&schema.name) {
        notes.push(
            "what waits in it may be sent, charged or run as soon as the application starts: look \
             at its rows first"
                .to_owned(),
        );
    }
    if schema.primary_key.is_empty() {
        notes.push("no primary key, so that nothing can be restored into it".to_owned());
    }
    notes
}

/// Whether a table's name is one of those that programs work off by themselves.
fn acts_by_itself(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words =
        ["outbox", "queue", "job", "schedule", "cron", "reminder", "delayed", "webhook", "lock"];
    words.iter().any(|word| name.contains(word))
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
    fn names_of_postgres_become_sql_again() {
        assert_eq!(as_sql("orders"), "\"public\".\"orders\"");
        assert_eq!(as_sql("sales.orders"), "\"sales\".\"orders\"");
        assert_eq!(as_sql("\"a.b\".\"c\"\"d\""), "\"a.b\".\"c\"\"d\"");
        assert_eq!(as_sql("\"a.b\""), "\"public\".\"a.b\"");
    }

    #[test]
    fn what_acts_by_itself_is_pointed_out_where_something_waits_in_it() {
        let sql = "CREATE TABLE outbox (id INTEGER PRIMARY KEY); ";
        assert!(!findings(sql, &[]).contains("may be sent"));
        let waiting = format!("{sql} INSERT INTO outbox VALUES (1);");
        assert!(findings(&waiting, &[]).contains("may be sent"));
    }

    #[test]
    fn triggers_computed_columns_rows_and_the_newest_are_told() {
        assert_eq!(
            findings(RENTAL, &[]),
            "Note all tables: rows go in in this order, those referred to first: customers, bookings, \
             outbox\n\
             Note bookings: the next row gets the id 12; no id is named by evidence yet\n\
             Note bookings: 2 rows\n\
             Note bookings: customer_id refers to customers.id\n\
             Note bookings: a write would fire mail_on_booking, unless triggers are suppressed\n\
             Note bookings: the database computes euros itself\n\
             Note customers: the next row gets the id 3; no id is named by evidence yet\n\
             Note customers: 2 rows\n\
             Note outbox: the next row gets the id 1; no id is named by evidence yet\n\
             Note outbox: 0 rows\n"
        );
        let dated = "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT, word TEXT);
             INSERT INTO t VALUES (1, '2026-01-05T10:00:00Z', 'x'), (2, '2026-01-04', '2026-01-01');";
        let found = findings(dated, &[]);
        assert!(found.ends_with("Note t: 2 rows, at up to 2026-01-05T10:00:00Z\n"), "{found}");
    }
}
