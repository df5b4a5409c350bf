//! Facts as a columnar table: one row a fact, in the order of the items and of their facts.

use std::collections::BTreeMap;

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
        .with("name", text(&|_, fact| Some(fact.name.clone())))
        .with("type", text(&|_, fact| Some(fact.value.type_name().to_owned())))
        .with("value", text(&|_, fact| Some(fact.value.to_string())))
        .with("field", text(&|_, fact| Some(fact.place.field.to_string())))
        .with("start", number(&|fact| fact.place.range.map(|r| r.0)))
        .with("end", number(&|fact| fact.place.range.map(|r| r.1)))
}

/// The facts of each item, as the case holds them.
pub fn read(case: &Case) -> Result<BTreeMap<EvidenceId, Vec<Fact>>, PipelineError> {
    let mut facts = BTreeMap::new();
    match case.table_reader(FACTS)? {
        None => take_in(&mut facts, &case.read_table(FACTS)?)?,
        Some(mut table) => {
            while let Some(rows) = table.next_rows()? {
                take_in(&mut facts, &rows)?;
            }
        }
    }
    Ok(facts)
}

/// Takes in the facts of some rows.
fn take_in(
    facts: &mut BTreeMap<EvidenceId, Vec<Fact>>,
    table: &TableData,
) -> Result<(), PipelineError> {
    let fail = |problem: String| PipelineError::Table {
        table: FACTS.to_owned(),
        problem,
        command: "pull",
    };
    let text =
        |name: &str| table.text(name).ok_or_else(|| fail(format!("it has no column {name}")));
    let number =
        |name: &str| table.integer(name).ok_or_else(|| fail(format!("it has no column {name}")));
    let (ids, names, types) = (text("evidence")?, text("name")?, text("type")?);
    let (values, fields) = (text("value")?, text("field")?);
    let (starts, ends) = (number("start")?, number("end")?);
    let mut last: Option<(&str, EvidenceId)> = None;
    let mut shared = Names::default();
    for row in 0..table.rows() {
        let cell = |column: &[Option<String>]| column[row].clone().unwrap_or_default();
        let text = ids[row].as_deref().unwrap_or_default();
        let id = match last {
            Some((known, id)) if known == text => id,
            _ => EvidenceId(
                text.parse().map_err(|_| fail(format!("row {row}: not an evidence id")))?,
            ),
        };
        last = Some((text, id));
        let (kind, value) = (cell(types), cell(values));
        let value = value_of(&kind, &value)
            .ok_or_else(|| fail(format!("row {row}: not a value of type {kind:?}")))?;
        let range = starts[row]
            .zip(ends[row])
            .and_then(|(a, b)| Some((a.try_into().ok()?, b.try_into().ok()?)));
        let place = Place { field: shared.of(fields[row].as_deref().unwrap_or_default()), range };
        facts.entry(id).or_default().push(Fact { name: cell(names), value, place });
    }
    Ok(())
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
        let mut read = BTreeMap::new();
        take_in(&mut read, &to_table(&[(id, facts.clone())])).unwrap();
        assert_eq!(read[&id], facts);
    }
}
