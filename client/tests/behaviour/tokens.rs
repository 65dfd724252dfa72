//! Tokens in a page: asked of its program, which may fetch them from the page's own backend.

use std::{cell::Cell, future::pending, rc::Rc, time::Duration};

use futures_util::StreamExt;
use gloo_net::http::Request;
use tidewire_client::{Client, ClientOptions, ClientState, CloseCode, TokenError, TokenSource, TransportKind};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{fixture, get, tagged, within};

const KINDS: [TransportKind; 2] = [TransportKind::Stream, TransportKind::Polls];
const EXPIRED: ClientState = ClientState::Unauthorized(TokenError::Expired);

/// A client over transports of one kind, and the tag under which its tokens are known.
pub(crate) struct Asking {
    pub(crate) client: Client,
    tag: String,
    pub(crate) asked: Rc<Cell<usize>>,
}

impl Asking {
    /// Whoever is asked gives tokens with these words, the last one again and again.
    pub(crate) fn new(kind: TransportKind, words: &'static [&'static str]) -> Self {
        let (tag, asked) = (tagged("token"), Rc::<Cell<usize>>::default());
        let source = {
            let (tag, asked) = (tag.clone(), asked.clone());
            TokenSource::ask(move || {
                let word = words[asked.get().min(words.len() - 1)];
                asked.set(asked.get() + 1);
                let token = format!("{word}@{tag}");
                async move {
                    match word {
                        "failure" => Err("not now"),
                        "silence" => pending().await,
                        _ => Ok(token),
                    }
                }
            })
        };
        let client = connect(kind, source);
        Self { client, tag, asked }
    }

    pub(crate) async fn reach(&self, wanted: ClientState) {
        reach(&self.client, wanted).await;
    }

    /// The words of the tokens that the server was shown.
    pub(crate) async fn shown(&self) -> String {
        shown(&self.tag).await
    }
}

fn connect(kind: TransportKind, source: TokenSource) -> Client {
    let mut options = ClientOptions::default();
    options.transports = vec![kind];
    options.token = source;
    options.token_timeout = Duration::from_millis(100);
    options.backoff.base = Duration::from_millis(20);
    Client::connect(&fixture("/fixture/tokens/ws"), options).expect("an address")
}

async fn reach(client: &Client, wanted: ClientState) {
    let mut states = client.states();
    within("state", async {
        while states.next().await.expect("not the end") != wanted {}
    })
    .await;
}

async fn shown(tag: &str) -> String {
    get(&format!("/fixture/tokens/shown/{tag}")).await.1
}

async fn fetch_token(url: String) -> Result<String, gloo_net::Error> {
    let response = Request::post(&url).send().await?;
    if !response.ok() {
        return Err(gloo_net::Error::GlooError(response.status_text()));
    }
    response.text().await
}

#[wasm_bindgen_test]
async fn a_token_is_fetched_from_the_pages_own_backend() {
    let tag = tagged("fetched");
    let url = fixture(&format!("/fixture/tokens/mint/good/{tag}")).replacen("ws", "http", 1);
    let client = connect(
        TransportKind::Stream,
        TokenSource::ask(move || fetch_token(url.clone())),
    );
    reach(&client, ClientState::Open).await;
    assert_eq!(shown(&tag).await, "good");
}

#[wasm_bindgen_test]
async fn one_that_has_expired_is_asked_for_once_and_the_next_is_tried() {
    for kind in KINDS {
        let asking = Asking::new(kind, &["expired", "good"]);
        asking.reach(ClientState::Open).await;
        assert_eq!(asking.asked.get(), 2);
        assert!(asking.shown().await.starts_with("expired good"));
    }
}

#[wasm_bindgen_test]
async fn two_in_a_row_that_have_expired_are_the_end_of_trying_until_one_is_given() {
    for kind in KINDS {
        let asking = Asking::new(kind, &["expired"]);
        asking.reach(EXPIRED).await;
        asking.client.go_offline();
        asking.client.go_online();
        assert_eq!((asking.client.state(), asking.asked.get()), (EXPIRED, 2));
        assert_eq!(asking.shown().await, "expired expired");
        asking.client.set_token(format!("good@{}", asking.tag));
        asking.reach(ClientState::Open).await;
        assert_eq!(asking.asked.get(), 2);
        assert!(asking.shown().await.starts_with("expired expired good"));
    }
}

#[wasm_bindgen_test]
async fn who_fails_or_takes_too_long_is_asked_again_and_that_is_told() {
    for (words, error) in [
        (&["failure", "good"], TokenError::Failed),
        (&["silence", "good"], TokenError::TimedOut),
    ] {
        let asking = Asking::new(TransportKind::Stream, words);
        asking.reach(ClientState::Unauthorized(error)).await;
        asking.reach(ClientState::Open).await;
        assert_eq!((asking.asked.get(), asking.shown().await.as_str()), (2, "good"));
    }
}

#[wasm_bindgen_test]
async fn one_that_is_not_good_ends_the_session_and_that_is_told() {
    for kind in KINDS {
        let asking = Asking::new(kind, &["1000", "forged"]);
        asking.reach(ClientState::Closed(CloseCode::UNAUTHORIZED)).await;
        assert_eq!(asking.asked.get(), 2);
    }
}
