//! From an object's bytes to its facts.

use restitch_connect::Reading;
use restitch_facts::{Context, scan_field};
use restitch_model::{Decimal, EvidenceId, Fact, FactValue, Instant, Place, Remark};
use serde_json::value::RawValue;

use crate::beside::Beside;
use crate::item::created;
use crate::json::Members;
use crate::moment::moment;

/// The facts of one object or CSV row: every leaf by its JSON pointer (RFC 6901). First comes
/// `account`, the connected account or `platform` that it belongs to, then its metadata, then
/// all else in the order in which it stands.
///
/// Amounts are integers in minor units as Stripe gives them; those of a CSV row are text in
/// major units. Both are said once more in major units with their currency (`/amount#amount`),
/// where the object or the row names one. A text that is an e-mail address as a whole is one;
/// times (`created`, `*_at`, the ends of periods, and a CSV row's columns in `(UTC)`) are
/// instants. `null` and empty texts are no facts. Descriptions and statement descriptors are
/// also scanned for what they mention, and a phone number is said once more as one, with its
/// country where the address beside it tells it. Total: any bytes give an answer, at worst a
/// remark.
pub fn read_object(bytes: &[u8], container: &str) -> Reading {
    let account = FactValue::Text(container.to_owned());
    let mut walk = Walk { reading: Reading::default(), bytes, context: Context::default() };
    walk.fact("account", account);
    let text = std::str::from_utf8(bytes).map(str::trim).unwrap_or_default();
    match Members::of(bytes) {
        Some(members) => {
            walk.context.written_on =
                written_at(&members).map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date());
            walk.members("", &members, 0, &Beside::default());
        }
        None if text.starts_with('[') => match serde_json::from_str::<&RawValue>(text) {
            Ok(array) => walk.value("", "", array, 0, &Beside::default()),
            Err(_) => walk.remark("this is not JSON and gives no facts"),
        },
        None => walk.remark("this is not a JSON object and gives no facts"),
    }
    walk.reading
}

/// When an object or CSV row was made.
fn written_at(members: &Members<'_>) -> Option<Instant> {
    created(members).or_else(|| {
        let header = |name: &str| name.starts_with("Created") && is_csv_time(name);
        let (name, _) = members.0.iter().find(|(name, _)| header(name))?;
        moment(&members.text(name)?, None)
    })
}

/// No object of Stripe's is nested so deep; what lies deeper is not read.
const DEEPEST: usize = 32;
/// So many elements of an array are read.
pub(crate) const ELEMENTS: usize = 50;

struct Walk<'a> {
    reading: Reading,
    bytes: &'a [u8],
    context: Context,
}

impl Walk<'_> {
    fn members(&mut self, pointer: &str, members: &Members<'_>, depth: usize, around: &Beside) {
        let beside = Beside::of(members, around);
        // What the business itself wrote there comes first, in the object as a whole.
        let is_first = |key: &str| depth == 0 && key == "metadata";
        let (first, rest): (Vec<_>, Vec<_>) = members.0.iter().partition(|(key, _)| is_first(key));
        for (key, raw) in first.into_iter().chain(rest) {
            let escaped = key.replace('~', "~0").replace('/', "~1");
            self.value(&format!("{pointer}/{escaped}"), key, raw, depth + 1, &beside);
        }
    }

    fn value(&mut self, pointer: &str, key: &str, raw: &RawValue, depth: usize, beside: &Beside) {
        let text = raw.get();
        match text.as_bytes() {
            [b'{' | b'[', ..] if depth >= DEEPEST => {
                self.remark(format!("values nested deeper than {DEEPEST} levels were not read"));
            }
            [b'{', ..] => match Members::of(text.as_bytes()) {
                Some(members) => self.members(pointer, &members, depth, beside),
                None => self.remark(format!("the names in {pointer} cannot be read")),
            },
            [b'[', ..] => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
                if elements.len() > ELEMENTS {
                    let count = elements.len();
                    self.remark(format!("{pointer} has {count} elements; {ELEMENTS} were read"));
                }
                for (i, element) in elements.into_iter().take(ELEMENTS).enumerate() {
                    self.value(&format!("{pointer}/{i}"), key, element, depth + 1, beside);
                }
            }
            [b'"', ..] => match serde_json::from_str::<String>(text) {
                Ok(text) => self.text(pointer, key, text, depth, beside),
                Err(_) => self.remark(format!("the text at {pointer} cannot be read")),
            },
            b"true" | b"false" => self.fact(pointer, FactValue::Bool(text == "true")),
            b"null" => {}
            _ => {
                let value = number(key, text);
                let money = beside.money(key, &value);
                self.fact(pointer, value);
                self.said_again(pointer, money);
            }
        }
    }

    fn text(&mut self, pointer: &str, key: &str, text: String, depth: usize, beside: &Beside) {
        if text.is_empty() {
            return;
        }
        let time = if depth == 1 && is_csv_time(key) { moment(&text, None) } else { None };
        let found = if is_scanned(key) { scan_field(pointer, &text, self.context) } else { vec![] };
        let again = match key {
            "phone" => beside.phone(&text),
            _ if depth == 1 => beside.row_money(key, &text),
            _ => None,
        };
        let value = match time {
            Some(time) => FactValue::Instant(time),
            None if is_email(&text) => FactValue::Email(text.trim().to_lowercase()),
            None => FactValue::Text(text),
        };
        self.fact(pointer, value);
        self.reading.facts.extend(found);
        self.said_again(pointer, again);
    }

    /// A value that stands there, in another type.
    fn said_again(&mut self, pointer: &str, value: Option<FactValue>) {
        let Some(value) = value else { return };
        let (name, place) = (format!("{pointer}#{}", value.type_name()), Place::whole(pointer));
        self.reading.facts.push(Fact { name: name.into(), value, place });
    }

    fn fact(&mut self, name: &str, value: FactValue) {
        self.reading.facts.push(Fact { name: name.into(), value, place: Place::whole(name) });
    }

    fn remark(&mut self, text: impl Into<String>) {
        let remark = Remark::new(EvidenceId::of(self.bytes).to_string(), text);
        if !self.reading.remarks.contains(&remark) {
            self.reading.remarks.push(remark);
        }
    }
}

/// A number of JSON with its own digits: never through a float.
fn number(key: &str, text: &str) -> FactValue {
    let integer = text.parse::<i64>().ok();
    let time = integer.filter(|_| is_time(key)).and_then(|n| Instant::from_second(n).ok());
    match (time, integer) {
        (Some(time), _) => FactValue::Instant(time),
        (None, Some(n)) => FactValue::Integer(n),
        (None, None) => match text.parse::<Decimal>() {
            Ok(number) => FactValue::Number(number),
            Err(_) => FactValue::Text(text.to_owned()),
        },
    }
}

/// Whether a whole number under this name counts the seconds since 1970.
fn is_time(key: &str) -> bool {
    const TIMES: [&str; 14] = [
        "created",
        "arrival_date",
        "available_on",
        "due_date",
        "due_by",
        "period_start",
        "period_end",
        "current_period_start",
        "current_period_end",
        "trial_start",
        "trial_end",
        "start_date",
        "billing_cycle_anchor",
        "next_payment_attempt",
    ];
    TIMES.contains(&key) || key.ends_with("_at")
}

fn is_csv_time(header: &str) -> bool {
    header.ends_with("(UTC)")
}

/// Whether people write sentences under this name, of an object or a CSV column.
fn is_scanned(key: &str) -> bool {
    matches!(key, "description" | "statement_descriptor" | "Description" | "Statement Descriptor")
}

/// Whether a text as a whole looks like an address: enough to compare it as one.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.trim().rsplit_once('@') else { return false };
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\"\\".contains(c);
    let labels = domain.split('.');
    !local.is_empty()
        && text.trim().chars().filter(|c| *c != '@').all(is_plain)
        && !local.contains('@')
        && domain.contains('.')
        && labels.clone().all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each fact as `name type value`, without `account` and without what scanners found.
    fn check(json: &str, expected: &[&str]) {
        let reading = read_object(json.as_bytes(), "acct_1");
        let facts: Vec<_> = reading
            .facts
            .iter()
            .skip(1)
            .filter(|fact| !fact.name.contains('#'))
            .map(|fact| format!("{} {} {}", fact.name, fact.value.type_name(), fact.value))
            .collect();
        assert_eq!(facts, expected);
        assert_eq!(reading.facts[0].value, FactValue::Text("acct_1".into()));
        assert!(reading.remarks.is_empty(), "{:?}", reading.remarks);
    }

    fn remarks(bytes: &[u8]) -> Vec<String> {
        read_object(bytes, "platform").remarks.into_iter().map(|remark| remark.text).collect()
    }

    #[test]
    fn a_charge_gives_every_leaf_by_its_pointer() {
        check(
            r#"{"id":"ch_1","amount":12050,"currency":"eur","created":1700000000,"paid":true,
                "invoice":null,"description":"","receipt_email":"Ana@Example.com",
                "metadata":{"booking_ref":"BK-7","a/b~c":"x"},
                "refunds":{"object":"list","data":[{"id":"re_1"},{"id":"re_2"}]}}"#,
            &[
                "/metadata/booking_ref text BK-7",
                "/metadata/a~1b~0c text x",
                "/id text ch_1",
                "/amount integer 12050",
                "/currency text eur",
                "/created instant 2023-11-14T22:13:20Z",
                "/paid bool true",
                "/receipt_email email ana@example.com",
                "/refunds/object text list",
                "/refunds/data/0/id text re_1",
                "/refunds/data/1/id text re_2",
            ],
        );
    }

    #[test]
    fn fields_of_time_are_instants_and_only_those() {
        check(
            r#"{"canceled_at":0,"arrival_date":86400,"flat":86400,"created":"soon","at":9e99,
                "expires_at":9000000000000000000}"#,
            &[
                "/canceled_at instant 1970-01-01T00:00:00Z",
                "/arrival_date instant 1970-01-02T00:00:00Z",
                "/flat integer 86400",
                "/created text soon",
                "/at text 9e99",
                "/expires_at integer 9000000000000000000",
            ],
        );
    }

    /// What is said again in another type, as `name value`.
    fn check_again(json: &str, expected: &[&str]) {
        let facts = read_object(json.as_bytes(), "acct_1").facts;
        let again = facts.iter().filter(|fact| fact.name.contains('#'));
        let again: Vec<_> = again.map(|fact| format!("{} {}", fact.name, fact.value)).collect();
        assert_eq!(again, expected);
    }

    #[test]
    fn amounts_are_said_again_in_their_currency() {
        check_again(
            r#"{"amount":12050,"currency":"eur","amount_refunded":0,"quantity":2,
                "balance_transaction":{"amount":9000,"fee":300,"net":8700,"currency":"jpy",
                "fee_details":[{"amount":300,"currency":"jpy"}]},
                "refunds":{"data":[{"amount":1500,"currency":"kwd"}]},"dispute":{"amount":12050}}"#,
            &[
                "/amount#amount 120.50 EUR",
                "/amount_refunded#amount 0.00 EUR",
                "/balance_transaction/amount#amount 9000 JPY",
                "/balance_transaction/fee#amount 300 JPY",
                "/balance_transaction/net#amount 8700 JPY",
                "/balance_transaction/fee_details/0/amount#amount 300 JPY",
                "/refunds/data/0/amount#amount 1.500 KWD",
                "/dispute/amount#amount 120.50 EUR",
            ],
        );
        check_again(r#"{"amount":5,"total":7}"#, &[]);
    }

    #[test]
    fn the_amounts_of_a_row_are_read_in_its_currencies() {
        check_again(
            r#"{"id":"ch_1","Amount":"1,234.50","Currency":"usd","Converted Amount":"1.100,00",
                "Converted Currency":"eur","Fee":"0,25","Amount Refunded":"soon","Mode":"12"}"#,
            &[
                "/Amount#amount 1234.50 USD",
                "/Converted Amount#amount 1100.00 EUR",
                "/Fee#amount 0.25 EUR",
            ],
        );
        check_again(r#"{"Net":"-12,000","Currency":"jpy"}"#, &["/Net#amount -12000 JPY"]);
    }

    #[test]
    fn a_phone_number_gets_the_country_of_its_address() {
        check_again(
            r#"{"billing_details":{"phone":"030 123456","address":{"country":"DE"}},
                "shipping":{"phone":"+1 (202) 555-0143"},"phone":"call me"}"#,
            &["/billing_details/phone#phone +4930123456", "/shipping/phone#phone +12025550143"],
        );
    }

    #[test]
    fn a_number_keeps_its_own_digits() {
        check(r#"{"a":0.10,"b":-1.5e3}"#, &["/a number 0.10", "/b text -1.5e3"]);
    }

    #[test]
    fn a_csv_row_is_read_by_its_headers() {
        check(
            r#"{"id":"ch_1","Created date (UTC)":"2024-06-07 02:38:54","Amount":"1,50",
                "Refunded date (UTC)":"","Available On (UTC)":"8/6/2026 12:00",
                "Customer Email":"a@b.example","booking_ref (metadata)":"BK-7"}"#,
            &[
                "/id text ch_1",
                "/Created date (UTC) instant 2024-06-07T02:38:54Z",
                "/Amount text 1,50",
                "/Available On (UTC) text 8/6/2026 12:00",
                "/Customer Email email a@b.example",
                "/booking_ref (metadata) text BK-7",
            ],
        );
    }

    #[test]
    fn only_a_whole_address_is_one() {
        for text in ["a@b.example", " A.b+c@x.co.uk "] {
            assert!(is_email(text), "{text}");
        }
        for text in
            ["a@b", "@b.de", "a b@c.de", "a@b@c.de", "<a@b.de>", "a@b..de", "a@.de", "a,b@c.de"]
        {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn long_arrays_and_deep_nests_are_read_as_far_as_is_sensible() {
        let array = format!(r#"{{"a":[{}1]}}"#, "1,".repeat(50));
        let reading = read_object(array.as_bytes(), "platform");
        assert_eq!(reading.facts.len(), 1 + ELEMENTS);
        assert_eq!(remarks(array.as_bytes()), ["/a has 51 elements; 50 were read"]);

        let nest = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(remarks(nest.as_bytes()), ["values nested deeper than 32 levels were not read"]);
    }

    #[test]
    fn what_is_no_object_gives_a_remark() {
        for bytes in [&b""[..], b"5", b"{", b"[", b"\xff", b"null", br#"{"\ud800":1}"#] {
            assert_eq!(remarks(bytes).len(), 1, "{bytes:?}");
        }
        assert_eq!(remarks(br#"{"a":"\ud800"}"#), ["the text at /a cannot be read"]);
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes: Vec<u8>) {
            read_object(&bytes, "platform");
        }

        #[test]
        fn any_text_of_json_gives_an_answer(text in r#"[\[\]{}:,"\\u0-9a-f.@ -]{0,60}"#) {
            let first = read_object(text.as_bytes(), "platform");
            prop_assert_eq!(first, read_object(text.as_bytes(), "platform"));
        }
    }
}
