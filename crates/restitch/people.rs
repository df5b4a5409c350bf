//! `restitch review export --by customer`: what is known of a person, as a page.

use std::collections::BTreeMap;

use anyhow::Result;
use restitch_model::{RecordType, Snapshot, Table, Value};
use restitch_pipeline::Run;
use restitch_review::{Material, Person, PersonKey, gist, person_pages, persons, settle};
use serde::Serialize;

use crate::args::Export;
use crate::bars::grouped;
use crate::failure::Asked;
use crate::printer::{Shown, Style};
use crate::work::Work;
use crate::{Outcome, material};

/// Where the pages lie in the case.
const OUT: &str = "review/customers";

/// So many pages are made safe on the disk together.
const AT_ONCE: usize = 200;

/// The pages that were written.
#[derive(Debug, Serialize)]
struct Pages {
    /// The folder that they lie in.
    folder: String,
    /// Their files.
    pages: Vec<String>,
}

/// Writes a page for each customer of whom something was rebuilt.
pub fn export(args: &Export, work: &Work, run: &Run<'_>) -> Result<Outcome> {
    let (candidates, plan, knowledge) = (run.candidates()?, run.saved_plan()?, run.knowledge()?);
    let decisions = settle(&run.case.decisions()?, &candidates);
    let snapshot = run.snapshot()?;
    let Some(customers) = knowledge.bindings.table(RecordType::CUSTOMER) else {
        return Err(Asked("no table of this database holds customers".to_owned()).into());
    };
    let refers = |table: &str, column: &str| {
        let key = snapshot.table(table).and_then(|table| table.schema.foreign_key(column));
        key.is_some_and(|key| key.table == customers)
    };
    let known = Known { snapshot: &snapshot, customers };
    let people: Vec<(PersonKey, Person<'_>)> = persons(&candidates, &refers)
        .into_iter()
        .map(|(key, records)| {
            let standing = match &key {
                PersonKey::Surviving(key) => known.rows(key),
                PersonKey::Rebuilt(_) => Vec::new(),
            };
            let own = records.iter().find(|c| c.record_type.as_str() == RecordType::CUSTOMER);
            let name = match (own, standing.first()) {
                (_, Some((_, columns))) => known.name(columns),
                (Some(own), None) => gist(own),
                (None, None) => String::new(),
            };
            (key, Person { name, records, standing })
        })
        .filter(|(_, person)| args.only.as_ref().is_none_or(|text| is_about(person, text)))
        .collect();
    if let (true, Some(text)) = (people.is_empty(), &args.only) {
        return Err(Asked(format!("nothing was rebuilt of a customer with {text:?}")).into());
    }
    let notes = material::notes(&run.items()?);
    let tenants = material::tenants(&snapshot, knowledge.bindings.tenant.as_deref());
    let material = Material {
        candidates: &candidates,
        plan: &plan,
        decisions: &decisions,
        tenants: &tenants,
        evidence: &|id| notes.get(&id).cloned(),
    };
    let details = serde_json::json!({ "by": "customer", "pages": people.len() });
    run.case.log(run.now, &run.actor, "review export", details)?;
    run.progress.begin("writing pages", "pages", Some(people.len() as u64));
    let mut pages = Vec::new();
    let mut made = person_pages(&material, &people);
    loop {
        let some: Vec<(String, Vec<u8>)> = made
            .by_ref()
            .take(AT_ONCE)
            .map(|(folder, file, bytes)| (format!("{OUT}/{folder}/{file}"), bytes))
            .collect();
        if some.is_empty() {
            break;
        }
        run.progress.advance(some.len() as u64);
        pages.extend(some.iter().map(|(name, _)| name.clone()));
        run.case.write_all(some)?;
    }
    run.progress.end();
    let folder = run.case.path(OUT).display().to_string();
    work.printer.show(&Pages { folder, pages });
    Ok(Outcome::Done)
}

impl Shown for Pages {
    fn text(&self, style: Style) -> String {
        let mut text =
            format!("{} pages in {}\n", style.bold(&grouped(self.pages.len() as u64)), self.folder);
        for page in self.pages.iter().take(5) {
            text += &format!("  {page}\n");
        }
        if self.pages.len() > 5 {
            text += "  …\n";
        }
        text + "Send a page to nobody but the person whom it is about.\n"
    }
}

/// Whether a name, an address, a number or a key of the person holds the text.
fn is_about(person: &Person<'_>, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let holds = |value: &str| value.to_lowercase().contains(&text);
    let own = person.records.iter().filter(|c| c.record_type.as_str() == RecordType::CUSTOMER);
    let mut fields = own.flat_map(|candidate| &candidate.fields);
    let row = person.standing.first();
    holds(&person.name)
        || fields.any(|field| holds(&field.words))
        || row.is_some_and(|(name, columns)| {
            holds(name) || columns.iter().any(|(_, value)| holds(&value.to_string()))
        })
}

/// What the database knows of customers.
struct Known<'k> {
    snapshot: &'k Snapshot,
    customers: &'k str,
}

impl Known<'_> {
    /// The customer's row, then the rows that refer to it.
    fn rows(&self, key: &[Value]) -> Vec<(String, Vec<(String, Value)>)> {
        let mut rows = Vec::new();
        let Some(table) = self.snapshot.table(self.customers) else { return rows };
        let own = table.rows.iter().filter(|row| table.key(row) == key);
        rows.extend(own.map(|row| shown(table, row)));
        for other in &self.snapshot.tables {
            for refers in &other.schema.foreign_keys {
                let Some(at) = other.schema.position(&refers.column) else { continue };
                if refers.table == self.customers {
                    let theirs = other.rows.iter().filter(|row| row[at..=at] == *key);
                    rows.extend(theirs.map(|row| shown(other, row)));
                }
            }
        }
        rows
    }

    /// A name among the columns, else the first text.
    fn name(&self, columns: &[(String, Value)]) -> String {
        let texts: BTreeMap<bool, &str> = columns
            .iter()
            .rev()
            .filter_map(|(column, value)| {
                Some((!column.to_lowercase().contains("name"), value.as_text()?))
            })
            .collect();
        texts.values().next().map(|text| (*text).to_owned()).unwrap_or_default()
    }
}

fn shown(table: &Table, row: &[Value]) -> (String, Vec<(String, Value)>) {
    let columns = table.schema.columns.iter().zip(row);
    let key: Vec<String> = table
        .schema
        .primary_key
        .iter()
        .filter_map(|name| Some(row.get(table.schema.position(name)?)?.to_string()))
        .collect();
    (
        format!("{} {}", table.schema.name, key.join(" ")),
        columns.map(|(column, value)| (column.name.clone(), value.clone())).collect(),
    )
}
