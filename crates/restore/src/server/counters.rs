//! Counters of ids, moved past every id that evidence names.

use restitch_model::{Remark, Value};

use super::error::is_refused_row;
use super::target::Target;
use super::{Bind, Family, Relation, Server};
use crate::RestoreError;
use crate::plan::{Change, Plan};

impl Server {
    /// Moves sequences past every id that evidence names; never back. What `setval` does stays
    /// even where the transaction is taken back, which leaves a gap and no harm.
    pub(super) fn move_sequences(
        &mut self,
        plan: &Plan,
        target: &Target,
    ) -> Result<(), RestoreError> {
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

    /// InnoDB counts on from the highest id that was ever inserted, also where that row is taken
    /// back: so a planned row is inserted with the last id that evidence names, and taken back.
    pub(super) fn push_counter(
        &mut self,
        plan: &Plan,
        relation: &Relation,
        change: &Change,
    ) -> Result<(), RestoreError> {
        let schema = &relation.schema;
        let next = plan.next_ids().get(&schema.name).copied().unwrap_or_default();
        let behind = schema.next_id.is_some_and(|counted| counted < next);
        // What a trigger does beside the row may stay.
        if self.family() == Family::Postgres || !behind || !schema.triggers.is_empty() {
            return Ok(());
        }
        let columns = change.cells.iter().map(|cell| schema.position(&cell.column));
        let Some(columns) = columns.collect::<Option<Vec<usize>>>() else { return Ok(()) };
        let last = Value::Integer(next - 1);
        let is_key = |column: &str| schema.primary_key.iter().any(|key| key == column);
        let cells = change.cells.iter();
        let row: Vec<&Value> =
            cells.map(|cell| if is_key(&cell.column) { &last } else { &cell.new }).collect();
        let doing = "move a counter on";
        self.statement(doing, "SAVEPOINT restitch_counter")?;
        let tried = self.insert(relation, &columns, &[row]);
        self.statement(doing, "ROLLBACK TO SAVEPOINT restitch_counter")?;
        self.statement(doing, "RELEASE SAVEPOINT restitch_counter")?;
        match tried {
            Err(error) if !is_refused_row(&error) => Err(self.error(doing, &error)),
            _ => Ok(()),
        }
    }

    /// Counters that are not past every id that evidence names, since no row with such an id was
    /// written: a server without sequences cannot be told inside a transaction.
    pub(super) fn counters_left(&mut self, plan: &Plan) -> Result<Vec<Remark>, RestoreError> {
        let family = self.family();
        if family == Family::Postgres || plan.next_ids().is_empty() {
            return Ok(Vec::new());
        }
        let mut remarks = Vec::new();
        for relation in self.describe()? {
            let (Some(counted), Some(next)) =
                (relation.schema.next_id, plan.next_ids().get(&relation.schema.name))
            else {
                continue;
            };
            if counted < *next {
                let what = format!(
                    "evidence names ids below {next}, and only a statement outside of the \
                     transaction moves the counter past them: ALTER TABLE {} AUTO_INCREMENT = \
                     {next};",
                    family.quote(&relation.schema.name)
                );
                remarks.push(Remark::new(relation.schema.name.clone(), what));
            }
        }
        Ok(remarks)
    }
}
