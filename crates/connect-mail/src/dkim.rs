//! Signatures of a message's sender (DKIM, RFC 6376 and RFC 8463).
//!
//! A signature is judged as of its message's time, not as of today: what was valid when it was
//! sent stays so. Keys shorter than 1024 bits prove nothing (RFC 8301).

use std::collections::BTreeMap;

use mail_parser::decoders::base64::base64_decode;
use ring::{digest, signature};

use crate::canonical::{Form, RawField, body, fields, with_crlf};
use crate::header::split;
use crate::keys::Keys;

/// How many signatures of a message are checked.
pub const MAX_SIGNATURES: usize = 10;

/// What could be proved of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// There is no signature.
    Absent,
    /// There is one that does not fit, or that cannot be understood.
    Broken,
    /// What was signed fits, as far as that can be seen without the signer's key.
    NoKey,
    /// A signature fits the beginning of the text; what follows was not signed.
    Partial,
    /// A signature fits.
    Proved,
}

impl Proof {
    /// Its name in facts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Broken => "broken",
            Self::NoKey => "no key",
            Self::Partial => "partly proved",
            Self::Proved => "proved",
        }
    }
}

/// What a message's best signature proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What could be proved.
    pub proof: Proof,
    /// Whose signature it is.
    pub domain: Option<String>,
}

/// A message to be checked: its fields and its body, with the line ends of the wire.
pub struct Signed<'m> {
    /// The fields of its header.
    pub fields: Vec<RawField>,
    body: std::borrow::Cow<'m, [u8]>,
}

impl<'m> Signed<'m> {
    /// Takes a message apart.
    pub fn new(message: &'m [u8]) -> Self {
        let (head, rest) = split(message);
        Self { fields: fields(head), body: with_crlf(rest) }
    }

    /// Whether a field of this name is there.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Checks its signatures. Of several the best counts; of equals, that of `from`'s domain.
    pub fn dkim(&self, keys: &Keys, from: Option<&str>) -> Verdict {
        let found = self.fields.iter().filter(|field| field.name == "dkim-signature");
        let mut best = Verdict { proof: Proof::Absent, domain: None };
        let fits = |domain: &Option<String>| match (domain, from) {
            (Some(domain), Some(from)) => is_aligned(domain, from),
            _ => false,
        };
        for field in found.take(MAX_SIGNATURES) {
            let tags = Tags::of(field.value());
            let proof = self.check(field, &tags, keys, false);
            let verdict = Verdict { proof, domain: tags.domain() };
            let rank = |verdict: &Verdict| (verdict.proof, fits(&verdict.domain));
            if rank(&verdict) > rank(&best) {
                best = verdict;
            }
        }
        best
    }

    /// Checks one signature over header and body; `is_arc` for an ARC-Message-Signature.
    pub fn check(&self, field: &RawField, tags: &Tags, keys: &Keys, is_arc: bool) -> Proof {
        self.checked(field, tags, keys, is_arc).unwrap_or(Proof::Broken)
    }

    fn checked(&self, field: &RawField, tags: &Tags, keys: &Keys, is_arc: bool) -> Option<Proof> {
        // Drafts of the standard counted 0.x, or not at all.
        if tags.get("v").is_some_and(|version| version != "1" && !version.starts_with("0.")) {
            return None;
        }
        let (head_form, body_form) = tags.forms(is_arc)?;
        let algorithm = tags.algorithm()?;
        let domain = tags.domain()?;
        let is_within = |host: &str| host == domain || host.ends_with(&format!(".{domain}"));
        if !is_arc && tags.identity_host().is_some_and(|host| !is_within(&host)) {
            return None;
        }
        if let (Some(expires), Some(signed)) = (tags.number("x"), tags.number("t"))
            && expires < signed
        {
            return None;
        }
        let names: Vec<String> =
            tags.get("h")?.split(':').map(|name| name.trim().to_ascii_lowercase()).collect();
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        if !has("from") || (is_arc && has("arc-seal")) {
            return None;
        }
        // Of two fields readers show the first, and signers sign the last (RFC 6376, 8.15).
        let is_added = |name: &str| {
            let signed = names.iter().filter(|signed| *signed == name).count();
            signed > 0 && self.fields.iter().filter(|field| field.name == name).count() > signed
        };
        if ["from", "to", "subject", "date"].into_iter().any(is_added) {
            return None;
        }
        let wanted = base64(tags.get("bh")?)?;
        let whole = body(&self.body, body_form);
        let covered = match tags.get("l") {
            Some(length) => whole.get(..length.parse::<usize>().ok()?)?,
            None => &whole,
        };
        let is_whole = covered.len() == whole.len();
        if digest::digest(algorithm.hash(), covered).as_ref() != wanted
            && !self.fits_unquoted(&wanted, body_form, algorithm)
        {
            return None;
        }
        let mut signed = Vec::new();
        let mut left: BTreeMap<&str, Vec<&RawField>> = BTreeMap::new();
        for field in &self.fields {
            left.entry(&field.name).or_default().push(field);
        }
        // Of fields of one name the last one is signed first.
        for name in &names {
            if let Some(field) = left.get_mut(name.as_str()).and_then(Vec::pop) {
                signed.extend(field.canonical(head_form));
            }
        }
        signed.extend(without_signature(field, head_form));
        Some(match verified(&signed, tags, keys)? {
            Proof::Proved if !is_whole => Proof::Partial,
            proof => proof,
        })
    }

    /// Whether the body fits once the `>` is gone that an mbox writer put before `From `.
    fn fits_unquoted(&self, wanted: &[u8], form: Form, algorithm: Algorithm) -> bool {
        let mut found = false;
        let mut plain = Vec::with_capacity(self.body.len());
        for line in self.body.split_inclusive(|&byte| byte == b'\n') {
            let depth = line.iter().take_while(|&&byte| byte == b'>').count();
            let is_quoted = depth > 0 && line[depth..].starts_with(b"From ");
            found |= is_quoted;
            plain.extend_from_slice(&line[usize::from(is_quoted)..]);
        }
        found && digest::digest(algorithm.hash(), &body(&plain, form)).as_ref() == wanted
    }
}

/// Whether a signer speaks for the sender: the domain is the same, or one is below the other.
pub fn is_aligned(domain: &str, from: &str) -> bool {
    let below = |a: &str, b: &str| a == b || a.ends_with(&format!(".{b}"));
    let host = from.rsplit('@').next().unwrap_or(from).to_ascii_lowercase();
    // A signer such as `com` would speak for everybody.
    domain.contains('.') && host.contains('.') && (below(&host, domain) || below(domain, &host))
}

/// A signature's field without the signature, and without its line end.
pub fn without_signature(field: &RawField, form: Form) -> Vec<u8> {
    let mut raw = Vec::with_capacity(field.raw.len());
    let colon = field.raw.iter().position(|&byte| byte == b':').map_or(0, |at| at + 1);
    raw.extend_from_slice(&field.raw[..colon]);
    for (i, tag) in field.raw[colon..].split(|&byte| byte == b';').enumerate() {
        if i > 0 {
            raw.push(b';');
        }
        match tag.iter().position(|&byte| byte == b'=') {
            Some(equals) if tag[..equals].trim_ascii() == b"b" => {
                raw.extend_from_slice(&tag[..=equals]);
            }
            _ => raw.extend_from_slice(tag),
        }
    }
    let emptied = RawField { name: field.name.clone(), raw };
    let mut out = emptied.canonical(form);
    while out.ends_with(b"\r\n") {
        out.truncate(out.len() - 2);
    }
    out
}

/// Whether the signature of these tags fits what was signed. `None` where it does not.
pub fn verified(signed: &[u8], tags: &Tags, keys: &Keys) -> Option<Proof> {
    let algorithm = tags.algorithm()?;
    let made = base64(tags.get("b")?)?;
    let domain = tags.domain()?;
    let Some(record) = keys.record(tags.get("s")?, &domain) else { return Some(Proof::NoKey) };
    let record = Tags::of(record.as_bytes());
    let Some(key) = key(&record, tags, algorithm) else { return Some(Proof::NoKey) };
    let fits = signature::UnparsedPublicKey::new(algorithm.verifier(), key);
    match algorithm {
        // RFC 8463: what is signed is the hash.
        Algorithm::Ed25519 => {
            fits.verify(digest::digest(&digest::SHA256, signed).as_ref(), &made).ok()?;
        }
        _ => fits.verify(signed, &made).ok()?,
    }
    Some(Proof::Proved)
}

/// The key of a record, where the record lets it be used for this signature and it is long
/// enough to prove anything.
fn key(record: &Tags, tags: &Tags, algorithm: Algorithm) -> Option<Vec<u8>> {
    if record.get("v").is_some_and(|version| version != "DKIM1") {
        return None;
    }
    let kind = record.get("k").unwrap_or("rsa");
    let hash = if algorithm == Algorithm::RsaSha1 { "sha1" } else { "sha256" };
    let allows = |name: &str, wanted: &str| {
        record.get(name).is_none_or(|list| {
            list.split(':').any(|one| one.trim() == wanted || (name == "s" && one.trim() == "*"))
        })
    };
    if kind != algorithm.key_kind() || !allows("h", hash) || !allows("s", "email") {
        return None;
    }
    let is_strict = record.get("t").is_some_and(|flags| flags.split(':').any(|f| f.trim() == "s"));
    if is_strict && tags.identity_host().is_some_and(|host| Some(host) != tags.domain()) {
        return None;
    }
    let bytes = base64(record.get("p")?)?;
    match algorithm {
        Algorithm::Ed25519 => (bytes.len() == 32).then_some(bytes),
        _ => rsa_key(&bytes),
    }
}

/// The RSA key (PKCS #1) in a public key's DER, of 1024 bits or more.
fn rsa_key(der: &[u8]) -> Option<Vec<u8>> {
    let (outer, _) = element(der, 0x30)?;
    let inner = match element(outer, 0x30) {
        // SubjectPublicKeyInfo: the algorithm, then the key in a bit string.
        Some((_, rest)) => element(rest, 0x03)?.0.strip_prefix(&[0])?,
        None => der,
    };
    let (numbers, _) = element(inner, 0x30)?;
    let (modulus, _) = element(numbers, 0x02)?;
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    (modulus.len() >= 128).then(|| inner.to_vec())
}

/// The content of the DER element of this tag that the bytes begin with, and what follows.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, mut rest) = rest.split_first()?;
    let mut size = usize::from(length);
    if length >= 0x80 {
        let count = usize::from(length & 0x7F);
        if count > 4 {
            return None;
        }
        size = 0;
        for _ in 0..count {
            let (&byte, after) = rest.split_first()?;
            size = size << 8 | usize::from(byte);
            rest = after;
        }
    }
    (first == tag && size <= rest.len()).then(|| rest.split_at(size))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    RsaSha1,
    RsaSha256,
    Ed25519,
}

impl Algorithm {
    fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::RsaSha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::RsaSha256 | Self::Ed25519 => &digest::SHA256,
        }
    }

    fn verifier(self) -> &'static dyn signature::VerificationAlgorithm {
        match self {
            Self::RsaSha1 => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::RsaSha256 => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            Self::Ed25519 => &signature::ED25519,
        }
    }

    fn key_kind(self) -> &'static str {
        if self == Self::Ed25519 { "ed25519" } else { "rsa" }
    }
}

/// The tags of a signature or of a key record (RFC 6376, 3.2), without white space around.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    tags: BTreeMap<String, String>,
}

impl Tags {
    /// Reads a list of tags; what is no tag is passed over. A list that has a tag twice says
    /// nothing.
    pub fn of(value: &[u8]) -> Self {
        let value = String::from_utf8_lossy(value);
        let mut tags = BTreeMap::new();
        for (name, value) in value.split(';').filter_map(|tag| tag.split_once('=')) {
            if tags.insert(name.trim().to_owned(), value.trim().to_owned()).is_some() {
                return Self::default();
            }
        }
        Self { tags }
    }

    /// A tag's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str)
    }

    /// A tag's value, where it is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Whose signature it is, lower case.
    pub fn domain(&self) -> Option<String> {
        self.get("d").filter(|domain| !domain.is_empty()).map(str::to_ascii_lowercase)
    }

    /// The domain of the identity for which the signer speaks, lower case.
    fn identity_host(&self) -> Option<String> {
        let host = self.get("i")?.rsplit('@').next()?;
        // Its characters may be written in hexadecimal (RFC 6376, 2.11).
        let mut pieces = host.split('=');
        let mut plain = pieces.next()?.to_owned();
        for piece in pieces {
            let code = piece.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok())?;
            plain.push(char::from(code));
            plain.push_str(&piece[2..]);
        }
        Some(plain.rsplit('@').next()?.to_ascii_lowercase())
    }

    fn algorithm(&self) -> Option<Algorithm> {
        match self.get("a")? {
            "rsa-sha1" => Some(Algorithm::RsaSha1),
            "rsa-sha256" => Some(Algorithm::RsaSha256),
            "ed25519-sha256" => Some(Algorithm::Ed25519),
            _ => None,
        }
    }

    /// The forms of header and body; where a link of a chain names none, the relaxed ones.
    fn forms(&self, is_arc: bool) -> Option<(Form, Form)> {
        let form = |name: &str| match name {
            "simple" => Some(Form::Simple),
            "relaxed" => Some(Form::Relaxed),
            _ => None,
        };
        match self.get("c") {
            None if is_arc => Some((Form::Relaxed, Form::Relaxed)),
            None => Some((Form::Simple, Form::Simple)),
            Some(both) => match both.split_once('/') {
                Some((head, body)) => Some((form(head)?, form(body)?)),
                None => Some((form(both)?, Form::Simple)),
            },
        }
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let clean: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64_decode(&clean).filter(|bytes| !bytes.is_empty())
}
