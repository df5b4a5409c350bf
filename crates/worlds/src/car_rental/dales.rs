//! Dales & District Vehicle Hire, Leeds: multipart mails in a Maildir, a flat deposit, a
//! calendar without zones, and a payment account of which only the Dashboard's export is left.

use super::profile::{
    CalendarStyle, EventTimes, Language, Letter, Letters, PaymentPlan, Profile, Reference, Store,
    StripeStyle,
};
use crate::message::Encoding;

pub(super) const DALES: Profile = Profile {
    name: "Dales & District Vehicle Hire",
    slug: "dales-hire",
    email: "hello@dales-hire.example",
    zone: "Europe/London",
    currency: "GBP",
    language: Language::British,
    share: 24,
    locations: &[
        ("LDS", "Leeds City", "41 Kirkstall Road, Leeds LS3 1LH"),
        ("HRG", "Harrogate", "8 Station Parade, Harrogate HG1 1UE"),
        ("LBA", "Leeds Bradford Airport", "Whitehouse Lane, Yeadon LS19 7TU"),
    ],
    reference: Reference::Random("HR"),
    payment: PaymentPlan::DepositFlat(7_500),
    stripe: StripeStyle {
        account: "acct_1NdLs5EGy9hIreUk",
        csv_only: true,
        intents: true,
        customers: false,
        description: "Vehicle hire {ref}",
        metadata: &[("booking_id", "{id}"), ("hire_start", "{pickup_date}"), ("reg", "{plate}")],
        statement: "DALES HIRE",
        country: "GB",
    },
    calendar: CalendarStyle {
        name: "Dales Hire bookings",
        product: "-//Rentle//Calendar feed 1.0//EN",
        times: EventTimes::Floating,
        uid: "{uuid}",
        summary: "{car} / {last} / {ref}",
        description: "{name} {phone} {email}\nCollect {pickup_place}, return {return_place}",
        location: "{pickup_place}",
        stamps: false,
    },
    letters: Letters {
        encoding: Encoding::Quoted,
        store: Store::Maildir,
        confirm: &[
            Letter {
                since: 0,
                subject: "Booking {ref} - thank you, {first}",
                text: "Dear {name},

Thank you for booking with Dales & District. Your booking reference is {ref}.

Collect: {pickup} from {pickup_place}
Return: {return} to {return_place}
Vehicle: {car}, registration {plate}
Hire charge: {total}
?deposit Deposit received: {deposit}
?notes Your note: {notes}

Please bring your licence and a utility bill.
Dales & District Vehicle Hire, 0113 496 0123
",
                html: "<p>Dear {name},</p><p>Thank you for booking with Dales &amp; District.</p>
<p>Reference <b>{ref}</b><br>Collect <b>{pickup}</b>, {pickup_place}<br>Return <b>{return}</b>, {return_place}<br>{car}, {plate}<br>Hire charge <b>{total}</b></p>
",
            },
            Letter {
                // 2026-02-20, after the backup: a line more, a word less.
                since: 1_771_545_600,
                subject: "Booking {ref} - thank you, {first}",
                text: "Dear {name},

Thanks for booking with Dales & District. Your booking reference is {ref}.

Collect: {pickup} from {pickup_place}
Return: {return} to {return_place}
Vehicle: {car}, registration {plate}
Hire charge: {total}
?deposit Deposit received: {deposit}
?notes Your note: {notes}

Please bring your licence and a utility bill.
New: our Harrogate branch is now open on Sundays.
Dales & District Vehicle Hire, 0113 496 0123
",
                html: "<p>Dear {name},</p><p>Thanks for booking with Dales &amp; District.</p>
<p>Reference <b>{ref}</b><br>Collect <b>{pickup}</b>, {pickup_place}<br>Return <b>{return}</b>, {return_place}<br>{car}, {plate}<br>Hire charge <b>{total}</b></p>
",
            },
        ],
        change: &[Letter {
            since: 0,
            subject: "Booking {ref} - amended",
            text: "Dear {name},

Your booking {ref} has been amended.

Collect: {pickup} from {pickup_place}
Return: {return} to {return_place}
Vehicle: {car}, registration {plate}
Hire charge: {total}

Dales & District Vehicle Hire, 0113 496 0123
",
            html: "",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Booking {ref} - cancelled",
            text: "Dear {name},

Your booking {ref} for {car} on {pickup_day} is cancelled.
?refund {refund} is on its way back to your card.

Dales & District Vehicle Hire, 0113 496 0123
",
            html: "",
        }],
        reminder: &[],
        receipt: &[],
        news: &[Letter {
            since: 0,
            subject: "Vans for moving day, from \u{a3}45",
            text: "Hello {first},

moving house before {pickup_day}? Our vans start at \u{a3}45 a day.

Unsubscribe: https://dales-hire.example/u
",
            html: "",
        }],
    },
};
