use std::collections::BTreeMap;

use restitch_model::{
    Candidate, CandidateId, Cell, Decision, Name, Row, RowKey, Snapshot, TableSchema, Value,
};

use crate::affinity::stored;
use crate::draft::{Draft, drafts};
use crate::ground::{Ground, Plot, show, show_key};
use crate::kind::Kind;
use crate::order::{Parents, Ties};
use crate::plan::{Change, ChangeKind, IdPair, PlannedCell, PlannedConflict};
use crate::propose::{OnConflict, PlanPolicy};
use crate::standing::{Standing, standings};

/// What became of an accepted candidate.
pub(crate) enum Outcome {
    /// The change at this position.
    Change(usize),
    Unchanged,
    Held(String),
}

/// Goes through the accepted candidates, parents first, over what stands and is planned so far.
pub(crate) struct Planner<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) candidates: &'a [Candidate],
    pub(crate) policy: &'a PlanPolicy,
    pub(crate) standings: Vec<Standing<'a>>,
    pub(crate) unused_decisions: Vec<CandidateId>,
    pub(crate) names: Names<'a>,
    pub(crate) ground: Ground<'a>,
    /// Of the candidates at these positions; those that come to be known in the course of
    /// planning are put in.
    pub(crate) outcomes: Vec<Option<Outcome>>,
    /// Those so far, numbered from 1.
    pub(crate) changes: Vec<Change>,
    pub(crate) id_pairs: Vec<IdPair>,
    pub(crate) kept: Vec<PlannedConflict>,
    /// The rule of an id that the plan gives.
    new_id: Name,
    /// What the columns of tables hold, by their positions.
    kinds: BTreeMap<&'a str, Vec<Kind>>,
}

/// Positions of candidates by name, merged ones by the name of the one that speaks for them.
pub(crate) struct Names<'a>(BTreeMap<&'a CandidateId, usize>);

impl Parents for Names<'_> {
    fn of(&self, candidate: &CandidateId) -> Option<usize> {
        self.0.get(candidate).copied()
    }
}

impl<'a> Planner<'a> {
    /// With what decides the order in which the candidates come.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        candidates: &'a [Candidate],
        decisions: &'a [Decision],
        policy: &'a PlanPolicy,
    ) -> (Self, Ties) {
        let (standings, unused_decisions) = standings(candidates, decisions);
        let mut names: BTreeMap<&CandidateId, usize> = BTreeMap::new();
        for (i, candidate) in candidates.iter().enumerate() {
            names.entry(&candidate.id).or_insert(i);
        }
        for (candidate, standing) in candidates.iter().zip(&standings) {
            if let Standing::Merged(other) = standing {
                let other = names[other];
                names.insert(&candidate.id, other);
            }
        }
        let names = Names(names);
        let mut ties = Ties::new();
        let mut outcomes: Vec<Option<Outcome>> = candidates.iter().map(|_| None).collect();
        let kinds: BTreeMap<&str, Vec<Kind>> = snapshot
            .tables
            .iter()
            .map(|table| (table.schema.name.as_str(), kinds(&table.schema)))
            .collect();
        for (i, candidate) in candidates.iter().enumerate() {
            let Standing::Accepted { by } = standings[i] else { continue };
            let result = match snapshot.table(&candidate.table) {
                None => Err(format!("there is no table {}", candidate.table)),
                Some(table) if table.schema.primary_key.is_empty() => Err(format!(
                    "the table {} has no primary key, so that a row of it could not be taken \
                     back",
                    candidate.table
                )),
                Some(table) => {
                    let kinds = &kinds[table.schema.name.as_str()];
                    drafts(candidate, by, (table, kinds), policy, &names)
                        .map(|drafts| Draft::ties(drafts, &table.schema))
                }
            };
            match result {
                Ok(own) => _ = ties.insert(i, own),
                Err(reason) => outcomes[i] = Some(Outcome::Held(reason)),
            }
        }
        let planner = Self {
            snapshot,
            candidates,
            policy,
            standings,
            unused_decisions,
            names,
            ground: Ground::new(snapshot, candidates, &ties),
            outcomes,
            changes: Vec::new(),
            id_pairs: Vec::new(),
            kept: Vec::new(),
            new_id: "new id".into(),
            kinds,
        };
        (planner, ties)
    }

    /// What becomes of a candidate whose parents are done. The error is why it is held.
    pub(crate) fn outcome(&mut self, i: usize) -> Result<Outcome, String> {
        let candidate = &self.candidates[i];
        let Standing::Accepted { by } = self.standings[i] else {
            return Err("it is not accepted".to_owned());
        };
        let table = self.snapshot.table(&candidate.table).ok_or("there is no such table")?;
        let kinds = &self.kinds[table.schema.name.as_str()];
        let drafts = drafts(candidate, by, (table, kinds), self.policy, &self.names)?;
        let mut values = BTreeMap::new();
        for draft in &drafts {
            let value = match &draft.cell {
                Cell::Is(value) => value.clone(),
                Cell::KeyOf(parent) => self.key_of(&candidate.table, draft.position, parent)?,
            };
            values.insert(draft.position, value);
        }
        match &candidate.surviving {
            Some(key) => self.update(i, key, drafts, values),
            None => self.insert(i, drafts, values),
        }
    }

    fn insert(
        &mut self,
        i: usize,
        mut drafts: Vec<Draft>,
        mut values: BTreeMap<usize, Value>,
    ) -> Result<Outcome, String> {
        let candidate = &self.candidates[i];
        let plot = self.ground.plot(&candidate.table).ok_or("there is no such table")?;
        let columns = &plot.table.schema.columns;
        // Where a default stands ready, "nothing" means the default.
        values.retain(|&at, value| {
            !(value.is_null() && !columns[at].nullable && columns[at].default.is_some())
        });
        let given = self.give_key(i, &mut values)?;
        drafts.retain(|draft| values.contains_key(&draft.position));
        if let Some((position, _)) = given {
            drafts.retain(|draft| draft.position != position);
            drafts.push(Draft {
                position,
                cell: Cell::Is(values[&position].clone()),
                rule: self.new_id.clone(),
                evidence: None,
                place: None,
                words: String::new(),
                confidence: 1.0,
                typed: true,
            });
            drafts.sort_by_key(|draft| draft.position);
        }
        let plot = self.ground.plot(&candidate.table).ok_or("there is no such table")?;
        let columns = &plot.table.schema.columns;
        let missing: Vec<&str> = columns
            .iter()
            .enumerate()
            .filter(|(at, c)| {
                let needed = !c.generated && (!c.nullable || plot.key.contains(at));
                let empty = values.get(at).is_none_or(Value::is_null);
                needed && empty && c.default.is_none()
            })
            .map(|(_, c)| c.name.as_str())
            .collect();
        if !missing.is_empty() {
            return Err(format!("nothing tells {}, which cannot be empty", missing.join(", ")));
        }
        let row: Row =
            (0..columns.len()).map(|at| values.get(&at).cloned().unwrap_or(Value::Null)).collect();
        let key: RowKey = plot.key.iter().map(|&at| row[at].clone()).collect();
        if let Some(reason) = plot.clash(&key, &row) {
            return Err(reason);
        }
        self.check_references(i, &row, &drafts)?;
        let defaults = columns
            .iter()
            .enumerate()
            .filter(|(at, column)| !values.contains_key(at) && !column.generated)
            .filter_map(|(_, column)| Some((column.name.clone(), column.default.clone()?)))
            .collect();
        let cells = drafts
            .into_iter()
            .map(|draft| {
                let at = draft.position;
                cell(&plot.names[at], draft, None, &row[at])
            })
            .collect();
        if let Some((_, Some(evidence_id))) = given {
            let new_id = key[0].as_integer().unwrap_or_default();
            let (table, candidate) = (candidate.table.clone(), candidate.id.clone());
            self.id_pairs.push(IdPair { table, evidence_id, new_id, candidate });
        }
        if let Some(plot) = self.ground.plot_mut(&candidate.table) {
            if let (Some(_), Some(id)) = (given, key[0].as_integer()) {
                plot.next_id = id.checked_add(1);
            }
            if let Some((_, Some(evidence_id))) = given {
                plot.moved_ids.insert(evidence_id, &candidate.id);
            }
            plot.put_new(&key, &row, &candidate.id);
        }
        Ok(self.change(i, ChangeKind::Insert, key, cells, defaults))
    }

    /// Makes sure that an inserted row has a key of its own. Gives the key's position where a
    /// new id was given, with the id that evidence names, where it names one.
    fn give_key(
        &self,
        i: usize,
        values: &mut BTreeMap<usize, Value>,
    ) -> Result<Option<(usize, Option<i64>)>, String> {
        let plot = self.ground.plot(&self.candidates[i].table).ok_or("there is no such table")?;
        let key: Option<RowKey> = plot.key.iter().map(|at| values.get(at).cloned()).collect();
        let named = key.filter(|key| key.iter().all(|value| !value.is_null()));
        let holder = match &named {
            Some(key) => match plot.holder(key) {
                None if self.fits(plot, key) => return Ok(None),
                None => {
                    return Err(format!("its id {} is no whole number", show(&key[0])));
                }
                holder => holder,
            },
            None => None,
        };
        let names = || {
            let columns = plot.key.iter().map(|&at| plot.table.schema.columns[at].name.as_str());
            columns.collect::<Vec<_>>().join(", ")
        };
        match (plot.next_id, &plot.key[..], holder) {
            (Some(id), [position], _) => {
                let evidence_id = named.and_then(|key| key[0].as_integer());
                values.insert(*position, Value::Integer(id));
                Ok(Some((*position, evidence_id)))
            }
            (_, _, Some(holder)) => {
                let shown = named.as_deref().map(show_key).unwrap_or_default();
                Err(format!("{} '{shown}' is taken by {holder}", names()))
            }
            _ => Err(format!("nothing tells its key ({}), and none can be made up", names())),
        }
    }

    /// A key that the database counts holds whole numbers only.
    fn fits(&self, plot: &Plot, key: &RowKey) -> bool {
        plot.table.schema.next_id.is_none() || key[0].as_integer().is_some()
    }

    fn update(
        &mut self,
        i: usize,
        key: &RowKey,
        drafts: Vec<Draft>,
        values: BTreeMap<usize, Value>,
    ) -> Result<Outcome, String> {
        let candidate = &self.candidates[i];
        let plot = self.ground.plot(&candidate.table).ok_or("there is no such table")?;
        let columns = &plot.table.schema.columns;
        let gone = || format!("its row {} is not in {} (any more)", show_key(key), candidate.table);
        let old = plot.row(key).ok_or_else(gone)?.clone();
        let reviewed = matches!(self.standings[i], Standing::Accepted { by: Some(_) });
        let mut row = old.clone();
        let mut changed = Vec::new();
        let mut kept = Vec::new();
        for (at, value) in values {
            let column = &columns[at];
            if old[at] == value {
                continue;
            }
            let keeps = self.policy.on_conflict(&candidate.table, &column.name) == OnConflict::Keep;
            if keeps && !reviewed && !old[at].is_null() {
                kept.push(self.kept_by_policy(i, key, &drafts, at, &old[at], value));
                continue;
            }
            if plot.key.contains(&at) {
                return Err(format!("it would change the key of the row {}", show_key(key)));
            }
            if value.is_null() && !column.nullable {
                return Err(format!("nothing tells {}, which cannot be empty", column.name));
            }
            if let Some(other) = plot.toucher(key, at) {
                return Err(format!(
                    "{other}, which is planned, changes {} of the row {} to another value",
                    column.name,
                    show_key(key)
                ));
            }
            row[at] = value;
            changed.push(at);
        }
        if let Some(reason) = plot.clash(key, &row).filter(|_| !changed.is_empty()) {
            return Err(reason);
        }
        let written: Vec<Draft> =
            drafts.into_iter().filter(|draft| changed.contains(&draft.position)).collect();
        self.check_references(i, &row, &written)?;
        self.kept.extend(kept);
        if changed.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        let cells = written
            .into_iter()
            .map(|draft| {
                let at = draft.position;
                cell(&plot.names[at], draft, Some(old[at].clone()), &row[at])
            })
            .collect();
        if let Some(plot) = self.ground.plot_mut(&candidate.table) {
            plot.put_changed(key, row, &candidate.id, &changed);
        }
        Ok(self.change(i, ChangeKind::Update, key.clone(), cells, BTreeMap::new()))
    }

    fn kept_by_policy(
        &self,
        i: usize,
        key: &RowKey,
        drafts: &[Draft],
        at: usize,
        old: &Value,
        new: Value,
    ) -> PlannedConflict {
        let candidate = &self.candidates[i];
        let column = self.snapshot.table(&candidate.table).map(|t| &t.schema.columns[at]);
        PlannedConflict {
            candidate: candidate.id.clone(),
            table: candidate.table.clone(),
            key: key.clone(),
            column: column.map(|c| c.name.clone()).unwrap_or_default(),
            kept: old.clone(),
            other: new,
            evidence: drafts.iter().find(|d| d.position == at).and_then(|d| d.evidence),
            reason: "policy keeps what stands".to_owned(),
        }
    }

    /// The value of a parent's row that a column refers to.
    fn key_of(&self, table: &str, position: usize, id: &CandidateId) -> Result<Value, String> {
        let schema = &self.snapshot.table(table).ok_or("there is no such table")?.schema;
        let column = &schema.columns[position].name;
        let at = self.names.of(id);
        let at = at.ok_or_else(|| format!("its parent {id} ({column}) is not there"))?;
        let parent = &self.candidates[at];
        let inserted = match &self.outcomes[at] {
            Some(Outcome::Change(at)) => Some(&self.changes[*at].key),
            _ => None,
        };
        let key = match (&self.standings[at], &parent.surviving, inserted) {
            (Standing::Rejected, ..) => {
                return Err(format!("its parent {id} ({column}) was rejected"));
            }
            // The row stands, whatever became of the changes to it.
            (Standing::Accepted { .. }, Some(key), _) | (_, None, Some(key)) => key,
            _ => return Err(format!("its parent {id} ({column}) is held")),
        };
        let plot = self.ground.plot(&parent.table).ok_or("there is no such table")?;
        if !plot.stands(key) {
            return Err(format!("the row of its parent {id} ({column}) is gone"));
        }
        let to = match schema.foreign_key(column) {
            Some(key) if key.table != parent.table => {
                return Err(format!(
                    "{column} refers to {}, but {id} belongs in {}",
                    key.table, parent.table
                ));
            }
            Some(key) => plot.table.schema.position(&key.to),
            None => (plot.key.len() == 1).then(|| plot.key[0]),
        };
        let value = to.and_then(|to| plot.value(key, to)).filter(|value| !value.is_null());
        let value = value.ok_or_else(|| format!("its parent {id} has no key for {column}"))?;
        Ok(stored(&schema.columns[position], value))
    }

    /// Refuses references to rows that do not stand, and to an id that now is another row's.
    fn check_references(&self, i: usize, row: &Row, written: &[Draft]) -> Result<(), String> {
        let candidate = &self.candidates[i];
        let table = self.snapshot.table(&candidate.table).ok_or("there is no such table")?;
        let reviewed = matches!(self.standings[i], Standing::Accepted { by: Some(_) });
        for key in &table.schema.foreign_keys {
            let column = |d: &&Draft| table.schema.columns[d.position].name == key.column;
            let Some(draft) = written.iter().find(column) else { continue };
            let value = &row[draft.position];
            if value.is_null() {
                continue;
            }
            if let Some(reason) = self.ground.broken_reference(&candidate.table, key, value, row) {
                return Err(reason);
            }
            let moved = self.ground.plot(&key.table).and_then(|plot| {
                let is_key = plot.table.schema.primary_key == std::slice::from_ref(&key.to);
                plot.moved_ids.get(&value.as_integer().filter(|_| is_key)?)
            });
            if let (Cell::Is(_), Some(other), false) = (&draft.cell, moved, reviewed) {
                return Err(format!(
                    "its {} {value} is also the id that evidence names for {other}, which got a \
                     new one; a reviewer must say which is meant",
                    key.column
                ));
            }
        }
        Ok(())
    }

    /// Adds a change.
    fn change(
        &mut self,
        i: usize,
        kind: ChangeKind,
        key: RowKey,
        cells: Vec<PlannedCell>,
        defaults: BTreeMap<String, String>,
    ) -> Outcome {
        let candidate = &self.candidates[i];
        let reviewer = match &self.standings[i] {
            Standing::Accepted { by: Some(decision) } => Some(decision.reviewer.clone()),
            _ => None,
        };
        self.changes.push(Change {
            seq: self.changes.len() as u64 + 1,
            table: candidate.table.clone(),
            kind,
            key,
            candidate: candidate.id.clone(),
            record_type: candidate.record_type.clone(),
            tenant: candidate.tenant.clone(),
            confidence: four_digits(candidate.confidence),
            reviewer,
            cells,
            defaults,
        });
        Outcome::Change(self.changes.len() - 1)
    }
}

fn kinds(schema: &TableSchema) -> Vec<Kind> {
    schema.columns.iter().map(|column| Kind::of(&column.declared)).collect()
}

fn cell(column: &Name, draft: Draft, old: Option<Value>, new: &Value) -> PlannedCell {
    PlannedCell {
        column: column.clone(),
        old,
        new: new.clone(),
        rule: draft.rule,
        evidence: draft.evidence,
        place: draft.place,
        words: draft.words,
        confidence: four_digits(draft.confidence),
    }
}

/// To four digits, so that the number reads back as the same one from JSON; 0 for what is no
/// number.
fn four_digits(x: f64) -> f64 {
    if x.is_finite() { (x * 10_000.0).round() / 10_000.0 } else { 0.0 }
}
