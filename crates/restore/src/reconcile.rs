//! Late truth: the original turns up after all.
//!
//! Three states are held against each other, row by row and column by column: the recovered
//! original, what the restore left, and what stands now.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{
    Candidate, CandidateId, Cell, Field, RecordType, Row, RowKey, Snapshot, Table, Value, Verdict,
};
use serde::Serialize;

use crate::affinity::stored;
use crate::compare::by_key;
use crate::ground::show_key;

/// What is to be said of a row of the original or of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LateKind {
    /// It stands as it was.
    Same,
    /// It stands otherwise than it was, and nobody changed it since it was restored: the
    /// original is proposed.
    RebuiltWrong,
    /// Somebody changed it since, or wrote it since, and that stands.
    NewerStands,
    /// It was rebuilt, and the original has none such.
    OnlyHere,
    /// It is missing: the original is proposed.
    OnlyOriginal,
}

/// A row that is not the same everywhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LateRow {
    /// Its table.
    pub table: String,
    /// Its key as it stands, or in the original where it does not.
    #[serde(skip)]
    pub key: RowKey,
    /// Its key in the original, where that is another.
    #[serde(skip)]
    pub original_key: Option<RowKey>,
    /// What is to be said of it.
    pub kind: LateKind,
    /// The columns that are proposed as they were.
    pub wrong: Vec<String>,
    /// The columns that somebody changed since, and that stay.
    pub newer: Vec<String>,
}

/// What holding the three states against each other gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciled {
    /// How many rows of each kind.
    pub counts: BTreeMap<LateKind, u64>,
    /// The rows that are not the same everywhere, by table and key.
    pub rows: Vec<LateRow>,
    /// What is proposed, for [`propose`](crate::propose) over what stands now: the plan is
    /// approved and applied like any other.
    pub candidates: Vec<Candidate>,
}

/// Holds the recovered original against what the restore left (`rebuilt`, see
/// [`as_left`](crate::as_left)) and what stands now. Pure.
///
/// A row is found again by its unique values, whatever its id is now, and else by its key where
/// no newer row took it; what refers to a row whose id is another now is compared by that one.
/// Nothing is ever proposed to be removed, and what somebody wrote since stands. Only tables
/// with a primary key that all three have are looked at.
pub fn reconcile(original: &Snapshot, rebuilt: &Snapshot, now: &Snapshot) -> Reconciled {
    let mut trios = Vec::new();
    for table in &original.tables {
        let name = &table.schema.name;
        if let (Some(left), Some(stands)) = (rebuilt.table(name), now.table(name))
            && !table.schema.primary_key.is_empty()
            && table.schema.primary_key == stands.schema.primary_key
            && stands.schema.primary_key == left.schema.primary_key
        {
            trios.push(Trio::new(table, left, stands));
        }
    }
    let moved: BTreeMap<(&str, &RowKey), &RowKey> = trios
        .iter()
        .flat_map(|trio| trio.matched.iter().map(|(o, n)| ((trio.name(), o), n)))
        .filter(|((_, o), n)| o != n)
        .collect();
    let mut reconciled =
        Reconciled { counts: BTreeMap::new(), rows: Vec::new(), candidates: Vec::new() };
    for trio in &trios {
        trio.compare(&moved, &mut reconciled);
    }
    reconciled.rows.sort_by(|a, b| (&a.table, &a.key).cmp(&(&b.table, &b.key)));
    reconciled.candidates.sort_by(|a, b| a.id.cmp(&b.id));
    reconciled
}

/// A table in the three states.
struct Trio<'a> {
    original: &'a Table,
    stands: &'a Table,
    was: BTreeMap<RowKey, &'a Row>,
    left: BTreeMap<RowKey, &'a Row>,
    /// The columns of `left`, by name.
    left_at: BTreeMap<&'a str, usize>,
    now: BTreeMap<RowKey, &'a Row>,
    /// Keys of the original with those under which their rows stand now.
    matched: BTreeMap<RowKey, RowKey>,
}

impl<'a> Trio<'a> {
    fn new(original: &'a Table, rebuilt: &'a Table, stands: &'a Table) -> Self {
        let (was, left, now) = (by_key(original), by_key(rebuilt), by_key(stands));
        let mut by_unique: BTreeMap<(usize, RowKey), &RowKey> = BTreeMap::new();
        let uniques = &stands.schema.uniques;
        for (key, row) in &now {
            for (i, unique) in uniques.iter().enumerate() {
                by_unique.extend(values(stands, unique, row).map(|values| ((i, values), key)));
            }
        }
        let mut matched = BTreeMap::new();
        let mut taken: BTreeSet<RowKey> = BTreeSet::new();
        let mut by_id = Vec::new();
        for (key, row) in &was {
            let mut lists = uniques.iter().enumerate();
            let found = lists.find_map(|(i, unique)| {
                by_unique.get(&(i, values(original, unique, row)?)).copied()
            });
            match found {
                Some(found) if taken.insert(found.clone()) => {
                    matched.insert(key.clone(), found.clone());
                }
                _ => by_id.push((key, *row)),
            }
        }
        for (key, row) in by_id {
            // A row that was not there when the restore ended has taken the id since.
            let stays = left.contains_key(key) || now.get(key).is_some_and(|now| *now == row);
            if now.contains_key(key) && stays && taken.insert(key.clone()) {
                matched.insert(key.clone(), key.clone());
            }
        }
        let columns = rebuilt.schema.columns.iter().enumerate();
        let left_at = columns.map(|(i, column)| (column.name.as_str(), i)).collect();
        Self { original, stands, was, left, left_at, now, matched }
    }

    fn name(&self) -> &'a str {
        &self.stands.schema.name
    }

    fn compare(&self, moved: &BTreeMap<(&str, &RowKey), &RowKey>, reconciled: &mut Reconciled) {
        let mut say = |row: LateRow| {
            *reconciled.counts.entry(row.kind).or_default() += 1;
            if row.kind != LateKind::Same || row.original_key.is_some() {
                reconciled.rows.push(row);
            }
        };
        let row = |key: &RowKey, kind| LateRow {
            table: self.name().to_owned(),
            key: key.clone(),
            original_key: None,
            kind,
            wrong: Vec::new(),
            newer: Vec::new(),
        };
        let mut candidates = Vec::new();
        for (key, was) in &self.was {
            let Some(here) = self.matched.get(key) else {
                say(row(key, LateKind::OnlyOriginal));
                let all = self.cells(was, moved).map(|(name, value, _)| (name, value));
                candidates.push(self.candidate(key, None, all.collect()));
                continue;
            };
            let (stands, left) = (self.now[here], self.left.get(here));
            let mut found = row(here, LateKind::Same);
            found.original_key = (key != here).then(|| key.clone());
            let mut proposed = Vec::new();
            for (name, value, at) in self.cells(was, moved) {
                if self.stands.schema.primary_key.contains(&name) || stands[at] == value {
                    continue;
                }
                let left = left.and_then(|left| left.get(*self.left_at.get(name.as_str())?));
                match left == Some(&stands[at]) {
                    true => {
                        found.wrong.push(name.clone());
                        proposed.push((name, value));
                    }
                    false => found.newer.push(name),
                }
            }
            found.kind = match (found.wrong.is_empty(), found.newer.is_empty()) {
                (true, true) => LateKind::Same,
                (true, false) => LateKind::NewerStands,
                (false, _) => LateKind::RebuiltWrong,
            };
            if !proposed.is_empty() {
                candidates.push(self.candidate(key, Some(here), proposed));
            }
            say(found);
        }
        let known: BTreeSet<&RowKey> = self.matched.values().collect();
        for key in self.now.keys().filter(|key| !known.contains(key)) {
            let ours = self.left.contains_key(key);
            say(row(key, if ours { LateKind::OnlyHere } else { LateKind::NewerStands }));
        }
        reconciled.candidates.extend(candidates);
    }

    /// The columns of an original row that stand here too: name, the value as it would be now,
    /// and its position here.
    fn cells<'b>(
        &'b self,
        row: &'b Row,
        moved: &'b BTreeMap<(&str, &RowKey), &RowKey>,
    ) -> impl Iterator<Item = (String, Value, usize)> + 'b {
        let columns = self.original.schema.columns.iter().zip(row);
        columns.filter_map(move |(column, value)| {
            let at = self.stands.schema.position(&column.name)?;
            let here = &self.stands.schema.columns[at];
            if here.generated {
                return None;
            }
            let parent = self.stands.schema.foreign_key(&column.name).and_then(|key| {
                let old = vec![value.clone()];
                moved.get(&(key.table.as_str(), &old)).and_then(|key| key.first()).cloned()
            });
            let value = stored(here, parent.as_ref().unwrap_or(value));
            Some((column.name.clone(), value, at))
        })
    }

    fn candidate(
        &self,
        key: &RowKey,
        here: Option<&RowKey>,
        cells: Vec<(String, Value)>,
    ) -> Candidate {
        let field = |(column, value): (String, Value)| Field {
            column: column.into(),
            cell: Cell::Is(value),
            rule: "original".into(),
            evidence: None,
            place: None,
            words: String::new(),
            confidence: 1.0,
        };
        Candidate {
            id: CandidateId(format!("original:{}:{}", self.name(), show_key(key))),
            record_type: RecordType::new(self.name()),
            table: self.name().to_owned(),
            surviving: here.cloned(),
            fields: cells.into_iter().map(field).collect(),
            confidence: 1.0,
            verdict: Verdict::Accept,
            reasons: Vec::new(),
            tenant: None,
            first_seen: None,
            evidence: Vec::new(),
            conflicts: Vec::new(),
            links: Vec::new(),
            rivals: Vec::new(),
        }
    }
}

/// The values of a unique constraint; none where one of them is NULL, which equals nothing.
fn values(table: &Table, unique: &[String], row: &Row) -> Option<RowKey> {
    let values: Option<RowKey> =
        unique.iter().map(|name| Some(row[table.schema.position(name)?].clone())).collect();
    values.filter(|values| !values.is_empty() && !values.iter().any(Value::is_null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Db, noon, rental_candidates, run};
    use crate::{ApplyOptions, PlanPolicy, Triggers, apply_embedded, as_left, propose, snapshot};

    /// The backup, restored; then what others wrote; and the original with this done to it.
    fn reconciled(since: &str, original: &str) -> (Reconciled, Snapshot) {
        let db = Db::new(crate::testing::RENTAL);
        let how = ApplyOptions { triggers: Triggers::Suppress, provenance: true, at: noon() };
        let plan = db.plan(&rental_candidates());
        apply_embedded(&plan, &db.url(), &db.output(), &how).unwrap();
        run(&db.output(), since);
        let truth = Db::new(crate::testing::RENTAL);
        truth.run(original);
        let url = format!("sqlite:{}", db.output().display());
        let left = as_left(&url, &db.snapshot()).unwrap();
        let now = snapshot(&url).unwrap();
        (reconcile(&truth.snapshot(), &left, &now), now)
    }

    /// The original as the restore had it.
    const TRUTH: &str = "
        INSERT INTO customers (id, name, email) VALUES (3, 'Cy', 'cy@example.com');
        INSERT INTO bookings (id, customer_id, reference, amount) VALUES (12, 3, 'R-12', 4500);
        UPDATE bookings SET status = 'cancelled' WHERE id = 10; DELETE FROM outbox;";

    fn told(reconciled: &Reconciled) -> Vec<String> {
        let row = |row: &LateRow| {
            let (table, key) = (&row.table, show_key(&row.key));
            let was = row.original_key.as_ref().map(|key| format!(" was {}", show_key(key)));
            let was = was.unwrap_or_default();
            format!("{table} {key}{was}: {:?} {:?} {:?}", row.kind, row.wrong, row.newer)
        };
        reconciled.rows.iter().map(row).collect()
    }

    #[test]
    fn what_was_rebuilt_right_leaves_nothing_to_do() {
        let (found, _) = reconciled("", TRUTH);
        assert_eq!(told(&found), Vec::<String>::new());
        assert_eq!(found.counts, BTreeMap::from([(LateKind::Same, 6)]));
        assert!(found.candidates.is_empty());
    }

    #[test]
    fn the_wrong_is_proposed_the_newer_stands_and_the_missing_comes_back() {
        let (found, now) = reconciled(
            "UPDATE bookings SET note = 'called' WHERE id = 12;
             INSERT INTO bookings (id, customer_id, reference, amount) VALUES (13, 1, 'R-NEW', 5);
             DELETE FROM outbox",
            &format!(
                "{TRUTH} UPDATE bookings SET amount = 4600, note = 'x' WHERE id = 12;
                 INSERT INTO bookings (id, customer_id, reference, amount) VALUES (13, 2, 'R-13', 7);
                 DELETE FROM outbox"
            ),
        );
        assert_eq!(
            told(&found),
            [
                "bookings 12: RebuiltWrong [\"amount\"] [\"note\"]",
                "bookings 13: OnlyOriginal [] []",
                "bookings 13: NewerStands [] []",
            ]
        );
        let plan = propose(&now, &found.candidates, &[], &PlanPolicy::default());
        let all = plan.counts().all;
        assert_eq!((all.updates, all.inserts, all.held), (1, 1, 0));
        // A newer row took its id, so that it gets another, which is told.
        assert_eq!(plan.id_pairs()[0].evidence_id, 13);
    }

    #[test]
    fn a_row_under_another_id_is_the_same_row_and_what_refers_to_it_follows() {
        let original = TRUTH.replace("(3, 'Cy'", "(33, 'Cy'").replace("(12, 3,", "(12, 33,");
        let (found, _) = reconciled("", &original);
        assert_eq!(told(&found), ["customers 3 was 33: Same [] []"]);
        assert!(found.candidates.is_empty());
    }

    #[test]
    fn what_the_original_does_not_have_is_named_and_stays() {
        let (found, _) = reconciled("", "UPDATE bookings SET status = 'cancelled' WHERE id = 10");
        assert_eq!(told(&found), ["bookings 12: OnlyHere [] []", "customers 3: OnlyHere [] []"]);
        assert!(found.candidates.is_empty());
    }
}
