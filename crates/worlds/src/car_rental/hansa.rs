//! Hansa Mietwagen, Berlin: HTML tables in German, all paid when booking, receipts.

use super::profile::{
    CalendarStyle, EventTimes, Language, Letter, Letters, PaymentPlan, Profile, Reference, Store,
    StripeStyle,
};
use crate::message::Encoding;

pub(super) const HANSA: Profile = Profile {
    name: "Hansa Mietwagen GmbH",
    slug: "hansa-mietwagen",
    email: "buchung@hansa-mietwagen.example",
    zone: "Europe/Berlin",
    currency: "EUR",
    language: Language::German,
    share: 34,
    locations: &[
        ("BER", "Berlin Flughafen BER", "Melli-Beese-Ring 1, 12529 Schönefeld"),
        ("MIT", "Berlin Mitte", "Torstraße 62, 10119 Berlin"),
        ("HAM", "Hamburg Hauptbahnhof", "Adenauerallee 78, 20097 Hamburg"),
    ],
    reference: Reference::YearAndCount(3_918),
    payment: PaymentPlan::Full,
    stripe: StripeStyle {
        account: "acct_1LkHs0ANm7TwBrQe",
        csv_only: false,
        intents: false,
        customers: true,
        description: "Mietwagen {ref}",
        metadata: &[
            ("reservierung", "{ref}"),
            ("abholung", "{pickup_date}"),
            ("rueckgabe", "{return_date}"),
            ("kennzeichen", "{plate}"),
        ],
        statement: "HANSA MIETWAGEN",
        country: "DE",
    },
    calendar: CalendarStyle {
        name: "Hansa Mietwagen Vermietung",
        product: "-//Hansa//MietPlan 7//DE",
        times: EventTimes::ZoneWithRules(BERLIN),
        uid: "rental-{id}@mietplan.hansa-mietwagen.example",
        summary: "Abholung {ref} {last}, {first}",
        description: "Fahrzeug: {car}, {plate}\nKunde: {name}, {email}\nRückgabe: {return_place}\nMietpreis: {total}",
        location: "{pickup_address}",
        stamps: true,
    },
    letters: Letters {
        encoding: Encoding::EightBit,
        store: Store::Archive,
        confirm: &[
            Letter {
                since: 0,
                subject: "Buchungsbestätigung {ref}",
                text: "",
                html: "<html><body><p>Guten Tag {name},</p>
<p>vielen Dank für Ihre Buchung. Wir haben für Sie reserviert:</p>
<table border=\"1\">
<tr><td>Buchungsnummer</td><td><b>{ref}</b></td></tr>
<tr><td>Fahrzeug</td><td>{car} ({class})</td></tr>
<tr><td>Kennzeichen</td><td>{plate}</td></tr>
<tr><td>Abholung</td><td>{pickup}<br>{pickup_place}</td></tr>
<tr><td>Rückgabe</td><td>{return}<br>{return_place}</td></tr>
<tr><td>Gesamtpreis</td><td>{total}</td></tr>
</table>
<p>Mit freundlichen Grüßen<br>Hansa Mietwagen GmbH</p></body></html>
",
            },
            Letter {
                // 2025-09-15
                since: 1_757_894_400,
                subject: "Ihre Reservierung {ref} bei Hansa Mietwagen",
                text: "",
                html: "<html><head><style>td{padding:4px}th{text-align:left}</style></head><body>
<h2>Ihre Reservierung ist bestätigt</h2>
<p>Liebe Kundin, lieber Kunde {name}, Ihre Nummer lautet <b>{ref}</b>.</p>
<table>
<tr><th>Von</th><td>{pickup}, {pickup_place}</td></tr>
<tr><th>Bis</th><td>{return}, {return_place}</td></tr>
<tr><th>Wagen</th><td>{car}, Klasse {class}, {plate}</td></tr>
<tr><th>Telefon</th><td>{phone}</td></tr>
<tr><th>Preis</th><td>{total} inkl. 19&nbsp;% MwSt.</td></tr>
?paid <tr><th>Bezahlt</th><td>{paid} per Karte</td></tr>
?notes <tr><th>Bemerkung</th><td>{notes}</td></tr>
</table>
<p>Ihr Hansa-Team &middot; Torstra&szlig;e 62 &middot; 10119 Berlin</p></body></html>
",
            },
        ],
        change: &[Letter {
            since: 0,
            subject: "Änderung Ihrer Reservierung {ref}",
            text: "",
            html: "<html><body>
<p>Guten Tag {name}, Ihre Reservierung <b>{ref}</b> wurde geändert.</p>
<table>
<tr><th></th><th>bisher</th><th>neu</th></tr>
<tr><th>Von</th><td>{old_pickup}</td><td>{pickup}</td></tr>
<tr><th>Bis</th><td>{old_return}</td><td>{return}</td></tr>
<tr><th>Wagen</th><td>{old_plate}</td><td>{car}, {plate}</td></tr>
<tr><th>Preis</th><td></td><td>{total}</td></tr>
</table>
<p>Ihr Hansa-Team</p></body></html>
",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Stornierung {ref}",
            text: "",
            html: "<html><body>
<p>Guten Tag {name}, Ihre Reservierung <b>{ref}</b> ({pickup_day}) ist storniert.</p>
?refund <p>Wir erstatten {refund} auf Ihre Karte.</p>
<p>Ihr Hansa-Team</p></body></html>
",
        }],
        reminder: &[],
        receipt: &[Letter {
            since: 0,
            subject: "Rechnung zu Ihrer Miete {ref}",
            text: "",
            html: "<html><body>
<p>Guten Tag {name}, danke für Ihre Miete {ref}.</p>
<table>
<tr><td>{car}, {plate}</td><td>{days} Tage</td></tr>
<tr><td>Kilometer</td><td>{km_out} bis {km_in}</td></tr>
<tr><td>Summe</td><td>{total}</td></tr>
<tr><td>Bezahlt</td><td>{paid_by}</td></tr>
</table>
<p>Hansa Mietwagen GmbH, USt-IdNr. DE000000000</p></body></html>
",
        }],
        news: &[Letter {
            since: 0,
            subject: "Winterreifen inklusive: unsere Angebote im Norden",
            text: "",
            html: "<html><body><p>Hallo {first},</p><p>ab 29,00 &euro; am Tag mit dem Kompaktwagen an \
                   die See. Nur bis {pickup_day}.</p><p><a href=\"https://news.hansa-mietwagen.example/ab\">\
                   Abmelden</a></p></body></html>\n",
        }],
    },
};

/// The rules of Europe/Berlin since 1996, as calendar programs write them.
const BERLIN: &str = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n\
BEGIN:DAYLIGHT\r\nDTSTART:19960331T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n\
TZNAME:CEST\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\n\
BEGIN:STANDARD\r\nDTSTART:19961027T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n\
TZNAME:CET\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
