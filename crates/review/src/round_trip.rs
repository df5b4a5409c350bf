//! Packs go out, are filled in and come back: the same answers through each format.

use std::collections::BTreeMap;

use restitch_model::{Answer, Cell};
use rust_xlsxwriter::{ExcelDateTime, Format as Look, Workbook};

use crate::judge::Typing;
use crate::read::{Content, read};
use crate::testing::Desk;
use crate::{Format, Imported, Language};

/// What a reviewer writes: the end of a record's id, a header or field, and the words.
type Filling<'a> = &'a [(&'a str, &'a str, &'a str)];

/// Exports, fills in, imports, and shows the decisions a line each.
fn check(desk: &Desk, format: Format, filling: Filling<'_>, expect: &[&str]) {
    let imported = came_back(desk, format, filling);
    assert_eq!(shown(&imported), expect, "{format:?}: {:?}", imported.unread);
    assert_eq!(came_back(desk, format, filling), imported, "a second time");
}

fn came_back(desk: &Desk, format: Format, filling: Filling<'_>) -> Imported {
    let bytes = match format {
        Format::Html => return desk.import("answers.json", saved(desk, filling)),
        Format::Csv => csv_of(&filled(desk, format, filling), b',', false),
        Format::Xlsx => xlsx_of(&filled(desk, format, filling)),
    };
    desk.import(format.file_name(), bytes)
}

fn shown(imported: &Imported) -> Vec<String> {
    let line = |d: &restitch_model::Decision| {
        let id = d.candidate.0.rsplit('-').next().unwrap_or_default();
        let said = match &d.answer {
            Answer::Yes => "yes".to_owned(),
            Answer::No => "no".to_owned(),
            Answer::Unknown => "unknown".to_owned(),
            Answer::SameAs { other } => format!("same as {other}"),
            Answer::Split { .. } | Answer::Open => panic!("no pack can say {:?}", d.answer),
            Answer::Corrected { columns } => {
                let columns: Vec<String> =
                    columns.iter().map(|(column, text)| format!("{column}={text}")).collect();
                columns.join(" ")
            }
        };
        let note = if d.note.is_empty() { String::new() } else { format!(" ({})", d.note) };
        format!("{}: {said} by {}{note}", &id[..1], d.reviewer)
    };
    imported.decisions.iter().map(line).collect()
}

type Grid = Vec<Vec<Typing>>;

/// The table or the first sheets as cells, filled in.
fn filled(desk: &Desk, format: Format, filling: Filling<'_>) -> Grid {
    let sheets = match read(&desk.file(format)).unwrap() {
        Content::Sheets(sheets) => sheets,
        Content::Tables(mut tables) => {
            let separator = usize::from(desk.tenants["7"].language != Language::English);
            vec![tables.remove(separator)]
        }
        Content::Saved(_) => panic!("no table"),
    };
    let mut grid = Grid::new();
    // All sheets but that of conflicts are one below the other.
    for sheet in sheets.iter().filter(|sheet| !sheet.name.starts_with("Conf")) {
        for cells in sheet.rows.values() {
            let width = cells.keys().max().map_or(0, |last| last + 1);
            let row = (0..width).map(|at| cells.get(&at).cloned().unwrap_or(Typing::Empty));
            grid.push(row.collect());
        }
    }
    let width = grid[0].len();
    grid.iter_mut().for_each(|row| row.resize(width, Typing::Empty));
    for (id, header, words) in filling {
        let column = grid[0]
            .iter()
            .position(|cell| cell.text() == *header)
            .unwrap_or_else(|| panic!("{:?}", grid[0]));
        let row = grid.iter_mut().find(|row| row[0].text().ends_with(id)).expect(id);
        row[column] = Typing::Text((*words).to_owned());
    }
    grid
}

fn csv_of(grid: &Grid, separator: u8, with_mark: bool) -> Vec<u8> {
    let start = if with_mark { "\u{feff}" } else { "" };
    let mut writer =
        csv::WriterBuilder::new().delimiter(separator).from_writer(start.as_bytes().to_vec());
    for row in grid {
        writer.write_record(row.iter().map(Typing::text)).unwrap();
    }
    writer.into_inner().unwrap()
}

fn xlsx_of(grid: &Grid) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Look::new().set_num_format("d mmm yyyy");
    for (row, cells) in (0..).zip(grid) {
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Typing::Number(x) => sheet.write_number(row, column, *x).unwrap(),
                Typing::When(civil) => {
                    let day = civil.date();
                    let at = ExcelDateTime::from_ymd(
                        day.year() as u16,
                        day.month() as u8,
                        day.day() as u8,
                    )
                    .unwrap()
                    .and_hms(civil.hour() as u16, civil.minute() as u8, f64::from(civil.second()))
                    .unwrap();
                    sheet.write_datetime_with_format(row, column, &at, &date).unwrap()
                }
                cell => sheet.write_string(row, column, cell.text()).unwrap(),
            };
        }
    }
    workbook.save_to_buffer().unwrap()
}

/// What the page's script saves for a filling.
fn saved(desk: &Desk, filling: Filling<'_>) -> Vec<u8> {
    let mut answers: BTreeMap<&str, serde_json::Value> = BTreeMap::new();
    let mut reviewer = "";
    for (id, header, words) in filling {
        let full = desk.candidates.iter().find(|c| c.id.0.ends_with(id)).unwrap().id.0.clone();
        let answer = answers.entry(id).or_insert_with(|| serde_json::json!({ "candidate": full }));
        match *header {
            "Answer" => {
                answer["answer"] = crate::words::Said::of(words).map_or(*words, |s| s.code()).into()
            }
            "Same as" => answer["same_as"] = (*words).into(),
            "Your note" => answer["note"] = (*words).into(),
            "Your name" => reviewer = words,
            column => answer["corrections"][column] = (*words).into(),
        }
    }
    let zone = desk.tenants["7"].zone.clone();
    let answers: Vec<_> = answers.into_values().collect();
    let all = serde_json::json!({
        "format": "restitch-review-1", "language": "en", "zone": zone, "reviewer": reviewer,
        "answers": answers,
    });
    format!("Hello,\n{all}\nSent from my phone\n").into_bytes()
}

#[test]
fn answers_come_back_the_same_through_each_format() {
    let filling = [
        ("aaaaaaaa", "Answer", "yes"),
        ("aaaaaaaa", "Your name", "Ana"),
        ("aaaaaaaa", "Your note", "sure"),
        ("bbbbbbbb", "Answer", "corrected"),
        ("bbbbbbbb", "name", "=Ana"),
        ("bbbbbbbb", "pickup_at", "2026-05-01 11:30"),
        ("bbbbbbbb", "total_cents", "46000"),
        ("cccccccc", "Answer", "same as"),
        ("cccccccc", "Same as", "reservation-aaaaaaaa"),
    ];
    for format in Format::ALL {
        check(
            &Desk::new(),
            format,
            &filling,
            &[
                "a: yes by Ana (sure)",
                "b: name==Ana pickup_at=2026-05-01T09:30:00Z total_cents=46000 by Ana",
                "c: same as reservation-aaaaaaaa by Ana",
            ],
        );
    }
}

#[test]
fn what_was_not_touched_says_nothing() {
    for language in Language::ALL {
        let mut desk = Desk::new();
        desk.tenant("7", "Brightway", language, "America/New_York");
        for format in [Format::Csv, Format::Xlsx] {
            let imported = desk.import("review", desk.file(format));
            assert_eq!(imported, Imported::default(), "{language} {format:?}");
        }
    }
}

#[test]
fn sure_records_can_be_refused_in_their_own_sheets() {
    let filling = [("dddddddd", "Answer", "nein"), ("eeeeeeee", "Answer", "oui")];
    for format in [Format::Xlsx, Format::Html] {
        check(&Desk::new(), format, &filling, &["d: no by operator", "e: yes by operator"]);
    }
}

#[test]
fn what_cannot_be_read_is_kept_in_the_note_and_the_record_waits() {
    let filling = [
        ("aaaaaaaa", "Answer", "maybe, ask Bo"),
        ("bbbbbbbb", "pickup_at", "next Friday"),
        ("cccccccc", "Answer", "corrected"),
    ];
    let expect = [
        "a: unknown by operator ([not read: answer = maybe, ask Bo])",
        "b: unknown by operator ([not read: pickup_at = next Friday])",
        "c: unknown by operator",
    ];
    for format in Format::ALL {
        let desk = Desk::new();
        check(&desk, format, &filling, &expect);
        let unread = came_back(&desk, format, &filling).unread;
        assert_eq!(unread.len(), 3, "{unread:?}");
        assert!(unread.iter().all(|remark| !remark.to_string().contains("Friday")), "{unread:?}");
    }
    let unread = came_back(&Desk::new(), Format::Csv, &filling).unread;
    let problem = "the answer is none of yes, no, corrected, same as, don't know";
    assert_eq!(
        unread[0].to_string(),
        format!("review.csv, row 2 (reservation-aaaaaaaa): {problem}")
    );
}

#[test]
fn columns_may_be_reordered_added_and_taken_away() {
    let desk = Desk::new();
    let filling = [("aaaaaaaa", "Answer", "YES"), ("bbbbbbbb", "name", "Bo")];
    let mut grid = filled(&desk, Format::Csv, &filling);
    for row in &mut grid {
        row.reverse();
        row.insert(2, Typing::Text("my own".to_owned()));
    }
    grid.insert(0, vec![Typing::Text("Checked on Friday".to_owned())]);
    let gone = grid[1].iter().position(|cell| cell.text() == "email").unwrap();
    grid[1..].iter_mut().for_each(|row| drop(row.remove(gone)));
    let width = grid[1].len();
    grid[0].resize(width, Typing::Empty);
    for bytes in [
        csv_of(&grid, b',', true),
        csv_of(&grid, b';', false),
        csv_of(&grid, b'\t', true),
        xlsx_of(&grid),
    ] {
        let imported = desk.import("x", bytes);
        assert_eq!(shown(&imported), ["a: yes by operator", "b: name=Bo by operator"]);
        assert_eq!(imported.unread, []);
    }
}

#[test]
fn a_table_without_its_zone_is_read_with_a_warning() {
    let desk = Desk::new();
    let mut grid = filled(&desk, Format::Csv, &[("aaaaaaaa", "Answer", "yes")]);
    grid.iter_mut().for_each(|row| drop(row.pop()));
    let imported = desk.import("x.csv", csv_of(&grid, b',', false));
    assert_eq!(shown(&imported), ["a: yes by operator"]);
    assert!(imported.unread[0].text.contains("time zone"), "{:?}", imported.unread);
}

#[test]
fn hostile_values_run_nowhere_and_come_back_as_they_were() {
    let mut desk = Desk::new();
    let evil =
        ["=1+1", "+49 170", "-2", "@SUM(A1)", "\t=1", "'=1", "a;=1\",\"=2", "_x0041_\u{202e}"];
    for (one, value) in desk.candidates.iter_mut().zip(evil.iter().cycle()) {
        one.verdict = restitch_model::Verdict::Review;
        one.fields[0].cell = Cell::Is((*value).into());
        for (n, value) in evil.iter().enumerate() {
            one.fields.push(crate::testing::field(&format!("evil{n}"), *value));
        }
    }
    let table = String::from_utf8(desk.file(Format::Csv)).unwrap();
    for start in ["=", "+", "@", "\t"] {
        assert!(!table.contains(&format!("\"{start}")), "{start:?} in {table}");
    }
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Html) {
        check(&desk, format, &[("aaaaaaaa", "Answer", "yes")], &["a: yes by operator"]);
        let imported = desk.import("x", desk.file(format));
        assert_eq!(imported, Imported::default());
    }
    // The workbook saved as a table, in which nothing is marked; and the table as a workbook.
    let grid = |format| filled(&desk, format, &[]);
    let saved = [csv_of(&grid(Format::Xlsx), b',', false), xlsx_of(&grid(Format::Csv))];
    for bytes in saved {
        assert_eq!(desk.import("x", bytes), Imported::default());
    }
}

#[test]
fn a_pack_that_was_answered_shows_the_answers_and_says_the_same_again() {
    let mut desk = Desk::new();
    let filling = [
        ("aaaaaaaa", "Answer", "corrected"),
        ("aaaaaaaa", "pickup_at", "2026-05-03 09:00"),
        ("aaaaaaaa", "Your name", "Ana"),
        ("aaaaaaaa", "Your note", "one day late"),
        ("dddddddd", "Answer", "no"),
    ];
    let first = came_back(&desk, Format::Xlsx, &filling);
    desk.decisions = first.decisions.clone();
    let counts = desk.export()[0].counts;
    assert_eq!((counts.needs_answer, counts.restored, counts.not_rebuilt), (2, 1, 2));
    let again = desk.import("review.xlsx", desk.file(Format::Xlsx));
    assert_eq!(again, first);
}

#[test]
fn a_record_that_is_gone_keeps_its_answer_and_is_named() {
    let mut desk = Desk::new();
    let file = xlsx_of(&filled(&desk, Format::Xlsx, &[("aaaaaaaa", "Answer", "no")]));
    desk.candidates.remove(0);
    let imported = desk.import("old.xlsx", file);
    assert_eq!(shown(&imported), ["a: no by operator"]);
    assert!(imported.unread[0].text.contains("no such record"), "{:?}", imported.unread);
}

#[test]
fn a_file_that_is_none_of_ours_is_named_and_the_others_are_read() {
    let desk = Desk::new();
    let files = [
        ("photo.jpg", b"\xff\xd8\xff\0\0".to_vec()),
        ("broken.xlsx", b"PK\x03\x04 and no more".to_vec()),
        ("other.csv", b"a,b\n1,2\n".to_vec()),
        ("review.html", desk.file(Format::Html)),
        ("cut.json", b"{\"format\":\"restitch-review-1\",\"answers\":[{".to_vec()),
        ("good.json", saved(&desk, &[("aaaaaaaa", "Answer", "yes")])),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes));
    let imported = crate::import(&files, &desk.candidates, "operator", crate::testing::now());
    assert_eq!(shown(&imported), ["a: yes by operator"]);
    let about: Vec<&str> = imported.unread.iter().map(|remark| remark.about.as_str()).collect();
    assert_eq!(about, ["photo.jpg", "broken.xlsx", "other.csv", "review.html", "cut.json"]);
}

/// What people and attackers put into names: formulas, markup, text that turns its line around,
/// quotes and separators, and no end.
fn hostile() -> [String; 7] {
    [
        "=HYPERLINK(\"http://evil.example\";\"x\")".to_owned(),
        "+1+cmd|' /C calc'!A0".to_owned(),
        "-2+3; \"quoted\", @SUM(A1)\n=1+1".to_owned(),
        "'-1 o'clock".to_owned(),
        "<script>alert(1)</script><img src=x onerror=alert(1)>".to_owned(),
        "\u{202e}gnp.exe\u{2066} Ana\u{2069}".to_owned(),
        "Ana ".to_owned() + &"x".repeat(10_000),
    ]
}

/// A desk on which all kinds of answers were given already, so that a workbook holds them; and
/// of which every record has a hostile name and note.
fn answered() -> Desk {
    let mut desk = Desk::new();
    let yes = Answer::Yes;
    let corrected =
        Answer::Corrected { columns: vec![("email".to_owned(), "'=other@example.org".to_owned())] };
    let same = Answer::SameAs { other: desk.candidates[3].id.clone() };
    let answers = [yes, Answer::No, corrected, Answer::Unknown, same];
    let hostile = hostile();
    for (i, (candidate, answer)) in desk.candidates.iter_mut().zip(answers).enumerate() {
        if let Some(name) = candidate.fields.iter_mut().find(|field| field.column == "name") {
            name.cell = Cell::Is(hostile[i % hostile.len()].as_str().into());
        }
        let other = hostile[(i + 5) % hostile.len()].as_str();
        candidate.fields.push(crate::testing::field("plate", other));
        candidate.reasons = hostile.to_vec();
        desk.decisions.push(restitch_model::Decision {
            candidate: candidate.id.clone(),
            seen: crate::seen(candidate, &answer, |_| None),
            answer,
            reviewer: "Ana".to_owned(),
            note: hostile[(i + 1) % 4].clone(),
            at: crate::testing::now(),
        });
    }
    desk
}

fn words(decisions: &[restitch_model::Decision]) -> Vec<(String, Answer, String, String)> {
    let mut words: Vec<_> = decisions
        .iter()
        .map(|d| (d.candidate.0.clone(), d.answer.clone(), d.reviewer.clone(), d.note.clone()))
        .collect();
    words.sort_by(|a, b| a.0.cmp(&b.0));
    words
}

#[test]
fn answers_and_hostile_texts_come_back_as_they_were() {
    let desk = answered();
    for format in [Format::Xlsx, Format::Csv] {
        let imported = desk.import(format.file_name(), desk.file(format));
        assert_eq!(imported.unread, [], "{format:?}");
        let expect: Vec<_> = words(&desk.decisions)
            .into_iter()
            .filter(|said| imported.decisions.iter().any(|d| d.candidate.0 == said.0))
            .collect();
        assert_eq!(words(&imported.decisions), expect, "{format:?}");
    }
}

#[test]
fn libreoffice_keeps_all_answers() {
    let program = ["soffice", "libreoffice"].into_iter().find(|program| {
        std::process::Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|o| o.status.success())
    });
    let Some(program) = program else {
        eprintln!("LibreOffice is not installed: the way through it was not tested");
        return;
    };
    let desk = answered();
    let place = tempfile::tempdir().unwrap();
    let convert = |from: &str, to: &str, into: &str| {
        let profile = format!("-env:UserInstallation=file://{}/profile", place.path().display());
        let done = std::process::Command::new(program)
            .args([profile.as_str(), "--headless", "--norestore", "--convert-to", to])
            .args(["--outdir", into, from])
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::write(place.path().join("review.xlsx"), desk.file(Format::Xlsx)).unwrap();
    convert("review.xlsx", "ods", "ods");
    convert("ods/review.ods", "xlsx", "xlsx");
    // All sheets, in UTF-8, with commas, each text as it is shown.
    convert(
        "xlsx/review.xlsx",
        "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1",
        "csv",
    );
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(place.path().join("csv")).unwrap() {
        let path = entry.unwrap().path();
        if !path.display().to_string().contains("Conflicts") {
            tables.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    assert_eq!(tables.len(), 3, "a table a sheet");
    let read =
        |name: &str| vec![(name.to_owned(), std::fs::read(place.path().join(name)).unwrap())];
    for files in [read("ods/review.ods"), read("xlsx/review.xlsx"), tables] {
        let imported = crate::import(&files, &desk.candidates, "operator", crate::testing::now());
        assert_eq!(imported.unread, [], "{}", files[0].0);
        assert_eq!(words(&imported.decisions), words(&desk.decisions), "{}", files[0].0);
    }
}
