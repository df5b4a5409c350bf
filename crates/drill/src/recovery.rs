//! Recoveries whose truth is known: the newest rows of a backup forgotten on purpose, or a
//! world's recovery held against its truth. Both run the same steps as a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant as Clock;

use jiff::{SignedDuration, ToSpan};
use restitch_learn::{Item, Material, study};
use restitch_model::{Candidate, EvidenceId, FactValue, RecordType, RowKey, Snapshot, Value};
use restitch_pipeline::Run;
use restitch_pipeline::run::{learn_from, rebuild_with};
use restitch_restore::{ApplyOptions, PlanPolicy, Triggers};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::coverage::{Coverage, ToldColumns, coverage};
use crate::error::DrillError;
use crate::forget::{Forgotten, forget};
use crate::missed::{EvidenceOf, reasons};
use crate::score::{Score, TypeScore, score};

/// What a drill showed.
#[derive(Debug, Clone, Serialize)]
pub struct DrillReport {
    /// By record type.
    #[serde(flatten)]
    pub types: BTreeMap<String, TypeReport>,
    /// Surviving rows that are not any more. It must be nothing.
    pub deleted: u64,
    /// How much of what evidence tells was learned, where the truth says what it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// How long each step took.
    pub seconds: BTreeMap<&'static str, f64>,
}

/// What a drill showed of one record type.
#[derive(Debug, Clone, Serialize)]
pub struct TypeReport {
    /// The counts.
    #[serde(flatten)]
    pub score: TypeScore,
    /// Recoverable rows that are back, as a share.
    pub recall: Option<f64>,
    /// Inserted rows that are true, as a share.
    pub precision: Option<f64>,
    /// Why recoverable rows are not back, and how many for each reason.
    pub not_back: BTreeMap<String, u64>,
}

impl DrillReport {
    fn of(
        score: Score,
        evidence: &EvidenceOf,
        candidates: &[Candidate],
        seconds: BTreeMap<&'static str, f64>,
    ) -> Self {
        let report = |score: TypeScore| TypeReport {
            recall: score.recall().rate(),
            precision: score.precision().rate(),
            not_back: reasons(&score.table, &score.not_back, evidence, candidates),
            score,
        };
        Self {
            types: score
                .types
                .into_iter()
                .map(|(r, score)| (r.to_string(), report(score)))
                .collect(),
            deleted: score.deleted,
            coverage: None,
            seconds,
        }
    }
}

/// Forgets the last days of a case's backup, rebuilds them from evidence of before the backup
/// alone, and compares. What staff wrote after the restore is left out. Works on scratch
/// copies in the case's folder, which are gone afterwards; the target is only read.
pub fn forget_and_recover(run: &Run<'_>, days: i64) -> Result<DrillReport, DrillError> {
    let mut seconds = BTreeMap::new();
    let mut lap = Clock::now();
    let mut took = |step: &'static str, lap: &mut Clock| {
        seconds.insert(step, lap.elapsed().as_secs_f64());
        *lap = Clock::now();
    };
    let knowledge = run.knowledge()?;
    let backup_at = knowledge.incident.backup_at;
    let since = backup_at - SignedDuration::from_hours(24 * days);
    let items: Vec<Item> = run.items()?.into_iter().filter(|item| item.at < backup_at).collect();
    let full = run.snapshot()?;
    let after_backup = backup_at.checked_add(1.second()).unwrap_or(backup_at);
    let truth = forget(&full, after_backup, None).snapshot;
    let forgotten = forget(&full, since, None);
    took("read", &mut lap);

    run.progress.begin("forgetting on a scratch copy", "rows", None);
    let scratch = Scratch::new(run.case.dir())?;
    let before_path = scratch.copy_without(run, &full, &forgotten)?;
    let before_url = format!("sqlite:{}", before_path.display());
    let before = restitch_restore::snapshot(&before_url)?;
    run.progress.end();
    took("forget", &mut lap);

    run.progress.begin("learning without the forgotten rows", "steps", None);
    let mut settings = run.settings();
    settings.rules.extend(restitch_pipeline::rules::pinned(&run.case)?);
    settings.templates = run.template_files()?;
    settings.backup_at = Some(since);
    settings.lost_at = Some(backup_at);
    let learned = learn_from(&before, &items, &settings)?;
    run.progress.end();
    took("learn", &mut lap);

    run.progress.begin("rebuilding the forgotten rows", "steps", None);
    let parts = learned.templates.parts(&items, &learned.key_shapes);
    let material = Material {
        snapshot: &before,
        items: &items,
        parts: &parts,
        book: &learned.templates,
        shapes: &learned.key_shapes,
        bindings: &learned.bindings,
    };
    let policy = &run.file.pipeline.policy;
    let rebuilt = rebuild_with(&material, &learned, policy, &Default::default())?;
    run.progress.end();
    took("match", &mut lap);

    let policy = PlanPolicy { conflicts: run.file.pipeline.policy.conflicts, ..Default::default() };
    let plan = restitch_restore::propose(&before, &rebuilt.candidates, &[], &policy);
    took("plan", &mut lap);
    let after_path = scratch.path("after.sqlite");
    let options = ApplyOptions { triggers: Triggers::Suppress, provenance: false, at: run.now };
    restitch_restore::apply_embedded(&plan, &before_url, &after_path, &options)?;
    let after = restitch_restore::snapshot(&format!("sqlite:{}", after_path.display()))?;
    took("apply", &mut lap);

    let of_truth = Material { snapshot: &truth, ..material };
    let seen = seen(&of_truth, &learned.bindings.tables, &learned);
    let tables = tables(&learned.bindings.tables);
    let names = seen.keys().cloned().collect();
    let found = score(&truth, &before, &after, &tables, Some(&names));
    took("score", &mut lap);
    Ok(DrillReport::of(found, &seen, &rebuilt.candidates, seconds))
}

/// Holds a case's `restored.sqlite` against the truth of the world that the case is about.
pub fn score_world(run: &Run<'_>, truth_folder: &Path) -> Result<DrillReport, DrillError> {
    let started = Clock::now();
    let open = |path: PathBuf| restitch_restore::snapshot(&format!("sqlite:{}", path.display()));
    let truth = open(truth_folder.join("truth.sqlite"))?;
    let before = run.snapshot()?;
    let after = open(run.case.path("restored.sqlite"))?;
    let path = truth_folder.join("truth.json");
    let text = std::fs::read_to_string(&path)
        .map_err(|source| DrillError::Truth { path: path.clone(), problem: source.to_string() })?;
    let told: Told = serde_json::from_str(&text)
        .map_err(|error| DrillError::Truth { path, problem: error.to_string() })?;
    let seen = told.evidence(&run.items()?);
    let names = seen.keys().cloned().collect();
    let knowledge = run.knowledge()?;
    let tables = tables(&knowledge.bindings.tables);
    let found = score(&truth, &before, &after, &tables, Some(&names));
    let seconds = [("score", started.elapsed().as_secs_f64())].into();
    Ok(DrillReport {
        coverage: Some(coverage(&told.told, &knowledge, &before)),
        ..DrillReport::of(found, &seen, &run.candidates()?, seconds)
    })
}

/// What `truth.json` tells of lost rows, as far as scoring needs it.
#[derive(Deserialize)]
struct Told {
    lost: BTreeMap<String, Vec<Lost>>,
    told: ToldColumns,
}

#[derive(Deserialize)]
struct Lost {
    key: Key,
    recoverable: bool,
    /// The items that tell of it, by their sources' own names.
    #[serde(default)]
    evidence: Vec<String>,
    /// Among what else is told: the keys of a customer's bookings, under their table.
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

impl Told {
    /// The lost rows that some source saw, with their evidence among these items. What tells of
    /// a customer is what tells of the customer's bookings.
    fn evidence(&self, items: &[Item]) -> EvidenceOf {
        let mut named: BTreeMap<&str, Vec<EvidenceId>> = BTreeMap::new();
        for item in items {
            named.entry(&item.native_id).or_default().push(item.evidence);
            // A row of a table is known by one of its values.
            for fact in item.facts.iter().filter(|_| item.kind == "table.row") {
                if let FactValue::Text(text) = &fact.value {
                    named.entry(text).or_default().push(item.evidence);
                }
            }
        }
        let ids = |row: &Lost| -> Vec<EvidenceId> {
            let known = row.evidence.iter().filter_map(|name| named.get(name.as_str()));
            known.flatten().copied().collect()
        };
        let bookings = |row: &Lost| -> Vec<EvidenceId> {
            let own = row.rest.iter().filter_map(|(table, keys)| {
                let keys: Vec<Key> = serde_json::from_value(keys.clone()).ok()?;
                let rows = self.lost.get(table)?.iter().filter(move |row| keys.contains(&row.key));
                Some(rows)
            });
            own.flatten().flat_map(ids).collect()
        };
        let mut seen = EvidenceOf::new();
        for (table, rows) in &self.lost {
            for row in rows.iter().filter(|row| row.recoverable) {
                let own = if row.evidence.is_empty() { bookings(row) } else { ids(row) };
                seen.insert((table.clone(), vec![row.key.clone().into()]), own);
            }
        }
        seen
    }
}

/// A key as a world writes it: a number, or a text such as a UUID.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Number(n) => Self::Integer(n),
            Key::Text(text) => Self::Text(text),
        }
    }
}

fn tables(bound: &BTreeMap<String, String>) -> Vec<(RecordType, String)> {
    bound.iter().map(|(r, table)| (RecordType::new(r), table.clone())).collect()
}

/// The rows of the truth that some evidence is about, with it; customers are seen with their
/// reservations.
fn seen(
    material: &Material<'_>,
    tables: &BTreeMap<String, String>,
    learned: &restitch_learn::Knowledge,
) -> EvidenceOf {
    let views = study::views(material.snapshot, &learned.bindings);
    let zones = restitch_learn::zones::Zones::of(views.values(), &learned.zone);
    let anchored = study::anchor(material, &learned.bindings, &views, &zones, None, &|_| true);
    let mut seen = EvidenceOf::new();
    let key = |table: &str, row: usize| -> Option<RowKey> {
        let table = material.snapshot.table(table)?;
        Some(table.key(&table.rows[row]))
    };
    for (record_type, anchors) in &anchored.rows {
        let table = &views[record_type].table;
        for (item, anchor) in material.items.iter().zip(anchors) {
            if let Some(key) = anchor.and_then(|anchor| key(table, anchor.row)) {
                seen.entry((table.clone(), key)).or_default().push(item.evidence);
            }
        }
    }
    let customers = tables.get(RecordType::CUSTOMER);
    let reservations = tables.get(RecordType::RESERVATION).and_then(|t| material.snapshot.table(t));
    if let (Some(customers), Some(reservations)) = (customers, reservations)
        && let Some(fk) = reservations.schema.foreign_keys.iter().find(|k| k.table == *customers)
        && let Some(p) = reservations.schema.position(&fk.column)
    {
        for row in &reservations.rows {
            let name = (reservations.schema.name.clone(), reservations.key(row));
            if let Some(evidence) = seen.get(&name).cloned() {
                seen.entry((customers.clone(), vec![row[p].clone()])).or_default().extend(evidence);
            }
        }
    }
    seen
}

/// A folder for copies that are gone when the drill is over.
struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn new(beside: &Path) -> Result<Self, DrillError> {
        let dir = tempfile::Builder::new()
            .prefix("drill-scratch-")
            .tempdir_in(beside)
            .map_err(DrillError::write(beside))?;
        Ok(Self { dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A copy of the target without the forgotten rows. The copy is made by the code that
    /// makes the merged copy of a real recovery, from a plan of nothing.
    fn copy_without(
        &self,
        run: &Run<'_>,
        full: &Snapshot,
        forgotten: &Forgotten,
    ) -> Result<PathBuf, DrillError> {
        let path = self.path("before.sqlite");
        let nothing = restitch_restore::propose(full, &[], &[], &PlanPolicy::default());
        let options = ApplyOptions { triggers: Triggers::Suppress, provenance: false, at: run.now };
        restitch_restore::apply_embedded(&nothing, &run.target_url()?, &path, &options)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(DrillError::write(&path))?;
        let deleted = runtime.block_on(delete(&path, full, &forgotten.dropped));
        deleted.map_err(DrillError::database(&path))?;
        Ok(path)
    }
}

/// Takes rows out of a scratch copy. Triggers do not fire: they are not on the copy while
/// rows go, and the copy is never kept.
async fn delete(
    path: &Path,
    full: &Snapshot,
    dropped: &BTreeMap<String, BTreeSet<RowKey>>,
) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut transaction = connection.begin().await?;
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let triggers: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            .fetch_all(&mut *transaction)
            .await?;
    for (name, _) in &triggers {
        let statement = format!("DROP TRIGGER {}", quoted(name));
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    for (name, keys) in dropped {
        let Some(table) = full.table(name) else { continue };
        let conditions: Vec<String> = table
            .schema
            .primary_key
            .iter()
            .map(|column| format!("{} IS ?", quoted(column)))
            .collect();
        let statement = format!("DELETE FROM {} WHERE {}", quoted(name), conditions.join(" AND "));
        for key in keys {
            let mut query = sqlx::query(AssertSqlSafe(statement.clone()));
            for value in key {
                query = match value {
                    Value::Null => query.bind(None::<i64>),
                    Value::Integer(n) => query.bind(*n),
                    Value::Real(x) => query.bind(*x),
                    Value::Text(text) => query.bind(text.clone()),
                    Value::Bytes(bytes) => query.bind(bytes.clone()),
                };
            }
            query.execute(&mut *transaction).await?;
        }
    }
    for (_, sql) in triggers {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await
}
