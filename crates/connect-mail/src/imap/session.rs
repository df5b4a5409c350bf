//! A conversation with a server. It looks, and changes nothing: folders are opened by EXAMINE,
//! messages fetched by BODY.PEEK, and no other command touches a mailbox.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use restitch_connect::PullError;
use rustls::ClientConfig;

use super::address::Address;
use super::answer::{Condition, Fetched, Said};
use super::folder::Folder;
use super::tls;
use super::wire::{Answer, Wire};
use super::{Credential, ImapMailbox};
use crate::mbox::MAX_MESSAGE;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// So much of a server's own words goes into an error.
const WORDS: usize = 200;

/// Why something did not work.
#[derive(Debug)]
pub enum Failure {
    /// The connection is lost; on another one it may work.
    Broken(String),
    /// The server says no, or something that cannot be understood.
    Refused(String),
    /// It will not work, whatever is tried.
    Final(PullError),
}

/// A folder that was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// Under which the numbers of its messages hold. 0 where the server tells none.
    pub validity: u32,
    /// The number that its next message gets.
    pub next: Option<u32>,
    /// How many messages there are.
    pub messages: u32,
}

/// A connection to a server that knows who asks.
pub struct Session {
    wire: Wire<Box<dyn Stream>>,
    commands: u32,
    capabilities: BTreeSet<String>,
    /// What must not be repeated from a server's words.
    hidden: Vec<String>,
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

impl Session {
    /// Connects, encrypts and logs in.
    pub fn begin(
        mailbox: &ImapMailbox,
        address: &Address,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, Failure> {
        let stream = connect(address, mailbox.silence).map_err(|error| broken(&error))?;
        let encrypt = |stream: Box<dyn Stream>| -> Result<Box<dyn Stream>, Failure> {
            match tls::encrypt(stream, &address.host, tls) {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => Err(match tls::distrust(&error) {
                    Some(problem) => refused_by_us(address, &problem),
                    None => broken(&error),
                }),
            }
        };
        let stream: Box<dyn Stream> = Box::new(stream);
        let stream = if address.is_tls { encrypt(stream)? } else { stream };
        let mut session = Self {
            wire: Wire::new(stream, MAX_MESSAGE),
            commands: 0,
            capabilities: BTreeSet::new(),
            hidden: hidden(mailbox),
        };
        let greeting = session.wire.read().map_err(|error| broken(&error))?;
        let is_known = match greeting.said() {
            Some(said) if said.condition == Condition::Ok => false,
            Some(said) if said.condition == Condition::Preauth => true,
            Some(said) => return Err(Failure::Broken(session.words(&said))),
            None => return Err(Failure::Broken("it does not greet as IMAP servers do".to_owned())),
        };
        session.ask_capabilities()?;
        if !address.is_tls {
            let may_be_plain = mailbox.allow_plaintext || address.is_loopback();
            if session.can("STARTTLS") && !is_known {
                session.run("STARTTLS", &[], &mut |_| Ok(()))?;
                let stream = session.wire.into_stream().ok_or_else(|| early(address))?;
                session.wire = Wire::new(encrypt(stream)?, MAX_MESSAGE);
                session.ask_capabilities()?;
            } else if !may_be_plain {
                return Err(unencrypted(address));
            }
        }
        if !is_known {
            session.log_in(mailbox, address)?;
            session.ask_capabilities()?;
        }
        Ok(session)
    }

    /// Whether the server is Gmail's, whose folders are labels.
    pub fn is_gmail(&self) -> bool {
        self.can("X-GM-EXT-1")
    }

    /// The folders that hold messages, in the order of their names.
    pub fn folders(&mut self) -> Result<Vec<Folder>, Failure> {
        let mut folders = Vec::new();
        self.run("LIST \"\" \"*\"", &[], &mut |answer| {
            folders.extend(answer.listed().map(Folder::of));
            Ok(())
        })?;
        folders.retain(Folder::is_selectable);
        folders.sort_by(|a, b| (&a.name, &a.raw).cmp(&(&b.name, &b.raw)));
        folders.dedup_by(|a, b| a.raw == b.raw);
        Ok(folders)
    }

    /// Opens a folder, to look at it only.
    pub fn open(&mut self, folder: &Folder) -> Result<Opened, Failure> {
        let name = quoted(&folder.raw).ok_or_else(|| {
            Failure::Refused("its name holds a line end, which cannot be sent".to_owned())
        })?;
        let mut opened = Opened::default();
        self.run_bytes(&[b"EXAMINE ", name.as_slice()].concat(), &[], &mut |answer| {
            if let Some(said) = answer.said() {
                opened.validity = said.number("UIDVALIDITY").unwrap_or(opened.validity);
                opened.next = said.number("UIDNEXT").or(opened.next);
            }
            opened.messages = answer.exists().unwrap_or(opened.messages);
            Ok(())
        })?;
        Ok(opened)
    }

    /// The numbers of the messages of the open folder that are in the set, in order, without
    /// those that came before the day, written `1-Feb-2026`.
    pub fn search(&mut self, set: &str, since: Option<&str>) -> Result<Vec<u32>, Failure> {
        let since = since.map_or(String::new(), |day| format!(" SINCE {day}"));
        let mut found = Vec::new();
        let mut is_readable = true;
        self.run(&format!("UID SEARCH UID {set}{since}"), &[], &mut |answer| {
            let Some(numbers) = answer.after("SEARCH") else { return Ok(()) };
            for number in numbers.split(|byte| *byte == b' ').filter(|n| !n.is_empty()) {
                match std::str::from_utf8(number).ok().and_then(|n| n.parse().ok()) {
                    Some(number) => found.push(number),
                    None => is_readable = false,
                }
            }
            Ok(())
        })?;
        found.sort_unstable();
        found.dedup();
        match is_readable {
            true => Ok(found),
            false => Err(Failure::Refused("its answer to a search cannot be read".to_owned())),
        }
    }

    /// Fetches the messages of the open folder that are in the set. Answers that cannot be
    /// understood are passed over.
    pub fn fetch(
        &mut self,
        set: &str,
        each: &mut dyn FnMut(Fetched) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let command = format!("UID FETCH {set} (UID INTERNALDATE BODY.PEEK[])");
        self.run(&command, &[], &mut |answer| match answer.is_fetch() {
            true => answer.fetched().map_or(Ok(()), &mut *each),
            false => Ok(()),
        })?;
        Ok(())
    }

    /// Says goodbye. That the server hears it does not matter.
    pub fn end(mut self) {
        let _ = self.run("LOGOUT", &[], &mut |_| Ok(()));
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    fn ask_capabilities(&mut self) -> Result<(), Failure> {
        let mut capabilities = BTreeSet::new();
        self.run("CAPABILITY", &[], &mut |answer| {
            let words = answer.after("CAPABILITY").unwrap_or_default();
            let words = String::from_utf8_lossy(words).to_ascii_uppercase();
            capabilities.extend(words.split_whitespace().map(str::to_owned));
            Ok(())
        })?;
        self.capabilities = capabilities;
        Ok(())
    }

    fn log_in(&mut self, mailbox: &ImapMailbox, address: &Address) -> Result<(), Failure> {
        let user = &mailbox.username;
        let done = match &mailbox.credential {
            Credential::Password(password) if self.can("AUTH=PLAIN") => {
                self.authenticate("PLAIN", &format!("\0{user}\0{}", password.expose()))
            }
            Credential::Password(password) => {
                let quoted = |text: &str| quoted(text.as_bytes()).filter(|_| text.is_ascii());
                let (Some(user), Some(password)) = (quoted(user), quoted(password.expose())) else {
                    return Err(Failure::Final(PullError::Settings(format!(
                        "{address} takes user names and passwords of plain ASCII letters only"
                    ))));
                };
                let command = [b"LOGIN ", user.as_slice(), b" ", &password].concat();
                self.run_bytes(&command, &[], &mut |_| Ok(()))
            }
            Credential::Token(token) if self.can("AUTH=XOAUTH2") => {
                let text = format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose());
                self.authenticate("XOAUTH2", &text)
            }
            Credential::Token(token) if self.can("AUTH=OAUTHBEARER") => {
                let Address { host, port, .. } = address;
                let token = token.expose();
                let text = format!(
                    "n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01"
                );
                self.authenticate("OAUTHBEARER", &text)
            }
            Credential::Token(_) => {
                return Err(Failure::Final(PullError::Settings(format!(
                    "{address} takes no tokens (XOAUTH2); name a password with password_env"
                ))));
            }
        };
        let passes = ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]"];
        done.map(|_| ()).map_err(|failure| match failure {
            Failure::Refused(words) if passes.iter().any(|code| words.contains(code)) => {
                Failure::Broken(words)
            }
            Failure::Refused(words) => Failure::Final(PullError::Server {
                server: address.to_string(),
                request: format!("the login of {user}"),
                problem: format!(
                    "{words}; check the user name and {}",
                    match mailbox.credential {
                        Credential::Password(_) =>
                            "the password, which for Gmail, iCloud, Yahoo and others is one made \
                             for applications",
                        Credential::Token(_) => "that the token is fresh and may read mail",
                    }
                ),
            }),
            other => other,
        })
    }

    fn authenticate(&mut self, mechanism: &str, secret: &str) -> Result<Said, Failure> {
        let coded = BASE64_STANDARD.encode(secret);
        // A second request is the server's way to say what is wrong; the answer lets it end.
        let end = if mechanism == "OAUTHBEARER" { "AQ==" } else { "" };
        match self.can("SASL-IR") {
            true => {
                let command = format!("AUTHENTICATE {mechanism} {coded}");
                self.run(&command, &[end], &mut |_| Ok(()))
            }
            false => {
                self.run(&format!("AUTHENTICATE {mechanism}"), &[&coded, end], &mut |_| Ok(()))
            }
        }
    }

    fn run(
        &mut self,
        command: &str,
        more: &[&str],
        each: &mut dyn FnMut(Answer) -> Result<(), Failure>,
    ) -> Result<Said, Failure> {
        self.run_bytes(command.as_bytes(), more, each)
    }

    /// Sends a command, with `more` where the server asks for it, and gives its other answers
    /// to `each` until it is done.
    fn run_bytes(
        &mut self,
        command: &[u8],
        more: &[&str],
        each: &mut dyn FnMut(Answer) -> Result<(), Failure>,
    ) -> Result<Said, Failure> {
        self.commands += 1;
        let tag = format!("r{}", self.commands);
        let line = [tag.as_bytes(), b" ", command, b"\r\n"].concat();
        self.wire.send(&line).map_err(|error| broken(&error))?;
        let mut more = more.iter();
        loop {
            let answer = self.wire.read().map_err(|error| broken(&error))?;
            if answer.is_request() {
                let line = format!("{}\r\n", more.next().unwrap_or(&""));
                self.wire.send(line.as_bytes()).map_err(|error| broken(&error))?;
                continue;
            }
            match answer.said() {
                Some(said) if said.condition == Condition::Bye => {
                    return Err(Failure::Broken(self.words(&said)));
                }
                Some(said) if said.tag == tag => {
                    return match said.condition {
                        Condition::Ok => Ok(said),
                        _ => Err(Failure::Refused(self.words(&said))),
                    };
                }
                _ => each(answer)?,
            }
        }
    }

    /// What the server says, for a person: short, and without a secret should it repeat one.
    fn words(&self, said: &Said) -> String {
        let code = match said.code.split(' ').next().unwrap_or_default() {
            "" => String::new(),
            code => format!("[{code}] "),
        };
        let words: String = format!("{code}{}", said.words)
            .chars()
            .filter(|c| !c.is_control())
            .take(10 * WORDS)
            .collect();
        let hidden = self.hidden.iter();
        let words = hidden.fold(words, |words, secret| words.replace(secret, "[redacted]"));
        match words.is_empty() {
            true => "no, without a word".to_owned(),
            false => words.chars().take(WORDS).collect(),
        }
    }
}

fn connect(address: &Address, silence: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name leads to no address");
    for socket in (address.host.as_str(), address.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&socket, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(silence))?;
                stream.set_write_timeout(Some(silence))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A text as a quoted string; `None` where it cannot be one.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    if text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return None;
    }
    let escaped = text.iter().flat_map(|byte| {
        let slash: &[u8] = if matches!(byte, b'"' | b'\\') { b"\\" } else { b"" };
        slash.iter().chain([byte])
    });
    Some([b'"'].iter().chain(escaped).chain(b"\"").copied().collect())
}

/// The secret in the forms in which a server could repeat it.
fn hidden(mailbox: &ImapMailbox) -> Vec<String> {
    let secret = match &mailbox.credential {
        Credential::Password(secret) | Credential::Token(secret) => secret.expose(),
    };
    let coded = BASE64_STANDARD.encode(format!("\0{}\0{secret}", mailbox.username));
    [secret.to_owned(), coded].into_iter().filter(|text| !text.is_empty()).collect()
}

fn broken(error: &io::Error) -> Failure {
    Failure::Broken(match error.kind() {
        io::ErrorKind::UnexpectedEof => "the connection was closed".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            "it was silent for too long".to_owned()
        }
        _ => error.to_string(),
    })
}

fn refused_by_us(address: &Address, problem: &str) -> Failure {
    Failure::Final(PullError::Server {
        server: address.to_string(),
        request: "the request for an encrypted connection".to_owned(),
        problem: format!(
            "{problem}; if the server has a certificate of your own making, name it, or the \
             authority that signed it, as ca_file"
        ),
    })
}

fn unencrypted(address: &Address) -> Failure {
    Failure::Final(PullError::Settings(format!(
        "{address} offers no encryption (STARTTLS), and mail and password would be readable on \
         the way; use imaps://, or accept that with allow_plaintext = true"
    )))
}

fn early(address: &Address) -> Failure {
    Failure::Final(PullError::Server {
        server: address.to_string(),
        request: "STARTTLS".to_owned(),
        problem: "it said more before the encryption began, as somebody in between would do; \
                  use imaps://"
            .to_owned(),
    })
}
