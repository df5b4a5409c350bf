//! Whatever the bytes, pulling and reading give an answer.

use proptest::prelude::*;
use restitch_connect::{Basket, Item, PullError, Sink};
use restitch_connect_table::{json_facts, list_rows, read_row};
use restitch_model::Remark;

fn pull_and_read(bytes: &[u8]) {
    let mut basket = Basket::default();
    list_rows("t", bytes, &mut basket).unwrap();
    json_facts(bytes);
    for item in basket.items {
        assert_eq!(read_row(&item.bytes), read_row(&item.bytes));
    }
}

proptest! {
    // A failing input becomes a test of its own; no file of seeds is kept.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        pull_and_read(&bytes);
    }

    #[test]
    fn any_heap_of_table_pieces_gives_an_answer(text in "([,;|\t\n\r\"{}:#~/]|id|sep=|ü|1.5|null|\\[|\\]){0,80}") {
        pull_and_read(text.as_bytes());
    }

    /// What a table says is what its facts say, whatever the cells hold.
    #[test]
    fn a_cell_comes_back_as_it_was(cells in proptest::collection::vec("[^\0]{0,12}", 2..5)) {
        let quoted: Vec<String> =
            cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        let header: Vec<String> = (0..cells.len()).map(|n| format!("c{n}")).collect();
        let text = format!("{}\n{}\n", header.join(","), quoted.join(","));
        let mut basket = Basket::default();
        list_rows("t", text.as_bytes(), &mut basket).unwrap();
        prop_assume!(cells.iter().any(|cell| !cell.trim().is_empty()));
        let facts = json_facts(&basket.items[0].bytes).facts;
        let found: Vec<String> = facts.iter().map(|fact| fact.value.to_string()).collect();
        prop_assert_eq!(found, cells);
    }
}

/// Each of these ends at once or, were anything quadratic, not at all.
#[test]
fn long_files_take_linear_time() {
    let n = 200_000;
    for text in [
        "a,".repeat(n),
        "\"".repeat(n),
        "a\n".repeat(n),
        format!("{{{}", "\"a\":[".repeat(n)),
        format!("{{\"a\":[{}1]}}", "1,".repeat(n)),
    ] {
        let mut last = Last::default();
        list_rows("t", text.as_bytes(), &mut last).unwrap();
        json_facts(text.as_bytes());
    }
}

#[derive(Default)]
struct Last(Option<Item>);

impl Sink for Last {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        self.0 = Some(item);
        Ok(true)
    }

    fn remark(&mut self, _: Remark) {}

    fn checkpoint(&self) -> Option<String> {
        None
    }

    fn set_checkpoint(&mut self, _: &str) -> Result<(), PullError> {
        Ok(())
    }
}
