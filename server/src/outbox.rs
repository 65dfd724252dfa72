//! What is to be written to one connection, in order: encoded frames, some of them shared with other connections.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

use crate::metrics::Tally;

/// Past this many bytes a connection takes no more input and pulls no more frames from its room, until the peer has
/// read some. Together with one message, and the answers to one read of [`READ_BYTES`](crate::connection), it bounds
/// what a connection can hold.
pub(crate) const HIGH_WATER: usize = 64 << 10;

/// Payloads up to this size are copied next to their header; larger ones are queued as they are.
const COPY_BYTES: usize = 4 << 10;

/// Up to this size it costs less to copy shared bytes next to their header than to write them from where they are.
const SHORT_BYTES: usize = 512;

/// At most this many buffers go into one vectored write.
const MAX_SLICES: usize = 64;

/// Enough for the header of a frame, its payload, and what was answered before.
const FEW_SLICES: usize = 4;

/// The longest header of an unmasked frame: [RFC 6455 section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2).
const MAX_HEADER_BYTES: usize = 10;

/// A queue of encoded bytes: pieces first, then what was copied since the last of them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    tail: BytesMut,
    bytes: usize,
    /// What has been moved, for who counts.
    pub(crate) tally: Tally,
}

/// What leaves as one slice of a vectored write.
#[derive(Debug)]
enum Piece {
    /// Bytes that others may hold too.
    Shared(Bytes),
    /// The header of a frame whose payload is shared, here and not on the heap.
    Header(Header),
}

#[derive(Clone, Copy, Debug)]
struct Header {
    bytes: [u8; MAX_HEADER_BYTES],
    from: u8,
    to: u8,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= HIGH_WATER
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// How many bytes it takes until it is full.
    pub(crate) fn room(&self) -> usize {
        HIGH_WATER.saturating_sub(self.bytes)
    }

    /// Encodes a message as one frame.
    pub(crate) fn push_message(&mut self, kind: Data, payload: Bytes) {
        if payload.len() > COPY_BYTES {
            self.push_shared(kind, payload.len(), [payload]);
        } else {
            self.push_copied(kind, &[&payload]);
        }
    }

    /// Copies a message as one frame, its payload made of `parts`.
    pub(crate) fn push_copied(&mut self, kind: Data, parts: &[&[u8]]) {
        let length = parts.iter().map(|part| part.len()).sum();
        self.copy(Header::new(kind, length), length, parts);
    }

    /// Queues a message of `length` bytes as one frame; its payload, in pieces, is shared and not copied, unless it is short.
    pub(crate) fn push_shared(&mut self, kind: Data, length: usize, pieces: impl IntoIterator<Item = Bytes>) {
        let header = Header::new(kind, length);
        if length <= SHORT_BYTES {
            return self.copy(header, length, pieces);
        }
        self.seal();
        self.bytes += header.as_slice().len() + length;
        self.pieces.push_back(Piece::Header(header));
        self.pieces.extend(pieces.into_iter().map(Piece::Shared));
    }

    fn copy(&mut self, header: Header, length: usize, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        let frame_bytes = header.as_slice().len() + length;
        self.tail.reserve(frame_bytes);
        self.tail.extend_from_slice(header.as_slice());
        for part in parts {
            self.tail.extend_from_slice(part.as_ref());
        }
        self.bytes += frame_bytes;
    }

    /// Queues bytes that are encoded already.
    pub(crate) fn push_chunk(&mut self, chunk: Bytes) {
        self.seal();
        self.bytes += chunk.len();
        self.pieces.push_back(Piece::Shared(chunk));
    }

    /// Ends what is being copied, so that it keeps its place in the order.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(Piece::Shared(self.tail.split().freeze()));
        }
    }

    /// Writes as much as the peer takes at once.
    pub(crate) fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        // Most writes are short, and setting up slices costs as much as each of them.
        if self.pieces.len() < FEW_SLICES {
            self.poll_write_slices::<FEW_SLICES, W>(io, cx)
        } else {
            self.poll_write_slices::<MAX_SLICES, W>(io, cx)
        }
    }

    fn poll_write_slices<const COUNT: usize, W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); COUNT];
        let buffers = self
            .pieces
            .iter()
            .map(Piece::as_slice)
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
            (self.pieces, self.tail) = Default::default();
            return;
        }
        while written > 0 {
            match self.pieces.front_mut() {
                Some(piece) if piece.as_slice().len() > written => return piece.advance(written),
                Some(piece) => {
                    written -= piece.as_slice().len();
                    self.pieces.pop_front();
                }
                None => return self.tail.advance(written),
            }
        }
    }
}

impl Piece {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Header(header) => header.as_slice(),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Shared(bytes) => bytes.advance(count),
            // A header has at most 10 bytes.
            Self::Header(header) => header.from += count as u8,
        }
    }
}

impl Header {
    fn new(kind: Data, length: usize) -> Self {
        let header = FrameHeader {
            opcode: OpCode::Data(kind),
            ..FrameHeader::default()
        };
        let mut bytes = [0; MAX_HEADER_BYTES];
        let mut rest = &mut bytes[..];
        // The array takes the longest header there is.
        let _ = header.format(length as u64, &mut rest);
        let to = (MAX_HEADER_BYTES - rest.len()) as u8;
        Self { bytes, from: 0, to }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[self.from.into()..self.to.into()]
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

/// Appends one message as a frame on its own, its payload made of `parts`: encoded once for all who will receive it.
pub(crate) fn encode(kind: Data, parts: &[&[u8]], out: &mut Vec<u8>) {
    let length = parts.iter().map(|part| part.len()).sum();
    out.extend_from_slice(Header::new(kind, length).as_slice());
    for part in parts {
        out.extend_from_slice(part);
    }
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
        expected.extend_from_slice(&[0x81, 3, b'a', b'b', b'c', 0x81, 2, b'd', b'e']);
        expected.extend_from_slice(&[0x82, 3, b'f', b'g', b'h', 0x8a, 0]);

        for step in [1, 2, 3, 5, 64, 4096, usize::MAX] {
            let mut outbox = Outbox::default();
            outbox.push_message(Data::Text, Bytes::from_static(b"hi"));
            outbox.push_message(Data::Binary, large.clone());
            outbox.push_copied(Data::Text, &[b"a", b"bc"]);
            let mut encoded = Vec::new();
            encode(Data::Text, &[b"de"], &mut encoded);
            outbox.push_chunk(encoded.into());
            outbox.push_shared(Data::Binary, 3, [Bytes::from_static(b"f"), Bytes::from_static(b"gh")]);
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
        assert_eq!((outbox.pieces.capacity(), outbox.tail.capacity()), (0, 0));
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
