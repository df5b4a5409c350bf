//! News of rows that survived: what evidence since the backup says, and neither the row nor
//! earlier evidence did.

use std::collections::BTreeSet;

use restitch_model::{
    Candidate, Cell, Conflict, EvidenceId, Field, Observation, RecordType, Verdict,
};

use super::{Bench, NEWS};
use crate::fold::{phase_of, status_fields};
use crate::knowledge::RecordKnowledge;
use crate::news::{Heard, teller};
use crate::records::Group;
use crate::shape::{ColumnKind, View};

impl Bench<'_> {
    /// Whether a number comes from a payment: what was paid or given back of late is no news of
    /// what the whole costs.
    fn is_only_paid(&self, view: &View, group: &Group, field: &Field) -> bool {
        let is_number = view.path(&field.column).is_some_and(|path| path.kind.is_number());
        let said_in = |i: &&usize| Some(self.material.items[**i].evidence) == field.evidence;
        let is_payment = |i: &usize| self.payments.get(*i).is_some_and(Option::is_some);
        is_number && group.items.iter().find(said_in).is_some_and(is_payment)
    }

    /// The news of a surviving row: what evidence since the backup says, and neither the row
    /// nor earlier evidence did.
    pub(super) fn surviving(
        &self,
        view: &View,
        known: &RecordKnowledge,
        group: &Group,
        row: usize,
        observations: &[&Observation],
        heard_of: &mut Heard,
    ) -> Option<Candidate> {
        let since = self.scope.window.start;
        let is_new = |o: &&&Observation| o.at >= since;
        let fresh: Vec<&Observation> = observations.iter().filter(is_new).copied().collect();
        if fresh.is_empty() {
            return None;
        }
        let mut candidate = self.blank(RecordType::RESERVATION, view, &group.items);
        candidate.surviving = Some(self.key_of(view, row));
        candidate.tenant = group.tenant.as_ref().map(ToString::to_string);
        candidate.links = group.notes.clone();
        candidate.rivals = self.rivals(view, group).collect();
        let typed_in = view.created(row).is_some_and(|at| at >= self.scope.window.end);
        let earlier: Vec<&Observation> =
            observations.iter().filter(|o| o.at < since).copied().collect();
        let mut ignored = Vec::new();
        let now = self.read_fields(view, known, self.tenant(group), observations, &mut ignored);
        let before = self.read_fields(view, known, self.tenant(group), &earlier, &mut ignored);
        let fresh_ids: BTreeSet<EvidenceId> = fresh.iter().map(|o| o.evidence).collect();
        let mut changed: Vec<Field> = now
            .into_iter()
            .filter(|f| f.evidence.is_some_and(|e| fresh_ids.contains(&e)))
            .filter(|f| !before.iter().any(|b| b.column == f.column && b.cell == f.cell))
            .filter(|f| !self.is_near(known, &f.column))
            .filter(|f| !self.is_only_paid(view, group, f))
            .collect();
        let heard = self.heard(&group.items);
        let merged = self.merged(view, row, &changed);
        let phase = phase_of(view, known, &merged, self.scope.as_of);
        let status = status_fields(view, known, &heard, &phase);
        changed.retain(|f| !status.iter().any(|s| s.column == f.column));
        // What a status became by the passing of time alone nobody told: a reminder from before
        // a stay does not know whether the guest came.
        let heard_last = self.last_heard(&group.items).unwrap_or(since).min(self.scope.as_of);
        let then = phase_of(view, known, &merged, heard_last);
        let told = status_fields(view, known, &heard, &then);
        let is_told = |f: &Field| told.iter().any(|t| t.column == f.column && t.cell == f.cell);
        let is_fresh = |f: &Field| f.evidence.is_some_and(|e| fresh_ids.contains(&e));
        changed.extend(status.into_iter().filter(|f| is_told(f) && is_fresh(f)));
        for field in changed {
            let Some(p) = view.position(&field.column) else { continue };
            let old = &view.rows[row][p];
            let Cell::Is(new) = &field.cell else { continue };
            let form = self.form_of(&group.items, field.evidence);
            if let Some(teller) = teller(&field, form).filter(|_| !typed_in) {
                heard_of.add(teller, new != old);
            }
            // What names a row, and when it was made, is what it is.
            let is_fixed = matches!(view.paths[p].kind, ColumnKind::Key)
                || view.creation().is_some_and(|(created, _)| created == p);
            if new == old || is_fixed {
                continue;
            }
            if typed_in {
                candidate.conflicts.push(Conflict {
                    column: field.column.to_string(),
                    kept: old.clone(),
                    other: new.clone(),
                    evidence: field.evidence,
                    reason: "the row was typed in since the restore and stands".to_owned(),
                });
            } else if field.confidence >= NEWS {
                candidate.fields.push(field);
            }
        }
        if candidate.fields.is_empty() && candidate.conflicts.is_empty() {
            return None;
        }
        Some(candidate)
    }

    /// How sure the news of a surviving row is, and what is to become of it.
    pub(super) fn judge_news(
        &self,
        known: &RecordKnowledge,
        heard: &Heard,
        group: &Group,
        candidate: &mut Candidate,
    ) {
        for field in &mut candidate.fields {
            let form = self.form_of(&group.items, field.evidence);
            let sure = teller(field, form).map_or(0.0, |teller| heard.sure(&teller, &known.news));
            field.confidence = field.confidence.min(sure);
        }
        candidate.confidence =
            candidate.fields.iter().map(|f| f.confidence).fold(group.link, f64::min);
        candidate.verdict = if candidate.confidence >= self.scope.accept_at {
            Verdict::Accept
        } else {
            Verdict::Review
        };
        if candidate.verdict == Verdict::Review {
            candidate.reasons.push(format!(
                "a surviving row would change, with confidence {:.3}",
                candidate.confidence
            ));
        }
    }

    /// Whether a column's time is never told, only neared: such a time is no news.
    pub(super) fn is_near(&self, known: &RecordKnowledge, column: &str) -> bool {
        let is_near = |r: &crate::rule::Rule| matches!(r.read, crate::rule::Read::Near { .. });
        let mut of_column = known.rules.iter().filter(|r| r.column == column).peekable();
        of_column.peek().is_some() && of_column.all(is_near)
    }

    /// The fields of a row with changes put on.
    pub(super) fn merged(&self, view: &View, row: usize, changed: &[Field]) -> Vec<Field> {
        let mut fields = changed.to_vec();
        for (path, value) in view.paths.iter().zip(&view.rows[row]).filter(|(p, _)| p.is_own()) {
            if !fields.iter().any(|f| f.column == path.name) {
                fields.push(Field {
                    column: (&path.name).into(),
                    cell: Cell::Is(value.clone()),
                    rule: "".into(),
                    evidence: None,
                    place: None,
                    words: String::new(),
                    confidence: 1.0,
                });
            }
        }
        fields
    }
}
