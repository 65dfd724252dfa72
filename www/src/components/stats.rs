//! Figures of the title bar.

use std::time::Duration;

use yew::prelude::*;

use crate::format;
use crate::recent::{MAX_RECENT, Recent};

/// One figure with its name, and what is known beside it. `id` is that of the number, for tests.
pub(crate) fn stat(title: &'static str, id: &'static str, value: impl Into<AttrValue>, more: Html) -> Html {
    html! {
        <div class="stat">
            <dt>{ title }</dt>
            <dd>
                <span class="stat-value" data-testid={id}>{ value.into() }</span>
                { more }
            </dd>
        </div>
    }
}

/// A figure that should be nought, and stands out when it is not.
pub(crate) fn nought(title: &'static str, id: &'static str, meaning: &'static str, number: u64, more: Html) -> Html {
    html! {
        <div class={classes!("stat", (number > 0).then_some("wrong"))} title={meaning}>
            <dt>{ title }</dt>
            <dd>
                <span class="stat-value" data-testid={id}>{ format::count(number) }</span>
                { more }
            </dd>
        </div>
    }
}

/// The newest round trip.
pub(crate) fn round_trip(recent: &Recent, more: Html) -> Html {
    let last = recent.last().map_or_else(|| "–".into(), format::round_trip);
    stat("Round trip", "rtt", last, more)
}

/// From which to which the newest round trips took.
pub(crate) fn range(recent: &Recent) -> Html {
    match (recent.times().min(), recent.times().max()) {
        (Some(min), Some(max)) if recent.times().len() > 1 => {
            let text = format!("{} to {}", format::round_trip(min), format::round_trip(max));
            html! { <span class="stat-more">{ text }</span> }
        }
        _ => html! {},
    }
}

/// The newest round trips as a line, the newest at its right end; the numbers beside it say the same in words.
pub(crate) fn sparkline(recent: &Recent) -> Html {
    let max = recent.times().max().unwrap_or_default().max(Duration::from_millis(1));
    let first = MAX_RECENT - recent.times().len();
    let points: Vec<String> = recent
        .times()
        .enumerate()
        .map(|(index, time)| {
            let height = time.as_micros() * SPARK_HEIGHT / max.as_micros();
            format!("{},{}", (first + index) * 2, SPARK_HEIGHT + 1 - height)
        })
        .collect();
    html! {
        <svg class="spark" viewBox={format!("0 0 {} {}", MAX_RECENT * 2, SPARK_HEIGHT + 2)} aria-hidden="true">
            if points.len() > 1 {
                <polyline points={points.join(" ")} />
            }
        </svg>
    }
}

const SPARK_HEIGHT: u128 = 22;
