//! Of which part of the overlap learning makes use: of very many rows the newest teach, and no
//! evidence that is older than they are is looked at.

use std::collections::HashSet;

use jiff::SignedDuration;
use restitch_model::{EvidenceId, Instant, RecordType, Snapshot};

use crate::anchor::Tenancies;
use crate::incident::Incident;
use crate::item::Item;
use crate::knowledge::Settings;
use crate::shape::{Bindings, Heard, View};

/// What of the overlap is learned from.
#[derive(Clone, Copy)]
pub struct Overlap<'o> {
    /// Evidence from before this is left aside.
    pub from: Instant,
    /// Who speaks for whom, where an earlier pass found that.
    pub spoken: Option<&'o Tenancies>,
    /// Evidence that is held back: that of rows which a rehearsal forgot, since at a recovery
    /// the evidence of what was lost teaches nothing either.
    pub held: &'o HashSet<EvidenceId>,
}

/// The newest so many rows teach. Older ones add time and memory and no rules; half as many again
/// brought back one payment in a hundred more, since confidence was measured on more.
pub(crate) const TEACH: usize = 10_000;

impl Overlap<'_> {
    /// When the overlap begins: as the settings bound it, and with the newest rows of many. Damage
    /// may lie anywhere, so that with it no row is too old.
    pub fn from(
        settings: &Settings,
        backup_at: Instant,
        reservations: Option<&View>,
    ) -> Option<Instant> {
        let days = settings.overlap_days.and_then(|days| {
            let span = SignedDuration::try_from_hours(days.checked_mul(24)?)?;
            backup_at.checked_sub(span).ok()
        });
        if !settings.damage.is_empty() {
            return days;
        }
        let mut created = reservations.map(View::all_created).unwrap_or_default();
        created.retain(|at| *at <= backup_at);
        created.sort_unstable_by(|a, b| b.cmp(a));
        let newest = created.get(TEACH).copied();
        days.max(newest)
    }
}

/// When the evidence begins that counts: see [`Overlap::from`]. Known before any evidence is read.
pub fn taught_from(snapshot: &Snapshot, settings: &Settings) -> Option<Instant> {
    let bindings = Bindings::find(snapshot, &settings.tables, None, &Heard::default());
    let view = View::own(snapshot, bindings.table(RecordType::RESERVATION)?)?;
    let found = || Incident::find(&view.all_created(), None).map(|found| found.backup_at);
    let backup_at = settings.backup_at.or_else(found)?;
    Overlap::from(settings, backup_at, Some(&view)).filter(|_| settings.damage.is_empty())
}

/// The evidence of this time on, of all in the order of time.
pub fn since(items: &[Item], from: Option<Instant>) -> &[Item] {
    &items[items.partition_point(|item| from.is_some_and(|from| item.at < from))..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{at, item, snapshot, table};

    /// When the evidence begins that counts, of bookings of every day of January, with these
    /// settings.
    fn begins(settings: Settings) -> Option<String> {
        let row = |day: i64| {
            format!("{day} | {day} | 2026-03-{day:02}T10:00:00Z | 2026-01-{day:02}T08:00:00Z")
        };
        let rows: Vec<String> = (1..=31).map(row).collect();
        let people: Vec<String> = (1..=31).map(|n| format!("{n} | p{n}@x.example")).collect();
        let snapshot = snapshot(vec![
            table("people", "id email", &people),
            table("bookings", "id person starts made", &rows),
        ]);
        let tables = [("reservation".to_owned(), "bookings".to_owned())].into();
        let settings = Settings { tables, ..settings };
        taught_from(&snapshot, &settings).map(|from| from.to_string())
    }

    #[test]
    fn all_evidence_counts_where_the_rows_are_few() {
        assert_eq!(begins(Settings::default()), None);
    }

    #[test]
    fn the_operator_says_how_far_back_the_overlap_goes() {
        let days = Settings { overlap_days: Some(7), ..Settings::default() };
        assert_eq!(begins(days).as_deref(), Some("2026-01-24T08:00:00Z"));
    }

    #[test]
    fn with_damage_no_evidence_is_too_old() {
        let damage = "table:bookings".parse().unwrap();
        let damage = crate::Damage { parts: vec![damage] };
        let settings = Settings { overlap_days: Some(7), damage, ..Settings::default() };
        assert_eq!(begins(settings), None);
    }

    #[test]
    fn what_is_said_at_the_very_beginning_counts() {
        let mut items: Vec<Item> = (0..3).map(|n| item(n, "mail", &[])).collect();
        for (day, item) in items.iter_mut().enumerate() {
            item.at = at(&format!("2026-01-0{}T00:00:00Z", day + 1));
        }
        let counted = |from: Option<&str>| since(&items, from.map(at)).len();
        assert_eq!((counted(None), counted(Some("2026-01-02T00:00:00Z"))), (3, 2));
        assert_eq!(counted(Some("2026-01-04T00:00:00Z")), 0);
    }
}
