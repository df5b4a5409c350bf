//! Gabinet Lipa, Kraków: dentists. Multipart mails in Polish in a Maildir, paid in full
//! online with a description alone, a calendar exported from Outlook.

use super::profile::{
    CalendarStyle, Code, EventTimes, Language, Letter, Letters, Plan, Profile, Store,
};
use crate::message::Encoding;

pub(super) const LIPA: Profile = Profile {
    name: "Gabinet Stomatologiczny Lipa",
    slug: "gabinet-lipa",
    email: "rejestracja@gabinet-lipa.example",
    zone: "Europe/Warsaw",
    currency: "PLN",
    language: Language::Polish,
    share: 18,
    staff: &["dr Anna Nowak", "dr Piotr Zieliński", "dr Ewa Wójcik"],
    title: "dr ",
    services: &[
        ("Przegląd", "profilaktyka", 20, 12_000),
        ("Higienizacja", "profilaktyka", 60, 32_000),
        ("Leczenie próchnicy", "zachowawcze", 45, 28_050),
        ("Leczenie kanałowe", "endodoncja", 90, 110_000),
        ("Ekstrakcja", "chirurgia", 40, 35_000),
        ("Wybielanie", "estetyka", 75, 95_000),
    ],
    lines: [78, 22, 0],
    origins: [58, 36, 6],
    wishes: &["boli ząb od tygodnia", "pierwsza wizyta", "proszę o telefon przed wizytą", "uczulenie na penicylinę", "dziecko, 9 lat"],
    reachable: 0.9,
    code: Code::CountInMonth("W"),
    paid: Plan::FullOnline,
    account: Some("acct_1NqLp6HPl4kRaKow"),
    country: "PL",
    calendar: CalendarStyle {
        name: "Kalendarz wizyt",
        product: "-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN",
        times: EventTimes::Named("Central European Standard Time", WARSAW),
        by_staff: false,
        uid: "040000008200E00074C5B7101A82E008{upper_hex}",
        summary: "{code} {family} {given} ({staff})",
        description: "{services}\ntel. {mobile}\nCena: {total}",
        location: "{room}",
        stamps: true,
        days_off: &["Urlop", "Gabinet zamknięty", "Szkolenie"],
    },
    letters: Letters {
        encoding: Encoding::Quoted,
        store: Store::Maildir,
        confirm: &[
            Letter {
                since: 0,
                subject: "Potwierdzenie wizyty {code}",
                text: "Dzień dobry,

potwierdzamy wizytę nr {code}.

Pacjent: {name}
Termin: {when}
Lekarz: {staff}
Zakres: {services}
Cena: {total}
?prepaid Opłacono: {prepaid}
?wish Uwagi: {wish}

Prosimy o przybycie 10 minut wcześniej.
Gabinet Stomatologiczny Lipa, ul. Długa 17, Kraków, tel. 12 345 67 89
",
                html: "<p>Dzień dobry,</p><p>potwierdzamy wizytę nr <b>{code}</b>.</p>
<p>Pacjent: {name}<br>Termin: <b>{when}</b><br>Lekarz: {staff}<br>Zakres: {services}<br>Cena: {total}</p>
<p>Gabinet Stomatologiczny Lipa, ul. Długa 17, Kraków</p>
",
            },
            Letter {
                // 2026-02-16, after the backup: the day in words.
                since: 1_771_200_000,
                subject: "Wizyta {code} potwierdzona",
                text: "Dzień dobry,

wizyta nr {code} jest potwierdzona.

Pacjent: {name}
Termin: {long_when}
Lekarz: {staff}
Zakres: {services}
Cena: {total}
?prepaid Opłacono: {prepaid}
?wish Uwagi: {wish}

Prosimy o przybycie 10 minut wcześniej.
Gabinet Stomatologiczny Lipa, ul. Długa 17, Kraków, tel. 12 345 67 89
",
                html: "<p>Dzień dobry,</p><p>wizyta nr <b>{code}</b> jest potwierdzona.</p>
<p>Pacjent: {name}<br>Termin: <b>{long_when}</b><br>Lekarz: {staff}<br>Zakres: {services}<br>Cena: {total}</p>
<p>Gabinet Stomatologiczny Lipa, ul. Długa 17, Kraków</p>
",
            },
        ],
        moved: &[Letter {
            since: 0,
            subject: "Zmiana terminu wizyty {code}",
            text: "Dzień dobry,

wizyta nr {code} została przełożona.

Nowy termin: {when}
Lekarz: {staff}
Poprzedni termin: {old_when}

Gabinet Stomatologiczny Lipa, tel. 12 345 67 89
",
            html: "",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Odwołanie wizyty {code}",
            text: "Dzień dobry,

wizyta nr {code} ({when}) została odwołana.
?refund Zwrot {refund} na kartę nastąpi w ciągu 5 dni.

Gabinet Stomatologiczny Lipa, tel. 12 345 67 89
",
            html: "",
        }],
        reminder: &[Letter {
            since: 0,
            subject: "Przypomnienie o wizycie",
            text: "Dzień dobry,

przypominamy o wizycie jutro o godz. {time}, {staff}.

Gabinet Stomatologiczny Lipa, tel. 12 345 67 89
",
            html: "",
        }],
        receipt: &[],
        news: &[Letter {
            since: 0,
            subject: "Zdrowy uśmiech na wiosnę",
            text: "Dzień dobry {given},

do końca miesiąca higienizacja w cenie 290,00 zł. Zapraszamy!

Wypisz się: https://gabinet-lipa.example/u
",
            html: "",
        }],
    },
};

const WARSAW: &str = "BEGIN:VTIMEZONE\r
TZID:Central European Standard Time\r
BEGIN:STANDARD\r
DTSTART:16010101T030000\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:16010101T020000\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
END:DAYLIGHT\r
END:VTIMEZONE\r
";
