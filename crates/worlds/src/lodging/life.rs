//! The things of the world and what happens to them.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::noise::Knobs;
use super::profile::{Addon, Each, HOUSES, House, Tongue};
use crate::clock::{DAY, Seconds, moment};
use crate::stripe::Card;
use crate::tables::Writer;
pub(super) use crate::trace::Trace;

/// All that ever was, in the order in which it was written.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) knobs: Knobs,
    pub(super) zones: Vec<TimeZone>,
    pub(super) rooms: Vec<Room>,
    pub(super) guests: Vec<Guest>,
    pub(super) bookings: Vec<Booking>,
    pub(super) lines: Vec<Line>,
    pub(super) entries: Vec<Entry>,
    pub(super) charges: Vec<Charge>,
}

pub(super) struct Room {
    pub(super) tenant: usize,
    /// Its position among the house's kinds.
    pub(super) kind: usize,
    pub(super) door: String,
    pub(super) opened: Seconds,
    /// The nights for which it is promised, and to which booking.
    pub(super) busy: Vec<(Date, Date, usize)>,
}

pub(super) struct Guest {
    pub(super) id: i64,
    pub(super) writer: Writer,
    pub(super) tenant: usize,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) tongue: Tongue,
    pub(super) country: &'static str,
    pub(super) email: Option<String>,
    pub(super) mobile: String,
    pub(super) newsletter: bool,
    pub(super) created: Seconds,
    /// What was remarked when, in the database alone.
    pub(super) remark: Option<(Seconds, &'static str)>,
    pub(super) card: Card,
    /// The payment provider's name for this payer, once there was a charge.
    pub(super) payer: Option<(Seconds, String)>,
}

impl Guest {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms {
    pub(super) room: usize,
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) adults: i64,
    pub(super) children: i64,
    /// Its position among the house's boards.
    pub(super) board: usize,
    /// A night's price in cents.
    pub(super) rate: i64,
    /// Positions among the house's addons.
    pub(super) addons: Vec<usize>,
    /// What was let off at the end, in cents.
    pub(super) rebate: i64,
}

impl Terms {
    pub(super) fn nights(&self) -> i64 {
        let span = self.from.until(self.to).map_or(1, |span| i64::from(span.get_days()));
        span.max(1)
    }

    /// How often an addon is taken.
    pub(super) fn quantity(&self, addon: &Addon) -> i64 {
        match addon.each {
            Each::Stay => 1,
            Each::Night => self.nights(),
            Each::Person => self.nights() * (self.adults + self.children),
        }
    }

    /// All addons together, in cents.
    pub(super) fn addons_total(&self, house: &House) -> i64 {
        let addons = self.addons.iter().map(|i| &house.addons[*i]);
        addons.map(|addon| self.quantity(addon) * addon.price).sum()
    }

    /// What the town takes, in cents.
    pub(super) fn tax(&self, house: &House) -> i64 {
        house.tax * self.adults * self.nights()
    }

    /// All that is to be paid, in cents.
    pub(super) fn total(&self, house: &House) -> i64 {
        self.nights() * self.rate + self.addons_total(house) + self.tax(house) - self.rebate
    }
}

/// Why the terms of a booking are what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Booked,
    /// The guest asked; a mail and the event tell of it.
    Changed,
    /// Staff did it in the database; nothing tells of it.
    Silent,
}

pub(super) struct Version {
    pub(super) at: Seconds,
    pub(super) cause: Cause,
    pub(super) terms: Terms,
}

/// How a booking came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Website,
    Telephone,
    FrontDesk,
    Portal,
}

impl Origin {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Website => "website",
            Self::Telephone => "telephone",
            Self::FrontDesk => "front_desk",
            Self::Portal => "portal",
        }
    }
}

pub(super) struct Booking {
    pub(super) id: i64,
    pub(super) writer: Writer,
    /// The lost booking that staff typed in again.
    pub(super) retyped: Option<usize>,
    pub(super) tenant: usize,
    pub(super) guest: usize,
    pub(super) code: String,
    pub(super) created: Seconds,
    pub(super) confirmed: Option<Seconds>,
    pub(super) origin: Origin,
    /// What was asked for ahead, in cents.
    pub(super) deposit: i64,
    /// The terms as they followed one another; never empty.
    pub(super) versions: Vec<Version>,
    /// When the guest means to arrive, in minutes of the day.
    pub(super) eta: Option<i64>,
    /// What the guest said when booking.
    pub(super) request: Option<&'static str>,
    pub(super) cancelled: Option<Seconds>,
    pub(super) no_show: bool,
    pub(super) arrived: Option<Seconds>,
    pub(super) left: Option<Seconds>,
    /// The electricity meter when leaving.
    pub(super) meter: i64,
    /// What staff noted when, in the database alone.
    pub(super) note: Option<(Seconds, &'static str)>,
    pub(super) trace: Trace,
}

impl Booking {
    pub(super) fn house(&self) -> &'static House {
        HOUSES[self.tenant]
    }

    /// The terms that hold at a moment.
    pub(super) fn version(&self, at: Seconds) -> usize {
        self.versions.iter().rposition(|version| version.at <= at).unwrap_or(0)
    }

    /// The terms in the end.
    pub(super) fn last(&self) -> &Terms {
        &self.versions[self.versions.len() - 1].terms
    }

    /// How the booking stands at a moment, and since when it has stood so.
    pub(super) fn state(&self, at: Seconds, zone: &TimeZone) -> (&'static str, Seconds) {
        let version = &self.versions[self.version(at)];
        let mut since = version.at.max(self.created);
        let mut reached = |moment: Option<Seconds>| {
            let reached = moment.filter(|moment| *moment <= at);
            since = since.max(reached.unwrap_or(since));
            reached.is_some()
        };
        let confirmed = reached(self.confirmed);
        let arrived = reached(self.arrived);
        let left = reached(self.left);
        let cancelled = reached(self.cancelled);
        // The night audit finds the room empty.
        let audit = moment(version.terms.from.at(4, 0, 0, 0), zone) + DAY;
        let missed = self.no_show && !cancelled && reached(Some(audit));
        reached(self.note.map(|(moment, _)| moment));
        let state = match () {
            () if cancelled => "cancelled",
            () if missed => "no_show",
            () if left => "checked_out",
            () if arrived => "in_house",
            () if confirmed => "confirmed",
            () => "tentative",
        };
        (state, since)
    }
}

/// An addon of a booking.
pub(super) struct Line {
    pub(super) id: i64,
    pub(super) booking: usize,
    /// Its position among the house's addons.
    pub(super) addon: usize,
    pub(super) added: Seconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Deposit,
    Prepayment,
    Balance,
    Refund,
}

impl Purpose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Prepayment => "prepayment",
            Self::Balance => "balance",
            Self::Refund => "refund",
        }
    }
}

/// A line of a booking's account.
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) booking: usize,
    pub(super) purpose: Purpose,
    /// In cents; what is given back is below nought.
    pub(super) amount: i64,
    pub(super) means: &'static str,
    /// The charge, also of a refund.
    pub(super) charge: Option<usize>,
    pub(super) at: Seconds,
    /// When it was given back, and whether all of it.
    pub(super) refunded: Option<(Seconds, bool)>,
}

impl Entry {
    pub(super) fn status(&self, at: Seconds) -> &'static str {
        match self.refunded {
            Some((moment, true)) if moment <= at => "reversed",
            Some((moment, false)) if moment <= at => "partly_reversed",
            _ => "settled",
        }
    }
}

/// A payment as its processor has it.
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) intent: Option<String>,
    pub(super) session: Option<String>,
    pub(super) tenant: usize,
    pub(super) booking: Option<usize>,
    pub(super) entry: Option<usize>,
    pub(super) purpose: Purpose,
    pub(super) amount: i64,
    pub(super) created: Seconds,
    /// When, how much, and the refund's id.
    pub(super) refund: Option<(Seconds, i64, String)>,
    pub(super) failed: bool,
    /// In the house, through a terminal: no name and no address.
    pub(super) terminal: bool,
    pub(super) means: &'static str,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) country: &'static str,
    pub(super) payer: Option<String>,
    pub(super) card: Card,
    /// What it says where it is not about a booking.
    pub(super) about: Option<&'static str>,
}

impl Charge {
    /// What came back of it until a moment.
    pub(super) fn refunded(&self, until: Seconds) -> i64 {
        self.refund.as_ref().filter(|(at, ..)| *at <= until).map_or(0, |(_, amount, _)| *amount)
    }
}
