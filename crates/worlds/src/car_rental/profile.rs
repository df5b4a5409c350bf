use crate::clock::Seconds;
use crate::message::Encoding;

/// The rental companies that share the system, the busiest not first.
pub(super) const PROFILES: [&Profile; 4] = [
    &super::brightway::BRIGHTWAY,
    &super::hansa::HANSA,
    &super::dales::DALES,
    &super::brisa::BRISA,
];

/// One rental company: how it writes, charges and keeps its calendar.
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) slug: &'static str,
    /// The address that its mails come from.
    pub(super) email: &'static str,
    pub(super) zone: &'static str,
    /// ISO 4217, upper case.
    pub(super) currency: &'static str,
    pub(super) language: Language,
    /// Its part of all bookings.
    pub(super) share: u32,
    /// Code, name and address.
    pub(super) locations: &'static [(&'static str, &'static str, &'static str)],
    pub(super) reference: Reference,
    pub(super) payment: PaymentPlan,
    pub(super) stripe: StripeStyle,
    pub(super) calendar: CalendarStyle,
    pub(super) letters: Letters,
}

/// The language and country of a company and most of its customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    American,
    German,
    British,
    Spanish,
}

/// How booking references are made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reference {
    /// `BRT-10482`: counted on.
    Counted(&'static str, i64),
    /// `2025/004211`: the year, and a count that goes on.
    YearAndCount(i64),
    /// `HR7K2M9`: a prefix and five characters by chance.
    Random(&'static str),
    /// `SA-2601-0042`: year, month, and a count within the month.
    MonthAndCount(&'static str),
}

/// What is paid when.
#[derive(Debug, Clone, Copy)]
pub(super) enum PaymentPlan {
    /// So many percent when booking, the rest at pick-up.
    DepositPercent(i64),
    /// All of it when booking.
    Full,
    /// A fixed deposit in cents when booking, the rest at pick-up.
    DepositFlat(i64),
}

/// How a company's bookings look in its payment account.
pub(super) struct StripeStyle {
    pub(super) account: &'static str,
    /// Known only from a Dashboard export, not as objects.
    pub(super) csv_only: bool,
    /// Whether payments go through payment intents, which are exported too.
    pub(super) intents: bool,
    /// Whether payers are kept as customers.
    pub(super) customers: bool,
    pub(super) description: &'static str,
    pub(super) metadata: &'static [(&'static str, &'static str)],
    pub(super) statement: &'static str,
    pub(super) country: &'static str,
}

/// How a company's software writes events.
pub(super) struct CalendarStyle {
    pub(super) name: &'static str,
    pub(super) product: &'static str,
    pub(super) times: EventTimes,
    pub(super) uid: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) location: &'static str,
    /// Whether events tell when they were created and last changed.
    pub(super) stamps: bool,
}

/// How the times of events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventTimes {
    /// `20260115T090000Z`.
    Utc,
    /// With TZID, and the zone's rules in the file.
    ZoneWithRules(&'static str),
    /// With TZID, and no rules in the file.
    ZoneByName,
    /// Without any zone but the calendar's X-WR-TIMEZONE.
    Floating,
}

/// The texts of a company's mails. `{key}` stands for a value; a line that begins with
/// `?key ` is there only where the value is not empty.
pub(super) struct Letters {
    pub(super) encoding: Encoding,
    pub(super) store: Store,
    /// The generations of the confirmation, the oldest first.
    pub(super) confirm: &'static [Letter],
    pub(super) change: &'static [Letter],
    pub(super) cancel: &'static [Letter],
    pub(super) reminder: &'static [Letter],
    pub(super) receipt: &'static [Letter],
    /// Newsletters: unrelated to any booking.
    pub(super) news: &'static [Letter],
}

/// One form of one mail.
pub(super) struct Letter {
    /// In use from this moment on.
    pub(super) since: Seconds,
    pub(super) subject: &'static str,
    /// Empty where the mail has no plain part.
    pub(super) text: &'static str,
    /// Empty where the mail has no HTML part.
    pub(super) html: &'static str,
}

/// Where the mails are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// The mbox that the companies share.
    Archive,
    /// A Maildir of its own.
    Maildir,
}
