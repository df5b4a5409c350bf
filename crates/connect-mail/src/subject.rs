//! What the prefix of a subject says of its message.

/// What a subject's prefix stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// `Fwd:`, `WG:`, `TR:` and their kind.
    Forward,
    /// `Re:`, `AW:` and their kind.
    Reply,
    /// There is none.
    None,
}

// English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Polish.
const FORWARD: [&str; 13] =
    ["fwd", "fw", "forward", "wg", "tr", "rv", "i", "enc", "doorst", "vb", "vs", "pd", "fwd."];
const REPLY: [&str; 10] = ["re", "aw", "antw", "antwort", "sv", "rif", "r", "res", "odp", "réf"];

/// The kind of the first prefix, and the subject without it.
pub fn prefix(subject: &str) -> (Prefix, &str) {
    let subject = subject.trim();
    // Old Mozilla: `[Fwd: subject]`.
    let inner = subject.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let (text, bracketed) = inner.map_or((subject, false), |inner| (inner, true));
    let Some((word, rest)) = text.split_once(':') else { return (Prefix::None, subject) };
    // `Re[2]:` and `RE(2):` count their rounds.
    let word = word.trim().to_lowercase();
    let word = word.split(['[', '(']).next().unwrap_or_default();
    let kind = if FORWARD.contains(&word) {
        Prefix::Forward
    } else if REPLY.contains(&word) && !bracketed {
        Prefix::Reply
    } else {
        return (Prefix::None, subject);
    };
    (kind, rest.trim())
}

/// The subject without the marks of forwarding.
pub fn without_forward(subject: &str) -> &str {
    let mut subject = subject.trim();
    while let (Prefix::Forward, rest) = prefix(subject) {
        subject = rest;
    }
    subject
}

/// Whether a filter wrote into the subject that the message is spam: `[SPAM]`, `***SPAM***`.
pub fn marked_as_spam(subject: &str) -> bool {
    let subject = subject.trim_start();
    let mark = subject.strip_prefix(['[', '*', '{', '(']);
    mark.is_some_and(|rest| {
        let rest = rest.trim_start_matches(['*', '[', ' ']);
        rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("spam"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_known_in_several_languages() {
        assert_eq!(prefix("Fwd: Booking"), (Prefix::Forward, "Booking"));
        assert_eq!(prefix("WG: Buchung: AB12"), (Prefix::Forward, "Buchung: AB12"));
        assert_eq!(prefix("[Fwd: Booking]"), (Prefix::Forward, "Booking"));
        assert_eq!(prefix("AW: Buchung"), (Prefix::Reply, "Buchung"));
        assert_eq!(prefix("Re[2]: a"), (Prefix::Reply, "a"));
        assert_eq!(prefix("Booking: AB12"), (Prefix::None, "Booking: AB12"));
    }

    #[test]
    fn a_filters_mark_is_seen() {
        assert!(marked_as_spam("***SPAM*** win") && marked_as_spam("[SPAM] win"));
        assert!(!marked_as_spam("spam recipes") && !marked_as_spam("[Booking] spam"));
    }

    #[test]
    fn all_marks_of_forwarding_go() {
        assert_eq!(without_forward("Fwd: FW: Tr : Re: a"), "Re: a");
        assert_eq!(without_forward("plain"), "plain");
    }
}
