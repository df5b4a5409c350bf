//! Which mails are written when, and what they say.

use std::path::Path;

use super::life::{Cause, PaymentKind, Rental, Trace, World};
use super::people;
use super::profile::{Letter, PROFILES, Store};
use super::words::money;
use crate::clock::{BEGAN, DAY, HOUR, LOST_AT, MINUTE, Seconds, TAKEN_AT};
use crate::dice::{Dice, HEX};
use crate::error::WorldError;
use crate::form::{Words, fill};
use crate::ledger::{Item, Ledger};
use crate::mailbox::Mailboxes;
use crate::message::{Encoding, Message};
use crate::page::bare;
use crate::tables::Writer;

const KIND: &str = "mail";

/// A mail to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Confirm,
    Change(u8),
    Cancel,
    Reminder,
    Receipt,
    /// The confirmation again, with the Message-ID of the first or one of its own.
    Resend(bool),
    /// The customer forwards the confirmation.
    Forward,
    /// The customer answers it.
    Reply,
    /// It could not be delivered.
    Bounce,
    News,
    Invoice,
    Question,
}

/// Writes all mails into `dir/mail`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let mut dice = Dice::new(world.seed, 20);
    let mut acts = Vec::new();
    for (i, rental) in world.rentals.iter().enumerate() {
        schedule(world, i, rental, &mut dice, &mut acts);
    }
    for _ in 0..(world.rentals.len() as f64 * world.knobs.clutter) as usize {
        let act = [Act::News, Act::Invoice, Act::Question][dice.weighted(&[5, 3, 2])];
        acts.push((dice.within(BEGAN, LOST_AT), dice.below(world.rentals.len()), act));
    }
    acts.sort_unstable();
    let boxes = Mailboxes::create(dir, "bookings-maildir")?;
    let mut office = Office { world, ledger, boxes, dice };
    for (at, i, act) in acts {
        office.write(at, i, act)?;
    }
    office.boxes.close()
}

/// The mails of one booking.
fn schedule(
    world: &World,
    i: usize,
    rental: &Rental,
    dice: &mut Dice,
    acts: &mut Vec<(Seconds, usize, Act)>,
) {
    let letters = &world.profile(rental.tenant).letters;
    let knobs = &world.knobs;
    let reachable = world.customers[rental.customer].email.is_some();
    let Some(confirmed) = rental.confirmed.filter(|_| reachable) else { return };
    // Staff who type a booking in again mostly spare the customer a second confirmation.
    let quiet = rental.retyped.is_some() && dice.chance(0.5);
    if rental.trace != Trace::Usual || quiet {
        return;
    }
    let until = if rental.writer == Writer::Staff { TAKEN_AT } else { LOST_AT };
    let mut add = |at: Seconds, act: Act| {
        if at <= until {
            acts.push((at, i, act));
        }
    };
    let sent = confirmed + dice.within(2, 40);
    add(sent, Act::Confirm);
    for (v, version) in rental.versions.iter().enumerate() {
        if version.cause == Cause::Changed {
            add(version.at + dice.within(4, 90), Act::Change(v as u8));
        }
    }
    if let Some(cancelled) = rental.cancelled {
        add(cancelled + dice.within(3, 60), Act::Cancel);
    }
    let before = rental.last().pickup - 22 * HOUR;
    if !letters.reminder.is_empty() && rental.cancelled.is_none() && before > sent {
        add(before, Act::Reminder);
    }
    if let Some(returned) = rental.returned.filter(|_| !letters.receipt.is_empty()) {
        add(returned + dice.within(5, 40) * MINUTE, Act::Receipt);
    }
    if dice.chance(knobs.resend) {
        let same = dice.chance(0.5);
        add(sent + dice.within(DAY / 2, 4 * DAY), Act::Resend(same));
    }
    if dice.chance(knobs.forward) {
        add(sent + dice.within(HOUR, 3 * DAY), Act::Forward);
    }
    if dice.chance(knobs.reply) {
        add(sent + dice.within(HOUR, 2 * DAY), Act::Reply);
    }
    if dice.chance(knobs.resend * 0.3) {
        add(sent + 8, Act::Bounce);
    }
}

/// Writes mails and enters them in the ledger.
struct Office<'a> {
    world: &'a World,
    ledger: &'a mut Ledger,
    boxes: Mailboxes,
    dice: Dice,
}

impl Office<'_> {
    fn write(&mut self, at: Seconds, i: usize, act: Act) -> Result<(), WorldError> {
        let rental = &self.world.rentals[i];
        let letters = &self.world.profile(rental.tenant).letters;
        let missing = self.dice.chance(self.world.knobs.mail_missing);
        let first = message_id(self.world, i);
        match act {
            Act::Confirm | Act::Resend(true) if missing => Ok(()),
            Act::Confirm => self.send(at, i, letters.confirm, first, act),
            Act::Resend(same) => {
                let id = if same { first } else { self.next_id(at, i) };
                self.send(at, i, letters.confirm, id, act)
            }
            Act::Forward => self.forward(at, i),
            _ if missing => Ok(()),
            Act::Change(_) => self.with_next_id(at, i, letters.change, act),
            Act::Cancel => self.with_next_id(at, i, letters.cancel, act),
            Act::Reminder => self.with_next_id(at, i, letters.reminder, act),
            Act::Receipt => self.with_next_id(at, i, letters.receipt, act),
            Act::News => self.with_next_id(at, i, letters.news, act),
            Act::Reply | Act::Bounce | Act::Invoice | Act::Question => self.other(at, i, act),
        }
    }

    fn next_id(&mut self, at: Seconds, i: usize) -> String {
        let profile = self.world.profile(self.world.rentals[i].tenant);
        format!("{at:x}.{}@mta.{}.example", self.dice.code(10, HEX), profile.slug)
    }

    fn with_next_id(
        &mut self,
        at: Seconds,
        i: usize,
        forms: &[Letter],
        act: Act,
    ) -> Result<(), WorldError> {
        let id = self.next_id(at, i);
        self.send(at, i, forms, id, act)
    }

    /// What the software writes: one of the company's letters.
    fn send(
        &mut self,
        at: Seconds,
        i: usize,
        forms: &[Letter],
        id: String,
        act: Act,
    ) -> Result<(), WorldError> {
        let Some((bytes, payments)) = self.letter(at, i, forms, &id, act) else { return Ok(()) };
        let rental = &self.world.rentals[i];
        let profile = self.world.profile(rental.tenant);
        let aside = act == Act::Confirm && self.dice.chance(0.008);
        if aside {
            self.boxes.save("saved", &bytes)?;
        } else if profile.letters.store == Store::Maildir {
            self.boxes.deliver(at, &bytes)?;
        } else {
            self.boxes.archive(at, profile.email, &bytes)?;
        }
        if act == Act::News {
            self.ledger.unrelated(KIND);
        } else {
            // A reminder and a copy say nothing that is new.
            let tells = !matches!(act, Act::Reminder | Act::Resend(_));
            self.enter(id, i, payments, at, tells, false);
        }
        Ok(())
    }

    fn enter(
        &mut self,
        native: String,
        rental: usize,
        payments: Vec<usize>,
        at: Seconds,
        tells: bool,
        by_hand: bool,
    ) {
        self.ledger.about(Item {
            kind: KIND,
            native,
            booking: rental,
            payments,
            at,
            tells,
            by_hand,
        });
    }

    /// The bytes of a letter, and the payments that it shows.
    fn letter(
        &self,
        at: Seconds,
        i: usize,
        forms: &[Letter],
        id: &str,
        act: Act,
    ) -> Option<(Vec<u8>, Vec<usize>)> {
        let world = self.world;
        let rental = &world.rentals[i];
        let profile = world.profile(rental.tenant);
        let form = forms.iter().rev().find(|form| form.since <= at)?;
        let version = match act {
            Act::Change(v) => usize::from(v),
            Act::Confirm | Act::Resend(_) => 0,
            _ => rental.version(at),
        };
        let payments = world.payments_of(i);
        let shown: Vec<usize> = payments
            .filter(|p| {
                let payment = &world.payments[*p];
                match act {
                    Act::Receipt => payment.kind != PaymentKind::Refund && payment.at <= at,
                    Act::Cancel => payment.kind == PaymentKind::Refund,
                    Act::Confirm | Act::Resend(_) => match payment.kind {
                        PaymentKind::Deposit => true,
                        PaymentKind::Full => payment.at <= at,
                        _ => false,
                    },
                    _ => false,
                }
            })
            .collect();
        let sums: Vec<String> = shown
            .iter()
            .map(|p| {
                let payment = &world.payments[*p];
                let by = if payment.method == "cash" { "bar" } else { "Karte" };
                let amount = money(payment.amount, profile.language);
                if act == Act::Receipt { format!("{amount} {by}") } else { amount }
            })
            .collect();
        let sums = sums.join(" + ");
        let word = match act {
            Act::Receipt => "paid_by",
            Act::Cancel => "refund",
            _ => "paid",
        };
        let words = Words::of(world, rental, version).with(word, sums);
        let customer = &world.customers[rental.customer];
        let name = format!("{} {}", customer.first, customer.last);
        let message = Message {
            at,
            zone: &world.zones[rental.tenant],
            from: (profile.name, profile.email),
            to: (&name, customer.email.as_deref()?),
            subject: &fill(form.subject, &words),
            id,
            answers: None,
            encoding: profile.letters.encoding,
            text: &fill(form.text, &words),
            html: &fill(form.html, &words),
        };
        Some((message.bytes(), shown))
    }

    /// The confirmation, forwarded by the customer to the company.
    fn forward(&mut self, at: Seconds, i: usize) -> Result<(), WorldError> {
        let world = self.world;
        let rental = &world.rentals[i];
        let profile = world.profile(rental.tenant);
        let customer = &world.customers[rental.customer];
        let Some(address) = customer.email.as_deref() else { return Ok(()) };
        let sent = rental.confirmed.unwrap_or(rental.created);
        let forms = profile.letters.confirm;
        let Some(form) = forms.iter().rev().find(|form| form.since <= sent) else { return Ok(()) };
        let words = Words::of(world, rental, 0);
        let subject = fill(form.subject, &words);
        let plain = if form.text.is_empty() { bare(form.html) } else { form.text.to_owned() };
        let when = jiff::Timestamp::from_second(sent)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(world.zones[rental.tenant].clone());
        let remark = ["FYI", "Is this still valid?", "here is what you sent me", ""];
        let text = format!(
            "{}\n\n---------- Forwarded message ---------\nFrom: {} <{}>\nDate: {}\n\
             Subject: {subject}\nTo: <{address}>\n\n{}",
            self.dice.pick(&remark),
            profile.name,
            profile.email,
            when.strftime("%a, %b %-d, %Y at %-I:%M %p"),
            fill(&plain, &words),
        );
        let id = format!("CA{}@mail.gmail.example", self.dice.code(24, HEX));
        let first = people::nickname(&customer.first).unwrap_or(&customer.first);
        let name = format!("{first} {}", customer.last);
        let message = Message {
            at,
            zone: &world.zones[rental.tenant],
            from: (&name, address),
            to: ("", profile.email),
            subject: &format!("Fwd: {subject}"),
            id: &id,
            answers: None,
            encoding: Encoding::Quoted,
            text: &text,
            html: "",
        };
        self.boxes.save("fwd", &message.bytes())?;
        self.enter(id, i, Vec::new(), at, false, true);
        Ok(())
    }

    /// What others write.
    fn other(&mut self, at: Seconds, i: usize, act: Act) -> Result<(), WorldError> {
        let world = self.world;
        let rental = &world.rentals[i];
        let profile = world.profile(rental.tenant);
        let customer = &world.customers[rental.customer];
        let address = customer.email.as_deref().unwrap_or("someone@example.com");
        let name = format!("{} {}", customer.first, customer.last);
        let subject = PROFILES[rental.tenant].letters.confirm[0].subject;
        let subject = fill(subject, &Words::of(world, rental, 0));
        let garage = "Kwik Garage & Tyres";
        let cents = self.dice.within(3_000, 90_000);
        let number = self.dice.within(1_000, 99_999);
        let bill = money(cents, profile.language);
        let stranger = people::name(profile.language, &mut self.dice);
        let asker = format!("{} {}", stranger.0, stranger.1);
        let from_asker = crate::people::email(&stranger.0, &stranger.1, &mut self.dice);
        let (from, about, text) = match act {
            Act::Reply => (
                (name.as_str(), address),
                format!("Re: {subject}"),
                "Could we come an hour later? And is there a charger in the car?\n".to_owned(),
            ),
            Act::Bounce => (
                ("Mail Delivery System", "mailer-daemon@mta.example"),
                "Undelivered Mail Returned to Sender".to_owned(),
                format!(
                    "This is the mail system at host mta.example.\n\n\
                     <{address}>: host mx.example said: 550 5.1.1 User unknown\n\n\
                     Subject: {subject}\n"
                ),
            ),
            Act::Invoice => (
                (garage, "billing@kwik-garage.example"),
                format!("Invoice R-{number}"),
                format!(
                    "Invoice R-{number}\n4 tyres, fitting, balancing: {bill}\nDue in 14 days.\n"
                ),
            ),
            _ => (
                (asker.as_str(), from_asker.as_str()),
                "Question about vans".to_owned(),
                "Hello, do you rent vans for three days in July, and what do they cost?\n"
                    .to_owned(),
            ),
        };
        let answered = (act == Act::Reply).then(|| message_id(world, i));
        let id = self.next_id(at, i);
        let message = Message {
            at,
            zone: &world.zones[rental.tenant],
            from,
            to: (profile.name, profile.email),
            subject: &about,
            id: &id,
            answers: answered.as_deref(),
            encoding: Encoding::Quoted,
            text: &text,
            html: "",
        };
        let bytes = message.bytes();
        match profile.letters.store {
            Store::Maildir => self.boxes.deliver(at, &bytes)?,
            Store::Archive => self.boxes.archive(at, from.1, &bytes)?,
        }
        match act {
            Act::Reply | Act::Bounce => self.enter(id, i, Vec::new(), at, false, true),
            _ => self.ledger.unrelated(KIND),
        }
        Ok(())
    }
}

/// The Message-ID of a booking's first confirmation.
fn message_id(world: &World, i: usize) -> String {
    let rental = &world.rentals[i];
    let slug = world.profile(rental.tenant).slug;
    let at = rental.confirmed.unwrap_or(rental.created);
    format!("{at:x}.{:x}c@mta.{slug}.example", i * 7_919 + 4_242)
}

impl World {
    /// The payments of a rental: they were written one booking after the other.
    pub(super) fn payments_of(&self, rental: usize) -> std::ops::Range<usize> {
        let from = self.payments.partition_point(|payment| payment.rental < rental);
        let to = self.payments.partition_point(|payment| payment.rental <= rental);
        from..to
    }
}
