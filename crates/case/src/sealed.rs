use restitch_model::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long `,"hash":"<64 digits>"}` is.
const END: usize = 9 + 64 + 2;

/// A value, which must be a JSON object with fields of other names than `hash`, as one line whose last
/// field `hash` is the BLAKE3 hash of all that stands before it. The text is hashed as it is
/// written, so that no question of how JSON may be spelled differently can arise.
pub(crate) fn seal<T: Serialize>(value: &T) -> (String, Digest) {
    let mut line = serde_json::to_string(value).expect("a plain struct can be written as JSON");
    line.pop();
    let hash = Digest::of(line.as_bytes());
    line.push_str(&end(hash));
    (line, hash)
}

/// The value of a sealed line and its hash; `None` where a byte of it was changed.
pub(crate) fn open<T: DeserializeOwned>(line: &[u8]) -> Option<(T, Digest)> {
    let (body, rest) = line.split_at_checked(line.len().checked_sub(END)?)?;
    let hash = Digest::of(body);
    if rest != end(hash).as_bytes() {
        return None;
    }
    Some((serde_json::from_slice(line).ok()?, hash))
}

fn end(hash: Digest) -> String {
    format!(",\"hash\":\"{hash}\"}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn sealed() -> String {
        seal(&BTreeMap::from([("cursor", "ch_1"), ("source", "payments")])).0
    }

    #[test]
    fn a_sealed_line_is_plain_json_and_opens() {
        let line = sealed();
        let value: BTreeMap<String, String> = serde_json::from_str(&line).unwrap();
        assert_eq!(value["cursor"], "ch_1");
        assert!(open::<BTreeMap<String, String>>(line.as_bytes()).is_some());
    }

    #[test]
    fn any_changed_or_missing_byte_shows() {
        let line = sealed().into_bytes();
        for at in 0..line.len() {
            let mut changed = line.clone();
            changed[at] ^= 0x20;
            assert!(open::<BTreeMap<String, String>>(&changed).is_none(), "byte {at}");
            assert!(open::<BTreeMap<String, String>>(&line[..at]).is_none(), "length {at}");
        }
    }
}
