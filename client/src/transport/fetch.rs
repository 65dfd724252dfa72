//! One poll in a page or a worker: a request, and its answer.

use core::{
    cell::{Cell, OnceCell},
    fmt,
};
use std::{rc::Rc, sync::Weak};

use gloo_net::http::{Request, Response};
use js_sys::{Reflect, Uint8Array};
use tidewire_protocol::{
    CloseCode,
    client::{Attempt, Input},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, ReadableStreamDefaultReader, RequestCache, RequestInit, RequestRedirect, Url};

use super::MAX_BATCH_BYTES;
use crate::{driver::Shared, error::ConnectError, sink::Sink};

/// A request for a batch, once there is one to send. Dropping it aborts it, unless it says farewell.
pub(crate) struct Poll {
    url: String,
    tell: Rc<dyn Fn(Answer)>,
    request: OnceCell<Abort>,
    unsent_bytes: Cell<usize>,
}

/// The batch that was answered, or with which code it failed, where there is one.
type Answer = Result<Vec<u8>, Option<CloseCode>>;

/// Aborts a request when it is dropped.
struct Abort(AbortController);

impl Poll {
    /// For the server whose WebSockets are at this address.
    pub(super) fn open(url: &str, attempt: Attempt, shared: Weak<Shared<impl Sink>>) -> Result<Self, ConnectError> {
        let tell = move |answer: Answer| {
            if let Some(shared) = shared.upgrade() {
                shared.turn(match &answer {
                    Ok(batch) => Input::Received(attempt, batch),
                    Err(code) => Input::Lost(attempt, *code),
                });
            }
        };
        Ok(Self {
            url: beside(url).ok_or(ConnectError::InvalidUrl)?,
            tell: Rc::new(tell),
            request: OnceCell::new(),
            unsent_bytes: Cell::default(),
        })
    }

    pub(super) fn send(&self, batch: &[u8]) {
        self.unsent_bytes.set(batch.len());
        let Ok(abort) = AbortController::new() else { return };
        let signal = abort.signal();
        let init = post(batch);
        init.set_signal(Some(&signal));
        // The first batch is the only one.
        let _ = self.request.set(Abort(abort));
        let (request, tell) = (ask(&self.url, &init), Rc::clone(&self.tell));
        spawn_local(async move {
            let answer = request.await;
            if !signal.aborted() {
                tell(answer);
            }
        });
    }

    /// What is answered is of no interest, and it goes on when the page does not.
    pub(super) fn send_farewell(&self, batch: &[u8]) {
        let init = post(batch);
        let _ = Reflect::set(&init, &"keepalive".into(), &true.into());
        let request = ask(&self.url, &init);
        spawn_local(async move { drop(request.await) });
    }

    pub(super) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes.get()
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").finish_non_exhaustive()
    }
}

fn post(batch: &[u8]) -> RequestInit {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_cache(RequestCache::NoStore);
    // Who is sent elsewhere is not answered by a server of ours.
    init.set_redirect(RequestRedirect::Error);
    init.set_body(&Uint8Array::from(batch));
    init
}

/// Sends a request and reads its answer. It has begun when this returns.
fn ask(url: &str, init: &RequestInit) -> impl Future<Output = Answer> + use<> {
    let request = web_sys::Request::new_with_str_and_init(url, init);
    async move {
        let response = Request::from(request.map_err(|_| None)?).send().await;
        let response = response.map_err(|_| None)?;
        match response.status() {
            200 => read(&response).await.ok_or(None),
            413 => Err(Some(CloseCode::MESSAGE_TOO_BIG)),
            _ => Err(None),
        }
    }
}

/// The whole body, unless it is too large or breaks off.
async fn read(response: &Response) -> Option<Vec<u8>> {
    let reader: ReadableStreamDefaultReader = response.body()?.get_reader().unchecked_into();
    let mut batch = Vec::new();
    loop {
        let read = JsFuture::from(reader.read()).await.ok()?;
        let Some(piece) = Reflect::get(&read, &"value".into()).ok()?.dyn_into::<Uint8Array>().ok() else {
            return Some(batch);
        };
        let length = batch.len() + piece.length() as usize;
        if length > MAX_BATCH_BYTES {
            drop(reader.cancel());
            return None;
        }
        batch.extend(piece.to_vec());
    }
}

/// The address of polls: beside that of WebSockets.
fn beside(websocket: &str) -> Option<String> {
    let websocket = Url::new(websocket).ok()?;
    let scheme = match websocket.protocol().as_str() {
        "ws:" => "http:",
        "wss:" => "https:",
        _ => return None,
    };
    let url = Url::new_with_base("poll", &websocket.href()).ok()?;
    url.set_search(&websocket.search());
    let href = url.href();
    let (_, rest) = href.split_once(':')?;
    Some([scheme, rest].concat())
}
