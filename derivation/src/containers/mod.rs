//! The table of lives: directories, lives of containers, and how they are found.

pub(crate) mod directory;
pub(crate) mod end;
pub(crate) mod ids;
pub(crate) mod life;
pub(crate) mod life_table;
pub(crate) mod same_id_lives;
pub(crate) mod small_list;
pub(crate) mod usage;
