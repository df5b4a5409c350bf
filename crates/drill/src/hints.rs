//! What a drill says should be done, the most valuable first.

use serde::Serialize;

use crate::report::{DrillReport, TypeReport};

/// A column that comes back in fewer than one of so many rows that had a value there is told by
/// nothing.
const TOLD: u64 = 10;
/// More hints than this nobody reads.
const MOST: usize = 12;

/// Something to do, and how many rows it is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hint {
    /// Rows of this drill.
    pub rows: u64,
    /// What to do, as a sentence without full stop.
    pub text: String,
}

/// The columns and tables that nothing could bring back, of which a copy should be kept elsewhere:
/// `table.column`, or a table.
pub fn keep_elsewhere(report: &DrillReport) -> Vec<String> {
    let columns = report.types.values().flat_map(|found| {
        let column = |(column, _)| format!("{}.{column}", found.score.table);
        untold(found).map(column)
    });
    report.others.keys().cloned().chain(columns).collect()
}

/// Of recovered rows, the columns that had a value and hold it hardly ever, with how many.
fn untold(found: &TypeReport) -> impl Iterator<Item = (&str, u64)> {
    let is_untold =
        |(_, share): &(&String, &restitch_model::Share)| share.n > 0 && share.hits * TOLD < share.n;
    found.score.filled.iter().filter(is_untold).map(|(column, share)| (column.as_str(), share.n))
}

/// What should be done, the most rows first.
pub fn hints(report: &DrillReport) -> Vec<Hint> {
    let mut hints = Vec::new();
    let mut hint = |rows: u64, text: String| {
        if rows > 0 {
            hints.push(Hint { rows, text });
        }
    };
    for (table, lost) in &report.others {
        hint(*lost, format!("{table}: no row of it is rebuilt; keep a copy elsewhere"));
    }
    for (record_type, found) in &report.types {
        let table = &found.score.table;
        hint(
            found.score.lost - found.score.recoverable,
            format!(
                "{table}: no source saw these rows; connect one that does, or back {table} up more \
                 often"
            ),
        );
        for (reason, rows) in &found.not_back {
            let does = match reason.starts_with("waits") {
                true => "a reviewer could let these rows through",
                false => "these rows are not rebuilt",
            };
            hint(*rows, format!("{table}: {does} ({reason})"));
        }
        for (column, rows) in untold(found) {
            hint(rows, format!("{table}.{column}: nothing tells it; keep a copy elsewhere"));
        }
        for worth in &report.sources {
            let Some(of) = worth.types.get(record_type).filter(|of| of.points >= 1.0) else {
                continue;
            };
            let rows = (of.points / 100.0 * found.score.recoverable as f64).round() as u64;
            let source = &worth.source;
            hint(
                rows,
                format!("{table}: these rows come back by {source} alone; keep its evidence long"),
            );
        }
    }
    hints.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.text.cmp(&b.text)));
    hints.truncate(MOST);
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::TypeScore;
    use restitch_model::Share;

    fn report() -> DrillReport {
        let filled = [("notes", (0, 40)), ("price", (95, 95)), ("channel", (9, 95))];
        let filled = filled.map(|(name, (hits, n))| (name.to_owned(), Share { hits, n }));
        let score = TypeScore {
            table: "rentals".to_owned(),
            lost: 110,
            recoverable: 100,
            recovered: 95,
            filled: filled.into(),
            ..TypeScore::default()
        };
        let not_back = [("waits: no evidence for price".to_owned(), 5)].into();
        let found = TypeReport { score, not_back, ..TypeReport::default() };
        DrillReport {
            types: [("reservation".to_owned(), found)].into(),
            others: [("outbox".to_owned(), 70)].into(),
            ..DrillReport::default()
        }
    }

    #[test]
    fn what_is_about_most_rows_comes_first() {
        let found = hints(&report());
        let shown: Vec<String> =
            found.iter().map(|hint| format!("{} {}", hint.rows, hint.text)).collect();
        assert_eq!(
            shown,
            [
                "95 rentals.channel: nothing tells it; keep a copy elsewhere",
                "70 outbox: no row of it is rebuilt; keep a copy elsewhere",
                "40 rentals.notes: nothing tells it; keep a copy elsewhere",
                "10 rentals: no source saw these rows; connect one that does, or back rentals up \
                 more often",
                "5 rentals: a reviewer could let these rows through (waits: no evidence for price)",
            ]
        );
    }

    #[test]
    fn a_copy_is_kept_of_what_nothing_brings_back() {
        assert_eq!(keep_elsewhere(&report()), ["outbox", "rentals.channel", "rentals.notes"]);
    }
}
