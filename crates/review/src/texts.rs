//! All words that a reviewer reads. Another language is one more [`Texts`] and one more line in
//! [`Language`].

use std::fmt;

/// A language that packs are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// The language of a tag such as `de` or `de-AT` (BCP 47) or `de_AT`; English where it is
    /// none of ours.
    pub fn of_tag(tag: &str) -> Self {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        let known = Self::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary));
        known.unwrap_or_default()
    }

    /// The language of a business that lives in this time zone, for one of which nothing else
    /// tells it; English where the zone's people speak several, or none of ours.
    pub fn of_zone(zone: &str) -> Self {
        Self::ALL.into_iter().find(|l| l.texts().zones.contains(&zone)).unwrap_or_default()
    }

    /// The tag: `en`, `de`, `fr`, `es`.
    pub fn tag(self) -> &'static str {
        self.texts().tag
    }

    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
            Self::French => &FRENCH,
            Self::Spanish => &SPANISH,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// The words of one language.
pub(crate) struct Texts {
    pub tag: &'static str,
    /// The time zones in which people speak it and no other of its size.
    pub zones: &'static [&'static str],
    /// How Excel and its kin are told to show a date, and a date with its time.
    pub date_format: &'static str,
    pub time_format: &'static str,
    /// The same for `jiff`.
    pub date_shown: &'static str,
    pub time_shown: &'static str,
    /// What a table is separated by where this language is spoken.
    pub separator: u8,
    /// Headers, in the order of [`crate::words::Fixed::ALL`].
    pub headers: [&'static str; 11],
    /// Headers of the sheet of conflicts: field, kept, the other, source.
    pub conflict_headers: [&'static str; 4],
    /// Answers in a sheet, in the order of [`crate::words::Said::ALL`].
    pub answers: [&'static str; 5],
    /// The same as sentences on the page.
    pub choices: [&'static str; 5],
    /// Needs an answer, restored, conflicts, not rebuilt: 31 characters at most (a sheet's name).
    pub sections: [&'static str; 4],
    pub section_hints: [&'static str; 4],
    pub title: &'static str,
    pub intro: &'static str,
    pub without_script: &'static str,
    pub save: &'static str,
    pub saved: &'static str,
    pub nothing_to_save: &'static str,
    pub asks: &'static str,
    pub fix: &'static str,
    pub empty: &'static str,
    pub times_in: &'static str,
    pub pick_hint: &'static str,
    /// The page for one person: its title, what it says, and what stands in the database.
    pub person: [&'static str; 3],
    /// Reservation, customer, payment.
    pub records: [&'static str; 3],
    /// Payment provider, calendar, e-mail, table, database.
    pub sources: [&'static str; 5],
}

const ENGLISH: Texts = Texts {
    tag: "en",
    zones: &[],
    date_format: "yyyy-mm-dd",
    time_format: "yyyy-mm-dd hh:mm",
    date_shown: "%Y-%m-%d",
    time_shown: "%Y-%m-%d %H:%M",
    separator: b',',
    headers: [
        "Record",
        "Answer",
        "Same as",
        "Your note",
        "Your name",
        "What it is",
        "How sure",
        "Why we ask",
        "Not known",
        "Evidence",
        "Time zone",
    ],
    conflict_headers: ["Field", "We kept", "The other says", "Source"],
    answers: ["yes", "no", "corrected", "same as", "don't know"],
    choices: [
        "Yes, this is right",
        "No, there was no such record",
        "Right, but for what I correct",
        "The same as another record",
        "I don't know",
    ],
    sections: ["Needs an answer", "Restored", "Conflicts", "Not rebuilt"],
    section_hints: [
        "Please look at these. The most urgent come first.",
        "We are sure of these. Nothing needs to be done, but say so if one is wrong.",
        "Two sources say different things. What we kept stands beside what the other says.",
        "Found in the evidence, but not taken as lost records. Say so if one was real.",
    ],
    title: "Is this right?",
    intro: "Some of your records were lost and were rebuilt from payments, calendars and e-mails. \
            Please tell us which of them are right. Save your answers at the end and send us the \
            file. What you leave open stays open.",
    without_script: "Answers can be saved here only in a browser with scripts. You can as well \
                     answer in the workbook or the table that came with this page.",
    save: "Save my answers",
    saved: "Saved. Please send us the file. If none was saved, copy this text into your reply:",
    nothing_to_save: "You have not answered anything yet.",
    asks: "Is this right?",
    fix: "Write what is right into the field",
    empty: "empty",
    times_in: "Times are shown in this zone",
    pick_hint: "Pick an answer. To correct, change the cells to the right.",
    person: [
        "What is known of you",
        "All that was rebuilt of you after a loss of data, and what it was rebuilt from.",
        "What stands in the database",
    ],
    records: ["reservation", "customer", "payment"],
    sources: ["payment provider", "calendar", "e-mail", "table", "database"],
};

const GERMAN: Texts = Texts {
    tag: "de",
    zones: &["Europe/Berlin", "Europe/Vienna", "Europe/Busingen", "Europe/Vaduz"],
    date_format: "dd.mm.yyyy",
    time_format: "dd.mm.yyyy hh:mm",
    date_shown: "%d.%m.%Y",
    time_shown: "%d.%m.%Y %H:%M",
    separator: b';',
    headers: [
        "Datensatz",
        "Antwort",
        "Dasselbe wie",
        "Ihre Anmerkung",
        "Ihr Name",
        "Was es ist",
        "Wie sicher",
        "Warum wir fragen",
        "Nicht bekannt",
        "Beleg",
        "Zeitzone",
    ],
    conflict_headers: ["Feld", "Wir behielten", "Die andere Quelle sagt", "Quelle"],
    answers: ["ja", "nein", "korrigiert", "dasselbe wie", "weiß nicht"],
    choices: [
        "Ja, das stimmt",
        "Nein, das gab es nicht",
        "Stimmt bis auf das, was ich korrigiere",
        "Dasselbe wie ein anderer Datensatz",
        "Ich weiß es nicht",
    ],
    sections: [
        "Braucht eine Antwort",
        "Wiederhergestellt",
        "Widersprüche",
        "Nicht wiederhergestellt",
    ],
    section_hints: [
        "Bitte sehen Sie diese an. Das Dringendste steht oben.",
        "Hier sind wir sicher. Es ist nichts zu tun, aber sagen Sie es, wenn etwas falsch ist.",
        "Zwei Quellen sagen Verschiedenes. Was wir behielten, steht neben dem anderen.",
        "In den Belegen gefunden, aber nicht als verloren angesehen. Sagen Sie es, wenn es echt war.",
    ],
    title: "Stimmt das?",
    intro: "Einige Ihrer Datensätze gingen verloren und wurden aus Zahlungen, Kalendern und \
            E-Mails neu aufgebaut. Bitte sagen Sie uns, welche davon stimmen. Speichern Sie am \
            Ende Ihre Antworten und senden Sie uns die Datei. Was Sie offen lassen, bleibt offen.",
    without_script: "Antworten lassen sich hier nur in einem Browser mit Skripten speichern. Sie \
                     können ebenso in der Arbeitsmappe oder der Tabelle antworten, die beiliegt.",
    save: "Meine Antworten speichern",
    saved: "Gespeichert. Bitte senden Sie uns die Datei. Falls keine gespeichert wurde, kopieren \
            Sie diesen Text in Ihre Antwort:",
    nothing_to_save: "Sie haben noch nichts beantwortet.",
    asks: "Stimmt das?",
    fix: "Schreiben Sie in das Feld, was richtig ist",
    empty: "leer",
    times_in: "Zeiten gelten in dieser Zone",
    pick_hint: "Wählen Sie eine Antwort. Zum Korrigieren ändern Sie die Zellen rechts.",
    person: [
        "Was über Sie bekannt ist",
        "Alles, was nach einem Datenverlust über Sie wiederhergestellt wurde, und woraus.",
        "Was in der Datenbank steht",
    ],
    records: ["Reservierung", "Kunde", "Zahlung"],
    sources: ["Zahlungsdienst", "Kalender", "E-Mail", "Tabelle", "Datenbank"],
};

const FRENCH: Texts = Texts {
    tag: "fr",
    zones: &["Europe/Paris", "Europe/Monaco"],
    date_format: "dd/mm/yyyy",
    time_format: "dd/mm/yyyy hh:mm",
    date_shown: "%d/%m/%Y",
    time_shown: "%d/%m/%Y %H:%M",
    separator: b';',
    headers: [
        "Fiche",
        "Réponse",
        "Identique à",
        "Votre remarque",
        "Votre nom",
        "De quoi il s’agit",
        "Certitude",
        "Pourquoi nous demandons",
        "Inconnu",
        "Preuve",
        "Fuseau horaire",
    ],
    conflict_headers: ["Champ", "Nous avons gardé", "L’autre source dit", "Source"],
    answers: ["oui", "non", "corrigé", "identique à", "je ne sais pas"],
    choices: [
        "Oui, c’est exact",
        "Non, cela n’a pas existé",
        "Exact, sauf ce que je corrige",
        "Identique à une autre fiche",
        "Je ne sais pas",
    ],
    sections: ["Attend une réponse", "Rétabli", "Contradictions", "Non rétabli"],
    section_hints: [
        "Merci de les regarder. Le plus urgent vient en premier.",
        "Nous en sommes sûrs. Il n’y a rien à faire, mais dites-le si quelque chose est faux.",
        "Deux sources se contredisent. Ce que nous avons gardé est à côté de ce que dit l’autre.",
        "Trouvé dans les preuves, mais non retenu comme perdu. Dites-le si cela a existé.",
    ],
    title: "Est-ce exact ?",
    intro: "Une partie de vos fiches a été perdue, puis reconstruite à partir de paiements, \
            d’agendas et de courriels. Dites-nous lesquelles sont exactes. À la fin, enregistrez \
            vos réponses et envoyez-nous le fichier. Ce que vous laissez ouvert reste ouvert.",
    without_script: "Les réponses ne s’enregistrent ici que dans un navigateur avec scripts. Vous \
                     pouvez aussi répondre dans le classeur ou le tableau joint à cette page.",
    save: "Enregistrer mes réponses",
    saved: "Enregistré. Merci de nous envoyer le fichier. Si aucun fichier n’a été enregistré, \
            copiez ce texte dans votre réponse :",
    nothing_to_save: "Vous n’avez encore rien répondu.",
    asks: "Est-ce exact ?",
    fix: "Écrivez dans le champ ce qui est exact",
    empty: "vide",
    times_in: "Les heures sont dans ce fuseau",
    pick_hint: "Choisissez une réponse. Pour corriger, modifiez les cellules à droite.",
    person: [
        "Ce que nous savons de vous",
        "Tout ce qui a été reconstitué à votre sujet après une perte de données, et à partir de quoi.",
        "Ce qui figure dans la base de données",
    ],
    records: ["réservation", "client", "paiement"],
    sources: ["service de paiement", "agenda", "courriel", "tableau", "base de données"],
};

const SPANISH: Texts = Texts {
    tag: "es",
    zones: &[
        "Europe/Madrid",
        "Atlantic/Canary",
        "America/Argentina/Buenos_Aires",
        "America/Bogota",
        "America/Lima",
        "America/Mexico_City",
        "America/Montevideo",
        "America/Santiago",
    ],
    date_format: "dd/mm/yyyy",
    time_format: "dd/mm/yyyy hh:mm",
    date_shown: "%d/%m/%Y",
    time_shown: "%d/%m/%Y %H:%M",
    separator: b';',
    headers: [
        "Ficha",
        "Respuesta",
        "Igual que",
        "Su nota",
        "Su nombre",
        "Qué es",
        "Certeza",
        "Por qué preguntamos",
        "No se sabe",
        "Prueba",
        "Zona horaria",
    ],
    conflict_headers: ["Campo", "Conservamos", "La otra fuente dice", "Fuente"],
    answers: ["sí", "no", "corregido", "igual que", "no lo sé"],
    choices: [
        "Sí, es correcto",
        "No, eso no existió",
        "Correcto, salvo lo que corrijo",
        "Igual que otra ficha",
        "No lo sé",
    ],
    sections: ["Necesita respuesta", "Restaurado", "Contradicciones", "No recuperado"],
    section_hints: [
        "Mire estas fichas, por favor. Lo más urgente va primero.",
        "De estas estamos seguros. No hay nada que hacer, pero avise si alguna está mal.",
        "Dos fuentes dicen cosas distintas. Lo que conservamos está junto a lo que dice la otra.",
        "Hallado en las pruebas, pero no tomado como perdido. Avise si existió de verdad.",
    ],
    title: "¿Es correcto?",
    intro: "Algunas de sus fichas se perdieron y se reconstruyeron a partir de pagos, calendarios \
            y correos. Díganos cuáles son correctas. Al final, guarde sus respuestas y envíenos \
            el archivo. Lo que deje abierto queda abierto.",
    without_script: "Aquí las respuestas solo se guardan en un navegador con scripts. También \
                     puede responder en el libro o en la tabla que acompaña a esta página.",
    save: "Guardar mis respuestas",
    saved: "Guardado. Envíenos el archivo, por favor. Si no se guardó ninguno, copie este texto \
            en su respuesta:",
    nothing_to_save: "Todavía no ha respondido nada.",
    asks: "¿Es correcto?",
    fix: "Escriba en el campo lo correcto",
    empty: "vacío",
    times_in: "Las horas están en esta zona",
    pick_hint: "Elija una respuesta. Para corregir, cambie las celdas de la derecha.",
    person: [
        "Lo que se sabe de usted",
        "Todo lo que se reconstruyó sobre usted tras una pérdida de datos, y a partir de qué.",
        "Lo que está en la base de datos",
    ],
    records: ["reserva", "cliente", "pago"],
    sources: ["servicio de pago", "calendario", "correo", "tabla", "base de datos"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_with_a_region_is_its_language_and_an_unknown_one_is_english() {
        let tags = ["de", "DE-at", "fr_CA", "es", "en-GB", "it", ""].map(Language::of_tag);
        assert_eq!(tags.map(Language::tag).join(" "), "de de fr es en en en");
    }

    #[test]
    fn a_zone_with_one_language_tells_it() {
        let zones = ["Europe/Berlin", "America/Lima", "Europe/Paris", "Europe/Zurich", "UTC"];
        let tags = zones.map(|zone| Language::of_zone(zone).tag());
        assert_eq!(tags.join(" "), "de es fr en en");
    }

    #[test]
    fn sheets_names_and_drop_downs_are_short_enough_for_a_workbook() {
        for language in Language::ALL {
            let texts = language.texts();
            assert!(texts.sections.iter().all(|name| name.chars().count() <= 31), "{language}");
            assert!(texts.answers.join(",").chars().count() < 255, "{language}");
            assert!(texts.pick_hint.chars().count() < 255, "{language}");
        }
    }
}
