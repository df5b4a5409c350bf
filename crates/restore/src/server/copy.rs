//! Rows as lines of PostgreSQL's COPY in its text format (postgresql.org/docs/current/sql-copy.html,
//! "File Formats").

use std::fmt::Write;

use restitch_model::Value;

use crate::journal::Cell;

/// Adds a row as a line.
pub(super) fn push_line<'v>(row: impl IntoIterator<Item = &'v Value>, lines: &mut String) {
    for (i, value) in row.into_iter().enumerate() {
        if i > 0 {
            lines.push('\t');
        }
        push_value(value, lines);
    }
    lines.push('\n');
}

/// Adds a row of restitch's own tables as a line.
pub(super) fn push_cells(row: &[Cell<'_>], lines: &mut String) {
    for (i, cell) in row.iter().enumerate() {
        if i > 0 {
            lines.push('\t');
        }
        match cell {
            Cell::Null => lines.push_str("\\N"),
            // A `String` takes all that is written to it.
            Cell::Whole(n) => _ = write!(lines, "{n}"),
            Cell::Text(text) => push_text(text.as_ref(), lines),
        }
    }
    lines.push('\n');
}

fn push_value(value: &Value, lines: &mut String) {
    // A `String` takes all that is written to it.
    match value {
        Value::Null => lines.push_str("\\N"),
        Value::Integer(n) => _ = write!(lines, "{n}"),
        Value::Real(x) => _ = write!(lines, "{x:?}"),
        Value::Text(text) => push_text(text, lines),
        Value::Bytes(bytes) => {
            lines.push_str("\\\\x");
            bytes.iter().for_each(|byte| _ = write!(lines, "{byte:02x}"));
        }
    }
}

fn push_text(text: &str, lines: &mut String) {
    let special = |b: u8| matches!(b, b'\\' | b'\t' | b'\n' | b'\r');
    // Most texts hold nothing special, which is seen many bytes at a time where no loop ends early.
    if !text.bytes().fold(false, |any, b| any | special(b)) {
        lines.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(special) {
        lines.push_str(&rest[..at]);
        lines.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'\t' => "\\t",
            b'\n' => "\\n",
            _ => "\\r",
        });
        rest = &rest[at + 1..];
    }
    lines.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_whatever_a_value_holds() {
        let row: [Value; 6] = [
            "a\tb\\n\r\nc".into(),
            Value::Null,
            7.into(),
            "".into(),
            Value::Real(0.5),
            Value::Bytes(vec![0, 255]),
        ];
        let mut lines = String::new();
        push_line(&row, &mut lines);
        assert_eq!(lines, "a\\tb\\\\n\\r\\nc\t\\N\t7\t\t0.5\t\\\\x00ff\n");
    }
}
