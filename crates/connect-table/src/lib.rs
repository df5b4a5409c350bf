//! Rows of CSV exports: columns become facts as they are.
