//! The binary begun anew under load: a thousand clients that talk all the while, some of them over polls. Nothing is lost, doubled,
//! reordered or left without an answer, though the logs end with the process.

use std::time::{Duration, Instant};

use tidewire_chaos::{Chaos, Counters, Network};
use tidewire_client::{ClientOptions, TransportKind};
use tidewire_tests::{DEADLINE, Process, UNLIMITED};
use tokio::time::sleep;

/// The server as a process, which is ended by SIGTERM and begun anew at the same address.
struct Restarted {
    process: Option<Process>,
    log: String,
}

impl Restarted {
    async fn start() -> Self {
        Self {
            process: Some(serve(None).await),
            log: String::new(),
        }
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("a server")
    }
}

impl Network for Restarted {
    async fn counters(&mut self) -> Result<Counters, String> {
        sleep(LOOK_EVERY).await;
        Ok(Counters::default())
    }

    fn is_graceful(&self) -> bool {
        true
    }

    async fn replace_server(&mut self) -> Result<(), String> {
        let process = self.process.take().expect("a server");
        let address = process.address.to_string();
        let asked = Instant::now();
        process.signal("TERM").await;
        let (status, _, log) = process.ended().await;
        println!("ended after {:?} with {status}:\n{log}", asked.elapsed());
        self.log = log;
        if !status.success() {
            return Err(format!("the server ended with {status}"));
        }
        self.process = Some(serve(Some(&address)).await);
        Ok(())
    }

    async fn heal(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// Starts it where it was before, if it was.
async fn serve(address: Option<&str>) -> Process {
    let environment = address.map(|address| ("TIDEWIRE_LISTEN", address));
    let options = [&OPTIONS[..], &UNLIMITED].concat();
    Process::start(&options, environment.as_slice()).await
}

/// Every fourth polls, and every fourth has WebSockets alone. Who is turned away does not come back at once: there are many.
fn options(number: usize) -> ClientOptions {
    let mut options = ClientOptions::default();
    match number % 4 {
        0 => options.transports = vec![TransportKind::Polls],
        1 => options.transports = vec![TransportKind::Stream],
        _ => {}
    }
    options.backoff.cap = Duration::from_secs(2);
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_the_load_of_a_thousand_clients_loses_and_doubles_nothing() {
    let chaos = Chaos {
        clients: 1000,
        rooms: 200,
        unanswered: 2,
        messages: 20_000,
        cuts: 0,
        options,
    };
    let begun = Instant::now();
    let mut server = Restarted::start().await;
    let url = format!("ws://{}/ws", server.process().address);
    let survived = chaos.run(&url, &mut server, |_| {}, sleep(DEADLINE * 3)).await;
    let survived = survived.unwrap_or_else(|broken| panic!("{broken}"));
    println!("{:?}: {survived}", begun.elapsed());
    assert_eq!(survived.unconfirmed, 0);
    assert!(survived.gaps > 0, "the lost logs were noticed");
    assert!(
        server.log.contains("stopped") && !server.log.contains("not waiting"),
        "{}",
        server.log
    );
}

const OPTIONS: [&str; 4] = ["--drain", "2s", "--log", "tidewire_server::ending=info"];
const LOOK_EVERY: Duration = Duration::from_millis(20);
