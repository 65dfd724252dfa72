//! What the system alone costs: one thread, epoll, and `send`. It speaks just enough of HTTP and WebSocket for the load
//! generator: it answers any upgrade with the key of RFC 6455's example, and knows whole, masked texts.

mod connection;
mod frames;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Result;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Socket, Type};

use self::{
    connection::{Connection, Path},
    frames::Due,
};

/// How what is due to a socket is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// Each message by itself.
    Each,
    /// All that came of one read.
    Coalesced,
}

/// Serves `/chat` and `/echo` on a free port.
pub(crate) fn serve(writes: Writes) -> Result<()> {
    let listener = listen()?;
    println!("listening on http://{}", listener.local_addr()?);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let mut floor = Floor {
        epoll,
        listener,
        connections: Vec::new(),
        writes,
        answers: Due::default(),
        broadcasts: Due::default(),
    };
    let mut events = vec![EpollEvent::empty(); 1024];
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = floor.epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..count] {
            floor.handle_event(event, &mut buffer)?;
        }
    }
}

struct Floor {
    epoll: Epoll,
    listener: TcpListener,
    /// By token; those that ended stay as nothing.
    connections: Vec<Option<Connection>>,
    writes: Writes,
    /// What is due to the one that was read from.
    answers: Due,
    /// What is due to all others.
    broadcasts: Due,
}

impl Floor {
    fn handle_event(&mut self, event: &EpollEvent, buffer: &mut [u8]) -> Result<()> {
        if event.data() == LISTENER {
            return self.accept();
        }
        let index = usize::try_from(event.data())?;
        if event.events().contains(EpollFlags::EPOLLOUT) {
            self.send(index, &[])?;
        }
        if !event.events().intersects(!EpollFlags::EPOLLOUT) {
            return Ok(());
        }
        let Some(connection) = self.connections[index].as_mut() else {
            return Ok(());
        };
        let (answers, broadcasts) = (&mut self.answers, &mut self.broadcasts);
        answers.clear();
        broadcasts.clear();
        let is_open = connection.read(buffer, |path, text| match path {
            Path::Echo => answers.put(&[text]),
            Path::Chat => {
                answers.put(&[b"Server received: ", text]);
                broadcasts.put(&[b"Broadcast: ", text]);
            }
        });
        if !is_open {
            self.connections[index] = None;
        }
        self.send_due(index)
    }

    fn send_due(&mut self, from: usize) -> Result<()> {
        let (answers, broadcasts) = (std::mem::take(&mut self.answers), std::mem::take(&mut self.broadcasts));
        for write in answers.writes(self.writes) {
            self.send(from, write)?;
        }
        for write in broadcasts.writes(self.writes) {
            for to in (0..self.connections.len()).filter(|&to| to != from) {
                self.send(to, write)?;
            }
        }
        // Their memory is used again.
        (self.answers, self.broadcasts) = (answers, broadcasts);
        Ok(())
    }

    fn send(&mut self, to: usize, bytes: &[u8]) -> Result<()> {
        let Some(connection) = self.connections[to].as_mut() else {
            return Ok(());
        };
        let was_blocked = connection.is_blocked();
        if connection.send(bytes).is_err() {
            self.connections[to] = None;
        } else if was_blocked != connection.is_blocked() {
            let mut flags = EpollFlags::EPOLLIN;
            flags.set(EpollFlags::EPOLLOUT, connection.is_blocked());
            self.epoll
                .modify(&connection.stream, &mut EpollEvent::new(flags, to as u64))?;
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let token = self.connections.len() as u64;
        self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        self.connections.push(Some(Connection::new(stream)));
        Ok(())
    }
}

fn listen() -> Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    // Each wakeup accepts one connection; the others wait here.
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Connections count from 0.
const LISTENER: u64 = u64::MAX;
