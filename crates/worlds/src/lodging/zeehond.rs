//! De Zeehond, Texel: a page with structured data and a short text in Dutch, all paid ahead on
//! the provider's own page, floating times.

use super::profile::{
    Addon, Ahead, Board, Code, Diary, Doors, Each, EventTimes, House, Kind, Letter, Letters, Plan,
    StripeStyle, Till, Tongue,
};
use crate::message::Encoding;

pub(super) const ZEEHOND: House = House {
    name: "Appartementen De Zeehond",
    slug: "dezeehond",
    email: "reserveren@dezeehond-texel.example",
    zone: "Europe/Amsterdam",
    currency: "EUR",
    tongue: Tongue::Dutch,
    share: 30,
    kinds: &[
        Kind { code: "STU", label: "Studio", sleeps: 2, base: 8_400 },
        Kind { code: "DUI", label: "Duinappartement", sleeps: 4, base: 12_900 },
        Kind { code: "ZEE", label: "Zeeappartement", sleeps: 4, base: 15_800 },
        Kind { code: "VIL", label: "Villa", sleeps: 6, base: 24_600 },
    ],
    doors: Doors::Numbered(101),
    boards: &[
        Board { code: "RO", label: "logies", price: 0, weight: 80 },
        Board { code: "BB", label: "logies met ontbijtmand", price: 1_250, weight: 20 },
    ],
    addons: &[
        Addon { sku: "LINNEN", label: "Bedlinnen", price: 1_150, each: Each::Stay },
        Addon { sku: "HOND", label: "Hond", price: 750, each: Each::Night },
        Addon { sku: "FIETS", label: "Fietsverhuur", price: 975, each: Each::Night },
        Addon { sku: "KINDERBED", label: "Kinderbedje", price: 1_500, each: Each::Stay },
    ],
    tax: 225,
    code: Code::Digits,
    plan: Plan {
        ahead: Ahead::All,
        rest_on_arrival: true,
        free_days: 7,
        late_percent: 50,
    },
    till: Till::Stripe(StripeStyle {
        account: "acct_1LzHd9NbTx4MvPfR",
        customers: false,
        intents: true,
        sessions: true,
        description: "",
        terminal: "",
        metadata: &[
            ("boeking", "{id}"),
            ("aankomst", "{from_iso}"),
            ("vertrek", "{to_iso}"),
            ("type", "{kind_code}"),
        ],
        other_means: Some("ideal"),
    }),
    diary: Diary {
        name: "De Zeehond",
        product: "-//Strandboek//Agenda 5//NL",
        times: EventTimes::Floating,
        uid: "{code}@strandboek.example",
        summary: "App. {door} {name}",
        description: "Boeking {code} ({kind})\n{adults} volw. {children} kind.\nTel: {mobile}",
        location: "Appartement {door}",
        stamps: false,
    },
    letters: Letters {
        by_text_message: false,
        encoding: Encoding::EightBit,
        item: "<tr><td>{quantity} &times; {label}</td><td>{unit}</td><td>{amount}</td></tr>",
        maildir: false,
        confirm: &[Letter {
            since: 0,
            subject: "Je boeking bij De Zeehond ({code})",
            text: "Hoi {given},

Leuk dat je komt! Boekingsnummer {code}.
Aankomst {from} vanaf 15:00 uur, vertrek {to} voor 10:30 uur.
{kind}, {adults} volwassenen en {children} kinderen.
Totaal {total}.

Groeten van De Zeehond
",
            html: "<html><head>
<script type=\"application/ld+json\">
{
  \"@context\": \"http://schema.org\",
  \"@type\": \"LodgingReservation\",
  \"reservationNumber\": \"{code}\",
  \"reservationStatus\": \"http://schema.org/ReservationConfirmed\",
  \"underName\": { \"@type\": \"Person\", \"name\": \"{name}\", \"email\": \"{email}\" },
  \"reservationFor\": { \"@type\": \"LodgingBusiness\", \"name\": \"Appartementen De Zeehond\",
    \"address\": { \"@type\": \"PostalAddress\", \"streetAddress\": \"Badweg 40\", \"addressLocality\": \"De Koog\",
      \"postalCode\": \"1796 AA\", \"addressCountry\": \"NL\" }, \"telephone\": \"+31 222 000 000\" },
  \"lodgingUnitType\": \"{kind}\",
  \"numAdults\": {adults},
  \"numChildren\": {children},
  \"checkinTime\": \"{checkin_iso}\",
  \"checkoutTime\": \"{checkout_iso}\",
  \"totalPrice\": \"{total_plain}\",
  \"priceCurrency\": \"EUR\"
}
</script></head><body>
<h2>Tot ziens op Texel, {given}!</h2>
<p>Boekingsnummer <b>{code}</b></p>
<p>Van {from} tot {to} ({nights} nachten)<br>{kind}, {board}<br>{adults} volwassenen, {children} kinderen</p>
?eta <p>Verwachte aankomst: {eta} uur</p>
?request <p>Opmerking: {request}</p>
<table>
<tr><td>{nights} &times; overnachting</td><td>{rate}</td><td>{lodging}</td></tr>
?items {items}
<tr><td>Toeristenbelasting</td><td></td><td>{tax}</td></tr>
<tr><td>Totaal</td><td></td><td><b>{total}</b></td></tr>
</table>
<p>Badweg 40, De Koog</p></body></html>
",
        }],
        change: &[Letter {
            since: 0,
            subject: "Je boeking {code} is aangepast",
            text: "Hoi {given},

Boeking {code} is aangepast.
Aankomst {from} vanaf 15:00 uur, vertrek {to} voor 10:30 uur.
{kind}, {adults} volwassenen en {children} kinderen.
Totaal {total}.

Groeten van De Zeehond
",
            html: "<html><head>
<script type=\"application/ld+json\">
{
  \"@context\": \"http://schema.org\",
  \"@type\": \"LodgingReservation\",
  \"reservationNumber\": \"{code}\",
  \"reservationStatus\": \"http://schema.org/ReservationConfirmed\",
  \"underName\": { \"@type\": \"Person\", \"name\": \"{name}\", \"email\": \"{email}\" },
  \"reservationFor\": { \"@type\": \"LodgingBusiness\", \"name\": \"Appartementen De Zeehond\" },
  \"lodgingUnitType\": \"{kind}\",
  \"numAdults\": {adults},
  \"numChildren\": {children},
  \"checkinTime\": \"{checkin_iso}\",
  \"checkoutTime\": \"{checkout_iso}\",
  \"totalPrice\": \"{total_plain}\",
  \"priceCurrency\": \"EUR\",
  \"modifiedTime\": \"{now_iso}\"
}
</script></head><body>
<p>Hoi {given}, we hebben boeking <b>{code}</b> aangepast.</p>
<p>Van {from} tot {to} ({nights} nachten), eerst {old_from} tot {old_to}<br>{kind}, {board}</p>
<table>
<tr><td>{nights} &times; overnachting</td><td>{rate}</td><td>{lodging}</td></tr>
?items {items}
<tr><td>Toeristenbelasting</td><td></td><td>{tax}</td></tr>
<tr><td>Totaal</td><td></td><td><b>{total}</b></td></tr>
</table></body></html>
",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Je boeking {code} is geannuleerd",
            text: "Hoi {given},

Jammer! Boeking {code} ({from}) is geannuleerd.
?refund We betalen {refund} terug.

Groeten van De Zeehond
",
            html: "<html><head>
<script type=\"application/ld+json\">
{
  \"@context\": \"http://schema.org\",
  \"@type\": \"LodgingReservation\",
  \"reservationNumber\": \"{code}\",
  \"reservationStatus\": \"http://schema.org/ReservationCancelled\",
  \"underName\": { \"@type\": \"Person\", \"name\": \"{name}\" },
  \"reservationFor\": { \"@type\": \"LodgingBusiness\", \"name\": \"Appartementen De Zeehond\" },
  \"checkinTime\": \"{checkin_iso}\",
  \"checkoutTime\": \"{checkout_iso}\"
}
</script></head><body>
<p>Jammer, {given}! Boeking <b>{code}</b> ({from}) is geannuleerd.</p>
?refund <p>We betalen {refund} terug.</p>
</body></html>
",
        }],
        reminder: &[Letter {
            since: 0,
            subject: "Morgen naar Texel! ({code})",
            text: "Hoi {given},

Morgen is het zover. Je verblijft in appartement {door}; de sleutel ligt klaar bij de receptie.

Groeten van De Zeehond
",
            html: "",
        }],
        bill: &[],
        news: &[Letter {
            since: 0,
            subject: "{given}, uitwaaien op Texel?",
            text: "",
            html: "<html><body><p>Hoi {given},</p><p>een midweek aan zee vanaf € 199,00. Boek voor {from}.</p>\
                   <p><a href=\"https://dezeehond-texel.example/uit\">Afmelden</a></p></body></html>\n",
        }],
    },
};
