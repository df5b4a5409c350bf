//! Mail on servers: Dovecot, and one of our own that does what no server should.

mod dovecot;
mod fake;
mod odd;
mod real;
