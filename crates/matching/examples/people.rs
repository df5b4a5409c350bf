//! Makes a table of people in which one record in five is an earlier one again, with slips of
//! the pen: `records.csv` and `clusters.csv`, as `linkage_table` reads them. Names, streets and
//! towns grow with the table, so that blocks do not. The same count gives the same bytes.
//!
//!     cargo run --release -p restitch-matching --example people -- FOLDER COUNT

use std::error::Error;
use std::path::Path;

const COLUMNS: [&str; 7] = ["given_name", "surname", "born", "street", "town", "email", "account"];

const SYLLABLES: [&str; 20] = [
    "ba", "ren", "do", "mi", "lus", "ka", "ter", "so", "vin", "ga", "hol", "pe", "ris", "tan",
    "wo", "lek", "nu", "far", "jo", "sel",
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count] = &arguments[..] else { return Err("give a folder and a count".into()) };
    let count: u64 = count.parse()?;
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    let mut records = csv::Writer::from_path(folder.join("records.csv"))?;
    let mut clusters = csv::Writer::from_path(folder.join("clusters.csv"))?;
    records.write_field("id")?;
    records.write_record(COLUMNS)?;
    clusters.write_record(["id", "entity"])?;
    let mut random = Random(0);
    for at in 0..count {
        let again = at > 0 && random.below(5) == 0;
        let entity = if again { random.below(at) } else { at };
        let mut row = person(entity, count);
        if again {
            row.iter_mut().for_each(|value| spoil(value, &mut random));
        }
        let id = format!("r{at}");
        records.write_field(&id)?;
        records.write_record(&row)?;
        clusters.write_record([&id, &entity.to_string()])?;
    }
    records.flush()?;
    clusters.flush()?;
    Ok(())
}

/// Who a number stands for. An earlier record may be a copy itself, whose entity is not its
/// number: then nobody else has this number, and its copies are each other's.
fn person(entity: u64, count: u64) -> [String; 7] {
    let mut own = Random(entity.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed);
    let given = word(own.below(700), 2);
    let surname = word(own.below(count / 8 + 200), 3);
    let born =
        format!("{}-{:02}-{:02}", 1930 + own.below(75), 1 + own.below(12), 1 + own.below(28));
    let street = format!("{} {} street", 1 + own.below(150), word(own.below(count / 10 + 100), 3));
    let town = word(own.below(count / 400 + 50), 3);
    let email = format!("{given}.{surname}{}@{}.example", own.below(90), word(own.below(40), 2));
    [given, surname, born, street, town, email, (10_000_000 + own.below(80_000_000)).to_string()]
}

/// Every sixth value gets a slip, and every twelfth is missing.
fn spoil(value: &mut String, random: &mut Random) {
    match random.below(12) {
        0 => value.clear(),
        1 | 2 => {
            let at = random.below(value.len() as u64) as usize;
            let letter = char::from(b'a' + random.below(26) as u8);
            match random.below(3) {
                0 => value.insert(at, letter),
                1 => drop(value.remove(at)),
                _ => value.replace_range(at..=at, letter.encode_utf8(&mut [0; 4])),
            }
        }
        _ => {}
    }
}

/// The word of a number: at least so many syllables.
fn word(mut number: u64, syllables: usize) -> String {
    let mut word = String::new();
    let mut made = 0;
    while made < syllables || number > 0 {
        word.push_str(SYLLABLES[(number % 20) as usize]);
        number /= 20;
        made += 1;
    }
    word
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }
}
