use std::path::Path;

use restitch_model::RowKey;

use crate::RestoreError;
use crate::engine::Engine;
use crate::journal;
use crate::server::{Family, Limits, Server};
use crate::sqlite::Session;
use crate::told;

/// Where one column of a restored row comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvenanceRow {
    /// The column.
    pub column: String,
    /// The evidence that told it, by its hash; `None` where a rule or a reviewer did.
    pub evidence: Option<String>,
    /// Where in the evidence the words stand, as a fact's place is shown.
    pub place: Option<String>,
    /// The rule that filled it.
    pub rule: String,
    /// The measured accuracy of the rule, from 0 to 1.
    pub confidence: f64,
    /// The digest of the plan.
    pub plan_digest: String,
    /// The candidate.
    pub candidate: String,
    /// The apply that wrote it.
    pub apply_id: String,
    /// When that was.
    pub applied_at: String,
    /// When it was undone, if it was.
    pub undone_at: Option<String>,
}

/// As [`provenance`], of a database that is given by its URL: a file or a server's.
pub fn provenance_at(
    url: &str,
    table: &str,
    key: &RowKey,
) -> Result<Vec<ProvenanceRow>, RestoreError> {
    let (family, url) = match Engine::of(url)? {
        Engine::Sqlite(path) => return provenance(&path, table, key),
        Engine::Postgres(url) => (Family::Postgres, url),
        Engine::MySql(url) => (Family::MySql, url),
    };
    let mut server = Server::connect(family, &url, &Limits::default())?;
    server.begin_reading()?;
    let rows = server.provenance(table, key)?;
    server.close()?;
    Ok(rows)
}

/// Where the columns of a row of a restored database come from, the newest apply first. Empty
/// for a row that restitch did not write, or where provenance was left out. The file is only
/// read.
pub fn provenance(
    output: &Path,
    table: &str,
    key: &RowKey,
) -> Result<Vec<ProvenanceRow>, RestoreError> {
    let mut session = Session::read(output)?;
    if !journal::has_table(&mut session, "restitch_provenance")? {
        return Ok(Vec::new());
    }
    let rows = session.query(
        "read where a row comes from",
        "SELECT p.told, j.told, a.plan_digest, j.candidate, j.apply_id, a.applied_at, a.undone_at \
         FROM restitch_journal j JOIN restitch_applied a USING (apply_id) \
         JOIN restitch_provenance p USING (apply_id, way) \
         WHERE j.row_key = ? AND j.table_name = ? ORDER BY a.rowid DESC, j.seq",
        &[journal::key_text(key).into(), table.into()],
    )?;
    session.close()?;
    Ok(rows.iter().flat_map(told::columns).collect())
}
