//! What is asked of Stripe's API: the lists, and single objects by their id.

use serde::Serialize;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_connect::account::ListAccount;
use stripe_core::balance_transaction::ListBalanceTransaction;
use stripe_core::charge::{ListCharge, RetrieveCharge};
use stripe_core::customer::ListCustomer;
use stripe_core::dispute::ListDispute;
use stripe_core::event::ListEvent;
use stripe_core::payment_intent::{ListPaymentIntent, RetrievePaymentIntent};
use stripe_core::refund::ListRefund;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use crate::read::ELEMENTS;

/// The most that Stripe gives in one answer.
const PAGE: i64 = 100;
/// A page of a list inside of an object is an item as a whole: no more stand in it than are read.
const INNER_PAGE: i64 = ELEMENTS as i64;

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
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// Objects made from this second on.
    pub(crate) since: Option<i64>,
    /// Objects made up to this second, and in it.
    pub(crate) until: Option<i64>,
    /// Objects after this one, which is to say older ones.
    pub(crate) after: Option<String>,
    /// Without the lists inside of the objects, for a server that refuses to give them along.
    pub(crate) is_bare: bool,
}

impl Page {
    fn created(&self) -> Option<RangeQueryTs> {
        let bounds = RangeBoundsTs { gte: self.since, lte: self.until, ..Default::default() };
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

/// What is pulled for the platform and for each connected account.
///
/// Checkout sessions alone hold the `client_reference_id` that many booking systems link by.
/// Since version 2025-03-31 of the API nothing but an invoice payment says which payment paid an
/// invoice. Events are those of the last 30 days: Stripe keeps no older ones.
pub(crate) const LISTS: &[List] = &[
    List { name: "customers", kind: "stripe.customer", request: page_of!(ListCustomer) },
    List {
        name: "payment_intents",
        kind: "stripe.payment_intent",
        request: page_of!(ListPaymentIntent),
    },
    List { name: "charges", kind: "stripe.charge", request: page_of!(ListCharge) },
    List { name: "refunds", kind: "stripe.refund", request: page_of!(ListRefund) },
    List { name: "disputes", kind: "stripe.dispute", request: page_of!(ListDispute) },
    List {
        name: "checkout/sessions",
        kind: "stripe.checkout.session",
        request: |page| by_hand(page, "/checkout/sessions", PAGE, &["data.line_items"], None),
    },
    List {
        name: "invoices",
        kind: "stripe.invoice",
        request: |page| by_hand(page, "/invoices", PAGE, &[], None),
    },
    List {
        name: "invoice_payments",
        kind: "stripe.invoice_payment",
        request: |page| by_hand(page, "/invoice_payments", PAGE, &[], None),
    },
    List {
        name: "subscriptions",
        kind: "stripe.subscription",
        // Left out, it means all but those that have ended.
        request: |page| by_hand(page, "/subscriptions", PAGE, &[], Some("all")),
    },
    List {
        name: "balance_transactions",
        kind: "stripe.balance_transaction",
        request: page_of!(ListBalanceTransaction),
    },
    List { name: "events", kind: "stripe.event", request: page_of!(ListEvent) },
];

/// Written out, because async-stripe's crates for checkout and billing are larger than all the
/// others together, and nothing else of them would serve here.
fn by_hand(
    page: &Page,
    path: &str,
    limit: i64,
    expand: &[&'static str],
    status: Option<&'static str>,
) -> RequestBuilder {
    #[derive(Serialize)]
    struct Params<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        created: Option<RangeQueryTs>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        expand: &'a [&'static str],
        limit: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        starting_after: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    }
    let params = Params {
        created: page.created(),
        expand: if page.is_bare { &[] } else { expand },
        limit,
        starting_after: page.after.as_deref(),
        status,
    };
    RequestBuilder::new(StripeMethod::Get, path).query(&params)
}

/// What is asked for by the id of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Single {
    /// A charge.
    Charge,
    /// A payment intent.
    PaymentIntent,
    /// What was bought in a checkout session.
    SessionLines,
    /// The lines of an invoice.
    InvoiceLines,
}

impl Single {
    /// All of them.
    pub(crate) const ALL: [Self; 4] =
        [Self::Charge, Self::PaymentIntent, Self::SessionLines, Self::InvoiceLines];

    /// Its name in the API with `:id` in the place of the id, as remarks and checkpoints give it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Charge => "charges/:id",
            Self::PaymentIntent => "payment_intents/:id",
            Self::SessionLines => "checkout/sessions/:id/line_items",
            Self::InvoiceLines => "invoices/:id/lines",
        }
    }

    /// The list that also gives it.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Charge => "charges",
            Self::PaymentIntent => "payment_intents",
            Self::SessionLines => "checkout/sessions",
            Self::InvoiceLines => "invoices",
        }
    }

    /// Of the inner lists: the kind of their pages.
    pub(crate) fn page_kind(self) -> Option<&'static str> {
        match self {
            Self::Charge | Self::PaymentIntent => None,
            Self::SessionLines => Some("stripe.checkout.session.line_items"),
            Self::InvoiceLines => Some("stripe.invoice.lines"),
        }
    }

    /// The request for the object with this id; of an inner list, for the page after that element.
    pub(crate) fn request(self, id: &str, after: Option<&str>) -> RequestBuilder {
        match self {
            Self::Charge => RetrieveCharge::new(id).build(),
            Self::PaymentIntent => RetrievePaymentIntent::new(id).build(),
            Self::SessionLines | Self::InvoiceLines => {
                let page = Page { after: after.map(str::to_owned), ..Page::default() };
                let path = format!("/{}", self.name().replace(":id", id));
                by_hand(&page, &path, INNER_PAGE, &[], None)
            }
        }
    }
}

/// Whether an id can stand in a path or a header.
pub(crate) fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(request: &RequestBuilder) -> Vec<&str> {
        let query = request.query.as_deref().unwrap_or_default();
        let mut parameters: Vec<_> = query.split('&').filter(|one| !one.is_empty()).collect();
        parameters.sort_unstable();
        parameters
    }

    #[test]
    fn every_list_asks_for_a_part_in_the_same_way() {
        let part =
            Page { since: Some(5), until: Some(9), after: Some("x_1".into()), is_bare: true };
        for list in LISTS.iter().chain([&ACCOUNTS]) {
            let request = (list.request)(&part);
            assert_eq!(request.path, format!("/{}", list.name));
            let own: &[&str] = if list.name == "subscriptions" { &["status=all"] } else { &[] };
            let bounds = ["created[gte]=5", "created[lte]=9", "limit=100", "starting_after=x_1"];
            assert_eq!(parameters(&request), [&bounds[..], own].concat());
            let whole = (list.request)(&Page { is_bare: true, ..Page::default() });
            assert_eq!(parameters(&whole), [&["limit=100"], own].concat());
        }
    }

    #[test]
    fn sessions_come_with_their_line_items() {
        let sessions = LISTS.iter().find(|list| list.name == "checkout/sessions").unwrap();
        let request = (sessions.request)(&Page::default());
        assert_eq!(parameters(&request), ["expand[0]=data.line_items", "limit=100"]);
    }

    #[test]
    fn a_single_object_is_asked_for_by_its_path() {
        for single in Single::ALL {
            let request = single.request("x_1", None);
            assert_eq!(request.path, format!("/{}", single.name().replace(":id", "x_1")));
            assert!(single.name().starts_with(single.list()));
        }
        let next = Single::SessionLines.request("cs_1", Some("li_9"));
        assert_eq!(parameters(&next), ["limit=50", "starting_after=li_9"]);
    }

    #[test]
    fn an_id_cannot_change_the_path() {
        assert!(is_plain("cs_test_a1B2"));
        for id in ["", "a/b", "..", "ch_1?x", "ch 1", "ch_\u{e4}"] {
            assert!(!is_plain(id), "{id:?}");
        }
    }
}
