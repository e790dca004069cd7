//! Surroundings.
