//! Approvals: the name of the database typed by a person, or signatures made with SSH keys.
//!
//! A signature is one of OpenSSH's (`ssh-keygen -Y`, PROTOCOL.sshsig in its sources): it is made
//! with the key that a person already has, in an agent or on a token, and is verified against a
//! file of allowed signers (ssh-keygen(1), "ALLOWED SIGNERS"). What is signed is the plan as its
//! file holds it, byte for byte, so that anybody can sign it, and check a signature, without
//! restitch.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use restitch_model::Digest;

use crate::{Plan, RestoreError};

/// What the signatures are for, so that none made for another purpose counts.
pub const NAMESPACE: &str = "restitch";

/// That a person wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// The name of the database, as a person typed it at a terminal. Whoever calls sees to it
    /// that no flag, variable or pipe can answer.
    Typed(String),
    /// Signatures that were verified.
    Signed(Signatures),
}

/// Verified signatures over one text. Only [`verify`] makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    text: Digest,
    /// Key by its fingerprint, with the signer's name.
    keys: BTreeMap<String, String>,
}

impl Signatures {
    /// Who signed: the names of the signers, one for each key.
    pub fn signers(&self) -> Vec<&str> {
        self.keys.values().map(String::as_str).collect()
    }
}

/// The text that approves a plan: the plan, as its file holds it.
pub fn approval_text(plan: &Plan) -> String {
    plan.to_json()
}

/// The text that approves that an apply is taken back.
pub fn undo_text(database: &str, apply_id: &str) -> String {
    format!("restitch: undo {}\ndatabase {}\n", one_line(apply_id), one_line(database))
}

/// The command that signs a text in a file: the signature is written beside it, with `.sig`.
pub fn sign_command(key: &Path, text: &Path) -> Vec<String> {
    let path = |path: &Path| path.display().to_string();
    let words = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f"].map(str::to_owned);
    words.into_iter().chain([path(key), path(text)]).collect()
}

/// A signature that was just made, by a key that may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSignature {
    /// What a `.sig` file holds.
    pub armored: String,
    /// The name of the signer.
    pub signer: String,
}

/// Signs a text, as [`sign_command`] does. A key that is locked asks at the terminal.
///
/// Refused where the key is none that may sign, so that no signature is kept that would stand in
/// the way of those that count.
pub fn sign(text: &str, key: &Path, allowed_signers: &Path) -> Result<NewSignature, RestoreError> {
    let program = Path::new("ssh-keygen");
    let fail = |e| RestoreError::file("run", program, e);
    let mut child = Command::new(program)
        .args(["-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    if let Some(mut input) = child.stdin.take() {
        // One that closes its input early says by its result that it did not sign.
        let _ = input.write_all(text.as_bytes());
    }
    let done = child.wait_with_output().map_err(fail)?;
    let (true, Ok(armored)) = (done.status.success(), String::from_utf8(done.stdout)) else {
        return Err(RestoreError::Refused(format!(
            "ssh-keygen did not sign with {}; nothing was approved",
            key.display()
        )));
    };
    let temp = std::env::temp_dir();
    let file = tempfile::Builder::new().suffix(".sig").tempfile();
    let file = file.map_err(|e| RestoreError::file("make a file in", &temp, e))?;
    fs::write(file.path(), &armored).map_err(|e| RestoreError::file("write", file.path(), e))?;
    let signed = verify(text, &[file.path().to_owned()], allowed_signers);
    let signed = signed.map_err(|error| match error {
        RestoreError::Refused(_) => RestoreError::Refused(format!(
            "{} is none of the keys that this case allows; nothing was approved",
            key.display()
        )),
        other => other,
    })?;
    let signer = signed.keys.into_values().next().unwrap_or_default();
    Ok(NewSignature { armored, signer })
}

/// Verifies signatures over a text against a file of allowed signers. Several signatures of one
/// key count once, whatever names the file gives the key.
///
/// Refused where one of them is not valid: a signature that does not fit is a sign that
/// somebody approved something else.
pub fn verify(
    text: &str,
    signatures: &[PathBuf],
    allowed_signers: &Path,
) -> Result<Signatures, RestoreError> {
    fs::metadata(allowed_signers)
        .map_err(|e| RestoreError::file("read the allowed signers in", allowed_signers, e))?;
    let mut keys = BTreeMap::new();
    for signature in signatures {
        fs::metadata(signature)
            .map_err(|e| RestoreError::file("read the signature", signature, e))?;
        let refuse = |why: &str| {
            RestoreError::Refused(format!("the signature {} {why}", signature.display()))
        };
        let found = ssh_keygen(&["find-principals"], signature, allowed_signers, None)?;
        let signer = found.lines().next().unwrap_or_default().to_owned();
        if signer.is_empty() {
            return Err(refuse("is by none of the keys that this case allows"));
        }
        let said = ssh_keygen(
            &["verify", "-n", NAMESPACE, "-I", &signer],
            signature,
            allowed_signers,
            Some(text),
        )?;
        // `Good "restitch" signature for ada with ED25519 key SHA256:…`
        let good = said.lines().find(|line| line.starts_with("Good \"restitch\""));
        let key = good.and_then(|line| line.split_whitespace().last());
        match key.filter(|key| key.starts_with("SHA256:")) {
            Some(key) => keys.insert(key.to_owned(), signer),
            None => {
                return Err(refuse("is not over this plan: it was changed or another is meant"));
            }
        };
    }
    Ok(Signatures { text: Digest::of(text.as_bytes()), keys })
}

impl Approval {
    /// Refuses what is not approved: another name, another text, fewer keys than needed.
    pub(crate) fn check(
        &self,
        text: impl FnOnce() -> String,
        database: &str,
        needed: usize,
    ) -> Result<(), RestoreError> {
        let refuse = |why: String| Err(RestoreError::Refused(why));
        match self {
            Self::Typed(_) if needed > 1 => refuse(format!(
                "{needed} approvals by different keys are needed, and a typed name is none; sign \
                 the plan with `restitch approve`"
            )),
            Self::Typed(name) if name == database => Ok(()),
            Self::Typed(_) => {
                refuse(format!("the name that was typed is not that of the database, {database}"))
            }
            Self::Signed(signed) if signed.text != Digest::of(text().as_bytes()) => {
                refuse("the signatures are over another plan".to_owned())
            }
            Self::Signed(signed) if signed.keys.len() < needed.max(1) => refuse(format!(
                "{} of {} needed approvals by different keys are there",
                signed.keys.len(),
                needed.max(1)
            )),
            Self::Signed(_) => Ok(()),
        }
    }
}

/// What `ssh-keygen -Y` prints; empty where it fails, which it does for whatever does not fit.
fn ssh_keygen(
    words: &[&str],
    signature: &Path,
    allowed_signers: &Path,
    text: Option<&str>,
) -> Result<String, RestoreError> {
    let program = Path::new("ssh-keygen");
    let fail = |e| RestoreError::file("run", program, e);
    let mut child = Command::new(program)
        .arg("-Y")
        .args(words)
        .arg("-f")
        .arg(allowed_signers)
        .arg("-s")
        .arg(signature)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fail)?;
    if let (Some(mut input), Some(text)) = (child.stdin.take(), text) {
        // One that closes its input early says by its result that it did not verify.
        let _ = input.write_all(text.as_bytes());
    }
    let done = child.wait_with_output().map_err(fail)?;
    Ok(match done.status.success() {
        true => String::from_utf8_lossy(&done.stdout).into_owned(),
        false => String::new(),
    })
}

/// A name cannot make a line of its own in what is signed.
fn one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::testing::{Db, RENTAL, rental_candidates};

    struct Keys(TempDir);

    impl Keys {
        fn new(names: &[&str]) -> Self {
            let keys = Self(TempDir::new().unwrap());
            let mut allowed = String::new();
            for name in names {
                let key = keys.path(name);
                let made = Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                    .arg(&key)
                    .status()
                    .unwrap();
                assert!(made.success());
                let public = fs::read_to_string(key.with_extension("pub")).unwrap();
                allowed += &format!("{name} namespaces=\"{NAMESPACE}\" {public}");
            }
            fs::write(keys.path("allowed"), allowed).unwrap();
            keys
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn sign(&self, name: &str, text: &str) -> PathBuf {
            let file = self.path(&format!("{name}.txt"));
            let signature = self.path(&format!("{name}.txt.sig"));
            let _ = fs::remove_file(&signature);
            fs::write(&file, text).unwrap();
            let command = sign_command(&self.path(name), &file);
            let mut run = Command::new(&command[0]);
            run.args(&command[1..]).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(run.status().unwrap().success());
            signature
        }
    }

    fn text() -> String {
        approval_text(&Db::new(RENTAL).plan(&rental_candidates()))
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, RestoreError>, part: &str) {
        let error = result.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains(part), "{error}");
    }

    #[test]
    fn two_people_approve_with_two_keys_and_one_with_two_signatures_does_not() {
        let keys = Keys::new(&["ada", "bo"]);
        let text = text();
        let (ada, bo) = (keys.sign("ada", &text), keys.sign("bo", &text));
        let both = verify(&text, &[ada.clone(), bo], &keys.path("allowed")).unwrap();
        assert_eq!(both.signers().len(), 2);
        Approval::Signed(both).check(|| text.clone(), "any", 2).unwrap();
        let twice = verify(&text, &[ada.clone(), ada], &keys.path("allowed")).unwrap();
        let twice = Approval::Signed(twice);
        twice.check(|| text.clone(), "any", 1).unwrap();
        refused(twice.check(|| text.clone(), "any", 2), "1 of 2 needed");
        refused(twice.check(|| "another text".into(), "any", 1), "another plan");
    }

    #[test]
    fn a_stranger_and_a_signature_over_another_plan_are_refused() {
        let keys = Keys::new(&["ada"]);
        let stranger = Keys::new(&["eve"]);
        let text = text();
        let signed = stranger.sign("eve", &text);
        refused(verify(&text, &[signed], &keys.path("allowed")), "none of the keys");
        let signed = keys.sign("ada", &text.replace("4500", "4501"));
        refused(verify(&text, &[signed], &keys.path("allowed")), "not over this plan");
    }

    #[test]
    fn no_signature_is_no_approval() {
        let keys = Keys::new(&["ada"]);
        let none = verify("text", &[], &keys.path("allowed")).unwrap();
        refused(Approval::Signed(none).check(|| "text".into(), "any", 0), "0 of 1 needed");
        refused(Approval::Typed("shop".into()).check(|| "text".into(), "Shop", 1), "not that of");
        refused(
            Approval::Typed("shop".into()).check(|| "text".into(), "shop", 2),
            "a typed name is none",
        );
        Approval::Typed("shop".into()).check(|| "text".into(), "shop", 1).unwrap();
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        assert_eq!(undo_text("a\nb", "c").lines().count(), 2);
    }
}
