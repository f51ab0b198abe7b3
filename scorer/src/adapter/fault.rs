//! Why a line says nothing.

/// Why a line says nothing.
pub(super) enum Fault {
    /// It is no record of this format: passed over, counted, and said.
    Unreadable(String),
    /// It is wrong, and so is the file: whoever wrote it meant this format.
    Wrong(String),
}
