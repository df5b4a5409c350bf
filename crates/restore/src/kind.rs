use restitch_model::Value;

use crate::affinity::{Affinity, affinity};

/// What a column of a declared type holds. The types of servers are declared with where they
/// come from before them, `pg_catalog.numeric(10,2)` and `mysql.decimal(10,2)`, so that they
/// are told from SQLite's, which mean something else by the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SQLite: any value, turned into what the affinity prefers.
    Any(Affinity),
    /// Whole numbers.
    Whole,
    /// True and false, as 1 and 0.
    Bool,
    /// Floating numbers.
    Real,
    /// Exact decimals, as text with that many digits after the point where the type says so.
    Decimal(Option<usize>),
    /// Text.
    Text,
    /// Text of a fixed length, whose blanks at its end mean nothing.
    Padded,
    /// A moment, as `2026-01-05T10:00:00Z`.
    Instant,
    /// What a clock showed, as `2026-01-05 10:00:00`.
    Civil,
    /// Bytes.
    Bytes,
    /// Whatever else: text in the server's own form, which only the server can foretell.
    Other,
}

impl Kind {
    /// The kind of a declared type.
    pub(crate) fn of(declared: &str) -> Self {
        if let Some(name) = declared.strip_prefix(POSTGRES) {
            return postgres(name);
        }
        if let Some(name) = declared.strip_prefix(MYSQL) {
            return mysql(name);
        }
        match is_elsewhere(declared) {
            true => Self::Other,
            false => Self::Any(affinity(declared)),
        }
    }

    /// Whether a key of this kind can be counted on.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Whole | Self::Any(Affinity::Integer))
    }

    /// The value as a column of this kind holds it.
    pub(crate) fn stored(self, value: &Value) -> Value {
        let text = |value: &Value| match value {
            Value::Integer(n) => Value::Text(n.to_string()),
            Value::Real(x) => Value::Text(format!("{x:?}")),
            other => other.clone(),
        };
        match (self, value) {
            (_, Value::Null) => Value::Null,
            (Self::Whole, _) => Kind::Any(Affinity::Integer).as_sqlite(value),
            (Self::Real, _) => Kind::Any(Affinity::Real).as_sqlite(value),
            (Self::Bool, Value::Text(word)) => truth(word).unwrap_or_else(|| value.clone()),
            (Self::Decimal(scale), _) => match text(value) {
                Value::Text(digits) => Value::Text(decimal(&digits, scale)),
                other => other,
            },
            (Self::Padded, Value::Text(words)) => {
                Value::Text(words.trim_end_matches(' ').to_owned())
            }
            (Self::Instant, Value::Text(words)) => Value::Text(moment(words)),
            (Self::Civil, Value::Text(words)) => Value::Text(civil(words)),
            (Self::Bytes, Value::Text(words)) => Value::Bytes(words.clone().into_bytes()),
            (Self::Bytes | Self::Bool, _) => value.clone(),
            (Self::Any(_), _) => self.as_sqlite(value),
            _ => text(value),
        }
    }

    fn as_sqlite(self, value: &Value) -> Value {
        let Self::Any(affinity) = self else { return value.clone() };
        crate::affinity::turned(affinity, value)
    }
}

/// Before PostgreSQL's own types.
pub(crate) const POSTGRES: &str = "pg_catalog.";
/// Before the types of MySQL and MariaDB.
pub(crate) const MYSQL: &str = "mysql.";

/// A type that was made in a database, such as `sales.mood` or `public."Mood"[]`: SQLite's types
/// have no point before a bracket.
fn is_elsewhere(declared: &str) -> bool {
    declared.split('(').next().unwrap_or_default().contains('.')
}

fn postgres(name: &str) -> Kind {
    let bare = name.split('(').next().unwrap_or_default();
    match bare {
        _ if name.ends_with("[]") => Kind::Other,
        "smallint" | "integer" | "bigint" | "oid" => Kind::Whole,
        "boolean" => Kind::Bool,
        "real" | "double precision" => Kind::Real,
        "numeric" => Kind::Decimal(scale(name)),
        "text" | "character varying" | "name" => Kind::Text,
        "character" | "bpchar" => Kind::Padded,
        "bytea" => Kind::Bytes,
        "timestamp with time zone" => Kind::Instant,
        "timestamp without time zone" => Kind::Civil,
        // `timestamp(3) with time zone`: the precision stands in the middle.
        "timestamp" if name.ends_with("with time zone") => Kind::Instant,
        "timestamp" => Kind::Civil,
        _ => Kind::Other,
    }
}

fn mysql(name: &str) -> Kind {
    let bare = name.split(['(', ' ']).next().unwrap_or_default();
    match bare {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" | "bit" => Kind::Whole,
        "float" | "double" => Kind::Real,
        "decimal" => Kind::Decimal(scale(name)),
        "char" => Kind::Padded,
        "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" => Kind::Text,
        "timestamp" => Kind::Instant,
        "datetime" => Kind::Civil,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry"
        | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" => Kind::Bytes,
        _ => Kind::Other,
    }
}

/// The digits after the point of `numeric(10,2)`; none are promised by a bare `numeric`.
fn scale(name: &str) -> Option<usize> {
    let inner = name.split_once('(')?.1.split_once(')')?.0;
    inner.split_once(',').map_or(Some(0), |(_, scale)| scale.trim().parse().ok())
}

fn truth(word: &str) -> Option<Value> {
    match word.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "yes" | "y" | "on" | "1" => Some(Value::Integer(1)),
        "f" | "false" | "no" | "n" | "off" | "0" => Some(Value::Integer(0)),
        _ => None,
    }
}

/// A decimal with as many digits after the point as its column keeps. One that would lose
/// digits that count is left as it is, so that the loss shows.
fn decimal(text: &str, scale: Option<usize>) -> String {
    let trimmed = text.trim();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + part.len() == 0 || !all_digits(whole) || !all_digits(part) {
        return text.to_owned();
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    };
    let Some(scale) = scale else {
        let point = if part.is_empty() { "" } else { "." };
        return format!("{sign}{whole}{point}{part}");
    };
    let kept = part.trim_end_matches('0');
    if kept.len() > scale {
        return text.to_owned();
    }
    let zero = whole == "0" && kept.is_empty();
    let sign = if zero { "" } else { sign };
    match scale {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{kept:0<scale$}"),
    }
}

/// A moment with its offset, or a time taken for UTC, in the one form that moments have here.
pub(crate) fn moment(text: &str) -> String {
    if let Some(moment) = usual_moment(text) {
        return moment;
    }
    let trimmed = text.trim();
    let parsed = trimmed.parse::<jiff::Timestamp>().ok().or_else(|| {
        // PostgreSQL writes an offset of whole hours as `+00`, which is not RFC 3339.
        let bare = trimmed.strip_suffix("+00").unwrap_or(trimmed);
        let time = bare.parse::<jiff::civil::DateTime>().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(time).ok()
    });
    parsed.map_or_else(|| text.to_owned(), |moment| moment.to_string())
}

/// A moment in the two forms in which nearly all come, whole seconds of UTC as PostgreSQL and
/// as we write them, on a day that every month has: a million rows hold millions of them.
fn usual_moment(text: &str) -> Option<String> {
    let moment = text.strip_suffix("+00").or_else(|| text.strip_suffix('Z'))?;
    let bytes = moment.as_bytes();
    let number = |at: usize| -> Option<u8> {
        let digit = |b: u8| b.is_ascii_digit().then(|| b - b'0');
        Some(10 * digit(*bytes.get(at)?)? + digit(*bytes.get(at + 1)?)?)
    };
    let is_so = bytes.len() == 19
        && [bytes[4], bytes[7], bytes[13], bytes[16]] == *b"--::"
        && matches!(bytes[10], b' ' | b'T')
        && number(0).and(number(2)).is_some()
        && (1..=12).contains(&number(5)?)
        && (1..=28).contains(&number(8)?)
        && number(11)? < 24
        && number(14)? < 60
        && number(17)? < 60;
    is_so.then(|| [&moment[..10], "T", &moment[11..], "Z"].concat())
}

/// A time without a zone with a blank before the hours. What names an offset is left as it is,
/// so that it shows that the column would drop it.
fn civil(text: &str) -> String {
    let bytes = text.as_bytes();
    let has_t = bytes.len() >= 16 && bytes[10] == b'T' && text.is_char_boundary(11);
    match has_t && text[11..].bytes().all(|b| b.is_ascii_digit() || b == b':' || b == b'.') {
        true => {
            let seconds = if bytes.len() == 16 { ":00" } else { "" };
            format!("{} {}{seconds}", &text[..10], &text[11..])
        }
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(declared: &str, value: impl Into<Value>, expected: impl Into<Value>) {
        assert_eq!(Kind::of(declared).stored(&value.into()), expected.into(), "{declared}");
    }

    #[test]
    fn values_take_the_form_in_which_servers_give_them_back() {
        check("pg_catalog.integer", "45", 45);
        check("pg_catalog.interval", "1", "1");
        check("pg_catalog.boolean", "True", 1);
        check("pg_catalog.numeric(10,2)", 45, "45.00");
        check("pg_catalog.numeric(10,2)", "-045.5", "-45.50");
        check("pg_catalog.numeric(10,2)", "1.005", "1.005");
        check("pg_catalog.numeric", "1.50", "1.50");
        check("mysql.decimal(5,0)", "7.0", "7");
        check("mysql.decimal(5,2) unsigned", "-0", "0.00");
        check("pg_catalog.character(3)", "ab ", "ab");
        check(
            "pg_catalog.timestamp with time zone",
            "2026-01-05 12:00:00+02",
            "2026-01-05T10:00:00Z",
        );
        check(
            "pg_catalog.timestamp(3) with time zone",
            "2026-01-05 10:00:00.5+00",
            "2026-01-05T10:00:00.5Z",
        );
        check(
            "pg_catalog.timestamp without time zone",
            "2026-01-05T10:00:00",
            "2026-01-05 10:00:00",
        );
        check(
            "pg_catalog.timestamp without time zone",
            "2026-01-05T10:00:00Z",
            "2026-01-05T10:00:00Z",
        );
        check("pg_catalog.bytea", "ab", Value::Bytes(b"ab".to_vec()));
        check("sales.mood", "happy", "happy");
        check("pg_catalog.integer[]", "{1,2}", "{1,2}");
        check("INTEGER", "45", 45);
    }

    #[test]
    fn the_usual_moments_are_read_as_all_are() {
        let texts = [
            "2026-01-05 10:00:00+00",
            "2026-01-05T10:00:00Z",
            "2026-02-28 23:59:59+00",
            "0001-12-01T00:00:00Z",
            "2026-13-05T10:00:00Z",
            "2026-00-05T10:00:00Z",
            "2026-01-00T10:00:00Z",
            "2026-01-05T24:00:00Z",
            "2026-01-05T10:60:00Z",
            "2026-01-05x10:00:00Z",
            "2026-01-05T10:0a:00Z",
            "é026-01-05T10:00:0Z",
            "2026-01-05 10:00:00",
        ];
        for text in texts {
            let Some(moment) = usual_moment(text) else { continue };
            let parsed: jiff::Timestamp = moment.parse().unwrap();
            assert_eq!(moment, parsed.to_string(), "{text}");
        }
        assert!(texts[..4].iter().all(|text| usual_moment(text).is_some()));
        assert!(texts[4..].iter().all(|text| usual_moment(text).is_none()));
    }

    #[test]
    fn sqlite_types_keep_their_affinity() {
        assert_eq!(Kind::of("DECIMAL(10,2)"), Kind::Any(Affinity::Numeric));
        assert_eq!(Kind::of("DECIMAL(10.2)"), Kind::Any(Affinity::Numeric));
        assert!(Kind::of("INTEGER").counts() && Kind::of("mysql.int(11)").counts());
        assert!(!Kind::of("pg_catalog.interval").counts());
    }
}
