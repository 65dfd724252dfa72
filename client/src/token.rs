//! Where a client's tokens come from: the program, which is asked whenever one is needed.

use core::{fmt, future::Future, pin::Pin};
use std::sync::Arc;

use futures_util::future::{AbortHandle, abortable};
use tidewire_protocol::client::Input;

use crate::{driver::Shared, inbox::Inbox};

/// What shows a server who the program is. A secret, and not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<[u8]>);

/// Where a client has its tokens from. By default it has none.
///
/// A token that does not change, or for as long as the program gives no other with
/// [`Client::set_token`](crate::Client::set_token):
///
/// ```
/// let mut options = tidewire_client::ClientOptions::default();
/// options.token = "eyJhbGciOi…".into();
/// ```
///
/// Or whoever can be asked for one, which is what a token that expires needs: see [`TokenSource::ask`].
///
/// Two sources are equal where they have the same token, or ask the same: one of them is a clone of the other.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TokenSource(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Fixed(Token),
    Ask(Ask),
}

#[cfg(not(target_arch = "wasm32"))]
type Asked = Pin<Box<dyn Future<Output = Option<Token>> + Send>>;
#[cfg(not(target_arch = "wasm32"))]
type Ask = Arc<dyn Fn() -> Asked + Send + Sync>;
#[cfg(target_arch = "wasm32")]
type Asked = Pin<Box<dyn Future<Output = Option<Token>>>>;
#[cfg(target_arch = "wasm32")]
type Ask = Arc<dyn Fn() -> Asked>;

/// One asking that is under way. Dropping it ends that.
pub(crate) struct Asking(AbortHandle);

impl Token {
    pub(crate) fn into_bytes(self) -> Box<[u8]> {
        self.0
    }
}

impl TokenSource {
    /// Asks `ask` for a token: before the first connection, when four fifths of the time of the one in use have passed, and where
    /// it has expired.
    ///
    /// Where it fails, or takes longer than `ClientOptions::token_timeout`, it is asked
    /// again after a wait that grows as between connections; what the error says is not looked at. Where the server says that a
    /// token has expired, it is asked for another once. If that has expired as well nothing more is tried, and the state is
    /// [`Unauthorized`](crate::ClientState::Unauthorized).
    ///
    /// ```
    /// # async fn log_in() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// use tidewire_client::TokenSource;
    ///
    /// let mut options = tidewire_client::ClientOptions::default();
    /// options.token = TokenSource::ask(|| async { log_in().await });
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub fn ask<A, F, T, E>(ask: A) -> Self
    where
        A: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Token>,
        E: Send,
    {
        Self(Kind::Ask(Arc::new(move || {
            let asked = ask();
            Box::pin(async { asked.await.ok().map(Into::into) })
        })))
    }

    /// Asks `ask` for a token: before the first connection, when four fifths of the time of the one in use have passed, and where
    /// it has expired.
    ///
    /// Where it fails, or takes longer than `ClientOptions::token_timeout`, it is asked
    /// again after a wait that grows as between connections; what the error says is not looked at. Where the server says that a
    /// token has expired, it is asked for another once. If that has expired as well nothing more is tried, and the state is
    /// [`Unauthorized`](crate::ClientState::Unauthorized).
    ///
    /// From the page's own backend, which knows who is there by a cookie:
    ///
    /// ```
    /// use gloo_net::http::Request;
    /// use tidewire_client::{ClientOptions, TokenSource};
    ///
    /// async fn fetch_token() -> Result<String, gloo_net::Error> {
    ///     let response = Request::post("/session/token").send().await?;
    ///     if !response.ok() {
    ///         return Err(gloo_net::Error::GlooError(response.status_text()));
    ///     }
    ///     response.text().await
    /// }
    ///
    /// let mut options = ClientOptions::default();
    /// options.token = TokenSource::ask(fetch_token);
    /// ```
    #[cfg(target_arch = "wasm32")]
    pub fn ask<A, F, T, E>(ask: A) -> Self
    where
        A: Fn() -> F + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        T: Into<Token>,
    {
        Self(Kind::Ask(Arc::new(move || {
            let asked = ask();
            Box::pin(async { asked.await.ok().map(Into::into) })
        })))
    }

    pub(crate) const fn can_be_asked(&self) -> bool {
        matches!(self.0, Kind::Ask(_))
    }

    pub(crate) fn fixed(&self) -> Option<Token> {
        match &self.0 {
            Kind::Fixed(token) => Some(token.clone()),
            Kind::None | Kind::Ask(_) => None,
        }
    }
}

impl Shared<Inbox> {
    /// Asks the program for a token, and goes on with what comes of it. Nothing is locked.
    pub(crate) fn ask_for_token(self: &Arc<Self>) {
        let Kind::Ask(ask) = self.lock().sink.token.0.clone() else {
            return;
        };
        let (asked, handle) = abortable(async move { ask().await });
        let previous = self.lock().sink.asking.replace(Asking(handle));
        // What it held is the program's.
        drop(previous);
        let client = Arc::downgrade(self);
        spawn(async move {
            if let Ok(token) = asked.await
                && let Some(client) = client.upgrade()
            {
                client.turn(Input::Token(token.map(Token::into_bytes)));
            }
        });
    }
}

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_futures::spawn_local as spawn;

/// Without a runtime nothing comes of it in time, and it is asked again where there is one.
#[cfg(not(target_arch = "wasm32"))]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(task);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: Into<Token>> From<T> for TokenSource {
    fn from(token: T) -> Self {
        Self(Kind::Fixed(token.into()))
    }
}

impl From<&str> for Token {
    fn from(token: &str) -> Self {
        Self(token.as_bytes().into())
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(token.into_bytes().into())
    }
}

impl From<Vec<u8>> for Token {
    fn from(token: Vec<u8>) -> Self {
        Self(token.into())
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Fixed(one), Self::Fixed(other)) => one == other,
            (Self::Ask(one), Self::Ask(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Kind {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::None => "TokenSource(none)",
            Kind::Fixed(_) => "TokenSource(…)",
            Kind::Ask(_) => "TokenSource(asked)",
        })
    }
}
