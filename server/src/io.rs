//! The stream of a connection that was HTTP.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::send_timeout;

/// Bytes to and from a peer.
///
/// Where it is known to be TCP, layers that would only pass calls on are left out, and several pieces leave by `sendmsg`.
/// tokio's own way is `writev`, which is a file's call as well as a socket's and costs more: 0.4 µs of the 7 that a delivery to
/// one of 5,000 receivers takes.
#[derive(Debug)]
pub(crate) enum Io {
    Tcp {
        stream: TcpStream,
        /// What was read together with the request head.
        early: Bytes,
    },
    /// It keeps a record that the peer did not take at once, so it must be flushed. That is boxed, since it is large.
    Tls {
        stream: Box<TlsStream<TcpStream>>,
        early: Bytes,
    },
    /// Of another server than ours, or over another transport.
    Other(TokioIo<Upgraded>),
}

impl From<Upgraded> for Io {
    fn from(upgraded: Upgraded) -> Self {
        let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                return Self::Tcp {
                    stream: parts.io.into_inner(),
                    early: unless_empty(parts.read_buf),
                };
            }
            Err(upgraded) => upgraded,
        };
        match upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>() {
            Ok(parts) => Self::Tls {
                stream: Box::new(parts.io.into_inner()),
                early: unless_empty(parts.read_buf),
            },
            Err(upgraded) => Self::Other(TokioIo::new(upgraded)),
        }
    }
}

impl Io {
    /// Ends what `serve.rs` has the system do to peers that take nothing: a WebSocket looks itself, and says why it closes.
    pub(crate) fn end_send_timeout(&self) -> io::Result<()> {
        match self {
            Self::Tcp { stream, .. } => send_timeout::set(stream, None),
            Self::Tls { stream, .. } => send_timeout::set(stream.get_ref().0, None),
            Self::Other(_) => Ok(()),
        }
    }
}

/// An empty part of something larger keeps all of that, as hyper's buffer of 8 KiB for request heads.
fn unless_empty(bytes: Bytes) -> Bytes {
    if bytes.is_empty() { Bytes::new() } else { bytes }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp { early, .. } | Self::Tls { early, .. } if !early.is_empty() => {
                let count = early.len().min(buffer.remaining());
                buffer.put_slice(&early[..count]);
                early.advance(count);
                *early = unless_empty(std::mem::take(early));
                Poll::Ready(Ok(()))
            }
            Self::Tcp { stream, .. } => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls { stream, .. } => Pin::new(stream).poll_read(cx, buffer),
            Self::Other(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp { stream, .. } => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls { stream, .. } => Pin::new(stream).poll_write(cx, bytes),
            Self::Other(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = match (self.get_mut(), slices) {
            (Self::Tcp { stream, .. }, [slice]) => return Pin::new(stream).poll_write(cx, slice),
            (Self::Tcp { stream, .. }, _) => &*stream,
            (Self::Tls { stream, .. }, _) => return Pin::new(stream).poll_write_vectored(cx, slices),
            (Self::Other(stream), _) => return Pin::new(stream).poll_write_vectored(cx, slices),
        };
        loop {
            ready!(stream.poll_write_ready(cx))?;
            match stream.try_io(Interest::WRITABLE, || SockRef::from(stream).send_vectored(slices)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp { stream, .. } => Pin::new(stream).poll_flush(cx),
            Self::Tls { stream, .. } => Pin::new(stream).poll_flush(cx),
            Self::Other(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp { stream, .. } => Pin::new(stream).poll_shutdown(cx),
            Self::Tls { stream, .. } => Pin::new(stream).poll_shutdown(cx),
            Self::Other(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
