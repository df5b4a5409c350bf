//! The tables, and each thing's row at a moment.

use super::life::{Purpose, World};
use super::profile::{Each, HOUSES};
use crate::cell::Cell;
use crate::clock::{Seconds, local, utc};
use crate::tables::{TableOf, Writer};

/// All tables that the world fills.
pub(super) const TABLES: [TableOf<World>; 8] =
    [PROPERTIES, ROOM_TYPES, ROOMS, ADDONS, GUESTS, BOOKINGS, BOOKING_ADDONS, FOLIO];

const PROPERTIES: TableOf<World> = TableOf {
    name: "properties",
    columns: &["property_id", "title", "mailbox", "tz", "currency_code", "tax_per_adult_night"],
    untold: &["property_id"],
    len: |_| HOUSES.len(),
    writer: |_, _| Writer::Business,
    row: |_, i, _| {
        let house = HOUSES[i];
        let mut row = vec![property(i)];
        row.extend([house.name, house.email, house.zone, house.currency].map(Cell::from));
        row.push(Cell::Decimal(house.tax));
        Some(row)
    },
};

const ROOM_TYPES: TableOf<World> = TableOf {
    name: "room_types",
    columns: &["room_type_id", "property_id", "short_code", "label", "sleeps", "rack_rate"],
    untold: &["room_type_id", "sleeps", "rack_rate"],
    len: |_| HOUSES.iter().map(|house| house.kinds.len()).sum(),
    writer: |_, _| Writer::Business,
    row: |_, i, _| {
        let (tenant, n) = place(i, |tenant| HOUSES[tenant].kinds.len());
        let kind = &HOUSES[tenant].kinds[n];
        Some(vec![
            Cell::Integer(i as i64 + 1),
            property(tenant),
            kind.code.into(),
            kind.label.into(),
            Cell::Integer(kind.sleeps),
            Cell::Decimal(kind.base),
        ])
    },
};

const ROOMS: TableOf<World> = TableOf {
    name: "rooms",
    columns: &["room_id", "property_id", "room_type_id", "door", "meter_kwh"],
    untold: &["room_id", "meter_kwh"],
    len: |world| world.rooms.len(),
    writer: |_, _| Writer::Business,
    row: |world, i, at| {
        let room = &world.rooms[i];
        (room.opened <= at).then(|| {
            let before: usize = HOUSES[..room.tenant].iter().map(|house| house.kinds.len()).sum();
            let read = room.busy.iter().rev().map(|(_, _, booking)| &world.bookings[*booking]);
            let mut read = read.filter(|booking| booking.left.is_some_and(|left| left <= at));
            vec![
                room_key(i),
                property(room.tenant),
                Cell::Integer((before + room.kind) as i64 + 1),
                room.door.clone().into(),
                read.next().map_or(Cell::Null, |booking| Cell::Integer(booking.meter)),
            ]
        })
    },
};

const ADDONS: TableOf<World> = TableOf {
    name: "addons",
    columns: &["addon_id", "property_id", "sku", "label", "unit_price", "charged_per"],
    untold: &["addon_id", "sku", "charged_per"],
    len: |_| HOUSES.iter().map(|house| house.addons.len()).sum(),
    writer: |_, _| Writer::Business,
    row: |_, i, _| {
        let (tenant, n) = place(i, |tenant| HOUSES[tenant].addons.len());
        let addon = &HOUSES[tenant].addons[n];
        let each = match addon.each {
            Each::Stay => "stay",
            Each::Night => "night",
            Each::Person => "person_night",
        };
        Some(vec![
            Cell::Integer(i as i64 + 1),
            property(tenant),
            addon.sku.into(),
            addon.label.into(),
            Cell::Decimal(addon.price),
            each.into(),
        ])
    },
};

const GUESTS: TableOf<World> = TableOf {
    name: "guests",
    columns: &[
        "guest_id",
        "property_id",
        "full_name",
        "email",
        "mobile",
        "country",
        "newsletter",
        "remarks",
        "registered_on",
    ],
    untold: &["guest_id", "newsletter", "remarks"],
    len: |world| world.guests.len(),
    writer: |world, i| world.guests[i].writer,
    row: |world, i, at| {
        let guest = &world.guests[i];
        (guest.created <= at).then(|| {
            let remark = guest.remark.filter(|(moment, _)| *moment <= at);
            vec![
                Cell::Integer(guest.id),
                property(guest.tenant),
                guest.name().into(),
                guest.email.as_deref().into(),
                guest.mobile.clone().into(),
                guest.country.into(),
                Cell::Integer(i64::from(guest.newsletter)),
                remark.map(|(_, remark)| remark).into(),
                local(guest.created, &world.zones[guest.tenant]).date().to_string().into(),
            ]
        })
    },
};

const BOOKINGS: TableOf<World> = TableOf {
    name: "bookings",
    columns: &[
        "booking_id",
        "property_id",
        "guest_id",
        "room_id",
        "code",
        "checkin_on",
        "checkout_on",
        "nights",
        "adults",
        "children",
        "board",
        "state",
        "nightly_rate",
        "addons_total",
        "visitor_tax",
        "grand_total",
        "deposit_asked",
        "origin",
        "eta",
        "guest_request",
        "internal_note",
        "meter_kwh_out",
        "booked_at",
        "touched_at",
    ],
    untold: &["origin", "internal_note", "meter_kwh_out"],
    len: |world| world.bookings.len(),
    writer: |world, i| world.bookings[i].writer,
    row: |world, i, at| {
        let booking = &world.bookings[i];
        if booking.created > at {
            return None;
        }
        let house = booking.house();
        let (state, since) = booking.state(at, &world.zones[booking.tenant]);
        let terms = &booking.versions[booking.version(at)].terms;
        let note = booking.note.filter(|(moment, _)| *moment <= at);
        let left = booking.left.is_some_and(|left| left <= at);
        let eta = booking.eta.map(|eta| format!("{:02}:{:02}", eta / 60, eta % 60));
        let asked = if booking.deposit > 0 { Cell::Decimal(booking.deposit) } else { Cell::Null };
        Some(vec![
            Cell::Integer(booking.id),
            property(booking.tenant),
            Cell::Integer(world.guests[booking.guest].id),
            room_key(terms.room),
            booking.code.clone().into(),
            terms.from.to_string().into(),
            terms.to.to_string().into(),
            Cell::Integer(terms.nights()),
            Cell::Integer(terms.adults),
            Cell::Integer(terms.children),
            house.boards[terms.board].code.into(),
            state.into(),
            Cell::Decimal(terms.rate),
            Cell::Decimal(terms.addons_total(house)),
            Cell::Decimal(terms.tax(house)),
            Cell::Decimal(terms.total(house)),
            asked,
            booking.origin.name().into(),
            eta.as_deref().into(),
            booking.request.into(),
            note.map(|(_, note)| note).into(),
            if left { Cell::Integer(booking.meter) } else { Cell::Null },
            stamp(booking.created),
            stamp(since),
        ])
    },
};

const BOOKING_ADDONS: TableOf<World> = TableOf {
    name: "booking_addons",
    columns: &["line_id", "booking_id", "addon_id", "quantity", "unit_price", "line_total"],
    untold: &["line_id"],
    len: |world| world.lines.len(),
    writer: |world, i| world.bookings[world.lines[i].booking].writer,
    row: |world, i, at| {
        let line = &world.lines[i];
        (line.added <= at).then(|| {
            let booking = &world.bookings[line.booking];
            let terms = &booking.versions[booking.version(at)].terms;
            let addon = &booking.house().addons[line.addon];
            let before: usize =
                HOUSES[..booking.tenant].iter().map(|house| house.addons.len()).sum();
            let quantity = terms.quantity(addon);
            vec![
                Cell::Integer(line.id),
                Cell::Integer(booking.id),
                Cell::Integer((before + line.addon) as i64 + 1),
                Cell::Integer(quantity),
                Cell::Decimal(addon.price),
                Cell::Decimal(addon.price * quantity),
            ]
        })
    },
};

const FOLIO: TableOf<World> = TableOf {
    name: "folio",
    columns: &[
        "entry_id",
        "booking_id",
        "purpose",
        "amount",
        "means",
        "processor_id",
        "outcome",
        "posted_at",
    ],
    untold: &["entry_id"],
    len: |world| world.entries.len(),
    writer: |world, i| world.bookings[world.entries[i].booking].writer,
    row: |world, i, at| {
        let entry = &world.entries[i];
        (entry.at <= at).then(|| {
            vec![
                Cell::Integer(entry.id),
                Cell::Integer(world.bookings[entry.booking].id),
                entry.purpose.name().into(),
                Cell::Decimal(entry.amount),
                entry.means.into(),
                world.processor_id(i).into(),
                entry.status(at).into(),
                stamp(entry.at),
            ]
        })
    },
};

impl World {
    /// The processor's name for an entry: the refund's, the intent's, the charge's.
    fn processor_id(&self, entry: usize) -> Option<&str> {
        let entry = &self.entries[entry];
        let charge = &self.charges[entry.charge?];
        if entry.purpose == Purpose::Refund {
            return charge.refund.as_ref().map(|(_, _, id)| id.as_str());
        }
        charge.intent.as_deref().or(Some(&charge.id))
    }
}

/// The house and the position within it of the thing at a position among all houses'.
fn place(mut i: usize, len: impl Fn(usize) -> usize) -> (usize, usize) {
    let mut tenant = 0;
    while i >= len(tenant) {
        i -= len(tenant);
        tenant += 1;
    }
    (tenant, i)
}

fn property(tenant: usize) -> Cell {
    Cell::Integer(tenant as i64 + 1)
}

fn room_key(room: usize) -> Cell {
    Cell::Integer(room as i64 + 1)
}

/// A moment in UTC, as the database writes it: `2026-01-25 03:00:00`.
fn stamp(at: Seconds) -> Cell {
    utc(at).strftime("%Y-%m-%d %H:%M:%S").to_string().into()
}
