//! Whom encrypted connections are made with.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use restitch_connect::PullError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};
use rustls_platform_verifier::Verifier;

/// Settings for connections to servers whose certificate the system vouches for, or an authority
/// in the file, or that show the very certificate that is in the file.
pub fn settings(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, PullError> {
    let provider = Arc::new(ring::default_provider());
    let own = ca_file.map_or(Ok(Vec::new()), certificates)?;
    let verifier = Verifier::new_with_extra_roots(own.clone(), provider.clone());
    let verifier = verifier.map_err(|error| none(&error))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| none(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trust { verifier, own }))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Encrypts a connection to the server of that name. The handshake is done when this returns.
pub fn encrypt<S: Read + Write>(
    mut stream: S,
    host: &str,
    settings: &Arc<ClientConfig>,
) -> io::Result<StreamOwned<ClientConnection, S>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection =
        ClientConnection::new(Arc::clone(settings), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// What is wrong with the server's certificate, where it is that by which a connection failed.
pub fn distrust(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        error @ Error::InvalidCertificate(_) => Some(error.to_string()),
        _ => None,
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, PullError> {
    let text = fs::read(file).map_err(|source| PullError::cannot_read(file, source))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(PullError::Settings(format!(
            "ca_file {} holds no certificate; it should hold one or more in PEM \
             (-----BEGIN CERTIFICATE-----)",
            file.display()
        ))),
    }
}

fn none(error: &Error) -> PullError {
    PullError::Settings(format!(
        "the system gives no encrypted connections: {error}; install its certificates (on Debian \
         the package ca-certificates), or name those of your server as ca_file"
    ))
}

/// Trusts what the system trusts, and the very certificates that the operator named: most
/// self-signed ones are made as authorities, which a server may not show as its own.
#[derive(Debug)]
struct Trust {
    verifier: Verifier,
    own: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.own.iter().any(|own| own == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let verifier = &self.verifier;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
