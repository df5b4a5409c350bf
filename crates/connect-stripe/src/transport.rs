//! The way to Stripe: async-stripe's requests over a connection of our own.
//!
//! async-stripe's client gives parsed objects only, fails a whole page for one object that it
//! does not know, and opens a connection a request. This one keeps the bytes, keeps the
//! connection, waits as long as the server asks, and **sends nothing but GET**.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use restitch_connect::PullError;
use restitch_model::Secret;
use stripe_client_core::{
    CustomizedStripeRequest, RequestBuilder, StripeClient, StripeClientErr, StripeMethod, VERSION,
};

/// How often a request is sent before it is given up.
const TRIES: u32 = 5;
/// How long all tries of one request may take together.
const DEADLINE: Duration = Duration::from_secs(150);
/// How long one try may take. Stripe itself gives up after 80 seconds at most.
const TIMEOUT: Duration = Duration::from_secs(80);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The pause after the first failed try; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// So much of a server's own words goes into an error.
const WORDS: usize = 200;

/// Why there is no answer to a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// The server says no, and would say so again.
    #[error("status {status}{words}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server says of it, with the id under which Stripe finds the request.
        words: String,
    },
    /// It did not work however often it was tried.
    #[error("{problem} (tried {tries} times; pull again to go on from here)")]
    GaveUp {
        /// What came of the last try.
        problem: String,
        /// How many tries there were.
        tries: u32,
    },
    /// The request would change something.
    #[error("only GET requests are sent to Stripe")]
    NotGet,
    /// The answer cannot be understood.
    #[error("the answer is not what Stripe's API gives: {0}")]
    Form(String),
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

        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            let (problem, asked) = match self.attempt(url.clone(), account).await {
                Ok(bytes) => return Ok(bytes),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { problem, pause }) => (problem, pause),
            };
            let wait = asked.unwrap_or(pause);
            if tries == TRIES || begun.elapsed() + wait > DEADLINE {
                return Err(TransportError::GaveUp { problem, tries });
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
    }

    async fn attempt(&self, url: Url, account: Option<&str>) -> Result<Bytes, Failure> {
        let broken = |error: reqwest::Error| Failure::Passing {
            problem: self.redacted(&causes(&error.without_url())),
            pause: None,
        };
        let mut request = self.client.get(url);
        if let Some(account) = account {
            request = request.header("stripe-account", account);
        }
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let (request_id, asked) = (header("request-id"), header(RETRY_AFTER.as_str()));
        let bytes = response.bytes().await.map_err(broken)?;
        if status == StatusCode::OK {
            return Ok(bytes);
        }
        let words = self.words(&bytes, request_id.as_deref());
        let status_is_passing = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::CONFLICT].contains(&status);
        Err(match status_is_passing {
            true => Failure::Passing {
                problem: format!("status {}{words}", status.as_u16()),
                pause: asked.and_then(|text| text.parse().ok()).map(Duration::from_secs),
            },
            false => Failure::Final(TransportError::Refused { status: status.as_u16(), words }),
        })
    }

    /// What an error's body says, as the end of a sentence.
    fn words(&self, bytes: &[u8], request_id: Option<&str>) -> String {
        let message = serde_json::from_slice::<serde_json::Value>(bytes)
            .ok()
            .and_then(|body| Some(body.pointer("/error/message")?.as_str()?.to_owned()));
        let mut words = message.map_or(String::new(), |message| {
            let message: String = message.chars().filter(|c| !c.is_control()).collect();
            let message: String = self.redacted(&message).chars().take(WORDS).collect();
            format!(", {message}")
        });
        if let Some(id) = request_id {
            words.push_str(&format!(" [{}]", self.redacted(id)));
        }
        words
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

enum Failure {
    /// Trying again would not help.
    Final(TransportError),
    /// It may.
    Passing { problem: String, pause: Option<Duration> },
}

/// An error with all that lies behind it: reqwest's own words alone do not tell a wrong name
/// from a wrong certificate.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |cause| cause.source());
    chain.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
