//! The same plans against real servers. Each test needs PostgreSQL or MariaDB on this machine,
//! starts them itself, and says so where they are not installed.

mod bringing_up;
mod guards;
// What the tests of programs that are killed do with servers is not all done here.
#[allow(dead_code)]
mod host;
mod looking;
mod nasty;
mod others;
mod restoring;
mod waves;
mod world;
