//! Which messages are written when, and what they say.

use std::path::Path;

use super::life::{Cause, Purpose, Trace, World};
use super::people;
use super::profile::{Language, Letter, STUDIOS, Store};
use super::words::money;
use crate::clock::{BEGAN, DAY, HOUR, LOST_AT, MINUTE, Seconds};
use crate::dice::{Dice, HEX};
use crate::error::WorldError;
use crate::form::{Words, fill};
use crate::ledger::{Item, Ledger};
use crate::mailbox::Mailboxes;
use crate::message::{Encoding, Message};
use crate::page::bare;
use crate::people::email;

const KIND: &str = "mail";

/// A message to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Confirm,
    Moved(u8),
    Cancel,
    Reminder,
    Receipt,
    /// The confirmation once more.
    Resend,
    /// The client forwards the confirmation.
    Forward,
    /// The client answers it.
    Reply,
    News,
    /// A supplier's bill.
    Bill,
    /// Somebody asks for prices.
    Question,
}

/// Writes all messages into `dir/mail`.
pub(super) fn write(world: &World, dir: &Path, ledger: &mut Ledger) -> Result<(), WorldError> {
    let mut dice = Dice::new(world.seed, 46);
    let mut acts = Vec::new();
    for i in 0..world.visits.len() {
        schedule(world, i, &mut dice, &mut acts);
    }
    for _ in 0..(world.visits.len() as f64 * world.knobs.clutter) as usize {
        let act = [Act::News, Act::Bill, Act::Question][dice.weighted(&[5, 3, 2])];
        acts.push((dice.within(BEGAN, LOST_AT), dice.below(world.visits.len()), act));
    }
    acts.sort_unstable();
    let boxes = Mailboxes::create(dir, "wizyty-maildir")?;
    let mut office = Office { world, ledger, boxes, dice };
    for (at, i, act) in acts {
        office.write(at, i, act)?;
    }
    office.boxes.close()
}

impl World {
    /// Where messages to a visit's client go.
    fn address(&self, i: usize) -> Option<String> {
        let visit = &self.visits[i];
        let client = &self.clients[visit.client];
        if STUDIOS[visit.studio].letters.store != Store::Telephone {
            return client.email.clone();
        }
        let digits: String = client.mobile.chars().filter(char::is_ascii_digit).collect();
        let digits = if digits.len() == 10 { format!("39{digits}") } else { digits };
        Some(format!("{digits}@sms.gateway.example"))
    }
}

/// The messages of one visit.
fn schedule(world: &World, i: usize, dice: &mut Dice, acts: &mut Vec<(Seconds, usize, Act)>) {
    let visit = &world.visits[i];
    let letters = &STUDIOS[visit.studio].letters;
    let Some(confirmed) = visit.confirmed.filter(|_| world.address(i).is_some()) else { return };
    // Staff who type a visit in again mostly spare the client a second confirmation.
    let quiet = visit.retyped.is_some() && dice.chance(0.6);
    if visit.trace != Trace::Usual || quiet {
        return;
    }
    let until = world.until(Some(i));
    let mut add = |at: Seconds, act: Act| {
        if at <= until {
            acts.push((at, i, act));
        }
    };
    // Who is already there needs no confirmation.
    let sent = confirmed + dice.within(2, 45);
    if visit.origin != "walk_in" {
        add(sent, Act::Confirm);
        if dice.chance(world.knobs.resend) {
            add(sent + dice.within(DAY / 3, 3 * DAY), Act::Resend);
        }
        if dice.chance(world.knobs.forward) && letters.store != Store::Telephone {
            add(sent + dice.within(HOUR, 3 * DAY), Act::Forward);
        }
        if dice.chance(world.knobs.reply) {
            add(sent + dice.within(HOUR, 2 * DAY), Act::Reply);
        }
    }
    for (v, version) in visit.versions.iter().enumerate() {
        if version.cause == Cause::Moved {
            add(version.at + dice.within(4, 90), Act::Moved(v as u8));
        }
    }
    if let Some(cancelled) = visit.cancelled {
        add(cancelled + dice.within(3, 60), Act::Cancel);
    }
    let before = visit.last().start - 20 * HOUR;
    if !letters.reminder.is_empty() && visit.cancelled.is_none() && before > sent {
        add(before, Act::Reminder);
    }
    if let Some(done) = visit.done.filter(|_| !letters.receipt.is_empty()) {
        add(done + dice.within(8, 30) * MINUTE, Act::Receipt);
    }
}

/// Writes messages and enters them in the ledger.
struct Office<'a> {
    world: &'a World,
    ledger: &'a mut Ledger,
    boxes: Mailboxes,
    dice: Dice,
}

impl Office<'_> {
    fn write(&mut self, at: Seconds, i: usize, act: Act) -> Result<(), WorldError> {
        let letters = &STUDIOS[self.world.visits[i].studio].letters;
        if self.dice.chance(self.world.knobs.mail_missing) {
            return Ok(());
        }
        match act {
            Act::Confirm | Act::Resend => self.send(at, i, letters.confirm, act),
            Act::Moved(_) => self.send(at, i, letters.moved, act),
            Act::Cancel => self.send(at, i, letters.cancel, act),
            Act::Reminder => self.send(at, i, letters.reminder, act),
            Act::Receipt => self.send(at, i, letters.receipt, act),
            Act::News => self.send(at, i, letters.news, act),
            Act::Forward => self.forward(at, i),
            Act::Reply | Act::Bill | Act::Question => self.others(at, i, act),
        }
    }

    /// A confirmation sent again keeps the first one's name.
    fn id(&mut self, at: Seconds, i: usize, act: Act) -> String {
        let visit = &self.world.visits[i];
        let slug = STUDIOS[visit.studio].slug;
        match act {
            Act::Confirm | Act::Resend => format!("{}.c@mta.{slug}.example", &visit.id[..18]),
            _ => format!("{at:x}.{}@mta.{slug}.example", self.dice.code(12, HEX)),
        }
    }

    /// A visit as a message of a moment tells it, and the payments that it shows.
    fn words(&self, at: Seconds, i: usize, act: Act) -> (Words, Vec<usize>) {
        let world = self.world;
        let visit = &world.visits[i];
        let version = match act {
            Act::Moved(v) => usize::from(v),
            Act::Confirm | Act::Resend => 0,
            // What is printed when the client has gone knows who was there.
            Act::Receipt => visit.version(at),
            _ => world.told_version(i, at),
        };
        // A confirmation sent again is worded as the first one was.
        let known = if act == Act::Resend { visit.created } else { at };
        let mut words = world.words(i, version, known);
        let mut shown = Vec::new();
        for p in world.payments_of(i) {
            let payment = &world.payments[p];
            let amount = money(payment.amount.abs(), STUDIOS[visit.studio].language);
            let (key, tender) = match (act, payment.purpose) {
                _ if payment.at > at => continue,
                (Act::Confirm | Act::Resend, Purpose::Deposit | Purpose::Full) => ("", ""),
                (Act::Receipt, Purpose::Deposit) => ("", ""),
                (Act::Receipt, Purpose::Settlement) if payment.tender == "cash" => {
                    ("paid", "espèces")
                }
                (Act::Receipt, Purpose::Settlement) => ("paid", "carte bancaire"),
                (Act::Cancel, Purpose::Refund) => ("refund", ""),
                _ => continue,
            };
            shown.push(p);
            if !key.is_empty() {
                words = words.with(key, amount).with("tender", tender.to_owned());
            }
        }
        (words, shown)
    }

    /// What the software writes: one of the studio's letters.
    fn send(
        &mut self,
        at: Seconds,
        i: usize,
        forms: &[Letter],
        act: Act,
    ) -> Result<(), WorldError> {
        let world = self.world;
        let visit = &world.visits[i];
        let profile = STUDIOS[visit.studio];
        let Some(form) = forms.iter().rev().find(|form| form.since <= at) else { return Ok(()) };
        let Some(address) = world.address(i) else { return Ok(()) };
        let (words, payments) = self.words(at, i, act);
        let id = self.id(at, i, act);
        let phone = profile.letters.store == Store::Telephone;
        let name = if phone { String::new() } else { world.clients[visit.client].name() };
        let from = if phone { "sms@gateway.example" } else { profile.email };
        let message = Message {
            at,
            zone: &world.zones[visit.studio],
            from: (profile.name, from),
            to: (&name, &address),
            subject: &fill(form.subject, &words),
            id: &id,
            answers: None,
            encoding: profile.letters.encoding,
            text: &fill(form.text, &words),
            html: &fill(form.html, &words),
        };
        let bytes = message.bytes();
        match profile.letters.store {
            _ if act == Act::Confirm && self.dice.chance(0.01) => {
                self.boxes.save("saved", &bytes)?
            }
            Store::Maildir => self.boxes.deliver(at, &bytes)?,
            Store::Archive | Store::Telephone => self.boxes.archive(at, from, &bytes)?,
        }
        if act == Act::News {
            self.ledger.unrelated(KIND);
        } else {
            // A reminder and a copy say nothing that is new.
            let tells = !matches!(act, Act::Reminder | Act::Resend);
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

    /// The confirmation, forwarded by the client to the studio.
    fn forward(&mut self, at: Seconds, i: usize) -> Result<(), WorldError> {
        let world = self.world;
        let visit = &world.visits[i];
        let profile = STUDIOS[visit.studio];
        let Some(address) = world.address(i) else { return Ok(()) };
        let sent = visit.confirmed.unwrap_or(visit.created);
        let forms = profile.letters.confirm;
        let Some(form) = forms.iter().rev().find(|form| form.since <= sent) else { return Ok(()) };
        let (words, _) = self.words(sent, i, Act::Confirm);
        let (subject, body) = (fill(form.subject, &words), fill(form.html, &words));
        let text = if form.text.is_empty() { bare(&body) } else { fill(form.text, &words) };
        let quoted: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
        let remark = ["OK?", "Is this the right day?", "voilà", "FYI", "to ta wizyta?"];
        let text = format!(
            "{}\n\n-----Original Message-----\nFrom: {} <{}>\nSubject: {subject}\n\n{}\n",
            self.dice.pick(&remark),
            profile.name,
            profile.email,
            quoted.join("\n"),
        );
        let id = format!("{}@phone.example", self.dice.code(28, HEX).to_uppercase());
        let message = Message {
            at,
            zone: &world.zones[visit.studio],
            from: (&world.clients[visit.client].name(), &address),
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
    fn others(&mut self, at: Seconds, i: usize, act: Act) -> Result<(), WorldError> {
        let world = self.world;
        let visit = &world.visits[i];
        let profile = STUDIOS[visit.studio];
        let client = &world.clients[visit.client];
        let (given, family) = people::name(profile.language, &mut self.dice);
        let stranger = format!("{given} {family}");
        let unknown = email(&given, &family, &mut self.dice);
        let own = world.address(i).unwrap_or_else(|| unknown.clone());
        let (name, cents) = (client.name(), self.dice.within(2_000, 70_000));
        let bill = money(cents, profile.language);
        let answered = (act == Act::Reply).then(|| self.id(at, i, Act::Confirm));
        let (from, subject, text) = match act {
            Act::Reply => (
                (name.as_str(), own.as_str()),
                "Re: ".to_owned()
                    + fill(profile.letters.confirm[0].subject, &self.words(at, i, act).0).as_str(),
                answer(profile.language).to_owned(),
            ),
            Act::Bill => (
                ("Beauté & Med Supply", "orders@supply.example"),
                "Your order has shipped".to_owned(),
                format!("Order 5{cents}\n12 boxes of gloves, 4 l disinfectant\nTotal {bill}\n"),
            ),
            _ => (
                (stranger.as_str(), unknown.as_str()),
                "Prices?".to_owned(),
                "Hello, what would a first appointment cost, and are you open on Saturdays?\n"
                    .to_owned(),
            ),
        };
        let id = self.id(at, i, act);
        let message = Message {
            at,
            zone: &world.zones[visit.studio],
            from,
            to: (profile.name, profile.email),
            subject: &subject,
            id: &id,
            answers: answered.as_deref(),
            encoding: Encoding::Quoted,
            text: &text,
            html: "",
        };
        let bytes = message.bytes();
        match profile.letters.store {
            Store::Maildir => self.boxes.deliver(at, &bytes)?,
            Store::Archive | Store::Telephone => self.boxes.archive(at, from.1, &bytes)?,
        }
        match act {
            Act::Reply => self.enter(id, i, Vec::new(), at, false, true),
            _ => self.ledger.unrelated(KIND),
        }
        Ok(())
    }
}

/// What clients answer, to no effect.
fn answer(language: Language) -> &'static str {
    match language {
        Language::French => "Merci ! Est-ce qu'on peut se garer à côté ?\n",
        Language::Canadian => "Thanks! Is there parking nearby?\n",
        Language::Italian => "Grazie, posso portare il cane?\n",
        Language::Polish => "Dziękuję. Czy mogę zapłacić kartą?\n",
    }
}
