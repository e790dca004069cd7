//! Rendering: what templates make, where faults point, and that no value changes structure.

mod estate;
mod faults;
mod generated;
mod hostile;
mod once;
mod templates;
