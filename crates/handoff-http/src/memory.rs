//! Memory for bodies, bounded over all callers of an endpoint.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is handed out in pieces of this many bytes.
const PIECE: usize = 64 * 1024;

/// What there is of it.
#[derive(Debug, Clone)]
pub(crate) struct Memory(Arc<Semaphore>);

/// What one body holds of it, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(Option<OwnedSemaphorePermit>);

/// Others hold it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

impl Memory {
    /// So many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / PIECE)))
    }

    /// Sees to it that memory for `bytes` bytes is held.
    pub(crate) fn reserve(&self, held: &mut Held, bytes: usize) -> Result<(), OutOfMemory> {
        let pieces = held.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(more) = u32::try_from(bytes.div_ceil(PIECE).saturating_sub(pieces)).ok().filter(|more| *more > 0)
        else {
            return Ok(());
        };
        let more = self.0.clone().try_acquire_many_owned(more).map_err(|_| OutOfMemory)?;
        match &mut held.0 {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_grows_with_the_body_and_is_given_back_with_it() {
        let memory = Memory::of(3 * PIECE);
        let (mut first, mut second) = (Held::default(), Held::default());
        assert_eq!(memory.reserve(&mut first, 1), Ok(()));
        assert_eq!(memory.reserve(&mut first, PIECE), Ok(()));
        assert_eq!(memory.reserve(&mut first, PIECE + 1), Ok(()));
        assert_eq!(memory.reserve(&mut second, 1), Ok(()));
        assert_eq!(memory.reserve(&mut second, PIECE + 1), Err(OutOfMemory));
        drop(first);
        assert_eq!(memory.reserve(&mut second, 3 * PIECE), Ok(()));
    }
}
