//! Who may do what: the one trait that decides it, and what it is asked.
//!
//! A server asks its [`Access`] at each hello, at each renewed token and before each WebSocket of `/echo` and `/chat`
//! ([`connect`](Access::connect)), and then what each [`Pass`] may do. What the program itself publishes is not asked about.

mod begun;
mod decider;
mod grants;
mod guests;
mod jwt;
mod open;
mod pattern;
mod revoked;
mod revoking;

use std::{
    any::Any,
    fmt,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use tidewire_protocol::{
    CloseCode, MemberId, OwnedPayload, RoomName,
    frame::{Payload, PresenceWanted, RefusalCode, Start},
};

pub(crate) use self::{
    begun::Begun,
    decider::{Decider, Passed},
    guests::{Guest, Guests},
};
pub use self::{
    grants::{Grants, Right},
    jwt::{InvalidKey, Jwt, JwtKeys},
    open::Open,
    pattern::{InvalidPattern, Pattern},
    revoked::TooManyRevoked,
};

/// Decides who may connect, subscribe, publish and signal.
///
/// It is called on the task of a connection, so it must not block: what takes time goes into a [`Decision::Later`], for which
/// the server waits up to [`Settings::access_timeout`](crate::Settings::access_timeout).
///
/// ```
/// use tidewire_server::{Access, Connecting, Decision, Denied, Grants, MemberId, Pass, Pattern, Right, Tidewire};
///
/// /// Everybody who knows the word may read; nobody may write.
/// #[derive(Debug)]
/// struct Readers;
///
/// impl Access for Readers {
///     fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
///         let read = "news/**".parse::<Pattern>().map(|rooms| Grants::none().and(rooms, [Right::Subscribe, Right::History]));
///         Decision::Now(match (connecting.token, read) {
///             (b"swordfish", Ok(grants)) => Ok(Pass::anonymous().granting(grants)),
///             _ => Err(Denied::Unauthorized),
///         })
///     }
/// }
///
/// let tidewire = Tidewire::builder().access(Readers).build();
/// ```
pub trait Access: fmt::Debug + Send + Sync + 'static {
    /// Somebody connects, or renews its token: whom the server is to take it for.
    fn connect(&self, connecting: &Connecting<'_>) -> Decision<Result<Pass, Denied>>;

    /// A session asks for a room's messages. Default: the grants of its pass decide, see [`Subscribing::is_granted`].
    ///
    /// It is asked again about each subscription there is when the session gets another pass, as by a renewed token; then `start`
    /// is [`Start::Now`]. An error ends the subscription, and until it is known it goes on.
    ///
    /// Where the pass does not grant [`Right::History`], a subscription that is to begin after a position goes on only where the
    /// same session was subscribed before; otherwise it is told a gap, whatever is decided here.
    fn subscribe(&self, subscribing: &Subscribing<'_>) -> Decision<Result<(), RefusalCode>> {
        Decision::Now(granted(subscribing.is_granted()))
    }

    /// Somebody publishes: a session, or another program over HTTP. An error refuses it, and is told to who published. Default:
    /// the grants of the pass decide, and other programs may.
    ///
    /// A publish that is sent again may be asked about again.
    fn publish(&self, publishing: &Publishing<'_>) -> Decision<Result<Allowed, RefusalCode>> {
        Decision::Now(granted(publishing.is_granted()).map(|()| Allowed::AsItIs))
    }

    /// A session signals: whether it may. What it may not is dropped. Default: the grants of its pass decide.
    fn signal(&self, signalling: &Signalling<'_>) -> bool {
        signalling.is_granted()
    }
}

/// What is known at once costs nothing; the rest may take its time.
pub enum Decision<T> {
    /// Known at once.
    Now(T),
    /// Known once this resolves.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

/// Somebody connects, or renews its token.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Connecting<'a> {
    /// What it shows: empty where it has nothing to show, as on `/echo` and `/chat`. A secret.
    pub token: &'a [u8],
    /// What it says with the request, such as cookies; empty where a token is renewed.
    pub headers: &'a HeaderMap,
    /// Where it is, where that is known.
    pub address: Option<IpAddr>,
    /// What it was given before, where it renews its token. The new pass must have the same subject.
    pub renews: Option<&'a Pass>,
}

/// For whom the server takes a session, and what it may do.
#[derive(Clone)]
pub struct Pass {
    subject: Option<MemberId>,
    expires_in: Option<Duration>,
    issued: Option<SystemTime>,
    grants: Grants,
    data: Option<Arc<dyn Any + Send + Sync>>,
}

/// Why somebody may not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// What it shows is not good, and would not be another time: closed with 4202, or answered with 401.
    Unauthorized,
    /// What it shows was good and is so no longer: closed with 4001, upon which a client asks for another token and comes back.
    /// Answered with 401 on `/echo` and `/chat`.
    Expired,
    /// Nobody can say now: closed with 1013, or answered with 503.
    Unavailable,
}

/// A session asks for a room's messages.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Subscribing<'a> {
    /// Who asks.
    pub pass: &'a Pass,
    /// Who it is to others.
    pub member: &'a MemberId,
    /// The room.
    pub room: &'a RoomName,
    /// Where it is to begin.
    pub start: Start,
    /// What it wants to be told of who is there.
    pub presence: PresenceWanted,
}

/// A session, or another program over HTTP, publishes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Publishing<'a> {
    /// Who publishes; nobody for a request over HTTP.
    pub pass: Option<&'a Pass>,
    /// Who it is to others; nobody for a request over HTTP.
    pub member: Option<&'a MemberId>,
    /// The room.
    pub room: &'a RoomName,
    /// What is said.
    pub payload: Payload<'a>,
}

/// A publish that is allowed.
#[derive(Clone, Debug, PartialEq)]
pub enum Allowed {
    /// As it is.
    AsItIs,
    /// With this payload in its place.
    Instead(OwnedPayload),
}

/// A session signals.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Signalling<'a> {
    /// Who signals.
    pub pass: &'a Pass,
    /// Who it is to others.
    pub member: &'a MemberId,
    /// The room.
    pub room: &'a RoomName,
    /// What is said.
    pub payload: Payload<'a>,
}

impl<T> Decision<T> {
    /// To be known once `decide` resolves.
    pub fn later(decide: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(decide))
    }

    /// What was decided, once it is.
    pub(crate) async fn decided(self) -> T {
        match self {
            Self::Now(decided) => decided,
            Self::Later(deciding) => deciding.await,
        }
    }
}

impl Pass {
    /// Somebody without a name, who may do everything, for ever.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self {
            subject: None,
            expires_in: None,
            issued: None,
            grants: Grants::everything(),
            data: None,
        }
    }

    /// A subject, who may do everything, for ever. All its sessions are one member, and nobody else can have them.
    #[must_use]
    pub fn of(subject: MemberId) -> Self {
        Self {
            subject: Some(subject),
            ..Self::anonymous()
        }
    }

    /// It is good for so long. After that the session's connection is closed with 4001 unless the token was renewed.
    #[must_use]
    pub const fn expiring_in(mut self, time: Duration) -> Self {
        self.expires_in = Some(time);
        self
    }

    /// When what it stands on was issued: what is revoked is revoked for all that was issued before. Default: now.
    #[must_use]
    pub const fn issued(mut self, at: SystemTime) -> Self {
        self.issued = Some(at);
        self
    }

    /// It may do no more than this.
    #[must_use]
    pub fn granting(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// Something of the program's own, which it gets back whenever it is asked about this session.
    #[must_use]
    pub fn with(mut self, data: impl Any + Send + Sync) -> Self {
        self.data = Some(Arc::new(data));
        self
    }

    /// Whom the session belongs to.
    #[must_use]
    pub const fn subject(&self) -> Option<&MemberId> {
        self.subject.as_ref()
    }

    /// What it may do.
    #[must_use]
    pub const fn grants(&self) -> &Grants {
        &self.grants
    }

    /// What the program has put in, if it is a `T`.
    #[must_use]
    pub fn data<T: Any>(&self) -> Option<&T> {
        self.data.as_deref()?.downcast_ref()
    }

    /// For how long it is good, from when it was given; zero for ever, as frames say it.
    pub(crate) fn lifetime(&self) -> Duration {
        // Less than frames can say would be told as for ever.
        self.expires_in
            .map_or(Duration::ZERO, |time| time.max(Duration::from_millis(1)))
    }
}

impl Denied {
    /// The one place where it becomes a close code.
    pub(crate) const fn code(self) -> CloseCode {
        match self {
            Self::Unauthorized => CloseCode::UNAUTHORIZED,
            Self::Expired => CloseCode::TOKEN_EXPIRED,
            Self::Unavailable => CloseCode::TRY_AGAIN_LATER,
        }
    }
}

impl Subscribing<'_> {
    /// Whether the grants of its pass allow it: [`Right::Subscribe`], [`Right::Presence`] where it asks who is there, and
    /// [`Right::History`] where it asks for the last messages.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        let may = |right| self.pass.grants.allow(self.room, right);
        may(Right::Subscribe)
            && (self.presence == PresenceWanted::Nothing || may(Right::Presence))
            && (!matches!(self.start, Start::Last(1..)) || may(Right::History))
    }
}

impl Publishing<'_> {
    /// Whether the grants of its pass allow it; they do where it has none.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.pass
            .is_none_or(|pass| pass.grants.allow(self.room, Right::Publish))
    }
}

impl Signalling<'_> {
    /// Whether the grants of its pass allow it.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.pass.grants.allow(self.room, Right::Signal)
    }
}

const fn granted(is_granted: bool) -> Result<(), RefusalCode> {
    match is_granted {
        true => Ok(()),
        false => Err(RefusalCode::FORBIDDEN),
    }
}

/// Neither the token nor what headers say is shown.
impl fmt::Debug for Connecting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting")
            .field("address", &self.address)
            .field("renews", &self.renews)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("subject", &self.subject)
            .field("expires_in", &self.expires_in)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Decision<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(decided) => f.debug_tuple("Now").field(decided).finish(),
            Self::Later(_) => f.write_str("Later(…)"),
        }
    }
}
