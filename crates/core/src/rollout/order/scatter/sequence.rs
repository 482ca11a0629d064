//! A sequence in which a few items are relocated at a time.

/// The numbers below some length in any order.
///
/// They are kept in blocks of about the square root of the length, so that relocating a few of them costs a few
/// blocks: a label that is another one for each two Pods makes half as many terms as there are Pods, and none of them
/// may cost as much as all Pods.
#[derive(Debug)]
pub(super) struct Sequence {
    blocks: Vec<Vec<usize>>,
    /// The block of each item.
    block_of: Vec<usize>,
    /// Whether an item is being relocated.
    is_taken: Vec<bool>,
    /// How many were relocated since the blocks were of equal size.
    relocated: usize,
}

impl Sequence {
    /// Returns the numbers in ascending order.
    pub(super) fn new(length: usize) -> Self {
        let (block_of, is_taken) = (vec![0; length], vec![false; length]);
        let mut sequence = Self { blocks: Vec::new(), block_of, is_taken, relocated: 0 };
        sequence.divide((0..length).collect());
        sequence
    }

    /// Relocates items, which stay in the order that they have among each other. `before` says for each of them, in
    /// that order, how many of the items that stay come before it; it never decreases.
    pub(super) fn relocate(&mut self, items: &[usize], before: impl Fn(usize) -> usize) {
        let taken = self.take(items);
        self.put(&taken, before);
        self.relocated += items.len();
        if self.relocated >= self.block_size() {
            let items = std::mem::take(&mut self.blocks).into_iter().flatten().collect();
            self.divide(items);
        }
    }

    /// Returns the items in their order.
    pub(super) fn into_order(self) -> impl Iterator<Item = usize> {
        self.blocks.into_iter().flatten()
    }

    fn take(&mut self, items: &[usize]) -> Vec<usize> {
        let mut touched: Vec<usize> = items.iter().map(|item| self.block_of[*item]).collect();
        touched.sort_unstable();
        touched.dedup();
        for item in items {
            self.is_taken[*item] = true;
        }
        let mut taken = Vec::with_capacity(items.len());
        for block in touched {
            taken.extend(self.blocks[block].extract_if(.., |item| self.is_taken[*item]));
        }
        for item in items {
            self.is_taken[*item] = false;
        }
        taken
    }

    fn put(&mut self, items: &[usize], before: impl Fn(usize) -> usize) {
        let mut coming = items.iter().enumerate().map(|(at, item)| (before(at), *item)).peekable();
        let mut passed = 0;
        for (block, stayed) in self.blocks.iter_mut().enumerate() {
            let end = passed + stayed.len();
            if coming.peek().is_some_and(|(before, _)| *before <= end) {
                let mut old = std::mem::take(stayed).into_iter();
                for here in passed..=end {
                    while let Some((_, item)) = coming.next_if(|(before, _)| *before <= here) {
                        self.block_of[item] = block;
                        stayed.push(item);
                    }
                    stayed.extend(old.next());
                }
            }
            passed = end;
        }
    }

    fn divide(&mut self, items: Vec<usize>) {
        let size = self.block_size();
        self.blocks = items.chunks(size).map(<[usize]>::to_vec).collect();
        for (at, item) in items.into_iter().enumerate() {
            self.block_of[item] = at / size;
        }
        self.relocated = 0;
    }

    fn block_size(&self) -> usize {
        self.block_of.len().isqrt().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order_and_stand_where_they_are_told() {
        let mut sequence = Sequence::new(10);

        sequence.relocate(&[7, 2, 9], |at| [0, 3, 7][at]);
        sequence.relocate(&[0, 9], |_| 8);

        assert_eq!(sequence.into_order().collect::<Vec<_>>(), [2, 1, 3, 7, 4, 5, 6, 8, 0, 9]);
    }

    #[test]
    fn what_is_relocated_by_two_keeps_blocks_of_the_square_root() {
        let mut sequence = Sequence::new(10_000);

        for first in (0..10_000).step_by(2) {
            sequence.relocate(&[first, first + 1], |at| at * 5_000);
            let largest = sequence.blocks.iter().map(Vec::len).max();
            assert!(largest <= Some(202) && sequence.blocks.len() <= 100, "{largest:?}");
        }
    }
}
