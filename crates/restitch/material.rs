//! What review packs need to know beside the records: the tenants, and evidence in a line.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use restitch_learn::{Item, Knowledge};
use restitch_model::{EvidenceId, FactValue, Snapshot, Table};
use restitch_review::{EvidenceNote, Language, TenantInfo};

/// The facts that say in a line what an item is, the better first.
const LINES: [&str; 4] = ["header:subject", "summary", "description", "/description"];

/// The tenants of the tenants' table, by the text of their key.
pub fn tenants(snapshot: &Snapshot, table: Option<&str>) -> BTreeMap<String, TenantInfo> {
    let Some(table) = table.and_then(|name| snapshot.table(name)) else { return BTreeMap::new() };
    let name = name_column(table);
    let zone = column_where(table, |text| text.contains('/') && TimeZone::get(text).is_ok());
    let language = column_where(table, is_language);
    let tenant = |row: &restitch_model::Row| {
        let key: Vec<String> = table.key(row).iter().map(ToString::to_string).collect();
        let text = |column: Option<usize>| row[column?].as_text().map(str::to_owned);
        let info = TenantInfo {
            name: text(name).unwrap_or_else(|| key.join(" ")),
            language: match text(language) {
                Some(tag) => Language::of_tag(&tag),
                None => text(zone).map(|zone| Language::of_zone(&zone)).unwrap_or_default(),
            },
            zone: text(zone),
        };
        (key.join(" "), info)
    };
    table.rows.iter().map(tenant).collect()
}

/// Whether a text is a tag such as `de`, `de-AT` or `de_AT`.
fn is_language(text: &str) -> bool {
    let (tag, region) = text.split_once(['-', '_']).unwrap_or((text, "XX"));
    let is_two = |part: &str, is: fn(&u8) -> bool| part.len() == 2 && part.bytes().all(|b| is(&b));
    is_two(tag, u8::is_ascii_lowercase) && is_two(region, u8::is_ascii_uppercase)
}

/// The zone that the business lives in: the one that all tenants share, else the one that
/// learning went by.
pub fn zone(snapshot: &Snapshot, knowledge: &Knowledge) -> String {
    let tenants = tenants(snapshot, knowledge.bindings.tenant.as_deref());
    let zones: BTreeSet<&String> = tenants.values().filter_map(|info| info.zone.as_ref()).collect();
    match zones.len() {
        1 => zones.into_iter().next().cloned().unwrap_or_default(),
        _ => knowledge.zone.clone(),
    }
}

/// The column called something like name, or else the first that holds text.
fn name_column(table: &Table) -> Option<usize> {
    let is_text = |column: &usize| table.rows.iter().any(|row| row[*column].as_text().is_some());
    let texts: Vec<usize> = (0..table.schema.columns.len()).filter(is_text).collect();
    let is_name =
        |column: &&usize| table.schema.columns[**column].name.to_lowercase().contains("name");
    texts.iter().find(is_name).or(texts.first()).copied()
}

/// The first column of which every text is of a sort, and that has any.
fn column_where(table: &Table, is: impl Fn(&str) -> bool) -> Option<usize> {
    (0..table.schema.columns.len()).find(|column| {
        let mut texts = table.rows.iter().filter_map(|row| row[*column].as_text()).peekable();
        texts.peek().is_some() && texts.all(&is)
    })
}

/// Evidence in a line each.
pub fn notes(items: &[Item]) -> BTreeMap<EvidenceId, EvidenceNote> {
    let note = |item: &Item| {
        let fact = |name: &str| {
            item.facts.iter().find(|fact| fact.name == name).and_then(|fact| match &fact.value {
                FactValue::Text(text) if !text.trim().is_empty() => Some(text.clone()),
                _ => None,
            })
        };
        let line = LINES.into_iter().find_map(fact).unwrap_or_else(|| item.native_id.clone());
        EvidenceNote { kind: item.kind.clone(), at: Some(item.at), line }
    };
    items.iter().map(|item| (item.evidence, note(item))).collect()
}
