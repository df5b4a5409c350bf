//! Tables in the shapes that banks, payment providers and systems export. Written by hand after
//! what their makers publish; no person's data.

use restitch_connect::Basket;
use restitch_connect_table::{list_rows, read_row};

/// The facts of the rows as they stand, a line a row, then the remarks.
fn shown(bytes: &[u8]) -> Vec<String> {
    let mut basket = Basket::default();
    list_rows("export", bytes, &mut basket).unwrap();
    let rows = basket.items.iter().map(|item| {
        let reading = read_row(&item.bytes);
        let facts = reading.facts.iter().filter(|fact| !fact.name.contains('#'));
        facts.map(|fact| format!("{}={}", fact.name, fact.value)).collect::<Vec<_>>().join(" ")
    });
    rows.chain(basket.remarks.iter().map(|remark| format!("! {}", remark.text))).collect()
}

#[test]
fn paypal_activity() {
    let text = "\u{feff}\"Date\",\"Time\",\"TimeZone\",\"Name\",\"Type\",\"Status\",\"Currency\",\
        \"Gross\",\"Fee\",\"Net\",\"Transaction ID\",\"Custom Number\"\r\n\
        \"01/10/2026\",\"09:00:01\",\"PST\",\"Jo Doe\",\"Express Checkout Payment\",\"Completed\",\
        \"EUR\",\"1,234.50\",\"-36.10\",\"1,198.40\",\"5TY05013RG002845M\",\"AB-12\"\r\n";
    assert_eq!(
        shown(text.as_bytes()),
        ["/Date=01/10/2026 /Time=09:00:01 /TimeZone=PST /Name=Jo Doe \
          /Type=Express Checkout Payment /Status=Completed /Currency=EUR /Gross=1,234.50 \
          /Fee=-36.10 /Net=1,198.40 /Transaction ID=5TY05013RG002845M /Custom Number=AB-12"]
    );
}

#[test]
fn square_transactions_with_money_signs_and_empty_columns() {
    let text = "Date,Time,Time Zone,Gross Sales,Discounts,Transaction ID,Payment ID,Description\n\
        2026-01-10,09:00:01,Berlin,\"$1,234.50\",$0.00,T1,P1,\"1 x Van (7 days)\nwith trailer\"\n\
        2026-01-11,09:00:01,Berlin,$5.00,,T2,P2,\n";
    assert_eq!(
        shown(text.as_bytes()),
        [
            "/Date=2026-01-10 /Time=09:00:01 /Time Zone=Berlin /Gross Sales=$1,234.50 \
             /Discounts=$0.00 /Transaction ID=T1 /Payment ID=P1 \
             /Description=1 x Van (7 days)\nwith trailer",
            "/Date=2026-01-11 /Time=09:00:01 /Time Zone=Berlin /Gross Sales=$5.00 \
             /Transaction ID=T2 /Payment ID=P2"
        ]
    );
}

/// One payment has several rows: none is taken for a version of another.
#[test]
fn adyen_payment_accounting() {
    let text = "Company Account,Merchant Account,Psp Reference,Merchant Reference,Record Type,\
        Booking Date,Main Amount\nX,XNL,8816178914079738,AB-12,Received,2026-01-10 09:00:01,100.00\n\
        X,XNL,8816178914079738,AB-12,Authorised,2026-01-10 09:00:02,100.00\n\
        X,XNL,8816178914079738,AB-12,SentForSettle,2026-01-10 10:00:00,100.00\n";
    let mut basket = Basket::default();
    list_rows("export", text.as_bytes(), &mut basket).unwrap();
    let mut names: Vec<_> = basket.items.iter().map(|item| &item.native_id).collect();
    names.dedup();
    assert_eq!(names.len(), 3);
    assert!(shown(text.as_bytes())[2].contains("/Record Type=SentForSettle"));
}

#[test]
fn revolut_statement() {
    let text = "Date started (UTC),Date completed (UTC),ID,Type,Description,Reference,Payer,Amount,\
        Payment currency,Balance\n2026-01-10,2026-01-10,6596a1b2,TOPUP,Money added from JO DOE,\
        AB-12,JO DOE,100.00,EUR,100.00\n";
    let mut basket = Basket::default();
    list_rows("export", text.as_bytes(), &mut basket).unwrap();
    assert_eq!(basket.items[0].native_id, "6596a1b2");
}

#[test]
fn a_german_bank_with_lines_before_the_header_in_windows_1252() {
    let text = "\"Kontonummer:\";\"DE12 3456 / Gesch\u{e4}ftskonto\";\r\n\r\n\
        \"Von:\";\"01.01.2026\";\r\n\"Kontostand vom 31.01.2026:\";\"1.234,56 EUR\";\r\n\r\n\
        \"Buchungstag\";\"Wertstellung\";\"Buchungstext\";\"Auftraggeber / Beg\u{fc}nstigter\";\
        \"Verwendungszweck\";\"Betrag (EUR)\";\r\n\
        \"12.01.2026\";\"12.01.2026\";\"Gutschrift\";\"M\u{fc}ller, Jo\";\"AB-12 Anzahlung\";\
        \"1.000,00\";\r\n\
        \"13.01.2026\";\"13.01.2026\";\"Lastschrift\";\"Depot\";\"Miete\";\"-250,00\";\r\n";
    let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
    assert_eq!(
        shown(&bytes)[3..],
        [
            "/Buchungstag=12.01.2026 /Wertstellung=12.01.2026 /Buchungstext=Gutschrift \
             /Auftraggeber ~1 Begünstigter=Müller, Jo /Verwendungszweck=AB-12 Anzahlung \
             /Betrag (EUR)=1.000,00",
            "/Buchungstag=13.01.2026 /Wertstellung=13.01.2026 /Buchungstext=Lastschrift \
             /Auftraggeber ~1 Begünstigter=Depot /Verwendungszweck=Miete /Betrag (EUR)=-250,00",
            "! 3 of its lines stand before the header; kept as rows of numbered columns"
        ]
    );
}

#[test]
fn a_spreadsheets_unicode_text() {
    let text = "\u{feff}Name\tOrt\tBetrag\r\nMüller\tKöln\t12,50\r\n\tSumme\t12,50\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(shown(&bytes), ["/Name=Müller /Ort=Köln /Betrag=12,50", "/Ort=Summe /Betrag=12,50"]);
}

#[test]
fn an_sms_log_and_a_webhook_log() {
    let sms = r#"{"first_page_uri":"/x?Page=0","page":0,"messages":[
        {"sid":"SM1","to":"+4930123456","body":"Your booking AB-12 is confirmed","price":"-0.07"},
        {"sid":"SM2","to":"+4930123457","body":"Bye","price":null}]}"#;
    assert_eq!(
        shown(sms.as_bytes()),
        [
            "/sid=SM1 /to=+4930123456 /body=Your booking AB-12 is confirmed /price=-0.07",
            "/sid=SM2 /to=+4930123457 /body=Bye",
            "/first_page_uri=/x?Page=0 /page=0"
        ]
    );
    let webhooks = "{\"id\":\"evt_1\",\"data\":{\"object\":{\"id\":\"ch_1\",\"lines\":[{\"n\":1}]}}}\n\
        {\"id\":\"evt_2\",\"data\":{}}\n";
    assert_eq!(
        shown(webhooks.as_bytes()),
        ["/id=evt_1 /data/object/id=ch_1 /data/object/lines/0/n=1", "/id=evt_2"]
    );
}

/// A file that is read with the memory of one row, whatever its length.
#[test]
fn a_long_file_is_pulled_row_by_row() {
    struct Endless {
        row: usize,
        rest: Vec<u8>,
    }
    impl std::io::Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.rest.is_empty() && self.row < 200_000 {
                self.row += 1;
                self.rest = format!("{},Jo Doe,\"12,50\"\n", self.row).into_bytes();
            }
            let n = self.rest.len().min(into.len());
            into[..n].copy_from_slice(&self.rest[..n]);
            self.rest.drain(..n);
            Ok(n)
        }
    }
    struct Counting(usize);
    impl restitch_connect::Sink for Counting {
        fn put(
            &mut self,
            item: restitch_connect::Item,
        ) -> Result<bool, restitch_connect::PullError> {
            self.0 += 1;
            assert_eq!(item.native_id, self.0.to_string());
            Ok(true)
        }
        fn remark(&mut self, remark: restitch_model::Remark) {
            panic!("{remark}");
        }
        fn checkpoint(&self) -> Option<String> {
            None
        }
        fn set_checkpoint(&mut self, _: &str) -> Result<(), restitch_connect::PullError> {
            Ok(())
        }
    }
    let mut counting = Counting(0);
    let file = Endless { row: 0, rest: b"id,name,fee\n".to_vec() };
    list_rows("export", file, &mut counting).unwrap();
    assert_eq!(counting.0, 200_000);
}
