//! What is known of the target before anything is rebuilt: how its tables are bound, and when rows
//! were lost.

use restitch_learn::shape::{Bindings, Heard, View};
use restitch_learn::{Incident, Knowledge};
use restitch_model::{Instant, RecordType, Snapshot};
use serde::Serialize;

use crate::rules;
use crate::run::Run;

/// How tables are bound, and when rows were lost: as it was learned, else as the rows alone show it.
#[derive(Debug, Clone, Serialize)]
pub struct Bound {
    /// A sentence for each binding.
    pub tables: Vec<String>,
    /// The last moment that the backup holds; `null` where no row shows it.
    pub backup_at: Option<Instant>,
    /// The moment of loss; `null` where only evidence can tell.
    pub lost_at: Option<Instant>,
    /// Whether it was learned.
    pub is_learned: bool,
}

impl Run<'_> {
    /// How the tables of a snapshot are bound, and when rows were lost. Rules that cannot be read
    /// are passed over.
    pub fn bound(&self, snapshot: &Snapshot) -> Bound {
        match rules::read(&self.case) {
            Ok(Some(Knowledge { bindings, incident: Incident { backup_at, lost_at }, .. })) => {
                Bound {
                    tables: bindings.reasons,
                    backup_at: Some(backup_at),
                    lost_at: Some(lost_at),
                    is_learned: true,
                }
            }
            _ => self.bound_by_rows(snapshot),
        }
    }

    fn bound_by_rows(&self, snapshot: &Snapshot) -> Bound {
        let settings = self.settings();
        let lists = settings.lists.as_deref();
        let found = Bindings::find(snapshot, &settings.tables, lists, &Heard::default());
        let reservations = found.table(RecordType::RESERVATION);
        let view = reservations.and_then(|table| View::own(snapshot, table));
        let shown = view.and_then(|view| Incident::find(&view.all_created(), None));
        // Without a pause among the rows it ends where the backup does: nothing shows the loss.
        let lost_at = shown.filter(|shown| shown.lost_at > shown.backup_at);
        Bound {
            tables: found.reasons,
            backup_at: settings.backup_at.or(shown.map(|shown| shown.backup_at)),
            lost_at: settings.lost_at.or(lost_at.map(|shown| shown.lost_at)),
            is_learned: false,
        }
    }
}
