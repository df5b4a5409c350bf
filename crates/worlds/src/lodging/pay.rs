//! What is paid for a booking, and how it shows at the processor.

use super::life::{Charge, Entry, Line, Origin, Purpose, Trace, World};
use super::people;
use super::profile::{Ahead, HOUSES, StripeStyle};
use crate::clock::{BEGAN, DAY, HOUR, LOST_AT, MINUTE, Seconds, moment};
use crate::dice::{BASE62, DIGITS, Dice};
use crate::people::{email, typo};
use crate::stripe::Card;
use crate::tables::Writer;

impl World {
    /// All payments of a booking, whose life is known by now.
    pub(super) fn pay(&mut self, i: usize, dice: &mut Dice) {
        let booking = &self.bookings[i];
        let Some(confirmed) = booking.confirmed else { return };
        let house = booking.house();
        let first = &booking.versions[0].terms;
        let total = first.total(house);
        let in_house = match booking.origin {
            Origin::FrontDesk | Origin::Portal => true,
            Origin::Telephone => {
                booking.trace != Trace::Usual || dice.chance(self.knobs.nothing_ahead)
            }
            Origin::Website => false,
        };
        if in_house {
            self.pay_rest(i, 0, dice);
            return;
        }
        let ahead = match house.plan.ahead {
            Ahead::All => total,
            // In whole units of money.
            Ahead::Percent(percent) => total * percent / 10_000 * 100,
            Ahead::FirstNight => first.rate.min(total),
        };
        let purpose = match house.plan.ahead {
            Ahead::All => Purpose::Prepayment,
            Ahead::Percent(_) | Ahead::FirstNight => Purpose::Deposit,
        };
        // On the web the software confirms once it hears of the payment; by telephone the
        // confirmation brings the payer a link.
        let at = match booking.origin {
            Origin::Telephone => confirmed + dice.within(3, 90) * MINUTE,
            _ => confirmed - dice.within(1, 9),
        };
        if purpose == Purpose::Deposit {
            self.bookings[i].deposit = ahead;
        }
        let paid = self.charge(i, purpose, ahead, at, false, dice);
        self.settle(i, paid, ahead, dice);
    }

    /// What follows the first payment: refunds, the rest.
    fn settle(&mut self, i: usize, first: usize, paid: i64, dice: &mut Dice) {
        let booking = &self.bookings[i];
        let house = booking.house();
        let plan = &house.plan;
        let last = booking.last();
        let paid_at = self.entries[first].at;
        if let Some(at) = booking.cancelled {
            let checkin = moment(last.from.at(15, 0, 0, 0), &self.zones[booking.tenant]);
            let early = checkin - at > plan.free_days * DAY;
            let back = if early { paid } else { paid * plan.late_percent / 100 };
            let at = at.max(paid_at) + dice.within(1, 120) * MINUTE;
            if back > 0 {
                self.refund(first, back, at, dice);
            }
            return;
        }
        let left = last.total(house) - paid;
        if plan.ahead != Ahead::All {
            self.pay_rest(i, paid, dice);
            return;
        }
        let changed = booking.versions[booking.versions.len() - 1].at.max(paid_at);
        if left < 0 {
            self.refund(first, -left, changed + dice.within(5, 240) * MINUTE, dice);
        } else if left > 0 {
            self.charge(i, Purpose::Balance, left, changed + 6 * MINUTE, false, dice);
        }
    }

    /// What is still to be paid in the house, on arrival or when leaving.
    fn pay_rest(&mut self, i: usize, paid: i64, dice: &mut Dice) {
        let booking = &self.bookings[i];
        let house = booking.house();
        let (Some(arrived), Some(left)) = (booking.arrived, booking.left) else { return };
        let rest = booking.last().total(house) - paid;
        // Who stays longer pays for it when he asks.
        let changed = booking.versions[booking.versions.len() - 1].at;
        let at = if house.plan.rest_on_arrival {
            arrived.max(changed) + dice.within(2, 15) * MINUTE
        } else {
            left - dice.within(1, 12) * MINUTE
        };
        if rest <= 0 {
            return;
        }
        if booking.trace != Trace::Usual || dice.chance(self.knobs.cash) {
            self.enter(i, Purpose::Balance, rest, "cash", None, at);
        } else {
            self.charge(i, Purpose::Balance, rest, at, true, dice);
        }
    }

    fn enter(
        &mut self,
        booking: usize,
        purpose: Purpose,
        amount: i64,
        means: &'static str,
        charge: Option<usize>,
        at: Seconds,
    ) -> usize {
        let refunded = None;
        self.entries.push(Entry { id: 0, booking, purpose, amount, means, charge, at, refunded });
        self.entries.len() - 1
    }

    fn refund(&mut self, entry: usize, amount: i64, at: Seconds, dice: &mut Dice) {
        let Entry { booking, charge, means, amount: paid, .. } = self.entries[entry];
        // What would have happened after the loss did not.
        if at > LOST_AT && self.bookings[booking].writer == Writer::Business {
            return;
        }
        let amount = amount.min(paid);
        self.entries[entry].refunded = Some((at, amount == paid));
        if let Some(charge) = charge {
            let id = match HOUSES[self.bookings[booking].tenant].till.stripe() {
                Some(_) => format!("re_3{}", dice.code(22, BASE62)),
                None => operation(dice),
            };
            self.charges[charge].refund = Some((at, amount, id));
        }
        self.enter(booking, Purpose::Refund, -amount, means, charge, at);
    }

    /// A payment through the processor, with its charge.
    fn charge(
        &mut self,
        i: usize,
        purpose: Purpose,
        amount: i64,
        at: Seconds,
        terminal: bool,
        dice: &mut Dice,
    ) -> usize {
        let booking = &self.bookings[i];
        let tenant = booking.tenant;
        let guest = &mut self.guests[booking.guest];
        let failed = !terminal && dice.chance(self.knobs.failed_charge);
        let (mut name, mut address) = (guest.name(), guest.email.clone());
        let mut card = guest.card.clone();
        if dice.chance(self.knobs.other_name) {
            match dice.below(3) {
                0 => name = typo(&name, dice),
                1 => name = name.to_uppercase(),
                _ => {
                    let (given, family) = people::name(guest.tongue, dice);
                    name = format!("{given} {family}");
                    address =
                        Some(email(given, family, dice)).filter(|_| dice.chance(0.5)).or(address);
                    card = Card::new(dice);
                }
            }
        }
        let style = HOUSES[tenant].till.stripe();
        if style.is_some_and(|style| style.customers) && !terminal && guest.payer.is_none() {
            guest.payer = Some((at, format!("cus_{}", dice.code(14, BASE62))));
        }
        let payer = guest.payer.as_ref().filter(|_| !terminal).map(|(_, id)| id.clone());
        let other = style.and_then(|style| style.other_means).filter(|_| dice.chance(0.6));
        let mut charge = Charge {
            id: charge_id(style, dice),
            intent: intent(style, terminal, dice),
            session: None,
            tenant,
            booking: Some(i),
            entry: None,
            purpose,
            amount,
            created: at - dice.within(25, 80),
            refund: None,
            failed: true,
            terminal,
            means: other.unwrap_or("card"),
            name,
            email: address,
            country: guest.country,
            payer,
            card,
            about: None,
        };
        if failed {
            let again = Charge {
                id: charge_id(style, dice),
                intent: charge.intent.clone(),
                session: None,
                name: charge.name.clone(),
                email: charge.email.clone(),
                payer: charge.payer.clone(),
                card: charge.card.clone(),
                refund: None,
                ..charge
            };
            self.charges.push(charge);
            charge = again;
        }
        let entry = self.enter(i, purpose, amount, charge.means, Some(self.charges.len()), at);
        (charge.failed, charge.created, charge.entry) = (false, at, Some(entry));
        if style.is_some_and(|style| style.sessions) && !terminal {
            charge.session = Some(format!("cs_live_a1{}", dice.code(56, BASE62)));
        }
        self.charges.push(charge);
        entry
    }

    /// Numbers what hangs on bookings in the order of time, as the database did.
    pub(super) fn number(&mut self, writer: Writer, first_entry: i64, first_line: i64) {
        let mut entries: Vec<usize> = (0..self.entries.len())
            .filter(|i| self.bookings[self.entries[*i].booking].writer == writer)
            .collect();
        entries.sort_by_key(|i| (self.entries[*i].at, *i));
        for (n, i) in entries.into_iter().enumerate() {
            self.entries[i].id = first_entry + n as i64;
        }
        let mut lines: Vec<usize> = (0..self.lines.len())
            .filter(|i| self.bookings[self.lines[*i].booking].writer == writer)
            .collect();
        lines.sort_by_key(|i| (self.lines[*i].added, *i));
        for (n, i) in lines.into_iter().enumerate() {
            self.lines[i].id = first_line + n as i64;
        }
    }

    /// The first numbers that are free after the backup's.
    pub(super) fn next_numbers(&self, until: Seconds) -> (i64, i64) {
        let entries = self.entries.iter().filter(|entry| entry.at <= until).map(|entry| entry.id);
        let old = |line: &&Line| line.added <= until;
        let lines = self.lines.iter().filter(old).map(|line| line.id);
        (entries.max().unwrap_or(0) + 1, lines.max().unwrap_or(0) + 1)
    }

    /// Charges that are about no booking: vouchers, the bar, a broken glass.
    pub(super) fn unrelated_charges(&mut self, dice: &mut Dice) {
        let n = (self.bookings.len() as f64 * self.knobs.clutter * 0.5) as usize;
        for _ in 0..n {
            let tenant = dice.below(HOUSES.len());
            let house = HOUSES[tenant];
            let style = house.till.stripe();
            let (given, family) = people::name(house.tongue, dice);
            let amounts = [950, 1_800, 3_500, 5_000, 10_000, 12_500];
            let terminal = dice.chance(0.3);
            self.charges.push(Charge {
                id: charge_id(style, dice),
                intent: intent(style, terminal, dice),
                session: None,
                tenant,
                booking: None,
                entry: None,
                purpose: Purpose::Balance,
                amount: amounts[dice.below(amounts.len())],
                created: dice.within(BEGAN, LOST_AT - HOUR),
                refund: None,
                failed: dice.chance(0.08),
                terminal,
                means: "card",
                name: format!("{given} {family}"),
                email: Some(email(given, family, dice)),
                country: people::country(house.tongue, dice),
                payer: None,
                card: Card::new(dice),
                about: Some(dice.pick(&["Voucher", "Bar", "Postcards", "Broken glass", "Sauna"])),
            });
        }
    }
}

fn charge_id(style: Option<&StripeStyle>, dice: &mut Dice) -> String {
    match style {
        Some(style) if style.intents => format!("ch_3{}", dice.code(22, BASE62)),
        Some(_) => format!("ch_1{}", dice.code(22, BASE62)),
        None => operation(dice),
    }
}

fn intent(style: Option<&StripeStyle>, terminal: bool, dice: &mut Dice) -> Option<String> {
    let intents = style.is_some_and(|style| style.intents && !(style.sessions && terminal));
    intents.then(|| format!("pi_3{}", dice.code(22, BASE62)))
}

/// How the bank's gateway names an operation.
fn operation(dice: &mut Dice) -> String {
    format!("XP{}", dice.code(10, DIGITS))
}
