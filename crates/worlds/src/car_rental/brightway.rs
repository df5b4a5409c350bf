//! Brightway Car Rental, New York: plain text, deposits of a fifth, times in UTC.

use super::profile::{
    CalendarStyle, EventTimes, Language, Letter, Letters, PaymentPlan, Profile, Reference, Store,
    StripeStyle,
};
use crate::message::Encoding;

pub(super) const BRIGHTWAY: Profile = Profile {
    name: "Brightway Car Rental",
    slug: "brightway",
    email: "bookings@brightway-rentals.example",
    zone: "America/New_York",
    currency: "USD",
    language: Language::American,
    share: 26,
    locations: &[
        ("JFK", "JFK Airport", "148-10 Archer Ave, Jamaica, NY 11435"),
        ("BKN", "Brooklyn Downtown", "75 Schermerhorn St, Brooklyn, NY 11201"),
        ("EWR", "Newark Airport", "12 Brewster Rd, Newark, NJ 07114"),
    ],
    reference: Reference::Counted("BRT", 10_211),
    payment: PaymentPlan::DepositPercent(20),
    stripe: StripeStyle {
        account: "acct_1MvQ8aKXbRt2wYLd",
        csv_only: false,
        intents: true,
        customers: true,
        description: "Rental {ref} ({kind})",
        metadata: &[
            ("booking_ref", "{ref}"),
            ("rental_id", "{id}"),
            ("type", "{kind}"),
            ("pickup", "{pickup_date}"),
            ("dropoff", "{return_date}"),
        ],
        statement: "BRIGHTWAY RENTAL",
        country: "US",
    },
    calendar: CalendarStyle {
        name: "Brightway Rentals",
        product: "-//Brightway//Fleetdesk 4.2//EN",
        times: EventTimes::Utc,
        uid: "{ref}@fleetdesk.brightway-rentals.example",
        summary: "{ref} {name} - {car} [{plate}]",
        description: "Booking {ref}\nDriver: {name}\nPhone: {phone}\nTotal: {total}\nReturn to: {return_place}",
        location: "{pickup_place}",
        stamps: true,
    },
    letters: Letters {
        encoding: Encoding::EightBit,
        store: Store::Archive,
        confirm: &[
            Letter {
                since: 0,
                subject: "Your Brightway reservation {ref} is confirmed",
                text: "Hi {first},

thanks for booking with Brightway! Here are the details of your rental:

Confirmation number: {ref}
Driver: {name}
Vehicle: {car} or similar, plate {plate}

Pick-up: {pickup}
         {pickup_place}
Return:  {return}
         {return_place}

Total: {total}
?deposit Deposit paid: {deposit}
?notes Notes: {notes}

Please bring your driver's license and a credit card.
Questions? Call (718) 555-0142.

Brightway Car Rental
",
                html: "",
            },
            Letter {
                // 2025-10-06
                since: 1_759_723_200,
                subject: "Booking confirmed: {car}, {pickup_day} ({ref})",
                text: "BOOKING CONFIRMED

Dear {name},

we look forward to seeing you. Reference: {ref}

PICK-UP   {pickup}, {pickup_place}
DROP-OFF  {return}, {return_place}
CAR       {car} ({class}), license plate {plate}
PRICE     {total} for {days} days, taxes included
?deposit PAID      {deposit} by card, {balance} due at pick-up
PHONE     {phone}
?notes NOTES     {notes}

Free cancellation until 48 hours before pick-up.

Your Brightway team, {agent}
",
                html: "",
            },
        ],
        change: &[Letter {
            since: 0,
            subject: "Updated: your Brightway reservation {ref}",
            text: "Hi {first},

we changed your reservation {ref} as you asked. It now reads:

PICK-UP   {pickup}, {pickup_place}
DROP-OFF  {return}, {return_place}
CAR       {car} ({class}), license plate {plate}
PRICE     {total}

It was from {old_pickup} to {old_return} before.

Your Brightway team, {agent}
",
            html: "",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Your Brightway reservation {ref} has been cancelled",
            text: "Hi {first},

your reservation {ref} ({car}, {pickup}) has been cancelled.
?refund We have refunded {refund} to your card.

We hope to see you another time.

Brightway Car Rental
",
            html: "",
        }],
        reminder: &[],
        receipt: &[],
        news: &[Letter {
            since: 0,
            subject: "{first}, 15% off your next weekend with Brightway",
            text: "Hi {first},

weekends are for getting away. Book before {pickup_day} with code GOAWAY15
and save 15% on every compact, from $39.00 a day.

To stop these mails, reply with STOP.
",
            html: "",
        }],
    },
};
