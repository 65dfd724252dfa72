//! Requests as a browser makes them, on connections that are kept, and what crosses the network with them.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    ops::{AddAssign, Sub},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The requests of one client, to one server.
pub(super) struct Http {
    server: SocketAddr,
    idle: RefCell<Vec<TcpStream>>,
    traffic: Cell<Traffic>,
}

/// What was asked and answered, in requests and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) requests: u64,
    /// With heads.
    pub(super) up: u64,
    pub(super) down: u64,
    /// Without.
    pub(super) bodies_up: u64,
    pub(super) bodies_down: u64,
}

/// A request.
pub(super) enum Ask<'a> {
    Get,
    /// With a body and its type, where one is said.
    Post(Option<&'static str>, &'a [u8]),
}

impl Http {
    pub(super) fn to(server: SocketAddr) -> Self {
        Self {
            server,
            idle: RefCell::default(),
            traffic: Cell::default(),
        }
    }

    /// All of it so far.
    pub(super) fn traffic(&self) -> Traffic {
        self.traffic.get()
    }

    /// Asks, and returns the body of an answer that is 200.
    pub(super) async fn ask(&self, target: &str, ask: &Ask<'_>) -> Result<Vec<u8>> {
        let request = request(self.server, target, ask);
        let kept = self.idle.borrow_mut().pop();
        let (mut stream, mut answer) = (None, None);
        // A connection that was kept may have been closed meanwhile; then another is made, as browsers do.
        if let Some(mut kept) = kept {
            answer = exchange(&mut kept, &request).await?;
            stream = Some(kept);
        }
        let (stream, answer) = match (stream, answer) {
            (Some(stream), Some(answer)) => (stream, answer),
            _ => {
                let mut stream = TcpStream::connect(self.server).await?;
                stream.set_nodelay(true)?;
                let answer = exchange(&mut stream, &request).await?;
                (stream, answer.context("the request was not answered")?)
            }
        };
        self.idle.borrow_mut().push(stream);
        let Answer { bytes, body } = answer;
        let mut traffic = self.traffic.get();
        traffic += Traffic {
            requests: 1,
            up: request.len() as u64,
            down: bytes as u64,
            bodies_up: ask.body().len() as u64,
            bodies_down: body.len() as u64,
        };
        self.traffic.set(traffic);
        Ok(body)
    }
}

impl Ask<'_> {
    const fn body(&self) -> &[u8] {
        match self {
            Self::Get => &[],
            Self::Post(_, body) => body,
        }
    }
}

/// What Chromium sends with a request of a page's, but for what it would like compressed.
fn request(server: SocketAddr, target: &str, ask: &Ask<'_>) -> Vec<u8> {
    let method = match ask {
        Ask::Get => "GET",
        Ask::Post(..) => "POST",
    };
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {server}\r\nConnection: keep-alive\r\n");
    if let Ask::Post(kind, body) = ask {
        head += &format!("Content-Length: {}\r\n", body.len());
        if let Some(kind) = kind {
            head += &format!("Content-type: {kind}\r\n");
        }
        head += &format!("Origin: http://{server}\r\n");
    }
    head += &format!("{BROWSER}Referer: http://{server}/\r\n\r\n");
    [head.as_bytes(), ask.body()].concat()
}

struct Answer {
    /// With its head.
    bytes: usize,
    body: Vec<u8>,
}

/// One request and its answer; none where the connection has ended before it.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<Option<Answer>> {
    if stream.write_all(request).await.is_err() {
        return Ok(None);
    }
    let mut answer = Vec::new();
    loop {
        if let Some((head, length)) = head(&answer)? {
            let bytes = head + length;
            answer.reserve_exact(bytes.saturating_sub(answer.len()));
            while answer.len() < bytes {
                ensure!(
                    stream.read_buf(&mut answer).await? > 0,
                    "the answer ended before its end"
                );
            }
            ensure!(answer.len() == bytes, "there is more than the answer");
            let body = answer.split_off(head);
            return Ok(Some(Answer { bytes, body }));
        }
        match stream.read_buf(&mut answer).await {
            Ok(0) | Err(_) if answer.is_empty() => return Ok(None),
            Ok(0) => bail!("the answer ended within its head"),
            count => drop(count?),
        }
    }
}

/// The length of an answer's head, and that of its body; none while the head is not complete.
fn head(answer: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = str::from_utf8(&answer[..end]).context("a head that is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    ensure!(status.starts_with("HTTP/1.1 200 "), "answered with {status:?}");
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse())
    });
    Ok(Some((end + 4, length.context("an answer without a length")??)))
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.up += other.up;
        self.down += other.down;
        self.bodies_up += other.bodies_up;
        self.bodies_down += other.bodies_down;
    }
}

impl Sub for Traffic {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            up: self.up - before.up,
            down: self.down - before.down,
            bodies_up: self.bodies_up - before.bodies_up,
            bodies_down: self.bodies_down - before.bodies_down,
        }
    }
}

const BROWSER: &str = "sec-ch-ua-platform: \"Linux\"\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \
    (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\nsec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"\r\n\
    sec-ch-ua-mobile: ?0\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\
    Accept-Language: en-US,en;q=0.9\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_its_head_says() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 2\r\n\r\nok";
        let (start, length) = head(answer).expect("valid").expect("complete");
        assert_eq!(&answer[start..start + length], b"ok");
        assert!(head(&answer[..start - 1]).expect("valid so far").is_none());
        assert!(head(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
