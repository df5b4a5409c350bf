//! The lists of Stripe's API that are pulled.

use serde::Serialize;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_connect::account::ListAccount;
use stripe_core::charge::ListCharge;
use stripe_core::customer::ListCustomer;
use stripe_core::payment_intent::ListPaymentIntent;
use stripe_core::refund::ListRefund;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

/// The most that Stripe gives in one answer.
const PAGE: i64 = 100;

/// One list.
pub(crate) struct List {
    /// Its name in the API, as remarks and checkpoints give it.
    pub(crate) name: &'static str,
    /// The kind of its objects.
    pub(crate) kind: &'static str,
    /// The request for one page.
    pub(crate) request: fn(&Page) -> RequestBuilder,
}

/// Which part of a list is asked for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Page {
    /// Objects made from this second on.
    pub(crate) since: Option<i64>,
    /// Objects made before this second.
    pub(crate) before: Option<i64>,
    /// Objects after this one, which is to say older ones.
    pub(crate) after: Option<String>,
}

impl Page {
    fn created(&self) -> Option<RangeQueryTs> {
        let bounds = RangeBoundsTs { gte: self.since, lt: self.before, ..Default::default() };
        (bounds != RangeBoundsTs::default()).then_some(RangeQueryTs::Bounds(bounds))
    }
}

macro_rules! page_of {
    ($list:ty) => {
        |page| {
            let mut list = <$list>::new().limit(PAGE);
            if let Some(created) = page.created() {
                list = list.created(created);
            }
            if let Some(after) = &page.after {
                list = list.starting_after(after.as_str());
            }
            list.build()
        }
    };
}

/// The connected accounts of a platform.
pub(crate) const ACCOUNTS: List =
    List { name: "accounts", kind: "stripe.account", request: page_of!(ListAccount) };

/// What is pulled for the platform and for each connected account. Checkout sessions alone hold
/// the `client_reference_id` that many booking systems link by.
pub(crate) const LISTS: &[List] = &[
    List { name: "customers", kind: "stripe.customer", request: page_of!(ListCustomer) },
    List {
        name: "payment_intents",
        kind: "stripe.payment_intent",
        request: page_of!(ListPaymentIntent),
    },
    List { name: "charges", kind: "stripe.charge", request: page_of!(ListCharge) },
    List { name: "refunds", kind: "stripe.refund", request: page_of!(ListRefund) },
    List { name: "checkout/sessions", kind: "stripe.checkout.session", request: checkout_sessions },
];

/// Written out, because async-stripe's crate for checkout is as large as the others together.
fn checkout_sessions(page: &Page) -> RequestBuilder {
    #[derive(Serialize)]
    struct Params<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        created: Option<RangeQueryTs>,
        limit: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        starting_after: Option<&'a str>,
    }
    let params =
        Params { created: page.created(), limit: PAGE, starting_after: page.after.as_deref() };
    RequestBuilder::new(StripeMethod::Get, "/checkout/sessions").query(&params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_asks_for_a_part_in_the_same_way() {
        let page = Page { since: Some(5), before: Some(9), after: Some("x_1".into()) };
        for list in LISTS.iter().chain([&ACCOUNTS]) {
            let request = (list.request)(&page);
            assert_eq!(request.path, format!("/{}", list.name));
            let mut parameters: Vec<_> = request.query.as_deref().unwrap().split('&').collect();
            parameters.sort_unstable();
            assert_eq!(
                parameters,
                ["created[gte]=5", "created[lt]=9", "limit=100", "starting_after=x_1"]
            );
            let whole = (list.request)(&Page::default());
            assert_eq!(whole.query.as_deref(), Some("limit=100"));
        }
    }
}
