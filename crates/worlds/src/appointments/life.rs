//! The things of the world and what happens to them. What they are at a moment is in
//! `state.rs`.

use jiff::tz::TimeZone;

use super::noise::Knobs;
use super::profile::{Profile, STUDIOS};
use crate::clock::Seconds;
use crate::stripe::Card;
use crate::tables::Writer;
pub(super) use crate::trace::Trace;

/// All that ever was, in the order in which it was written.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) knobs: Knobs,
    pub(super) zones: Vec<TimeZone>,
    pub(super) studios: Vec<String>,
    pub(super) staff: Vec<Practitioner>,
    pub(super) services: Vec<Service>,
    pub(super) clients: Vec<Client>,
    pub(super) visits: Vec<Visit>,
    /// What is done at the visits, those of one visit together.
    pub(super) lines: Vec<Line>,
    /// Those of one visit together.
    pub(super) payments: Vec<Payment>,
    pub(super) charges: Vec<Charge>,
    pub(super) invoices: Vec<Invoice>,
}

impl World {
    pub(super) fn profile(&self, studio: usize) -> &'static Profile {
        STUDIOS[studio]
    }
}

pub(super) struct Practitioner {
    pub(super) id: String,
    pub(super) studio: usize,
    /// As clients know them; no two of a studio share it.
    pub(super) shown: String,
    pub(super) began: Seconds,
    pub(super) percent: i64,
    pub(super) hired: String,
    /// From when to when, and the visit.
    pub(super) busy: Vec<(Seconds, Seconds, usize)>,
}

pub(super) struct Service {
    pub(super) id: String,
    pub(super) studio: usize,
    pub(super) title: &'static str,
    pub(super) category: &'static str,
    pub(super) minutes: i64,
    /// In cents.
    pub(super) price: i64,
}

pub(super) struct Client {
    pub(super) id: String,
    pub(super) writer: Writer,
    pub(super) studio: usize,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) email: Option<String>,
    pub(super) mobile: String,
    pub(super) joined: Seconds,
    pub(super) born: Option<String>,
    pub(super) newsletter: bool,
    /// What was noted when, in the database alone.
    pub(super) allergy: Option<(Seconds, &'static str)>,
    pub(super) card: Card,
    /// The payment provider's name for this payer, once there was an invoice.
    pub(super) payer: Option<(Seconds, String)>,
}

impl Client {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

/// With whom and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) staff: usize,
    pub(super) start: Seconds,
}

/// Why the terms of a visit are what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Booked,
    /// The client asked; a message and the event tell of it.
    Moved,
    /// Staff did it in the database; no event and no message before the visit tells of it.
    Silent,
}

pub(super) struct Version {
    pub(super) at: Seconds,
    pub(super) cause: Cause,
    pub(super) terms: Terms,
}

pub(super) struct Visit {
    pub(super) id: String,
    pub(super) writer: Writer,
    /// The lost visit that staff typed in again.
    pub(super) retyped: Option<usize>,
    pub(super) studio: usize,
    pub(super) client: usize,
    pub(super) code: Option<String>,
    pub(super) created: Seconds,
    pub(super) confirmed: Option<Seconds>,
    pub(super) origin: &'static str,
    /// What was asked for in advance, in cents.
    pub(super) prepaid: i64,
    /// The terms as they followed one another; never empty.
    pub(super) versions: Vec<Version>,
    pub(super) cancelled: Option<Seconds>,
    pub(super) missed: bool,
    pub(super) done: Option<Seconds>,
    /// What the client wrote when booking.
    pub(super) wish: Option<&'static str>,
    /// What staff noted, in the database alone.
    pub(super) internal: Option<(Seconds, &'static str)>,
    /// A rebate in cents, in the database alone.
    pub(super) rebate: Option<(Seconds, i64)>,
    pub(super) trace: Trace,
}

impl Visit {
    /// The terms that hold at a moment.
    pub(super) fn version(&self, at: Seconds) -> usize {
        self.versions.iter().rposition(|version| version.at <= at).unwrap_or(0)
    }

    /// The terms in the end.
    pub(super) fn last(&self) -> Terms {
        self.versions[self.versions.len() - 1].terms
    }
}

/// One service of a visit.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) visit: usize,
    /// From 1 on.
    pub(super) position: i64,
    pub(super) service: usize,
    /// In cents; not always the service's.
    pub(super) price: i64,
    /// When it was added.
    pub(super) since: Seconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Deposit,
    Full,
    Settlement,
    Invoice,
    Refund,
}

impl Purpose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Full => "full",
            Self::Settlement => "settlement",
            Self::Invoice => "invoice",
            Self::Refund => "refund",
        }
    }
}

pub(super) struct Payment {
    pub(super) id: String,
    pub(super) visit: usize,
    pub(super) purpose: Purpose,
    /// In cents; what is given back is negative.
    pub(super) amount: i64,
    pub(super) tender: &'static str,
    /// The charge, also of a refund.
    pub(super) charge: Option<usize>,
    /// How the provider or the till names it.
    pub(super) reference: Option<String>,
    pub(super) at: Seconds,
    /// When all of it was given back.
    pub(super) refunded: Option<Seconds>,
}

pub(super) struct Charge {
    pub(super) id: String,
    pub(super) intent: String,
    /// The page on which it was paid.
    pub(super) session: Option<String>,
    pub(super) invoice: Option<usize>,
    pub(super) studio: usize,
    pub(super) visit: Option<usize>,
    pub(super) payment: Option<usize>,
    pub(super) amount: i64,
    pub(super) created: Seconds,
    /// When, how much, and the refund's id.
    pub(super) refund: Option<(Seconds, i64, String)>,
    pub(super) failed: bool,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) payer: Option<String>,
    pub(super) card: Card,
    /// What it says where it is not about a visit.
    pub(super) about: Option<&'static str>,
}

pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) number: String,
    pub(super) visit: usize,
    pub(super) payer: String,
    pub(super) created: Seconds,
    /// When, and the payment.
    pub(super) paid: Option<(Seconds, usize)>,
}
