//! The tables, and each thing's row at a moment.

use jiff::tz::TimeZone;

use super::life::World;
use super::profile::STUDIOS;
use crate::cell::Cell;
use crate::clock::{Seconds, local};
use crate::tables::{TableOf, Writer};

/// All tables that the world fills.
pub(super) const TABLES: [TableOf<World>; 7] = [
    TableOf {
        name: "studio",
        columns: &["uuid", "display_name", "contact_mail", "tz", "currency_code"],
        untold: &["uuid"],
        len: |_| STUDIOS.len(),
        writer: |_, _| Writer::Business,
        row: |world, i, _| {
            let p = STUDIOS[i];
            let mut row = vec![world.studios[i].clone().into()];
            row.extend([p.name, p.email, p.zone, p.currency].map(Cell::from));
            Some(row)
        },
    },
    TableOf {
        name: "practitioner",
        columns: &["uuid", "studio_uuid", "display_name", "commission_pct", "hired_on"],
        untold: &["uuid", "commission_pct", "hired_on"],
        len: |world| world.staff.len(),
        writer: |_, _| Writer::Business,
        row: |world, i, at| {
            let p = &world.staff[i];
            (p.began <= at).then(|| {
                vec![
                    p.id.clone().into(),
                    world.studios[p.studio].clone().into(),
                    p.shown.clone().into(),
                    Cell::Integer(p.percent),
                    p.hired.clone().into(),
                ]
            })
        },
    },
    TableOf {
        name: "service",
        columns: &["uuid", "studio_uuid", "title", "category", "minutes", "list_price"],
        untold: &["uuid", "category"],
        len: |world| world.services.len(),
        writer: |_, _| Writer::Business,
        row: |world, i, _| {
            let s = &world.services[i];
            Some(vec![
                s.id.clone().into(),
                world.studios[s.studio].clone().into(),
                s.title.into(),
                s.category.into(),
                Cell::Integer(s.minutes),
                Cell::Decimal(s.price),
            ])
        },
    },
    TableOf {
        name: "client",
        columns: &[
            "uuid",
            "studio_uuid",
            "given_name",
            "family_name",
            "mail",
            "mobile",
            "born_on",
            "newsletter",
            "allergies",
            "joined",
        ],
        untold: &["uuid", "born_on", "newsletter", "allergies"],
        len: |world| world.clients.len(),
        writer: |world, i| world.clients[i].writer,
        row: |world, i, at| {
            let c = &world.clients[i];
            (c.joined <= at).then(|| {
                vec![
                    c.id.clone().into(),
                    world.studios[c.studio].clone().into(),
                    c.given.clone().into(),
                    c.family.clone().into(),
                    c.email.as_deref().into(),
                    c.mobile.clone().into(),
                    c.born.as_deref().into(),
                    Cell::Integer(i64::from(c.newsletter)),
                    c.allergy(at).into(),
                    wall(c.joined, &world.zones[c.studio]),
                ]
            })
        },
    },
    TableOf {
        name: "appointment",
        columns: &[
            "uuid",
            "studio_uuid",
            "client_uuid",
            "practitioner_uuid",
            "code",
            "starts",
            "ends",
            "state",
            "price",
            "prepaid",
            "origin",
            "client_note",
            "internal_note",
            "created",
            "updated",
        ],
        untold: &["origin", "internal_note"],
        len: |world| world.visits.len(),
        writer: |world, i| world.visits[i].writer,
        row: |world, i, at| {
            let v = &world.visits[i];
            if v.created > at {
                return None;
            }
            let zone = &world.zones[v.studio];
            let state = world.state(i, at);
            Some(vec![
                v.id.clone().into(),
                world.studios[v.studio].clone().into(),
                world.clients[v.client].id.clone().into(),
                world.staff[state.terms.staff].id.clone().into(),
                v.code.as_deref().into(),
                wall(state.terms.start, zone),
                wall(state.end, zone),
                state.state.into(),
                Cell::Decimal(state.total),
                Cell::Decimal(v.prepaid),
                v.origin.into(),
                v.wish.into(),
                state.internal.into(),
                wall(v.created, zone),
                wall(state.updated, zone),
            ])
        },
    },
    TableOf {
        name: "appointment_item",
        columns: &["uuid", "appointment_uuid", "position", "service_uuid", "price"],
        untold: &["uuid"],
        len: |world| world.lines.len(),
        writer: |world, i| world.visits[world.lines[i].visit].writer,
        row: |world, i, at| {
            let line = &world.lines[i];
            (line.since <= at).then(|| {
                vec![
                    line.id.clone().into(),
                    world.visits[line.visit].id.clone().into(),
                    Cell::Integer(line.position),
                    world.services[line.service].id.clone().into(),
                    Cell::Decimal(line.price),
                ]
            })
        },
    },
    TableOf {
        name: "receipt",
        columns: &[
            "uuid",
            "appointment_uuid",
            "purpose",
            "amount",
            "tender",
            "external_ref",
            "state",
            "taken",
        ],
        untold: &["uuid"],
        len: |world| world.payments.len(),
        writer: |world, i| world.visits[world.payments[i].visit].writer,
        row: |world, i, at| {
            let p = &world.payments[i];
            (p.at <= at).then(|| {
                vec![
                    p.id.clone().into(),
                    world.visits[p.visit].id.clone().into(),
                    p.purpose.name().into(),
                    Cell::Decimal(p.amount),
                    p.tender.into(),
                    p.reference.as_deref().into(),
                    p.state(at).into(),
                    wall(p.at, &world.zones[world.visits[p.visit].studio]),
                ]
            })
        },
    },
];

/// A moment as the database writes it: `2026-04-14 10:30:00` on the studio's wall clock.
fn wall(at: Seconds, zone: &TimeZone) -> Cell {
    local(at, zone).strftime("%Y-%m-%d %H:%M:%S").to_string().into()
}
