//! Formula injection: a text that a spreadsheet would run is marked with an apostrophe, and the
//! mark is taken off when the table comes back (OWASP, "CSV Injection").

/// What makes a spreadsheet take a cell for a formula, a command or a function.
const TRIGGERS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What stands behind the time zone of a row whose texts are marked. It goes where the row goes,
/// also into a workbook, and a workbook's row that is saved as a table has none.
pub(crate) const MARKED: &str = " '";

/// Marks each place where a cell may begin: the start, and what follows a separator, a quote or
/// a line's end, for a program that splits at other separators than ours.
pub(crate) fn defuse(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    let mut may_begin = true;
    for (at, c) in text.char_indices() {
        if may_begin && is_trigger(&text[at..]) {
            safe.push('\'');
        }
        safe.push(c);
        may_begin = ends_cell(c);
    }
    safe
}

/// The text that [`defuse`] was given. Only for a text that was marked: of another, an apostrophe
/// of its own would be lost.
pub(crate) fn restore(text: &str) -> String {
    let mut back = String::with_capacity(text.len());
    let mut may_begin = true;
    for (at, c) in text.char_indices() {
        if !(may_begin && c == '\'' && is_trigger(&text[at + 1..])) {
            back.push(c);
        }
        may_begin = ends_cell(c);
    }
    back
}

/// Whether a spreadsheet could run what begins so.
pub(crate) fn is_dangerous(text: &str) -> bool {
    text.starts_with(TRIGGERS)
}

/// Apostrophes before a trigger count as well, so that a text that has one of its own comes
/// back with it.
fn is_trigger(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(TRIGGERS)
}

fn ends_cell(c: char) -> bool {
    matches!(c, ',' | ';' | '\t' | '"' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_marked() {
        for (text, expect) in [
            ("=1+1", "'=1+1"),
            ("+49 170 1", "'+49 170 1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("'=1", "''=1"),
            ("a;=cmd|' /C calc'!A0", "a;'=cmd|' /C calc'!A0"),
            ("x\",\"=1", "x\",\"'=1"),
            ("it's 5-6", "it's 5-6"),
            ("'hello", "'hello"),
        ] {
            assert_eq!(defuse(text), expect);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "[=+@'\"a,;\t\r\n -]{0,12}|\\PC{0,20}") {
            let safe = defuse(&text);
            prop_assert!(!is_dangerous(&safe));
            prop_assert_eq!(restore(&safe), text);
        }
    }
}
