//! A proxy as a process of its own, with a folder for its files.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tidewire_tests::{Authority, PairFiles, within};
use tokio::{net::TcpStream, time::sleep};

/// A running proxy. It ends with its value, and so does its folder.
pub(crate) struct ProxyProcess {
    child: Child,
    /// The signal that ends it at once, whoever is connected.
    end: &'static str,
    folder: PathBuf,
    /// Where it speaks TLS.
    pub(crate) address: SocketAddr,
    pub(crate) authority: Authority,
    pub(crate) files: PairFiles,
}

impl ProxyProcess {
    /// Has `write` write what the program is to do, and starts it. Waits until it accepts connections.
    pub(crate) async fn start(
        program: &str,
        end: &'static str,
        write: impl FnOnce(&Path, &PairFiles, &[u16; 2]) -> Vec<String>,
    ) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tidewire-{program}-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let authority = Authority::new();
        let files = authority.issue();
        let ports = free_ports();
        let arguments = write(&folder, &files, &ports);
        let child = Command::new(program)
            .args(arguments)
            .env("HOME", &folder)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}: `cargo xtask test deploy` brings it"));
        let mut this = Self {
            child,
            end,
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], ports[0])),
            authority,
            files,
        };
        within(this.accepts()).await;
        this
    }

    async fn accepts(&mut self) {
        while TcpStream::connect(self.address).await.is_err() {
            assert!(self.child.try_wait().expect("its state").is_none(), "it has ended");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(std::thread::panicking() || status.expect("kill").success());
    }
}

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        self.signal(self.end);
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Ports that were free just now, and are not given to others soon.
fn free_ports() -> [u16; 2] {
    [(); 2]
        .map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"))
        .map(|listener| listener.local_addr().expect("an address").port())
}

/// A file of `docs/deploy` with something else in some of its places.
pub(crate) fn snippet(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}
