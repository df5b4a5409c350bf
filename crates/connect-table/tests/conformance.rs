//! What every connector must do, of tables.

use std::fs;

use restitch_conformance::Subject;
use restitch_connect::Connector;
use restitch_connect_table::TableFiles;

fn conforms(files: &[(&str, &[u8])], bad_item: Option<&[u8]>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let paths = vec![folder.path().to_owned()];
    let connector = |_| -> Box<dyn Connector> { Box::new(TableFiles { paths: paths.clone() }) };
    Subject { connector: &connector, server: None, secrets: &[], bad_item }.conforms();
}

#[test]
fn tables_conform() {
    conforms(
        &[
            ("a.csv", b"id;day;fee\n1;1.1.2026;1,50\n2;2.1.2026;2,50\n;;4,00\n"),
            ("b.csv", b"day,fee\n2026-01-01,1\n2026-01-01,1\n"),
            ("c.jsonl", b"{\"id\":\"x\",\"n\":1}\n{\"id\":\n{\"n\":[{\"m\":2.50}]}\n"),
            ("d.json", b"{\"page\":1,\"rows\":[{\"a\":1},{\"a\":2}]}"),
        ],
        Some(b"{\"id\":"),
    );
}

#[test]
fn a_table_of_any_name_is_pulled_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.txt");
    fs::write(&path, "a|b\n1|2\n").unwrap();
    let mut basket = restitch_connect::Basket::default();
    let tables = TableFiles { paths: vec![path] };
    tables.pull(None, &mut basket, &restitch_model::Silent).unwrap();
    assert_eq!(basket.items[0].bytes, br#"{"a":"1","b":"2"}"#);
    assert_eq!(basket.items[0].container, "export");
}
