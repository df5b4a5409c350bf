//! Cars: makes, models, classes, number plates.

use super::profile::Language;
use crate::dice::{DIGITS, Dice};

/// Make, model, class, and the price of a day in cents.
pub(super) type Model = (&'static str, &'static str, &'static str, i64);

const AMERICAN: &[Model] = &[
    ("Honda", "Civic", "Compact", 5_400),
    ("Toyota", "Corolla", "Compact", 5_200),
    ("Nissan", "Versa", "Economy", 4_300),
    ("Kia", "Rio", "Economy", 4_100),
    ("Toyota", "Camry", "Midsize", 6_600),
    ("Hyundai", "Sonata", "Midsize", 6_400),
    ("Ford", "Escape", "SUV", 8_200),
    ("Jeep", "Grand Cherokee", "SUV", 9_900),
    ("Chrysler", "Pacifica", "Minivan", 10_400),
    ("Ford", "Mustang", "Convertible", 11_800),
];
const EUROPEAN: &[Model] = &[
    ("VW", "Golf", "Compact", 4_900),
    ("VW", "Polo", "Economy", 3_700),
    ("Opel", "Corsa", "Economy", 3_600),
    ("Škoda", "Octavia", "Estate", 5_900),
    ("BMW", "3er Touring", "Estate", 9_400),
    ("Mercedes-Benz", "Vito", "Van", 10_900),
    ("Ford", "Transit", "Van", 9_800),
    ("Audi", "A4", "Midsize", 8_800),
    ("VW", "Tiguan", "SUV", 7_900),
];
const BRITISH: &[Model] = &[
    ("Ford", "Focus", "Compact", 4_400),
    ("Vauxhall", "Corsa", "Economy", 3_500),
    ("Nissan", "Qashqai", "SUV", 6_200),
    ("Mini", "Cooper", "Compact", 4_900),
    ("Ford", "Transit", "Van", 7_400),
    ("Peugeot", "Partner", "Van", 5_600),
    ("Land Rover", "Discovery Sport", "SUV", 9_500),
];
const SPANISH: &[Model] = &[
    ("SEAT", "Ibiza", "Economy", 3_100),
    ("SEAT", "León", "Compact", 3_900),
    ("Fiat", "500", "Economy", 2_900),
    ("Renault", "Captur", "SUV", 5_200),
    ("Citroën", "Berlingo", "Van", 5_700),
    ("Dacia", "Duster", "SUV", 4_800),
];

/// The models that a company of this country has.
pub(super) fn models(language: Language) -> &'static [Model] {
    match language {
        Language::American => AMERICAN,
        Language::German => EUROPEAN,
        Language::British => BRITISH,
        Language::Spanish => SPANISH,
    }
}

/// A number plate of the country; `n` tells plates apart.
pub(super) fn plate(language: Language, n: usize, dice: &mut Dice) -> String {
    const LETTERS: &str = "BCDFGHJKLMNPRSTVWXYZ";
    match language {
        Language::American => {
            format!("{}{:04}", dice.code(3, LETTERS), (n * 37 + 1_021) % 10_000)
        }
        Language::German => format!("B-HM {}", 1_001 + n),
        Language::British => {
            let age = dice.pick(&["YB", "YD", "YJ", "YK"]);
            format!("{age}{} {}", dice.pick(&["72", "23", "73", "24", "74"]), letters(n))
        }
        Language::Spanish => format!("{:04} {}", (n * 53 + 2_207) % 10_000, dice.code(3, LETTERS)),
    }
}

/// A vehicle identification number; its check digit is not computed.
pub(super) fn vin(dice: &mut Dice) -> String {
    let maker = dice.pick(&["1HG", "WVW", "SAL", "VSS", "WBA", "JTD"]);
    format!("{maker}{}{}", dice.code(8, "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"), dice.code(6, DIGITS))
}

/// A class of car in Spanish.
pub(super) fn class_in_spanish(class: &str) -> &'static str {
    match class {
        "Economy" => "Económico",
        "Compact" => "Compacto",
        "SUV" => "Todocamino",
        "Van" => "Furgoneta",
        _ => "Turismo",
    }
}

/// Three letters, other ones for every number below 8000.
fn letters(n: usize) -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPRSTVWXYZ";
    let n = n * 1_237 + 311;
    [n / 400 % 20, n / 20 % 20, n % 20].iter().map(|i| char::from(LETTERS[*i])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_cars_of_a_company_have_one_plate() {
        let mut dice = Dice::new(3, 0);
        for language in [Language::German, Language::British] {
            let plates: std::collections::BTreeSet<String> =
                (0..900).map(|n| plate(language, n, &mut dice)).collect();
            assert_eq!(plates.len(), 900);
        }
    }
}
