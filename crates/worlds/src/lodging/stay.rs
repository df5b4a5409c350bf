//! A stay: what is asked for when booking, and what becomes of it until the guest leaves.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::life::{Cause, Line, Origin, Terms, Trace, Version, World};
use super::profile::{Ahead, HOUSES};
use crate::clock::{DAY, HOUR, MINUTE, Seconds, local, moment};
use crate::dice::Dice;

/// A day so many days later.
pub(super) fn later(day: Date, days: i64) -> Date {
    let days: Span = days.days();
    day.saturating_add(days)
}

impl World {
    /// When the guest of a stay may come in.
    pub(super) fn checkin(&self, tenant: usize, terms: &Terms) -> Seconds {
        moment(terms.from.at(15, 0, 0, 0), &self.zones[tenant])
    }

    /// Changes, cancellation, arrival and leaving.
    pub(super) fn live(&mut self, i: usize, dice: &mut Dice) {
        let booking = &self.bookings[i];
        let tenant = booking.tenant;
        let Some(confirmed) = booking.confirmed else {
            // An option that nobody takes up lapses.
            self.bookings[i].cancelled = Some(booking.created + 2 * DAY);
            return;
        };
        let checkin = self.checkin(tenant, booking.last());
        let room = checkin - confirmed > DAY;
        let usual = booking.trace == Trace::Usual;
        if room && usual && dice.chance(0.1) {
            self.bookings[i].cancelled =
                Some(dice.within(confirmed + 2 * HOUR, checkin - 2 * HOUR));
            return;
        }
        if room && usual && dice.chance(0.13) {
            let at = dice.within(confirmed + 2 * HOUR, checkin - 3 * HOUR);
            self.change(i, at, dice);
        }
        if usual && dice.chance(0.015) {
            self.bookings[i].no_show = true;
            return;
        }
        let checkin = self.checkin(tenant, self.bookings[i].last());
        let arrived = (checkin + dice.within(-50, 390) * MINUTE).max(confirmed + 5 * MINUTE);
        self.bookings[i].arrived = Some(arrived);
        if usual && dice.chance(0.035) {
            let mut terms = self.bookings[i].last().clone();
            terms.to = later(terms.to, dice.within(1, 2));
            self.amend(i, arrived + dice.within(HOUR, 10 * HOUR), terms, Cause::Changed);
        }
        let to = self.bookings[i].last().to;
        let leaving = moment(to.at(7, 0, 0, 0), &self.zones[tenant]);
        let left = (leaving + dice.within(0, 235) * MINUTE).max(arrived + HOUR);
        self.bookings[i].left = Some(left);
    }

    /// Other nights, another room, or something besides.
    fn change(&mut self, i: usize, at: Seconds, dice: &mut Dice) {
        let mut terms = self.bookings[i].last().clone();
        let tenant = self.bookings[i].tenant;
        match dice.weighted(&[25, 35, 20, 20]) {
            0 => {
                let old = self.rooms[terms.room].kind;
                let Some(other) = self.free(tenant, at, terms.from, terms.to, i, dice) else {
                    return;
                };
                let kinds = HOUSES[tenant].kinds;
                let kind = &kinds[self.rooms[other].kind];
                if kind.sleeps < terms.adults + terms.children {
                    return;
                }
                terms.rate = (terms.rate + kind.base - kinds[old].base).max(kind.base / 2);
                terms.room = other;
            }
            1 => {
                let days = dice.within(-3, 7);
                let from = later(terms.from, days);
                if days == 0 || moment(from.at(15, 0, 0, 0), &self.zones[tenant]) < at + DAY {
                    terms.to = later(terms.to, 1);
                } else {
                    terms.from = from;
                    terms.to = later(terms.to, days);
                }
            }
            2 if terms.nights() > 1 && dice.chance(0.5) => terms.to = later(terms.to, -1),
            2 => terms.to = later(terms.to, 1),
            _ => {
                let addon = dice.below(HOUSES[tenant].addons.len());
                if terms.addons.contains(&addon) {
                    return;
                }
                terms.addons.push(addon);
            }
        }
        self.amend(i, at, terms, Cause::Changed);
    }

    fn amend(&mut self, i: usize, at: Seconds, terms: Terms, cause: Cause) {
        let old = self.bookings[i].last();
        let mut busy = self.rooms[terms.room].busy.iter();
        if busy.any(|(from, to, whose)| *whose != i && *from < terms.to && terms.from < *to) {
            return;
        }
        for addon in terms.addons.iter().filter(|addon| !old.addons.contains(addon)) {
            self.lines.push(Line { id: 0, booking: i, addon: *addon, added: at });
        }
        let was = old.room;
        self.rooms[was].busy.retain(|(_, _, whose)| *whose != i);
        self.rooms[terms.room].busy.push((terms.from, terms.to, i));
        self.bookings[i].versions.push(Version { at, cause, terms });
    }

    /// Which nights, which room and what besides.
    pub(super) fn terms(
        &self,
        tenant: usize,
        created: Seconds,
        known: Seconds,
        origin: Origin,
        dice: &mut Dice,
    ) -> Terms {
        let house = HOUSES[tenant];
        let now = local(created, &self.zones[tenant]);
        let lead = match origin {
            Origin::FrontDesk => 0,
            _ => (dice.waiting(24.0) as i64).min(150),
        };
        let from = later(now.date(), lead + i64::from(lead == 0 && now.hour() >= 20));
        let flats = house.plan.ahead == Ahead::All;
        let mean = if flats { 3.6 } else { 1.8 };
        let to = later(from, 1 + (dice.waiting(mean) as i64).min(13));
        let room = self
            .free(tenant, known, from, to, usize::MAX, dice)
            .unwrap_or_else(|| self.any_room(tenant, known, dice));
        let kind = &house.kinds[self.rooms[room].kind];
        let adults = [1, 2, 2, 2, 3, 4][dice.below(6)].min(kind.sleeps);
        let children = if dice.chance(0.45) { dice.within(0, kind.sleeps - adults) } else { 0 };
        let weights: Vec<u32> = house.boards.iter().map(|board| board.weight).collect();
        let board = dice.weighted(&weights);
        let season = match from.month() {
            6..=8 => 130,
            4 | 5 | 9 | 12 => 112,
            _ => 100,
        };
        let offer = if dice.chance(0.12) { 500 } else { 0 };
        let rate = kind.base * season / 100 / 50 * 50 - offer + house.boards[board].price * adults;
        let mut addons = Vec::new();
        for addon in 0..house.addons.len() {
            if dice.chance(0.16) {
                addons.push(addon);
            }
        }
        Terms { room, from, to, adults, children, board, rate, addons, rebate: 0 }
    }

    /// A room of the house, opened by then, that is promised to nobody else.
    pub(super) fn free(
        &self,
        tenant: usize,
        known: Seconds,
        from: Date,
        to: Date,
        whose: usize,
        dice: &mut Dice,
    ) -> Option<usize> {
        (0..30).map(|_| self.any_room(tenant, known, dice)).find(|room| {
            let mut busy = self.rooms[*room].busy.iter();
            !busy.any(|(start, end, other)| *other != whose && *start < to && from < *end)
        })
    }

    pub(super) fn any_room(&self, tenant: usize, known: Seconds, dice: &mut Dice) -> usize {
        // The old rooms of one house stand together.
        let old = self.rooms.partition_point(|room| room.opened == 0);
        let first = self.rooms[..old].partition_point(|room| room.tenant < tenant);
        let end = self.rooms[..old].partition_point(|room| room.tenant <= tenant);
        let new: Vec<usize> = (old..self.rooms.len())
            .filter(|i| self.rooms[*i].tenant == tenant && self.rooms[*i].opened <= known)
            .collect();
        let n = dice.below(end - first + new.len());
        if n < end - first { first + n } else { new[n - (end - first)] }
    }
}
