//! What is paid for a booking, and how it shows in the payment account.

use super::life::{Charge, Payment, PaymentKind, Trace, World};
use super::people;
use super::profile::PaymentPlan;
use crate::clock::{DAY, HOUR, LOST_AT, MINUTE, Seconds};
use crate::dice::{BASE62, Dice};
use crate::stripe::Card;
use crate::tables::Writer;

impl World {
    /// All payments of a booking, whose life is known by now.
    pub(super) fn pay(&mut self, i: usize, dice: &mut Dice) {
        let rental = &self.rentals[i];
        let Some(confirmed) = rental.confirmed else { return };
        let (channel, trace, picked) = (rental.channel, rental.trace, rental.picked);
        let first = rental.versions[0].terms.total;
        let plan = self.profile(rental.tenant).payment;
        let cash = trace != Trace::Usual
            || channel == "counter" && dice.chance(0.35)
            || channel != "web" && dice.chance(self.knobs.cash_booking);
        if channel == "counter" {
            let at = picked.map_or(confirmed, |at| at.min(confirmed + 9 * MINUTE));
            if cash {
                self.cash(i, first, at);
            } else {
                self.charge(i, PaymentKind::Full, first, at, dice);
            }
            return;
        }
        if cash {
            if let Some(picked) = picked {
                self.cash(i, self.rentals[i].last().total, picked + 4 * MINUTE);
            }
            return;
        }
        let deposit = match plan {
            PaymentPlan::Full => 0,
            PaymentPlan::DepositPercent(percent) => first * percent / 100,
            PaymentPlan::DepositFlat(cents) => cents.min(first),
        };
        self.rentals[i].deposit = deposit;
        let now = if deposit > 0 { deposit } else { first };
        let kind = if deposit > 0 { PaymentKind::Deposit } else { PaymentKind::Full };
        // The software confirms once it hears of the payment; by telephone it is the
        // confirmation that brings the payer a link.
        let at = if channel == "phone" {
            confirmed + dice.within(2, 50) * MINUTE
        } else {
            confirmed - 2
        };
        let paid = self.charge(i, kind, now, at, dice);
        self.settle(i, paid, now, dice);
    }

    /// What follows the first payment: refunds, the balance.
    fn settle(&mut self, i: usize, first: usize, paid: i64, dice: &mut Dice) {
        let rental = &self.rentals[i];
        let total = rental.last().total;
        if let Some(at) = rental.cancelled {
            let early = rental.last().pickup - at > 2 * DAY;
            let at = at.max(self.payments[first].at) + dice.within(1, 90) * MINUTE;
            if early {
                self.refund(first, paid, at, dice);
            } else if rental.deposit == 0 {
                self.refund(first, paid / 2, at, dice);
            }
            return;
        }
        let Some(picked) = rental.picked else { return };
        let changed = rental.versions.last().map_or(picked, |version| version.at);
        let left = total - paid;
        if left < 0 {
            let at = changed.max(self.payments[first].at) + dice.within(5, 200) * MINUTE;
            self.refund(first, -left, at, dice);
        } else if left > 0 && rental.deposit == 0 {
            self.charge(i, PaymentKind::Balance, left, changed + 6 * MINUTE, dice);
        } else if left > 0 {
            let at = picked + dice.within(1, 6) * MINUTE;
            if dice.chance(self.knobs.cash_balance) {
                self.cash(i, left, at);
            } else {
                self.charge(i, PaymentKind::Balance, left, at, dice);
            }
        }
    }

    fn cash(&mut self, rental: usize, amount: i64, at: Seconds) {
        let kind = PaymentKind::Cash;
        self.payment(rental, kind, amount, "cash", None, at);
    }

    fn payment(
        &mut self,
        rental: usize,
        kind: PaymentKind,
        amount: i64,
        method: &'static str,
        charge: Option<usize>,
        at: Seconds,
    ) -> usize {
        self.payments.push(Payment {
            id: 0,
            rental,
            kind,
            amount,
            method,
            charge,
            at,
            refunded: None,
        });
        self.payments.len() - 1
    }

    fn refund(&mut self, payment: usize, amount: i64, at: Seconds, dice: &mut Dice) {
        let (rental, charge) = (self.payments[payment].rental, self.payments[payment].charge);
        // What would have happened after the loss did not.
        if at > LOST_AT && self.rentals[rental].writer == Writer::Business {
            return;
        }
        let amount = amount.min(self.payments[payment].amount);
        self.payments[payment].refunded = Some((at, amount == self.payments[payment].amount));
        if let Some(charge) = charge {
            let id = format!("re_3{}", dice.code(22, BASE62));
            self.charges[charge].refund = Some((at, amount, id));
        }
        self.payment(rental, PaymentKind::Refund, amount, "card", charge, at);
    }

    /// A payment by card, with its charge.
    fn charge(
        &mut self,
        i: usize,
        kind: PaymentKind,
        amount: i64,
        at: Seconds,
        dice: &mut Dice,
    ) -> usize {
        let rental = &self.rentals[i];
        let (tenant, channel, picked) = (rental.tenant, rental.channel, rental.picked);
        let style = &self.profile(tenant).stripe;
        let customer = &mut self.customers[rental.customer];
        let terminal = channel == "counter" || picked.is_some_and(|picked| at >= picked);
        let failed = !terminal && dice.chance(self.knobs.failed_charge);
        let (mut name, mut email) =
            (format!("{} {}", customer.first, customer.last), customer.email.clone());
        let mut paid_with = customer.card.clone();
        if dice.chance(self.knobs.other_name) {
            match dice.below(4) {
                0 => name = crate::people::typo(&name, dice),
                1 => name = name.to_uppercase(),
                2 => {
                    let (spouse, _) = people::name(super::PROFILES[tenant].language, dice);
                    name = format!("{spouse} {}", customer.last);
                    paid_with = Card::new(dice);
                }
                _ => {
                    let initial = || customer.first.chars().take(1).chain(['.']).collect();
                    let short = people::nickname(&customer.first).map(str::to_owned);
                    name = format!("{} {}", short.unwrap_or_else(initial), customer.last);
                }
            }
        }
        if dice.chance(0.04) {
            email = None;
        }
        if style.customers && !terminal && customer.payer.is_none() {
            customer.payer = Some((at, format!("cus_{}", dice.code(14, BASE62))));
        }
        let payer = customer.payer.as_ref().filter(|_| !terminal).map(|(_, id)| id.clone());
        let intents = style.intents;
        let intent = |dice: &mut Dice| intents.then(|| format!("pi_3{}", dice.code(22, BASE62)));
        let mut charge = Charge {
            id: format!("ch_3{}", dice.code(22, BASE62)),
            intent: intent(dice),
            tenant,
            rental: Some(i),
            payment: None,
            kind: kind.name(),
            amount,
            created: at - dice.within(20, 70),
            refund: None,
            failed: true,
            terminal,
            name,
            email,
            payer,
            card: paid_with,
            about: None,
        };
        if failed {
            let again = Charge {
                id: format!("ch_3{}", dice.code(22, BASE62)),
                intent: charge.intent.clone(),
                name: charge.name.clone(),
                email: charge.email.clone(),
                payer: charge.payer.clone(),
                card: charge.card.clone(),
                about: None,
                refund: None,
                ..charge
            };
            self.charges.push(charge);
            charge = again;
        }
        let index = self.charges.len();
        let payment = self.payment(i, kind, amount, "card", Some(index), at);
        (charge.failed, charge.created, charge.payment) = (false, at, Some(payment));
        self.charges.push(charge);
        payment
    }

    /// Numbers the payments in the order of time, as the database did.
    pub(super) fn number_payments(&mut self, writer: Writer, first: i64) {
        let mut order: Vec<usize> = (0..self.payments.len())
            .filter(|i| self.rentals[self.payments[*i].rental].writer == writer)
            .collect();
        order.sort_by_key(|i| (self.payments[*i].at, *i));
        for (n, i) in order.into_iter().enumerate() {
            self.payments[i].id = first + n as i64;
        }
    }

    /// Charges that are about no booking: gift cards, merchandise, a lost key.
    pub(super) fn unrelated_charges(&mut self, dice: &mut Dice) {
        let n = (self.rentals.len() as f64 * self.knobs.clutter * 0.5) as usize;
        for _ in 0..n {
            let tenant = dice.below(super::PROFILES.len());
            let language = super::PROFILES[tenant].language;
            let (first, last) = people::name(language, dice);
            let about = ["Gift card", "T-shirt", "Lost key fee", "Phone holder", "Cleaning fee"];
            let about = dice.pick(&about).to_owned();
            let whole = [1_500, 2_500, 4_900, 5_000, 10_000];
            let at = dice.within(crate::clock::BEGAN, LOST_AT - HOUR);
            let intents = super::PROFILES[tenant].stripe.intents;
            self.charges.push(Charge {
                id: format!("ch_3{}", dice.code(22, BASE62)),
                intent: intents.then(|| format!("pi_3{}", dice.code(22, BASE62))),
                tenant,
                rental: None,
                payment: None,
                kind: "other",
                amount: whole[dice.below(whole.len())],
                created: at,
                refund: None,
                failed: dice.chance(0.1),
                terminal: false,
                email: Some(crate::people::email(&first, &last, dice)),
                name: format!("{first} {last}"),
                payer: None,
                card: Card::new(dice),
                about: Some(about),
            });
        }
    }
}
