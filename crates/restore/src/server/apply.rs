//! A plan carried out in a server's database, in one transaction, or in one for each tenant.

use std::collections::{BTreeMap, BTreeSet};

use restitch_model::{Digest, Instant, Remark, Row, RowKey, Value};

use super::check::{Expected, Touching, refusal};
use super::error::{contention, is_refused_row, said};
use super::guard::{self, Limits};
use super::journal::{Left, Place};
use super::keep::{Keeping, Kept};
use super::target::{Target, others, refuse_stale};
use super::waves::{Wave, Waves, waves};
use super::{Family, Relation, Server};
use crate::apply::{Account, Applied, AppliedWave};
use crate::approve::{Approval, approval_text};
use crate::compare::differs;
use crate::ground::show_key;
use crate::journal::Record;
use crate::plan::{Change, ChangeKind, Plan, TableMark};
use crate::told::Ways;
use crate::{RestoreError, Triggers, summary};

/// How a plan is applied to a server's database, and what guards hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerApply {
    /// What the triggers of the tables written to do meanwhile.
    pub triggers: Triggers,
    /// Whether to keep, in a table of restitch's own, where each column comes from.
    pub provenance: bool,
    /// How the plan is cut into transactions.
    pub waves: Waves,
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
    /// The usual: triggers kept still, provenance kept, one transaction, one approval, no
    /// exceptions.
    pub fn at(at: Instant) -> Self {
        Self {
            triggers: Triggers::Suppress,
            provenance: true,
            waves: Waves::One,
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
/// each column comes from and the note that it was done are one transaction. Where the plan is
/// cut into waves, each of them is, and those that stand are not written again. The call blocks.
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
    approval.check(|| approval_text(plan), server.database(), options.approvals)?;
    refuse_backup(&mut server, options)?;
    server.keep_others_out()?;
    let target = Target::of(plan, server.describe()?)?;
    let all = waves(plan, &target.all, options.waves);
    let standing = server.standing_of(&plan.digest().to_string())?;
    let mut done: Vec<AppliedWave> = standing.iter().map(|(r, _)| AppliedWave::of(r)).collect();
    let stands = |wave: &Option<String>| done.iter().any(|done| done.tenants == *wave);
    let left: Vec<&Wave<'_>> = all.iter().filter(|wave| !stands(&wave.tenants)).collect();
    let is_whole = stands(&None);
    if !is_whole && all.len() - left.len() < done.len() {
        return Err(RestoreError::Refused(format!(
            "parts of this plan stand in {} that are cut otherwise than `waves` of the policy says \
             now; set it as it was, or take them back with `restitch undo`",
            server.database()
        )));
    }
    if is_whole || left.is_empty() {
        server.close()?;
        return Ok(Applied { already: true, ..applied(plan, done, Vec::new())? });
    }
    let relations: Vec<&Relation> = target.all.values().collect();
    guard::refuse_excess(&server.rights(&relations)?, options.allowed_role.as_deref())?;
    server.refuse_unwritable(&target.planned(), options.triggers)?;
    // What the plan was made from, with what its waves that stand have left.
    let mut then = plan.tables().clone();
    then.extend(standing.into_iter().flat_map(|(_, left)| left));
    if family == Family::MySql {
        // Whatever makes a table ends a transaction here, so it cannot be in it.
        refuse_stale(&mut server, plan, &left, &target, &then)?;
        server.make_journal()?;
    }
    let (mut remarks, standing_before) = (Vec::new(), done.len());
    for (at, wave) in left.iter().enumerate() {
        let carrying = Carrying { plan, target: &target, then: &then, options };
        match server.carry_out(&carrying, &left[at..], target_url) {
            Ok((record, left, more)) => {
                done.push(AppliedWave::of(&record));
                then.extend(left);
                remarks.extend(more);
            }
            Err(error) => {
                // Dropping the connection would do; this frees others at once.
                let _ = server.try_statement("ROLLBACK");
                return Err(error.after_waves(&wave.tenants, &done[standing_before..]));
            }
        }
    }
    remarks.extend(server.counters_left(plan)?);
    // What was committed stands, however the connection ends.
    let _ = server.close();
    applied(plan, done, remarks)
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
    let all = waves(plan, &target.all, Waves::One);
    refuse_stale(&mut server, plan, &all.iter().collect::<Vec<_>>(), &target, plan.tables())?;
    if family == Family::Postgres {
        // What is checked at the end otherwise is checked at each row.
        server.statement("begin", "SET CONSTRAINTS ALL IMMEDIATE")?;
    }
    server.hold_triggers(&target.planned(), options.triggers)?;
    let mut refused = Vec::new();
    for batch in batches(&all[0].changes, &server) {
        let relation = &target.all[&batch[0].table];
        server.write_batch(relation, batch, Some(&mut refused))?;
    }
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

fn applied(
    plan: &Plan,
    waves: Vec<AppliedWave>,
    remarks: Vec<Remark>,
) -> Result<Applied, RestoreError> {
    let inserted: u64 = waves.iter().map(|wave| wave.inserted).sum();
    let updated: u64 = waves.iter().map(|wave| wave.updated).sum();
    Ok(Applied {
        apply_id: waves.last().map(|wave| wave.apply_id.clone()).unwrap_or_default(),
        inserted,
        updated,
        already: false,
        account: Account::of(plan, inserted + updated)?,
        // One that is the whole plan is no wave.
        waves: waves.into_iter().filter(|wave| wave.tenants.is_some()).collect(),
        remarks,
    })
}

/// After a lost connection: a new one, and whether the database itself remembers the apply.
fn kept_after_all(family: Family, target_url: &str, apply_id: &str) -> Option<(Server, bool)> {
    let (_, url) = server_of(target_url).ok()?;
    let mut server = Server::connect(family, &url, &Limits::default()).ok()?;
    let kept = server.records().ok()?.iter().any(|record| record.apply_id == apply_id);
    Some((server, kept))
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

/// What a wave is carried out with.
struct Carrying<'a, 'p> {
    plan: &'p Plan,
    target: &'a Target,
    /// The tables as they must be.
    then: &'a BTreeMap<String, TableMark>,
    options: &'a ServerApply,
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

    /// Carries the first of these waves out, from BEGIN to COMMIT.
    fn carry_out(
        &mut self,
        carrying: &Carrying<'_, '_>,
        left: &[&Wave<'_>],
        target_url: &str,
    ) -> Result<(Record, Left, Vec<Remark>), RestoreError> {
        let (digest, at) = (carrying.plan.digest().to_string(), carrying.options.at.to_string());
        // A plan that was undone may be applied again at what counts as the same moment.
        let place = self.next_place()?;
        let nth = place.0.to_string();
        let parts = [digest.as_str(), &at, &nth].map(str::as_bytes);
        let mut record = Record {
            apply_id: Digest::of_parts(parts).short(),
            plan_digest: digest,
            wave: left[0].tenants.clone(),
            left: String::new(),
            triggers: carrying.options.triggers,
            inserted: 0,
            updated: 0,
            applied_at: at,
            undone_at: None,
        };
        let (marks, remarks) = self.write_wave(carrying, left, &mut record, place)?;
        let Err(error) = self.try_statement("COMMIT") else { return Ok((record, marks, remarks)) };
        if error.as_database_error().is_some() {
            return Err(self.error("commit", &error));
        }
        match kept_after_all(self.family(), target_url, &record.apply_id) {
            // Others are not kept out any more, so that further waves wait for the next apply.
            Some((server, true)) if left.len() == 1 => {
                *self = server;
                Ok((record, marks, remarks))
            }
            Some((_, false)) => Err(self.error("commit", &error)),
            _ => Err(RestoreError::Unknown {
                database: self.database().to_owned(),
                apply_id: record.apply_id,
            }),
        }
    }

    /// Everything between BEGIN and COMMIT.
    fn write_wave(
        &mut self,
        carrying: &Carrying<'_, '_>,
        left: &[&Wave<'_>],
        record: &mut Record,
        place: Place,
    ) -> Result<(Left, Vec<Remark>), RestoreError> {
        let Carrying { plan, target, then, options } = *carrying;
        let changes = &left[0].changes;
        self.begin_writing()?;
        refuse_stale(self, plan, left, target, then)?;
        if self.family() == Family::Postgres {
            self.make_journal()?;
        }
        let runs = changes.chunk_by(|a, b| a.table == b.table);
        let names: BTreeSet<&str> = runs.map(|run| run[0].table.as_str()).collect();
        let tables: Vec<&Relation> = names.iter().map(|name| &target.all[*name]).collect();
        let mut counts = BTreeMap::new();
        for relation in &tables {
            counts.insert(relation.schema.name.as_str(), self.count(relation)?);
        }
        let before = self.lock_rows(changes, &tables)?;
        let held = self.hold_triggers(&tables, options.triggers)?;
        let mut touching: Touching<'_> = BTreeMap::new();
        for change in changes.iter().filter(|c| c.kind == ChangeKind::Update) {
            touching.entry((&change.table, &change.key)).or_default().push(change);
        }
        let expected = Expected { before, touching, held, triggers: options.triggers };
        let ways = options.provenance.then(Ways::default);
        let keeping = Keeping::new(self, &expected, &record.apply_id, ways);
        let mut written = [0, 0];
        let mut begun = BTreeSet::new();
        for batch in batches(changes, self) {
            let relation = &target.all[&batch[0].table];
            if batch[0].kind == ChangeKind::Insert && begun.insert(batch[0].table.as_str()) {
                self.push_counter(plan, relation, batch[0])?;
            }
            self.write_batch(relation, batch, None)?;
            written[usize::from(batch[0].kind == ChangeKind::Update)] += batch.len() as u64;
        }
        self.release_triggers(held)?;
        if self.family() == Family::Postgres {
            self.statement("check deferred constraints", "SET CONSTRAINTS ALL IMMEDIATE")?;
        }
        let Kept { referring, remarks, ways } = self.keep(keeping, target, changes)?;
        if let Some(ways) = ways {
            self.tell(&record.apply_id, ways)?;
        }
        if held {
            self.check_references(target, changes, &referring)?;
        }
        if options.triggers == Triggers::Suppress {
            for relation in &tables {
                let name = relation.schema.name.as_str();
                let inserts = changes.iter().filter(|c| c.kind == ChangeKind::Insert);
                let inserts = inserts.filter(|c| c.table == name).count() as u64;
                if self.count(relation)? != counts[name] + inserts {
                    return Err(differs(format!("rows of {name} are gone or too many")));
                }
            }
        }
        [record.inserted, record.updated] = written;
        if written.iter().sum::<u64>() != changes.len() as u64 {
            return Err(differs(format!("{written:?} of {} rows were written", changes.len())));
        }
        let mut marks = Left::new();
        if left.len() > 1 {
            for relation in &tables {
                let rows = self.all_rows(relation)?;
                let table = restitch_model::Table { schema: relation.schema.clone(), rows };
                marks.insert(relation.schema.name.clone(), summary::mark(&table));
            }
        }
        self.record(record, plan, place, &marks)?;
        self.move_sequences(plan, target)?;
        Ok((marks, remarks))
    }

    /// The surviving rows that will be changed, locked, and held against the plan once more.
    fn lock_rows(
        &mut self,
        changes: &[&Change],
        tables: &[&Relation],
    ) -> Result<BTreeMap<(String, RowKey), Row>, RestoreError> {
        let mut rows = BTreeMap::new();
        for relation in tables {
            let name = &relation.schema.name;
            let updates = || {
                let changes = changes.iter();
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

    /// Writes a batch. One that is refused is halved until the row at fault is found: it ends the
    /// apply, or is collected where `refused` is given.
    pub(super) fn write_batch(
        &mut self,
        relation: &Relation,
        batch: &[&Change],
        mut refused: Option<&mut Refusals>,
    ) -> Result<(), RestoreError> {
        let first = batch[0];
        self.statement("write rows", "SAVEPOINT restitch_batch")?;
        let positions = first.cells.iter().map(|c| relation.schema.position(&c.column));
        let Some(columns) = positions.collect::<Option<Vec<usize>>>() else {
            return Err(differs(format!("{} has other columns", relation.schema.name)));
        };
        let rows: Vec<Vec<&Value>> = batch.iter().map(|change| values(change)).collect();
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
        for statement in
            ["ROLLBACK TO SAVEPOINT restitch_batch", "RELEASE SAVEPOINT restitch_batch"]
        {
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
}

/// Changes in runs that one statement can write.
fn batches<'b, 'p>(changes: &'b [&'p Change], server: &Server) -> Vec<&'b [&'p Change]> {
    let alike = |a: &&Change, b: &&Change| {
        a.kind == b.kind
            && a.table == b.table
            && a.cells.iter().map(|c| &c.column).eq(b.cells.iter().map(|c| &c.column))
    };
    let runs = changes.chunk_by(alike);
    runs.flat_map(|run| run.chunks(server.batch(run[0].cells.len()))).collect()
}

/// What a change writes, after the key where it changes a row.
fn values(change: &Change) -> Vec<&Value> {
    let key = if change.kind == ChangeKind::Update { &change.key[..] } else { &[] };
    key.iter().chain(change.cells.iter().map(|cell| &cell.new)).collect()
}
