//! Names and telephone numbers by country.

use super::profile::Tongue;
use crate::dice::{DIGITS, Dice};
use crate::people::ascii;

#[rustfmt::skip]
const GIVEN_FRENCH: &[&str] = &[
    "Camille", "Luc", "Chloé", "Mathieu", "Hélène", "Julien", "Élodie", "Antoine", "Sylvie",
    "Pascal", "Nathalie", "Olivier", "Aurélie", "François", "Béatrice", "Yves", "Mélanie",
    "Jean-Marc", "Anne-Sophie", "Thierry", "Valérie", "Benoît", "Coralie", "Romain", "Noémie",
    "Gilles", "Inès", "Sébastien", "Laurence", "Cédric", "Fabienne", "Maxime", "Zoé", "Didier",
];
#[rustfmt::skip]
const FAMILY_FRENCH: &[&str] = &[
    "Favre", "Rochat", "Bonvin", "Jaquet", "Blanc", "Chappuis", "Dubois", "Perret", "Monnier",
    "Bovet", "Gaillard", "Pasche", "Cornaz", "Aubert", "Rey", "Moret", "Girard", "Leclerc",
    "Fournier", "Lambert", "Bertholet", "Crettenand", "Vuilleumier", "Savary", "Dufour", "Mercier",
    "Chevalley", "Delacrétaz", "Grandjean", "Besançon", "Roulet", "Thévoz", "de Watteville",
    "Maillard", "Zufferey", "Nicolet", "Berger", "Piguet", "Guex", "Corboz", "Emery", "Lévy",
];
#[rustfmt::skip]
const GIVEN_SCOTS: &[&str] = &[
    "Fiona", "Ewan", "Kirsty", "Hamish", "Morag", "Iain", "Catriona", "Duncan", "Ailsa", "Gregor",
    "Shona", "Malcolm", "Heather", "Angus", "Eilidh", "Rory", "Lorna", "Stuart", "Mhairi", "Craig",
    "Isobel", "Finlay", "Rhona", "Kenneth", "Jean", "Murdo", "Alison", "Neil", "Sheena", "Blair",
    "Caroline", "Derek", "Rosalind", "Peter", "Jill", "Trevor", "Hilary", "Colin",
];
#[rustfmt::skip]
const FAMILY_SCOTS: &[&str] = &[
    "Macdonald", "Stewart", "Fraser", "Ross", "Sinclair", "Murray", "Kerr", "Duncan", "Munro",
    "Buchanan", "Drummond", "MacLeod", "Gillespie", "Lindsay", "Baird", "Rennie", "Geddes",
    "Haldane", "Crawford", "Dalgleish", "Mackintosh", "Forsyth", "Urquhart", "Laidlaw", "Innes",
    "Petrie", "Cairns", "Melville", "Rutherford", "Tait", "O'Neill", "Whyte", "Ramsay", "Nairn",
    "Lockhart", "Gow", "Abernethy", "Farquharson", "Purves", "Begg", "Hume", "Carswell",
];
#[rustfmt::skip]
const GIVEN_ITALIAN: &[&str] = &[
    "Giulia", "Marco", "Chiara", "Luca", "Francesca", "Alessandro", "Martina", "Matteo",
    "Valentina", "Andrea", "Silvia", "Stefano", "Elisa", "Paolo", "Federica", "Giorgio", "Paola",
    "Davide", "Sofia", "Riccardo", "Alice", "Simone", "Ilaria", "Lorenzo", "Caterina", "Enrico",
    "Beatrice", "Tommaso", "Margherita", "Nicolò", "Benedetta", "Giacomo", "Serena", "Massimo",
];
#[rustfmt::skip]
const FAMILY_ITALIAN: &[&str] = &[
    "Ferrari", "Esposito", "Bianchi", "Romano", "Colombo", "Ricci", "Marino", "Greco", "Bruno",
    "Gallo", "Conti", "De Luca", "Costa", "Giordano", "Mancini", "Rizzo", "Lombardi", "Moretti",
    "Barbieri", "Fontana", "Santoro", "Mariani", "Rinaldi", "Caruso", "Ferrara", "Galli",
    "Martini", "Leone", "Longo", "Gentile", "Martinelli", "Vitale", "D'Angelo", "Lo Presti",
    "Pellegrini", "Palumbo", "Sanna", "Farina", "Cattaneo", "Monti", "Basile", "Ferri",
];
#[rustfmt::skip]
const GIVEN_DUTCH: &[&str] = &[
    "Sanne", "Daan", "Femke", "Jeroen", "Lotte", "Bas", "Marieke", "Pieter", "Anouk", "Sjoerd",
    "Ingrid", "Wouter", "Marloes", "Thijs", "Saskia", "Maarten", "Esther", "Ruben", "Hanneke",
    "Gijs", "Tineke", "Joost", "Willemijn", "Koen", "Loes", "Hendrik", "Roos", "Freek", "Nienke",
    "Arjen", "Yvonne", "Casper", "Annelies", "Bram", "Mirjam", "Zoë",
];
#[rustfmt::skip]
const FAMILY_DUTCH: &[&str] = &[
    "de Jong", "Jansen", "de Vries", "van den Berg", "Bakker", "van Dijk", "Visser", "Smit",
    "Meijer", "de Boer", "Mulder", "de Groot", "Bos", "Vos", "Peters", "Hendriks", "van Leeuwen",
    "Dekker", "Brouwer", "de Wit", "Dijkstra", "Smits", "de Graaf", "van der Meer", "Kok",
    "Jacobs", "van der Linden", "Vermeulen", "Schouten", "van Beek", "Willems", "Hoekstra",
    "Koster", "Prins", "Verhoeven", "Postma", "Kuiper", "Veenstra", "Bosch", "Zijlstra", "Terpstra",
];

/// A given and a family name.
pub(super) fn name(tongue: Tongue, dice: &mut Dice) -> (&'static str, &'static str) {
    let (given, family) = match tongue {
        Tongue::French => (GIVEN_FRENCH, FAMILY_FRENCH),
        Tongue::Scots => (GIVEN_SCOTS, FAMILY_SCOTS),
        Tongue::Italian => (GIVEN_ITALIAN, FAMILY_ITALIAN),
        Tongue::Dutch => (GIVEN_DUTCH, FAMILY_DUTCH),
    };
    (dice.pick(given), dice.pick(family))
}

/// What guests ask for besides, each in his language.
pub(super) fn wishes(tongue: Tongue) -> &'static [&'static str] {
    match tongue {
        Tongue::French => {
            &["au calme si possible", "lits séparés", "sans gluten", "rez-de-chaussée"]
        }
        Tongue::Scots => {
            &["quiet room please", "two single beds", "vegetarian", "allergic to feathers"]
        }
        Tongue::Italian => &["piano terra", "letto matrimoniale", "celiaca", "culla già nostra"],
        Tongue::Dutch => {
            &["rustige kamer graag", "twee losse bedden", "plek voor fietsen", "hond is klein"]
        }
    }
}

/// Where somebody with such a name mostly lives, by ISO 3166.
pub(super) fn country(tongue: Tongue, dice: &mut Dice) -> &'static str {
    let (usual, other) = match tongue {
        Tongue::French => ("CH", "FR"),
        Tongue::Scots => ("GB", "IE"),
        Tongue::Italian => ("IT", "CH"),
        Tongue::Dutch => ("NL", "BE"),
    };
    if dice.chance(0.8) { usual } else { other }
}

/// The address that a booking portal gives out in place of the guest's own.
pub(super) fn relay(given: &str, dice: &mut Dice) -> String {
    format!("{}.{}@guest.stayportal.example", ascii(given), dice.code(6, DIGITS))
}

/// A number as its owner writes it.
pub(super) fn mobile(tongue: Tongue, dice: &mut Dice) -> String {
    let mut digits = |n| dice.code(n, DIGITS);
    let (a, b, c, d) = (digits(3), digits(2), digits(2), digits(3));
    let home = dice.chance(0.5);
    match tongue {
        Tongue::French if home => format!("079 {a} {b} {c}"),
        Tongue::French => format!("+41 79 {a} {b} {c}"),
        Tongue::Scots if home => format!("077{b} {a}{d}"),
        Tongue::Scots => format!("+44 77{b} {a}{d}"),
        Tongue::Italian if home => format!("34{} {a} {b}{c}", b.as_bytes()[0] % 10),
        Tongue::Italian => format!("+39 33{} {a}{b}{c}", c.as_bytes()[0] % 10),
        Tongue::Dutch if home => format!("06-{a}{d}{b}"),
        Tongue::Dutch => format!("+31 6 {a}{d}{b}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::email;

    #[test]
    fn every_name_makes_an_address() {
        let mut dice = Dice::new(3, 0);
        for tongue in [Tongue::French, Tongue::Scots, Tongue::Italian, Tongue::Dutch] {
            for _ in 0..60 {
                let (given, family) = name(tongue, &mut dice);
                assert!(email(given, family, &mut dice).is_ascii());
                assert!(ascii(given).len() > 1 && ascii(family).len() > 2);
            }
        }
    }

    #[test]
    fn a_number_is_written_in_the_manner_of_its_country() {
        let mut dice = Dice::new(5, 0);
        for (tongue, ways) in [
            (Tongue::French, ["079 ", "+41 79 "]),
            (Tongue::Scots, ["077", "+44 77"]),
            (Tongue::Italian, ["34", "+39 33"]),
            (Tongue::Dutch, ["06-", "+31 6 "]),
        ] {
            for _ in 0..20 {
                let number = mobile(tongue, &mut dice);
                assert!(ways.iter().any(|way| number.starts_with(way)), "{number}");
            }
        }
    }
}
