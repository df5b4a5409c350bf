//! How columns write exact numbers with a point, such as amounts in major units.

use restitch_model::{Decimal, Table, Value};
use serde::{Deserialize, Serialize};

/// How a column writes its decimal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecimalFormat {
    /// Places behind the point.
    places: u8,
    /// How the database hands them out.
    written: Written,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    /// As floating point numbers, whole ones too.
    Real,
    /// As floating point numbers, but whole ones as whole numbers (SQLite's NUMERIC).
    RealOrWhole,
    /// As text with all its places (PostgreSQL's and MySQL's NUMERIC).
    Text,
}

/// More places are measurements, not amounts.
const MOST_PLACES: u8 = 4;
/// All exact numbers are compared in units of so many places.
const UNIT: u8 = MOST_PLACES;

impl DecimalFormat {
    /// The format of a column, where all its values have one.
    pub fn of(table: &Table, column: usize) -> Option<Self> {
        let values = || table.rows.iter().map(|row| &row[column]).filter(|v| !v.is_null());
        let is_declared = ["DEC", "NUM", "MONEY"]
            .iter()
            .any(|word| table.schema.columns[column].declared.to_uppercase().contains(word));
        let has_reals = values().any(|v| matches!(v, Value::Real(_)));
        let has_wholes = values().any(|v| matches!(v, Value::Integer(_)));
        let is_text = values().all(|v| matches!(v, Value::Text(_)));
        if values().next().is_none() || !(is_declared || has_reals || is_text) {
            return None;
        }
        let written = match () {
            () if is_text => Written::Text,
            () if is_declared || has_wholes => Written::RealOrWhole,
            () => Written::Real,
        };
        let needed = values().map(|v| places(v, written)).max()??;
        // Text shows its places; numbers show as many as their amounts happened to need.
        let places = if written == Written::Text { needed } else { needed.max(2) };
        let format = Self { places, written };
        let holds = |v: &Value| format.parse(v).and_then(|n| format.format(n)).as_ref() == Some(v);
        (places > 0 && values().all(holds)).then_some(format)
    }

    /// A value in ten-thousandths.
    pub fn parse(self, value: &Value) -> Option<i64> {
        match value {
            Value::Integer(n) if self.written != Written::Text => whole(*n),
            Value::Real(x) => {
                let units = x * 10f64.powi(i32::from(UNIT));
                let near = (units - units.round()).abs() < 1e-3 && units.abs() < 9e15;
                near.then(|| units.round() as i64)
            }
            Value::Text(text) => text.parse::<Decimal>().ok()?.rescale(UNIT),
            _ => None,
        }
    }

    /// Ten-thousandths as the column writes them; `None` where it has too few places.
    pub fn format(self, units: i64) -> Option<Value> {
        let step = 10i64.pow(u32::from(UNIT - self.places));
        if units % step != 0 {
            return None;
        }
        let one = 10i64.pow(u32::from(UNIT));
        Some(match self.written {
            Written::RealOrWhole if units % one == 0 => Value::Integer(units / one),
            Written::RealOrWhole | Written::Real => {
                let scale = 10f64.powi(i32::from(self.places));
                Value::Real((units / step) as f64 / scale)
            }
            Written::Text => {
                let sign = if units < 0 { "-" } else { "" };
                let units = units.unsigned_abs();
                let one = one.unsigned_abs();
                let places = usize::from(self.places);
                let rest = units % one / step.unsigned_abs();
                Value::Text(format!("{sign}{}.{rest:0places$}", units / one))
            }
        })
    }
}

/// A whole number in ten-thousandths.
pub fn whole(n: i64) -> Option<i64> {
    n.checked_mul(10i64.pow(u32::from(UNIT)))
}

/// A decimal number in ten-thousandths.
pub fn units(major: Decimal) -> Option<i64> {
    major.rescale(UNIT)
}

/// Ten-thousandths as a whole number, where they are one.
pub fn to_whole(units: i64) -> Option<i64> {
    let one = 10i64.pow(u32::from(UNIT));
    (units % one == 0).then_some(units / one)
}

fn places(value: &Value, written: Written) -> Option<u8> {
    match value {
        Value::Text(text) => {
            let (_, behind) = text.split_once('.')?;
            u8::try_from(behind.len()).ok().filter(|p| (1..=MOST_PLACES).contains(p))
        }
        Value::Integer(_) if written != Written::Text => Some(0),
        Value::Real(x) => (0..=MOST_PLACES).find(|&p| {
            let shifted = x * 10f64.powi(i32::from(p));
            (shifted - shifted.round()).abs() < 1e-6 * shifted.abs().max(1.0)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use restitch_model::{Column, TableSchema};

    use super::*;

    fn format(declared: &str, values: &[Value]) -> Option<DecimalFormat> {
        let column = Column {
            name: "price".to_owned(),
            declared: declared.to_owned(),
            nullable: true,
            default: None,
            generated: false,
        };
        let schema = TableSchema {
            name: "bookings".to_owned(),
            columns: vec![column],
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            uniques: Vec::new(),
            triggers: Vec::new(),
            next_id: None,
        };
        DecimalFormat::of(
            &Table { schema, rows: values.iter().map(|v| vec![v.clone()]).collect() },
            0,
        )
    }

    #[test]
    fn a_numeric_column_of_sqlite_holds_whole_amounts_as_whole_numbers() {
        let values = [Value::Real(49.5), Value::Integer(50), Value::Real(12.25)];
        let format = format("DECIMAL(8,2)", &values).unwrap();
        assert_eq!(format.parse(&Value::Integer(50)), Some(500_000));
        assert_eq!(format.format(500_000), Some(Value::Integer(50)));
        assert_eq!(format.format(495_000), Some(Value::Real(49.5)));
        assert_eq!(format.format(495_001), None, "no column of two places holds this");
    }

    #[test]
    fn an_amount_as_text_keeps_its_places() {
        let format = format("", &["49.50".into(), "-3.05".into()]).unwrap();
        assert_eq!(format.format(500_000), Some("50.00".into()));
        assert_eq!(format.format(-30_500), Some("-3.05".into()));
    }

    #[test]
    fn whole_numbers_codes_and_measurements_are_no_decimals() {
        assert_eq!(format("INTEGER", &[Value::Integer(4950)]), None);
        assert_eq!(format("TEXT", &["A-1".into()]), None);
        assert_eq!(format("REAL", &[Value::Real(52.520_008_1)]), None);
    }
}
