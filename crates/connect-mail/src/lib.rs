//! Messages from mbox, Maildir and loose .eml files.
