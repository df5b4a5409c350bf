//! What the rows are at a moment.

use super::life::{Customer, Payment, Rental, Terms, Vehicle};
use crate::clock::{DAY, Seconds};

/// A rental's row at a moment at which there is one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RentalState {
    pub(super) terms: Terms,
    pub(super) status: &'static str,
    pub(super) km_out: Option<i64>,
    pub(super) km_in: Option<i64>,
    pub(super) notes: Option<&'static str>,
    pub(super) updated: Seconds,
}

impl Rental {
    pub(super) fn state(&self, at: Seconds) -> RentalState {
        let version = self.version(at);
        let terms = self.versions[version].terms.clone();
        let mut updated = self.versions[version].at.max(self.created);
        let mut reached = |moment: Option<Seconds>| {
            let reached = moment.filter(|moment| *moment <= at);
            updated = updated.max(reached.unwrap_or(updated));
            reached.is_some()
        };
        let confirmed = reached(self.confirmed);
        let picked = reached(self.picked);
        let returned = reached(self.returned);
        let cancelled = reached(self.cancelled);
        let missed = self.no_show && !cancelled && reached(Some(terms.pickup + DAY));
        let noted = reached(self.silent_note.map(|(moment, _)| moment));
        let status = match () {
            () if cancelled => "cancelled",
            () if missed => "no_show",
            () if returned => "completed",
            () if picked => "active",
            () if confirmed => "confirmed",
            () => "pending",
        };
        let notes = if noted { self.silent_note.map(|(_, note)| note) } else { self.notes };
        RentalState {
            terms,
            status,
            km_out: picked.then_some(self.km_out),
            km_in: returned.then_some(self.km_in),
            notes,
            updated,
        }
    }
}

impl Payment {
    pub(super) fn status(&self, at: Seconds) -> &'static str {
        match self.refunded {
            Some((moment, true)) if moment <= at => "refunded",
            Some((moment, false)) if moment <= at => "partially_refunded",
            _ => "succeeded",
        }
    }
}

impl Customer {
    pub(super) fn phone(&self, at: Seconds) -> &str {
        match &self.new_phone {
            Some((moment, phone)) if *moment <= at => phone,
            _ => &self.phone,
        }
    }

    pub(super) fn note(&self, at: Seconds) -> Option<&'static str> {
        self.note.filter(|(moment, _)| *moment <= at).map(|(_, note)| note)
    }
}

impl Vehicle {
    pub(super) fn km(&self, at: Seconds) -> i64 {
        self.odometer.iter().rev().find(|(moment, _)| *moment <= at).map_or(0, |(_, km)| *km)
    }
}
