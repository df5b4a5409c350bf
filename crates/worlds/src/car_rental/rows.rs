//! The tables, and each thing's row at a moment.

use super::life::World;
use super::profile::PROFILES;
use crate::cell::Cell;
use crate::clock::iso;
use crate::tables::{TableOf, Writer};

/// All tables that the world fills.
pub(super) const TABLES: [TableOf<World>; 6] = [
    TableOf {
        name: "tenants",
        columns: &["id", "name", "slug", "email", "timezone", "currency"],
        untold: &["id"],
        len: |_| PROFILES.len(),
        writer: |_, _| Writer::Business,
        row: |_, i, _| {
            let p = PROFILES[i];
            let mut row = vec![Cell::Integer(i as i64 + 1)];
            row.extend([p.name, p.slug, p.email, p.zone, p.currency].map(Cell::from));
            Some(row)
        },
    },
    TableOf {
        name: "locations",
        columns: &["id", "tenant_id", "code", "name", "address"],
        untold: &["id", "code"],
        len: |world| world.locations.len(),
        writer: |_, _| Writer::Business,
        row: |world, i, _| {
            let l = &world.locations[i];
            let mut row = vec![Cell::Integer(l.id), Cell::Integer(l.tenant as i64 + 1)];
            row.extend([l.code, l.name, l.address].map(Cell::from));
            Some(row)
        },
    },
    TableOf {
        name: "vehicles",
        columns: &[
            "id",
            "tenant_id",
            "location_id",
            "plate",
            "make",
            "model",
            "class",
            "daily_rate_cents",
            "vin",
            "odometer_km",
        ],
        untold: &["id", "location_id", "daily_rate_cents", "vin"],
        len: |world| world.vehicles.len(),
        writer: |_, _| Writer::Business,
        row: |world, i, at| {
            let v = &world.vehicles[i];
            (v.bought <= at).then(|| {
                vec![
                    Cell::Integer(v.id),
                    Cell::Integer(v.tenant as i64 + 1),
                    Cell::Integer(world.locations[v.location].id),
                    v.plate.clone().into(),
                    v.make.into(),
                    v.model.into(),
                    v.class.into(),
                    Cell::Integer(v.rate),
                    v.vin.clone().into(),
                    Cell::Integer(v.km(at)),
                ]
            })
        },
    },
    TableOf {
        name: "customers",
        columns: &[
            "id",
            "tenant_id",
            "first_name",
            "last_name",
            "email",
            "phone",
            "created_at",
            "notes",
        ],
        untold: &["id", "notes"],
        len: |world| world.customers.len(),
        writer: |world, i| world.customers[i].writer,
        row: |world, i, at| {
            let c = &world.customers[i];
            (c.created <= at).then(|| {
                vec![
                    Cell::Integer(c.id),
                    Cell::Integer(c.tenant as i64 + 1),
                    c.first.clone().into(),
                    c.last.clone().into(),
                    c.email.as_deref().into(),
                    c.phone(at).into(),
                    iso(c.created).into(),
                    c.note(at).into(),
                ]
            })
        },
    },
    TableOf {
        name: "rentals",
        columns: &[
            "id",
            "tenant_id",
            "customer_id",
            "vehicle_id",
            "pickup_location_id",
            "return_location_id",
            "reference",
            "pickup_at",
            "return_at",
            "status",
            "total_cents",
            "deposit_cents",
            "currency",
            "channel",
            "odometer_out",
            "odometer_in",
            "notes",
            "created_at",
            "updated_at",
        ],
        untold: &["channel"],
        len: |world| world.rentals.len(),
        writer: |world, i| world.rentals[i].writer,
        row: |world, i, at| {
            let r = &world.rentals[i];
            if r.created > at {
                return None;
            }
            let state = r.state(at);
            let terms = &state.terms;
            Some(vec![
                Cell::Integer(r.id),
                Cell::Integer(r.tenant as i64 + 1),
                Cell::Integer(world.customers[r.customer].id),
                Cell::Integer(world.vehicles[terms.vehicle].id),
                Cell::Integer(world.locations[terms.from].id),
                Cell::Integer(world.locations[terms.to].id),
                r.reference.clone().into(),
                iso(terms.pickup).into(),
                iso(terms.end).into(),
                state.status.into(),
                Cell::Integer(terms.total),
                Cell::Integer(r.deposit),
                PROFILES[r.tenant].currency.into(),
                r.channel.into(),
                state.km_out.map_or(Cell::Null, Cell::Integer),
                state.km_in.map_or(Cell::Null, Cell::Integer),
                state.notes.into(),
                iso(r.created).into(),
                iso(state.updated).into(),
            ])
        },
    },
    TableOf {
        name: "payments",
        columns: &[
            "id",
            "tenant_id",
            "rental_id",
            "kind",
            "amount_cents",
            "currency",
            "method",
            "provider_ref",
            "status",
            "paid_at",
        ],
        untold: &["id"],
        len: |world| world.payments.len(),
        writer: |world, i| world.rentals[world.payments[i].rental].writer,
        row: |world, i, at| {
            let p = &world.payments[i];
            (p.at <= at).then(|| {
                let tenant = world.rentals[p.rental].tenant;
                vec![
                    Cell::Integer(p.id),
                    Cell::Integer(tenant as i64 + 1),
                    Cell::Integer(world.rentals[p.rental].id),
                    p.kind.name().into(),
                    Cell::Integer(p.amount),
                    PROFILES[tenant].currency.into(),
                    p.method.into(),
                    world.provider_ref(i).into(),
                    p.status(at).into(),
                    iso(p.at).into(),
                ]
            })
        },
    },
];

impl World {
    /// The payment provider's name for a payment: the refund's, the intent's, the charge's.
    fn provider_ref(&self, payment: usize) -> Option<&str> {
        let payment = &self.payments[payment];
        let charge = &self.charges[payment.charge?];
        if payment.kind == super::life::PaymentKind::Refund {
            return charge.refund.as_ref().map(|(_, _, id)| id.as_str());
        }
        charge.intent.as_deref().or(Some(&charge.id))
    }
}
