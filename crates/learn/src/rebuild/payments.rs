//! Payments: rebuilt by their own keys, each for the reservation that its evidence is about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use restitch_model::{
    Candidate, CandidateId, Cell, Field, Observation, RecordType, Value, Verdict,
};

use super::{Bench, Marks, Owner, Rebuilt};
use crate::fold::{Told, phase_of};
use crate::knowledge::RecordKnowledge;
use crate::linking::{is_faint, least_likely};
use crate::receipts::amounts;
use crate::records::{Group, names};
use crate::rule::amount;
use crate::shape::View;
use crate::study::tenant_path;

impl Bench<'_> {
    /// Candidates of payments: by their own keys, each for the reservation that its evidence
    /// is about.
    pub(super) fn add_payments(
        &self,
        view: &View,
        known: &RecordKnowledge,
        owners: &BTreeMap<usize, Owner>,
        rebuilt: &mut Rebuilt,
    ) {
        let reservations = self.knowledge.bindings.table(RecordType::RESERVATION);
        let Some(owner) = reservations.and_then(|table| view.reference_to(table)) else { return };
        let column = view.paths[owner].name.clone();
        let unsure: BTreeSet<CandidateId> = rebuilt
            .candidates
            .iter()
            .filter(|c| c.verdict != Verdict::Accept)
            .map(|c| c.id.clone())
            .collect();
        let mut groups = crate::records::group_by_key(view, self.knowledge, known, &self.payments);
        groups.retain(|group| group.row.is_none() && !group.keys.is_empty());
        groups.extend(self.receipts(view, known, &column, owners));
        self.pin(RecordType::PAYMENT, known, &self.payments, &mut groups);
        for group in groups.iter().filter(|group| group.row.is_none()) {
            let owner = group.items.iter().find_map(|i| owners.get(i));
            let mut candidate = self.payment(view, known, &column, group, owner);
            if let Some(Owner { cell: Cell::KeyOf(id), .. }) = owner
                && candidate.verdict == Verdict::Accept
                && unsure.contains(id)
            {
                candidate.verdict = Verdict::Review;
                candidate.reasons.push("its reservation is not sure".to_owned());
            }
            // A payment of nothing that is a reservation is none of ours.
            if owner.is_none() {
                candidate.verdict = Verdict::Reject;
                candidate.reasons = vec!["no reservation that it could be for".to_owned()];
            }
            rebuilt.candidates.push(candidate);
        }
    }

    /// Payments that nothing names: what receipts tell of one reservation and one amount, which no
    /// row of the reservation is yet.
    fn receipts(
        &self,
        view: &View,
        known: &RecordKnowledge,
        column: &str,
        owners: &BTreeMap<usize, Owner>,
    ) -> Vec<Group> {
        let amounts: Vec<&str> = amounts(view).map(|p| view.paths[p].name.as_str()).collect();
        let name_of = |cell: &Cell| match cell {
            Cell::Is(key) => key.to_string(),
            Cell::KeyOf(lost) => format!("lost {}", lost.0),
        };
        let mut groups: BTreeMap<(String, Vec<Option<&Value>>), Group> = BTreeMap::new();
        for (i, observation) in self.payments.iter().enumerate() {
            let Some(observation) = observation else { continue };
            let is_receipt = known.receipt_forms.contains(&observation.form);
            let Some(owner) = owners.get(&i).filter(|_| is_receipt) else { continue };
            if names(known, observation).next().is_some() {
                continue;
            }
            let paid = amounts.iter().map(|column| observation.reading(column).map(|r| &r.value));
            let group = groups.entry((name_of(&owner.cell), paid.collect())).or_default();
            group.items.push(i);
            group.link = 1.0;
        }
        let mut rows: HashMap<String, Vec<usize>> = HashMap::new();
        if let Some(owner) = view.position(column) {
            for (r, row) in view.rows.iter().enumerate() {
                rows.entry(row[owner].to_string()).or_default().push(r);
            }
        }
        let is_row = |row: usize, paid: &[Option<&Value>]| {
            amounts.iter().zip(paid).all(|(column, told)| {
                let value = view.position(column).map(|p| &view.rows[row][p]);
                told.is_none() || *told == value
            })
        };
        let stands = |(owner, paid): &(String, Vec<Option<&Value>>)| {
            rows.get(owner).into_iter().flatten().any(|&row| is_row(row, paid))
        };
        groups.into_iter().filter(|(key, _)| !stands(key)).map(|(_, group)| group).collect()
    }

    fn payment(
        &self,
        view: &View,
        known: &RecordKnowledge,
        column: &str,
        group: &Group,
        owner: Option<&Owner>,
    ) -> Candidate {
        let observations = self.observations(group, &self.payments);
        let mut candidate = self.blank(RecordType::PAYMENT, view, &group.items);
        let tenant_value = group.tenant.clone().or_else(|| owner.and_then(|o| o.tenant.clone()));
        candidate.tenant = tenant_value.as_ref().map(ToString::to_string);
        let tenant = self.knowledge.bindings.tenant.as_deref().zip(tenant_value.as_ref());
        let mut conflicts = Vec::new();
        candidate.fields = self.read_fields(view, known, tenant, &observations, &mut conflicts);
        candidate.conflicts = conflicts;
        candidate.fields.retain(|f| f.column != column);
        let evidence = candidate.evidence[0];
        let told = |column: &str, cell: Cell, rule: &str| Field {
            column: column.into(),
            cell,
            rule: format!("{column} ← {rule}").into(),
            evidence: Some(evidence),
            place: None,
            words: String::new(),
            confidence: 0.99,
        };
        if let Some(owner) = owner {
            candidate.links = owner.links.clone();
            candidate.rivals = owner.rivals.clone();
            candidate.fields.push(told(column, owner.cell.clone(), "the same evidence"));
        }
        if let (Some(path), Some(value)) =
            (tenant_path(view, &self.knowledge.bindings), &tenant_value)
            && view.path(path).is_some_and(|p| p.is_own())
            && !candidate.fields.iter().any(|f| f.column == path)
        {
            candidate.fields.push(told(path, Cell::Is(value.clone()), "who speaks"));
        }
        let heard = self.heard(&group.items);
        let phase = phase_of(view, known, &candidate.fields, self.scope.as_of);
        self.put_status(view, known, &heard, &phase, &mut candidate.fields);
        let told = Told { last_heard: self.last_heard(&group.items), ..Told::default() };
        self.put_within(view, known, &told, &mut candidate.fields);
        let marks = Marks {
            has_conflict: !candidate.conflicts.is_empty(),
            is_by_likeness: !candidate.links.is_empty(),
            is_faint: is_faint(least_likely(&candidate.links)),
            ..Marks::default()
        };
        candidate.confidence = self.sort_confidence(RecordType::PAYMENT, group, marks);
        self.judge(view, &mut candidate);
        candidate
    }

    /// What the payments among these items add up to, by column. Payments that mostly were
    /// none, such as failed ones, do not count.
    pub(super) fn paid(&self, items: &[usize]) -> BTreeMap<String, i64> {
        let Some(known) = self.knowledge.records.get(RecordType::PAYMENT) else {
            return BTreeMap::new();
        };
        let mut by_key: BTreeMap<&Value, &Observation> = BTreeMap::new();
        for &item in items {
            let Some(observation) = self.payments.get(item).and_then(Option::as_ref) else {
                continue;
            };
            let states = self.knowledge.states.states(&self.material.parts[item]);
            let key = known.natural_keys.iter().find_map(|key| observation.reading(key));
            if let Some(key) = key
                && !known.states.is_doubtful(states.iter())
            {
                by_key.insert(&key.value, observation);
            }
        }
        let mut paid: BTreeMap<String, i64> = BTreeMap::new();
        for reading in by_key.values().flat_map(|o| &o.readings) {
            let kind = self.payment_kinds.get(reading.column.as_str());
            if let Some(n) = kind.and_then(|kind| amount(&reading.value, kind)) {
                let sum = paid.entry(reading.column.to_string()).or_default();
                *sum = sum.saturating_add(n);
            }
        }
        paid
    }
}
