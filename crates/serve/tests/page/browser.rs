//! A real browser, driven over the pipe of its own debugging protocol: chromium is started with
//! `--remote-debugging-pipe`, which needs no port and no other program.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The names that chromium has.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A page in a browser of its own, which ends with it.
pub struct Browser {
    child: Child,
    ask: ChildStdin,
    answers: Receiver<Value>,
    last: u64,
    session: String,
    /// What the browser said by itself: requests, errors.
    pub events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser; `None` where there is none, which is said.
    pub fn start() -> Option<Self> {
        let Some(program) = find() else {
            eprintln!("chromium is not installed: what needs a browser was not tested");
            return None;
        };
        let profile = TempDir::new().expect("temporary folders can be made");
        // The browser reads commands from 3 and answers on 4. Only a shell can hand it these.
        let script = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-quic", "--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--hide-scrollbars"])
            .args(["--disable-dev-shm-usage", "--force-color-profile=srgb"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let ask = child.stdin.take().expect("it is piped");
        let mut from = BufReader::new(child.stdout.take().expect("it is piped"));
        let (tell, answers) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while from.read_until(0, &mut bytes).is_ok_and(|n| n > 0) {
                bytes.pop();
                let value = serde_json::from_slice(&bytes).expect("chromium speaks JSON");
                if tell.send(value).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
        let mut browser = Self {
            child,
            ask,
            answers,
            last: 0,
            session: String::new(),
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().expect("a session has a name").to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Calls a method of the protocol and gives its result.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.ask.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let answer = self.answers.recv_timeout(PATIENCE);
            let mut answer =
                answer.unwrap_or_else(|_| panic!("the browser did not answer {method}"));
            if answer["id"] != self.last {
                self.events.push(answer);
                continue;
            }
            assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
            return answer["result"].take();
        }
    }

    /// Opens an address and waits until the page is loaded.
    #[track_caller]
    pub fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({ "url": address }));
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
        });
        let mut result = self.call("Runtime.evaluate", params);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}\n{}",
            result["exceptionDetails"]["exception"]["description"]
        );
        result["result"]["value"].take()
    }

    /// Waits in the page until something holds.
    #[track_caller]
    pub fn wait(&mut self, condition: &str) {
        let limit = PATIENCE.as_millis() / 2;
        let there = self.eval(&format!(
            "new Promise((ok) => {{ const began = Date.now(); const look = () => {{ \
             let is = false; try {{ is = Boolean({condition}); }} catch {{ is = false; }} \
             if (is) ok(true); else if (Date.now() - began > {limit}) ok(false); \
             else setTimeout(look, 20); }}; look(); }})"
        ));
        if there != true {
            let text = self.eval("document.body.innerText.slice(0, 3000)");
            panic!(
                "never came to be: {condition}\nthe page says:\n{}",
                text.as_str().unwrap_or_default()
            );
        }
    }

    /// Presses a key, as a person does.
    #[track_caller]
    pub fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { text };
        let mut down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if !text.is_empty() {
            down["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", down);
        let up = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", up);
    }

    /// Types over what a field holds.
    #[track_caller]
    pub fn fill(&mut self, selector: &str, text: &str) {
        let found = self.eval(&format!(
            "(() => {{ const field = document.querySelector({}); if (!field) return false; \
             field.focus(); field.select(); return true; }})()",
            json!(selector)
        ));
        assert_eq!(found, true, "there is no {selector}");
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Clicks on what a selector names.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let at = self.eval(&format!(
            "(() => {{ const one = document.querySelector({}); if (!one) return null; \
             one.scrollIntoView({{ block: 'center' }}); const box = one.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        ));
        assert!(at.is_array(), "there is no {selector}");
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({
                "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", params);
        }
    }

    /// Makes the window so wide, and the page light or dark.
    pub fn look(&mut self, width: u32, height: u32, is_dark: bool) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = if is_dark { "dark" } else { "light" };
        // Colours that are still on their way from one scheme to the other are nobody's.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Keeps a picture of the page, where `RESTITCH_PICTURES` names a folder for them.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("RESTITCH_PICTURES") else { return };
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let data = STANDARD.decode(shot["data"].as_str().expect("a picture has data"));
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), data.expect("it is base64"))
            .expect("the folder for pictures is there");
    }

    /// Fails where axe-core, whose script `RESTITCH_AXE` names, finds what is serious. Without it
    /// nothing is checked.
    #[track_caller]
    pub fn check_access(&mut self, page: &str) {
        let Some(path) = std::env::var_os("RESTITCH_AXE") else {
            eprintln!("RESTITCH_AXE names no axe-core: {page} was not checked for access");
            return;
        };
        let script = std::fs::read_to_string(path).expect("axe-core can be read");
        self.eval(&format!("{script}\n; true"));
        let found = self.eval(
            "axe.run(document, { resultTypes: ['violations'] }).then((found) => \
             found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))\
             .map((one) => one.id + ': ' + one.nodes.map((node) => node.html.slice(0, 200) + ' ' + \
             node.failureSummary).slice(0, 3).join(' | ')))",
        );
        assert_eq!(found, json!([]), "{page}");
    }

    /// What the page asked for over the network, and the errors that it met.
    pub fn requests_and_errors(&mut self) -> (Vec<String>, Vec<String>) {
        // What was said before is here once this is answered.
        self.eval("1");
        let mut requests = Vec::new();
        let mut errors = Vec::new();
        for event in &self.events {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    requests.extend(params["request"]["url"].as_str().map(str::to_owned));
                }
                "Runtime.exceptionThrown" => errors.push(params["exceptionDetails"].to_string()),
                "Log.entryAdded" if params["entry"]["level"] == "error" => {
                    errors.push(params["entry"]["text"].to_string());
                }
                "Page.javascriptDialogOpening" => errors.push(format!("a dialog: {params}")),
                _ => {}
            }
        }
        (requests, errors)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find() -> Option<PathBuf> {
    let named = std::env::var_os("RESTITCH_CHROMIUM").map(PathBuf::from);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    let installed = NAMES.iter().flat_map(|name| folders.iter().map(move |at| at.join(name)));
    named.into_iter().chain(installed).find(|path| path.is_file())
}
