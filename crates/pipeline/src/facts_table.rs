//! Facts as a columnar table: one row a fact, in the order of the items and of their facts.

use restitch_case::{Case, ColumnData, TableData};
use restitch_model::{Currency, EvidenceId, Fact, FactValue, LocalTime, Names, Place};

use crate::error::PipelineError;

/// The table's name in the case.
pub const FACTS: &str = "facts/facts.parquet";

/// The table of the facts of these items.
pub fn to_table(items: &[(EvidenceId, Vec<Fact>)]) -> TableData {
    let rows = || items.iter().flat_map(|(id, facts)| facts.iter().map(move |fact| (id, fact)));
    let text = |of: &dyn Fn(&EvidenceId, &Fact) -> Option<String>| {
        ColumnData::Text(rows().map(|(id, fact)| of(id, fact)).collect())
    };
    let number = |of: &dyn Fn(&Fact) -> Option<usize>| {
        ColumnData::Integer(
            rows().map(|(_, fact)| of(fact).and_then(|n| i64::try_from(n).ok())).collect(),
        )
    };
    TableData::default()
        .with("evidence", text(&|id, _| Some(id.to_string())))
        .with("name", text(&|_, fact| Some(fact.name.to_string())))
        .with("type", text(&|_, fact| Some(fact.value.type_name().to_owned())))
        .with("value", text(&|_, fact| Some(fact.value.to_string())))
        .with("field", text(&|_, fact| Some(fact.place.field.to_string())))
        .with("start", number(&|fact| fact.place.range.map(|r| r.0)))
        .with("end", number(&|fact| fact.place.range.map(|r| r.1)))
}

/// Gives the facts of each item, one item after another, as the case holds them.
pub fn each(case: &Case, take: &mut dyn FnMut(EvidenceId, Vec<Fact>)) -> Result<(), PipelineError> {
    let mut items = Items { names: Names::default(), open: None, take };
    match case.table_reader(FACTS)? {
        None => items.take_in(&case.read_table(FACTS)?)?,
        Some(mut table) => {
            while let Some(rows) = table.next_rows()? {
                items.take_in(&rows)?;
            }
        }
    }
    items.close();
    Ok(())
}

/// The items of the table, which come one after another: the rows of one lie together.
struct Items<'t> {
    /// The names of facts and fields, which all items share.
    names: Names,
    /// The item whose rows are being read, by its name in the table.
    open: Option<(String, EvidenceId, Vec<Fact>)>,
    take: &'t mut dyn FnMut(EvidenceId, Vec<Fact>),
}

impl Items<'_> {
    /// Takes in the facts of some rows.
    fn take_in(&mut self, table: &TableData) -> Result<(), PipelineError> {
        let fail = |problem: String| PipelineError::Table {
            table: FACTS.to_owned(),
            problem,
            command: "pull",
        };
        let text =
            |name: &str| table.text(name).ok_or_else(|| fail(format!("it has no column {name}")));
        let number = |name: &str| {
            table.integer(name).ok_or_else(|| fail(format!("it has no column {name}")))
        };
        let (ids, names, types) = (text("evidence")?, text("name")?, text("type")?);
        let (values, fields) = (text("value")?, text("field")?);
        let (starts, ends) = (number("start")?, number("end")?);
        for row in 0..table.rows() {
            let cell = |column| cell(column, row);
            let id = cell(ids);
            if self.open.as_ref().is_none_or(|(open, ..)| open != id) {
                let parsed =
                    id.parse().map_err(|_| fail(format!("row {row}: not an evidence id")))?;
                self.close();
                self.open = Some((id.to_owned(), EvidenceId(parsed), Vec::new()));
            }
            let (kind, value) = (cell(types), cell(values));
            let value = value_of(kind, value)
                .ok_or_else(|| fail(format!("row {row}: not a value of type {kind:?}")))?;
            let range = starts[row]
                .zip(ends[row])
                .and_then(|(a, b)| Some((a.try_into().ok()?, b.try_into().ok()?)));
            let place = Place { field: self.names.of(cell(fields)), range };
            let fact = Fact { name: self.names.of(cell(names)), value, place };
            if let Some((.., facts)) = &mut self.open {
                facts.push(fact);
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some((_, id, facts)) = self.open.take() {
            (self.take)(id, facts);
        }
    }
}

/// The text of a row in a column.
fn cell(column: &[Option<String>], row: usize) -> &str {
    column[row].as_deref().unwrap_or_default()
}

/// The value that a type's text stands for: the way back from [`FactValue`]'s display.
fn value_of(kind: &str, text: &str) -> Option<FactValue> {
    let owned = || text.to_owned();
    Some(match kind {
        "text" => FactValue::Text(owned()),
        "email" => FactValue::Email(owned()),
        "phone" => FactValue::Phone(owned()),
        "reference" => FactValue::Reference(owned()),
        "integer" => FactValue::Integer(text.parse().ok()?),
        "number" => FactValue::Number(text.parse().ok()?),
        "bool" => FactValue::Bool(text.parse().ok()?),
        "instant" => FactValue::Instant(text.parse().ok()?),
        "date" => FactValue::Date(text.parse().ok()?),
        "time" => FactValue::Time(text.parse().ok()?),
        "amount" => {
            let (major, currency) = match text.split_once(' ') {
                Some((major, code)) => (major, Some(code.parse::<Currency>().ok()?.to_string())),
                None => (text, None),
            };
            FactValue::Amount { major: major.parse().ok()?, currency }
        }
        "local" => {
            let (civil, zone) = match text.strip_suffix(']').and_then(|t| t.split_once('[')) {
                Some((civil, zone)) => (civil, Some(zone.to_owned())),
                None => (text, None),
            };
            FactValue::Local(LocalTime { civil: civil.parse().ok()?, zone })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_survive_the_table() {
        let values = [
            FactValue::Text("a [b] c".into()),
            FactValue::Integer(-3),
            FactValue::Number("1.50".parse().unwrap()),
            FactValue::Bool(true),
            FactValue::Amount { major: "-12.5".parse().unwrap(), currency: Some("EUR".into()) },
            FactValue::Amount { major: "7".parse().unwrap(), currency: None },
            FactValue::Email("a@b.example".into()),
            FactValue::Instant("2026-01-25T03:00:00Z".parse().unwrap()),
            FactValue::Local(LocalTime {
                civil: "2026-01-25T03:00:00".parse().unwrap(),
                zone: Some("Europe/Berlin".into()),
            }),
            FactValue::Local(LocalTime {
                civil: "2026-01-25T03:00:00".parse().unwrap(),
                zone: None,
            }),
            FactValue::Date("2026-01-25".parse().unwrap()),
            FactValue::Time("03:00:00".parse().unwrap()),
        ];
        let facts: Vec<Fact> = values
            .into_iter()
            .map(|value| Fact { name: "n".into(), value, place: Place::range("text", 2, 5) })
            .collect();
        let id = EvidenceId::of(b"an item");
        let mut read = Vec::new();
        let mut take = |id, facts| read.push((id, facts));
        let mut items = Items { names: Names::default(), open: None, take: &mut take };
        items.take_in(&to_table(&[(id, facts.clone())])).unwrap();
        items.close();
        assert_eq!(read, [(id, facts)]);
    }
}
