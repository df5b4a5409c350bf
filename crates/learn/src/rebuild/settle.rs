//! Payments that name nothing and are what is left of a reservation's price: see [`Rest`].

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::tz::TimeZone;
use restitch_model::{Instant, LinkNote, Observation, RecordType, Value};

use super::Bench;
use crate::fold::choose;
use crate::knowledge::RecordKnowledge;
use crate::records::{Group, names, row_names};
use crate::rest::{Rest, left_of_rows};
use crate::rule::amount;
use crate::shape::{ColumnKind, View};

/// A reservation that may have been paid up: a group, or a row of which no item speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owing {
    Group(usize),
    Row(usize),
}

impl Bench<'_> {
    /// Gives payments that nothing names to the one reservation of their tenant of whose price
    /// just so much is left when they are made.
    pub(super) fn settle(
        &self,
        view: &View,
        payments: &View,
        observed: &[Option<Observation>],
        groups: &mut Vec<Group>,
    ) {
        let known = self.knowledge.records.get(RecordType::PAYMENT);
        let Some((known, rest)) = known.and_then(|k| Some((k, k.rest.as_ref()?))) else { return };
        let owner = payments.reference_to(&view.table);
        let (Some(owner), Some(of), Some(at)) = (owner, view.path(&rest.of), view.path(&rest.at))
        else {
            return;
        };
        let ColumnKind::Time(format) = &at.kind else { return };
        let moment = |value: &Value| {
            format.parse(value).and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok())
        };
        // What is owed, by tenant and amount: by whom, and when it is due.
        let mut owed: HashMap<(String, i64), Vec<(Owing, Instant)>> = HashMap::new();
        let mut of_tenant: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
        let mut owes = |who: Owing, tenant: Option<&Value>, left: i64, due: Instant| {
            let tenant = tenant.map_or_else(String::new, ToString::to_string);
            of_tenant.entry(tenant.clone()).or_default().push(due);
            owed.entry((tenant, left)).or_default().push((who, due));
        };
        let keys: Vec<Value> = (0..view.rows.len())
            .map(|row| self.key_of(view, row).into_iter().next().unwrap_or(Value::Null))
            .collect();
        let left = left_of_rows(rest, payments, owner, view, &keys);
        let rows: HashSet<String> = row_names(payments, known).map(|(name, _)| name).collect();
        let tenant_at = crate::study::tenant_path(view, &self.knowledge.bindings)
            .and_then(|t| view.position(t));
        let due_at = view.position(&rest.at);
        let group_of: HashMap<usize, usize> =
            groups.iter().enumerate().filter_map(|(g, group)| Some((group.row?, g))).collect();
        for (row, left) in left.iter().enumerate() {
            let Some((left, due)) = left.zip(due_at.and_then(|p| moment(&view.rows[row][p])))
            else {
                continue;
            };
            let group = group_of.get(&row);
            let paid = group.map_or(0, |&g| self.paid_since(known, rest, &groups[g], &rows));
            let who = group.map_or(Owing::Row(row), |&g| Owing::Group(g));
            owes(who, tenant_at.map(|p| &view.rows[row][p]), left.saturating_sub(paid), due);
        }
        for (g, group) in groups.iter().enumerate() {
            if group.row.is_some() || self.is_lone_payment(known, group) {
                continue;
            }
            let observations = self.observations(group, observed);
            let told = |column: &str| Some(&choose(column, &observations)?.reading.value);
            let price = told(&rest.of).and_then(|value| amount(value, &of.kind));
            let due = choose(&rest.at, &observations).filter(|c| !c.reading.is_near);
            if let Some((price, due)) = price.zip(due.and_then(|c| moment(&c.reading.value))) {
                let paid = self.paid(&group.items).get(&rest.amount).copied().unwrap_or(0);
                owes(Owing::Group(g), group.tenant.as_ref(), price.saturating_sub(paid), due);
            }
        }
        let mut found: BTreeMap<Owing, Vec<(usize, Vec<LinkNote>)>> = BTreeMap::new();
        for (g, group) in groups.iter().enumerate() {
            if !self.is_lone_payment(known, group) {
                continue;
            }
            let Some((paid, at)) = self.paid_at(payments, rest, group) else { continue };
            let tenant = group.tenant.as_ref().map_or_else(String::new, ToString::to_string);
            let is_near =
                |due: &Instant| at.duration_since(*due).as_mins().abs() <= rest.within_minutes;
            let owing = owed.get(&(tenant.clone(), paid)).map_or(&[][..], Vec::as_slice);
            let mut near = owing.iter().filter(|(_, due)| is_near(due));
            let (Some((who, _)), None) = (near.next(), near.next()) else { continue };
            let all = of_tenant.get(&tenant).map_or(&[][..], Vec::as_slice);
            let then = all.iter().filter(|due| is_near(due)).count();
            let notes = self.notes_of_rest(rest, group, [all.len(), owing.len(), then]);
            found.entry(*who).or_default().push((g, notes));
        }
        for (who, mut payers) in found {
            // Two that could both be the rest are told apart by nothing.
            if payers.len() > 1 {
                continue;
            }
            let Some((g, notes)) = payers.pop() else { continue };
            let items = std::mem::take(&mut groups[g].items);
            let into = match who {
                Owing::Group(into) => into,
                Owing::Row(row) => {
                    let tenant = groups[g].tenant.clone();
                    groups.push(Group { row: Some(row), tenant, link: 1.0, ..Group::default() });
                    groups.len() - 1
                }
            };
            groups[into].items.extend(items);
            groups[into].items.sort_unstable();
            groups[into].notes.extend(notes);
        }
        groups.retain(|group| !group.items.is_empty());
    }

    /// Whether a group is nothing but one payment, which nothing else is known of.
    fn is_lone_payment(&self, known: &RecordKnowledge, group: &Group) -> bool {
        let mut named = group.items.iter().map(|&i| {
            self.payments[i].as_ref().and_then(|observation| names(known, observation).next())
        });
        let Some(Some(first)) = named.next() else { return false };
        group.keys.is_empty()
            && group.row.is_none()
            && group.notes.is_empty()
            && named.all(|name| name.as_ref() == Some(&first))
    }

    /// How much a payment is, in ten-thousandths, and when it was made.
    fn paid_at(&self, payments: &View, rest: &Rest, group: &Group) -> Option<(i64, Instant)> {
        let kind = &payments.path(&rest.amount)?.kind;
        let observations = self.observations(group, &self.payments);
        let paid = amount(&choose(&rest.amount, &observations)?.reading.value, kind)?;
        let told = payments.creation().and_then(|(p, format)| {
            let said = choose(&payments.paths[p].name, &observations)?;
            TimeZone::UTC.to_timestamp(format.parse(&said.reading.value)?).ok()
        });
        let first = group.items.iter().map(|&i| self.material.items[i].made_at).min();
        Some((paid, told.or(first)?))
    }

    /// What evidence says was paid for a surviving reservation that no row of it shows yet: of these
    /// names no row has any.
    fn paid_since(
        &self,
        known: &RecordKnowledge,
        rest: &Rest,
        group: &Group,
        rows: &HashSet<String>,
    ) -> i64 {
        let is_new = |&&i: &&usize| {
            let name = self.payments[i].as_ref().and_then(|o| names(known, o).next());
            name.is_some_and(|name| !rows.contains(&name))
        };
        let new: Vec<usize> = group.items.iter().filter(is_new).copied().collect();
        self.paid(&new).get(&rest.amount).copied().unwrap_or(0)
    }

    /// How rare it is that so much is owed, and that it is due then, among all reservations of the
    /// tenant: `counts` are all of them, those that owe as much, and those that are due then.
    fn notes_of_rest(&self, rest: &Rest, group: &Group, counts: [usize; 3]) -> Vec<LinkNote> {
        let [all, owing, then] = counts.map(|n| n.max(1) as f64);
        let steps = [
            ("prior".to_owned(), (1.0 / all).log2()),
            (format!("{}: what is left of {}", rest.amount, rest.of), (all / owing).log2()),
            (format!("{}: within {} minutes", rest.at, rest.within_minutes), (all / then).log2()),
        ];
        let of_item = |&i: &usize| {
            let evidence = self.material.items[i].evidence;
            steps.clone().map(|(comparison, weight)| LinkNote { evidence, comparison, weight })
        };
        group.items.iter().flat_map(of_item).collect()
    }
}
