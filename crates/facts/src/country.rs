//! Phone numbers with the country that they were written in.

/// Regions (ISO 3166), their calling codes (ITU-T E.164), and the prefix that is dialled before
/// a number inside of the country only. Numbers of Italy and its neighbours keep their zero.
const REGIONS: [(&str, &str, &str); 48] = [
    ("AE", "971", "0"),
    ("AR", "54", "0"),
    ("AT", "43", "0"),
    ("AU", "61", "0"),
    ("BE", "32", "0"),
    ("BG", "359", "0"),
    ("BR", "55", "0"),
    ("CA", "1", "1"),
    ("CH", "41", "0"),
    ("CL", "56", ""),
    ("CN", "86", "0"),
    ("CO", "57", ""),
    ("CY", "357", ""),
    ("CZ", "420", ""),
    ("DE", "49", "0"),
    ("DK", "45", ""),
    ("EE", "372", ""),
    ("ES", "34", ""),
    ("FI", "358", "0"),
    ("FR", "33", "0"),
    ("GB", "44", "0"),
    ("GR", "30", ""),
    ("HK", "852", ""),
    ("HR", "385", "0"),
    ("HU", "36", "06"),
    ("IE", "353", "0"),
    ("IL", "972", "0"),
    ("IN", "91", "0"),
    ("IS", "354", ""),
    ("IT", "39", ""),
    ("JP", "81", "0"),
    ("KR", "82", "0"),
    ("LI", "423", ""),
    ("LU", "352", ""),
    ("LV", "371", ""),
    ("MT", "356", ""),
    ("MX", "52", ""),
    ("NL", "31", "0"),
    ("NO", "47", ""),
    ("NZ", "64", "0"),
    ("PL", "48", ""),
    ("PT", "351", ""),
    ("RO", "40", "0"),
    ("SE", "46", "0"),
    ("SG", "65", ""),
    ("SI", "386", "0"),
    ("US", "1", "1"),
    ("ZA", "27", "0"),
];

/// A text that is a phone number as a whole, as `+` and its digits: those that it has itself, or
/// with the calling code of the region that it was written in (ISO 3166, `DE`). Without a region
/// that is known, the digits alone. `None` for what is no phone number.
pub fn e164(text: &str, region: Option<&str>) -> Option<String> {
    let text = text.trim();
    let is_part = |c: char| c.is_ascii_digit() || c.is_whitespace() || "-./()+\u{2011}".contains(c);
    let is_plus = text.starts_with('+');
    if !text.chars().all(is_part) || text.chars().skip(1).any(|c| c == '+') {
        return None;
    }
    // "(0)" is for those who call from inside the country.
    let text = if is_plus { text.replace("(0)", "") } else { text.to_owned() };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !(6..=15).contains(&digits.len()) {
        return None;
    }
    if is_plus {
        return (!digits.starts_with('0')).then(|| format!("+{digits}"));
    }
    if let Some(whole) = digits.strip_prefix("00").filter(|whole| !whole.starts_with('0')) {
        return Some(format!("+{whole}"));
    }
    let region = region.and_then(|name| REGIONS.iter().find(|r| r.0.eq_ignore_ascii_case(name)));
    Some(match region {
        Some((_, code, trunk)) => {
            format!("+{code}{}", digits.strip_prefix(trunk).unwrap_or(&digits))
        }
        None => digits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_national_number_gets_the_code_of_its_region() {
        for (text, region, number) in [
            ("030 / 123 45-67", "DE", "+49301234567"),
            ("07700 900123", "gb", "+447700900123"),
            ("(202) 555-0143", "US", "+12025550143"),
            ("1-202-555-0143", "CA", "+12025550143"),
            ("06 1234 5678", "IT", "+390612345678"),
            ("06 1 234 5678", "HU", "+3612345678"),
            ("612 345 678", "ES", "+34612345678"),
            ("+49 (0)30 123456", "FR", "+4930123456"),
            ("0044 20 7946 0018", "DE", "+442079460018"),
        ] {
            assert_eq!(e164(text, Some(region)).as_deref(), Some(number), "{text}");
        }
    }

    #[test]
    fn without_a_region_the_digits_stand_alone() {
        assert_eq!(e164("030 123456", None).as_deref(), Some("030123456"));
        assert_eq!(e164("030 123456", Some("XX")).as_deref(), Some("030123456"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in
            ["", "call me", "12345", "+0123456", "030 123 ext 4", "+1+2 345678", "1234567890123456"]
        {
            assert_eq!(e164(text, Some("DE")), None, "{text}");
        }
    }
}
