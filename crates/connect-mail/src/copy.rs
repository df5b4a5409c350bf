//! What copies of one message have in common, however they came.

use restitch_model::Digest;

use crate::letter::Letter;

/// How many bytes of letters and digits make a message distinct.
const LEAST: usize = 40;

/// The digest of what a message says: of its letters and digits, in its subject and its text.
/// A message sent again, delivered to a second mailbox, or passed on inside of another one has
/// the same. `None` where it says too little to be told from others.
pub fn digest(letter: &Letter<'_>) -> Option<Digest> {
    let mut said = Vec::with_capacity(letter.text.len());
    let subject = letter.subject.as_deref().unwrap_or_default();
    for c in subject.chars().chain(letter.text.chars()) {
        if c.is_ascii_alphanumeric() {
            said.push(c.to_ascii_lowercase() as u8);
        } else if !c.is_ascii() && c.is_alphanumeric() {
            let lower = c.to_lowercase();
            lower.for_each(|c| said.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
        }
    }
    (said.len() >= LEAST).then(|| Digest::of(&said))
}
