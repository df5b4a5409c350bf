//! What the rows are at a moment.

use super::life::{Client, Line, Payment, Terms, Visit, World};
use crate::clock::{HOUR, MINUTE, Seconds};

/// A visit's row at a moment at which there is one.
pub(super) struct VisitState {
    pub(super) terms: Terms,
    pub(super) end: Seconds,
    pub(super) state: &'static str,
    pub(super) total: i64,
    pub(super) internal: Option<&'static str>,
    pub(super) updated: Seconds,
}

impl World {
    /// The lines of a visit: they were written one visit after the other.
    pub(super) fn lines_of(&self, visit: usize) -> &[Line] {
        let from = self.lines.partition_point(|line| line.visit < visit);
        let to = self.lines.partition_point(|line| line.visit <= visit);
        &self.lines[from..to]
    }

    /// What a visit's lines come to at a moment: minutes and cents.
    pub(super) fn sums(&self, visit: usize, at: Seconds) -> (i64, i64) {
        let lines = self.lines_of(visit).iter().filter(|line| line.since <= at);
        lines.fold((0, 0), |(minutes, cents), line| {
            (minutes + self.services[line.service].minutes, cents + line.price)
        })
    }

    pub(super) fn state(&self, i: usize, at: Seconds) -> VisitState {
        let visit = &self.visits[i];
        let version = visit.version(at);
        let terms = visit.versions[version].terms;
        let mut updated = visit.versions[version].at.max(visit.created);
        let mut reached = |moment: Option<Seconds>| {
            let reached = moment.filter(|moment| *moment <= at);
            updated = updated.max(reached.unwrap_or(updated));
            reached.is_some()
        };
        let confirmed = reached(visit.confirmed);
        let cancelled = reached(visit.cancelled);
        let done = reached(visit.done);
        let missed = visit.missed && !cancelled && reached(Some(terms.start + 10 * HOUR));
        let noted = reached(visit.internal.map(|(moment, _)| moment));
        let cheaper = reached(visit.rebate.map(|(moment, _)| moment));
        for line in self.lines_of(i) {
            reached(Some(line.since));
        }
        let state = match () {
            () if cancelled => "cancelled",
            () if missed => "missed",
            () if done => "done",
            () if confirmed => "booked",
            () => "requested",
        };
        let (minutes, cents) = self.sums(i, at);
        let rebate = visit.rebate.filter(|_| cheaper).map_or(0, |(_, cents)| cents);
        VisitState {
            terms,
            end: terms.start + minutes * MINUTE,
            state,
            total: cents - rebate,
            internal: visit.internal.filter(|_| noted).map(|(_, note)| note),
            updated,
        }
    }

    /// The payments of a visit: they were written one visit after the other.
    pub(super) fn payments_of(&self, visit: usize) -> std::ops::Range<usize> {
        let from = self.payments.partition_point(|payment| payment.visit < visit);
        let to = self.payments.partition_point(|payment| payment.visit <= visit);
        from..to
    }
}

impl Visit {
    /// When it was cancelled, if that was by then.
    pub(super) fn cancelled_by(&self, at: Seconds) -> Option<Seconds> {
        self.cancelled.filter(|moment| *moment <= at)
    }
}

impl Payment {
    pub(super) fn state(&self, at: Seconds) -> &'static str {
        match self.refunded {
            Some(moment) if moment <= at => "returned",
            _ => "settled",
        }
    }
}

impl Client {
    pub(super) fn allergy(&self, at: Seconds) -> Option<&'static str> {
        self.allergy.filter(|(moment, _)| *moment <= at).map(|(_, note)| note)
    }
}
