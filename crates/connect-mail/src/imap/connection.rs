//! A connection that is made anew where it breaks.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::thread;

use restitch_connect::PullError;
use rustls::ClientConfig;

use super::ImapMailbox;
use super::address::Address;
use super::folder::Folder;
use super::session::{Failure, Opened, Session};
use super::tls;

/// How often in a row the same piece of work may break its connection.
const BREAKS: u32 = 3;

/// The way to a mailbox.
pub struct Connection<'m> {
    mailbox: &'m ImapMailbox,
    address: Address,
    tls: Arc<ClientConfig>,
    session: Option<Session>,
    /// The folder that is open, as it was when it was opened first.
    folder: Option<(Folder, Opened)>,
    has_broken: bool,
}

/// Why a piece of work could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The connection broke. It is made anew for the next piece.
    #[error("{0}")]
    Broken(String),
    /// The server does not do it.
    #[error("{0}")]
    Refused(String),
    /// The folder that was open cannot be opened any more.
    #[error("it could not be opened again: {0}")]
    Lost(String),
    /// The messages of the open folder have other numbers now.
    #[error("its messages were numbered anew meanwhile")]
    Renumbered,
    /// Nothing can be done any more.
    #[error(transparent)]
    Error(PullError),
}

impl Halt {
    /// As the end of a pull, at a request.
    pub fn into_error(self, server: &str, request: &str) -> PullError {
        let (server, request) = (server.to_owned(), request.to_owned());
        match self {
            Self::Error(error) => error,
            other => PullError::Server { server, request, problem: other.to_string() },
        }
    }
}

impl<'m> Connection<'m> {
    /// The way to this mailbox. No connection is made yet.
    pub fn new(mailbox: &'m ImapMailbox, address: Address) -> Result<Self, PullError> {
        let tls = tls::settings(mailbox.ca_file.as_deref())?;
        Ok(Self { mailbox, address, tls, session: None, folder: None, has_broken: false })
    }

    /// Opens a folder.
    pub fn open(&mut self, folder: &Folder) -> Result<Opened, Halt> {
        self.folder = None;
        let opened = self.often(|session| session.open(folder))?;
        self.folder = Some((folder.clone(), opened));
        Ok(opened)
    }

    /// Does a piece of work, again on a new connection where one breaks. A piece that breaks
    /// each of them is refused.
    pub fn often<T>(
        &mut self,
        mut work: impl FnMut(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, Halt> {
        let mut breaks = 0;
        loop {
            match self.once(&mut work) {
                Err(Halt::Broken(problem)) => {
                    breaks += 1;
                    if breaks == BREAKS {
                        return Err(Halt::Refused(problem));
                    }
                }
                done => return done,
            }
        }
    }

    /// Does a piece of work.
    pub fn once<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, Halt> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect()?,
        };
        match work(&mut session) {
            Ok(done) => {
                self.session = Some(session);
                Ok(done)
            }
            Err(Failure::Refused(problem)) => {
                self.session = Some(session);
                Err(Halt::Refused(problem))
            }
            Err(Failure::Broken(problem)) => {
                self.has_broken = true;
                Err(Halt::Broken(problem))
            }
            Err(Failure::Final(error)) => Err(Halt::Error(error)),
        }
    }

    /// Says goodbye.
    pub fn end(self) {
        if let Some(session) = self.session {
            session.end();
        }
    }

    /// Connects, as often as the settings allow, and opens the folder that was open.
    fn connect(&mut self) -> Result<Session, Halt> {
        let mut failed = u32::from(std::mem::take(&mut self.has_broken));
        let pause = |failed| self.mailbox.backoff.pause(failed, None, dice());
        if failed > 0 {
            thread::sleep(pause(failed).unwrap_or_default());
        }
        loop {
            let begun = Session::begin(self.mailbox, &self.address, &self.tls);
            let begun = begun.and_then(|mut session| match &self.folder {
                Some((folder, before)) => {
                    let opened = session.open(folder)?;
                    Ok((session, opened.validity == before.validity))
                }
                None => Ok((session, true)),
            });
            match begun {
                Ok((session, true)) => return Ok(session),
                Ok((_, false)) => return Err(Halt::Renumbered),
                Err(Failure::Refused(problem)) if self.folder.is_some() => {
                    return Err(Halt::Lost(problem));
                }
                Err(Failure::Refused(problem)) => return Err(Halt::Refused(problem)),
                Err(Failure::Final(error)) => return Err(Halt::Error(error)),
                Err(Failure::Broken(problem)) => {
                    failed += 1;
                    let Some(pause) = pause(failed) else {
                        return Err(Halt::Error(PullError::Server {
                            server: self.address.to_string(),
                            request: "a connection".to_owned(),
                            problem: format!(
                                "{problem} (tried {failed} times; pull again to go on from here)"
                            ),
                        }));
                    };
                    thread::sleep(pause);
                }
            }
        }
    }
}

/// A number from 0 to 1, another each time.
fn dice() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
