//! The words of a text as templates have them.

/// Punctuation that is a word of its own at the edges of one, as in [`crate::template`].
const AROUND: [char; 14] =
    [',', ';', ':', '!', '?', '(', ')', '"', '\u{201c}', '\u{201d}', '*', '|', '.', '>'];

/// The words of a text, the punctuation around them and the line ends.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let end = line.ends_with('\n').then_some("\n");
        line.split_whitespace().flat_map(word).chain(end)
    })
}

/// A run without white space: what stands before its core, the core, what stands after it.
fn word(run: &str) -> impl Iterator<Item = &str> {
    let start = run.len() - run.trim_start_matches(AROUND).len();
    let core = run[start..].trim_end_matches(AROUND);
    let (before, after) = (&run[..start], &run[start + core.len()..]);
    let core = Some(core).filter(|core| !core.is_empty());
    signs(before).chain(core).chain(signs(after))
}

fn signs(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()])
}
