//! Names and telephone numbers by language.

use super::profile::Language;
use crate::dice::{DIGITS, Dice};

#[rustfmt::skip]
const FIRST_AMERICAN: &[&str] = &[
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "William",
    "Elizabeth", "David", "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Sarah",
    "Christopher", "Karen", "Daniel", "Nancy", "Matthew", "Lisa", "Anthony", "Margaret", "Andrew",
    "Sandra", "Joshua", "Ashley", "Kenneth", "Emily", "Kevin", "Donna", "Brian", "Michelle",
    "Jorge", "Wei", "Priya", "Tyrone", "Keisha", "Luis", "Aaliyah", "Samuel", "Rachel", "Nicholas",
];
#[rustfmt::skip]
const LAST_AMERICAN: &[&str] = &[
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez",
    "Martinez", "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor",
    "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson", "White", "Harris", "Sanchez",
    "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright", "Scott",
    "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall", "Rivera",
    "Campbell", "Mitchell", "Carter", "Roberts", "O'Brien", "Cohen", "Patel", "Kowalski", "Chen",
    "Rossi", "Goldberg", "Washington", "Murphy", "Van Dyke",
];
#[rustfmt::skip]
const FIRST_GERMAN: &[&str] = &[
    "Peter", "Sabine", "Thomas", "Petra", "Michael", "Monika", "Andreas", "Susanne", "Wolfgang",
    "Claudia", "Klaus", "Birgit", "Jürgen", "Andrea", "Stefan", "Stefanie", "Christian", "Julia",
    "Matthias", "Katharina", "Jens", "Anja", "Uwe", "Heike", "Johannes", "Lena", "Maximilian",
    "Hannah", "Felix", "Jörg", "Björn", "Kerstin", "Ayşe", "Mehmet", "Tobias", "Nadine", "Frank",
    "Ursula", "Jan", "Marie",
];
#[rustfmt::skip]
const LAST_GERMAN: &[&str] = &[
    "Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz",
    "Hoffmann", "Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf", "Schröder", "Neumann",
    "Schwarz", "Zimmermann", "Braun", "Krüger", "Hofmann", "Hartmann", "Lange", "Schmitt",
    "Werner", "Krause", "Meier", "Lehmann", "Köhler", "Herrmann", "König", "Walter", "Mayer",
    "Huber", "Kaiser", "Fuchs", "Peters", "Lang", "Scholz", "Möller", "Weiß", "Jung", "Hahn",
    "Vogel", "Friedrich", "Keller", "Günther", "Frank", "Berger", "Winkler", "Roth", "Beck",
    "Lorenz", "Baumann", "von Thun", "Yılmaz", "Kowalczyk", "Öztürk",
];
#[rustfmt::skip]
const FIRST_BRITISH: &[&str] = &[
    "Oliver", "Amelia", "George", "Olivia", "Harry", "Isla", "Jack", "Ava", "Noah", "Emily",
    "Charlie", "Sophie", "Thomas", "Grace", "William", "Charlotte", "Edward", "Victoria",
    "Benjamin", "Katherine", "Alexander", "Rebecca", "Stephen", "Deborah", "Alan", "Julie",
    "Graham", "Tracey", "Nigel", "Gillian", "Imran", "Zara", "Callum", "Niamh", "Rhys", "Bethany",
];
#[rustfmt::skip]
const LAST_BRITISH: &[&str] = &[
    "Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Johnson", "Davies", "Patel",
    "Robinson", "Wright", "Thompson", "Evans", "Walker", "White", "Roberts", "Green", "Hall",
    "Wood", "Jackson", "Clarke", "Khan", "Hughes", "Edwards", "Turner", "Hill", "Ward", "Cooper",
    "Morris", "Moore", "Clark", "Harrison", "King", "Morgan", "Baker", "Allen", "James", "Scott",
    "Phillips", "Watson", "Davis", "Parker", "Bennett", "Price", "Griffiths", "Young", "Shaw",
    "Ainsworth", "Braithwaite", "Hargreaves", "Ogden", "Singh", "McDonald", "O'Connor",
    "Smith-Barlow", "Featherstone",
];
#[rustfmt::skip]
const FIRST_SPANISH: &[&str] = &[
    "Antonio", "María", "José", "Carmen", "Manuel", "Ana", "Francisco", "Isabel", "Javier",
    "Laura", "Daniel", "Cristina", "Carlos", "Marta", "Miguel", "Lucía", "Rafael", "Pilar",
    "Alejandro", "Elena", "Ángel", "Rosa", "Pablo", "Sara", "Álvaro", "Raquel", "Iker", "Núria",
];
#[rustfmt::skip]
const LAST_SPANISH: &[&str] = &[
    "García", "González", "Rodríguez", "Fernández", "López", "Martínez", "Sánchez", "Pérez",
    "Gómez", "Martín", "Jiménez", "Ruiz", "Hernández", "Díaz", "Moreno", "Muñoz", "Álvarez",
    "Romero", "Alonso", "Gutiérrez", "Navarro", "Torres", "Domínguez", "Vázquez", "Ramos", "Gil",
    "Ramírez", "Serrano", "Blanco", "Molina", "Morales", "Suárez", "Ortega", "Delgado", "Castro",
    "Ortiz", "Rubio", "Marín", "Sanz", "Núñez", "Iglesias", "Medina", "Garrido", "Cortés",
];
#[rustfmt::skip]
const NICKNAMES: &[(&str, &str)] = &[
    ("Robert", "Bob"), ("James", "Jim"), ("William", "Bill"), ("Elizabeth", "Liz"),
    ("Michael", "Mike"), ("Patricia", "Pat"), ("Jennifer", "Jen"), ("Richard", "Rick"),
    ("Joseph", "Joe"), ("Christopher", "Chris"), ("Thomas", "Tom"), ("Daniel", "Dan"),
    ("Matthew", "Matt"), ("Margaret", "Peggy"), ("Andrew", "Andy"), ("Joshua", "Josh"),
    ("Kenneth", "Ken"), ("Samuel", "Sam"), ("Nicholas", "Nick"), ("Susan", "Sue"),
    ("Edward", "Ted"), ("Benjamin", "Ben"), ("Katherine", "Kate"), ("Alexander", "Alex"),
    ("Rebecca", "Becky"), ("Stephen", "Steve"), ("Deborah", "Debbie"), ("Victoria", "Vicky"),
    ("Johannes", "Hannes"), ("Katharina", "Kathi"), ("Matthias", "Matze"), ("Maximilian", "Max"),
    ("Stefanie", "Steffi"), ("Wolfgang", "Wolf"), ("Susanne", "Susi"), ("Francisco", "Paco"),
    ("José", "Pepe"), ("Manuel", "Manolo"), ("Rafael", "Rafa"), ("Javier", "Javi"),
    ("Isabel", "Isa"), ("Alejandro", "Álex"),
];

/// A first and a last name; Spanish ones often with both last names.
pub(super) fn name(language: Language, dice: &mut Dice) -> (String, String) {
    let (first, last) = match language {
        Language::American => (FIRST_AMERICAN, LAST_AMERICAN),
        Language::German => (FIRST_GERMAN, LAST_GERMAN),
        Language::British => (FIRST_BRITISH, LAST_BRITISH),
        Language::Spanish => (FIRST_SPANISH, LAST_SPANISH),
    };
    let mut surname = dice.pick(last).to_owned();
    if language == Language::Spanish && dice.chance(0.7) {
        surname = format!("{surname} {}", dice.pick(last));
    }
    (dice.pick(first).to_owned(), surname)
}

/// A number as its owner writes it.
pub(super) fn phone(language: Language, dice: &mut Dice) -> String {
    let digits = |n, dice: &mut Dice| dice.code(n, DIGITS);
    match language {
        Language::American => {
            let area = dice.pick(&["212", "347", "646", "718", "917", "201", "973"]);
            let rest = digits(4, dice);
            let mid = dice.within(201, 989);
            match dice.below(3) {
                0 => format!("({area}) {mid}-{rest}"),
                1 => format!("+1 {area} {mid} {rest}"),
                _ => format!("{area}-{mid}-{rest}"),
            }
        }
        Language::German => {
            let area = dice.pick(&["151", "152", "160", "170", "171", "176", "179"]);
            let rest = digits(8, dice);
            match dice.below(3) {
                0 => format!("+49 {area} {rest}"),
                1 => format!("0{area} {rest}"),
                _ => format!("0{area}/{rest}"),
            }
        }
        Language::British => {
            let (a, b) = (dice.within(100, 999), digits(6, dice));
            if dice.chance(0.6) { format!("07{a} {b}") } else { format!("+44 7{a} {b}") }
        }
        Language::Spanish => {
            let (a, b, c) = (dice.within(600, 699), digits(3, dice), digits(3, dice));
            if dice.chance(0.5) { format!("{a} {b} {c}") } else { format!("+34 {a}{b}{c}") }
        }
    }
}

/// What friends call somebody, where there is such a name.
pub(super) fn nickname(first: &str) -> Option<&'static str> {
    NICKNAMES.iter().find(|(whole, _)| *whole == first).map(|(_, short)| *short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::email;

    #[test]
    fn an_address_is_ascii_whatever_the_name() {
        let mut dice = Dice::new(2, 0);
        for _ in 0..50 {
            let (first, last) = name(Language::German, &mut dice);
            assert!(email(&first, &last, &mut dice).is_ascii());
        }
    }
}
