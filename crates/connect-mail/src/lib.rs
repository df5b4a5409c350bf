//! Messages from mbox, Maildir and loose .eml files.
//!
//! [`MailFiles`] pulls messages as they stand; [`read_message`] reads the facts out of one, and
//! [`message_view`] shows it to a person. Reading is total and pure: any bytes give an answer,
//! and the same bytes the same one.

mod body;
mod charset;
mod date;
mod entity;
mod find;
mod header;
mod html;
mod ld;
mod letter;
mod mbox;
mod mime;
mod pull;
mod read;
mod shown;
mod subject;
mod thread;
mod view;

pub use find::looks_like_mail;
pub use pull::{MailFiles, Opened, open_file};
pub use read::read_message;
pub use view::{AttachmentView, MessageView, message_view};
