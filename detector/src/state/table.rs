//! The one hot table: capped, with a fixed hash and an eviction that a flood of strangers cannot abuse.
//!
//! Entries stand in slots; an index finds them by a hash that mixes the whole key before it is masked, so that
//! addresses of one prefix spread as well as random ones. When all slots are taken, a hand walks over them: an
//! entry that was asked for since its last visit is passed over as many times as it is worth ([`Keep::worth`]), the
//! first one that is out of chances makes room. A new entry has no chance to lose: what is seen once goes first.
//! Everything depends on the order of calls alone, so the same frames give the same evictions on any machine.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Seed of the hash: any value will do, but it is the same everywhere. Somebody who knows it can craft collisions;
/// the cap bounds what that costs.
const SEED: u64 = 0x6372_7977_6f6c_6621;
/// The eviction hand gives up looking for a better victim after so many slots.
const MAX_STEPS: usize = 64;

/// How dear an entry is to its table.
pub trait Keep {
    /// Visits of the eviction hand that it survives after it was last asked for.
    fn worth(&self) -> u8 {
        1
    }
}

/// Names an entry for as long as it stays; an entry that was replaced is not found by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

struct Slot<K, V> {
    hash: u64,
    key: K,
    value: V,
    generation: u32,
    chances: u8,
    taken: bool,
}

/// A capped table. See the module for its eviction.
pub struct Table<K, V> {
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    free: Vec<u32>,
    hand: usize,
    capacity: usize,
    evicted: u64,
    /// The slot that was found last: frames of one conversation come in trains, and of one flood.
    last: Cell<usize>,
}

impl<K: Hash + Eq + Copy, V: Keep> Table<K, V> {
    /// A table of at most `capacity` entries. Memory grows with the entries.
    pub fn new(capacity: usize) -> Self {
        Table {
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            hand: 0,
            capacity: capacity.clamp(1, 1 << 30),
            evicted: 0,
            last: Cell::new(0),
        }
    }

    /// How many entries had to make room.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// How many entries there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether the entry that was found last is the one of that key.
    #[inline]
    fn is_last(&self, key: &K) -> bool {
        self.slots
            .get(self.last.get())
            .is_some_and(|slot| slot.taken && slot.key == *key)
    }

    #[inline]
    fn find(&self, key: &K) -> Option<usize> {
        if self.is_last(key) {
            return Some(self.last.get());
        }
        // Many a rule's table is empty most of the time.
        if self.slots.is_empty() {
            return None;
        }
        self.find_hashed(hash_of(key), key)
    }

    #[inline]
    fn find_hashed(&self, hash: u64, key: &K) -> Option<usize> {
        let slots = &self.slots;
        let found = self.index.find(hash, |at| {
            slots.get(*at as usize).is_some_and(|slot| slot.key == *key)
        });
        let at = *found? as usize;
        self.last.set(at);
        Some(at)
    }

    /// The entry of that key, without keeping it alive.
    #[inline]
    pub fn peek(&self, key: &K) -> Option<&V> {
        let slot = self.find(key)?;
        self.slots.get(slot).map(|slot| &slot.value)
    }

    /// The entry of that key.
    #[inline]
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key)?;
        let slot = self.slots.get_mut(at)?;
        slot.chances = slot.value.worth();
        Some(&mut slot.value)
    }

    /// The entry of that key and its handle.
    #[inline]
    pub fn lookup(&mut self, key: &K) -> Option<(Handle, &mut V)> {
        let at = self.find(key)?;
        let slot = self.slots.get_mut(at)?;
        slot.chances = slot.value.worth();
        let handle = Handle {
            slot: u32::try_from(at).ok()?,
            generation: slot.generation,
        };
        Some((handle, &mut slot.value))
    }

    /// The entry that a handle names, if it is still there, and its key.
    #[inline]
    pub fn by_handle(&mut self, handle: Handle) -> Option<(&K, &mut V)> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        (slot.taken && slot.generation == handle.generation).then_some((&slot.key, &mut slot.value))
    }

    /// The entry of that key, made by `make` where there is none; and what had to make room for it.
    pub fn get_or_insert_with(
        &mut self,
        key: K,
        make: impl FnOnce() -> V,
    ) -> (&mut V, Option<(K, V)>) {
        let (at, evicted) = match self.find(&key) {
            Some(at) => (at, None),
            None => {
                let (handle, evicted) = self.put(hash_of(&key), key, make());
                (handle.slot as usize, evicted)
            }
        };
        let slot = self
            .slots
            .get_mut(at)
            .expect("the index names slots that exist");
        if evicted.is_none() {
            slot.chances = slot.value.worth();
        }
        (&mut slot.value, evicted)
    }

    /// Puts an entry under a key that the table does not hold; returns its handle and what had to make room.
    #[inline]
    pub fn insert_new(&mut self, key: K, value: V) -> (Handle, Option<(K, V)>) {
        self.put(hash_of(&key), key, value)
    }

    fn put(&mut self, hash: u64, key: K, value: V) -> (Handle, Option<(K, V)>) {
        let mut fresh = Slot {
            hash,
            key,
            value,
            generation: 0,
            chances: 0,
            taken: true,
        };
        let mut evicted = None;
        let at = if let Some(at) = self.free.pop() {
            at as usize
        } else if self.slots.len() < self.capacity {
            self.slots.len()
        } else {
            self.make_room()
        };
        let number = u32::try_from(at).expect("capacity is at most 2^30");
        if let Some(slot) = self.slots.get_mut(at) {
            fresh.generation = slot.generation.wrapping_add(1);
            let old = std::mem::replace(slot, fresh);
            if old.taken {
                self.unindex(old.hash, number);
                self.evicted += 1;
                evicted = Some((old.key, old.value));
            }
        } else {
            self.slots.push(fresh);
        }
        let slots = &self.slots;
        self.index.insert_unique(hash, number, |slot| {
            slots.get(*slot as usize).map_or(0, |slot| slot.hash)
        });
        let generation = self.slots.get(at).map_or(0, |slot| slot.generation);
        let handle = Handle {
            slot: number,
            generation,
        };
        (handle, evicted)
    }

    fn unindex(&mut self, hash: u64, number: u32) {
        if let Ok(entry) = self.index.find_entry(hash, |slot| *slot == number) {
            entry.remove();
        }
    }

    /// The slot whose entry is to go.
    fn make_room(&mut self) -> usize {
        let mut best = (u8::MAX, self.hand);
        for _ in 0..MAX_STEPS {
            let at = self.hand;
            self.hand = (self.hand + 1) % self.capacity;
            let Some(slot) = self.slots.get_mut(at) else {
                continue;
            };
            if slot.chances == 0 {
                return at;
            }
            if slot.chances < best.0 {
                best = (slot.chances, at);
            }
            slot.chances -= 1;
        }
        best.1
    }

    /// Takes the entry of that key out.
    pub fn remove(&mut self, key: &K) -> Option<V>
    where
        V: Default,
    {
        let hash = hash_of(key);
        let at = self.find_hashed(hash, key)?;
        let number = u32::try_from(at).ok()?;
        self.unindex(hash, number);
        let slot = self.slots.get_mut(at)?;
        slot.taken = false;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(number);
        Some(std::mem::take(&mut slot.value))
    }

    /// Takes out the entries for which `ripe` holds, in the order of their slots, which depends on the calls
    /// before and on nothing else.
    pub fn take_ripe(&mut self, mut ripe: impl FnMut(&V) -> bool) -> Vec<(K, V)>
    where
        V: Default,
    {
        let keys: Vec<K> = self
            .slots
            .iter()
            .filter(|slot| slot.taken && ripe(&slot.value))
            .map(|slot| slot.key)
            .collect();
        keys.into_iter()
            .filter_map(|key| self.remove(&key).map(|value| (key, value)))
            .collect()
    }
}

#[inline]
fn hash_of<K: Hash>(key: &K) -> u64 {
    FixedState::with_seed(SEED).hash_one(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Keep for u32 {
        fn worth(&self) -> u8 {
            u8::from(*self >= 1000) * 3
        }
    }

    #[test]
    fn what_is_dear_outlives_a_flood_of_strangers() {
        let mut table = Table::new(100);
        for dear in 0..10u64 {
            *table.get_or_insert_with(dear, || 1000).0 += 1;
        }
        for stranger in 100..100_000u64 {
            table.insert_new(stranger, 0);
            if stranger % 50 == 0 {
                for dear in 0..10 {
                    table.get_mut(&dear);
                }
            }
        }
        assert_eq!(table.len(), 100);
        for dear in 0..10 {
            assert_eq!(table.peek(&dear), Some(&1001));
        }
        assert_eq!(table.evicted(), 99_900 - 90);
    }

    #[test]
    fn a_handle_does_not_find_a_successor() {
        let mut table = Table::new(1);
        let (first, _) = table.insert_new(1u64, 7u32);
        assert_eq!(table.by_handle(first).map(|(_, v)| *v), Some(7));
        let (_, evicted) = table.insert_new(2, 8);
        assert_eq!(evicted, Some((1, 7)));
        assert!(table.by_handle(first).is_none());
    }

    proptest! {
        #[test]
        fn below_its_cap_it_is_a_map(calls in proptest::collection::vec((0u64..50, any::<bool>(), 0u32..9), 0..300)) {
            let mut table = Table::new(50);
            let mut model = BTreeMap::new();
            for (key, remove, value) in calls {
                if remove {
                    prop_assert_eq!(table.remove(&key), model.remove(&key));
                } else {
                    *table.get_or_insert_with(key, || 0).0 += value;
                    *model.entry(key).or_insert(0) += value;
                }
                prop_assert_eq!(table.len(), model.len());
            }
            for (key, value) in &model {
                prop_assert_eq!(table.peek(key), Some(value));
            }
            let mut left = table.take_ripe(|_| true);
            left.sort_unstable();
            prop_assert!(left.into_iter().eq(model));
            prop_assert_eq!(table.len(), 0);
        }
    }
}
