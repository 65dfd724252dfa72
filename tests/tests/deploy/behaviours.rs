//! The one list of behaviours, through each proxy: what runs over each transport without one, in `tests/behaviours.rs`.

use tidewire_client::TransportKind;
use tidewire_server::Tidewire;
use tidewire_tests::{NativeStage, Served, Server};

use crate::{caddy, child::ProxyProcess, nginx};

mod websocket_through_nginx {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, stage(TransportKind::Stream).served(behind_nginx()));
}

mod polling_through_nginx {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, stage(TransportKind::Polls).served(behind_nginx()));
}

mod websocket_through_caddy {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, stage(TransportKind::Stream).served(behind_caddy()));
}

mod polling_through_caddy {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, stage(TransportKind::Polls).served(behind_caddy()));
}

fn stage(transport: TransportKind) -> NativeStage {
    NativeStage::over(&[transport])
}

fn behind_nginx() -> tidewire_tests::Serve {
    |tidewire| {
        Box::pin(async {
            let server = Server::serve(tidewire);
            let nginx = nginx::start(server.address(), &[]).await;
            behind(server, nginx).await
        })
    }
}

fn behind_caddy() -> tidewire_tests::Serve {
    |tidewire: Tidewire| {
        Box::pin(async {
            let server = Server::serve(tidewire);
            let caddy = caddy::start(server.address()).await;
            behind(server, caddy).await
        })
    }
}

async fn behind(server: Server, proxy: ProxyProcess) -> Served {
    let tunnel = proxy.authority.tunnel(proxy.address).await;
    Served {
        server,
        address: tunnel.address(),
        before: Box::new((tunnel, proxy)),
    }
}
