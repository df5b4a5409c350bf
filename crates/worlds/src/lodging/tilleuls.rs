//! Pension Les Tilleuls, Montreux: HTML tables in French, a deposit and the rest when leaving,
//! events of whole days, a bill with every line.

use super::profile::{
    Addon, Ahead, Board, Code, Diary, Doors, Each, EventTimes, House, Kind, Letter, Letters, Plan,
    StripeStyle, Till, Tongue,
};
use crate::message::Encoding;

pub(super) const TILLEULS: House = House {
    name: "Pension Les Tilleuls",
    slug: "les-tilleuls",
    email: "accueil@les-tilleuls.example",
    zone: "Europe/Zurich",
    currency: "CHF",
    tongue: Tongue::French,
    share: 26,
    kinds: &[
        Kind { code: "SGL", label: "Chambre simple", sleeps: 1, base: 9_800 },
        Kind { code: "DBL", label: "Chambre double", sleeps: 2, base: 14_500 },
        Kind { code: "LAC", label: "Double vue lac", sleeps: 2, base: 18_900 },
        Kind { code: "FAM", label: "Chambre familiale", sleeps: 4, base: 22_500 },
    ],
    doors: Doors::Numbered(11),
    boards: &[
        Board { code: "BB", label: "petit-déjeuner compris", price: 0, weight: 70 },
        Board { code: "HB", label: "demi-pension", price: 3_400, weight: 30 },
    ],
    addons: &[
        Addon { sku: "PARK", label: "Place de parc", price: 1_500, each: Each::Night },
        Addon { sku: "LITB", label: "Lit bébé", price: 2_000, each: Each::Stay },
        Addon { sku: "CHIEN", label: "Chien", price: 1_200, each: Each::Night },
        Addon { sku: "FONDUE", label: "Soirée fondue", price: 6_400, each: Each::Stay },
    ],
    tax: 350,
    code: Code::YearAndCount("T", 211),
    plan: Plan {
        ahead: Ahead::Percent(30),
        rest_on_arrival: false,
        free_days: 7,
        late_percent: 0,
    },
    till: Till::Stripe(StripeStyle {
        account: "acct_1NqTl5IoVz8KcEyU",
        customers: true,
        intents: true,
        sessions: false,
        description: "{purpose_fr} {code}",
        terminal: "{purpose_fr} {code}",
        metadata: &[
            ("resa", "{code}"),
            ("client", "{name}"),
            ("arrivee", "{from_iso}"),
            ("depart", "{to_iso}"),
            ("chambre", "{door}"),
        ],
        other_means: None,
    }),
    diary: Diary {
        name: "Les Tilleuls - occupation",
        product: "-//AubergeSoft//Planning 3.1//FR",
        times: EventTimes::Days,
        uid: "{code}.{id}@planning.les-tilleuls.example",
        summary: "Ch. {door} {name} ({adults}+{children})",
        description: "Réservation {code}\nChambre {door}, {kind}\n{board}\nTél. {mobile}\nTotal {total}",
        location: "",
        stamps: true,
    },
    letters: Letters {
        by_text_message: false,
        encoding: Encoding::EightBit,
        item: "<tr><td>{label}</td><td>{quantity}</td><td>{unit}</td><td>{amount}</td></tr>",
        maildir: false,
        confirm: &[
            Letter {
                since: 0,
                subject: "Votre réservation {code} à la Pension Les Tilleuls",
                text: "",
                html: "<html><body><p>Bonjour {name},</p>
<p>Nous avons le plaisir de confirmer votre séjour.</p>
<ul>
<li>Numéro de réservation : <b>{code}</b></li>
<li>Arrivée : {from}</li>
<li>Départ : {to} ({nights} nuits)</li>
<li>Chambre {door} ({kind}), {board}</li>
<li>{adults} adulte(s), {children} enfant(s)</li>
<li>Prix par nuit : {rate}</li>
?items <li>Suppléments :<table>{items}</table></li>
<li>Taxe de séjour : {tax}</li>
<li>Total : <b>{total}</b></li>
?deposit <li>Arrhes versées : {deposit}</li>
</ul>
<p>La famille Rochat</p></body></html>
",
            },
            Letter {
                // 2025-09-22
                since: 1_758_499_200,
                subject: "Confirmation {code} : {from_short} au {to_short}",
                text: "",
                html: "<html><head><style>td{padding:3px 9px}.n{color:#555}</style></head><body>
<h3>Pension Les Tilleuls, Montreux</h3>
<p>Chère cliente, cher client {name}, merci de votre confiance.</p>
<table>
<tr><td class=\"n\">Réservation</td><td>{code}</td></tr>
<tr><td class=\"n\">Du</td><td>{from}</td></tr>
<tr><td class=\"n\">Au</td><td>{to}</td></tr>
<tr><td class=\"n\">Chambre</td><td>{door}, {kind}</td></tr>
<tr><td class=\"n\">Formule</td><td>{board}</td></tr>
<tr><td class=\"n\">Personnes</td><td>{adults} adulte(s) et {children} enfant(s)</td></tr>
?eta <tr><td class=\"n\">Arrivée prévue</td><td>{eta}</td></tr>
<tr><td class=\"n\">Téléphone</td><td>{mobile}</td></tr>
?request <tr><td class=\"n\">Remarque</td><td>{request}</td></tr>
</table>
<table>
<tr><th></th><th>Nombre</th><th>Prix</th><th>Montant</th></tr>
<tr><td>Nuitées</td><td>{nights}</td><td>{rate}</td><td>{lodging}</td></tr>
?items {items}
<tr><td>Taxe de séjour</td><td></td><td></td><td>{tax}</td></tr>
<tr><td>Total</td><td></td><td></td><td><b>{total}</b></td></tr>
</table>
?deposit <p>Arrhes de {deposit} bien reçues. Solde de {balance} à régler au départ.</p>
<p>Annulation sans frais jusqu'à 7 jours avant l'arrivée.<br>Rue du Lac 41, 1820 Montreux</p></body></html>
",
            },
        ],
        change: &[Letter {
            since: 0,
            subject: "Modification de votre réservation {code}",
            text: "",
            html: "<html><body>
<p>Bonjour {name}, votre réservation {code} a été modifiée.</p>
<table>
<tr><th></th><th>Avant</th><th>Maintenant</th></tr>
<tr><td>Du</td><td>{old_from}</td><td>{from}</td></tr>
<tr><td>Au</td><td>{old_to}</td><td>{to}</td></tr>
<tr><td>Chambre</td><td>{old_door}</td><td>{door}</td></tr>
<tr><td>Personnes</td><td></td><td>{adults} adulte(s) et {children} enfant(s)</td></tr>
</table>
<table>
<tr><td>Nuitées</td><td>{nights}</td><td>{rate}</td><td>{lodging}</td></tr>
?items {items}
<tr><td>Taxe de séjour</td><td></td><td></td><td>{tax}</td></tr>
<tr><td>Total</td><td></td><td></td><td><b>{total}</b></td></tr>
</table>
<p>La famille Rochat</p></body></html>
",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Annulation de votre réservation {code}",
            text: "",
            html: "<html><body>
<p>Bonjour {name}, votre réservation {code} du {from_short} au {to_short} est annulée.</p>
?refund <p>Nous vous remboursons {refund} sur votre carte.</p>
<p>La famille Rochat</p></body></html>
",
        }],
        reminder: &[],
        bill: &[Letter {
            since: 0,
            subject: "Facture de votre séjour {code}",
            text: "",
            html: "<html><body>
<p>{name}, merci de votre visite. Voici votre facture du {to_short}, réservation {code}.</p>
<table>
<tr><td>Chambre {door}</td><td>{nights} x</td><td>{rate}</td><td>{lodging}</td></tr>
?items {items}
<tr><td>Taxe de séjour</td><td></td><td></td><td>{tax}</td></tr>
<tr><td>Total</td><td></td><td></td><td><b>{total}</b></td></tr>
<tr><td>Reçu</td><td></td><td></td><td>{paid}</td></tr>
</table>
<p>TVA 3.8 % comprise, CHE-000.000.000</p></body></html>
",
        }],
        news: &[Letter {
            since: 0,
            subject: "Le printemps au bord du lac",
            text: "",
            html: "<html><body><p>Bonjour {given},</p><p>trois nuits pour deux dès CHF 390.00, \
                   à réserver jusqu'au {from_short}.</p><p><a href=\"https://les-tilleuls.example/non\">Se \
                   désabonner</a></p></body></html>\n",
        }],
    },
};
