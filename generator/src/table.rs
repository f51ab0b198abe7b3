//! The one hash table of the simulator.
//!
//! The hasher's key is fixed and the table cannot be iterated, so nothing of its order can show in the output.

use std::hash::Hash;

use foldhash::fast::FixedState;

/// A hash table that only answers for a key.
#[derive(Clone, Debug)]
pub struct Table<K, V>(hashbrown::HashMap<K, V, FixedState>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        // Any fixed value serves; it is the hasher's published default.
        Table(hashbrown::HashMap::with_hasher(FixedState::with_seed(0)))
    }
}

impl<K: Eq + Hash, V> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        let mut table = Table::default();
        for (key, value) in entries {
            table.insert(key, value);
        }
        table
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// Sets the value of a key, and returns the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// Removes a key, and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }
}
