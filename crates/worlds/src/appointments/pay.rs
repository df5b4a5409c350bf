//! What is paid for a visit, and how it shows in the payment account and the till.

use super::life::{Charge, Invoice, Payment, Purpose, Trace, World};
use super::people;
use super::profile::{Plan, STUDIOS};
use super::simulate::uuid;
use crate::clock::{BEGAN, DAY, HOUR, LOST_AT, MINUTE, Seconds, local};
use crate::dice::{BASE62, Dice};
use crate::people::{email, typo};
use crate::stripe::Card;
use crate::tables::Writer;

/// How a charge came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// On a payment page.
    Page,
    /// In the studio's own booking form.
    Form,
    /// An invoice was paid.
    Invoice(usize),
}

impl World {
    /// What is asked for in advance, and when the visit is certain.
    pub(super) fn promise(&mut self, i: usize, cents: i64, dice: &mut Dice) {
        let visit = &mut self.visits[i];
        let prepaid = match STUDIOS[visit.studio].paid {
            Plan::DepositPercent(percent) => cents * percent / 100,
            Plan::FullOnline => cents,
            Plan::Invoice | Plan::Till => 0,
        };
        visit.confirmed = Some(visit.created);
        if prepaid > 0 && visit.origin == "online" {
            visit.prepaid = prepaid;
            let paid = visit.created + dice.within(25, 160);
            let start = visit.last().start;
            visit.confirmed = Some(paid).filter(|at| *at < start && !dice.chance(0.02));
        }
    }

    /// All payments of a visit, whose life is known by now.
    pub(super) fn pay(&mut self, i: usize, dice: &mut Dice) {
        let visit = &self.visits[i];
        let Some(confirmed) = visit.confirmed else { return };
        let plan = STUDIOS[visit.studio].paid;
        let (prepaid, cancelled, done) = (visit.prepaid, visit.cancelled, visit.done);
        let (start, usual) = (visit.last().start, visit.trace == Trace::Usual);
        if prepaid > 0 {
            let (purpose, by) = match plan {
                Plan::FullOnline => (Purpose::Full, By::Form),
                _ => (Purpose::Deposit, By::Page),
            };
            let paid = self.charge(i, purpose, by, prepaid, confirmed - 2, dice);
            if let Some(at) = cancelled.filter(|at| start - at > DAY) {
                self.refund(paid, at + dice.within(1, 30) * MINUTE, dice);
            }
        }
        let Some(done) = done else { return };
        let (_, cents) = self.sums(i, done);
        let due = cents - prepaid;
        if due <= 0 {
            return;
        }
        if plan == Plan::Invoice && usual {
            self.invoice(i, due, done, dice);
            return;
        }
        let cash = !usual || dice.chance(self.knobs.cash);
        let tender = if cash { "cash" } else { "card" };
        self.payment(i, Purpose::Settlement, due, tender, done + dice.within(1, 6) * MINUTE, dice);
    }

    fn payment(
        &mut self,
        visit: usize,
        purpose: Purpose,
        amount: i64,
        tender: &'static str,
        at: Seconds,
        dice: &mut Dice,
    ) -> usize {
        self.payments.push(Payment {
            id: uuid(dice),
            visit,
            purpose,
            amount,
            tender,
            charge: None,
            reference: None,
            at,
            refunded: None,
        });
        self.payments.len() - 1
    }

    /// An invoice after the visit: paid by its link, at the desk after all, or not yet.
    fn invoice(&mut self, i: usize, due: i64, done: Seconds, dice: &mut Dice) {
        let created = done + dice.within(20, 1_100) * MINUTE;
        let client = &mut self.clients[self.visits[i].client];
        let payer = client
            .payer
            .get_or_insert_with(|| (created - 1, format!("cus_{}", dice.code(14, BASE62))));
        let payer = payer.1.clone();
        let id = format!("in_1{}", dice.code(23, BASE62));
        let n = self.invoices.len();
        let number = String::new();
        self.invoices.push(Invoice {
            id: id.clone(),
            number,
            visit: i,
            payer,
            created,
            paid: None,
        });
        let at = created + HOUR + dice.waiting(1.4 * DAY as f64) as Seconds;
        let paid = if dice.chance(self.knobs.cash) {
            // The client comes by; staff tick the invoice off.
            let tender = if dice.chance(0.5) { "cash" } else { "card" };
            self.payment(i, Purpose::Invoice, due, tender, at, dice)
        } else if dice.chance(0.97) {
            self.charge(i, Purpose::Invoice, By::Invoice(n), due, at, dice)
        } else {
            return;
        };
        self.payments[paid].reference = Some(id);
        self.invoices[n].paid = Some((at, paid));
    }

    fn refund(&mut self, payment: usize, at: Seconds, dice: &mut Dice) {
        // What would have happened after the loss did not.
        if at > LOST_AT {
            return;
        }
        let Payment { visit, amount, charge, .. } = self.payments[payment];
        self.payments[payment].refunded = Some(at);
        let id = format!("re_3{}", dice.code(22, BASE62));
        let back = self.payment(visit, Purpose::Refund, -amount, "card", at, dice);
        (self.payments[back].charge, self.payments[back].reference) = (charge, Some(id.clone()));
        if let Some(charge) = charge {
            self.charges[charge].refund = Some((at, amount, id));
        }
    }

    /// A payment online, with its charge.
    fn charge(
        &mut self,
        i: usize,
        purpose: Purpose,
        by: By,
        amount: i64,
        at: Seconds,
        dice: &mut Dice,
    ) -> usize {
        let visit = &self.visits[i];
        let studio = visit.studio;
        let client = &self.clients[visit.client];
        let (mut name, mut card) = (client.name(), client.card.clone());
        // Whoever pays online types an address in, also where the studio has none.
        let mut address = client.email.clone();
        if address.is_none() && dice.chance(0.8) {
            address = Some(email(&client.given, &client.family, dice));
        }
        if dice.chance(self.knobs.other_name) {
            match dice.below(4) {
                0 => name = typo(&name, dice),
                1 => name = name.to_uppercase(),
                2 => {
                    let (given, _) = people::name(STUDIOS[studio].language, dice);
                    name = format!("{given} {}", client.family);
                    card = Card::new(dice);
                }
                _ => {
                    let short = people::nickname(&client.given).unwrap_or(&client.given);
                    name = format!("{} {short}", client.family);
                }
            }
        }
        let invoice = if let By::Invoice(n) = by { Some(n) } else { None };
        let mut charge = Charge {
            id: format!("ch_3{}", dice.code(22, BASE62)),
            intent: format!("pi_3{}", dice.code(22, BASE62)),
            session: (by == By::Page).then(|| format!("cs_live_a1{}", dice.code(40, BASE62))),
            invoice,
            studio,
            visit: Some(i),
            payment: None,
            amount,
            created: at - dice.within(15, 60),
            refund: None,
            failed: true,
            name,
            email: address,
            payer: invoice.map(|n| self.invoices[n].payer.clone()),
            card,
            about: None,
        };
        if dice.chance(self.knobs.failed_charge) {
            let again = Charge {
                id: format!("ch_3{}", dice.code(22, BASE62)),
                intent: charge.intent.clone(),
                session: charge.session.clone(),
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
        let payment = self.payment(i, purpose, amount, "card", at, dice);
        (charge.failed, charge.created, charge.payment) = (false, at, Some(payment));
        let reference = if by == By::Page { charge.intent.clone() } else { charge.id.clone() };
        self.payments[payment].reference = Some(reference);
        self.payments[payment].charge = Some(self.charges.len());
        self.charges.push(charge);
        payment
    }

    /// Gives invoices and the till's receipts their numbers, in the order of time.
    pub(super) fn number_documents(&mut self) {
        let mut order: Vec<usize> = (0..self.invoices.len()).collect();
        order.sort_by_key(|n| (self.invoices[*n].created, *n));
        for (n, i) in order.into_iter().enumerate() {
            self.invoices[i].number = format!("NSP-{:04}", 1_180 + n);
        }
        let till = |payment: &Payment| {
            let visit = &self.visits[payment.visit];
            // Staff's own are what the till goes on with.
            let until = if visit.writer == Writer::Staff { Seconds::MAX } else { LOST_AT };
            STUDIOS[visit.studio].paid == Plan::Till && payment.at <= until
        };
        let mut order: Vec<usize> =
            (0..self.payments.len()).filter(|i| till(&self.payments[*i])).collect();
        order.sort_by_key(|i| (self.payments[*i].at, *i));
        let (mut today, mut closing, mut n) = (None, 211, 0);
        for i in order {
            let payment = &self.payments[i];
            let visit = &self.visits[payment.visit];
            let day = local(payment.at, &self.zones[visit.studio]).date();
            if today != Some(day) {
                (today, closing, n) = (Some(day), closing + 1, 0);
            }
            // Walk-ins who buy a shampoo get receipts too.
            n += 1 + i64::from(payment.at % 7 == 0);
            if visit.trace != Trace::Dark {
                self.payments[i].reference = Some(format!("{closing:04}-{n:04}"));
            }
        }
    }

    /// Charges that are about no visit: gift cards, products.
    pub(super) fn unrelated_charges(&mut self, dice: &mut Dice) {
        let n = (self.visits.len() as f64 * self.knobs.clutter * 0.5) as usize;
        for _ in 0..n {
            let studio = [0, 1, 3][dice.below(3)];
            let (given, family) = people::name(STUDIOS[studio].language, dice);
            let about: &[&str] = match studio {
                0 => &["Bon cadeau", "Shampooing 250 ml", "Carte 5 brushings"],
                1 => &["Foam roller", "Gift certificate", "Orthotics, balance"],
                _ => &["Szczoteczka soniczna", "Karta podarunkowa"],
            };
            self.charges.push(Charge {
                id: format!("ch_3{}", dice.code(22, BASE62)),
                intent: format!("pi_3{}", dice.code(22, BASE62)),
                session: None,
                invoice: None,
                studio,
                visit: None,
                payment: None,
                amount: dice.within(3, 40) * 500,
                created: dice.within(BEGAN, LOST_AT - HOUR),
                refund: None,
                failed: dice.chance(0.08),
                email: Some(email(&given, &family, dice)),
                name: format!("{given} {family}"),
                payer: None,
                card: Card::new(dice),
                about: Some(dice.pick(about)),
            });
        }
    }
}

impl Charge {
    /// What was given back.
    pub(super) fn refunded(&self) -> i64 {
        self.refund.as_ref().map_or(0, |(_, amount, _)| *amount)
    }
}
