//! A message as `restitch read` shows it to a person.

use serde::Serialize;

use crate::body::body;
use crate::header::{Headers, Mailbox};
use crate::mime::{self, Content, Notes};

/// The message itself, before anything in it is unwrapped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MessageView {
    /// The subject, decoded.
    pub subject: Option<String>,
    /// The sender: `Name <address>`, or the address alone.
    pub from: Option<String>,
    /// The recipients, written alike.
    pub to: Vec<String>,
    /// When it was sent, in UTC (RFC 3339).
    pub date: Option<String>,
    /// The text that a person reads.
    pub text: String,
    /// The files, and the messages, attached.
    pub attachments: Vec<AttachmentView>,
}

/// A file attached to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttachmentView {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its media type, such as `application/pdf`.
    pub media_type: String,
    /// Its length in bytes, without transfer encoding; of a message, of its text.
    pub bytes: usize,
}

/// Shows a message. Total: any bytes give an answer.
pub fn message_view(bytes: &[u8]) -> MessageView {
    let mut notes = Notes::default();
    let root = mime::parse(bytes, &mut notes);
    let found = body(&root, &mut notes);
    let headers = &root.headers;
    let files = found.attachments.iter().map(|part| AttachmentView {
        name: part.headers.file_name(),
        media_type: part.media_type.clone(),
        bytes: match &part.content {
            Content::Leaf(bytes) => bytes.len(),
            _ => 0,
        },
    });
    let messages = found.messages.iter().map(|(message, _)| AttachmentView {
        name: message.headers.text("subject"),
        media_type: "message/rfc822".to_owned(),
        bytes: body(message, &mut Notes::default()).text.len(),
    });
    MessageView {
        subject: headers.text("subject"),
        from: people(headers, "from").into_iter().next(),
        to: people(headers, "to"),
        date: headers.date().map(|sent| sent.at.to_string()),
        attachments: files.chain(messages).collect(),
        text: found.text,
    }
}

fn people(headers: &Headers, field: &str) -> Vec<String> {
    let shown = |mailbox: Mailbox| match (mailbox.name, mailbox.address) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => address.or(name),
    };
    headers.mailboxes(field).into_iter().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_with_its_files() {
        let message = "From: Anna <a@x.de>\nTo: b@x.de, C <c@x.de>\nSubject: =?utf-8?q?K=C3=B6ln?=\n\
                       Date: Fri, 6 Mar 2026 10:00:00 +0100\n\
                       Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\n\
                       Content-Type: application/pdf; name=a.pdf\n\
                       Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nAAAA\n--x--\n";
        let json = serde_json::to_string(&message_view(message.as_bytes())).unwrap();
        assert_eq!(
            json,
            r#"{"subject":"Köln","from":"Anna <a@x.de>","to":["b@x.de","C <c@x.de>"],"date":"2026-03-06T09:00:00Z","text":"hello","attachments":[{"name":"a.pdf","media_type":"application/pdf","bytes":3}]}"#
        );
    }
}
