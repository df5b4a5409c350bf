//! Keys for rows whose own is not told: of tables whose keys are UUIDs.

use restitch_model::{CandidateId, Cell, Digest, Field, Table, Value};

/// The field that gives a new row a key of its own, where the table's keys are UUIDs and so
/// nobody hands them out in turn. The same candidate gets the same key each time.
pub fn uuid_field(table: &Table, id: &CandidateId) -> Option<Field> {
    let [column] = table.schema.primary_key.as_slice() else { return None };
    let p = table.schema.position(column)?;
    let sample = table.rows.first()?[p].as_text()?;
    let is_uuid = |row: &Vec<Value>| row[p].as_text().is_some_and(is_uuid);
    if !table.rows.iter().all(is_uuid) {
        return None;
    }
    let key = uuid(id);
    let is_upper = sample.bytes().any(|b| b.is_ascii_uppercase());
    Some(Field {
        column: column.into(),
        cell: Cell::Is(Value::Text(if is_upper { key.to_uppercase() } else { key })),
        rule: format!("{column} ← a new identifier, for the old one is not told").into(),
        evidence: None,
        place: None,
        words: String::new(),
        confidence: 1.0,
    })
}

/// A UUID of version 8 (RFC 9562: custom), from a digest of the candidate's id.
fn uuid(id: &CandidateId) -> String {
    let digest = Digest::of(id.0.as_bytes()).to_string();
    let hex: Vec<char> = digest.chars().filter(char::is_ascii_hexdigit).take(32).collect();
    let part = |from: usize, to: usize| hex[from..to].iter().collect::<String>();
    let variant = ['8', '9', 'a', 'b'][hex[16].to_digit(16).unwrap_or(0) as usize % 4];
    format!(
        "{}-{}-8{}-{variant}{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|g| g.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::table;

    fn key(first: &str) -> Option<String> {
        let rows = [format!("{first} | Ann"), format!("{first} | Bob")];
        let field = uuid_field(&table("guests", "id name", &rows), &CandidateId("guest-1".into()))?;
        match field.cell {
            Cell::Is(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn a_row_among_uuids_gets_one_of_its_own() {
        let key = key("0194c3a2-7f5e-7c1b-8a53-3f6d5a0b9e11").unwrap();
        assert!(is_uuid(&key) && key.as_bytes()[14] == b'8', "{key}");
    }

    #[test]
    fn keys_that_somebody_hands_out_are_not_made_up() {
        assert_eq!(key("17"), None);
        assert_eq!(key("AB-17"), None);
    }
}
