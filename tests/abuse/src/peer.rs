//! One TCP connection on which anything may be said.

use std::{io, net::Ipv4Addr, time::Duration};

use anyhow::{Context, Result, ensure};
use socket2::SockRef;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::{
    answer::Answer,
    frame::{self, CLOSE, FIN, PING, PONG, Received},
    http::{ACCEPT, Head, head_of, upgrade},
    target::Target,
};

/// How long an attack waits for what must come.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// A connection to the target.
pub(crate) struct Peer {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

/// Waits for what must come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    timeout(DEADLINE, future)
        .await
        .with_context(|| format!("{what}: nothing within {} s", DEADLINE.as_secs()))
}

impl Peer {
    /// A TCP connection on which nothing was said.
    pub(crate) async fn connect(target: Target) -> Result<Self> {
        let connecting = TcpStream::connect(target.address);
        Self::over(within("TCP connection", connecting).await??)
    }

    /// The same, from this address.
    pub(crate) async fn connect_from(target: Target, from: Ipv4Addr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        Self::over(within("TCP connection", socket.connect(target.address)).await??)
    }

    /// The same, with a receive buffer so small that who does not read soon holds the server up.
    pub(crate) async fn connect_small(target: Target) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        Self::over(within("TCP connection", socket.connect(target.address)).await??)
    }

    fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let reader = BufReader::with_capacity(4096, reader);
        Ok(Self { reader, writer })
    }

    /// An open WebSocket.
    pub(crate) async fn open(target: Target, path: &str) -> Result<Self> {
        let mut peer = Self::connect(target).await?;
        peer.upgrade(path).await?;
        Ok(peer)
    }

    /// An open WebSocket that soon holds the server up when it does not read.
    pub(crate) async fn open_small(target: Target, path: &str) -> Result<Self> {
        let mut peer = Self::connect_small(target).await?;
        peer.upgrade(path).await?;
        Ok(peer)
    }

    async fn upgrade(&mut self, path: &str) -> Result<()> {
        self.send(&head_of(&upgrade(path))).await?;
        self.expect_upgrade().await
    }

    /// Reads the answer to a good handshake.
    pub(crate) async fn expect_upgrade(&mut self) -> Result<()> {
        let head = self
            .head()
            .await?
            .context("the connection ended instead of an upgrade")?;
        ensure!(head.status == 101, "{} instead of an upgrade", head.status);
        ensure!(
            head.header("sec-websocket-accept") == Some(ACCEPT),
            "a wrong Sec-WebSocket-Accept"
        );
        Ok(())
    }

    /// Sends bytes that the server must take.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        within("sending", self.writer.write_all(bytes))
            .await?
            .context("sending")
    }

    /// Sends as much as the server takes before it ends the connection.
    pub(crate) async fn send_while_taken(&mut self, bytes: &[u8]) -> Result<bool> {
        Ok(within("sending", self.writer.write_all(bytes)).await?.is_ok())
    }

    /// Sends the same bytes again and again without reading, until the server ends the connection, or takes more than it can
    /// keep after it had stopped to take any: then it only waits for the end.
    ///
    /// # Errors
    ///
    /// When the server never stops to take them, so that nothing bounds what it keeps.
    pub(crate) async fn flood(&mut self, bytes: &[u8]) -> Result<()> {
        let (mut at, mut taken, mut was_held_up) = (0, 0, false);
        while taken < MORE_THAN_KEPT {
            match timeout(BLOCKED, self.writer.write(&bytes[at..])).await {
                Ok(Ok(count)) => {
                    at = (at + count) % bytes.len();
                    taken += count;
                }
                Ok(Err(_)) => return Ok(()),
                Err(_) => {
                    (taken, was_held_up) = (0, true);
                    let waiting = timeout(HELD_UP, self.writer.writable()).await;
                    let _ = waiting.context("the server holds a connection for ever whose peer does not read")?;
                }
            }
        }
        ensure!(
            was_held_up,
            "the server took {taken} bytes from a peer that does not read"
        );
        Ok(())
    }

    /// Reads the head of an HTTP answer; `None` when the connection ends instead.
    pub(crate) async fn head(&mut self) -> Result<Option<Head>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = within("an HTTP answer", self.reader.read_line(&mut line)).await?;
            if !matches!(read, Ok(1..)) {
                ensure!(lines.is_empty(), "an HTTP answer that ends within its head");
                return Ok(None);
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
            ensure!(lines.len() < 100, "an HTTP answer with a head without end");
        }
        let mut words = lines.first().map(|line| line.split(' ')).context("an empty answer")?;
        ensure!(
            matches!(words.next(), Some("HTTP/1.1" | "HTTP/1.0")),
            "no HTTP: {lines:?}"
        );
        let status = words.next().and_then(|it| it.parse().ok()).context("no status")?;
        Ok(Some(Head::new(status, lines)))
    }

    /// Reads an HTTP answer with its body, which says its length; `None` when the connection ends instead.
    pub(crate) async fn response(&mut self) -> Result<Option<(Head, Vec<u8>)>> {
        let Some(head) = self.head().await? else {
            return Ok(None);
        };
        let length = head.header("content-length").map_or(Ok(0), str::parse)?;
        let mut body = vec![0; length];
        within("a body", self.reader.read_exact(&mut body)).await??;
        Ok(Some((head, body)))
    }

    /// What the server makes of what was sent instead of a request.
    pub(crate) async fn status(&mut self) -> Result<Answer> {
        match self.head().await {
            Ok(Some(head)) => Ok(Answer::Status(head.status)),
            Ok(None) => Ok(Answer::Dropped),
            Err(error) => Err(error),
        }
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) async fn frame(&mut self) -> Result<Option<Received>> {
        within("a frame", frame::read(&mut self.reader)).await?
    }

    /// Whether the connection is still good, which a ping shows; else how it was closed.
    pub(crate) async fn goes_on(&mut self) -> Result<Answer> {
        self.ask().await?;
        self.verdict().await
    }

    /// Sends the ping that [`verdict`](Self::verdict) waits for.
    pub(crate) async fn ask(&mut self) -> Result<()> {
        self.send_while_taken(&frame::frame(FIN | PING, NONCE)).await.map(drop)
    }

    /// Waits until a ping is answered, or for the server's close frame. That is answered as a good peer does, and then the
    /// stream must end.
    pub(crate) async fn verdict(&mut self) -> Result<Answer> {
        while let Some(frame) = self.frame().await? {
            match frame.opcode {
                PONG if frame.payload == NONCE => return Ok(Answer::GoesOn),
                CLOSE => return self.on_close(&frame).await,
                _ => {}
            }
        }
        Ok(Answer::Dropped)
    }

    /// How the server has closed the connection, if it has by now.
    pub(crate) async fn closed_by_now(&mut self) -> Result<Option<Answer>> {
        while self.has_heard().await {
            match self.frame().await? {
                Some(frame) if frame.opcode == CLOSE => return self.on_close(&frame).await.map(Some),
                Some(_) => {}
                None => return Ok(Some(Answer::Dropped)),
            }
        }
        Ok(None)
    }

    /// Answers the server's close frame, and waits for the end of the stream.
    pub(crate) async fn on_close(&mut self, frame: &Received) -> Result<Answer> {
        self.send_while_taken(&frame::frame(FIN | CLOSE, &frame.payload))
            .await?;
        ensure!(self.rest().await? == 0, "bytes after the server's close frame");
        Ok(Answer::Close(frame.close_code()))
    }

    /// Whether anything has come that was not read, or the connection has ended.
    pub(crate) async fn has_heard(&mut self) -> bool {
        // A look that does not wait.
        timeout(Duration::ZERO, self.reader.fill_buf()).await.is_ok()
    }

    /// Reads to the end of the stream, and counts.
    pub(crate) async fn rest(&mut self) -> Result<u64> {
        let mut sink = tokio::io::sink();
        // A reset is an end as well.
        let copied = within(
            "the end of the connection",
            tokio::io::copy(&mut self.reader, &mut sink),
        )
        .await?;
        Ok(copied.unwrap_or(0))
    }

    /// Ends its own direction, and goes on to read.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        self.writer.shutdown().await
    }

    /// Resets the connection.
    pub(crate) fn reset(self) -> Result<Answer> {
        SockRef::from(self.writer.as_ref()).set_linger(Some(Duration::ZERO))?;
        self.writer.forget();
        Ok(Answer::Unheard)
    }
}

/// What is in the ping that asks whether a connection goes on.
const NONCE: &[u8] = b"are you there?";

/// A server drops a peer that does not read before so long; many do after half a minute or a whole one.
const HELD_UP: Duration = Duration::from_secs(90);

/// More than a server and two systems keep of one connection, in bytes.
const MORE_THAN_KEPT: usize = 48 << 20;

/// A server that takes nothing for so long is held up.
const BLOCKED: Duration = Duration::from_millis(300);
