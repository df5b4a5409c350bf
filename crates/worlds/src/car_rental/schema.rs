//! The database of the system.

use crate::sqlite::Schema;

pub(super) const SCHEMA: Schema = Schema { tables: TABLES, triggers: TRIGGERS };

const TABLES: &str = "
CREATE TABLE tenants (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  slug TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  timezone TEXT NOT NULL,
  currency TEXT NOT NULL
);
CREATE TABLE locations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  UNIQUE (tenant_id, code)
);
CREATE TABLE vehicles (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  location_id INTEGER NOT NULL REFERENCES locations(id),
  plate TEXT NOT NULL UNIQUE,
  make TEXT NOT NULL,
  model TEXT NOT NULL,
  class TEXT NOT NULL,
  daily_rate_cents INTEGER NOT NULL,
  vin TEXT,
  odometer_km INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT,
  phone TEXT,
  created_at TEXT NOT NULL,
  notes TEXT
);
CREATE TABLE rentals (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  vehicle_id INTEGER REFERENCES vehicles(id),
  pickup_location_id INTEGER NOT NULL REFERENCES locations(id),
  return_location_id INTEGER NOT NULL REFERENCES locations(id),
  reference TEXT NOT NULL UNIQUE,
  pickup_at TEXT NOT NULL,
  return_at TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending','confirmed','active','completed','cancelled','no_show')),
  total_cents INTEGER NOT NULL,
  deposit_cents INTEGER NOT NULL DEFAULT 0,
  currency TEXT NOT NULL,
  channel TEXT NOT NULL DEFAULT 'web',
  odometer_out INTEGER,
  odometer_in INTEGER,
  notes TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE payments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id INTEGER NOT NULL REFERENCES tenants(id),
  rental_id INTEGER NOT NULL REFERENCES rentals(id),
  kind TEXT NOT NULL CHECK (kind IN ('deposit','balance','full','refund','cash')),
  amount_cents INTEGER NOT NULL,
  currency TEXT NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('card','cash','transfer')),
  provider_ref TEXT,
  status TEXT NOT NULL,
  paid_at TEXT NOT NULL
);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  rental_id INTEGER NOT NULL REFERENCES rentals(id),
  event TEXT NOT NULL,
  created_at TEXT NOT NULL
);
";

const TRIGGERS: &str = "
CREATE TRIGGER rentals_booked AFTER INSERT ON rentals BEGIN
  INSERT INTO outbox (rental_id, event, created_at)
  VALUES (NEW.id, 'booked', NEW.created_at);
END;
CREATE TRIGGER rentals_moved AFTER UPDATE OF status ON rentals
WHEN OLD.status <> NEW.status BEGIN
  INSERT INTO outbox (rental_id, event, created_at)
  VALUES (NEW.id, NEW.status, NEW.updated_at);
END;
";
