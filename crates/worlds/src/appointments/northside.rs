//! Northside Physio, Toronto: plain text in English, invoices after the visit, a calendar
//! for every therapist.

use super::profile::{
    CalendarStyle, Code, EventTimes, Language, Letter, Letters, Plan, Profile, Store,
};
use crate::message::Encoding;

pub(super) const NORTHSIDE: Profile = Profile {
    name: "Northside Physio & Rehab",
    slug: "northside-physio",
    email: "frontdesk@northside-physio.example",
    zone: "America/Toronto",
    currency: "CAD",
    language: Language::Canadian,
    share: 26,
    staff: &["Priya Raman", "Marcus Bell", "Joanne Tremblay"],
    title: "",
    services: &[
        ("Initial Assessment", "assessment", 60, 14_500),
        ("Follow-up Treatment", "treatment", 30, 9_250),
        ("Extended Treatment", "treatment", 45, 12_000),
        ("Sports Massage", "massage", 60, 11_500),
        ("Dry Needling", "treatment", 30, 8_800),
        ("Gait Analysis", "assessment", 45, 13_500),
    ],
    lines: [86, 14, 0],
    origins: [55, 41, 4],
    wishes: &[
        "first visit",
        "knee, since the marathon",
        "please call before",
        "I come with a wheelchair",
        "WSIB claim, forms to sign",
    ],
    reachable: 0.96,
    code: Code::OfKey,
    paid: Plan::Invoice,
    account: Some("acct_1PnSx3KCa9pHyTor"),
    country: "CA",
    calendar: CalendarStyle {
        name: "Northside",
        product: "-//Google Inc//Google Calendar 70.9054//EN",
        times: EventTimes::Zone,
        by_staff: true,
        uid: "appt{digits}@northside-physio.example",
        summary: "{initial}. {family} - {services}",
        description: "Ref {code}\nCell {mobile}\n{email}",
        location: "Northside Physio, 2200 Yonge St",
        stamps: true,
        days_off: &["Vacation", "Conference - Ottawa", "Clinic closed"],
    },
    letters: Letters {
        encoding: Encoding::EightBit,
        store: Store::Archive,
        confirm: &[
            Letter {
                since: 0,
                subject: "Appointment confirmed: {when}",
                text: "Hi {given},

You're booked in at Northside Physio.

When: {when} ({minutes} minutes)
With: {staff}
What: {services}
Fee: {total}
?wish You told us: {wish}

Confirmation {code}. Need to change it? Call 416-555-0142 at least 24 hours ahead.

Northside Physio & Rehab
2200 Yonge Street, Toronto
",
                html: "",
            },
            Letter {
                // 2026-03-02, after the backup: the same, tidied up.
                since: 1_772_427_600,
                subject: "You're booked: {when} with {staff}",
                text: "Hi {given},

Your appointment at Northside Physio is confirmed.

Date & time: {when}
Duration: {minutes} minutes
Therapist: {staff}
Service: {services}
Fee: {total}
?wish Your note: {wish}
Confirmation: {code}

Need to change it? Call 416-555-0142 at least 24 hours ahead, or use the new patient portal.

Northside Physio & Rehab
2200 Yonge Street, Toronto
",
                html: "",
            },
        ],
        moved: &[Letter {
            since: 0,
            subject: "Appointment {code} rescheduled",
            text: "Hi {given},

We've moved your appointment {code}.

New time: {when}
With: {staff}
It was: {old_when}

Northside Physio & Rehab
",
            html: "",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Appointment {code} cancelled",
            text: "Hi {given},

Your appointment on {when} with {staff} has been cancelled. Nothing was charged.

Confirmation {code}
Northside Physio & Rehab
",
            html: "",
        }],
        reminder: &[],
        receipt: &[],
        news: &[Letter {
            since: 0,
            subject: "Desk stretches that actually work",
            text: "Hi {given},

Five stretches for people who sit all day, from our team. Free workshop next Thursday at 6 PM.

Unsubscribe: https://northside-physio.example/u
",
            html: "",
        }],
    },
};
