use super::*;
use crate::Message;

fn next(events: &mut Events) -> Poll<Option<Event>> {
    Pin::new(events).poll_next(&mut Context::from_waker(Waker::noop()))
}

fn message(bytes: usize) -> Event {
    Event::Message(Message::Binary(vec![0; bytes]))
}

fn close(code: u16) -> Event {
    Event::Close(Close {
        code,
        reason: String::new(),
        was_clean: true,
    })
}

#[test]
fn events_come_in_order_and_end_after_close() {
    let (sender, mut events) = channel(1000);
    assert_eq!(next(&mut events), Poll::Pending);
    for event in [message(1), message(2), close(1000), message(3)] {
        assert_eq!(sender.push(event), Pushed::Taken);
    }
    for event in [message(1), message(2), close(1000)] {
        assert_eq!(next(&mut events), Poll::Ready(Some(event)));
    }
    assert_eq!(next(&mut events), Poll::Ready(None));
}

#[test]
fn the_bound_is_taken_and_one_byte_more_overruns() {
    let (sender, mut events) = channel(2 * MESSAGE_OVERHEAD + 10);
    assert_eq!(sender.push(message(6)), Pushed::Taken);
    assert_eq!(sender.push(message(4)), Pushed::Taken);
    assert_eq!(next(&mut events), Poll::Ready(Some(message(6))));
    assert_eq!(sender.push(message(7)), Pushed::Overrun);
    assert_eq!(next(&mut events), Poll::Ready(Some(message(4))));
    assert_eq!(next(&mut events), Poll::Ready(Some(Event::Close(overrun()))));
    assert_eq!(next(&mut events), Poll::Ready(None));
}

#[test]
fn empty_messages_count_too() {
    let (sender, _events) = channel(MESSAGE_OVERHEAD);
    assert_eq!(sender.push(message(0)), Pushed::Taken);
    assert_eq!(sender.push(message(0)), Pushed::Overrun);
}

#[test]
fn a_full_queue_still_takes_the_close() {
    let (sender, mut events) = channel(MESSAGE_OVERHEAD);
    assert_eq!(sender.push(message(0)), Pushed::Taken);
    assert_eq!(sender.push(close(1001)), Pushed::Taken);
    assert_eq!(next(&mut events), Poll::Ready(Some(message(0))));
    assert_eq!(next(&mut events), Poll::Ready(Some(close(1001))));
}

#[test]
fn dropping_the_sender_ends_the_stream_after_what_it_holds() {
    let (sender, mut events) = channel(1000);
    assert_eq!(sender.push(message(1)), Pushed::Taken);
    drop(sender);
    assert_eq!(next(&mut events), Poll::Ready(Some(message(1))));
    assert_eq!(next(&mut events), Poll::Ready(None));
}

#[test]
fn nothing_is_kept_for_a_stream_that_was_dropped() {
    let (sender, events) = channel(MESSAGE_OVERHEAD);
    drop(events);
    assert_eq!(sender.push(message(1)), Pushed::Taken);
    assert_eq!(sender.push(message(1)), Pushed::Taken);
    assert_eq!(sender.queue.strong_count(), 0);
}

thread_local! {
    static SHARED: RefCell<Option<Events>> = const { RefCell::new(None) };
}

/// A task that takes events right where it is woken, and again where its waker is dropped.
struct Eager;

impl Eager {
    fn poll() {
        let events = SHARED.take();
        if let Some(mut events) = events {
            let _ = next(&mut events);
            SHARED.replace(Some(events));
        }
    }
}

impl std::task::Wake for Eager {
    fn wake(self: std::sync::Arc<Self>) {
        Self::poll();
    }
}

impl Drop for Eager {
    fn drop(&mut self) {
        Self::poll();
    }
}

#[test]
fn a_waker_may_use_the_stream_where_it_is_woken_and_where_it_is_dropped() {
    let (sender, mut events) = channel(1000);
    for _ in 0..2 {
        let waker = Waker::from(std::sync::Arc::new(Eager));
        assert_eq!(
            Pin::new(&mut events).poll_next(&mut Context::from_waker(&waker)),
            Poll::Pending
        );
    }
    SHARED.replace(Some(events));
    assert_eq!(sender.push(message(1)), Pushed::Taken);
    sender.wake();
    let mut events = SHARED.take().unwrap();
    assert_eq!(next(&mut events), Poll::Pending, "the waker took it");
    let waker = Waker::from(std::sync::Arc::new(Eager));
    let _ = Pin::new(&mut events).poll_next(&mut Context::from_waker(&waker));
    drop(waker);
    SHARED.replace(Some(events));
    drop(sender);
    assert_eq!(next(&mut SHARED.take().unwrap()), Poll::Ready(None));
}
