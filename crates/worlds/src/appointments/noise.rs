use crate::world::Noise;

/// What goes wrong, each as a share. `WORLD.md` has the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knobs {
    /// Visits without an appointment, paid in cash, that leave no trace anywhere.
    pub(super) dark: f64,
    /// Appointments by telephone that only a hand-typed event tells of.
    pub(super) handwritten: f64,
    /// Of those by telephone, the ones with a hand-typed event in place of the software's.
    pub(super) retyped_event: f64,
    /// Messages that are not in the archive any more.
    pub(super) mail_missing: f64,
    /// Events that the calendar does not have.
    pub(super) event_missing: f64,
    /// Settlements in cash.
    pub(super) cash: f64,
    /// Rows of the till that name no client.
    pub(super) nameless: f64,
    /// Payers that go by another name on the card.
    pub(super) other_name: f64,
    /// Slips of the fingers in names and addresses taken by telephone.
    pub(super) typo: f64,
    /// Confirmations sent twice.
    pub(super) resend: f64,
    /// Confirmations that a client forwarded.
    pub(super) forward: f64,
    /// Clients' answers to a confirmation.
    pub(super) reply: f64,
    /// Charges that failed before one succeeded.
    pub(super) failed_charge: f64,
    /// Rebates in the database and nowhere else.
    pub(super) silent_price: f64,
    /// Appointments that changed hands in the database, unknown to events and messages.
    pub(super) silent_swap: f64,
    /// New clients that share an address and a telephone with a relative.
    pub(super) family: f64,
    /// New clients that have the name of another.
    pub(super) namesake: f64,
    /// Unrelated messages, charges and events, for each appointment.
    pub(super) clutter: f64,
    /// Practitioners who began after the backup, for each practitioner.
    pub(super) new_staff: f64,
}

impl Knobs {
    pub(super) fn of(noise: Noise) -> Self {
        let by = match noise {
            Noise::Low => 0.35,
            Noise::Normal => 1.0,
            Noise::High => 2.0,
        };
        Self {
            dark: 0.025 * by,
            handwritten: 0.025 * by,
            retyped_event: 0.09 * by,
            mail_missing: 0.05 * by,
            event_missing: 0.07 * by,
            cash: 0.22 * by,
            nameless: 0.12 * by,
            other_name: 0.08 * by,
            typo: 0.05 * by,
            resend: 0.025 * by,
            forward: 0.02 * by,
            reply: 0.02 * by,
            failed_charge: 0.03 * by,
            silent_price: 0.015 * by,
            silent_swap: 0.012 * by,
            family: 0.04 * by,
            namesake: 0.015 * by,
            clutter: 0.06 * by,
            new_staff: if noise == Noise::High { 0.12 } else { 0.0 },
        }
    }
}
