//! Messages from mbox, Maildir and loose .eml files.
//!
//! [`MailFiles`] pulls messages as they stand; [`read_message`] reads the facts out of one, and
//! [`message_view`] shows it to a person. [`locate`] says where in the bytes a fact's words stand,
//! also where they are encoded. [`KeyedMail`] reads with [`Keys`] at hand, by which the signatures
//! of senders are checked; [`key_names`] says which keys messages want, and [`Resolver`] fetches
//! them. Reading is total and pure: any bytes give an answer, and the same
//! bytes the same one.

#[cfg(test)]
mod against_python;
mod arc;
mod body;
mod canonical;
mod charset;
mod class;
mod copy;
mod date;
mod dkim;
mod entity;
mod envelope;
mod find;
mod genuine;
mod header;
mod html;
mod imap;
mod keyed;
mod keys;
mod kind;
mod ld;
mod letter;
mod locate;
mod markup;
mod mbox;
mod microdata;
mod mime;
mod origin;
mod pull;
mod quoted_printable;
mod read;
mod reservation;
mod resolver;
mod rtf;
mod shown;
mod subject;
mod thread;
mod tnef;
mod view;

pub use find::looks_like_mail;
pub use genuine::key_names;
pub use imap::{Credential, ImapMailbox};
pub use keyed::KeyedMail;
pub use keys::{Keys, KeysError};
pub use locate::{Spot, locate, locate_all};
pub use pull::{MailFiles, Opened, open_file};
pub use read::{read_message, read_message_with};
pub use resolver::{Answers, Resolver};
pub use view::{AttachmentView, MessageView, message_view};
