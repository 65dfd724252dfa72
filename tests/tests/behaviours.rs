//! The one list of behaviours, over each transport of the native client. In Chromium: `client/tests/behaviours.rs`.

use tidewire_client::TransportKind;
use tidewire_tests::NativeStage;

mod websocket {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, NativeStage::over(&[TransportKind::Stream]));
}

mod websocket_over_tls {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, NativeStage::over(&[TransportKind::Stream]).with_tls());
}

mod polling_over_tls {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, NativeStage::over(&[TransportKind::Polls]).with_tls());
}

mod polling {
    use super::*;

    tidewire_behaviours::each_behaviour!(tokio::test, NativeStage::over(&[TransportKind::Polls]));
}
