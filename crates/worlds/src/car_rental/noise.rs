use crate::world::Noise;

/// What goes wrong, each as a share. `WORLD.md` has the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knobs {
    /// Bookings at the desk, paid in cash, that leave no trace anywhere.
    pub(super) dark: f64,
    /// Bookings by telephone that only a hand-typed event tells of.
    pub(super) handwritten: f64,
    /// Of the bookings by telephone, those with a hand-typed event in place of the software's.
    pub(super) retyped_event: f64,
    /// Mails that are not in the archive any more.
    pub(super) mail_missing: f64,
    /// Events that the calendar does not have.
    pub(super) event_missing: f64,
    /// Bookings by telephone or partner that are paid in cash at the desk.
    pub(super) cash_booking: f64,
    /// Balances that are paid in cash.
    pub(super) cash_balance: f64,
    /// Payers that go by another name on the card: a nickname, a slip, a spouse.
    pub(super) other_name: f64,
    /// Slips of the fingers in names and addresses taken by telephone.
    pub(super) typo: f64,
    /// Confirmations sent twice.
    pub(super) resend: f64,
    /// Confirmations that a customer forwarded.
    pub(super) forward: f64,
    /// Customers' answers to a confirmation.
    pub(super) reply: f64,
    /// Charges that failed before one succeeded.
    pub(super) failed_charge: f64,
    /// Prices that staff changed in the database and nowhere else.
    pub(super) silent_price: f64,
    /// Notes that staff wrote later, in the database and nowhere else.
    pub(super) silent_note: f64,
    /// New customers that share an address with a relative.
    pub(super) family: f64,
    /// New customers that have the name of another.
    pub(super) namesake: f64,
    /// Unrelated mails, charges and events, for each booking.
    pub(super) clutter: f64,
    /// Cars bought after the backup, for each car.
    pub(super) new_cars: f64,
}

impl Knobs {
    pub(super) fn of(noise: Noise) -> Self {
        let by = match noise {
            Noise::Low => 0.35,
            Noise::Normal => 1.0,
            Noise::High => 2.0,
        };
        Self {
            dark: 0.035 * by,
            handwritten: 0.02 * by,
            retyped_event: 0.075 * by,
            mail_missing: 0.06 * by,
            event_missing: 0.08 * by,
            cash_booking: 0.14 * by,
            cash_balance: 0.16 * by,
            other_name: 0.09 * by,
            typo: 0.06 * by,
            resend: 0.03 * by,
            forward: 0.02 * by,
            reply: 0.015 * by,
            failed_charge: 0.025 * by,
            silent_price: 0.012 * by,
            silent_note: 0.03 * by,
            family: 0.03 * by,
            namesake: 0.015 * by,
            clutter: 0.06 * by,
            new_cars: if noise == Noise::High { 0.05 } else { 0.0 },
        }
    }
}
