//! The address of an IMAP server.

use std::fmt;
use std::net::IpAddr;

/// Where a server is, and how one speaks to it: `imaps://host[:port]` or `imap://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its name, or the number of its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted from its beginning (RFC 8314), and not by STARTTLS.
    pub is_tls: bool,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence. It is not quoted, since somebody may have written
    /// a password into it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (is_tls, rest) = match (url.strip_prefix("imaps://"), url.strip_prefix("imap://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("it begins with imaps:// (or imap://, for STARTTLS)".to_owned()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err("user and password do not stand in it: they are username and \
                        password_env"
                .to_owned());
        }
        if rest.contains(['/', '?', '#']) {
            return Err(
                "nothing follows its port: which folders are pulled says `folders`".to_owned()
            );
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let default = if is_tls { 993 } else { 143 };
        let port = port.map_or(Ok(default), str::parse);
        let port = port.map_err(|_| "its port is a number from 1 to 65535".to_owned())?;
        if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(
                "the name of its server is missing, as in imaps://mail.example.com".to_owned()
            );
        }
        Ok(Self { host: host.to_owned(), port, is_tls })
    }

    /// Whether it is this machine, whose network nobody else listens to.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, is_tls } = self;
        let scheme = if *is_tls { "imaps" } else { "imap" };
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]:{port}"),
            false => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (url, shown) in [
            ("imaps://mail.example.com", "imaps://mail.example.com:993"),
            ("imaps://mail.example.com/", "imaps://mail.example.com:993"),
            ("imap://localhost:1143", "imap://localhost:1143"),
            ("imap://[::1]", "imap://[::1]:143"),
        ] {
            assert_eq!(Address::parse(url).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_not_quoted() {
        for (url, said) in [
            ("mail.example.com", "begins with imaps://"),
            ("imaps://me:secret@mail.example.com", "password_env"),
            ("imaps://mail.example.com/INBOX", "`folders`"),
            ("imaps://mail.example.com:imap", "a number"),
            ("imaps://", "is missing"),
        ] {
            let problem = Address::parse(url).unwrap_err();
            assert!(problem.contains(said) && !problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (url, is) in [
            ("imap://127.0.0.1", true),
            ("imap://localhost", true),
            ("imap://[::1]", true),
            ("imap://10.0.0.1", false),
            ("imap://localhost.example.com", false),
        ] {
            assert_eq!(Address::parse(url).unwrap().is_loopback(), is, "{url}");
        }
    }
}
