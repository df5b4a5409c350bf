//! Payments from Stripe: exported objects, Dashboard CSV and the API.
