//! A plan carried out in a server's database, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Digest, Instant, Remark, Row, RowKey, Value};

use super::check::{Expected, Touching, refusal};
use super::error::{contention, is_refused_row, said};
use super::guard::{self, Limits};
use super::target::{Target, others, refuse_stale};
use super::{Bind, Family, Relation, Server};
use crate::apply::Applied;
use crate::approve::{Approval, approval_text};
use crate::compare::differs;
use crate::ground::show_key;
use crate::journal::Record;
use crate::plan::{Change, ChangeKind, Plan};
use crate::{RestoreError, Triggers};

/// How a plan is applied to a server's database, and what guards hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerApply {
    /// What the triggers of the tables written to do meanwhile.
    pub triggers: Triggers,
    /// Whether to keep, in a table of restitch's own, where each column comes from.
    pub provenance: bool,
    /// When this is, for the record.
    pub at: Instant,
    /// How long anything may wait.
    pub limits: Limits,
    /// How many different keys must have signed; with 1, a typed name will do instead.
    pub approvals: usize,
    /// The role that may be connected as though it has more rights than it needs.
    pub allowed_role: Option<String>,
    /// The URL of the backup, where it is a database: it must not be the target.
    pub backup_url: Option<String>,
}

impl ServerApply {
    /// The usual: triggers kept still, provenance kept, one approval, no exceptions.
    pub fn at(at: Instant) -> Self {
        Self {
            triggers: Triggers::Suppress,
            provenance: true,
            at,
            limits: Limits::default(),
            approvals: 1,
            allowed_role: None,
            backup_url: None,
        }
    }
}

/// What a rehearsal found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// Rows that could be written.
    pub written: u64,
    /// By candidate, why the database would refuse its row: for
    /// [`propose_without`](crate::propose_without), so that it waits for a reviewer.
    pub refused: BTreeMap<restitch_model::CandidateId, String>,
}

/// Applies a plan to a server's database, whole or not at all: the rows, the journal, where
/// each column comes from and the note that it was done are one transaction. The call blocks.
///
/// Refused, with nothing written, where the plan is not approved, was made for another
/// database, or is stale (the planned tables are not as they were; planned rows that changed
/// are named); where the target is the backup; where the role may do more than it needs; where
/// triggers are to keep still and cannot; where another program is in the way for longer than
/// the limits say. A plan that stands applied is not applied again.
pub fn apply_server(
    plan: &Plan,
    target_url: &str,
    approval: &Approval,
    options: &ServerApply,
) -> Result<Applied, RestoreError> {
    plan.verify()?;
    let (family, url) = server_of(target_url)?;
    let mut server = Server::connect(family, &url, &options.limits)?;
    approval.check(&approval_text(plan), server.database(), options.approvals)?;
    refuse_backup(&mut server, options)?;
    server.keep_others_out()?;
    let digest = plan.digest().to_string();
    let standing = server.latest(Some(&digest))?.filter(|record| record.undone_at.is_none());
    if let Some(record) = standing {
        return Ok(applied(record, true, Vec::new()));
    }
    let target = Target::of(plan, server.describe()?)?;
    guard::refuse_excess(&server.rights(&target.planned())?, options.allowed_role.as_deref())?;
    server.refuse_unwritable(&target.planned(), options.triggers)?;
    if family == Family::MySql {
        // Whatever makes a table ends a transaction here, so it cannot be in it.
        refuse_stale(&mut server, plan, &target)?;
        server.make_journal()?;
    }
    let at = options.at.to_string();
    // A plan that was undone may be applied again at what counts as the same moment.
    let place = server.next_place()?.to_string();
    let parts = [digest.as_bytes(), at.as_bytes(), place.as_bytes()];
    let apply_id = Digest::of_parts(parts).short();
    let record = Record {
        apply_id: apply_id.clone(),
        plan_digest: digest,
        left_fingerprint: String::new(),
        triggers: options.triggers,
        inserted: plan.counts().all.inserts,
        updated: plan.counts().all.updates,
        applied_at: at,
        undone_at: None,
    };
    let mut remarks = match server.carry_out(plan, &target, &record, options) {
        Ok(remarks) => remarks,
        Err(error) => {
            // Dropping the connection would do; this frees others at once.
            let _ = server.try_statement("ROLLBACK");
            return Err(error);
        }
    };
    if let Err(error) = server.try_statement("COMMIT") {
        if error.as_database_error().is_some() {
            return Err(server.error("commit", &error));
        }
        let database = server.database().to_owned();
        drop(server);
        return kept_after_all(family, target_url, &record, remarks)
            .ok_or(RestoreError::Unknown { database, apply_id });
    }
    remarks.extend(counters_left(plan, &target, family));
    server.close()?;
    Ok(applied(record, false, remarks))
}

/// Carries a plan out and takes everything back: what the database would refuse is found row by
/// row, before the plan is shown. Whatever it refuses belongs to a reviewer.
///
/// The rows that the plan changes are locked meanwhile, for as long as the rehearsal takes.
pub fn rehearse_server(
    plan: &Plan,
    target_url: &str,
    options: &ServerApply,
) -> Result<Rehearsal, RestoreError> {
    plan.verify()?;
    let (family, url) = server_of(target_url)?;
    let mut server = Server::connect(family, &url, &options.limits)?;
    server.keep_others_out()?;
    let target = Target::of(plan, server.describe()?)?;
    server.refuse_unwritable(&target.planned(), options.triggers)?;
    server.begin_writing()?;
    refuse_stale(&mut server, plan, &target)?;
    if family == Family::Postgres {
        // What is checked at the end otherwise is checked at each row.
        server.statement("begin", "SET CONSTRAINTS ALL IMMEDIATE")?;
    }
    server.hold_triggers(&target.planned(), options.triggers)?;
    let mut refused = Vec::new();
    server.write(plan.changes(), &target, Some(&mut refused))?;
    server.statement("take the rehearsal back", "ROLLBACK")?;
    server.close()?;
    let written = plan.changes().len() as u64 - refused.len() as u64;
    Ok(Rehearsal { written, refused: refused.into_iter().collect() })
}

/// Refused rows: the candidate, and what the database said.
type Refusals = Vec<(restitch_model::CandidateId, String)>;

pub(super) fn server_of(
    target_url: &str,
) -> Result<(Family, restitch_model::Secret), RestoreError> {
    guard::of(target_url)?.ok_or_else(|| {
        RestoreError::Refused(
            "the target is a file, which is never written to; name a file for the restored copy"
                .to_owned(),
        )
    })
}

fn applied(record: Record, already: bool, remarks: Vec<Remark>) -> Applied {
    let Record { apply_id, inserted, updated, .. } = record;
    Applied { apply_id, inserted, updated, already, remarks }
}

/// After a lost connection: what the database itself remembers.
fn kept_after_all(
    family: Family,
    target_url: &str,
    record: &Record,
    remarks: Vec<Remark>,
) -> Option<Applied> {
    let (_, url) = server_of(target_url).ok()?;
    let mut server = Server::connect(family, &url, &Limits::default()).ok()?;
    let last = server.latest(Some(&record.plan_digest)).ok()??;
    (last.apply_id == record.apply_id).then(|| applied(last, false, remarks))
}

fn refuse_backup(server: &mut Server, options: &ServerApply) -> Result<(), RestoreError> {
    let Some(url) = &options.backup_url else { return Ok(()) };
    let Some((family, url)) = guard::of(url)? else { return Ok(()) };
    if family != server.family() {
        return Ok(());
    }
    let mut backup = Server::connect(family, &url, &options.limits)?;
    match server.is_same(&mut backup)? {
        false => backup.close(),
        true => Err(RestoreError::Refused(format!(
            "{} is the backup itself, which is never written to; restore it into a database of \
             its own and take that as the target",
            server.database()
        ))),
    }
}

/// What a server without sequences cannot be told inside a transaction.
fn counters_left(plan: &Plan, target: &Target, family: Family) -> Vec<Remark> {
    if family == Family::Postgres {
        return Vec::new();
    }
    let highest = |table: &str| {
        let inserts = plan.changes().iter().filter(|c| c.table == table);
        inserts.filter_map(|c| c.key.first()?.as_integer()).max().unwrap_or(0)
    };
    let left = plan.next_ids().iter().filter(|(table, next)| {
        let counted = target.all.get(*table).and_then(|relation| relation.schema.next_id);
        counted.unwrap_or(0).max(highest(table) + 1) < **next
    });
    left.map(|(table, next)| {
        let name = family.quote(table);
        let what = format!(
            "evidence names ids below {next}, and only a statement outside of the transaction \
             moves the counter past them: ALTER TABLE {name} AUTO_INCREMENT = {next};"
        );
        Remark::new(table.clone(), what)
    })
    .collect()
}

impl Server {
    pub(super) fn begin_writing(&mut self) -> Result<(), RestoreError> {
        match self.family() {
            Family::Postgres => {
                self.statement("begin", "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE")
            }
            Family::MySql => {
                self.statement("begin", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
                self.statement("begin", "START TRANSACTION WITH CONSISTENT SNAPSHOT")
            }
        }
    }

    /// Everything between BEGIN and COMMIT.
    fn carry_out(
        &mut self,
        plan: &Plan,
        target: &Target,
        record: &Record,
        options: &ServerApply,
    ) -> Result<Vec<Remark>, RestoreError> {
        self.begin_writing()?;
        refuse_stale(self, plan, target)?;
        if self.family() == Family::Postgres {
            self.make_journal()?;
        }
        let tables = target.planned();
        let mut counts = BTreeMap::new();
        for relation in target.planned() {
            counts.insert(relation.schema.name.as_str(), self.count(relation)?);
        }
        let before = self.lock_rows(plan, &tables)?;
        let held = self.hold_triggers(&tables, options.triggers)?;
        self.write(plan.changes(), target, None)?;
        self.release_triggers(held)?;
        if self.family() == Family::Postgres {
            self.statement("check deferred constraints", "SET CONSTRAINTS ALL IMMEDIATE")?;
        }
        let mut touching: Touching<'_> = BTreeMap::new();
        for change in plan.changes().iter().filter(|c| c.kind == ChangeKind::Update) {
            touching.entry((&change.table, &change.key)).or_default().push(change);
        }
        let expected = Expected { target, before, touching, held, triggers: options.triggers };
        let mut remarks = Vec::new();
        for changes in plan.changes().chunk_by(|a, b| a.table == b.table) {
            let relation = &target.all[&changes[0].table];
            for changes in changes.chunks(self.batch(8)) {
                let (notes, more) = self.check(&expected, relation, changes)?;
                remarks.extend(more);
                self.note(&record.apply_id, notes)?;
                if options.provenance {
                    self.tell(&record.apply_id, changes)?;
                }
            }
        }
        if options.triggers == Triggers::Suppress {
            for relation in tables {
                let name = relation.schema.name.as_str();
                let inserts = plan.counts().by_table.get(name).map_or(0, |tally| tally.inserts);
                if self.count(relation)? != counts[name] + inserts {
                    return Err(differs(format!("rows of {name} are gone or too many")));
                }
            }
        }
        self.record(record, plan)?;
        self.move_sequences(plan, target)?;
        Ok(remarks)
    }

    /// The surviving rows that will be changed, locked, and held against the plan once more.
    fn lock_rows(
        &mut self,
        plan: &Plan,
        tables: &[&Relation],
    ) -> Result<BTreeMap<(String, RowKey), Row>, RestoreError> {
        let mut rows = BTreeMap::new();
        for relation in tables {
            let name = &relation.schema.name;
            let updates = || {
                let changes = plan.changes().iter();
                changes.filter(|c| c.kind == ChangeKind::Update && c.table == *name)
            };
            let keys: BTreeSet<&RowKey> = updates().map(|change| &change.key).collect();
            let keys: Vec<&RowKey> = keys.into_iter().collect();
            let found = self.rows_by_key(relation, &keys, true)?;
            rows.extend(found.into_iter().map(|row| ((name.clone(), relation.key_of(&row)), row)));
            for change in updates() {
                let row = rows.get(&(name.clone(), change.key.clone()));
                if row.is_none_or(|row| !others(change, relation, row).is_empty()) {
                    return Err(RestoreError::Refused(format!(
                        "another program changed the row {} of {name} just now; run `restitch \
                         plan` again",
                        show_key(&change.key)
                    )));
                }
            }
        }
        Ok(rows)
    }

    /// Writes the rows in batches. A batch that is refused is halved until the row at fault is
    /// found: it ends the apply, or is collected where `refused` is given.
    pub(super) fn write(
        &mut self,
        changes: &[Change],
        target: &Target,
        mut refused: Option<&mut Refusals>,
    ) -> Result<(), RestoreError> {
        let alike = |a: &Change, b: &Change| {
            a.kind == b.kind
                && a.table == b.table
                && a.cells.iter().map(|c| &c.column).eq(b.cells.iter().map(|c| &c.column))
        };
        for changes in changes.chunk_by(alike) {
            let relation = &target.all[&changes[0].table];
            for batch in changes.chunks(self.batch(changes[0].cells.len())) {
                self.write_batch(relation, batch, refused.as_deref_mut())?;
            }
        }
        Ok(())
    }

    fn write_batch(
        &mut self,
        relation: &Relation,
        batch: &[Change],
        mut refused: Option<&mut Refusals>,
    ) -> Result<(), RestoreError> {
        let first = &batch[0];
        self.statement("write rows", "SAVEPOINT restitch_batch")?;
        let positions = first.cells.iter().map(|c| relation.schema.position(&c.column));
        let Some(columns) = positions.collect::<Option<Vec<usize>>>() else {
            return Err(differs(format!("{} has other columns", relation.schema.name)));
        };
        let rows: Vec<Vec<&Value>> = batch.iter().map(values).collect();
        let done = match first.kind {
            ChangeKind::Insert => self.insert(relation, &columns, &rows),
            ChangeKind::Update => self.update(relation, &columns, &rows),
        };
        let why = match done {
            Ok(met) if met == batch.len() as u64 => {
                return self.statement("write rows", "RELEASE SAVEPOINT restitch_batch");
            }
            Ok(met) => format!("{met} rows were written instead of {}", batch.len()),
            Err(error) if is_refused_row(&error) => said(&error),
            Err(error) => return Err(self.at_fault(first, &error)),
        };
        let back = "ROLLBACK TO SAVEPOINT restitch_batch; RELEASE SAVEPOINT restitch_batch";
        for statement in back.split("; ") {
            self.statement("take a batch back", statement)?;
        }
        if batch.len() > 1 {
            let (one, other) = batch.split_at(batch.len() / 2);
            self.write_batch(relation, one, refused.as_deref_mut())?;
            return self.write_batch(relation, other, refused);
        }
        match refused {
            Some(refused) => {
                refused.push((first.candidate.clone(), why));
                Ok(())
            }
            None => Err(refusal(first, why)),
        }
    }

    fn at_fault(&self, change: &Change, error: &sqlx::Error) -> RestoreError {
        match contention(error) {
            Some(why) => RestoreError::Refused(format!(
                "change {} of the plan, to {}, could not be written: {why}; nothing was written, \
                 try again",
                change.seq, change.table
            )),
            None => self.error(&format!("write change {}", change.seq), error),
        }
    }

    /// Moves sequences past every id that evidence names; never back. What `setval` does stays
    /// even where the transaction is taken back, which leaves a gap and no harm.
    fn move_sequences(&mut self, plan: &Plan, target: &Target) -> Result<(), RestoreError> {
        if self.family() != Family::Postgres {
            return Ok(());
        }
        for relation in target.all.values() {
            let (Some(sequence), Some(&next)) =
                (&relation.sequence, plan.next_ids().get(&relation.schema.name))
            else {
                continue;
            };
            let sql = format!(
                "SELECT setval($1::text::regclass, $2::int8, false) FROM {sequence} \
                 WHERE last_value + CASE WHEN is_called THEN 1 ELSE 0 END < $2::int8"
            );
            let binds = [Bind::from(sequence.as_str()), next.into()];
            self.query("move a sequence on", &sql, &binds)?;
        }
        Ok(())
    }
}

/// What a change writes, after the key where it changes a row.
fn values(change: &Change) -> Vec<&Value> {
    let key = if change.kind == ChangeKind::Update { &change.key[..] } else { &[] };
    key.iter().chain(change.cells.iter().map(|cell| &cell.new)).collect()
}
