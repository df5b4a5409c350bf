//! Applies rules: from an item taken apart to what it says in the columns of a table.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use restitch_model::{Observation, Reading, RecordType, Value};

use crate::anchor::Tenancies;
use crate::item::Item;
use crate::rule::{Read, Rule, read};
use crate::shape::{Bindings, View};
use crate::source::Parts;
use crate::study::tenant_path;
use crate::zones::Zones;

/// A rule that reads a voice or container as the tenant is as sure as those are pure.
const TENANCY: f64 = 0.99;

/// Applies the rules of one record type.
pub struct Observer<'k> {
    record_type: RecordType,
    view: &'k View,
    tenancies: &'k Tenancies,
    rules: HashMap<&'k str, Vec<&'k Rule>>,
    tenant: Option<&'k str>,
    zone_of_tenant: BTreeMap<Value, TimeZone>,
    fallback: TimeZone,
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
        let mut by_form: HashMap<&str, Vec<&Rule>> = HashMap::new();
        for rule in rules {
            by_form.entry(&rule.form).or_default().push(rule);
        }
        let tenant = tenant_path(view, bindings);
        let mut zone_of_tenant = BTreeMap::new();
        if let Some(p) = tenant.and_then(|t| view.position(t)) {
            for row in &view.rows {
                zone_of_tenant.entry(row[p].clone()).or_insert_with(|| zones.of_row(view, row));
            }
        }
        Self {
            record_type: RecordType::new(record_type),
            view,
            tenancies,
            rules: by_form,
            tenant,
            zone_of_tenant,
            fallback: zones.named(None),
        }
    }

    /// What an item says of a record of this type; `None` where no rule reads it.
    pub fn observe(&self, item: &Item, parts: &Parts) -> Option<Observation> {
        let rules = self.rules.get(parts.form.as_str())?;
        let tenant = self.tenancies.tenant(&item.kind, parts);
        let zone = tenant.and_then(|t| self.zone_of_tenant.get(t)).unwrap_or(&self.fallback);
        let mut readings: Vec<Reading> = Vec::new();
        if let (Some(column), Some(tenant)) = (self.tenant, tenant) {
            readings.push(Reading {
                column: column.to_owned(),
                value: tenant.clone(),
                rule: format!("{column} ← who speaks"),
                is_near: false,
                accuracy: TENANCY,
                place: restitch_model::Place::whole(crate::source::VOICE),
                words: item.voice().to_owned(),
            });
        }
        for rule in rules {
            if Some(rule.column.as_str()) == self.tenant
                || readings.iter().any(|r| r.column == rule.column)
            {
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
                    column: rule.column.clone(),
                    value,
                    rule: rule.name(),
                    is_near: matches!(rule.read, Read::Near { .. }),
                    accuracy: rule.accuracy,
                    place: source.place.clone(),
                    words: source.value.to_string(),
                });
            }
        }
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
