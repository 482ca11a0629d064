//! The checks, one a file.

mod core_floors;
mod core_order;
mod crate_floors;
mod docs_index;
mod file_length;
mod links;
mod module_docs;
mod orphan_files;
mod source_paths;

pub use core_floors::core_floors;
pub use crate_floors::crate_floors;
pub use docs_index::docs_index;
pub use file_length::file_length;
pub use links::links;
pub use module_docs::module_docs;
pub use orphan_files::orphan_files;
pub use source_paths::source_paths;
