//! What is to be written to one connection, in order: encoded frames, some of them shared with other connections.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

/// Past this many bytes a connection takes no more input and pulls no more frames from its room, until the peer has
/// read some. Together with one message, and the answers to one read of [`READ_BYTES`](crate::connection), it bounds
/// what a connection can hold.
pub(crate) const HIGH_WATER: usize = 64 << 10;

/// Payloads up to this size are copied next to their header; larger ones are queued as they are.
const COPY_BYTES: usize = 4 << 10;

/// At most this many buffers go into one vectored write.
const MAX_SLICES: usize = 64;

/// The longest header of an unmasked frame: [RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
const MAX_HEADER_BYTES: usize = 10;

/// A queue of encoded bytes: shared chunks first, then what was copied since the last of them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    chunks: VecDeque<Bytes>,
    tail: BytesMut,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= HIGH_WATER
    }

    /// Encodes a message as one frame.
    pub(crate) fn push_message(&mut self, kind: Data, payload: Bytes) {
        let before = self.tail.len();
        put_header(&mut self.tail, kind, payload.len());
        self.bytes += self.tail.len() - before;
        if payload.len() > COPY_BYTES {
            self.push_chunk(payload);
        } else {
            self.bytes += payload.len();
            self.tail.extend_from_slice(&payload);
        }
    }

    /// Queues bytes that are encoded already.
    pub(crate) fn push_chunk(&mut self, chunk: Bytes) {
        if !self.tail.is_empty() {
            self.chunks.push_back(self.tail.split().freeze());
        }
        self.bytes += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// Writes as much as the peer takes at once.
    pub(crate) fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let buffers = self
            .chunks
            .iter()
            .map(AsRef::as_ref)
            .chain((!self.tail.is_empty()).then_some(&self.tail[..]));
        let mut used = 0;
        for (slice, buffer) in slices.iter_mut().zip(buffers) {
            *slice = IoSlice::new(buffer);
            used += 1;
        }
        match ready!(Pin::new(io).poll_write_vectored(cx, &slices[..used]))? {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => {
                self.advance(written);
                Poll::Ready(Ok(()))
            }
        }
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        if self.bytes == 0 {
            // An idle connection owns no buffer.
            *self = Self::default();
            return;
        }
        while written > 0 {
            match self.chunks.front_mut() {
                Some(chunk) if chunk.len() > written => return chunk.advance(written),
                Some(chunk) => {
                    written -= chunk.len();
                    self.chunks.pop_front();
                }
                None => return self.tail.advance(written),
            }
        }
    }
}

/// Control frames that the codec answers by itself.
impl Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tail.extend_from_slice(bytes);
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One message as a frame on its own, its payload made of `parts`: encoded once for all who will receive it.
pub(crate) fn encode(kind: Data, parts: &[&[u8]]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut frame = BytesMut::with_capacity(MAX_HEADER_BYTES + length);
    put_header(&mut frame, kind, length);
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame.freeze()
}

fn put_header(buffer: &mut BytesMut, kind: Data, length: usize) {
    let header = FrameHeader {
        opcode: OpCode::Data(kind),
        ..FrameHeader::default()
    };
    // Writing to memory cannot fail.
    let _ = header.format(length as u64, &mut buffer.writer());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `step` bytes a write and keeps them.
    struct Trickle {
        step: usize,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Trickle {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let count = bytes.len().min(self.step);
            self.taken.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn bytes_leave_in_order_whatever_the_peer_takes_at_a_time() {
        let large = Bytes::from(vec![7; COPY_BYTES + 1]);
        let mut expected = vec![0x81, 2, b'h', b'i', 0x82, 126, 0x10, 0x01];
        expected.extend_from_slice(&large);
        expected.extend_from_slice(&[0x81, 3, b'a', b'b', b'c', 0x8a, 0]);

        for step in [1, 2, 3, 5, 64, 4096, usize::MAX] {
            let mut outbox = Outbox::default();
            outbox.push_message(Data::Text, Bytes::from_static(b"hi"));
            outbox.push_message(Data::Binary, large.clone());
            outbox.push_chunk(encode(Data::Text, &[b"a", b"bc"]));
            outbox.write_all(&[0x8a, 0]).expect("memory");

            let mut peer = Trickle {
                step,
                taken: Vec::new(),
            };
            let mut cx = Context::from_waker(std::task::Waker::noop());
            while !outbox.is_empty() {
                assert!(outbox.poll_write(&mut peer, &mut cx).is_ready());
            }
            assert_eq!(peer.taken, expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn an_empty_outbox_owns_no_buffer() {
        let mut outbox = Outbox::default();
        outbox.push_message(Data::Text, Bytes::from(vec![b'x'; COPY_BYTES]));
        outbox.push_message(Data::Text, Bytes::from(vec![b'x'; 2 * COPY_BYTES]));
        let mut peer = Trickle {
            step: usize::MAX,
            taken: Vec::new(),
        };
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while !outbox.is_empty() {
            assert!(outbox.poll_write(&mut peer, &mut cx).is_ready());
        }
        assert_eq!((outbox.chunks.capacity(), outbox.tail.capacity()), (0, 0));
    }

    #[test]
    fn an_outbox_is_full_at_the_high_water_mark() {
        let mut outbox = Outbox::default();
        outbox.push_chunk(Bytes::from(vec![0; HIGH_WATER - 1]));
        assert!(!outbox.is_full());
        outbox.push_chunk(Bytes::from_static(&[0]));
        assert!(outbox.is_full());
    }
}
