//! Calendars of servers: scripted ones, what several makers answer, and Radicale.

mod caldav;
mod exchanges;
mod loopback;
mod radicale;
