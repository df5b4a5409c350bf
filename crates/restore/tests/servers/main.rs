//! The same plans against real servers. Each test needs PostgreSQL or MariaDB on this machine,
//! starts them itself, and says so where they are not installed.

mod bringing_up;
mod host;
mod looking;
mod nasty;
mod others;
mod restoring;
mod world;
