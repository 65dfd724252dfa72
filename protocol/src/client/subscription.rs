//! A client's subscriptions: what was asked for, and how far each has come.

use crate::{
    frame::{Gap, GapCause, PresenceWanted, Start, Subscribe},
    ids::{MemberId, Offset, Position, Request, RoomName, RoomNumber},
    presence::PresenceDigest,
};

/// A client's name for one of its subscriptions; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u32);

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Few, so they are looked through: a map would be a third of what a client adds to a page.
    list: Vec<Subscription>,
    last_id: u32,
    pub(super) last_request: u32,
    /// How far an earlier client had come in rooms that this one has not subscribed to.
    pub(super) saved: Vec<(RoomName, Position)>,
}

#[derive(Debug)]
pub(super) struct Subscription {
    id: SubscriptionId,
    room: RoomName,
    /// What its next request says of who is there.
    presence: PresenceWanted,
    /// Who is there, as far as a list that is not complete has told.
    listed: Option<PresenceDigest>,
    /// Where to begin: as was asked, until the server has told a position.
    start: Start,
    /// Where it has begun: how far a user has come who has taken nothing.
    begun: Option<Position>,
    link: Link,
    /// Whether its user knows that it has begun, and need not hear of it with each poll.
    is_told: bool,
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
    /// `None` where the room is subscribed to already. What begins now goes on where an earlier client had come to.
    pub(super) fn add(&mut self, room: RoomName, mut start: Start, presence: bool) -> Option<SubscriptionId> {
        if self.list.iter().any(|subscription| subscription.room == room) {
            return None;
        }
        if let Some(index) = self.saved.iter().position(|(saved, _)| *saved == room) {
            let (_, position) = self.saved.swap_remove(index);
            if start == Start::Now {
                start = Start::After(position);
            }
        }
        self.last_id += 1;
        let id = SubscriptionId(self.last_id);
        self.list.push(Subscription {
            id,
            room,
            presence: match presence {
                true => PresenceWanted::List,
                false => PresenceWanted::Nothing,
            },
            listed: None,
            start,
            begun: match start {
                Start::After(position) => Some(position),
                _ => None,
            },
            link: Link::Detached,
            is_told: false,
        });
        Some(id)
    }

    /// Forgets it, and returns the request to be taken back, if one was made on this transport.
    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<Request> {
        let index = self.list.iter().position(|subscription| subscription.id == id)?;
        self.list.remove(index).link.request()
    }

    /// The transport is gone; or it was one poll of many, and the next goes on. Positions stay.
    pub(super) fn detach(&mut self, goes_on: bool) {
        for subscription in self.list.iter_mut().filter(|it| it.link != Link::Paused) {
            subscription.link = Link::Detached;
            if !goes_on || subscription.listed.is_some() {
                subscription.begin_anew();
            }
        }
    }

    /// Stops its messages, and returns the request to be taken back, if one was made on this transport. Its position stays.
    pub(super) fn pause(&mut self, id: SubscriptionId) -> Option<Request> {
        let subscription = self.by_id(id)?;
        subscription.begin_anew();
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

    /// Whether there is one that this transport does not know of.
    pub(super) fn has_more(&self) -> bool {
        self.list.iter().any(Subscription::is_detached)
    }

    /// Asks for the next one that this transport does not know of.
    pub(super) fn next_to_request(&mut self) -> Option<Subscribe<'_>> {
        let subscription = self.list.iter_mut().find(|it| it.is_detached())?;
        self.last_request = self.last_request.wrapping_add(1);
        let request = Request(self.last_request);
        subscription.link = Link::Requested(request);
        Some(Subscribe {
            request,
            start: subscription.start,
            presence: subscription.presence,
            room: subscription.room.as_str(),
        })
    }

    /// The server has begun one, and its user is to hear of it. An answer to an old attempt finds none.
    pub(super) fn on_subscribed(&mut self, request: Request, room: RoomNumber, position: Position) -> Arrival {
        let Some(subscription) = self.by_request(request) else {
            return Arrival::Stale;
        };
        let asked = core::mem::replace(&mut subscription.start, Start::After(position));
        subscription.link = Link::Live(request, room);
        subscription.begun.get_or_insert(position);
        let was_told = core::mem::replace(&mut subscription.is_told, true);
        // That it goes on by the next poll is not told, so it must do so where it was.
        match was_told {
            false => Arrival::Next(subscription.id),
            true if asked == Start::After(position) => Arrival::Stale,
            true => {
                subscription.start = asked;
                Arrival::Hole
            }
        }
    }

    /// The server has refused or ended one.
    pub(super) fn on_refused(&mut self, request: Request) -> Option<SubscriptionId> {
        let id = self.by_request(request)?.id;
        self.remove(id);
        Some(id)
    }

    pub(super) fn on_message(&mut self, room: RoomNumber, offset: Offset) -> Arrival {
        let Some((id, position)) = self.position(room) else {
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
        let Some((id, position)) = self.position(gap.room) else {
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
        self.live(room).map(|subscription| subscription.id)
    }

    /// A list of who is there, or some of it.
    pub(super) fn on_present(&mut self, room: RoomNumber, members: &[MemberId], more: bool) -> Option<SubscriptionId> {
        let subscription = self.live(room)?;
        let mut digest = subscription.listed.take().unwrap_or_default();
        members.iter().for_each(|member| digest.toggle(member));
        if more {
            subscription.listed = Some(digest);
        } else {
            subscription.presence = PresenceWanted::Changes(digest);
        }
        Some(subscription.id)
    }

    /// Somebody has joined or left.
    pub(super) fn on_presence(&mut self, room: RoomNumber, member: &MemberId) -> Option<SubscriptionId> {
        let subscription = self.live(room)?;
        if let PresenceWanted::Changes(digest) = &mut subscription.presence {
            digest.toggle(member);
        }
        Some(subscription.id)
    }

    /// How far a user has come in each room, with those of an earlier client that are not subscribed to.
    pub(super) fn each_place(
        &self,
        taken: &dyn Fn(SubscriptionId) -> Option<Position>,
        mut put: impl FnMut(&RoomName, Position),
    ) {
        for subscription in &self.list {
            if let Some(position) = taken(subscription.id).or(subscription.begun) {
                put(&subscription.room, position);
            }
        }
        for (room, position) in &self.saved {
            put(room, *position);
        }
    }

    fn by_id(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.list.iter_mut().find(|subscription| subscription.id == id)
    }

    fn by_request(&mut self, request: Request) -> Option<&mut Subscription> {
        self.list
            .iter_mut()
            .find(|subscription| subscription.link.request() == Some(request))
    }

    fn live(&mut self, room: RoomNumber) -> Option<&mut Subscription> {
        self.list
            .iter_mut()
            .find(|subscription| matches!(subscription.link, Link::Live(_, number) if number == room))
    }

    fn position(&mut self, room: RoomNumber) -> Option<(SubscriptionId, &mut Position)> {
        let subscription = self.live(room)?;
        match &mut subscription.start {
            Start::After(position) => Some((subscription.id, position)),
            _ => None,
        }
    }
}

impl Subscription {
    fn is_detached(&self) -> bool {
        self.link == Link::Detached
    }

    /// Its user is to be told that it begins, and who is there.
    fn begin_anew(&mut self) {
        self.is_told = false;
        self.listed = None;
        if let PresenceWanted::Changes(_) = self.presence {
            self.presence = PresenceWanted::List;
        }
    }
}
