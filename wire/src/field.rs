//! Fields that follow from the rest of a packet, unless somebody says otherwise.

/// A length, checksum or similar field: what the rest of the packet implies, or a value that contradicts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The right value, worked out when the packet becomes bytes.
    #[default]
    Computed,
    /// This value, right or wrong.
    Forced(T),
}

impl<T> Field<T> {
    /// The forced value, or else the computed one.
    pub fn or(self, compute: impl FnOnce() -> T) -> T {
        match self {
            Field::Computed => compute(),
            Field::Forced(value) => value,
        }
    }
}
