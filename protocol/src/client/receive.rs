//! What a client makes of the server's frames.

use crate::{
    codec::decode,
    codes::CloseCode,
    frame::{ClientFrame, Message, Nonce, Outcome, Refused, RefusedWhat, ServerFrame, Subscribed, Welcome},
    ids::{MemberId, Sequence},
    ledger::Answer,
};

use super::{Client, Event, Open, Poll, PublishError, State, SubscriptionId, subscription::Arrival};

impl Client {
    pub(super) fn on_received(&mut self, batch: &[u8]) {
        if let State::Open(open) = &mut self.state {
            open.heard = self.now;
            open.probe = None;
        }
        let attempt = self.attempt();
        for frame in decode(batch) {
            match frame {
                Ok(frame) => self.on_frame(frame),
                Err(_) => self.fail_transport(),
            }
            // A frame may have ended the transport it came by.
            if self.attempt() != attempt {
                return;
            }
        }
        if self.is_polling() && !self.is_welcome() {
            self.fail_transport();
        }
    }

    /// Whether the welcome has come by the present transport.
    const fn is_welcome(&self) -> bool {
        matches!(
            &self.state,
            State::Open(Open {
                poll: Poll::Answered,
                ..
            })
        )
    }

    fn on_frame(&mut self, frame: ServerFrame<'_>) {
        match (frame, &self.state) {
            (_, State::Connecting { .. }) => self.fail_transport(),
            (ServerFrame::Close(close), _) => {
                if close.code.is_settled() && self.is_welcome() {
                    self.outbox.take_back();
                }
                self.drop_transport(close.code);
            }
            // Who polls shows that it is there by polling.
            (ServerFrame::Ping(_), _) if self.is_polling() => {}
            (ServerFrame::Ping(nonce), _) => self.send(&ClientFrame::Pong(nonce)),
            (ServerFrame::Welcome(welcome), _) if !self.is_welcome() => self.on_welcome(&welcome),
            (frame, _) if self.is_welcome() => self.on_open_frame(frame),
            // The first frame is a welcome, or a close.
            _ => self.fail_transport(),
        }
    }

    fn on_open_frame(&mut self, frame: ServerFrame<'_>) {
        match frame {
            ServerFrame::Message(message) => self.on_message(&message),
            ServerFrame::Gap(gap) => match self.subscriptions.on_gap(&gap) {
                Arrival::Next(id) => self.event(Event::Gap(id, gap)),
                Arrival::Stale => {}
                Arrival::Hole => self.fail_transport(),
            },
            ServerFrame::Subscribed(Subscribed {
                request,
                room,
                position,
            }) => match self.subscriptions.on_subscribed(request, room, position) {
                Arrival::Next(id) => self.event(Event::Subscribed(id, position)),
                Arrival::Stale => {}
                Arrival::Hole => self.fail_transport(),
            },
            ServerFrame::Published { sequence, position } => self.on_answer(sequence, Ok(position)),
            ServerFrame::Refused(refused) => self.on_refused(&refused),
            ServerFrame::GoAway { min, max } => {
                let leave = self.now + self.backoff.between(min, max);
                if let State::Open(open) = &mut self.state {
                    open.leave.get_or_insert(leave);
                }
            }
            ServerFrame::Authenticated { expires_in } => self.on_token_life(expires_in),
            ServerFrame::Signal { room, sender, payload } => {
                if let Some(subscription) = self.subscriptions.by_room(room) {
                    let sender = MemberId::new(sender).ok();
                    self.event(Event::Signal {
                        subscription,
                        sender,
                        payload: payload.into(),
                    });
                }
            }
            ServerFrame::Joined { room, member } => self.on_presence(room, member, Event::Joined),
            ServerFrame::Left { room, member } => self.on_presence(room, member, Event::Left),
            ServerFrame::Present { room, more, members } => {
                let members: Vec<_> = members
                    .into_iter()
                    .filter_map(|member| MemberId::new(member).ok())
                    .collect();
                if let Some(subscription) = self.subscriptions.on_present(room, &members, more) {
                    self.event(Event::Present {
                        subscription,
                        members,
                        more,
                    });
                }
            }
            // Of a welcome there is only one.
            ServerFrame::Welcome(_) => self.fail_transport(),
            ServerFrame::Pong(nonce) => self.on_pong(nonce),
            ServerFrame::Unsubscribed { .. } | ServerFrame::Ping(_) | ServerFrame::Close(_) => {}
        }
    }

    fn on_welcome(&mut self, welcome: &Welcome<'_>) {
        let Some(attempt) = self.attempt() else { return };
        let is_ours = self.session == Some(welcome.session);
        if is_ours != (welcome.outcome == Outcome::Resumed) {
            // It resumes another session than was asked for, or calls a new one by an old one's name.
            return self.fail_transport();
        }
        if is_ours && self.is_saved && welcome.settled > self.outbox.last() {
            // Another client has published in this session, under numbers that this one would use again.
            return self.drop_transport(CloseCode::TAKEN_OVER);
        }
        if is_ours && let State::Open(open) = &mut self.state {
            // Another poll of many.
            open.poll = Poll::Answered;
            self.too_big = 0;
            return self.on_moved_up();
        }
        self.session = Some(welcome.session);
        if welcome.outcome == Outcome::Replaced {
            // What was said together with hello was for the session that is gone.
            self.subscriptions.detach(false);
        }
        if !is_ours {
            self.forget_sent();
        }
        if self.is_polling()
            && let State::Open(open) = &self.state
            && self.now < open.since + self.settings.useful_after
        {
            // Servers that take turns and share no sessions replace it with each poll, as fast as they answer.
            return self.drop_transport(CloseCode::ABNORMAL);
        }
        self.on_token_life(welcome.terms.token_expires_in);
        let climb = self.next_climb();
        let (since, heard, terms) = (self.now, self.now, welcome.terms);
        self.enter(State::Open(Open {
            attempt,
            poll: Poll::Answered,
            climb,
            since,
            heard,
            terms,
            probe: None,
            is_of_before: false,
            leave: None,
            timed: None,
        }));
        let (outcome, Ok(member)) = (welcome.outcome, MemberId::new(welcome.member)) else {
            return;
        };
        self.member = Some(member.clone());
        self.event(Event::Opened { outcome, member });
    }

    /// What had been sent in a session that is gone: nobody can say what became of it.
    pub(super) fn forget_sent(&mut self) {
        self.outbox.replace_session();
        self.fail_publishes(PublishError::Unconfirmed);
    }

    fn on_pong(&mut self, nonce: Nonce) {
        if let State::Open(open) = &mut self.state
            && let Some((asked, at)) = open.timed
            && asked == nonce
        {
            open.timed = None;
            self.event(Event::RoundTrip(self.now.since(at)));
        }
    }

    fn on_message(&mut self, message: &Message<'_>) {
        match self.subscriptions.on_message(message.room, message.offset) {
            Arrival::Next(subscription) => {
                let event = Event::Message {
                    subscription,
                    offset: message.offset,
                    sender: self.sender_of(message),
                    payload: message.payload.into(),
                };
                self.event(event);
            }
            Arrival::Stale => {}
            Arrival::Hole => self.fail_transport(),
        }
    }

    /// Nobody, for the server itself.
    fn sender_of(&mut self, message: &Message<'_>) -> Option<MemberId> {
        if self.sender.as_ref().map_or("", MemberId::as_str) != message.sender {
            self.sender = MemberId::new(message.sender).ok();
        }
        self.sender.clone()
    }

    fn on_refused(&mut self, refused: &Refused) {
        match refused.what {
            RefusedWhat::Publish(sequence) => self.on_answer(sequence, Err(refused.code)),
            RefusedWhat::Subscription(request) => {
                if let Some(id) = self.subscriptions.on_refused(request) {
                    self.event(Event::SubscriptionRefused(id, refused.code));
                }
            }
        }
    }

    /// An answer that was known before is ignored.
    fn on_answer(&mut self, sequence: Sequence, answer: Answer) {
        if let Some(entry) = self.outbox.answer(sequence) {
            self.event(match answer {
                Ok(position) => Event::Published(entry.id, position),
                Err(code) => Event::PublishFailed(entry.id, PublishError::Refused(code), entry.payload),
            });
        }
    }

    fn on_presence(&mut self, room: crate::RoomNumber, member: &str, event: fn(SubscriptionId, MemberId) -> Event) {
        if let Ok(member) = MemberId::new(member)
            && let Some(subscription) = self.subscriptions.on_presence(room, &member)
        {
            self.event(event(subscription, member));
        }
    }

    /// The server broke the protocol. Another connection may be luckier, after a wait.
    fn fail_transport(&mut self) {
        self.drop_transport(CloseCode::INTERNAL_ERROR);
    }
}
