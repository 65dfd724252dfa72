//! The title bar: name, ready state, counters.

use std::time::Duration;

use yew::prelude::*;

use crate::format;
use crate::round_trip::{MAX_RECENT, RoundTrips};
use crate::state::Tally;

/// What the title bar shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// The name of the ready state.
    pub(crate) phase: &'static str,
    /// Messages sent.
    pub(crate) sent: Tally,
    /// Messages received.
    pub(crate) received: Tally,
    /// How long answers take.
    pub(crate) round_trips: RoundTrips,
}

/// The title bar.
#[component]
pub(crate) fn Header(props: &Props) -> Html {
    html! {
        <header class="header">
            <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
                <path class="mark-wire" d="M2 21h28" />
                <path class="mark-tide" d="M2 21c4.7 0 4.7-11 9.3-11s4.7 11 9.4 11S25.3 10 30 10" />
            </svg>
            <h1>{ "Tidewire" }<span class="subtitle">{ " console" }</span></h1>
            <p class="state" role="status" data-phase={props.phase}>
                <span class="visually-hidden">{ "Connection: " }</span>
                <span data-testid="state">{ props.phase }</span>
            </p>
            <dl class="stats">
                { tally("Sent", "sent", props.sent) }
                { tally("Received", "received", props.received) }
                <div class="stat">
                    <dt>{ "Round trip" }</dt>
                    <dd>
                        <span class="stat-value" data-testid="rtt">
                            { props.round_trips.last().map_or_else(|| "–".into(), format::round_trip) }
                        </span>
                        { range(&props.round_trips) }
                    </dd>
                </div>
            </dl>
            { sparkline(&props.round_trips) }
        </header>
    }
}

fn tally(title: &str, id: &str, tally: Tally) -> Html {
    html! {
        <div class="stat">
            <dt>{ title }</dt>
            <dd>
                <span class="stat-value" data-testid={format!("count-{id}")}>{ format::count(tally.messages) }</span>
                <span class="stat-more" data-testid={format!("bytes-{id}")}>{ format::size(tally.bytes) }</span>
            </dd>
        </div>
    }
}

fn range(round_trips: &RoundTrips) -> Html {
    match (round_trips.recent().min(), round_trips.recent().max()) {
        (Some(min), Some(max)) if round_trips.recent().len() > 1 => {
            let text = format!("{} to {}", format::round_trip(min), format::round_trip(max));
            html! { <span class="stat-more">{ text }</span> }
        }
        _ => html! {},
    }
}

/// The newest round trips as a line, the newest at its right end; the numbers beside it say the same in words.
fn sparkline(round_trips: &RoundTrips) -> Html {
    if round_trips.recent().len() < 2 {
        return html! {};
    }
    let max = round_trips
        .recent()
        .max()
        .unwrap_or_default()
        .max(Duration::from_millis(1));
    let first = MAX_RECENT - round_trips.recent().len();
    let points: Vec<String> = round_trips
        .recent()
        .enumerate()
        .map(|(index, time)| {
            let height = time.as_micros() * SPARK_HEIGHT / max.as_micros();
            format!("{},{}", (first + index) * 2, SPARK_HEIGHT + 1 - height)
        })
        .collect();
    html! {
        <svg class="spark" viewBox={format!("0 0 {} {}", MAX_RECENT * 2, SPARK_HEIGHT + 2)} aria-hidden="true">
            <polyline points={points.join(" ")} />
        </svg>
    }
}

const SPARK_HEIGHT: u128 = 22;
