//! What structured data says of a reservation, an order or an invoice, under the same names
//! whichever vocabulary was used: schema.org's, Google's or Apple's.

use jiff::civil;
use jiff::fmt::temporal::DateTimeParser;
use restitch_facts::{BoardingPass, Context, boarding_pass, scan};
use restitch_model::{Decimal, Fact, FactValue, Instant, LocalTime, Place};
use serde_json::Value;

use crate::ld::escaped;

/// How many reservations of a message are told.
const MAX_FOUND: usize = 50;
/// How deep one reservation may hold others.
const MAX_DEPTH: usize = 4;

const REFERENCE: [&str; 7] = [
    "reservationNumber",
    "reservationId",
    "orderNumber",
    "confirmationNumber",
    "invoiceNumber",
    "paymentReferenceId",
    "identifier",
];
const START: [&str; 9] = [
    "pickupTime",
    "checkinTime",
    "checkinDate",
    "departureTime",
    "startTime",
    "startDate",
    "departureDate",
    "departureDay",
    "scheduledTime",
];
const END: [&str; 7] = [
    "dropoffTime",
    "checkoutTime",
    "checkoutDate",
    "arrivalTime",
    "endTime",
    "endDate",
    "arrivalDate",
];
const PRICE: [&str; 4] = ["totalPrice", "price", "totalPaymentDue", "total"];
const CURRENCY: [&str; 3] = ["priceCurrency", "totalPriceCurrency", "currency"];

/// The facts of all reservations, orders and invoices among these objects: `reservation:type`,
/// `:reference`, `:status`, `:name`, `:email`, `:start`, `:end`, `:booked`, `:changed`,
/// `:price`. What the text of a boarding pass's barcode alone tells counts as well. Of a second
/// one the names begin with `reservation(2):`. Each stands where its value
/// stands: at a JSON pointer after the prefix.
pub fn facts(objects: &[Value], prefix: &str, begin_at: usize, context: Context) -> Vec<Fact> {
    let mut found = Found { facts: Vec::new(), count: begin_at, prefix, context };
    for object in objects {
        found.look(object, "", 0);
    }
    found.facts
}

/// How many reservations these facts tell of.
pub fn count(facts: &[Fact]) -> usize {
    facts.iter().filter(|f| f.name.starts_with("reservation") && f.name.ends_with(":type")).count()
}

struct Found<'a> {
    facts: Vec<Fact>,
    count: usize,
    prefix: &'a str,
    context: Context,
}

impl Found<'_> {
    fn look(&mut self, object: &Value, pointer: &str, depth: usize) {
        let Some(kind) = kind(object).filter(|_| depth <= MAX_DEPTH) else { return };
        if kind == "ReservationPackage" || object.get("subReservation").is_some() {
            self.each(object, "subReservation", pointer, depth);
            return;
        }
        if kind == "Order" || kind == "Invoice" || kind.ends_with("Reservation") {
            let subject = object.get("reservationFor").or_else(|| object.get("reservedTicket"));
            let at = format!("{pointer}/reservationFor");
            match subject {
                // One number for several legs.
                Some(Value::Array(legs)) => {
                    for (i, leg) in legs.iter().enumerate() {
                        self.tell(&kind, object, pointer, Some((leg, format!("{at}/{i}"))));
                    }
                }
                leg => self.tell(&kind, object, pointer, leg.map(|leg| (leg, at))),
            }
            self.each(object, "referencesOrder", pointer, depth);
        }
    }

    fn each(&mut self, object: &Value, name: &str, pointer: &str, depth: usize) {
        let at = format!("{pointer}/{name}");
        match object.get(name) {
            Some(Value::Array(inner)) => {
                for (i, one) in inner.iter().enumerate() {
                    self.look(one, &format!("{at}/{i}"), depth + 1);
                }
            }
            Some(one) => self.look(one, &at, depth + 1),
            None => {}
        }
    }

    fn tell(&mut self, kind: &str, object: &Value, pointer: &str, leg: Option<(&Value, String)>) {
        if self.count == MAX_FOUND {
            return;
        }
        self.count += 1;
        let here: Vec<(&Value, &str)> = match &leg {
            Some((leg, at)) => vec![(object, pointer), (leg, at)],
            None => vec![(object, pointer)],
        };
        self.add("type", FactValue::Text(kind.to_owned()), &format!("{pointer}/@type"));
        let pass = pass(object, pointer);
        match (first(&here[..1], &REFERENCE), &pass) {
            (Some((value, at)), _) => self.text("reference", value, &at),
            (None, Some((pass, at))) => {
                let code = pass.legs[0].reference.clone();
                self.add("reference", FactValue::Text(code), at);
            }
            (None, None) => {}
        }
        if let Some((value, at)) =
            first(&here, &["reservationStatus", "orderStatus", "paymentStatus"])
            && let Some(text) = text(value)
        {
            let word = text.rsplit(['/', '#']).next().unwrap_or(&text).to_owned();
            self.add("status", FactValue::Text(word), &at);
        }
        if let Some((person, at)) = first(&here[..1], &["underName", "customer"]) {
            let person_at = [(person, at.as_str())];
            match first(&person_at, &["name"]) {
                Some((name, at)) => self.text("name", name, &at),
                None => self.text("name", person, &at),
            }
            if let Some((email, at)) = first(&person_at, &["email"])
                && let Some(address) = text(email).as_deref().and_then(crate::header::address)
            {
                self.add("email", FactValue::Email(address), &at);
            }
        } else if let Some((pass, at)) = &pass {
            self.add("name", FactValue::Text(pass.passenger.clone()), at);
        }
        self.time("start", &here, &START);
        self.time("end", &here, &END);
        self.time("booked", &here[..1], &["bookingTime", "bookingDate", "orderDate"]);
        self.time("changed", &here[..1], &["modifiedTime", "modifiedDate", "dateModified"]);
        if let Some((value, at)) = first(&here[..1], &PRICE) {
            let inner = [(value, at.as_str())];
            let amount =
                first(&inner, &["price", "value", "minPrice"]).unwrap_or((value, at.clone()));
            let currency = first(&inner, &CURRENCY).or_else(|| first(&here[..1], &CURRENCY));
            let currency = currency.and_then(|(value, _)| text(value));
            if let Some(value) = price(amount.0, currency) {
                self.add("price", value, &amount.1);
            }
        }
    }

    fn time(&mut self, name: &str, here: &[(&Value, &str)], names: &[&str]) {
        let Some((value, at)) = first(here, names) else { return };
        let mut values = times(value, self.context);
        // Check-in at 14:00 of a day that another property names.
        if let [FactValue::Time(clock)] = values[..] {
            let days: Vec<&str> = names.iter().copied().filter(|n| n.ends_with("Date")).collect();
            let day = first(here, &days).map(|(value, _)| times(value, self.context));
            if let Some([FactValue::Date(day)]) = day.as_deref() {
                let civil = day.to_datetime(clock);
                values = vec![FactValue::Local(LocalTime { civil, zone: None })];
            }
        }
        for value in values {
            self.add(name, value, &at);
        }
    }

    fn text(&mut self, name: &str, value: &Value, at: &str) {
        if let Some(text) = text(value) {
            self.add(name, FactValue::Text(text), at);
        }
    }

    fn add(&mut self, name: &str, value: FactValue, at: &str) {
        let name = match self.count {
            1 => format!("reservation:{name}"),
            n => format!("reservation({n}):{name}"),
        };
        let place = Place::whole(format!("{}{at}", self.prefix));
        self.facts.push(Fact { name: name.into(), value, place });
    }
}

/// What an object says that it is: the last word of its `@type`, of several the first that
/// names a reservation.
fn kind(object: &Value) -> Option<String> {
    let word = |value: &Value| {
        let text = value.as_str()?.trim_end_matches('/');
        text.rsplit(['/', '#', ':']).next().map(str::to_owned)
    };
    match object.get("@type")? {
        Value::Array(kinds) => {
            let mut words = kinds.iter().filter_map(word);
            let first = words.clone().next();
            words.find(|word| word.ends_with("Reservation")).or(first)
        }
        one => word(one),
    }
}

/// The first property of these names that says anything, with its pointer.
fn first<'v>(here: &[(&'v Value, &str)], names: &[&str]) -> Option<(&'v Value, String)> {
    names.iter().find_map(|name| {
        here.iter().find_map(|(object, pointer)| {
            let value = object.get(name)?;
            let says = match value {
                Value::Null => false,
                Value::String(text) => !text.trim().is_empty(),
                _ => true,
            };
            says.then(|| (value, format!("{pointer}/{}", escaped(name))))
        })
    })
}

/// The boarding pass whose barcode's text (`aztecCode:M1…`) a ticket holds, with its pointer.
fn pass(object: &Value, pointer: &str) -> Option<(BoardingPass, String)> {
    let ticket = format!("{pointer}/reservedTicket");
    let here = [Some((object, pointer)), object.get("reservedTicket").map(|t| (t, &*ticket))];
    let here: Vec<(&Value, &str)> = here.into_iter().flatten().collect();
    let (token, at) = first(&here, &["ticketToken"])?;
    let token = token.as_str()?;
    Some((boarding_pass(token.split_once(':').map_or(token, |(_, text)| text))?, at))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) => list.first().and_then(text),
        Value::Object(_) => value.get("@value").or_else(|| value.get("value")).and_then(text),
        _ => None,
    }
}

/// The time that a value tells; several where it can be read in several ways.
fn times(value: &Value, context: Context) -> Vec<FactValue> {
    let Some(text) = text(value).filter(|text| text.len() <= 200) else { return Vec::new() };
    let zone = value.get("timezone").and_then(Value::as_str);
    if let Some(told) = iso(&text) {
        return vec![match (told, zone) {
            (FactValue::Local(local), Some(zone)) => {
                FactValue::Local(LocalTime { zone: Some(zone.to_owned()), ..local })
            }
            // What the clock shows there says more than the moment alone.
            (FactValue::Instant(at), Some(zone)) => match at.in_tz(zone) {
                Ok(there) => FactValue::Local(LocalTime {
                    civil: there.datetime(),
                    zone: Some(zone.to_owned()),
                }),
                Err(_) => FactValue::Instant(at),
            },
            (told, _) => told,
        }];
    }
    let found = scan(&text, context).into_iter().map(|found| found.value);
    let mut found: Vec<FactValue> = found
        .filter(|v| matches!(v, FactValue::Local(_) | FactValue::Instant(_) | FactValue::Date(_)))
        .collect();
    if found.iter().any(|value| !matches!(value, FactValue::Date(_))) {
        found.retain(|value| !matches!(value, FactValue::Date(_)));
    }
    found
}

/// ISO 8601, with the blanks and the short offsets (`+0:00`) that occur.
fn iso(text: &str) -> Option<FactValue> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let mut text = text.trim().replacen(' ', "T", 1);
    if let Some(sign) = text.rfind(['+', '-']).filter(|&at| at > 10)
        && text[sign + 1..].find(':') == Some(1)
    {
        text.insert(sign + 1, '0');
    }
    if text.contains('T') {
        if let Ok(at) = text.parse::<Instant>() {
            return Some(FactValue::Instant(at));
        }
        let civil = PARSER.parse_datetime(&text).ok()?;
        return Some(FactValue::Local(LocalTime { civil, zone: None }));
    }
    if let Ok(day) = text.parse::<civil::Date>() {
        return Some(FactValue::Date(day));
    }
    text.contains(':').then(|| text.parse::<civil::Time>().ok().map(FactValue::Time)).flatten()
}

fn price(value: &Value, currency: Option<String>) -> Option<FactValue> {
    let shown = text(value)?;
    let code = |code: String| {
        let code = code.trim().to_ascii_uppercase();
        (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(code)
    };
    let currency = currency.and_then(code);
    if let Ok(major) = shown.parse::<Decimal>() {
        return Some(FactValue::Amount { major, currency });
    }
    scan(&shown, Context::default()).into_iter().find_map(|found| match found.value {
        FactValue::Amount { major, currency: named } => {
            Some(FactValue::Amount { major, currency: named.or_else(|| currency.clone()) })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        let facts = facts(&[value], "ld:", 0, Context::default());
        let one = |f: &Fact| format!("{} {} {}", f.name, f.value, f.place);
        facts.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_rental_is_told_in_googles_words() {
        assert_eq!(
            told(
                r#"{"@type":"RentalCarReservation","reservationNumber":"AB12",
                "reservationStatus":"http://schema.org/Confirmed",
                "underName":{"name":"Anna","email":"A@x.de"},
                "pickupTime":"2026-03-12T10:00:00+01:00","dropoffTime":"2026-03-14 09:30",
                "totalPrice":"149.90","priceCurrency":"eur"}"#
            ),
            "reservation:type RentalCarReservation ld:/@type\n\
             reservation:reference AB12 ld:/reservationNumber\n\
             reservation:status Confirmed ld:/reservationStatus\n\
             reservation:name Anna ld:/underName/name\n\
             reservation:email a@x.de ld:/underName/email\n\
             reservation:start 2026-03-12T09:00:00Z ld:/pickupTime\n\
             reservation:end 2026-03-14T09:30:00 ld:/dropoffTime\n\
             reservation:price 149.90 EUR ld:/totalPrice"
        );
    }

    #[test]
    fn apples_words_and_a_clock_apart_from_its_day_are_known() {
        assert_eq!(
            told(
                r#"{"@type":"http://schema.org/LodgingReservation","reservationId":"K-9",
                "checkinDate":"2026-03-12","checkinTime":"14:00","checkoutDate":"2026-03-13T11:00:00+0:00"}"#
            ),
            "reservation:type LodgingReservation ld:/@type\n\
             reservation:reference K-9 ld:/reservationId\n\
             reservation:start 2026-03-12T14:00:00 ld:/checkinTime\n\
             reservation:end 2026-03-13T11:00:00Z ld:/checkoutDate"
        );
    }

    #[test]
    fn every_leg_is_a_reservation() {
        let told = told(
            r#"{"@type":"TrainReservation","reservationNumber":"R","reservationFor":[
            {"departureTime":"2026-03-12T10:00"},{"departureTime":"2026-03-13T10:00"}]}"#,
        );
        assert!(told.contains("reservation:start 2026-03-12T10:00:00 ld:/reservationFor/0/"));
        assert!(told.contains("reservation(2):reference R"));
        assert!(told.contains("reservation(2):start 2026-03-13T10:00:00 ld:/reservationFor/1/"));
    }

    #[test]
    fn a_date_that_can_be_read_in_two_ways_is_told_twice() {
        let told = told(r#"{"@type":"EventReservation","startDate":"02-04-2026 20:40"}"#);
        assert!(told.contains("2026-04-02T20:40:00") && told.contains("2026-02-04T20:40:00"));
    }

    #[test]
    fn a_boarding_pass_tells_what_its_ticket_leaves_out() {
        let told = told(
            r#"{"@type":"FlightReservation","reservedTicket":{"@type":"Ticket","ticketToken":
            "qrCode:M1MUSTER/ANNA         EXKQWPT FRAZRHLH 1234 010Y012C0007 100"}}"#,
        );
        assert_eq!(
            told,
            "reservation:type FlightReservation ld:/@type\n\
             reservation:reference XKQWPT ld:/reservedTicket/ticketToken\n\
             reservation:name ANNA MUSTER ld:/reservedTicket/ticketToken"
        );
    }

    #[test]
    fn other_things_are_no_reservation() {
        assert_eq!(told(r#"{"@type":"Hotel","name":"x"}"#), "");
        assert_eq!(told(r#"{"reservationNumber":"x"}"#), "");
    }
}
