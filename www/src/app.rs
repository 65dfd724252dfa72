//! Which page is shown, by what follows the `#` of the address.

use yew::prelude::*;

use crate::console::ConsolePage;
use crate::rooms::RoomsPage;
use crate::route::Route;
use crate::use_route::use_route;

/// The application.
#[component]
pub(crate) fn App() -> Html {
    match use_route() {
        Route::Rooms(name) => html! { <RoomsPage {name} /> },
        Route::Console => html! { <ConsolePage /> },
    }
}
