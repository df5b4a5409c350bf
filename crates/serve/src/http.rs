//! The server: what of HTTP there is.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::oneshot;

use crate::board::{Board, Question, Refusal};
use crate::error::ServeError;
use crate::guard::{Guard, Turned};
use crate::office::Office;

const SHELL: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page may run this server's script, take its style, and ask it. Nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The longest body of a question, in bytes.
const LONGEST: usize = 256 * 1024;

/// A server that listens on loopback, and answers once it is run.
pub struct Server {
    listener: TcpListener,
    guard: Guard,
    port: u16,
}

type Reply = Result<serde_json::Value, Refusal>;

/// What requests share: who may ask, and the way to the board.
struct Desk {
    guard: Mutex<Guard>,
    board: Mutex<Sender<(Question, oneshot::Sender<Reply>)>>,
}

impl Server {
    /// Listens on a port of 127.0.0.1; 0 for any that is free.
    pub fn bind(port: u16) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        Ok(Self { listener, guard: Guard::new(port)?, port })
    }

    /// The address for the operator's browser. It works once.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.guard.token())
    }

    /// Answers until the process ends. The board is asked one question at a time, on the thread
    /// that calls this.
    pub fn run<O: Office>(self, board: &mut Board<O>) -> Result<(), ServeError> {
        let (ask, asked) = channel();
        let desk = Desk { guard: Mutex::new(self.guard), board: Mutex::new(ask) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = self.listener;
        let server = thread::spawn(move || {
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router(Arc::new(desk))).await
            })
        });
        for (question, reply) in asked {
            // Who asked may have gone away since.
            let _ = reply.send(board.answer(question));
        }
        match server.join() {
            Ok(ended) => Ok(ended?),
            Err(_) => Err(std::io::Error::other("the server stopped").into()),
        }
    }
}

fn router(desk: Arc<Desk>) -> Router {
    let asset = |kind, text| get(move || async move { content(kind, text) });
    Router::new()
        .route("/", asset("text/html; charset=utf-8", SHELL))
        .route("/page.css", asset("text/css; charset=utf-8", STYLE))
        .route("/page.js", asset("text/javascript; charset=utf-8", SCRIPT))
        .route("/api/queue", get(queue))
        .route("/api/record/{id}", get(record))
        .route("/api/search", get(search))
        .route("/api/evidence/{id}", get(evidence))
        .route("/api/overview", get(overview))
        .route("/api/decide", post(decide))
        .route("/api/undo", post(undo))
        .route("/api/plan", post(plan))
        .route("/api/rebuild", post(rebuild))
        .layer(DefaultBodyLimit::max(LONGEST))
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), watch))
        .with_state(desk)
}

type Asked = State<Arc<Desk>>;
type Words = Query<BTreeMap<String, String>>;

async fn queue(State(desk): Asked, Query(words): Words) -> Response {
    desk.ask(Question::Queue(words)).await
}

async fn record(State(desk): Asked, Path(id): Path<String>) -> Response {
    desk.ask(Question::Record(id)).await
}

async fn search(State(desk): Asked, Query(words): Words) -> Response {
    desk.ask(Question::Search(words.get("q").cloned().unwrap_or_default())).await
}

async fn evidence(State(desk): Asked, Path(id): Path<String>) -> Response {
    desk.ask(Question::Evidence(id)).await
}

async fn overview(State(desk): Asked) -> Response {
    desk.ask(Question::Overview).await
}

async fn decide(State(desk): Asked, body: Bytes) -> Response {
    desk.ask(Question::Decide(body.to_vec())).await
}

async fn undo(State(desk): Asked, body: Bytes) -> Response {
    desk.ask(Question::Undo(body.to_vec())).await
}

async fn plan(State(desk): Asked) -> Response {
    desk.ask(Question::Plan).await
}

async fn rebuild(State(desk): Asked) -> Response {
    desk.ask(Question::Rebuild).await
}

impl Desk {
    async fn ask(&self, question: Question) -> Response {
        let (reply, answer) = oneshot::channel();
        let is_sent = held(&self.board).send((question, reply)).is_ok();
        let gone = || Refusal::Failed("The review has ended.".to_owned());
        let answer = match is_sent {
            true => answer.await.unwrap_or_else(|_| Err(gone())),
            false => Err(gone()),
        };
        let (status, value) = match answer {
            Ok(value) => (StatusCode::OK, value),
            Err(refusal) => {
                let (status, words) = match refusal {
                    Refusal::Unclear(words) => (StatusCode::UNPROCESSABLE_ENTITY, words),
                    Refusal::Absent(words) => (StatusCode::NOT_FOUND, words),
                    Refusal::Failed(words) => (StatusCode::INTERNAL_SERVER_ERROR, words),
                };
                (status, serde_json::json!({ "error": words }))
            }
        };
        let mut response = content("application/json", value.to_string());
        *response.status_mut() = status;
        response
    }
}

/// Turns away who may not ask, and tells the browser what the page may do.
async fn watch(State(desk): Asked, request: Request, next: Next) -> Response {
    let mut response = match admit(&desk, &request) {
        Ok(None) => next.run(request).await,
        Ok(Some(cookie)) => {
            let mut response = content("text/plain; charset=utf-8", "");
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(SET_COOKIE, cookie);
            }
            response
        }
        Err(turned) => {
            let mut response = content("text/plain; charset=utf-8", turned.words());
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        }
    };
    let headers = response.headers_mut();
    let mut say = |name: HeaderName, words| headers.insert(name, HeaderValue::from_static(words));
    say(CONTENT_SECURITY_POLICY, POLICY);
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(X_FRAME_OPTIONS, "DENY");
    say(REFERRER_POLICY, "no-referrer");
    // It is all personal data: no cache keeps it.
    say(CACHE_CONTROL, "no-store");
    say(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    say(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}

/// Whether the request is let through; with the cookie to set, where it brings the token.
fn admit(desk: &Desk, request: &Request) -> Result<Option<String>, Turned> {
    let headers: &HeaderMap = request.headers();
    let mut guard = held(&desk.guard);
    guard.check_origin(request.method(), headers)?;
    if guard.check_session(headers).is_ok() {
        return Ok(None);
    }
    let query = request.uri().query().unwrap_or_default();
    match (request.uri().path(), query.strip_prefix("token=")) {
        ("/", Some(token)) => guard.exchange(token).map(Some),
        _ => Err(Turned::Session),
    }
}

fn content(kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// What a lock holds, also where a request failed while it held it.
fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
