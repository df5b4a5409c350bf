//! What is found in a short booking mail of each language.

use jiff::civil::date;
use restitch_facts::{Context, Style, scan};

/// The values found, in their order; of two readings of a date the one with the day first.
#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let context = Context { written_on: Some(date(2025, 2, 20)) };
    let found: Vec<String> = scan(text, context)
        .into_iter()
        .filter(|found| found.style != Style::MonthFirst)
        .map(|found| format!("{} {}", found.value.type_name(), found.value))
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn english() {
    check(
        "Your reference is RES/2025/0042.
         Vehicle: VW Golf 1.5 TSI (plate 7ABC123)
         Pick-up: Tuesday, 4 March 2025 at 10:30 am, Terminal 1
         Drop-off: Fri, Mar 7th, 2025, 6 pm
         Price: £1,234.50 incl. 20% VAT; 3 days, 1,200 km
         Free cancellation until 2 March. Call +44 20 7946 0018 or mail Info@City.example",
        &[
            "reference RES/2025/0042",
            "reference 7ABC123",
            "date 2025-03-04",
            "local 2025-03-04T10:30:00",
            "time 10:30:00",
            "integer 1",
            "date 2025-03-07",
            "local 2025-03-07T18:00:00",
            "time 18:00:00",
            "amount 1234.50 GBP",
            "integer 20",
            "integer 3",
            "integer 1200",
            "date 2025-03-02",
            "phone +442079460018",
            "email info@city.example",
        ],
    );
}

#[test]
fn german() {
    check(
        "Buchungsnummer: BK-20931, Kennzeichen HH-AB 1234E
         Abholung: Di., 04.03.2025 um 10.30 Uhr
         Rückgabe: Freitag, den 7. März 2025, 18 Uhr
         Gesamtpreis: 1.234,50 € inkl. 19 % MwSt., Anzahlung 99,- €, Rest bis 03.03. fällig
         Zusatzfahrer 2 x 10,00 €, Öffnungszeiten 9-12 Uhr
         Tel. 0170/1234567, IBAN DE89 3704 0044 0532 0130 00",
        &[
            "reference BK-20931",
            "reference HH-AB 1234E",
            "date 2025-03-04",
            "local 2025-03-04T10:30:00",
            "time 10:30:00",
            "date 2025-03-07",
            "local 2025-03-07T18:00:00",
            "time 18:00:00",
            "amount 1234.50 EUR",
            "integer 19",
            "amount 99 EUR",
            "date 2025-03-03",
            "integer 2",
            "amount 10.00 EUR",
            "time 09:00:00",
            "time 12:00:00",
            "phone 01701234567",
            "reference DE89370400440532013000",
        ],
    );
}

#[test]
fn french() {
    check(
        "Réservation n° 20931, immatriculation AA-123-BB
         Départ : mardi 4 mars 2025 à 10h30
         Retour : le vendredi 7 mars 2025 vers 18 h
         Total TTC : 1 234,50 €, acompte de 300 € réglé le 20/02
         Tél. : 06 12 34 56 78",
        &[
            "reference 20931",
            "reference AA-123-BB",
            "date 2025-03-04",
            "local 2025-03-04T10:30:00",
            "time 10:30:00",
            "date 2025-03-07",
            "local 2025-03-07T18:00:00",
            "time 18:00:00",
            "amount 1234.50 EUR",
            "amount 300 EUR",
            "date 2025-02-20",
            "phone 0612345678",
        ],
    );
}

#[test]
fn spanish() {
    check(
        "Recogida: martes, 4 de marzo de 2025 a las 10:30 h
         Devolución: 7 de marzo del 2025, 18:00 horas
         Matrícula 1234 BCD. Importe total: 1.234,50 EUR
         Teléfono: 612 345 678",
        &[
            "date 2025-03-04",
            "local 2025-03-04T10:30:00",
            "time 10:30:00",
            "date 2025-03-07",
            "local 2025-03-07T18:00:00",
            "time 18:00:00",
            "reference 1234 BCD",
            "amount 1234.50 EUR",
            "phone 612345678",
        ],
    );
}

#[test]
fn italian() {
    check(
        "Ritiro: martedì 4 marzo 2025 alle ore 10:30
         Riconsegna: 7 marzo 2025, ore 18
         Targa AB 123 CD. Totale: € 1.234,50 - cauzione € 300
         dal 4 al 7 marzo 2025, cell. 347 123 4567",
        &[
            "date 2025-03-04",
            "local 2025-03-04T10:30:00",
            "time 10:30:00",
            "date 2025-03-07",
            "local 2025-03-07T18:00:00",
            "time 18:00:00",
            "reference AB 123 CD",
            "amount 1234.50 EUR",
            "amount 300 EUR",
            "date 2025-03-04",
            "date 2025-03-07",
            "phone 3471234567",
        ],
    );
}

#[test]
fn dutch() {
    check(
        "Ophalen: dinsdag 4 maart 2025 om 10.30 uur
         Inleveren: vr 7 mrt. 2025 18:00
         Kenteken 12-ABC-3, totaal € 1.234,50, borg € 300,-
         Telefoon 06-12345678",
        &[
            "date 2025-03-04",
            "local 2025-03-04T10:30:00",
            "time 10:30:00",
            "date 2025-03-07",
            "local 2025-03-07T18:00:00",
            "time 18:00:00",
            "reference 12-ABC-3",
            "amount 1234.50 EUR",
            "amount 300 EUR",
            "phone 0612345678",
        ],
    );
}

#[test]
fn portuguese() {
    check(
        "Levantamento: terça-feira, 4 de março de 2025 às 10h30
         Devolução: 07/03/2025 18:00
         Matrícula 12-AB-34. Total: R$ 1.234,50 ou 300 EUR. Telemóvel 912 345 678",
        &[
            "date 2025-03-04",
            "local 2025-03-04T10:30:00",
            "time 10:30:00",
            "date 2025-03-07",
            "local 2025-03-07T18:00:00",
            "time 18:00:00",
            "reference 12-AB-34",
            "amount 1234.50 BRL",
            "amount 300 EUR",
            "phone 912345678",
        ],
    );
}
