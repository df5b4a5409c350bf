//! What every connector must do, of calendars in files.

use std::fs;

use restitch_conformance::Subject;
use restitch_connect::{Basket, Connector};
use restitch_connect_calendar::CalendarFiles;
use restitch_model::Silent;

#[test]
fn calendar_files_conform() {
    let folder = tempfile::tempdir().unwrap();
    let ics = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260110T090000Z\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    fs::write(folder.path().join("vans.ics"), ics).unwrap();
    let broken = r#"{"iCalUID":"d@x","start":"#;
    let json =
        format!("{{\"kind\":\"calendar#events\",\"items\":[{{\"iCalUID\":\"c@x\"}},{broken}");
    fs::write(folder.path().join("google.json"), json).unwrap();
    let paths = vec![folder.path().to_owned()];
    let connector = |_| -> Box<dyn Connector> {
        Box::new(CalendarFiles { paths: paths.clone(), timezone: None })
    };
    let bad_item = Some(broken.as_bytes());
    Subject { connector: &connector, server: None, secrets: &[], bad_item }.conforms();
}

/// A Takeout as Google packs it.
#[test]
fn calendars_in_archives_are_pulled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("takeout.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, text) in [
        ("Takeout/Calendar/Vans.ics", "BEGIN:VEVENT\nUID:a\nEND:VEVENT\n"),
        ("Takeout/Profile/Profile.json", "{\"name\":\"Jo\"}"),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let mut basket = Basket::default();
    let calendars = CalendarFiles { paths: vec![path], timezone: None };
    calendars.pull(None, &mut basket, &Silent).unwrap();
    let items = basket.items.iter().map(|item| format!("{}: {}", item.container, item.native_id));
    assert_eq!(items.collect::<Vec<_>>(), ["takeout.zip/Takeout/Calendar/Vans: a"]);
    assert_eq!(basket.remarks.len(), 1, "{:?}", basket.remarks);
}
