//! What an object of Stripe's is called, and whether it belongs in a pull.

use restitch_connect::Item;
use restitch_model::{Instant, Remark, TimeWindow};

use crate::json::Members;

/// The kind of what cannot be told.
pub(crate) const UNKNOWN: &str = "stripe.unknown";
/// The kind of a row of a Dashboard export.
pub(crate) const CSV_ROW: &str = "stripe.csv";
/// The same of a payment in test mode.
pub(crate) const CSV_TEST_ROW: &str = "stripe.test.csv";
/// The container of what belongs to no connected account.
pub(crate) const PLATFORM: &str = "platform";

/// What the kinds of test-mode objects begin with: they are kept, and no rule that holds for real
/// payments reads them.
pub(crate) const TEST: &str = "stripe.test.";

/// What is said of objects of test mode.
pub(crate) fn of_test_mode(count: u64) -> Remark {
    let text = format!(
        "{count} objects are of test mode; they are kept under kinds that begin with {TEST}, \
         apart from live ones"
    );
    Remark::new("stripe", text)
}

/// An object as an item. `place` says where it lay; it names an object that has no usable name
/// of its own, and the remark that is then made.
pub(crate) fn item(bytes: &[u8], container: &str, place: &str) -> (Item, Option<Remark>) {
    item_of(Members::of(bytes).as_ref(), bytes, container, || place.to_owned())
}

/// The same, of an object whose members were read already.
pub(crate) fn item_of(
    members: Option<&Members<'_>>,
    bytes: &[u8],
    container: &str,
    place: impl Fn() -> String,
) -> (Item, Option<Remark>) {
    let named = members.ok_or("this is not a JSON object").and_then(Named::of);
    let remark = named.as_ref().err().map(|problem| {
        Remark::new(place(), format!("{problem}; it is kept as {UNKNOWN} and tells little"))
    });
    let named = named.unwrap_or_else(|_| Named {
        kind: UNKNOWN.to_owned(),
        id: place(),
        at: members.and_then(created),
    });
    let item = Item {
        kind: named.kind,
        native_id: named.id,
        container: container.to_owned(),
        at: named.at,
        bytes: bytes.to_vec(),
    };
    (item, remark)
}

/// The time that an object gives as its creation.
pub(crate) fn created(members: &Members<'_>) -> Option<Instant> {
    Instant::from_second(members.integer("created")?).ok()
}

struct Named {
    kind: String,
    id: String,
    at: Option<Instant>,
}

impl Named {
    fn of(members: &Members<'_>) -> Result<Self, &'static str> {
        let id = members.text("id").ok_or("this object has no id")?;
        let object = members.text("object").ok_or("this object does not say what it is")?;
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b);
        if !object.bytes().all(is_plain) {
            return Err("this object's type is none of Stripe's");
        }
        let mode = if members.get("livemode") == Some("false") { TEST } else { "stripe." };
        Ok(Self { kind: format!("{mode}{object}"), id, at: created(members) })
    }
}

/// Whether the window bounds the time at which objects of this kind were made, from below and
/// from above. Customers and accounts outlive it: those made before may act in it. Refunds and
/// disputes of a payment in the window come later, as do the movements of its money and what
/// happened to it, and say how it ended.
pub(crate) fn bounds(kind: &str) -> (bool, bool) {
    let object = kind.strip_prefix(TEST).or_else(|| kind.strip_prefix("stripe."));
    match object.unwrap_or(kind) {
        "account" | "unknown" => (false, false),
        "customer" | "product" | "price" | "subscription" => (false, true),
        "refund" | "dispute" | "balance_transaction" | "event" | "invoice_payment" => (true, false),
        _ => (true, true),
    }
}

/// Whether an item may speak of the window. One without a date may.
pub(crate) fn may_speak_of(item: &Item, window: Option<TimeWindow>) -> bool {
    let (Some(window), Some(at)) = (window, item.at) else { return true };
    let (below, above) = bounds(&item.kind);
    (!below || window.start <= at) && (!above || at < window.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, expected: &str) {
        let (item, remark) = item(bytes.as_bytes(), PLATFORM, "file:1");
        assert_eq!(item.bytes, bytes.as_bytes());
        let at = item.at.map_or("-".to_owned(), |at| at.as_second().to_string());
        let told = if remark.is_some() { " !" } else { "" };
        assert_eq!(format!("{} {} {at}{told}", item.kind, item.native_id), expected);
    }

    #[test]
    fn an_object_is_called_by_its_type_and_id() {
        check(
            r#"{"id":"ch_1","object":"charge","created":1700000000}"#,
            "stripe.charge ch_1 1700000000",
        );
        check(r#"{"object":"checkout.session","id":"cs_1"}"#, "stripe.checkout.session cs_1 -");
        check(r#"{"id":"cus_1","object":"customer","deleted":true}"#, "stripe.customer cus_1 -");
        check(r#"{"id":"ch_1","object":"charge","livemode":true}"#, "stripe.charge ch_1 -");
        check(r#"{"id":"ch_1","object":"charge","livemode":false}"#, "stripe.test.charge ch_1 -");
    }

    #[test]
    fn what_has_no_name_is_kept_and_told() {
        check("not JSON", "stripe.unknown file:1 - !");
        check(r#"{"object":"charge","created":5}"#, "stripe.unknown file:1 5 !");
        check(r#"{"id":"ch_1"}"#, "stripe.unknown file:1 - !");
        check(r#"{"id":"ch_1","object":"../charge"}"#, "stripe.unknown file:1 - !");
    }

    #[test]
    fn a_window_takes_earlier_customers_and_later_refunds() {
        let second = |s| Instant::from_second(s).unwrap();
        let window = Some(TimeWindow { start: second(10), end: second(20) });
        let speaks = |object: &str, created: i64| {
            let bytes = format!(r#"{{"id":"x","object":"{object}","created":{created}}}"#);
            may_speak_of(&item(bytes.as_bytes(), PLATFORM, "").0, window)
        };
        assert_eq!([9, 10, 19, 20].map(|s| speaks("charge", s)), [false, true, true, false]);
        assert_eq!([9, 10, 19, 20].map(|s| speaks("customer", s)), [true, true, true, false]);
        assert_eq!([9, 10, 19, 20].map(|s| speaks("refund", s)), [false, true, true, true]);
        assert_eq!(bounds("stripe.test.refund"), bounds("stripe.refund"));
    }
}
