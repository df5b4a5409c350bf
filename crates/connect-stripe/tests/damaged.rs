//! Objects with bytes changed, cut out and put in twice give facts or remarks, never a panic.

use std::path::Path;

use restitch_connect_stripe::read_object;

/// One object of each kind that a recovery reads, as Stripe's API reference shows them.
const OBJECTS: [&str; 6] = [
    r#"{"id":"ch_1","object":"charge","amount":12050,"amount_refunded":2000,"currency":"eur",
        "created":1700000000,"billing_details":{"email":"ana@example.com","name":"Ana",
        "phone":"030 123456","address":{"country":"DE"}},"payment_method_details":{"card":{
        "brand":"visa","last4":"4242","fingerprint":"Xt5EWLLDS7FJjR1c"}},"receipt_email":null,
        "balance_transaction":{"fee":380,"net":11670,"currency":"eur"},"disputed":true,
        "refunds":{"object":"list","data":[{"id":"re_1","amount":2000,"created":1700001000}]}}"#,
    r#"{"id":"dp_1","object":"dispute","amount":1000,"charge":"ch_1","currency":"jpy",
        "created":1700000000,"evidence_details":{"due_by":1700900000},"reason":"fraudulent"}"#,
    r#"{"id":"in_1","object":"invoice","amount_due":1500,"currency":"kwd","due_date":1700900000,
        "period_end":1700000000,"customer_email":"ana@example.com","lines":{"object":"list",
        "data":[{"id":"il_1","amount":1500,"currency":"kwd","description":"Van, 3 days"}]}}"#,
    r#"{"id":"txn_1","object":"balance_transaction","amount":12050,"fee":380,"net":11670,
        "currency":"eur","available_on":1700600000,"source":"ch_1","type":"charge"}"#,
    r#"{"id":"evt_1","object":"event","type":"charge.refunded","created":1700000000,"data":{
        "object":{"id":"ch_1","object":"charge","amount":12050,"currency":"eur"},
        "previous_attributes":{"amount_refunded":0}}}"#,
    r#"{"id":"li_1","object":"item","amount_total":3000,"currency":"usd","quantity":2,
        "description":"City tour","price":{"unit_amount":1500,"currency":"usd"}}"#,
];

/// The facts of an object as `name value`.
fn facts(object: &str) -> Vec<String> {
    let reading = read_object(object.as_bytes(), "acct_1");
    assert_eq!(reading.remarks, []);
    reading.facts.iter().map(|fact| format!("{} {}", fact.name, fact.value)).collect()
}

#[test]
fn every_kind_of_object_gives_its_facts() {
    let wanted: [&[&str]; 6] = [
        &[
            "/payment_method_details/card/fingerprint Xt5EWLLDS7FJjR1c",
            "/payment_method_details/card/last4 4242",
            "/billing_details/email ana@example.com",
            "/billing_details/phone#phone +4930123456",
            "/balance_transaction/fee#amount 3.80 EUR",
            "/balance_transaction/net#amount 116.70 EUR",
            "/refunds/data/0/amount#amount 20.00 EUR",
            "/refunds/data/0/created 2023-11-14T22:30:00Z",
            "/disputed true",
        ],
        &[
            "/charge ch_1",
            "/amount#amount 1000 JPY",
            "/evidence_details/due_by 2023-11-25T08:13:20Z",
        ],
        &[
            "/amount_due#amount 1.500 KWD",
            "/due_date 2023-11-25T08:13:20Z",
            "/lines/data/0/amount#amount 1.500 KWD",
            "/lines/data/0/description Van, 3 days",
        ],
        &["/net#amount 116.70 EUR", "/available_on 2023-11-21T20:53:20Z", "/source ch_1"],
        &["/type charge.refunded", "/data/object/amount#amount 120.50 EUR"],
        &["/amount_total#amount 30.00 USD", "/price/unit_amount#amount 15.00 USD", "/quantity 2"],
    ];
    for (object, wanted) in OBJECTS.iter().zip(wanted) {
        let found = facts(object);
        for line in wanted {
            assert!(found.iter().any(|fact| fact == line), "{line} is not in {found:#?}");
        }
    }
}

#[test]
fn damaged_objects_give_an_answer() {
    let mut random = 1_u64;
    let mut below = |n: usize| {
        // Marsaglia's xorshift: the same damage in every run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % n.max(1) as u64).unwrap()
    };
    let texts = OBJECTS.iter().map(|text| text.as_bytes().to_vec()).chain([export()]);
    let (mut facts, mut remarks) = (0, 0);
    for text in texts {
        for _ in 0..60 {
            let mut bytes = text.clone();
            for _ in 0..1 + below(3) {
                let (a, b) = (below(bytes.len()), below(bytes.len()));
                let part = a.min(b)..a.max(b).min(a.min(b) + 20);
                match below(3) {
                    0 => bytes[a] = u8::try_from(below(256)).unwrap(),
                    1 => drop(bytes.drain(part)),
                    _ => bytes.extend_from_within(part),
                }
            }
            let reading = read_object(&bytes, "platform");
            assert_eq!(reading, read_object(&bytes, "platform"));
            facts += reading.facts.len();
            remarks += reading.remarks.len();
        }
    }
    assert!(facts > 500 && remarks > 100, "{facts} facts, {remarks} remarks");
}

/// The beginning of an export of the sample's charges.
fn export() -> Vec<u8> {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/car-rental/stripe");
    let accounts = std::fs::read_dir(sample).unwrap().flatten();
    let mut files: Vec<_> = accounts.map(|account| account.path().join("charges.json")).collect();
    files.sort();
    let file = files.into_iter().find(|file| file.is_file()).unwrap();
    std::fs::read(file).unwrap().into_iter().take(20_000).collect()
}
