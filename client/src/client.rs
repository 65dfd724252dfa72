//! What a program holds of a session: connect, rooms, state, close.

use core::time::Duration;
use std::sync::Arc;

use tidewire_protocol::{
    MemberId, NameError, RoomName,
    client::{ClientState, Input, TransportKind},
};

use crate::{
    driver::Shared,
    error::ConnectError,
    inbox::Inbox,
    options::ClientOptions,
    room::Room,
    session::Session,
    token::Token,
    transport::Endpoint,
    watch::{RoundTrip, States},
};
#[cfg(target_arch = "wasm32")]
use crate::{life::Life, remembered};
#[cfg(target_arch = "wasm32")]
use crate::{
    room::{Publishing, Restored},
    store::Unsaved,
};

/// A session with a Tidewire server, which outlives its connections.
///
/// It connects in the background, and again whenever a connection ends; subscriptions go on where they were, and what was
/// published is sent until it is answered. Cloning gives another handle on the same session. Rooms are handles too; when
/// the last is dropped, the session is closed.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Arc<Handle>,
}

/// What all handles share. Its drop is the drop of the last.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared<Inbox>>,
    #[cfg(target_arch = "wasm32")]
    _life: Life,
}

impl Client {
    /// Begins to connect to the `/ws` of a server, such as `ws://127.0.0.1:8080/ws`, and returns at once.
    ///
    /// Outside a browser this needs a tokio runtime, in which the client's tasks then run.
    ///
    /// # Errors
    ///
    /// Where no connection can be tried; see [`ConnectError`]. A server that cannot be reached is no error here, but a
    /// reason to try again.
    pub fn connect(url: &str, options: ClientOptions) -> Result<Self, ConnectError> {
        #[cfg(target_arch = "wasm32")]
        let options = ClientOptions {
            begin_with: options.begin_with.or_else(|| remembered::recall(url)),
            ..options
        };
        let shared = Shared::new(Endpoint::new(url, &options)?, &options, Inbox::new(&options));
        if let Some(token) = options.token.fixed() {
            shared.turn(Input::Token(Some(token.into_bytes())));
        }
        #[cfg(target_arch = "wasm32")]
        let life = Life::begin(&shared, url, options.persist);
        shared.connect()?;
        #[cfg(target_arch = "wasm32")]
        remembered::follow(url, &shared);
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                #[cfg(target_arch = "wasm32")]
                _life: life,
            }),
        })
    }

    /// A room. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Where the name breaks the rules of [`RoomName`].
    pub fn room(&self, name: &str) -> Result<Room, NameError> {
        RoomName::new(name).map(|name| Room::new(self.clone(), name))
    }

    /// What the session is doing.
    #[must_use]
    pub fn state(&self) -> ClientState {
        self.shared().lock().machine.state()
    }

    /// What it talks over, while it can talk.
    #[must_use]
    pub fn transport(&self) -> Option<TransportKind> {
        self.shared().lock().machine.transport()
    }

    /// The present state, and each that follows. That it can talk is told again when it does so over another kind of
    /// [`transport`](Self::transport).
    pub fn states(&self) -> States {
        States::new(self.shared().clone())
    }

    /// Who this session is to others in a room; nobody before it was first welcomed.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        self.shared().lock().machine.member().cloned()
    }

    /// How long it takes to the server and back; nothing where there is no connection, or it ends before the answer.
    pub async fn round_trip(&self) -> Option<Duration> {
        let shared = self.shared();
        let asked = shared.with(Session::ask_round_trip);
        RoundTrip::new(shared.clone(), asked).await
    }

    /// What the page before this one had published and not heard of, once, for a client with
    /// [`ClientOptions::persist`](crate::ClientOptions::persist).
    ///
    /// It is sent again where that is needed, in order and before what is published now, whether or not anybody asks.
    #[cfg(target_arch = "wasm32")]
    pub fn restored(&self) -> Vec<Restored> {
        let restored = core::mem::take(&mut self.shared().lock().sink.restored);
        let restored = restored.into_iter().map(|(id, room, payload)| Restored {
            room,
            payload,
            publishing: Publishing::expected(self.shared().clone(), id),
        });
        restored.collect()
    }

    /// Why the session is not kept for the page that follows, where
    /// [`ClientOptions::persist`](crate::ClientOptions::persist) asks for that: known when there is no storage, and
    /// otherwise when the page goes.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn unsaved(&self) -> Option<Unsaved> {
        self.shared().lock().sink.unsaved
    }

    /// Shows the server this token from now on. An open connection goes on with it; one that waits for a token, since the last
    /// has expired and no other can be had, is tried at once.
    ///
    /// The token is to be of the same subject: for another one a server ends the session.
    pub fn set_token(&self, token: impl Into<Token>) {
        self.shared().turn(Input::Token(Some(token.into().into_bytes())));
    }

    /// Drops the connection, and makes no other until [`go_online`](Self::go_online).
    ///
    /// The session goes on: what is published waits for its time, and subscriptions for theirs; what others publish waits
    /// in the rooms' logs. For programs that know better than the system whether there is a network, and to try what a
    /// program does without one.
    pub fn go_offline(&self) {
        let shared = self.shared();
        shared.lock().sink.is_cut = true;
        shared.turn(Input::Offline);
        loop {
            let dropped = shared.lock().transports.iter_mut().find_map(Option::take);
            let Some((attempt, _)) = dropped else { return };
            shared.turn(Input::Lost(attempt, None));
        }
    }

    /// Connects at once, after [`go_offline`](Self::go_offline); where there is a connection, looks whether it still works.
    pub fn go_online(&self) {
        self.shared().lock().sink.is_cut = false;
        self.shared().turn(Input::Online);
    }

    /// Blocks a kind of transport, or no longer: what is open of it is dropped, and none can be opened, as on a network that does
    /// not let it through. To try what becomes of a session there.
    ///
    /// The client finds that out as it would on such a network, and goes over to another kind within seconds. Where all are
    /// blocked it waits, and tries again. What is no longer blocked is tried at once.
    pub fn block(&self, kind: TransportKind, is_blocked: bool) {
        self.shared().block(kind, is_blocked);
    }

    /// Takes the place of [`ClientOptions::transports`] from now on: these kinds, to be tried in their order. An empty list changes
    /// nothing.
    ///
    /// A session that talks over another kind goes over to the first of them at once; one that polls and would now rather have a
    /// WebSocket tries one at once, beside the polls.
    pub fn set_transports(&self, kinds: &[TransportKind]) {
        self.shared().set_transports(kinds);
    }

    /// Ends the session: says farewell, and waits until that was sent or could not be.
    ///
    /// Subscriptions end, and what is published fails, for all handles.
    pub async fn close(&self) {
        self.shared().turn(Input::Close);
        let farewell = self.shared().lock().farewell.take();
        if let Some(farewell) = farewell {
            farewell.await;
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<Inbox>> {
        &self.handle.shared
    }
}

/// Whether both are handles on the same session.
impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle, &other.handle)
    }
}

impl Eq for Client {}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.turn(Input::Close);
    }
}
