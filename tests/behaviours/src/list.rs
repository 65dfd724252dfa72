//! The one list of behaviours. A run over a transport has a test of each, under its name.

/// A test of each behaviour: `each_behaviour!(tokio::test, stage)`, where `stage` makes a [`Stage`](crate::Stage).
#[macro_export]
macro_rules! each_behaviour {
    ($test:meta, $stage:expr) => {
        $crate::each_behaviour! {
            @list $test, $stage;
            join order resume gap presence publish_across_a_cut takeover drain limits
        }
    };
    (@list $test:meta, $stage:expr; $($behaviour:ident)*) => {$(
        #[$test]
        async fn $behaviour() {
            $crate::$behaviour(&mut $stage).await;
        }
    )*};
}
