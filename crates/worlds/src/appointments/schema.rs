//! The database of the system.

use crate::sqlite::Schema;

pub(super) const SCHEMA: Schema = Schema { tables: TABLES, triggers: TRIGGERS };

const TABLES: &str = "
CREATE TABLE studio (
  uuid TEXT NOT NULL PRIMARY KEY,
  display_name TEXT NOT NULL,
  contact_mail TEXT NOT NULL,
  tz TEXT NOT NULL,
  currency_code CHAR(3) NOT NULL
);
CREATE TABLE practitioner (
  uuid TEXT NOT NULL PRIMARY KEY,
  studio_uuid TEXT NOT NULL REFERENCES studio(uuid),
  display_name TEXT NOT NULL,
  commission_pct INTEGER NOT NULL,
  hired_on DATE NOT NULL,
  UNIQUE (studio_uuid, display_name)
);
CREATE TABLE service (
  uuid TEXT NOT NULL PRIMARY KEY,
  studio_uuid TEXT NOT NULL REFERENCES studio(uuid),
  title TEXT NOT NULL,
  category TEXT NOT NULL,
  minutes INTEGER NOT NULL,
  list_price DECIMAL(8,2) NOT NULL
);
CREATE TABLE client (
  uuid TEXT NOT NULL PRIMARY KEY,
  studio_uuid TEXT NOT NULL REFERENCES studio(uuid),
  given_name TEXT NOT NULL,
  family_name TEXT NOT NULL,
  mail TEXT,
  mobile TEXT,
  born_on DATE,
  newsletter BOOLEAN NOT NULL DEFAULT 0,
  allergies TEXT,
  joined DATETIME NOT NULL
);
CREATE TABLE appointment (
  uuid TEXT NOT NULL PRIMARY KEY,
  studio_uuid TEXT NOT NULL REFERENCES studio(uuid),
  client_uuid TEXT NOT NULL REFERENCES client(uuid),
  practitioner_uuid TEXT NOT NULL REFERENCES practitioner(uuid),
  code TEXT UNIQUE,
  starts DATETIME NOT NULL,
  ends DATETIME NOT NULL,
  state TEXT NOT NULL DEFAULT 'requested'
    CHECK (state IN ('requested','booked','done','cancelled','missed')),
  price DECIMAL(8,2) NOT NULL,
  prepaid DECIMAL(8,2) NOT NULL DEFAULT 0,
  origin TEXT NOT NULL DEFAULT 'online',
  client_note TEXT,
  internal_note TEXT,
  created DATETIME NOT NULL,
  updated DATETIME NOT NULL
);
CREATE INDEX appointment_by_day ON appointment (starts);
CREATE TABLE appointment_item (
  uuid TEXT NOT NULL PRIMARY KEY,
  appointment_uuid TEXT NOT NULL REFERENCES appointment(uuid) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  service_uuid TEXT NOT NULL REFERENCES service(uuid),
  price DECIMAL(8,2) NOT NULL,
  UNIQUE (appointment_uuid, position)
);
CREATE TABLE receipt (
  uuid TEXT NOT NULL PRIMARY KEY,
  appointment_uuid TEXT NOT NULL REFERENCES appointment(uuid),
  purpose TEXT NOT NULL
    CHECK (purpose IN ('deposit','full','settlement','invoice','refund')),
  amount DECIMAL(8,2) NOT NULL,
  tender TEXT NOT NULL CHECK (tender IN ('card','cash')),
  external_ref TEXT,
  state TEXT NOT NULL,
  taken DATETIME NOT NULL
);
CREATE TABLE message_queue (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  appointment_uuid TEXT NOT NULL REFERENCES appointment(uuid),
  topic TEXT NOT NULL,
  queued DATETIME NOT NULL
);
";

const TRIGGERS: &str = "
CREATE TRIGGER appointment_made AFTER INSERT ON appointment BEGIN
  INSERT INTO message_queue (appointment_uuid, topic, queued)
  VALUES (NEW.uuid, 'made', NEW.created);
END;
CREATE TRIGGER appointment_moved AFTER UPDATE OF starts, practitioner_uuid ON appointment
WHEN OLD.starts <> NEW.starts OR OLD.practitioner_uuid <> NEW.practitioner_uuid BEGIN
  INSERT INTO message_queue (appointment_uuid, topic, queued)
  VALUES (NEW.uuid, 'moved', NEW.updated);
END;
CREATE TRIGGER appointment_ended AFTER UPDATE OF state ON appointment
WHEN OLD.state <> NEW.state BEGIN
  INSERT INTO message_queue (appointment_uuid, topic, queued)
  VALUES (NEW.uuid, NEW.state, NEW.updated);
END;
";
