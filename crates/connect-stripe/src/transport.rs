//! The way to Stripe: async-stripe's requests over a connection of our own.
//!
//! async-stripe's client gives parsed objects only, fails a whole page for one object that it
//! does not know, and opens a connection a request. This one keeps the bytes, keeps the
//! connection, says what a server asks for that refuses, and **sends nothing but GET**.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use restitch_connect::PullError;
use restitch_model::Secret;
use stripe_client_core::{
    CustomizedStripeRequest, RequestBuilder, StripeClient, StripeClientErr, StripeMethod, VERSION,
};

/// How long one request may take. Stripe itself gives up after 80 seconds at most.
const TIMEOUT: Duration = Duration::from_secs(80);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// So much of a server's own words goes into an error.
const WORDS: usize = 200;

/// Why there is no answer to a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// The server says no, and would say so again.
    #[error("status {status}{words}{}", bracketed(.request_id))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server says of it, as the end of a sentence.
        words: String,
        /// Under which Stripe finds the request.
        request_id: Option<String>,
    },
    /// It may work if it is tried again.
    #[error("{problem}")]
    Passing {
        /// What came of it.
        problem: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// The limit that was passed, where that was the reason.
        limit: Option<Limit>,
    },
    /// The request would change something.
    #[error("only GET requests are sent to Stripe")]
    NotGet,
    /// The answer cannot be understood.
    #[error("the answer is not what Stripe's API gives: {0}")]
    Form(String),
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The requests to one endpoint.
    Endpoint,
    /// All requests.
    Whole,
}

fn bracketed(request_id: &Option<String>) -> String {
    request_id.as_ref().map_or(String::new(), |id| format!(" [{id}]"))
}

impl StripeClientErr for TransportError {
    fn deserialize_err(msg: impl std::fmt::Display) -> Self {
        Self::Form(msg.to_string())
    }
}

/// A connection to Stripe with a key. Any request type of async-stripe can be sent over it.
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Url,
    key: Secret,
}

impl Transport {
    /// Sends with this key to this server, `https://api.stripe.com` where none is named.
    pub(crate) fn new(key: Secret, base: Option<&str>) -> Result<Self, PullError> {
        let settings = |text: &str| PullError::Settings(text.to_owned());
        let base = Url::parse(base.unwrap_or("https://api.stripe.com"))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .ok_or_else(|| {
                settings(
                    "api_base is no web address; give one such as https://api.stripe.com, or \
                 leave it out",
                )
            })?;
        let host = base.host_str().unwrap_or_default();
        let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if base.scheme() == "http" && !is_local && key.expose().contains("_live_") {
            return Err(settings(
                "api_base would send a live key over the network unencrypted; use https://",
            ));
        }
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", key.expose())).map_err(|_| {
                settings("the Stripe key holds characters that no key has; copy it again")
            })?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(
            "stripe-version",
            HeaderValue::from_str(VERSION.as_str())
                .map_err(|_| settings("the version of Stripe's API is no header"))?,
        );

        // It fails only where a provider is set already, and then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("restitch/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        if is_local {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            PullError::Settings(format!("the system gives no encrypted connections: {error}"))
        })?;
        Ok(Self { client, base, key })
    }

    /// The server's address, without user, password and path.
    pub(crate) fn server(&self) -> String {
        let port = self.base.port().map_or(String::new(), |port| format!(":{port}"));
        format!("{}://{}{port}", self.base.scheme(), self.base.host_str().unwrap_or_default())
    }

    /// The bytes of the answer, for the platform itself or for a connected account.
    pub(crate) async fn get(
        &self,
        request: &RequestBuilder,
        account: Option<&str>,
    ) -> Result<Bytes, TransportError> {
        if !matches!(request.method, StripeMethod::Get) || request.body.is_some() {
            return Err(TransportError::NotGet);
        }
        let mut url = self.base.clone();
        let prefix = self.base.path().trim_end_matches('/').trim_end_matches("/v1");
        url.set_path(&format!("{prefix}/v1{}", request.path));
        url.set_query(request.query.as_deref());

        let mut request = self.client.get(url);
        if let Some(account) = account {
            request = request.header("stripe-account", account);
        }
        let response = request.send().await.map_err(|error| self.broken(error))?;
        let status = response.status();
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let (request_id, retry_after) = (header("request-id"), header(RETRY_AFTER.as_str()));
        let (should_retry, reason) =
            (header("stripe-should-retry"), header("stripe-rate-limited-reason"));
        let bytes = response.bytes().await.map_err(|error| self.broken(error))?;
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let (status, words) = (status.as_u16(), self.words(&bytes));
        let request_id = request_id.map(|id| self.redacted(&id));
        // A lock on an object is answered with 429 or 409; it goes away as well.
        let is_passing = match should_retry.as_deref() {
            Some("true") => true,
            Some("false") => false,
            _ => status >= 500 || status == 429 || status == 409,
        };
        if !is_passing {
            return Err(TransportError::Refused { status, words, request_id });
        }
        let limit = match reason {
            Some(reason) if reason.starts_with("global") => Limit::Whole,
            _ => Limit::Endpoint,
        };
        Err(TransportError::Passing {
            problem: format!("status {status}{words}{}", bracketed(&request_id)),
            retry_after: retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs),
            limit: (status == 429).then_some(limit),
        })
    }

    fn broken(&self, error: reqwest::Error) -> TransportError {
        let problem = self.redacted(&causes(&error.without_url()));
        TransportError::Passing { problem, retry_after: None, limit: None }
    }

    /// What an error's body says, as the end of a sentence.
    fn words(&self, bytes: &[u8]) -> String {
        let message = serde_json::from_slice::<serde_json::Value>(bytes)
            .ok()
            .and_then(|body| Some(body.pointer("/error/message")?.as_str()?.to_owned()));
        message.map_or(String::new(), |message| {
            let message: String = message.chars().filter(|c| !c.is_control()).collect();
            let message: String = self.redacted(&message).chars().take(WORDS).collect();
            format!(", {message}")
        })
    }

    /// A text of the server's or of a library's without the key, should it stand in it.
    fn redacted(&self, text: &str) -> String {
        text.replace(self.key.expose(), "[redacted]")
    }
}

impl StripeClient for Transport {
    type Err = TransportError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Self::Err> {
        let (request, settings) = request.into_pieces();
        let account = settings.account_id.as_ref().map(|id| id.as_str());
        self.get(&request, account).await
    }
}

/// An error with all that lies behind it: reqwest's own words alone do not tell a wrong name
/// from a wrong certificate.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |cause| cause.source());
    chain.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
