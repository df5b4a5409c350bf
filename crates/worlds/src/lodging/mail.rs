//! Which mails are written when, and what they say.

use std::path::Path;

use super::life::{Booking, Cause, Origin, Purpose, Trace, World};
use super::people;
use super::profile::Letter;
use super::words::{money, offset_time, words};
use crate::clock::{BEGAN, DAY, HOUR, LOST_AT, MINUTE, Seconds, TAKEN_AT, moment};
use crate::dice::{Dice, HEX};
use crate::error::WorldError;
use crate::form::{Words, fill};
use crate::ledger::{Item, Ledger};
use crate::mailbox::Mailboxes;
use crate::message::{Encoding, Message};
use crate::people::{ascii, email};
use crate::tables::Writer;

const KIND: &str = "mail";

/// A mail to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Confirm,
    Change(u8),
    Cancel,
    Reminder,
    Bill,
    /// The confirmation again, with the Message-ID of the first or one of its own.
    Resend(bool),
    /// The guest forwards the confirmation.
    Forward,
    /// The guest answers it.
    Reply,
    /// It could not be delivered.
    Bounce,
    News,
    Supplier,
    Question,
}

/// Writes all mails into `dir/mail`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let mut dice = Dice::new(world.seed, 20);
    let mut acts = Vec::new();
    for (i, booking) in world.bookings.iter().enumerate() {
        schedule(world, i, booking, &mut dice, &mut acts);
    }
    for _ in 0..(world.bookings.len() as f64 * world.knobs.clutter) as usize {
        let act = [Act::News, Act::Supplier, Act::Question][dice.weighted(&[5, 3, 2])];
        acts.push((dice.within(BEGAN, LOST_AT), dice.below(world.bookings.len()), act));
    }
    acts.sort_unstable();
    // One house has a Maildir of its own, the others share an archive.
    let boxes = Mailboxes::create(dir, "ginestre-maildir")?;
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
    booking: &Booking,
    dice: &mut Dice,
    acts: &mut Vec<(Seconds, usize, Act)>,
) {
    let letters = &booking.house().letters;
    let knobs = &world.knobs;
    let guest = &world.guests[booking.guest];
    let reachable = guest.email.is_some() || letters.by_text_message;
    let Some(confirmed) = booking.confirmed.filter(|_| reachable) else { return };
    // Staff who type a booking in again mostly spare the guest a second confirmation.
    let quiet = booking.retyped.is_some() && dice.chance(0.5);
    if booking.trace != Trace::Usual || quiet {
        return;
    }
    let until = if booking.writer == Writer::Staff { TAKEN_AT } else { LOST_AT };
    let mut add = |at: Seconds, act: Act| {
        if at <= until {
            acts.push((at, i, act));
        }
    };
    // What is asked for ahead is waited for.
    let ahead = |entry: &usize| {
        let purpose = world.entries[*entry].purpose;
        matches!(purpose, Purpose::Deposit | Purpose::Prepayment)
    };
    let paid = world.entries_of(i).find(ahead).map_or(confirmed, |entry| world.entries[entry].at);
    let sent = confirmed.max(paid) + dice.within(2, 50);
    add(sent, Act::Confirm);
    for (v, version) in booking.versions.iter().enumerate() {
        if version.cause == Cause::Changed {
            add(version.at + dice.within(4, 120), Act::Change(v as u8));
        }
    }
    if let Some(cancelled) = booking.cancelled {
        // Once the money is on its way back.
        add(cancelled + 2 * HOUR + dice.within(3, 60), Act::Cancel);
    }
    let eve = moment(booking.last().from.at(17, 0, 0, 0), &world.zones[booking.tenant]) - DAY;
    if !letters.reminder.is_empty() && booking.cancelled.is_none() && eve > sent {
        add(eve, Act::Reminder);
    }
    if let Some(left) = booking.left.filter(|_| !letters.bill.is_empty()) {
        add(left + dice.within(4, 50) * MINUTE, Act::Bill);
    }
    if dice.chance(knobs.resend) {
        let same = dice.chance(0.5);
        add(sent + dice.within(DAY / 2, 5 * DAY), Act::Resend(same));
    }
    if letters.by_text_message {
        return;
    }
    if dice.chance(knobs.forward) {
        add(sent + dice.within(HOUR, 4 * DAY), Act::Forward);
    }
    if dice.chance(knobs.reply) {
        add(sent + dice.within(HOUR, 2 * DAY), Act::Reply);
    }
    if dice.chance(knobs.resend * 0.3) {
        add(sent + 9, Act::Bounce);
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
        let letters = &self.world.bookings[i].house().letters;
        let missing = self.dice.chance(self.world.knobs.mail_missing);
        let first = message_id(self.world, i);
        match act {
            Act::Confirm | Act::Resend(true) if missing => Ok(()),
            Act::Confirm | Act::Resend(true) => self.send(at, i, letters.confirm, first, act),
            Act::Forward => self.forward(at, i),
            _ if missing => Ok(()),
            Act::Resend(false) => self.send_new(at, i, letters.confirm, act),
            Act::Change(_) => self.send_new(at, i, letters.change, act),
            Act::Cancel => self.send_new(at, i, letters.cancel, act),
            Act::Reminder => self.send_new(at, i, letters.reminder, act),
            Act::Bill => self.send_new(at, i, letters.bill, act),
            Act::News => self.send_new(at, i, letters.news, act),
            Act::Reply | Act::Bounce | Act::Supplier | Act::Question => self.other(at, i, act),
        }
    }

    fn next_id(&mut self, at: Seconds, i: usize) -> String {
        let slug = self.world.bookings[i].house().slug;
        format!("{}.{at}@post.{slug}.example", self.dice.code(12, HEX))
    }

    fn send_new(
        &mut self,
        at: Seconds,
        i: usize,
        forms: &[Letter],
        act: Act,
    ) -> Result<(), WorldError> {
        let id = self.next_id(at, i);
        self.send(at, i, forms, id, act)
    }

    /// What the software writes: one of the house's letters.
    fn send(
        &mut self,
        at: Seconds,
        i: usize,
        forms: &[Letter],
        id: String,
        act: Act,
    ) -> Result<(), WorldError> {
        let Some((bytes, payments)) = self.letter(at, i, forms, &id, act) else { return Ok(()) };
        let house = self.world.bookings[i].house();
        if act == Act::Confirm && self.dice.chance(0.008) {
            self.boxes.save("saved", &bytes)?;
        } else if house.letters.maildir {
            self.boxes.deliver(at, &bytes)?;
        } else {
            self.boxes.archive(at, house.email, &bytes)?;
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
        booking: usize,
        payments: Vec<usize>,
        at: Seconds,
        tells: bool,
        by_hand: bool,
    ) {
        self.ledger.about(Item { kind: KIND, native, booking, payments, at, tells, by_hand });
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
        let booking = &world.bookings[i];
        let house = booking.house();
        let form = in_use(forms, at)?;
        let version = match act {
            Act::Change(v) => usize::from(v),
            Act::Confirm | Act::Resend(_) => 0,
            _ => booking.version(at),
        };
        let shown: Vec<usize> = world
            .entries_of(i)
            .filter(|e| {
                let entry = &world.entries[*e];
                match act {
                    Act::Bill => entry.purpose != Purpose::Refund && entry.at <= at,
                    Act::Cancel => entry.purpose == Purpose::Refund && entry.at <= at,
                    Act::Confirm | Act::Resend(_) => entry.purpose == Purpose::Deposit,
                    _ => false,
                }
            })
            .collect();
        let sums: Vec<String> =
            shown.iter().map(|e| money(world.entries[*e].amount.abs(), house.tongue)).collect();
        let sums = sums.join(" + ");
        let refund = if act == Act::Cancel { sums.clone() } else { String::new() };
        let sent_back = if refund.is_empty() {
            String::new()
        } else {
            format!("{refund} is on its way back. ")
        };
        let words = words(world, booking, version)
            .with("paid", sums)
            .with("refund", refund)
            .with("refund_text", sent_back)
            .with("now_iso", offset_time(at, world, booking.tenant));
        let guest = &world.guests[booking.guest];
        let (name, address) = match &guest.email {
            Some(address) if !self.texted(booking, address) => (guest.name(), address.clone()),
            _ => {
                let digits = guest.mobile.chars().filter(char::is_ascii_digit);
                (String::new(), format!("{}@sms.textline.example", digits.collect::<String>()))
            }
        };
        let message = Message {
            at,
            zone: &world.zones[booking.tenant],
            from: (house.name, house.email),
            to: (&name, &address),
            subject: &fill(form.subject, &words),
            id,
            answers: None,
            encoding: house.letters.encoding,
            text: &fill(form.text, &words),
            html: &fill(form.html, &words),
        };
        Some((message.bytes(), shown))
    }

    /// Whether a house that texts sends to the telephone: to those who rang, to those without
    /// an address, and where a portal stands between.
    fn texted(&self, booking: &Booking, address: &str) -> bool {
        booking.house().letters.by_text_message
            && (matches!(booking.origin, Origin::Telephone | Origin::FrontDesk)
                || address.ends_with("stayportal.example"))
    }

    /// The confirmation, forwarded by the guest to the house.
    fn forward(&mut self, at: Seconds, i: usize) -> Result<(), WorldError> {
        let world = self.world;
        let booking = &world.bookings[i];
        let house = booking.house();
        let guest = &world.guests[booking.guest];
        let Some(address) = guest.email.as_deref() else { return Ok(()) };
        let sent = booking.confirmed.unwrap_or(booking.created);
        let Some(form) = in_use(house.letters.confirm, sent) else { return Ok(()) };
        let words = words(world, booking, 0);
        let subject = fill(form.subject, &words);
        let quoted = shown(form, &words);
        let when = jiff::Timestamp::from_second(sent)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(world.zones[booking.tenant].clone());
        let remark = ["Can we have a cot, too?", "see below", "pour info", ""];
        let text = format!(
            "{}\n\nBegin forwarded message:\n\nFrom: {} <{}>\nSubject: {subject}\n\
             Date: {}\nTo: {address}\n\n{quoted}",
            self.dice.pick(&remark),
            house.name,
            house.email,
            when.strftime("%-d %B %Y at %H:%M:%S"),
        );
        let id = format!("{}@phone.example", self.dice.code(32, HEX).to_uppercase());
        let message = Message {
            at,
            zone: &world.zones[booking.tenant],
            from: (&guest.name(), address),
            to: ("", house.email),
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
        let booking = &world.bookings[i];
        let house = booking.house();
        let guest = &world.guests[booking.guest];
        let address = guest.email.clone().unwrap_or_else(|| "somebody@example.com".to_owned());
        let sent = booking.confirmed.unwrap_or(booking.created);
        let Some(form) = in_use(house.letters.confirm, sent) else { return Ok(()) };
        let first = words(world, booking, 0);
        let (subject, quoted) = (fill(form.subject, &first), shown(form, &first));
        let bill = money(self.dice.within(4_000, 80_000), house.tongue);
        let number = self.dice.within(1_000, 99_999);
        let (given, family) = people::name(house.tongue, &mut self.dice);
        let stranger = email(given, family, &mut self.dice);
        let (from, sender, about, text) = match act {
            Act::Reply => (
                guest.name(),
                address,
                format!("Re: {subject}"),
                format!(
                    "Thank you! Is there somewhere to leave the bags before check-in?\n\n\
                     {} <{}> wrote:\n{}",
                    house.name,
                    house.email,
                    quoted.lines().map(|line| format!("> {line}\n")).collect::<String>(),
                ),
            ),
            Act::Bounce => (
                "Mail Delivery Subsystem".to_owned(),
                "mailer-daemon@relay.example".to_owned(),
                "Delivery Status Notification (Failure)".to_owned(),
                format!(
                    "Your message to {address} could not be delivered: mailbox full.\n\n\
                     Subject: {subject}\n"
                ),
            ),
            Act::Supplier => (
                "Linen & Towels Ltd".to_owned(),
                "accounts@linen-and-towels.example".to_owned(),
                format!("Statement {number}"),
                format!(
                    "Statement {number}\n120 sheets, 240 towels: {bill}\nPayable in 30 days.\n"
                ),
            ),
            _ => (
                format!("{given} {family}"),
                stranger,
                "Two rooms in August?".to_owned(),
                "Hello, have you two rooms for five nights in August, with breakfast?\n".to_owned(),
            ),
        };
        let answered = (act == Act::Reply).then(|| message_id(world, i));
        let id = self.next_id(at, i);
        let message = Message {
            at,
            zone: &world.zones[booking.tenant],
            from: (&from, &sender),
            to: (house.name, house.email),
            subject: &about,
            id: &id,
            answers: answered.as_deref(),
            encoding: Encoding::Quoted,
            text: &text,
            html: "",
        };
        let bytes = message.bytes();
        if house.letters.maildir {
            self.boxes.deliver(at, &bytes)?;
        } else {
            self.boxes.archive(at, &sender, &bytes)?;
        }
        if matches!(act, Act::Reply | Act::Bounce) {
            self.enter(id, i, Vec::new(), at, false, true);
        } else {
            self.ledger.unrelated(KIND);
        }
        Ok(())
    }
}

/// The Message-ID of a booking's first confirmation.
fn message_id(world: &World, i: usize) -> String {
    let booking = &world.bookings[i];
    let at = booking.created;
    let guest = ascii(&world.guests[booking.guest].given);
    format!("{:06x}{guest}.{at}@post.{}.example", i * 6_151 + 977, booking.house().slug)
}

/// The form of a letter that was in use at a moment.
fn in_use(forms: &[Letter], at: Seconds) -> Option<&Letter> {
    forms.iter().rev().find(|form| form.since <= at)
}

/// What a person sees of a letter, as others quote it.
fn shown(form: &Letter, words: &Words) -> String {
    if form.text.is_empty() { bare(form.html, words) } else { fill(form.text, words) }
}

/// A page filled in and without its tags.
fn bare(html: &str, words: &Words) -> String {
    let page = fill(html, words);
    let body = page.find("<body").map_or(page.as_str(), |at| &page[at..]);
    let spaced = body.replace("</td>", " ").replace("</th>", " ").replace("<br>", "\n");
    let mut text = String::new();
    let mut inside = false;
    for letter in spaced.replace("&times;", "×").chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text
}

impl World {
    /// The entries of a booking: they were written one booking after the other.
    pub(super) fn entries_of(&self, booking: usize) -> std::ops::Range<usize> {
        let from = self.entries.partition_point(|entry| entry.booking < booking);
        let to = self.entries.partition_point(|entry| entry.booking <= booking);
        from..to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_its_tags_keeps_the_words() {
        let words = Words::new(vec![("code", "T25-1".to_owned())]);
        let page = "<html><head>x</head><body><p>A <b>{code}</b><br>2 &times; B</p></body>";
        assert_eq!(bare(page, &words), "A T25-1\n2 × B");
    }
}
