//! Studio Bianchi, Bologna: beauty and hair. Text messages in Italian without reference,
//! family name, price or year; paid at the desk, in the books of the till.

use super::profile::{
    CalendarStyle, Code, EventTimes, Language, Letter, Letters, Plan, Profile, Store,
};
use crate::message::Encoding;

pub(super) const BIANCHI: Profile = Profile {
    name: "Studio Bianchi",
    slug: "studio-bianchi",
    email: "studio@studio-bianchi.example",
    zone: "Europe/Rome",
    currency: "EUR",
    language: Language::Italian,
    share: 24,
    staff: &["Marco", "Chiara", "Federica"],
    title: "",
    services: &[
        ("Taglio donna", "taglio", 45, 3_800),
        ("Taglio uomo", "taglio", 30, 2_200),
        ("Piega", "piega", 30, 2_000),
        ("Colore", "colore", 90, 5_550),
        ("Manicure", "mani", 45, 2_500),
        ("Pulizia viso", "viso", 60, 4_900),
        ("Ceretta gambe", "corpo", 40, 3_250),
    ],
    lines: [52, 36, 12],
    origins: [30, 55, 15],
    wishes: &[
        "allergica al nichel",
        "prima volta",
        "come l'ultima volta",
        "ho poco tempo",
        "con mia figlia",
    ],
    reachable: 0.3,
    code: Code::None,
    paid: Plan::Till,
    account: None,
    country: "IT",
    calendar: CalendarStyle {
        name: "Studio Bianchi",
        product: "-//Apple Inc.//macOS 14.4//IT",
        times: EventTimes::Floating,
        by_staff: false,
        uid: "{upper}",
        summary: "{name} - {services} ({staff})",
        description: "cell. {mobile}",
        location: "",
        stamps: false,
        days_off: &["Ferie Marco", "Chiuso", "Corso Wella", "Chiara permesso"],
    },
    letters: Letters {
        encoding: Encoding::Quoted,
        store: Store::Telephone,
        confirm: &[
            Letter {
                since: 0,
                subject: "SMS",
                text: "Ciao {given}, ti confermiamo {services} {short_day} ore {time} con {staff}. Studio Bianchi 051 012345\n",
                html: "",
            },
            Letter {
                // 2025-12-01.
                since: 1_764_547_200,
                subject: "SMS",
                text: "Studio Bianchi: appuntamento {short_day} h {time}, {services}, con {staff}. A presto {given}! Disdette: 051 012345\n",
                html: "",
            },
        ],
        moved: &[Letter {
            since: 0,
            subject: "SMS",
            text: "Studio Bianchi: appuntamento spostato a {short_day} h {time} con {staff} (era {old_day} h {old_time}). Disdette: 051 012345\n",
            html: "",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "SMS",
            text: "Studio Bianchi: appuntamento di {short_day} h {time} annullato. Per prenotare di nuovo: 051 012345\n",
            html: "",
        }],
        reminder: &[Letter {
            since: 0,
            subject: "SMS",
            text: "Promemoria: ti aspettiamo domani alle {time} da Studio Bianchi. Se non puoi venire chiama 051 012345\n",
            html: "",
        }],
        receipt: &[],
        news: &[Letter {
            since: 0,
            subject: "SMS",
            text: "Solo questa settimana: manicure a 20 euro da Studio Bianchi! Prenota allo 051 012345. STOP al 4399\n",
            html: "",
        }],
    },
};
