//! The operator's page, as a person goes through it: in a real browser, on a real case.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::case::{Case, repository, shared};

/// `review serve` on a case, until it is dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn of(case: &Case) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_restitch"))
            .args(["review", "serve", "--json", "--quiet", "--case"])
            .arg(case.dir())
            .current_dir(repository(""))
            .env("USER", "Pat Operator")
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let from = child.stdout.take().expect("it is piped");
        BufReader::new(from).read_line(&mut line).expect("it says where it is");
        let said: Value = serde_json::from_str(&line).expect("it speaks JSON");
        Self { child, address: said["address"].as_str().expect("an address").to_owned() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The decisions of a case, in their order.
fn decisions(case: &Case) -> Vec<Value> {
    let text = fs::read_to_string(case.path("review/decisions.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Asks the server from within the page.
fn api(browser: &mut Browser, path: &str) -> Value {
    browser.eval(&format!("fetch('/api/' + {}).then((answer) => answer.json())", json!(path)))
}

/// Opens a record and waits until it is there.
fn open(browser: &mut Browser, id: &str) {
    browser.eval(&format!("location.hash = '#/record/' + {}", json!(id)));
    browser.wait(&format!("document.body.dataset.ready === '#/record/' + {} && document.querySelector('.record code').textContent === {0}", json!(id)));
}

/// Splits the first record of a type that can be: its last items are of another. Gives its name,
/// and how many items it had.
fn take_apart(browser: &mut Browser, of: &str) -> (String, usize) {
    let queue = api(browser, &format!("queue?state=all&type={of}"));
    let ids = queue["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap());
    for id in ids {
        let record = api(browser, &format!("record/{id}"));
        let items: Vec<&str> =
            record["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap()).collect();
        // Where the last item is not the most of a reservation, the page says so and takes nothing.
        for n in (1..items.len()).filter(|_| record["can_split"] == true) {
            let said = json!({ "candidate": id, "answer": "split", "items": items[n..] });
            let asked = format!(
                "fetch('/api/decide', {{ method: 'POST', body: {} }}).then((answer) => answer.ok)",
                json!(said.to_string())
            );
            if browser.eval(&asked) == true {
                return (id.to_owned(), items.len());
            }
        }
    }
    panic!("no {of} can be taken apart");
}

/// Waits until so many decisions were taken.
fn said(browser: &mut Browser, words: &str) {
    browser
        .wait(&format!("document.getElementById('said').textContent.startsWith({})", json!(words)));
    browser.eval("document.getElementById('said').textContent = ''");
}

fn candidates(plan: &Value, part: &str) -> BTreeSet<String> {
    let list = plan[part].as_array().unwrap();
    list.iter().filter_map(|one| one["candidate"].as_str()).map(str::to_owned).collect()
}

#[test]
fn an_operator_answers_splits_merges_and_sees_the_plan_change() {
    let Some(mut browser) = Browser::start() else { return };
    let case = Case::copied();
    let serving = Serving::of(&case);
    browser.look(1280, 900, false);
    browser.open(&serving.address);
    browser.wait("document.querySelectorAll('.rows a').length > 5");
    assert_eq!(browser.eval("location.search"), "", "the token stays in no address");

    // By keys alone: the first record, and yes.
    browser.press("j");
    browser.wait("document.querySelector('.item pre')");
    let first = browser.eval("document.querySelector('.record code').textContent");
    let first = first.as_str().unwrap().to_owned();
    browser.press("y");
    said(&mut browser, "yes: ");
    assert_eq!(decisions(&case)[0]["candidate"], json!(first));
    assert_eq!(decisions(&case)[0]["answer"], "yes");
    assert_eq!(decisions(&case)[0]["reviewer"], "Pat Operator");
    assert!(!decisions(&case)[0]["seen"]["items"].as_array().unwrap().is_empty());

    // The next is there by itself: no, and taken back.
    browser
        .wait(&format!("document.querySelector('.record code').textContent !== {}", json!(first)));
    browser.press("n");
    said(&mut browser, "no: ");
    browser.press("z");
    said(&mut browser, "Taken back");
    let answers: Vec<Value> = decisions(&case).iter().map(|d| d["answer"].clone()).collect();
    assert_eq!(answers, ["yes", "no", "open"]);

    // A reservation that is planned is taken apart.
    let planned = candidates(&shared().plan(), "changes");
    let queue = api(&mut browser, "queue?state=restored&type=reservation");
    let ids: Vec<String> = queue["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    let whole = ids.iter().find(|id| {
        let record = api(&mut browser, &format!("record/{id}"));
        record["can_split"] == true && planned.contains(*id)
    });
    let whole = whole.expect("a planned reservation has several items").clone();
    let before = api(&mut browser, &format!("record/{whole}"));
    open(&mut browser, &whole);
    browser.wait("document.querySelector('.item mark')");
    browser.press("s");
    browser.wait("document.querySelectorAll('.form input[type=checkbox]').length > 1");
    let last = before["items"].as_array().unwrap().len();
    browser.eval(&format!(
        "document.querySelectorAll('.form input[type=checkbox]')[{}].click()",
        last - 1
    ));
    browser.click(".form button.main");
    said(&mut browser, "split: ");

    // Two others are said to be one, and one is put right.
    let mut others = ids.iter().filter(|id| **id != whole && planned.contains(*id));
    let (one, same, fixed) =
        (others.next().unwrap(), others.next().unwrap(), others.next().unwrap());
    open(&mut browser, one);
    browser.press("m");
    browser.wait("document.querySelector('.form input[name=other]')");
    browser.fill(".form input[name=other]", same);
    browser.press("Enter");
    said(&mut browser, "same as another: ");
    open(&mut browser, fixed);
    browser.press("e");
    browser.wait("document.querySelector('.form [data-column]')");
    browser.fill(".form [data-column=channel]", "Corrected by hand");
    browser.press("Enter");
    browser.wait("document.getElementById('said').textContent !== ''");
    let words = browser.eval("document.getElementById('said').textContent");
    assert!(words.as_str().unwrap().starts_with("corrected: "), "{words}");

    // A customer and a payment are taken apart as well: the customer by its last reservation.
    let parted = ["customer", "payment"].map(|of| take_apart(&mut browser, of));

    // The records are put together anew, and the plan with them.
    browser.eval("location.hash = '#/overview'");
    browser.wait("document.querySelector('[data-do=rebuild]')");
    let digest = browser.eval("document.getElementById('digest').textContent");
    browser.click("[data-do=rebuild]");
    browser.wait(&format!("document.getElementById('digest').textContent !== {digest}"));
    let plan = case.plan();
    assert_eq!(browser.eval("document.getElementById('digest').textContent"), plan["digest"]);
    let now = candidates(&plan, "changes");
    let after = api(&mut browser, &format!("record/{whole}"));
    let items = |record: &Value| record["items"].as_array().map_or(0, Vec::len);
    assert!(after["id"].is_null() || items(&after) < items(&before), "it was not taken apart");
    for (id, count) in parted {
        let after = api(&mut browser, &format!("record/{id}"));
        assert!(after["id"].is_null() || items(&after) < count, "{id} was not taken apart");
    }
    assert!(!(now.contains(one) && now.contains(same)), "both are planned, and they are one");
    assert!(now.contains(one) || now.contains(same), "neither is planned");
    let texts = plan["changes"].to_string();
    assert!(texts.contains("Corrected by hand"), "the correction is not in the plan");
    assert!(texts.contains("Pat Operator"), "the plan does not say who");

    let (requests, mut errors) = browser.requests_and_errors();
    // A part of a customer's reservation that was to go alone was refused, as it should be.
    errors.retain(|error| !error.contains("422"));
    let own = serving.address.split("/?").next().unwrap();
    let strange: Vec<&String> = requests.iter().filter(|url| !url.starts_with(own)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn every_page_can_be_used_by_everybody_at_every_width() {
    let Some(mut browser) = Browser::start() else { return };
    let case = Case::copied();
    let serving = Serving::of(&case);
    browser.open(&serving.address);
    browser.wait("document.querySelector('.rows a')");
    let id = browser.eval("document.querySelector('.rows a').dataset.id");
    let id = id.as_str().unwrap().to_owned();
    let linked = api(&mut browser, "queue?state=all&type=reservation&order=sure");
    let linked = linked["rows"][0]["id"].as_str().unwrap().to_owned();
    let pages = [
        ("queue", "#/queue".to_owned()),
        ("record", format!("#/record/{id}")),
        ("linked", format!("#/record/{linked}")),
        ("overview", "#/overview".to_owned()),
        ("search", "#/search/booking".to_owned()),
    ];
    for (width, height) in [(390, 844), (820, 1100), (1440, 900)] {
        for is_dark in [false, true] {
            browser.look(width, height, is_dark);
            for (name, hash) in &pages {
                browser.eval(&format!("location.hash = {}", json!(hash)));
                browser.wait(&format!("document.body.dataset.ready === {}", json!(hash)));
                let wide = browser.eval("document.documentElement.scrollWidth <= innerWidth");
                assert_eq!(wide, true, "{name} is wider than a window of {width}");
                let look = format!("{name}-{width}-{}", if is_dark { "dark" } else { "light" });
                browser.picture(&look);
                browser.check_access(&look);
            }
        }
    }
    // The keyboard reaches all that can be clicked, and shows where it is.
    browser.eval(&format!("location.hash = {}", json!(format!("#/record/{id}"))));
    browser.wait("document.querySelector('[data-do=y]')");
    browser.eval("document.querySelector('[data-do=y]').focus()");
    browser.press("Tab");
    assert_eq!(browser.eval("document.activeElement.dataset.do"), "n");
}

#[test]
fn the_report_is_two_pages_with_the_figures_of_the_case() {
    let case = Case::copied();
    let written = case.json("report");
    let page = fs::read_to_string(written["file"].as_str().unwrap()).unwrap();
    let plan = case.plan();
    let rows = plan["changes"].as_array().unwrap();
    let inserts = rows.iter().filter(|change| change["kind"] == "insert").count();
    assert_eq!(written["inserts"], inserts);
    assert!(page.contains(&format!("<strong>{inserts}</strong> rows are inserted")));
    assert!(!written["applied"].is_null(), "the sample is applied by its recovery");
    let body = page.split("</style>").nth(1).unwrap();
    assert!(!body.contains('@'), "it names somebody's address");
    let Some(mut browser) = Browser::start() else { return };
    let path = written["file"].as_str().unwrap();
    for (width, height) in [(390, 844), (820, 1100), (1440, 900)] {
        browser.look(width, height, false);
        browser.open(&format!("file://{path}"));
        assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth"), true);
        browser.picture(&format!("report-{width}"));
    }
    browser.check_access("report");
    let printed = browser
        .call("Page.printToPDF", json!({ "preferCSSPageSize": true, "printBackground": true }));
    let pdf = base64_decoded(printed["data"].as_str().unwrap());
    let pages = pdf
        .windows(11)
        .filter(|bytes| bytes.starts_with(b"/Type /Page") && bytes.get(11) != Some(&b's'))
        .count();
    let sheets = pdf.windows(12).filter(|bytes| bytes.starts_with(b"/Type /Pages")).count();
    assert_eq!(pages - sheets, 2, "the report is not two pages on paper");
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).expect("it is base64")
}

#[test]
fn a_person_gets_a_page_of_what_is_known_and_nothing_of_others() {
    let case = Case::copied();
    let all = case.json("review export --by customer");
    let pages = all["pages"].as_array().unwrap();
    assert!(pages.len() > 50, "{}", pages.len());
    let page = |name: &Value| fs::read_to_string(case.path(name.as_str().unwrap())).unwrap();
    let text = page(&pages[0]);
    assert!(!text.contains("<script") && !text.contains("<input"));
    let plan = case.plan();
    let rows = plan["changes"].as_array().unwrap();
    let address = rows
        .iter()
        .filter(|change| change["record_type"] == "customer")
        .flat_map(|change| change["cells"].as_array().unwrap())
        .filter_map(|cell| cell["new"].as_str().or(cell["new"]["text"].as_str()))
        .find(|value| value.contains('@'))
        .expect("a customer has an address")
        .to_owned();
    let one = case.json(&format!("review export --by customer --only {address}"));
    assert_eq!(one["pages"].as_array().unwrap().len(), 1, "{one}");
    assert!(page(&one["pages"][0]).contains(&address));
    assert_eq!(case.run("review export --by customer --only nobody@nowhere").code, 2);
}
