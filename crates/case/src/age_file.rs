//! Files in the format of age (<https://age-encryption.org/v1>), to and from X25519 keys.
//!
//! What `age -d` opens and what `age -r age1…` writes, and no more: no passphrases, plugins or
//! armour. The primitives are ring's and x25519-dalek's, which the age crate takes as well; that
//! crate brings 78 packages, most of them to translate its messages, and has the workspace's
//! proc macros compiled anew.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use bech32::{Bech32, Hrp};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use x25519_dalek::{PublicKey, StaticSecret};

const VERSION: &str = "age-encryption.org/v1";
const RECIPIENT: Hrp = Hrp::parse_unchecked("age");
const IDENTITY: Hrp = Hrp::parse_unchecked("age-secret-key-");
/// The length of what is encrypted at a time, and of what makes it tamper-proof.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
/// A header that is longer than this is none of ours.
const LONGEST_HEADER: usize = 64 * 1024;

/// To whom a file is sealed: `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Recipient(PublicKey);

/// Who opens a file: `AGE-SECRET-KEY-1…`.
#[derive(Clone)]
pub(crate) struct Identity(StaticSecret);

/// A text that is no key of its kind. It is not quoted: it may be nearly a secret one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoKey;

/// Why a file could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is sealed to none of the identities.
    OtherRecipient,
    /// It is no age file, or was changed.
    Changed,
}

impl FromStr for Recipient {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        key(text, RECIPIENT).map(|key| Self(PublicKey::from(key)))
    }
}

impl FromStr for Identity {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        key(text, IDENTITY).map(|key| Self(StaticSecret::from(key)))
    }
}

fn key(text: &str, kind: Hrp) -> Result<[u8; 32], NoKey> {
    match bech32::decode(text) {
        Ok((hrp, key)) if hrp == kind => key.try_into().map_err(|_| NoKey),
        _ => Err(NoKey),
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode::<Bech32>(RECIPIENT, self.0.as_bytes()).unwrap_or_default())
    }
}

/// Seals what is written to it. It must be finished: a file without its end does not open.
pub(crate) struct Sealing<W> {
    out: W,
    key: LessSafeKey,
    chunk: Vec<u8>,
    counter: u64,
}

impl<W: Write> Sealing<W> {
    /// Begins a file for these recipients.
    pub(crate) fn new(mut out: W, recipients: &[Recipient]) -> io::Result<Self> {
        let file_key: [u8; 16] = random()?;
        let mut header = format!("{VERSION}\n");
        for Recipient(recipient) in recipients {
            let secret = StaticSecret::from(random::<32>()?);
            let share = PublicKey::from(&secret);
            let wrapping = wrapping_key(&secret.diffie_hellman(recipient), &share, recipient)
                .ok_or_else(|| io::Error::other("a recipient is no key that can be sealed to"))?;
            let mut wrapped = file_key.to_vec();
            seal(&wrapping, [0; 12], &mut wrapped)?;
            header += &format!(
                "-> X25519 {}\n{}\n",
                BASE64.encode(share.as_bytes()),
                BASE64.encode(&wrapped)
            );
        }
        header += "---";
        let mac = hmac::sign(&mac_key(&file_key), header.as_bytes());
        header += &format!(" {}\n", BASE64.encode(mac.as_ref()));
        let nonce: [u8; 16] = random()?;
        out.write_all(header.as_bytes())?;
        out.write_all(&nonce)?;
        Ok(Self { out, key: payload_key(&file_key, &nonce), chunk: Vec::new(), counter: 0 })
    }

    /// Writes the end, and gives back what was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.write_chunk(true)?;
        Ok(self.out)
    }

    fn write_chunk(&mut self, is_last: bool) -> io::Result<()> {
        seal(&self.key, chunk_nonce(self.counter, is_last), &mut self.chunk)?;
        self.counter += 1;
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for more, since the last must be marked as such and not be empty.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.write_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The bytes of a file, all of them verified, its end as well.
pub(crate) fn open(file: &[u8], identities: &[Identity]) -> Result<Vec<u8>, Refused> {
    let header = Header::read(file)?;
    let file_key = header.file_key(identities)?;
    hmac::verify(&mac_key(&file_key), &file[..header.covered], &header.mac)
        .map_err(|_| Refused::Changed)?;
    let (nonce, payload) =
        file[header.length..].split_first_chunk::<16>().ok_or(Refused::Changed)?;
    let key = payload_key(&file_key, nonce);
    let mut bytes = Vec::with_capacity(payload.len());
    let mut chunks = (0..).zip(payload.chunks(CHUNK + TAG)).peekable();
    if chunks.peek().is_none() {
        return Err(Refused::Changed);
    }
    while let Some((counter, chunk)) = chunks.next() {
        let is_last = chunks.peek().is_none();
        // An empty chunk stands only where there is nothing else.
        if chunk.len() == TAG && counter > 0 {
            return Err(Refused::Changed);
        }
        bytes.extend(unseal(&key, chunk_nonce(counter, is_last), chunk).ok_or(Refused::Changed)?);
    }
    Ok(bytes)
}

/// What stands before the payload.
struct Header {
    /// Of each stanza for an X25519 key the share and the wrapped key of the file.
    stanzas: Vec<([u8; 32], Vec<u8>)>,
    mac: Vec<u8>,
    /// How many bytes the code at its end covers, and how many it has in all.
    covered: usize,
    length: usize,
}

impl Header {
    fn read(file: &[u8]) -> Result<Self, Refused> {
        let mut rest = file;
        let mut line = || -> Result<String, Refused> {
            let mut line = Vec::new();
            let limit = LONGEST_HEADER as u64;
            Read::take(&mut rest, limit)
                .read_until(b'\n', &mut line)
                .map_err(|_| Refused::Changed)?;
            let line = line.strip_suffix(b"\n").ok_or(Refused::Changed)?;
            String::from_utf8(line.to_vec()).map_err(|_| Refused::Changed)
        };
        if line()? != VERSION {
            return Err(Refused::Changed);
        }
        let mut length = VERSION.len() + 1;
        let mut stanzas = Vec::new();
        while length < LONGEST_HEADER {
            let begins = line()?;
            if let Some(mac) = begins.strip_prefix("--- ") {
                let mac = BASE64.decode(mac).map_err(|_| Refused::Changed)?;
                let covered = length + "---".len();
                return Ok(Self { stanzas, mac, covered, length: length + begins.len() + 1 });
            }
            let words: Vec<&str> =
                begins.strip_prefix("-> ").ok_or(Refused::Changed)?.split(' ').collect();
            length += begins.len() + 1;
            let mut body = String::new();
            // A body ends with the first line that is not full.
            loop {
                let part = line()?;
                length += part.len() + 1;
                body += &part;
                if part.len() < 64 {
                    break;
                }
            }
            let decode = |text: &str| BASE64.decode(text).map_err(|_| Refused::Changed);
            // Stanzas of other kinds are for others.
            if let ["X25519", share] = words[..] {
                let share = decode(share)?.try_into().map_err(|_| Refused::Changed)?;
                stanzas.push((share, decode(&body)?));
            }
        }
        Err(Refused::Changed)
    }

    fn file_key(&self, identities: &[Identity]) -> Result<[u8; 16], Refused> {
        for (share, wrapped) in &self.stanzas {
            let share = PublicKey::from(*share);
            for Identity(secret) in identities {
                let own = PublicKey::from(secret);
                let key = wrapping_key(&secret.diffie_hellman(&share), &share, &own);
                let opened = key.and_then(|key| unseal(&key, [0; 12], wrapped));
                if let Some(key) = opened.and_then(|key| key.try_into().ok()) {
                    return Ok(key);
                }
            }
        }
        Err(Refused::OtherRecipient)
    }
}

/// The key under which the key of a file is wrapped for one recipient. `None` where the shared
/// secret is no secret, as the format asks.
fn wrapping_key(
    shared: &x25519_dalek::SharedSecret,
    share: &PublicKey,
    recipient: &PublicKey,
) -> Option<LessSafeKey> {
    let salt = [*share.as_bytes(), *recipient.as_bytes()].concat();
    let key = || derived(shared.as_bytes(), &salt, "age-encryption.org/v1/X25519");
    shared.was_contributory().then(|| aead(&key()))
}

fn payload_key(file_key: &[u8; 16], nonce: &[u8; 16]) -> LessSafeKey {
    aead(&derived(file_key, nonce, "payload"))
}

fn mac_key(file_key: &[u8; 16]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &derived(file_key, &[], "header"))
}

/// A key made from another (HKDF with SHA-256, RFC 5869).
fn derived(secret: &[u8], salt: &[u8], purpose: &str) -> [u8; 32] {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = [0; 32];
    let pseudorandom = Salt::new(HKDF_SHA256, salt).extract(secret);
    let purpose = [purpose.as_bytes()];
    let expanded = pseudorandom.expand(&purpose, Length).and_then(|okm| okm.fill(&mut key));
    expanded.expect("32 bytes are not too many");
    key
}

fn aead(key: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("its keys have 32 bytes");
    LessSafeKey::new(key)
}

/// The place of a chunk and whether it is the last, of which no two are the same.
fn chunk_nonce(counter: u64, is_last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&counter.to_be_bytes());
    nonce[11] = is_last.into();
    nonce
}

fn seal(key: &LessSafeKey, nonce: [u8; 12], bytes: &mut Vec<u8>) -> io::Result<()> {
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), bytes)
        .map_err(|_| io::Error::other("these bytes are too many to be sealed"))
}

fn unseal(key: &LessSafeKey, nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key.open_in_place(nonce, Aad::empty(), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| io::Error::other("the system gives no random numbers"))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    const SECRET: &str =
        "AGE-SECRET-KEY-1ULRMP84ELHL4K23VCU0YGTPF9ZDXV5JX0292FTWPGZQENQL4580Q70D4J5";
    const PUBLIC: &str = "age1k0ew2ryp3qg76mkhaqm8tqufg0wpe0lg2l47whnq6gmzxat6gqnsty2gpy";

    fn identity() -> Identity {
        SECRET.parse().unwrap()
    }

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Sealing::new(Vec::new(), &[PUBLIC.parse().unwrap()]).unwrap();
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    /// What the program `age` makes of bytes; `None` where it is not installed.
    fn age(args: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
        let mut command = Command::new("age");
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            println!("age is not installed: nothing was compared with it");
            return None;
        };
        let mut input = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success());
        Some(output.stdout)
    }

    fn lengths() -> [usize; 7] {
        [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]
    }

    #[test]
    fn keys_are_written_as_age_writes_them() {
        let own = Recipient(PublicKey::from(&identity().0));
        assert_eq!(own.to_string(), PUBLIC);
        assert!(PUBLIC.parse::<Identity>().is_err());
        assert!(SECRET.parse::<Recipient>().is_err());
        assert!(PUBLIC.replace('k', "q").parse::<Recipient>().is_err());
    }

    #[test]
    fn what_is_sealed_opens_for_its_identity_alone() {
        let other: Identity = Identity(StaticSecret::from([7; 32]));
        for length in lengths() {
            let bytes = vec![b'x'; length];
            let file = sealed(&bytes);
            assert_eq!(open(&file, &[other.clone(), identity()]).unwrap(), bytes);
            assert_eq!(open(&file, std::slice::from_ref(&other)), Err(Refused::OtherRecipient));
        }
    }

    #[test]
    fn age_opens_what_is_sealed_here_and_the_other_way_round() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key.txt");
        std::fs::write(&key, SECRET).unwrap();
        let key = key.display().to_string();
        for length in lengths() {
            let bytes: Vec<u8> = (0..length).map(|n| (n * 31) as u8).collect();
            let Some(opened) = age(&["-d", "-i", &key], &sealed(&bytes)) else { return };
            assert_eq!(opened, bytes);
            let theirs = age(&["-r", PUBLIC], &bytes).unwrap();
            assert_eq!(open(&theirs, &[identity()]).unwrap(), bytes);
        }
    }

    #[test]
    fn no_byte_can_be_changed_and_no_end_cut_off() {
        let file = sealed(&vec![b'x'; CHUNK + 10]);
        for at in (0..400).chain((400..file.len()).step_by(997)) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&changed, &[identity()]).is_err(), "byte {at}");
            assert!(open(&file[..at], &[identity()]).is_err(), "cut at {at}");
        }
        let header = file.len() - (CHUNK + TAG) - (10 + TAG);
        assert!(
            open(&file[..header + CHUNK + TAG], &[identity()]).is_err(),
            "without its last chunk"
        );
        assert!(open(&[file.clone(), vec![0; 50]].concat(), &[identity()]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes: Vec<u8>) {
            prop_assert!(open(&bytes, &[identity()]).is_err());
            let begun = [b"age-encryption.org/v1\n-> X25519 ", &bytes[..]].concat();
            prop_assert!(open(&begun, &[identity()]).is_err());
        }
    }
}
