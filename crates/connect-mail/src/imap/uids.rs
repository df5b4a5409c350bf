//! The numbers of messages as IMAP writes them: `1:5,9`.

/// How many numbers a set may stand for when it is read back.
const MAX_READ: u32 = 1 << 20;

/// Writes numbers that stand in order.
pub fn set(uids: &[u32]) -> String {
    let mut set = String::new();
    for run in uids.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        let comma = if set.is_empty() { "" } else { "," };
        match run {
            [one] => set.push_str(&format!("{comma}{one}")),
            [first, .., last] => set.push_str(&format!("{comma}{first}:{last}")),
            [] => {}
        }
    }
    set
}

/// Reads numbers back. What is none of [`set`]'s is left out.
pub fn numbers(set: &str) -> Vec<u32> {
    let ranges = set.split(',').filter_map(|part| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        (last.checked_sub(first)? < MAX_READ).then_some(first..=last)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_a_range() {
        for (uids, written) in [
            (vec![], ""),
            (vec![7], "7"),
            (vec![1, 2, 3, 5, 8, 9], "1:3,5,8:9"),
            (vec![u32::MAX - 1, u32::MAX], "4294967294:4294967295"),
        ] {
            assert_eq!(set(&uids), written);
            assert_eq!(numbers(written), uids);
        }
    }

    #[test]
    fn what_is_no_set_is_left_out() {
        assert_eq!(numbers("3,x,5:4,1:4294967295,,9"), [3, 9]);
    }
}
