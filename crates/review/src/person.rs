//! All that is known of one person, as a single page: for whoever asks.

use std::collections::BTreeMap;

use restitch_model::{Candidate, CandidateId, Cell, RecordType, RowKey, Value};

use crate::material::Material;
use crate::page;
use crate::view::{Index, View, folder_of};

/// Who a person is to the case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonKey {
    /// A rebuilt customer.
    Rebuilt(CandidateId),
    /// A customer whose row survived.
    Surviving(RowKey),
}

/// A person, and all that is known of them.
#[derive(Debug, Clone)]
pub struct Person<'a> {
    /// What they are called.
    pub name: String,
    /// The rebuilt records, the person's own first.
    pub records: Vec<&'a Candidate>,
    /// Rows of the database: the name of each, its columns and their values.
    pub standing: Vec<(String, Vec<(String, Value)>)>,
}

/// The rebuilt records of each person: the customer's own, and those that refer to the customer,
/// by whatever other record. `customers` says whether a table's column refers to customers.
/// Records that refer to nobody are left out.
pub fn persons<'a>(
    candidates: &'a [Candidate],
    customers: &dyn Fn(&str, &str) -> bool,
) -> BTreeMap<PersonKey, Vec<&'a Candidate>> {
    let by_id: BTreeMap<&CandidateId, &Candidate> = candidates.iter().map(|c| (&c.id, c)).collect();
    let mut found: BTreeMap<PersonKey, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        if let Some(key) = person_of(candidate, &by_id, customers) {
            found.entry(key).or_default().push(candidate);
        }
    }
    for records in found.values_mut() {
        let is_other = |c: &Candidate| c.record_type.as_str() != RecordType::CUSTOMER;
        records.sort_by_key(|c| (is_other(c), c.first_seen, c.id.clone()));
    }
    found
}

/// A chain of references longer than this goes in a circle.
const LONGEST: usize = 8;

fn person_of(
    candidate: &Candidate,
    by_id: &BTreeMap<&CandidateId, &Candidate>,
    customers: &dyn Fn(&str, &str) -> bool,
) -> Option<PersonKey> {
    let mut at = candidate;
    for _ in 0..LONGEST {
        if at.record_type.as_str() == RecordType::CUSTOMER {
            return Some(match &at.surviving {
                Some(key) => PersonKey::Surviving(key.clone()),
                None => PersonKey::Rebuilt(at.id.clone()),
            });
        }
        let own = at.fields.iter().find(|field| customers(&at.table, &field.column));
        match own.map(|field| &field.cell) {
            Some(Cell::KeyOf(id)) => at = by_id.get(id)?,
            Some(Cell::Is(value)) => return Some(PersonKey::Surviving(vec![value.clone()])),
            // A payment is that of the reservation's customer.
            None => {
                let mut parents = at.fields.iter().filter_map(|field| match &field.cell {
                    Cell::KeyOf(id) => by_id.get(id),
                    Cell::Is(_) => None,
                });
                at = parents.next()?;
            }
        }
    }
    None
}

/// A page for each person: the folder of the tenant, the name of the file, and the page.
pub fn person_pages<'a>(
    material: &'a Material<'a>,
    people: &'a [(PersonKey, Person<'a>)],
) -> impl Iterator<Item = (String, String, Vec<u8>)> + 'a {
    let index = Index::of(material);
    people.iter().map(move |(key, person)| {
        let tenant = person.records.iter().find_map(|record| record.tenant.as_deref());
        let view = View::of(material, &index, tenant, &person.records, None);
        let name = match key {
            PersonKey::Rebuilt(id) => id.0.clone(),
            PersonKey::Surviving(key) => {
                let key: Vec<String> = key.iter().map(ToString::to_string).collect();
                format!("{}-{}", RecordType::CUSTOMER, key.join(" "))
            }
        };
        let file = format!("{}.html", folder_of("", &name));
        (view.folder.clone(), file, page::write_person(&view, person).into_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Desk, candidate, field};

    fn refers(column: &str, to: &str) -> restitch_model::Field {
        let mut refers = field(column, "");
        refers.cell = Cell::KeyOf(CandidateId(to.to_owned()));
        refers
    }

    #[test]
    fn a_person_is_known_by_own_records_and_by_what_refers_to_them() {
        let mut customer = candidate("customer-a");
        customer.record_type = RecordType::new(RecordType::CUSTOMER);
        let mut booking = candidate("reservation-a");
        booking.fields = vec![refers("customer_id", "customer-a")];
        let mut payment = candidate("payment-a");
        payment.fields = vec![refers("rental_id", "reservation-a")];
        let mut old = candidate("reservation-b");
        old.fields = vec![field("customer_id", 7)];
        let alone = candidate("reservation-c");
        let all = [payment, booking, customer, old, alone];
        let found = persons(&all, &|_, column| column == "customer_id");
        let shown: Vec<String> = found
            .values()
            .map(|records| records.iter().map(|c| c.id.0.as_str()).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(shown, ["customer-a payment-a reservation-a", "reservation-b"]);
    }

    #[test]
    fn the_page_of_a_person_asks_nothing_and_runs_nothing() {
        let mut desk = Desk::new();
        desk.line = "<script>alert(1)</script>".to_owned();
        let page = desk.person("<img src=x>");
        assert!(page.contains("What is known of you: <bdi>&lt;img src=x&gt;</bdi>"), "{page}");
        assert!(page.contains("What stands in the database"));
        for absent in ["<script", "<input", "<img"] {
            assert!(!page.contains(absent), "{absent}");
        }
    }
}
