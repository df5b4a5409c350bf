//! How alike two strings are, without allocating. Characters are bytes where both texts are ASCII,
//! else `u16`: those beyond the basic plane are cut to their low half, which hardly ever makes
//! two of them alike.

/// Longer strings are compared by so many of their first characters.
const LONGEST: usize = 64;

/// The Jaro-Winkler similarity, from 0 to 1 (Winkler 1990): Jaro's share of common
/// characters, raised for a common prefix of up to four where it is above 0.7.
pub(crate) fn jaro_winkler<C: Copy + Eq + Into<u32>>(a: &[C], b: &[C]) -> f64 {
    let (a, b) = (&a[..a.len().min(LONGEST)], &b[..b.len().min(LONGEST)]);
    if a.is_empty() || b.is_empty() {
        return f64::from(u8::from(a.is_empty() && b.is_empty()));
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    // By class of characters, where in `b` they stand.
    let class = |c: C| (c.into() & 31) as usize;
    let mut places = [0u64; 32];
    b.iter().enumerate().for_each(|(j, c)| places[class(*c)] |= 1 << j);
    let (mut taken_a, mut taken_b) = (0u64, 0u64);
    for (i, &c) in a.iter().enumerate() {
        let from = i.saturating_sub(window);
        let within = (i + window + 1).min(LONGEST) - from.min(LONGEST);
        let near = (u64::MAX >> (LONGEST - within.clamp(1, LONGEST))) << from;
        let mut rest = places[class(c)] & near & !taken_b;
        while rest != 0 {
            let j = rest.trailing_zeros();
            if b[j as usize] == c {
                taken_a |= 1 << i;
                taken_b |= 1 << j;
                break;
            }
            rest &= rest - 1;
        }
    }
    let common = taken_a.count_ones();
    if common == 0 {
        return 0.0;
    }
    let mut swapped = 0u32;
    let mut rest = taken_b;
    for (i, &c) in a.iter().enumerate() {
        if taken_a & (1 << i) != 0 {
            swapped += u32::from(b[rest.trailing_zeros() as usize] != c);
            rest &= rest - 1;
        }
    }
    let m = f64::from(common);
    let jaro = (m / a.len() as f64 + m / b.len() as f64 + (m - f64::from(swapped / 2)) / m) / 3.0;
    if jaro <= 0.7 {
        return jaro;
    }
    let prefix = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

/// What [`jaro_winkler`] can be at most for strings of these lengths of which so many characters
/// each have no equal in the other, and that may begin alike or not.
pub(crate) fn jaro_winkler_at_most(
    a: usize,
    b: usize,
    only_a: u32,
    only_b: u32,
    same_first: bool,
) -> f64 {
    if a.max(b) > LONGEST {
        return 1.0;
    }
    let (a, b) = (a as f64, b as f64);
    let common = f64::max(a - f64::from(only_a), 0.0).min(f64::max(b - f64::from(only_b), 0.0));
    let jaro = (common / a.max(1.0) + common / b.max(1.0) + 1.0) / 3.0;
    let prefix = if same_first { 0.4 } else { 0.0 };
    jaro + prefix * (1.0 - jaro) + 1e-9
}

/// Whether at most `most` (up to 2) insertions, deletions, replacements or swaps of
/// neighbours lead from one string to the other (Damerau 1964, Levenshtein 1966; no part is
/// edited twice). Walks the strings once for each edit tried: no table.
pub(crate) fn within_edits<C: Copy + Eq>(a: &[C], b: &[C], most: u32) -> bool {
    let prefix = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[prefix..], &b[prefix..]);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - suffix], &b[..b.len() - suffix]);
    if a.is_empty() || b.is_empty() {
        return a.len().max(b.len()) <= most as usize;
    }
    if most == 0 || a.len().abs_diff(b.len()) > most as usize {
        return false;
    }
    let swap = a.len() > 1 && b.len() > 1 && a[0] == b[1] && a[1] == b[0];
    if most == 1 {
        // Both ends differ, so that one edit is all that is left.
        return (a.len(), b.len()) == (1, 1) || (swap && (a.len(), b.len()) == (2, 2));
    }
    within_edits(&a[1..], &b[1..], most - 1)
        || within_edits(&a[1..], b, most - 1)
        || within_edits(a, &b[1..], most - 1)
        || (swap && within_edits(&a[2..], &b[2..], most - 1))
}

/// What one of two comparisons tells of two texts: that of their bytes where both are ASCII, else
/// that of their characters.
pub(crate) fn compare<T>(
    a: &str,
    b: &str,
    bytes: impl FnOnce(&[u8], &[u8]) -> T,
    wide: impl FnOnce(&[u16], &[u16]) -> T,
) -> T {
    if a.is_ascii() && b.is_ascii() {
        return bytes(a.as_bytes(), b.as_bytes());
    }
    let (a, b): (Vec<u16>, Vec<u16>) = (units(a).collect(), units(b).collect());
    wide(&a, &b)
}

/// The characters of a folded text as they are compared.
pub(crate) fn units(text: &str) -> impl Iterator<Item = u16> {
    text.chars().map(|c| c as u32 as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<u16> {
        units(text).collect()
    }

    #[test]
    fn winklers_examples() {
        let similar = |a, b| (jaro_winkler(&chars(a), &chars(b)) * 1000.0).round() / 1000.0;
        assert_eq!(similar("martha", "marhta"), 0.961);
        assert_eq!(similar("dixon", "dicksonx"), 0.813);
        assert_eq!(similar("dwayne", "duane"), 0.84);
        assert_eq!(similar("", ""), 1.0);
        assert_eq!(similar("abc", ""), 0.0);
    }

    #[test]
    fn edits_are_counted() {
        let within = |a, b, most| within_edits(&chars(a), &chars(b), most);
        assert!(within("19570628", "19570682", 1));
        assert!(within("abc", "abc", 0));
        assert!(within("abcd", "bcd", 1) && within("abcd", "abxcd", 1));
        assert!(!within("abcd", "dcba", 2));
        assert!(within("abcdef", "xbcdey", 2) && !within("abcdef", "xbcdey", 1));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_strsim(a in "[a-d ]{0,12}", b in "[a-d ]{0,12}") {
            let (x, y) = (chars(&a), chars(&b));
            let expect = strsim::jaro_winkler(&a, &b);
            proptest::prop_assert!((jaro_winkler(&x, &y) - expect).abs() < 1e-9);
            for most in 0..=2 {
                let expect = strsim::osa_distance(&a, &b) <= most as usize;
                proptest::prop_assert_eq!(within_edits(&x, &y, most), expect);
            }
            let only = |x: &[u16], y: &[u16]| {
                let mut only: Vec<&u16> = x.iter().filter(|c| !y.contains(c)).collect();
                only.sort_unstable();
                only.dedup();
                only.len() as u32
            };
            let bound = jaro_winkler_at_most(x.len(), y.len(), only(&x, &y), only(&y, &x), x.first() == y.first());
            proptest::prop_assert!(x.is_empty() || y.is_empty() || expect <= bound);
        }
    }
}
