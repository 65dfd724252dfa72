//! A gate between a server and a browser. While it is shut it takes all that the server sends, as fast as it comes; once it
//! is open, all of that goes on at once. So a server's speed has no part in how fast a client is.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{cores::Cores, deadline::Deadline};

/// Where a browser is to connect.
pub(crate) struct Gate {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// A connection through the gate. Dropping it cuts it.
pub(crate) struct Passage {
    state: Arc<State>,
    ends: [TcpStream; 2],
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    is_shut: AtomicBool,
    /// What came of the server while it was shut.
    held: AtomicUsize,
}

impl Gate {
    pub(crate) fn new() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Waits for a connection, and passes on what goes either way between it and `server`, on the server's core.
    pub(crate) fn pass(&self, server: SocketAddr, cores: Cores, deadline: &Deadline) -> Result<Passage> {
        let mut browser = None;
        deadline
            .poll_until(INTERVAL, || match self.listener.accept() {
                Ok((stream, _)) => {
                    browser = Some(stream);
                    Ok(true)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
                Err(error) => Err(error.into()),
            })
            .context("the page does not connect")?;
        let browser = browser.context("nobody connected")?;
        browser.set_nonblocking(false)?;
        Passage::new(browser, TcpStream::connect(server)?, cores)
    }
}

impl Passage {
    fn new(browser: TcpStream, server: TcpStream, cores: Cores) -> Result<Self> {
        for stream in [&browser, &server] {
            stream.set_nodelay(true)?;
        }
        server.set_read_timeout(Some(INTERVAL))?;
        let state = Arc::<State>::default();
        let (mut up, mut down) = (
            (browser.try_clone()?, server.try_clone()?),
            (server.try_clone()?, browser.try_clone()?),
        );
        let shared = Arc::clone(&state);
        let threads = cores.on_server(|| {
            vec![
                // Either ends when a side does, and then the other is of no use.
                thread::spawn(move || drop(io::copy(&mut up.0, &mut up.1))),
                thread::spawn(move || drop(shared.pass(&mut down.0, &mut down.1))),
            ]
        })?;
        let ends = [browser, server];
        Ok(Self { state, ends, threads })
    }

    /// From now on nothing passes to the browser.
    pub(crate) fn shut(&self) {
        self.state.is_shut.store(true, Ordering::SeqCst);
    }

    /// Waits until at least `bytes` are held, and no more have come for a while.
    pub(crate) fn until_held(&self, bytes: usize, deadline: &Deadline) -> Result<()> {
        let mut before = 0;
        let is_over = || {
            let held = self.state.held.load(Ordering::SeqCst);
            Ok(held >= bytes && held == std::mem::replace(&mut before, held))
        };
        deadline
            .poll_until(STILL, is_over)
            .context("the server did not send the burst")
    }

    /// All that is held goes on.
    pub(crate) fn open(&self) {
        self.state.is_shut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        for end in &self.ends {
            // It may be over already.
            let _ = end.shutdown(Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            // A thread that has panicked has said so.
            let _ = thread.join();
        }
    }
}

impl State {
    fn pass(&self, server: &mut TcpStream, browser: &mut TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 20];
        let mut held = Vec::new();
        loop {
            match server.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    held.extend_from_slice(&buffer[..count]);
                    self.held.store(held.len(), Ordering::SeqCst);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
            if !self.is_shut.load(Ordering::SeqCst) {
                browser.write_all(&held)?;
                held.clear();
            }
        }
    }
}

/// How soon a change is noticed.
const INTERVAL: Duration = Duration::from_millis(2);

/// A burst is over when nothing has come for so long.
const STILL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    #[test]
    fn what_is_said_while_it_is_shut_arrives_once_it_is_open() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let gate = Gate::new().expect("a free port");
        let mut browser = TcpStream::connect(gate.address).expect("the gate listens");
        let address = server.local_addr().expect("bound");
        let passage = gate.pass(address, Cores::Shared, &deadline()).expect("both are there");
        let (mut server, _) = server.accept().expect("the gate connects");
        let mut heard = [0; 6];

        browser.write_all(b"up").expect("open");
        server.read_exact(&mut heard[..2]).expect("it passes up");
        server.write_all(b"one").expect("open");
        browser.read_exact(&mut heard[..3]).expect("it passes down");
        assert_eq!(&heard, b"one\0\0\0");

        passage.shut();
        server.write_all(b"two").expect("open");
        server.write_all(b"six").expect("open");
        passage.until_held(6, &deadline()).expect("it takes all");
        browser.set_nonblocking(true).expect("a socket");
        let early = browser.read(&mut heard).expect_err("it is shut");
        assert_eq!(early.kind(), ErrorKind::WouldBlock);
        passage.open();
        browser.set_nonblocking(false).expect("a socket");
        browser.read_exact(&mut heard).expect("it is open");
        assert_eq!(&heard, b"twosix");
    }
}
