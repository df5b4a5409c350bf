//! `restitch link A.csv [B.csv]`: record linkage on any tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant as Clock;

use anyhow::{Context, Result};
use restitch_connect::{Item, PullError, Sink};
use restitch_matching::{Explainer, Link, LinkReport, Model, Records, Values, dedupe, link};
use restitch_model::Remark;
use serde::Serialize;
use serde_json::Value;

use crate::Outcome;
use crate::args;
use crate::bars::grouped;
use crate::failure::Asked;
use crate::link_explain::RecordExplained;
use crate::printer::{Shown, Style};
use crate::work::Work;

/// What was linked.
#[derive(Debug, Serialize)]
struct Linked {
    /// Records of the first table.
    a: usize,
    /// Records of the second, where there is one.
    b: Option<usize>,
    /// Links made between the two tables, or within the one.
    links: usize,
    /// The groups of one table, those of a single record with them.
    clusters: Option<usize>,
    /// What was looked at.
    report: LinkReport,
    /// Where pairs or clusters were written.
    out: Option<String>,
    /// How long the linking took.
    seconds: f64,
}

/// Links two tables, or the records of one.
pub fn run(args: &args::Link, work: &Work) -> Result<Outcome> {
    let a = Table::read(&args.a, work)?;
    let b = args.b.as_ref().map(|path| Table::read(path, work)).transpose()?;
    let right = b.as_ref().map(|table| &table.records);
    work.progress.begin("linking", "records", None);
    let clock = Clock::now();
    let model = match &args.model {
        Some(path) => {
            Model::from_toml(&text_of(path)?).with_context(|| path.display().to_string())?
        }
        None => Model::discover(&a.records, right)?,
    };
    let (linkage, clusters) = match &b {
        Some(_) => (link(&a.records, right, &model)?, None),
        None => {
            let found = dedupe(&a.records, &model)?;
            (found.linkage, Some(found.of))
        }
    };
    let seconds = clock.elapsed().as_secs_f64();
    work.progress.end();
    let csv = match (&b, &clusters) {
        (Some(b), _) => pairs_csv(&a, b, &linkage.links)?,
        (None, of) => clusters_csv(&a, of.as_deref().unwrap_or_default())?,
    };
    let explained = match &args.explain {
        Some(id) => {
            let explainer = Explainer::new(&a.records, right, &model, &linkage)?;
            let of_b = b.as_ref().map(|table| &table.ids[..]);
            Some(RecordExplained::of(id, &explainer, &a.ids, of_b)?)
        }
        None => None,
    };
    let linked = Linked {
        a: a.ids.len(),
        b: b.as_ref().map(|table| table.ids.len()),
        links: linkage.links.len(),
        clusters: clusters
            .map(|of| of.iter().enumerate().filter(|&(i, c)| i == *c as usize).count()),
        report: linkage.report,
        out: args.out.as_ref().map(|path| path.display().to_string()),
        seconds,
    };
    if let Some(path) = &args.out {
        std::fs::write(path, &csv).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(explained) = &explained {
        work.printer.show(explained);
    } else if work.printer.json || args.out.is_some() {
        work.printer.show(&linked);
    } else {
        work.printer.out(&String::from_utf8_lossy(&csv));
        work.printer.note(linked.text(Style::default()).trim_end());
    }
    Ok(Outcome::Done)
}

/// A table, with the names of its records.
struct Table {
    ids: Vec<String>,
    records: Records,
}

impl Table {
    fn read(path: &Path, work: &Work) -> Result<Self> {
        let bytes = std::fs::read(path)
            .map_err(|error| Asked(format!("cannot read {}: {error}", path.display())))?;
        let mut rows = Rows::default();
        restitch_connect_table::list_rows(&path.display().to_string(), &bytes[..], &mut rows)?;
        work.printer.remarks(&rows.remarks, "the table itself");
        if rows.rows.is_empty() {
            return Err(Asked(format!("{} holds no row below its header", path.display())).into());
        }
        Self::of(rows.rows).with_context(|| path.display().to_string())
    }

    /// The columns of rows, in the order in which they first stand. The one named id is the
    /// records' name, and says nothing about who they are.
    fn of(rows: Vec<serde_json::Map<String, Value>>) -> Result<Self> {
        let mut names: Vec<String> = Vec::new();
        let mut columns: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        let count = rows.len();
        for (at, row) in rows.into_iter().enumerate() {
            for (name, value) in row {
                let text = match value {
                    Value::Null => None,
                    Value::String(text) => Some(text),
                    other => Some(other.to_string()),
                };
                let column = columns.entry(name).or_insert_with_key(|name| {
                    names.push(name.clone());
                    vec![None; count]
                });
                column[at] = text;
            }
        }
        let id = names.iter().position(|name| name.trim().eq_ignore_ascii_case("id"));
        let own = id.and_then(|at| columns.remove(&names.remove(at))).unwrap_or_default();
        let named = |at: usize| own.get(at).cloned().flatten().filter(|id| !id.trim().is_empty());
        let ids = (0..count).map(|at| named(at).unwrap_or_else(|| (at + 1).to_string())).collect();
        let column =
            |name: String| columns.remove(&name).map(|values| (name, Values::Text(values)));
        Ok(Self { ids, records: Records::new(names.into_iter().filter_map(column).collect())? })
    }
}

/// The rows of a table as they come.
#[derive(Default)]
struct Rows {
    rows: Vec<serde_json::Map<String, Value>>,
    remarks: Vec<Remark>,
}

impl Sink for Rows {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        // A line that is no object stays an empty record, so that row numbers hold.
        self.rows.push(serde_json::from_slice(&item.bytes).unwrap_or_default());
        Ok(true)
    }

    fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _cursor: &str) -> Result<(), PullError> {
        Ok(())
    }
}

fn text_of(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Asked(format!("cannot read {}: {error}", path.display())))?;
    Ok(text)
}

fn pairs_csv(a: &Table, b: &Table, links: &[Link]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["id_a", "id_b", "probability"])?;
    for link in links {
        let probability = format!("{:.6}", link.probability);
        writer.write_record([
            &a.ids[link.left as usize],
            &b.ids[link.right as usize],
            &probability,
        ])?;
    }
    Ok(writer.into_inner()?)
}

fn clusters_csv(a: &Table, of: &[u32]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["id", "cluster"])?;
    for (id, cluster) in a.ids.iter().zip(of) {
        writer.write_record([id, &a.ids[*cluster as usize]])?;
    }
    Ok(writer.into_inner()?)
}

impl Shown for Linked {
    fn text(&self, style: Style) -> String {
        let count = |n: usize| grouped(n as u64);
        let found = match (self.b, self.clusters) {
            (Some(b), _) => {
                format!(
                    "{} links between {} and {} records",
                    count(self.links),
                    count(self.a),
                    count(b)
                )
            }
            (None, clusters) => {
                format!("{} records are {}", count(self.a), count(clusters.unwrap_or(self.a)))
            }
        };
        let looked = grouped(self.report.blocks.candidates);
        let mut text = format!(
            "{}: {found} ({looked} pairs looked at, {:.2} s)\n",
            style.bold("Linked"),
            self.seconds
        );
        if let Some(out) = &self.out {
            text += &format!("  {out}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(csv: &str) -> Table {
        let mut rows = Rows::default();
        restitch_connect_table::list_rows("t", csv.as_bytes(), &mut rows).unwrap();
        Table::of(rows.rows).unwrap()
    }

    #[test]
    fn a_column_named_id_names_the_records_and_is_not_compared() {
        let table = table("name,ID\nAnn,x7\nOtto,x9\n");
        assert_eq!(table.ids, ["x7", "x9"]);
        assert_eq!(table.records.columns().map(|(name, _)| name).collect::<Vec<_>>(), ["name"]);
    }

    #[test]
    fn without_one_the_row_number_does() {
        assert_eq!(table("name;town\nAnn;Kiel\nOtto;\n").ids, ["1", "2"]);
    }

    #[test]
    fn clusters_are_named_by_their_first_record() {
        let csv = clusters_csv(&table("id,name\nx,Ann\ny,Otto\nz,Ann\n"), &[0, 1, 0]).unwrap();
        assert_eq!(String::from_utf8(csv).unwrap(), "id,cluster\nx,x\ny,y\nz,x\n");
    }
}
