//! Which tables hang on reservations as lists: the services of an appointment, the extras of a
//! stay.

use std::collections::BTreeSet;

use restitch_model::{ForeignKey, RecordType, Snapshot, TableSchema, Value};

use crate::shape::Bindings;

/// A list needs so many records that have one.
pub(crate) const LEAST: usize = 20;

/// Finds the lists, or takes those that the pipeline chose.
///
/// A row of a list refers to a reservation and to a row of what is on offer: a table that is not
/// of customers or tenants, does not hang on reservations as payments do, and that reservations do
/// not refer to themselves, since then it tells who or what a reservation is for and not what it is
/// made of. What names a list in the pipeline
/// names the type of its records; else its table does.
pub(crate) fn bind_lists(found: &mut Bindings, snapshot: &Snapshot, chosen: Option<&[String]>) {
    let Some(reservation) = found.table(RecordType::RESERVATION).map(str::to_owned) else { return };
    let known = [RecordType::CUSTOMER, RecordType::RESERVATION, RecordType::PAYMENT];
    let taken: BTreeSet<String> = known
        .iter()
        .filter_map(|of| found.table(of))
        .chain(found.tenant.as_deref())
        .map(str::to_owned)
        .collect();
    let refers = |to: &str| {
        let own = snapshot.table(&reservation);
        own.is_some_and(|own| own.schema.foreign_keys.iter().any(|key| key.table == to))
    };
    for table in snapshot.tables.iter().filter(|table| !taken.contains(&table.schema.name)) {
        let name = &table.schema.name;
        let Some((parent, offer)) = ends(&table.schema, snapshot, found) else { continue };
        let why = match chosen {
            Some(chosen) if chosen.contains(name) => "the pipeline says so",
            Some(_) => continue,
            None => {
                let at = table.schema.position(&parent.column);
                let records: BTreeSet<&Value> = at
                    .into_iter()
                    .flat_map(|at| table.rows.iter().map(move |row| &row[at]))
                    .filter(|value| !value.is_null())
                    .collect();
                if refers(&offer.table) || records.len() < LEAST {
                    continue;
                }
                "each of its rows refers to both"
            }
        };
        let named = found.tables.iter().find(|(_, bound)| *bound == name).map(|(of, _)| of.clone());
        let record_type = match named {
            Some(named) => named,
            None if found.tables.contains_key(name) => format!("{name} line"),
            None => name.clone(),
        };
        found.reasons.push(format!(
            "{name} is a list of {reservation}, of what {} offers: {why}",
            offer.table
        ));
        found.tables.insert(record_type.clone(), name.clone());
        found.lists.push(record_type);
    }
}

/// What the rows of a list refer to: the reservation, and what is on offer. Of several tables that
/// could be on offer it is one that reservations do not refer to, and the first.
pub(crate) fn ends<'s>(
    schema: &'s TableSchema,
    snapshot: &Snapshot,
    bindings: &Bindings,
) -> Option<(&'s ForeignKey, &'s ForeignKey)> {
    let reservation = bindings.table(RecordType::RESERVATION)?;
    let customer = bindings.table(RecordType::CUSTOMER);
    let own = snapshot.table(reservation)?;
    let parent = schema.foreign_keys.iter().find(|key| key.table == reservation)?;
    let refers = |schema: &TableSchema, to: &str| schema.foreign_keys.iter().any(|k| k.table == to);
    let could_be = |key: &&ForeignKey| {
        let table = key.table.as_str();
        table != reservation
            && table != schema.name
            && Some(table) != customer
            && Some(table) != bindings.tenant.as_deref()
            && snapshot.table(table).is_some_and(|table| !refers(&table.schema, reservation))
    };
    let is_referred = |key: &&ForeignKey| refers(&own.schema, &key.table);
    let offer = schema.foreign_keys.iter().filter(could_be).min_by_key(is_referred)?;
    Some((parent, offer))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::shape::Heard;
    use crate::sketch::{snapshot, table};

    /// Forty visits of people to one of two rooms, each of an offer, written down by a clerk.
    fn clinic() -> Snapshot {
        let rows = |row: &dyn Fn(usize) -> String| (0..40).map(row).collect::<Vec<String>>();
        let visit = |n: usize| {
            format!("{n} | {n} | {} | 2026-03-05T10:00:00Z | 2026-01-01T08:00:00Z", n % 2)
        };
        snapshot(vec![
            table("rooms", "id label", &["0 | Blue", "1 | Red"]),
            table("offers", "id title", &["0 | Cut", "1 | Colour"]),
            table("people", "id mail", &rows(&|n| format!("{n} | p{n}@b.example"))),
            table("visits", "id who>people room>rooms begins made", &rows(&visit)),
            table("parts", "id visit>visits offer>offers", &rows(&|n| format!("{n} | {n} | 1"))),
            table("moves", "id visit>visits room>rooms", &rows(&|n| format!("{n} | {n} | 0"))),
            table("notes", "id visit>visits text", &rows(&|n| format!("{n} | {n} | hm"))),
        ])
    }

    /// The lists that are found, each with its table, when these are named and chosen.
    fn check(named: &[(&str, &str)], chosen: Option<&[&str]>) -> String {
        let own = |(of, table): &(&str, &str)| ((*of).to_owned(), (*table).to_owned());
        let named: BTreeMap<String, String> = named.iter().map(own).collect();
        let chosen: Option<Vec<String>> =
            chosen.map(|tables| tables.iter().map(|t| (*t).to_owned()).collect());
        let found = Bindings::find(&clinic(), &named, chosen.as_deref(), &Heard::default());
        let shown = |of: &String| format!("{of}={}", found.table(of).unwrap_or_default());
        found.lists.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_list_refers_to_the_record_and_to_what_is_on_offer() {
        assert_eq!(check(&[], None), "parts=parts");
    }

    #[test]
    fn the_pipeline_names_the_type_of_its_records() {
        assert_eq!(check(&[("treatment", "parts")], None), "treatment=parts");
    }

    #[test]
    fn the_pipeline_chooses_what_is_a_list() {
        assert_eq!(check(&[], Some(&[])), "");
        assert_eq!(check(&[], Some(&["moves"])), "moves=moves");
        assert_eq!(check(&[], Some(&["notes"])), "", "it refers to nothing that is on offer");
    }
}
