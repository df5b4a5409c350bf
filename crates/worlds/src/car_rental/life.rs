//! The things of the world and what happens to them. What they are at a moment is in
//! `state.rs`.

use jiff::tz::TimeZone;

use super::noise::Knobs;
use super::profile::{PROFILES, Profile};
use crate::clock::Seconds;
use crate::stripe::Card;
use crate::tables::Writer;
pub(super) use crate::trace::Trace;

/// All that ever was, in the order in which it was written.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) knobs: Knobs,
    pub(super) zones: Vec<TimeZone>,
    pub(super) locations: Vec<Location>,
    pub(super) vehicles: Vec<Vehicle>,
    pub(super) customers: Vec<Customer>,
    pub(super) rentals: Vec<Rental>,
    pub(super) payments: Vec<Payment>,
    pub(super) charges: Vec<Charge>,
}

impl World {
    pub(super) fn profile(&self, tenant: usize) -> &'static Profile {
        PROFILES[tenant]
    }
}

pub(super) struct Location {
    pub(super) id: i64,
    pub(super) tenant: usize,
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) address: &'static str,
}

pub(super) struct Vehicle {
    pub(super) id: i64,
    pub(super) tenant: usize,
    pub(super) location: usize,
    pub(super) bought: Seconds,
    pub(super) plate: String,
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) class: &'static str,
    pub(super) rate: i64,
    pub(super) vin: String,
    /// What it showed when, the oldest first.
    pub(super) odometer: Vec<(Seconds, i64)>,
    /// From when to when it is promised, and to which rental.
    pub(super) busy: Vec<(Seconds, Seconds, usize)>,
}

pub(super) struct Customer {
    pub(super) id: i64,
    pub(super) writer: Writer,
    pub(super) tenant: usize,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) email: Option<String>,
    pub(super) phone: String,
    pub(super) created: Seconds,
    /// What was noted when, in the database alone.
    pub(super) note: Option<(Seconds, &'static str)>,
    /// A new number, in the database alone.
    pub(super) new_phone: Option<(Seconds, String)>,
    pub(super) card: Card,
    /// The payment provider's name for this payer, once there was a charge.
    pub(super) payer: Option<(Seconds, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms {
    pub(super) vehicle: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) pickup: Seconds,
    pub(super) end: Seconds,
    pub(super) total: i64,
}

/// Why the terms of a rental are what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Booked,
    /// The customer asked; a mail and the event tell of it.
    Changed,
    /// Staff did it in the database; nothing tells of it.
    Silent,
}

pub(super) struct Version {
    pub(super) at: Seconds,
    pub(super) cause: Cause,
    pub(super) terms: Terms,
}

pub(super) struct Rental {
    pub(super) id: i64,
    pub(super) writer: Writer,
    /// The lost rental that staff typed in again.
    pub(super) retyped: Option<usize>,
    pub(super) tenant: usize,
    pub(super) customer: usize,
    pub(super) reference: String,
    pub(super) created: Seconds,
    pub(super) confirmed: Option<Seconds>,
    pub(super) channel: &'static str,
    pub(super) deposit: i64,
    /// The terms as they followed one another; never empty.
    pub(super) versions: Vec<Version>,
    pub(super) cancelled: Option<Seconds>,
    pub(super) no_show: bool,
    pub(super) picked: Option<Seconds>,
    pub(super) returned: Option<Seconds>,
    pub(super) km_out: i64,
    pub(super) km_in: i64,
    /// What the customer said when booking.
    pub(super) notes: Option<&'static str>,
    /// What staff noted later, in the database alone.
    pub(super) silent_note: Option<(Seconds, &'static str)>,
    pub(super) trace: Trace,
}

impl Rental {
    /// The terms that hold at a moment.
    pub(super) fn version(&self, at: Seconds) -> usize {
        self.versions.iter().rposition(|version| version.at <= at).unwrap_or(0)
    }

    /// The terms in the end.
    pub(super) fn last(&self) -> &Terms {
        &self.versions[self.versions.len() - 1].terms
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaymentKind {
    Deposit,
    Balance,
    Full,
    Refund,
    Cash,
}

impl PaymentKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Balance => "balance",
            Self::Full => "full",
            Self::Refund => "refund",
            Self::Cash => "cash",
        }
    }
}

pub(super) struct Payment {
    pub(super) id: i64,
    pub(super) rental: usize,
    pub(super) kind: PaymentKind,
    pub(super) amount: i64,
    pub(super) method: &'static str,
    /// The charge, also of a refund.
    pub(super) charge: Option<usize>,
    pub(super) at: Seconds,
    /// When it was given back, and whether all of it.
    pub(super) refunded: Option<(Seconds, bool)>,
}

pub(super) struct Charge {
    pub(super) id: String,
    pub(super) intent: Option<String>,
    pub(super) tenant: usize,
    pub(super) rental: Option<usize>,
    pub(super) payment: Option<usize>,
    pub(super) kind: &'static str,
    pub(super) amount: i64,
    pub(super) created: Seconds,
    /// When, how much, and the refund's id.
    pub(super) refund: Option<(Seconds, i64, String)>,
    pub(super) failed: bool,
    /// At the desk, through a terminal: no name and no address.
    pub(super) terminal: bool,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) payer: Option<String>,
    pub(super) card: Card,
    /// What it says where it is not about a booking.
    pub(super) about: Option<String>,
}
