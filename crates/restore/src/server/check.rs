//! What written rows are held against, and whether what they refer to is there.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Row, RowKey};

use super::Server;
use super::target::Target;
use crate::compare::differs;
use crate::plan::{Change, ChangeKind};
use crate::{RestoreError, Triggers};

/// The updates of each row.
pub(super) type Touching<'a> = BTreeMap<(&'a str, &'a RowKey), Vec<&'a Change>>;

/// What written rows are held against.
pub(super) struct Expected<'a> {
    /// Surviving rows as they were, by table and key.
    pub(super) before: BTreeMap<(String, RowKey), Row>,
    pub(super) touching: Touching<'a>,
    pub(super) held: bool,
    pub(super) triggers: Triggers,
}

/// Which rows refer to others, by table and the position of the reference: the values that they
/// refer by, each with the first change that does.
pub(super) type Referring<'p> = BTreeMap<(String, usize), BTreeMap<RowKey, &'p Change>>;

impl Server {
    /// Where triggers were held still, PostgreSQL did not hold foreign keys against the rows
    /// either. Here it is done for them, and what they refer to is locked so that it stays.
    pub(super) fn check_references(
        &mut self,
        target: &Target,
        changes: &[&Change],
        referring: &Referring<'_>,
    ) -> Result<(), RestoreError> {
        let all = || target.all.values().flat_map(|relation| &relation.references);
        for change in changes.iter().filter(|change| change.kind == ChangeKind::Update) {
            let mut referred = all().filter(|reference| reference.table == change.table);
            let writes = |name: &String| change.cells.iter().any(|cell| cell.column == *name);
            if referred.any(|reference| reference.to.iter().any(writes)) {
                let why = "other rows may refer to what it changes, and with triggers held still \
                           they would not follow";
                return Err(refusal(change, why.to_owned()));
            }
        }
        for ((table, at), wanted) in referring {
            let reference = &target.all[table].references[*at];
            let parent = target.all.get(&reference.table);
            let positions = parent.and_then(|parent| {
                reference.to.iter().map(|name| parent.schema.position(name)).collect()
            });
            let (Some(parent), Some(to)) = (parent, positions) else {
                return Err(differs(format!(
                    "what {table} refers to in {} may not be read",
                    reference.table
                )));
            };
            let to: Vec<usize> = to;
            let keys: Vec<&RowKey> = wanted.keys().collect();
            let mut found: BTreeSet<RowKey> = BTreeSet::new();
            for keys in keys.chunks(self.batch(to.len())) {
                let (join, binds) = self.among(parent, &to, keys, "t.");
                let reads: Vec<&str> =
                    to.iter().map(|&i| parent.columns[i].read.as_str()).collect();
                let sql = format!(
                    "SELECT {} FROM {} t {join} FOR KEY SHARE OF t",
                    reads.join(", "),
                    parent.source()
                );
                found.extend(self.query("look for rows referred to", &sql, &binds)?);
            }
            if let Some((_, change)) = wanted.iter().find(|(values, _)| !found.contains(*values)) {
                let why = format!("it refers to a row that {} does not have", reference.table);
                return Err(refusal(change, why));
            }
        }
        Ok(())
    }
}

/// A row that cannot stand.
pub(super) fn refusal(change: &Change, said: String) -> RestoreError {
    RestoreError::Row {
        seq: change.seq,
        candidate: change.candidate.0.clone(),
        table: change.table.clone(),
        said,
    }
}
