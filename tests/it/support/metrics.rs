//! What a gateway says in its metrics.

use std::collections::BTreeMap;

use crate::support::gateway::Gateway;
use crate::support::limit::wait_for;

impl Gateway {
    /// All series with their values, less what is behind the point; names as they are written, with their labels.
    pub(crate) fn series(&self) -> BTreeMap<String, i64> {
        let page = self.ask_admin("/metrics").expect("the private port answers");
        assert_eq!(page.status, 200);
        let text = String::from_utf8(page.body).expect("text");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            (name.to_owned(), whole(value.parse().expect("a number")))
        };
        samples.map(sample).collect()
    }

    /// The value of one series, as in `hookgate_acks_total{source="orders",custody="disk"}`; 0 where there is none.
    pub(crate) fn number(&self, series: &str) -> i64 {
        self.series().get(series).copied().unwrap_or_default()
    }

    /// Waits until a series has a value that will do.
    pub(crate) fn wait_for_number(&self, series: &str, will_do: impl Fn(i64) -> bool) {
        wait_for(series, || will_do(self.number(series)).then_some(()));
    }

    /// Waits until Kafka has every event that the gateway holds.
    pub(crate) fn wait_until_delivered(&self) {
        self.wait_for_number("hookgate_spool_records", |records| records == 0);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "tests count and compare")]
fn whole(number: f64) -> i64 {
    number as i64
}
