use crate::clock::Seconds;
use crate::message::Encoding;

/// The studios that share the system.
pub(super) const STUDIOS: [&Profile; 4] = [
    &super::colette::COLETTE,
    &super::northside::NORTHSIDE,
    &super::bianchi::BIANCHI,
    &super::lipa::LIPA,
];

/// One studio: what it does, and how it writes, is paid and keeps its calendar.
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) slug: &'static str,
    /// The address that its messages come from.
    pub(super) email: &'static str,
    pub(super) zone: &'static str,
    /// ISO 4217, upper case.
    pub(super) currency: &'static str,
    pub(super) language: Language,
    /// Its part of all visits.
    pub(super) share: u32,
    /// Those who were there first, as clients know them.
    pub(super) staff: &'static [&'static str],
    /// What is put before a practitioner's name.
    pub(super) title: &'static str,
    /// Title, category, minutes and price in cents.
    pub(super) services: &'static [(&'static str, &'static str, i64, i64)],
    /// How often a visit has one, two or three of them.
    pub(super) lines: [u32; 3],
    /// How often a visit is agreed online, by telephone, or begins at the door.
    pub(super) origins: [u32; 3],
    /// What clients write when booking.
    pub(super) wishes: &'static [&'static str],
    /// The share of clients who leave an address.
    pub(super) reachable: f64,
    pub(super) code: Code,
    pub(super) paid: Plan,
    /// Its payment account, where it has one.
    pub(super) account: Option<&'static str>,
    pub(super) country: &'static str,
    pub(super) calendar: CalendarStyle,
    pub(super) letters: Letters,
}

/// The language and country of a studio and most of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    French,
    Canadian,
    Italian,
    Polish,
}

/// What a client is told to quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// `RDV-K4M7Q`: a prefix and five characters by chance.
    Random(&'static str),
    /// `9F31C2AA`: the beginning of the key.
    OfKey,
    /// There is none.
    None,
    /// `W/412/03/2026`: a count within the month of booking.
    CountInMonth(&'static str),
}

/// What is paid when, and through what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// So many percent on a payment page when booking, the rest at the desk.
    DepositPercent(i64),
    /// By an invoice after the visit.
    Invoice,
    /// At the desk, in the books of the till.
    Till,
    /// All of it online when booking there, else at the desk.
    FullOnline,
}

/// How a studio's software writes events.
pub(super) struct CalendarStyle {
    pub(super) name: &'static str,
    pub(super) product: &'static str,
    pub(super) times: EventTimes,
    /// Whether every practitioner has a file.
    pub(super) by_staff: bool,
    pub(super) uid: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) location: &'static str,
    /// Whether events tell when they were created and last changed.
    pub(super) stamps: bool,
    /// What else stands in it, for a whole day.
    pub(super) days_off: &'static [&'static str],
}

/// How the times of events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventTimes {
    /// `20260115T090000Z`.
    Utc,
    /// Under the zone's name alone.
    Zone,
    /// Without any zone but the calendar's X-WR-TIMEZONE.
    Floating,
    /// Under a name that the file itself explains.
    Named(&'static str, &'static str),
}

/// The texts of a studio's messages, as `crate::form` fills them in.
pub(super) struct Letters {
    pub(super) encoding: Encoding,
    pub(super) store: Store,
    /// The generations of the confirmation, the oldest first.
    pub(super) confirm: &'static [Letter],
    pub(super) moved: &'static [Letter],
    pub(super) cancel: &'static [Letter],
    pub(super) reminder: &'static [Letter],
    /// Sent when the client has gone.
    pub(super) receipt: &'static [Letter],
    /// Unrelated to any visit.
    pub(super) news: &'static [Letter],
}

/// One form of one message.
pub(super) struct Letter {
    /// In use from this moment on.
    pub(super) since: Seconds,
    pub(super) subject: &'static str,
    /// Empty where there is no plain part.
    pub(super) text: &'static str,
    /// Empty where there is no HTML part.
    pub(super) html: &'static str,
}

/// Where the messages go, and are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// The mbox that the studios share.
    Archive,
    /// A Maildir of its own.
    Maildir,
    /// To a telephone, by way of a gateway; its mails are in the mbox.
    Telephone,
}
