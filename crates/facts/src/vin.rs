//! Vehicle identification numbers (ISO 3779) with the check digit of North America and China
//! (49 CFR 565.15).

/// Whether a code of seventeen letters and digits is the number of a vehicle. Its ninth sign
/// proves the others; numbers of European makers, which need not have it, mostly fail.
pub fn is_vin(code: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if code.len() != 17 || code.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let mut sum = 0;
    for (sign, weight) in code.bytes().zip(WEIGHTS) {
        let Some(value) = value(sign.to_ascii_uppercase()) else { return false };
        sum += value * weight;
    }
    let check = match sum % 11 {
        10 => b'X',
        digit => b'0' + digit as u8,
    };
    code.as_bytes()[8].to_ascii_uppercase() == check
}

/// The number that a sign counts; `I`, `O` and `Q` are not used.
fn value(sign: u8) -> Option<u32> {
    Some(match sign {
        b'0'..=b'9' => u32::from(sign - b'0'),
        b'A'..=b'H' => u32::from(sign - b'A') + 1,
        b'J'..=b'N' => u32::from(sign - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        b'S'..=b'Z' => u32::from(sign - b'S') + 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_by_its_check_digit() {
        // The example of the regulation's article, and a number of ones.
        for vin in ["1M8GDM9AXKP042788", "1m8gdm9axkp042788", "1HGCM82633A004352"] {
            assert!(is_vin(vin), "{vin}");
        }
        for other in [
            "1M8GDM9A1KP042788",
            "1M8GDM9AXKP04278",
            "1M8GDM9AXKPO42788",
            "11111111111111111",
            "é1M8GDM9AXKP0427",
            "",
        ] {
            assert!(!is_vin(other), "{other}");
        }
    }
}
