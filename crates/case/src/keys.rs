//! What seals a case and opens it again: age recipients and identities.
//!
//! A case whose pipeline names recipients is *sealed*: what holds people's data is encrypted
//! before it reaches the disk. Writing needs the recipients only, reading an identity.
//!
//! Results are age files (<https://age-encryption.org/v1>), so that `age -d` opens them where
//! restitch is not at hand. The lines of the index, of the decisions and the checkpoints are
//! JSON that holds an age file in base64. An item of evidence is too small for that: an age
//! header of 200 bytes and a key agreement for each message would cost more than the message.
//! So each segment has a random key of its own, an age file at its beginning holds that key, and
//! each frame is sealed under it by ChaCha20-Poly1305 (RFC 8439). The nonce is the place of the
//! frame, which no two frames under one key share: a segment is written by one run, in one go.

use std::fmt;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::age_file::{self, Identity, Recipient, Refused, Sealing};
use crate::error::{CaseError, Doing, Result};

/// How long a segment's key is.
const KEY: usize = 32;

/// To whom a case is sealed, and who opens it. Without recipients it is not sealed.
#[derive(Clone, Default)]
pub struct Keys {
    recipients: Vec<Recipient>,
    identities: Vec<Identity>,
}

/// Those of a case that is not sealed.
pub(crate) static NONE: Keys = Keys { recipients: Vec::new(), identities: Vec::new() };

impl Keys {
    /// Seals to recipients as `age-keygen` shows them, `age1…`.
    ///
    /// # Errors
    /// One of them is none.
    pub fn to(recipients: &[impl AsRef<str>]) -> Result<Self> {
        let parse = |text: &str| {
            text.trim().parse().map_err(|_| CaseError::Recipient(text.trim().to_owned()))
        };
        let recipients = recipients.iter().map(|text| parse(text.as_ref())).collect::<Result<_>>();
        Ok(Self { recipients: recipients?, identities: Vec::new() })
    }

    /// The same, opening with the identities in a text as `age-keygen` writes it: one a line,
    /// `AGE-SECRET-KEY-1…`, and comments. `origin` says where the text came from.
    ///
    /// # Errors
    /// A line is no identity, or there is none. The text is never quoted.
    pub fn opened_by(mut self, text: &str, origin: &str) -> Result<Self> {
        let lines = (1..).zip(text.lines().map(str::trim));
        for (number, line) in lines.filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            let identity = line.parse().map_err(|_| CaseError::Identity {
                origin: origin.to_owned(),
                problem: format!("line {number} is no identity"),
            })?;
            self.identities.push(identity);
        }
        if self.identities.is_empty() {
            let problem = "there is no identity in it".to_owned();
            return Err(CaseError::Identity { origin: origin.to_owned(), problem });
        }
        Ok(self)
    }

    /// Whether a case with these keys is sealed.
    pub fn seal(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Whether what is sealed can be opened, as far as can be told without trying.
    pub fn open(&self) -> bool {
        !self.identities.is_empty()
    }

    /// A writer that seals what it is given, as an age file; it must be finished.
    pub(crate) fn sealing<W: Write>(&self, out: W) -> std::io::Result<Sealing<W>> {
        Sealing::new(out, &self.recipients)
    }

    /// These bytes as an age file.
    pub(crate) fn sealed(&self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut writer = self.sealing(Vec::with_capacity(bytes.len() + 256))?;
        writer.write_all(bytes)?;
        writer.finish()
    }

    /// The bytes of an age file, all of them verified.
    pub(crate) fn opened(&self, sealed: &[u8]) -> std::result::Result<Vec<u8>, Closed> {
        if !self.open() {
            return Err(Closed::NoIdentity);
        }
        age_file::open(sealed, &self.identities).map_err(|refused| match refused {
            Refused::OtherRecipient => Closed::OtherRecipient,
            Refused::Changed => Closed::Changed,
        })
    }

    /// As [`Keys::sealed`], as text that can stand in a line of JSON.
    pub(crate) fn sealed_text(&self, bytes: &[u8]) -> std::io::Result<String> {
        Ok(BASE64.encode(self.sealed(bytes)?))
    }

    /// The way back from [`Keys::sealed_text`].
    pub(crate) fn opened_text(&self, text: &str) -> std::result::Result<Vec<u8>, Closed> {
        self.opened(&BASE64.decode(text).map_err(|_| Closed::Changed)?)
    }

    /// A new key for a segment, and the age file that holds it.
    pub(crate) fn segment_key(&self) -> std::io::Result<(SegmentKey, Vec<u8>)> {
        let key = age_file::random::<KEY>()?;
        let sealed = self.sealed(&key)?;
        let key = SegmentKey::new(&key).ok_or_else(|| std::io::Error::other("it is no key"))?;
        Ok((key, sealed))
    }

    /// The key that a segment's age file holds.
    pub(crate) fn open_segment_key(
        &self,
        sealed: &[u8],
    ) -> std::result::Result<SegmentKey, Closed> {
        SegmentKey::new(&self.opened(sealed)?).ok_or(Closed::Changed)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipients: Vec<String> = self.recipients.iter().map(ToString::to_string).collect();
        f.debug_struct("Keys")
            .field("recipients", &recipients)
            .field("identities", &format_args!("{} [redacted]", self.identities.len()))
            .finish()
    }
}

/// Why something sealed could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// No identity is known.
    NoIdentity,
    /// It is sealed to none of the identities.
    OtherRecipient,
    /// It is not what was sealed.
    Changed,
}

impl Closed {
    /// The error of a file of the case that could not be opened.
    pub(crate) fn of(self, path: &Path, mend: &str) -> CaseError {
        match self {
            Self::NoIdentity => CaseError::Locked { path: path.to_owned(), why: NO_IDENTITY },
            Self::OtherRecipient => CaseError::Locked { path: path.to_owned(), why: OTHER },
            Self::Changed => CaseError::Damaged {
                path: path.to_owned(),
                problem: format!("it is not what was sealed; {mend}"),
            },
        }
    }

    /// The same in a sentence about an item.
    pub(crate) fn say(self) -> &'static str {
        match self {
            Self::NoIdentity => NO_IDENTITY,
            Self::OtherRecipient => OTHER,
            Self::Changed => "its bytes were changed",
        }
    }
}

const NO_IDENTITY: &str = "there is no identity to open it with";
const OTHER: &str = "it is sealed to none of the identities that are known";

/// The key of one segment.
pub(crate) struct SegmentKey(LessSafeKey);

impl SegmentKey {
    fn new(key: &[u8]) -> Option<Self> {
        UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Seals what lies at an offset of a segment, in place.
    pub(crate) fn seal(&self, segment: u32, offset: u64, payload: &mut Vec<u8>) -> Option<()> {
        let (nonce, aad) = (nonce(offset), Aad::from(segment.to_le_bytes()));
        self.0.seal_in_place_append_tag(nonce, aad, payload).ok()
    }

    /// Opens what lies at an offset of a segment.
    pub(crate) fn open(
        &self,
        segment: u32,
        offset: u64,
        sealed: &[u8],
    ) -> std::result::Result<Vec<u8>, Closed> {
        let (nonce, aad) = (nonce(offset), Aad::from(segment.to_le_bytes()));
        let mut bytes = sealed.to_vec();
        let opened = self.0.open_in_place(nonce, aad, &mut bytes).map_err(|_| Closed::Changed)?;
        let length = opened.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl fmt::Debug for SegmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentKey([redacted])")
    }
}

fn nonce(offset: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&offset.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// The text of a file with identities.
///
/// # Errors
/// It cannot be read.
pub fn identity_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).doing("read the identity file", path)
}
