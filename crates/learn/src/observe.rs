//! Applies rules: from an item taken apart to what it says in the columns of a table.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use restitch_model::{FactValue, Name, Names, Observation, Place, Reading, RecordType, Value};

use crate::anchor::Tenancies;
use crate::item::Item;
use crate::key_shape::KeyShapes;
use crate::lists;
use crate::rule::{Read, Rule, read};
use crate::shape::{Bindings, View};
use crate::source::Parts;
use crate::study::tenant_path;
use crate::zones::Zones;

/// A rule that reads a voice or container as the tenant is as sure as those are pure.
const TENANCY: f64 = 0.99;
/// The only text of an item that has the shape of a record's name is most surely its name.
const ONLY_NAME: f64 = 0.97;

/// So much of a text is shown as the words of what it names.
const WORDS: usize = 80;

/// A rule, with the names that all its readings share.
struct Named<'k> {
    rule: &'k Rule,
    column: Name,
    name: Name,
}

/// Applies the rules of one record type.
pub struct Observer<'k> {
    record_type: RecordType,
    view: &'k View,
    tenancies: &'k Tenancies,
    rules: HashMap<&'k str, Vec<Named<'k>>>,
    tenant: Option<&'k str>,
    zone_of_tenant: BTreeMap<Value, TimeZone>,
    fallback: TimeZone,
    /// The columns that name records, with the shapes of their names.
    names: Vec<(&'k str, KeyShapes)>,
}

impl<'k> Observer<'k> {
    /// Readies the rules of a record type.
    pub fn new(
        record_type: &str,
        view: &'k View,
        rules: &'k [Rule],
        bindings: &Bindings,
        tenancies: &'k Tenancies,
        zones: &Zones,
    ) -> Self {
        let mut by_form: HashMap<&str, Vec<Named<'_>>> = HashMap::new();
        let mut names = Names::default();
        for rule in rules {
            let (column, name) = (names.of(&rule.column), names.of(&rule.name()));
            by_form.entry(&rule.form).or_default().push(Named { rule, column, name });
        }
        let tenant = tenant_path(view, bindings);
        let mut zone_of_tenant = BTreeMap::new();
        if let Some(p) = tenant.and_then(|t| view.position(t)) {
            for row in &view.rows {
                zone_of_tenant.entry(row[p].clone()).or_insert_with(|| zones.of_row(view, row));
            }
        }
        let names = view.natural_keys().into_iter().filter_map(|path| {
            let p = view.position(&path.name)?;
            let shapes = KeyShapes::of(view.rows.iter().filter_map(|row| row[p].as_text()));
            Some((path.name.as_str(), shapes))
        });
        Self {
            names: names.collect(),
            record_type: RecordType::new(record_type),
            view,
            tenancies,
            rules: by_form,
            tenant,
            zone_of_tenant,
            fallback: zones.named(None),
        }
    }

    /// The name that an item of a read form holds where no rule looks for it, if it is the only
    /// one: a subject line that was written anew, say.
    fn only_name(&self, parts: &Parts, readings: &[Reading]) -> Option<Reading> {
        let [(column, shapes)] = self.names.as_slice() else { return None };
        if readings.iter().any(|r| r.column == *column) {
            return None;
        }
        let mut held = parts.sources.iter().filter_map(|source| match &source.value {
            FactValue::Reference(text) if shapes.fit(text) => Some((source, text)),
            _ => None,
        });
        let (source, name) = held.next()?;
        held.all(|(_, other)| other == name).then(|| Reading {
            column: (*column).into(),
            value: Value::Text(name.clone()),
            rule: format!("{column} ← its only name").into(),
            is_near: false,
            accuracy: ONLY_NAME,
            place: source.place(),
            words: name.clone(),
        })
    }

    /// What the list that a text names adds up to, path by path.
    fn sums(
        &self,
        rule: &Rule,
        item: &Item,
        parts: &Parts,
        tenant: Option<&Value>,
    ) -> Vec<Reading> {
        let list = self.view.list(&rule.column);
        let text = lists::text_of(item, parts, &rule.from);
        let Some((list, text)) = list.zip(text) else { return Vec::new() };
        let place = parts.source(&rule.from).map(|source| source.place());
        let place = place.unwrap_or_else(|| Place::whole(&*rule.from));
        let reading = |(column, value): (&str, Value)| Reading {
            column: column.into(),
            value,
            rule: rule.name().into(),
            is_near: false,
            accuracy: rule.accuracy,
            place: place.clone(),
            words: text.chars().take(WORDS).collect(),
        };
        list.sums(&list.named_in(&text, tenant)).map(reading).collect()
    }

    /// What an item says of a record of this type; `None` where no rule reads it.
    pub fn observe(&self, item: &Item, parts: &Parts) -> Option<Observation> {
        let rules = self.rules.get(parts.form.as_str())?;
        let tenant = self.tenancies.tenant(&item.kind, parts);
        let zone = tenant.and_then(|t| self.zone_of_tenant.get(t)).unwrap_or(&self.fallback);
        let mut readings: Vec<Reading> = Vec::new();
        if let (Some(column), Some(tenant)) = (self.tenant, tenant) {
            readings.push(Reading {
                column: column.into(),
                value: tenant.clone(),
                rule: format!("{column} ← who speaks").into(),
                is_near: false,
                accuracy: TENANCY,
                place: Place::whole(crate::source::VOICE),
                words: item.voice.clone(),
            });
        }
        for Named { rule, column, name } in rules {
            if Some(rule.column.as_str()) == self.tenant
                || readings.iter().any(|r| r.column == rule.column)
            {
                continue;
            }
            if rule.read == Read::Mentions {
                readings.extend(self.sums(rule, item, parts, tenant));
                continue;
            }
            let (Some(source), Some(path)) =
                (parts.source(&rule.from), self.view.path(&rule.column))
            else {
                continue;
            };
            let value = read(&rule.read, &source.value, zone, &path.kind);
            if let Some(value) = value.filter(|value| path.admits(value)) {
                readings.push(Reading {
                    column: column.clone(),
                    value,
                    rule: name.clone(),
                    is_near: matches!(rule.read, Read::Near { .. } | Read::Digits),
                    accuracy: rule.accuracy,
                    place: source.place(),
                    words: source.value.to_string(),
                });
            }
        }
        readings.extend(self.only_name(parts, &readings));
        Some(Observation {
            evidence: item.evidence,
            record_type: self.record_type.clone(),
            at: item.at,
            kind: item.kind.clone(),
            form: parts.form.clone(),
            readings,
            words: parts.words.clone(),
        })
    }
}
