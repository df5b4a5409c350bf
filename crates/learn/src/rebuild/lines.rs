//! The lines of lost reservations: rows of the tables that hang on them as lists.

use std::collections::BTreeMap;

use restitch_model::{
    Candidate, CandidateId, Cell, Digest, EvidenceId, Field, Instant, Observation, RecordType,
    Value, Verdict,
};

use super::{Bench, Marks, Rebuilt, confidence, sort_of};
use crate::fold::{SILENT, Told, choose};
use crate::knowledge::RecordKnowledge;
use crate::lists::List;
use crate::lists::lines::AddsUp;
use crate::lists::reader::{Reader, Telling};
use crate::records::Group;
use crate::rule::{Plain, amount};
use crate::shape::{ColumnKind, View};

/// What is told of a reservation less surely contradicts no lines.
const TOLD: f64 = 0.9;

/// What one item says of the lines of a reservation, and when.
struct Said {
    item: usize,
    at: Instant,
    telling: Telling,
}

/// One list as it is rebuilt.
struct Ledger<'l> {
    list: &'l List,
    /// The table of the lines.
    lines: &'l View,
    known: &'l RecordKnowledge,
    reader: Reader<'l>,
}

impl Bench<'_> {
    /// Candidates of the lines of lost reservations: what their evidence names of what is on
    /// offer.
    pub(super) fn add_lines(
        &self,
        view: &View,
        lines: &BTreeMap<String, View>,
        groups: &[Group],
        observed: &[Option<Observation>],
        rebuilt: &mut Rebuilt,
    ) {
        let reservations: BTreeMap<&CandidateId, &Candidate> =
            rebuilt.candidates.iter().map(|candidate| (&candidate.id, candidate)).collect();
        let records = &self.knowledge.records;
        let mut found = Vec::new();
        let mut sums: BTreeMap<CandidateId, Vec<Field>> = BTreeMap::new();
        for list in &view.lists {
            let of = list.record_type.as_str();
            let (Some(lines), Some(known), Some(owners)) =
                (lines.get(of), records.get(of), records.get(RecordType::RESERVATION))
            else {
                continue;
            };
            let reader = Reader::new(list, lines, &owners.rules, known);
            let ledger = Ledger { list, lines, known, reader };
            for group in groups.iter().filter(|group| group.row.is_none()) {
                let id = self.blank(RecordType::RESERVATION, view, &group.items).id;
                if let Some(parent) = reservations.get(&id) {
                    let said = self.said(&ledger, group, observed);
                    let (lines, own) = self.lines_of(view, &ledger, group, parent, &said);
                    found.extend(lines);
                    sums.entry(id).or_default().extend(own);
                }
            }
        }
        for candidate in &mut rebuilt.candidates {
            for field in sums.remove(&candidate.id).into_iter().flatten() {
                candidate.fields.retain(|own| own.column != field.column);
                candidate.fields.push(field);
            }
        }
        rebuilt.candidates.extend(found);
    }

    /// What the items of a group say of the lines, in the order of time.
    fn said(
        &self,
        ledger: &Ledger<'_>,
        group: &Group,
        observed: &[Option<Observation>],
    ) -> Vec<Said> {
        let mut said: Vec<Said> = group
            .items
            .iter()
            .filter_map(|&item| {
                let (own, parts) = (&self.material.items[item], &self.material.parts[item]);
                let tenant = self.knowledge.tenancies.tenant(&own.kind, parts);
                let tenant = tenant.or(group.tenant.as_ref());
                let telling = ledger.reader.read(own, parts, tenant)?;
                let at = observed[item].as_ref().map_or(own.at, |observation| observation.at);
                Some(Said { item, at, telling })
            })
            .collect();
        said.sort_by_key(|said| (said.at, self.material.items[said.item].evidence));
        said
    }

    /// The lines of one reservation, and what they tell of it. Which there are the last word of the
    /// surest rules says; what they hold, all that name them.
    fn lines_of(
        &self,
        view: &View,
        ledger: &Ledger<'_>,
        group: &Group,
        parent: &Candidate,
        said: &[Said],
    ) -> (Vec<Candidate>, Vec<Field>) {
        let best = said.iter().map(|said| said.telling.accuracy).fold(0.0, f64::max);
        let sure = || said.iter().filter(|said| said.telling.accuracy >= best - SILENT);
        let Some(last) = sure().next_back() else { return Default::default() };
        let wanted = last.telling.lines.iter().map(|line| line.offer);
        let (mut found, items): (Vec<Candidate>, Vec<Vec<usize>>) = (0..)
            .zip(wanted)
            .map(|(nth, offer)| self.line(ledger, parent, said, offer, nth))
            .unzip();
        let against = ledger.known.adds_up.iter().find_map(|adds_up| {
            // What follows from the record itself may follow from a guess, or from the list.
            let is_told = |field: &&Field| field.place.is_some() && field.confidence >= TOLD;
            let told = parent.field(&adds_up.to).filter(is_told)?;
            let kind = &view.path(&adds_up.to)?.kind;
            ledger.hold_against(&mut found, &adds_up.column, (told, kind), adds_up.accuracy)
        });
        for (candidate, items) in found.iter_mut().zip(&items) {
            let marks = Marks {
                has_key: !group.keys.is_empty(),
                has_conflict: !candidate.conflicts.is_empty(),
                ..Marks::default()
            };
            let sort = sort_of(self.kinds(items), marks);
            let form = self.form_of(items, candidate.evidence.first().copied());
            candidate.confidence = confidence(ledger.known, &sort, form);
            self.judge_line(ledger, parent, against.as_deref(), candidate);
        }
        let sums = ledger.known.adds_up.iter().filter_map(|adds_up| {
            let kind = &view.path(&adds_up.to)?.kind;
            ledger.come_to(&found, adds_up, last.telling.accuracy, parent, kind)
        });
        let sums = sums.collect();
        (found, sums)
    }

    /// A line: the row on offer that it holds, and its other columns; with the items that name it.
    fn line(
        &self,
        ledger: &Ledger<'_>,
        parent: &Candidate,
        said: &[Said],
        offer: usize,
        nth: i64,
    ) -> (Candidate, Vec<usize>) {
        let Ledger { list, lines, known, .. } = ledger;
        let of_line = |said: &Said| {
            let line = said.telling.lines.iter().find(|line| line.offer == offer)?;
            let (item, parts) = (&self.material.items[said.item], &self.material.parts[said.item]);
            Some((
                said.item,
                Observation {
                    evidence: item.evidence,
                    record_type: RecordType::new(&list.record_type),
                    at: said.at,
                    kind: item.kind.clone(),
                    form: parts.form.clone(),
                    readings: line.readings.clone(),
                    words: parts.words.clone(),
                },
            ))
        };
        let (items, observations): (Vec<usize>, Vec<Observation>) =
            said.iter().filter_map(of_line).unzip();
        let observations: Vec<&Observation> = observations.iter().collect();
        let mut candidate = self.blank(&list.record_type, lines, &items);
        candidate.id = line_id(&list.record_type, &parent.id, list.key(offer));
        candidate.tenant.clone_from(&parent.tenant);
        candidate.fields.push(Field {
            column: (&list.owner).into(),
            cell: Cell::KeyOf(parent.id.clone()),
            rule: format!("{} ← the same evidence", list.owner).into(),
            evidence: Some(candidate.evidence[0]),
            place: None,
            words: String::new(),
            confidence: 0.99,
        });
        for path in lines.paths.iter().filter(|path| path.is_own()) {
            if let Some(chosen) = choose(&path.name, &observations) {
                candidate.conflicts.extend(chosen.conflicts(&path.name));
                candidate.fields.push(chosen.field(&path.name));
            }
        }
        let of_parent = |field: &Field| match &field.cell {
            Cell::Is(value) => {
                let evidence: EvidenceId = field.evidence.unwrap_or(parent.evidence[0]);
                let path = format!("{}.{}", list.owner, field.column);
                Some((path, (value.clone(), evidence, field.confidence)))
            }
            Cell::KeyOf(_) => None,
        };
        let told = Told {
            last_heard: self.last_heard(&items),
            beyond: parent.fields.iter().filter_map(of_parent).collect(),
            nth,
            ..Told::default()
        };
        self.put_within(lines, known, &told, &mut candidate.fields);
        (candidate, items)
    }

    /// What is to become of a line. One whose reservation waits is held by the
    /// plan as long as that waits.
    fn judge_line(
        &self,
        ledger: &Ledger<'_>,
        parent: &Candidate,
        against: Option<&str>,
        candidate: &mut Candidate,
    ) {
        self.judge(ledger.lines, candidate);
        if parent.verdict == Verdict::Reject {
            candidate.verdict = Verdict::Reject;
            candidate.reasons = vec!["its reservation is no lost one".to_owned()];
        } else if let Some(against) = against.filter(|_| candidate.verdict == Verdict::Accept) {
            candidate.verdict = Verdict::Review;
            candidate.reasons.push(against.to_owned());
        }
    }
}

impl Ledger<'_> {
    /// What the lines come to, for a column of their reservation of which nothing as sure was known.
    /// `accuracy` is how sure it is that these are all.
    fn come_to(
        &self,
        lines: &[Candidate],
        adds_up: &AddsUp,
        accuracy: f64,
        parent: &Candidate,
        kind: &ColumnKind,
    ) -> Option<Field> {
        let own = &self.lines.path(&adds_up.column)?.kind;
        let mut field = Field {
            column: (&adds_up.to).into(),
            cell: Cell::Is(Value::Null),
            rule: format!("{} ← what its lines come to", adds_up.to).into(),
            evidence: None,
            place: None,
            words: String::new(),
            confidence: adds_up.accuracy.min(accuracy),
        };
        let mut sum: i64 = 0;
        for line in lines {
            let told = line.field(&adds_up.column).filter(|told| told.place.is_some())?;
            let Cell::Is(value) = &told.cell else { return None };
            sum = sum.checked_add(amount(value, own)?)?;
            (field.evidence, field.confidence) =
                (told.evidence, field.confidence.min(told.confidence));
        }
        field.cell = Cell::Is(Plain::Units(sum).value(kind)?);
        let known = parent.field(&adds_up.to);
        let is_news =
            |known: &Field| known.confidence < field.confidence && known.cell != field.cell;
        known.is_none_or(is_news).then_some(field)
    }

    /// Holds what the lines add up to in a column against what is told of their reservation. Of
    /// the one line that nothing tells it of, it is what the others leave; else the error is why
    /// they wait.
    fn hold_against(
        &self,
        lines: &mut [Candidate],
        column: &str,
        (told, kind): (&Field, &ColumnKind),
        accuracy: f64,
    ) -> Option<String> {
        let own = &self.lines.path(column)?.kind;
        let Cell::Is(value) = &told.cell else { return None };
        let total = amount(value, kind)?;
        let of_line = |candidate: &Candidate| match &candidate.field(column)?.cell {
            Cell::Is(value) => amount(value, own),
            Cell::KeyOf(_) => None,
        };
        let amounts: Vec<Option<i64>> = lines.iter().map(of_line).collect();
        if amounts.iter().copied().sum::<Option<i64>>() == Some(total) {
            return None;
        }
        let is_read = |c: &Candidate| c.field(column).is_some_and(|field| field.place.is_some());
        let unread: Vec<usize> = (0..lines.len()).filter(|&i| !is_read(&lines[i])).collect();
        if let [only] = unread.as_slice() {
            let others = amounts.iter().enumerate().filter(|(i, _)| i != only);
            let others = others.map(|(_, amount)| *amount).sum::<Option<i64>>()?;
            let left = total.checked_sub(others).filter(|left| *left > 0);
            if let Some(value) = left.and_then(|left| Plain::Units(left).value(own)) {
                let fields = &mut lines[*only].fields;
                fields.retain(|field| field.column != column);
                fields.push(Field {
                    column: column.into(),
                    cell: Cell::Is(value),
                    rule: format!("{column} ← what {} leaves", told.column).into(),
                    evidence: told.evidence,
                    place: None,
                    words: String::new(),
                    confidence: accuracy.min(told.confidence),
                });
                return None;
            }
        }
        let sum = amounts.iter().copied().sum::<Option<i64>>()?;
        let shown = Plain::Units(sum).value(own).unwrap_or(Value::Null);
        Some(format!(
            "the lines of its reservation come to {shown} in {column}, and its {} is told as {value}",
            told.column
        ))
    }
}

/// The name of a line: made from its reservation's and from what it holds.
fn line_id(record_type: &str, parent: &CandidateId, offer: &Value) -> CandidateId {
    let digest = Digest::of(format!("{record_type} {parent} {offer}").as_bytes());
    CandidateId(format!("{record_type}-{}", digest.short()))
}
