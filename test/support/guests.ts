// The small WASI guests of test/guests and bench/guests, compiled when their sources changed.

export { buildGuests, guestFile } from "../../scripts/build-guests.mjs";
