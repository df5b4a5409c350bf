//! What a database would hold after a plan, without a database: for targets on a server, of which
//! a drill makes no copy.

use std::collections::HashMap;

use restitch_model::{Row, RowKey, Snapshot, Value};
use restitch_restore::{Change, ChangeKind, Plan};

/// The snapshot with a plan's changes made. Defaults that are literals are filled in, others stay
/// NULL; what the database itself would refuse or its triggers would do is not known here.
pub(crate) fn after(before: &Snapshot, plan: &Plan) -> Snapshot {
    let mut after = before.clone();
    for table in &mut after.tables {
        let rows: HashMap<RowKey, usize> =
            table.rows.iter().enumerate().map(|(i, row)| (table.key(row), i)).collect();
        for change in plan.changes().iter().filter(|change| change.table == table.schema.name) {
            let position = |column: &str| table.schema.position(column);
            match change.kind {
                ChangeKind::Update => {
                    let Some(&row) = rows.get(&change.key) else { continue };
                    for cell in &change.cells {
                        if let Some(at) = position(&cell.column) {
                            table.rows[row][at] = cell.new.clone();
                        }
                    }
                }
                ChangeKind::Insert => {
                    let row = inserted(change, table.schema.columns.len(), &position);
                    table.rows.push(row);
                }
            }
        }
    }
    after
}

fn inserted(change: &Change, width: usize, position: &dyn Fn(&str) -> Option<usize>) -> Row {
    let mut row = vec![Value::Null; width];
    let defaults = change.defaults.iter().map(|(column, sql)| (column.as_str(), literal(sql)));
    let cells = change.cells.iter().map(|cell| (cell.column.as_str(), cell.new.clone()));
    for (column, value) in defaults.chain(cells) {
        if let Some(at) = position(column) {
            row[at] = value;
        }
    }
    row
}

/// The value of a default's SQL, where it is a literal: a number, or a text in quotes, which
/// PostgreSQL writes with a cast behind it.
fn literal(sql: &str) -> Value {
    let bare = sql.split("::").next().unwrap_or(sql).trim();
    if let Ok(n) = bare.parse() {
        return Value::Integer(n);
    }
    let text = bare.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    text.map_or(Value::Null, |text| Value::Text(text.replace("''", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_filled_in_where_it_is_a_literal() {
        assert_eq!(literal("0"), Value::Integer(0));
        assert_eq!(literal("'it''s new'::text"), "it's new".into());
        assert_eq!(literal("now()"), Value::Null);
    }
}
