//! Atelier Colette, Lyon: a hairdresser. HTML in French with JSON-LD, a deposit on a payment
//! page, tickets by mail, a calendar in UTC.

use super::profile::{
    CalendarStyle, Code, EventTimes, Language, Letter, Letters, Plan, Profile, Store,
};
use crate::message::Encoding;

pub(super) const COLETTE: Profile = Profile {
    name: "Atelier Colette",
    slug: "atelier-colette",
    email: "bonjour@atelier-colette.example",
    zone: "Europe/Paris",
    currency: "EUR",
    language: Language::French,
    share: 32,
    staff: &["Camille", "Inès", "Thomas", "Maud"],
    title: "",
    services: &[
        ("Coupe femme", "coupe", 45, 4_200),
        ("Coupe homme", "coupe", 30, 2_600),
        ("Coupe enfant", "coupe", 30, 1_900),
        ("Brushing", "coiffage", 30, 2_450),
        ("Coloration racines", "couleur", 75, 5_800),
        ("Balayage", "couleur", 120, 9_650),
        ("Soin profond", "soin", 20, 1_850),
        ("Chignon", "coiffage", 60, 6_500),
    ],
    lines: [55, 33, 12],
    origins: [64, 26, 10],
    wishes: &["avec ma fille", "cheveux très longs", "allergie à l'ammoniaque", "première visite", "comme la dernière fois, un peu plus court"],
    reachable: 0.93,
    code: Code::Random("RDV-"),
    paid: Plan::DepositPercent(30),
    account: Some("acct_1OqCo8LFr2tAtLyn"),
    country: "FR",
    calendar: CalendarStyle {
        name: "Agenda Atelier Colette",
        product: "-//Planeo//Agenda 4.2//FR",
        times: EventTimes::Utc,
        by_staff: false,
        uid: "{id}@planeo.example",
        summary: "{services} / {staff} / {name}",
        description: "{code}\nTél. {mobile}\nDurée {minutes} min\nPrix {total}",
        location: "Atelier Colette, 14 rue Mercière, 69002 Lyon",
        stamps: true,
        days_off: &["Congés Camille", "Salon fermé", "Formation couleur", "Inès absente"],
    },
    letters: Letters {
        encoding: Encoding::EightBit,
        store: Store::Archive,
        confirm: &[
            Letter {
                since: 0,
                subject: "Votre rendez-vous du {day}",
                text: "",
                html: "<html><body><p>Bonjour {given},</p>
<p>Votre rendez-vous <b>{code}</b> est bien noté&nbsp;: le {when} avec {staff}.</p>
<table>
{lines}
<tr><td>Total</td><td></td><td>{total}</td></tr>
?prepaid <tr><td>Acompte réglé</td><td></td><td>{prepaid}</td></tr>
</table>
?wish <p>Votre message&nbsp;: {wish}</p>
<p>Pour annuler, répondez à ce message au moins 24 heures avant.</p>
<p>Atelier Colette, 14 rue Mercière, 69002 Lyon, 04 72 00 11 22</p>
</body></html>
",
            },
            Letter {
                // 2025-11-03: with data for the mail program.
                since: 1_762_128_000,
                subject: "Rendez-vous confirmé : {day} à {time}",
                text: "",
                html: "<html><head><script type=\"application/ld+json\">
{
  \"@context\": \"http://schema.org\",
  \"@type\": \"EventReservation\",
  \"reservationNumber\": \"{code}\",
  \"reservationStatus\": \"http://schema.org/ReservationConfirmed\",
  \"underName\": {\"@type\": \"Person\", \"name\": \"{name}\"},
  \"reservationFor\": {
    \"@type\": \"Event\",
    \"name\": \"{services}\",
    \"startDate\": \"{iso_start}\",
    \"endDate\": \"{iso_end}\",
    \"performer\": {\"@type\": \"Person\", \"name\": \"{staff}\"},
    \"location\": {\"@type\": \"Place\", \"name\": \"Atelier Colette\", \"address\": \"14 rue Mercière, 69002 Lyon\"}
  }
}
</script></head><body><p>Bonjour {given},</p>
<p>À bientôt chez Atelier Colette&nbsp;! Voici votre rendez-vous.</p>
<table>
<tr><th>Référence</th><td colspan=\"2\">{code}</td></tr>
<tr><th>Quand</th><td colspan=\"2\">{when}</td></tr>
<tr><th>Avec</th><td colspan=\"2\">{staff}</td></tr>
{lines}
<tr><th>Total</th><td></td><td>{total}</td></tr>
?prepaid <tr><th>Acompte réglé</th><td></td><td>{prepaid}</td></tr>
?wish <tr><th>Votre message</th><td colspan=\"2\">{wish}</td></tr>
</table>
<p>Annulation sans frais jusqu'à 24 heures avant.</p>
<p>Atelier Colette, 14 rue Mercière, 69002 Lyon</p>
</body></html>
",
            },
        ],
        moved: &[Letter {
            since: 0,
            subject: "Rendez-vous {code} modifié",
            text: "",
            html: "<html><body><p>Bonjour {given},</p>
<p>Votre rendez-vous {code} a été modifié.</p>
<table>
<tr><th>Nouvelle date</th><td>{when}</td></tr>
<tr><th>Avec</th><td>{staff}</td></tr>
<tr><th>Ancienne date</th><td><s>{old_when}</s></td></tr>
</table>
<p>Atelier Colette, 14 rue Mercière, 69002 Lyon</p>
</body></html>
",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Rendez-vous {code} annulé",
            text: "",
            html: "<html><body><p>Bonjour {given},</p>
<p>Votre rendez-vous {code} du {when} est annulé.</p>
?refund <p>Votre acompte de {refund} vous sera remboursé sous 5 jours.</p>
<p>Atelier Colette, 14 rue Mercière, 69002 Lyon</p>
</body></html>
",
        }],
        reminder: &[],
        receipt: &[Letter {
            since: 0,
            subject: "Votre ticket {code}",
            text: "",
            html: "<html><body><p>Merci de votre visite, {given}&nbsp;!</p>
<table>
<tr><th colspan=\"3\">Ticket {code}, {day}, {staff}</th></tr>
{lines}
<tr><th>Total TTC</th><td></td><td>{total}</td></tr>
?prepaid <tr><td>Acompte</td><td></td><td>{prepaid}</td></tr>
?paid <tr><td>Réglé sur place</td><td>{tender}</td><td>{paid}</td></tr>
</table>
</body></html>
",
        }],
        news: &[Letter {
            since: 0,
            subject: "Les soins de saison à partir de 25 €",
            text: "",
            html: "<html><body><p>Bonjour {given},</p><p>nos soins de saison sont arrivés, à partir de 25,00 €.</p>
<p><a href=\"https://atelier-colette.example/stop\">Se désabonner</a></p></body></html>
",
        }],
    },
};
