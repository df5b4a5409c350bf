use crate::world::Noise;

/// What goes wrong, each as a share. `WORLD.md` lists them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knobs {
    /// Guests who walk in and pay in cash, and leave no trace anywhere.
    pub(super) dark: f64,
    /// Bookings by telephone that only a hand-typed event tells of.
    pub(super) handwritten: f64,
    /// Of the bookings by telephone, those with a hand-typed event in place of the software's.
    pub(super) retyped_event: f64,
    /// Mails that are not in the archive any more.
    pub(super) mail_missing: f64,
    /// Events that the calendar does not have.
    pub(super) event_missing: f64,
    /// Bookings not made on the web for which nothing is paid ahead.
    pub(super) nothing_ahead: f64,
    /// What is paid in the house, and paid in cash.
    pub(super) cash: f64,
    /// Payers that go by another name: a slip, capitals, somebody else of the party.
    pub(super) other_name: f64,
    /// Slips of the fingers in names and addresses taken by telephone.
    pub(super) slip: f64,
    /// Confirmations sent twice.
    pub(super) resend: f64,
    /// Confirmations that a guest forwarded.
    pub(super) forward: f64,
    /// Guests' answers to a confirmation.
    pub(super) reply: f64,
    /// Charges that failed before one succeeded.
    pub(super) failed_charge: f64,
    /// Prices that staff changed in the database and nowhere else.
    pub(super) silent_price: f64,
    /// New guests that share an address with a relative.
    pub(super) family: f64,
    /// New guests that have the name of another.
    pub(super) namesake: f64,
    /// Guests who take a second room for the same nights, under a code of its own.
    pub(super) party: f64,
    /// Unrelated mails, for each booking; half as many charges, two fifths as many events.
    pub(super) clutter: f64,
    /// Rooms opened after the backup, for each room.
    pub(super) new_rooms: f64,
}

impl Knobs {
    pub(super) fn of(noise: Noise) -> Self {
        let by = match noise {
            Noise::Low => 0.35,
            Noise::Normal => 1.0,
            Noise::High => 2.0,
        };
        Self {
            dark: 0.03 * by,
            handwritten: 0.02 * by,
            retyped_event: 0.08 * by,
            mail_missing: 0.05 * by,
            event_missing: 0.07 * by,
            nothing_ahead: 0.12 * by,
            cash: 0.18 * by,
            other_name: 0.08 * by,
            slip: 0.06 * by,
            resend: 0.03 * by,
            forward: 0.02 * by,
            reply: 0.02 * by,
            failed_charge: 0.03 * by,
            silent_price: 0.012 * by,
            family: 0.03 * by,
            namesake: 0.015 * by,
            party: 0.02 * by,
            clutter: 0.06 * by,
            new_rooms: if noise == Noise::High { 0.05 } else { 0.0 },
        }
    }
}
