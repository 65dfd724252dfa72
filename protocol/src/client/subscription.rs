//! A client's subscriptions: what was asked for, and how far each has come.

use crate::{
    frame::{Gap, GapCause, PresenceWanted, Start, Subscribe},
    ids::{Offset, Position, Request, RoomName, RoomNumber},
};

/// A client's name for one of its subscriptions; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u32);

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Few, so they are looked through: a map would be a third of what a client adds to a page.
    list: Vec<Subscription>,
    last_id: u32,
    last_request: u32,
}

#[derive(Debug)]
pub(super) struct Subscription {
    id: SubscriptionId,
    room: RoomName,
    presence: bool,
    /// Where to begin: as was asked, until the server has told a position.
    start: Start,
    link: Link,
}

/// What the present transport knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Nothing.
    Detached,
    /// It was asked for.
    Requested(Request),
    /// Its messages follow.
    Live(Request, RoomNumber),
    /// Nothing, and it is not to be asked for until its user can take more.
    Paused,
}

impl Link {
    const fn request(self) -> Option<Request> {
        match self {
            Self::Requested(request) | Self::Live(request, _) => Some(request),
            Self::Detached | Self::Paused => None,
        }
    }
}

/// What a message of a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next one.
    Next(SubscriptionId),
    /// One that was had before, or of a room that is not subscribed to any more.
    Stale,
    /// One after the next: something was skipped, which a server must not do.
    Hole,
}

impl Subscriptions {
    /// `None` where the room is subscribed to already.
    pub(super) fn add(&mut self, room: RoomName, start: Start, presence: bool) -> Option<SubscriptionId> {
        if self.list.iter().any(|subscription| subscription.room == room) {
            return None;
        }
        self.last_id += 1;
        let id = SubscriptionId(self.last_id);
        self.list.push(Subscription {
            id,
            room,
            presence,
            start,
            link: Link::Detached,
        });
        Some(id)
    }

    /// Forgets it, and returns the request to be taken back, if one was made on this transport.
    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<Request> {
        let index = self.list.iter().position(|subscription| subscription.id == id)?;
        self.list.remove(index).link.request()
    }

    /// The transport is gone. Positions stay.
    pub(super) fn detach(&mut self) {
        for subscription in self.list.iter_mut().filter(|it| it.link != Link::Paused) {
            subscription.link = Link::Detached;
        }
    }

    /// Stops its messages, and returns the request to be taken back, if one was made on this transport. Its position stays.
    pub(super) fn pause(&mut self, id: SubscriptionId) -> Option<Request> {
        let subscription = self.by_id(id)?;
        core::mem::replace(&mut subscription.link, Link::Paused).request()
    }

    /// Lets it be asked for again.
    pub(super) fn resume(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.by_id(id)
            && subscription.link == Link::Paused
        {
            subscription.link = Link::Detached;
        }
    }

    /// Asks for the next one that this transport does not know of.
    pub(super) fn next_to_request(&mut self) -> Option<Subscribe<'_>> {
        let subscription = self
            .list
            .iter_mut()
            .find(|subscription| subscription.link == Link::Detached)?;
        self.last_request += 1;
        let request = Request(self.last_request);
        subscription.link = Link::Requested(request);
        Some(Subscribe {
            request,
            start: subscription.start,
            presence: match subscription.presence {
                true => PresenceWanted::List,
                false => PresenceWanted::Nothing,
            },
            room: subscription.room.as_str(),
        })
    }

    /// The server has begun one. An answer to an old attempt finds none.
    pub(super) fn on_subscribed(
        &mut self,
        request: Request,
        room: RoomNumber,
        position: Position,
    ) -> Option<SubscriptionId> {
        let subscription = self.by_request(request)?;
        subscription.link = Link::Live(request, room);
        subscription.start = Start::After(position);
        Some(subscription.id)
    }

    /// The server has refused or ended one.
    pub(super) fn on_refused(&mut self, request: Request) -> Option<SubscriptionId> {
        let id = self.by_request(request)?.id;
        self.remove(id);
        Some(id)
    }

    pub(super) fn on_message(&mut self, room: RoomNumber, offset: Offset) -> Arrival {
        let Some((id, position)) = self.live(room) else {
            return Arrival::Stale;
        };
        if offset <= position.offset {
            return Arrival::Stale;
        }
        if offset != position.offset.next() {
            return Arrival::Hole;
        }
        position.offset = offset;
        Arrival::Next(id)
    }

    /// A gap is believed only where it begins at the next message.
    pub(super) fn on_gap(&mut self, gap: &Gap) -> Arrival {
        let Some((id, position)) = self.live(gap.room) else {
            return Arrival::Stale;
        };
        let goes_on = gap.cause == GapCause::LogLost
            || (gap.resume.epoch == position.epoch && gap.resume.offset > position.offset);
        if gap.from != position.offset.next() || !goes_on {
            return Arrival::Hole;
        }
        *position = gap.resume;
        Arrival::Next(id)
    }

    /// Which subscription a room's number belongs to, on this transport.
    pub(super) fn by_room(&mut self, room: RoomNumber) -> Option<SubscriptionId> {
        self.live(room).map(|(id, _)| id)
    }

    fn by_id(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.list.iter_mut().find(|subscription| subscription.id == id)
    }

    fn by_request(&mut self, request: Request) -> Option<&mut Subscription> {
        self.list
            .iter_mut()
            .find(|subscription| subscription.link.request() == Some(request))
    }

    fn live(&mut self, room: RoomNumber) -> Option<(SubscriptionId, &mut Position)> {
        self.list
            .iter_mut()
            .find_map(|subscription| match (subscription.link, &mut subscription.start) {
                (Link::Live(_, number), Start::After(position)) if number == room => Some((subscription.id, position)),
                _ => None,
            })
    }
}
