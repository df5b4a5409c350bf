//! Podere Le Ginestre, Siena: text and HTML side by side in Italian, flats with names, a
//! deposit, movements of the bank's gateway in place of a payment account, times in UTC.

use super::profile::{
    Addon, Ahead, Board, Code, Diary, Doors, Each, EventTimes, House, Kind, Letter, Letters, Plan,
    Till, Tongue,
};
use crate::message::Encoding;

pub(super) const GINESTRE: House = House {
    name: "Podere Le Ginestre",
    slug: "ginestre",
    email: "prenotazioni@podereleginestre.example",
    zone: "Europe/Rome",
    currency: "EUR",
    tongue: Tongue::Italian,
    share: 22,
    kinds: &[
        Kind { code: "CAM", label: "Camera doppia", sleeps: 2, base: 8_800 },
        Kind { code: "BIL", label: "Bilocale", sleeps: 3, base: 11_500 },
        Kind { code: "TRI", label: "Trilocale", sleeps: 5, base: 16_400 },
    ],
    doors: Doors::Named(&[
        "Lavanda", "Rosmarino", "Ginepro", "Mirto", "Salvia", "Cipresso", "Olivo", "Corbezzolo",
        "Alloro", "Melograno",
    ]),
    boards: &[
        Board { code: "RO", label: "solo pernottamento", price: 0, weight: 45 },
        Board { code: "BB", label: "pernottamento e colazione", price: 900, weight: 35 },
        Board { code: "HB", label: "mezza pensione", price: 3_100, weight: 20 },
    ],
    addons: &[
        Addon { sku: "PULIZIE", label: "Pulizie finali", price: 4_500, each: Each::Stay },
        Addon { sku: "CULLA", label: "Culla", price: 500, each: Each::Night },
        Addon { sku: "DEGU", label: "Degustazione vini", price: 3_800, each: Each::Stay },
        Addon { sku: "BICI", label: "Bicicletta", price: 1_400, each: Each::Night },
    ],
    tax: 150,
    code: Code::CountAndYear("LG", 84),
    plan: Plan {
        ahead: Ahead::Percent(25),
        rest_on_arrival: true,
        free_days: 14,
        late_percent: 0,
    },
    till: Till::Movements,
    diary: Diary {
        name: "Podere Le Ginestre",
        product: "-//Agrigest//Tableau 11//IT",
        times: EventTimes::Utc,
        uid: "agrigest-{id}@podereleginestre.example",
        summary: "{door}: {family} {given}",
        description: "Prenotazione {code}\nTelefono: {mobile}\nEmail: {email}\nAdulti: {adults}\nBambini: {children}\nTrattamento: {board}\nImporto: {total}",
        location: "{door}",
        stamps: true,
    },
    letters: Letters {
        by_text_message: false,
        encoding: Encoding::Quoted,
        item: "- {label}: {quantity} x {unit} = {amount}",
        maildir: true,
        confirm: &[
            Letter {
                since: 0,
                subject: "Conferma prenotazione {code}",
                text: "Gentile {name},

siamo lieti di confermare la Sua prenotazione {code}.

Alloggio: {door} ({kind})
Arrivo: {from}
Partenza: {to}
Notti: {nights}
Ospiti: {adults} adulti, {children} bambini
Trattamento: {board}
Tariffa a notte: {rate}
?items Extra:
?items {items}
Imposta di soggiorno: {tax}
Totale: {total}
?deposit Caparra ricevuta: {deposit}
?request Note: {request}

Cordiali saluti,
Podere Le Ginestre
",
                html: "<html><body><p>Gentile <b>{name}</b>,</p><p>prenotazione <b>{code}</b> confermata.</p>
<p>{door} ({kind})<br>Arrivo: {from}<br>Partenza: {to}<br>Totale: {total}</p>
<p>Podere Le Ginestre, Strada di Vignano 12, Siena</p></body></html>
",
            },
            Letter {
                // 2026-02-16, after the backup
                since: 1_771_200_000,
                subject: "Le Ginestre: La aspettiamo il {from_short} ({code})",
                text: "Buongiorno {given} {family},

la Sua prenotazione numero {code} è confermata!

* Soggiorno dal {from} al {to}, {nights} notti
* Appartamento {door}, tipologia {kind}
* Per {adults} adulti e {children} bambini, {board}
* Prezzo per notte {rate}, imposta di soggiorno {tax}
?items * Servizi aggiuntivi:
?items {items}
* Prezzo complessivo {total}
?deposit * Caparra confirmatoria {deposit}, saldo all'arrivo {balance}
?eta * Arrivo previsto alle {eta}
?request * La Sua richiesta: {request}

A presto in Toscana!
",
                html: "<html><body><p>Buongiorno {given} {family},</p><p>la Sua prenotazione numero <b>{code}</b> \
                       è confermata.</p>
<p>Dal {from} al {to}, {door}. Prezzo complessivo {total}.</p></body></html>
",
            },
        ],
        change: &[Letter {
            since: 0,
            subject: "Modifica prenotazione {code}",
            text: "Gentile {name},

come richiesto abbiamo modificato la prenotazione {code}.

Alloggio: {door} (prima: {old_door})
Arrivo: {from} (prima: {old_from})
Partenza: {to} (prima: {old_to})
Notti: {nights}
Ospiti: {adults} adulti, {children} bambini
Tariffa a notte: {rate}
?items Extra:
?items {items}
Imposta di soggiorno: {tax}
Totale: {total}

Cordiali saluti,
Podere Le Ginestre
",
            html: "<html><body><p>Gentile <b>{name}</b>,</p><p>prenotazione <b>{code}</b> modificata.</p>
<p>{door}<br>Arrivo: {from}<br>Partenza: {to}<br>Totale: {total}</p></body></html>
",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Cancellazione prenotazione {code}",
            text: "Gentile {name},

la prenotazione {code} dal {from_short} al {to_short} è stata cancellata.
?refund La caparra di {refund} verrà stornata sulla Sua carta.

Cordiali saluti,
Podere Le Ginestre
",
            html: "<html><body><p>Prenotazione <b>{code}</b> cancellata.</p></body></html>
",
        }],
        reminder: &[],
        bill: &[],
        news: &[Letter {
            since: 0,
            subject: "Olio nuovo e vendemmia al Podere",
            text: "Buongiorno {given},

l'olio nuovo è arrivato: 1 litro a 18,50 €. Prenoti un fine settimana entro il {from_short}.
",
            html: "<html><body><p>L'olio nuovo è arrivato.</p></body></html>\n",
        }],
    },
};
