//! The database of the system.

use crate::sqlite::Schema;

pub(super) const SCHEMA: Schema = Schema { tables: TABLES, triggers: TRIGGERS };

const TABLES: &str = "
CREATE TABLE properties (
  property_id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  mailbox TEXT NOT NULL UNIQUE,
  tz TEXT NOT NULL,
  currency_code CHAR(3) NOT NULL,
  tax_per_adult_night DECIMAL(6,2) NOT NULL DEFAULT 0
);
CREATE TABLE room_types (
  room_type_id INTEGER PRIMARY KEY,
  property_id INTEGER NOT NULL REFERENCES properties(property_id),
  short_code TEXT NOT NULL,
  label TEXT NOT NULL,
  sleeps INTEGER NOT NULL,
  rack_rate DECIMAL(8,2) NOT NULL,
  UNIQUE (property_id, short_code)
);
CREATE TABLE rooms (
  room_id INTEGER PRIMARY KEY,
  property_id INTEGER NOT NULL REFERENCES properties(property_id),
  room_type_id INTEGER NOT NULL REFERENCES room_types(room_type_id),
  door TEXT NOT NULL,
  meter_kwh INTEGER,
  UNIQUE (property_id, door)
);
CREATE TABLE addons (
  addon_id INTEGER PRIMARY KEY,
  property_id INTEGER NOT NULL REFERENCES properties(property_id),
  sku TEXT NOT NULL,
  label TEXT NOT NULL,
  unit_price DECIMAL(8,2) NOT NULL,
  charged_per TEXT NOT NULL CHECK (charged_per IN ('stay','night','person_night'))
);
CREATE TABLE guests (
  guest_id INTEGER PRIMARY KEY,
  property_id INTEGER NOT NULL REFERENCES properties(property_id),
  full_name TEXT NOT NULL,
  email TEXT,
  mobile TEXT,
  country CHAR(2),
  newsletter BOOLEAN NOT NULL DEFAULT 0,
  remarks TEXT,
  registered_on DATE NOT NULL
);
CREATE TABLE bookings (
  booking_id INTEGER PRIMARY KEY,
  property_id INTEGER NOT NULL REFERENCES properties(property_id),
  guest_id INTEGER NOT NULL REFERENCES guests(guest_id),
  room_id INTEGER NOT NULL REFERENCES rooms(room_id),
  code TEXT NOT NULL,
  checkin_on DATE NOT NULL,
  checkout_on DATE NOT NULL,
  nights INTEGER NOT NULL,
  adults INTEGER NOT NULL,
  children INTEGER NOT NULL DEFAULT 0,
  board TEXT NOT NULL CHECK (board IN ('RO','BB','HB')),
  state TEXT NOT NULL CHECK
    (state IN ('tentative','confirmed','in_house','checked_out','cancelled','no_show')),
  nightly_rate DECIMAL(8,2) NOT NULL,
  addons_total DECIMAL(8,2) NOT NULL DEFAULT 0,
  visitor_tax DECIMAL(8,2) NOT NULL DEFAULT 0,
  grand_total DECIMAL(10,2) NOT NULL,
  deposit_asked DECIMAL(8,2),
  origin TEXT NOT NULL,
  eta TEXT,
  guest_request TEXT,
  internal_note TEXT,
  meter_kwh_out INTEGER,
  booked_at DATETIME NOT NULL,
  touched_at DATETIME NOT NULL,
  UNIQUE (property_id, code),
  CHECK (checkout_on > checkin_on)
);
CREATE TABLE booking_addons (
  line_id INTEGER PRIMARY KEY,
  booking_id INTEGER NOT NULL REFERENCES bookings(booking_id),
  addon_id INTEGER NOT NULL REFERENCES addons(addon_id),
  quantity INTEGER NOT NULL,
  unit_price DECIMAL(8,2) NOT NULL,
  line_total DECIMAL(8,2) NOT NULL
);
CREATE TABLE folio (
  entry_id INTEGER PRIMARY KEY,
  booking_id INTEGER NOT NULL REFERENCES bookings(booking_id),
  purpose TEXT NOT NULL CHECK (purpose IN ('deposit','prepayment','balance','refund')),
  amount DECIMAL(10,2) NOT NULL,
  means TEXT NOT NULL CHECK (means IN ('card','ideal','cash')),
  processor_id TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('settled','partly_reversed','reversed')),
  posted_at DATETIME NOT NULL
);
CREATE TABLE housekeeping_jobs (
  job_id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL,
  booking_id INTEGER NOT NULL REFERENCES bookings(booking_id),
  due_on DATE NOT NULL,
  task TEXT NOT NULL
);
";

const TRIGGERS: &str = "
CREATE TRIGGER bookings_prepare AFTER INSERT ON bookings BEGIN
  INSERT INTO housekeeping_jobs (room_id, booking_id, due_on, task)
  VALUES (NEW.room_id, NEW.booking_id, NEW.checkin_on, 'prepare');
END;
CREATE TRIGGER bookings_clean AFTER UPDATE OF state ON bookings
WHEN NEW.state = 'checked_out' AND OLD.state <> 'checked_out' BEGIN
  INSERT INTO housekeeping_jobs (room_id, booking_id, due_on, task)
  VALUES (NEW.room_id, NEW.booking_id, NEW.checkout_on, 'clean');
END;
";
