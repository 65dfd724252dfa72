//! Which message answers which, and how long the answer took.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tidewire_client::Message;

use crate::address::Endpoint;
use crate::recent::Recent;

/// What stands for the content of a message, so that waiting for an answer does not keep the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print(u64);

impl Print {
    /// The print of a message.
    pub(crate) fn of(message: &Message) -> Self {
        match message {
            Message::Text(text) => Self::of_text(text),
            Message::Binary(bytes) => Self::new((1_u8, bytes.as_slice())),
        }
    }

    /// The print of the message that this one would answer: `/chat` confirms what it was sent in words of its own,
    /// everything else may be an echo.
    pub(crate) fn answered(endpoint: Endpoint, answer: &Message) -> Option<Self> {
        match (endpoint, answer) {
            (Endpoint::Chat, Message::Text(text)) => text.strip_prefix("Server received: ").map(Self::of_text),
            (Endpoint::Chat, Message::Binary(_)) => None,
            (Endpoint::Echo | Endpoint::Other, message) => Some(Self::of(message)),
        }
    }

    fn of_text(text: &str) -> Self {
        Self::new((0_u8, text))
    }

    fn new(content: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The messages of one connection that wait for an answer, and the newest times measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RoundTrips {
    waiting: VecDeque<(Print, Duration)>,
    recent: Recent,
}

impl RoundTrips {
    /// Starts the clock of a message. When [`MAX_WAITING`] wait already, this one is not measured.
    pub(crate) fn sent(&mut self, print: Print, now: Duration) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((print, now));
        }
    }

    /// Stops the clock of the oldest message of this print. Answers come in the order of the messages, so what was
    /// sent before it will have none.
    pub(crate) fn answered(&mut self, print: Print, now: Duration) -> Option<Duration> {
        let index = self.waiting.iter().position(|&(waiting, _)| waiting == print)?;
        let (_, sent) = self.waiting.drain(..=index).next_back()?;
        let time = now.saturating_sub(sent);
        self.recent.note(time);
        Some(time)
    }

    /// Waits no longer: the connection that would have brought the answers is gone.
    pub(crate) fn abandon(&mut self) {
        self.waiting.clear();
    }

    /// The newest times.
    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }
}

/// Messages that wait for an answer at most; a server that never answers must not make the page grow.
pub(crate) const MAX_WAITING: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn equal_messages_are_answered_in_the_order_they_were_sent() {
        let mut trips = RoundTrips::default();
        let print = Print::of(&text("a"));
        trips.sent(print, ms(10));
        trips.sent(print, ms(20));
        assert_eq!(trips.answered(print, ms(25)), Some(ms(15)));
        assert_eq!(trips.answered(print, ms(26)), Some(ms(6)));
        assert_eq!(trips.answered(print, ms(27)), None);
        assert_eq!(trips.recent().last(), Some(ms(6)));
    }

    #[test]
    fn a_message_passed_over_is_not_waited_for() {
        let mut trips = RoundTrips::default();
        let (first, second) = (Print::of(&text("a")), Print::of(&text("b")));
        trips.sent(first, ms(1));
        trips.sent(second, ms(2));
        assert_eq!(trips.answered(second, ms(5)), Some(ms(3)));
        assert_eq!(trips.answered(first, ms(6)), None);
    }

    #[test]
    fn a_text_and_the_same_bytes_are_two_messages() {
        assert_ne!(Print::of(&text("a")), Print::of(&Message::Binary(b"a".to_vec())));
    }

    #[test]
    fn chat_answers_in_its_own_words_and_never_by_a_broadcast() {
        let sent = Some(Print::of(&text("hi")));
        assert_eq!(Print::answered(Endpoint::Chat, &text("Server received: hi")), sent);
        assert_eq!(Print::answered(Endpoint::Chat, &text("Broadcast: hi")), None);
        assert_eq!(Print::answered(Endpoint::Chat, &text("hi")), None);
        assert_eq!(Print::answered(Endpoint::Echo, &text("hi")), sent);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut trips = RoundTrips::default();
        for number in 0..=MAX_WAITING {
            trips.sent(Print::of(&text(&number.to_string())), ms(0));
        }
        assert_eq!(trips.answered(Print::of(&text(&MAX_WAITING.to_string())), ms(1)), None);
    }

    #[test]
    fn an_answer_from_another_connection_is_none() {
        let mut trips = RoundTrips::default();
        trips.sent(Print::of(&text("a")), ms(1));
        trips.abandon();
        assert_eq!(trips.answered(Print::of(&text("a")), ms(2)), None);
    }
}
