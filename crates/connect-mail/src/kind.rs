//! What a message says has happened to a booking, by its words in English, German, French,
//! Spanish, Italian, Dutch and Portuguese.
//!
//! A subject is short and says what the message is about: a single word is believed. A text
//! also speaks of what might happen (`free cancellation until Friday`), so there only whole
//! phrases count, in its first lines, and the first one decides.

use std::sync::LazyLock;

use regex::Regex;

/// How much of a text is looked at, in bytes.
const LOOKED_AT: usize = 2000;

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Money was given back.
    Refund,
    /// The booking was cancelled.
    Cancelled,
    /// It was changed.
    Changed,
    /// It is near.
    Reminder,
    /// It was paid for.
    Receipt,
    /// It was made.
    Made,
}

impl Kind {
    /// Its name in facts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Cancelled => "cancelled",
            Self::Changed => "changed",
            Self::Reminder => "reminder",
            Self::Receipt => "receipt",
            Self::Made => "made",
        }
    }
}

/// What a subject or a text says, and the range of bytes of the words that say it.
pub type Said = (Kind, (usize, usize));

/// What a subject says. Of several words the one counts that says more: a booking that is
/// confirmed as cancelled is cancelled.
pub fn of_subject(subject: &str, text: &str) -> Option<Said> {
    static WORDS: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(&SUBJECT));
    if subject.len() > 1000 {
        return None;
    }
    let said = WORDS.find(subject).filter(|(_, (start, end))| !is_offer(subject, *start, *end));
    let (kind, place) = said.min_by_key(|(kind, (start, _))| (*kind, *start))?;
    let is_money = matches!(kind, Kind::Refund | Kind::Receipt);
    let is_about_booking = || BOOKING.is_match(subject) || BOOKING.is_match(beginning(text));
    (is_money || is_about_booking()).then_some((kind, place))
}

/// What the first lines of a text say.
pub fn of_text(text: &str) -> Option<Said> {
    static PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(&TEXT));
    let text = beginning(text);
    PHRASES.find(text).find(|(_, (start, _))| !is_condition(text, *start))
}

/// Phrases of all kinds, looked for in one go.
struct Phrases {
    any: Regex,
    /// What may begin at a place where some phrase begins: at the beginning of a word, and
    /// inside of a compound such as `Buchungsstornierung`.
    kinds: Vec<(Kind, Regex, Option<Regex>)>,
}

impl Phrases {
    /// Phrases that begin with `~` may begin inside of a word.
    fn new(table: &[(Kind, &[&str])]) -> Self {
        let all = |words: &[&str]| {
            let words = words.iter().map(|words| words.trim_start_matches('~'));
            words.collect::<Vec<_>>().join("|").replace(' ', r"\s+")
        };
        let kinds = table.iter().map(|(kind, words)| {
            let inside: Vec<&str> = words.iter().copied().filter(|w| w.starts_with('~')).collect();
            let begins = |words: &[&str]| whole(&format!("^(?:{})", all(words)));
            (*kind, begins(words), (!inside.is_empty()).then(|| begins(&inside)))
        });
        let any: Vec<String> = table.iter().map(|(_, words)| all(words)).collect();
        Self { any: whole(&any.join("|")), kinds: kinds.collect() }
    }

    /// The phrases in a text, in order.
    fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Said> + 'a {
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let start = self.any.find_at(text, at)?.start();
                at = text.ceil_char_boundary(start + 1);
                let is_inside =
                    text[..start].chars().next_back().is_some_and(char::is_alphanumeric);
                let found = self.kinds.iter().find_map(|(kind, begins, inside)| {
                    let pattern = if is_inside { inside.as_ref()? } else { begins };
                    Some((*kind, (start, start + pattern.find(&text[start..])?.end())))
                });
                if let Some((kind, place)) = found {
                    at = place.1.max(at);
                    return Some((kind, place));
                }
            }
        })
    }
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOOKED_AT)]
}

/// Whether these words offer something rather than tell of it: `free cancellation`.
fn is_offer(text: &str, start: usize, end: usize) -> bool {
    static BEFORE: LazyLock<Regex> =
        LazyLock::new(|| whole(r"(?:free|no|kostenlose|kostenfreie|gratuite|gratuita|gratis)\s+$"));
    static AFTER: LazyLock<Regex> = LazyLock::new(|| {
        whole(r"^\s*(?:policy|policies|fee|insurance|terms|sbedingungen|sversicherung)")
    });
    BEFORE.is_match(&text[..start]) || AFTER.is_match(&text[end..])
}

/// Whether the words stand after an `if` of their sentence.
fn is_condition(text: &str, start: usize) -> bool {
    static IF: LazyLock<Regex> = LazyLock::new(|| {
        whole(
            r"(?-u:\b)(?:if|unless|should|falls|wenn|sofern|sobald|once|when|until|si|quand|cuando|se|quando|als|indien|caso)(?-u:\b)[^.!?\n]*$",
        )
    });
    let from = text[..start].rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
    IF.is_match(&text[from..start])
}

/// What can be booked, so that a changed password is no changed booking.
static BOOKING: LazyLock<Regex> = LazyLock::new(|| {
    whole(
        r"booking|book(?:ed)?(?-u:\b)|reserv|rental|(?-u:\b)hire(?-u:\b)|appointment|(?-u:\b)order(?-u:\b)|(?-u:\b)trip(?-u:\b)|(?-u:\b)stay(?-u:\b)|itinerary|ticket|(?-u:\b)visit|buchung|gebucht|bestellung|(?-u:\b)termin|mietwagen|anmietung|(?-u:\b)miete|aufenthalt|reise|réserv|commande|rendez-vous|(?-u:\b)location(?-u:\b)|séjour|(?-u:\b)reserva|alquiler|pedido|(?-u:\b)cita(?-u:\b)|estancia|prenota|ordine|noleggio|appuntamento|soggiorno|boeking|bestelling|(?-u:\b)huur|afspraak|verblijf|encomenda|alugue|marcação|agendamento|estadia|pick-?up|abhol|retrait|recog(?:es|e|ida)(?-u:\b)|ritiro|ophalen|levantamento",
    )
});

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!("(?i){pattern}")).expect("a pattern of this file is well formed")
}

/// Words of subjects, what says more first.
const SUBJECT: [(Kind, &[&str]); 6] = [
    (
        Kind::Refund,
        &[
            "refund",
            "erstattung",
            "rückerstattung",
            "erstattet",
            "zurückerstattet",
            "rembours",
            "reembols",
            "devolución",
            "rimbors",
            "terugbetaling",
            "terugbetaald",
            "estorno",
        ],
    ),
    (
        Kind::Cancelled,
        &[
            "cancel(?:led|ed|lation|ation)",
            "storniert",
            "abgesagt",
            "absage",
            "annul(?:ée?|ation)",
            "cancelad[oa]",
            "cancelación",
            "anulad[oa]",
            "anulación",
            "annullat[oa]",
            "annullamento",
            "cancellat[oa]",
            "cancellazione",
            "disdett[oa]",
            "geannuleerd",
            "annulering",
            "cancelamento",
            "anulação",
            // Compounds, such as Buchungsstornierung.
            "~stornierung",
            "~storno",
        ],
    ),
    (
        Kind::Changed,
        &[
            "changed?",
            "changes to",
            "update[ds]?",
            "modified",
            "modification",
            "amend(?:ed|ment)",
            "rescheduled",
            "geändert",
            "~änderung",
            "aktualisiert",
            "umgebucht",
            "umbuchung",
            "verschoben",
            "modifiée?",
            "mise à jour",
            "changement",
            "reportée?",
            "modificad[oa]",
            "modificación",
            "cambio",
            "actualizad[oa]",
            "reprogramad[oa]",
            "modificat[oa]",
            "modifica",
            "aggiornat[oa]",
            "spostat[oa]",
            "gewijzigd",
            "~wijziging",
            "aangepast",
            "verplaatst",
            "alterad[oa]",
            "alteração",
            "atualizad[oa]",
            "remarcad[oa]",
        ],
    ),
    (
        Kind::Reminder,
        &[
            "reminder",
            "upcoming",
            "coming up",
            "~erinnerung",
            "bevorstehend",
            "steht bevor",
            "rappel",
            "à venir",
            "recordatorio",
            "próxim[oa]",
            "mañana",
            "demain",
            "domani",
            "amanhã",
            "tomorrow",
            "promemoria",
            "in arrivo",
            "~herinnering",
            "aanstaande",
            "lembrete",
        ],
    ),
    (
        Kind::Receipt,
        &[
            "receipt",
            "invoice",
            "payment received",
            "payment confirmation",
            "~rechnung",
            "quittung",
            "zahlungseingang",
            "zahlungsbestätigung",
            "zahlung erhalten",
            "facture",
            "reçu",
            "confirmation de paiement",
            "factura",
            "recibo",
            "pago recibido",
            "fattura",
            "ricevuta",
            "pagamento ricevuto",
            "factuur",
            "betaling ontvangen",
            "betaalbevestiging",
            "fatura",
            "pagamento recebido",
            "comprovativo",
            "comprovante",
        ],
    ),
    (
        Kind::Made,
        &[
            "confirm(?:ed|ation|ing)",
            "new booking",
            "new reservation",
            "thank you for",
            "thanks for",
            "you(?:'|’)re booked",
            "bestätig(?:t|ung)",
            "~bestätigung",
            "ihre buchung",
            "deine buchung",
            "neue buchung",
            "confirmée?",
            "votre réservation",
            "confirmad[oa]",
            "confirmación",
            "(?:su|tu) reserva",
            "confermat[oa]",
            "conferma (?:d|p|o)",
            "bevestig(?:d|ing)",
            "~bevestiging",
            "confirmação",
            "your (?:booking|reservation)",
            "booking received",
            "order received",
        ],
    ),
];

/// Phrases of texts.
const TEXT: [(Kind, &[&str]); 6] = [
    (
        Kind::Refund,
        &[
            "(?:has been|have been|was|were) refunded",
            "we(?:'ve|’ve| have)? refunded",
            "(?:issued|processed) (?:you )?(?:a|your|the) (?:full |partial )?refund",
            r"(?:wurde|wurden|haben)[^.\n]*?(?:erstattet|gutgeschrieben)",
            "(?:a|ont) (?:bien )?été rembours",
            "vous avons remboursé",
            "(?:ha|han) sido reembols",
            "(?:hemos|te hemos|le hemos) reembolsado",
            "(?:è|sono) stat[aoie] rimborsat",
            "abbiamo rimborsato",
            "(?:is|werd|zijn) terugbetaald",
            r"hebben[^.\n]*?terugbetaald",
            "(?:foi|foram) reembols",
            "foi estornado",
        ],
    ),
    (
        Kind::Cancelled,
        &[
            "(?:has been|have been|was|is|is now) (?:successfully )?cancell?ed",
            "we(?:'ve|’ve| have)? cancell?ed your",
            "confirm(?:s|ing)? (?:the|your) cancell?ation",
            "(?:cancell?ation) (?:is |has been )?confirmed",
            r"(?:wurde|ist|haben wir)[^.\n]*?(?:storniert|abgesagt|annulliert)",
            "bestätigen (?:wir )?(?:ihnen )?(?:hiermit )?(?:die|ihre) stornierung",
            "(?:a bien été|a été|est) annulée?",
            "confirmons l(?:'|’)annulation",
            "(?:ha sido|está|queda) (?:cancelad|anulad)[oa]",
            "(?:hemos|se ha) (?:cancelado|anulado)",
            "è stat[ao] (?:cancellat|annullat|disdett)[ao]",
            "abbiamo (?:cancellato|annullato)",
            "(?:is|werd) (?:succesvol )?geannuleerd",
            r"hebben[^.\n]*?geannuleerd",
            "(?:foi|está) (?:cancelad|anulad)[oa]",
            "cancel[aá]mos a (?:sua|tua)",
        ],
    ),
    (
        Kind::Changed,
        &[
            "(?:has been|have been|was|were) (?:successfully )?(?:changed|updated|modified|amended|rescheduled|moved)",
            "we(?:'ve|’ve| have)? (?:changed|updated|modified|rescheduled|moved) your",
            r"(?:wurde|wurden|haben wir)[^.\n]*?(?:geändert|aktualisiert|umgebucht|verschoben|angepasst)",
            "(?:a bien été|a été|ont été) (?:modifiée?|mise? à jour|changée?|déplacée?|reportée?)",
            "avons (?:bien )?modifié",
            "(?:ha|han) sido (?:modificad|cambiad|actualizad|reprogramad)[oa]",
            "hemos (?:modificado|cambiado|actualizado)",
            "è stat[ao] (?:modificat|aggiornat|spostat|cambiat)[ao]",
            "abbiamo (?:modificato|aggiornato|spostato)",
            "(?:is|zijn|werd) (?:succesvol )?(?:gewijzigd|aangepast|verplaatst)",
            r"hebben[^.\n]*?(?:gewijzigd|aangepast|verplaatst)",
            "(?:foi|foram) (?:alterad|modificad|atualizad|remarcad|reagendad)[oa]",
            "alterámos a (?:sua|tua)",
        ],
    ),
    (
        Kind::Reminder,
        &[
            "a (?:friendly |quick |short )?reminder",
            "like to remind you",
            "(?:is|are) coming up",
            "erinnern (?:wir )?(?:sie|dich)",
            "(?:zur|freundliche) erinnerung",
            "steht (?:kurz )?bevor",
            "vous rappelons",
            "pour rappel",
            "(?:le|te|les) recordamos",
            "(?:le|te|les|os) esperamos el",
            "(?:le|ti|vi) ricordiamo",
            "herinneren (?:wij |we )?(?:u|je)",
            "ter herinnering",
            "(?:lhe )?lembramos",
            "gostaríamos de (?:o|a) lembrar",
        ],
    ),
    (
        Kind::Receipt,
        &[
            "thank(?:s| you) for your payment",
            "received your payment",
            "payment (?:was|has been) received",
            "(?:this|here) is your (?:receipt|invoice)",
            r"zahlung[^.\n]*?(?:eingegangen|erhalten)",
            "dank für (?:ihre|deine) zahlung",
            r"(?:anbei|im anhang|hier)[^.\n]*?rechnung",
            "reçu votre paiement",
            "voici votre facture",
            "recibido (?:su|tu) pago",
            r"adjunt[oa]s?[^.\n]*?factura",
            r"ricevuto[^.\n]*?pagamento",
            r"(?:in allegato|ecco)[^.\n]*?(?:fattura|ricevuta)",
            r"(?:uw|je) betaling[^.\n]*?ontvangen",
            r"(?:bijgaand|hierbij)[^.\n]*?factuur",
            r"recebemos o[^.\n]*?pagamento",
            r"em anexo[^.\n]*?fatura",
        ],
    ),
    (
        Kind::Made,
        &[
            r"(?:booking|reservation|rental|appointment|order|trip|stay)[^.\n]*?(?:is|has been|was) (?:now )?(?:confirmed|received|booked|placed|made)",
            "thank(?:s| you) for (?:your (?:booking|reserv|order)|booking|reserving|ordering|choosing)",
            "(?:we |hereby |to )confirm your",
            "(?:you(?:'|’)re|you are) (?:all )?booked",
            "dank für (?:ihre|deine|die) (?:buchung|reservierung|bestellung|anmietung)",
            r"bestätigen (?:wir )?(?:ihnen )?(?:hiermit )?(?:gerne )?(?:ihre|deine|die) (?:buchung|reservierung|anmietung|bestellung)",
            r"(?:buchung|reservierung|anmietung|bestellung|termin)[^.\n]*?(?:bestätigt|eingegangen|gebucht)",
            "merci (?:pour|de) votre (?:réservation|commande)",
            "merci d(?:'|’)avoir réservé",
            r"(?:réservation|commande|location)[^.\n]*?(?:est|a été|a bien été) (?:confirmée?|enregistrée?)",
            "confirmons (?:votre|la) réservation",
            "gracias por (?:su|tu) (?:reserva|pedido)",
            r"reserva[^.\n]*?(?:está|ha sido|queda) confirmada",
            "confirmamos (?:su|tu|a sua|a tua) reserva",
            "grazie per (?:la (?:sua|tua) prenotazione|aver prenotato|il (?:suo|tuo) ordine)",
            r"prenotazione[^.\n]*?confermata",
            "confermiamo la (?:sua|tua) prenotazione",
            "(?:bedankt|dank|dank u) voor (?:uw|je) (?:boeking|reservering|bestelling)",
            r"(?:boeking|reservering)[^.\n]*?bevestigd",
            "bevestigen (?:wij |we )?(?:uw|je) (?:boeking|reservering)",
            "obrigad[oa] (?:pela|por) (?:sua |tua )?reserva",
            r"reserva[^.\n]*?(?:está|foi) confirmada",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> &'static str {
        of_subject(text, "").map_or("-", |said| said.0.name())
    }

    fn text(text: &str) -> String {
        match of_text(text) {
            Some((kind, (start, end))) => format!("{}: {}", kind.name(), &text[start..end]),
            None => "-".to_owned(),
        }
    }

    #[test]
    fn subjects_say_what_happened_in_seven_languages() {
        for (kind, subjects) in [
            (
                "made",
                "Your booking AB12 is confirmed|Buchungsbestätigung AB12|Confirmation de votre réservation|\
                 Confirmación de reserva|Conferma prenotazione|Bevestiging van uw boeking|Confirmação da reserva",
            ),
            (
                "changed",
                "Your reservation has been updated|Ihre Buchung wurde geändert|Modification de votre réservation|\
                 Cambio en su reserva|Prenotazione modificata|Wijziging van uw reservering|Alteração da sua reserva",
            ),
            (
                "cancelled",
                "Booking cancellation confirmed|Stornierung Ihrer Buchung|Annulation de votre réservation|\
                 Reserva cancelada|Prenotazione annullata|Uw boeking is geannuleerd|Cancelamento da reserva",
            ),
            (
                "reminder",
                "Reminder: your trip on Friday|Erinnerung an Ihren Termin|Rappel : votre réservation|\
                 Recordatorio de su reserva|Promemoria prenotazione|Herinnering: uw boeking|Lembrete da sua reserva",
            ),
            (
                "receipt",
                "Your receipt from Rent|Ihre Rechnung 2026-12|Votre facture|Su factura|La tua fattura|Uw factuur|A sua fatura",
            ),
            (
                "refund",
                "Refund for booking AB12|Rückerstattung|Remboursement|Reembolso|Rimborso|Terugbetaling|Reembolso da reserva",
            ),
        ] {
            for one in subjects.split('|') {
                assert_eq!(subject(one.trim()), kind, "{one}");
            }
        }
    }

    #[test]
    fn texts_say_it_in_phrases() {
        assert_eq!(
            text("Hello Anna,\nyour booking AB12 has been cancelled. Thank you for booking."),
            "cancelled: has been cancelled"
        );
        assert_eq!(
            text("vielen Dank für Ihre Buchung! Kostenlose Stornierung bis Freitag."),
            "made: Dank für Ihre Buchung"
        );
        assert_eq!(text("La sua prenotazione è stata modificata"), "changed: è stata modificata");
        assert_eq!(text("Uw reservering is geannuleerd."), "cancelled: is geannuleerd");
        assert_eq!(text("Nous vous rappelons votre rendez-vous"), "reminder: vous rappelons");
        assert_eq!(text("Recebemos o seu pagamento"), "receipt: Recebemos o seu pagamento");
        assert_eq!(text("€20 were refunded to your card"), "refund: were refunded");
    }

    #[test]
    fn a_word_within_another_says_nothing_unless_it_is_a_compound() {
        assert_eq!(subject("Buchungsstornierung AB12"), "cancelled");
        assert_eq!(subject("Unconfirmed booking"), "-");
    }

    #[test]
    fn what_may_happen_has_not_happened() {
        assert_eq!(text("If your booking is cancelled before Friday you pay nothing."), "-");
        assert_eq!(subject("Your booking AB12, free cancellation"), "made");
        assert_eq!(subject("Cancellation policy"), "-");
        assert_eq!(subject("Your password was changed"), "-");
        assert_eq!(text("See you on Monday"), "-");
    }
}
