use restitch_connect::{Basket, Item, PullError, Sink};
use restitch_model::Remark;

/// A sink that cannot keep the item of this number, from 1, nor anything after it.
pub struct FullDisk<'b> {
    basket: &'b mut Basket,
    left: usize,
}

impl<'b> FullDisk<'b> {
    /// Takes so many items, then no more.
    pub fn after(items: usize, basket: &'b mut Basket) -> Self {
        Self { basket, left: items }
    }

    fn full<T>() -> Result<T, PullError> {
        Err(PullError::Sink("no space left on device".to_owned()))
    }
}

impl Sink for FullDisk<'_> {
    fn put(&mut self, item: Item) -> Result<bool, PullError> {
        if self.left == 0 {
            return Self::full();
        }
        self.left -= 1;
        self.basket.put(item)
    }

    fn remark(&mut self, remark: Remark) {
        self.basket.remark(remark);
    }

    fn gap(&mut self, gap: Remark) {
        self.basket.gap(gap);
    }

    fn checkpoint(&self) -> Option<String> {
        self.basket.checkpoint()
    }

    fn set_checkpoint(&mut self, cursor: &str) -> Result<(), PullError> {
        if self.left == 0 { Self::full() } else { self.basket.set_checkpoint(cursor) }
    }
}
