//! The API: every list of the platform and of each connected account.

use restitch_connect::{Backoff, Connector, PullError, Reading, Sink};
use restitch_model::{Evidence, Instant, Progress, Secret, TimeWindow};

use crate::checkpoint::{Marks, Scope};
use crate::pull::{Pull, Settings};
use crate::queue::Limits;
use crate::slices::Span;
use crate::transport::Transport;
use crate::{KINDS, read_object};

/// Stripe's API, read with a key that can only read.
///
/// Pulls customers, payment intents, charges, refunds, disputes, checkout sessions with their
/// line items, invoices and what paid them, subscriptions, balance transactions and events, of
/// the platform and of each connected account. A list that Stripe refuses to give is a gap: it
/// is told, and the others are pulled. Charges and payment intents of an earlier pull that were
/// refunded, disputed or paid since are asked for again. Sends nothing but GET requests.
#[derive(Debug, Clone)]
pub struct StripeApi {
    /// A restricted key, `rk_live_…` or `rk_test_…`, with read access to what is pulled.
    pub key: Secret,
    /// Where the API is, for a proxy or a server of one's own: `http://127.0.0.1:12111`.
    pub api_base: Option<String>,
    /// Take a secret key (`sk_…`) as well, although it could write.
    pub allow_write_key: bool,
    /// How fast to ask; `None` for as fast as Stripe allows a client with this key.
    pub limits: Option<Limits>,
    /// How long to wait after failures, and how often to try.
    pub backoff: Backoff,
}

impl StripeApi {
    fn usable_key(&self) -> Result<Secret, PullError> {
        const ADVICE: &str = "in Stripe's Dashboard under Developers, API keys, make a restricted \
            key with read access to core resources, checkout and Connect, and use that";
        let refuse = |problem: &str| Err(PullError::Settings(format!("{problem}; {ADVICE}")));
        let key = self.key.expose().trim();
        match key.split('_').next().unwrap_or_default() {
            "rk" => {}
            "sk" if key.starts_with("sk_org_") => {
                return refuse("this Stripe key belongs to an organization, not to an account");
            }
            "sk" if self.allow_write_key => {}
            "sk" => return refuse("this Stripe key is a secret key, which could also write"),
            "pk" => return refuse("this Stripe key is a publishable key, which can read nothing"),
            "" => return refuse("the Stripe key is empty"),
            _ => return refuse("this is not a Stripe key"),
        }
        Ok(Secret::new(key))
    }
}

impl Connector for StripeApi {
    fn kinds(&self) -> &'static [&'static str] {
        KINDS
    }

    /// Must not be called from within an asynchronous runtime, because it runs one.
    fn pull(
        &self,
        window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        let key = self.usable_key()?;
        let is_live = key.expose().contains("_live_");
        let transport = Transport::new(key, self.api_base.as_deref())?;
        let window = window.map_or((None, None), seconds);
        let scope = Scope { server: transport.server(), is_live, window };
        let marks = Marks::of(sink.checkpoint().as_deref(), scope);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(
            |error| PullError::Settings(format!("the system gives no connections: {error}")),
        )?;

        progress.begin("pulling payments", "objects", None);
        let limits = self.limits.unwrap_or(Limits::of_stripe(is_live));
        let settings = Settings { window, is_live, limits, backoff: self.backoff };
        let pull = Pull::new(transport, settings, marks, sink, progress);
        let result = runtime.block_on(pull.everything());
        progress.end();
        result
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_object(&evidence.bytes, &evidence.meta.container)
    }
}

/// The first and the last second of a window. One without an end has none.
fn seconds(window: TimeWindow) -> Span {
    let last = window.end.as_second() - i64::from(window.end.subsec_nanosecond() == 0);
    (Some(window.start.as_second()), (window.end < Instant::MAX).then_some(last))
}

#[cfg(test)]
mod tests;
