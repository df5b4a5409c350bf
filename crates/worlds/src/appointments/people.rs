//! Names and telephone numbers by language.

use super::profile::Language;
use crate::dice::{DIGITS, Dice};

#[rustfmt::skip]
const GIVEN_FRENCH: &[&str] = &[
    "Marie", "Nathalie", "Isabelle", "Sylvie", "Catherine", "Françoise", "Céline", "Aurélie",
    "Émilie", "Léa", "Manon", "Chloé", "Zoé", "Anaïs", "Hélène", "Jean", "Pierre", "Michel",
    "Philippe", "Nicolas", "Julien", "Loïc", "Jérôme", "François", "Mathieu", "Hugo", "Fatima",
    "Karim", "Margaux", "Bénédicte", "Jean-Luc", "Anne-Sophie", "Odile", "Rémi", "Gaëlle",
];
#[rustfmt::skip]
const FAMILY_FRENCH: &[&str] = &[
    "Martin", "Bernard", "Dubois", "Thomas", "Robert", "Petit", "Durand", "Leroy", "Moreau",
    "Simon", "Laurent", "Lefèvre", "Michel", "Garcia", "Bertrand", "Roux", "Vincent", "Fournier",
    "Girard", "Bonnet", "Dupont", "Lambert", "Fontaine", "Rousseau", "Faure", "Mercier", "Blanc",
    "Guérin", "Boyer", "Chevalier", "Gauthier", "Perrin", "Benali", "de La Tour", "Le Goff",
    "Béranger", "Noël", "Ménard", "Pélissier", "Charpentier", "Aubert", "Rey", "Colin",
];
#[rustfmt::skip]
const GIVEN_CANADIAN: &[&str] = &[
    "Liam", "Emma", "Olivia", "Jackson", "Sophia", "Ethan", "Hannah", "Logan", "Abigail", "Owen",
    "Grace", "Carter", "Madison", "Wyatt", "Claire", "Nathan", "Farah", "Ravi", "Mei", "Anjali",
    "Gord", "Doug", "Heather", "Shannon", "Kathleen", "Ian", "Fiona", "Dmitri", "Amara", "Kenji",
    "Sylvain", "Geneviève", "Darren", "Colleen", "Trevor", "Lorna",
];
#[rustfmt::skip]
const FAMILY_CANADIAN: &[&str] = &[
    "MacDonald", "Campbell", "Singh", "Li", "Tremblay", "Wong", "Stewart", "Roy", "Chan", "Reid",
    "Fraser", "Gill", "Ross", "Kim", "McLeod", "Bouchard", "Grant", "Hamilton", "Sharma", "Ahmed",
    "Sinclair", "Whitfield", "Dhaliwal", "Kowalchuk", "O'Neill", "Nguyen", "Okafor", "Petrov",
    "Lavoie", "Burns", "Crawford", "Duncan", "Ferguson", "Graham", "Hayes", "Iverson", "Kerr",
    "Lindsay", "Morrison", "Pelletier", "Quinn", "St. James",
];
#[rustfmt::skip]
const GIVEN_ITALIAN: &[&str] = &[
    "Giulia", "Francesca", "Sara", "Martina", "Valentina", "Alessia", "Elisa", "Paola", "Silvia",
    "Federica", "Marta", "Anna", "Giorgia", "Beatrice", "Noemi", "Luca", "Matteo", "Andrea",
    "Davide", "Simone", "Lorenzo", "Riccardo", "Paolo", "Stefano", "Nicolò", "Gianluca", "Teresa",
    "Rosaria", "Ilaria", "Camilla", "Monica", "Serena",
];
#[rustfmt::skip]
const FAMILY_ITALIAN: &[&str] = &[
    "Rossi", "Ferrari", "Esposito", "Russo", "Romano", "Colombo", "Ricci", "Marino", "Greco",
    "Bruno", "Gallo", "Conti", "De Luca", "Costa", "Giordano", "Mancini", "Rizzo", "Lombardi",
    "Moretti", "Barbieri", "Fontana", "Santoro", "Mariani", "Rinaldi", "Caruso", "Ferrara",
    "Galli", "Martini", "Leone", "Longo", "Gentile", "Martinelli", "Vitale", "Lombardo", "Serra",
    "Coppola", "De Santis", "D'Angelo", "Marchetti", "Parisi", "Villa", "Conte", "Ferri",
];
#[rustfmt::skip]
const GIVEN_POLISH: &[&str] = &[
    "Anna", "Maria", "Katarzyna", "Małgorzata", "Agnieszka", "Barbara", "Ewa", "Krystyna",
    "Elżbieta", "Magdalena", "Joanna", "Aleksandra", "Monika", "Zofia", "Piotr", "Krzysztof",
    "Andrzej", "Tomasz", "Jan", "Paweł", "Michał", "Marcin", "Jakub", "Łukasz", "Grzegorz",
    "Wojciech", "Stanisław", "Mateusz", "Rafał", "Kacper", "Żaneta", "Bożena",
];
/// For a man and for a woman.
#[rustfmt::skip]
const FAMILY_POLISH: &[(&str, &str)] = &[
    ("Kowalski", "Kowalska"), ("Wiśniewski", "Wiśniewska"), ("Kamiński", "Kamińska"),
    ("Lewandowski", "Lewandowska"), ("Zieliński", "Zielińska"), ("Szymański", "Szymańska"),
    ("Dąbrowski", "Dąbrowska"), ("Kozłowski", "Kozłowska"), ("Jankowski", "Jankowska"),
    ("Nowak", "Nowak"), ("Wójcik", "Wójcik"), ("Kowalczyk", "Kowalczyk"), ("Mazur", "Mazur"),
    ("Krawczyk", "Krawczyk"), ("Piotrowski", "Piotrowska"), ("Grabowski", "Grabowska"),
    ("Pawłowski", "Pawłowska"), ("Michalski", "Michalska"), ("Król", "Król"),
    ("Wieczorek", "Wieczorek"), ("Jabłoński", "Jabłońska"), ("Wróbel", "Wróbel"),
    ("Majewski", "Majewska"), ("Olszewski", "Olszewska"), ("Stępień", "Stępień"),
    ("Malinowski", "Malinowska"), ("Jaworski", "Jaworska"), ("Adamczyk", "Adamczyk"),
    ("Dudek", "Dudek"), ("Pawlak", "Pawlak"), ("Górski", "Górska"), ("Sikora", "Sikora"),
    ("Baran", "Baran"), ("Rutkowski", "Rutkowska"), ("Ostrowski", "Ostrowska"),
    ("Źródlak", "Źródlak"), ("Ćwiąkała", "Ćwiąkała"), ("Gąsior", "Gąsior"),
];
#[rustfmt::skip]
const SHORT: &[(&str, &str)] = &[
    ("Catherine", "Cathy"), ("Isabelle", "Isa"), ("Nicolas", "Nico"), ("Mathieu", "Math"),
    ("Nathan", "Nate"), ("Abigail", "Abby"), ("Kathleen", "Kathy"), ("Madison", "Maddie"),
    ("Francesca", "Franci"), ("Valentina", "Vale"), ("Federica", "Fede"), ("Alessia", "Ale"),
    ("Katarzyna", "Kasia"), ("Małgorzata", "Gosia"), ("Agnieszka", "Aga"), ("Joanna", "Asia"),
    ("Aleksandra", "Ola"), ("Krzysztof", "Krzysiek"), ("Tomasz", "Tomek"), ("Jakub", "Kuba"),
    ("Grzegorz", "Grzesiek"), ("Wojciech", "Wojtek"),
];

/// A given and a family name; Polish family names follow the person's sex.
pub(super) fn name(language: Language, dice: &mut Dice) -> (String, String) {
    let (given, family) = match language {
        Language::French => (GIVEN_FRENCH, FAMILY_FRENCH),
        Language::Canadian => (GIVEN_CANADIAN, FAMILY_CANADIAN),
        Language::Italian => (GIVEN_ITALIAN, FAMILY_ITALIAN),
        Language::Polish => {
            let given = dice.pick(GIVEN_POLISH);
            let (his, hers) = FAMILY_POLISH[dice.below(FAMILY_POLISH.len())];
            let family = if given.ends_with('a') { hers } else { his };
            return (given.to_owned(), family.to_owned());
        }
    };
    let mut name = dice.pick(family).to_owned();
    if dice.chance(0.04) {
        name = format!("{name}-{}", dice.pick(family));
    }
    (dice.pick(given).to_owned(), name)
}

/// A mobile number as its owner writes it.
pub(super) fn mobile(language: Language, dice: &mut Dice) -> String {
    let pairs = |n: usize, between: &str, dice: &mut Dice| {
        (0..n).map(|_| dice.code(2, DIGITS)).collect::<Vec<_>>().join(between)
    };
    match language {
        Language::French => {
            let lead = dice.within(6, 7);
            match dice.below(3) {
                0 => format!("0{lead} {}", pairs(4, " ", dice)),
                1 => format!("0{lead}.{}", pairs(4, ".", dice)),
                _ => format!("+33 {lead} {}", pairs(4, " ", dice)),
            }
        }
        Language::Canadian => {
            let area = dice.pick(&["416", "647", "437", "905", "289"]);
            let (mid, rest) = (dice.within(220, 989), dice.code(4, DIGITS));
            match dice.below(3) {
                0 => format!("{area}-{mid}-{rest}"),
                1 => format!("({area}) {mid}-{rest}"),
                _ => format!("{area}.{mid}.{rest}"),
            }
        }
        Language::Italian => {
            let lead = dice.pick(&["320", "328", "333", "338", "340", "347", "349", "366", "392"]);
            let rest = dice.code(7, DIGITS);
            match dice.below(3) {
                0 => format!("{lead} {rest}"),
                1 => format!("+39 {lead} {rest}"),
                _ => format!("{lead}{rest}"),
            }
        }
        Language::Polish => {
            let lead = dice.pick(&["501", "512", "600", "604", "661", "692", "721", "785", "888"]);
            let (a, b) = (dice.code(3, DIGITS), dice.code(3, DIGITS));
            match dice.below(3) {
                0 => format!("{lead} {a} {b}"),
                1 => format!("+48 {lead} {a} {b}"),
                _ => format!("{lead}-{a}-{b}"),
            }
        }
    }
}

/// What friends call somebody, where there is such a name.
pub(super) fn nickname(given: &str) -> Option<&'static str> {
    SHORT.iter().find(|(whole, _)| *whole == given).map(|(_, short)| *short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polish_family_name_follows_the_person() {
        let mut dice = Dice::new(4, 0);
        for _ in 0..60 {
            let (given, family) = name(Language::Polish, &mut dice);
            assert_eq!(family.ends_with("ska"), given.ends_with('a') && family.ends_with("ska"));
            assert!(!(given.ends_with('a') && family.ends_with("ski")), "{given} {family}");
        }
    }

    #[test]
    fn a_number_has_as_many_digits_as_its_country_has() {
        let mut dice = Dice::new(5, 0);
        for (language, code, digits) in [
            (Language::French, "+33", 9),
            (Language::Canadian, "+1", 10),
            (Language::Italian, "+39", 10),
            (Language::Polish, "+48", 9),
        ] {
            for _ in 0..20 {
                let number = mobile(language, &mut dice);
                let number = number.trim_start_matches(code).trim_start_matches('0');
                let count = number.chars().filter(char::is_ascii_digit).count();
                assert_eq!(count, digits, "{number}");
            }
        }
    }
}
