//! What servers say, without the values that they quote: those are customers' data.

use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

use crate::RestoreError;

/// A driver's error as one of ours. What only means that others were faster is a refusal.
pub(crate) fn of(doing: &str, database: &str, source: &sqlx::Error) -> RestoreError {
    if let Some(why) = contention(source) {
        return RestoreError::Refused(format!(
            "could not {doing} in the database {database}: {why}; nothing was written, try again"
        ));
    }
    RestoreError::Server {
        doing: doing.to_owned(),
        database: database.to_owned(),
        said: said(source),
    }
}

/// Why another program stood in the way, if one did.
pub(crate) fn contention(source: &sqlx::Error) -> Option<&'static str> {
    let error = source.as_database_error()?;
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return match error.code() {
            "55P03" => Some("another program holds a lock on it for longer than may be waited"),
            "40001" => Some("another program changed it at the same time"),
            "40P01" => Some("another program and this one waited for each other"),
            "57014" => Some("a statement took longer than it may"),
            _ => None,
        };
    }
    match error.try_downcast_ref::<MySqlDatabaseError>()?.number() {
        1205 => Some("another program holds a lock on it for longer than may be waited"),
        1213 | 1020 => Some("another program and this one waited for each other"),
        1969 | 3024 => Some("a statement took longer than it may"),
        _ => None,
    }
}

/// Whether a row itself was refused: a constraint, a type, a trigger. A right that the role lacks,
/// a full disk or a server that ends say nothing of the row.
pub(crate) fn is_refused_row(source: &sqlx::Error) -> bool {
    let Some(error) = source.as_database_error() else { return false };
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        // Classes of SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html): data, integrity,
        // a trigger's data change, a CHECK OPTION, what functions of the database raise.
        let of_row = ["22", "23", "27", "38", "39", "44", "P0"];
        return of_row.contains(&&error.code()[..2]);
    }
    let number = error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
    // Full disks and tables, denied rights, memory, files, servers that end
    // (mariadb.com/kb/en/mariadb-error-code-reference).
    let other = [3, 5, 28, 1021, 1026, 1030, 1037, 1041, 1044, 1045, 1053, 1114, 1142, 1143, 1227];
    contention(source).is_none() && number.is_some_and(|number| !other.contains(&number))
}

/// The error in words.
pub(crate) fn said(source: &sqlx::Error) -> String {
    let Some(error) = source.as_database_error() else { return source.to_string() };
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        let message = match &error.code()[..2] {
            // Data exceptions quote the value after a colon.
            "22" => error.message().split([':', '"']).next().unwrap_or_default().trim().to_owned(),
            "P0" => "a trigger or function refused it".to_owned(),
            _ => error.message().to_owned(),
        };
        let about = [error.table(), error.column(), error.constraint()];
        let about: Vec<&str> = about.into_iter().flatten().collect();
        let about = match about.is_empty() {
            true => String::new(),
            false => format!(" ({})", about.join(", ")),
        };
        return format!("{message}{about} [{}]", error.code());
    }
    match error.try_downcast_ref::<MySqlDatabaseError>() {
        Some(error) => format!("{} [{}]", without_values(error.message()), error.number()),
        None => error.message().to_owned(),
    }
}

/// MySQL quotes the value first: `Duplicate entry 'x' for key 'y'`, `Incorrect integer value:
/// 'x' for column …`. The value may hold quotes itself; what follows the last ` for ` does not.
fn without_values(message: &str) -> String {
    let starts = ["entry '", "value: '", "value '", "string: '"];
    let start = starts.iter().filter_map(|s| Some(message.find(s)? + s.len() - 1)).min();
    let Some(start) = start else { return message.to_owned() };
    match message[start..].rfind(" for ") {
        Some(end) => format!("{}…{}", &message[..start], &message[start + end..]),
        None => format!("{}…", &message[..start]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_of_what_servers_say() {
        let cases = [
            (
                "Duplicate entry 'a' for b@x.org' for key 'email'",
                "Duplicate entry … for key 'email'",
            ),
            (
                "Incorrect integer value: 'abc' for column `d`.`t`.`c` at row 1",
                "Incorrect integer value: … for column `d`.`t`.`c` at row 1",
            ),
            ("Truncated incorrect DOUBLE value: 'abc'", "Truncated incorrect DOUBLE value: …"),
            ("Column 'name' cannot be null", "Column 'name' cannot be null"),
        ];
        for (message, expected) in cases {
            assert_eq!(without_values(message), expected);
        }
    }
}
