//! How long a peer may take nothing of what was sent to it over TCP, where nobody else looks.

use std::{io, time::Duration};

use tokio::net::TcpStream;

/// Has the system drop the connection once nothing of what is due was taken for so long; `None` for as long as TCP tries.
///
/// This is for HTTP: hyper waits for ever to write an answer. It is Linux's
/// [`TCP_USER_TIMEOUT`](https://man7.org/linux/man-pages/man7/tcp.7.html), and other systems have none.
#[cfg(target_os = "linux")]
pub(crate) fn set(stream: &TcpStream, time: Option<Duration>) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_user_timeout(time)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn set(_stream: &TcpStream, _time: Option<Duration>) -> io::Result<()> {
    Ok(())
}
