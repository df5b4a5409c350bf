use crate::clock::Seconds;
use crate::message::Encoding;

/// The houses that share the system.
pub(super) const HOUSES: [&House; 4] = [
    &super::tilleuls::TILLEULS,
    &super::pentland::PENTLAND,
    &super::ginestre::GINESTRE,
    &super::zeehond::ZEEHOND,
];

/// One house: its rooms and prices, and how it writes, charges and keeps its calendar.
pub(super) struct House {
    pub(super) name: &'static str,
    pub(super) slug: &'static str,
    /// The address that its mails come from.
    pub(super) email: &'static str,
    pub(super) zone: &'static str,
    /// ISO 4217, upper case.
    pub(super) currency: &'static str,
    pub(super) tongue: Tongue,
    /// Its part of all bookings.
    pub(super) share: u32,
    pub(super) kinds: &'static [Kind],
    pub(super) doors: Doors,
    pub(super) boards: &'static [Board],
    pub(super) addons: &'static [Addon],
    /// What the town takes for an adult and a night, in cents.
    pub(super) tax: i64,
    pub(super) code: Code,
    pub(super) plan: Plan,
    pub(super) till: Till,
    pub(super) diary: Diary,
    pub(super) letters: Letters,
}

/// The language of a house and of most of its guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    French,
    Scots,
    Italian,
    Dutch,
}

/// A sort of room.
pub(super) struct Kind {
    pub(super) code: &'static str,
    pub(super) label: &'static str,
    /// Beds.
    pub(super) sleeps: i64,
    /// The price of a night out of season, in cents.
    pub(super) base: i64,
}

/// What stands on the doors.
#[derive(Debug, Clone, Copy)]
pub(super) enum Doors {
    /// Numbers from this one on.
    Numbered(i64),
    /// Names; with a number once they are used up.
    Named(&'static [&'static str]),
}

/// What is eaten in the house.
pub(super) struct Board {
    pub(super) code: &'static str,
    pub(super) label: &'static str,
    /// For an adult and a night, in cents.
    pub(super) price: i64,
    /// How often it is taken.
    pub(super) weight: u32,
}

/// Something that can be had besides.
pub(super) struct Addon {
    pub(super) sku: &'static str,
    pub(super) label: &'static str,
    /// In cents.
    pub(super) price: i64,
    pub(super) each: Each,
}

/// What an addon is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    Stay,
    Night,
    /// A person and a night.
    Person,
}

/// How booking codes are made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    /// `T25-0318`: the year, and a count that goes on.
    YearAndCount(&'static str, i64),
    /// `7QX2M`: five characters by chance.
    Random,
    /// `LG-118/26`: a count that goes on, and the year.
    CountAndYear(&'static str, i64),
    /// `84120377`: eight digits by chance.
    Digits,
}

/// What is paid when, and what comes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) ahead: Ahead,
    /// Whether the rest is paid on arrival, or when leaving.
    pub(super) rest_on_arrival: bool,
    /// Cancelled so many days before, all that was paid comes back.
    pub(super) free_days: i64,
    /// What comes back after that, in percent.
    pub(super) late_percent: i64,
}

/// What is paid when booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    Percent(i64),
    FirstNight,
    All,
}

/// How a house takes money.
pub(super) enum Till {
    /// An account with Stripe.
    Stripe(StripeStyle),
    /// A bank's gateway and its terminal, known from a list of movements alone.
    Movements,
}

impl Till {
    pub(super) fn stripe(&self) -> Option<&StripeStyle> {
        match self {
            Self::Stripe(style) => Some(style),
            Self::Movements => None,
        }
    }
}

/// How a house's bookings look in its payment account.
pub(super) struct StripeStyle {
    pub(super) account: &'static str,
    /// Whether payers are kept as customers.
    pub(super) customers: bool,
    pub(super) intents: bool,
    /// Whether guests pay on the provider's own page; then the session alone tells of the
    /// booking.
    pub(super) sessions: bool,
    pub(super) description: &'static str,
    /// Of what is paid through the terminal in the house.
    pub(super) terminal: &'static str,
    pub(super) metadata: &'static [(&'static str, &'static str)],
    /// What is used beside cards.
    pub(super) other_means: Option<&'static str>,
}

/// How a house's software writes events.
pub(super) struct Diary {
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

/// How the times of events are written; a timed stay is from check-in to check-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventTimes {
    /// Whole days; the day of leaving is the first that is free again.
    Days,
    /// With TZID, and no rules in the file.
    ZoneByName,
    Utc,
    /// Without any zone but the calendar's X-WR-TIMEZONE.
    Floating,
}

/// The texts of a house's mails. `{key}` stands for a value; a line that begins with `?key `
/// is there only where the value is not empty.
pub(super) struct Letters {
    /// Whether the mails go to the guest's telephone where there is no address.
    pub(super) by_text_message: bool,
    pub(super) encoding: Encoding,
    /// A line for each addon.
    pub(super) item: &'static str,
    /// The generations of the confirmation, the oldest first.
    pub(super) confirm: &'static [Letter],
    pub(super) change: &'static [Letter],
    pub(super) cancel: &'static [Letter],
    /// On the eve of the arrival.
    pub(super) reminder: &'static [Letter],
    /// After leaving.
    pub(super) bill: &'static [Letter],
    /// Newsletters: unrelated to any booking.
    pub(super) news: &'static [Letter],
    /// Whether they are kept in a Maildir of the house.
    pub(super) maildir: bool,
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
