//! From a URL to a connection that nobody can listen to.

use std::net::IpAddr;

use restitch_model::Secret;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::RestoreError;

/// Beyond this machine the server must prove who it is: the driver's own default falls back
/// to plain text without a word.
pub(super) fn postgres(url: &Secret) -> Result<PgConnectOptions, RestoreError> {
    let options: PgConnectOptions = url.expose().parse().map_err(|_| RestoreError::ServerUrl {
        scheme: "postgres".to_owned(),
        missing: "all parts in their form",
    })?;
    let local = options.get_socket().is_some() || is_local(options.get_host());
    Ok(match local {
        true => options,
        false => options.ssl_mode(PgSslMode::VerifyFull),
    })
}

/// As [`postgres`].
pub(super) fn mysql(url: &Secret) -> Result<MySqlConnectOptions, RestoreError> {
    let options: MySqlConnectOptions = url.expose().parse().map_err(|_| {
        RestoreError::ServerUrl { scheme: "mysql".to_owned(), missing: "all parts in their form" }
    })?;
    let local = options.get_socket().is_some() || is_local(options.get_host());
    let options = options.timezone(Some("+00:00".to_owned())).no_engine_substitution(false);
    Ok(match local {
        true => options,
        false => options.ssl_mode(MySqlSslMode::VerifyIdentity),
    })
}

/// Whether a host is this machine.
pub(crate) fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.starts_with('/')
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_this_machine_the_server_must_prove_who_it_is() {
        let url = |text: &str| Secret::new(text);
        for (host, strict) in [("db.example.com", true), ("10.0.0.7", true), ("127.0.0.1", false)] {
            let pg = postgres(&url(&format!("postgres://a@{host}/d?sslmode=disable"))).unwrap();
            assert_eq!(matches!(pg.get_ssl_mode(), PgSslMode::VerifyFull), strict, "{host}");
            let my = mysql(&url(&format!("mysql://a@{host}/d?ssl-mode=DISABLED"))).unwrap();
            assert_eq!(matches!(my.get_ssl_mode(), MySqlSslMode::VerifyIdentity), strict, "{host}");
        }
    }
}
