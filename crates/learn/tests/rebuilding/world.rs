//! Cabins, guests, stays and charges: tables as a backup holds them, and the mails and charges
//! that tell of them. Everything follows from a stay's number, and days count from 2026-01-01.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use restitch_learn::shape::{Bindings, Heard};
use restitch_learn::{
    Book, Incident, Item, Knowledge, LearnError, Material, Rebuilt, Scope, Settings, learn,
    rebuild, study,
};
use restitch_model::{
    Candidate, Cell, Column, Digest, EvidenceId, EvidenceMeta, Fact, FactValue, ForeignKey, Place,
    Row, Snapshot, Table, TableSchema, Value,
};

/// Forty stays were made, one a day, when the backup was taken.
const STAYS: i64 = 40;
/// The day after the last of them.
pub const BACKUP_DAY: i64 = 40;
/// The day of the loss.
const LOST_DAY: i64 = 50;
const CABINS: [&str; 4] = ["Otter Lodge", "Heron House", "Badger Barn", "Falcon Nest"];
const FIRST: [&str; 10] =
    ["Ann", "Bruno", "Carla", "Dieter", "Emma", "Farid", "Greta", "Hugo", "Ines", "Jonas"];
const LAST: [&str; 10] =
    ["Lee", "Rossi", "Kunz", "Novak", "Haddad", "Lind", "Silva", "Costa", "Berg", "Aydin"];

fn day(n: i64) -> Timestamp {
    let start = date(2026, 1, 1).at(9, 0, 0, 0).in_tz("UTC").expect("UTC is known").timestamp();
    start + SignedDuration::from_hours(24 * n)
}

fn time(n: i64) -> String {
    day(n).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Some guests book late, some early.
fn arrival(made: i64) -> i64 {
    made + 4 + made * 7 % 11
}

fn guest(stay: i64) -> i64 {
    stay % 100
}

fn name(stay: i64) -> String {
    let g = guest(stay) as usize;
    format!("{} {}", FIRST[g % 10], LAST[(g / 10 + g) % 10])
}

fn email(stay: i64) -> String {
    format!("{}{}@guests.example", FIRST[guest(stay) as usize % 10].to_lowercase(), guest(stay))
}

fn code(stay: i64) -> String {
    format!("CB-{:05}", 20_000 + stay * 137)
}

fn cents(stay: i64) -> i64 {
    10_000 + (stay * 3_771) % 40_000
}

fn cabin(stay: i64) -> i64 {
    1 + stay % 4
}

const EXTRAS: [&str; 3] = ["Cleaning", "Linen", "Firewood"];

fn extra_name(extra: i64) -> &'static str {
    EXTRAS[extra as usize - 1]
}

/// What a stay is made of, each with its price in cents; together they are the stay's price.
pub fn lines(stay: i64) -> Vec<(i64, i64)> {
    let other = [None, Some(2), Some(3)][stay as usize % 3].map(|extra| (extra, 1_500 + stay));
    let rest = cents(stay) - other.map_or(0, |(_, cents)| cents);
    std::iter::once((1, rest)).chain(other).collect()
}

/// Every fifth stay of the backup was cancelled the day after it was made.
fn is_cancelled(stay: i64) -> bool {
    stay < STAYS && stay % 5 == 3
}

/// The restored database and all evidence.
pub struct World {
    pub snapshot: Snapshot,
    pub items: Vec<Item>,
}

impl World {
    /// Forty stays, each with its confirmation and its charge, some with a cancellation.
    pub fn new() -> Self {
        let rows = |row: &dyn Fn(i64) -> Row| (0..STAYS).map(row).collect::<Vec<Row>>();
        let stay = |n: i64| {
            let status = match arrival(n) < BACKUP_DAY {
                _ if is_cancelled(n) => "cancelled",
                true => "done",
                false => "booked",
            };
            vec![
                n.into(),
                code(n).into(),
                guest(n).into(),
                cabin(n).into(),
                status.into(),
                time(arrival(n)).into(),
                cents(n).into(),
                time(n).into(),
            ]
        };
        let cabins = (1..).zip(CABINS).map(|(n, name)| vec![Value::Integer(n), name.into()]);
        let tables = vec![
            table("cabins", &["id", "name"], cabins.collect()),
            table(
                "guests",
                &["id", "name", "email", "since"],
                rows(&|n| vec![n.into(), name(n).into(), email(n).into(), time(n).into()]),
            ),
            table(
                "stays",
                &[
                    "id",
                    "code",
                    "guest>guests",
                    "cabin>cabins",
                    "status",
                    "arrives",
                    "cents",
                    "made",
                ],
                rows(&stay),
            ),
            table(
                "charges",
                &["id", "stay>stays", "processor_id", "amount", "made"],
                rows(&|n| {
                    vec![n.into(), n.into(), charge_id(n).into(), cents(n).into(), time(n).into()]
                }),
            ),
        ];
        let snapshot =
            Snapshot { database: "cabins".to_owned(), tables, fingerprint: Digest::of(b"cabins") };
        let mut world = Self { snapshot, items: Vec::new() };
        for stay in 0..STAYS {
            world.confirm(stay, stay);
            world.charge(stay, stay);
            if is_cancelled(stay) {
                world.cancel(stay, stay + 1);
            }
        }
        world
    }

    /// A mail confirms a stay.
    pub fn confirm(&mut self, stay: i64, on: i64) {
        let arrives = day(arrival(on.min(stay))).strftime("%Y-%m-%d at %H:%M");
        let price = cents(stay);
        self.mail(
            stay,
            day(on) + 20.seconds(),
            "confirmed",
            format!(
                "Dear {},\nwe look forward to your stay at {}.\nBooking: {}\nArrival: {arrives}\n\
                 Total: {}.{:02} EUR\nYour cabins team",
                name(stay),
                CABINS[cabin(stay) as usize - 1],
                code(stay),
                price / 100,
                price % 100
            ),
        );
    }

    /// A mail says that a stay is off.
    pub fn cancel(&mut self, stay: i64, on: i64) {
        let text = format!("We are sorry that you cancelled booking {}. Goodbye!", code(stay));
        self.mail(stay, day(on) + 7.hours(), "cancelled", text);
    }

    /// Evidence lies in the order of time.
    fn add(&mut self, item: Item) {
        self.items.push(item);
        self.items.sort_by_key(|item| (item.at, item.evidence));
    }

    fn mail(&mut self, stay: i64, sent: Timestamp, what: &str, text: String) {
        self.add(item(
            "mail",
            &format!("{what}-{stay}-{sent}@cabins.example"),
            sent,
            &[
                ("header:from", FactValue::Text("Cabins".to_owned())),
                ("header:to", FactValue::Email(email(stay))),
                ("header:date", FactValue::Instant(sent)),
                ("text", FactValue::Text(text)),
            ],
        ));
    }

    /// A stay is paid for.
    pub fn charge(&mut self, stay: i64, on: i64) {
        self.pay(stay, on, &charge_id(stay), cents(stay));
    }

    /// Something more is paid for a stay: a broken lamp.
    pub fn charge_more(&mut self, stay: i64, on: i64) {
        self.pay(stay, on, &charge_id(STAYS * 2 + stay), 3_500);
    }

    /// Stays are paid for with a deposit, and the rest at the counter, on arrival: of that no charge
    /// names its stay.
    pub fn pay_on_arrival(&mut self) {
        let charges = self.snapshot.tables.iter_mut().find(|t| t.schema.name == "charges");
        let charges = charges.expect("the world has the table");
        let both = |n: i64| {
            let deposit = [deposit_id(n).into(), DEPOSIT.into(), time(n).into()];
            let rest = [charge_id(n).into(), (cents(n) - DEPOSIT).into(), time(arrival(n)).into()];
            let row = |key: i64, told: [Value; 3]| -> Row {
                [key.into(), n.into()].into_iter().chain(told).collect()
            };
            [row(2 * n, deposit), row(2 * n + 1, rest)]
        };
        charges.rows = (0..STAYS).flat_map(both).collect();
        self.items.retain(|item| item.kind == "mail");
        for stay in 0..STAYS {
            self.charge_deposit(stay, stay);
            self.charge_at_counter(stay);
        }
    }

    /// A deposit is paid for a stay.
    pub fn charge_deposit(&mut self, stay: i64, on: i64) {
        self.pay(stay, on, &deposit_id(stay), DEPOSIT);
    }

    /// The rest is paid on arrival, and nothing is noted down.
    pub fn charge_at_counter(&mut self, stay: i64) {
        let (id, on) = (charge_id(stay), day(arrival(stay.min(BACKUP_DAY + 2))));
        let facts = [
            ("/id", FactValue::Text(id.clone())),
            ("/amount", FactValue::Integer(cents(stay) - DEPOSIT)),
            ("/created", FactValue::Instant(on)),
        ];
        self.add(item("processor.charge", &id, on, &facts));
    }

    fn pay(&mut self, stay: i64, on: i64, id: &str, cents: i64) {
        self.add(item(
            "processor.charge",
            id,
            day(on),
            &[
                ("/id", FactValue::Text(id.to_owned())),
                ("/amount", FactValue::Integer(cents)),
                ("/created", FactValue::Instant(day(on))),
                ("/metadata/booking", FactValue::Text(code(stay))),
            ],
        ));
    }

    /// Stays are made of what is on offer, and bills say of what.
    pub fn sell_extras(&mut self) {
        let extras = (1..).zip(EXTRAS).map(|(n, name)| vec![Value::Integer(n), name.into()]);
        let of_stay = |stay: i64| (1..).zip(lines(stay)).map(move |(n, line)| (stay, n, line));
        let all = (0..STAYS).flat_map(of_stay).zip(1..);
        let row = |((stay, n, (extra, cents)), key): ((i64, i64, (i64, i64)), i64)| {
            [key, stay, extra, n, cents].map(Value::Integer).into()
        };
        let columns = ["id", "stay>stays", "extra>extras", "place", "cents"];
        self.snapshot.tables.extend([
            table("extras", &["id", "name"], extras.collect()),
            table("stay_extras", &columns, all.map(row).collect()),
        ]);
        for stay in 0..STAYS {
            self.bill(stay, stay, &lines(stay));
        }
    }

    /// A mail bills a stay for these lines.
    pub fn bill(&mut self, stay: i64, on: i64, lines: &[(i64, i64)]) {
        let euros = |cents: i64| format!("{}.{:02} EUR", cents / 100, cents % 100);
        let line =
            |(extra, cents): &(i64, i64)| format!("{}: {}", extra_name(*extra), euros(*cents));
        let shown: Vec<String> = lines.iter().map(line).collect();
        let text = format!(
            "Thank you for your stay! Here is the bill of booking {}.\n{}\nTo pay: {}\nSafe travels",
            code(stay),
            shown.join("\n"),
            euros(cents(stay)),
        );
        self.mail(stay, day(on) + 9.hours(), "bill", text);
    }

    /// The database never had this table.
    pub fn drop_table(&mut self, name: &str) {
        self.snapshot.tables.retain(|t| t.schema.name != name);
        for table in &mut self.snapshot.tables {
            table.schema.foreign_keys.retain(|key| key.table != name);
        }
    }

    /// The table has another primary key.
    pub fn key(&mut self, name: &str, columns: &[&str]) {
        let table = self.snapshot.tables.iter_mut().find(|t| t.schema.name == name);
        let table = table.expect("the world has the table");
        table.schema.primary_key = columns.iter().map(|c| (*c).to_owned()).collect();
    }

    pub fn learn(&self) -> Knowledge {
        self.try_learn(&settings()).expect("the world can be learned from")
    }

    pub fn try_learn(&self, settings: &Settings) -> Result<Knowledge, LearnError> {
        let bindings = Bindings::find(
            &self.snapshot,
            &settings.tables,
            settings.lists.as_deref(),
            &Heard::of(&self.items),
        );
        let book = Book::find(&self.items, &study::vocabulary(&self.snapshot, &bindings));
        let views = study::views(&self.snapshot, &bindings);
        let shapes = study::key_shapes(&views);
        let parts = book.parts(&self.items, &shapes);
        let (snapshot, items) = (&self.snapshot, &self.items[..]);
        let material = Material {
            snapshot,
            items,
            parts: &parts,
            book: &book,
            shapes: &shapes,
            bindings: &bindings,
            views: &views,
        };
        learn(&material, settings, study::incident(settings, &views, items)?)
    }

    /// Learns, and rebuilds what was lost.
    pub fn rebuild(&self) -> Rebuilt {
        let knowledge = self.learn();
        let parts = knowledge.templates.parts(&self.items, &knowledge.key_shapes);
        let views = study::views(&self.snapshot, &knowledge.bindings);
        let material = Material::known(&self.snapshot, &views, &self.items, &parts, &knowledge);
        let Incident { lost_at, .. } = knowledge.incident;
        let scope = Scope { window: knowledge.window(), as_of: lost_at, accept_at: 0.95 };
        rebuild(&material, &knowledge, scope).expect("the world can be rebuilt")
    }
}

/// The incident as an operator tells it.
pub fn settings() -> Settings {
    Settings {
        backup_at: Some(day(BACKUP_DAY)),
        lost_at: Some(day(LOST_DAY)),
        accept_at: 0.95,
        ..Settings::default()
    }
}

/// The only candidate of a record type.
pub fn one<'r>(rebuilt: &'r Rebuilt, record_type: &str) -> &'r Candidate {
    let of_type = |c: &&Candidate| c.record_type.as_str() == record_type;
    let found: Vec<&Candidate> = rebuilt.candidates.iter().filter(of_type).collect();
    assert_eq!(found.len(), 1, "{}", shown(rebuilt));
    found[0]
}

/// All candidates, a line each, with their fields.
pub fn shown(rebuilt: &Rebuilt) -> String {
    let cell = |cell: &Cell| match cell {
        Cell::Is(value) => value.to_string(),
        Cell::KeyOf(other) => format!("the new {}", other.0.split('-').next().unwrap_or_default()),
    };
    let line = |c: &Candidate| {
        let mut fields: Vec<String> =
            c.fields.iter().map(|f| format!("  {}: {}", f.column, cell(&f.cell))).collect();
        fields.sort();
        let reasons: String = c.reasons.iter().map(|r| format!(", {r}")).collect();
        format!("{} ({}{reasons})\n{}", c.record_type, c.verdict, fields.join("\n"))
    };
    rebuilt.candidates.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is paid for a stay when it is booked, in cents.
const DEPOSIT: i64 = 2_000;

fn deposit_id(stay: i64) -> String {
    charge_id(STAYS * 3 + stay)
}

fn charge_id(stay: i64) -> String {
    format!("ch_{:08}x", 40_000_000 + stay * 7_919)
}

fn item(kind: &str, native_id: &str, at: Timestamp, facts: &[(&str, FactValue)]) -> Item {
    let meta = EvidenceMeta {
        id: EvidenceId::of(native_id.as_bytes()),
        source: "test".to_owned(),
        kind: kind.to_owned(),
        native_id: native_id.to_owned(),
        container: "cabins".to_owned(),
        at: Some(at),
        fetched_at: day(60),
    };
    let fact = |(name, value): &(&str, FactValue)| Fact {
        name: (*name).into(),
        value: value.clone(),
        place: Place::whole(*name),
    };
    Item::new(&meta, facts.iter().map(fact).collect())
}

/// A table whose first column is its key; `guest>guests` refers to another.
fn table(name: &str, columns: &[&str], rows: Vec<Row>) -> Table {
    let named: Vec<(&str, Option<&str>)> = columns
        .iter()
        .map(|c| c.split_once('>').map_or((*c, None), |(name, to)| (name, Some(to))))
        .collect();
    let column = |(name, _): &(&str, Option<&str>)| Column {
        name: (*name).to_owned(),
        declared: String::new(),
        nullable: false,
        default: None,
        generated: false,
    };
    let reference = |(column, to): &(&str, Option<&str>)| {
        Some(ForeignKey {
            column: (*column).to_owned(),
            table: (*to)?.to_owned(),
            to: "id".to_owned(),
        })
    };
    let schema = TableSchema {
        name: name.to_owned(),
        columns: named.iter().map(column).collect(),
        primary_key: vec![named[0].0.to_owned()],
        foreign_keys: named.iter().filter_map(reference).collect(),
        uniques: Vec::new(),
        triggers: Vec::new(),
        next_id: None,
    };
    Table { schema, rows }
}
