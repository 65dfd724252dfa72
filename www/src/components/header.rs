//! The title bar: name, pages, state of the connection, and the page's own figures.

use yew::prelude::*;

/// A page, as the title bar names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// The rooms.
    Rooms,
    /// The console.
    Console,
}

/// What the title bar shows.
#[derive(PartialEq, Properties)]
pub(crate) struct Props {
    /// The page it is on.
    pub(crate) tab: Tab,
    /// What the connection is doing, in one word.
    pub(crate) phase: &'static str,
    /// The page's figures.
    pub(crate) children: Html,
}

/// The title bar.
#[component]
pub(crate) fn Header(props: &Props) -> Html {
    let link = |tab: Tab, href: &'static str, title: &'static str| {
        html! { <a {href} aria-current={(props.tab == tab).then_some("page")}>{ title }</a> }
    };
    html! {
        <header class="header">
            <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
                <path class="mark-wire" d="M2 21h28" />
                <path class="mark-tide" d="M2 21c4.7 0 4.7-11 9.3-11s4.7 11 9.4 11S25.3 10 30 10" />
            </svg>
            <h1>{ "Tidewire" }</h1>
            <nav class="tabs" aria-label="Pages">
                { link(Tab::Rooms, "#/rooms", "Rooms") }
                { link(Tab::Console, "#/console", "Console") }
            </nav>
            <p class="state" role="status" data-phase={props.phase}>
                <span class="visually-hidden">{ "Connection: " }</span>
                <span data-testid="state">{ props.phase }</span>
            </p>
            { props.children.clone() }
        </header>
    }
}
