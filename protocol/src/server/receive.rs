//! What a connection makes of its client's frames.

use crate::{
    codes::CloseCode,
    error::DecodeError,
    frame::{ClientFrame, Hello, Payload, RefusalCode, ServerFrame, Subscribe, VERSION},
    ids::RoomName,
    payload::OwnedPayload,
    sessions::Asked,
};

use super::{Action, Connection, Place, State, Subscription};

impl Connection {
    pub(super) fn on_frames<'a>(&mut self, frames: impl Iterator<Item = Result<ClientFrame<'a>, DecodeError>>) {
        for frame in frames {
            if self.is_closed() {
                return;
            }
            self.frames = self.frames.saturating_add(1);
            match frame {
                Ok(frame) => self.on_frame(frame),
                Err(_) => self.close(CloseCode::PROTOCOL_ERROR),
            }
        }
    }

    fn on_frame(&mut self, frame: ClientFrame<'_>) {
        match (frame, &mut self.state) {
            (ClientFrame::Hello(hello), State::AwaitingHello { .. }) => self.on_hello(&hello),
            (ClientFrame::Close(close), _) => self.on_close(close.code),
            (ClientFrame::Ping(nonce), State::Attaching { .. } | State::Open(_)) => {
                self.send(&ServerFrame::Pong(nonce))
            }
            (ClientFrame::Pong(_), State::Attaching { .. } | State::Open(_)) => {}
            (ClientFrame::Authenticate { token }, State::Open(_)) => {
                self.actions.push_back(Action::Authenticate { token: token.0.into() });
            }
            (ClientFrame::Subscribe(subscribe), State::Open(_)) => {
                self.on_subscribe(&subscribe);
            }
            (ClientFrame::Unsubscribe { request }, State::Open(open)) => {
                if let Some(index) = open.subscriptions.iter().position(|it| it.request == request) {
                    let Subscription { room, .. } = open.subscriptions.swap_remove(index);
                    self.actions.push_back(Action::Unsubscribe { room });
                }
                self.send(&ServerFrame::Unsubscribed { request });
            }
            (ClientFrame::Publish(publish), State::Open(_)) => {
                let Ok(room) = RoomName::new(publish.room) else {
                    return self.close(CloseCode::PROTOCOL_ERROR);
                };
                let payload = self.check_payload(publish.payload);
                self.on_poll_publishes(publish.sequence);
                if !self.takes_publishes {
                    return;
                }
                self.taken = self.taken.max(publish.sequence);
                self.actions.push_back(Action::Publish {
                    sequence: publish.sequence,
                    room,
                    payload,
                });
            }
            (ClientFrame::Signal { room, payload }, State::Open(_)) => {
                // One that is too large cannot be passed on, so it is dropped like any other.
                if let (Ok(room), Ok(payload)) = (RoomName::new(room), self.check_payload(payload)) {
                    self.actions.push_back(Action::Signal { room, payload });
                }
            }
            // The first frame is hello and there is no second one, and nothing is said until the welcome.
            _ => self.close(CloseCode::PROTOCOL_ERROR),
        }
    }

    pub(super) fn on_hello(&mut self, hello: &Hello<'_>) {
        if hello.version != VERSION {
            return self.close(CloseCode::UNSUPPORTED_VERSION);
        }
        self.state = State::Attaching { polled: Vec::new() };
        let Hello {
            attempt,
            session,
            answered,
            token,
            ..
        } = *hello;
        self.actions.push_back(Action::Attach {
            asked: Asked {
                session,
                attempt,
                answered,
            },
            token: token.0.into(),
        });
    }

    fn on_close(&mut self, code: CloseCode) {
        if code == CloseCode::NORMAL {
            self.actions.push_back(Action::End);
        }
        self.finish(code);
    }

    fn on_subscribe(&mut self, subscribe: &Subscribe<'_>) {
        let Subscribe {
            request,
            start,
            presence,
            room,
        } = *subscribe;
        let State::Open(open) = &mut self.state else { return };
        let Ok(room) = RoomName::new(room) else {
            return self.close(CloseCode::PROTOCOL_ERROR);
        };
        if open.subscriptions.iter().any(|it| it.request == request) {
            return self.close(CloseCode::PROTOCOL_ERROR);
        }
        if open.subscriptions.len() >= self.settings.terms.max_subscriptions as usize {
            return self.refuse(request, RefusalCode::TOO_MANY_SUBSCRIPTIONS);
        }
        if open.subscriptions.iter().any(|it| it.room == room) {
            return self.refuse(request, RefusalCode::ALREADY_SUBSCRIBED);
        }
        // Most subscribe to one room, and a vector grows to four at once.
        open.subscriptions.reserve_exact(1);
        open.subscriptions.push(Subscription {
            request,
            room: room.clone(),
            place: Place::Opening(start),
        });
        self.actions.push_back(Action::Subscribe {
            request,
            room,
            start,
            presence,
        });
    }

    fn check_payload(&self, payload: Payload<'_>) -> Result<OwnedPayload, RefusalCode> {
        if payload.len() > self.settings.terms.max_payload_bytes as usize {
            return Err(RefusalCode::PAYLOAD_TOO_BIG);
        }
        Ok(payload.into())
    }
}
